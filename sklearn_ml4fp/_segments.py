"""Arithmetic of ragged data: flat rows, and offsets that say where in them each segment begins.

Segment ``i`` is the rows from ``offsets[i]`` to ``offsets[i + 1]``; there is one offset more than segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Index = NDArray[np.int64]

# Points gathered at a time: index and destination of a block stay in the processor's cache, which makes the gather
# two to three times faster than one fancy index over the whole array (benchmarks/bench_point_clouds.py).
_BLOCK = 1 << 15


def offsets_from_counts(counts: ArrayLike) -> Index:
    """Compute the offsets ``(n + 1,)`` of segments with lengths ``(n,)``."""
    counts = np.asarray(counts)
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def segment_ids(offsets: Index) -> Index:
    """Number the rows by segment: the segment that each row belongs to."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def positions(offsets: Index) -> Index:
    """Number the rows inside their segment: 0, 1, 2, ... and again from 0 in the next segment."""
    return np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))


def segment_sum(rows: NDArray[Any], offsets: Index) -> NDArray[Any]:
    """Sum the rows of every segment, in float64; 0 for an empty segment.

    >>> segment_sum(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 2, 3]))
    array([3., 0., 4.])
    """
    sums = np.zeros((len(offsets) - 1, *rows.shape[1:]))
    occupied = np.diff(offsets) > 0  # reduceat would give an empty segment the first row of the next one
    if occupied.any():
        sums[occupied] = np.add.reduceat(rows, offsets[:-1][occupied], axis=0, dtype=np.float64)
    return sums


def gather(rows: NDArray[Any], offsets: Index, index: Index) -> tuple[NDArray[Any], Index]:
    """Take the segments ``index`` of ``rows``, in that order, and their new offsets."""
    starts = offsets[index]
    counts = offsets[index + 1] - starts
    new_offsets = offsets_from_counts(counts)
    total = int(new_offsets[-1])
    out = np.empty((total, *rows.shape[1:]), dtype=rows.dtype)
    shift = starts - new_offsets[:-1]
    cuts = np.append(np.searchsorted(new_offsets, np.arange(0, total, _BLOCK)), len(index))
    for first, last in pairwise(cuts):
        low, high = new_offsets[first], new_offsets[last]
        source = np.repeat(shift[first:last], counts[first:last])
        source += np.arange(low, high)
        # The index is in range by construction; mode="clip" spares numpy's check, and the buffer that goes with it.
        np.take(rows, source, axis=0, out=out[low:high], mode="clip")
    return out, new_offsets


def cut(rows: NDArray[Any], offsets: Index, first: int, last: int) -> tuple[NDArray[Any], Index]:
    """Take the neighbouring segments ``first:last``, as a view of the rows, and their new offsets."""
    new_offsets = offsets[first : last + 1] - offsets[first]
    return rows[offsets[first] : offsets[last]], new_offsets


def joined(parts: Sequence[Any]) -> Any:
    """Join parts of events one after the other: arrays, or ragged containers of one kind."""
    first: Any = parts[0]
    return np.concatenate(parts) if isinstance(first, np.ndarray) else type(first).concatenate(parts)
