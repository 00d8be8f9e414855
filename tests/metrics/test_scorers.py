"""Every scorer: weighted by itself when metadata routing is on, at home in scikit-learn's searches."""

import pickle

import numpy as np
import optuna
import pytest
import sklearn
from optuna.distributions import CategoricalDistribution
from sklearn import metrics
from sklearn.datasets import make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV, cross_validate
from sklearn.tree import DecisionTreeClassifier

import sklearn_ml4fp
from sklearn_ml4fp import SCORERS, BayesSearchCV, OptunaSearchCV, ams_score, make_weighted_scorer, response_bias
from sklearn_ml4fp.metrics._scorers import _absolute_bias, _EdgeScorer

REGRESSION = {"neg_response_bias", "neg_response_resolution"}


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(600, flip_y=0.2, weights=[0.7], random_state=1)
    return X, y, np.random.default_rng(1).normal(1, 0.6, 600)


def model_and_target(name, X, y):
    if name in REGRESSION:
        return LinearRegression(), 50 + X[:, 0] + 3 * y
    return LogisticRegression(C=0.1), y


def wanted_score(name, model, X, y, weight):
    scorer = SCORERS[name]
    metric = _absolute_bias if name == "neg_response_bias" else scorer._score_func
    labels = name in {*REGRESSION, "ams", "asimov"}
    prediction = model.predict(X) if labels else model.predict_proba(X)[:, 1]
    return scorer._sign * metric(y, prediction, sample_weight=weight, **scorer._kwargs)


@pytest.mark.parametrize("name", [name for name, one in SCORERS.items() if not isinstance(one, _EdgeScorer)])
def test_with_routing_every_scorer_is_weighted_by_default(name, data):
    X, y, weight = data
    model, y = model_and_target(name, X, y)
    splits = [(np.arange(300), np.arange(300, 600))]
    with sklearn.config_context(enable_metadata_routing=True):
        model = model.set_fit_request(sample_weight=False)
        made = cross_validate(
            model, X, y, cv=splits, scoring=SCORERS[name], params={"sample_weight": weight}, return_estimator=True
        )
    fitted, test = made["estimator"][0], slice(300, 600)
    assert made["test_score"][0] == wanted_score(name, fitted, X[test], y[test], weight[test])
    assert made["test_score"][0] != wanted_score(name, fitted, X[test], y[test], None)


def test_negative_weights_that_stop_scikit_learns_area_do_not_stop_ours(data):
    """The page on metrics says which of scikit-learn's metrics negative weights stop."""
    _, y, weight = data
    assert (weight[y == 0] < 0).any()
    score = np.clip(0.25 + 0.5 * y + np.random.default_rng(2).normal(0, 0.1, len(y)), 0.01, 0.99)
    for metric in (metrics.average_precision_score, metrics.brier_score_loss, metrics.log_loss):
        assert np.isfinite(metric(y, score, sample_weight=weight))
    assert np.isfinite(metrics.accuracy_score(y, score > 0.5, sample_weight=weight))
    with pytest.raises(ValueError, match="neither increasing nor decreasing"):
        metrics.roc_auc_score(y, score, sample_weight=weight)
    assert 0.5 < sklearn_ml4fp.roc_auc_score(y, score, sample_weight=weight) < 1.5


@pytest.mark.parametrize("routing", [False, True])
def test_all_scorers_at_once_in_a_search(routing, data):
    X, y, weight = data
    scoring = {
        name: scorer
        for name, scorer in SCORERS.items()
        if name not in REGRESSION and not isinstance(scorer, _EdgeScorer)
    }
    with sklearn.config_context(enable_metadata_routing=routing):
        model = LogisticRegression()
        if routing:
            model = model.set_fit_request(sample_weight=False)
        search = GridSearchCV(model, {"C": [0.01, 1.0]}, scoring=scoring, refit="roc_auc", cv=3)
        search.fit(X, y, **({"sample_weight": weight} if routing else {}))
    for name in scoring:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()


def test_every_scorer_has_its_public_name():
    for name, scorer in SCORERS.items():
        assert getattr(sklearn_ml4fp, f"{name}_scorer") is scorer
        assert get_scorer(scorer) is scorer
        assert repr(pickle.loads(pickle.dumps(scorer))) == repr(scorer)
    assert list(SCORERS) == sorted(SCORERS)


def test_the_cut_is_tuned_by_cross_validation(data):
    """scikit-learn's threshold search maximises the significance; reported on events that it has not seen."""
    X, y, weight = data
    scorer = make_weighted_scorer(ams_score, signal_yield=30, background_yield=3000)
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=False)
        tuned = TunedThresholdClassifierCV(model, scoring=scorer, cv=3, store_cv_results=True)
        tuned.fit(X[:400], y[:400], sample_weight=weight[:400])
        plain = LogisticRegression().fit(X[:400], y[:400])
    assert tuned.best_score_ == np.max(tuned.cv_results_["scores"])
    tuned_score, plain_score = (
        scorer(fitted, X[400:], y[400:], **kwargs) for fitted, kwargs in ((tuned, {}), (plain, {}))
    )
    assert tuned_score > plain_score  # a background a hundred times the signal asks for a tighter cut than 1/2


def corner(seed, n):
    """Points in a square, signal where both coordinates are positive."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return X, (X > 0).all(axis=1).astype(int)


def searches(scoring):
    """A grid search and ours over the depths of a tree, in three folds."""
    tree, depths = DecisionTreeClassifier(random_state=0), [1, 2, 3, 4]
    yield GridSearchCV(tree, {"max_depth": depths}, scoring=scoring, cv=3)
    space = {"max_depth": CategoricalDistribution(depths)}
    sampler = optuna.samplers.GridSampler({"max_depth": depths})
    yield OptunaSearchCV(tree, space, n_iter=4, sampler=sampler, scoring=scoring, cv=3)
    yield BayesSearchCV(tree, {"max_depth": (1, 4)}, n_iter=4, scoring=scoring, cv=3, random_state=0)


@pytest.mark.parametrize("name", ["background_rejection", "significance_improvement", "asimov"])
def test_the_best_candidate_wins_though_no_background_passes_its_cut(name):
    """A tree of depth 3 rejects all background in some folds of 100 events, which is no measurement, but the best."""
    X, y = corner(29, 300)
    for search in searches(SCORERS[name]):
        search.fit(X, y)
        assert search.best_params_["max_depth"] in (3, 4)  # they are one tree here
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    # the points of the report: every tree but that of depth 1, of accuracy 0.757, rejects all of the background
    X, y = corner(11, 1000)
    for search in searches(SCORERS[name]):
        assert search.fit(X, y).best_params_["max_depth"] > 1
        assert search.score(X, y) > 8


def test_the_bias_scorer_punishes_both_directions():
    class Scaled(LinearRegression):
        factor = 1.0

        def predict(self, X):
            return self.factor * np.ones(len(X))

    X, y = np.zeros((4, 1)), np.ones(4)
    model = Scaled().fit(X, y)
    for factor in (0.9, 1.1):
        model.factor = factor
        np.testing.assert_allclose(SCORERS["neg_response_bias"](model, X, y), -0.1)
        np.testing.assert_allclose(response_bias(y, model.predict(X)), factor - 1)
