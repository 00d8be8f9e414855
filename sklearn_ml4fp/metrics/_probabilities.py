"""Quality of predicted probabilities, with signed event weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._binary import calibration_bins, check_binary, check_probabilities
from ._roc import cumulative_yields


def average_precision(y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None) -> float:
    r"""Area under the precision-recall curve, :math:`\sum_n (R_n - R_{n-1}) P_n` over the distinct scores.

    R is the signal efficiency and P = s/(s+b) the purity. For positive weights it equals
    :func:`sklearn.metrics.average_precision_score`. With negative weights the yields above a high cut may fluctuate to
    zero or below: purities are then limited to [0, 1], and are 0 where s + b ≤ 0, since the ratio would have no bound.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_score : array-like of shape (n_events,)
        Score, larger for signal.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.

    Returns
    -------
    score : float

    Raises
    ------
    ValueError
        If a class is absent or the sum of its weights is not positive, or on NaN or infinity.

    See Also
    --------
    roc_auc_score : Area under the ROC curve.
    sklearn.metrics.average_precision_score : The same for positive weights.

    Examples
    --------
    >>> from sklearn_ml4fp import average_precision
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    background, signal, _ = cumulative_yields(*check_binary(y_true, y_score, sample_weight, pos_label))
    total = background + signal
    purity = np.clip(np.divide(signal, total, out=np.zeros_like(total), where=total > 0), 0, 1)
    return float(np.sum(np.diff(signal, prepend=0.0) * purity) / signal[-1])


def brier(y_true: Any, y_prob: Any, *, pos_label: Any = None, sample_weight: Any = None) -> float:
    r"""Brier score, the mean squared error of the signal probability: :math:`\sum_i w_i (p_i - y_i)^2 / \sum_i w_i`.

    For positive weights it equals :func:`sklearn.metrics.brier_score_loss`; with negative ones the mean is unbiased but
    may fluctuate below zero.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_prob : array-like of shape (n_events,)
        Predicted probability of signal.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.

    Returns
    -------
    loss : float
        0 is perfect.

    Raises
    ------
    ValueError
        If a class is absent or the sum of its weights is not positive, or if a value is no probability.

    See Also
    --------
    expected_calibration_error : Distance of predicted and observed fractions.
    CalibrationDisplay : Draw one against the other.

    References
    ----------
    G. W. Brier, Monthly Weather Review 78 (1950) 1.

    Examples
    --------
    >>> from sklearn_ml4fp import brier
    >>> round(brier([0, 1], [0.2, 0.6], sample_weight=[1, 3]), 4)
    0.13
    """
    signal, prob, weight = check_probabilities(y_true, y_prob, sample_weight, pos_label)
    return float(np.sum(weight * (prob - signal) ** 2) / weight.sum())


def expected_calibration_error(
    y_true: Any, y_prob: Any, *, n_bins: int = 10, pos_label: Any = None, sample_weight: Any = None
) -> float:
    r"""Mean distance between predicted probability and observed signal fraction, in bins of the probability.

    .. math:: \mathrm{ECE} = \frac{\sum_\mathrm{bins} |\sum_{i\in\mathrm{bin}} w_i (y_i - p_i)|}{\sum_i w_i}

    This form of the usual mean of :math:`|\mathrm{fraction} - \bar p|` over the bins holds for any sign of
    the weights. It is biased upwards by the fluctuations in each bin, the more so the fewer effective events there are:
    compare models on the same events.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_prob : array-like of shape (n_events,)
        Predicted probability of signal.
    n_bins : int, default=10
        Bins of equal width in [0, 1].
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.

    Returns
    -------
    error : float
        0 is perfectly calibrated.

    Raises
    ------
    ValueError
        If a class is absent or the sum of its weights is not positive, or if a value is no probability.

    See Also
    --------
    brier : Mean squared error of the probability.
    CalibrationDisplay : Draw observed against predicted fractions.

    References
    ----------
    M. P. Naeini, G. F. Cooper, M. Hauskrecht, AAAI 2015.

    Examples
    --------
    >>> from sklearn_ml4fp import expected_calibration_error
    >>> round(expected_calibration_error([0, 1, 1, 1], [0.25, 0.75, 0.75, 0.75]), 4)
    0.25
    """
    signal, prob, weight = check_probabilities(y_true, y_prob, sample_weight, pos_label)
    _, predicted, observed, _ = calibration_bins(signal, prob, weight, n_bins)
    return float(np.abs(observed - predicted).sum() / weight.sum())
