"""Azimuths under a change: they stay in the interval of length 2π in which they are given."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import clone

from ._base import Augmenter
from ._events import Batch, Block, read


def interval_of(phi: np.ndarray) -> np.ndarray:
    """Return the begin, −π or 0, of the interval of length 2π in which the azimuths of each column are given."""
    return np.where((phi > np.pi * (1 + 1e-6)).any(axis=0), 0.0, -np.pi)


def within(phi: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """Bring azimuths to the interval of length 2π with this begin."""
    return (phi - begin) % (2 * np.pi) + begin


class Azimuthal(Augmenter):
    """Base of augmenters that change azimuths and keep them in the interval of the training events."""

    @abstractmethod
    def _azimuths(self, batch: Batch) -> list[tuple[Block, list[int]]]:
        """Find the blocks and columns of the azimuths."""

    def learn(self, X: Any, y: Any = None, *, target: Any = None, names: Any = None) -> Self:
        self._validate_params()
        learned = clone(self)
        batch = read(X, names)
        learned.intervals_ = [interval_of(block.values[:, columns]) for block, columns in self._azimuths(batch)]
        return learned

    def _change_azimuths(self, batch: Batch, change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        """Replace azimuths by ``change(azimuths, events)``."""
        azimuths, learned = self._azimuths(batch), getattr(self, "intervals_", None)
        intervals = learned or [interval_of(block.values[:, columns]) for block, columns in azimuths]
        for (block, columns), begin in zip(azimuths, intervals, strict=True):
            block.values[:, columns] = within(change(block.values[:, columns], block.event), begin)
