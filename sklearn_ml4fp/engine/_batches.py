"""Source of batches: events held as tensors and handed out in slices, without a DataLoader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

# (inputs of the network, target, weight or None)
Batch = tuple[tuple[Tensor, ...] | tuple[tuple[Tensor, ...], ...], Tensor, Tensor | None]

# Rows are gathered in pieces of this size. It is so large that a gather costs little compared to the training, and so
# small that the copy does not double the memory of a large data set.
_GATHER_BYTES = 64 * 2**20
# A data set moves to the GPU when it takes at most this share of the free memory; the network needs the rest.
_RESIDENT_SHARE = 0.5


def fitting(size: int, event_size: int) -> int:
    """Return the number of images in a block: as much memory as ``size`` rows of 64 columns, but at least 16 images."""
    return min(size, max(16, size * 64 // max(1, event_size)))


@dataclass(frozen=True)
class Share:
    """Part that one of several processes has of every batch: each n-th event of it.

    Together the processes have the batches that a single one would have.

    Parameters
    ----------
    generator : torch.Generator
        Source of the shuffling, in the same state in all processes.
    batch_size : int
        Number of events in a batch of all processes together.
    rank, n : int
        Number of this process, from 0, and number of processes.
    """

    generator: torch.Generator
    batch_size: int
    rank: int
    n: int

    def __post_init__(self) -> None:
        if self.batch_size < self.n:
            raise ValueError(
                f"batch_size={self.batch_size} is that of all processes together: expected at least one event for each "
                f"of {self.n}."
            )

    @property
    def size(self) -> int:
        """Number of events of this process in a full batch."""
        return -(-(self.batch_size - self.rank) // self.n)


Source = torch.Generator | Share  # of the shuffling


def shuffled(n: int, source: Source) -> Tensor:
    """Draw an order of ``n`` events; of a `Share`, those of this process."""
    if not isinstance(source, Share):
        return torch.randperm(n, generator=source, device=source.device)
    places = torch.arange(n, device=source.generator.device)
    return shuffled(n, source.generator)[places % source.batch_size % source.n == source.rank]


@dataclass
class TensorData:
    """Events as tensors of equal length.

    Parameters
    ----------
    inputs : tuple of Tensor
        Arguments of the network's ``forward``, each of shape ``(n_events, ...)``.
    target : Tensor of shape (n_events,) or (n_events, n_targets)
        Class indices or values.
    weight : Tensor of shape (n_events,) or None
        Weights with a mean of one over the training part; None for ones.
    refresh : callable or None
        Function that returns the data of an epoch of training: events augmented on the fly, with their targets.
    """

    inputs: tuple[Tensor, ...]
    target: Tensor
    weight: Tensor | None = None
    refresh: Callable[[], TensorData] | None = None

    def __len__(self) -> int:
        return len(self.target)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Tensors of the data, the inputs first."""
        return (*self.inputs, self.target, *(() if self.weight is None else (self.weight,)))

    def bytes_of(self, n_events: int) -> int:
        """Return how much memory so many events take."""
        return sum(tensor.nbytes for tensor in self.tensors) * n_events // max(1, len(self))

    @property
    def n_numbers(self) -> int:
        """Number of values that the network reads."""
        return sum(tensor.numel() for tensor in self.inputs)

    def placed_on(self, device: torch.device) -> TensorData:
        """Return the data on ``device`` if it fits, else in pinned memory, from which it is copied in pieces."""
        if device.type == "cpu":
            return self
        size = sum(tensor.nbytes for tensor in self.tensors)
        fits = device.type != "cuda" or size <= _RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
        moved = [tensor.to(device) if fits else tensor.pin_memory() for tensor in self.tensors]
        n = len(self.inputs)
        weight = moved[n + 1] if self.weight is not None else None
        return replace(self, inputs=tuple(moved[:n]), target=moved[n], weight=weight)

    def batches(self, batch_size: int, device: torch.device, generator: Source | None = None) -> Iterator[Batch]:
        """Yield all events once, in batches on ``device``; the last batch may be smaller.

        Parameters
        ----------
        batch_size : int
            Number of events in a batch.
        device : torch.device
            Device of the batches.
        generator : torch.Generator, Share or None
            Source of the shuffling, which differs in every call; None keeps the order.
        """
        n_inputs = len(self.inputs)
        n_batches = max(1, _GATHER_BYTES // max(1, self.bytes_of(batch_size)))
        for parts in self.gathered(batch_size, device, generator, n_batches):
            for columns in zip(*(part.split(batch_size) for part in parts), strict=True):
                weight = columns[n_inputs + 1] if self.weight is not None else None
                yield columns[:n_inputs], columns[n_inputs], weight

    def gathered(
        self, batch_size: int, device: torch.device, generator: Source | None, n_batches: int
    ) -> Iterator[list[Tensor]]:
        """Yield `tensors` of all events once, in pieces of ``n_batches`` of the batches that `batches` yields."""
        order = None if generator is None else shuffled(len(self), generator).to(self.target.device)
        n = len(self) if order is None else len(order)
        piece = n_batches * batch_size
        for start in range(0, n, piece):
            rows = slice(start, start + piece)
            parts = [tensor[rows] if order is None else tensor.index_select(0, order[rows]) for tensor in self.tensors]
            # asynchronous only from pinned memory; without effect if the data is on the device
            yield [(p if p.device == device else p.pin_memory()).to(device, non_blocking=True) for p in parts]

    def blocks(self, size: int, device: torch.device) -> Iterator[tuple[Tensor | None, tuple[Tensor, ...]]]:
        """Yield row numbers (None if blocks follow one another) and inputs of all events in blocks on ``device``.

        Parameters
        ----------
        size : int
            Number of events in a block of a table; a block of images has fewer.
        device : torch.device
            Device of the blocks.
        """
        image = next((tensor for tensor in self.inputs if tensor.ndim > 2), None)
        size = size if image is None else fitting(size, image[:1].numel())
        for columns in zip(*(tensor.split(size) for tensor in self.inputs), strict=True):
            yield None, tuple(column.to(device) for column in columns)


class Pieces(Protocol):
    """Events that become tensors piece by piece."""

    def __len__(self) -> int:
        """Return the number of events."""

    def pieces(self, batch_size: int, generator: Source | None) -> Iterator[TensorData]:
        """Yield all events once, or those of this process.

        Parameters
        ----------
        batch_size : int
            Number of events in a batch: that of every piece but the last is a multiple of it.
        generator : torch.Generator, Share or None
            Source of the shuffling, which differs in every call; None keeps the order.
        """

    def sample(self) -> TensorData:
        """Return some events of all kinds, always the same ones."""


@dataclass
class PiecewiseData(TensorData):
    """Events that become tensors anew in every epoch, piece by piece, so that they take little memory.

    Parameters
    ----------
    source : Pieces
        Where the pieces come from.
    """

    source: Pieces = field(kw_only=True)

    def __len__(self) -> int:
        return len(self.source)

    def placed_on(self, device: torch.device) -> PiecewiseData:
        """Return the data itself: the pieces are placed on the device as they come."""
        return self

    def batches(self, batch_size: int, device: torch.device, generator: Source | None = None) -> Iterator[Batch]:
        """Yield all events once, as `TensorData.batches` does; the pieces are shuffled already."""
        for piece in self.source.pieces(batch_size, generator):
            yield from piece.placed_on(device).batches(batch_size, device)

    def pieces(self, size: int) -> Iterator[TensorData]:
        """Yield all events in their order, in pieces of a multiple of ``size`` events."""
        return self.source.pieces(size, None)


def sample_of(data: TensorData) -> TensorData:
    """Return data that are in memory as tensors: all, or some events of all kinds."""
    return data.source.sample() if isinstance(data, PiecewiseData) else data


@dataclass
class ShuffledBatches:
    """Iterable of the batches of a `TensorData`, as the loop of skorch takes it: one pass per epoch."""

    data: TensorData
    batch_size: int
    device: torch.device
    generator: Source | None

    def __len__(self) -> int:
        return -(-len(self.data) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[tuple[Any, Tensor | None], Tensor]]:
        size = self.generator.size if isinstance(self.generator, Share) else self.batch_size
        for inputs, target, weight in self._fresh().batches(size, self.device, self.generator):
            yield (inputs, weight), target  # X and y for skorch; its callbacks take y for the labels

    def pieces(self, n_batches: int) -> Iterator[list[Tensor]]:
        """Yield the same batches in pieces, see `TensorData.gathered`."""
        return self._fresh().gathered(self.batch_size, self.device, self.generator, n_batches)

    def _fresh(self) -> TensorData:
        if self.generator is not None and self.data.refresh is not None:
            return self.data.refresh().placed_on(self.device)
        return self.data
