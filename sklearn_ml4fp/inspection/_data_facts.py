"""What an investigation knows: facts about a data set, and what is amiss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ._data_columns import Column


def printable(text: str) -> str:
    """Text that does nothing to a terminal: control characters are written as escapes.

    >>> print(printable("pt\\x1b[2J"))
    pt\\x1b[2J
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Finding(NamedTuple):
    """One thing that is amiss.

    Attributes
    ----------
    severity : {"error", "warning", "hint"}
        An error spoils training or its assessment; a warning may; a hint is worth knowing.
    kind : str
        What it is, in a word or two.
    columns : tuple of str
        The columns that it is about; empty for the events or the data set as a whole.
    meaning : str
        What it means.
    action : str
        What to do.

    See Also
    --------
    investigate : Make a report.
    """

    severity: str
    kind: str
    columns: tuple[str, ...]
    meaning: str
    action: str


@dataclass
class Facts:
    """The facts of a report; `DataReport`, which the user sees, says what they are."""

    origin: str
    n_events: int
    n_particles: int
    memory_bytes: int
    columns: list[Column]
    other_columns: dict[str, str]  # columns that are no numbers: name -> type
    other_targets: dict[str, float]  # how well each of them tells the target, from 0 to 1
    repeated_names: list[str]
    event_names: list[str]
    classes: list[dict[str, Any]]
    weights: dict[str, float]
    pearson: np.ndarray
    spearman: np.ndarray
    order: str
    target_trend: float
    n_independent: float
    missing_patterns: list[dict[str, Any]]
    equal_columns: list[tuple[int, int]]
    duplicates: dict[str, Any]
    test_shift: dict[str, Any] | None
    findings: list[Finding] = field(default_factory=list)

    def n_rows(self, level: str) -> int:
        """Number of events, or of particles."""
        return self.n_particles if level == "particle" else self.n_events
