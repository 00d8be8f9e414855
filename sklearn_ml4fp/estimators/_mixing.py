"""Mixing of a stream: in which order blocks of files are read, and how their events are mixed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ._fitted import Part
from ._held import joined
from ._targets import ClassSurvey, NumberSurvey

PER_WINDOW = 32  # blocks that are mixed with one another, each such a part of the memory
# Largest share of the variance of the target that may lie between the windows. With two equally frequent classes the
# frequencies in a window then differ from those of all events by 0.1, in the mean.
BETWEEN = 0.04


@dataclass
class Mixing:
    """Plan of an epoch: blocks in windows, each of which has its share of every class.

    Parameters
    ----------
    groups : list of list of blocks
        Blocks whose events are alike, such as those in which one class leads, each sorted by its mean target.
    n_windows : int
        Number of windows in an epoch.
    """

    groups: list[list[Any]]
    n_windows: int

    @classmethod
    def of(cls, blocks: Sequence[Any], targets: ClassSurvey | NumberSurvey, *, n_windows: int) -> Mixing:
        """Group blocks by their targets.

        Parameters
        ----------
        blocks : sequence of Block
            Blocks with at least one event.
        targets : ClassSurvey or NumberSurvey
            Survey of the targets of these blocks.
        n_windows : int
            Number of windows in an epoch.
        """
        groups = []
        for group in np.unique(targets.leading):
            inside = np.flatnonzero(targets.leading == group)
            n_parts = -(-2 * n_windows // len(inside)) if n_windows > 1 else 1  # of a block of a rare class
            in_order = inside[np.argsort(targets.keys[inside], kind="stable")]
            groups.append([part for i in in_order for part in _cut(blocks[i], n_parts)])
        return cls(groups, n_windows)

    def windows(self, rng: np.random.Generator, rank: int = 0, n: int = 1) -> list[list[Any]]:
        """Draw the windows of an epoch: each has a block of every stratum of similar ones.

        The strata have the same order in all windows, in which those of one group lie evenly: the end of a window and
        the begin of the next one are then like a window. The process ``rank`` of ``n`` gets its part of each window,
        from all groups.
        """
        windows: list[list[Any]] = [[] for _ in range(self.n_windows)]
        for group in self.groups:
            starts = range(0, len(group), self.n_windows)
            places = (rng.permutation(len(starts)) + rng.random()) / len(starts)
            for start, place in zip(starts, places.tolist(), strict=True):
                stratum = group[start : start + self.n_windows]
                for window, block in zip(rng.permutation(self.n_windows), stratum, strict=False):
                    windows[window].append((place, block))
        parts = [window[(rank + i) % n :: n] for i, window in enumerate(windows)]
        return [[block for _, block in sorted(part)] for part in parts if part]

    def between(self, blocks: Sequence[Any], targets: ClassSurvey | NumberSurvey) -> float:
        """Compute the share of the variance of the target that lies between windows."""
        places = {(block.file, block.start): i for i, block in enumerate(blocks)}
        starts = np.array(sorted(places))
        mean, spread = targets.counts @ targets.means / len(targets), 0.0
        for window in self.windows(np.random.default_rng(0)):
            n, total = 0.0, np.zeros(len(mean))
            for part in window:
                before = (starts[:, 0] < part.file) | ((starts[:, 0] == part.file) & (starts[:, 1] <= part.start))
                i = places[tuple(starts[before.sum() - 1].tolist())]
                share = targets.counts[i] * (part.stop - part.start) / (blocks[i].stop - blocks[i].start)
                n, total = n + share, total + share * targets.means[i]
            spread += n * float(np.square(total / n - mean).sum())
        return spread / (len(targets) * targets.variance) if targets.variance > 0 else 0.0


def _cut(block: Any, n: int) -> list[Any]:
    ends = np.unique(np.linspace(block.start, block.stop, n + 1).astype(np.int64)).tolist()
    return [type(block)(block.file, a, b) for a, b in pairwise(ends)]


def mixed(parts: Iterator[Part], n: int, width: int, rng: np.random.Generator) -> Iterator[Part]:
    """Yield all events of ``n`` parts, each spread at random over what is yielded while the next ``width`` are read.

    What is yielded has equally many events of ``width`` parts that follow one another. What falls before the first
    ``width`` parts are there, and after the last one, is complementary: it is kept, and yielded at the end, mixed. With
    it, a fifth more events are in memory than ``width`` parts have.
    """
    in_use: deque[Iterator[Part]] = deque(maxlen=width)
    kept: list[Iterator[Part]] = []
    for t, part in enumerate(parts):
        part = part.taken(rng.permutation(len(part)))
        n_kept = width - (min(t + width, n) - max(t, width - 1))
        if n_kept:
            end = _ends(len(part), width, rng)[n_kept]
            kept.append(_shares(_copied(part, 0, end), width, rng))
            part = _copied(part, end, len(part))
        in_use.append(_taken_away(part, width - n_kept, rng))
        del part
        if t >= width - 1:
            yield from shuffled([next(one) for one in in_use], rng)
    for shares in zip(*kept, strict=True):
        yield from shuffled(shares, rng)


def _ends(n_events: int, n_shares: int, rng: np.random.Generator) -> list[int]:
    """Cut a number of events into equal shares; which ones are larger by one is drawn."""
    ends: list[int] = ((np.arange(n_shares + 1) * n_events + rng.integers(n_shares)) // n_shares).tolist()
    return ends


def _shares(part: Part, n: int, rng: np.random.Generator) -> Iterator[Part]:
    """Yield all events in equal shares."""
    for start, end in pairwise(_ends(len(part), n, rng)):
        yield part.taken(slice(start, end))


def _taken_away(part: Part, n: int, rng: np.random.Generator) -> Iterator[Part]:
    """Yield the same, and copy the rest whenever it has become half as large.

    Few arrays, of few sizes, leave no gaps between them in memory that nothing fits into; many small ones do.
    """
    before = 0
    for start, end in pairwise(_ends(len(part), n, rng)):
        yield part.taken(slice(start - before, end - before))
        if 2 * (end - before) >= len(part):
            part, before = _copied(part, end - before, len(part)), end


def _copied(part: Part, start: int, end: int) -> Part:
    return joined([part.taken(slice(start, end))])


def shuffled(parts: Sequence[Part], rng: np.random.Generator) -> Iterator[Part]:
    """Yield parts as one, in a random order of their events; nothing if there is none."""
    if there := [part for part in parts if len(part)]:
        whole = joined(there)
        yield whole.taken(rng.permutation(len(whole)))
