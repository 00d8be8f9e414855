"""Cross-fitting on sources, and what a scorer sees: each event is predicted by the model that has not seen it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._checkpoints import collected, note, removed_in_the_end
from .._events import id_kinds
from .._inner_model import inner_model
from .._requests import asks_for, routed_to_fit, with_requests
from .._segments import joined
from .._source_inputs import CHUNK, answered
from .._validation import check_weights, is_ragged
from ..data import EventSource
from ._split_sources import InPart

RESPONSES = ("predict", "predict_proba", "decision_function")


class _InPlace:
    """Base of estimators for a scorer, which stand in the place of a fitted one: only their responses differ."""

    fitted: Any

    def __sklearn_tags__(self) -> Any:
        return self.fitted.__sklearn_tags__()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "fitted":
            raise AttributeError(name)
        value = getattr(self.fitted, name)  # AttributeError if the models cannot
        if name not in RESPONSES:
            return value

        def respond(X: Any) -> np.ndarray:
            return self._response(name, X)

        respond.__name__ = name  # scorers ask a method for its name
        return respond

    def _response(self, name: str, X: Any) -> np.ndarray:
        raise NotImplementedError


class ByFold(_InPlace):
    """Estimator for a scorer, which predicts every event by the model of its fold.

    Parameters
    ----------
    fitted : CrossFit
        Fitted estimator.
    folds : ndarray of shape (n_events,) or None
        Fold of each event, or None to average the models.
    params : dict
        Metadata of the events.
    events : array-like of shape (n_events, ...) or None
        Events whose responses are asked for once and kept, if there are any.
    """

    def __init__(self, fitted: Any, folds: np.ndarray | None, params: dict[str, Any], events: Any = None) -> None:
        self.fitted, self.folds, self.params, self.events = fitted, folds, params, events
        self.kept: dict[str, Any] = {}

    def _response(self, name: str, X: Any) -> np.ndarray:
        if name in self.kept and X is self.events:
            return self.kept[name]
        model = self.fitted.estimators_[0]
        wanted = {key: value for key, value in self.params.items() if asks_for(model, name, key)}
        response = self.fitted._respond(name, X, self.folds, wanted)
        if X is self.events:
            self.kept[name] = response
        return response


class OfSource(_InPlace):
    """Estimator for a scorer, whose events are row numbers of a source; it is read once for each kind of response."""

    def __init__(self, fitted: Any, source: EventSource) -> None:
        self.fitted, self.source = fitted, source
        self.kept: dict[str, np.ndarray] = {}

    def _response(self, name: str, X: Any) -> np.ndarray:
        if name not in self.kept:
            self.kept[name] = getattr(self.fitted, name)(self.source)
        return self.kept[name][X]


class Labels(NamedTuple):
    """What a cross-fit keeps of a source: per event its target and weight, or those of its points, and its fold."""

    y: Any
    weights: Any
    folds: np.ndarray
    kinds: Any  # of the ids


def check_takes_sources(estimator: Any) -> None:
    """Refuse a model whose ``fit`` asks for targets beside the events: they are in the source."""
    model = inner_model(estimator) or estimator
    target = signature(model.fit).parameters.get("y")
    if target is not None and target.default is target.empty:
        raise TypeError(
            f"{type(model).__name__} takes arrays, and the source exceeds its memory. Pass a larger memory= to the "
            "EventSource, or the arrays: events = source.read(), then events.data, events.target, events.sample_weight "
            "and events.groups; or fit a network of this package."
        )


def labels_of(source: EventSource, assign: Callable[[Any], np.ndarray] | None) -> Labels:
    """Read the targets, weights and folds of all events; without ``assign`` all are in fold 0.

    Raises
    ------
    ValueError
        The source has no target, no event, or no ids where folds are asked for.
    """
    for role in ("target", "event_id") if assign is not None else ("target",):
        if getattr(source, role) is None:
            raise ValueError(f"cross-fitting on a source needs its {role}: say which column it is by {role}=.")
    y, weights, folds, kinds = [], [], [], None
    for events in source.chunks(CHUNK):
        if assign is not None:
            kinds = id_kinds(events.groups) if kinds is None else kinds
            folds.append(assign(events.groups).astype(np.int16))
        y.append(events.target)
        weights.append(events.sample_weight)
    if not y:
        raise ValueError(f"{source!r} has no event.")
    targets, weight = joined(y), None if source.weight is None else joined(weights)
    return Labels(targets, weight, np.concatenate(folds) if folds else np.zeros(len(targets), np.int16), kinds)


def _fit_one(estimator: Any, source: EventSource) -> tuple[Any, set]:
    with collected() as checkpoints:
        return estimator.fit(source), checkpoints


class OnSources:
    """Mixin of the cross-fitted estimators: what they do with a source that is never in memory as a whole."""

    def _fit_source(self: Any, source: EventSource) -> None:
        """Fit one model per fold, on the source of the other folds."""
        self._check_parameters(source.target)
        check_takes_sources(self.estimator)
        self._by_event, self.cv_ = True, self._event_splitter()
        self.n_folds_ = self.cv_.get_n_splits()
        labels = labels_of(source, self.cv_.assign)
        y, weights = self._check_y(labels.y), labels.weights
        if not is_ragged(weights):  # those of points are checked by the models
            weights = check_weights(weights, len(y))
        counts = np.bincount(labels.folds, minlength=self.n_folds_)
        if not counts.all():
            raise ValueError(
                f"{self.cv_!r}: no event in fold {np.argmin(counts)}, of {len(y)} events. Take fewer folds."
            )
        self._check_training(y, labels.folds)
        self._id_kinds = labels.kinds
        with config_context(enable_metadata_routing=True), removed_in_the_end():
            prototype = with_requests(self.estimator)
            if weights is not None:  # an estimator that takes none is an error
                routed_to_fit(self, prototype, {"sample_weight": weights[:1]})
            parts = (source.where(InPart(self.cv_.assign, fold, others=True)) for fold in range(self.n_folds_))
            fitted = Parallel(n_jobs=self.n_jobs)(delayed(_fit_one)(clone(prototype), part) for part in parts)
            self.estimators_ = [model for model, _ in fitted]
            note(path for _, checkpoints in fitted for path in checkpoints)
            score = self._score_of_rows(source, y, weights)
            self.fold_scores_ = np.array([score(np.flatnonzero(labels.folds == i)) for i in range(self.n_folds_)])
            self.oof_score_ = score(np.arange(len(y)))

    def _score_of_rows(self: Any, source: EventSource, y: Any, weights: Any) -> Callable[[np.ndarray], float]:
        """Return a function that scores some of the events, by their row numbers; they are predicted once."""
        scorer, model = self._scorer(self if weights is not None else None), OfSource(self, source)

        def score(rows: np.ndarray) -> float:
            return self._score(
                scorer, model, rows, y[rows], {} if weights is None else {"sample_weight": weights[rows]}
            )

        return score

    def _score_source(self: Any, source: EventSource) -> float:
        check_is_fitted(self, "estimators_")
        labels = labels_of(source, None)
        return self._score_of_rows(source, labels.y, labels.weights)(np.arange(len(labels.y)))

    def _predict_source(self: Any, method: str, source: EventSource, return_std: bool) -> Any:
        """Respond to chunk after chunk, each event by the model of its id."""
        check_is_fitted(self, "estimators_")

        def answer(events: Any) -> Any:
            return self._predict(method, events.data, events.groups if self._by_event else None, {}, return_std)

        return answered(source.chunks(CHUNK), answer)
