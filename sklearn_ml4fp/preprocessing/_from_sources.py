"""Transformers on sources: what is learned of events that exceed the memory, and the change of each chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import wraps
from inspect import signature
from typing import Any

import numpy as np
from sklearn.utils.validation import FLOAT_DTYPES

from .._missing import check_array
from .._requests import declines_weights
from .._row_sample import Rows, RowSample
from .._validation import check_sum, event_weights
from ..data import EventSource

_CHUNKS = 16  # so many would fit into the memory
_LEAST = 256  # entries of a chunk
_SAMPLE = 4  # a sample takes this part of the memory at most
_ENOUGH = 10**6  # events of a sample: a quantile of the middle is then known to a thousandth of the events
_ROWS = 1 << 15  # rows whose sums are taken at a time
_OF_A_COLUMN = ("least", "most", "least_positive", "missing", "weights", "_shift", "_first", "_second")


def takes_sources(cls: Any) -> Any:
    """Make a transformer's ``fit`` and ``transform`` take an `EventSource`, as a decorator of the class.

    A source that takes ``memory`` bytes at most is read, and ``fit`` is that in memory. Of a larger one, the class
    learns by its ``_learn_from(chunks)``. ``transform`` gives a source whose chunks are changed as they are read.
    """
    fit, transform, fit_transform = cls.fit, cls.transform, cls.fit_transform
    takes_weights = "sample_weight" in signature(fit).parameters

    @wraps(fit)
    def fit_any(self: Any, X: Any, y: Any = None, *args: Any, **params: Any) -> Any:
        self.__dict__.pop("n_sampled_", None)
        if not isinstance(X, EventSource):
            return fit(self, X, y, *args, **params)
        if any(one is not None for one in (y, *args, *params.values())):
            raise ValueError(
                f"{type(self).__name__} is fitted on an EventSource, which carries targets and weights by itself: "
                "say target= and weight= in the source, and pass it alone."
            )
        weighted = takes_weights and X.weight is not None and not declines_weights(self, "fit")
        held, entry_bytes = X.held()
        if held is not None:
            return fit(
                self,
                held.data,
                held.target,
                **({"sample_weight": held.sample_weight} if weighted else {}),
            )
        self._learn_from(Chunks(X, max(_LEAST, int(X.memory / _CHUNKS / entry_bytes)), weighted))
        return self

    @wraps(transform)
    def transform_any(self: Any, X: Any, *args: Any, **params: Any) -> Any:
        if isinstance(X, EventSource):
            return X.map(self.transform)
        return transform(self, X, *args, **params)

    @wraps(fit_transform)
    def fit_transform_any(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        if isinstance(X, EventSource):
            return self.fit(X, y, **params).transform(X)
        return fit_transform(self, X, y, **params)

    cls.fit, cls.transform, cls.fit_transform = fit_any, transform_any, fit_transform_any
    return cls


@dataclass
class Chunks:
    """Events of a source that exceeds its memory, piece by piece, as often as they are iterated over.

    Parameters
    ----------
    source : EventSource
        Events.
    n_entries : int
        Entries of a piece.
    weighted : bool
        Whether their weights count.
    change : callable
        Function ``(data, target, weights)`` that returns the same three.
    """

    source: EventSource
    n_entries: int
    weighted: bool
    change: Callable[[Any, Any, Any], tuple[Any, Any, Any]] | None = None

    def __iter__(self) -> Iterator[tuple[Any, Any, Any]]:
        for events in self.source.chunks(self.n_entries):
            piece = events.data, events.target, events.sample_weight if self.weighted else None
            yield piece if self.change is None else self.change(*piece)

    def changed(self, change: Callable[[Any, Any, Any], tuple[Any, Any, Any]]) -> Chunks:
        """Return the same with pieces that a function changes."""
        return replace(self, change=change)

    def rows(self) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Yield the checked rows of tables and their weights; rows of weight zero are left out."""
        for X, _, weights in self:
            X = check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", ensure_min_samples=0)
            weights = event_weights(weights, len(X))
            if weights is not None and not weights.all():
                X, weights = X[weights != 0], weights[weights != 0]
            if len(X):
                yield X, weights

    def surveyed(self) -> Survey:
        """Read all rows, and sum them up."""
        return self._shown_to(Survey())

    def sampled(self) -> tuple[Survey, Rows]:
        """Read all rows, sum them up, and draw some at random."""
        sample = RowSample(_ENOUGH)
        return self._shown_to(Survey(), sample), sample.read()

    def _shown_to(self, survey: Survey, *samples: RowSample) -> Survey:
        for X, weights in self.rows():
            survey.add(X, weights)
            for sample in samples:
                sample.most = min(_ENOUGH, max(_LEAST, self.source.memory // _SAMPLE // X[0].nbytes))
                sample.add(X, weights)
        check_sum(survey.total, survey.size, "sample_weight")
        return survey


class Survey:
    """Sums and extremes of the columns of a table; NaN is left out.

    Attributes
    ----------
    n : int
        Number of rows.
    total, size : float
        Σw and Σ|w| of all rows.
    least, most, least_positive : ndarray of shape (n_columns,)
        Extremes; NaN where there is none.
    missing : ndarray of bool, shape (n_columns,)
        Whether any value is missing.
    weights : ndarray of shape (n_columns,)
        Σw of the rows that have a value.
    """

    n = 0
    total = size = 0.0

    def add(self, X: np.ndarray, weights: np.ndarray | None) -> None:
        """Take in rows."""
        if not self.n:
            self.least = self.most = self.least_positive = np.full(X.shape[1], np.nan, dtype=X.dtype)
            self.missing = np.zeros(X.shape[1], dtype=bool)
            self.weights, self._first, self._second = np.zeros((3, X.shape[1]))
            # near the mean, so that differences of the sums keep their precision, and exact for a constant
            nothing = np.isnan(X).all(axis=0)
            self._shift = np.nanmedian(np.where(nothing, 0.0, X), axis=0).astype(np.float64)
        self.n += len(X)
        for start in range(0, len(X), _ROWS):
            part = slice(start, start + _ROWS)
            self._add(X[part], np.ones(len(X[part])) if weights is None else weights[part])

    def _add(self, X: np.ndarray, weights: np.ndarray) -> None:
        self.total, self.size = self.total + float(weights.sum()), self.size + float(np.abs(weights).sum())
        missing = np.isnan(X)
        self.missing |= missing.any(axis=0)
        d = np.where(missing, 0.0, X - self._shift)
        self.weights += weights @ ~missing
        self._first += weights @ d
        self._second += weights @ np.square(d)
        self.least = np.fmin(self.least, np.fmin.reduce(X, axis=0))
        self.most = np.fmax(self.most, np.fmax.reduce(X, axis=0))
        positive = np.fmin.reduce(np.where(X > 0, X, X.dtype.type(np.nan)), axis=0)
        self.least_positive = np.fmin(self.least_positive, positive)

    def of(self, columns: np.ndarray) -> Survey:
        """Return the survey of some of the columns."""
        part = copy(self)
        part.__dict__.update({name: getattr(self, name)[columns] for name in _OF_A_COLUMN})
        return part

    @property
    def row(self) -> np.ndarray:
        """Table of one row in the type of the columns: their least values."""
        return self.least[np.newaxis]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute the weighted means and variances; NaN for a column without a value."""
        with np.errstate(divide="ignore", invalid="ignore"):
            first = self._first / self.weights
            return self._shift + first, self._second / self.weights - np.square(first)
