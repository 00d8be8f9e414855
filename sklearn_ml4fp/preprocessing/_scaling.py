"""Scalers that take event weights: to a range, to the logarithm, to mean zero and variance one."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn import preprocessing as theirs
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import FLOAT_DTYPES, check_is_fitted

from .._compat import Interval, StrOptions, num_samples, safe_indexing
from .._distributions import weighted_quantile
from .._missing import ReadsMissing, check_array, naming_text, validate_data, with_nan
from .._params import Declared, hp
from .._validation import check_weights

# Weighted variances are differences of large sums: below this share of mean² their sign is rounding.
_ROUNDING = 1e-12
# A zero that was scaled and back in float32 is off by some 20 roundings of 6e-8 of the offset: no negative value.
_ROUNDED_ZERO = 1e-5


def column_names(estimator: Any) -> list[Any]:
    """Names of the columns seen in ``fit``, or their numbers; those of the whole table for a scaler of a part of it."""
    if hasattr(estimator, "_columns"):
        return estimator._columns
    return list(getattr(estimator, "feature_names_in_", range(estimator.n_features_in_)))


class MinMaxScaler(ReadsMissing, Declared, theirs.MinMaxScaler):
    """Scale each column linearly to a range, (−1, 1) by default: the active range of activation functions.

    z = low + (high − low) · (x − min) / (max − min). The range (−1, 0) is (x − max) / (max − min). Events of weight
    zero do not take part; other weights do not matter for a minimum. NaN passes through.

    See Also
    --------
    AutoScaler : Choose a scaler per column.
    ZScoreScaler, LogScaler : Other scalings.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import MinMaxScaler
    >>> MinMaxScaler().fit_transform(np.array([[0.0], [5.0], [10.0]])).ravel()
    array([-1.,  0.,  1.])
    """

    feature_range: tuple = hp((-1, 1), valid=tuple, doc="The range (low, high) of the scaled values.")
    clip: bool = hp(False, valid="boolean", doc="Whether values outside of those seen in ``fit`` are set to the ends.")
    copy: bool = hp(True, valid="boolean", doc="Whether ``transform`` leaves its input as it is.")

    __metadata_request__fit = {"sample_weight": True}  # noqa: RUF012
    __metadata_request__partial_fit = {"sample_weight": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the least and greatest value of each column.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights.

        Returns
        -------
        self : object
            The fitted scaler.

        Raises
        ------
        ValueError
            Weights that sum to zero or less, or of the wrong shape.
        """
        self._reset()
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Extend the least and greatest values by another part of the data; parameters as in `fit`."""
        weights = check_weights(sample_weight, num_samples(X)) if sample_weight is not None else None
        if weights is not None and not weights.all():
            X = safe_indexing(X, np.flatnonzero(weights))
        with naming_text(X):
            return super().partial_fit(with_nan(X), y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = False  # weights are NumPy arrays
        return tags


class ZScoreScaler(ReadsMissing, Declared, theirs.StandardScaler):
    """Scale each column to weighted mean zero and weighted variance one.

    z = (x − μ) / σ with μ = Σw x / Σw and σ² = Σw (x − μ)² / Σw. The sums are signed, as in every weighted mean: an
    event and its counter-event cancel. A constant column is only shifted. NaN passes through, and is left out of the
    sums.

    See Also
    --------
    AutoScaler : Choose a scaler per column.
    MinMaxScaler, LogScaler : Other scalings.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import ZScoreScaler
    >>> scaler = ZScoreScaler().fit(np.array([[0.0], [1.0], [7.0]]), sample_weight=[1, 1, 0])
    >>> scaler.mean_, scaler.scale_
    (array([0.5]), array([0.5]))
    """

    with_mean: bool = hp(True, valid="boolean", doc="Whether to subtract the mean.")
    with_std: bool = hp(True, valid="boolean", doc="Whether to divide by the standard deviation.")
    copy: bool = hp(True, valid="boolean", doc="Whether ``transform`` leaves its input as it is.")

    __metadata_request__fit = {"sample_weight": True}  # noqa: RUF012
    __metadata_request__partial_fit = {"sample_weight": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Compute the weighted mean and variance of each column.

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
            Weights that sum to zero or less, or a column whose weighted variance is negative.
        """
        self._reset()
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Update the means and variances by another part of the data; parameters as in `fit`."""
        weights = check_weights(sample_weight, num_samples(X)) if sample_weight is not None else None
        with (
            naming_text(X),
            np.errstate(invalid="ignore"),
        ):  # the square root of a negative variance, which is an error below
            super().partial_fit(with_nan(X), y, weights)
        if weights is not None and self.with_std:
            mean = self.mean_ if self.mean_ is not None else 0.0
            if (bad := ~(self.var_ >= -_ROUNDING * (1 + np.square(mean)))).any() and (weights < 0).any():
                names = [name for name, wrong in zip(column_names(self), bad, strict=True) if wrong]
                raise ValueError(
                    f"The weighted variance of the columns {names} is not positive: expected Σw (x − μ)² > 0. Negative "
                    "weights outweigh the positive ones there. Drop nearly empty columns (DropMissingColumns), or "
                    "scale without weights: in a Pipeline with metadata routing, set_fit_request(sample_weight=False)."
                )
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = False  # weights are NumPy arrays
        return tags


class LogScaler(OneToOneFeatureMixin, TransformerMixin, Declared, BaseEstimator):
    """Take the logarithm of each column, and scale it to weighted mean zero and variance one.

    For columns that span orders of magnitude, such as energies and transverse momenta:

    - ``"log"``: log(x + offset);
    - ``"log1p"``: log(1 + x);
    - ``"symlog"``: ±log(1 + abs(x)/s) with the sign of x, for columns with both signs: linear near zero, with s the
      weighted median of abs(x) where x is not zero.

    NaN passes through. Offsets and s are learned in the first call of ``partial_fit``, means and variances in all.

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
            self._standard = ZScoreScaler()
            self._standard._columns = column_names(self)  # for its errors: it sees arrays
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
