"""Edges between the points of packed events: nearest neighbours or given edges, and operations along them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ._packed import Arrangement, Padded, reduce_to

AGGREGATIONS = ("mean", "max", "sum")
# Largest ratio of the cells of a table to its edges with which given edges become a table: half of it may be empty.
_FULL = 2
# Steps of the number of neighbours where events have fewer points than are asked for.
_NEIGHBOUR_STEP = 32
# Distances computed at a time: 64 MiB in double precision, which bounds the memory of a large cloud.
_DISTANCES = 2**23
# Length of rows from which on, on a CPU, numpy finds the smallest values faster than it sorts all of them.
_LONG = 256


@dataclass
class NeighbourEdges:
    """Edges to every point from ``k`` neighbours.

    Parameters
    ----------
    index : Tensor of shape (n_rows, k), int64
        Rows of the neighbours; a row's own number where there are fewer.
    mask : Tensor of shape (n_rows, k), bool, or None
        True where there is a neighbour; None if all are there.
    """

    index: Tensor
    mask: Tensor | None

    def sources(self, x: Tensor) -> Tensor:
        """Take the features ``(n_rows, d)`` of the points at the origins of the edges: ``(n_rows, k, d)``."""
        return x.index_select(0, self.index.flatten()).view(*self.index.shape, x.shape[1])

    def targets(self, x: Tensor) -> Tensor:
        """Take the features ``(n_rows, d)`` of the points at the ends, to be broadcast: ``(n_rows, 1, d)``."""
        return x[:, None]

    def reduce(self, messages: Tensor, how: str) -> Tensor:
        """Reduce messages ``(n_rows, k, d)`` to their ends ``(n_rows, d)``; zeros where none arrives."""
        if self.mask is None:
            return messages.amax(1) if how == "max" else messages.mean(1) if how == "mean" else messages.sum(1)
        there = self.mask[..., None]
        if how == "max":
            highest = messages.masked_fill(~there, -math.inf).amax(1)
            return torch.where(there.any(1), highest, 0.0)
        total = messages.masked_fill(~there, 0.0).sum(1)
        return total if how == "sum" else total / there.sum(1).clamp(min=1)


@dataclass
class ListedEdges:
    """Edges in a list.

    Parameters
    ----------
    source, target : Tensor of shape (n_edges,), int64
        Rows of the origins and ends.
    n_rows : int
        Number of rows.
    mask : Tensor of shape (n_edges,), bool, or None
        False for an edge that only fills up a block, between rows of no event.
    """

    source: Tensor
    target: Tensor
    n_rows: int
    mask: Tensor | None = None

    def sources(self, x: Tensor) -> Tensor:
        """Take the features ``(n_rows, d)`` of the points at the origins of the edges: ``(n_edges, d)``."""
        return x.index_select(0, self.source)

    def targets(self, x: Tensor) -> Tensor:
        """Take the features ``(n_rows, d)`` of the points at the ends of the edges: ``(n_edges, d)``."""
        return x.index_select(0, self.target)

    def reduce(self, messages: Tensor, how: str) -> Tensor:
        """Reduce messages ``(n_edges, d)`` to their ends ``(n_rows, d)``; zeros where none arrives."""
        return reduce_to(messages, self.target, self.n_rows, how)


Edges = NeighbourEdges | ListedEdges


def edges_of(
    given: tuple[Tensor, ...], packed: Arrangement, *, training: bool
) -> tuple[NeighbourEdges | ListedEdges | None, Tensor | None]:
    """Return the edges of a batch and their features, from rows ``(n_edges, 2)`` and features; None without edges.

    An edge whose end belongs to no event only fills up a block. In training, edges that reach all points in about equal
    numbers become a table of neighbours, on which kernels are faster. Predictions keep the list: the shape of a table
    would depend on the other events in the call.
    """
    if not given:
        return None, None
    rows, values = given
    source, target = rows.T
    if training and len(rows):
        n_arriving = torch.bincount(target, minlength=packed.n_rows)
        k = int(n_arriving.max())
        if k * packed.n_rows <= _FULL * len(rows):
            return _table(source, target, n_arriving, k, values)
    mask = None if packed.there is None else packed.there[target]
    return ListedEdges(source, target, packed.n_rows, mask), values


def _table(
    source: Tensor, target: Tensor, n_arriving: Tensor, k: int, values: Tensor
) -> tuple[NeighbourEdges, Tensor | None]:
    """Turn a list of edges into a table of ``k`` neighbours per point, with features ``(n_rows, k, d_edge)``."""
    n_rows = len(n_arriving)
    if not bool((target[1:] >= target[:-1]).all()):
        order = target.argsort(stable=True)
        source, target, values = source[order], target[order], values[order]
    if len(source) == n_rows * k:
        return NeighbourEdges(source.reshape(n_rows, k), None), values.view(n_rows, k, -1)
    first = n_arriving.cumsum(0) - n_arriving
    place = torch.arange(len(source), device=source.device) - first[target]
    index = torch.arange(n_rows, device=source.device)[:, None].repeat(1, k)
    index[target, place] = source
    there = torch.arange(k, device=source.device) < n_arriving[:, None]
    table = values.new_zeros(n_rows, k, values.shape[1]).index_put((target, place), values)
    return NeighbourEdges(index, there), table


def wrapped(difference: Tensor, periodic: tuple[bool, ...]) -> Tensor:
    """Bring the differences ``(..., c)`` of angles in rad to [−π, π], and leave those of other coordinates."""
    if not any(periodic):
        return difference
    turn: Tensor | float = 2 * math.pi
    if not all(periodic):
        turn = difference.new_tensor([turn if angle else 0.0 for angle in periodic])
    return difference - turn * torch.round(difference / (2 * math.pi))


def squared_distances(a: Tensor, b: Tensor, periodic: tuple[bool, ...] = ()) -> Tensor:
    """Compute squared distances ``(n, s, t)`` between points ``(n, s, c)`` and ``(n, t, c)``.

    Parameters
    ----------
    a, b : Tensor
        Coordinates.
    periodic : tuple of bool
        Which coordinates are angles in rad, whose differences are brought to [−π, π]. Empty for many coordinates
        without angles; then |b|² − 2 a·b is returned, which ranks the points of ``b`` in the same order.
    """
    if not periodic:
        return torch.baddbmm(b.square().sum(2)[:, None], a, b.transpose(1, 2), alpha=-2)
    total = a.new_zeros(a.shape[0], a.shape[1], b.shape[1])
    for column, angle in enumerate(periodic):
        difference = wrapped(a[:, :, None, column] - b[:, None, :, column], (angle,))
        total.addcmul_(difference, difference)
    return total


def smallest(x: Tensor, k: int) -> Tensor:
    """Return the positions of the ``k`` smallest values along the last axis, the smallest first.

    On a CPU the first of equal values comes first. Positions take the place of the last digits of the values, which
    are then sorted as whole numbers: faster than numpy finds an order, and about ten times faster than torch does for
    64 values. Values in double precision are so compared to 2⁻⁴⁴ for 256 of them, and those in float32 exactly.
    """
    if x.device.type != "cpu":
        return x.topk(k, largest=False).indices
    n_bits = (x.shape[-1] - 1).bit_length()
    digits = x.double().view(torch.int64)
    digits = digits ^ ((digits >> 63) & torch.iinfo(torch.int64).max)  # the order of negative numbers is turned round
    keys = ((digits >> n_bits << n_bits) | torch.arange(x.shape[-1])).numpy()
    if x.shape[-1] > max(_LONG, k):
        keys.partition(k, axis=-1)
        keys = keys[..., :k]
    keys.sort(axis=-1)
    return torch.from_numpy(keys[..., :k] & ((1 << n_bits) - 1))


@torch.no_grad()
def nearest_neighbours(
    x: Tensor, packed: Arrangement, k: int, periodic: tuple[bool, ...] = (), *, training: bool = False
) -> NeighbourEdges:
    """Find edges to every point from its ``k`` nearest neighbours in the same event, itself excluded.

    Parameters
    ----------
    x : Tensor of shape (n_rows, c)
        Coordinates.
    packed : Packed or Padded
        Which rows belong to which event.
    k : int
        Number of neighbours. In an event with fewer other points, all of them are neighbours.
    periodic : tuple of bool
        As for `squared_distances`.
    training : bool
        Whether distances in float32 are good enough.

    Notes
    -----
    Distances are in double precision: in float32 the difference of |b|² and 2 a·b has so few digits that another order
    of the operations finds other neighbours in one of 1000 jets. At most 2²³ distances of packed events are in memory
    at a time. Of points at the same distance, the first in the array are neighbours.
    """
    if isinstance(packed, Padded):
        return _neighbours_in_padded(x, packed, k, periodic)
    # bfloat16 has too few digits to tell the nearest, and mps has no double precision
    least = torch.float32 if training or x.device.type == "mps" else torch.float64
    x = x.to(torch.promote_types(x.dtype, least))
    if (
        x.device.type == "cpu" and len(x) and bool(x.abs().max() <= math.pi / 2)
    ):  # on a GPU the check would wait for the device
        periodic = (False,) * len(periodic)  # no difference exceeds half a turn
    # no wider than the largest event needs; in steps, so that the shape seldom depends on what else is in the call
    largest = max((rows.shape[1] for _, rows, _ in packed.buckets), default=1)
    k = min(k, _NEIGHBOUR_STEP * math.ceil(largest / _NEIGHBOUR_STEP))
    with_padding = torch.cat([x, x.new_zeros(1, x.shape[1])])
    # the neighbours of padding are written to an additional row, which is dropped
    index = torch.arange(packed.n_rows + 1, device=x.device)[:, None].repeat(1, k)
    for _, rows, mask in packed.buckets:
        n, t = rows.shape
        n_found = min(k, t - 1)
        if n_found == 0:
            continue
        points = with_padding[rows]
        n_events = max(1, _DISTANCES // t**2)
        n_points = max(1, _DISTANCES // t)
        for event in range(0, n, n_events):
            some = slice(event, event + n_events)
            for point in range(0, t, n_points):
                part = slice(point, point + n_points)
                with torch.autocast(x.device.type, enabled=False):
                    distances = squared_distances(points[some, part], points[some], periodic)
                distances.masked_fill_(~mask[some, None], math.inf)
                distances.diagonal(point, 1, 2).fill_(math.inf)
                near = smallest(distances, n_found)
                index[rows[some, part], :n_found] = rows[some, :1, None] + near
    index = index[:-1]
    fewest = int(packed.counts.min()) if packed.n_events else 0
    if fewest > k and packed.there is None:
        return NeighbourEdges(index, None)
    n_others = torch.cat([packed.counts - 1, packed.counts.new_zeros(1)]).to(x.device)[packed.segment]
    there = torch.arange(k, device=x.device) < n_others[:, None]
    own = torch.arange(packed.n_rows, device=x.device)[:, None]
    return NeighbourEdges(torch.where(there, index, own), there)


def _neighbours_in_padded(x: Tensor, padded: Padded, k: int, periodic: tuple[bool, ...]) -> NeighbourEdges:
    """Find the same edges among padded points, by operations that a tracer sees."""
    points, steps = padded.by_event(x.double()), torch.arange(padded.length, device=x.device)
    distances = squared_distances(points, points, periodic)
    others = padded.mask[:, None] & (steps[:, None] != steps)
    distances = torch.where(others, distances, math.inf)
    # further columns, so that there are k of them
    nearest, near = F.pad(distances, (0, k), value=math.inf).topk(k, largest=False)
    there = ((nearest < math.inf) & padded.mask[..., None]).flatten(0, 1)
    first = torch.arange(padded.n_events, device=x.device)[:, None, None] * padded.length
    own = torch.arange(padded.n_rows, device=x.device)[:, None]
    return NeighbourEdges(torch.where(there, (near + first).flatten(0, 1), own), there)
