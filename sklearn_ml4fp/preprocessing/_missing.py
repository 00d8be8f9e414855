"""Missing values: fill them with weighted statistics, or drop the columns that hold too many."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import FLOAT_DTYPES, check_is_fitted

from .._compat import Interval, StrOptions, check_feature_names_in
from .._distributions import weighted_quantile
from .._missing import MISSING_VALUES, ReadsMissing, check_array, marked, validate_data
from .._params import Declared, hp
from .._roles import columns_for, the_one
from .._validation import check_weights
from ._from_sources import Chunks, takes_sources
from ._scaling import column_names


def _mode(values: np.ndarray, weights: np.ndarray | None) -> float:
    """Find the value with the greatest sum of weights; the least of several."""
    unique, codes = np.unique(values, return_inverse=True)
    return float(unique[np.bincount(codes, weights=weights).argmax()])


def _statistic(values: np.ndarray, weights: np.ndarray | None, strategy: str) -> float:
    if strategy == "median":
        return float(weighted_quantile(values, 0.5, weights))
    if strategy == "mode":
        return _mode(values, weights)
    return float(np.average(values, weights=weights))


@takes_sources
class MissingValueImputer(TransformerMixin, Declared, BaseEstimator):
    """Fill missing values column by column: NaN, None, NA, null, masked values, and numbers that mark them.

    - ``"mean"``, ``"median"``, ``"mode"``: of the column's weighted events;
    - ``"interpolation"``: linear between the neighbours along another column, such as a time or a position: the
      weighted mean of the events of ``fit`` at each of its values, the ends kept constant beyond;
    - ``"constant"``: ``fill_value`` for every column;
    - ``"none"``: nothing is filled, for models that take NaN: the numbers of ``missing_values`` become NaN.

    Each event is filled by itself, from what was learned in ``fit``: the result does not depend on the other events in
    the call. Where a network can mask (absent jets in a point cloud), no filling is needed.

    Of an `EventSource` that exceeds its memory ``median``, ``mode`` and ``interpolation`` are learned from a random
    sample of events (``n_sampled_``), the rest from all of them.

    See Also
    --------
    DropMissingColumns : Drop columns that are mostly missing.
    DropMissingRows : Leave events out of the training.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import MissingValueImputer
    >>> X = np.array([[1.0], [2.0], [np.nan]])
    >>> MissingValueImputer(add_indicator=True).fit(X, sample_weight=[3, 1, 1]).transform(X)
    array([[1.  , 0.  ],
           [2.  , 0.  ],
           [1.25, 1.  ]])
    """

    strategy: str = hp(
        "mean",
        valid=StrOptions({"mean", "median", "mode", "interpolation", "constant", "none"}),
        choices=("mean", "median", "mode", "constant"),  # interpolation fails without ``along``, many models on NaN
        doc="How missing values are filled.",
    )
    fill_value: float = hp(
        0.0,
        valid=Interval(Real, None, None, closed="neither"),
        doc="The value of the strategy constant; often 0 or −1.",
    )
    missing_values: Any = MISSING_VALUES
    along: Any = hp(
        None,
        valid=(str, Interval(Integral, 0, None, closed="left"), None),
        doc="Name or number of the column along which ``interpolation`` goes.",
    )
    add_indicator: bool = hp(
        False,
        valid="boolean",
        choices=(False, True),
        doc="Whether a column of 0 and 1 is appended for each column with missing values in ``fit``.",
    )

    _attributes_doc = """
        Attributes
        ----------
        statistics_ : ndarray of shape (n_features,)
            What fills each column, NaN for none; for interpolation where the column along which it goes is missing
            itself.
        curves_ : dict of int to (ndarray, ndarray)
            For interpolation, the positions and values of each column.
        indicated_ : ndarray of int
            Numbers of the columns that get an indicator.
        n_features_in_ : int
            Number of columns.
        feature_names_in_ : ndarray of str
            Names of the columns, where ``X`` has them.
        n_sampled_ : int
            Number of events of the sample, where one was taken.
    """
    __metadata_request__fit = {"sample_weight": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the filling of each column.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; negative ones are legal.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            A column has no value, or its values have no positive sum of weights; ``along`` is not usable.
        """
        self._validate_params()
        X = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan")
        X = marked(X, self.missing_values)
        weights = check_weights(sample_weight, len(X))
        if weights is not None and not weights.all():
            X, weights = X[weights != 0], weights[weights != 0]
        missing = np.isnan(X)
        if self._learns_no_value(missing.any(axis=0)):
            return self
        self._check_values((~missing).sum(axis=0) if weights is None else weights @ ~missing)
        kept = [(x[~m], None if weights is None else weights[~m]) for x, m in zip(X.T, missing.T, strict=True)]
        self.statistics_ = np.array([_statistic(*column, self.strategy) for column in kept])
        if self.strategy == "interpolation":
            self._along = self._index_of_along()
            self._learn_curves(X, missing, weights)
        return self

    def _learns_no_value(self, missing: np.ndarray) -> bool:
        """Note in which columns something is missing; return whether that is all that is learned."""
        self.indicated_ = np.flatnonzero(missing) if self.add_indicator else np.array([], dtype=int)
        self.curves_: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        if self.strategy not in ("constant", "none"):
            return False
        filled = self.fill_value if self.strategy == "constant" else np.nan
        self.statistics_ = np.full(len(missing), float(filled))
        return True

    def _learn_from(self, chunks: Chunks) -> None:
        self._validate_params()
        chunks = chunks.changed(lambda X, y, weights: (marked(X, self.missing_values), y, weights))
        if self.strategy in ("median", "mode", "interpolation"):
            survey, sample = chunks.sampled()
            self.fit(sample.X, sample_weight=sample.weights)
            self.indicated_ = np.flatnonzero(survey.missing) if self.add_indicator else self.indicated_
            self.n_sampled_ = len(sample)
            return
        survey = chunks.surveyed()
        validate_data(self, survey.row, ensure_all_finite="allow-nan")
        if not self._learns_no_value(survey.missing):
            self._check_values(survey.weights)
            self.statistics_ = survey.moments()[0]

    def _check_values(self, sums: np.ndarray) -> None:
        """Refuse a column whose values have no positive sum of weights."""
        if (sums > 0).all():
            return
        names = [name for name, total in zip(column_names(self), sums, strict=True) if not total > 0]
        raise ValueError(
            f"The columns {names} have no values, or none with a positive sum of weights: expected some to learn the "
            f"{self.strategy} from. Drop them with DropMissingColumns, or use strategy='constant'."
        )

    def _index_of_along(self) -> int:
        names = [str(name) for name in column_names(self)]
        index = self.along
        if isinstance(index, str) and (found := columns_for(names, index)):
            index = the_one(names, found, index, "Give its full name in along.")
        if not isinstance(index, Integral) or isinstance(index, bool) or not 0 <= int(index) < len(names):
            raise ValueError(
                f"strategy='interpolation' expected along= to name the column that orders the events, one of {names} "
                f"or its number, got {self.along!r}."
            )
        return int(index)

    def _learn_curves(self, X: np.ndarray, missing: np.ndarray, weights: np.ndarray | None) -> None:
        for i in range(X.shape[1]):
            there = ~missing[:, i] & ~missing[:, self._along]
            if i == self._along or not there.any():
                continue
            at, codes = np.unique(X[there, self._along], return_inverse=True)
            w = np.ones(there.sum()) if weights is None else weights[there]
            sums = np.bincount(codes, weights=w)
            usable = sums > 0  # at one position negative weights may outweigh the others
            means = np.bincount(codes, weights=w * X[there, i])[usable] / sums[usable]
            if usable.any():
                self.curves_[i] = at[usable].astype(np.float64), means

    def transform(self, X: Any) -> np.ndarray:
        """Fill the missing values.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.

        Returns
        -------
        ndarray of shape (n_events, n_features + n_indicators)
            In the floating-point type of ``X``; without NaN, but for the strategy none.
        """
        check_is_fitted(self, "statistics_")
        X = validate_data(
            self,
            X,
            dtype=FLOAT_DTYPES,
            ensure_all_finite="allow-nan",
            ensure_min_samples=0,
            reset=False,
            copy=True,
        )
        X = marked(X, self.missing_values)
        missing = np.isnan(X)
        indicators = missing[:, self.indicated_].astype(X.dtype)
        position = X[:, self._along].copy() if self.curves_ else None
        for i in np.flatnonzero(missing.any(axis=0)).tolist():
            X[missing[:, i], i] = self.statistics_[i]
            if position is not None and i in self.curves_:
                rows = missing[:, i] & ~np.isnan(position)
                X[rows, i] = np.interp(position[rows], *self.curves_[i])
        return np.hstack([X, indicators]) if self.add_indicator else X

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : array-like of str or None
            Names of the input columns; by default those of ``fit``.

        Returns
        -------
        ndarray of str
            Names of the columns, and ``missingindicator_<name>`` for each indicator.
        """
        check_is_fitted(self, "statistics_")
        names = check_feature_names_in(self, input_features)
        return np.r_[names, np.array([f"missingindicator_{names[i]}" for i in self.indicated_], dtype=object)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


@takes_sources
class DropMissingColumns(ReadsMissing, SelectorMixin, Declared, BaseEstimator):
    """Drop the columns in which too large a share of the events has no value.

    Missing values are NaN, None, NA, null, masked values, and the numbers of ``missing_values``. In columns that are
    kept they stay unchanged. The share is Σw over the events without a value, divided by Σw over all events.

    See Also
    --------
    MissingValueImputer : Fill missing values.
    DropMissingRows : Leave events out of the training.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import DropMissingColumns
    >>> X = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, 4.0]])
    >>> DropMissingColumns(max_missing=0.5).fit_transform(X).ravel()
    array([1., 2., 3.])
    """

    max_missing: float = hp(
        0.5,
        valid=Interval(Real, 0, 1, closed="both"),
        search=(0.0, 1.0),
        doc="Largest share of missing values with which a column is kept.",
    )
    missing_values: Any = MISSING_VALUES

    _attributes_doc = """
        Attributes
        ----------
        missing_fraction_ : ndarray of shape (n_features,)
            Weighted share of events without a value.
        n_features_in_ : int
            Number of columns.
        feature_names_in_ : ndarray of str
            Names of the columns, where ``X`` has them.
    """
    __metadata_request__fit = {"sample_weight": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the share of missing values of each column.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; negative ones are legal.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            No column would be left.
        """
        self._validate_params()
        X = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan")
        weights = check_weights(sample_weight, len(X))
        missing = np.isnan(marked(X, self.missing_values))
        self.missing_fraction_ = missing.mean(axis=0) if weights is None else weights @ missing / weights.sum()
        self._check_kept()
        return self

    def _learn_from(self, chunks: Chunks) -> None:
        self._validate_params()
        survey = chunks.changed(lambda X, y, weights: (marked(X, self.missing_values), y, weights)).surveyed()
        validate_data(self, survey.row, ensure_all_finite="allow-nan")
        self.missing_fraction_ = 1 - survey.weights / survey.total
        self._check_kept()

    def _check_kept(self) -> None:
        if not self._get_support_mask().any():
            raise ValueError(
                f"Every column misses more than max_missing={self.max_missing:g} of its values (the best one "
                f"{self.missing_fraction_.min():.3g}): expected one to keep. Raise max_missing, or fill the values."
            )

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Put the kept columns back in their places, with NaN in those that were dropped.

        Parameters
        ----------
        X : array-like of shape (n_events, n_kept)
            Events after `transform`.

        Returns
        -------
        ndarray of shape (n_events, n_features)
            In the floating-point type of ``X``.
        """
        support = self.get_support()
        X = check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", ensure_min_samples=0)
        if X.shape[1] != support.sum():
            raise ValueError(f"X has {X.shape[1]} columns, expected the {support.sum()} that `transform` gives.")
        result = np.full((len(X), len(support)), np.nan, dtype=X.dtype)
        result[:, support] = X
        return result

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self, "missing_fraction_")
        # the quotient of two sums of weights rounds
        return self.missing_fraction_ <= self.max_missing + 1e-12

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
