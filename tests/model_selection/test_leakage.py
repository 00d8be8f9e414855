"""The leakage test: near-identical rows come in events, and labels are noise.

A model that memorises can predict a row only if it saw its event. So every path that respects events scores an AUC of
0.5, and the same data split by row scores far above: the test bites.
"""

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_ml4fp import (
    BayesSearchCV,
    CrossFitClassifier,
    EventKFold,
    EventShuffleSplit,
    FeedForwardClassifier,
    RotatingKFold,
    roc_auc_score,
    roc_auc_scorer,
    train_val_test_split,
)

N_EVENTS, ROWS = 500, 4
# The AUC of a memoriser is right or wrong event by event: with n signal and n background events its standard deviation
# is sqrt((2n + 1)/(12 n²)) = 0.026 for n = 250. Five of them, 0.13; the mean of folds fluctuates no more.
NOISE = 5 * np.sqrt((N_EVENTS + 1) / (12 * (N_EVENTS / 2) ** 2))
LEAK = 0.9
ROUTING = pytest.mark.parametrize("routing", [False, True])
SPLITTERS = [EventKFold(3), RotatingKFold(3), EventShuffleSplit(3, test_size=1 / 3)]


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(5)
    event = rng.choice(2**40, N_EVENTS, replace=False).repeat(ROWS)
    X = rng.normal(size=(N_EVENTS, 4)).repeat(ROWS, axis=0) + 1e-4 * rng.normal(size=(N_EVENTS * ROWS, 4))
    y = rng.integers(0, 2, N_EVENTS).repeat(ROWS)
    order = rng.permutation(len(y))
    return X[order], y[order], event[order], rng.uniform(0.5, 1.5, len(y))


def memoriser():
    return DecisionTreeClassifier(random_state=0)


def given(routing, event):
    return {"params": {"groups": event}} if routing else {"groups": event}


def test_the_data_leak_when_events_are_ignored(noise):
    X, y, _, _ = noise
    assert cross_validate(memoriser(), X, y, cv=KFold(3), scoring=roc_auc_scorer)["test_score"].mean() > LEAK


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
def test_cross_validation(noise, splitter, routing):
    X, y, event, _ = noise
    with sklearn.config_context(enable_metadata_routing=routing):
        made = cross_validate(
            memoriser(), X, y, cv=splitter, scoring=roc_auc_scorer, **given(routing, event), error_score="raise"
        )
    assert abs(made["test_score"].mean() - 0.5) < NOISE


def test_one_split(noise):
    X, y, event, _ = noise
    X_train, X_val, X_test, y_train, y_val, y_test = train_val_test_split(X, y, groups=event)
    model = memoriser().fit(X_train, y_train)
    assert roc_auc_score(y_train, model.predict_proba(X_train)[:, 1]) > LEAK
    # a fifth of the events on either side: its standard deviation is √5 larger
    for part, labels in ((X_val, y_val), (X_test, y_test)):
        assert abs(roc_auc_score(labels, model.predict_proba(part)[:, 1]) - 0.5) < 2.3 * NOISE


@ROUTING
def test_grid_search(noise, routing):
    X, y, event, _ = noise
    with sklearn.config_context(enable_metadata_routing=routing):
        search = GridSearchCV(memoriser(), {"max_depth": [5, None]}, cv=EventKFold(3), scoring=roc_auc_scorer)
        search.fit(X, y, groups=event)
    assert (np.abs(search.cv_results_["mean_test_score"] - 0.5) < NOISE).all()


@ROUTING
def test_bayesian_search(noise, routing):
    X, y, event, weight = noise
    with sklearn.config_context(enable_metadata_routing=routing):
        search = BayesSearchCV(
            memoriser(), {"max_depth": (5, 30)}, n_iter=3, cv=EventKFold(3), scoring=roc_auc_scorer, random_state=0
        )
        search.fit(X, y, groups=event, sample_weight=weight)
    assert (np.abs(search.cv_results_["mean_test_score"] - 0.5) < NOISE).all()


@ROUTING
def test_cross_fitting(noise, routing):
    X, y, event, weight = noise
    with sklearn.config_context(enable_metadata_routing=routing):
        model = CrossFitClassifier(memoriser(), cv=3, scoring=roc_auc_scorer)
        model.fit(X, y, groups=event, sample_weight=weight)
        assert abs(model.oof_score_ - 0.5) < NOISE
        assert abs(model.fold_scores_.mean() - 0.5) < NOISE
        by_id = model.predict_proba(X, groups=event)[:, 1]
        assert abs(roc_auc_score(y, by_id, sample_weight=weight) - 0.5) < NOISE
        # what is refused unless asked for: models that have seen the event vote
        model.set_params(without_groups="average")
        assert roc_auc_score(y, model.predict_proba(X)[:, 1], sample_weight=weight) > LEAK


@ROUTING
def test_cross_fitting_inside_a_search_inside_cross_validation(noise, routing):
    """Three levels of splits by event; with routing off a search cannot hand ids to its estimator's fit."""
    X, y, event, _ = noise
    model = CrossFitClassifier(memoriser(), cv=3, without_groups="average")
    search = GridSearchCV(
        model, {"estimator__max_depth": [5, None]}, cv=EventKFold(3, salt="inner"), scoring=roc_auc_scorer
    )
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            made = cross_validate(
                search, X, y, cv=EventKFold(3), scoring=roc_auc_scorer, params={"groups": event}, error_score="raise",
                return_estimator=True,
            )  # fmt: skip
            assert all(fitted.best_estimator_._by_event for fitted in made["estimator"])
            scores = made["test_score"]
        else:
            search.fit(X, y, groups=event)
            scores = search.cv_results_["mean_test_score"]
    assert abs(scores.mean() - 0.5) < NOISE


def test_a_search_inside_cross_fitting(noise):
    X, y, event, weight = noise
    search = BayesSearchCV(
        memoriser(), {"max_depth": (5, 30)}, n_iter=2, cv=EventKFold(3), scoring=roc_auc_scorer, random_state=0
    )
    model = CrossFitClassifier(search, cv=3, scoring=roc_auc_scorer)
    model.fit(X, y, groups=event, sample_weight=weight)
    assert abs(model.oof_score_ - 0.5) < NOISE
    for fitted in model.estimators_:  # the inner split respected events too
        assert (np.abs(fitted.cv_results_["mean_test_score"] - 0.5) < NOISE * np.sqrt(3 / 2)).all()


# --- networks, whose own hold-out is one more split ---


def network():
    """Large enough, and trained long enough, to memorise the 500 events."""
    return FeedForwardClassifier(width=64, n_layers=2, lr=0.01, max_epochs=40, validation=0.2, random_state=0)


def lowest_validation_loss(fitted):
    return np.min((fitted[-1] if hasattr(fitted, "steps") else fitted).history_["valid_loss"])


# Nothing can be known of a hold-out's labels: a loss below that of guessing, ln 2 = 0.69, is a fluctuation of the mean
# over 100 events, or a leak. With rows of its events in the training part the network reached 0.35.
HONEST, SEEN = 0.65, 0.5


def test_the_hold_out_of_a_network(noise):
    X, y, event, weight = noise
    assert lowest_validation_loss(network().fit(X, y)) < SEEN  # rows of one event on both sides: the test bites
    assert lowest_validation_loss(network().fit(X, y, groups=event, sample_weight=weight)) > HONEST


@ROUTING
def test_the_hold_out_of_a_network_in_a_pipeline_in_a_search(noise, routing):
    X, y, event, _ = noise
    with sklearn.config_context(enable_metadata_routing=routing):
        pipeline = make_pipeline(StandardScaler(), network())
        grid = {"feedforwardclassifier__width": [64, 65]}
        search = GridSearchCV(pipeline, grid, cv=EventKFold(3), scoring=roc_auc_scorer, error_score="raise")
        # with routing off a search hands ids to its splitter alone: the step's name carries them on
        named = {} if routing else {"feedforwardclassifier__groups": event}
        search.fit(X, y, groups=event, **named)
    assert lowest_validation_loss(search.best_estimator_) > HONEST
    assert (np.abs(search.cv_results_["mean_test_score"] - 0.5) < NOISE).all()


@ROUTING
def test_a_cross_fitted_network(noise, routing):
    X, y, event, weight = noise
    with sklearn.config_context(enable_metadata_routing=routing):
        model = CrossFitClassifier(make_pipeline(StandardScaler(), network()), cv=3, scoring=roc_auc_scorer)
        model.fit(X, y, groups=event, sample_weight=weight)
    assert abs(model.oof_score_ - 0.5) < NOISE
    assert all(np.min(history["valid_loss"]) > HONEST for history in model.history_)
