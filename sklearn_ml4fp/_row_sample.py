"""Rows drawn at random from a sequence that comes in pieces, and is too long to be kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class Draw:
    """Random choice among things that come in pieces: each with the same probability, and always the same ones.

    Each thing gets a random number, and those with the least numbers stay.
    """

    def __init__(self) -> None:
        self._rng, self._limit, self._keys = np.random.default_rng(0), 1.0, np.empty(0)

    def __len__(self) -> int:
        return len(self._keys)

    def among(self, n: int) -> np.ndarray:
        """Return which of the next ``n`` things are kept for now, a mask."""
        keys = self._rng.random(n)
        few = keys < self._limit
        self._keys = np.append(self._keys, keys[few])
        return few

    def keep(self, most: int) -> np.ndarray:
        """Return which of the things that were kept stay, a mask: at most so many."""
        if len(self) > most:
            self._limit = min(self._limit, float(np.partition(self._keys, most)[most]))
        stay = self._keys < self._limit
        self._keys = self._keys[stay]
        return stay

    def merge(self, other: Draw) -> None:
        """Append the things that another one has kept; those stay that both would have kept."""
        self._limit = min(self._limit, other._limit)
        self._keys = np.append(self._keys, other._keys)


@dataclass
class Rows:
    """Rows of a table and their weights.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Rows.
    weights : ndarray of shape (n_rows,) or None
        Their weights.
    """

    X: np.ndarray
    weights: np.ndarray | None

    def __len__(self) -> int:
        return len(self.X)

    def taken(self, rows: np.ndarray) -> Rows:
        """Return some of the rows."""
        return Rows(self.X[rows], None if self.weights is None else self.weights[rows])

    def of(self, columns: np.ndarray) -> Rows:
        """Return some of the columns."""
        return Rows(self.X[:, columns], self.weights)


class RowSample:
    """Rows drawn at random from all that are shown, without those of weight zero; all of them, if they are few.

    Parameters
    ----------
    most : int
        Number of rows.
    """

    def __init__(self, most: int) -> None:
        self.most, self._draw = most, Draw()
        self._parts: list[Rows] = []

    def add(self, X: np.ndarray, weights: np.ndarray | None) -> None:
        """Show rows and their weights."""
        rows = Rows(X, weights)
        if weights is not None and not weights.all():
            rows = rows.taken(weights != 0)
        self._parts.append(rows.taken(self._draw.among(len(rows))))
        if len(self._draw) > 2 * self.most:
            self._shrink()

    def merge(self, other: RowSample) -> None:
        """Show the rows that another one was shown."""
        self._parts += other._parts
        self._draw.merge(other._draw)
        self._shrink()

    def _shrink(self) -> None:
        of_rows = [part.weights for part in self._parts if part.weights is not None]
        whole = Rows(np.concatenate([part.X for part in self._parts]), np.concatenate(of_rows) if of_rows else None)
        self._parts = [whole.taken(self._draw.keep(self.most))]

    def read(self) -> Rows:
        """Return the rows that were drawn, in their order."""
        self._shrink()
        return self._parts[0]
