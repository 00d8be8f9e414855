"""Layers in the neural tangent parametrisation: weights of variance one, divided by √d in the layer, with own rates."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._linear import linear

PARAMETRISATIONS = ("standard", "ntk")
# Learning rates of the parameters, as factors on the rate of the weights, from the tuning of RealMLP.
_GAIN_RATE, _BIAS_RATE, _BLEND_RATE, _EMBEDDING_RATE = 6.0, 0.1, 0.1, 0.1
_EQUAL = 1e-5  # of the spread: what the same event may differ by in another place of a batch, in float32
_N_OF_BIAS = 5  # events whose weighted mean a bias takes to zero at first: "he+5" of its authors


class ScaledLinear(nn.Module):
    """Linear layer x W/√d_in + b, whose weights have variance one at first.

    Parameters
    ----------
    d_in, d_out : int
        Numbers of inputs and outputs.

    References
    ----------
    Jacot, Gabriel and Hongler, arXiv:1806.07572; the first values are those of Holzmüller, Grinsztajn and Steinwart,
    arXiv:2407.04491.
    """

    lr_factors = {"bias": _BIAS_RATE}  # noqa: RUF012
    not_decayed = ("bias",)

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(d_out, d_in))
        self.bias = nn.Parameter(torch.empty(d_out))

    def draw(self, generator: torch.Generator) -> None:
        """Draw the weights; biases are zero."""
        self.weight.normal_(generator=generator)
        self.bias.zero_()

    def settle(self, x: Tensor, weight: Tensor | None, generator: torch.Generator) -> None:
        """Scale the weights so that each output has variance one, and set it to zero between some of the events.

        A bias takes a mean of 5 values to zero that are drawn from the distribution of its output, as the weighted
        events have it: the bend of the activation lies among the events.

        Parameters
        ----------
        x : Tensor of shape (n_events, d_in)
            Inputs.
        weight : Tensor of shape (n_events,) or None
            Event weights; all are taken as one where some events of a large sample have no positive sum of them.
        generator : torch.Generator
            Source of the draws, on the CPU.
        """
        y = F.linear(x, self._scaled).cpu().double()  # not every accelerator has double precision
        w = torch.ones_like(y[:, 0]) if weight is None or weight.sum() <= 0 else weight.to(y)
        w = w / w.sum()
        spread = (w @ (y - w @ y).square()).clamp(min=0).sqrt()
        spread = torch.where(spread > 0, spread, 1.0)
        self.weight.div_(spread[:, None].to(self.weight))
        values, order = (y / spread).T.contiguous().sort()  # rows of an output: faster than columns
        # equal values count together, so that a cancelling pair has no share
        is_last = torch.cat([values.diff() > _EQUAL, torch.ones_like(values[:, :1], dtype=torch.bool)], dim=1)
        reached = torch.where(is_last, w[order].cumsum(1), -math.inf).cummax(1).values
        share = torch.rand(y.shape[1], _N_OF_BIAS, generator=generator, dtype=y.dtype)
        part = torch.empty_like(share).exponential_(generator=generator)
        drawn = values.gather(1, torch.searchsorted(reached, share).clamp(max=len(y) - 1))
        self.bias.copy_(-(drawn * part / part.sum(1, keepdim=True)).sum(1))

    @property
    def factor(self) -> float:
        """The factor on the weights, 1/√d_in."""
        return 1 / math.sqrt(self.weight.shape[1])

    @property
    def _scaled(self) -> Tensor:
        return self.weight * self.factor

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d_in)`` to ``(n, d_out)``."""
        return linear(x, self._scaled, self.bias)


class Gain(nn.Module):
    """Factor of each feature, one at first, with a large learning rate: a soft choice among the columns.

    Parameters
    ----------
    d : int
        Number of features.
    """

    lr_factors = {"gain": _GAIN_RATE}  # noqa: RUF012

    def __init__(self, d: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.empty(d))

    def reset_parameters(self) -> None:
        """Set the factors to one."""
        with torch.no_grad():
            self.gain.fill_(1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d)``."""
        return x * self.gain


class Blend(nn.Module):
    """Activation f of which each node learns a share: x + a · (f(x) − x), with a of one at first.

    Parameters
    ----------
    activation : nn.Module
        The function f.
    d : int
        Number of nodes.
    """

    lr_factors = {"share": _BLEND_RATE}  # noqa: RUF012

    def __init__(self, activation: nn.Module, d: int) -> None:
        super().__init__()
        self.activation, self.share = activation, nn.Parameter(torch.empty(d))

    def reset_parameters(self) -> None:
        """Set the shares to one."""
        with torch.no_grad():
            self.share.fill_(1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d)``."""
        return x + (self.activation(x) - x) * self.share


def slowed(embedding: nn.Module) -> nn.Module:
    """Give the parameters of an embedding their learning rate."""
    for layer in embedding.modules():
        layer.lr_factors = {name: _EMBEDDING_RATE for name, _ in layer.named_parameters(recurse=False)}  # type: ignore[assignment]
    return embedding


@torch.no_grad()
def settle(module: nn.Module, x: Tensor, weight: Tensor | None, generator: torch.Generator) -> None:
    """Set the first values of all `ScaledLinear` layers by events; a network without them is left as it is.

    Parameters
    ----------
    module : nn.Module
        Network for tables, whose weights are drawn.
    x : Tensor of shape (n_events, d)
        Some events of the training part.
    weight : Tensor of shape (n_events,) or None
        Their weights.
    generator : torch.Generator
        Source of the draws, on the CPU.
    """

    def before(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, ScaledLinear)
        layer.settle(inputs[0], weight, generator)

    handles = [one.register_forward_pre_hook(before) for one in module.modules() if isinstance(one, ScaledLinear)]
    was_training = module.training
    try:
        if handles:
            module.eval()(x.to(next(module.parameters()).device))
    finally:
        module.train(was_training)
        for handle in handles:
            handle.remove()
