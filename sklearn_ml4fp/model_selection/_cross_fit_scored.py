"""What a scorer sees of a cross-fitted estimator: each event is predicted by the model that has not seen it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._requests import asks_for
from ..data import EventSource

RESPONSES = ("predict", "predict_proba", "decision_function")


class ByFold:
    """Estimator for a scorer, which predicts every event by the model of its fold.

    Parameters
    ----------
    fitted : CrossFit
        Fitted estimator.
    folds : ndarray of shape (n_events,) or None
        Fold of each event, or None to average the models.
    params : dict
        Metadata of the events.
    events : array-like of shape (n_events, ...) or None
        Events whose responses are asked for once and kept, if there are any.
    """

    def __init__(self, fitted: Any, folds: np.ndarray | None, params: dict[str, Any], events: Any = None) -> None:
        self.fitted = fitted
        self.folds = folds
        self.params = params
        self.events = events
        self.kept: dict[str, Any] = {}

    def __sklearn_tags__(self) -> Any:
        return self.fitted.__sklearn_tags__()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.fitted, name)  # AttributeError if the models cannot
        if name not in RESPONSES:
            return value

        def respond(X: Any) -> np.ndarray:
            if name in self.kept and X is self.events:
                return self.kept[name]
            model = self.fitted.estimators_[0]
            wanted = {key: value for key, value in self.params.items() if asks_for(model, name, key)}
            response = self.fitted._respond(name, X, self.folds, wanted)
            if X is self.events:
                self.kept[name] = response
            return response

        respond.__name__ = name  # scorers ask a method for its name
        return respond


@dataclass
class OfSource:
    """Estimator for a scorer, whose events are row numbers of a source; it is read once for each kind of response.

    Parameters
    ----------
    fitted : CrossFit
        Fitted estimator.
    source : EventSource
        Events.
    """

    fitted: Any
    source: EventSource

    def __post_init__(self) -> None:
        self._kept: dict[str, np.ndarray] = {}

    def __sklearn_tags__(self) -> Any:
        return self.fitted.__sklearn_tags__()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "fitted":
            raise AttributeError(name)
        value = getattr(self.fitted, name)  # AttributeError if the models cannot
        if name not in RESPONSES:
            return value

        def respond(rows: np.ndarray) -> np.ndarray:
            if name not in self._kept:
                self._kept[name] = value(self.source)
            return self._kept[name][rows]

        respond.__name__ = name  # scorers ask a method for its name
        return respond
