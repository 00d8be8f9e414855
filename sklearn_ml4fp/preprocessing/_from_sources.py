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
            return fit(self, held.data, held.target, **({"sample_weight": held.sample_weight} if weighted else {}))
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

    def sampled(self) -> tuple[Survey, Sample]:
        """Read all rows, sum them up, and draw some at random."""
        sample = Sample(self.source.memory // _SAMPLE)
        survey = self._shown_to(Survey(), sample)
        sample.finish()
        return survey, sample

    def _shown_to(self, survey: Survey, *others: Sample) -> Survey:
        for X, weights in self.rows():
            survey.add(X, weights)
            for one in others:
                one.add(X, weights)
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


class Sample:
    """Rows drawn at random from all that are shown, with equal probabilities, always the same ones.

    Parameters
    ----------
    n_bytes : int
        Memory of the rows; at most a million are kept.

    Attributes
    ----------
    X : ndarray of shape (n, n_columns)
        Rows.
    weights : ndarray of shape (n,) or None
        Their weights.
    """

    def __init__(self, n_bytes: int) -> None:
        self._n_bytes, self._rng, self._limit = n_bytes, np.random.default_rng(0), 1.0
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []  # keys, rows, weights

    def __len__(self) -> int:
        return sum(len(keys) for keys, _, _ in self._parts)

    def add(self, X: np.ndarray, weights: np.ndarray | None) -> None:
        """Show rows: those with the least of all random numbers stay."""
        self._most = min(_ENOUGH, max(_LEAST, self._n_bytes // X[0].nbytes))
        keys = self._rng.random(len(X))
        few = keys < self._limit
        self._parts.append((keys[few], X[few], None if weights is None else weights[few]))
        if len(self) > 1.5 * self._most:
            self._shrink()

    def _shrink(self) -> None:
        keys, X = np.concatenate([one for one, _, _ in self._parts]), np.concatenate([one for _, one, _ in self._parts])
        of_rows = [one for _, _, one in self._parts if one is not None]
        weights = np.concatenate(of_rows) if of_rows else None
        if len(keys) > self._most:
            few = np.argpartition(keys, self._most)[: self._most]
            keys, X, weights = keys[few], X[few], None if weights is None else weights[few]
            self._limit = keys.max()
        self._parts = [(keys, X, weights)]

    def of(self, columns: np.ndarray) -> Sample:
        """Return the sample of some of the columns."""
        part = copy(self)
        part.X = self.X[:, columns]
        return part

    def finish(self) -> None:
        """Join what was drawn."""
        self._shrink()
        _, self.X, self.weights = self._parts[0]
