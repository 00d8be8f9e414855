"""Several quantiles of one network: ascending, covering their share, weighted, and in every composition."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    AugmentedPrediction,
    CrossFitRegressor,
    EventSource,
    FeedForwardClassifier,
    FeedForwardRegressor,
    Reflect,
    ScoreHistory,
    load_model,
    save_model,
)
from sklearn_ml4fp.engine import WeightedLoss
from sklearn_ml4fp.export._onnx_network import network_to_onnx

LEVELS = (0.1, 0.5, 0.8)
QUICK = {"width": 8, "n_layers": 1, "loss": "quantile", "quantile": LEVELS, "random_state": 0, "device": "cpu"}
RNG = np.random.default_rng(0)
X = RNG.uniform(size=(240, 2)).astype(np.float32)
Y = RNG.exponential(1 + X[:, 0])
TWO = np.column_stack([Y, 100 * X[:, 1] + 5])


def fitted(y=Y, **params):
    return FeedForwardRegressor(**{**QUICK, "max_epochs": 3, **params}).fit(X, y)


def in_the_band(network, X, y):
    """A metric that knows of the levels: the share between the lowest and the highest."""
    low, *_, high = network.predict(X).T
    return np.mean((low < y) & (y < high))


@pytest.fixture(scope="module")
def of_exponentials():
    """A network that has seen 3000 events of which every quantile is known: −(1 + x) ln(1 − q)."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(3000, 1)).astype(np.float32)
    y = rng.exponential(1 + x[:, 0])
    return x, y, FeedForwardRegressor(**{**QUICK, "width": 16, "lr": 0.01, "max_epochs": 30}).fit(x, y)


def test_every_level_covers_its_share(of_exponentials):
    x, y, network = of_exponentials
    assert (y[:, None] < network.predict(x)).mean(0) == pytest.approx(LEVELS, abs=0.03)


def test_quantiles_are_those_of_the_distribution(of_exponentials):
    x, _, network = of_exponentials
    true = -(1 + x) * np.log1p(-np.array(LEVELS))
    assert np.abs(network.predict(x) - true).mean(0).max() < 0.1


def test_score_is_the_share_of_the_loss_that_is_explained(of_exponentials):
    x, y, network = of_exponentials
    predicted, w = network.predict(x), np.random.default_rng(1).uniform(0.5, 2, len(y))
    each = [d2_pinball_score(y, one, alpha=q, sample_weight=w) for q, one in zip(LEVELS, predicted.T, strict=True)]
    assert network.score(x, y, sample_weight=w) == pytest.approx(np.mean(each), abs=1e-3)


@pytest.mark.parametrize("y", [Y, TWO], ids=["one target", "two targets"])
def test_score_of_a_source_is_that_of_its_arrays(y):
    network, w = fitted(y), np.random.default_rng(1).uniform(0.5, 2, len(y))
    targets = {f"y{i}": column for i, column in enumerate(y.reshape(len(y), -1).T)}
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "w": w, **targets})
    target = list(targets) if y.ndim > 1 else "y0"
    source = EventSource(frame, features=["a", "b"], target=target, weight="w")
    assert network.score(source) == pytest.approx(network.score(X, y, sample_weight=w))


def test_quantiles_never_cross_whatever_the_outputs():
    outputs = torch.from_numpy(np.random.default_rng(0).normal(0, 30, size=(500, 6)))
    found = WeightedLoss("quantile", quantile=LEVELS).read(outputs)
    assert found.shape == (500, 2, 3)
    assert (found.diff(dim=2) >= 0).all()
    at_zero = WeightedLoss("quantile", quantile=LEVELS).read(torch.zeros(1, 3, dtype=torch.float64))
    assert at_zero[0, 0].numpy() == pytest.approx(stats.norm.ppf(LEVELS))


def test_the_loss_is_the_mean_over_levels_and_targets():
    rng = np.random.default_rng(0)
    outputs, target = (torch.from_numpy(rng.normal(size=(20, k))) for k in (6, 2))
    weight = torch.from_numpy(rng.normal(1, 1, 20))
    loss = WeightedLoss("quantile", quantile=LEVELS)
    found = loss.read(outputs)
    one = [
        weight.dot(WeightedLoss("quantile", quantile=q).per_event(found[..., i], target)) / 20
        for i, q in enumerate(LEVELS)
    ]
    assert loss(outputs, target, weight).item() == pytest.approx(np.mean(one))
    assert loss(outputs, target).item() == pytest.approx(loss.per_event(outputs, target).mean().item())
    free = outputs.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda o: loss(o, target, weight), (free,))


@pytest.mark.parametrize(("y", "shape"), [(Y, (240, 3)), (TWO, (240, 2, 3))], ids=["one target", "two targets"])
def test_quantiles_have_the_last_axis_and_the_unit_of_their_target(y, shape, tmp_path):
    network = fitted(y, callbacks=[ScoreHistory(4)])
    found = network.predict(X)
    assert found.shape == shape
    assert network.predict(X[:0]).shape == (0, *shape[1:])
    assert np.isfinite(network.score(X, y))
    assert len(network.net_.history[-1, "event_scores"]) == np.prod(shape[1:])
    if len(shape) == 3:
        assert found[:, 1].mean(0)[1] == pytest.approx(55, abs=20)
        assert (np.diff(found[:, 1]) > 1).all()
    save_model(network.set_params(callbacks=None), tmp_path / "model.skops")
    np.testing.assert_array_equal(load_model(tmp_path / "model.skops").predict(X), found)
    session = onnxruntime.InferenceSession(network_to_onnx(network).SerializeToString())
    (graph,) = session.run(None, {"X": X})
    np.testing.assert_allclose(graph, found, rtol=1e-4, atol=1e-4)


def test_an_event_of_weight_zero_is_not_there():
    plain = {**QUICK, "batch_size": 1000, "early_stopping": False, "optimizer": "sgd", "max_epochs": 5}
    w = np.ones(240)
    w[:40] = 0
    spoiled = np.concatenate([Y[:40] + 100, Y[40:]])
    with_zeros = FeedForwardRegressor(**plain).fit(X, spoiled, sample_weight=w)
    without = FeedForwardRegressor(**plain).fit(X[40:], Y[40:])
    np.testing.assert_allclose(with_zeros.predict(X), without.predict(X), rtol=0, atol=1e-5)


def test_members_folds_and_cross_validation_take_them():
    together = fitted(n_members=2)
    mean, spread = together.predict(X, return_std=True)
    np.testing.assert_allclose(mean, np.mean([one.predict(X) for one in together.members_], axis=0))
    assert spread.shape == mean.shape == (240, 3)
    assert (np.diff(mean) > 0).all()
    assert "valid_band" in fitted(metrics={"band": in_the_band}).history_
    network = FeedForwardRegressor(**{**QUICK, "max_epochs": 1})
    assert cross_val_predict(network, X, Y, cv=2).shape == (240, 3)
    ids = np.arange(240)
    folds = CrossFitRegressor(network, cv=2, scoring=in_the_band)
    assert folds.fit(X, Y, groups=ids).predict(X, groups=ids).shape == (240, 3)


def test_compositions_score_them_as_the_network_does():
    w, ids = np.random.default_rng(1).uniform(0.5, 2, len(Y)), np.arange(240)
    network = FeedForwardRegressor(**{**QUICK, "max_epochs": 1})
    folds = CrossFitRegressor(make_pipeline(StandardScaler(), network), cv=2).fit(X, Y, groups=ids, sample_weight=w)
    first = np.flatnonzero(folds.cv_.assign(ids) == 0)
    own = folds.estimators_[0]
    predicted = own[-1].score(own[0].transform(X[first]), Y[first], sample_weight=w[first])
    assert folds.fold_scores_[0] == pytest.approx(predicted)
    assert folds.score(X, Y, w, groups=ids) == pytest.approx(folds.oof_score_)
    copies = AugmentedPrediction(Reflect(columns=[0], probability=0.0), network, n_copies=1).fit(X, Y)
    assert copies.score(X, Y, w) == pytest.approx(copies.estimator_.score(X, Y, sample_weight=w))


@pytest.mark.parametrize("quantile", [(), (0.5, 0.1), (0.5, 0.5), (0.0, 0.5), (0.5, 1.0), ("a", 0.5), (True, 0.5)])
def test_levels_must_be_ascending(quantile):
    with pytest.raises(
        ValueError, match=r"expected a number between 0 and 1, or a tuple of several in ascending order"
    ):
        fitted(quantile=quantile)


def test_several_levels_act_with_the_quantile_loss_alone():
    with pytest.raises(ValueError, match=r"quantile=\(0.1, 0.5, 0.8\) acts only with loss=.quantile."):
        fitted(loss="mse")
    assert "quantile" not in FeedForwardClassifier._hyperparameters
