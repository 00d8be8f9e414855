"""Functions computed piece by piece, with their gradients: memory is needed for one piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Index = Any  # what a tensor is sliced with; None for a tensor that every piece uses as it is, a module's parameter


class _Piecewise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        function: Callable[..., Tensor],
        pieces: Sequence[tuple[Index, Sequence[Index]]],
        shape: tuple[int, ...],
        *inputs: Tensor,
    ) -> Tensor:
        ctx.function, ctx.pieces = function, pieces
        ctx.save_for_backward(*inputs)
        device = inputs[0].device.type
        ctx.autocast = (device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device))
        value: Tensor | None = None
        for place, indices in pieces:
            piece = function(*(x if i is None else x[i] for x, i in zip(inputs, indices, strict=True)))
            # one large array is filled: small arrays that stay would fragment the memory
            value = piece.new_empty(shape) if value is None else value
            value[place] = piece
        assert value is not None
        return value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        inputs, wanted = ctx.saved_tensors, ctx.needs_input_grad[3:]
        chosen = [k for k, want in enumerate(wanted) if want]
        totals = {k: torch.zeros_like(inputs[k]) for k in chosen}
        for place, indices in ctx.pieces:
            parts = [x if i is None else x.detach()[i] for x, i in zip(inputs, indices, strict=True)]
            parts = [x.requires_grad_() if want else x for x, want in zip(parts, wanted, strict=True)]
            with torch.enable_grad(), torch.autocast(*ctx.autocast):
                value = ctx.function(*parts)
            found = torch.autograd.grad(value, [parts[k] for k in chosen], gradient[place])
            for k, one in zip(chosen, found, strict=True):
                totals[k][... if indices[k] is None else indices[k]] += one
        return None, None, None, *(totals.get(k) for k in range(len(inputs)))


def piecewise(
    function: Callable[..., Tensor],
    pieces: Sequence[tuple[Index, Sequence[Index]]],
    shape: tuple[int, ...],
    *inputs: Tensor,
) -> Tensor:
    """Compute an array piece by piece; for the gradients every piece is computed again.

    Parameters
    ----------
    function : callable
        Maps a piece of every input to a piece of the value. It draws no random numbers.
    pieces : sequence
        For each piece, its place in the value and the slices of the inputs. The slice None stands for a parameter of a
        module that ``function`` uses by itself, and that is listed so that it gets its gradient.
    shape : tuple of int
        Shape of the value.
    *inputs : Tensor
        Inputs of ``function``; every tensor that needs a gradient must be among them.
    """
    value: Tensor = _Piecewise.apply(function, pieces, shape, *inputs)
    return value
