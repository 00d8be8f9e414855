"""The events that `fit` sets apart, and early stopping on them."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, GroupKFold, GroupShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import EventKFold, FeedForwardClassifier, RotatingKFold
from sklearn_ml4fp._events import derive_salt, uniform
from sklearn_ml4fp._holdout import hold_out

SMALL = {"width": 16, "n_layers": 2, "max_epochs": 8, "random_state": 0, "device": "cpu"}


def small(**parameters):
    return FeedForwardClassifier(**{**SMALL, **parameters})


def test_the_hold_out_takes_whole_groups_by_their_hash(two_blobs):
    """The same losses as with the hold-out handed over: same training part, same validation part, in full batches."""
    X, y, event = two_blobs
    held = uniform(event, derive_salt(0, "hold-out")) < 0.2
    assert set(event[held]).isdisjoint(event[~held])
    reference = small(validation=0.2, max_epochs=3, batch_size=400, init="he").fit(X, y, groups=event)
    same = small(max_epochs=3, batch_size=400, init="he").fit(X[~held], y[~held], X_val=X[held], y_val=y[held])
    np.testing.assert_allclose(reference.history_["valid_loss"], same.history_["valid_loss"], rtol=1e-5)


def test_without_groups_the_hold_out_is_stratified():
    y = (np.arange(1000) >= 980).astype(int)  # 2 % of the events are signal
    for seed in range(20):
        apart = hold_out(1000, 0.1, codes=y, rng=np.random.RandomState(seed))
        assert apart.sum() in (99, 100, 101)
        assert apart[y == 1].sum() in (1, 2, 3)


def assert_same_fit(first, second):
    np.testing.assert_allclose(first.history_["valid_loss"], second.history_["valid_loss"], rtol=1e-5)
    np.testing.assert_allclose(first.history_["train_loss"], second.history_["train_loss"], rtol=1e-5)


@pytest.mark.parametrize("splitter", [EventKFold(3), GroupShuffleSplit(1, test_size=0.3, random_state=0)])
def test_a_splitter_chooses_the_hold_out(two_blobs, splitter):
    X, y, event = two_blobs
    train, held = next(splitter.split(X, y, event))
    full_batches = {"batch_size": 400, "max_epochs": 3}
    by_splitter = small(validation=splitter, **full_batches).fit(X, y, groups=event)
    assert_same_fit(by_splitter, small(**full_batches).fit(X[train], y[train], X_val=X[held], y_val=y[held]))


def test_a_rotating_split_holds_out_the_block_after_the_absent_one(two_blobs):
    """Inside a cross-validation by the same RotatingKFold: k − 2 blocks train, one is watched, one is tested."""
    X, y, event = two_blobs
    rotation = RotatingKFold(4)
    blocks = rotation.assign(event)
    full_batches = {"batch_size": 400, "max_epochs": 2}
    for absent, (fit, _) in enumerate(rotation.split(X, y, event)):
        rotated = small(validation=rotation, **full_batches).fit(X[fit], y[fit], groups=event[fit])
        held = blocks == (absent + 1) % 4
        train = (blocks != absent) & ~held
        assert_same_fit(rotated, small(**full_batches).fit(X[train], y[train], X_val=X[held], y_val=y[held]))


def test_a_splitter_that_mixes_is_refused(two_blobs):
    class Mixes:
        def split(self, X, y=None, groups=None):
            yield np.arange(300), np.arange(200, 400)

        def get_n_splits(self, X=None, y=None, groups=None):
            return 1

    with pytest.raises(ValueError, match="300 to train on and 200 to watch, 100 of them on both sides"):
        small(validation=Mixes()).fit(*two_blobs[:2])


def test_X_val_is_transformed_by_the_pipeline(two_blobs, routing):
    X, y, event = two_blobs
    train, held = next(EventKFold(3).split(X, y, event))
    pipeline = Pipeline([("scale", StandardScaler()), ("network", small())], transform_input=["X_val"])
    pipeline.fit(X[train], y[train], X_val=X[held], y_val=y[held])
    scaler = StandardScaler().fit(X[train])
    by_hand = small().fit(scaler.transform(X[train]), y[train], X_val=scaler.transform(X[held]), y_val=y[held])
    assert_same_fit(pipeline[-1], by_hand)


def test_grid_search_routes_ids_to_the_hold_out(two_blobs, routing):
    X, y, event = two_blobs
    search = GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("network", small())]), {"network__lr": [1e-3]}, cv=GroupKFold(3)
    )
    search.fit(X, y, groups=event)
    scaler = StandardScaler().fit(X)
    assert_same_fit(search.best_estimator_[-1], small().fit(scaler.transform(X), y, groups=event))


def test_early_stopping_restores_the_best_weights():
    """Labels are noise: the validation loss soon rises, the training stops, and the best epoch's weights come back."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 5)), rng.integers(2, size=300)
    X_val, y_val = rng.normal(size=(300, 5)), rng.integers(2, size=300)
    network = small(width=64, lr=0.01, max_epochs=200, patience=5).fit(X, y, X_val=X_val, y_val=y_val)
    losses = network.history_["valid_loss"]
    assert network.n_iter_ == losses.argmin() + 1 + 5 < 200
    restored = -network.predict_log_proba(X_val)[np.arange(300), y_val].mean()
    assert restored == pytest.approx(losses.min(), rel=1e-5)
    assert restored < losses[-1]


def test_without_early_stopping_all_events_are_trained_on_to_the_end(two_blobs):
    X, y, _ = two_blobs
    network = small(early_stopping=False, max_epochs=4).fit(X, y)
    assert network.n_iter_ == 4
    assert set(network.history_) == {"epoch", "train_loss", "lr", "gradient_norm", "events_per_second", "dur"}
    assert network.history_["epoch"].tolist() == [1, 2, 3, 4]
