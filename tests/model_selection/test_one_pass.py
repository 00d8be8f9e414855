"""Folds and candidates with networks: trained in one pass where that is possible, with the same result."""

import threading

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import PassthroughScoring

from sklearn_ml4fp import CrossFitClassifier, CrossFitRegressor, FeedForwardClassifier, FeedForwardRegressor
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
