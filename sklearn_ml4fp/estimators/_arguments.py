"""Arguments of a training: what an estimator and its learned state tell the net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from ..engine import CheckpointFile, Recipe, TensorData, has_bfloat16
from ._fitted import Part
from ._metrics import measure_of, scorers_of
from ._sharing import measured_together, shares_of_hold_out
from ._streams import StreamedPart

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


def arguments_of(
    estimator: Any,
    train: Any,
    valid: Any,
    epochs: int,
    recipe: Recipe,
    observers: tuple[Callback, ...] = (),
    checkpoint: CheckpointFile | None = None,
) -> dict[str, Any]:
    """Make the arguments of the training of the net."""
    fitted = estimator._fitted
    if estimator.augment is not None and isinstance(train, StreamedPart):
        train.change = changer_of(estimator, train.sample())
    data = fitted.source(train)
    if estimator.augment is not None and isinstance(train, Part):
        data.refresh = refresher_of(estimator, train)
    processes, own, held, measure = fitted.processes, valid, valid, None
    if processes.n > 1 and valid is not None:
        own, held = shares_of_hold_out(valid, processes)
    if estimator.metrics and held is not None:
        measure = measure_of(estimator, scorers_of(estimator.metrics), held)
        measure = measured_together(measure, processes) if processes.n > 1 else measure
    automatic = estimator.precision == "auto" and has_bfloat16(estimator.net_.device)
    return {
        "data": data,
        "valid": None if own is None else fitted.source(own),
        "epochs": epochs,
        "seed": fitted.seed(),
        "observers": observers,
        "recipe": recipe,
        "measure": measure,
        "monitor": estimator.monitor,
        "bfloat16": automatic or estimator.precision == "bfloat16",
        "compiled": estimator.compile,
        "checkpoint": checkpoint,
        "processes": processes,
    }
