"""Predictions that are averaged over changed copies of each event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._compat import HasMethods, Interval, num_samples, safe_indexing
from .._keeping import FilledUp
from .._kinematics import wrap_phi
from .._missing import with_nan
from .._quantiles import explained, levels_in
from .._recording import recorded
from .._requests import declines_weights, routed, routed_to_fit, router_of, with_requests
from .._source_inputs import answered_by_chunks, check_alone, is_source, read_whole, scored_by_chunks
from .._spread import Spread, combined, spread_of, with_std
from .._validation import check_weights
from ._azimuths import interval_of, within
from ._base import Augmenter
from ._events import Batch, read, write
from ._random import EventRandom


class AugmentedPrediction(FilledUp, MetaEstimatorMixin, BaseEstimator):
    """Average the predictions of an estimator over each event and changed copies of it.

    If the data has the symmetry of the augmenter and the estimator has not quite learned it, the average is closer to
    the symmetry and varies less. The estimator is trained on unchanged events; put the augmenter into `Resampled` as
    well to train on changed ones. The prediction of a regressor for a changed event is first changed back, such as the
    direction of a rotated shower (``Rotate(target_xy=[(0, 1)], ...)``). Azimuths are averaged on the circle.

    Parameters
    ----------
    augmenter : Augmenter
        Augmenter that changes the copies.
    estimator : estimator
        Classifier with ``predict_proba``, or regressor.
    n_copies : int, default=8
        Number of changed copies of each event.
    random_state : int, RandomState or None, default=0
        Seed of the changes. With a number, an event has the same prediction in every call, whatever else is in the
        call: its changes are drawn by a hash of its content.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    augmenter_ : Augmenter
        Augmenter after ``learn`` on the training events.
    classes_ : ndarray of shape (n_classes,)
        Labels of a classifier.

    See Also
    --------
    Rotate, Reflect, Translate, Smear : Augmenters to average over.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn_ml4fp import AugmentedPrediction, Reflect
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> model = AugmentedPrediction(Reflect(columns=[0]), HistGradientBoostingClassifier()).fit(X, X[:, 1] > 0)
    >>> model.predict_proba(X).shape
    (200, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        "augmenter": [Augmenter],
        "estimator": [HasMethods(["fit", "predict"])],
        "n_copies": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
    __metadata_request__fit = dict.fromkeys(("sample_weight", "groups", "X_val", "y_val", "sample_weight_val"), True)
    __metadata_request__predict = {"return_std": True}  # noqa: RUF012
    __metadata_request__predict_proba = {"return_std": True}  # noqa: RUF012
    __metadata_request__score = {"sample_weight": True}  # noqa: RUF012

    def __init__(self, augmenter: Any, estimator: Any, n_copies: int = 8, random_state: Any = 0) -> None:
        self.augmenter = augmenter
        self.estimator = estimator
        self.n_copies = n_copies
        self.random_state = random_state

    @recorded
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit the estimator on the events as they are.

        Parameters
        ----------
        X : array-like
            Events. An `EventSource`, which carries targets, weights and ids, is read; one that exceeds its ``memory``
            is an error.
        y : array-like of shape (n_events,)
            Classes or targets; None for a source.
        **params : dict
            Event weights, ids, and other metadata that the estimator or a part of it asks for in ``fit``. Predictors
            get weights and ids unless they decline (``set_fit_request(sample_weight=False)``).

        Returns
        -------
        self : object
            The fitted estimator.
        """
        self._validate_params()
        self.augmenter._validate_params()
        if is_source(X):
            events = read_whole("AugmentedPrediction", X, y=y, **params)
            X, y = events.data, events.target
            params = {"sample_weight": events.sample_weight, "groups": events.groups}
        if issparse(X):
            raise TypeError("Sparse data was passed, but dense data is required. Use X.toarray().")
        X, y = with_nan(X), with_nan(y)
        if is_classifier(self.estimator):
            self.augmenter._check_classes()
        elif y is not None:
            self.augmenter.check_target(y)
            if phi := self.augmenter._angular_targets():
                self._phi_begins = interval_of(np.asarray(y, dtype=np.float64).reshape(len(y), -1)[:, phi])
        given = {name: value for name, value in params.items() if value is not None}
        if declines_weights(self, "fit"):
            given.pop("sample_weight", None)
        check_weights(given.get("sample_weight"), num_samples(X))
        prototype = with_requests(self.estimator)
        with config_context(enable_metadata_routing=True):  # inside, a Pipeline or a search hands weights and ids on
            self.estimator_ = prototype.fit(X, y, **routed_to_fit(self, prototype, given))
        weights = given.get("sample_weight")  # an event of weight zero is none
        self.augmenter_ = self.augmenter.learn(X if weights is None else safe_indexing(X, np.flatnonzero(weights)))
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def _copies(self, ask: Callable[[Any], Any], X: Any) -> Iterator[tuple[Any, Batch]]:
        """Ask about each event and its changed copies; the batches of the copies turn targets back."""
        check_is_fitted(self, "estimator_")
        X = with_nan(X)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        yield ask(X), Batch([], 0)
        for copy in range(self.n_copies):
            batch = read(X)
            self.augmenter_._apply(batch, EventRandom(batch, f"{seed}/{copy}"))
            yield ask(write(batch, X)), batch

    def _average(self, method: str, X: Any, params: dict[str, Any], return_std: bool = False) -> Any:
        if return_std:
            return with_std(self, method, X, params)
        check_is_fitted(self, "estimator_")
        if is_source(X):
            check_alone(f"AugmentedPrediction.{method}", **params)
            return answered_by_chunks(X, lambda events: self._average(method, events, {}))
        predict = partial(getattr(self.estimator_, method), **routed(self.estimator_, method, params))
        turns = method == "predict"  # probabilities stay, what a regressor predicts turns with the event
        total: Any = 0.0
        for predicted, batch in self._copies(predict, X):
            total = total + (self._on_circle(batch.turned_back(predicted)) if turns else np.asarray(predicted))
        mean = total / (self.n_copies + 1)
        return self._off_circle(mean) if turns else mean

    def _spread(self, method: str, X: Any, given: dict[str, Any]) -> Spread:
        """Mean over each event and its copies, and their spread together with their own widths, all turned back."""
        check_is_fitted(self, "estimator_")
        if is_source(X):
            return answered_by_chunks(X, lambda events: self._spread(method, events, given))
        copies = self._copies(lambda events: spread_of(self.estimator_, method, events, given), X)
        if method != "predict":
            return combined([answer for answer, _ in copies])
        each = [
            (batch.turned_back(mean), None if width is None else batch.widths_back(width))
            for (mean, width), batch in copies
        ]
        mean = self._off_circle(np.mean([self._on_circle(one) for one, _ in each], axis=0))
        return mean, combined([(self._near(one, mean), width) for one, width in each])[1]

    def _near(self, predicted: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Predictions with azimuths on the turn on which they are closest to their means."""
        if not (phi := self.augmenter_._angular_targets()):
            return predicted
        values, centre = (np.array(one, dtype=np.float64).reshape(len(mean), -1) for one in (predicted, mean))
        values[:, phi] = centre[:, phi] + wrap_phi(values[:, phi] - centre[:, phi])
        return values.reshape(mean.shape)

    def _on_circle(self, predicted: Any) -> np.ndarray:
        """Predictions in a form that can be averaged: azimuths as points exp(iφ) on the circle."""
        values = np.array(predicted, dtype=np.float64)
        phi = self.augmenter_._angular_targets()
        if not phi:
            return values
        points = values.astype(np.complex128)
        columns = points[:, None] if points.ndim == 1 else points
        columns[:, phi] = np.exp(1j * columns[:, phi])
        return points

    def _off_circle(self, mean: np.ndarray) -> np.ndarray:
        """Means with azimuths as angles, in the interval in which the training events have them."""
        if not np.iscomplexobj(mean):
            return mean
        columns, phi = mean[:, None] if mean.ndim == 1 else mean, self.augmenter_._angular_targets()
        values = columns.real.copy()
        values[:, phi] = within(np.angle(columns[:, phi]), self._phi_begins)
        return values.reshape(mean.shape)

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, X: Any, *, return_std: bool = False, **params: Any) -> Any:
        """Mean class probabilities, ``(n_events, n_classes)``; the estimator gets the metadata that it requests.

        With ``return_std`` also their standard deviations: √(mean σ² + variance of the copies), by the law of total
        variance, with the spread σ of the members of a network.
        """
        return self._average("predict_proba", X, params, return_std)

    def predict(self, X: Any, *, return_std: bool = False, **params: Any) -> Any:
        """Class of the greatest mean probability, or mean prediction of a regressor, ``(n_events,)``.

        With ``return_std`` also the standard deviations of a regressor: √(mean σ² + variance of the copies), by the law
        of total variance, with the width σ of a Gaussian loss and of members. Widths turn with the events, as of
        targets that are independent of each other.
        """
        if is_classifier(self.estimator) and not return_std:
            best = self._average("predict_proba", X, params).argmax(axis=1)
            return self.classes_[best]
        return self._average("predict", X, params, return_std)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> float:
        """Accuracy of a classifier or R² of a regressor, D² of several quantiles, with weights."""
        from sklearn.metrics import accuracy_score, r2_score

        levels = levels_in(self.estimator)
        of_numbers = r2_score if levels is None else partial(explained, levels=levels)
        metric: Any = accuracy_score if is_classifier(self.estimator) else of_numbers
        if is_source(X):

            def compare(events: Any) -> tuple[Any, Any, Any]:
                return events.target, self.predict(events.data), events.sample_weight

            return scored_by_chunks("AugmentedPrediction", X, compare, metric, y=y, sample_weight=sample_weight)
        return float(metric(with_nan(y), self.predict(X, **params), sample_weight=with_nan(sample_weight)))

    def get_metadata_routing(self) -> Any:
        """Return the routing of metadata in ``fit``, in the predictions and in ``score``, which predicts."""
        predicts = "predict_proba" if is_classifier(self.estimator) else "predict"
        methods = (("fit", "fit"), ("predict", predicts), ("predict_proba", "predict_proba"), ("score", predicts))
        return router_of(self, self.estimator, methods)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type, tags.target_tags = inner.estimator_type, inner.target_tags
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.input_tags.allow_nan, False
        return tags
