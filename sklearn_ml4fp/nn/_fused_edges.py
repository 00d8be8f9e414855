"""Training step of an EdgeConv block on a CPU, computed in pieces that stay in the processor's cache.

Layer by layer, a training step reads and writes every message about fifty times, and waits for the memory. This module
computes the same values and gradients by hand, in one function with its own backward pass. Notation, with sums Σ over
all messages unless an index is given:

- A message goes from point j to point i. Point i receives k_i messages, and there are n messages in all.
- Layer l = 0 … L computes the sums z_l = W_l y_(l−1), and z_0 = a_i + b_j with a = (W_to − W_of) x and b = W_of x.
- Batch normalisation with mean m and variance v of z, r = 1/√(v + ε), scale γ and shift β gives γẑ + β, ẑ = r (z − m).
- y_l = max(0, γẑ + β) is what the next layer, or the mean over the neighbours, gets.
- The shortcut is the batch normalisation of c = S x, over the points. The block returns max(0, BN(c) + Σ_j y_L / k_i).

**Forward.** Write s = γ r and the hinge h = m − β/(γ r). For γ > 0,

    y = max(0, s (z − h)) = s u    with    u = max(0, z − h).

A layer with γ < 0 computes −z in the place of z: the signs of its row of W and of its γ are turned. So W_(l+1) y_l =
(W_(l+1) diag s_l) u_l. The scales go into the matrices, which are small; the hinge is subtracted from the stored z in
place, and m becomes m − h; max(0, z) is all that remains to be done per message. Stored are z_1 … z_L; z_0 is computed
anew from a and b wherever it is needed.

No sum out of n lies further than √n spreads from the mean. With a larger |β/γ|, as for γ = 0, the hinge is set to that
limit (``in_spreads``), and the constant that y then lacks, β − γ·limit, is added at the end. In a hidden layer it may
be left out, since the next normalisation takes any constant away; the running mean alone needs it (``centres``). For
the same reason x is centred first, so that points far from zero keep their digits.

**Backward.** Let g = ∂loss/∂(γẑ + β), which is zero where u is. Then, with ∂loss/∂γ = Σ g ẑ = r (Σ g z − m Σ g),

    ∂loss/∂β = Σ g,    ∂loss/∂z = s (g − Σ g/n − ẑ Σ g ẑ/n) = s C,    C = g + p z + q,
    p = −(r/n) ∂loss/∂γ,    q = −(Σ g/n + p m).

So C takes two numbers per feature, Σ g and Σ g z (`NormGradients`). They come without another pass over the messages:

- In the last layer g is the gradient G_i/k_i of the mean wherever u > 0. The forward pass counts these places per point
  (``n_open``) and sums z over them (``open_sums``): Σ g = Σ_i n_open_i G_i/k_i and Σ g z = Σ_i open_sums_i G_i/k_i.
- From layer l to l − 1: g_(l−1) = (diag(s_l) W_l)ᵀ C where u_(l−1) > 0. With M = Σ C u_(l−1)ᵀ, the matrix that also
  gives ∂loss/∂W_l = diag(s_l) M diag(s_(l−1)), the sum over the rows of (diag(s_l) W_l) ∘ M is Σ g_(l−1) u_(l−1), which
  is Σ g z for the z after the subtraction of the hinge.

Constants in y or x do not enter the gradients of the matrices, since Σ C = 0. In the first layer the gradients of a_i
and b_j are s_0 Σ_j C and s_0 Σ_i C, from which those of x, W_to and W_of follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._graph import NeighbourEdges
from ._layers import Norm
from ._linear import is_for_onednn, product

# Numbers per piece of messages. Four such arrays in float32 fill 1 MiB, half of the second-level cache of a core; 3/4
# and 3/2 of this size were as fast. With several threads each takes twice as much, to share the cost of starting an
# operation.
_PIECE = 2**16

# Copies gradients where another array is above a threshold, and zeros elsewhere.
_where_above = torch.ops.aten.threshold_backward.grad_input


class Memory:
    """Arrays that one training step leaves to the next.

    Getting fresh memory from the system takes longer than filling it.
    """

    def __init__(self) -> None:
        self.free: list[Tensor] = []

    def take(self, n: int, like: Tensor) -> Tensor:
        """Return an array of at least ``n`` numbers, with any content."""
        found = self.free.pop() if self.free else None
        if found is None or len(found) < n or found.dtype != like.dtype:
            found = like.new_empty(n + n // 4)  # batches differ in size
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, ()  # nothing to copy or pickle


class Moments(NamedTuple):
    """Moments of a layer's sums z: mean m, variance v, inverse r = 1/√(v + ε), and scale s = γ r."""

    mean: Tensor
    variance: Tensor
    inverse: Tensor
    scale: Tensor

    @classmethod
    def of(cls, parts: list[tuple[Tensor, Tensor]], shares: Tensor, weight: Tensor) -> Moments:
        """Combine the means and variances of parts, which hold ``shares`` of the rows."""
        stacked = torch.stack([one for part in parts for one in part])
        means, variances = stacked[::2], stacked[1::2]
        mean = shares @ means
        means -= mean
        variance = shares @ variances.addcmul_(means, means)
        inverse = (variance + Norm.epsilon).rsqrt_()
        return cls(mean, variance, inverse, weight * inverse)


class NormGradients(NamedTuple):
    """Gradients of a normalisation's scale γ and shift β, and p and q in that of its sums, s (g + p z + q)."""

    of_scale: Tensor
    of_shift: Tensor
    p: Tensor
    q: Tensor

    @classmethod
    def of(cls, moments: Moments, total: Tensor, with_sums: Tensor, n: int) -> NormGradients:
        """Compute them from Σ g and Σ g z over ``n`` rows."""
        of_scale = torch.addcmul(with_sums, moments.mean, total, value=-1).mul_(moments.inverse)
        p = (moments.inverse * of_scale).mul_(-1 / n)
        return cls(of_scale, total, p, torch.addcmul(total / n, p, moments.mean).neg_())


class PointArrays(NamedTuple):
    """Arrays ``(n_points, d)`` with one row per point, some of which change their meaning during a step."""

    own: Tensor  # a; after the first normalisation a − h_0; at the end the gradient of a over s_0
    other: Tensor  # b
    short: Tensor  # c; in the backward pass its gradient over s
    n_open: Tensor  # number of neighbours with u > 0 in the last layer; at the end the gradient of b over s_0
    open_sums: Tensor  # sum of z over these neighbours
    gradient: Tensor  # of the mean over the neighbours, G_i/k_i


class Piece(NamedTuple):
    """Messages to some of the points.

    The messages from the first neighbours of these points come first, then those from the second neighbours, and so
    on. An array of the points is so added to long runs of messages.
    """

    points: PointArrays
    sources: Tensor  # rows of the neighbours
    there: Tensor | None  # 1 for a neighbour, 0 for padding; None without padding
    n: int  # number of messages without padding
    scratch: tuple[Tensor, ...]  # two arrays (k n_points, d) for intermediate results
    by_neighbour: tuple[Tensor, ...]  # views of them, (k, n_points, d)
    stored: tuple[Tensor, ...]  # z_1 … z_L; in the backward pass the last one holds g

    def zero_padding(self, messages: Tensor) -> Tensor:
        """Set the messages of padding to zero."""
        return messages if self.there is None else messages.mul_(self.there)

    def moments(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance of the messages without padding."""
        if self.there is not None:
            z = z[self.there[:, 0] > 0]
        return torch.batch_norm_update_stats(z, None, None, 0.0)


class Messages:
    """Messages of all layers, in pieces, and the shortcut, whose matrix and norm come last."""

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
        self._allocate(x - middle, edges)
        # the hinge in spreads from the mean, inside the limit; a shift that is no finite number stays visible as NaN
        limit = math.sqrt(self.n) + 1
        at_zero = torch.where(self.bias > 0, limit, -limit).to(x.dtype)
        self.in_spreads = torch.where(self.weight > 0, self.bias / self.weight, at_zero)
        self.in_spreads.clamp_(-limit, limit).add_(self.bias * 0)
        self.lacking = torch.sub(self.bias, self.weight, alpha=limit).clamp_(min=0)
        self.hinges: list[Tensor] = []
        self.moments: list[Moments] = []

    def _allocate(self, x: Tensor, edges: NeighbourEdges) -> None:
        """Divide the memory among points and pieces, and compute a, b and c."""
        (n, k), d = edges.index.shape, len(self.to)
        threads = torch.get_num_threads()
        size = max(1, _PIECE * (2 * threads if threads > 1 else 1) // (k * d))
        shapes = ((self.last, n * k, d), (2, size * k, d), (6, n, d))
        sizes = [math.prod(shape) for shape in shapes]
        self.room = self.memory.take(sum(sizes), x)
        parts = self.room[: sum(sizes)].split(sizes)
        stored, scratch, of_points = (part.view(shape) for part, shape in zip(parts, shapes, strict=True))
        self.x, self.size, self.n_whole, self.points = x, size, size * k, PointArrays(*of_points.unbind())
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
            yield Piece(PointArrays(*points.unbind()), rows, there, number, *place, sums.unbind())

    def sums(self, layer: int, piece: Piece) -> Tensor:
        """Return z of a layer; that of the first layer is computed into a scratch array."""
        if layer > 0:
            return piece.stored[layer - 1]
        torch.index_select(self.points.other, 0, piece.sources, out=piece.scratch[1])
        piece.by_neighbour[1].add_(piece.points.own)
        return piece.scratch[1]

    def multiply(self, x: Tensor, weight: Tensor, out: Tensor) -> Tensor:
        """Write x Wᵀ to an array: of a whole piece by oneDNN, which takes half a millisecond longer for a new shape."""
        is_large = len(x) == self.n_whole and is_for_onednn(x, weight)
        return out.copy_(product(x, weight)) if is_large else torch.mm(x, weight.t(), out=out)

    def positive(self, z: Tensor, piece: Piece) -> Tensor:
        """Compute max(0, z) into a scratch array, which may be that of z."""
        return torch.clamp_min(z, 0, out=piece.scratch[1])

    def hinged(self, layer: int, piece: Piece) -> Tensor:
        """Return z − h; the stored z is changed in place, so that this is called once per layer and piece."""
        z = self.sums(layer, piece)
        return z.sub_(self.hinges[layer]) if layer > 0 else z

    def normalise(self, layer: int) -> None:
        """Compute the sums of a layer and their moments."""
        matrix = self.matrices[layer - 1] * self.moments[-1].scale if layer > 0 else None
        parts = []
        for piece in self.pieces:
            z = self.sums(layer, piece)
            if matrix is not None:
                self.multiply(self.positive(self.hinged(layer - 1, piece), piece), matrix, z)
            if piece.n > 0:
                parts.append(piece.moments(z))
        moments = Moments.of(parts, self.shares, self.weight[layer])
        self.moments.append(moments)
        self.hinges.append(torch.addcdiv(moments.mean, self.in_spreads[layer], moments.inverse, value=-1))
        if layer == 0:
            self.points.own.sub_(self.hinges[0])

    def reduce(self, out: Tensor) -> None:
        """Compute the output of the block, and keep ``n_open`` and ``open_sums`` for the backward pass."""
        for piece in self.pieces:
            y = piece.zero_padding(self.positive(self.hinged(self.last, piece), piece))
            torch.sum(piece.by_neighbour[1], 0, out=piece.points.open_sums)
            y.gt_(0)
            torch.sum(piece.by_neighbour[1], 0, out=piece.points.n_open)
        whole = torch.batch_norm_update_stats(self.points.short, None, None, 0.0)
        of_short = Moments.of([whole], self.shares.new_ones(1), self.weight[-1])
        self.moments.append(of_short)
        torch.mul(self.points.open_sums, self.moments[self.last].scale, out=out).div_(self.arriving.clamp(min=1))
        out.addcmul_(self.arriving.clamp(max=1), self.lacking[self.last])
        out.addcmul_(self.points.short, of_short.scale).add_(self.bias[-1] - of_short.mean * of_short.scale).relu_()
        self._update_running_moments(len(out))

    def _update_running_moments(self, n_points: int) -> None:
        """Update the running moments; then replace the mean m of each layer by m − h, for the backward pass."""
        for layer in range(self.last):
            self.centres[layer + 1] = self.matrices[layer] @ self.lacking[layer]
        means = self.signs * (torch.stack([one.mean for one in self.moments]) + self.centres)
        for norm, mean, moments in zip(self.norms, means, self.moments, strict=True):
            n = n_points if norm is self.norms[-1] else self.n
            norm.follow(mean, moments.variance * (n / (n - 1)))
        for layer, hinge in enumerate(self.hinges):
            self.moments[layer] = self.moments[layer]._replace(mean=self.moments[layer].mean - hinge)

    def sum_gradients(self, layer: int, of_norm: NormGradients, z: Tensor, piece: Piece) -> Tensor:
        """Compute C, the gradient of the sums z over s, into a scratch array."""
        out = torch.addcmul(of_norm.q, z, of_norm.p, out=piece.scratch[0])
        if layer < self.last:
            out.add_(piece.stored[-1])
        else:
            _where_above(piece.points.gradient, z.view_as(piece.by_neighbour[1]), 0, grad_input=piece.by_neighbour[1])
            out.add_(piece.scratch[1])
        return piece.zero_padding(out)

    def back(self, layer: int, of_norm: NormGradients) -> tuple[Tensor, Tensor, Tensor]:
        """Go from a layer to the one before it: store g of that one, and return M diag(s), Σ g and Σ g z."""
        matrix = self.moments[layer].scale[:, None] * self.matrices[layer - 1]
        of_matrix, turned = torch.zeros_like(matrix), matrix.t().contiguous()
        totals = matrix.new_empty(len(self.pieces), len(matrix))
        for piece, total in zip(self.pieces, totals.unbind(), strict=True):
            of_sums = self.sum_gradients(layer, of_norm, self.sums(layer, piece), piece)
            u = self.positive(self.sums(layer - 1, piece), piece)
            of_matrix.addmm_(of_sums.t(), u)
            g = self.multiply(of_sums, turned, piece.stored[-1])
            _where_above(g, u, 0, grad_input=g)
            torch.sum(g, 0, out=total)
        with_sums = (matrix * of_matrix).sum(0)
        return of_matrix.mul_(self.moments[layer - 1].scale), totals.sum(0), with_sums

    def back_to_points(self, of_norm: NormGradients) -> tuple[Tensor, Tensor]:
        """Return the gradients of the points, and of the first matrix over s_0."""
        of_own, of_other = self.points.own, self.points.n_open.zero_()
        for piece in self.pieces:
            of_sums = self.sum_gradients(0, of_norm, self.sums(0, piece), piece)
            torch.sum(piece.by_neighbour[0], 0, out=piece.points.own)
            of_other.index_add_(0, piece.sources, of_sums)
        scale = self.moments[0].scale[:, None]
        of_x = torch.mm(of_own, scale * self.to).addmm_(of_other, scale * self.of)
        of_to = of_own.t() @ self.x
        return of_x, torch.cat([of_to, of_other.t() @ self.x - of_to], dim=1)

    def gradients(self, out: Tensor, gradient: Tensor) -> list[Tensor]:
        """Return the gradients of the points, the matrices, and the norms' scales and shifts, from that of the output.

        Parameters
        ----------
        out, gradient : Tensor of shape (n_points, d)
            The output of the block, and its gradient.
        """
        gradient = _where_above(gradient, out, 0, grad_input=self.points.gradient)
        short_sums = (gradient * self.points.short).sum(0)
        of_norms = [NormGradients.of(self.moments[-1], gradient.sum(0), short_sums, len(out))]
        of_short = self.points.short.mul_(of_norms[0].p).add_(of_norms[0].q).add_(gradient)
        of_matrices = [of_short.t() @ self.x]
        gradient.div_(self.arriving.clamp(min=1))
        total, with_sums = (one.mul_(gradient).sum(0) for one in (self.points.n_open, self.points.open_sums))
        for layer in range(self.last, -1, -1):
            of_norms = [NormGradients.of(self.moments[layer], total, with_sums, self.n), *of_norms]
            if layer > 0:
                of_matrix, total, with_sums = self.back(layer, of_norms[0])
            else:
                of_x, of_matrix = self.back_to_points(of_norms[0])
            of_matrices = [of_matrix, *of_matrices]
        of_x.addmm_(of_short, self.moments[-1].scale[:, None] * self.shortcut)
        of_parameters = []
        for sign, of_norm, moments, of_matrix in zip(self.signs, of_norms, self.moments, of_matrices, strict=True):
            of_matrix.mul_((sign * moments.scale)[:, None])
            of_parameters += [sign * of_norm.of_scale, of_norm.of_shift]
        return [of_x, *of_matrices, *of_parameters]


class FusedBlock(torch.autograd.Function):
    """One EdgeConv block with batch normalisation, ReLU and the mean over the neighbours; it is differentiable once."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, edges: NeighbourEdges, norms: list[Norm], memory: Memory, *weights: Tensor
    ) -> Tensor:
        """Map points ``(n_rows, d_in)`` to ``(n_rows, d)``.

        ``weights`` are the matrices of the layers and of the shortcut, then scale and shift of each norm.
        """
        out = x.new_empty(len(x), len(weights[0]))
        with torch.inference_mode():  # of many short calls, a tenth of the time is autograd's bookkeeping
            ctx.messages = messages = Messages(x, edges, weights[: len(norms)], norms, memory)
            for layer in range(len(norms) - 1):
                messages.normalise(layer)
            messages.reduce(out)
        ctx.save_for_backward(out, x, *weights)  # all of them, so that changing any before backward is an error
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of all tensors; the stored sums are overwritten."""
        if ctx.messages is None:
            raise RuntimeError(
                "the stored sums of these messages were overwritten by an earlier backward pass: run forward again."
            )
        out = ctx.saved_tensors[0]
        messages, ctx.messages = ctx.messages, None
        with torch.inference_mode():
            of_x, *of_weights = messages.gradients(out, gradient)
            messages.memory.free.append(messages.room)
        # copies, because gradient clipping changes gradients in place, which inference tensors do not allow
        return of_x.clone(), None, None, None, *(one.clone() for one in of_weights)
