"""Inputs of networks that scale the columns of a table, and embed their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .._distributions import weighted_quantile
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


class Sample:
    """Events that come in pieces: all of them, or of very many every second, fourth, ... one."""

    def __init__(self) -> None:
        self._pieces: list[tuple[np.ndarray, np.ndarray | None]] = []
        self._n_seen, self._step = 0, 1

    def add(self, X: np.ndarray, weights: np.ndarray | None) -> None:
        """Take in events; those of weight zero are not there."""
        if weights is not None:
            X, weights = X[weights != 0], weights[weights != 0]
        first = -self._n_seen % self._step
        self._n_seen += len(X)
        self._pieces.append((X[first :: self._step], None if weights is None else weights[first :: self._step]))
        self._thin_to(self._step)

    def merge(self, other: Sample) -> None:
        """Take in the events that another one has taken in."""
        for one in (self, other):
            one._thin_to(max(self._step, other._step))
        self._pieces += other._pieces
        self._n_seen += other._n_seen
        self._thin_to(self._step)

    def _thin_to(self, step: int) -> None:
        """Keep every ``step``-th event of all that were seen, and fewer, if these are too many."""
        while self._step < step or sum(len(one) for one, _ in self._pieces) > _SAMPLE:
            X, weights = self.read()
            self._pieces = [(X[::2], None if weights is None else weights[::2])]
            self._step *= 2

    def read(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the events and their weights."""
        X, weights = zip(*self._pieces, strict=True)
        return np.concatenate(X), None if weights[0] is None else np.concatenate(weights)


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
        return {**super().module_arguments, "edges": edges, "constants": self._scaling}

    def look(self, X: Any, weights: np.ndarray | None) -> None:
        """Take in events of the training part."""
        for name in ("num_embedding", "scaling") if X.ndim != 2 else ():
            if (value := getattr(self, name)) is not None:
                verb = {"num_embedding": "embeds", "scaling": "scales"}[name]
                raise ValueError(
                    f"{name}={value!r} {verb} the columns of a table, and X has images of shape {X.shape[1:]}: pass "
                    f"{name}=None."
                )
        if self._needs_survey():
            self.seen = self.seen or Sample()
            self.seen.add(X, weights)
        super().look(X, weights)

    def _needs_survey(self) -> bool:
        return self.num_embedding == "piecewise" or self.scaling is not None

    def learn(self) -> dict[str, Any]:
        """Learn the scaling and the edges from the events that were taken in."""
        if self.seen is not None:
            (X, weights), self.seen = self.seen.read(), None
            if self.scaling is not None:
                self._scaling = learn_scaling(self.scaling, X, weights)
            if self.num_embedding == "piecewise":
                self._edges = [bin_edges(column, weights, self.n_bins) for column in self._scaled(X).T]
        return super().learn()

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
