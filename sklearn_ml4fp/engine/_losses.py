"""Losses: one value per event, and their weighted mean over a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from inspect import signature
from statistics import NormalDist
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Bounds of the network's log σ². A width beyond e^±7 standard deviations of the target would make gradients explode.
_LOG_VARIANCE = (-14.0, 14.0)


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    return loss.mean() if reduction == "mean" else loss


def focal_loss(
    output: Tensor, target: Tensor, *, gamma: float, label_smoothing: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Compute Σ_k q_k (1 − p_k)^γ (−log p_k), with q = 1 for the class of the event (smoothed: 1 − ε + ε/K, else ε/K).

    References
    ----------
    Lin et al., arXiv:1708.02002.
    """
    log_p = F.log_softmax(output, dim=1)
    terms = -((1 - log_p.exp()).clamp(min=0) ** gamma) * log_p
    loss = terms.gather(1, target[:, None])[:, 0]
    if label_smoothing:
        loss = (1 - label_smoothing) * loss + label_smoothing * terms.mean(1)
    return _reduced(loss, reduction)


def ascending_quantiles(output: Tensor, levels: tuple[float, ...]) -> Tensor:
    """Turn outputs ``(n, k · n_levels)`` into quantiles ``(n, k, n_levels)`` that never cross.

    The middle one is an output; from there on upwards and downwards each adds or takes away a positive step, softplus
    of an output and a constant. Outputs of zero are the quantiles of a standard normal distribution.
    """
    each = output.unflatten(1, (-1, len(levels))).unbind(-1)
    normal = [NormalDist().inv_cdf(level) for level in levels]
    middle = len(levels) // 2
    quantiles = [each[middle] + normal[middle]]
    for i in range(middle + 1, len(levels)):
        quantiles.append(quantiles[-1] + _step(each[i], normal[i] - normal[i - 1]))
    for i in range(middle - 1, -1, -1):
        quantiles.insert(0, quantiles[0] - _step(each[i], normal[i + 1] - normal[i]))
    return torch.stack(quantiles, dim=-1)


def _step(output: Tensor, at_zero: float) -> Tensor:
    """Compute a positive number, which is ``at_zero`` for an output of zero."""
    return F.softplus(output + math.log(math.expm1(at_zero)))


def quantile_loss(
    output: Tensor, target: Tensor, *, quantile: float | tuple[float, ...], reduction: str = "mean"
) -> Tensor:
    """Compute max(q·e, (q − 1)·e) with e = target − output; the q-quantile minimises its mean.

    Of several levels q in ascending order, the quantiles are those of `ascending_quantiles`, and the loss has a last
    axis for them.

    References
    ----------
    Koenker and Bassett, Econometrica 46 (1978) 33.
    """
    if isinstance(quantile, tuple):
        quantiles = ascending_quantiles(output, quantile).unbind(-1)
        each = [
            quantile_loss(one, target, quantile=q, reduction="none") for one, q in zip(quantiles, quantile, strict=True)
        ]
        return _reduced(torch.stack(each, dim=-1), reduction)
    residual = target - output
    return _reduced((quantile * residual).maximum((quantile - 1) * residual), reduction)


def gaussian_nll_loss(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Compute (log σ² + (target − μ)²/σ²)/2 from an ``output`` ``(n, 2k)`` of k means μ and then k values of log σ².

    References
    ----------
    Nix and Weigend, ICNN 1994, doi:10.1109/ICNN.1994.374138.
    """
    mean, log_variance = split_gaussian(output)
    return _reduced((log_variance + (target - mean) ** 2 * (-log_variance).exp()) / 2, reduction)


def split_gaussian(output: Tensor) -> tuple[Tensor, Tensor]:
    """Split outputs ``(n, 2k)`` that were trained on `gaussian_nll_loss` into means and log σ², each ``(n, k)``."""
    mean, log_variance = output.chunk(2, dim=1)
    return mean, log_variance.clamp(*_LOG_VARIANCE)


_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "focal": focal_loss,
    "mse": F.mse_loss,
    "huber": F.huber_loss,
    "quantile": quantile_loss,
    "gaussian_nll": gaussian_nll_loss,
}


class WeightedLoss(nn.Module):
    """Mean loss of a batch of weighted events.

    The mean is (1/n) Σ w_i · loss_i over the n events of the batch, and not divided by the sum of their weights. The
    weights have a mean of one over the training part, so that the gradient is unbiased, also for negative weights.

    Parameters
    ----------
    name : {"cross_entropy", "focal", "mse", "huber", "quantile", "gaussian_nll"}
        The first two compare logits ``(n, k)`` with classes ``(n,)``; the others outputs ``(n, k)`` (``(n, 2k)`` for
        the last) with targets ``(n, k)``, and average over the targets.
    **parameters : float
        ``label_smoothing`` of the first two, ``gamma`` of the focal loss, ``delta`` of the Huber loss, ``quantile``,
        of which several are a tuple.
    """

    standardised = True
    is_own = False

    def __init__(self, name: str, **parameters: Any) -> None:
        super().__init__()
        self.name = name
        self.has_deviation = name == "gaussian_nll"
        self.parameters_of_loss = parameters
        quantile = parameters.get("quantile")
        self._levels: tuple[float, ...] | None = quantile if isinstance(quantile, tuple) else None
        self._function = partial(_FUNCTIONS[name], **parameters) if parameters else _FUNCTIONS[name]

    def forward(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the scalar weighted mean; ``weight`` is ``(n,)``, or None for ones."""
        if weight is None:  # the fused mean: one kernel instead of three
            return self._function(output, target)
        return weight.dot(self.per_event(output, target)) / len(weight)

    def per_event(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each event ``(n,)``, without weights."""
        loss = self._function(output, target, reduction="none")
        return loss if loss.ndim == 1 else loss.reshape(len(output), -1).mean(1)

    def with_gradient(self, output: Tensor, target: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of each event ``(n,)``, and the gradient of Σ share · loss with respect to the output."""
        if self.name == "cross_entropy" and not self.parameters_of_loss.get("label_smoothing"):
            log_p, classes, share = output.log_softmax(1), target[:, None], share[:, None]
            loss = -log_p.gather(1, classes)[:, 0]
            return loss, log_p.exp_().mul_(share).scatter_add_(1, classes, -share)
        output = output.detach().requires_grad_()
        loss = self.per_event(output, target)
        (gradient,) = torch.autograd.grad(loss, output, share)
        return loss.detach(), gradient

    def of_constant(self, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of each event ``(n,)`` if all get one prediction: shares of the classes, or the mean 0."""
        if target.ndim > 1:
            return self.per_event(target.new_zeros(len(target), self.n_outputs(target.shape[1])), target)
        sums = torch.bincount(target, None if weight is None else weight.double())
        logits = (sums.double() / sums.sum()).clamp(min=torch.finfo(torch.float64).tiny).log()
        return self.per_event(logits.expand(len(sums), -1), torch.arange(len(sums), device=target.device))[target]

    def n_outputs(self, n: int) -> int:
        """Return the number of outputs that a network needs for ``n`` classes or targets."""
        return n * (2 if self.has_deviation else len(self._levels or (1,)))

    def read(self, output: Tensor) -> Tensor:
        """Convert outputs of a network to logits ``(n, n_classes)`` or standardised targets ``(n, n_targets)``.

        Several quantiles have a last axis, ``(n, n_targets, n_levels)``.
        """
        if self._levels is not None:
            return ascending_quantiles(output, self._levels)
        return split_gaussian(output)[0] if self.has_deviation else output

    def deviation(self, output: Tensor) -> Tensor:
        """Convert outputs for ``"gaussian_nll"`` to standard deviations ``(n, n_targets)`` of standardised targets."""
        return (split_gaussian(output)[1] / 2).exp()


class OwnLoss(nn.Module):
    """Loss of a user, in the place of a `WeightedLoss`.

    Parameters
    ----------
    loss : torch.nn.Module
        Module whose ``forward(output, target, weight)`` returns a scalar, the weighted mean over a batch. ``target``
        holds classes ``(n,)`` or targets ``(n, n_targets)``; ``weight`` ``(n,)`` is never None. Three attributes are
        used where it has them: ``n_outputs(n)`` is the number of outputs that a network needs for n classes or targets
        (n by default); ``read(output)`` turns these into logits ``(n, n_classes)`` or targets ``(n, n_targets)`` (by
        default they are that); and ``standardised = False`` asks for the targets of a regression in their own unit,
        and not with mean 0 and standard deviation 1.
    """

    is_own = True
    has_deviation = False

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss
        self.standardised = bool(getattr(loss, "standardised", True))

    def forward(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the scalar of the user's loss."""
        mean: Tensor = self.loss(output, target, output.new_ones(len(output)) if weight is None else weight)
        if not isinstance(mean, Tensor) or mean.numel() != 1:
            raise ValueError(
                f"loss={type(self.loss).__name__}: expected forward(output, target, weight) to return one number, the "
                f"weighted mean over the batch, got {getattr(mean, 'shape', type(mean))}."
            )
        return mean.reshape(())

    def n_outputs(self, n: int) -> int:
        """Return the number of outputs that a network needs for ``n`` classes or targets."""
        loss: Any = self.loss
        return int(loss.n_outputs(n)) if hasattr(loss, "n_outputs") else n

    @torch.no_grad()
    def read(self, output: Tensor) -> Tensor:
        """Convert outputs of a network to logits ``(n, n_classes)`` or targets ``(n, n_targets)``."""
        loss: Any = self.loss
        read: Tensor = loss.read(output) if hasattr(loss, "read") else output
        return read


class MemberLoss(nn.Module):
    """Mean of the losses of k members, whose predictions are averaged: probabilities, or numbers.

    The members learn each by itself: this is not the loss of the mean.

    Parameters
    ----------
    loss : WeightedLoss or OwnLoss
        Loss of one member.
    k : int
        Number of members; outputs ``(n, k · m)`` are the m of each of them, one after the other.
    by_class : bool
        Whether the loss reads logits of classes, and not numbers.
    """

    def __init__(self, loss: Any, k: int, *, by_class: bool) -> None:
        super().__init__()
        self.loss = loss
        self.k, self.by_class = k, by_class
        self.standardised, self.is_own, self.has_deviation = loss.standardised, loss.is_own, loss.has_deviation

    def forward(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the scalar weighted mean; ``weight`` is ``(n,)``, or None for ones."""
        each = output.unflatten(1, (self.k, -1))
        if self.is_own:  # which may look at all events of a batch: it gets those of one member at a time
            return torch.stack([self.loss(one, target, weight) for one in each.unbind(1)]).mean()
        weights = None if weight is None else weight.repeat_interleave(self.k)
        mean: Tensor = self.loss(each.flatten(0, 1), target.repeat_interleave(self.k, dim=0), weights)
        return mean

    def per_event(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of the members for each event ``(n,)``, without weights."""
        each = output.unflatten(1, (self.k, -1)).flatten(0, 1)
        loss: Tensor = self.loss.per_event(each, target.repeat_interleave(self.k, dim=0))
        return loss.view(-1, self.k).mean(1)

    def of_constant(self, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of each event ``(n,)`` if all get one prediction."""
        loss: Tensor = self.loss.of_constant(target, weight)
        return loss

    def n_outputs(self, n: int) -> int:
        """Return the number of outputs that a network needs for ``n`` classes or targets."""
        return self.k * self.loss.n_outputs(n)

    def read(self, output: Tensor) -> Tensor:
        """Convert outputs to the logarithm of the mean probabilities, or to the mean of what the members predict."""
        each = self._of_members(self.loss.read, output)
        return each.log_softmax(2).logsumexp(1) - math.log(self.k) if self.by_class else each.mean(1)

    def deviation(self, output: Tensor) -> Tensor:
        """Convert outputs to standard deviations: √(mean σ² + variance of μ), the law of total variance."""
        means, widths = self._of_members(self.loss.read, output), self._of_members(self.loss.deviation, output)
        variance = (means - means.mean(1, keepdim=True)).square().mean(1)
        return (widths.square().mean(1) + variance).sqrt()

    def _of_members(self, function: Callable[[Tensor], Tensor], output: Tensor) -> Tensor:
        """Compute a function of the outputs of each member, ``(n, k, ...)``."""
        values = function(output.unflatten(1, (self.k, -1)).flatten(0, 1))
        return values.view(output.shape[0], self.k, *values.shape[1:])  # also of no events, and in a traced graph


Loss = WeightedLoss | OwnLoss | MemberLoss


def own_loss(loss: Any) -> OwnLoss:
    """Make the loss that a torch module of a user, or a class of one, stands for.

    Raises
    ------
    ValueError
        ``loss`` is an object of another kind.
    """
    made = loss() if isinstance(loss, type) else deepcopy(loss)
    if not isinstance(made, nn.Module):
        raise ValueError(
            f"loss={loss!r} cannot be used: expected a name, or a torch.nn.Module (an object, or a class without "
            "arguments) with forward(output, target, weight)."
        )
    try:
        signature(made.forward).bind(None, None, None)
    except TypeError as error:
        raise ValueError(
            f"loss={type(made).__name__}: expected forward(output, target, weight), got a forward that does not take "
            f"three arguments ({error}). The losses of torch take no event weights: wrap one in a module of your own, "
            'or take the name of a loss, such as "cross_entropy" or "mse".'
        ) from error
    return OwnLoss(made)
