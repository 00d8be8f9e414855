"""Events of points, and graphs, as a source of batches without padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._events_of_points import EventsOfPoints, ranges

# Number of points in a block of predictions per event in a block of a table. A block on a CPU then has 2048 points: so
# many that the calls cost little compared to the arithmetic, so few that a single event is predicted in about 10 ms.
_POINTS = 4


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
