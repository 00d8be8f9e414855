"""Scorers: the metrics as scikit-learn's ``scoring=``, which request the event weights by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# make_scorer's own class: searches over several metrics, or over thresholds, look for it
from sklearn.metrics._scorer import _Scorer

from ._roc import roc_auc_score

# predict_proba first: with three classes and more the columns of a decision function do not compare with each other.
_SCORE = ("predict_proba", "decision_function")


class _WeightedScorer(_Scorer):
    """A scorer that requests ``sample_weight``, so that with metadata routing on no score is silently unweighted."""

    __metadata_request__score = {"sample_weight": True}  # noqa: RUF012 (scikit-learn reads it by this name)


def _scorer(metric: Callable[..., Any], response: Any, *, sign: int = 1, **kwargs: Any) -> _WeightedScorer:
    return _WeightedScorer(metric, sign, kwargs, response)


roc_auc_scorer = _scorer(roc_auc_score, _SCORE)
