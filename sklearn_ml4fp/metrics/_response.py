"""Bias and resolution of a regression, from quantiles of the response: tails do not spoil them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._distributions import weighted_quantile
from .._response import HIGH, LOW, response


def _per_output(values: np.ndarray, multioutput: str) -> Any:
    if multioutput not in ("uniform_average", "raw_values"):
        raise ValueError(f"multioutput must be 'uniform_average' or 'raw_values'; got {multioutput!r}.")
    return values if multioutput == "raw_values" else float(values.mean())


def response_bias(
    y_true: Any,
    y_pred: Any,
    *,
    relative: bool = True,
    multioutput: str = "uniform_average",
    sample_weight: Any = None,
) -> Any:
    """Bias of a regression: the weighted median of y_pred/y_true, minus 1.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_events,) or (n_events, n_outputs)
        True and predicted values, in one unit.
    relative : bool, default=True
        The response is the ratio y_pred/y_true; with False the difference y_pred − y_true, and the
        bias has its unit.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        The mean over the outputs, or one value each.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.

    Returns
    -------
    bias : float or ndarray of shape (n_outputs,)

    Raises
    ------
    ValueError
        If shapes differ, the weights do not sum to something positive, or a true value is zero with ``relative=True``.

    See Also
    --------
    response_resolution : Width of the response.
    ResponseDisplay : Draw both against the true value.

    Examples
    --------
    >>> from sklearn_ml4fp import response_bias
    >>> round(response_bias([10.0, 20.0, 40.0], [9.0, 22.0, 44.0]), 3)
    0.1
    """
    values, weight = response(y_true, y_pred, relative, sample_weight)
    medians = np.array([weighted_quantile(column, 0.5, weight) for column in values.T])
    return _per_output(medians - 1 if relative else medians, multioutput)


def response_resolution(
    y_true: Any,
    y_pred: Any,
    *,
    relative: bool = True,
    multioutput: str = "uniform_average",
    sample_weight: Any = None,
) -> Any:
    """Resolution of a regression: half the width of the central 68 % of y_pred/y_true.

    For a normal distribution it is the standard deviation; the tails, which dominate a root mean square, do not enter.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_events,) or (n_events, n_outputs)
        True and predicted values, in one unit.
    relative : bool, default=True
        The response is the ratio y_pred/y_true, and its width is divided by its median, so that a wrong scale does not
        look like a better resolution; with False the difference y_pred − y_true, in its unit.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        The mean over the outputs, or one value each.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.

    Returns
    -------
    resolution : float or ndarray of shape (n_outputs,)
        Infinite where the response has the median 0, as that of a regression that always predicts 0.

    Raises
    ------
    ValueError
        As for :func:`response_bias`.

    See Also
    --------
    response_bias : Median of the response.
    ResponseDisplay : Draw both against the true value.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import response_resolution
    >>> rng = np.random.default_rng(0)
    >>> truth = np.full(10_000, 50.0)
    >>> round(response_resolution(truth, truth * rng.normal(1.0, 0.1, 10_000)), 2)
    0.1
    """
    values, weight = response(y_true, y_pred, relative, sample_weight)
    low, median, high = np.array([weighted_quantile(column, [LOW, 0.5, HIGH], weight) for column in values.T]).T
    half = (high - low) / 2
    if relative:
        half = np.divide(half, np.abs(median), out=np.full_like(half, np.inf), where=median != 0)
    return _per_output(half, multioutput)
