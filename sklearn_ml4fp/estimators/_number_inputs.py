"""Inputs of networks that scale the columns of a table, and embed their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .._distributions import weighted_quantile
from .._row_sample import RowSample
from ..nn import ColumnScaling
from ._column_scaling import CLIP, Constants, learn_scaling
from ._inputs import ImageInput, TableInput

_SAMPLE = 2**18  # events from which quantiles are taken at most: they are known to 0.1 % of all events then
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
    """Rows of a table, of which a scaling and a piecewise linear embedding learn the quantiles.

    Parameters
    ----------
    scaling : str or None
        Kind of the scaling.
    num_embedding : str or None
        Kind of the embedding, of scaled columns where there is a scaling.
    n_bins : int
        Number of bins of a piecewise linear one.
    """

    scaling: str | None = None
    num_embedding: str | None = None
    n_bins: int = 48
    _edges: list[np.ndarray] | None = None
    _scaling: Constants | None = None

    @property
    def module_arguments(self) -> dict[str, Any]:
        """Constants of the scaling, and edges of the bins of each column."""
        edges = None if self._edges is None else [one.tolist() for one in self._edges]
        return {"edges": edges, "constants": self._scaling}

    @property
    def learns(self) -> bool:  # type: ignore[override]
        """Whether quantiles are to be learned."""
        return self.num_embedding == "piecewise" or self.scaling is not None

    def look(self, X: Any, weights: np.ndarray | None) -> None:
        """Take in events of the training part."""
        self.seen = self.seen or RowSample(_SAMPLE)
        self.seen.add(X, weights)

    def learn(self) -> dict[str, Any]:
        """Learn the scaling and the edges from the events that were taken in."""
        sample = self.seen.read()
        X, weights = sample.X, sample.weights
        if self.scaling is not None:
            self._scaling = learn_scaling(self.scaling, X, weights)
        if self.num_embedding == "piecewise":
            self._edges = [bin_edges(column, weights, self.n_bins) for column in self._scaled(X).T]
        return {}

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        """Columns as the embedding gets them."""
        if self.scaling is None or self._scaling is None:
            return X
        layer = ColumnScaling(self._scaling, CLIP[self.scaling])
        layer.reset_parameters()
        return layer(torch.from_numpy(X)).numpy()


@dataclass
class NumberOrImageInput(ImageInput, NumberInput):
    """Rows of a table with embedded numbers, or images."""

    def check(self, X: Any, owner: Any) -> np.ndarray:
        """Return images ``(n, c, h, w)``, which have no columns to be scaled or embedded, or a table."""
        X = super().check(X, owner)
        if X.ndim != 2:
            for name, verb in (("num_embedding", "embeds"), ("scaling", "scales")):
                if (value := getattr(self, name)) is not None:
                    raise ValueError(
                        f"{name}={value!r} {verb} the columns of a table, and X has images of shape {X.shape[1:]}: "
                        f"pass {name}=None."
                    )
        return X
