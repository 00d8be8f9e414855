"""Events of points, and graphs, as sources of batches: without padding, or padded in each batch.

Events have a target each, or one for every point or edge.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._batches import Batch, Source, TensorData, shuffled

# Number of points in a block of predictions per event in a block of a table. A block on a CPU then has 2048 points: so
# many that the calls cost little compared to the arithmetic, so few that a single event is predicted in about 10 ms.
_POINTS = 4
# Shortest length to which predictions are padded, and the ratio of one length to the next. With a ratio of two, at most
# half of a block is padding, and there are few shapes to compile.
_SHORTEST = 8
# Ratio of the shortest to the longest event in a part of a batch. If all lengths in between are equally frequent, 15 %
# of the part is padding.
_ALIKE = 0.7


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


@dataclass
class PackedData(EventsOfPoints):
    """Events of any number of points, and edges between them where they are graphs.

    Batches hold the points of their events one after the other ``(n_rows, d)``, the number of points of each event
    ``(n,)`` on the CPU, and columns of the events ``(n, d_event)``, possibly none; graphs also their edges, as rows
    ``(n_edges, 2)`` of the batch, and the edges' features ``(n_edges, d_edge)``.

    Parameters
    ----------
    inputs : tuple of Tensor
        Points ``(n_points, d)``, offsets ``(n_events + 1,)`` of the events among them, and columns ``(n_events,
        d_event)`` of the events. For graphs also edges ``(n_all_edges, 2)``, as positions in their own event, their
        features ``(n_all_edges, d_edge)``, and offsets ``(n_events + 1,)`` of the events among the edges.
    target, weight, entries : Tensor
        As for `EventsOfPoints`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.inputs) > 3:
            edge_offsets = self.inputs[5].cpu()
            self.edge_starts, self.edge_counts = edge_offsets[:-1], edge_offsets.diff()

    def _batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Any]:
        return rows, self._packed(rows, device)

    def blocks(self, size: int, device: torch.device) -> Iterator[tuple[Tensor | None, tuple[Tensor, ...]]]:
        """Yield row numbers and inputs, events of about equal length together: a network may have to pad them."""
        order = self.counts.argsort(stable=True)
        rows = self.counts.clamp(min=1) + (self.edge_counts if len(self.inputs) > 3 else 0)
        block = rows[order].cumsum(0) // (_POINTS * size)
        for in_block in order.split(block.unique_consecutive(return_counts=True)[1].tolist()):
            yield self._outputs_of(in_block), self._packed(in_block, device)

    def _packed(self, rows: Tensor, device: torch.device) -> tuple[Tensor, ...]:
        """Inputs for the events ``rows``."""
        counts = self.counts[rows]
        points = _take(self.inputs[0], ranges(self.starts[rows], counts), device)
        columns = _take(self.inputs[2], rows, device)
        if len(self.inputs) == 3:
            return points, counts, columns
        edge_counts = self.edge_counts[rows]
        chosen = ranges(self.edge_starts[rows], edge_counts)
        first = torch.repeat_interleave(counts.cumsum(0) - counts, edge_counts).to(device)
        edges = _take(self.inputs[3], chosen, device).add_(first[:, None])
        return points, counts, columns, edges, _take(self.inputs[4], chosen, device)


def _take(source: Tensor, index: Tensor, device: torch.device) -> Tensor:
    """Rows of ``source`` on ``device``."""
    return source.index_select(0, index.to(source.device)).to(device, non_blocking=True)


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
