"""Scaler that picks the scaling of each column by its distribution."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import FLOAT_DTYPES, check_is_fitted

from .._distributions import Shape, shape_of, suitable_scaling
from .._missing import check_array, validate_data
from .._params import Declared, hp
from .._validation import check_weights
from ._from_sources import Chunks, Survey, takes_sources
from ._log_scaler import LogScaler
from ._scaling import MinMaxScaler, ZScoreScaler, column_names

# Number of rows that are scaled at a time: the columns of one kind are gathered from a part that fits into the cache.
_ROWS = 16384
_MAKE: dict[str, Any] = {
    "min-max": MinMaxScaler,
    "z-score": ZScoreScaler,
    # a zero in later events must not be an error if fit happened to see none
    "log": partial(LogScaler, offset="always"),
    "symlog": partial(LogScaler, method="symlog"),
}


@takes_sources
class AutoScaler(OneToOneFeatureMixin, TransformerMixin, Declared, BaseEstimator):
    """Pick for each column the scaling that suits its distribution, and say which and why.

    Uniform columns, constants and flags are scaled to (−1, 1) by `MinMaxScaler`; columns that span orders of magnitude
    by `LogScaler` (its symmetric logarithm where both signs occur); all others to mean 0 and variance 1 by
    `ZScoreScaler`. The choice rests on weighted quantiles, which a few outliers do not move: a tail is long where the
    95 % quantile lies at least three times as far from the median as the 75 % quantile (2.4 times for a Gaussian, 3.3
    for an exponential), and a column is flat where its range is at most three interquartile ranges (2 for a uniform).
    For the choice, negative weights count by their size, so that it does not change with cancellations in small
    samples; means and variances are signed sums.

    Of an `EventSource` that exceeds its memory the quantiles are those of a random sample of events (``n_sampled_``),
    and the rest is learned from all of them.

    See Also
    --------
    MinMaxScaler, LogScaler, ZScoreScaler : The scalers that it chooses from.
    investigate : A report that names the same scalings.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import AutoScaler
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.uniform(size=1000), rng.lognormal(size=1000), rng.normal(size=1000)])
    >>> scaler = AutoScaler().fit(X)
    >>> scaler.scalings_.tolist()
    ['min-max', 'log', 'z-score']
    """

    verbose: bool = hp(False, valid="boolean", doc="Whether ``fit`` prints what it picked, and why.")

    _attributes_doc = """
        Attributes
        ----------
        scalings_ : ndarray of str, shape (n_features,)
            The choice for each column: min-max, log, symlog or z-score.
        reasons_ : ndarray of str, shape (n_features,)
            What in the column's distribution speaks for it.
        scalers_ : dict of str to transformer
            The fitted scaler of each kind, for the columns of that kind.
        n_features_in_ : int
            Number of columns.
        feature_names_in_ : ndarray of str
            Names of the columns, where ``X`` has them.
        n_sampled_ : int
            Number of events from which the choice was made, of a source that exceeds its memory.
    """
    __metadata_request__fit = {"sample_weight": True}  # noqa: RUF012
    __metadata_request__partial_fit = {"sample_weight": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Pick the scalings and fit them.

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
            The fitted scaler.

        Raises
        ------
        ValueError
            Weights are not usable, or leave a column without a positive variance.
        """
        self.__dict__.pop("scalers_", None)
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Update the scalers by another part of the data; the first part makes the choice. Parameters as in `fit`."""
        first = not hasattr(self, "scalers_")
        if first:
            self._validate_params()
        X = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", reset=first)
        weights = check_weights(sample_weight, len(X))
        if first:
            # in small samples, quantiles by signed sums jump with each cancellation
            sizes = None if weights is None else np.abs(weights)
            self._choose([shape_of(column, sizes) for column in X.T])
        for kind, scaler in self.scalers_.items():
            scaler.partial_fit(X[:, self.scalings_ == kind], sample_weight=weights)
        return self

    def _choose(self, shapes: list[Shape]) -> None:
        choices = [suitable_scaling(shape) for shape in shapes]
        self.scalings_ = np.array([kind for kind, _ in choices])
        self.reasons_ = np.array([reason for _, reason in choices])
        self.scalers_ = {kind: _MAKE[kind]() for kind in np.unique(self.scalings_).tolist()}
        names = column_names(self)
        for kind, scaler in self.scalers_.items():  # for their errors: they see parts of X
            scaler._columns = [names[i] for i in np.flatnonzero(self.scalings_ == kind)]
        if self.verbose:
            for name, (kind, reason) in zip(names, choices, strict=True):
                print(f"{name}: {kind} ({reason})")  # noqa: T201

    def _learn_from(self, chunks: Chunks) -> None:
        self._validate_params()
        survey, sample = chunks.sampled()
        validate_data(self, survey.row, ensure_all_finite="allow-nan")
        sizes = None if sample.weights is None else np.abs(sample.weights)
        extremes = zip(sample.X.T, survey.least.tolist(), survey.most.tolist(), strict=True)
        self._choose([shape_of(column, sizes)._replace(low=low, high=high) for column, low, high in extremes])
        self.n_sampled_ = len(sample)
        logarithms = {}
        for kind, scaler in self.scalers_.items():
            mine = self.scalings_ == kind
            if isinstance(scaler, LogScaler):
                validate_data(scaler, survey.row[:, mine], ensure_all_finite="allow-nan")
                scaler._begin(survey.of(mine), sample.of(mine) if kind == "symlog" else None)
                logarithms[kind] = Survey()
            else:
                scaler._from_survey(survey.of(mine))
        for X, weights in chunks.rows() if logarithms else ():
            for kind, logs in logarithms.items():
                logs.add(self.scalers_[kind]._log(X[:, self.scalings_ == kind]), weights)
        for kind, logs in logarithms.items():
            self.scalers_[kind]._end(logs)

    def transform(self, X: Any) -> np.ndarray:
        """Scale events.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.

        Returns
        -------
        ndarray of shape (n_events, n_features)
            In the floating-point type of ``X``.

        Raises
        ------
        ValueError
            A negative value in a column that gets a logarithm (`LogScaler`, of columns that had none in ``fit``); a
            zero is none.
        """
        check_is_fitted(self, "scalers_")
        X = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", ensure_min_samples=0, reset=False)
        return self._by_kind(X, "transform")

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Undo `transform`.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Scaled events.

        Returns
        -------
        ndarray of shape (n_events, n_features)
            In the unit of the columns.
        """
        check_is_fitted(self, "scalers_")
        X = check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", ensure_min_samples=0)
        return self._by_kind(X, "inverse_transform")

    def _by_kind(self, X: np.ndarray, method: str) -> np.ndarray:
        result = np.empty_like(X)
        chosen = {kind: np.flatnonzero(self.scalings_ == kind) for kind in self.scalers_}
        for start in range(0, len(X), _ROWS):
            rows = slice(start, start + _ROWS)
            for kind, scaler in self.scalers_.items():
                result[rows, chosen[kind]] = getattr(scaler, method)(X[rows, chosen[kind]])
        return result

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
