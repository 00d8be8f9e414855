"""What a model file says about the model, to be read without loading it."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

import sklearn_ml4fp

from .._inner_model import inner_model

FORMAT = 1  # of the model files that are written; all up to it are read
_PACKAGES = ("scikit-learn", "torch", "numpy")


def versions() -> dict[str, str]:
    """Versions of what a model depends on."""
    others = {package: version(package) for package in _PACKAGES}
    return {"sklearn_ml4fp": sklearn_ml4fp.__version__, **others, "python": platform.python_version()}


def describe(model: Any, types: list[str]) -> dict[str, Any]:
    """Describe a model as JSON can hold it; ``types`` are those that whoever loads it must trust."""
    parameters = model.get_params(deep=True) if hasattr(model, "get_params") else {}
    parts = {name: value for name, value in parameters.items() if hasattr(value, "get_params")}
    lists = {name for name, value in parameters.items() if _holds_parts(value)}
    network = _network_of(model)
    fitted = None if network is None else network._fitted
    return {
        "format": FORMAT,
        "class": _name_of(model),
        "steps": {name: _name_of(part) for name, part in parts.items() if not isinstance(part, type)},
        "hyperparameters": {
            name: _plain(value) for name, value in parameters.items() if name not in parts.keys() | lists
        },
        "columns": _columns(model, fitted),
        "classes": _plain(_learned(model, "classes_")),
        "target": None if fitted is None else _plain(fitted.target.unit),
        "trusted": types,
        "versions": versions(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _name_of(part: Any) -> str:
    kind = type(part)
    return f"{kind.__module__}.{kind.__qualname__}"


def _holds_parts(value: Any) -> bool:
    """Whether a hyperparameter is a list of estimators, as ``steps`` is: they are hyperparameters themselves."""
    return isinstance(value, list | tuple) and any(
        isinstance(one, tuple) and any(hasattr(part, "get_params") for part in one) for one in value
    )


def _learned(model: Any, name: str) -> Any:
    """A learned attribute; None where a model has none, or is not fitted."""
    try:
        return getattr(model, name, None)
    except Exception:  # properties of scikit-learn's compositions ask parts that may not be fitted
        return None


def _network_of(model: Any) -> Any:
    """The network that predicts in the end; None if there is none."""
    while model is not None and not hasattr(model, "net_"):
        if hasattr(model, "_members"):  # several networks: the first stands for all
            return model._members[0]
        if hasattr(model, "regressor_"):  # of which the targets are transformed
            return None
        model = inner_model(model)
    return model


def _columns(model: Any, fitted: Any) -> Any:
    """Names of the columns, or of the features of points and of the event columns beside them, or a number."""
    names = _learned(model, "feature_names_in_")
    if names is None and fitted is not None:
        names = fitted.input.columns
    return _plain(_learned(model, "n_features_in_") if names is None else names)


def _plain(value: Any) -> Any:
    """A value as JSON holds it, by its text if it is none of JSON's."""
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)[:1000]
