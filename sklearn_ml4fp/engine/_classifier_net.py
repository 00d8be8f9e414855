"""Net of a classification, as callbacks of skorch know it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from ._net import Net


class ClassifierNet(ClassifierMixin, Net):
    """Net with one output per class, which scoring callbacks of skorch recognise as a classifier."""

    def __init__(self, *args: Any, n_classes: int, **params: Any) -> None:
        self.n_classes = n_classes
        super().__init__(*args, **params)

    @property
    def classes_(self) -> np.ndarray[Any, Any]:
        """Numbers of the classes."""
        return np.arange(self.n_classes)

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """Predict class probabilities ``(n_events, n_classes)``."""
        probabilities: np.ndarray[Any, Any] = self.criterion_.read(self.forward(X)).softmax(1).detach().numpy()
        return probabilities

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """Predict the numbers of the most probable classes, ``(n_events,)``."""
        best: np.ndarray[Any, Any] = self.predict_proba(X).argmax(axis=1)
        return best
