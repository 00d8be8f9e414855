"""Points of several kinds, such as jets, muons and missing momentum, in one set: a first layer for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._linear import Linear

MakeLinear = Callable[[int, int], nn.Linear]


class KindLinear(nn.Module):
    """Linear layers side by side, one for each kind of points: W_k x + b_k for a point of the kind k.

    A point is of the kind whose column is the greatest, so that the columns may be 1 and 0, or these standardised.

    Parameters
    ----------
    d_in : int
        Number of features of a point.
    d_out : int
        Number of outputs.
    kinds : sequence of int
        Columns of the features that tell the kinds.
    make : callable
        Function that makes one of the layers.
    """

    def __init__(self, d_in: int, d_out: int, kinds: Sequence[int], make: MakeLinear) -> None:
        super().__init__()
        self.kinds = tuple(kinds)
        self.own = nn.ModuleList(make(d_in, d_out) for _ in self.kinds)

    def forward(self, x: Tensor) -> Tensor:
        """Map points ``(..., d_in)`` to ``(..., d_out)``."""
        kind = torch.stack([x[..., i] for i in self.kinds], dim=-1).argmax(dim=-1, keepdim=True)
        is_kind = (kind == torch.arange(len(self.kinds), device=x.device)).to(x.dtype)
        apart = (is_kind[..., None] * x[..., None, :]).flatten(-2)  # the features of each kind in columns of their own
        own = [cast(nn.Linear, layer) for layer in self.own]
        weight, bias = torch.cat([layer.weight for layer in own], dim=1), torch.stack([layer.bias for layer in own])
        return F.linear(apart, weight) + is_kind @ bias.to(x.dtype)


def first_layer(d_in: int, d_out: int, kinds: Sequence[int], make: MakeLinear = Linear) -> nn.Module:
    """Make the first layer on points: one for each kind, or one for all where there are no kinds."""
    return KindLinear(d_in, d_out, kinds, make) if kinds else make(d_in, d_out)
