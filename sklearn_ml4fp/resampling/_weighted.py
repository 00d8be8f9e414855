"""Samplers of imbalanced-learn, for weighted events."""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from imblearn.utils import check_sampling_strategy, check_target_type
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import label_binarize
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from .._compat import HasMethods, num_samples
from .._missing import check_array, column_or_1d
from .._optional import needs
from .._params import hp
from .._protocols import EventResampler, methods_of
from .._roles import columns_for, is_position
from .._sampler import Events, Sampler
from .._validation import check_class_weights

_INTERPOLATING = {SMOTE: "k_neighbors", BorderlineSMOTE: "k_neighbors", ADASYN: "n_neighbors"}
_BLIND = (RandomOverSampler, RandomUnderSampler)  # these choose by class alone


class FeatureNeighbors(NearestNeighbors):
    """Nearest neighbours by all columns but the last, which holds the event weight."""

    def fit(self, X: Any, y: Any = None) -> FeatureNeighbors:
        """Index the events ``(n_events, n_features + 1)``."""
        fitted: FeatureNeighbors = super().fit(X[:, :-1])
        return fitted

    def kneighbors(self, X: Any = None, n_neighbors: Any = None, return_distance: bool = True) -> Any:
        """Find the neighbours of events ``(n_events, n_features + 1)``."""
        return super().kneighbors(None if X is None else X[:, :-1], n_neighbors, return_distance)


def _like(given: Any, array: np.ndarray) -> Any:
    """Convert an array to the container and types of another; NaN in a column of integers marks a missing value."""
    if isinstance(given, list):
        return array.tolist()
    if not hasattr(given, "columns"):
        return needs("pandas").Series(array, dtype=given.dtype, name=given.name) if hasattr(given, "iloc") else array
    table = array.reshape(len(array), -1)
    types = list(given.dtypes)
    integers = [i for i, dtype in enumerate(types) if "int" in str(dtype).lower()]
    if integers and table.dtype.kind == "f":  # nullable types refuse to cut the decimals off
        table = table.copy()
        table[:, integers] = np.trunc(table[:, integers])
    if hasattr(given, "iloc"):
        return needs("pandas").DataFrame(table, columns=given.columns).astype(given.dtypes)
    frame = needs("polars").DataFrame(table, schema=list(given.columns), orient="row")
    frame = frame.with_columns(frame[given.columns[i]].fill_nan(None) for i in integers)
    return frame.cast(dict(given.schema))


def _numbers_of(columns: Any, X: Any) -> list[int]:
    """Find the positions of the azimuths; the word phi alone may find none."""
    names, n = [str(name) for name in getattr(X, "columns", ())], np.shape(X)[1]
    if columns == "phi":
        return columns_for(names, columns)
    found: list[int] = []
    for one in [columns] if isinstance(columns, str) else columns:
        numbers = columns_for(names, one) if isinstance(one, str) else [one] if is_position(one, n) else []
        if not numbers:
            raise ValueError(f"phi_columns names {one!r}, expected columns of X: {names or f'0 to {n - 1}'}.")
        found += numbers
    return list(dict.fromkeys(found))


def _shares(counts: np.ndarray, total: int) -> np.ndarray:
    """Divide ``total`` in proportion to ``counts``, in whole numbers: the largest remainders get one more."""
    exact = total * counts / counts.sum()
    parts = np.floor(exact).astype(int)
    parts[np.argsort(parts - exact, kind="stable")[: total - parts.sum()]] += 1
    return parts


class WeightedSampler(Sampler):
    """Make a sampler of imbalanced-learn aware of event weights, event ids and missing values.

    Samplers that choose events (random over- and undersampling, and all others with ``sample_indices_``) choose rows.
    Random ones do not look at the rows, which may hold NaN or be point clouds. Each chosen event keeps its weight and
    its id. Samplers that make events on the line between two events of a class (SMOTE, BorderlineSMOTE, ADASYN) place
    the weight on the same line: w = (1 − λ) w₁ + λ w₂ with the λ of the event. Neighbours are searched by the features
    alone.

    **Sums of weights.** After resampling, the weights of each class are multiplied by a common factor, so that they
    average to the mean weight Σw/n before resampling. The sums of weights of the classes are then in the ratio of their
    numbers of events, equal for a balanced strategy, and weights of one stay one. Within a class, weights keep their
    ratios.

    **Angles.** An azimuth in ``phi_columns`` (rad) is turned into its cosine and sine, also for the distance, and back:
    an event between 3.1 and −3.1 lies near π and not near 0.

    **Missing values.** The two parents of SMOTE's events miss the same values, and so does the event; each pattern gets
    its share of the new events. The neighbours' classes, on which BorderlineSMOTE and ADASYN build, would be of another
    pattern: they refuse NaN.

    Negative weights are refused: an event that is chosen without its counter-event biases every sum.

    See Also
    --------
    Resampled : Use a sampler in a Pipeline.
    NeighbourInterpolation : New events near every event.

    References
    ----------
    Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16 (2002) 321.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn.over_sampling import SMOTE
    >>> from sklearn_ml4fp import WeightedSampler
    >>> rng = np.random.default_rng(0)
    >>> X, y, w = rng.normal(size=(100, 2)), np.repeat([0, 1], [90, 10]), rng.uniform(1, 3, 100)
    >>> sampler = WeightedSampler(sampler=SMOTE(random_state=0))
    >>> X_new, y_new, w_new = sampler.fit_resample(X, y, sample_weight=w)
    >>> bool(np.isclose(w_new[y_new == 0].sum(), w_new[y_new == 1].sum()))
    True
    """

    sampler: Any = hp(
        None,
        valid=(HasMethods(methods_of(EventResampler)), None),
        doc="Sampler of imbalanced-learn; the default is random oversampling.",
    )
    phi_columns: Any = hp(
        "phi",
        valid=(str, tuple, list),
        doc="Azimuths (rad): a word for all columns of a table that end so, or names and numbers; () for none.",
    )

    def _resample(self, events: Events) -> tuple[Events, np.ndarray]:
        sampler = RandomOverSampler() if self.sampler is None else clone(self.sampler)
        if events.y is None:
            raise ValueError("WeightedSampler expected classes y, got None: it balances classes.")
        if np.ndim(events.y) == 1:
            column_or_1d(events.y)  # refuses missing labels
        check_classification_targets(events.y)
        y, one_hot = check_target_type(events.y, indicate_one_vs_all=True)
        labels, codes = np.unique(y := np.asarray(y), return_inverse=True)
        weights = events.sample_weight
        if weights is not None and (weights < 0).any():
            raise ValueError(
                f"sample_weight has {int((weights < 0).sum())} negative values: expected none in resampling, where an "
                "event may be chosen without its counter-event. Use class_weight='balanced', which is exact for them."
            )
        check_class_weights(codes, weights, labels)
        if type(sampler) in _INTERPOLATING:
            new, y_new = self._interpolate(sampler, events, y)
            index = np.r_[np.arange(len(y)), np.full(len(y_new) - len(y), -1)]
            new = new._replace(y=_like(events.y, label_binarize(y_new, classes=labels) if one_hot else y_new))
        else:
            index = _choose(sampler, events.X, y)
            new, y_new = events.rows(index), y[index]
        self.sampling_strategy_ = sampler.sampling_strategy_
        if weights is not None:
            codes = np.searchsorted(labels, y_new)
            means = np.bincount(codes, new.sample_weight, len(labels)) / np.bincount(codes, None, len(labels)).clip(1)
            new = new._replace(sample_weight=new.sample_weight * (weights.mean() / means)[codes])
        return new, index

    def _interpolate(self, sampler: Any, events: Events, y: np.ndarray) -> tuple[Events, np.ndarray]:
        """Append new events, and return all labels as well."""
        name, invented = type(sampler).__name__, _INTERPOLATING[type(sampler)]
        if events.groups is not None:
            raise ValueError(
                f"groups cannot be carried through {name}: its events stem from two each. Split by event id before, as "
                "Resampled does, and leave groups out here."
            )
        if not isinstance(k := getattr(sampler, invented), int | np.integer):
            raise ValueError(f"{name} expected a number as {invented}, got {k!r}.")
        dense = np.asarray(events.X) if hasattr(events.X, "iloc") else events.X  # a frame may have sparse columns
        X: Any = check_array(dense, dtype=np.float64, ensure_all_finite="allow-nan", estimator=self)
        n, phi = len(X), _numbers_of(self.phi_columns, events.X)
        w = np.ones(n) if events.sample_weight is None else events.sample_weight
        table = np.column_stack([np.delete(X, phi, axis=1), np.cos(X[:, phi]), np.sin(X[:, phi]), w])
        if np.isnan(table).any():
            made, y_made = _by_pattern(sampler, table, y, int(k))
        else:
            both, y_both = sampler.set_params(**_neighbours(sampler, invented, int(k))).fit_resample(table, y)
            made, y_made = both[n:], y_both[n:]
        rest = X.shape[1] - len(phi)
        new = np.empty((len(made), X.shape[1]))
        new[:, np.setdiff1d(np.arange(X.shape[1]), phi)] = made[:, :rest]
        angles = np.arctan2(made[:, rest + len(phi) : -1], made[:, rest : rest + len(phi)])
        full_turn = np.all(~(X[:, phi] < 0), axis=0)  # from 0 to 2π, like the given angles
        new[:, phi] = np.where(full_turn, angles % (2 * np.pi), angles)
        array = np.asarray(dense)
        array = X if array.dtype.kind == "O" else array  # nullable types
        rows = np.concatenate([array, new.astype(array.dtype if array.dtype.kind == "f" else np.float64)])
        weight = None if events.sample_weight is None else np.concatenate([w, made[:, -1]])
        return Events(_like(events.X, rows), None, weight, None), np.concatenate([y, y_made])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.string = self.sampler is None or isinstance(self.sampler, _BLIND)
        tags.input_tags.allow_nan = tags.input_tags.string or type(self.sampler) is SMOTE
        return tags


def _choose(sampler: Any, X: Any, y: np.ndarray) -> np.ndarray:
    """Return the numbers of the events that a sampler chooses; random samplers do not look at the events."""
    if getattr(sampler, "shrinkage", None) is not None:
        raise ValueError("RandomOverSampler(shrinkage=...) moves events; expected None. Use Smear to move them.")
    sampler.fit_resample(np.arange(num_samples(X))[:, None] if isinstance(sampler, _BLIND) else X, y)
    if not hasattr(sampler, "sample_indices_"):
        known = ", ".join(sorted(one.__name__ for one in _INTERPOLATING))
        raise ValueError(
            f"{type(sampler).__name__} does not tell which events it made new ones from: expected a sampler with "
            f"sample_indices_, or one of {known}."
        )
    return np.asarray(sampler.sample_indices_)


def _by_pattern(sampler: Any, table: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Apply SMOTE to the events of one class that miss the same values."""
    if type(sampler) is not SMOTE:
        raise ValueError(
            f"{type(sampler).__name__} compares neighbours of different classes: expected no NaN. Fill them "
            "(MissingValueImputer), or use SMOTE."
        )
    rng = check_random_state(sampler.random_state)
    wanted = sampler.sampling_strategy_ = check_sampling_strategy(sampler.sampling_strategy, y, "over-sampling")
    missing = np.isnan(table)
    pattern = np.unique(missing, axis=0, return_inverse=True)[1].ravel()
    made, labels = [np.empty((0, table.shape[1]))], [y[:0]]
    for label, total in wanted.items():
        of_class = np.flatnonzero(y == label)
        counts = np.bincount(pattern[of_class])
        for code, size in enumerate(_shares(counts, total)):
            rows = of_class[pattern[of_class] == code]
            if size:
                there = ~missing[rows[0]]
                block = np.full((size, table.shape[1]), np.nan)
                block[:, there] = _smote(table[np.ix_(rows, there)], int(size), k, rng)
                made.append(block)
                labels.append(np.full(size, label, dtype=y.dtype))
    return np.concatenate(made), np.concatenate(labels)


def _neighbours(sampler: Any, invented: str, k: int) -> dict[str, Any]:
    """Make the neighbour searches of a sampler, without the weight; an event counts as its own first neighbour."""
    found: dict[str, Any] = {invented: FeatureNeighbors(n_neighbors=k + 1)}
    if isinstance(sampler, BorderlineSMOTE):
        found["m_neighbors"] = FeatureNeighbors(n_neighbors=int(sampler.m_neighbors) + 1)
    return found


def _smote(rows: np.ndarray, size: int, k: int, rng: np.random.RandomState) -> np.ndarray:
    """Make ``size`` new events between the rows of one class and pattern; a single row is repeated."""
    n = len(rows)
    if n == 1 or rows.shape[1] == 1:  # no neighbour, or no feature
        return rows[rng.randint(n, size=size)]
    smote = SMOTE(
        sampling_strategy={0: n + size},
        k_neighbors=FeatureNeighbors(n_neighbors=min(k, n - 1) + 1),
        random_state=rng,
    )
    # SMOTE ignores other classes, but needs one
    both, _ = smote.fit_resample(np.vstack([rows, rows[:1]]), np.r_[np.zeros(n, int), 1])
    return both[n + 1 :]
