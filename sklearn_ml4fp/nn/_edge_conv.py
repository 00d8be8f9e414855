"""EdgeConv: convolution over the edges to the nearest neighbours, which every block searches in feature space."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._edge_layers import in_space
from ._fused_edges import FusedBlock, Memory
from ._graph import Edges, NeighbourEdges, edges_of, nearest_neighbours
from ._initialise import linear_output
from ._layers import ACTIVATIONS, dropout_layer, norm, norm_edges
from ._linear import Linear
from ._packed import Arrangement, arrangement
from ._read_out import n_read, read_out


class EdgeBlock(nn.Module):
    """EdgeConv block: layers on (x_i, x_j − x_i, e_ij), reduced over the edges j → i, plus a shortcut.

    The first layer is linear, W_a x_i + W_b (x_j − x_i) = (W_a − W_b) x_i + W_b x_j. It is computed on the points, of
    which there are k times fewer than edges.
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        d_edge: int,
        *,
        n_layers: int,
        aggregation: str,
        activation: str,
        normalisation: str,
    ) -> None:
        super().__init__()
        self.d_in, self.aggregation = d_in, aggregation
        self.published = normalisation == "batch" and activation == "relu"
        bias = normalisation != "batch"  # which would subtract it again
        self.first = nn.Linear(2 * d_in + d_edge, d_out, bias=bias)
        self.layers = nn.ModuleList(Linear(d_out, d_out, bias=bias) for _ in range(n_layers - 1))
        self.norms = nn.ModuleList(norm(normalisation, d_out, channel_axis=-1) for _ in range(n_layers))
        self.activation = ACTIVATIONS[activation]()
        self.shortcut = nn.Linear(d_in, d_out, bias=bias)
        self.shortcut_norm = norm(normalisation, d_out, channel_axis=-1)
        self.memory = Memory() if self.published else None  # of fused steps

    def train(self, mode: bool = True) -> EdgeBlock:
        """Set the mode, as for every module, and free the memory of the training steps after the last one."""
        if self.published and not mode:
            self.memory = Memory()
        return super().train(mode)

    def forward(self, x: Tensor, edges: Edges, packed: Arrangement, values: Tensor | None) -> Tensor:
        """Map points ``(n_rows, d_in)`` to ``(n_rows, d_out)``."""
        if self.published and self._can_fuse(x, edges, packed, values):
            norms = [*self.norms, self.shortcut_norm]
            weights = [self.first.weight[:, : 2 * self.d_in]]
            weights += [layer.weight for layer in (*self.layers, self.shortcut)]
            weights += [parameter for one in norms for parameter in (one.weight, one.bias)]
            fused: Tensor = FusedBlock.apply(x, edges, norms, self.memory, *weights)
            return fused
        shortcut = self.shortcut_norm(self.shortcut(x), packed.there)
        out: Tensor = self.activation(shortcut + edges.reduce(self._messages(x, edges, values), self.aggregation))
        return out

    def _messages(self, x: Tensor, edges: Edges, values: Tensor | None) -> Tensor:
        to, of = self.first.weight[:, : self.d_in], self.first.weight[:, self.d_in : 2 * self.d_in]
        messages = edges.targets(F.linear(x, to - of, self.first.bias)) + edges.sources(F.linear(x, of))
        if values is not None:
            messages = messages + F.linear(values, self.first.weight[:, 2 * self.d_in :])
        messages = self.activation(norm_edges(self.norms[0], messages, edges.mask))
        for layer, normalise in zip(self.layers, list(self.norms)[1:], strict=True):
            messages = self.activation(norm_edges(normalise, layer(messages), edges.mask))
        return messages

    def _can_fuse(self, x: Tensor, edges: Edges, packed: Arrangement, values: Tensor | None) -> bool:
        """Return whether the fused training step applies: the published layout, in training, on a CPU."""
        if torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu") or x.device.type != "cpu":
            return False
        published = self.aggregation == "mean" and isinstance(edges, NeighbourEdges)
        published = published and packed.there is None and (values is None or values.shape[-1] == 0)
        # one point, or one message, has no variance
        published = published and len(x) > 1 and (edges.mask is None or int(edges.mask.sum()) > 1)
        return published and all(norm.training for norm in (*self.norms, self.shortcut_norm))


class EdgeConv(nn.Module):
    """Blocks of EdgeConv, pooling over the points of an event, and a hidden layer.

    The first block takes neighbours from the coordinates, each later one from the features that the block before it
    computed. Given edges take their place in all blocks.

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
        Number of layers that compute the messages in each block.
    width : int
        Number of features after the first block.
    widening : float
        Ratio of the features after a block to those before it, from the second block on.
    head_width : int
        Number of nodes in the hidden layer after the pooling.
    n_neighbors : int
        Number of neighbours of a point.
    aggregation : {"mean", "max", "sum"}
        How the messages that reach a point are reduced.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a node of the hidden layer is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``: of messages and shortcuts.
    output : {"event", "point", "edge"}
        What the outputs belong to; those of edges belong to the given ones.

    References
    ----------
    Wang et al., arXiv:1801.07829; Qu and Gouskos, arXiv:1902.08570.

    Examples
    --------
    >>> import torch
    >>> settings = {"n_blocks": 2, "n_layers": 3, "width": 8, "head_width": 16, "n_neighbors": 3}
    >>> network = EdgeConv((3, 0, 0), 2, periodic=(False, True), **settings)
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
        head_width: int,
        n_neighbors: int,
        widening: float = 2.0,
        aggregation: str = "mean",
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "none",
        output: str = "event",
    ) -> None:
        super().__init__()
        self.output = output
        self.d, d_event, d_edge = shape_in
        self.periodic, self.n_neighbors = periodic, n_neighbors
        sizes = [self.d, *(max(1, round(width * widening**i)) for i in range(n_blocks))]
        self.blocks = nn.ModuleList(
            EdgeBlock(
                d_before,
                d_after,
                d_edge,
                n_layers=n_layers,
                aggregation=aggregation,
                activation=activation,
                normalisation=normalisation,
            )
            for d_before, d_after in itertools.pairwise(sizes)
        )
        self.join = nn.Sequential(
            nn.Linear(n_read(output, sizes[-1], d_event, d_edge), head_width),
            ACTIVATIONS[activation](),
            dropout_layer(dropout, activation),
        )
        self.head = linear_output(nn.Linear(head_width, d_out))

    def forward(self, x: Tensor, counts: Tensor, event: Tensor, *given: Tensor) -> Tensor:
        """Map packed points ``(n_rows, d + n_coordinates)``, their ``counts`` and event columns to ``(n, d_out)``.

        ``n`` is the number of events, points or edges. A mask ``(n, p)`` in the place of ``counts`` says which of p
        rows for each event are points.

        ``given`` edges are rows ``(n_edges, 2)`` of origin and end, and features ``(n_edges, d_edge)``.
        """
        packed = arrangement(counts, x)
        edges, values = edges_of(given, packed, training=self.training) if given else (None, None)
        h = x[:, : self.d]
        for i, block in enumerate(self.blocks):
            if edges is None:
                where, periodic = in_space(x, self.d, self.periodic) if i == 0 else (h, ())
                found = nearest_neighbours(where, packed, self.n_neighbors, periodic, training=self.training)
                h = block(h, found, packed, None)
            else:
                h = block(h, edges, packed, values)
        outputs: Tensor = self.head(self.join(read_out(self.output, h, event, packed, given)))
        return outputs
