"""Signal and background: labels, scores, probabilities and signed weights of two classes."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ._missing import column_or_1d
from ._validation import check_integer, event_weights, finite_numbers


def unique_labels(labels: np.ndarray, name: str = "y_true") -> np.ndarray:
    """The labels that there are, sorted; they must be of one type."""
    try:
        return np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels})
        raise ValueError(
            f"{name} must have labels of one type; got {' and '.join(kinds)}. Write all of them as numbers or as text."
        ) from None


def signal_label(labels: np.ndarray, pos_label: Any = None, name: str = "y_true") -> Any:
    """Choose the label of the signal: ``pos_label``, or the greater of two numbers.

    Parameters
    ----------
    labels : ndarray of shape (n_labels,)
        The labels that there are, sorted.
    pos_label : label or None
        What the user says.
    name : str
        What holds the labels, for the error.

    Raises
    ------
    ValueError
        ``pos_label`` is none of the labels, or is needed: there are not two labels, or they are no numbers, whose order
        says nothing ("qcd" comes after "higgs").
    """
    shown = f"{labels[:5].tolist()}{'...' if len(labels) > 5 else ''}"
    if pos_label is not None:
        if np.ndim(pos_label) or pos_label not in labels.tolist():
            raise ValueError(
                f"pos_label={pos_label!r} is not among the labels of {name}, {shown}: expected the label of the "
                "signal. Check its spelling and type, and that the split left events of it."
            )
        return pos_label
    if len(labels) != 2:
        raise ValueError(
            f"{name} must have signal and background, two labels; got {len(labels)}: {shown}. "
            "Pass pos_label= to compare one class with the rest, and check that the split left events of both."
        )
    if not all(isinstance(label, Real | np.bool_) for label in labels):
        raise ValueError(
            f"{name} has the labels {shown}, whose order does not tell which is the signal: pass pos_label=, the label "
            "of the signal. A scorer takes it too: make_weighted_scorer(metric, response_method=..., pos_label=...)."
        )
    return labels[1]


def is_signal(y_true: Any, pos_label: Any = None) -> np.ndarray:
    """Tell which events are signal, (n_events,): see `signal_label`."""
    y_true = column_or_1d(y_true, name="y_true")
    return y_true == signal_label(unique_labels(y_true), pos_label)


def weights_or_ones(sample_weight: Any, n_events: int) -> np.ndarray:
    """Event weights of either sign as float64, ones where there are none."""
    weights = event_weights(sample_weight, n_events)
    return np.ones(n_events) if weights is None else weights


def check_binary(
    y_true: Any, y_score: Any, sample_weight: Any, pos_label: Any = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signal mask, scores and weights, each of shape (n_events,); the yield of either class must be positive."""
    check_consistent_length(y_true, y_score)
    score = finite_numbers(y_score, "y_score")
    if score.ndim != 1:
        raise ValueError(
            f"y_score must be one score per event, shape ({len(score)},); got {score.shape}. From predict_proba take "
            "the column of the signal, predict_proba(X)[:, 1]."
        )
    signal = is_signal(y_true, pos_label)
    weight = weights_or_ones(sample_weight, len(score))
    for name, total in (("signal", weight[signal].sum()), ("background", weight[~signal].sum())):
        if not total > 0:
            raise ValueError(
                f"the sum of weights of the {name} must be positive, efficiencies are relative to it; got {total:.6g}. "
                "Check that the events of both classes are there, and that the sample is large enough for its "
                "negative weights."
            )
    return signal, score, weight


def check_probabilities(
    y_true: Any, y_prob: Any, sample_weight: Any, pos_label: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check labels, probabilities of signal and weights, as `check_binary` does, and that 0 ≤ p ≤ 1."""
    signal, prob, weight = check_binary(y_true, y_prob, sample_weight, pos_label)
    if prob.min() < 0 or prob.max() > 1:
        raise ValueError(
            f"y_prob must be probabilities in [0, 1]; got values from {prob.min():.6g} to {prob.max():.6g}. "
            "Take them from predict_proba, not from decision_function."
        )
    return signal, prob, weight


def calibration_bins(
    signal: np.ndarray, prob: np.ndarray, weight: np.ndarray, n_bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sum w, w·p, w·y and w²(y − f)² in bins of equal width of the probability p, where f = Σwy/Σw of the bin."""
    n_bins = check_integer(n_bins, "n_bins", 1)
    which = np.minimum((prob * n_bins).astype(int), n_bins - 1)
    total, predicted, observed = (np.bincount(which, x, n_bins) for x in (weight, weight * prob, weight * signal))
    fraction = np.divide(observed, total, out=np.zeros(n_bins), where=total != 0)
    return total, predicted, observed, np.bincount(which, weight**2 * (signal - fraction[which]) ** 2, n_bins)
