"""Samplers that leave events out of the training."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real
from typing import Any

import numpy as np

from .._compat import Interval
from .._distributions import outlier_limits, shape_of
from .._missing import MISSING_VALUES, check_array, marked
from .._params import hp
from .._sampler import Events, Sampler


class _Drop(Sampler):
    @abstractmethod
    def _keep(self, X: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Mask of the events to keep, ``(n_events,)``."""

    def _resample(self, events: Events) -> tuple[Events, np.ndarray]:
        dense = np.asarray(events.X) if hasattr(events.X, "iloc") else events.X  # a frame may have sparse columns
        X: Any = check_array(dense, dtype=np.float64, ensure_all_finite="allow-nan", estimator=self)
        kept = np.flatnonzero(self._keep(X, events.sample_weight))
        return events.rows(kept), kept


class DropMissingRows(_Drop):
    """Leave events out of the training that miss too many of their values.

    Missing values are NaN, None, NA, null, masked values, and the numbers of ``missing_values``. In predictions, events
    keep their missing values: the model must accept them, or an imputer must fill them.

    See Also
    --------
    MissingValueImputer : Fill missing values instead.
    Resampled : Use a sampler in a Pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import DropMissingRows
    >>> X, y = np.array([[1.0, 2.0], [np.nan, 3.0]]), np.array([0.5, 1.5])
    >>> DropMissingRows().fit_resample(X, y)
    (array([[1., 2.]]), array([0.5]))
    """

    max_missing: float = hp(
        0.0,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.0, 0.9),
        doc="Largest share of missing values with which an event is kept.",
    )
    missing_values: Any = MISSING_VALUES

    def _keep(self, X: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return np.isnan(marked(X, self.missing_values)).mean(axis=1) <= self.max_missing


class DropOutliers(_Drop):
    """Leave events out of the training that have a value outside of robust limits.

    The limits are those of `OutlierClipper`: each tail is extrapolated from its own weighted quantiles, so that a
    healthy heavy tail stays. A missing value is no outlier.

    See Also
    --------
    OutlierClipper : Set outliers to the limits instead.
    Resampled : Use a sampler in a Pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import DropOutliers
    >>> X = np.append(np.random.default_rng(0).normal(size=999), 1e6)[:, None]
    >>> X_kept, y_kept = DropOutliers().fit_resample(X, np.zeros(1000))
    >>> len(X_kept)
    999
    """

    factor: float = hp(
        8.0,
        valid=Interval(Real, 0, None, closed="left"),
        search=(3.0, 12.0),
        doc="Number of steps beyond the 1 and 99 % quantiles that are allowed; 8 leaves less than 0.01 · 5⁻⁸ = 3e-8 "
        "of an exponential or power-law tail outside.",
    )

    def _keep(self, X: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        outside = np.zeros(len(X), dtype=bool)
        for column in X.T:
            lower, upper = outlier_limits(shape_of(column, weights), self.factor)
            outside |= (column < lower) | (column > upper)
        return ~outside
