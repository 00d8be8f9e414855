"""Losses: one value an event, and their weighted mean over a batch."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "mse": F.mse_loss,
}


class WeightedLoss(nn.Module):
    """A loss averaged over a batch of weighted events.

    The mean runs over the events of the batch, (1/n) Σ w_i · loss_i, and is not divided by the batch's own sum of
    weights: with weights of mean one over the training part, its gradient is then unbiased for weights of either sign.

    Parameters
    ----------
    name : {"cross_entropy", "mse"}
        Cross-entropy of logits ``(n, k)`` with classes ``(n,)``; or the squared error, averaged over targets, of
        outputs ``(n, k)`` with targets ``(n, k)``.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the scalar weighted mean; ``weight`` is ``(n,)``, or None for ones."""
        function = _FUNCTIONS[self.name]
        if weight is None:  # the fused mean: one kernel instead of three
            return function(output, target)
        per_event = function(output, target, reduction="none").reshape(len(weight), -1).mean(1)
        return weight.dot(per_event) / len(weight)
