"""Folds and candidates with networks: trained in one pass where that is possible, with the same result."""

import threading
import time

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import PassthroughScoring

from sklearn_ml4fp import (
    BayesSearchCV,
    CrossFitClassifier,
    CrossFitRegressor,
    FeedForwardClassifier,
    FeedForwardRegressor,
    OptunaSearchCV,
    roc_auc_scorer,
)
from sklearn_ml4fp.engine import Net

ALIKE = {"rtol": 1e-3, "atol": 1e-4}  # as between the members of one network, see tests/estimators/test_members.py


@pytest.fixture(scope="module")
def events():
    """(X, y, given): two classes, signed weights, and two rows an event."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4)).astype(np.float32)
    y = (X[:, 0] + 0.5 * rng.normal(size=400) > 0).astype(int)
    return X, y, {"sample_weight": rng.normal(1, 0.4, 400), "groups": np.arange(400) // 2}


def network(**params):
    settings = {"width": 8, "n_layers": 2, "batch_size": 32, "max_epochs": 3, "lr": 1e-3, "random_state": 0}
    return FeedForwardClassifier(**{**settings, **params})


def never_alone(monkeypatch, fit):
    """Call ``fit``, in which no network may enter the loop of a single net."""
    with monkeypatch.context() as patch:
        patch.setattr(Net, "train", lambda *args, **choices: pytest.fail("trained alone"))
        return fit()


MODELS = {
    "network": network(),
    "early": network(max_epochs=12, patience=1, lr=0.01),
    "automatic batches": network(batch_size="auto", normalisation="layer"),  # of each fold its own
    "pipeline": make_pipeline(StandardScaler(), network(dropout=0.2, metrics="roc_auc", monitor="roc_auc")),
    "members": network(n_members=2),
    "inner folds": CrossFitClassifier(network(), cv=2, without_groups="average"),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_folds_of_a_cross_fit(model, events, monkeypatch):
    X, y, given = events
    folds = CrossFitClassifier(model, cv=3)
    never_alone(monkeypatch, lambda: folds.fit(X, y, **given))
    for fold, one in enumerate(folds.estimators_):
        rows = folds.cv_.assign(given["groups"]) != fold
        of_fold = {name: values[rows] for name, values in given.items()}
        with sklearn.config_context(enable_metadata_routing=True):
            alone = clone(one).fit(X[rows], y[rows], **of_fold)
        np.testing.assert_allclose(one.predict_proba(X), alone.predict_proba(X), **ALIKE)
        assert not np.allclose(one.predict_proba(X), folds.estimators_[fold - 1].predict_proba(X), **ALIKE)


def test_regressions(events, monkeypatch):
    X, _, given = events
    model = FeedForwardRegressor(width=8, batch_size=32, max_epochs=2, loss="gaussian_nll", random_state=0)
    folds = CrossFitRegressor(model, cv=3)
    never_alone(monkeypatch, lambda: folds.fit(X[:, 1:], X[:, 0], **given))
    rows = folds.cv_.assign(given["groups"]) != 1
    alone = clone(model).fit(X[rows, 1:], X[rows, 0], **{name: values[rows] for name, values in given.items()})
    np.testing.assert_allclose(folds.estimators_[1].predict(X[:, 1:]), alone.predict(X[:, 1:]), **ALIKE)


@pytest.mark.parametrize(("backend", "n_jobs"), [("loky", 2), ("threading", 4)])
def test_workers_train_their_folds_together(backend, n_jobs, events):
    X, y, given = events
    one = CrossFitClassifier(network(), cv=4).fit(X, y, **given)
    with joblib.parallel_config(backend, n_jobs=n_jobs):
        several = CrossFitClassifier(network(), cv=4).fit(X, y, **given)
    ids = given["groups"]
    np.testing.assert_allclose(several.predict_proba(X, groups=ids), one.predict_proba(X, groups=ids), **ALIKE)


def test_what_cannot_share_a_pass_is_trained_in_its_turn(events, tmp_path, capsys):
    X, y, given = events
    plain = CrossFitClassifier(network(), cv=3).fit(X, y, **given)
    for params in ({"verbose": 2}, {"checkpoint": tmp_path}, {"callbacks": [PassthroughScoring("train_loss")]}):
        folds = CrossFitClassifier(network(**params), cv=3).fit(X, y, **given)
        np.testing.assert_allclose(folds.oof_score_, plain.oof_score_, atol=0.02)
        lines = [line for line in capsys.readouterr().err.splitlines() if "epoch" in line]
        assert [line.split("epoch ")[1][:3] for line in lines] == (
            ["1/3", "2/3", "3/3"] * 3 if "verbose" in params else []
        )
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_one_fold_is_the_error_of_the_fit(events):
    X, y, given = events
    n_threads = threading.active_count()
    X = X.copy()
    X[given["groups"] == 7] = np.nan
    for _ in range(2):
        with pytest.raises(ValueError, match="NaN"):
            CrossFitClassifier(network(), cv=3).fit(X, y, **given)
    assert threading.active_count() == n_threads


SPACES = {"folds": ({"lr": [1e-3, 1e-2]}, 1), "candidates": ({"dropout": [0.0, 0.2], "weight_decay": [0.0, 0.1]}, 4)}


def searched(space, n_points, events, **params):
    X, y, given = events
    search = OptunaSearchCV(
        make_pipeline(StandardScaler(), network(max_epochs=2, metrics="roc_auc", **params)),
        {f"feedforwardclassifier__{name}": values for name, values in space.items()},
        n_iter=4, n_points=n_points, cv=2, scoring=roc_auc_scorer, random_state=0, progress=False,
        return_train_score=True,
    )  # fmt: skip
    return search.fit(X, y, **given)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.filterwarnings("ignore:The space of")
def test_folds_and_candidates_of_a_search(space, events, monkeypatch):
    pytest.importorskip("optuna")
    with monkeypatch.context() as patch:
        trained_alone, alone = [], Net.train

        def noted(net, *args, **choices):
            trained_alone.append(net)
            return alone(net, *args, **choices)

        patch.setattr(Net, "train", noted)
        search = searched(*SPACES[space], events)
    assert len(trained_alone) == 1  # the best one, on all events
    apart = searched(*SPACES[space], events, callbacks=[PassthroughScoring("train_loss")])  # which acts on batches
    for name, values in search.cv_results_.items():
        if "score" in name and "rank" not in name and "time" not in name:
            np.testing.assert_allclose(values, apart.cv_results_[name], atol=2e-3, err_msg=name)
    assert search.cv_results_["params"] == apart.cv_results_["params"]


@pytest.mark.filterwarnings("ignore:The space of", "ignore::sklearn.exceptions.FitFailedWarning")
def test_a_candidate_that_fails_in_the_pass_costs_its_own_score_alone(events):
    """A learning rate of 1e30 leaves no finite loss in the first epoch."""
    X, y, given = events
    search = BayesSearchCV(network(optimizer="sgd"), {"lr": [1e30, 1e-3]}, n_iter=2, n_points=2, cv=2, progress=False)
    search.fit(X, y, **given)
    scores = {row["lr"]: score for row, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    )}  # fmt: skip
    assert np.isnan(scores[1e30])
    assert scores[1e-3] > 0.4
    with pytest.raises(FloatingPointError, match="diverged"):
        clone(search).set_params(error_score="raise").fit(X, y, **given)


def test_the_times_of_folds_add_up(events):
    X, y, given = events
    search = BayesSearchCV(network(max_epochs=8), {"lr": [1e-3]}, n_iter=1, cv=4, refit=False, progress=False)
    began = time.perf_counter()
    search.fit(X, y, **given)
    took = time.perf_counter() - began
    assert 0 < 4 * search.cv_results_["mean_fit_time"][0] < took


def test_workers_share_candidates_and_folds(events):
    X, y, given = events
    network_ = network(max_epochs=2)
    search = BayesSearchCV(network_, {"lr": [1e-3, 1e-2]}, n_iter=2, n_points=2, cv=3, random_state=0, progress=False)
    one = clone(search).fit(X, y, **given)
    with joblib.parallel_config("threading", n_jobs=2):
        two = clone(search).fit(X, y, **given)
    np.testing.assert_allclose(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"], atol=0.01)
