"""Base of the sources of events of any number of points, which have a target each, or one for every point or edge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._batches import Batch, Source, TensorData, shuffled


def ranges(starts: Tensor, counts: Tensor) -> Tensor:
    """Concatenate ranges: ``counts`` numbers from each of ``starts`` on."""
    ends = counts.cumsum(0)
    return torch.arange(int(counts.sum())) + torch.repeat_interleave(starts - ends + counts, counts)


@dataclass
class EventsOfPoints(TensorData, ABC):
    """Events of any number of points.

    Parameters
    ----------
    inputs : tuple of Tensor
        Points ``(n_points, d)``, offsets ``(n_events + 1,)`` of the events among them, and what else there is.
    target, weight : Tensor
        As for `TensorData`; where the entries are given, of all entries one after the other.
    entries : Tensor of shape (n_events + 1,) or None
        Offsets of the events among the outputs, for an output for every point or edge; None for one for every event.
    """

    entries: Tensor | None = None

    def __post_init__(self) -> None:
        offsets = self.inputs[1].cpu()
        self.starts, self.counts = offsets[:-1], offsets.diff()

    def __len__(self) -> int:
        return len(self.counts)

    def _outputs_of(self, rows: Tensor) -> Tensor:
        """Rows of the outputs of the events ``rows``."""
        if self.entries is None:
            return rows
        starts = self.entries[rows]
        return ranges(starts, self.entries[rows + 1] - starts)

    def batches(self, batch_size: int, device: torch.device, generator: Source | None = None) -> Iterator[Batch]:
        """Yield all events once, as `TensorData.batches` does."""
        order = torch.arange(len(self)) if generator is None else shuffled(len(self), generator).cpu()
        for chosen in order.split(batch_size):
            rows, inputs = self._batch(chosen, device)
            there = self._outputs_of(rows).to(self.target.device)
            if len(there) == 0:  # none of these events has a point, or an edge
                continue
            weight = None if self.weight is None else self.weight[there].to(device, non_blocking=True)
            yield inputs, self.target[there].to(device, non_blocking=True), weight

    @abstractmethod
    def _batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Any]:
        """Return the events ``rows`` in the order in which they are in the inputs, and the inputs for them."""
