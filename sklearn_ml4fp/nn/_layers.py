"""Building blocks that the architectures share: activations, dropout, normalisation, pooling."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._linear import Linear

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
}
NORMALISATIONS = ("none", "batch", "layer")


def kept(x: Tensor, p: float, generator: torch.Generator | None) -> Tensor:
    """Draw which features are kept: 1 with probability 1 − p, else 0.

    On a processor 16 random bits decide about each, so that p is one of 65536 levels: a draw of 64 bits is for four
    features, in a fifth of the time of `torch.Tensor.bernoulli_`.

    Parameters
    ----------
    x : Tensor
        Features, of any shape.
    p : float
        Probability that one is dropped.
    generator : torch.Generator or None
        Source of the draws; torch's own if None.
    """
    if x.device.type != "cpu":
        return torch.empty_like(x).bernoulli_(1 - p, generator=generator)
    bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    level = max(1, round((1 - p) * 2**16)) - 2**15
    # compared as float32, which holds them all: a comparison to truth values takes five times as long
    return bits.view(torch.int16)[: x.numel()].to(torch.float32).lt_(level).to(x.dtype).view(x.shape)


class Dropout(nn.Module):
    """Dropout that draws from a generator of its own, so that a fit never touches torch's global random state.

    Parameters
    ----------
    p : float
        Probability with which a feature is set to zero during training; the others are scaled by 1/(1 − p).

    Attributes
    ----------
    generator : torch.Generator or None
        The training sets it, and removes it at its end.

    References
    ----------
    Srivastava et al., J. Mach. Learn. Res. 15 (2014) 1929.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` of any shape to the same shape."""
        if not self.training or self.p == 0:
            return x
        return self._drop(x, kept(x, self.p, self.generator))

    def _drop(self, x: Tensor, keep: Tensor) -> Tensor:
        return x * keep.div_(1 - self.p)


class AlphaDropout(Dropout):
    """Dropout for SELU: keeps a mean of 0 and a variance of 1.

    Dropped features become α' = −λα, the limit of SELU at −∞, and an affine map a·x + b restores the moments, with
    q = 1 − p, a = (q + α'² q (1 − q))^(−1/2) and b = −a (1 − q) α'.

    References
    ----------
    Klambauer et al., arXiv:1706.02515.
    """

    _LIMIT = -1.0507009873554805 * 1.6732632423543772  # −λα, the constants of SELU

    def _drop(self, x: Tensor, keep: Tensor) -> Tensor:
        q = 1 - self.p
        a = (q + self._LIMIT**2 * q * (1 - q)) ** -0.5
        b = -a * (1 - q) * self._LIMIT
        return a * torch.where(keep > 0, x, self._LIMIT) + b


def dropout_layer(p: float, activation: str) -> nn.Module:
    """Make the dropout layer that suits an activation."""
    return AlphaDropout(p) if activation == "selu" else Dropout(p)


def set_generator(module: nn.Module, generator: torch.Generator | None) -> None:
    """Give every `Dropout` inside ``module`` its generator, or take it away."""
    for child in module.modules():
        if isinstance(child, Dropout):
            child.generator = generator


class Norm(nn.Module):
    """Batch or layer normalisation of channels, also of padded data and of a batch of one event.

    The layer computes (x − mean)/√(variance + 1e-5)·scale + shift. With "batch", mean and variance of each channel are
    taken over the events (and positions) of the batch, without their weights. In predictions, and in training where a
    channel has a single value, running means take their place. With "layer", they are taken over the channels of each
    event: of an image also over its positions, of a sequence or set for each point by itself.

    Parameters
    ----------
    kind : {"batch", "layer"}
        What mean and variance are taken over.
    d : int
        Number of channels.
    channel_axis : {1, -1}
        Axis of the channels: 1 for tables ``(n, d)`` and images ``(n, d, ...)``, -1 for sets ``(n, t, d)``.

    References
    ----------
    Ioffe and Szegedy, arXiv:1502.03167; Ba, Kiros and Hinton, arXiv:1607.06450.
    """

    running_mean: Tensor
    running_var: Tensor
    epsilon = 1e-5  # torch's own
    _MOMENTUM = 0.1  # share of the newest batch in the running moments; torch's own

    def __init__(self, kind: str, d: int, channel_axis: int = 1) -> None:
        super().__init__()
        self.kind, self.channel_axis = kind, channel_axis
        self.weight = nn.Parameter(torch.empty(d))
        self.bias = nn.Parameter(torch.empty(d))
        if kind == "batch":
            self.register_buffer("running_mean", torch.empty(d))
            self.register_buffer("running_var", torch.empty(d))

    def reset_parameters(self) -> None:
        """Set the scale to 1, the shift to 0, and the running moments to those of a standard normal distribution."""
        with torch.no_grad():
            self.weight.fill_(1.0)
            self.bias.zero_()
        if self.kind == "batch":
            self.running_mean.zero_()
            self.running_var.fill_(1.0)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map ``x`` to its shape; ``mask`` is True for the points of ``(n, t, d)`` or ``(n, d)`` that exist."""
        if self.kind == "layer":
            if self.channel_axis == -1 or x.ndim == 2:
                return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)
            return F.group_norm(x, 1, self.weight, self.bias, self.epsilon)
        as_is = self.channel_axis == 1 or x.ndim == 2
        moved = x if as_is else x.transpose(1, 2)
        if mask is not None and self.training:
            moved = self._masked(moved, mask)
        else:  # a single value has no variance
            use_batch = self.training and x.numel() > len(self.weight)
            moments = (self.running_mean, self.running_var)
            moved = F.batch_norm(moved, *moments, self.weight, self.bias, use_batch, self._MOMENTUM, self.epsilon)
        return moved if as_is else moved.transpose(1, 2)

    def _masked(self, x: Tensor, mask: Tensor) -> Tensor:
        """Normalise over the points that exist, for ``(n, d, t)`` or ``(n, d)``, without waiting for the device."""
        if x.ndim == 2:
            return self._masked(x.T[None], mask[None])[0].T
        x = x.to(torch.promote_types(x.dtype, torch.float32))  # bfloat16 cannot count beyond 256
        there = mask[:, None].to(x.dtype)
        count = there.sum()
        mean = (x * there).sum((0, 2)) / count.clamp(min=1)
        variance = (((x - mean[:, None]) * there) ** 2).sum((0, 2)) / count.clamp(min=1)
        enough = count > 1
        mean = torch.where(enough, mean, self.running_mean)
        variance = torch.where(enough, variance, self.running_var)
        self.follow(mean, variance * torch.where(enough, count / (count - 1).clamp(min=1), 1.0))
        scale = self.weight * (variance + self.epsilon).rsqrt()
        return (x - mean[:, None]) * scale[:, None] + self.bias[:, None]

    @torch.no_grad()
    def follow(self, mean: Tensor, unbiased: Tensor) -> None:
        """Move the running moments towards a batch's mean and unbiased variance."""
        self.running_mean.lerp_(mean, self._MOMENTUM)
        self.running_var.lerp_(unbiased, self._MOMENTUM)


class NoNorm(nn.Module):
    """Identity, in the place of a normalisation."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``x``."""
        return x


def norm(kind: str, d: int, channel_axis: int = 1) -> nn.Module:
    """Make the normalisation layer of a name in ``NORMALISATIONS``."""
    return NoNorm() if kind == "none" else Norm(kind, d, channel_axis)


def norm_edges(normalise: nn.Module, messages: Tensor, mask: Tensor | None) -> Tensor:
    """Normalise messages in any shape with the channels last, of which ``mask`` is True for existing edges."""
    normalised: Tensor = normalise(messages.flatten(0, -2), None if mask is None else mask.flatten())
    return normalised.view(messages.shape)


def pool_points(x: Tensor, mask: Tensor, how: str) -> Tensor:
    """Pool the existing points ``(n, t, d)`` of each event to ``(n, d)``; zeros for an event without points.

    Parameters
    ----------
    x : Tensor of shape (n, t, d)
        Features of the points.
    mask : Tensor of shape (n, t), bool
        True where there is a point.
    how : {"mean", "max", "sum"}
        How the points of an event are pooled.
    """
    there = mask[..., None]
    if how == "max":
        highest = x.masked_fill(~there, -math.inf).amax(1)
        return torch.where(mask.any(1, keepdim=True), highest, 0.0)
    total = x.masked_fill(~there, 0.0).sum(1)
    return total if how == "sum" else total / there.sum(1).clamp(min=1)


def affine(n_axes: int, d_in: int, d_out: int, *, kernel: int = 3, stride: int = 1) -> nn.Module:
    """Make a linear layer for tables (no axes), else a convolution along one or two axes that keeps their lengths."""
    if n_axes == 0:
        return Linear(d_in, d_out)
    return (nn.Conv1d, nn.Conv2d)[n_axes - 1](d_in, d_out, kernel, stride=stride, padding=kernel // 2)


class LinearEach(nn.Module):
    """Several linear layers side by side: one of its own for each column of a table, or each member of an ensemble.

    Parameters
    ----------
    n, d_in, d_out : int
        Numbers of layers, and of inputs and outputs of each of them.
    gain : float
        The weights have the variance ``gain``²/d_in at first.
    bias : bool
        Whether the layers have biases, which begin at zero.
    """

    def __init__(self, n: int, d_in: int, d_out: int, *, gain: float = 1.0, bias: bool = True) -> None:
        super().__init__()
        self.gain = gain
        self.weight = nn.Parameter(torch.empty(n, d_in, d_out))
        # a vector, as biases are everywhere: the L1 term and the looks at gradients tell them from weights by that
        self.bias = nn.Parameter(torch.empty(n * d_out)) if bias else None

    def draw(self, generator: torch.Generator) -> None:
        """Draw the weights."""
        self.weight.normal_(0.0, self.gain / math.sqrt(self.weight.shape[1]), generator=generator)
        if self.bias is not None:
            self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n_events, n, d_in)`` to ``(n_events, n, d_out)``."""
        outputs = (x.transpose(0, 1) @ self.weight).transpose(0, 1)
        return outputs if self.bias is None else outputs + self.bias.view(self.weight.shape[0], -1)


class Halve(nn.Module):
    """Mean over neighbouring pairs of positions along every axis after the channels; an odd last one stays alone."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d, h, w)`` to ``(n, d, ⌈h/2⌉, ⌈w/2⌉)``; a table ``(n, d)`` stays as it is."""
        # Without count_include_pad=False, torch.compile divides the gradient at an odd edge by four
        # (https://github.com/pytorch/pytorch/issues/198119)
        return x if x.ndim == 2 else F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


class PoolPositions(nn.Module):
    """Mean over all positions of an image."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d, h, w)`` to ``(n, d)``; a table ``(n, d)`` stays as it is."""
        return x if x.ndim == 2 else x.mean((2, 3))
