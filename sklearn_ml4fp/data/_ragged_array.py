"""Ragged arrays: a number, or a row of numbers, for each point or edge of events that have any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._missing import real_numbers
from .._optional import needs
from .._segments import Index, cut, gather, offsets_from_counts
from ._ragged import Ragged, check_offsets


class RaggedArray(Ragged):
    """Numbers of the points or edges of events, in one flat array that scikit-learn can slice by event.

    It is what a target, a prediction or a weight per point looks like. Entry ``offsets[i]`` to entry
    ``offsets[i + 1]`` of ``values`` belong to event ``i``. Masks, integer arrays and slices select events as they
    select rows of an array; an integer gives the entries of one event.

    Parameters
    ----------
    values : array-like of shape (n_entries,) or (n_entries, n_columns)
        Numbers of all entries, event after event. The type of the numbers is kept.
    offsets : array-like of shape (n_events + 1,)
        Position of the first entry of each event, rising from 0 to ``n_entries``: the ``offsets`` of
        :class:`PointClouds`, or the ``edge_offsets`` of :class:`Graphs`.

    Attributes
    ----------
    counts : ndarray of shape (n_events,)
        Number of entries of each event.
    shape : tuple
        ``(n_events,)``.

    Raises
    ------
    ValueError
        Values are no numbers, or offsets do not fit them.
    TypeError
        The container is converted to one numpy array: use ``values``.

    See Also
    --------
    PointClouds : Points with features.
    Graphs : Points with features, and edges between them.
    edge_labels : Labels of the edges of graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import RaggedArray
    >>> y = RaggedArray([1, 0, 1, 1], offsets=[0, 3, 3, 4])
    >>> y
    RaggedArray(3 events, 4 entries, int64)
    >>> y[[2, 0]].values
    array([1, 1, 0, 1])
    """

    def __init__(self, values: ArrayLike, offsets: ArrayLike) -> None:
        array = real_numbers(values, exact="values")
        if array is None or array.ndim not in (1, 2):
            found = np.asarray(values) if array is None else array
            raise ValueError(
                f"values must be numbers, one per entry or one row per entry; got {found.dtype} of shape {found.shape}."
            )
        self.values: NDArray[Any] = array
        self.offsets: Index = check_offsets(offsets, len(array), "offsets")

    @classmethod
    def from_list(cls, events: Sequence[ArrayLike]) -> Self:
        """Make a ragged array of a list with one array per event, or of an awkward array of lists.

        Parameters
        ----------
        events : sequence of array-like of shape (n_entries,) or (n_entries, n_columns)
            Numbers of each event. Events without entries are legal.
        """
        parts = [np.asarray(event) for event in events]
        filled = [part for part in parts if part.size]
        values = np.concatenate(filled) if filled else np.zeros(0)
        return cls(values, offsets_from_counts([len(part) for part in parts]))

    @property
    def counts(self) -> Index:
        """Number of entries of each event, shape (n_events,)."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def with_values(self, values: ArrayLike) -> Self:
        """Return other numbers for the same entries."""
        return type(self)(values, self.offsets)

    def spread(self, per_event: ArrayLike) -> NDArray[Any]:
        """Repeat numbers of the events ``(n_events, ...)`` for all entries of an event: ``(n_entries, ...)``."""
        return np.repeat(np.asarray(per_event), self.counts, axis=0)

    def to_awkward(self) -> Any:
        """Convert to an awkward array of lists.

        Raises
        ------
        ImportError
            awkward is not installed; it comes with the extra ``hep``.
        """
        return needs("awkward").unflatten(self.values, self.counts)

    @classmethod
    def concatenate(cls, parts: Sequence[RaggedArray]) -> Self:
        """Join the events of all parts in one ragged array, in order."""
        if not parts:
            raise ValueError("nothing to concatenate: give at least one RaggedArray.")
        counts = np.concatenate([part.counts for part in parts])
        return cls(np.concatenate([part.values for part in parts]), offsets_from_counts(counts))

    def _item(self, i: int) -> NDArray[Any]:
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    def _cut(self, first: int, last: int) -> Self:
        return type(self)(*cut(self.values, self.offsets, first, last))

    def _gather(self, index: Index) -> Self:
        return type(self)(*gather(self.values, self.offsets, index))

    def __eq__(self, other: object) -> bool:
        """Return whether all numbers and events are the same; NaN equals NaN."""
        if not isinstance(other, RaggedArray):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(
            self.values, other.values, equal_nan=self.values.dtype.kind == "f" and other.values.dtype.kind == "f"
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        raise TypeError(
            "a RaggedArray does not become one array by itself: its events have different numbers of values. Take "
            ".values, all of them one after the other, for a metric of scikit-learn, say; the scorers of this package "
            "do that by themselves (sklearn_ml4fp.SCORERS, make_weighted_scorer). CalibratedClassifierCV takes one "
            "label for each event: fit IsotonicRegression to the .values of what CrossFitClassifier predicts instead."
        )

    def __repr__(self) -> str:
        columns = f", {self.values.shape[1]} columns" if self.values.ndim == 2 else ""
        return f"RaggedArray({len(self)} events, {len(self.values)} entries{columns}, {self.values.dtype})"
