"""Hold-out of a stream, and parts of events that are joined and grouped anew."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from typing import Any

import numpy as np

from .._segments import joined as joined_parts
from ..data import EventSource
from ..engine import ALONE, Processes, Source, TensorData
from ._entries import flat
from ._fitted import Part, PiecesOf, like, some_of
from ._sharing import check_hold_outs


def joined(parts: Sequence[Part]) -> Part:
    """Join parts, which have no chosen rows."""
    weights = None if parts[0].weights is None else joined_parts([part.weights for part in parts])
    target = joined_parts([part.target for part in parts])
    return Part(joined_parts([part.everything for part in parts]), target, weights)


def regrouped(parts: Iterator[Part], multiple: int) -> Iterator[Part]:
    """Yield the same events in parts whose sizes, but for the last one, are multiples of a number."""
    rest: list[Part] = []
    for part in parts:
        part = joined([*rest, part]) if rest else part
        n = len(part) // multiple * multiple
        if n:
            yield part.taken(slice(0, n))
        rest = [part.taken(slice(n, None))] if n < len(part) else []
    yield from rest


@dataclass
class HeldPart:
    """Hold-out of a stream, kept in memory as far as there is room, else in a temporary file.

    Parameters
    ----------
    X : EventSource
        Its events, for a metric that asks for them.
    memory : int
        Bytes from which on they are in the file.
    processes : Processes
        Processes, of which each keeps those that it has read.
    """

    X: EventSource
    memory: int
    processes: Processes = ALONE
    target: Any = field(init=False)  # as of a `Part`
    weights: Any = field(init=False)
    identity: Any = None

    def __post_init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=self.memory)  # noqa: SIM115 (closed with the object)
        self._targets: list[Any] = []
        self._weights: list[Any] = []

    def __len__(self) -> int:
        return sum(map(len, self._targets))

    def add(self, X: Any, y: Any, weights: Any) -> None:
        """Take in events."""
        if len(y):
            pickle.dump(X, self._file, protocol=5)
            self._targets.append(y)
            self._weights.append(weights)

    def with_unit_mean(self) -> HeldPart:
        """Return the same with weights whose mean is one."""
        weights = flat(self.weights)
        total, n = np.sum(self.processes.of_all((weights.sum(), len(weights))), axis=0)
        self.weights = like(self.weights, weights / (total / n))
        return self

    def finish(self, check_target: Callable[[Any], Any]) -> None:
        """Check the targets, once all classes are known.

        Raises
        ------
        ValueError
            A process has no event.
        """
        check_hold_outs(len(self), self.processes)
        self.target = check_target(joined_parts(self._targets))
        self.weights = None if self._weights[0] is None else joined_parts(self._weights)

    def pieces_for(self, tensors: Callable[[Part], TensorData]) -> PiecesOf:
        """Make pieces for the engine."""
        return PiecesOf(self, tensors)

    def in_epoch(self, batch_size: int, generator: Source | None) -> Iterator[Part]:
        """Yield all events once, in their order."""
        return regrouped(self.parts(), batch_size)

    def sample(self) -> Part:
        """Return some events, always the same ones."""
        rows, parts, start = some_of(len(self)), [], 0
        for part in self.parts():
            inside = rows[(rows >= start) & (rows < start + len(part))] - start
            parts += [part.taken(inside)] if len(inside) else []
            start += len(part)
        return joined(parts)

    def parts(self) -> Iterator[Part]:
        """Yield all events in their order."""
        self._file.seek(0)
        ends = np.cumsum([0, *map(len, self._targets)])
        for a, b in pairwise(ends):
            X = pickle.load(self._file)  # what this object wrote
            yield Part(X, self.target[a:b], None if self.weights is None else self.weights[a:b])
