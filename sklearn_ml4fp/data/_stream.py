"""Streams of events: blocks of files in any order, filtered and changed on the way, for what exceeds the memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from .._row_sample import Draw
from .._segments import joined as joined_parts
from .._validation import check_integer
from ._event_roles import Role, joined_ids
from ._point_clouds import PointClouds
from ._ragged_array import RaggedArray
from ._reader import Reader

if TYPE_CHECKING:
    from sklearn.utils import Bunch

EVENTS = ("data", "target", "sample_weight", "groups")  # of a chunk: one entry per event
_OPEN = 8  # files that are open at a time
_FIRST = 1 << 14  # entries of a block before it is known how many bytes an entry has


def bunch_of(**fields: Any) -> Bunch:
    """Make a Bunch; scikit-learn is imported when the first one is made."""
    from sklearn.utils import Bunch

    return Bunch(**fields)


class Block(NamedTuple):
    """Entries ``start`` to ``stop`` of a file, by the number of the file."""

    file: int
    start: int
    stop: int


def joined(parts: Sequence[Bunch]) -> Bunch:
    """Join chunks of events; their descriptions are those of the first."""
    first = parts[0]

    def column(name: str) -> Any:
        return None if first[name] is None else joined_parts([part[name] for part in parts])

    return bunch_of(
        data=column("data"),
        target=column("target"),
        sample_weight=column("sample_weight"),
        groups=None if first.groups is None else joined_ids([part.groups for part in parts]),
        feature_names=first.feature_names,
    )


def _rows_of(events: Bunch, rows: NDArray[np.bool_]) -> Bunch:
    """Return some of the events of a chunk."""
    taken = {name: None if events[name] is None else events[name][rows] for name in EVENTS}
    return bunch_of(**{**events, **taken})


@dataclass
class _Where:
    """Step of a stream: keep the events for which ``keep`` returns True."""

    keep: Callable[[Bunch], NDArray[np.bool_]]

    def __call__(self, events: Bunch) -> Bunch:
        rows = np.asarray(self.keep(events))
        if rows.dtype != bool or rows.shape != (len(events.data),):
            raise ValueError(
                f"where() expected a function that returns True or False for each of {len(events.data)} events, got "
                f"{rows.dtype} of shape {rows.shape}."
            )
        return _rows_of(events, rows)


@dataclass
class _Map:
    """Step of a stream: change the events by a function of ``data``."""

    function: Callable[[Any], Any]

    def __call__(self, events: Bunch) -> Bunch:
        data = self.function(events.data)
        if len(data) != len(events.data):
            raise ValueError(
                f"map() expected a function that returns as many events as it gets, {len(events.data)}, got "
                f"{len(data)}: leave events out by where()."
            )
        names = events.feature_names
        if hasattr(data, "columns"):  # a frame, of a transformer with set_output
            names, data = list(data.columns), np.asarray(data)
        points = getattr(data, "nodes", data)  # of graphs
        if isinstance(points, PointClouds):
            names = list(points.feature_names)
        elif data.ndim != 2 or data.shape[1] != len(names):
            names = [f"x{i}" for i in range(data.shape[1])]
        return bunch_of(**{**events, "data": data, "feature_names": names})


@dataclass
class _Role:
    """Step of a stream: make the targets or the weights anew by a function of a chunk."""

    role: str  # of `EVENTS`
    function: Callable[[Bunch], Any]

    def __call__(self, events: Bunch) -> Bunch:
        made = self.function(events)
        if len(made) != len(events.data):
            raise ValueError(
                f"with_target() and with_weight() expected a function that returns one entry for each of "
                f"{len(events.data)} events, got {len(made)}: a number, or, in a RaggedArray, one for each point or "
                "edge."
            )
        return bunch_of(**{**events, self.role: made if isinstance(made, RaggedArray) else np.asarray(made)})


class Stream(ABC):
    """Base of `EventSource`: the events of files in blocks, which can be read in any order.

    Parameters
    ----------
    memory : int
        Bytes of events that are held at a time.
    """

    _steps: tuple[_Where | _Map | _Role, ...] = ()
    _share: tuple[int, int] = (0, 1)
    target: Role = None
    weight: Role = None
    cut: Any = None
    _before: Sequence[int] = ()  # number of entries in the files before each one, once all have been checked
    _boundaries: Sequence[NDArray[np.int64] | None] = ()  # of each file, see `Reader`; once all have been checked

    def __init__(self, memory: int) -> None:
        self.memory = check_integer(memory, "memory", 1)

    @abstractmethod
    def _checked(self) -> list[tuple[int, int]]:
        """Open and check every file; return the range of entries of each."""

    @abstractmethod
    def _open(self, i: int) -> Reader:
        """Open a file."""

    @abstractmethod
    def _events(self, i: int, reader: Reader, start: int, stop: int) -> Bunch:
        """Read the events of a range of entries."""

    def where(self, keep: Callable[[Bunch], NDArray[np.bool_]]) -> Self:
        """Return a source of those events for which a function returns True; nothing is read yet.

        Parameters
        ----------
        keep : callable
            Function that takes a chunk, a Bunch as `chunks` yields it, and returns a mask of its events.

        Returns
        -------
        source : EventSource
            The same files with one more condition.
        """
        return self._with(_steps=(*self._steps, _Where(keep)))

    def map(self, function: Callable[[Any], Any]) -> Self:
        """Return a source whose events a function changes, chunk by chunk; nothing is read yet.

        Parameters
        ----------
        function : callable
            Function that takes the ``data`` of a chunk, and returns data of as many events.

        Returns
        -------
        source : EventSource
            The same files with changed events.
        """
        return self._with(_steps=(*self._steps, _Map(function)))

    def with_target(self, function: Callable[[Bunch], Any]) -> Self:
        """Return a source whose targets a function makes, chunk by chunk; nothing is read yet.

        Parameters
        ----------
        function : callable
            Function that takes a chunk, a Bunch as `chunks` yields it, and returns one label or target for each event,
            or a `RaggedArray` with one for each point or edge.

        Returns
        -------
        source : EventSource
            The same events with other targets.
        """
        return self._with(_steps=(*self._steps, _Role("target", function)), target=self.target or "target")

    def with_weight(self, function: Callable[[Bunch], Any]) -> Self:
        """Return a source whose weights a function makes, chunk by chunk; nothing is read yet.

        Parameters
        ----------
        function : callable
            Function that takes a chunk, a Bunch as `chunks` yields it, and returns one weight for each event, or a
            `RaggedArray` with one for each point or edge.

        Returns
        -------
        source : EventSource
            The same events with other weights.
        """
        return self._with(_steps=(*self._steps, _Role("sample_weight", function)), weight=self.weight or "weight")

    def share(self, rank: int, n_shares: int) -> Self:
        """Return a source of one of several shares of the entries, for processes that read side by side.

        Parameters
        ----------
        rank : int
            Number of the share, from 0.
        n_shares : int
            Number of shares. With the same number of entries to a block, no entry is in two of them, and each entry is
            in one.

        Returns
        -------
        source : EventSource
            Every ``n_shares``-th block of the files.
        """
        n_shares = check_integer(n_shares, "n_shares", 1)
        if check_integer(rank, "rank", 0) >= n_shares:
            raise ValueError(f"rank={rank}: expected a number below n_shares={n_shares}.")
        first, step = self._share
        return self._with(_share=(first + step * rank, step * n_shares))

    def _with(self, **changed: Any) -> Self:
        source = copy(self)
        source.__dict__.update(changed)
        return source

    def blocks(self, n_entries: int, *, aligned: bool = True) -> list[Block]:
        """List the blocks of all files, each of about ``n_entries`` entries at most.

        Parameters
        ----------
        n_entries : int
            Greatest number of entries of a block, before the cut.
        aligned : bool, default=True
            Whether blocks end where row groups of Parquet or baskets of ROOT end, as far as these are smaller than a
            block; a larger one is cut into equal blocks.

        Returns
        -------
        blocks : list of Block
            Blocks in the order of the files.
        """
        blocks = []
        for i, (start, stop) in enumerate(self._checked()):
            marks = self._boundaries[i] if aligned else None
            inner = [] if marks is None else [int(mark) for mark in marks if start < mark < stop]
            ends = [start]
            for before, mark in zip([start, *inner], [*inner, stop], strict=True):
                if mark - ends[-1] > n_entries and before > ends[-1]:
                    ends.append(before)
                if mark - ends[-1] > n_entries:
                    size = n_entries if marks is None else -(-(mark - before) // -(-(mark - before) // n_entries))
                    ends += range(before + size, mark, size)
            blocks += [Block(i, a, b) for a, b in zip(ends, [*ends[1:], stop], strict=True) if a < b]
        return blocks[self._share[0] :: self._share[1]]

    @contextmanager
    def loading(self) -> Iterator[Callable[[Block], Bunch]]:
        """Open what is needed to load blocks: gives a function of a block, which returns its events, possibly none."""
        opened: dict[int, Reader] = {}  # the file used last stands last

        def load(block: Block) -> Bunch:
            reader = opened.pop(block.file, None)
            if reader is None and len(opened) == _OPEN:
                opened.pop(next(iter(opened))).close()
            for other in opened.values():
                other.release()
            opened[block.file] = self._open(block.file) if reader is None else reader
            events = self._events(block.file, opened[block.file], block.start, block.stop)
            for step in self._steps:
                events = step(events)
            return events

        try:
            yield load
        finally:
            for reader in opened.values():
                reader.close()
            opened.clear()  # also what they know of their files, which may take as much as the events in use

    def chunks(self, n_entries: int = 100_000, *, first: int = 0) -> Iterator[Bunch]:
        """Yield the events in pieces, in order, each a Bunch like that of `read`; a piece without events is left out.

        Parameters
        ----------
        n_entries : int, default=100_000
            Number of entries read at a time, before the cut; pieces end where a file ends.
        first : int, default=0
            Number of the first entry, counted through all files; what comes before it is not read.

        Yields
        ------
        events : sklearn.utils.Bunch
            Piece, with ``entries``: the number of its first entry, and of the one after its last, before the cut and
            counted through all files.
        """
        blocks = self.blocks(check_integer(n_entries, "n_entries", 1), aligned=False)
        with self.loading() as load:
            for file, start, stop in blocks:
                before = self._before[file]
                start = max(start, first - before)
                if start < stop and len((events := load(Block(file, start, stop))).data):
                    yield bunch_of(**events, entries=(before + start, before + stop))

    def sample(self, n_events: int, *, look: Callable[[Bunch], Any] | None = None) -> Bunch:
        """Read all events once, and return some of them: each with the same probability, and always the same ones.

        Parameters
        ----------
        n_events : int
            Number of events; all of them, if there are fewer. About twice as many are held in between.
        look : callable, optional
            Function that is shown every chunk on the way, a Bunch as `chunks` yields it.

        Returns
        -------
        events : sklearn.utils.Bunch
            Events in the order of the source, as `read` returns them.

        Raises
        ------
        ValueError
            There is no event.
        """
        n_events, draw = check_integer(n_events, "n_events", 1), Draw()
        parts: list[Bunch] = []
        for events in self.chunks(_FIRST):
            if look is not None:
                look(events)
            parts.append(_rows_of(events, draw.among(len(events.data))))
            if len(draw) > 2 * n_events:
                parts = [_rows_of(joined(parts), draw.keep(n_events))]
        if not parts:
            raise ValueError(f"{self!r} has no event.")
        return _rows_of(joined(parts), draw.keep(n_events))

    def held(self) -> tuple[Bunch | None, float]:
        """Read all events, if they take ``memory`` bytes at most; of a table the first block tells.

        Returns
        -------
        events : Bunch or None
            All events, or None if they are too many.
        bytes_per_entry : float
            Memory that an entry takes in the mean, of those that were read.

        Raises
        ------
        ValueError
            There is no event.
        """
        parts, n_bytes, n_entries, blocks = [], 0, 0, self.blocks(_FIRST)
        all_pass = self.cut is None and not any(isinstance(step, _Where) for step in self._steps)
        with self.loading() as load:
            for block in blocks:
                events = load(block)
                ragged = [one for one in (events.target, events.sample_weight) if isinstance(one, RaggedArray)]
                n_bytes += sum(one.nbytes for one in (events.data, *ragged))
                n_entries += block.stop - block.start
                is_equal = all_pass and not ragged and isinstance(events.data, np.ndarray)  # as large as those to come
                n_in_all = sum(one.stop - one.start for one in blocks) if is_equal else n_entries
                if n_bytes * n_in_all > self.memory * n_entries:
                    return None, n_bytes / n_entries
                if len(events.data):
                    parts.append(events)
        if not parts:
            raise ValueError(f"{self!r} has no event.")
        return joined(parts), n_bytes / n_entries

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not in memory, and is taken by the networks, transformers and splitters of this "
            "package only. Others need the arrays: events = source.read(), then events.data, events.target, "
            "events.sample_weight and events.groups."
        )
