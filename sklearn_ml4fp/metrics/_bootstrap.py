"""Confidence intervals of any weighted metric, by resampling events."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from .._binary import weights_or_ones
from .._events import check_ids
from .._validation import check_integer


class BootstrapResult(NamedTuple):
    """Value of the metric, and the interval around it, of :func:`bootstrap_interval`."""

    value: float
    low: float
    high: float


def bootstrap_interval(
    metric: Callable[..., float],
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    confidence: float = 0.6827,
    n_resamples: int = 400,
    random_state: Any = None,
) -> BootstrapResult:
    """Confidence interval of a metric: its quantiles over samples of the events, drawn with replacement.

    Events are drawn by group. Rows of one event are not independent measurements; drawn one by one, they would give too
    narrow an interval. An event drawn k times has k times its weight, so the metric must take ``sample_weight``.

    Parameters
    ----------
    metric : callable
        Called as ``metric(y_true, y_pred, sample_weight=)``; any of this package's or scikit-learn's.
    y_true, y_pred : array-like of shape (n_events, ...)
        Truth and prediction, which the metric compares.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed where the metric allows them.
    groups : array-like of shape (n_events,) or (n_events, n_columns), optional
        Event ids; by default each row is an event.
    confidence : float, default=0.6827
        Probability content; the default is that of one standard deviation.
    n_resamples : int, default=400
        Number of samples, at least 2. 400 give the ends of a 68 % interval to about 8 % of its half-width.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    result : BootstrapResult
        The ``value`` on all events, and the ends ``low`` and ``high``; NaN if the metric is NaN for a sample.

    Raises
    ------
    ValueError
        If ids are unusable, if there is one event only, which does not spread, if something is masked, or if the metric
        fails for a sample, as when a class with few events is not drawn at all.

    See Also
    --------
    ks_test : A test by permutation of events.

    References
    ----------
    B. Efron, Annals of Statistics 7 (1979) 1: the percentile interval.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import bootstrap_interval, roc_auc_score
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 500)
    >>> value, low, high = bootstrap_interval(roc_auc_score, y, y + rng.normal(0, 1, 500), random_state=0)
    >>> low < value < high
    True
    """
    check_consistent_length(y_true, y_pred, groups)
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise ValueError(f"confidence must lie between 0 and 1; got {confidence!r}.")
    n_resamples = check_integer(n_resamples, "n_resamples", 2)
    if not callable(metric):
        raise TypeError(f"metric must be a function of y_true, y_pred and sample_weight; got {metric!r}.")
    for name, values in (("y_true", y_true), ("y_pred", y_pred)):
        if np.ma.is_masked(values):  # whatever the metric would do with them
            raise ValueError(f"{name} has masked values, which are missing: leave those events out.")
    weight = weights_or_ones(sample_weight, len(y_true))
    ids = np.arange(len(weight)) if groups is None else np.unique(check_ids(groups), return_inverse=True)[1]
    n_groups = len(np.unique(ids))
    if n_groups < 2:
        raise ValueError(
            f"an interval needs at least two events to draw from; got {n_groups} in {len(ids)} rows. groups= takes one "
            "id per event, not one per sample."
        )
    rng = check_random_state(random_state)
    values = np.empty(n_resamples)
    for i in range(n_resamples):
        drawn = np.bincount(rng.randint(n_groups, size=n_groups), minlength=n_groups)
        values[i] = metric(y_true, y_pred, sample_weight=weight * drawn[ids])
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return BootstrapResult(float(metric(y_true, y_pred, sample_weight=weight)), float(low), float(high))
