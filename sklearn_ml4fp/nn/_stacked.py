"""Networks of one shape as one network of batched matrix products, for tables."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._columns import CategoryEmbedding, Columns, ColumnScaling, MixedColumns, OneHot
from ._dense_stack import DenseStack, LeafOf, are_for_onednn, is_dense
from ._densenet import DenseLayer, DenseNet
from ._embeddings import DenseWaveEmbedding, PeriodicEmbedding, PiecewiseEmbedding, PiecewiseEncoding, Waves
from ._feedforward import FeedForward
from ._layers import ACTIVATIONS, AlphaDropout, Dropout, Halve, LinearEach, NoNorm, Norm, PoolPositions, kept
from ._linear import Linear, linear
from ._ntk import Blend, Gain, ScaledLinear
from ._resnet import ResidualBlock, ResNet

# modules whose forward takes its children in turn, and acts on the last axes of a table alone, so that an axis of
# members may stand in front; their parameters and buffers are multiplied and added along these axes
_CONTAINERS = (
    *(nn.Sequential, nn.ModuleList, Columns, ColumnScaling, MixedColumns, OneHot),
    *(PiecewiseEmbedding, PiecewiseEncoding, PeriodicEmbedding, DenseWaveEmbedding, Waves, Blend, Gain),
    *(FeedForward, ResNet, ResidualBlock, DenseNet, DenseLayer),
)
_WITH_WEIGHTS = (nn.Linear, Linear, ScaledLinear, LinearEach, CategoryEmbedding)
_WITHOUT_WEIGHTS: tuple[Any, ...] = (*ACTIVATIONS.values(), NoNorm, nn.Identity)
_OF_IMAGES = (PoolPositions, Halve)  # which leave a table as it is


def can_be_stacked(modules: Sequence[nn.Module]) -> bool:
    """Return whether networks have one shape, and layers that can be stacked; the rates of dropout may differ."""
    first = modules[0]
    if any(type(module) is not type(first) for module in modules):
        return False
    if len({_shapes(module) for module in modules}) > 1:
        return False
    if isinstance(first, Norm):
        return first.channel_axis == 1 and all(module.kind == first.kind for module in modules)
    if type(first) in (*_WITH_WEIGHTS, Dropout, AlphaDropout, *_WITHOUT_WEIGHTS, *_OF_IMAGES):
        return True
    children = [list(module.children()) for module in modules]
    return (
        type(first) in _CONTAINERS
        and len({getattr(module, "layout", None) for module in modules}) == 1
        and len({len(one) for one in children}) == 1
        and all(map(can_be_stacked, zip(*children, strict=True)))
    )


def _shapes(module: nn.Module) -> tuple[tuple[int, ...], ...]:
    """Shapes of what a layer holds by itself; constants have others where columns have other numbers of bins."""
    return tuple(tuple(one.shape) for one in (*module.parameters(recurse=False), *module.buffers(recurse=False)))


def takes_events_apart(module: nn.Module) -> bool:
    """Return whether the output of an event in training depends neither on the others nor on numbers drawn for all."""
    return not any(
        (isinstance(one, Norm) and one.kind == "batch") or (isinstance(one, Dropout) and one.p > 0)
        for one in module.modules()
    )


def stacked(modules: Sequence[nn.Module], leaf_of: LeafOf) -> nn.Module:
    """Make one network of ``k`` networks, which maps ``(k, n_events, d_in)`` to ``(k, n_events, d_out)``.

    Parameters
    ----------
    modules : sequence of nn.Module
        Networks for which `can_be_stacked` holds; those for which `is_dense` does become a `DenseStack`. The masks of
        dropout are drawn from the generator of each, and the running moments of each follow.
    leaf_of : callable
        Gives for a parameter of the first network that of all, ``(k, *shape)``.
    """
    first: Any = modules[0]
    if isinstance(first, nn.Linear | ScaledLinear):
        bias = None if first.bias is None else leaf_of(first.bias)
        return _Linear(leaf_of(first.weight), bias, getattr(first, "factor", 1.0))
    if isinstance(first, LinearEach):
        return _LinearEach(leaf_of(first.weight), None if first.bias is None else leaf_of(first.bias))
    if isinstance(first, CategoryEmbedding):
        return _CategoryEmbedding(leaf_of(first.vectors))
    if isinstance(first, Dropout):
        return _Dropout(modules)
    if isinstance(first, Norm):
        return _Norm(modules, leaf_of(first.weight), leaf_of(first.bias))
    if isinstance(first, _OF_IMAGES):
        return nn.Identity()
    if isinstance(first, _WITHOUT_WEIGHTS):
        return first
    if is_dense(first):
        return DenseStack(modules, stacked, leaf_of)
    made = copy(first)
    vars(made)["_modules"] = {  # a copy shares its children
        name: None if child is None else stacked([module.get_submodule(name) for module in modules], leaf_of)
        for name, child in vars(first)["_modules"].items()
    }
    own = {name: leaf_of(one) for name, one in vars(first)["_parameters"].items() if one is not None}
    vars(made)["_parameters"] = dict.fromkeys(set(vars(first)["_parameters"]) - set(own))
    vars(made).update({name: leaf[:, None] for name, leaf in own.items()})
    of_each = [vars(module)["_buffers"] for module in modules]  # constants of columns, by the training part of each
    vars(made)["_buffers"] = {name: torch.stack([one[name] for one in of_each])[:, None] for name in of_each[0]}
    return made


class _Linear(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor | None, factor: float) -> None:
        super().__init__()
        # leaves, whose gradients the caller asks for: no parameters
        self._weight, self._bias, self._factor = weight, bias, factor

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(k, n, d_in)`` to ``(k, n, d_out)``."""
        weight, bias = self._weight if self._factor == 1 else self._weight * self._factor, self._bias
        if are_for_onednn(weight, x.shape[1]):
            biases = [None] * len(x) if bias is None else bias
            return torch.stack([linear(*of_one) for of_one in zip(x, weight, biases, strict=True)])
        return x.bmm(weight.mT) if bias is None else torch.baddbmm(bias[:, None], x, weight.mT)


class _LinearEach(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self._weight, self._bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(k, n_events, n, d_in)`` to ``(k, n_events, n, d_out)``."""
        outputs = (x.transpose(1, 2) @ self._weight).transpose(1, 2)
        return outputs if self._bias is None else outputs + self._bias.view(len(x), 1, *outputs.shape[2:])


class _CategoryEmbedding(nn.Module):
    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self._vectors = vectors

    def forward(self, code: Tensor) -> Tensor:
        """Map ``(k, n)`` to ``(k, n, d_out)``."""
        k, n, width = self._vectors.shape
        rows = code.clamp(0, n - 1).long() + n * torch.arange(k, device=code.device)[:, None]
        return F.embedding(rows, self._vectors.reshape(k * n, width))


class _Dropout(nn.Module):
    def __init__(self, members: Sequence[Any]) -> None:
        super().__init__()
        self._members = tuple(members)

    def forward(self, x: Tensor) -> Tensor:
        """Drop features of ``(k, n, d)``, each member as it would alone."""
        if all(member.p == 0 for member in self._members):
            return x
        dropped = []
        for member, one in zip(self._members, x, strict=True):
            keep = kept(one, member.p, member.generator) if member.p else None
            dropped.append(one if keep is None else member._drop(one, keep))
        return torch.stack(dropped)


class _Norm(nn.Module):
    def __init__(self, members: Sequence[Any], weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self._members, self._weight, self._bias = tuple(members), weight, bias

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(k, n, d)``."""
        first, (k, n, d) = self._members[0], x.shape
        if first.kind == "layer":
            return F.layer_norm(x, (d,), eps=first.epsilon) * self._weight[:, None] + self._bias[:, None]
        moments = [torch.cat([getattr(one, name) for one in self._members]) for name in ("running_mean", "running_var")]
        mean, variance = moments
        weight, bias = self._weight.reshape(-1), self._bias.reshape(-1)
        flat = x.transpose(0, 1).reshape(n, k * d)  # channels of all members are independent of each other
        y = F.batch_norm(flat, mean, variance, weight, bias, n > 1, first._MOMENTUM, first.epsilon)
        if n > 1:
            theirs = [one.running_mean for one in self._members], [one.running_var for one in self._members]
            for old, new in zip(theirs, moments, strict=True):
                torch._foreach_copy_(old, list(new.split(d)))
        return y.reshape(n, k, d).transpose(0, 1)
