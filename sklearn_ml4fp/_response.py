"""Response of a regression: the ratio, or the difference, of prediction and truth; and its pulls."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ._binary import weights_or_ones
from ._validation import finite_numbers

# Quantiles of a normal distribution at minus and plus one standard deviation, which contain 68.27 %.
LOW, HIGH = 0.15865525393145707, 0.8413447460685429


def response(y_true: Any, y_pred: Any, relative: bool, sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """Compute the ratio, or difference, of prediction and truth (n_events, n_outputs), and the weights (n_events,)."""
    check_consistent_length(y_true, y_pred)
    truth, prediction = finite_numbers(y_true, "y_true"), finite_numbers(y_pred, "y_pred")
    if len(truth) == 0 or truth.ndim > 2:
        raise ValueError(f"y_true must have shape (n_events,) or (n_events, n_outputs), not empty; got {truth.shape}.")
    truth, prediction = truth.reshape(len(truth), -1), prediction.reshape(len(prediction), -1)
    if truth.shape != prediction.shape:
        raise ValueError(f"y_true and y_pred must have one shape; got {truth.shape} and {prediction.shape}.")
    weight = weights_or_ones(sample_weight, len(truth))
    if not weight.sum() > 0:
        raise ValueError(f"the sum of weights must be positive to make a distribution; got {weight.sum():.6g}.")
    if not relative:
        return prediction - truth, weight
    if np.any(truth == 0):
        raise ValueError(
            f"y_true is zero in {np.any(truth == 0, axis=1).sum()} events, which have no ratio y_pred/y_true. "
            "Pass relative=False to take the difference."
        )
    return prediction / truth, weight


def pulls(y_true: Any, y_pred: Any, y_std: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """Compute (y_true − y_pred)/y_std and the weights, both (n_events,)."""
    difference, weight = response(y_true, y_pred, False, sample_weight)
    shapes = [np.shape(y_true), np.shape(y_pred), np.shape(y_std)]
    if difference.shape[1] != 1 or any(len(shape) > 2 for shape in shapes):
        raise ValueError(f"pulls are of one output; got shapes {shapes}. Pass one column at a time.")
    std = finite_numbers(y_std, "y_std").reshape(-1)
    if len(std) != len(difference) or not (std > 0).all():
        raise ValueError(
            f"y_std must have a positive standard deviation for each of {len(difference)} events; got {len(std)} "
            f"values, {np.sum(std <= 0)} of them zero or negative."
        )
    return -difference[:, 0] / std, weight
