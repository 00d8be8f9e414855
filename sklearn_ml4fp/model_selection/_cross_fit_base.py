"""Base of the cross-fitted estimators: one model per fold scores the events that it has not seen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn import config_context
from sklearn.base import MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MethodMapping
from sklearn.utils.parallel import Parallel
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._checkpoints import collected, note, removed_in_the_end
from .._compat import check_method_params
from .._events import id_kinds
from .._keeping import FilledUp
from .._missing import with_nan
from .._progress import track
from .._protocols import EventAssigner
from .._recording import recorded
from .._requests import routed, routed_to_fit, router_of, scoring_with_weights, with_requests
from .._segments import joined
from .._side_by_side import call_all, has_networks
from .._source_inputs import check_alone
from .._spread import Spread, all_or_none, combined, spread_of, with_std
from .._validation import check_model, check_weights, is_ragged
from ..data import EventSource
from ._cross_fit_sources import RESPONSES, ByFold, OnSources
from ._splits import EventKFold, _check_parts, _take

_ROUTED = ("fit", *RESPONSES)


def _fit_one(estimator: Any, X: Any, y: np.ndarray, rows: np.ndarray, params: dict[str, Any]) -> tuple[Any, set]:
    with collected() as checkpoints:
        return estimator.fit(_take(X, rows), y[rows], **check_method_params(X, params, rows)), checkpoints


def _is_verbose(estimator: Any) -> bool:
    """Whether an estimator, or one inside of it, shows its progress."""
    params = estimator.get_params().items() if hasattr(estimator, "get_params") else ()
    return any(bool(value) for name, value in params if name.split("__")[-1] == "verbose")


def _joined(parts: list[Any], order: np.ndarray) -> Any:
    """Responses of several models as one, in the order of the events."""
    return joined(parts)[order]


class CrossFit(OnSources, FilledUp, MetaEstimatorMixin, ABC):
    """Base of the classifier and the regressor: folds, fits, and the choice of the model for each event."""

    __metadata_request__fit = {"groups": True, "sample_weight": True}  # noqa: RUF012
    __metadata_request__predict = {"groups": True, "return_std": True}  # noqa: RUF012
    __metadata_request__score = {"groups": True, "sample_weight": True}  # noqa: RUF012

    def __init__(
        self,
        estimator: Any,
        *,
        cv: Any = 5,
        scoring: Any = None,
        without_groups: str = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.cv = cv
        self.scoring = scoring
        self.without_groups = without_groups
        self.n_jobs = n_jobs

    @abstractmethod
    def _default_scorer(self) -> Any:
        """Return the scorer that is used without ``scoring``."""

    @abstractmethod
    def _check_y(self, y: Any) -> np.ndarray:
        """Check labels or targets, and return them as an array, or as they are if points or edges have them."""

    def _check_training(self, y: np.ndarray, folds: np.ndarray) -> None:
        """Refuse folds on whose rest no model can be trained."""

    # --- fit ---

    @recorded
    def fit(self, X: Any, y: Any = None, *, groups: Any = None, sample_weight: Any = None, **params: Any) -> Self:
        """Fit one model per fold, on the events of the other folds.

        Parameters
        ----------
        X : array-like of shape (n_events, ...), or EventSource
            Events, in any form that the estimator takes. A source carries targets, weights and ids by itself; of one
            that is larger than its ``memory``, targets, weights and outputs are kept, and no event.
        y : array-like of shape (n_events,) or (n_events, n_outputs)
            Labels or targets; None for a source.
        groups : array-like of shape (n_events,) or (n_events, n_columns), optional
            Event ids, which decide the folds; also handed to an estimator that asks for them (every network does, for
            its own hold-out). Without them the folds are scikit-learn's, by row.
        sample_weight : array-like of shape (n_events,), optional
            Event weights, for the estimator and for the scores; negative ones where both allow them.
        **params : dict
            Other metadata, for the estimator, the splitter and the scorer, where one of them requests it.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ids are unusable, a fold is empty or a class missing outside a fold, or weights are given to an estimator
            that takes none.
        TypeError
            Other metadata are given that no part requests.
        """
        if isinstance(X, EventSource):
            check_alone(f"{type(self).__name__}.fit", y=y, groups=groups, sample_weight=sample_weight, **params)
            held, _ = X.held()
            if held is None:
                self._fit_source(X)
                return self
            X, y, groups, sample_weight = held.data, held.target, held.groups, held.sample_weight
        self._check_parameters(y)
        X, y = with_nan(X), self._check_y(y)
        check_consistent_length(X, y, groups, sample_weight)
        weight = sample_weight if is_ragged(sample_weight) else check_weights(sample_weight, len(y))
        given = {name: v for name, v in (("groups", groups), ("sample_weight", weight)) if v is not None} | params
        # the first, so that a plain Pipeline passes weights and ids on as well
        with config_context(enable_metadata_routing=True), removed_in_the_end():
            prototype = with_requests(self.estimator) if given else self.estimator
            to_fit = routed_to_fit(self, prototype, given)
            folds = self._make_folds(X, y, groups, params)
            self._check_training(y, folds)
            fits: Any = (
                (_fit_one, (clone(prototype), X, y, np.flatnonzero(folds != fold), to_fit), {})
                for fold in range(self.n_folds_)
            )
            shown = track(fits, "fold", total=self.n_folds_, disable=None if _is_verbose(self.estimator) else True)
            fitted = call_all(Parallel(n_jobs=self.n_jobs), shown, with_networks=has_networks(prototype))
            self.estimators_ = [model for model, _ in fitted]
            note(path for _, checkpoints in fitted for path in checkpoints)
            self._score_folds(X, y, given, folds)
        return self

    def _check_parameters(self, y: Any) -> None:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        check_model(self.estimator, type(self).__name__, "fit", "predict", "get_params")
        if self.without_groups not in ("raise", "average"):
            raise ValueError(f"without_groups must be 'raise' or 'average'; got {self.without_groups!r}.")

    def _make_folds(self, X: Any, y: np.ndarray, groups: Any, params: dict[str, Any]) -> np.ndarray:
        """Assign each event to a fold, (n_events,), and set ``cv_`` and ``n_folds_``."""
        self._by_event = groups is not None or isinstance(self.cv, EventAssigner)
        if not self._by_event:
            self.cv_ = check_cv(self.cv, y, classifier=is_classifier(self))
            self.n_folds_ = self.cv_.get_n_splits(X, y)
            tests = [test for _, test in self.cv_.split(X, y, **routed(self.cv_, "split", params))]
            if not np.array_equal(np.sort(np.concatenate(tests)), np.arange(len(y))):
                raise ValueError(
                    f"cross-fitting needs every event in exactly one test fold; {self.cv_!r} does otherwise."
                )
            return np.repeat(np.arange(self.n_folds_), [len(test) for test in tests])[np.argsort(np.concatenate(tests))]
        self.cv_ = self._event_splitter()
        self.n_folds_ = self.cv_.get_n_splits()
        folds = self.cv_.assign(groups)
        _check_parts(folds, [f"fold {i}" for i in range(self.n_folds_)], groups, repr(self.cv_))
        self._id_kinds = id_kinds(groups)
        return folds

    def _event_splitter(self) -> EventAssigner:
        # a role of its own: independent of an EventKFold around this
        splitter = EventKFold(int(self.cv), salt="cross-fit") if isinstance(self.cv, Integral) else self.cv
        if not isinstance(splitter, EventAssigner):
            raise ValueError(
                "with groups, cv must be a number of folds, or a splitter that tells the fold of any event by "
                f"assign(ids), such as EventKFold; got {self.cv!r}."
            )
        return splitter

    def _check_kinds(self, groups: Any) -> None:
        """Refuse ids of another kind than in fit: 7 and "7" hash differently, so the model may have seen the event."""
        if len(groups) and (kinds := id_kinds(groups)) != self._id_kinds:
            fitted, got = (
                f"{len(names)} column{'s' if len(names) > 1 else ''} ({', '.join(names)})"
                for names in (self._id_kinds, kinds)
            )
            raise ValueError(
                f"this {type(self).__name__} was fitted with groups of {fitted}; got groups of {got}. The same event "
                "would be scored by a model that has seen it: pass the ids as in fit, of the same types and columns. "
                "For events that no model has seen, leave groups out and set without_groups='average'."
            )

    # --- scores ---

    def _scorer(self, owner: Any = None) -> Any:
        """Return the scorer, which takes weights if its metric does; if not, ``owner`` is named in a warning."""
        with config_context(enable_metadata_routing=True):
            scoring = self._default_scorer() if self.scoring is None else self.scoring
            return scoring_with_weights(self.estimator, check_scoring(self.estimator, scoring), owner)

    def _score(self, scorer: Any, scored: Any, X: Any, y: np.ndarray, given: dict[str, Any]) -> float:
        with config_context(enable_metadata_routing=True):
            return float(scorer(scored, X, y, **routed(scorer, "score", given)))

    def _score_folds(self, X: Any, y: np.ndarray, given: dict[str, Any], folds: np.ndarray) -> None:
        scorer = self._scorer(self if "sample_weight" in given else None)
        self.fold_scores_ = np.empty(self.n_folds_)
        rows, kept = [np.flatnonzero(folds == fold) for fold in range(self.n_folds_)], []
        for fold, chosen in enumerate(rows):
            part, of_fold = _take(X, chosen), check_method_params(X, given, chosen)
            model = ByFold(self, folds[chosen], of_fold, part)
            self.fold_scores_[fold] = self._score(scorer, model, part, y[chosen], of_fold)
            kept.append(model.kept)
        model, order = ByFold(self, folds, given, X), np.argsort(np.concatenate(rows))
        names = set.intersection(*map(set, kept))
        model.kept = {name: _joined([responses[name] for responses in kept], order) for name in names}
        self.oof_score_ = self._score(scorer, model, X, y, given)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None, *, groups: Any = None, **params: Any) -> float:
        """Score with ``scoring``, each event by the model that has not seen it.

        Parameters
        ----------
        X, y, sample_weight, groups, **params : array-like
            As for :meth:`fit`; the ids as for :meth:`predict`.
        """
        if isinstance(X, EventSource):
            check_alone(f"{type(self).__name__}.score", y=y, groups=groups, sample_weight=sample_weight, **params)
            return self._score_source(X)
        given = {
            name: v for name, v in (("groups", groups), ("sample_weight", with_nan(sample_weight))) if v is not None
        }
        model = ByFold(self, self._folds_of(X, groups), given | params)
        return self._score(
            self._scorer(self if "sample_weight" in given else None), model, X, with_nan(y), given | params
        )

    @property
    def history_(self) -> list[Any]:
        """Histories of the models, one per fold, if they have one (networks do)."""
        return [(model.steps[-1][1] if hasattr(model, "steps") else model).history_ for model in self.estimators_]

    # --- predict ---

    def _folds_of(self, X: Any, groups: Any) -> np.ndarray | None:
        """Return the fold of each event by its id, or None to average."""
        check_is_fitted(self, "estimators_")
        if groups is not None:
            if not self._by_event:
                raise ValueError(
                    f"this {type(self).__name__} was fitted without groups: it does not know which model has seen "
                    "which event. Fit it with groups, or predict without them to average the models."
                )
            check_consistent_length(X, groups)
            self._check_kinds(groups)
            return self.cv_.assign(groups)
        if self._by_event and self.without_groups != "average":
            raise ValueError(
                f"this {type(self).__name__} was fitted with groups and needs them to predict: predict(X, groups=ids) "
                "scores each event by the model that has not seen it. scikit-learn's scorers and displays do not pass "
                "them: use oof_score_, score(X, y, groups=ids), or the displays' from_predictions. For data that no "
                "model has seen, such as the test part of a search, set without_groups='average'."
            )
        return None

    def _respond(self, method: str, X: Any, folds: np.ndarray | None, given: dict[str, Any]) -> np.ndarray:
        """Return the response (n_events, ...) of the model of each event's fold, or the mean of the models."""
        X = with_nan(X)
        if folds is None:
            return self._average(method, X, given)
        if not len(folds):
            return getattr(self.estimators_[0], method)(X)  # the model's own error for no events
        parts, order = self._by_fold(partial(self._ask, method=method), X, folds, given)
        return _joined(parts, order)

    def _spread(self, method: str, X: Any, given: dict[str, Any]) -> Spread:
        """Response of the model of each event's fold and its width; of all models, their mean and total width."""
        folds, X = self._folds_of(X, given.get("groups")), with_nan(X)
        ask = partial(spread_of, method=method)
        if folds is None:
            return combined([ask(model, X=X, given=given) for model in self.estimators_])
        if not len(folds):
            return ask(self.estimators_[0], X=X, given={})
        parts, order = self._by_fold(ask, X, folds, given)
        widths = all_or_none(width for _, width in parts)
        return _joined([mean for mean, _ in parts], order), None if widths is None else _joined(widths, order)

    def _by_fold(self, ask: Any, X: Any, folds: np.ndarray, given: dict[str, Any]) -> tuple[list[Any], np.ndarray]:
        """Ask the model of each fold for its events; return the answers, and the order that brings the events back."""
        present = np.unique(folds)
        rows = [np.flatnonzero(folds == fold) for fold in present]
        parts = [
            ask(self.estimators_[fold], X=_take(X, chosen), given=check_method_params(X, given, chosen))
            for fold, chosen in zip(present, rows, strict=True)
        ]
        return parts, np.argsort(np.concatenate(rows))

    def _ask(self, model: Any, method: str, X: Any, given: dict[str, Any]) -> Any:
        """Return the response of one model, which gets the metadata that it requests."""
        with config_context(enable_metadata_routing=True):
            return getattr(model, method)(X, **routed(model, method, given))

    def _average(self, method: str, X: Any, given: dict[str, Any]) -> np.ndarray:
        responses = [self._ask(model, method, X, given) for model in self.estimators_]
        if is_ragged(responses[0]):
            return responses[0].with_values(np.mean([one.values for one in responses], axis=0))
        return np.mean(responses, axis=0)

    def _predict(self, method: str, X: Any, groups: Any, params: dict[str, Any], return_std: bool = False) -> Any:
        if isinstance(X, EventSource):
            check_alone(f"{type(self).__name__}.{method}", groups=groups, **params)
            return self._predict_source(method, X, return_std)
        given = params if groups is None else {"groups": groups, **params}
        if return_std:
            return with_std(self, method, X, given)
        return self._respond(method, X, self._folds_of(X, groups), given)

    def get_metadata_routing(self) -> Any:
        """Return the routing of metadata: to this estimator, the inner one, the splitter and the scorer."""
        router = router_of(self, self.estimator, zip(_ROUTED, _ROUTED, strict=True))
        with config_context(enable_metadata_routing=True):
            scoring = MethodMapping().add(caller="fit", callee="score").add(caller="score", callee="score")
            router.add(scorer=self._scorer(), method_mapping=scoring)
            if hasattr(self.cv, "get_metadata_routing"):
                router.add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        return router

    def predict(self, X: Any, *, groups: Any = None, return_std: bool = False, **params: Any) -> Any:
        """Predict each event by the model that has not seen it.

        Parameters
        ----------
        X : array-like of shape (n_events, ...), or EventSource
            Events; a source has its own ids, and is predicted chunk by chunk.
        groups : array-like of shape (n_events,) or (n_events, n_columns), optional
            Event ids. Recorded data and simulation are treated alike: one model per event, by its id. (The mean of the
            models is a sharper score, so a cut would mean something else for it.)
        return_std : bool, default=False
            Whether to return the standard deviation as well, of a regressor: that of the event's model, from its
            Gaussian loss or its members; where the models are averaged √(mean σ² + variance of μ), the law of total
            variance.
        **params : dict
            Metadata that the models request in ``predict``.

        Returns
        -------
        y : ndarray of shape (n_events,) or (n_events, n_outputs)
        std : ndarray of the same shape
            Standard deviations, only with ``return_std``.

        Raises
        ------
        ValueError
            If ``return_std`` is asked of labels, or of models without a width of which each event has one; if groups
            are absent though they were there in ``fit``, unless ``without_groups="average"``, or if they are
            of another kind than in ``fit``: integers or strings, column by column.
        """
        return self._predict("predict", X, groups, params, return_std)

    @property
    def n_features_in_(self) -> int:
        """Number of columns, of the first model."""
        return self.estimators_[0].n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns, of the first model."""
        return self.estimators_[0].feature_names_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        return tags
