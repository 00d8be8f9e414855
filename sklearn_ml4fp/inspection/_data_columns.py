"""Statistics of each column of a data report, and of all columns together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import rankdata

from .._distributions import Shape, outlier_limits, shape_of, suitable_scaling
from ..metrics import roc_auc_score

# Number of events, drawn at random, from which correlations and areas are estimated. Their error is then 0.005; to sort
# all of a large sample for each column would take most of the time.
SAMPLE = 40_000
_ROWS = 4096
BINS = 40
# Limits of outliers, as in OutlierClipper; fewer events do not show where a tail ends.
OUTLIER_FACTOR = 8.0
_LEAST_EVENTS = 100


@dataclass
class Table:
    """Numeric columns as rows of a matrix ``(n_columns, n_events)``; NaN is missing, infinity has become NaN."""

    names: list[str]
    values: np.ndarray
    dtypes: list[str]
    n_infinite: np.ndarray
    other: dict[str, Any] = field(default_factory=dict)  # columns that are not numeric, unchanged
    repeated: list[str] = field(default_factory=list)  # names that several columns have

    @classmethod
    def of(
        cls,
        names: list[str],
        columns: np.ndarray,
        dtypes: list[str],
        other: dict[str, Any] | None = None,
        repeated: list[str] | None = None,
    ) -> Table:
        """Make the table of a matrix ``(n_columns, n_events)``."""
        if columns.dtype.kind != "f":
            columns = columns.astype(np.float64)
        infinite = np.isinf(columns).sum(axis=1)
        if infinite.any():
            columns = np.where(np.isinf(columns), np.nan, columns)
        return cls(names, columns, dtypes, infinite, other or {}, repeated or [])


def transposed(values: np.ndarray) -> np.ndarray:
    """Transpose a matrix in parts that fit into the cache, five times faster than all at once."""
    result = np.empty(values.shape[::-1], dtype=values.dtype)
    for start in range(0, len(values), _ROWS):
        result[:, start : start + _ROWS] = values[start : start + _ROWS].T
    return result


@dataclass
class Column:
    """Statistics of one column; weighted where there are weights."""

    name: str
    level: str
    dtype: str
    n_missing: int
    missing: float
    n_infinite: int
    mean: float
    variance: float
    skewness: float
    shape: Shape
    limits: tuple[float, float]
    n_outliers: int
    placeholder: tuple[float, int] | None
    scaling: str
    reason: str
    missing_by_class: list[float]
    histogram: tuple[np.ndarray, np.ndarray] | None  # edges (BINS + 1,), Σw (n_classes, BINS)
    trend: float
    target: float


@np.errstate(over="ignore", invalid="ignore")
def _moments(x: np.ndarray, w: np.ndarray | None) -> tuple[float, float, float]:
    if len(x) == 0 or (w is not None and w.sum() <= 0):
        return np.nan, np.nan, np.nan
    mean = x.mean(dtype=np.float64) if w is None else np.dot(w, x) / w.sum()
    centred = x - x.dtype.type(mean)
    square = centred * centred
    if w is None:
        variance, third = square.mean(dtype=np.float64), np.dot(square.astype(np.float64), centred) / len(x)
    else:
        variance, third = np.dot(w, square) / w.sum(), np.dot(w, square * centred) / w.sum()
    skewness = third / variance**1.5 if variance > 0 else np.nan
    return float(mean), float(variance), float(skewness)


def _placeholder(x: np.ndarray, shape: Shape) -> tuple[float, int] | None:
    """Find an extreme value, such as −999, that many events share and that lies outside the range of all others."""
    for extreme, next_one in ((shape.low, np.min), (shape.high, np.max)):
        count = int((x == extreme).sum())
        others = x[x != extreme]
        # one event in a thousand, and not the bulk itself
        if not max(5, 1e-3 * len(x)) <= count < len(x) / 2:
            continue
        lower, upper = np.quantile(others[:: max(1, len(others) // SAMPLE)], (0.05, 0.95))
        if upper > lower and abs(float(next_one(others)) - extreme) > upper - lower:
            return float(extreme), count
    return None


def _histogram(
    x: np.ndarray, w: np.ndarray | None, codes: np.ndarray, n_classes: int, shape: Shape, log: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """Sum the weights in bins of equal width, of the logarithm if ``log``, around the 1 to 99 % quantiles."""
    if not 0 < shape.high - shape.low < np.inf:
        return None
    if log:
        low = max(shape.q01, shape.q50 * 1e-3, shape.low)
        if low <= 0:
            return None if shape.high <= 0 else _histogram(x, w, codes, n_classes, shape, False)
        low, high = np.log10(low), np.log10(shape.high)
        with np.errstate(divide="ignore"):
            x = np.log10(x)
    else:
        margin = 0.3 * (shape.q99 - shape.q01) or np.inf
        low, high = max(shape.low, shape.q01 - margin), min(shape.high, shape.q99 + margin)
    with np.errstate(over="ignore"):
        scaled = (x - x.dtype.type(low)) * x.dtype.type(BINS / (high - low))
    inside = (scaled >= 0) & (scaled <= BINS)
    index = np.minimum(scaled[inside].astype(np.int64), BINS - 1) + BINS * codes[inside]
    sums = np.bincount(index, None if w is None else w[inside], BINS * n_classes).reshape(n_classes, BINS)
    edges = np.linspace(low, high, BINS + 1)
    return (10**edges if log else edges), sums.astype(np.float64)


def _known(shape: Shape, extremes: tuple[float, float] | None) -> Shape:
    return shape if extremes is None else shape._replace(low=extremes[0], high=extremes[1])


def describe(
    table: Table,
    i: int,
    level: str,
    weights: np.ndarray | None,
    codes: np.ndarray,
    n_classes: int,
    *,
    trend: float = np.nan,
    target: float = np.nan,
    extremes: tuple[float, float] | None = None,
) -> Column:
    """Summarise column ``i`` of a table; ``codes`` are the events' classes, ``trend`` and ``target`` are passed on.

    ``extremes`` are the least and the greatest value of all events, where the table is a sample of them.
    """
    x = table.values[i]
    absent = np.isnan(x)
    n_missing = int(absent.sum())
    w = weights if weights is None or weights.sum() > 0 else None  # the weights of a few particles may cancel
    total = max(len(x), 1) if w is None else w.sum()
    by_class, share = np.zeros(n_classes), (n_missing if w is None else w[absent].sum()) / total
    if n_missing:
        lost = np.bincount(codes[absent], None if w is None else w[absent], n_classes)
        of_class = np.bincount(codes, w, n_classes)
        by_class = np.divide(lost, of_class, out=by_class, where=of_class != 0)
        x, codes, w = x[~absent], codes[~absent], None if w is None else w[~absent]
    shape = _known(shape_of(x, w), extremes)
    mean, variance, skewness = _moments(x, w)
    # as AutoScaler chooses: by the size of the weights
    sizes = np.abs(w) if w is not None and (w < 0).any() else None
    scaling, reason = suitable_scaling(shape if sizes is None else _known(shape_of(x, sizes), extremes))
    limits = outlier_limits(shape, OUTLIER_FACTOR) if len(x) >= _LEAST_EVENTS else (-np.inf, np.inf)
    beyond = shape.low < limits[0] or shape.high > limits[1]
    placeholder = _placeholder(x, shape) if shape.high > shape.low else None
    return Column(
        name=table.names[i],
        level=level,
        dtype=table.dtypes[i],
        n_missing=n_missing,
        missing=float(share),
        n_infinite=int(table.n_infinite[i]),
        mean=mean,
        variance=variance,
        skewness=skewness,
        shape=shape,
        limits=limits,
        n_outliers=int(((x < limits[0]) | (x > limits[1])).sum()) if beyond else 0,
        placeholder=placeholder,
        scaling=scaling,
        reason=reason,
        missing_by_class=by_class.tolist(),
        histogram=_histogram(x, w, codes, n_classes, shape, scaling == "log"),
        trend=trend,
        target=target,
    )


def sample_rows(n: int) -> np.ndarray:
    """Draw the numbers of at most `SAMPLE` events, in rising order; the same for the same ``n``."""
    if n <= SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, SAMPLE, replace=False))


@np.errstate(over="ignore", invalid="ignore")
def correlations(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Compute the weighted Pearson correlation of rows ``(n_columns, n_events)``, each pair on the events with both."""
    there = ~np.isnan(values)
    w = np.ones(values.shape[1]) if weights is None else weights
    pairs = zip(values, there, strict=True)
    centre = np.array([np.average(x[m], weights=w[m]) if w[m].sum() > 0 else 0.0 for x, m in pairs])
    x = np.where(there, values - centre[:, None], 0.0).astype(np.float64)
    m = there.astype(np.float64)
    sums, first, second = (m * w) @ m.T, (x * w) @ m.T, (x * x * w) @ m.T  # over the events with both
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = (x * w) @ x.T / sums - first * first.T / sums**2
        variance = second / sums - (first / sums) ** 2
        result = covariance / np.sqrt(variance * variance.T)
    result[~np.isfinite(result)] = np.nan  # a constant column correlates with nothing
    return result.clip(-1, 1)


def ranks(values: np.ndarray) -> np.ndarray:
    """Compute mean ranks in each row ``(n_columns, n_events)``, NaN where a value is missing."""
    return np.array([rankdata(x, nan_policy="omit") for x in values], dtype=np.float64).reshape(values.shape)


def separation(x: np.ndarray, codes: np.ndarray, n_classes: int, weights: np.ndarray | None) -> float:
    """Gini index |2·AUC − 1| of a column as a classifier, for the class that it separates best from the others."""
    there = ~np.isnan(x)
    w = None if weights is None else weights[there]
    best = np.nan
    for code in range(n_classes if n_classes > 2 else 1):
        signal = codes[there] == code
        sums = [np.sum(side if w is None else w[side]) for side in (signal, ~signal)]
        if min(sums) > 0:
            area = roc_auc_score(signal.astype(int), x[there], sample_weight=w)
            best = np.fmax(best, abs(2 * area - 1))
    return float(best)


def _learned(categories: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Mean of the goal in each event's category, (n_events,), learned from the half without the event.

    A category that is absent in that half has the mean of all events. So a column with a different text in every event
    has no association.
    """
    half = np.random.default_rng(0).permutation(len(goal)) % 2
    means = np.empty(len(goal))
    for other in (0, 1):
        known, mean = half == other, np.full(categories.max() + 1, goal.mean())
        counts = np.bincount(categories[known], minlength=len(mean))
        sums = np.bincount(categories[known], goal[known], len(mean))
        np.divide(sums, counts, out=mean, where=counts > 0)
        means[~known] = mean[categories[~known]]
    return means


def category_association(
    column: Any, rows: np.ndarray, codes: np.ndarray, n_classes: int, target: Any, weights: np.ndarray | None
) -> float:
    """Association of a column that is not numeric with the target, from 0 to 1; all arrays belong to the ``rows``."""
    texts = [str(value) for value in np.asarray(column, dtype=object)[rows]]
    categories = np.unique(texts, return_inverse=True)[1]
    if target is not None:
        ranked = rankdata(target)
        return abs(float(correlations(np.vstack([rankdata(_learned(categories, ranked)), ranked]), weights)[0, 1]))
    classes = range(1, n_classes) if n_classes == 2 else range(n_classes)
    goals = ((codes == code).astype(int) for code in classes if n_classes > 1)
    return max((separation(_learned(categories, goal), goal, 2, weights) for goal in goals), default=np.nan)


def row_hashes(values: np.ndarray) -> np.ndarray:
    """Hash each event of a matrix ``(n_columns, n_events)`` to 64 bits; all NaN are equal."""
    bits = f"u{values.dtype.itemsize}"
    mixed = np.zeros(values.shape[1], dtype=np.uint64)
    for x in values:
        mixed ^= (x + 0).view(bits).astype(np.uint64)  # −0 is 0
        mixed *= np.uint64(0x9E3779B97F4A7C15)  # an odd multiplier without a pattern: the golden ratio
        mixed ^= mixed >> np.uint64(29)
    return mixed


def real_columns(values: np.ndarray) -> list[int]:
    """Find the columns that vary as real numbers do: equal rows mean nothing if all columns have few values."""
    few = values[:, :1000]
    return [i for i, x in enumerate(few) if len(np.unique(x[~np.isnan(x)])) > 0.5 * len(x)]


def missing_sets(values: np.ndarray) -> list[tuple[tuple[int, ...], int]]:
    """Find the sets of columns that are missing together, and in how many events, the most frequent first."""
    missing = np.isnan(values)
    some = np.flatnonzero(missing.any(axis=1))
    if len(some) == 0:
        return [((), values.shape[1])]
    packed = np.ascontiguousarray(np.packbits(missing[some], axis=0).T)
    _, first, counts = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [(tuple(some[missing[some, first[k]]].tolist()), int(counts[k])) for k in order]


def as_json(value: Any) -> Any:
    """Convert NumPy's numbers, arrays and named tuples to types of JSON; NaN and infinity become None."""
    if isinstance(value, dict):
        return {str(key): as_json(one) for key, one in value.items()}
    if hasattr(value, "_asdict"):
        return as_json(value._asdict())
    if isinstance(value, np.ndarray | list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
