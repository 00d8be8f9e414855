"""Signal and background: labels, scores and signed weights of a comparison of two classes."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ._validation import event_weights, finite_numbers


def _is_missing(label: Any) -> bool:
    """Whether a label is None, NaN, or the mark of pandas for a missing value or date."""
    if isinstance(label, float):
        return label != label
    return label is None or type(label).__name__ in ("NAType", "NaTType")


def read_labels(y: Any, name: str = "y_true") -> np.ndarray:
    """Labels (n_events,) without gaps; a masked one is missing, whatever stands under the mask.

    Raises
    ------
    ValueError
        A label is missing, or ``y`` is no column.
    """
    masked = np.ma.getmaskarray(y).sum() if isinstance(y, np.ma.MaskedArray) else 0
    labels = column_or_1d(y)
    if labels.dtype.kind in "fcmM":
        missing = np.isnan(labels).sum()
    else:
        missing = sum(map(_is_missing, labels)) if labels.dtype.kind == "O" else 0
    if masked or missing:
        raise ValueError(
            f"{name} lacks the label of {masked or missing} events (masked, NaN or None): expected one label an event. "
            "Leave those events out."
        )
    return labels


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
    y_true = read_labels(y_true)
    try:
        labels = np.unique(y_true)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in y_true})
        raise ValueError(f"y_true must have labels of one type; got {' and '.join(kinds)}.") from None
    return y_true == signal_label(labels, pos_label)


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
            f"y_score must be one score an event, shape ({len(score)},); got {score.shape}. From predict_proba take "
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
