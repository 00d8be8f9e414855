"""Fully connected networks of one shape as one, whose gradients need no graph of autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._feedforward import FeedForward
from ._layers import Dropout, kept
from ._linear import WIDE, Linear, has_onednn, product, weight_gradient
from ._ntk import Blend, Gain, ScaledLinear

_OPS = torch.ops.aten
# Activations, which act in place where their gradient is computed from their output and not from their input; and that
# gradient, from the one of the output and from what the argument then holds.
_ACTIVATIONS: dict[type[nn.Module], tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    nn.ReLU: (torch.relu_, lambda gradient, y: _OPS.threshold_backward.grad_input(gradient, y, 0, grad_input=gradient)),
    nn.Sigmoid: (torch.sigmoid_, _OPS.sigmoid_backward),
    nn.Tanh: (torch.tanh_, _OPS.tanh_backward),
    nn.GELU: (F.gelu, _OPS.gelu_backward),
    nn.SiLU: (F.silu, _OPS.silu_backward),
    nn.Mish: (F.mish, _OPS.mish_backward),
}
_IN_PLACE = (torch.relu_, torch.sigmoid_, torch.tanh_)

LeafOf = Callable[[Tensor], Any]  # tensors, and not None, as their gradients
# Makes one module of those in front of all layers, as `stacked` does
StackOf = Callable[[Sequence[nn.Module], LeafOf], nn.Module]


def is_wide(module: nn.Module, n_events: int) -> bool:
    """Return whether the products of a network are so large that stacking them by torch.bmm gains nothing."""
    linear = (one for one in module.modules() if isinstance(one, nn.Linear | ScaledLinear))
    return any(n_events * one.weight.numel() >= WIDE for one in linear)


def are_for_onednn(weight: Tensor, n_events: int) -> bool:
    """Return whether oneDNN makes the products of ``n_events`` with weights ``(k, d_out, d_in)``, one after another."""
    return n_events * weight[0].numel() >= WIDE and weight.device.type == "cpu" and has_onednn()


def is_dense(module: nn.Module) -> bool:
    """Return whether networks like this one can be a `DenseStack`."""
    layers = (*module.hidden, module.head) if isinstance(module, FeedForward) else ()
    return bool(layers) and all(
        type(one) in (nn.Linear, Linear, ScaledLinear, Gain, Dropout, *_ACTIVATIONS)
        or (isinstance(one, Blend) and type(one.activation) in _ACTIVATIONS)
        for one in layers
    )


class DenseStack(nn.Module):
    """Linear layers of ``k`` networks, each with an activation and dropout or without.

    The products of small networks are short: autograd would take a quarter of a step for its work around them. Large
    networks go one after another through all of their layers, so that what a layer gives is in the cache for the next.

    Parameters
    ----------
    networks : sequence of FeedForward
        Networks for which `is_dense` holds.
    stack_of : callable
        Makes one module of the embeddings of some networks, for which there is autograd.
    leaf_of : callable
        Gives for a parameter of the first network that of all, ``(k, *shape)``, whose ``grad`` takes its gradient.
    """

    def __init__(self, networks: Sequence[Any], stack_of: StackOf, leaf_of: LeafOf) -> None:
        super().__init__()
        self._together = (_Chain(networks, stack_of, leaf_of),)
        each = enumerate(networks)
        self._each = tuple(_Chain([one], stack_of, _part_of(leaf_of, networks[0], one, i)) for i, one in each)
        self._now: tuple[_Chain, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(k, n, d_in)`` to ``(k, n, d_out)``, and keep what `differentiate` needs."""
        is_wide = any(are_for_onednn(one.weight, x.shape[1]) for one in self._together[0].linear)
        self._now = self._each if is_wide else self._together
        return torch.cat([one.forward(part) for one, part in zip(self._now, x.chunk(len(self._now)), strict=True)])

    def differentiate(self, gradient: Tensor) -> None:
        """Write the gradients of all parameters, from that of the outputs of the last call, to where they belong."""
        for one, part in zip(self._now, gradient.chunk(len(self._now)), strict=True):
            one.differentiate(part)


def _part_of(leaf_of: LeafOf, first: nn.Module, other: nn.Module, i: int) -> LeafOf:
    """Leaves of a network alone, ``(1, *shape)``."""
    known = dict(zip(map(id, other.parameters()), first.parameters(), strict=True))

    def part_of(parameter: Tensor) -> Tensor:
        leaf = leaf_of(known[id(parameter)])
        part = leaf.detach()[i : i + 1]
        part.grad = leaf.grad[i : i + 1]
        return part

    return part_of


class _Chain:
    """Some of the networks, layer after layer."""

    def __init__(self, networks: Sequence[Any], stack_of: StackOf, leaf_of: LeafOf) -> None:
        self._learned: list[Any] = []  # of the embedding

        def learned(parameter: Tensor) -> Any:
            self._learned.append(leaf_of(parameter).requires_grad_())
            return self._learned[-1]

        ahead = [one.embedding for one in networks]
        self._first = None if ahead[0] is None else stack_of(ahead, learned)
        self._layers: list[Any] = [
            _layer(parts, leaf_of) for parts in zip(*([*one.hidden, one.head] for one in networks), strict=True)
        ]
        self.linear = [one for one in self._layers if isinstance(one, _Linear)]

    def forward(self, x: Tensor) -> Tensor:
        if self._first is not None:
            with torch.set_grad_enabled(bool(self._learned)):
                x = self._first(x)
        self._input = x
        with torch.no_grad():
            for layer in self._layers:
                x = layer.forward(x)
        return x

    def differentiate(self, gradient: Tensor) -> None:
        with torch.no_grad():
            for layer in reversed(self._layers):
                is_last = layer is self._layers[0] and not self._learned
                gradient = layer.backward(gradient, is_last)
        if self._learned:
            found = torch.autograd.grad(self._input, self._learned, gradient)
            torch._foreach_copy_([one.grad for one in self._learned], found)


def _layer(parts: Sequence[Any], leaf_of: LeafOf) -> Any:
    """Make the layer of all networks."""
    first = parts[0]
    if isinstance(first, nn.Linear | ScaledLinear):
        return _Linear(leaf_of(first.weight), leaf_of(first.bias), getattr(first, "factor", None))
    if isinstance(first, Dropout):
        return _Dropped(parts)
    if isinstance(first, Gain):
        return _Gained(leaf_of(first.gain))
    if isinstance(first, Blend):
        return _Blended(leaf_of(first.share), *_ACTIVATIONS[type(first.activation)])
    return _Activated(*_ACTIVATIONS[type(first)])


# Each of these maps ``(k, n, d)`` in `forward`, and keeps what `backward` needs: that one takes the gradient of the
# output, which it may overwrite, writes those of parameters, and returns that of the input, if not ``is_last``.


class _Linear:
    def __init__(self, weight: Any, bias: Any, factor: float | None) -> None:
        self.weight, self._factor = weight.detach(), factor
        self._row = bias.detach()[:, None]
        self._gradients = weight.grad, bias.grad
        self._n_events = -1

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self._n_events:
            self._n_events = x.shape[1]
            self._is_wide = len(x) == 1 and are_for_onednn(self.weight, x.shape[1])
        self._x = x
        self._scaled = self.weight if self._factor is None else self.weight * self._factor
        if self._is_wide:
            return product(x[0], self._scaled[0], self._row[0, 0])[None]
        return torch.baddbmm(self._row, x, self._scaled.mT)

    def backward(self, gradient: Tensor, is_last: bool) -> Tensor:
        of_weight, of_bias = self._gradients
        torch.sum(gradient, 1, out=of_bias)
        if self._is_wide:
            of_weight[0].copy_(weight_gradient(gradient[0], self._x[0]))
        else:
            torch.bmm(gradient.mT, self._x, out=of_weight)
        if self._factor is not None:
            of_weight.mul_(self._factor)
        if is_last:
            return gradient
        return product(gradient[0], self._scaled[0].T)[None] if self._is_wide else gradient.bmm(self._scaled)


class _Activated:
    def __init__(self, function: Callable[[Tensor], Tensor], backward: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._function, self._backward = function, backward

    def forward(self, x: Tensor) -> Tensor:
        self._y = x
        return self._function(x)

    def backward(self, gradient: Tensor, is_last: bool) -> Tensor:
        return self._backward(gradient, self._y)


class _Blended:
    """x + a · (f(x) − x)."""

    def __init__(
        self, share: Any, function: Callable[[Tensor], Tensor], backward: Callable[[Tensor, Tensor], Tensor]
    ) -> None:
        self._share, self._gradient = share.detach()[:, None], share.grad
        self._function, self._backward = function, backward

    def forward(self, x: Tensor) -> Tensor:
        self._y = x.clone() if self._function in _IN_PLACE else x
        self._difference = self._function(self._y) - x
        return torch.addcmul(x, self._difference, self._share)

    def backward(self, gradient: Tensor, is_last: bool) -> Tensor:
        torch.sum(self._difference.mul_(gradient), 1, out=self._gradient)
        through = gradient * self._share
        gradient.sub_(through)
        return gradient.add_(self._backward(through, self._y))


class _Gained:
    def __init__(self, gain: Any) -> None:
        self._gain, self._gradient = gain.detach()[:, None], gain.grad

    def forward(self, x: Tensor) -> Tensor:
        self._x = x
        return x * self._gain

    def backward(self, gradient: Tensor, is_last: bool) -> Tensor:
        torch.sum(gradient * self._x, 1, out=self._gradient)
        return gradient if is_last else gradient * self._gain


class _Dropped:
    def __init__(self, members: Sequence[Dropout]) -> None:
        self._members = members

    def forward(self, x: Tensor) -> Tensor:
        self._factors = self._drawn(x) if any(one.p > 0 for one in self._members) else None
        return x if self._factors is None else x * self._factors

    def _drawn(self, x: Tensor) -> Tensor:
        """Draw the factors, each network as it would alone."""
        factors = [
            kept(its, one.p, one.generator).div_(1 - one.p) if one.p > 0 else torch.ones_like(its)
            for one, its in zip(self._members, x, strict=True)
        ]
        return factors[0][None] if len(factors) == 1 else torch.stack(factors)

    def backward(self, gradient: Tensor, is_last: bool) -> Tensor:
        return gradient if self._factors is None else gradient.mul_(self._factors)
