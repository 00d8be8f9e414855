"""The ROC curve, the area under it and the average precision, with scikit-learn's tests of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn_ml4fp import average_precision, roc_auc_score, roc_curve

from .suite import Suite


def macro(metric: Callable[..., float]) -> Callable[..., float]:
    """Take scikit-learn's names for what ours does anyway: the mean over classes, each against the rest."""

    def called(y_true: Any, y_score: Any, *, average: str = "macro", multi_class: str = "ovr", **params: Any) -> float:
        if (average, multi_class) != ("macro", "ovr"):
            raise TypeError(f"not offered: {average=}, {multi_class=}")
        return metric(y_true, y_score, **params)

    return called


OURS = {
    "roc_curve": roc_curve,
    "roc_auc_score": macro(roc_auc_score),
    "average_precision_score": macro(average_precision),
}


def replace(names: dict[str, Any]) -> None:
    """Put our metrics in the place of scikit-learn's."""
    names.update(OURS)


ONE_CLASS = "after what it compares, a sample without signal or background: an error, not NaN and a warning"
WORDS = "the same error in our words"
MEANS = "of several classes, only the mean of each against the rest is offered"

SUITES = [
    Suite(
        "`roc_curve`, `roc_auc_score`, `average_precision`",
        "metrics/tests/test_ranking.py",
        replace,
        only=OURS,
        by_design={
            "test_roc_curve_one_label": ONE_CLASS,
            "test_roc_curve_toydata": ONE_CLASS,
            "test_auc_score_non_binary_class": ONE_CLASS,
            "test_precision_recall_curve_toydata": ONE_CLASS,
            "test_multiclass_ovo_roc_auc_toydata": MEANS,
            "test_multiclass_ovo_roc_auc_toydata_binary": MEANS,
            "test_multiclass_ovr_roc_auc_toydata": "asks for the area of each class, `average=None`",
            "test_perfect_imperfect_chance_multiclass_roc_auc[ovr-micro": MEANS,
            "test_perfect_imperfect_chance_multiclass_roc_auc[ovo": MEANS,
            "test_micro_averaged_ovr_roc_auc": MEANS,
            "test_roc_auc_score_multiclass_error": MEANS,
            "test_roc_auc_score_multiclass_labels_error[ovo": MEANS,
            "test_roc_auc_score_multiclass_labels_error[ovr": f"{WORDS}, but for `labels` that are not in order",
            "test_confusion_matrix_at_thresholds_multiclass_error": WORDS,
            "test_confusion_matrix_at_thresholds_implicit_pos_label": WORDS,
            "test_confusion_matrix_at_thresholds_implicit_bytes_pos_label": "bytes are text, and need `pos_label`",
            "test_average_precision_score_binary_pos_label_errors": WORDS,
            "test_average_precision_score_multilabel_pos_label_errors": WORDS,
            "test_average_precision_score_multiclass_pos_label_errors": WORDS,
            "test_multiclass_ranking_metrics_raise_for_incorrect_shape_of_y_score": WORDS,
            "test_partial_roc_auc_score": "`max_fpr` is not offered",
        },
    )
]
