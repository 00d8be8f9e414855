"""RealMLP as an estimator, and its tricks as hyperparameters of other networks."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    FeedForwardClassifier,
    FeedForwardRegressor,
    RealMLPClassifier,
    RealMLPRegressor,
    ResNetClassifier,
    load_model,
    save_model,
)

N = 200
RNG = np.random.default_rng(0)
X = (1000 * RNG.normal(size=(N, 4))).astype(np.float32)
Y = (X[:, 0] + 0.5 * X[:, 1] > 300).astype(int)
W = RNG.normal(1, 0.5, N)
QUICK = {"width": 16, "n_layers": 2, "max_epochs": 6, "random_state": 0, "device": "cpu"}


def weights_of(network):
    return torch.cat([p.detach().flatten() for p in network.net_.module_.parameters()])


def test_it_is_a_feed_forward_network_with_other_defaults():
    theirs, plain = RealMLPClassifier().get_params(), FeedForwardClassifier().get_params()
    changed = {name: value for name, value in theirs.items() if value != plain[name]}
    network = FeedForwardClassifier(**{**changed, **QUICK}).fit(X, Y, sample_weight=W)
    assert_array_equal(RealMLPClassifier(**QUICK).fit(X, Y, sample_weight=W).predict_proba(X), network.predict_proba(X))
    assert len(changed) == 15


def test_it_learns_columns_as_they_are():
    """Better than a linear fit on a table of few events, which it does not overtrain on."""
    X, y = load_diabetes(return_X_y=True)
    train, test = slice(0, 300), slice(300, None)
    network = RealMLPRegressor(width=64, max_epochs=64, random_state=0, device="cpu")
    network.fit(1000 * X[train] + 5, y[train])
    linear = make_pipeline(StandardScaler(), RidgeCV()).fit(X[train], y[train]).score(X[test], y[test])
    assert network.score(1000 * X[test] + 5, y[test]) > linear - 0.06
    assert network.n_iter_ == 64  # all of them, of which the best one is kept
    assert network.best_epoch_ < 64


def test_groups_of_the_optimiser_follow_the_schedule():
    network = RealMLPClassifier(**QUICK, batch_size=50).fit(X, Y)
    groups = network.net_.optimizer_.param_groups
    assert {(one["lr_factor"], round(one["weight_decay"], 6)) for one in groups} == {
        (1.0, 0.02),
        (0.1, 0.002),
        (0.1, 0.0),
        (6.0, 0.12),
    }
    for one in groups:  # after the training again that of its beginning
        assert one["lr"] == pytest.approx(0.04 * one["lr_factor"])
    n_own = sum(p.numel() for one in groups for p in one["params"])
    assert n_own == weights_of(network).numel()


def test_dropout_and_weight_decay_fade_in_the_second_half():
    """In each step, seen through a callback; afterwards they are what they were."""
    seen = []
    settings = {**QUICK, "dropout": 0.4, "weight_decay": 0.1, "max_epochs": 4, "early_stopping": False}
    network = FeedForwardClassifier(**settings, optimizer="adamw", batch_size=50, regularisation_schedule="flat_cos")

    def look(layer, inputs):
        if layer.training:
            seen.append(layer.p)

    network.partial_fit(X, Y, classes=[0, 1])
    layer = network.net_.module_.hidden[2]
    handle = layer.register_forward_pre_hook(look)
    for _ in range(3):
        network.partial_fit(X, Y)
    handle.remove()
    t = np.arange(4, 16) / 16
    assert_allclose(seen, 0.4 * np.where(t < 0.5, 1, (1 + np.cos(np.pi * (2 * t - 1))) / 2), atol=1e-9)
    assert layer.p == 0.4
    assert network.net_.optimizer_.param_groups[0]["weight_decay"] == 0.1


def test_a_fading_weight_decay_changes_other_networks_too():
    settings = {
        "width": 8,
        "n_blocks": 1,
        "max_epochs": 4,
        "random_state": 0,
        "optimizer": "adamw",
        "weight_decay": 0.5,
    }
    plain, fading = (
        weights_of(ResNetClassifier(**settings, early_stopping=False, regularisation_schedule=one).fit(X / 1000, Y))
        for one in ("constant", "flat_cos")
    )
    assert (fading**2).sum() > (plain**2).sum()


def test_members_with_rates_of_their_own_are_each_as_alone():
    model = RealMLPClassifier(**QUICK, n_members=2).fit(X, Y, sample_weight=np.abs(W))
    one = model.members_[1]
    alone = RealMLPClassifier(**{**QUICK, "random_state": one.random_state}).fit(X, Y, sample_weight=np.abs(W))
    # to rounding, which few steps do not let grow
    assert_allclose(alone.predict_proba(X), one.predict_proba(X), rtol=1e-3, atol=1e-4)


def test_a_model_file_keeps_it_with_its_optimiser(tmp_path):
    network = RealMLPRegressor(**QUICK).fit(X, X[:, 0])
    save_model(network, tmp_path / "model.skops", optimizer=True)
    loaded = load_model(tmp_path / "model.skops")
    assert_array_equal(loaded.predict(X), network.predict(X))
    assert [one["lr_factor"] for one in loaded.net_.optimizer_.param_groups] == [
        one["lr_factor"] for one in network.net_.optimizer_.param_groups
    ]


@pytest.mark.parametrize("value", ["mup", None])
def test_the_parametrisation_is_checked(value):
    with pytest.raises(ValueError, match="'parametrisation' parameter of FeedForwardRegressor"):
        FeedForwardRegressor(parametrisation=value).fit(X, X[:, 0])
