"""Sources in the place of arrays: what is read at once, what is a stream, scores and predictions chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import numpy as np

from .._source_inputs import CHUNK, answered, check_alone, scored_by_chunks
from .._validation import entry_weights
from ..data import EventSource, RaggedArray
from ..engine import ahead
from ._entries import check_entries, flat, ragged
from ._targets import refuse_ragged


@dataclass
class Large:
    """Source that is larger than its ``memory``.

    Parameters
    ----------
    source : EventSource
        Events.
    entry_bytes : float
        Memory that an entry takes.
    """

    source: EventSource
    entry_bytes: float


def refuse_source(X: Any) -> None:
    """Refuse a source where one pass over a part of the data is asked for."""
    if isinstance(X, EventSource):
        raise ValueError(
            "partial_fit trains for one pass over arrays, and got an EventSource: fit(source) trains on files of any "
            "size, and partial_fit on their chunks, for events in source.chunks(): network.partial_fit(events.data, "
            "events.target)."
        )


def read_if_small(name: str, X: Any, y: Any, weights: Any, groups: Any = None) -> tuple[Any, Any, Any, Any]:
    """Read the events of a source ``X`` that fits into its ``memory``; a larger one becomes `Large`."""
    check_alone(name, y=y, weights=weights, groups=groups)
    if X.target is None:
        raise ValueError(f"{X!r} has no target: say which column it is by target=.")
    held, entry_bytes = X.held()
    if held is None:
        return Large(X, entry_bytes), None, None, None
    return held.data, held.target, held.sample_weight, held.groups


def scored(metric: Callable[..., float], estimator: Any, source: EventSource, y: Any, weights: Any) -> float:
    """Compare the targets of a source with what is predicted for its events; it is read once."""
    compare = partial(_compared, estimator)
    return scored_by_chunks(type(estimator).__name__, source, compare, metric, y=y, sample_weight=weights)


def _compared(estimator: Any, events: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Targets, predictions and weights of a chunk, those of points or edges one after the other."""
    predicted, target, weights = estimator.predict(events.data), events.target, events.sample_weight
    if isinstance(predicted, RaggedArray):
        check_entries(ragged(target), predicted.offsets, estimator.output)
        weights = entry_weights(weights, target)
    else:
        refuse_ragged(target)
    return flat(target), flat(predicted), weights


def chunk_by_chunk(predict: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method that predicts points or edges take a source: it predicts one chunk after the other."""

    @wraps(predict)
    def predict_any(self: Any, X: Any, *args: Any, **given: Any) -> Any:
        if not (isinstance(X, EventSource) and self._has_entries) or self._knows(X):
            return predict(self, X, *args, **given)
        return answered(ahead(X.chunks(CHUNK)), lambda events: predict(self, events.data, *args, **given))

    return predict_any
