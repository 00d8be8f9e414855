"""Augmentation of the training part: events that are changed anew in every epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import TensorData
from ._fitted import Part

Change = Callable[[Part, np.random.RandomState], Part]


def changer_of(estimator: Any, train: Part) -> Change:
    """Make a function that changes events and their targets, learned from training events."""
    names, by_class = getattr(estimator, "feature_names_in_", None), estimator._fitted.target.by_class
    known = "y" if by_class else "target"  # classes stay, the targets of a regression change with the events
    there = slice(None) if train.weights is None else np.flatnonzero(train.weights)  # weight zero is no event
    augment = estimator.augment.learn(train.X[there], names=names, **{known: train.target[there]})

    def change(part: Part, rng: np.random.RandomState) -> Part:
        changed = augment.augment(part.X, rng, names=names, **{known: part.target})
        X, target = (changed, part.target) if by_class else changed
        return Part(X, target, part.weights)

    return change


def refresher_of(estimator: Any, train: Part) -> Callable[[], TensorData]:
    """Make a function that returns the data of an epoch: newly changed training events and their targets."""
    fitted = estimator._fitted
    rng = np.random.RandomState(fitted.seed())
    change = changer_of(estimator, train)

    def refresh() -> TensorData:
        return fitted.source(change(train, rng))

    refresh.rng = rng  # type: ignore[attr-defined]  # of which a checkpoint keeps the state
    return refresh
