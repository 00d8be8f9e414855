"""ROC curve and the area under it, with signed event weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from .._binary import check_binary, unique_labels, weights_or_ones
from .._missing import column_or_1d
from .._validation import finite_numbers


def cumulative_yields(signal: np.ndarray, score: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, ...]:
    """Yields above each distinct score: (background, signal, thresholds), from the highest threshold to the lowest."""
    kept = weight != 0  # an event of weight zero sets no threshold
    order = np.flatnonzero(kept)[np.argsort(-score[kept], kind="stable")]
    signal, score, weight = signal[order], score[order], weight[order]
    last = np.append(score[1:] != score[:-1], True)  # of each group of equal scores
    return np.cumsum(weight * ~signal)[last], np.cumsum(weight * signal)[last], score[last]


def roc_curve(
    y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None, drop_intermediate: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Background efficiency, signal efficiency and thresholds, with weights of either sign.

    For positive weights it equals :func:`sklearn.metrics.roc_curve`, which refuses negative ones. With negative weights
    an efficiency is the ratio of two yields, Σw(score ≥ t) / Σw: it need not grow steadily as the threshold t falls,
    and it can leave [0, 1] by a statistical fluctuation. The curve is not repaired: areas under
    it stay unbiased.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_score : array-like of shape (n_events,)
        Score, larger for signal.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it. All
        others are background.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.
    drop_intermediate : bool, default=True
        Leave out points in the middle of a straight line: the curve is the same with fewer points.

    Returns
    -------
    fpr : ndarray of shape (n_thresholds,)
        Background efficiency ε_B.
    tpr : ndarray of shape (n_thresholds,)
        Signal efficiency ε_S.
    thresholds : ndarray of shape (n_thresholds,)
        Falling; the first is infinity, where nothing is selected.

    Raises
    ------
    ValueError
        If a class is absent or the sum of its weights is not positive, or on NaN or infinity.

    See Also
    --------
    roc_auc_score : The area under the curve.
    RejectionDisplay : Draw the background rejection.

    Examples
    --------
    >>> from sklearn_ml4fp import roc_curve
    >>> fpr, tpr, thresholds = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], sample_weight=[2, -1, 1, 1])
    >>> fpr, tpr
    (array([ 0.,  0., -1., -1.,  1.]), array([0. , 0.5, 0.5, 1. , 1. ]))
    """
    signal, score, weight = check_binary(y_true, y_score, sample_weight, pos_label)
    background, selected, thresholds = cumulative_yields(signal, score, weight)
    if drop_intermediate and len(thresholds) > 2:
        bent = np.diff(background, 2).astype(bool) | np.diff(selected, 2).astype(bool)
        kept = np.r_[True, bent, True]
        background, selected, thresholds = background[kept], selected[kept], thresholds[kept]
    fpr, tpr = (np.r_[0.0, yields] / yields[-1] for yields in (background, selected))
    return fpr, tpr, np.r_[np.inf, thresholds]


def roc_auc_score(
    y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None, labels: Any = None
) -> float:
    r"""Area under the ROC curve, with weights of either sign.

    .. math:: \mathrm{AUC} = \frac{\sum_{s,b} w_s w_b
              [\mathbb{1}(f_s > f_b) + \tfrac12 \mathbb{1}(f_s = f_b)]}{W_s W_b},

    the weighted fraction of (signal, background) pairs that the score f orders rightly, a tie counting half. For
    positive weights it equals :func:`sklearn.metrics.roc_auc_score`. Negative weights leave it an unbiased ratio, but
    with fewer effective events it fluctuates more, and may come out above 1.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_score : array-like of shape (n_events,) or (n_events, n_classes)
        Score, larger for signal. With one column per class (more than two): the mean area of each class against the
        rest.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it. Not
        with several columns.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.
    labels : array-like of shape (n_classes,), optional
        Labels of the columns, if there are several; by default the sorted labels of ``y_true``.

    Returns
    -------
    area : float

    Raises
    ------
    ValueError
        If a class is absent or the sum of its weights is not positive, on NaN or infinity, or if ``labels`` has a label
        twice or lacks one of ``y_true``.

    See Also
    --------
    roc_curve : The curve itself.
    bootstrap_interval : An interval for the area.
    average_precision : Area under the precision-recall curve.

    References
    ----------
    The weighted Mann-Whitney statistic; without weights J. A. Hanley and B. J. McNeil, Radiology 143 (1982) 29.

    Examples
    --------
    >>> from sklearn_ml4fp import roc_auc_score
    >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], sample_weight=[2, -1, 1, 1])
    1.5
    """
    if np.ndim(y_score) == 2 and np.shape(y_score)[1] > 2:
        if pos_label is not None:
            raise ValueError(
                f"pos_label={pos_label!r} goes with one score per event; got {np.shape(y_score)[1]} columns. Pass the "
                "column of that class for its area, or leave pos_label out for the mean over all classes."
            )
        return _one_versus_rest(y_true, y_score, sample_weight, labels)
    if labels is not None:
        raise ValueError(
            f"labels= goes with more than two columns of scores; got y_score of shape {np.shape(y_score)}. Pass one "
            "score per event, and pos_label= for the label of the signal."
        )
    signal, score, weight = check_binary(y_true, y_score, sample_weight, pos_label)
    background, selected, _ = cumulative_yields(signal, score, weight)
    mean_height = np.r_[0.0, selected[:-1]] + selected  # trapezoids; the step of equal scores is a slope, hence the 1/2
    return float(np.sum(np.diff(background, prepend=0.0) * mean_height) / (2 * background[-1] * selected[-1]))


def _one_versus_rest(y_true: Any, y_score: Any, sample_weight: Any, labels: Any) -> float:
    check_consistent_length(y_true, y_score)
    scores = finite_numbers(y_score, "y_score")
    y_true = column_or_1d(y_true, name="y_true")
    labels = unique_labels(y_true) if labels is None else column_or_1d(labels, name="labels")
    if len(np.unique(labels)) < len(labels):
        raise ValueError(f"labels must name each column once; got {labels.tolist()}.")
    if unknown := sorted(set(y_true.tolist()) - set(labels.tolist()), key=str):
        raise ValueError(
            f"y_true has the labels {unknown[:5]}, which are not in labels={labels.tolist()}: expected the label of "
            "each column. Leave those events out, or score them too."
        )
    if len(labels) != scores.shape[1]:
        raise ValueError(
            f"y_score has {scores.shape[1]} columns, y_true {len(labels)} labels ({labels[:5].tolist()}...): pass "
            "labels=, the label of each column, if some class has no event here."
        )
    weight = weights_or_ones(sample_weight, len(scores))
    areas = [
        roc_auc_score(y_true == label, scores[:, column], pos_label=True, sample_weight=weight)
        for column, label in enumerate(labels)
    ]
    return float(np.mean(areas))
