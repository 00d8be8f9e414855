"""Cross-fitting: one model per fold, and every event is scored by the model that has not seen it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from .._missing import check_array, column_or_1d
from .._quantiles import explained, levels_in
from .._validation import is_ragged
from ..metrics import make_weighted_scorer
from ._cross_fit_base import CrossFit


def _has(method: str) -> Any:
    """Make a method available if the fitted models, or before that the prototype, have it."""
    return available_if(lambda self: hasattr(getattr(self, "estimators_", [self.estimator])[0], method))


class CrossFitClassifier(CrossFit, ClassifierMixin, BaseEstimator):
    """Classifier made of K models, each trained without one fold, that never scores an event by a model that has seen
    it.

    An event's fold depends on its id alone, so simulation and recorded data, also of later files and systematic
    variations, are scored alike: by the model that has not seen an event of this id.

    Parameters
    ----------
    estimator : classifier
        Estimator that is trained once per fold; it may be a pipeline or a search.
    cv : int or splitter, default=5
        Number of folds, or a splitter with ``assign(ids)`` such as :class:`EventKFold`.
    scoring : str or callable, optional
        Metric of ``oof_score_``, ``fold_scores_`` and ``score``, such as ``roc_auc_scorer``; by default the accuracy.
    without_groups : {"raise", "average"}, default="raise"
        Behaviour if ``fit`` got ids and a prediction gets none. "raise" refuses, since training events would be scored
        by models that have seen them. "average" averages the models, which is right for events that none has seen.
        Fitted without ids, the models are always averaged.
    n_jobs : int, optional
        Number of processes. The folds of one process are fitted side by side if the estimator holds a network of this
        package: tables are then trained in one pass, see :doc:`/many_networks`.

    Attributes
    ----------
    estimators_ : list of classifiers
        The model of each fold, trained on the others.
    cv_ : splitter
        Splitter; ``cv_.assign(ids)`` gives the fold of any event.
    classes_ : ndarray of shape (n_classes,)
    oof_score_ : float
        Score of all events, each predicted out of fold.
    fold_scores_ : ndarray of shape (n_folds,)
        Score of each model on its own fold.
    history_ : list
        Histories of the models, if they have one.

    See Also
    --------
    CrossFitRegressor : The same for regressors.
    RotatingKFold : Blocks to train on, to watch and to test, in rotation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ml4fp import CrossFitClassifier, roc_auc_scorer
    >>> rng = np.random.default_rng(0)
    >>> event, y = np.arange(1000), rng.integers(0, 2, 1000)
    >>> X = y[:, None] + rng.normal(size=(1000, 2))
    >>> model = CrossFitClassifier(LogisticRegression(), scoring=roc_auc_scorer).fit(X, y, groups=event)
    >>> round(model.oof_score_, 2)
    0.85
    >>> model.predict_proba(X[:3], groups=event[:3]).shape
    (3, 2)
    """

    __metadata_request__predict_proba = {"groups": True, "return_std": True}  # noqa: RUF012
    __metadata_request__decision_function = {"groups": True}  # noqa: RUF012

    def _default_scorer(self) -> Any:
        return make_weighted_scorer(accuracy_score)

    def _check_y(self, y: Any) -> Any:
        if is_ragged(y):
            self.classes_ = np.unique(y.values)
            return y
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        return y

    def _check_training(self, y: np.ndarray, folds: np.ndarray) -> None:
        for fold in range(self.n_folds_):
            others = y[folds != fold]
            if len(missing := np.setdiff1d(self.classes_, others.values if is_ragged(others) else others)):
                raise ValueError(
                    f"all events of class {str(missing[0])!r} are in fold {fold}: its model would never see it. "
                    "Take more events, or leave the class out."
                )

    def _average(self, method: str, X: Any, given: dict[str, Any]) -> np.ndarray:
        if method != "predict":
            return super()._average(method, X, given)
        if hasattr(self, "predict_proba"):
            mean: Any = super()._average("predict_proba", X, given)
            if is_ragged(mean):
                return mean.with_values(self.classes_[np.argmax(mean.values, axis=1)])
            return self.classes_[np.argmax(mean, axis=1)]
        scores = super()._average("decision_function", X, given)
        return self.classes_[np.argmax(scores, axis=1) if scores.ndim == 2 else (scores > 0).astype(int)]

    @_has("predict_proba")
    def predict_proba(self, X: Any, *, groups: Any = None, return_std: bool = False, **params: Any) -> Any:
        """Probabilities (n_events, n_classes) by the model that has not seen the event; see :meth:`predict`.

        With ``return_std`` also their standard deviations, the spread of the members of a network, or of the models
        where these are averaged.
        """
        return self._predict("predict_proba", X, groups, params, return_std)

    @_has("decision_function")
    def decision_function(self, X: Any, *, groups: Any = None, **params: Any) -> np.ndarray:
        """Decision function by the model that has not seen the event; see :meth:`predict`."""
        return self._predict("decision_function", X, groups, params)


class CrossFitRegressor(CrossFit, RegressorMixin, BaseEstimator):
    """Regressor made of K models, each trained without one fold, that never predicts its training events.

    It works as :class:`CrossFitClassifier` does.

    Parameters
    ----------
    estimator : regressor
        Estimator that is trained once per fold; it may be a pipeline or a search.
    cv : int or splitter, default=5
        Number of folds, or a splitter with ``assign(ids)`` such as :class:`EventKFold`.
    scoring : str or callable, optional
        Metric of ``oof_score_``, ``fold_scores_`` and ``score``; by default R², of several quantiles D².
    without_groups : {"raise", "average"}, default="raise"
        Behaviour if ``fit`` got ids and a prediction gets none: refuse, or average the models, which is right for
        events that none has seen.
    n_jobs : int, optional
        Number of processes. The folds of one process are fitted side by side if the estimator holds a network of this
        package: tables are then trained in one pass, see :doc:`/many_networks`.

    Attributes
    ----------
    estimators_, cv_, oof_score_, fold_scores_, history_
        As for the classifier.

    See Also
    --------
    CrossFitClassifier : The same for classifiers.
    RotatingKFold : Blocks to train on, to watch and to test, in rotation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_ml4fp import CrossFitRegressor
    >>> event = np.arange(100)
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> model = CrossFitRegressor(Ridge(alpha=1e-6)).fit(X, X @ [1, 2], groups=event)
    >>> model.predict([[1.0, 1.0]], groups=[7]).round(3)
    array([3.])
    """

    def _default_scorer(self) -> Any:
        levels = levels_in(self.estimator)
        return make_weighted_scorer(r2_score) if levels is None else make_weighted_scorer(explained, levels=levels)

    def _check_y(self, y: Any) -> Any:
        if is_ragged(y):
            return y
        return check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
