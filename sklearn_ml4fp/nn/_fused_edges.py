"""The messages of an EdgeConv block on a CPU, a piece at a time, so that a piece stays in the cache through all steps.

Layer by layer, a step of training reads and writes every message some fifty times, and it is memory that it waits for.
Here a layer stores its sums z_l = W_l y_(l−1) alone, and the first one, z_0 = a_i + b_j, not even these;
y_l = max(0, s_l z_l + t_l), with the scale s and shift t of the batch normalisation, is made again where it is needed.
Results and gradients are those of layer after layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._graph import NeighbourEdges
from ._layers import Norm

# Numbers in a piece of messages: four such arrays in float32 fill 1 MiB, half of the second cache of a core. Several
# threads take twice as much each, since they also share the start of every operation (measured with one and two).
_PIECE = 2**16

# Gradients where what stands beside them is positive.
_open = torch.ops.aten.threshold_backward.grad_input


class Memory:
    """Room for numbers, which one training step leaves to the next.

    For every page of fresh memory the system has to be asked, which takes longer than to fill it.
    """

    def __init__(self) -> None:
        self.free: list[Tensor] = []

    def take(self, n: int, like: Tensor) -> Tensor:
        """An array of ``n`` numbers at least."""
        found = self.free.pop() if self.free else None
        if found is None or len(found) < n or found.dtype != like.dtype:
            found = like.new_empty(n + n // 4)  # batches differ in size
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, ()  # nothing to copy or pickle


class Moments(NamedTuple):
    """Mean and 1/√(variance + ε) of a layer's sums, and the map s·z + t that normalises them."""

    mean: Tensor
    inverse: Tensor
    scale: Tensor
    shift: Tensor

    @classmethod
    def of(
        cls, norm: Norm, parts: list[tuple[Tensor, Tensor]], n_rows: list[int], centre: Tensor | float = 0.0
    ) -> Moments:
        """From mean and variance of parts of ``n_rows`` rows; the running ones follow.

        ``centre`` is what had been taken away from the sums.
        """
        sizes = torch.tensor(n_rows, dtype=torch.float64)
        stacked = torch.stack([one for part in parts for one in part]).double()
        means, variances, n = stacked[::2], stacked[1::2], sizes.sum()
        mean = sizes @ means / n
        variance = (sizes @ variances.addcmul_(means, means) / n - mean.square()).clamp(min=0)
        mean, variance = mean.to(norm.weight.dtype), variance.to(norm.weight.dtype)
        norm.follow(mean + centre, variance, n)
        inverse = (variance + norm.epsilon).rsqrt()
        scale = norm.weight * inverse
        return cls(mean, inverse, scale, norm.bias - mean * scale)


class Change(NamedTuple):
    """What a normalisation makes of gradients: those of its scale and shift, and of its sums, s·g + p·z + q."""

    of_scale: Tensor
    of_shift: Tensor
    p: Tensor
    q: Tensor

    @classmethod
    def of(cls, moments: Moments, totals: Tensor, n: Tensor) -> Change:
        """From Σg and Σg·z over ``n`` messages: s (g − Σg/n − ẑ Σgẑ/n), with ẑ the normalised sums."""
        of_shift, with_sums = totals
        of_scale = (with_sums - moments.mean * of_shift) * moments.inverse
        p = -moments.scale * moments.inverse * of_scale / n
        return cls(of_scale, of_shift, p, -p * moments.mean - moments.scale * of_shift / n)


class Piece(NamedTuple):
    """The messages that reach some points.

    Those from the first neighbours of all points come first, then those from the second ones: what belongs to the
    points is so added to long runs.
    """

    own: Tensor  # a of the points (n_points, d)
    sources: Tensor  # rows of the neighbours
    there: Tensor | None  # 1 where there is a neighbour, 0 where not
    scratch: tuple[Tensor, ...]  # three arrays (n, d)
    by_neighbour: tuple[Tensor, ...]  # the same as (k, n_points, d)
    stored: tuple[Tensor, ...]  # sums of the layers behind the first

    def only_there(self, messages: Tensor) -> Tensor:
        """Zero the messages of neighbours that are not there."""
        return messages if self.there is None else messages.mul_(self.there)


class Messages:
    """The messages of all layers, in pieces, and the shortcut, whose matrix is the last of ``weights``."""

    def __init__(self, x: Tensor, edges: NeighbourEdges, weights: tuple[Tensor, ...], memory: Memory) -> None:
        (n, k), d = edges.index.shape, weights[0].shape[0]
        middle = x.mean(0)
        self.x = x = x - middle  # the same behind a normalisation, and far features keep their digits
        self.memory = memory
        (first, *self.matrices, self.shortcut), self.last = weights, len(weights) - 2
        to, self.of = first.split(x.shape[1], dim=1)
        self.centres = to @ middle, self.shortcut @ middle
        self.to = to - self.of
        self.n = x.new_tensor(n * k) if edges.mask is None else edges.mask.sum().to(x.dtype)
        self.n_neighbours = k if edges.mask is None else edges.mask.sum(1, keepdim=True).clamp(min=1)
        threads = torch.get_num_threads()
        self.size = max(1, _PIECE * (2 * threads if threads > 1 else 1) // (k * d))
        shapes = ((self.last, n * k, d), (3, self.size * k, d), (5, n, d))
        sizes = [math.prod(shape) for shape in shapes]
        self.room = memory.take(sum(sizes), x)
        parts = self.room[: sum(sizes)].split(sizes)
        stored, scratch, self.of_points = (part.view(shape) for part, shape in zip(parts, shapes, strict=True))
        self.other = torch.mm(x, self.of.t(), out=self.of_points[1])
        self.short = torch.mm(x, self.shortcut.t(), out=self.of_points[2])
        own = torch.mm(x, self.to.t(), out=self.of_points[0]).split(self.size)
        self.moments: list[Moments] = []
        self.pieces = list(self._pieces(own, edges, stored, scratch))

    def _pieces(
        self, own: tuple[Tensor, ...], edges: NeighbourEdges, stored: Tensor, scratch: Tensor
    ) -> Iterator[Piece]:
        k, d = edges.index.shape[1], stored.shape[2]
        last = scratch[:, : len(own[-1]) * k]
        places = [(one.unbind(), one.view(3, k, -1, d).unbind()) for one in (scratch, last)]
        masks = [None] * len(own) if edges.mask is None else edges.mask.split(self.size)
        parts = zip(own, edges.index.split(self.size), masks, stored.split(self.size * k, dim=1), strict=True)
        for points, index, mask, sums in parts:
            there = None if mask is None or mask.all() else mask.t().reshape(-1, 1).to(own[0].dtype)
            place = places[len(index) < self.size]
            yield Piece(points, index.t().flatten(), there, *place, sums.unbind())

    def sums(self, layer: int, piece: Piece) -> Tensor:
        """z; of the first layer in a scratch array."""
        if layer > 0:
            return piece.stored[layer - 1]
        torch.index_select(self.other, 0, piece.sources, out=piece.scratch[1])
        piece.by_neighbour[1].add_(piece.own)
        return piece.scratch[1]

    def activated(self, layer: int, piece: Piece) -> tuple[Tensor, Tensor]:
        """z, and y = max(0, s·z + t) in a scratch array, zero where there is no neighbour."""
        z = self.sums(layer, piece)
        y = torch.addcmul(self.moments[layer].shift, z, self.moments[layer].scale, out=piece.scratch[2]).relu_()
        return z, piece.only_there(y)

    def normalise(self, layer: int, norm: Norm) -> None:
        """Make the sums of a layer, and take their moments."""
        parts, n_rows, matrix = [], [], None if layer == 0 else self.matrices[layer - 1].t()
        for piece in self.pieces:
            z = self.sums(layer, piece)
            if matrix is not None:
                torch.mm(self.activated(layer - 1, piece)[1], matrix, out=z)
            if piece.there is not None:
                z = z[piece.there[:, 0] > 0]
            if len(z):
                parts.append(torch.batch_norm_update_stats(z, None, None, 0.0))
                n_rows.append(len(z))
        centre = self.centres[0] if layer == 0 else 0.0
        self.moments.append(Moments.of(norm, parts, n_rows, centre))

    def reduce(self, norm: Norm, out: Tensor) -> None:
        """max(0, shortcut + mean of y over the neighbours); how many of these are positive, and their Σ z, are kept."""
        parts = zip(*(one.split(self.size) for one in (out, *self.of_points[3:])), strict=True)
        for piece, (of_points, n_open, open_sums) in zip(self.pieces, parts, strict=True):
            z, y = self.activated(self.last, piece)
            _open(z, y, 0, grad_input=piece.scratch[0])
            torch.sum(piece.by_neighbour[0], 0, out=open_sums)
            torch.sum(piece.by_neighbour[2], 0, out=of_points)
            y.sign_()
            torch.sum(piece.by_neighbour[2], 0, out=n_open)
        whole = torch.batch_norm_update_stats(self.short, None, None, 0.0)
        self.moments.append(Moments.of(norm, [whole], [len(out)], self.centres[1]))
        out.div_(self.n_neighbours).addcmul_(self.short, self.moments[-1].scale).add_(self.moments[-1].shift).relu_()

    def changed(self, layer: int, change: Change, z: Tensor, gradient: Tensor, piece: Piece) -> Tensor:
        """Gradient of the sums z: from that of the points, or from that behind the activation, which is stored."""
        moments, g = self.moments[layer], piece.stored[-1] if layer < self.last else piece.scratch[2]
        if layer == self.last:
            torch.addcmul(moments.shift, z, moments.scale, out=g)
            _open(gradient, piece.by_neighbour[2], 0, grad_input=piece.by_neighbour[2])
        out = torch.addcmul(change.q, z, change.p, out=piece.scratch[0]).addcmul_(g, moments.scale)
        return piece.only_there(out)

    def back(self, layer: int, change: Change, gradients: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Gradient of a matrix; that behind the activation before it is stored, and its Σg and Σg·z are made."""
        matrix = self.matrices[layer - 1]
        of_matrix, totals = torch.zeros_like(matrix), matrix.new_empty(len(gradients), 2, len(matrix))
        for piece, gradient, (total, with_sums) in zip(self.pieces, gradients, totals.unbind(), strict=True):
            changed = self.changed(layer, change, self.sums(layer, piece), gradient, piece)
            z, y = self.activated(layer - 1, piece)
            of_matrix.addmm_(changed.t(), y)
            g = torch.mm(changed, matrix, out=piece.stored[-1])
            _open(g, y, 0, grad_input=g)
            torch.sum(g, 0, out=total)
            torch.sum(torch.mul(g, z, out=piece.scratch[0]), 0, out=with_sums)
        return of_matrix, totals.sum(0)

    def back_to_points(self, change: Change, gradients: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Gradients of the points and of the first matrix."""
        of_own, of_other = self.of_points[0], self.of_points[3].zero_()
        for piece, gradient in zip(self.pieces, gradients, strict=True):
            changed = self.changed(0, change, self.sums(0, piece), gradient, piece)
            torch.sum(piece.by_neighbour[0], 0, out=piece.own)  # which is not needed any more
            of_other.index_add_(0, piece.sources, changed)
        of_x = torch.mm(of_own, self.to).addmm_(of_other, self.of)
        of_to = of_own.t() @ self.x
        return of_x, torch.cat([of_to, of_other.t() @ self.x - of_to], dim=1)

    def gradients(self, out: Tensor, gradient: Tensor) -> list[Tensor]:
        """Those of the points, of the matrices, and of the norms' scales and shifts, from that of what was made."""
        gradient = torch.ops.aten.threshold_backward(gradient, out, 0)
        totals = torch.stack([gradient.sum(0), (gradient * self.short).sum(0)])
        change = Change.of(self.moments[-1], totals, self.n.new_tensor(len(out)))
        of_short = torch.addcmul(change.q, self.short, change.p, out=self.short)
        of_short.addcmul_(gradient, self.moments[-1].scale)
        of_matrices, of_norms = [of_short.t() @ self.x], [change.of_scale, change.of_shift]
        gradient.div_(self.n_neighbours)
        totals = self.of_points[3:].mul_(gradient).sum(1)
        parts = gradient.split(self.size)
        for layer in range(self.last, -1, -1):
            change = Change.of(self.moments[layer], totals, self.n)
            of_norms = [change.of_scale, change.of_shift, *of_norms]
            if layer > 0:
                of_matrix, totals = self.back(layer, change, parts)
            else:
                of_x, of_matrix = self.back_to_points(change, parts)
            of_matrices = [of_matrix, *of_matrices]
        return [of_x.addmm_(of_short, self.shortcut), *of_matrices, *of_norms]


class FusedBlock(torch.autograd.Function):
    """max(0, BN(S x_i) + mean over the neighbours of max(0, BN(… W max(0, BN(W (x_i, x_j − x_i)))))).

    Can be differentiated once.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, edges: NeighbourEdges, norms: list[Norm], memory: Memory, *weights: Tensor
    ) -> Tensor:
        """Map points ``(n_rows, d_in)`` to ``(n_rows, d)``.

        ``weights`` are the matrices of the layers and of the shortcut, and scale and shift of the norms, of one after
        the other.
        """
        out = x.new_empty(len(x), len(weights[0]))
        with torch.inference_mode():  # calls are many and short: a tenth of their time goes into autograd's books
            ctx.messages = messages = Messages(x, edges, weights[: len(norms)], memory)
            for layer, norm in enumerate(norms[:-1]):
                messages.normalise(layer, norm)
            messages.reduce(norms[-1], out)
        ctx.save_for_backward(out, x, *weights)  # all of them: a change of any before backward is an error then
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of all tensors; what is stored is overwritten on the way."""
        if ctx.messages is None:
            raise RuntimeError(
                "the sums of these messages were used up by an earlier backward pass: run forward again."
            )
        out = ctx.saved_tensors[0]
        messages, ctx.messages = ctx.messages, None
        with torch.inference_mode():
            of_x, *of_weights = messages.gradients(out, gradient)
            messages.memory.free.append(messages.room)
        # copies, since others may write over them, as clipping does, which tensors of that mode do not allow
        return of_x.clone(), None, None, None, *(one.clone() for one in of_weights)
