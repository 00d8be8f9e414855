"""Events of points as a source of batches: without padding in memory, padded in each batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._events_of_points import EventsOfPoints

# Shortest length to which predictions are padded, and the ratio of one length to the next. With a ratio of two, at most
# half of a block is padding, and there are few shapes to compile.
_SHORTEST = 8
# Number of points in a block of predictions per event in a block of a table: 2048 points on a CPU.
_POINTS = 4
# Ratio of the shortest to the longest event in a part of a batch. If all lengths in between are equally frequent, 15 %
# of the part is padding.
_ALIKE = 0.7


class Parts(tuple[tuple[Tensor, ...], ...]):
    """Inputs of a batch in parts, each of one shape; the outputs are concatenated."""

    __slots__ = ()


@dataclass
class PointData(EventsOfPoints):
    """Events of any number of points.

    A batch holds points ``(n, t, d)``, padded with zeros to the longest event, their mask ``(n, t)``, and columns of
    the event ``(n, d_event)`` where there are any. With ``in_parts``, events of about equal length form a part, padded
    to its longest event. The batch is still a random choice, and one long event does not pad the others.

    Parameters
    ----------
    inputs : tuple of Tensor
        Points ``(n_points, d)``, offsets ``(n_events + 1,)`` of the events among them, and columns ``(n_events,
        d_event)`` of the events, if there are any.
    target, weight, entries : Tensor
        As for `EventsOfPoints`.
    in_parts : bool
        Whether batches come as `Parts`. Batch normalisation needs the whole batch.
    """

    in_parts: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        values, _, *event = self.inputs
        # one more point, of zeros, is what padding refers to
        self._points = torch.cat([values, values.new_zeros(1, values.shape[1])])
        self._columns = tuple(event)

    def _batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Any]:
        parts = self._alike(rows) if self.in_parts else [rows]
        inputs = Parts(self._padded(part, max(1, int(self.counts[part].max())), device) for part in parts)
        return torch.cat(parts), inputs

    def _alike(self, rows: Tensor) -> list[Tensor]:
        """Group rows of about equal length, the longest first."""
        counts, order = self.counts[rows].sort(descending=True)
        sizes, first = [], 0
        while first < len(rows):
            last = int((counts >= _ALIKE * counts[first]).sum())
            sizes.append(last - first)
            first = last
        return list(rows[order].split(sizes))

    def blocks(self, size: int, device: torch.device) -> Iterator[tuple[Tensor | None, tuple[Tensor, ...]]]:
        """Yield row numbers and inputs, events of about equal length together and padded to one of few lengths."""
        lengths = _SHORTEST * 2 ** (self.counts / _SHORTEST).clamp(min=1).log2().ceil().long()
        for length in lengths.unique().tolist():
            in_block = min(size, max(1, _POINTS * size // length))
            for rows in torch.nonzero(lengths == length)[:, 0].split(in_block):
                yield self._outputs_of(rows), self._padded(rows, length, device)

    def _padded(self, rows: Tensor, length: int, device: torch.device) -> tuple[Tensor, ...]:
        """Inputs for the events ``rows``."""
        steps = torch.arange(length)
        mask = steps < self.counts[rows, None]
        index = torch.where(mask, self.starts[rows, None] + steps, len(self._points) - 1)
        points = self._points[index.to(self._points.device)].to(device, non_blocking=True)
        columns = [column[rows.to(column.device)].to(device) for column in self._columns]
        return points, mask.to(device, non_blocking=True), *columns
