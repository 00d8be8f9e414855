"""Mixing of parts of events that are read one after another, with few of them in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ._fitted import Part
from ._held import joined


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
