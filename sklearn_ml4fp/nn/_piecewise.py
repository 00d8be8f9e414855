"""A function computed piece by piece, and its gradients as well: memory for one piece at a time."""

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
            # one large array, filled: many small ones that stay would leave holes in the memory among what goes
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
    """Fill an array piece by piece; for the gradients every piece is computed again.

    Parameters
    ----------
    function : callable
        From a piece of every input to a piece of the value. It draws no random numbers.
    pieces : sequence
        For each piece where it stands in the value, and what the inputs are sliced with: None for a parameter of a
        module, which ``function`` uses by itself, and which is listed so that it gets its gradient.
    shape : tuple of int
        Shape of the value.
    *inputs : Tensor
        All that has gradients, and more.
    """
    value: Tensor = _Piecewise.apply(function, pieces, shape, *inputs)
    return value
