"""Honesty of predicted uncertainties: the share of events that intervals cover, and the moments of the pulls."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._binary import weights_or_ones
from .._missing import real_numbers
from .._response import pulls
from .._validation import finite_numbers


class Coverage(NamedTuple):
    """Share of the events that lie in their intervals, and its statistical error, of :func:`interval_coverage`."""

    share: Any
    error: Any


class PullMoments(NamedTuple):
    """Mean and width of the pulls, each with its statistical error, of :func:`pull_moments`."""

    mean: float
    mean_error: float
    width: float
    width_error: float


def _bound(values: Any, name: str, n: int) -> np.ndarray:
    """Check bounds (n_events, n_levels), or a single one for all; they may be infinite."""
    bound = real_numbers(values, np.float64)
    if bound is None or bound.ndim > 2 or (bound.ndim and len(bound) != n) or np.isnan(bound).any():
        raise ValueError(
            f"{name} must be a number, or numbers of shape ({n},) or ({n}, n_levels), which may be infinite but not "
            f"missing; got shape {np.shape(values)}."
        )
    return bound.reshape(len(bound), -1) if bound.ndim else bound


def interval_coverage(y_true: Any, y_lower: Any, y_upper: Any, *, sample_weight: Any = None) -> Coverage:
    r"""Share of the events whose truth lies between two bounds: :math:`\sum_{inside} w_i / \sum_i w_i`.

    For the intervals of a good model it is their nominal level. Its error is
    :math:`\sqrt{\sum_i w_i^2 (1_{inside} - share)^2} / \sum_i w_i`, the binomial one for weights of 1.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        True values.
    y_lower, y_upper : array-like of shape (n_events,) or (n_events, n_levels), or float
        Bounds in the unit of ``y_true``, of one level or several. Infinite where an interval is open, as that below a
        quantile, with ``y_lower=-np.inf``.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.

    Returns
    -------
    coverage : Coverage
        ``share`` and ``error``, floats, or ndarrays of shape (n_levels,).

    Raises
    ------
    ValueError
        If shapes differ, a bound is missing, or the weights do not sum to something positive.

    See Also
    --------
    CoverageDisplay : Draw it against the nominal level.
    pull_moments : Mean and width of the pulls of a normal distribution.

    Examples
    --------
    >>> from sklearn_ml4fp import interval_coverage
    >>> share, error = interval_coverage([1.0, 2.0, 3.0, 4.0], 1.5, 9.0)
    >>> share, round(float(error), 4)
    (0.75, 0.2165)
    """
    truth = finite_numbers(y_true, "y_true")
    if len(truth) == 0 or truth.ndim > 2 or truth.size != len(truth):
        raise ValueError(f"y_true must have one value per event, of at least one event; got shape {truth.shape}.")
    n, weight = len(truth), weights_or_ones(sample_weight, len(truth))
    if not weight.sum() > 0:
        raise ValueError(f"the sum of weights must be positive to make a share; got {weight.sum():.6g}.")
    low, high = _bound(y_lower, "y_lower", n), _bound(y_upper, "y_upper", n)
    if low.ndim and high.ndim and low.shape != high.shape:
        raise ValueError(f"y_lower and y_upper must have one shape; got {low.shape} and {high.shape}.")
    inside = (low <= truth.reshape(n, 1)) & (truth.reshape(n, 1) <= high)
    share = weight @ inside / weight.sum()
    error = np.sqrt(weight**2 @ (inside - share) ** 2) / weight.sum()
    if max(np.ndim(y_lower), np.ndim(y_upper)) < 2:
        return Coverage(float(share[0]), float(error[0]))
    return Coverage(share, error)


def pull_moments(y_true: Any, y_pred: Any, y_std: Any, *, sample_weight: Any = None) -> PullMoments:
    r"""Mean m and width s of the pulls :math:`p = (y - \mu)/\sigma`, which are 0 and 1 where σ is the uncertainty of μ.

    A width above 1 says that the uncertainties are too small. The errors are
    :math:`\sqrt{\sum w^2 (p - m)^2}/\sum w` and
    :math:`\sqrt{\sum w^2 ((p - m)^2 - s^2)^2}/(2 s \sum w)`: for n normal pulls of weight 1, 1/√n and 1/√(2n).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_events,)
        True values y, and predictions μ.
    y_std : array-like of shape (n_events,)
        Predicted standard deviations σ, in the same unit.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed. Where they leave no positive variance, the width is NaN.

    Returns
    -------
    moments : PullMoments
        ``mean``, ``mean_error``, ``width`` and ``width_error``.

    Raises
    ------
    ValueError
        If shapes differ, a standard deviation is not positive, or the weights do not sum to something positive.

    See Also
    --------
    PullDisplay : Draw the pulls.
    interval_coverage : Share of the events in their intervals, which needs no normal distribution.

    References
    ----------
    L. Demortier and L. Lyons, "Everything you always wanted to know about pulls", CDF/ANAL/PUBLIC/5776 (2002).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import pull_moments
    >>> y = np.random.default_rng(0).normal(5.0, 2.0, size=10_000)
    >>> mean, mean_error, width, width_error = pull_moments(y, np.full(10_000, 5.0), np.full(10_000, 2.0))
    >>> bool(abs(mean) < 3 * mean_error and abs(width - 1) < 3 * width_error)
    True
    """
    pull, weight = pulls(y_true, y_pred, y_std, sample_weight)
    total = weight.sum()
    mean = weight @ pull / total
    away = (pull - mean) ** 2
    variance = weight @ away / total
    width = np.sqrt(variance) if variance >= 0 else np.nan
    error = np.sqrt(weight**2 @ (away - variance) ** 2) / total
    width_error = error / (2 * width) if width > 0 else np.nan
    return PullMoments(float(mean), float(np.sqrt(weight**2 @ away) / total), float(width), float(width_error))
