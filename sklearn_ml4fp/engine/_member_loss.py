"""Loss of a network that holds several members."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ._losses import OwnLoss, WeightedLoss


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
