"""What a graph network answers for: events, points, or edges."""

from __future__ import annotations

import torch
from torch import Tensor

from ._packed import Arrangement, pool

OUTPUTS = ("event", "point", "edge")


def n_read(output: str, width: int, d_event: int, d_edge: int) -> int:
    """Count the columns of `read_out`."""
    return d_event + {"event": width, "point": width, "edge": 2 * width + d_edge}[output]


def read_out(
    output: str,
    h: Tensor,
    event: Tensor,
    packed: Arrangement,
    given: tuple[Tensor, ...],
    *,
    pooling: str = "mean",
    unit: float = 1.0,
) -> Tensor:
    """Collect what the output layers read, one row for each event, point, or given edge.

    Parameters
    ----------
    output : {"event", "point", "edge"}
        What the rows stand for.
    h : Tensor of shape (n_rows, width)
        Features of the points, which are pooled for events; an edge has those of its end and of its origin.
    event : Tensor of shape (n_events, d_event)
        Columns of the events, which all their points and edges share.
    packed : Packed or Padded
        Assignment of the points to events.
    given : tuple of Tensor
        Rows ``(n_edges, 2)`` of origin and end of the edges, and their features ``(n_edges, d_edge)``.
    pooling, unit : str, float
        How points are pooled, and what a pooled feature is divided by.
    """
    if output == "event":
        return torch.cat([pool(h, packed, pooling) / unit, event], dim=1)
    if output == "point":
        return torch.cat([h, packed.to_rows(event)], dim=1)
    rows, values = given
    source, target = rows.T
    return torch.cat([h[target], h[source], values, packed.to_rows(event)[target]], dim=1)
