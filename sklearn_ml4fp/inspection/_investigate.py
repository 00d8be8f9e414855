"""Investigate a data set before a model sees it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.utils import Bunch
from sklearn.utils.multiclass import type_of_target

from .._binary import unique_labels
from .._events import check_ids
from .._missing import column_or_1d
from .._validation import check_weights, finite_numbers, is_ragged, mean_of_entries
from ..data import EventSource, Graphs
from ..metrics import ks_distance, roc_auc_score
from ._data_columns import (
    Table,
    category_association,
    correlations,
    describe,
    missing_sets,
    ranks,
    real_columns,
    row_hashes,
    sample_rows,
    separation,
)
from ._data_facts import PATTERNS
from ._data_findings import find
from ._data_report import DataReport
from ._data_stream import Exact
from ._data_tables import read_events, read_tables

# More labels than this are values of a regression target, or ids, and not classes.
_MOST_CLASSES = 20
# Number of events of each sample for the two-sample classifier: its area is then known to 0.004, a tenth of the limit.
_TWO_SAMPLE = 10_000
# Number of events of a sample of a source: a quantile is then known to a thousandth of the events.
_SAMPLE, _LEAST_SAMPLE = 200_000, 1000


def _classes_of(
    y: Any, n: int, weights: np.ndarray | None, exact: Exact | None
) -> tuple[np.ndarray, list[dict], np.ndarray | None]:
    """Return the codes of the classes, the facts on each class, and ``y`` if it is a regression target."""
    codes, labels, target = np.zeros(n, dtype=np.int64), np.array(["all"]), None
    if y is not None:
        y = column_or_1d(y)
        if len(y) != n:
            raise ValueError(f"y has {len(y)} entries, expected {n}: one per event.")
        unique = unique_labels(y, "y") if exact is None else exact.labels
        found = np.searchsorted(unique, y)
        if len(unique) <= _MOST_CLASSES and type_of_target(y) in ("binary", "multiclass"):
            codes, labels = found, unique
        elif y.dtype.kind in "fiub":
            target = finite_numbers(y, "y")
        else:
            raise ValueError(f"y has {len(unique)} different labels, expected at most {_MOST_CLASSES}, or numbers.")
    if exact is not None:
        counts, sums, squares = exact.of_classes()
    else:
        w = np.ones(n) if weights is None else weights
        counts, sums, squares = np.bincount(codes), np.bincount(codes, w), np.bincount(codes, w * w)
    classes = [
        {
            "label": label.item() if isinstance(label, np.generic) else label,
            "n_events": int(count),
            "share_of_events": count / counts.sum(),
            "sum_of_weights": total,
            "share_of_weights": total / sums.sum(),
            "n_effective": max(total**2 / square if square > 0 else 0.0, 1.0),
        }
        for label, count, total, square in zip(labels, counts, sums, squares, strict=True)
    ]
    return codes, classes, target


def _weights_of(weights: np.ndarray | None) -> dict[str, float]:
    if weights is None:
        return {}
    total = weights.sum()
    return {
        "sum": total,
        "n_effective": total**2 / np.dot(weights, weights),
        "negative_fraction": float((weights < 0).mean()),
        "cancellation": total / np.abs(weights).sum(),
        "least": weights.min(),
        "greatest": weights.max(),
    }


def _patterns_of(table: Table) -> list[dict[str, Any]]:
    """Find the most frequent sets of columns that are missing together."""
    sets = missing_sets(table.values)
    if len(sets) == 1 and not sets[0][0]:
        return []
    return [{"columns": [table.names[i] for i in columns], "n_events": n} for columns, n in sets[:PATTERNS]]


def _duplicates_of(table: Table, ids: np.ndarray | None, test: Table | None) -> dict[str, Any]:
    values = table.values
    n_ids = values.shape[1] if ids is None else len(np.unique(ids))
    result = {"n_ids": n_ids, "n_events": 0, "n_across_groups": 0, "n_in_test": 0, "has_groups": ids is not None}
    there = ~np.isnan(values[real_columns(values)]).all(axis=0)
    hashes = row_hashes(values)
    order = np.flatnonzero(there)[np.argsort(hashes[there], kind="stable")]
    repeats = np.flatnonzero(np.diff(hashes[order]) == 0)
    result["n_events"] = len(repeats)
    if ids is not None and len(repeats):
        result["n_across_groups"] = int((ids[order][repeats] != ids[order][repeats + 1]).sum())
    if test is not None and test.names == table.names:
        result["n_in_test"] = int(np.isin(row_hashes(test.values.astype(values.dtype)), hashes[there]).sum())
    return result


def _shift_of(table: Table, test: Table | None) -> dict[str, Any] | None:
    """Compare training and test without weights: each column by itself, and all together by a classifier."""
    if test is None:
        return None
    if test.names != table.names:
        raise ValueError(f"X_test has the columns {test.names}, expected those of X: {table.names}.")
    ours, theirs = (one.values[:, sample_rows(one.values.shape[1])] for one in (table, test))
    side = np.repeat([0, 1], [ours.shape[1], theirs.shape[1]])
    # missing values go to one end, so that a change of their share counts as well
    both = np.nan_to_num(np.hstack([ours, theirs]), nan=np.finfo(table.values.dtype).max)
    distance = {name: ks_distance(side, x) for name, x in zip(table.names, both, strict=True)}
    rng = np.random.default_rng(0)
    chosen = [rng.permutation(np.flatnonzero(side == k))[:_TWO_SAMPLE] for k in (0, 1)]
    n, m = map(len, chosen)
    area = np.nan
    if min(n, m) >= 10:
        # ranks are equivalent for a tree, and are neither missing nor huge
        mixed, side = rankdata(both[:, np.concatenate(chosen)], axis=1).T, np.repeat([0, 1], [n, m])
        weights = np.where(side == 1, n / m, 1.0)
        shuffled = rng.permutation(n + m)
        classifier = HistGradientBoostingClassifier(max_iter=30, random_state=0)
        scores = cross_val_predict(
            classifier, mixed[shuffled], side[shuffled], cv=2, method="predict_proba",
            params={"sample_weight": weights[shuffled]},
        )  # fmt: skip
        area = float(roc_auc_score(side[shuffled], scores[:, 1]))
    return {"auc": area, "distance": distance, "n_train": n, "n_test": m}


def _order_of(groups: Any, n: int) -> tuple[np.ndarray, str]:
    if groups is not None:
        ids = np.asarray(groups)
        if ids.ndim == 1 and ids.dtype.kind in "iu":
            return ids.astype(np.float64), "event id"
    return np.arange(n, dtype=np.float64), "row number"


def _equal_columns(table: Table) -> list[tuple[int, int]]:
    first: dict[int, int] = {}
    pairs = []
    for i, x in enumerate(table.values):
        same = first.setdefault(hash(x.tobytes()), i)
        if same != i and np.nanmax(x, initial=-np.inf) > np.nanmin(x, initial=np.inf):  # constants have a finding
            pairs.append((same, i))
    return pairs


def _associations(
    events: Table, weights: np.ndarray | None, codes: np.ndarray, n_classes: int, target: Any, groups: Any, n_ids: float
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Compute correlations of the columns with each other, the event id and the target, on a sample."""
    n, d = events.values.shape[1], len(events.names)
    rows = sample_rows(n)
    values, w = events.values[:, rows], None if weights is None else weights[rows]
    if w is not None and w.sum() <= 0:
        w = None
    along, order = _order_of(groups, n)
    goal = codes if target is None else target
    ranked = np.vstack([ranks(values), rankdata(along[rows]), rankdata(goal[rows])])
    everything = correlations(ranked, w)
    of_columns = [{"trend": float(everything[i, d])} for i in range(d)]
    for i, entry in enumerate(of_columns):
        if target is not None:
            entry["target"] = float(everything[i, d + 1])
        elif n_classes > 1:
            entry["target"] = separation(values[i], codes[rows], n_classes, w)
    arguments = rows, codes[rows], n_classes, None if target is None else target[rows], w
    of_all = {
        "other_targets": {name: category_association(one, *arguments) for name, one in events.other.items()},
        "pearson": correlations(values, w),
        "spearman": everything[:d, :d],
        "order": order,
        "target_trend": float(everything[d, d + 1]),
        "n_independent": n_ids / n * (len(rows) if w is None else w.sum() ** 2 / np.dot(w, w)),
    }
    return of_all, of_columns


def _unpack(X: Any, y: Any, sample_weight: Any, groups: Any) -> tuple[Any, Any, Any, Any, Any, str]:
    """Take from a Bunch what was not given."""
    if not isinstance(X, Bunch):
        return X, y, sample_weight, groups, None, ""
    title = " ".join(str(X.get("DESCR", "")).strip().split("\n\n")[0].strip("=*-~ \n").split())
    given = (("target", y), ("sample_weight", sample_weight), ("groups", groups))
    return X["data"], *(X.get(name) if one is None else one for name, one in given), X.get("feature_names"), title


def _of_events(y: Any) -> Any:
    """Return the target of the events; that of points or edges is left out, and a warning says so."""
    if not is_ragged(y):
        return y
    warnings.warn(
        "the target has values of points or edges, and the report tells the classes of events apart: it is made "
        "without a target.",
        UserWarning,
        stacklevel=4,
    )
    return None


def _read(X: Any, names: Any, what: str) -> tuple[Any, Table, Table | None, int]:
    """Return the events, their columns, those of their particles, and the memory in bytes."""
    X = X.nodes if isinstance(X, Graphs) else read_events(X)
    events, particles, memory = read_tables(X, names)
    if 0 in events.values.shape:
        raise ValueError(f"{what} has shape {events.values.shape[::-1]}: expected at least one event and one column.")
    return X, events, particles, memory


def investigate(
    X: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    X_test: Any = None,
) -> DataReport:
    """Investigate a data set before a model sees it: describe its columns, and find faults.

    Statistics are weighted. Correlations, trends and separations are estimated from at most 40 000 events. Outliers are
    values far beyond the tails of their column, as for `OutlierClipper`. The scaling of a column is the one that
    `AutoScaler` picks. Training and test sets are compared without weights, by the Kolmogorov-Smirnov distance of each
    column and by a classifier that separates the two [1]_.

    A source is read once. If it exceeds its ``memory``, numbers of events and points, weights, classes, missing and
    infinite values, means, variances, skewnesses, extremes and equal columns are those of all events. The rest
    (quantiles, histograms, numbers of outliers and placeholders, correlations, trends) is estimated from a random
    sample of ``n_sampled`` events, 200 000 at most, whose quantiles are right to 0.5 / √n_sampled of the events; equal
    events and ids are counted among those whose hashes fit into ``memory``.

    Parameters
    ----------
    X : array-like of shape (n_events, n_columns), point clouds, Bunch or EventSource
        Events; a data frame keeps its names and types. Point clouds are ``PointClouds``, an awkward array, a list of
        arrays, or the nodes of ``Graphs``. A Bunch of `load_events` brings ``y``, weights and ids along, and so does a
        source.
    y : array-like of shape (n_events,), default=None
        Classes (20 at most) or a regression target.
    sample_weight : array-like of shape (n_events,), default=None
        Event weights; negative ones are legal.
    groups : array-like of shape (n_events,), default=None
        Event ids: trends are searched along them, and duplicates across them.
    X_test : array-like of shape (n_test, n_columns), point clouds or Bunch, default=None
        Test events, to compare with.

    Returns
    -------
    DataReport
        Report with ``findings``, ``to_dict``, ``to_frame`` and ``to_html``; it prints as text.

    Raises
    ------
    ValueError
        ``X`` is not a table, or has no event or column; lengths or columns differ; labels are missing; weights are not
        usable; or something is given beside a source.

    See Also
    --------
    DataReport : The report that is returned.
    AutoScaler, OutlierClipper, MissingValueImputer : Remedies that a report names.

    References
    ----------
    .. [1] Lopez-Paz & Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import investigate
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.normal(size=500), np.full(500, 7.0)])
    >>> for finding in investigate(X).findings:
    ...     print(finding.kind, finding.columns, finding.meaning)
    constant ('x1',) x1 has the one value 7: it tells nothing.
    """
    if isinstance(X, EventSource):
        return _of_source(X, y=y, sample_weight=sample_weight, groups=groups, X_test=X_test)
    X, y, sample_weight, groups, names, origin = _unpack(X, y, sample_weight, groups)
    test = None if X_test is None else _read(_unpack(X_test, None, None, None)[0], names, "X_test")[1]
    return _report(X, y, sample_weight, groups, names, origin=origin, test=test)


def _of_source(source: EventSource, **given: Any) -> DataReport:
    if came := [name for name, one in given.items() if one is not None]:
        raise ValueError(
            f"investigate is given an EventSource, which carries target, weights and ids by itself, and "
            f"{', '.join(came)} came as well: say target=, weight= and event_id= in the source. To compare with test "
            "events, investigate(source.sample(100_000), X_test=...)."
        )
    events, entry_bytes = source.held()
    exact = None
    if events is None:
        exact = Exact(source.memory, _MOST_CLASSES)
        most = int(np.clip(source.memory / 8 / entry_bytes, _LEAST_SAMPLE, _SAMPLE))
        events = source.sample(most, look=exact.look)
    arguments = events.data, events.target, events.sample_weight, events.groups, events.feature_names
    return _report(*arguments, origin=repr(source), exact=exact)


def _report(
    X: Any,
    y: Any,
    sample_weight: Any,
    groups: Any,
    names: Any,
    *,
    origin: str = "",
    test: Table | None = None,
    exact: Exact | None = None,
) -> DataReport:
    """Make the report; where the events are a sample of a source, ``exact`` is what is known of all of its events."""
    X, events, particles, memory = _read(X, names, "X")
    n = events.values.shape[1]
    y = _of_events(y)
    weights = check_weights(mean_of_entries(sample_weight), n)
    ids = None if groups is None else check_ids(groups)
    if ids is not None and len(ids) != n:
        raise ValueError(f"groups has {len(ids)} entries, expected {n}: one event id per event.")
    codes, classes, target = _classes_of(y, n, weights, exact)
    duplicates = _duplicates_of(events, ids, test) if exact is None else exact.duplicates()
    n_ids = duplicates["n_ids"] if exact is None else duplicates["n_ids"] / exact.n * n
    of_all, of_columns = _associations(events, weights, codes, len(classes), target, groups, n_ids)

    def ends(level: str, i: int) -> tuple[float, float] | None:
        return None if exact is None else exact.extremes(level, i)

    columns = [
        describe(events, i, "event", weights, codes, len(classes), extremes=ends("event", i), **extra)
        for i, extra in enumerate(of_columns)
    ]
    n_particles = 0
    if particles is not None:
        counts = np.diff(X.offsets)
        n_particles = int(counts.sum())
        of_particles = None if weights is None else np.repeat(weights, counts)
        arguments = "particle", of_particles, np.repeat(codes, counts), len(classes)
        columns += [
            describe(particles, i, *arguments, extremes=ends("particle", i)) for i in range(len(particles.names))
        ]
    report = DataReport(
        origin=origin,
        n_events=n,
        n_particles=n_particles,
        memory_bytes=memory,
        columns=columns,
        other_columns={name: str(column.dtype) for name, column in events.other.items()},
        repeated_names=events.repeated + (particles.repeated if particles is not None else []),
        event_names=events.names,
        classes=classes,
        weights=_weights_of(weights),
        missing_patterns=_patterns_of(events),
        equal_columns=_equal_columns(events),
        duplicates=duplicates,
        test_shift=_shift_of(events, test),
        **of_all,
    )
    if exact is not None:
        report.n_sampled = n
        exact.correct(report)
    report.findings = find(report)
    return report
