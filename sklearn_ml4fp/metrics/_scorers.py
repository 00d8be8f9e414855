"""Scorers: metrics for ``scoring=`` of scikit-learn, which request the event weights by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# Scorer: scikit-learn's own class, which searches over several metrics, or over thresholds, look for
from .._compat import Scorer, response_of, score_of
from .._components import connected
from .._segments import offsets_from_counts
from .._validation import entry_weights, is_ragged
from ._ks import ks_distance
from ._probabilities import average_precision, brier, expected_calibration_error
from ._response import response_bias, response_resolution
from ._roc import roc_auc_score
from ._significance import ams_score, asimov_score
from ._tracking import (
    duplicate_rate,
    edge_efficiency,
    edge_purity,
    efficiency_at_purity,
    fake_rate,
    tracking_efficiency,
)
from ._working_points import background_rejection, significance_improvement

# predict_proba first: with three classes and more the columns of a decision function do not compare with each other.
_SCORE = ("predict_proba", "decision_function")
_METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


class _WeightedScorer(Scorer):
    """Scorer that requests ``sample_weight``, so that with metadata routing on no score is silently unweighted."""

    __metadata_request__score = {"sample_weight": True}  # noqa: RUF012 (scikit-learn reads it by this name)

    def _score(self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any) -> float:
        if not is_ragged(y_true):
            return super()._score(method_caller, estimator, X, y_true, **kwargs)
        # values of points or edges: all of them, one after the other
        method = response_of(self, estimator)
        values = getattr(estimator, method)(X).values
        if method == "predict_proba" and values.shape[1] == 2:
            values = values[:, 1]
        weights = entry_weights(kwargs.pop("sample_weight", None), y_true)
        return score_of(self, y_true.values, values, sample_weight=weights, **kwargs)


class _EitherClassScorer(_WeightedScorer):
    """Scorer of a metric that does not depend on which of the two classes is called signal.

    It uses the score of the classifier's second class, and passes this class as ``pos_label``.
    """

    def _score(self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any) -> float:
        classes: Any = getattr(estimator, "classes_", ())
        if len(classes) == 2:
            kwargs["pos_label"] = classes[1]
        return super()._score(method_caller, estimator, X, y_true, **kwargs)


class _EdgeScorer(_WeightedScorer):
    """Scorer of a metric of edges: it compares ragged labels with ragged probabilities of the second class."""

    def _score(self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any) -> float:
        score = estimator.predict_proba(X)
        if not (is_ragged(y_true) and is_ragged(score) and np.array_equal(y_true.offsets, score.offsets)):
            raise ValueError(
                "this scorer needs labels and probabilities of edges, two RaggedArrays of the same events; got "
                f"{type(y_true).__name__} and {type(score).__name__}. edge_labels makes the labels."
            )
        if not np.isin(y_true.values, (0, 1)).all():
            raise ValueError("the labels of edges must be 0 and 1, as edge_labels makes them.")
        return score_of(self, *self._compared(X, y_true, score), **kwargs)

    def _compared(self, X: Any, y_true: Any, score: Any) -> tuple[Any, Any]:
        return y_true, score


class _TrackScorer(_EdgeScorer):
    """Scorer of a metric of tracks: the true ones are what true edges connect, the candidates what accepted ones do."""

    def _compared(self, X: Any, y_true: Any, score: Any) -> tuple[Any, Any]:
        return _Tracks(X, y_true.values == 1), _Tracks(X, score.values[:, 1] > 0.5)


class _Tracks:
    """Number of the track of each hit, from the edges of graphs, or of a source of graphs, that are accepted."""

    def __init__(self, X: Any, accept: np.ndarray) -> None:
        values, counts, done = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], 0
        for graphs in (events.data for events in X.chunks()) if hasattr(X, "chunks") else [X]:
            if not hasattr(graphs, "flat_edges"):
                raise ValueError(
                    f"this scorer needs the edges of the events, expected Graphs, got {type(graphs).__name__}: score "
                    "graphs or a source of graphs. A cross-fit on a source larger than its memory takes scorers of "
                    "edges, such as edge_efficiency."
                )
            of_part = accept[done : done + len(graphs.edges)]
            done += len(of_part)
            values.append(connected(graphs.flat_edges()[of_part], graphs.nodes.offsets))
            counts.append(graphs.nodes.counts)
        self.values, self.offsets = np.concatenate(values), offsets_from_counts(np.concatenate(counts))


def make_weighted_scorer(
    metric: Callable[..., Any],
    *,
    response_method: str | tuple[str, ...] = "predict",
    greater_is_better: bool = True,
    **kwargs: Any,
) -> _WeightedScorer:
    """Make a scorer of a metric that requests ``sample_weight`` by itself, unlike ``make_scorer`` of scikit-learn.

    With scikit-learn's metadata routing on, event weights that are passed to a search or cross-validation reach the
    metric. With routing off, scikit-learn hands no weights to any scorer: the score is then unweighted.

    Parameters
    ----------
    metric : callable
        Called as ``metric(y_true, y_pred, sample_weight=, **kwargs)``.
    response_method : {"predict", "predict_proba", "decision_function"} or tuple of them, default="predict"
        Method of the estimator whose result the metric compares with the truth; of several, the first available one.
    greater_is_better : bool, default=True
        If False, the score is minus the metric.
    **kwargs
        Further arguments of the metric, such as ``pos_label``, the label of the signal, which labels that are text
        need.

    Returns
    -------
    scorer : callable
        For ``scoring=``.

    See Also
    --------
    roc_auc_scorer, background_rejection_scorer, asimov_scorer : Scorers made in this way.

    Raises
    ------
    TypeError
        If the metric is no function.
    ValueError
        If there is no such method of estimators.

    Examples
    --------
    >>> from sklearn_ml4fp import ams_score, background_rejection, make_weighted_scorer
    >>> scorer = make_weighted_scorer(ams_score, signal_yield=700, background_yield=400_000)
    >>> scorer = make_weighted_scorer(background_rejection, response_method="predict_proba", b_reg=1, pos_label="top")
    """
    if not callable(metric):
        raise TypeError(f"metric must be a function of y_true, y_pred and sample_weight; got {metric!r}.")
    methods = response_method if isinstance(response_method, tuple) else [response_method]
    if unknown := [method for method in methods if method not in _METHODS]:
        raise ValueError(f"response_method must be of {_METHODS}, or a tuple of them; got {unknown[0]!r}.")
    return _WeightedScorer(metric, 1 if greater_is_better else -1, kwargs, response_method)


def _absolute_bias(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    return abs(response_bias(y_true, y_pred, sample_weight=sample_weight))


roc_auc_scorer = _EitherClassScorer(roc_auc_score, 1, {}, _SCORE)
average_precision_scorer = make_weighted_scorer(average_precision, response_method=_SCORE)
# with one event added: no fold without background above the cut, where the best models come first, is left out
background_rejection_scorer = make_weighted_scorer(background_rejection, response_method=_SCORE, b_reg=1.0)
significance_improvement_scorer = make_weighted_scorer(significance_improvement, response_method=_SCORE, b_reg=1.0)
ks_distance_scorer = _EitherClassScorer(ks_distance, 1, {}, _SCORE)
ams_scorer = make_weighted_scorer(ams_score)
asimov_scorer = make_weighted_scorer(asimov_score, b_reg=1.0)
neg_brier_scorer = _EitherClassScorer(brier, -1, {}, "predict_proba")
neg_expected_calibration_error_scorer = _EitherClassScorer(expected_calibration_error, -1, {}, "predict_proba")
neg_response_bias_scorer = make_weighted_scorer(_absolute_bias, greater_is_better=False)
neg_response_resolution_scorer = make_weighted_scorer(response_resolution, greater_is_better=False)
edge_efficiency_scorer = _EdgeScorer(edge_efficiency, 1, {}, "predict_proba")
edge_purity_scorer = _EdgeScorer(edge_purity, 1, {}, "predict_proba")
efficiency_at_purity_scorer = _EdgeScorer(efficiency_at_purity, 1, {}, "predict_proba")
tracking_efficiency_scorer = _TrackScorer(tracking_efficiency, 1, {}, "predict_proba")
neg_fake_rate_scorer = _TrackScorer(fake_rate, -1, {}, "predict_proba")
neg_duplicate_rate_scorer = _TrackScorer(duplicate_rate, -1, {}, "predict_proba")

#: All scorers by name, for a loop or a configuration file.
SCORERS = {
    "ams": ams_scorer,
    "asimov": asimov_scorer,
    "average_precision": average_precision_scorer,
    "background_rejection": background_rejection_scorer,
    "edge_efficiency": edge_efficiency_scorer,
    "edge_purity": edge_purity_scorer,
    "efficiency_at_purity": efficiency_at_purity_scorer,
    "ks_distance": ks_distance_scorer,
    "neg_brier": neg_brier_scorer,
    "neg_duplicate_rate": neg_duplicate_rate_scorer,
    "neg_expected_calibration_error": neg_expected_calibration_error_scorer,
    "neg_fake_rate": neg_fake_rate_scorer,
    "neg_response_bias": neg_response_bias_scorer,
    "neg_response_resolution": neg_response_resolution_scorer,
    "roc_auc": roc_auc_scorer,
    "significance_improvement": significance_improvement_scorer,
    "tracking_efficiency": tracking_efficiency_scorer,
}
