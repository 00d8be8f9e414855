"""Scalers that take event weights: to a range, to mean zero and variance one."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn import preprocessing as theirs

from .._compat import num_samples, safe_indexing
from .._missing import ReadsMissing, naming_text, with_nan
from .._params import Declared, hp
from .._validation import check_weights
from ._from_sources import Chunks, Survey, takes_sources

# Weighted variances are differences of large sums: below this share of mean² their sign is rounding.
_ROUNDING = 1e-12


def column_names(estimator: Any) -> list[Any]:
    """Names of the columns seen in ``fit``, or their numbers; those of the whole table for a scaler of a part of it."""
    if hasattr(estimator, "_columns"):
        return estimator._columns
    return list(getattr(estimator, "feature_names_in_", range(estimator.n_features_in_)))


@takes_sources
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

    def _learn_from(self, chunks: Chunks) -> None:
        self._from_survey(chunks.surveyed())

    def _from_survey(self, survey: Survey) -> None:
        self.fit(np.stack([survey.least, survey.most]))
        self.n_samples_seen_ = survey.n

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = False  # weights are NumPy arrays
        return tags


@takes_sources
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
            self._check_variance(self.mean_ if self.mean_ is not None else 0.0, self.var_, bool((weights < 0).any()))
        return self

    def _check_variance(self, mean: Any, variance: np.ndarray, signed: bool) -> None:
        if signed and (bad := ~(variance >= -_ROUNDING * (1 + np.square(mean)))).any():
            names = [name for name, wrong in zip(column_names(self), bad, strict=True) if wrong]
            raise ValueError(
                f"The weighted variance of the columns {names} is not positive: expected Σw (x − μ)² > 0. Negative "
                "weights outweigh the positive ones there. Drop nearly empty columns (DropMissingColumns), or "
                "scale without weights: in a Pipeline with metadata routing, set_fit_request(sample_weight=False)."
            )

    def _learn_from(self, chunks: Chunks) -> None:
        self._from_survey(chunks.surveyed())

    def _from_survey(self, survey: Survey) -> None:
        mean, variance = survey.moments()
        self.n_features_in_ = len(mean)
        if self.with_std:
            self._check_variance(mean, variance, survey.size > survey.total)
        deviation = np.sqrt(np.maximum(variance, 0.0))
        # two events that have these moments
        self.fit(np.stack([mean - deviation, mean + deviation]), sample_weight=np.full(2, survey.total / 2))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = False  # weights are NumPy arrays
        return tags
