"""Interaction networks: functions of the edges, then of the points, then of the event as a whole."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._deep_sets import PointLayers
from ._edge_layers import EdgeLayers, edge_features, graph_of, n_separations
from ._graph import Edges
from ._initialise import linear_output
from ._layers import ACTIVATIONS, dropout_layer
from ._linear import Linear
from ._packed import Arrangement, arrangement, pool
from ._read_out import n_read, read_out


class InteractionBlock(nn.Module):
    """Block of three functions: φ_e of every edge, φ_v of every point with its edges, φ_u of the pooled points.

    e'_ij = φ_e(h_i, h_j, e_ij, u); h'_i = φ_v(h_i, reduce over j of e'_ij, u); u' = φ_u(pool of h', u). Without
    ``of_event`` there is no φ_u, and u' = u.
    """

    def __init__(
        self, d: int, d_edge: int, d_event: int, width: int, *, aggregation: str, of_event: bool = True, **layers: Any
    ) -> None:
        super().__init__()
        self.aggregation = aggregation
        self.of_edges = EdgeLayers(d + d_event, d, d_edge, width, **layers)
        self.of_points = PointLayers(d + width + d_event, width, **layers)
        self.of_event = PointLayers(width + d_event, width, **layers) if of_event else None

    def forward(
        self, h: Tensor, e: Tensor | None, u: Tensor, edges: Edges, packed: Arrangement, pooling: str, unit: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Map points ``(n_rows, d)``, edges ``(..., d_edge)`` and events ``(n, d_event)`` to ``width`` features."""
        of_event = packed.to_rows(u)
        messages = self.of_edges(torch.cat([h, of_event], dim=1), h, edges, e)
        heard = edges.reduce(messages, self.aggregation)
        points = self.of_points(torch.cat([h, heard, of_event], dim=1), packed.there)
        if self.of_event is None:
            return points, messages, u
        pooled = pool(points, packed, pooling) / unit
        return points, messages, self.of_event(torch.cat([pooled, u], dim=1), None)


class InteractionNetwork(nn.Module):
    """Blocks of functions of edges, points and events, and a linear layer on the features of the event.

    The graph is the same in all blocks: edges from the nearest points in the coordinates, or the given edges. The first
    block sees the `separations` of the ends of an edge, and the features of given edges. Each later block sees the
    features of edges, points and events that the block before it computed.

    Parameters
    ----------
    shape_in : tuple of int
        ``(d, d_event, d_edge)``: features of a point, of the event as a whole, and of a given edge.
    d_out : int
        Number of outputs: classes (logits) or targets.
    periodic : tuple of bool
        One entry per coordinate, True for an angle in rad. The coordinates are columns of the points, after the ``d``
        features.
    n_blocks : int
        Number of blocks.
    n_layers : int
        Number of layers in each of the three functions of a block.
    width : int
        Number of nodes in each layer.
    n_neighbors : int
        Number of neighbours of a point.
    aggregation : {"mean", "max", "sum"}
        How the messages that reach a point are reduced.
    pooling : {"sum", "mean", "max"}
        How the points of an event are pooled.
    n_points : float
        Number of points of a typical event: the unit of a sum over points.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a feature of the event is dropped before the output during training.
    normalisation : str
        A name in ``NORMALISATIONS``.
    output : {"event", "point", "edge"}
        What the outputs belong to. Edges, which are the given ones, have a hidden layer on the features of both ends
        and of the edge (DeZoort et al., arXiv:2103.16701).

    References
    ----------
    Battaglia et al., arXiv:1612.00222; Moreno et al., arXiv:1908.05318; with features of the event in all functions,
    Battaglia et al., arXiv:1806.01261, algorithm 1.

    Examples
    --------
    >>> import torch
    >>> settings = {"n_blocks": 1, "n_layers": 2, "width": 8, "n_neighbors": 3}
    >>> network = InteractionNetwork((3, 0, 0), 2, periodic=(False, True), **settings)
    >>> network(torch.zeros(9, 5), torch.tensor([4, 5]), torch.zeros(2, 0)).shape
    torch.Size([2, 2])
    """

    def __init__(
        self,
        shape_in: tuple[int, ...],
        d_out: int,
        *,
        periodic: tuple[bool, ...],
        n_blocks: int,
        n_layers: int,
        width: int,
        n_neighbors: int,
        aggregation: str = "sum",
        pooling: str = "sum",
        n_points: float = 1.0,
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "none",
        output: str = "event",
    ) -> None:
        super().__init__()
        self.output = output
        self.d, d_event, d_edge = shape_in
        self.periodic, self.n_neighbors = periodic, n_neighbors
        self.pooling, self.unit = pooling, n_points if pooling == "sum" else 1.0
        first = (self.d, n_separations(periodic) + d_edge, d_event)
        layers: dict[str, Any] = {"n_layers": n_layers, "activation": activation, "normalisation": normalisation}
        self.blocks = nn.ModuleList(
            InteractionBlock(
                *((width,) * 3 if i else first),
                width,
                aggregation=aggregation,
                of_event=output == "event" or i < n_blocks - 1,  # after the last block nothing asks for the event
                **layers,
            )
            for i in range(n_blocks)
        )
        if output == "edge":
            self.join = nn.Sequential(Linear(n_read("edge", width, 0, width), width), ACTIVATIONS[activation]())
        self.dropout = dropout_layer(dropout, activation)
        self.head = linear_output(Linear(width, d_out))

    def forward(self, x: Tensor, counts: Tensor, event: Tensor, *given: Tensor) -> Tensor:
        """Map packed points ``(n_rows, d + n_coordinates)``, their ``counts`` and event columns to ``(n, d_out)``.

        ``n`` is the number of events, points or edges. A mask ``(n, p)`` in the place of ``counts`` says which of p
        rows for each event are points.

        ``given`` edges are rows ``(n_edges, 2)`` of origin and end, and features ``(n_edges, d_edge)``.
        """
        packed = arrangement(counts, x)
        where, edges, values = graph_of(
            x,
            self.d,
            self.periodic,
            packed,
            given,
            n_neighbors=self.n_neighbors,
            training=self.training and self.output != "edge",  # whose features must stay in the given order
        )
        h, e, u = x[:, : self.d], edge_features(where, edges, self.periodic, values), event
        for block in self.blocks:
            h, e, u = block(h, e, u, edges, packed, self.pooling, self.unit)
        if self.output == "edge":
            assert e is not None  # the edges of the last block
            h = self.join(read_out("edge", h, u[:, :0], packed, (given[0], e)))
        outputs: Tensor = self.head(self.dropout(u if self.output == "event" else h))
        return outputs
