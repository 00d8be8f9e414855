"""What predicts inside of a composition."""

from __future__ import annotations

from typing import Any

_WHERE = ("best_estimator_", "estimator_", "regressor_")  # in a search, and in what wraps one model


def inner_model(model: Any) -> Any:
    """Return the last step, the best model of a search, or the model that is wrapped; None if there is no such one."""
    if hasattr(model, "steps"):
        return model.steps[-1][1]
    found = (getattr(model, name, None) for name in _WHERE)
    return next((one for one in found if one is not None), None)
