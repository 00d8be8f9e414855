"""Linear layers whose large products oneDNN makes on a processor."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Multiplications and additions in a product of matrices from which on oneDNN is faster than the BLAS of torch on
# processors of AMD (256 × 256 × 256 on an EPYC of family 26: 0.15 ms against 0.32). On Intel it was not measured.
WIDE = 2_000_000
_PRODUCT = "_linear_pointwise"  # a linear layer of oneDNN, which has no public name


@cache
def has_onednn() -> bool:
    """Return whether torch was built with oneDNN's product of matrices, which torch.compile uses."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, _PRODUCT)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute x Wᵀ + b by oneDNN, for float32 on a processor."""
    if not (weight.is_contiguous() or weight.mT.is_contiguous()):
        weight = weight.contiguous()  # of some columns of a matrix, which takes oneDNN a thousand times as long
    y: Tensor = getattr(torch.ops.mkldnn, _PRODUCT)(x, weight, bias, "none", [], "")
    return y


def weight_gradient(of_y: Tensor, x: Tensor) -> Tensor:
    """Compute the gradient of W by oneDNN, which turns its first factor beforehand: the one of fewer columns."""
    return product(of_y.T, x.T) if of_y.shape[1] <= x.shape[1] else product(x.T, of_y.T).T


def is_for_onednn(x: Tensor, weight: Tensor) -> bool:
    """Return whether oneDNN is to make the product x Wᵀ."""
    return (
        x.numel() * len(weight) >= WIDE
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and has_onednn()
    )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Compute x Wᵀ + b, on a processor large products in single precision by oneDNN.

    Parameters
    ----------
    x : Tensor of shape (..., d_in)
        Inputs.
    weight : Tensor of shape (d_out, d_in)
        Weights.
    bias : Tensor of shape (d_out,) or None
        Constants.
    """
    if not is_for_onednn(x, weight):
        return F.linear(x, weight, bias)
    y: Tensor = _ByOneDNN.apply(x.reshape(-1, x.shape[-1]), weight, bias)
    return y.view(*x.shape[:-1], len(weight))


class Linear(nn.Linear):
    """Linear layer x Wᵀ + b, whose large products oneDNN makes on a processor."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., d_in)`` to ``(..., d_out)``."""
        return linear(x, self.weight, self.bias)


class _ByOneDNN(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (of_y,), (x, weight) = gradients, ctx.saved_tensors
        of_x = product(of_y, weight.T) if ctx.needs_input_grad[0] else None
        return of_x, weight_gradient(of_y, x), of_y.sum(0) if ctx.needs_input_grad[2] else None
