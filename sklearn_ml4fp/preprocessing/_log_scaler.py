"""Scaler that takes the logarithm of columns, with event weights."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import FLOAT_DTYPES, check_is_fitted

from .._compat import Interval, StrOptions
from .._distributions import weighted_quantile
from .._missing import check_array, validate_data
from .._params import Declared, hp
from .._row_sample import Rows
from .._validation import check_weights
from ._from_sources import Chunks, Survey, takes_sources
from ._scaling import ZScoreScaler, column_names

# A zero that was scaled and back in float32 is off by some 20 roundings of 6e-8 of the offset: no negative value.
_ROUNDED_ZERO = 1e-5


@takes_sources
class LogScaler(OneToOneFeatureMixin, TransformerMixin, Declared, BaseEstimator):
    """Take the logarithm of each column, and scale it to weighted mean zero and variance one.

    For columns that span orders of magnitude, such as energies and transverse momenta:

    - ``"log"``: log(x + offset);
    - ``"log1p"``: log(1 + x);
    - ``"symlog"``: ±log(1 + abs(x)/s) with the sign of x, for columns with both signs: linear near zero, with s the
      weighted median of abs(x) where x is not zero.

    NaN passes through. Offsets and s are learned in the first call of ``partial_fit``, means and variances in all. Of
    an `EventSource` that exceeds its memory, s is learned from a random sample (``n_sampled_``), the rest from all
    events.

    See Also
    --------
    AutoScaler : Choose a scaler per column.
    ZScoreScaler, MinMaxScaler : Other scalings.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import LogScaler
    >>> pt = np.array([[1.0], [10.0], [100.0]])
    >>> LogScaler(standardize=False).fit_transform(pt).ravel().round(2)
    array([0.  , 2.3 , 4.61])
    """

    method: str = hp("log", choices=("log", "log1p", "symlog"), doc="Kind of logarithm.")
    offset: float | str = hp(
        "zeros",
        valid=(Interval(Real, 0, None, closed="left"), StrOptions({"zeros", "always"})),
        doc="Offset that is added before ``log``: a number in the unit of the columns; ``zeros`` is half of the least "
        "positive value for columns that hold a zero, else nothing; ``always`` is that half for every column. The "
        "half makes room for zeros only: negative values stay an error.",
    )
    standardize: bool = hp(True, valid="boolean", doc="Whether the logarithms are scaled to mean 0 and variance 1.")

    _attributes_doc = """
        Attributes
        ----------
        offset_ : ndarray of shape (n_features,)
            What is added before ``log``; one for ``log1p``.
        linear_ : ndarray of shape (n_features,)
            The s of ``symlog``; one for the others.
        mean_, scale_ : ndarray of shape (n_features,)
            Weighted mean and standard deviation of the logarithms; 0 and 1 without ``standardize``.
        n_features_in_ : int
            Number of columns.
        feature_names_in_ : ndarray of str
            Names of the columns, where ``X`` has them.
        n_sampled_ : int
            Number of events from which ``linear_`` was learned, of a source that exceeds its memory; for ``symlog``.
    """
    __metadata_request__fit = {"sample_weight": True}  # noqa: RUF012
    __metadata_request__partial_fit = {"sample_weight": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn offsets, means and variances.

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
            Values lie outside the domain of the logarithm, or weights are not usable.
        """
        self._validate_params()
        if hasattr(self, "_standard"):
            del self._standard
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Update the means and variances of the logarithms by another part of the data; parameters as in `fit`."""
        first = not hasattr(self, "_standard")
        if first:
            self._validate_params()
        X = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", reset=first)
        weights = check_weights(sample_weight, len(X))
        if first:
            self._learn(X, weights)
        logarithms = self._log(X)
        if self.standardize:
            self._standard.partial_fit(logarithms, sample_weight=weights)
            self.mean_, self.scale_ = self._standard.mean_, self._standard.scale_
        else:
            self.mean_, self.scale_ = np.zeros(X.shape[1]), np.ones(X.shape[1])
        return self

    def _learn(self, X: np.ndarray, weights: np.ndarray | None) -> None:
        if weights is not None and not weights.all():
            X, weights = X[weights != 0], weights[weights != 0]
        self.linear_, self.offset_ = np.ones(X.shape[1]), np.ones(X.shape[1])
        if self.method == "symlog":
            size = np.abs(X)
            for i, column in enumerate(size.T):
                there = column > 0  # and not NaN
                middle = weighted_quantile(column[there], 0.5, None if weights is None else weights[there])
                self.linear_[i] = middle if np.isfinite(middle) else 1.0
        elif self.method == "log":
            if isinstance(self.offset, Real):
                self.offset_ *= float(self.offset)
            else:
                self.offset_ = self._offsets(X)
        self._standard = ZScoreScaler()
        self._standard._columns = column_names(self)  # for its errors: it sees arrays

    def _learn_from(self, chunks: Chunks) -> None:
        self._validate_params()
        if self.method == "symlog":
            survey, sample = chunks.sampled()
            self.n_sampled_ = len(sample)
        else:
            survey, sample = chunks.surveyed(), None
        validate_data(self, survey.row, ensure_all_finite="allow-nan")
        self._begin(survey, sample)
        logarithms = Survey()
        for X, weights in chunks.rows() if self.standardize else ():
            logarithms.add(self._log(X), weights)
        self._end(logarithms)

    def _begin(self, survey: Survey, sample: Rows | None) -> None:
        """Learn what the logarithms need, from the extremes of all events, or from a sample."""
        extremes = np.stack([survey.least, survey.least_positive])
        self._learn(extremes if sample is None else sample.X, None if sample is None else sample.weights)
        self._log(extremes)  # are all events in its domain?

    def _end(self, logarithms: Survey) -> None:
        if self.standardize:
            self._standard._from_survey(logarithms)
            self.mean_, self.scale_ = self._standard.mean_, self._standard.scale_
        else:
            self.mean_, self.scale_ = np.zeros(self.n_features_in_), np.ones(self.n_features_in_)

    def _offsets(self, X: np.ndarray) -> np.ndarray:
        """Return half of the least positive value of each column that needs an offset; 1 for a column of zeros."""
        least = np.fmin.reduce(X, axis=0).astype(np.float64)  # NaN passes
        zeros = least == 0
        for i in np.flatnonzero(zeros):
            positive = X[X[:, i] > 0, i]
            least[i] = positive.min() if len(positive) else 2.0
        wanted = (zeros | (self.offset == "always")) & (least > 0)
        return np.where(wanted, least / 2, 0.0)

    def _log(self, X: np.ndarray) -> np.ndarray:
        offset, linear = self.offset_.astype(X.dtype), self.linear_.astype(X.dtype)
        if self.method == "symlog":
            result = np.abs(X)
            result /= linear
            return np.copysign(np.log1p(result, out=result), X, out=result)
        least = np.fmin.reduce(X, axis=0, initial=np.inf)
        outside = least + offset <= 0  # the offset of log1p is one
        if self.method == "log" and isinstance(self.offset, str):
            outside |= least < -_ROUNDED_ZERO * offset
        if outside.any():
            self._refuse(outside, X)
        if self.method == "log1p":
            return np.log1p(X)
        if not offset.any():
            return np.log(X)
        shifted = X + offset
        return np.log(shifted, out=shifted)

    def _refuse(self, outside: np.ndarray, X: np.ndarray) -> None:
        index = np.flatnonzero(outside)
        names, low = column_names(self), np.nanmin(X[:, index], axis=0)
        seen = ", ".join(f"{names[i]} (least value {x:.4g})" for i, x in zip(index, low, strict=True))
        if self.method == "log1p":
            bound = "above -1"
        elif isinstance(self.offset, str):
            bound = "above 0, or also 0 where offset_ is positive (a column with a zero in fit, or offset='always')"
        else:
            bound = f"above {-self.offset:.4g}"
        raise ValueError(
            f"{'Negative values' if low.min() < 0 else 'Zeros'} in data: LogScaler(method={self.method!r}) expected "
            f"values {bound}, got the columns {seen}. Use method='symlog' for columns with both signs, "
            "offset='always' where zeros come later, or another scaler."
        )

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
            Values outside the domain of the logarithm.
        """
        check_is_fitted(self, "offset_")
        X = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", ensure_min_samples=0, reset=False)
        scaled = self._log(X)
        if self.standardize:
            scaled -= self.mean_.astype(X.dtype)
            scaled /= self.scale_.astype(X.dtype)
        return scaled

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
        check_is_fitted(self, "offset_")
        X = check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", ensure_min_samples=0)
        result = X * self.scale_.astype(X.dtype)
        result += self.mean_.astype(X.dtype)
        if self.method == "symlog":
            return np.sign(result) * np.expm1(np.abs(result)) * self.linear_.astype(X.dtype)
        if self.method == "log1p":
            return np.expm1(result, out=result)
        np.exp(result, out=result)
        if self.offset_.any():
            result -= self.offset_.astype(X.dtype)
        return result

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = self.method != "symlog"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
