"""Attention among the points of packed events, with a bias computed from the features of pairs."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._deep_sets import PointLayers
from ._edge_layers import SHORTEST
from ._graph import ListedEdges, wrapped
from ._initialise import linear_output
from ._linear import Linear
from ._packed import Arrangement, Packed, Padded
from ._piecewise import piecewise

# Numbers of one layer on pairs that are computed at a time: 4 MiB in float32, which fit into a processor's cache. For
# 2000 points this is 2 to 3 times faster than sixteen times as many, and it bounds the memory of a large event.
_NUMBERS = 2**20
# Numbers of one layer on all pairs of a batch from which on pairs are computed in parts: 500 jets of 64 particles with
# 32 nodes per layer have so many. Otherwise training keeps about ten such arrays, each of half of the pairs.
_KEPT = 2**26
# Largest bias of a batch, in numbers: 4 GiB, of which training needs three times as much. One event of 10 000 points
# with 8 heads has 0.8 times as many.
_MOST = 2**30
# sinh² of a larger number overflows in float32. No two particles are so far apart, but −999 may stand for a missing η.
_FARTHEST = 40.0


def n_pair_features(periodic: tuple[bool, ...], has_pt: bool) -> int:
    """Count the columns of `pair_features`."""
    return 0 if not periodic else 1 if not has_pt else 4 if _on_cylinder(periodic) else 3


def _on_cylinder(periodic: tuple[bool, ...]) -> bool:
    return len(periodic) == 2 and sum(periodic) == 1


def pair_features(a: Tensor, b: Tensor, periodic: tuple[bool, ...]) -> Tensor:
    """Compute ln Δ of pairs of points; with momenta also ln kT and ln z, and on the cylinder ln m².

    Δ is the distance, at least 10⁻⁸; kT = min(pT_a, pT_b) Δ; z = min(pT_a, pT_b)/(pT_a + pT_b); and m² = 2 pT_a pT_b
    (cosh Δη − cos Δφ) is the squared invariant mass of massless particles. Points are on the cylinder if one of their
    two coordinates is an angle.

    Parameters
    ----------
    a, b : Tensor of shape (..., c) or (..., c + 1)
        Coordinates, and ln pT as the last column; leading axes are broadcast.
    periodic : tuple of bool
        Which of the ``c`` coordinates are angles in rad.

    Returns
    -------
    Tensor of shape (..., n_pair_features)

    References
    ----------
    Qu, Li and Qian, arXiv:2202.03772, equation 3.
    """
    c = len(periodic)
    difference = wrapped(a[..., :c] - b[..., :c], periodic)
    distance = 0.5 * difference.square().sum(-1).clamp(min=SHORTEST**2).log()
    if a.shape[-1] == c:
        return distance[..., None]
    pt_a, pt_b = a[..., c], b[..., c]
    softer = torch.minimum(pt_a, pt_b)
    ratio = softer - torch.maximum(pt_a, pt_b)
    features = [distance, softer + distance, ratio - (1 + ratio.exp()).log()]
    if _on_cylinder(periodic):
        # cosh x − cos y = 2 (sinh² x/2 + sin² y/2), which does not cancel at small angles
        half = 0.5 * difference.abs().clamp(max=2 * _FARTHEST)
        angle = periodic.index(True)
        opening = half[..., 1 - angle].sinh().square() + half[..., angle].sin().square()
        features.append(pt_a + pt_b + math.log(4) + opening.clamp(min=0.25 * SHORTEST**2).log())
    return torch.stack(features, dim=-1)


class PairBias(nn.Module):
    """Three layers and a linear one, which map the features of a pair to one number per attention head."""

    def __init__(self, d: int, width: int, n_heads: int, *, activation: str, normalisation: str) -> None:
        super().__init__()
        self.width = max(width, n_heads)
        self.layers = PointLayers(d, width, n_layers=3, activation=activation, normalisation=normalisation)
        self.out = linear_output(Linear(width, n_heads))

    def forward(self, pairs: Tensor) -> Tensor:
        """Map ``(..., d)`` to ``(..., n_heads)``."""
        bias: Tensor = self.out(self.layers(pairs.flatten(0, -2), None)).unflatten(0, pairs.shape[:-1])
        return bias


def _parts(n: int, t: int, numbers: int) -> list[tuple[slice, slice]]:
    """Divide ``n`` events of ``t`` points into parts whose pairs, of ``numbers`` each, are computed at a time."""
    n_events = max(1, _NUMBERS // (t * t * numbers))
    n_points = min(t, max(1, _NUMBERS // (t * numbers)))
    return [
        (slice(event, event + n_events), slice(point, point + n_points))
        for event in range(0, n, n_events)
        for point in range(0, t, n_points)
    ]


class AmongAll:
    """Attention of every point to all points of its event.

    Events of about equal length form a block. If a layer on the pairs has more than 2²⁶ numbers, it is computed in
    parts, and again for the gradients; then only the bias is kept, one number per pair and head.

    Parameters
    ----------
    packed : Packed
        Which rows belong to which event.
    where : Tensor of shape (n_rows, ...)
        Coordinates, and ln pT if there is one: the ``a`` and ``b`` of `pair_features`.
    periodic : tuple of bool
        Which coordinates are angles in rad.
    embed : PairBias or None
        None for attention without a bias.

    Raises
    ------
    ValueError
        The biases of all pairs would not fit into memory.
    """

    def __init__(self, packed: Packed, where: Tensor, periodic: tuple[bool, ...], embed: PairBias | None) -> None:
        self.periodic, self.embed = periodic, embed
        self.buckets = [rows for _, rows, _ in packed.buckets]
        n_pairs = sum(rows.numel() * rows.shape[1] for rows in self.buckets)
        self.large = embed is not None and n_pairs * embed.width > _KEPT
        if embed is not None and n_pairs * embed.out.out_features > _MOST:
            raise ValueError(
                f"Expected at most {_MOST:.1e} pairs of points times heads in a batch, for which training takes "
                f"{12 * _MOST / 2**30:.0f} GiB; got {n_pairs:.1e} pairs, the largest event having "
                f"{int(packed.counts.max())} points, and {embed.out.out_features} heads. Lower batch_size or n_heads; "
                "pass Graphs, along whose edges points attend; or take a network on neighbours, such as EdgeConv."
            )
        with_padding = torch.cat([where, where.new_zeros(1, where.shape[1])])
        self.biases = [self._bias_of(with_padding[rows], rows < packed.n_rows) for rows in self.buckets]
        flat = torch.cat([rows.flatten() for rows in self.buckets]) if self.buckets else packed.segment[:0]
        # the position of each row in the concatenated buckets, which are followed by a row of zeros
        found = torch.full((packed.n_rows + 1,), len(flat), device=packed.device)
        self.found = found.index_copy(0, flat, torch.arange(len(flat), device=packed.device))[:-1]

    def _bias_of(self, where: Tensor, mask: Tensor) -> Tensor:
        """Bias ``(n, n_heads, t, t)`` of a bucket, −∞ towards padding; without one, what is seen ``(n, 1, 1, t)``."""
        if self.embed is None:
            return mask[:, None, None]
        if not self.large:
            return self._embedded(where, where, mask)
        n, t = mask.shape
        parameters = list(self.embed.parameters())
        none = [None] * len(parameters)
        pieces = [
            ((some, slice(None), those), ((some, those), some, some, *none))
            for some, those in _parts(n, t, self.embed.width)
        ]
        shape = (n, self.embed.out.out_features, t, t)
        return piecewise(self._embedded, pieces, shape, where, where, mask, *parameters)

    def _embedded(self, ends: Tensor, origins: Tensor, seen: Tensor, *_: Tensor) -> Tensor:
        """Compute the bias ``(n, n_heads, s, t)`` of ``ends`` ``(n, s, ...)`` towards ``origins`` ``(n, t, ...)``."""
        assert self.embed is not None
        n, t = seen.shape
        if ends.shape[1] == t:  # the features of a pair are symmetric: one half is enough
            first, second = torch.triu_indices(t, t, device=ends.device)
            number = torch.zeros(t, t, dtype=torch.int64, device=ends.device)
            number[first, second] = number[second, first] = torch.arange(len(first), device=ends.device)
            half = self.embed(pair_features(ends[:, first], ends[:, second], self.periodic))
            bias = half.transpose(1, 2).index_select(2, number.flatten()).view(n, -1, t, t)
        else:
            bias = self.embed(pair_features(ends[:, :, None], origins[:, None], self.periodic)).permute(0, 3, 1, 2)
        return bias.masked_fill(~seen[:, None, None], -math.inf)

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Compute softmax(q kᵀ/√d + bias) v, ``(n_rows, n_heads · d)``, of three arrays ``(n_rows, n_heads, d)``."""
        n_heads, d = q.shape[1:]
        qkv = torch.stack([q, k, v], dim=1)
        qkv = torch.cat([qkv, qkv.new_zeros(1, *qkv.shape[1:])])
        attended = []
        for rows, bias in zip(self.buckets, self.biases, strict=True):
            dense = qkv[rows].permute(2, 0, 3, 1, 4)
            inputs = (*dense, bias if bias.dtype == torch.bool else bias.to(dense.dtype))
            if self.large:
                places = [(some, slice(None), those) for some, those in _parts(len(rows), rows.shape[1], n_heads)]
                pieces = [(place, (place, place[0], place[0], place)) for place in places]
                heard = piecewise(F.scaled_dot_product_attention, pieces, tuple(dense.shape[1:]), *inputs)
            else:
                heard = F.scaled_dot_product_attention(*inputs)
            attended.append(heard.transpose(1, 2).reshape(-1, n_heads * d))
        return torch.cat([*attended, qkv.new_zeros(1, n_heads * d)])[self.found]


class AmongPadded:
    """Attention of every point to all points of its event, in padded arrays, by operations that a tracer sees.

    Parameters
    ----------
    padded : Padded
        Which rows are points.
    where, periodic, embed : object
        As for `AmongAll`.
    """

    def __init__(self, padded: Padded, where: Tensor, periodic: tuple[bool, ...], embed: PairBias | None) -> None:
        self.padded = padded
        # an event without points attends to its padding: a softmax over nothing would be NaN
        seen = (padded.mask | ~padded.mask.any(1, keepdim=True))[:, None, None]
        self.bias = seen
        if embed is not None:
            points = padded.by_event(where)
            bias = embed(pair_features(points[:, :, None], points[:, None], periodic)).permute(0, 3, 1, 2)
            self.bias = bias.masked_fill(~seen, -math.inf)

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Compute the attention, as `AmongAll` does."""
        q, k, v = (self.padded.by_event(x).transpose(1, 2) for x in (q, k, v))
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias)
        return heard.transpose(1, 2).flatten(0, 1).flatten(1)


class AlongEdges:
    """Attention of every point to itself and to the points from which edges lead to it.

    Parameters
    ----------
    edges : ListedEdges
        The edges.
    bias : Tensor of shape (n_edges, n_heads), or None
        Number that is added to the product of query and key along each edge, per head.
    """

    def __init__(self, edges: ListedEdges, bias: Tensor | None) -> None:
        self.edges, self.bias = edges, bias

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Compute the attention, as `AmongAll` does."""
        source = self.edges.source
        attended = attend(q, k, v, self.edges.target, k[source], v[source], self.bias)
        return attended.flatten(1)


def attend(
    q: Tensor, own_k: Tensor, own_v: Tensor, target: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Compute the attention of ``n`` queries: each to its own entry, and to the listed entries that name it as target.

    Parameters
    ----------
    q, own_k, own_v : Tensor of shape (n, n_heads, d)
        Queries, and keys and values of their own entries.
    target : Tensor of shape (m,), int64
        Query that each listed entry belongs to.
    k, v : Tensor of shape (m, n_heads, d)
        Keys and values of the listed entries.
    bias : Tensor of shape (m, n_heads), or None
        Number that is added to the product of query and key, divided by √d.

    Returns
    -------
    Tensor of shape (n, n_heads, d)
        Weighted means of the values.
    """
    scale, exact = q.shape[-1] ** -0.5, torch.promote_types(q.dtype, torch.float32)  # bfloat16 has three digits
    own = (q * own_k).sum(-1).to(exact) * scale
    listed = (q[target] * k).sum(-1).to(exact) * scale
    if bias is not None:
        listed = listed + bias
    index = target[:, None].expand_as(listed)
    # subtracting a constant does not change a softmax: it needs no gradient
    highest = own.detach().scatter_reduce(0, index, listed.detach(), "amax")
    own, listed = (own - highest).exp(), (listed - highest[target]).exp()
    total = own.index_add(0, target, listed)
    weights = (listed / total[target]).to(v.dtype)
    return (own / total).to(v.dtype)[..., None] * own_v + torch.zeros_like(own_v).index_add(
        0, target, weights[..., None] * v
    )


def attend_to_points(q: Tensor, own_k: Tensor, own_v: Tensor, packed: Arrangement, k: Tensor, v: Tensor) -> Tensor:
    """Compute the attention of one query an event to its own entry and to the points of the event.

    Parameters
    ----------
    q, own_k, own_v : Tensor of shape (n_events, n_heads, d)
        Queries, and keys and values of their own entries.
    packed : Packed or Padded
        Assignment of the rows to events.
    k, v : Tensor of shape (n_rows, n_heads, d)
        Keys and values of the points.

    Returns
    -------
    Tensor of shape (n_events, n_heads · d)
        Weighted means of the values.
    """
    if isinstance(packed, Padded):
        seen = torch.cat([torch.ones_like(packed.mask[:, :1]), packed.mask], dim=1)[:, None, None]
        entries = ((own_k, k), (own_v, v))
        keys, values = (torch.cat([own[:, None], packed.by_event(x)], dim=1).transpose(1, 2) for own, x in entries)
        return F.scaled_dot_product_attention(q[:, :, None], keys, values, attn_mask=seen).flatten(1)
    # rows of no event belong to an additional query, which is dropped
    q, own_k, own_v = (torch.cat([one, one.new_zeros(1, *one.shape[1:])]) for one in (q, own_k, own_v))
    return attend(q, own_k, own_v, packed.segment, k, v)[:-1].flatten(1)
