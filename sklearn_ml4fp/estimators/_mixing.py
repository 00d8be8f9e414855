"""Order of a stream: in which order blocks of files are read and mixed, so that batches are like the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

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
