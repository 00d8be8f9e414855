"""Checks that the metrics share: labels, scores and signed weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from .._validation import event_weights


def check_weights(sample_weight: Any, n_events: int) -> np.ndarray:
    """Event weights as float64, ones where there are none; negative ones pass, NaN and infinity do not."""
    weights = event_weights(sample_weight, n_events)
    return np.ones(n_events) if weights is None else weights


def is_signal(y_true: Any, pos_label: Any = None) -> np.ndarray:
    """Which events are signal: those of ``pos_label``, by default of the greater of the two labels."""
    y_true = column_or_1d(y_true)
    labels = np.unique(y_true)
    if pos_label is None:
        if len(labels) != 2:
            raise ValueError(
                f"y_true must have signal and background, two labels; got {len(labels)}: {labels[:5].tolist()}. "
                "Pass pos_label= to compare one class with the rest, and check that the split left events of both."
            )
        pos_label = labels[1]
    return y_true == pos_label


def check_binary(
    y_true: Any, y_score: Any, sample_weight: Any, pos_label: Any = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signal mask, scores and weights, each of shape (n_events,); the yield of either class must be positive."""
    check_consistent_length(y_true, y_score)
    score = check_array(y_score, ensure_2d=False, allow_nd=True, dtype=np.float64, input_name="y_score")
    if score.ndim != 1:
        raise ValueError(
            f"y_score must be one score an event, shape ({len(score)},); got {score.shape}. From predict_proba take "
            "the column of the signal, predict_proba(X)[:, 1]."
        )
    signal = is_signal(y_true, pos_label)
    weight = check_weights(sample_weight, len(score))
    for name, total in (("signal", weight[signal].sum()), ("background", weight[~signal].sum())):
        if not total > 0:
            raise ValueError(
                f"the sum of weights of the {name} must be positive, efficiencies are relative to it; got {total:.6g}. "
                "Check that the events of both classes are there, and that the sample is large enough for its "
                "negative weights."
            )
    return signal, score, weight
