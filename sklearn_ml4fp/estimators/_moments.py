"""Weighted means and standard deviations of columns, which take in the events part by part."""

from __future__ import annotations

from typing import Any

import numpy as np

_ROWS = 1 << 15  # rows that are converted to double precision at a time


class Moments:
    """Sums of the weighted rows of a table, from which follow the means and standard deviations of its columns.

    The sums are taken relative to the mean of the first rows, so that their differences keep their precision. Rows with
    positive and with negative weights are summed apart: their difference is the signed sum, their sum that of the sizes
    of the weights.
    """

    def __init__(self) -> None:
        self._shift: np.ndarray | None = None
        self._totals = np.zeros(2)  # Σw of positive and of negative weights
        self._sums = np.zeros((2, 2, 1))  # the same two; Σw d, Σw d²; columns

    def add(self, values: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Take in rows ``(n, n_columns)`` and their weights ``(n,)``, None for ones."""
        for start in range(0, len(values), _ROWS):
            rows = slice(start, start + _ROWS)
            part = values[rows].astype(np.float64)
            if self._shift is None:
                self._shift = part.mean(axis=0)
                self._sums = np.zeros((2, 2, part.shape[1]))
            part -= self._shift
            signs = [None] if weights is None else [np.maximum(sign * weights[rows], 0.0) for sign in (1, -1)]
            for i, size in enumerate(signs):
                size = np.ones(len(part)) if size is None else size
                if size.any():
                    self._totals[i] += size.sum()
                    self._sums[i] += np.stack([size @ part, size @ (part * part)])

    def merge(self, other: Moments) -> None:
        """Take in the rows that another one has taken in."""
        if other._shift is None:
            return
        if self._shift is None:
            self._shift, self._totals, self._sums = other._shift, other._totals.copy(), other._sums.copy()
            return
        step, totals = other._shift - self._shift, other._totals[:, np.newaxis]
        first, second = other._sums[:, 0], other._sums[:, 1]
        self._totals += other._totals
        self._sums[:, 0] += first + totals * step
        self._sums[:, 1] += second + 2 * step * first + totals * step**2

    def mean_and_deviation(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each column; 0 and 0 without a row.

        Where the weights sum to zero or less, their sizes are taken: negative ones may dominate among the points,
        though not among the events.
        """
        mean, variance = self._mean_and_variance()
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def unit(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each column; a deviation of 1 without a usable spread."""
        mean, variance = self._mean_and_variance()
        # a constant column, or negative weights on the tails, leave no usable spread
        usable = variance > np.finfo(np.float64).eps * mean**2
        return mean, np.where(usable, np.sqrt(np.abs(variance)), 1.0)

    def _mean_and_variance(self) -> tuple[np.ndarray, np.ndarray]:
        if self._shift is None or not self._totals.any():
            return np.zeros(self._sums.shape[2]), np.zeros(self._sums.shape[2])
        sign = -1 if self._totals[0] > self._totals[1] else 1
        total = self._totals[0] + sign * self._totals[1]
        first, second = self._sums[0] + sign * self._sums[1]
        offset = first / total
        return self._shift + offset, second / total - offset**2


def merged(surveys: list[Any]) -> Any:
    """Merge what several processes have surveyed, moments or dicts of surveys by name; None has seen no event."""
    there = [survey for survey in surveys if survey is not None]
    if not there:
        return None
    first, *others = there
    if isinstance(first, dict):
        return {name: merged([survey[name] for survey in there]) for name in first}
    for other in others:
        first.merge(other)
    return first
