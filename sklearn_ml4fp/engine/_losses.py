"""Losses: one value per event, and their weighted mean over a batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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


def quantile_loss(output: Tensor, target: Tensor, *, quantile: float, reduction: str = "mean") -> Tensor:
    """Compute max(q·e, (q − 1)·e) with e = target − output; the q-quantile minimises its mean.

    References
    ----------
    Koenker and Bassett, Econometrica 46 (1978) 33.
    """
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
        ``label_smoothing`` of the first two, ``gamma`` of the focal loss, ``delta`` of the Huber loss, ``quantile``.
    """

    def __init__(self, name: str, **parameters: float) -> None:
        super().__init__()
        self.name = name
        self.parameters_of_loss = parameters
        self._function = partial(_FUNCTIONS[name], **parameters) if parameters else _FUNCTIONS[name]

    def forward(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the scalar weighted mean; ``weight`` is ``(n,)``, or None for ones."""
        if weight is None:  # the fused mean: one kernel instead of three
            return self._function(output, target)
        per_event = self._function(output, target, reduction="none").reshape(len(weight), -1).mean(1)
        return weight.dot(per_event) / len(weight)
