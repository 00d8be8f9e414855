"""Parts of a source: the same events as in memory, by their ids, as they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import EventSource


@dataclass
class InPart:
    """Condition on a source: events of one part, or of all others."""

    part_of: Callable[[Any], np.ndarray]
    part: int
    others: bool = False

    def __call__(self, events: Any) -> np.ndarray:
        inside = self.part_of(events.groups) == self.part if len(events.data) else np.zeros(0, dtype=bool)
        return inside != self.others


def check_source(source: EventSource, groups: Any) -> None:
    """Refuse a source without ids, and ids beside it."""
    if source.event_id is None or groups is not None:
        raise ValueError(
            "a source is split by its own ids: say which column is the id by event_id=, and leave out groups=."
        )


def sources(arrays: Sequence[Any], groups: Any, part_of: Callable[[Any], np.ndarray], n: int) -> list[Any]:
    """Return ``n`` parts of each source; ``part_of`` tells the part of an id."""
    for one in arrays:
        if not isinstance(one, EventSource):
            raise TypeError(f"sources are split alone, since they carry targets, weights and ids; got {type(one)} too.")
        check_source(one, groups)
    return [one.where(InPart(part_of, part)) for one in arrays for part in range(n)]
