"""Random numbers of an event that depend on its content alone, and not on other events in the call."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from .._events import check_ids, uniform
from ._events import Batch


def codes_of(values: np.ndarray) -> np.ndarray:
    """Hash the content of each row to an integer, the same in single and in double precision."""
    if not values.size:  # no columns, or no events
        return np.zeros(len(values), dtype=np.uint64)
    numbers = values.reshape(len(values), -1).astype(np.float64) + 0.0  # −0 is 0
    numbers[np.isnan(numbers)] = np.nan  # one NaN of the many
    return check_ids(numbers.view(np.int64))


class EventRandom:
    """Replacement of a RandomState, for predictions that must not depend on the other events of a call.

    Every number is a hash of the event's content, of the stream and of the number of earlier draws. Particles of an
    event differ by their positions.

    Parameters
    ----------
    batch : Batch
        Events before any change.
    stream : str
        Another stream gives other, independent numbers.
    """

    def __init__(self, batch: Batch, stream: str) -> None:
        self.stream, self.n_draws = stream, 0
        if batch.images is not None:
            codes = codes_of(batch.images)
        elif batch.dropped is None:
            codes = codes_of(batch.blocks[0].values)
        else:
            codes = np.zeros(batch.n, dtype=np.uint64)
            for block in batch.blocks:
                np.add.at(codes, block.event, codes_of(block.values))
        self.ids = {batch.n: codes}
        if batch.dropped is not None and len(batch.dropped) != batch.n:
            event = batch.blocks[0].event
            first = np.searchsorted(event, event)
            position = (np.arange(len(event)) - first).astype(np.uint64)
            self.ids[len(event)] = check_ids(np.column_stack([codes[event], position]))

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Any = None) -> np.ndarray:
        """Draw numbers in [low, high), of shape ``(n_events, ...)`` or ``(n_particles, ...)``."""
        shape = (size,) if isinstance(size, int | np.integer) else tuple(size)
        ids = self.ids[shape[0]]
        n = int(np.prod(shape[1:], dtype=int))
        columns = [uniform(ids, f"{self.stream}/{self.n_draws}/{column}") for column in range(n)]
        self.n_draws += 1
        drawn = np.column_stack(columns) if columns else np.empty(shape)
        return low + (high - low) * drawn.reshape(shape)

    def standard_normal(self, size: Any = None) -> np.ndarray:
        """Draw Gaussian numbers of mean 0 and variance 1."""
        return ndtri(np.maximum(self.uniform(size=size), 2.0**-54))  # half of the least positive number drawn

    def randint(self, low: int, high: int, size: Any = None) -> np.ndarray:
        """Draw whole numbers in [low, high)."""
        return np.floor(self.uniform(low, high, size)).astype(int)
