"""Inputs of networks that embed the numbers of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._distributions import weighted_quantile
from ._inputs import ImageInput, TableInput

_CANCELLED = 1e-12  # share of the sum of |w| below which weights of one value cancel


def bin_edges(column: np.ndarray, weights: np.ndarray | None, n_bins: int) -> np.ndarray:
    """Compute the edges of bins with equal sums of weights: ascending quantiles, fewer where values are repeated.

    Parameters
    ----------
    column, weights : ndarray of shape (n_events,)
        Values, and event weights or None. Values whose weights cancel are not there.
    n_bins : int
        Number of bins.
    """
    if weights is not None and weights.min() <= 0:
        column, place = np.unique(column, return_inverse=True)
        weights = np.bincount(place, weights)
        there = np.abs(weights) > _CANCELLED * np.abs(weights).sum()
        column, weights = column[there], weights[there]
    edges = weighted_quantile(column, np.linspace(0, 1, n_bins + 1), weights)
    edges[0], edges[-1] = column.min(), column.max()  # signed weights may leave the cumulative sum short of these
    return np.unique(edges)


@dataclass
class NumberInput(TableInput):
    """Rows of a table, of which a piecewise linear embedding learns the quantiles.

    Parameters
    ----------
    num_embedding : str or None
        Kind of the embedding.
    n_bins : int
        Number of bins of a piecewise linear one.
    """

    num_embedding: str | None = None
    n_bins: int = 48
    _edges: list[np.ndarray] | None = None

    @property
    def module_arguments(self) -> dict[str, Any]:
        """Edges of the bins of each column."""
        edges = None if self._edges is None else [one.tolist() for one in self._edges]
        return {**super().module_arguments, "edges": edges}

    def learn(self, X: Any, weights: np.ndarray | None) -> dict[str, Any]:
        """Learn the edges from the training part."""
        if self.num_embedding is not None and X.ndim != 2:
            raise ValueError(
                f"num_embedding={self.num_embedding!r} embeds the columns of a table, and X has images of shape "
                f"{X.shape[1:]}: pass num_embedding=None."
            )
        if self.num_embedding == "piecewise":
            self._edges = [bin_edges(column, weights, self.n_bins) for column in X.T]
        return super().learn(X, weights)


@dataclass
class NumberOrImageInput(ImageInput, NumberInput):
    """Rows of a table with embedded numbers, or images."""
