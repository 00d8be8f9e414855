"""Correlations between the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .._binary import weights_or_ones
from .._missing import check_array, real_numbers
from ._plotting import new_axes


def weighted_correlation(X: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Compute the correlation matrix (n_columns, n_columns) with signed weights, NaN left out pair by pair.

    It is NaN where a column does not vary in the events of the pair, or its weighted variance is not positive.
    """
    present = ~np.isnan(X)
    with np.errstate(invalid="ignore", divide="ignore"):
        # centred once, so that no digits are lost; the means of each pair's events are then taken out exactly
        means = np.where(present, X, 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
        centred = np.where(present, X - means, 0.0)
        here = present.astype(float)
        weighted = weight[:, None] * centred
        total = (weight[:, None] * here).T @ here
        mean = weighted.T @ here / total  # [i, j]: of column i in the events that have both
        square = (weighted * centred).T @ here / total - mean**2
        cross = weighted.T @ centred / total - mean * mean.T
        variance = square * square.T
        # 1e-12 of the spread of the column: the rounding errors of a constant
        floor = 1e-12 * (centred**2).mean(axis=0)
        good = (square > floor[:, None]) & (floor < square.T) & (total > 0)
        return np.where(good, cross / np.sqrt(variance), np.nan)


class CorrelationDisplay:
    """Linear correlation of every pair of columns, weighted, as a coloured table.

    Use :meth:`from_data` to make it.

    Parameters
    ----------
    correlation : ndarray of shape (n_columns, n_columns)
    names : list of str
        Names of the columns.

    Attributes
    ----------
    ax_, figure_, image_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    investigate : A report with correlations, also with the target.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import CorrelationDisplay
    >>> x = np.random.default_rng(0).normal(size=(100, 1))
    >>> CorrelationDisplay.from_data(np.hstack([x, -x])).correlation.round(3)
    array([[ 1., -1.],
           [-1.,  1.]])
    """

    def __init__(self, correlation: np.ndarray, names: list[str]) -> None:
        self.correlation = correlation
        self.names = names

    @classmethod
    def from_data(cls, X: Any, *, sample_weight: Any = None, names: Any = None, ax: Any = None) -> CorrelationDisplay:
        """Draw the correlations of a table.

        Parameters
        ----------
        X : array-like of shape (n_events, n_columns)
            NaN (an absent jet) is left out pair by pair.
        sample_weight : array-like of shape (n_events,), optional
            Event weights; negative ones are allowed.
        names : sequence of str, optional
            Names of the columns; by default those of the frame.
        ax : matplotlib Axes, optional

        Returns
        -------
        display : CorrelationDisplay

        Raises
        ------
        ValueError
            If X is no table of numbers, a value is infinite, or there are not as many names as columns.
        """
        if names is None:
            names = getattr(X, "columns", None)
        table = real_numbers(X, np.float64)
        if table is None:
            check_array(X, dtype=np.float64, input_name="X")  # names the columns that are text
            raise ValueError(f"X must be a table of real numbers; got {getattr(X, 'dtype', type(X).__name__)}.")
        table = check_array(table, ensure_all_finite="allow-nan", input_name="X")
        if names is not None and not isinstance(names, Iterable):
            raise TypeError(f"names must be a sequence of strings, one per column of X; got {names!r}.")
        names = [str(name) for name in (range(table.shape[1]) if names is None else names)]
        if len(names) != table.shape[1]:
            raise ValueError(f"names must be one per column of X, {table.shape[1]}; got {len(names)}: {names[:10]}.")
        weight = weights_or_ones(sample_weight, len(table))
        return cls(weighted_correlation(table, weight), names).plot(ax=ax)

    def plot(self, ax: Any = None) -> CorrelationDisplay:
        """Draw the table, with numbers in the cells if there are not too many.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        display : CorrelationDisplay
        """
        ax = new_axes(ax)
        n = len(self.names)
        # purple to orange, for colour-blind readers; in print the numbers show the sign
        self.image_ = ax.imshow(self.correlation, vmin=-1, vmax=1, cmap="PuOr_r")
        if n <= 16:  # more numbers than that do not fit into the cells
            for (row, column), value in np.ndenumerate(self.correlation):
                text = "" if np.isnan(value) else str(round(100 * value))
                color = "white" if abs(value) > 0.6 else "black"
                ax.text(column, row, text, ha="center", va="center", color=color, fontsize="small")
        ax.set_xticks(range(n), self.names, rotation=90)
        ax.set_yticks(range(n), self.names)
        ax.tick_params(which="both", length=0)
        ax.figure.colorbar(self.image_, ax=ax, label="Correlation (numbers in %)" if n <= 16 else "Correlation")
        self.ax_, self.figure_ = ax, ax.figure
        return self
