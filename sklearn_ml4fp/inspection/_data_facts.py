"""Facts about a data set, and findings: what an investigation returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ._data_columns import Column

PATTERNS = 10  # sets of columns that are missing together, of which a report tells


def printable(text: str) -> str:
    """Escape control characters, so that a text does nothing to a terminal.

    >>> print(printable("pt\\x1b[2J"))
    pt\\x1b[2J
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Finding(NamedTuple):
    """Finding of an investigation: a fault of the data, its meaning, and a remedy.

    Attributes
    ----------
    severity : {"error", "warning", "hint"}
        An error spoils training or its assessment; a warning may; a hint is worth knowing.
    kind : str
        Kind of fault, in a word or two.
    columns : tuple of str
        Columns concerned; empty for the events or the data set as a whole.
    meaning : str
        Meaning of the finding.
    action : str
        Remedy.

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
    """Facts of a report; `DataReport`, its public subclass, documents them."""

    origin: str
    n_events: int
    n_particles: int
    memory_bytes: int
    columns: list[Column]
    other_columns: dict[str, str]  # columns that are not numeric: name -> type
    other_targets: dict[str, float]  # association of each of them with the target, from 0 to 1
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
    n_sampled: int | None = None  # events of the random sample, of a source that exceeds its memory
    findings: list[Finding] = field(default_factory=list)

    def n_rows(self, level: str) -> int:
        """Number of events, or of particles."""
        return self.n_particles if level == "particle" else self.n_events
