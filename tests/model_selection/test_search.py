"""Spaces from the declarations, and the Bayesian search."""

import numpy as np
import pytest
from optuna.distributions import IntDistribution
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skopt.space import Categorical, Integer, Real

from sklearn_ml4fp import BayesSearchCV, EventKFold, FeedForwardClassifier, OptunaSearchCV, roc_auc_scorer, search_space


def network(**parameters):
    return FeedForwardClassifier(
        **{"width": 8, "n_layers": 1, "max_epochs": 3, "random_state": 0, "device": "cpu", **parameters}
    )


def pipeline():
    return Pipeline([("scale", StandardScaler()), ("network", network())])


def weights(n=400):
    return np.random.default_rng(0).normal(1, 1, size=n)  # a sixth of them negative


# --- the space --------------------------------------------------------------------------------------------------------


def test_the_space_is_what_the_declarations_say():
    space = search_space(pipeline())
    declared = FeedForwardClassifier._hyperparameters
    assert set(space) == {f"network__{n}" for n, p in declared.items() if p.search is not None or p.choices is not None}
    assert space["network__lr"] == Real(1e-4, 1e-2, prior="log-uniform")
    assert space["network__width"] == Integer(16, 1024, prior="log-uniform")
    assert space["network__dropout"] == Real(0.0, 0.5, prior="uniform")
    assert space["network__class_weight"] == Categorical([None, "balanced"])


def test_every_point_of_the_space_is_accepted():
    """Both ends of every range, and every choice, pass the validation of fit."""
    tried = 0
    for name, dimension in search_space(network()).items():
        values = dimension.categories if isinstance(dimension, Categorical) else dimension.bounds
        for value in values:
            network().set_params(**{name: value})._validate_params()  # raises where it is not
            tried += 1
    assert tried >= 2 * len(search_space(network()))


def test_include_exclude_and_override():
    lr = Real(1e-3, 1e-1)
    assert list(search_space(pipeline(), include=["network__lr"])) == ["network__lr"]
    assert "network__lr" not in search_space(pipeline(), exclude="lr")
    assert search_space(pipeline(), include="lr", override={"lr": lr}) == {"network__lr": lr}


@pytest.mark.parametrize("arguments", [{"include": ["rl"]}, {"exclude": ["rl"]}, {"override": {"rl": 1}}])
def test_a_misspelt_name_is_an_error(arguments):
    with pytest.raises(ValueError, match=r"'rl' is no declared hyperparameter here; there are \['network__activation'"):
        search_space(pipeline(), **arguments)


def test_nothing_to_search_is_an_error():
    with pytest.raises(ValueError, match="Nothing to search in StandardScaler"):
        search_space(StandardScaler())


# --- the search -------------------------------------------------------------------------------------------------------


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that keeps what fit was given."""

    def __init__(self, strength=1.0, seen=None):
        self.strength = strength
        self.seen = seen

    def fit(self, X, y, sample_weight=None, groups=None):
        RECORDS.append((X, sample_weight, groups))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[int(self.strength > 5)])

    def score(self, X, y, sample_weight=None):
        RECORDS.append((X, sample_weight, None))
        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)


RECORDS = []


@pytest.mark.parametrize("prefix", ["", "last__"])
@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_weights_reach_every_fit_and_score(two_blobs, scoring, prefix):
    """Recorded, not trusted: each event arrives with its own weight, in every fold and in the final fit."""
    X, y, event = two_blobs
    w = weights()
    RECORDS.clear()
    estimator = Pipeline([("first", "passthrough"), ("last", Recorder())]) if prefix else Recorder()
    strength = f"{prefix}strength"
    search = BayesSearchCV(estimator, {strength: (0.0, 10.0)}, n_iter=2, cv=3, scoring=scoring, random_state=0)
    search.fit(X, y, groups=event, sample_weight=w)
    row_of = {row.tobytes(): i for i, row in enumerate(X)}
    assert len(RECORDS) == (7 if scoring else 13)  # 2 candidates x 3 folds and the final fit; and the scores
    assert sum(ids is not None for _, _, ids in RECORDS) == 7
    for rows, weight, ids in RECORDS:
        numbers = [row_of[row.tobytes()] for row in rows]
        np.testing.assert_array_equal(weight, w[numbers])
        if ids is not None:
            np.testing.assert_array_equal(ids, event[numbers])
    best = search.cv_results_["split0_test_score"][0]
    test = next(EventKFold(3).split(X, y, event))[1]
    label = int(search.cv_results_["params"][0][strength] > 5)
    assert best == pytest.approx(w[test][y[test] == label].sum() / w[test].sum())


def test_a_number_of_folds_means_folds_by_event_where_there_are_ids(two_blobs):
    X, y, event = two_blobs
    scores = []
    for cv in (3, EventKFold(3)):
        search = BayesSearchCV(network(), {"lr": (1e-3, 1e-2)}, n_iter=1, cv=cv, random_state=0)
        scores.append(search.fit(X, y, groups=event).cv_results_["split1_test_score"][0])
    assert scores[0] == scores[1]


def test_ids_reach_the_hold_out_of_the_network(two_blobs):
    """The refitted network equals the network fitted with the same weights and ids by hand."""
    X, y, event = two_blobs
    w = np.abs(weights())
    search = BayesSearchCV(
        pipeline(), {"network__lr": (1e-3, 1e-2)}, n_iter=1, cv=GroupKFold(2), scoring=roc_auc_scorer, random_state=0
    )
    search.fit(X, y, groups=event, sample_weight=w)
    by_hand = pipeline().set_params(**search.best_params_)
    by_hand.fit(X, y, network__sample_weight=w, network__groups=event)
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))


def test_with_routing_on_requests_are_the_users(two_blobs, routing):
    X, y, event = two_blobs
    asked = Pipeline([("scale", StandardScaler().set_fit_request(sample_weight=True)), ("network", network())])
    search = BayesSearchCV(
        asked, {"network__lr": (1e-3, 1e-2)}, n_iter=1, cv=EventKFold(2), scoring=roc_auc_scorer, random_state=0
    )
    w = np.abs(weights())
    search.fit(X, y, groups=event, sample_weight=w)
    by_hand = StandardScaler().fit(X, sample_weight=w)
    np.testing.assert_allclose(search.best_estimator_[0].mean_, by_hand.mean_)


def test_weights_for_other_peoples_estimators(two_blobs):
    """Routing is off and nothing requests anything: the search still hands weights to whoever takes them."""
    X, y, event = two_blobs
    w = np.abs(weights())
    search = BayesSearchCV(
        HistGradientBoostingClassifier(max_iter=5), {"max_depth": (2, 4)}, n_iter=1, cv=2, scoring="roc_auc",
        random_state=0,
    ).fit(X, y, groups=event, sample_weight=w)  # fmt: skip
    by_hand = HistGradientBoostingClassifier(max_iter=5, **search.best_params_).fit(X, y, sample_weight=w)
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))


@pytest.mark.parametrize(("wanted", "in_pipeline"), [(True, True), (True, False), (False, False), (None, False)])
def test_a_search_is_scored_with_the_weights_that_its_parts_want(two_blobs, routing, wanted, in_pipeline):
    X, y, _ = two_blobs
    w = np.abs(weights())
    line = LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=wanted)
    estimator = Pipeline([("first", "passthrough"), ("line", line)]) if in_pipeline else line
    name = "line__C" if in_pipeline else "C"
    search = BayesSearchCV(estimator, {name: (0.1, 10.0)}, n_iter=1, cv=2, random_state=0)
    settings = {"cv": 2, "params": {"sample_weight": w}, "return_estimator": True, "return_indices": True}
    if wanted is None:
        with pytest.raises(UnsetMetadataPassedError, match="not explicitly set as requested or not requested"):
            cross_validate(search, X, y, error_score="raise", **settings)
        return
    found = cross_validate(search, X, y, error_score="raise", **settings)
    for score, fitted, test in zip(found["test_score"], found["estimator"], found["indices"]["test"], strict=True):
        by_hand = accuracy_score(y[test], fitted.predict(X[test]), sample_weight=w[test] if wanted else None)
        assert score == pytest.approx(by_hand, abs=1e-12)


def test_nothing_given_is_scikit_optimizes_search(two_blobs):
    X, y, _ = two_blobs
    search = BayesSearchCV(network(), {"lr": (1e-3, 1e-2)}, n_iter=2, cv=2, random_state=0).fit(X, y)
    assert search.best_score_ == cross_val_score(network(**search.best_params_), X, y, cv=2).mean()
    assert len(search.cv_results_["params"]) == 2


def test_fit_leaves_the_arguments_alone(two_blobs):
    X, y, event = two_blobs
    estimator = network()
    search = BayesSearchCV(estimator, n_iter=1, cv=2, random_state=0)
    before = search.get_params(deep=False)
    search.fit(X, y, groups=event)
    assert search.get_params(deep=False) == before
    assert search.estimator is estimator


def test_folds_in_several_processes_give_the_same_scores(two_blobs):
    X, y, event = two_blobs
    scores = []
    for n_jobs in (1, 2):
        search = BayesSearchCV(network(), {"lr": (1e-3, 1e-2)}, n_iter=1, cv=2, n_jobs=n_jobs, random_state=0)
        scores.append(search.fit(X, y, groups=event, sample_weight=weights()).cv_results_["mean_test_score"][0])
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_several_metrics_and_negative_weights(two_blobs):
    X, y, event = two_blobs
    search = BayesSearchCV(
        network(), {"lr": (1e-3, 1e-2)}, n_iter=2, cv=2, random_state=0, refit="auc",
        scoring={"auc": roc_auc_scorer, "accuracy": "accuracy"},
    )  # fmt: skip
    search.fit(X, y, groups=event, sample_weight=weights())
    assert np.isfinite(search.cv_results_["mean_test_auc"]).all()
    assert "mean_test_accuracy" in search.cv_results_


def test_a_bar_shows_the_best_score(two_blobs, capsys):
    X, y, _ = two_blobs
    search = BayesSearchCV(network(), {"lr": (1e-3, 1e-2)}, n_iter=3, n_points=2, cv=2, random_state=0, progress=True)
    search.fit(X, y)
    shown = capsys.readouterr().err
    assert f"best score {search.best_score_:.4f}" in shown
    assert "3/3" in shown
    BayesSearchCV(network(), {"lr": (1e-3, 1e-2)}, n_iter=1, cv=2, progress=False).fit(X, y)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("kind", [BayesSearchCV, OptunaSearchCV])
def test_a_function_may_choose_the_candidate_that_is_refitted(two_blobs, kind):
    """The one score is what is maximised; of several there is none to maximise."""
    X, y, _ = two_blobs

    def second_best(results):
        return int(np.argsort(results["rank_test_score"], kind="stable")[1])

    search = kind(LogisticRegression(), {"C": [1e-4, 1e-2, 1.0]}, n_iter=3, cv=2, refit=second_best, random_state=0)
    search.fit(X, y)
    assert search.best_index_ == second_best(search.cv_results_)
    assert search.best_params_["C"] == search.best_estimator_.C
    with pytest.raises(
        ValueError, match="Of several scores, accuracy, roc_auc, refit= must name the one to maximise; got <fun"
    ):
        search.set_params(scoring=["accuracy", "roc_auc"]).fit(X, y)


def test_validation_events_that_a_search_would_cut_are_refused(two_blobs):
    X, y, _ = two_blobs
    search = BayesSearchCV(network(), {"lr": (1e-3, 1e-2)}, n_iter=1, cv=2)
    with pytest.raises(ValueError, match=r"X_val has as many events as X, 400: .* cut it to each fold"):
        search.fit(X, y, X_val=X, y_val=y)


def test_validation_events_reach_the_network(two_blobs, routing):
    X, y, _ = two_blobs
    search = BayesSearchCV(network(), {"lr": (1e-3, 1e-2)}, n_iter=1, cv=2, random_state=0)
    search.fit(X, y, X_val=X[:100], y_val=y[:100])
    by_hand = network(**search.best_params_).fit(X, y, X_val=X[:100], y_val=y[:100])
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))


@pytest.mark.parametrize("kind", [BayesSearchCV, OptunaSearchCV])
def test_inside_a_cross_validation_a_number_of_folds_means_folds_by_event(two_blobs, routing, kind):
    """Also where no part of the estimator asks for ids."""
    X, y, event = two_blobs
    values = {"max_depth": (2, 4)} if kind is BayesSearchCV else {"max_depth": IntDistribution(2, 4)}
    search = kind(HistGradientBoostingClassifier(max_iter=3), values, n_iter=1, cv=2, random_state=0)
    outer = EventKFold(2, salt="outer")
    found = cross_validate(search, X, y, cv=outer, params={"groups": event}, return_estimator=True)
    train, _ = next(outer.split(X, y, event))
    by_hand = clone(search).fit(X[train], y[train], groups=event[train])
    by_name = clone(search).set_params(cv=EventKFold(2)).fit(X[train], y[train], groups=event[train])
    for name in ("split0_test_score", "split1_test_score"):
        assert found["estimator"][0].cv_results_[name] == by_hand.cv_results_[name] == by_name.cv_results_[name]
