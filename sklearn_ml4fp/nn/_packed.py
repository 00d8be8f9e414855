"""Events of any number of points in one array, one event after the other, without padding."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor

from .._optional import where_installed
from ._layers import pool_points

# Where a kernel needs a rectangle, events are padded to one of these lengths. Each is about 1.25 times the last, so
# that padding takes less than 20 % on average. The length depends on the event alone, and so does the rounding.
_LENGTHS = torch.tensor([1, 2, 3, 4, 5, 6, *(n * 2**i for i in range(25) for n in (8, 10, 13))])


def padded_length(counts: Tensor) -> Tensor:
    """Return the length to which events of ``counts`` points (or edges) are padded, from a fixed list; at least 1."""
    return _LENGTHS[torch.searchsorted(_LENGTHS, counts)]


class Packed:
    """Assignment of the rows of an array ``(n_rows, d)`` to events.

    The points stand one event after the other. Rows after the last event belong to none, and no output may depend on
    them.

    Parameters
    ----------
    counts : Tensor of shape (n_events,), int64, on the CPU
        Number of points of each event; zeros are legal.
    x : Tensor of shape (n_rows, d)
        Points, from which the number of rows and the device are taken.
    """

    def __init__(self, counts: Tensor, x: Tensor) -> None:
        self.counts, self.n_events, self.n_rows, self.device = counts, len(counts), len(x), x.device
        self.starts = counts.cumsum(0) - counts

    @cached_property
    def segment(self) -> Tensor:
        """Event of each row, ``(n_rows,)``; ``n_events`` for a row of no event."""
        counts = torch.cat([self.counts, (self.n_rows - self.counts.sum())[None]])
        return torch.repeat_interleave(counts, output_size=self.n_rows).to(self.device, non_blocking=True)

    @cached_property
    def there(self) -> Tensor | None:
        """Mask of the rows that belong to an event, ``(n_rows,)``; None if all do."""
        return None if self.n_points == self.n_rows else self.segment < self.n_events

    @cached_property
    def n_points(self) -> int:
        """Number of rows that belong to events."""
        return int(self.counts.sum())

    def to_rows(self, u: Tensor) -> Tensor:
        """Repeat the features of events ``(n_events, d)`` for each of their rows: ``(n_rows, d)``."""
        return torch.cat([u, u.new_zeros(1, u.shape[1])])[self.segment]

    @cached_property
    def sizes(self) -> Tensor:
        """Number of points of each event, to divide by: ``(n_events, 1)`` on the device, 1 for an empty event."""
        return self.counts.clamp(min=1)[:, None].to(self.device, non_blocking=True)

    @cached_property
    def buckets(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Blocks of events of about equal length: ``events`` ``(b,)``, their rows ``(b, t)``, and a mask ``(b, t)``.

        Padding refers to the row ``n_rows``, one after the last: append a row before the look-up, and drop it
        afterwards. Events without points are in no bucket.
        """
        lengths = torch.where(self.counts > 0, padded_length(self.counts), 0)
        found = []
        for length in lengths[lengths > 0].unique().tolist():
            events = torch.nonzero(lengths == length)[:, 0]
            steps = torch.arange(length)
            mask = steps < self.counts[events, None]
            rows = torch.where(mask, self.starts[events, None] + steps, self.n_rows)
            found.append((events.to(self.device), rows.to(self.device), mask.to(self.device)))
        return found


class Padded:
    """Assignment of rows to events, each of which has equally many; a mask marks those that are points.

    A program in another language has arrays of this kind. All shapes follow from that of the mask, and no step depends
    on its values, so that a tracer sees every operation.

    Parameters
    ----------
    mask : Tensor of shape (n_events, n_rows_per_event), bool
        True where there is a point.
    """

    def __init__(self, mask: Tensor) -> None:
        self.mask, self.device = mask, mask.device
        self.n_events, self.length = mask.shape
        self.n_rows = self.n_events * self.length
        self.there = mask.flatten()

    def by_event(self, x: Tensor) -> Tensor:
        """View rows ``(n_rows, ...)`` as ``(n_events, n_rows_per_event, ...)``."""
        return x.view(self.n_events, self.length, *x.shape[1:])

    def to_rows(self, u: Tensor) -> Tensor:
        """Repeat the features of events ``(n_events, d)`` for each of their rows: ``(n_rows, d)``."""
        return u[:, None].expand(-1, self.length, -1).flatten(0, 1)


Arrangement = Packed | Padded  # of the rows of an array in events


def arrangement(counts: Tensor, x: Tensor) -> Arrangement:
    """Return how the rows ``x`` belong to events: by their numbers of points ``(n,)``, or by a mask ``(n, p)``."""
    return Padded(counts) if counts.ndim == 2 else Packed(counts, x)


# Number of rows from which on torch-scatter computes a maximum with its gradient faster on a CPU: 1.7 times at 200 000
# rows of 64 columns, about as fast at 40 000. Torch itself is at least as fast for sums, and without the gradient.
_MANY = 100_000


@cache
def _torch_scatter() -> Any | None:
    """Import torch-scatter, if it is installed."""
    return where_installed("torch_scatter")


def pool(x: Tensor, packed: Arrangement, how: str) -> Tensor:
    """Pool the points ``(n_rows, d)`` of each event to ``(n_events, d)``; zeros for an event without points.

    Parameters
    ----------
    x : Tensor of shape (n_rows, d)
        Features of the points.
    packed : Packed or Padded
        Assignment of the rows to events.
    how : {"mean", "max", "sum"}
        How the points of an event are pooled.
    """
    if isinstance(packed, Padded):
        return pool_points(packed.by_event(x), packed.mask, how)
    pooled = reduce_to(x, packed.segment, packed.n_events + 1, "sum" if how == "mean" else how)[:-1]
    return pooled / packed.sizes if how == "mean" else pooled


def reduce_to(x: Tensor, target: Tensor, n: int, how: str) -> Tensor:
    """Reduce rows ``(m, ...)`` that share a ``target`` ``(m,)`` to ``(n, ...)``; zeros where there is none.

    Parameters
    ----------
    x : Tensor of shape (m, ...)
        Rows to reduce.
    target : Tensor of shape (m,), int64
        Row of the result that each row goes to, from 0 to n − 1, in any order.
    n : int
        Length of the result.
    how : {"mean", "max", "sum"}
        How the rows of a target are reduced.
    """
    if how == "max":
        many = x.device.type == "cpu" and x.requires_grad and len(x) >= _MANY
        if many and (torch_scatter := _torch_scatter()) is not None:
            highest: Tensor = torch_scatter.scatter(x, target, dim=0, dim_size=n, reduce="max")
            return highest
        index = target.view(-1, *[1] * (x.ndim - 1)).expand_as(x)
        return x.new_zeros(n, *x.shape[1:]).scatter_reduce(0, index, x, "amax", include_self=False)
    total = x.new_zeros(n, *x.shape[1:]).index_add(0, target, x)
    if how == "sum":
        return total
    counts = x.new_zeros(n).index_add(0, target, x.new_ones(target.shape[0]))
    return total / counts.clamp(min=1).view(-1, *[1] * (x.ndim - 1))
