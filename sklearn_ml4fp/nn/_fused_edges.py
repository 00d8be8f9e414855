"""The messages of an EdgeConv block on a CPU, a piece at a time, so that a piece stays in the cache through all steps.

Layer by layer, a step of training reads and writes every message some fifty times, and it is memory that it waits for.
Here a layer l stores its sums z_l = W_l y_(l−1) alone; y_l = max(0, s_l z_l + t_l), with the scale s and shift t of the
batch normalisation, is made again from them where it is needed. Results and gradients are those of layer after layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._graph import NeighbourEdges
from ._layers import Norm

# Numbers in a piece of messages: three such arrays in float32 fill 1.5 MiB, which the second cache of a core holds.
_PIECE = 2**17


class Moments(NamedTuple):
    """Mean and 1/√(variance + ε) of a layer's sums, and the map s·z + t that normalises them."""

    mean: Tensor
    inverse: Tensor
    scale: Tensor
    shift: Tensor


class Pieces:
    """Points in pieces, and scratch memory for the messages that reach those of a piece.

    In a piece, those from the first neighbours of all points come first, then those from the second ones: what belongs
    to the points is so added to long runs.
    """

    def __init__(self, like: Tensor, edges: NeighbourEdges) -> None:
        self.index, mask = edges.index, edges.mask
        self.there = None if mask is None else mask.to(like.dtype)
        self.n_there = like.new_tensor(edges.index.numel()) if mask is None else mask.sum().to(like.dtype)
        self.k = edges.index.shape[1]
        self.size = max(1, _PIECE // (self.k * like.shape[1]))
        self.memory = like.new_empty(3, self.size * self.k, like.shape[1])

    def __iter__(self) -> Iterator[slice]:
        n = len(self.index)
        return (slice(start, min(start + self.size, n)) for start in range(0, n, self.size))

    def scratch(self, piece: slice, number: int) -> Tensor:
        """Room for the messages of a piece ``(n, d)``."""
        return self.memory[number, : (piece.stop - piece.start) * self.k]

    def of(self, stored: Tensor, piece: slice) -> Tensor:
        """The messages of a piece in an array of all."""
        return stored[piece.start * self.k : piece.stop * self.k]

    def by_neighbour(self, messages: Tensor) -> Tensor:
        """Messages ``(n, d)`` as ``(k, n_points, d)``."""
        return messages.view(self.k, -1, messages.shape[1])

    def sources(self, piece: slice) -> Tensor:
        """Rows of the neighbours, in the order of the messages."""
        return self.index[piece].t().flatten()

    def only_there(self, messages: Tensor, piece: slice) -> Tensor:
        """Zero the messages of neighbours that are not there."""
        return messages if self.there is None else messages.mul_(self.there[piece].t().reshape(-1, 1))

    def activated(self, z: Tensor, moments: Moments, piece: slice, number: int) -> Tensor:
        """max(0, s·z + t)."""
        return torch.addcmul(moments.shift, z, moments.scale, out=self.scratch(piece, number)).relu_()


class _Spread:
    """Mean and variance of messages that come piece by piece, around the mean of the first piece."""

    def __init__(self, like: Tensor) -> None:
        self.total, self.squares, self.centre = torch.zeros_like(like), torch.zeros_like(like), like

    def add(self, z: Tensor, pieces: Pieces, piece: slice, number: int) -> None:
        """Take in the sums of a piece."""
        if piece.start == 0:
            self.centre = z.mean(0)
        around = pieces.only_there(torch.sub(z, self.centre, out=pieces.scratch(piece, number)), piece)
        self.total += around.sum(0)
        self.squares += around.square_().sum(0)

    def moments(self, norm: Norm, n: Tensor) -> Moments:
        """Moments over ``n`` messages; the running ones of ``norm`` follow."""
        mean = self.total / n
        variance = (self.squares / n - mean.square()).clamp(min=0)
        mean = mean + self.centre
        norm.follow(mean, variance, n)
        inverse = (variance + norm.epsilon).rsqrt()
        scale = norm.weight * inverse
        return Moments(mean, inverse, scale, norm.bias - mean * scale)


class FusedMessages(torch.autograd.Function):
    """Mean over the neighbours of max(0, BN(… W max(0, BN(a_i + b_j)))); can be differentiated once."""

    @staticmethod
    def forward(
        ctx: Any, edges: NeighbourEdges, norms: list[Norm], own: Tensor, other: Tensor, *weights: Tensor
    ) -> Tensor:
        """Map points' shares of the first layer, ``own`` and ``other`` ``(n_rows, d)``, to ``(n_rows, d)``.

        ``weights`` are those of the norms, scale and shift of one after the other, and the matrices of the layers.
        """
        matrices = weights[2 * len(norms) :]
        pieces = Pieces(own, edges)
        moments: list[Moments] = []
        stored: list[Tensor] = []
        for i, norm in enumerate(norms):
            stored.append(own.new_empty(edges.index.numel(), own.shape[1]))
            spread = _Spread(norm.weight)
            for piece in pieces:
                z = pieces.of(stored[i], piece)
                if i == 0:
                    torch.index_select(other, 0, pieces.sources(piece), out=z)
                    pieces.by_neighbour(z).add_(own[piece])
                else:
                    y = pieces.activated(pieces.of(stored[i - 1], piece), moments[i - 1], piece, 0)
                    torch.mm(y, matrices[i - 1].t(), out=z)
                spread.add(z, pieces, piece, 0)
            moments.append(spread.moments(norm, pieces.n_there))
        out = torch.empty_like(own)
        for piece in pieces:
            y = pieces.activated(pieces.of(stored[-1], piece), moments[-1], piece, 0)
            torch.sum(pieces.by_neighbour(pieces.only_there(y, piece)), 0, out=out[piece])
        ctx.save_for_backward(*matrices)
        ctx.edges, ctx.moments, ctx.stored, ctx.n = edges, moments, stored, _n_neighbours(pieces)
        return out.div_(ctx.n)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all tensors; the stored sums are overwritten on the way."""
        if ctx.stored is None:
            raise RuntimeError(
                "the sums of these messages were used up by an earlier backward pass: run forward again."
            )
        matrices, moments, stored, ctx.stored = ctx.saved_tensors, ctx.moments, ctx.stored, None
        pieces = Pieces(gradient, ctx.edges)
        gradient = gradient / ctx.n
        last = len(moments) - 1
        of_norms: list[Tensor] = []
        of_matrices: list[Tensor] = []

        def arriving(i: int, piece: slice) -> Tensor:
            """Gradient behind the norm of layer i: made of that of the output, or left by the layer behind."""
            if i < last:
                return pieces.of(stored[i + 1], piece)
            open_ = pieces.activated(pieces.of(stored[i], piece), moments[i], piece, 0).sign_()
            pieces.by_neighbour(open_).mul_(gradient[piece])
            return pieces.only_there(open_, piece)

        def summed(i: int, g: Tensor, piece: slice) -> Tensor:
            """Sums of g and of g·z over a piece."""
            product = torch.mul(g, pieces.of(stored[i], piece), out=pieces.scratch(piece, 1))
            return torch.stack([g.sum(0), product.sum(0)])

        totals = gradient.new_zeros(2, gradient.shape[1])
        for piece in pieces:
            totals += summed(last, arriving(last, piece), piece)
        of_own, of_other = torch.empty_like(gradient), torch.zeros_like(gradient)
        for i in range(last, -1, -1):
            one, of_scale = totals[0], (totals[1] - moments[i].mean * totals[0]) * moments[i].inverse
            of_norms = [of_scale, one, *of_norms]
            # s (g − Σg/n − ẑ Σgẑ/n), with ẑ the normalised sums, as s·g + (q − p·z)
            p = moments[i].scale * moments[i].inverse * of_scale / pieces.n_there
            q = p * moments[i].mean - moments[i].scale * one / pieces.n_there
            of_matrix, totals = gradient.new_zeros(gradient.shape[1], gradient.shape[1]), torch.zeros_like(totals)
            for piece in pieces:
                z, change = pieces.of(stored[i], piece), pieces.scratch(piece, 2)
                torch.addcmul(q, z, p, value=-1, out=change)
                pieces.only_there(change.addcmul_(arriving(i, piece), moments[i].scale), piece)
                if i == 0:
                    torch.sum(pieces.by_neighbour(change), 0, out=of_own[piece])
                    of_other.index_add_(0, pieces.sources(piece), change)
                    continue
                y = pieces.activated(pieces.of(stored[i - 1], piece), moments[i - 1], piece, 0)
                of_matrix.addmm_(change.t(), y)
                torch.mm(change, matrices[i - 1], out=z)
                torch.ops.aten.threshold_backward.grad_input(z, y, 0, grad_input=z)
                totals += summed(i - 1, z, piece)
            if i > 0:
                of_matrices = [of_matrix, *of_matrices]
        return None, None, of_own, of_other, *of_norms, *of_matrices


def _n_neighbours(pieces: Pieces) -> Tensor | int:
    return pieces.k if pieces.there is None else pieces.there.sum(1, keepdim=True).clamp(min=1)
