"""The messages of an EdgeConv block on a CPU, a piece at a time, so that a piece stays in the cache through all steps.

Layer by layer, a step of training reads and writes every message some fifty times, and it is memory that it waits for.
Here a layer stores its sums z_l = W_l y_(l−1) alone, and the first one, z_0 = a_i + b_j, not even these. With scale
s_l ≥ 0 and shift t_l of the batch normalisation,

    y_l = max(0, s_l z_l + t_l) = s_l max(0, z_l − h_l),    h_l = −t_l / s_l;

where the scale is negative, the sums turn their sign. So the hinge h_l is taken away from the sums where they stand,
the scales go into the matrices, and max(0, z) is all that is left to do for every message. Two sums of the backward
pass come for nothing: that of the gradients G of z, which is zero, and Σ g z, over the messages that are let through,
from the gradient of the next matrix. Results and gradients are those of layer after layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._graph import NeighbourEdges
from ._layers import Norm

# Numbers in a piece of messages: four such arrays in float32 fill 1 MiB, half of the second cache of a core (3/4 and
# 3/2 of it were as fast). Several threads take twice as much each, since they also share the start of every operation.
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
    """Mean, variance and 1/√(variance + ε) of a layer's sums, and the size of the scale s that normalises them."""

    mean: Tensor
    variance: Tensor
    inverse: Tensor
    scale: Tensor

    @classmethod
    def of(cls, parts: list[tuple[Tensor, Tensor]], shares: Tensor, weight: Tensor) -> Moments:
        """From mean and variance of parts that have ``shares`` of the rows."""
        stacked = torch.stack([one for part in parts for one in part])
        means, variances = stacked[::2], stacked[1::2]
        mean = shares @ means
        means -= mean
        variance = shares @ variances.addcmul_(means, means)
        inverse = (variance + Norm.epsilon).rsqrt_()
        return cls(mean, variance, inverse, weight * inverse)


class Change(NamedTuple):
    """What a normalisation makes of gradients: those of its scale and shift, and of its sums, s·(g + p·z + q)."""

    of_scale: Tensor
    of_shift: Tensor
    p: Tensor
    q: Tensor

    @classmethod
    def of(cls, moments: Moments, total: Tensor, with_sums: Tensor, n: int) -> Change:
        """From Σg and Σg·z over ``n`` messages: s (g − Σg/n − ẑ Σgẑ/n), with ẑ the normalised sums."""
        of_scale = torch.addcmul(with_sums, moments.mean, total, value=-1).mul_(moments.inverse)
        p = (moments.inverse * of_scale).mul_(-1 / n)
        return cls(of_scale, total, p, torch.addcmul(total / n, p, moments.mean).neg_())


class OfPoints(NamedTuple):
    """What belongs to the points, arrays (n_points, d)."""

    own: Tensor  # a, then a − h_0; in the end its gradient
    other: Tensor  # b
    short: Tensor  # sums of the shortcut; then their gradient
    n_open: Tensor  # number of the y of the last layer that are positive; in the end the gradient of b
    open_sums: Tensor  # Σ z of these
    gradient: Tensor  # of the mean over the neighbours


class Piece(NamedTuple):
    """The messages that reach some points.

    Those from the first neighbours of all points come first, then those from the second ones: what belongs to the
    points is so added to long runs.
    """

    points: OfPoints
    sources: Tensor  # rows of the neighbours
    there: Tensor | None  # 1 where there is a neighbour, 0 where not; None where all are there
    n: int  # how many are there
    scratch: tuple[Tensor, ...]  # two arrays (k n_points, d)
    by_neighbour: tuple[Tensor, ...]  # the same as (k, n_points, d)
    stored: tuple[Tensor, ...]  # sums of the layers behind the first

    def only_there(self, messages: Tensor) -> Tensor:
        """Zero the messages of neighbours that are not there."""
        return messages if self.there is None else messages.mul_(self.there)

    def moments(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the messages that are there."""
        if self.there is not None:
            z = z[self.there[:, 0] > 0]
        return torch.batch_norm_update_stats(z, None, None, 0.0)


class Messages:
    """The messages of all layers, in pieces, and the shortcut, whose matrix and norm are the last."""

    def __init__(
        self, x: Tensor, edges: NeighbourEdges, matrices: tuple[Tensor, ...], norms: list[Norm], memory: Memory
    ) -> None:
        self.memory, self.norms, self.last = memory, norms, len(norms) - 2
        weight, self.bias = torch.stack([norm.weight for norm in norms]), torch.stack([norm.bias for norm in norms])
        self.signs, self.weight = torch.where(weight < 0, -1.0, 1.0).to(x.dtype), weight.abs()
        signed = [sign[:, None] * matrix for sign, matrix in zip(self.signs, matrices, strict=True)]
        first, self.matrices, self.shortcut = signed[0], signed[1:-1], signed[-1]
        to, self.of = first.split(x.shape[1], dim=1)
        middle = x.mean(0)
        self.centres = torch.zeros_like(weight)
        self.centres[0], self.centres[-1] = to @ middle, self.shortcut @ middle
        self.to = to - self.of
        self._place(x - middle, edges)  # the same behind a normalisation, and far features keep their digits
        # No sum out of n is further than √n spreads from the mean: neither need be a hinge, also for a scale of zero;
        # what all y then lack is added. A shift that is no finite number shows, as NaN.
        limit = math.sqrt(self.n) + 1
        at_zero = torch.where(self.bias > 0, limit, -limit).to(x.dtype)
        self.in_spreads = torch.where(self.weight > 0, self.bias / self.weight, at_zero)
        self.in_spreads.clamp_(-limit, limit).add_(self.bias * 0)
        self.lacking = torch.sub(self.bias, self.weight, alpha=limit).clamp_(min=0)
        self.hinges: list[Tensor] = []
        self.moments: list[Moments] = []

    def _place(self, x: Tensor, edges: NeighbourEdges) -> None:
        """Make what belongs to the points, and the pieces."""
        (n, k), d = edges.index.shape, len(self.to)
        threads = torch.get_num_threads()
        size = max(1, _PIECE * (2 * threads if threads > 1 else 1) // (k * d))
        shapes = ((self.last, n * k, d), (2, size * k, d), (6, n, d))
        sizes = [math.prod(shape) for shape in shapes]
        self.room = self.memory.take(sum(sizes), x)
        parts = self.room[: sum(sizes)].split(sizes)
        stored, scratch, of_points = (part.view(shape) for part, shape in zip(parts, shapes, strict=True))
        self.x, self.size, self.points = x, size, OfPoints(*of_points.unbind())
        for out, matrix in zip(self.points, (self.to, self.of, self.shortcut), strict=False):
            torch.mm(x, matrix.t(), out=out)
        arriving = torch.full((n, 1), k) if edges.mask is None else edges.mask.sum(1, keepdim=True)
        self.arriving = arriving.to(x.dtype)
        self.pieces = list(self._pieces(edges, arriving, of_points, stored, scratch))
        self.n = sum(piece.n for piece in self.pieces)
        self.shares = x.new_tensor([piece.n / self.n for piece in self.pieces if piece.n > 0])

    def _pieces(
        self, edges: NeighbourEdges, arriving: Tensor, of_points: Tensor, stored: Tensor, scratch: Tensor
    ) -> Iterator[Piece]:
        k, d = edges.index.shape[1], stored.shape[2]
        split = of_points.split(self.size, dim=1)
        last = scratch[:, : split[-1].shape[1] * k]
        places = [(one.unbind(), one.view(2, k, -1, d).unbind()) for one in (scratch, last)]
        so_far = arriving[:, 0].cumsum(0)
        numbers = torch.cat([so_far[:1] * 0, so_far[self.size - 1 : -1 : self.size], so_far[-1:]]).diff().tolist()
        whole = len(arriving) // self.size * self.size
        sources = [*edges.index[:whole].view(-1, self.size, k).transpose(1, 2).reshape(-1, self.size * k)]
        sources += [edges.index[whole:].t().flatten()] if whole < len(arriving) else []
        parts = zip(split, sources, numbers, stored.split(self.size * k, dim=1), strict=True)
        for i, (points, rows, number, sums) in enumerate(parts):
            there = None
            if edges.mask is not None and number < len(rows):
                there = edges.mask[i * self.size :][: len(rows) // k].t().reshape(-1, 1).to(stored.dtype)
            place = places[len(rows) < self.size * k]
            yield Piece(OfPoints(*points.unbind()), rows, there, number, *place, sums.unbind())

    def sums(self, layer: int, piece: Piece) -> Tensor:
        """z; of the first layer in a scratch array."""
        if layer > 0:
            return piece.stored[layer - 1]
        torch.index_select(self.points.other, 0, piece.sources, out=piece.scratch[1])
        piece.by_neighbour[1].add_(piece.points.own)
        return piece.scratch[1]

    def positive(self, z: Tensor, piece: Piece) -> Tensor:
        """max(0, z) in a scratch array, which may be that of z."""
        return torch.clamp_min(z, 0, out=piece.scratch[1])

    def hinged(self, layer: int, piece: Piece) -> Tensor:
        """The sums of a layer from behind the hinge on, where they are read for the first time."""
        z = self.sums(layer, piece)
        return z.sub_(self.hinges[layer]) if layer > 0 else z

    def normalise(self, layer: int) -> None:
        """Make the sums of a layer, and take their moments."""
        matrix = (self.matrices[layer - 1] * self.moments[-1].scale).t() if layer > 0 else None
        parts = []
        for piece in self.pieces:
            z = self.sums(layer, piece)
            if matrix is not None:
                torch.mm(self.positive(self.hinged(layer - 1, piece), piece), matrix, out=z)
            if piece.n > 0:
                parts.append(piece.moments(z))
        moments = Moments.of(parts, self.shares, self.weight[layer])
        self.moments.append(moments)
        self.hinges.append(torch.addcdiv(moments.mean, self.in_spreads[layer], moments.inverse, value=-1))
        if layer == 0:
            self.points.own.sub_(self.hinges[0])

    def reduce(self, out: Tensor) -> None:
        """max(0, shortcut + mean of y over the neighbours); how many of these are positive, and their Σ z, are kept."""
        for piece in self.pieces:
            y = piece.only_there(self.positive(self.hinged(self.last, piece), piece))
            torch.sum(piece.by_neighbour[1], 0, out=piece.points.open_sums)
            y.gt_(0)
            torch.sum(piece.by_neighbour[1], 0, out=piece.points.n_open)
        whole = torch.batch_norm_update_stats(self.points.short, None, None, 0.0)
        of_short = Moments.of([whole], self.shares.new_ones(1), self.weight[-1])
        self.moments.append(of_short)
        torch.mul(self.points.open_sums, self.moments[self.last].scale, out=out).div_(self.arriving.clamp(min=1))
        out.addcmul_(self.arriving.clamp(max=1), self.lacking[self.last])
        out.addcmul_(self.points.short, of_short.scale).add_(self.bias[-1] - of_short.mean * of_short.scale).relu_()
        self._follow(len(out))

    def _follow(self, n_points: int) -> None:
        """Move the running moments; from here on those of the messages are those behind the hinge."""
        for layer in range(self.last):
            self.centres[layer + 1] = self.matrices[layer] @ self.lacking[layer]
        means = self.signs * (torch.stack([one.mean for one in self.moments]) + self.centres)
        for norm, mean, moments in zip(self.norms, means, self.moments, strict=True):
            n = n_points if norm is self.norms[-1] else self.n
            norm.follow(mean, moments.variance * (n / (n - 1)))
        for layer, hinge in enumerate(self.hinges):
            self.moments[layer] = self.moments[layer]._replace(mean=self.moments[layer].mean - hinge)

    def changed(self, layer: int, change: Change, z: Tensor, piece: Piece) -> Tensor:
        """Gradient of the sums z over s: from that of the points, or from that of y, which is stored."""
        out = torch.addcmul(change.q, z, change.p, out=piece.scratch[0])
        if layer < self.last:
            out.add_(piece.stored[-1])
        else:
            _open(piece.points.gradient, z.view_as(piece.by_neighbour[1]), 0, grad_input=piece.by_neighbour[1])
            out.add_(piece.scratch[1])
        return piece.only_there(out)

    def back(self, layer: int, change: Change) -> tuple[Tensor, Tensor, Tensor]:
        """Gradient of a matrix; that of the y before it, where these are positive, is stored, and its Σg and Σg·z."""
        matrix = self.moments[layer].scale[:, None] * self.matrices[layer - 1]
        of_matrix, totals = torch.zeros_like(matrix), matrix.new_empty(len(self.pieces), len(matrix))
        for piece, total in zip(self.pieces, totals.unbind(), strict=True):
            changed = self.changed(layer, change, self.sums(layer, piece), piece)
            y = self.positive(self.sums(layer - 1, piece), piece)
            of_matrix.addmm_(changed.t(), y)
            g = torch.mm(changed, matrix, out=piece.stored[-1])
            _open(g, y, 0, grad_input=g)
            torch.sum(g, 0, out=total)
        with_sums = (matrix * of_matrix).sum(0)
        return of_matrix.mul_(self.moments[layer - 1].scale), totals.sum(0), with_sums

    def back_to_points(self, change: Change) -> tuple[Tensor, Tensor]:
        """Gradients of the points and of the first matrix."""
        of_own, of_other = self.points.own, self.points.n_open.zero_()
        for piece in self.pieces:
            changed = self.changed(0, change, self.sums(0, piece), piece)
            torch.sum(piece.by_neighbour[0], 0, out=piece.points.own)
            of_other.index_add_(0, piece.sources, changed)
        scale = self.moments[0].scale[:, None]
        of_x = torch.mm(of_own, scale * self.to).addmm_(of_other, scale * self.of)
        of_to = of_own.t() @ self.x
        return of_x, torch.cat([of_to, of_other.t() @ self.x - of_to], dim=1)

    def gradients(self, out: Tensor, gradient: Tensor) -> list[Tensor]:
        """Those of the points, of the matrices, and of the norms' scales and shifts, from that of what was made."""
        gradient = _open(gradient, out, 0, grad_input=self.points.gradient)
        changes = [Change.of(self.moments[-1], gradient.sum(0), (gradient * self.points.short).sum(0), len(out))]
        of_short = self.points.short.mul_(changes[0].p).add_(changes[0].q).add_(gradient)
        of_matrices = [of_short.t() @ self.x]
        gradient.div_(self.arriving.clamp(min=1))
        total, with_sums = (one.mul_(gradient).sum(0) for one in (self.points.n_open, self.points.open_sums))
        for layer in range(self.last, -1, -1):
            changes = [Change.of(self.moments[layer], total, with_sums, self.n), *changes]
            if layer > 0:
                of_matrix, total, with_sums = self.back(layer, changes[0])
            else:
                of_x, of_matrix = self.back_to_points(changes[0])
            of_matrices = [of_matrix, *of_matrices]
        of_x.addmm_(of_short, self.moments[-1].scale[:, None] * self.shortcut)
        of_norms = []
        for sign, change, moments, of_matrix in zip(self.signs, changes, self.moments, of_matrices, strict=True):
            of_matrix.mul_((sign * moments.scale)[:, None])
            of_norms += [sign * change.of_scale, change.of_shift]
        return [of_x, *of_matrices, *of_norms]


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
            ctx.messages = messages = Messages(x, edges, weights[: len(norms)], norms, memory)
            for layer in range(len(norms) - 1):
                messages.normalise(layer)
            messages.reduce(out)
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
