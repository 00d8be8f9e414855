"""What one pass over a source tells exactly of all its events, beside the random sample that gives the rest."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .._events import check_ids
from .._missing import column_or_1d
from .._validation import event_weights, is_ragged, mean_of_entries
from ..data import Graphs
from ._data_columns import Table, missing_sets, real_columns, row_hashes
from ._data_facts import PATTERNS, Facts
from ._data_tables import read_tables

_MOST_PATTERNS = 10_000  # beyond so many sets of missing columns the rarest are forgotten
_ODD = np.uint64(0x9E3779B97F4A7C15)


class _Sums:
    """Sums and extremes of the columns of events, or of their particles."""

    n = 0

    def add(self, table: Table, w: np.ndarray, codes: np.ndarray, most_classes: int) -> None:
        """Take in a table, with weights and classes of its rows."""
        values, d = table.values, len(table.names)
        absent = np.isnan(values)
        if not self.n:
            self.n_missing, self.n_infinite = np.zeros((2, d), dtype=np.int64)
            self.lost, self.of_class = np.zeros((most_classes, d)), np.zeros(most_classes)
            self.sums = np.zeros((4, d))  # of w, w d, w d², w d³
            self.shift = np.where(absent, 0.0, values).mean(axis=1, dtype=np.float64)  # near the mean: d is small
            self.low = self.high = np.full(d, np.nan)
        self.n += len(w)
        self.n_missing += absent.sum(axis=1)
        self.n_infinite += table.n_infinite
        for code in np.unique(codes):
            mine = codes == code
            self.lost[code] += absent[:, mine] @ w[mine]
            self.of_class[code] += w[mine].sum()
        distance = np.where(absent, 0.0, values - self.shift[:, np.newaxis])
        power = (~absent).astype(np.float64)
        for k in range(4):
            self.sums[k] += power @ w
            power *= distance
        used = values if w.all() else values[:, w != 0]
        if used.shape[1]:
            self.low = np.fmin(self.low, np.fmin.reduce(used, axis=1))
            self.high = np.fmax(self.high, np.fmax.reduce(used, axis=1))

    def merge_classes(self) -> None:
        """Count all classes as one."""
        self.lost[0], self.of_class[0] = self.lost.sum(axis=0), self.of_class.sum()
        self.lost[1:], self.of_class[1:] = 0.0, 0.0

    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Compute means, variances and skewnesses."""
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second, third = self.sums[1:] / np.where(self.sums[0] > 0, self.sums[0], np.nan)
            variance = second - first**2
            skewness = (third - 3 * first * second + 2 * first**3) / np.where(variance > 0, variance, np.nan) ** 1.5
        return self.shift + first, variance, skewness


class _Slice:
    """Events with the least of all hashes, so few that they fit into memory: of equal ones all are kept, or none."""

    def __init__(self, most: int) -> None:
        self._most, self._bits, self._kept = most, 0, np.empty((0, 2), dtype=np.uint64)

    def add(self, hashes: np.ndarray, others: np.ndarray) -> None:
        """Take in hashes, and other numbers of the same events."""
        new = np.column_stack([hashes, others])
        self._kept = np.concatenate([self._kept, new[self._inside(new)]])
        while len(self._kept) > self._most:
            self._bits += 1
            self._kept = self._kept[self._inside(self._kept)]

    def _inside(self, rows: np.ndarray) -> np.ndarray:
        if not self._bits:
            return np.ones(len(rows), dtype=bool)
        return rows[:, 0] >> np.uint64(64 - self._bits) == 0

    def distinct(self, n: int) -> int:
        """Number of different hashes among ``n`` events."""
        return round(n * len(np.unique(self._kept[:, 0])) / max(1, len(self._kept)))

    def repeats(self) -> tuple[int, int]:
        """Number of events that repeat an earlier one, and of those that differ from it in the other number."""
        hashes, others = self._kept[np.argsort(self._kept[:, 0], kind="stable")].T
        again = np.diff(hashes) == 0
        return int(again.sum()) << self._bits, int((again & (np.diff(others) != 0)).sum()) << self._bits


class Exact:
    """Facts on all events of a source, gathered chunk by chunk.

    Parameters
    ----------
    memory : int
        Bytes of which the hashes of events may take a part.
    most_classes : int
        Number of labels beyond which a target is no class.
    """

    def __init__(self, memory: int, most_classes: int) -> None:
        self._most = most_classes
        self.n = self.n_particles = self.memory = 0
        self._codes: dict[Any, int] = {}
        self._many = False
        self._of_class = np.zeros((3, most_classes))  # events, Σw, Σw²
        self._sizes, self._negative = 0.0, 0
        self._least, self._greatest = np.inf, -np.inf
        self._levels = {"event": _Sums(), "particle": _Sums()}
        self._patterns: Counter[tuple[int, ...]] = Counter()
        self._columns: list[int] = []
        self._rows, self._ids = (_Slice(max(1 << 10, memory // 128)) for _ in range(2))
        self._has_ids = self._has_weights = False

    def look(self, events: Any) -> None:
        """Take in a chunk, a Bunch as a source yields it."""
        X = events.data.nodes if isinstance(events.data, Graphs) else events.data
        table, particles, memory = read_tables(X, events.feature_names)
        n = table.values.shape[1]
        weights = event_weights(mean_of_entries(events.sample_weight), n)
        codes = self._coded(None if is_ragged(events.target) else events.target, n)
        w = np.ones(n) if weights is None else weights
        if not self.n:
            self._columns, self._real = [0] * len(table.names), real_columns(table.values)
            self._has_weights, self._has_ids = weights is not None, events.groups is not None
        self.n, self.memory = self.n + n, self.memory + memory
        self._of_class += [np.bincount(codes, one, self._most) for one in (np.ones(n), w, w * w)]
        self._sizes, self._negative = self._sizes + np.abs(w).sum(), self._negative + int((w < 0).sum())
        self._least, self._greatest = min(self._least, w.min()), max(self._greatest, w.max())
        self._levels["event"].add(table, w, codes, self._most)
        if particles is not None:
            counts = np.diff(X.offsets)
            self.n_particles += int(counts.sum())
            if counts.any():
                of_points = np.repeat(w, counts), np.repeat(codes, counts)
                self._levels["particle"].add(particles, *of_points, self._most)
        self._patterns.update(dict(missing_sets(table.values)))
        if len(self._patterns) > _MOST_PATTERNS:
            self._patterns = Counter(dict(self._patterns.most_common(_MOST_PATTERNS // 2)))
        self._columns = [hash((h, x.tobytes())) for h, x in zip(self._columns, table.values, strict=True)]
        ids = np.zeros(n, dtype=np.uint64) if events.groups is None else check_ids(events.groups) * _ODD
        there = ~np.isnan(table.values[self._real]).all(axis=0)
        self._rows.add(row_hashes(table.values)[there], ids[there])
        self._ids.add(ids if self._has_ids else np.arange(self.n - n, self.n, dtype=np.uint64) * _ODD, ids)

    def _coded(self, y: Any, n: int) -> np.ndarray:
        """Number the classes in the order in which they come; all are 0 once they are too many."""
        if y is None or self._many:
            return np.zeros(n, dtype=np.int64)
        labels, inverse = np.unique(column_or_1d(y), return_inverse=True)
        for label in labels[: self._most + 1].tolist():
            self._codes.setdefault(label, len(self._codes))
        if len(self._codes) > self._most:
            self._many = True
            self._of_class[:, 0], self._of_class[:, 1:] = self._of_class.sum(axis=1), 0.0
            for sums in self._levels.values():
                if sums.n:
                    sums.merge_classes()
            return np.zeros(n, dtype=np.int64)
        return np.array([self._codes[label] for label in labels.tolist()])[inverse.ravel()]

    @property
    def labels(self) -> np.ndarray:
        """Labels in order; more than are classes for a regression target."""
        return np.array(sorted(self._codes))

    @property
    def _order(self) -> list[int]:
        return [0] if self._many or not self._codes else [self._codes[label] for label in sorted(self._codes)]

    def of_classes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of events, Σw and Σw² of each class, in the order of the labels."""
        counts, sums, squares = self._of_class[:, self._order]
        return counts.astype(np.int64), sums, squares

    def extremes(self, level: str, i: int) -> tuple[float, float]:
        """Return the least and the greatest value of a column."""
        return float(self._levels[level].low[i]), float(self._levels[level].high[i])

    def duplicates(self) -> dict[str, Any]:
        """Count equal events and ids; from a part of the hashes where not all have fitted into memory."""
        n_events, across = self._rows.repeats()
        result = {"n_ids": self._ids.distinct(self.n), "n_events": n_events, "n_in_test": 0}
        return {**result, "n_across_groups": across if self._has_ids else 0, "has_groups": self._has_ids}

    def correct(self, report: Facts) -> None:
        """Put what is known of all events in the place of what a sample tells."""
        seen = {"event": report.n_events, "particle": report.n_particles}
        report.n_events, report.n_particles, report.memory_bytes = self.n, self.n_particles, self.memory
        if self._has_weights:
            _, sums, squares = self._of_class.sum(axis=1)
            report.weights = {
                "sum": sums,
                "n_effective": sums**2 / squares,
                "negative_fraction": self._negative / self.n,
                "cancellation": sums / self._sizes,
                "least": self._least,
                "greatest": self._greatest,
            }
        names, top = report.event_names, self._patterns.most_common(PATTERNS)
        report.missing_patterns = [{"columns": [names[i] for i in c], "n_events": n} for c, n in top]
        if len(top) == 1 and not top[0][0]:
            report.missing_patterns = []
        varies = [c.shape.high > c.shape.low for c in report.columns if c.level == "event"]
        first: dict[int, int] = {}
        pairs = [(first.setdefault(one, i), i) for i, one in enumerate(self._columns)]
        report.equal_columns = [(i, j) for i, j in pairs if i != j and varies[i]]
        places = {"event": 0, "particle": 0}
        for column in report.columns:
            i, sums = places[column.level], self._levels[column.level]
            places[column.level] += 1
            if not sums.n:  # no particle at all
                continue
            mean, variance, skewness = sums.moments()
            column.mean, column.variance, column.skewness = float(mean[i]), float(variance[i]), float(skewness[i])
            column.n_missing, column.n_infinite = int(sums.n_missing[i]), int(sums.n_infinite[i])
            column.missing = float(sums.lost[:, i].sum() / sums.of_class.sum())
            lost, of_class = sums.lost[self._order, i], sums.of_class[self._order]
            column.missing_by_class = np.divide(lost, of_class, out=np.zeros(len(lost)), where=of_class != 0).tolist()
            more = sums.n / seen[column.level]
            beyond = column.shape.low < column.limits[0] or column.shape.high > column.limits[1]
            column.n_outliers = max(round(column.n_outliers * more), int(beyond))
            if column.placeholder is not None:
                column.placeholder = column.placeholder[0], round(column.placeholder[1] * more)
