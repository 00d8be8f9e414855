"""The source of batches: events held as tensors, handed out slice by slice without a DataLoader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

# (inputs of the network, target, weight or None)
Batch = tuple[tuple[Tensor, ...] | tuple[tuple[Tensor, ...], ...], Tensor, Tensor | None]

# Rows are gathered in pieces of this size: large enough that a gather costs little beside the training on it, small
# enough that the copy does not double the memory of a large data set.
_GATHER_BYTES = 64 * 2**20
# A data set moves to the GPU when it takes at most this share of the free memory; the network needs the rest.
_RESIDENT_SHARE = 0.5


def fitting(size: int, event_size: int) -> int:
    """Events in a block of images: as many as ``size`` rows of 64 columns hold, but 16 at least."""
    return min(size, max(16, size * 64 // max(1, event_size)))


@dataclass
class TensorData:
    """Events as tensors of equal length.

    Parameters
    ----------
    inputs : tuple of Tensor
        What the network's ``forward`` takes, each of shape ``(n_events, ...)``.
    target : Tensor of shape (n_events,) or (n_events, n_targets)
        Class indices or values.
    weight : Tensor of shape (n_events,) or None
        Weights of mean one over the training part; None for ones.
    refresh : callable or None
        Returns the data of an epoch of training: events augmented on the fly, with their targets.
    """

    inputs: tuple[Tensor, ...]
    target: Tensor
    weight: Tensor | None = None
    refresh: Callable[[], TensorData] | None = None

    def __len__(self) -> int:
        return len(self.target)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors, the inputs first."""
        return (*self.inputs, self.target, *(() if self.weight is None else (self.weight,)))

    def placed_on(self, device: torch.device) -> TensorData:
        """Return the data on ``device`` if it fits, else in pinned memory, from where it is copied piece by piece."""
        if device.type == "cpu":
            return self
        size = sum(tensor.nbytes for tensor in self.tensors)
        fits = device.type != "cuda" or size <= _RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
        moved = [tensor.to(device) if fits else tensor.pin_memory() for tensor in self.tensors]
        n = len(self.inputs)
        weight = moved[n + 1] if self.weight is not None else None
        return replace(self, inputs=tuple(moved[:n]), target=moved[n], weight=weight)

    def batches(
        self, batch_size: int, device: torch.device, generator: torch.Generator | None = None
    ) -> Iterator[Batch]:
        """Yield all events once, in batches on ``device``; the last batch may be smaller.

        Parameters
        ----------
        batch_size : int
            Events in a batch.
        device : torch.device
            Where the batches shall be.
        generator : torch.Generator or None
            Shuffles the events, anew at each call; None keeps their order.
        """
        n, n_inputs = len(self), len(self.inputs)
        order = None if generator is None else self._order(generator)
        row_bytes = max(1, sum(tensor.nbytes for tensor in self.tensors) // max(1, n))
        piece = max(1, _GATHER_BYTES // row_bytes // batch_size) * batch_size
        for start in range(0, n, piece):
            rows = slice(start, start + piece)
            parts = [tensor[rows] if order is None else tensor.index_select(0, order[rows]) for tensor in self.tensors]
            # the copy is asynchronous only out of pinned memory; where the data lives on the device it does nothing
            parts = [(p if p.device == device else p.pin_memory()).to(device, non_blocking=True) for p in parts]
            for columns in zip(*(part.split(batch_size) for part in parts), strict=True):
                weight = columns[n_inputs + 1] if self.weight is not None else None
                yield columns[:n_inputs], columns[n_inputs], weight

    def blocks(self, size: int, device: torch.device) -> Iterator[tuple[Tensor, tuple[Tensor, ...]]]:
        """Yield row numbers and inputs in blocks of one shape on ``device``, the last one filled up with zeros.

        Parameters
        ----------
        size : int
            Events in a block of a table; of images there are fewer.
        device : torch.device
            Where the blocks shall be.
        """
        image = next((tensor for tensor in self.inputs if tensor.ndim > 2), None)
        size = size if image is None else fitting(size, image[:1].numel())
        starts = range(0, len(self), size)
        for start, columns in zip(starts, zip(*(t.split(size) for t in self.inputs), strict=True), strict=True):
            n = len(columns[0])
            filled = [torch.cat([c, c.new_zeros(size - n, *c.shape[1:])]) if n < size else c for c in columns]
            yield torch.arange(start, start + n), tuple(column.to(device) for column in filled)

    def _order(self, generator: torch.Generator) -> Tensor:
        order = torch.randperm(len(self), generator=generator, device=generator.device)
        return order.to(self.target.device)


@dataclass
class ShuffledBatches:
    """`TensorData` as the iterable of batches that skorch's loop runs over, one pass an epoch."""

    data: TensorData
    batch_size: int
    device: torch.device
    generator: torch.Generator | None

    def __len__(self) -> int:
        return -(-len(self.data) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Any, tuple[Tensor, Tensor | None]]]:
        data = self.data
        if self.generator is not None and data.refresh is not None:
            data = data.refresh().placed_on(self.device)
        for inputs, target, weight in data.batches(self.batch_size, self.device, self.generator):
            yield inputs, (target, weight)  # skorch unpacks a batch into X and y
