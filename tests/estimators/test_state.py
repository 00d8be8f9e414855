"""What a fit learns is learned anew by every fit, and goes on only where that is asked for."""

import copy
import pickle

import numpy as np
import pytest
import torch
from comparison import assert_same_predictions
from skorch.callbacks import BatchScoring, Callback, EpochScoring

from sklearn_ml4fp import (
    CNNClassifier,
    DeepSetsClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    LossCurveDisplay,
    PointClouds,
)

QUICK = {"width": 8, "n_layers": 1, "device": "cpu", "random_state": 0}


def classifier(**params):
    return FeedForwardClassifier(**{**QUICK, "max_epochs": 3, **params})


def weights_of(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.net_.module_.parameters()])


# --- fit, partial_fit and warm_start ---


def test_fit_after_partial_fit_learns_its_own_classes(two_blobs):
    X, y, _ = two_blobs
    network = classifier().partial_fit(X, y, classes=[0, 1, 2])
    assert network.predict_proba(X).shape == (len(X), 3)
    assert network.fit(X, y).classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(network.predict_proba(X), classifier().fit(X, y).predict_proba(X))


def test_fit_after_partial_fit_checks_the_weights_of_each_class(two_blobs):
    X, y, _ = two_blobs
    network = classifier().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="training weights of class 1 sum to"):
        network.fit(X, y, sample_weight=np.where(y == 1, -0.1, 1.0))


def test_fit_after_partial_fit_learns_its_own_units(two_blobs):
    X, y, _ = two_blobs
    network = FeedForwardRegressor(**QUICK, max_epochs=3)
    network.partial_fit(X, 1000.0 * y).fit(X, y)
    np.testing.assert_array_equal(network.predict(X), FeedForwardRegressor(**QUICK, max_epochs=3).fit(X, y).predict(X))


class Batches(Callback):
    """Events of the first batch of each training, in the order in which they come."""

    seen = []  # noqa: RUF012

    def on_batch_begin(self, net, batch, training, **kwargs):
        if training:
            self.seen.append(batch[0][0][0][0, 0].item())


@pytest.mark.parametrize("after_fit", [False, True])
def test_every_partial_fit_shuffles_anew(two_blobs, after_fit):
    """After a fit with a seed as well; a seed makes the whole stream the same again."""
    X, y, _ = two_blobs

    def first_events():
        network = classifier(callbacks=[Batches()], batch_size=len(X), max_epochs=1, early_stopping=False)
        if after_fit:
            network.fit(X, y)
        Batches.seen.clear()
        for _ in range(4):
            network.partial_fit(X, y, classes=[0, 1])
        return list(Batches.seen)

    first = first_events()
    assert len(set(first)) == 4
    assert first_events() == first


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_schedule_that_ends_is_not_passed_over_in_silence(two_blobs, schedule):
    X, y, _ = two_blobs
    network = classifier(lr_schedule=schedule, max_epochs=2)
    for _ in range(2):
        before = weights_of(network) if hasattr(network, "net_") else None
        network.partial_fit(X, y, classes=[0, 1])
        assert before is None or not torch.equal(weights_of(network), before)
    trained = weights_of(network)
    with pytest.raises(ValueError, match="has come to its end after max_epochs=2"):
        network.partial_fit(X, y)
    assert torch.equal(weights_of(network), trained)
    network.fit(X, y)
    assert network.history_["lr"][0] > 1e-5
    before = weights_of(network)
    network.partial_fit(X, y)  # a stream of its own, whose schedule begins
    assert not torch.equal(weights_of(network), before)


def test_a_warm_start_goes_on(two_blobs):
    X, y, _ = two_blobs
    network = classifier(warm_start=True).fit(X, y)
    first = network.net_
    assert network.fit(X, y).net_ is first
    assert len(network.history_["epoch"]) == 6
    assert network.n_iter_ == 3
    assert network.set_params(warm_start=False).fit(X, y).net_ is not first


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda n: np.ones((n, 4)), lambda n: np.zeros((n, 1, 6, 6))),
        (lambda n: np.zeros((n, 6, 6)), lambda n: PointClouds(np.ones((2 * n, 3)), 2 * np.arange(n + 1))),
        (lambda n: PointClouds(np.ones((2 * n, 3)), 2 * np.arange(n + 1)), lambda n: np.ones((n, 5))),
    ],
)
def test_a_new_fit_takes_events_of_another_kind(first, second):
    y = np.arange(60) % 2
    network = CNNClassifier(width=2, n_layers=1, max_epochs=1, device="cpu", random_state=0)
    network.fit(first(60), y).fit(second(60), 1 - y)
    assert network.predict(second(7)).shape == (7,)
    with pytest.raises(ValueError, match=r"was fitted on|is expecting"):
        network.predict(first(7))


# --- Ctrl-C ---


class CtrlC(Callback):
    """A user who interrupts in a batch of the second epoch."""

    def on_batch_begin(self, net, training, **kwargs):
        if training and len(net.history) == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_after_an_interruption_everything_works(two_blobs, ema_decay):
    X, y, _ = two_blobs
    network = classifier(callbacks=[CtrlC()], warm_start=True, ema_decay=ema_decay)
    with pytest.raises(KeyboardInterrupt):
        network.fit(X, y)
    assert network.n_iter_ == 1
    assert len(network.history_["train_loss"]) == len(network.history_["valid_loss"]) == 1
    assert np.isfinite(network.predict_proba(X)).all()
    LossCurveDisplay.from_estimator(network)
    network.net_.callbacks_ = [one for one in network.net_.callbacks_ if not isinstance(one[1], CtrlC)]
    assert len(network.fit(X, y).history_["train_loss"]) == 4
    if not ema_decay:
        assert len(network.partial_fit(X, y).history_["train_loss"]) == 5


# --- the net is a skorch net ---


def test_the_nets_own_methods_work(two_blobs, tmp_path):
    X, y, _ = two_blobs
    network = classifier().fit(X, y)
    net = network.net_
    np.testing.assert_allclose(net.predict_proba(X), network.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(network.classes_[net.predict(X)], network.predict(X))
    assert net.forward(X).shape == (len(X), 2)
    assert not torch.equal(classifier(dropout=0.5).fit(X, y).net_.forward(X, training=True), net.forward(X))
    net.save_params(f_params=tmp_path / "weights.pt")
    expected = network.predict_proba(X)
    net.partial_fit(X, y)
    assert np.abs(network.predict_proba(X) - expected).max() > 1e-4
    net.load_params(f_params=tmp_path / "weights.pt")
    np.testing.assert_array_equal(network.predict_proba(X), expected)
    net.fit(X, y)
    assert len(net.history) == 3
    assert net.history[-1, "train_loss"] < net.history[0, "train_loss"]


def test_the_net_of_a_regressor_predicts_standardised_targets(two_blobs):
    X, _, _ = two_blobs
    y = 100 + 10 * X[:, 0]
    network = FeedForwardRegressor(**QUICK, max_epochs=5).fit(X, y)
    assert np.corrcoef(network.net_.predict(X)[:, 0], network.predict(X))[0, 1] > 1 - 1e-12
    network.net_.partial_fit(X, y)
    assert len(network.net_.history) == 10


def test_the_net_takes_clouds():
    X = PointClouds(np.random.default_rng(0).normal(size=(120, 3)), 2 * np.arange(61))
    y = np.arange(60) % 2
    network = DeepSetsClassifier(width=4, latent_width=4, n_layers=1, max_epochs=1, device="cpu", random_state=0)
    network.fit(X, y)
    np.testing.assert_allclose(network.net_.predict_proba(X), network.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("kind", [EpochScoring, BatchScoring])
@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss"])
def test_skorchs_scoring(two_blobs, kind, scoring):
    X, y, _ = two_blobs
    callback = kind(scoring, lower_is_better=False, name="score", on_train=False)
    network = classifier(callbacks=[callback], max_epochs=2, patience=5, validation=0.5).fit(X, y)
    scores = [record["score"] for record in network.net_.history]
    assert len(scores) == 2
    alone = classifier(max_epochs=2, patience=5, validation=0.5).fit(X, y)
    np.testing.assert_array_equal(alone.predict_proba(X), network.predict_proba(X))
    assert (min(scores) > 0 and max(scores) <= 1) or scoring == "neg_log_loss"


def test_scoring_of_points_in_parts():
    """Batches come in parts of equal length there: labels and outputs stay side by side."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 30, 200)
    y = (counts > 15).astype(int)
    X = PointClouds(
        np.repeat(y, counts)[:, None] + 0.01 * rng.normal(size=(counts.sum(), 1)), np.append(0, counts.cumsum())
    )
    network = CNNClassifier(
        width=4, n_layers=1, max_epochs=15, lr=0.05, device="cpu", random_state=0,
        callbacks=[EpochScoring("accuracy", lower_is_better=False, name="score")],
    )  # fmt: skip
    assert network.fit(X, y).net_.history[-1]["score"] > 0.95


def test_scoring_without_its_cache_is_refused(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match="use_caching"):
        classifier(callbacks=[EpochScoring("accuracy", use_caching=False)]).fit(X, y)


# --- pickles ---


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_pickle_holds_the_weights_once(two_blobs, optimizer):
    """And Adam's two moments; no copy of the untrained network."""
    X, y, _ = two_blobs
    network = classifier(width=300, n_layers=3, optimizer=optimizer, max_epochs=1).fit(X, y)
    n_bytes = 4 * len(weights_of(network))
    assert len(pickle.dumps(network)) < (1.1 if optimizer == "sgd" else 3.1) * n_bytes + 20_000
    for again in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert_same_predictions(again.predict_proba(X), network.predict_proba(X))
        again.partial_fit(X, y)
