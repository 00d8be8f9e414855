"""Arguments of a training: what an estimator and its learned state tell the net."""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback

from ..engine import CheckpointFile, Recipe, has_bfloat16
from ._augmenting import changer_of, refresher_of
from ._fitted import Part
from ._metrics import measure_of, scorers_of
from ._sharing import measured_together, shares_of_hold_out
from ._streams import StreamedPart


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
