"""Message passing: in every round, points add functions of their neighbours to their own features."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._deep_sets import PointLayers
from ._edge_layers import EdgeLayers, edge_features, graph_of, n_separations
from ._graph import Edges
from ._initialise import linear_output
from ._layers import ACTIVATIONS, dropout_layer, norm
from ._linear import Linear
from ._packed import Arrangement, arrangement
from ._read_out import n_read, read_out

MESSAGES = ("isotropic", "anisotropic")


class MessageRound(nn.Module):
    """Round of messages: h_i + U(h_i, m_i), where m_i reduces the messages M over the neighbours j.

    A message is M(h_i, h_j, e_ij) with ``n_layers`` layers, or M(h_j) where ``d_edge`` is None. U has one hidden layer
    and a linear one.
    """

    def __init__(
        self,
        width: int,
        d_edge: int | None,
        *,
        n_layers: int,
        aggregation: str,
        activation: str,
        normalisation: str,
        gain: float,
    ) -> None:
        super().__init__()
        choices: dict[str, Any] = {"activation": activation, "normalisation": normalisation}
        self.aggregation, self.isotropic = aggregation, d_edge is None
        self.message: nn.Module
        if d_edge is None:
            self.message = PointLayers(width, width, n_layers=n_layers, **choices)
        else:
            self.message = EdgeLayers(width, width, d_edge, width, n_layers=n_layers, **choices)
        self.update = PointLayers(2 * width, width, n_layers=1, **choices)
        self.added = linear_output(Linear(width, width), gain)

    def forward(self, h: Tensor, edges: Edges, packed: Arrangement, values: Tensor | None) -> Tensor:
        """Map points ``(n_rows, width)`` to the same shape."""
        heard = edges.reduce(self._messages(h, edges, packed, values), self.aggregation)
        out: Tensor = h + self.added(self.update(torch.cat([h, heard], dim=1), packed.there))
        return out

    def _messages(self, h: Tensor, edges: Edges, packed: Arrangement, values: Tensor | None) -> Tensor:
        if self.isotropic:  # the message of a point is the same to all its neighbours
            return edges.sources(self.message(h, packed.there))
        messages: Tensor = self.message(h, h, edges, values)
        return messages


class MessagePassing(nn.Module):
    """Rounds of messages between neighbouring points, pooling over the points of an event, and a hidden layer.

    The graph is the same in all rounds: edges from the nearest points in the coordinates, or the given edges.

    Parameters
    ----------
    shape_in : tuple of int
        ``(d, d_event, d_edge)``: features of a point, of the event as a whole, and of a given edge.
    d_out : int
        Number of outputs: classes (logits) or targets.
    periodic : tuple of bool
        One entry per coordinate, True for an angle in rad. The coordinates are columns of the points, after the ``d``
        features.
    messages : {"isotropic", "anisotropic"}
        Whether a message depends on the sender alone, or on both ends and the edge. The features of an edge are the
        `separations` of its ends, followed by those of a given edge.
    n_blocks : int
        Number of rounds.
    n_layers : int
        Number of layers that compute a message.
    width : int
        Number of features of a point, and of nodes in each layer.
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
        Probability with which a node of the hidden layer is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``.
    output : {"event", "point", "edge"}
        What the outputs belong to; those of edges belong to the given ones.

    References
    ----------
    Gilmer et al., arXiv:1704.01212, equations 1 and 2 (anisotropic); Hamilton, Ying and Leskovec, arXiv:1706.02216,
    algorithm 1 and equation 3 (isotropic).

    Examples
    --------
    >>> import torch
    >>> network = MessagePassing((3, 0, 0), 2, periodic=(False, True), n_blocks=2, n_layers=1, width=8, n_neighbors=3)
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
        messages: str = "anisotropic",
        aggregation: str = "mean",
        pooling: str = "mean",
        n_points: float = 1.0,
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "none",
        output: str = "event",
    ) -> None:
        super().__init__()
        self.output = output
        self.d, d_event, d_edge = shape_in
        self.periodic, self.n_neighbors, self.isotropic = periodic, n_neighbors, messages == "isotropic"
        self.pooling, self.unit = pooling, n_points if pooling == "sum" else 1.0
        self.embed = linear_output(Linear(self.d, width))
        self.rounds = nn.ModuleList(
            MessageRound(
                width,
                None if self.isotropic else n_separations(periodic) + d_edge,
                n_layers=n_layers,
                aggregation=aggregation,
                activation=activation,
                normalisation=normalisation,
                gain=n_blocks**-0.5,
            )
            for _ in range(n_blocks)
        )
        self.last = norm(normalisation, width, channel_axis=-1)
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
        where, edges, values = graph_of(
            x, self.d, self.periodic, packed, given, n_neighbors=self.n_neighbors, training=self.training
        )
        values = None if self.isotropic else edge_features(where, edges, self.periodic, values)
        h = self.embed(x[:, : self.d])
        for one in self.rounds:
            h = one(h, edges, packed, values)
        h = self.last(h, packed.there)
        read = read_out(self.output, h, event, packed, given, pooling=self.pooling, unit=self.unit)
        outputs: Tensor = self.head(self.join(read))
        return outputs
