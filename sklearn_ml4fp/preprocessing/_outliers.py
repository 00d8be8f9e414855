"""Clipping of outliers to robust limits, inside a pipeline."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import FLOAT_DTYPES, check_is_fitted

from .._compat import Interval
from .._distributions import outlier_limits, shape_of
from .._missing import validate_data
from .._params import Declared, hp
from .._validation import check_weights
from ._from_sources import Chunks, takes_sources


@takes_sources
class OutlierClipper(OneToOneFeatureMixin, TransformerMixin, Declared, BaseEstimator):
    """Set values outside of robust limits to the limit; rows stay, NaN passes through.

    The limits extrapolate each tail from its own 75, 95 and 99 % quantiles: the probability beyond falls by five from
    one to the next, and ``factor`` further such steps are allowed, each longer than the one before by as much as the
    tail is heavy [1]_. A Gaussian, an exponential and a power law all stay inside; up to 1 % of outliers on a side do
    not move the limits. `DropOutliers` removes such events from training instead.

    Of an `EventSource` that exceeds its memory the quantiles are those of a random sample of events (``n_sampled_``).

    See Also
    --------
    DropOutliers : Leave events with outliers out of the training.
    investigate : A report that lists outliers.

    References
    ----------
    .. [1] J. Pickands, "Statistical inference using extreme order statistics", Annals of Statistics 3 (1975) 119.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import OutlierClipper
    >>> x = np.append(np.random.default_rng(0).normal(size=999), 1e6)
    >>> bool(OutlierClipper().fit_transform(x[:, None]).max() < 30)
    True
    """

    factor: float = hp(
        8.0,
        valid=Interval(Real, 0, None, closed="left"),
        search=(3.0, 12.0),
        doc="Steps that are allowed beyond the 1 and 99 % quantiles; 8 leaves less than 0.01 · 5⁻⁸ = 3e-8 of an "
        "exponential or power-law tail outside.",
    )

    _attributes_doc = """
        Attributes
        ----------
        lower_, upper_ : ndarray of shape (n_features,)
            The limits; infinite on a side where more than 95 % of the events have one value.
        n_features_in_ : int
            Number of columns.
        feature_names_in_ : ndarray of str
            Names of the columns, where ``X`` has them.
        n_sampled_ : int
            Number of events from which the limits were learned, of a source that exceeds its memory.
    """
    __metadata_request__fit = {"sample_weight": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the limits of each column.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights, for the quantiles.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            Weights that cannot be used.
        """
        self._validate_params()
        X = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan")
        weights = check_weights(sample_weight, len(X))
        limits = np.array([outlier_limits(shape_of(column, weights), self.factor) for column in X.T])
        limits[np.isnan(limits)] = np.inf  # a column without a value
        self.lower_, self.upper_ = np.where(np.isinf(limits[:, 0]), -np.inf, limits[:, 0]), limits[:, 1]
        return self

    def _learn_from(self, chunks: Chunks) -> None:
        _, sample = chunks.sampled()
        self.fit(sample.X, sample_weight=sample.weights)
        self.n_sampled_ = len(sample)

    def transform(self, X: Any) -> np.ndarray:
        """Set values outside of the limits to the limit.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.

        Returns
        -------
        ndarray of shape (n_events, n_features)
            In the floating-point type of ``X``.
        """
        check_is_fitted(self, "lower_")
        X = validate_data(self, X, dtype=FLOAT_DTYPES, ensure_all_finite="allow-nan", ensure_min_samples=0, reset=False)
        return np.clip(X, self.lower_.astype(X.dtype), self.upper_.astype(X.dtype))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
