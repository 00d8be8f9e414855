"""Fully connected networks of one shape as one, whose gradients need no graph of autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._feedforward import FeedForward
from ._layers import Dropout, kept
from ._linear import WIDE, Linear, has_onednn, product

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


def is_wide(module: nn.Module, n_events: int) -> bool:
    """Return whether the products of a network are so large that stacking them by torch.bmm gains nothing."""
    return any(isinstance(one, nn.Linear) and n_events * one.weight.numel() >= WIDE for one in module.modules())


def are_for_onednn(weight: Tensor, n_events: int) -> bool:
    """Return whether oneDNN makes the products of ``n_events`` with weights ``(k, d_out, d_in)``, one after another."""
    return n_events * weight[0].numel() >= WIDE and weight.device.type == "cpu" and has_onednn()


def products_by_onednn(x: Tensor, y: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute ``(k, n, d) · (k, d, m)``, and add ``(k, m)``."""
    biases = [None] * len(x) if bias is None else bias
    return torch.stack([product(a, b.T, c) for a, b, c in zip(x, y, biases, strict=True)])


class DenseStack(nn.Module):
    """Linear layers of ``k`` networks, each with an activation and dropout or without.

    The products of small networks are short: autograd would take a quarter of a step for its work around them.

    Parameters
    ----------
    networks : sequence of FeedForward
        Networks for which `is_dense` holds.
    first : nn.Module or None
        What events pass through first, without parameters.
    leaf_of : callable
        Gives for a parameter of the first network that of all, ``(k, *shape)``.
    """

    def __init__(self, networks: Sequence[Any], first: nn.Module | None, leaf_of: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first = first
        self._layers: list[_Layer] = []
        for parts in zip(*([*one.hidden, one.head] for one in networks), strict=True):
            if isinstance(parts[0], nn.Linear):
                weight, bias = (leaf_of(one).detach() for one in (parts[0].weight, parts[0].bias))
                self._layers.append(_Layer(weight, bias))
            elif isinstance(parts[0], Dropout):
                self._layers[-1].dropouts = parts
            else:
                self._layers[-1].activation = _ACTIVATIONS[type(parts[0])]

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Map ``(k, n, d_in)`` to ``(k, n, d_out)``, and keep what `gradients` needs."""
        x = x if self.first is None else self.first(x)
        for layer in self._layers:
            x = layer.forward(x)
        return x

    @torch.no_grad()
    def gradients(self, gradient: Tensor) -> list[Tensor]:
        """Compute the gradients of all parameters from that of the outputs of the last call."""
        gradients: list[Tensor] = []
        for layer in reversed(self._layers):
            gradient = layer.before_activation(gradient)
            gradients += [gradient.sum(1), layer.products(gradient.mT, layer.x)]
            if layer is not self._layers[0]:
                gradient = layer.products(gradient, layer.weight)
        return gradients[::-1]


def is_dense(module: nn.Module) -> bool:
    """Return whether networks like this one can be a `DenseStack`."""
    return (
        isinstance(module, FeedForward)
        and (module.embedding is None or next(module.embedding.parameters(), None) is None)
        and all(type(one) in (nn.Linear, Linear, Dropout, *_ACTIVATIONS) for one in (*module.hidden, module.head))
    )


class _Layer:
    """Linear layer of all networks, and what it keeps of the last call."""

    x: Tensor
    _y: Tensor
    _mask: Tensor | None
    _n_events = -1

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self._transposed = weight, weight.mT
        self._bias, self._row = bias, bias[:, None]
        self.activation: tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]] | None = None
        self.dropouts: Sequence[Dropout] = ()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self._n_events:
            self._n_events, self._is_wide = x.shape[1], are_for_onednn(self.weight, x.shape[1])
        self.x = x
        if self._is_wide:
            self._y = products_by_onednn(x, self._transposed, self._bias)
        else:
            self._y = torch.baddbmm(self._row, x, self._transposed)
        y = self._y if self.activation is None else self.activation[0](self._y)
        self._mask = self._drawn(y) if any(one.p > 0 for one in self.dropouts) else None
        return y if self._mask is None else y * self._mask

    def products(self, x: Tensor, y: Tensor) -> Tensor:
        """Multiply as many numbers as in the last call."""
        return products_by_onednn(x, y) if self._is_wide else x.bmm(y)

    def _drawn(self, y: Tensor) -> Tensor:
        """Draw the factors of dropout, each network as it would alone."""
        factors = torch.ones_like(y)
        for one, its in zip(self.dropouts, factors, strict=True):
            if one.p > 0:
                torch.div(kept(its, one.p, one.generator), 1 - one.p, out=its)
        return factors

    def before_activation(self, gradient: Tensor) -> Tensor:
        """Compute the gradient of the linear layer's output from that of the output behind it."""
        gradient = gradient if self._mask is None else gradient * self._mask
        return gradient if self.activation is None else self.activation[1](gradient, self._y)
