"""Losses of the batches of one epoch, kept until its end without a wait for each."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

_JOINED = 1 << 10  # losses that become one tensor: many small ones keep free memory between them from being used


class BatchLosses:
    """Mean losses of batches, and how many outputs each batch has."""

    def __init__(self) -> None:
        self._joined: list[Tensor] = []
        self._last: list[Tensor] = []
        self._sizes = array("q")

    @classmethod
    def of(cls, losses: Tensor, sizes: Sequence[int]) -> Self:
        """Take the losses ``(n_batches,)`` of all batches at once."""
        seen = cls()
        seen._joined.append(losses)
        seen._sizes.extend(sizes)
        return seen

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, loss: Tensor, size: int) -> None:
        """Take in the loss of a batch, a tensor of one number, and the number of its outputs."""
        self._last.append(loss)
        self._sizes.append(size)
        if len(self._last) == _JOINED:
            self._join()

    def _join(self) -> None:
        if self._last:
            self._joined.append(torch.stack(self._last))
            self._last = []

    def total_and_size(self) -> tuple[float, int]:
        """Sum of the losses of all outputs, and their number; 0 and 0 without a batch."""
        self._join()
        sizes = torch.tensor(self._sizes, dtype=torch.float64)
        losses = torch.cat(self._joined).to("cpu", torch.float64) if self._joined else sizes
        return losses.dot(sizes).item(), sum(self._sizes)
