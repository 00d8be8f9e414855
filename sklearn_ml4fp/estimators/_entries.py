"""Outputs of points and edges: their targets, and predictions in the form of these targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..data import RaggedArray
from ._targets import ClassTarget, NumberTarget


def flat(numbers: Any) -> Any:
    """Numbers of all points or edges, one after the other; others are returned as they are."""
    return numbers.values if isinstance(numbers, RaggedArray) else numbers


def ragged(y: Any) -> RaggedArray:
    """Return targets of points or edges; others are an error."""
    if not isinstance(y, RaggedArray):
        raise TypeError(
            f"y must be a RaggedArray with one value for every point or edge, got {type(y).__name__}: "
            "RaggedArray(values, offsets), with the offsets of the points, or of the edges, of X; an EventSource reads "
            "that of points by target={'Hit': 'label'}, and edge_labels(source) makes that of edges."
        )
    return y


def check_entries(target: RaggedArray, entries: np.ndarray, output: str) -> None:
    """Refuse targets that are not one for every point or edge, of which ``entries`` are the offsets."""
    if not np.array_equal(target.offsets, entries):
        raise ValueError(
            f"y must have one value for every {output} of X: expected {entries[-1]} values for {len(entries) - 1} "
            f"events, got {len(target.values)}, or other numbers of them for an event."
        )


class OfEntries:
    """Mixin of a target that has a value for every point or edge: the values are those of a flat target."""

    def check(self, y: Any) -> RaggedArray:
        """Return the numbers of the classes, or the targets, in the form of ``y``."""
        return ragged(y).with_values(super().check(y.values))  # type: ignore[misc]

    def check_again(self, y: Any) -> RaggedArray:
        """Return the same for values that were checked before."""
        return ragged(y).with_values(super().check_again(y.values))  # type: ignore[misc]

    def learn_factors(self, target: RaggedArray, weights: RaggedArray | None, *, complete: bool) -> None:
        """Learn the factors of the classes from all values of the training part."""
        super().learn_factors(flat(target), flat(weights), complete=complete)  # type: ignore[misc]

    def weigh(self, target: RaggedArray, weights: RaggedArray | None) -> np.ndarray | None:
        """Return the weights of all values, class weights included."""
        return super().weigh(flat(target), flat(weights))  # type: ignore[misc]

    def restore(self, target: RaggedArray) -> RaggedArray:
        """Labels or targets, as ``y`` has them."""
        return target.with_values(super().restore(target.values))  # type: ignore[misc]

    def encode(self, target: RaggedArray) -> torch.Tensor:
        """Convert all values to the tensor that the loss compares with the outputs."""
        return super().encode(flat(target))  # type: ignore[misc]


class EntryClassTarget(OfEntries, ClassTarget):  # type: ignore[misc]
    """Classes of points or edges."""

    def read(self, y: Any) -> RaggedArray:
        """Check the labels of a chunk, in which not all classes need be."""
        return ragged(y).with_values(self.labels(y.values))


class EntryNumberTarget(OfEntries, NumberTarget):  # type: ignore[misc]
    """Numbers of points or edges."""


class EntryOutputs:
    """Mixin of a network, which may have an output for every point or edge of an event."""

    members_: Any
    augment: Any
    predict: Callable[..., Any]

    @property
    def _has_entries(self) -> bool:
        """Whether every point or edge of an event has an output."""
        return getattr(self, "output", "event") != "event"

    def _knows(self, X: Any) -> bool:
        """Whether the outputs for these events are known, while a scorer asks for predictions."""
        known = self.members_[0]._fitted.known
        return known is not None and X is known[0]

    def _score_values(self, metric: Callable[..., float], X: Any, y: Any, sample_weight: Any) -> float:
        """Compare targets, those of all points or edges where these have some, with what is predicted for them."""
        fitted = self.members_[0]._fitted
        part = fitted.check(self, X, y, sample_weight)
        true, weights = flat(fitted.target.restore(part.target)), flat(part.weights)
        return float(metric(true, flat(self.predict(X)), sample_weight=weights))

    def _shaped(self, X: Any, values: np.ndarray) -> Any:
        """Return what was computed for the events, points or edges of ``X`` in the form that their target has."""
        return self.members_[0]._fitted.shaped(self, X, values)

    def _check_augmenter(self, y: Any) -> None:
        """Refuse an augmenter that would have to change the targets without declaring how."""
        if self._has_entries:
            raise ValueError(
                f"augment={self.augment!r} is for outputs of events: an augmenter may drop points or move them, and "
                'does not know the values in y. Pass augment=None, or output="event".'
            )
