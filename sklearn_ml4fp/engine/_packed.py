"""Events of points, and graphs, as a source of batches without padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..nn import padded_length
from ._batches import Batch, TensorData

# Number of points in a block of predictions per event in a block of a table. A block on a CPU then has 2048 points: so
# many that the calls cost little compared to the arithmetic, so few that a single event is predicted in about 10 ms.
_POINTS = 4


def _ranges(starts: Tensor, counts: Tensor) -> Tensor:
    """Concatenate ranges: ``counts`` numbers from each of ``starts`` on."""
    ends = counts.cumsum(0)
    return torch.arange(int(counts.sum())) + torch.repeat_interleave(starts - ends + counts, counts)


@dataclass
class PackedData(TensorData):
    """Events of any number of points, and edges between them where they are graphs.

    A batch holds the points of its events one after the other ``(n_rows, d)``, the number of points of each event
    ``(n,)`` on the CPU, and columns of the events ``(n, d_event)``, possibly none. A batch of graphs also holds edges,
    as rows ``(n_edges, 2)`` of the batch, and their features ``(n_edges, d_edge)``. A batch of training has no padding.
    A block of predictions is filled up with points after the last event, and with edges from the last of these points
    to itself.

    Parameters
    ----------
    inputs : tuple of Tensor
        Points ``(n_points, d)``, offsets ``(n_events + 1,)`` of the events among them, and columns ``(n_events,
        d_event)`` of the events. For graphs also edges ``(n_all_edges, 2)``, as positions in their own event, their
        features ``(n_all_edges, d_edge)``, and offsets ``(n_events + 1,)`` of the events among the edges.
    target, weight : Tensor
        As for `TensorData`.
    """

    def __post_init__(self) -> None:
        offsets = self.inputs[1].cpu()
        self.starts, self.counts = offsets[:-1], offsets.diff()
        if len(self.inputs) > 3:
            edge_offsets = self.inputs[5].cpu()
            self.edge_starts, self.edge_counts = edge_offsets[:-1], edge_offsets.diff()

    def batches(
        self, batch_size: int, device: torch.device, generator: torch.Generator | None = None
    ) -> Iterator[Batch]:
        """Yield all events once, as `TensorData.batches` does."""
        order = torch.arange(len(self)) if generator is None else self._order(generator).cpu()
        for rows in order.split(batch_size):
            there = rows.to(self.target.device)
            weight = None if self.weight is None else self.weight[there].to(device, non_blocking=True)
            yield self._packed(rows, device), self.target[there].to(device, non_blocking=True), weight

    def blocks(self, size: int, device: torch.device) -> Iterator[tuple[Tensor, tuple[Tensor, ...]]]:
        """Yield row numbers and inputs; the shape of an event's block depends on the event alone."""
        counts = [self.counts, self.edge_counts] if len(self.inputs) > 3 else [self.counts]
        lengths = torch.stack([padded_length(count) for count in counts], dim=1)
        for shape in lengths.unique(dim=0):
            n = min(size, max(1, _POINTS * size // int(shape.max())))
            for rows in torch.nonzero((lengths == shape).all(1))[:, 0].split(n):
                yield rows, self._packed(rows, device, n, *(n * shape).tolist())

    def _packed(
        self, rows: Tensor, device: torch.device, n: int = 0, n_points: int = -1, n_edges: int = 0
    ) -> tuple[Tensor, ...]:
        """Make the inputs of events ``rows``, filled up to ``n`` events, ``n_points`` + 1 points, ``n_edges`` edges."""
        counts = self.counts[rows]
        points = _take(self.inputs[0], _ranges(self.starts[rows], counts), device, n_points + 1)
        columns = _take(self.inputs[2], rows, device, n)
        filled = torch.cat([counts, counts.new_zeros(max(0, n - len(rows)))])
        if len(self.inputs) == 3:
            return points, filled, columns
        edge_counts = self.edge_counts[rows]
        chosen = _ranges(self.edge_starts[rows], edge_counts)
        local = _take(self.inputs[3], chosen, device, 0)
        first = torch.repeat_interleave(counts.cumsum(0) - counts, edge_counts).to(device)
        edges = local.add_(first[:, None])
        if len(edges) < n_edges:
            edges = torch.cat([edges, edges.new_full((n_edges - len(edges), 2), len(points) - 1)])
        return points, filled, columns, edges, _take(self.inputs[4], chosen, device, n_edges)


def _take(source: Tensor, index: Tensor, device: torch.device, at_least: int) -> Tensor:
    """Take rows of ``source`` to ``device``, followed by zeros up to ``at_least`` rows."""
    taken = source.index_select(0, index.to(source.device)).to(device, non_blocking=True)
    missing = at_least - len(taken)
    return torch.cat([taken, taken.new_zeros(missing, *taken.shape[1:])]) if missing > 0 else taken
