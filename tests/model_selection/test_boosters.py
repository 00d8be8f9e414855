"""Splits, cross-fitting, scorers and displays with the models of other libraries: weights and ids reach them."""

import numpy as np
import pytest
import sklearn
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import cross_validate
from xgboost import XGBClassifier, XGBRegressor

from sklearn_ml4fp import (
    SCORERS,
    CrossFitClassifier,
    CrossFitRegressor,
    EventKFold,
    neg_response_resolution_scorer,
    roc_auc_score,
    roc_auc_scorer,
)

SMALL = {"n_estimators": 10, "max_depth": 3, "n_jobs": 1, "random_state": 0}
CLASSIFIERS = [
    XGBClassifier(**SMALL),
    LGBMClassifier(**SMALL, verbose=-1),
    HistGradientBoostingClassifier(max_iter=10, random_state=0),
]
REGRESSORS = [
    XGBRegressor(**SMALL),
    LGBMRegressor(**SMALL, verbose=-1),
    HistGradientBoostingRegressor(max_iter=10, random_state=0),
]


def name(model):
    return type(model).__name__


@pytest.fixture(scope="module")
def events():
    X, y = make_classification(900, n_features=6, flip_y=0.1, random_state=2)
    rng = np.random.default_rng(2)
    return X, y, np.arange(900) // 3, rng.exponential(1.0, 900) * np.where(X[:, 0] > 0, 4, 1)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=name)
def test_cross_validation_with_weights_and_ids_routed(model, events):
    X, y, event, weight = events
    scoring = {key: SCORERS[key] for key in ("roc_auc", "neg_brier", "ams", "background_rejection")}
    with sklearn.config_context(enable_metadata_routing=True):
        model = sklearn.clone(model).set_fit_request(sample_weight=True)
        made = cross_validate(
            model, X, y, cv=EventKFold(3), scoring=scoring, params={"groups": event, "sample_weight": weight},
            return_estimator=True, return_indices=True, error_score="raise",
        )  # fmt: skip
    for i, (train, test) in enumerate(zip(*made["indices"].values(), strict=True)):
        assert not set(event[train]) & set(event[test])
        by_hand = sklearn.clone(model).fit(X[train], y[train], sample_weight=weight[train])
        wanted = roc_auc_score(y[test], by_hand.predict_proba(X[test])[:, 1], sample_weight=weight[test])
        np.testing.assert_allclose(made["test_roc_auc"][i], wanted, rtol=1e-9)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=name)
def test_cross_fitting_a_classifier(model, events):
    X, y, event, weight = events
    fitted = CrossFitClassifier(model, cv=3, scoring=roc_auc_scorer).fit(X, y, groups=event, sample_weight=weight)
    train = fitted.cv_.assign(event) != 0
    by_hand = sklearn.clone(model).fit(X[train], y[train], sample_weight=weight[train])
    probabilities = fitted.predict_proba(X, groups=event)
    np.testing.assert_allclose(probabilities[~train], by_hand.predict_proba(X[~train]), rtol=1e-6)
    unweighted = sklearn.clone(model).fit(X[train], y[train])
    assert np.abs(probabilities[~train] - unweighted.predict_proba(X[~train])).max() > 0.01  # the weights arrived
    assert fitted.oof_score_ == roc_auc_score(y, probabilities[:, 1], sample_weight=weight)
    assert fitted.oof_score_ > 0.85


@pytest.mark.parametrize("model", REGRESSORS, ids=name)
def test_cross_fitting_a_regressor(model):
    X, y = make_regression(900, 5, noise=5.0, random_state=0)
    y, event = y + 1000, np.arange(900)
    weight = np.random.default_rng(0).exponential(1.0, 900)
    fitted = CrossFitRegressor(model, cv=3, scoring=neg_response_resolution_scorer)
    fitted.fit(X, y, groups=event, sample_weight=weight)
    wanted = neg_response_resolution_scorer(_Fixed(fitted.predict(X, groups=event)), X, y, sample_weight=weight)
    assert fitted.oof_score_ == wanted
    assert -0.1 < fitted.oof_score_ < -0.001


class _Fixed(HistGradientBoostingRegressor):
    """Predicts what it is given, for a scorer."""

    def __init__(self, values=None):
        self.values = values

    def predict(self, X):
        return self.values
