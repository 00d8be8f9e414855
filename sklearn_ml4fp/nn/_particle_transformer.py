"""Particle Transformer: attention among particles, with a bias from the kinematics of their pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ._deep_sets import PointLayers
from ._graph import ListedEdges, edges_of
from ._initialise import linear_output
from ._layers import ACTIVATIONS, dropout_layer, norm
from ._linear import Linear
from ._packed import Arrangement, Padded, arrangement
from ._pairs import AlongEdges, AmongAll, AmongPadded, PairBias, attend_to_points, n_pair_features, pair_features
from ._read_out import n_read, read_out
from ._transformer import ClassToken

Attention = Callable[[Tensor, Tensor, Tensor], Tensor]


def each_alone(normalisation: str) -> str:
    """Replace batch by layer normalisation, for inputs over which a batch has no variance."""
    return "none" if normalisation == "none" else "layer"


class Widened(nn.Module):
    """Residual pair of linear layers, x + W_2 norm(activation(W_1 norm(x))), ``expansion`` times as wide inside."""

    def __init__(
        self, width: int, expansion: int, *, activation: str, dropout: float, normalisation: str, gain: float
    ) -> None:
        super().__init__()
        self.norm = norm(normalisation, width, channel_axis=-1)
        self.inner = PointLayers(width, expansion * width, n_layers=1, activation=activation, normalisation="none")
        self.inner_norm = norm(normalisation, expansion * width, channel_axis=-1)
        self.outer = linear_output(Linear(expansion * width, width), gain)
        self.dropout = dropout_layer(dropout, activation)

    def forward(self, x: Tensor, there: Tensor | None) -> Tensor:
        """Map ``(n, width)`` to the same shape."""
        inner = self.inner(self.norm(x, there), there)
        out: Tensor = x + self.dropout(self.outer(self.inner_norm(inner, there)))
        return out


class ParticleBlock(nn.Module):
    """Block of attention among the points, x + W norm(attention(norm(x))) with a bias of pairs, and then `Widened`."""

    def __init__(
        self,
        width: int,
        n_heads: int,
        expansion: int,
        *,
        activation: str,
        dropout: float,
        normalisation: str,
        gain: float,
    ) -> None:
        super().__init__()
        d = n_heads * math.ceil(width / n_heads)  # so that any width goes with any number of heads
        self.heads = (n_heads, d // n_heads)
        self.norm = norm(normalisation, width, channel_axis=-1)
        self.qkv = linear_output(Linear(width, 3 * d))
        self.attended_norm = norm(normalisation, d, channel_axis=-1)
        self.mixed = linear_output(Linear(d, width), gain)
        self.dropout = dropout_layer(dropout, activation)
        self.widened = Widened(
            width, expansion, activation=activation, dropout=dropout, normalisation=normalisation, gain=gain
        )

    def forward(self, h: Tensor, attention: Attention, there: Tensor | None) -> Tensor:
        """Map points ``(n_rows, width)`` to the same shape."""
        q, k, v = self.qkv(self.norm(h, there)).view(h.shape[0], 3, *self.heads).unbind(1)
        attended = self.attended_norm(attention(q, k, v), there)
        out: Tensor = self.widened(h + self.dropout(self.mixed(attended)), there)
        return out


class ClassBlock(nn.Module):
    """Block in which the class token attends to itself and to the points; the points do not change."""

    def __init__(
        self,
        width: int,
        n_heads: int,
        expansion: int,
        *,
        activation: str,
        dropout: float,
        normalisation: str,
        gain: float,
    ) -> None:
        super().__init__()
        d = n_heads * math.ceil(width / n_heads)
        self.heads = (n_heads, d // n_heads)
        self.norm_points = norm(normalisation, width, channel_axis=-1)
        # the token is at first the same for all events, and has no variance over a batch
        normalisation = each_alone(normalisation)
        self.norm_token = norm(normalisation, width, channel_axis=-1)
        self.q = linear_output(Linear(width, d))
        self.kv = linear_output(Linear(width, 2 * d))
        self.attended_norm = norm(normalisation, d, channel_axis=-1)
        self.mixed = linear_output(Linear(d, width), gain)
        self.dropout = dropout_layer(dropout, activation)
        self.widened = Widened(
            width, expansion, activation=activation, dropout=dropout, normalisation=normalisation, gain=gain
        )

    def forward(self, token: Tensor, h: Tensor, packed: Arrangement) -> Tensor:
        """Map class tokens ``(n_events, width)``, given the points ``(n_rows, width)``, to the same shape."""
        own = self.norm_token(token, None)
        k, v = self.kv(self.norm_points(h, packed.there)).view(h.shape[0], 2, *self.heads).unbind(1)
        own_k, own_v = self.kv(own).view(token.shape[0], 2, *self.heads).unbind(1)
        q = self.q(own).view(token.shape[0], *self.heads)
        attended = attend_to_points(q, own_k, own_v, packed, k, v)
        out: Tensor = self.widened(token + self.dropout(self.mixed(self.attended_norm(attended, None))), None)
        return out


class ParticleTransformer(nn.Module):
    """Blocks of attention among points with a bias from `pair_features`, then blocks in which a class token attends.

    The bias is the same in all blocks. Where edges are given, a point attends along them and to itself alone, and the
    features of the edges join those of the pairs.

    Parameters
    ----------
    shape_in : tuple of int
        ``(d, d_event, d_edge)``: features of a point, of the event as a whole, and of a given edge.
    d_out : int
        Number of outputs: classes (logits) or targets.
    periodic : tuple of bool
        One entry per coordinate, True for an angle in rad. The coordinates are columns of the points, after the ``d``
        features; without any, pairs have no features.
    has_pt : bool
        Whether ln pT is an additional column after the coordinates.
    n_blocks : int
        Number of blocks of attention among points.
    n_class_blocks : int
        Number of blocks in which the class token attends to the points.
    width : int
        Number of features of a point.
    n_heads : int
        Number of attention heads, of ⌈width/n_heads⌉ features each.
    pair_width : int
        Number of nodes in the three layers on the features of a pair.
    expansion : int
        Ratio of the nodes between the two linear layers of a block to ``width``.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a feature that a block adds, or a node of the hidden layer before the output, is dropped
        during training.
    normalisation : str
        A name in ``NORMALISATIONS``. With "batch", pairs and the class token are still normalised by layer: pairs are
        computed in parts, and the token is at first the same for all events.
    output : {"event", "point", "edge"}
        What the outputs belong to; those of edges belong to the given ones. Points
        and edges need no class token, and no blocks of it.
    kinds : sequence of int
        Columns of the points that tell their kinds; each kind has a first layer of its own.

    Notes
    -----
    The paper normalises after the attention and before the addition. Here these two normalisations come before the last
    linear layer (Wang et al., arXiv:2210.06423), so that the weights of this layer decide how much a block adds.

    References
    ----------
    Qu, Li and Qian, arXiv:2202.03772, section 4; Touvron et al., arXiv:2103.17239 (class attention).

    Examples
    --------
    >>> import torch
    >>> settings = {"n_blocks": 1, "n_class_blocks": 1, "width": 8, "n_heads": 2, "pair_width": 4}
    >>> network = ParticleTransformer((3, 0, 0), 2, periodic=(False, True), has_pt=True, **settings)
    >>> network(torch.zeros(9, 6), torch.tensor([4, 5]), torch.zeros(2, 0)).shape
    torch.Size([2, 2])
    """

    def __init__(
        self,
        shape_in: tuple[int, ...],
        d_out: int,
        *,
        periodic: tuple[bool, ...],
        has_pt: bool,
        n_blocks: int,
        n_class_blocks: int,
        width: int,
        n_heads: int,
        pair_width: int,
        expansion: int = 2,
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "layer",
        output: str = "event",
        kinds: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.output = output
        self.d, d_event, d_edge = shape_in
        self.periodic = periodic
        choices: dict[str, Any] = {"activation": activation, "normalisation": normalisation}
        self.layers = PointLayers(self.d, width, n_layers=1, kinds=kinds, **choices)
        self.tokens = linear_output(Linear(width, width))
        d_pair = n_pair_features(periodic, has_pt) + d_edge
        of_pairs = {**choices, "normalisation": each_alone(normalisation)}
        self.pairs = PairBias(d_pair, pair_width, n_heads, **of_pairs) if d_pair else None
        self.blocks = nn.ModuleList(
            ParticleBlock(width, n_heads, expansion, dropout=dropout, gain=(2 * n_blocks) ** -0.5, **choices)
            for _ in range(n_blocks)
        )
        # as large as the features of points: a normalisation of a smaller input would give larger gradients
        self.class_token = ClassToken(width, spread=1.0) if output == "event" else None
        self.class_blocks = nn.ModuleList(
            ClassBlock(width, n_heads, expansion, dropout=dropout, gain=(2 * n_class_blocks) ** -0.5, **choices)
            for _ in range(n_class_blocks if output == "event" else 0)
        )
        self.last = norm(each_alone(normalisation), width, channel_axis=-1)
        self.join = nn.Sequential(
            Linear(n_read(output, width, d_event, d_edge), width),
            ACTIVATIONS[activation](),
            dropout_layer(dropout, activation),
        )
        self.head = linear_output(Linear(width, d_out))

    def forward(self, x: Tensor, counts: Tensor, event: Tensor, *given: Tensor) -> Tensor:
        """Map packed points ``(n_rows, d + n_coordinates)``, their ``counts`` and event columns to ``(n, d_out)``.

        ``n`` is the number of events, points or edges. A mask ``(n, p)`` in the place of ``counts`` says which of p
        rows for each event are points.

        ``given`` edges are rows ``(n_edges, 2)`` of origin and end, and features ``(n_edges, d_edge)``.
        """
        packed = arrangement(counts, x)
        attention = self._attention(x[:, self.d :], packed, given)
        h = self.tokens(self.layers(x[:, : self.d], packed.there)).to(
            x.dtype
        )  # sums over blocks need more digits than bfloat16 has
        for block in self.blocks:
            h = block(h, attention, packed.there)
        outputs: Tensor = self.head(self.join(self._read(h, event, packed, given)))
        return outputs

    def _read(self, h: Tensor, event: Tensor, packed: Arrangement, given: tuple[Tensor, ...]) -> Tensor:
        if self.class_token is None:
            return read_out(self.output, self.last(h, packed.there), event, packed, given)
        token = self.class_token.token.expand(packed.n_events, -1)
        for block in self.class_blocks:
            token = block(token, h, packed)
        return torch.cat([self.last(token, None), event], dim=1)

    def _attention(self, where: Tensor, packed: Arrangement, given: tuple[Tensor, ...]) -> Attention:
        edges, values = edges_of(given, packed, training=False)  # a list, also in training
        if not isinstance(edges, ListedEdges):
            if isinstance(packed, Padded):
                return AmongPadded(packed, where, self.periodic, self.pairs)
            return AmongAll(packed, where, self.periodic, self.pairs)
        if self.pairs is None or values is None:
            return AlongEdges(edges, None)
        if self.periodic:
            pairs = pair_features(edges.targets(where), edges.sources(where), self.periodic)
            values = torch.cat([pairs, values], dim=1)
        return AlongEdges(edges, self.pairs(values))
