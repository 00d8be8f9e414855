"""Sampler and estimator in one estimator, which resamples its training events only."""

from __future__ import annotations

from inspect import signature
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from .._compat import HasMethods, check_method_params, num_samples, safe_indexing
from .._events import check_ids
from .._holdout import set_apart
from .._missing import column_or_1d, with_nan
from .._protocols import EventResampler, HoldOutEstimator, methods_of
from .._recording import recorded
from .._requests import (
    asks_for,
    declines_weights,
    routed,
    routed_to_fit,
    router_of,
    weights_declined,
    with_requests,
)
from .._source_inputs import answered_by_chunks, check_alone, is_source, read_whole
from .._spread import Spread, spread_of, with_std
from .._validation import check_weights
from ._weighted import WeightedSampler

_ROUTED = ("fit", "predict", "predict_proba", "predict_log_proba", "decision_function", "score")


def _has(method: str) -> Any:
    def check(self: Resampled) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


def _class_sums(y: Any, weights: np.ndarray | None, labels: np.ndarray) -> np.ndarray:
    codes = np.searchsorted(labels, np.asarray(y))
    return np.bincount(codes, weights, minlength=len(labels)).astype(np.float64)


def _rows(parts: tuple, mask: np.ndarray) -> tuple:
    return tuple(None if part is None else safe_indexing(part, np.flatnonzero(mask)) for part in parts)


class Resampled(MetaEstimatorMixin, BaseEstimator):
    """Train an estimator on resampled events; events to predict are not resampled.

    As the last step of a scikit-learn Pipeline, it brings any sampler there, with weights and event ids. If the
    estimator sets events apart for early stopping, as networks do, they are set apart here before the resampling and
    passed on as ``X_val``. So no resampled or synthetic event has a parent among them. Their weights are scaled class
    by class to the proportions of the training, so that the watched loss is the loss that is trained.

    Weights and ids go to the estimator where it takes them, unless it declines, with
    ``set_fit_request(sample_weight=False)``; the sampler gets them in any case. Other metadata travel where the
    estimator or a part of it requests them.

    Parameters
    ----------
    sampler : object with ``fit_resample``
        Sampler of this package, or of imbalanced-learn, which is put into `WeightedSampler`.
    estimator : estimator
        Classifier or regressor.

    Attributes
    ----------
    sampler_ : Sampler
        The sampler after resampling.
    estimator_ : estimator
        The fitted estimator.
    classes_ : ndarray of shape (n_classes,)
        Labels of a classifier.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where ``X`` has them.

    See Also
    --------
    WeightedSampler : Samplers of imbalanced-learn with weights.
    DropMissingRows, DropOutliers : Samplers that leave events out.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ml4fp import FeedForwardClassifier, Resampled, ZScoreScaler
    >>> X, y = make_classification(n_samples=500, weights=[0.95], random_state=0)
    >>> network = FeedForwardClassifier(width=16, max_epochs=5, random_state=0)
    >>> model = make_pipeline(ZScoreScaler(), Resampled(SMOTE(random_state=0), network)).fit(X, y)
    >>> model.predict_proba(X).shape
    (500, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        "sampler": [HasMethods(methods_of(EventResampler))],
        "estimator": [HasMethods(["fit", "predict"])],
    }
    __metadata_request__fit = dict.fromkeys(("sample_weight", "groups", "X_val", "y_val", "sample_weight_val"), True)
    __metadata_request__predict = {"return_std": True}  # noqa: RUF012
    __metadata_request__predict_proba = {"return_std": True}  # noqa: RUF012
    __metadata_request__score = {"sample_weight": True}  # noqa: RUF012

    def __init__(self, sampler: Any, estimator: Any) -> None:
        self.sampler = sampler
        self.estimator = estimator

    @recorded
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        **params: Any,
    ) -> Self:
        """Set a hold-out apart if the estimator uses one, resample the rest, and train on it.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features), or what else the estimator takes
            Events. An `EventSource`, which carries targets, weights and ids, is read; one that exceeds its ``memory``
            is an error.
        y : array-like of shape (n_events,)
            Classes or targets; None for a source.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights, resampled with the events.
        groups : array-like of shape (n_events,), default=None
            Event ids: the hold-out shares no id with the training part. An estimator that takes groups and no ``X_val``
            gets those of the resampled events.
        X_val, y_val, sample_weight_val : array-like, default=None
            Events to watch instead of a hold-out, passed on unchanged.
        **params : dict
            Other metadata that the estimator requests; those with a value for each event are resampled with the events.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            Weights for an estimator that takes none; an estimator inside of a Pipeline that sets events apart; metadata
            that a sampler which invents events cannot carry along; what the sampler and the estimator refuse.
        TypeError
            Metadata that no part requests.
        """
        self._validate_params()
        if is_source(X):
            events = read_whole("Resampled", X, y=y, sample_weight=sample_weight, groups=groups)
            X, y, sample_weight, groups = events.data, events.target, events.sample_weight, events.groups
        if y is None:
            raise ValueError("This Resampled estimator requires y to be passed, but the target y is None.")
        if issparse(X):
            raise TypeError("Sparse data was passed, but dense data is required. Use X.toarray().")
        X, y, groups = indexable(with_nan(X), with_nan(y), groups)  # also compares the lengths
        if is_classifier(self.estimator):
            labels = column_or_1d(y, warn=True)
            check_classification_targets(labels)
            y = labels if np.ndim(y) == 2 else y
        if (n := num_samples(X)) == 0:
            raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
        sample_weight = None if declines_weights(self, "fit") else check_weights(sample_weight, n)
        if groups is not None:
            check_ids(groups)
        self._check_estimator()
        prototype = with_requests(self.estimator)
        own = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        given = {name: value for name, value in own.items() if value is not None}
        per_event = {"sample_weight": sample_weight, "groups": groups}
        per_event = {name: value for name, value in per_event.items() if value is not None}
        routed_to_fit(self, prototype, given | per_event | params)  # errors come before the resampling
        apart = None if given else self._set_apart(X, y, groups)
        parts = (X, y, sample_weight, groups)
        train = parts if apart is None else _rows(parts, apart[0])
        wants_groups = apart is None and not given and asks_for(prototype, "fit", "groups")
        X_new, y_new, w_new, groups_new = self._resample(*train, wants_groups=wants_groups)
        if apart is not None:
            held = _rows(parts, apart[1])
            given = {"X_val": held[0], "y_val": held[1]}
            if w_new is not None and not weights_declined(prototype, "fit"):
                given["sample_weight_val"] = self._weights_apart(held, train, y_new, w_new)
        new = {"sample_weight": w_new, "groups": groups_new}
        given |= {name: value for name, value in new.items() if value is not None}
        given |= self._resample_params(params, X, None if apart is None else np.flatnonzero(apart[0]))
        with config_context(enable_metadata_routing=True):  # inside, a search hands weights and ids on
            self.estimator_ = prototype.fit(X_new, y_new, **routed_to_fit(self, prototype, given))
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def _check_estimator(self) -> None:
        if isinstance(self.estimator, Pipeline):
            raise ValueError(
                "Resampled got a Pipeline as its estimator, which takes neither weights nor a hold-out. Turn it round: "
                "a Pipeline with the transformers first and Resampled(sampler, last step) at its end."
            )

    def _resample_params(self, params: dict[str, Any], X: Any, train: np.ndarray | None) -> dict[str, Any]:
        """Resample other metadata that have a value for each event."""
        index = getattr(self.sampler_, "sample_indices_", None)
        known = index is not None and not (index < 0).any()
        rows = (index if train is None else train[index]) if known else np.empty(0, dtype=int)
        new = check_method_params(X, params, rows)
        if not known and (lost := [name for name, value in params.items() if new[name] is not value]):
            raise ValueError(
                f"{lost[0]} cannot be carried through {self.sampler!r}, which invents events or does not tell from "
                "which event each stems (sample_indices_). Take a sampler that repeats or drops events."
            )
        return new

    def _set_apart(self, X: Any, y: Any, groups: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """Choose the training events and those to set apart, as the estimator would, as masks."""
        one = self.estimator
        # scikit-learn's gradient boosting takes X_val too, but its hold-out is a validation_fraction of its own
        if not (isinstance(one, HoldOutEstimator) and has_fit_parameter(one, "X_val") and one.early_stopping):
            return None
        codes = np.unique(np.asarray(y), return_inverse=True)[1] if is_classifier(one) else None
        rng = check_random_state(getattr(one, "random_state", None))
        return set_apart(one.validation, X, y, groups=groups, codes=codes, rng=rng)

    def _resample(self, X: Any, y: Any, weights: Any, groups: Any, *, wants_groups: bool) -> tuple:
        """Resample events, weights and groups; the last two are None if absent or not requested."""
        sampler = clone(self.sampler)
        if "sample_weight" not in signature(sampler.fit_resample).parameters:
            sampler = WeightedSampler(sampler=sampler)
        self.sampler_ = sampler
        wanted = {"sample_weight": weights}
        if wants_groups:
            wanted["groups"] = groups
        wanted = {name: value for name, value in wanted.items() if value is not None}
        X_new, y_new, *rest = sampler.fit_resample(X, y, **wanted)
        new = dict(zip(wanted, rest, strict=True))
        return X_new, y_new, new.get("sample_weight"), new.get("groups")

    def _weights_apart(self, held: tuple, train: tuple, y_new: Any, w_new: Any) -> np.ndarray | None:
        """Weights of the hold-out, with the classes in the proportion in which they are trained."""
        own = held[2]
        if not is_classifier(self.estimator):
            return own
        labels = np.unique(np.asarray(train[1]))
        before, after = _class_sums(train[1], train[2], labels), _class_sums(y_new, w_new, labels)
        factors = (after / after.sum()) / (before / before.sum())
        if np.allclose(factors, 1):
            return own
        scaled = factors[np.searchsorted(labels, np.asarray(held[1])).clip(max=len(labels) - 1)]
        return scaled if own is None else own * scaled

    def _spread(self, method: str, X: Any, given: dict[str, Any]) -> Spread:
        check_is_fitted(self, "estimator_")
        if is_source(X):
            return answered_by_chunks(X, lambda events: self._spread(method, events, given))
        return spread_of(self.estimator_, method, with_nan(X), given)

    def _ask(self, method: str, X: Any, params: dict[str, Any], return_std: bool = False) -> Any:
        if return_std:
            return with_std(self, method, X, params)
        check_is_fitted(self, "estimator_")
        if is_source(X):
            check_alone(f"Resampled.{method}", **params)
            return answered_by_chunks(X, lambda events: self._ask(method, events, {}))
        return getattr(self.estimator_, method)(with_nan(X), **routed(self.estimator_, method, params))

    @available_if(_has("predict"))
    def predict(self, X: Any, *, return_std: bool = False, **params: Any) -> Any:
        """Predict with the fitted estimator, which gets the metadata that it requests; ``X`` is not resampled.

        With ``return_std`` also the standard deviations of a regressor that has them.
        """
        return self._ask("predict", X, params, return_std)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any, *, return_std: bool = False, **params: Any) -> Any:
        """Class probabilities of the fitted estimator, ``(n_events, n_classes)``, for the trained proportions.

        With ``return_std`` also their standard deviations over the members of a network.
        """
        return self._ask("predict_proba", X, params, return_std)

    @available_if(_has("predict_log_proba"))
    def predict_log_proba(self, X: Any, **params: Any) -> np.ndarray:
        """Logarithms of the class probabilities of the fitted estimator."""
        return self._ask("predict_log_proba", X, params)

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any, **params: Any) -> np.ndarray:
        """Decision function of the fitted estimator."""
        return self._ask("decision_function", X, params)

    @available_if(_has("score"))
    def score(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> float:
        """Score of the fitted estimator: accuracy of a classifier, R² of a regressor, with weights."""
        check_is_fitted(self, "estimator_")
        if is_source(X):
            events = read_whole("Resampled", X, y=y, sample_weight=sample_weight, **params)
            return self.score(events.data, events.target, events.sample_weight)
        given = params if sample_weight is None else {"sample_weight": sample_weight, **params}
        return self.estimator_.score(with_nan(X), with_nan(y), **routed(self.estimator_, "score", given))

    def get_metadata_routing(self) -> Any:
        """Return the routing of metadata in ``fit``, in the predictions and in ``score``."""
        return router_of(self, self.estimator, zip(_ROUTED, _ROUTED, strict=True))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type, tags.target_tags = inner.estimator_type, inner.target_tags
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.sparse = False
        return tags
