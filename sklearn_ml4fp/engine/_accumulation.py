"""Batches in parts, where a whole one does not fit into the memory of the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def smaller_part(size: int, batch_size: int) -> int:
    """Return the largest size of parts, at most half of ``size``, that divides a batch evenly; 0 if there is none.

    >>> smaller_part(128, 128), smaller_part(100, 100), smaller_part(25, 100), smaller_part(1, 100)
    (64, 50, 10, 0)
    """
    return next((part for part in range(size // 2, 0, -1) if batch_size % part == 0), 0)


class Accumulation:
    """Sum of the gradients of the parts of a batch, with which the optimiser makes one step.

    Parameters
    ----------
    n_parts : int
        Number of parts of a full batch.
    n_in_epoch : int
        Number of parts in an epoch; the last batch may have fewer.

    Attributes
    ----------
    n_events : int
        Number of events in the parts of the present batch.
    """

    def __init__(self, n_parts: int, n_in_epoch: int) -> None:
        self._n_parts, self._n_in_epoch = n_parts, n_in_epoch
        self._n_seen = self.n_events = 0
        self._sums: list[Tensor | None] = []

    @property
    def begins(self) -> bool:
        """Whether the next part is the first of its batch."""
        return self._n_seen % self._n_parts == 0

    @torch.no_grad()
    def add(self, parameters: Sequence[nn.Parameter], n_events: int) -> bool:
        """Add the gradient of the mean loss of a part; put that of the batch in its place if the batch is complete.

        Parameters
        ----------
        parameters : sequence of Parameter
            Weights with their gradients.
        n_events : int
            Number of events in the part.

        Returns
        -------
        bool
            Whether the batch is complete.
        """
        self.n_events = n_events + (0 if self.begins else self.n_events)
        if self.begins:
            self._sums = [None] * len(parameters)
        self._n_seen += 1
        for i, parameter in enumerate(parameters):
            if parameter.grad is not None:
                own, before = parameter.grad.mul_(n_events), self._sums[i]
                self._sums[i] = own if before is None else before.add_(own)
            parameter.grad = None
        if not (self.begins or self._n_seen == self._n_in_epoch):
            return False
        for parameter, total in zip(parameters, self._sums, strict=True):
            parameter.grad = None if total is None else total.div_(self.n_events)
        self._sums = []
        return True
