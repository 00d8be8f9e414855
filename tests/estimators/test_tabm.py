"""TabM as an estimator: the members' losses and their mean prediction, with weights and every loss."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from sklearn_ml4fp import FeedForwardClassifier, TabMClassifier, TabMRegressor
from sklearn_ml4fp.engine import MemberLoss, WeightedLoss, own_loss

QUICK = {"k": 3, "width": 8, "n_layers": 2, "random_state": 0, "device": "cpu"}
FULL_BATCH = {**QUICK, "optimizer": "sgd", "lr": 0.05, "max_epochs": 20, "batch_size": 1000, "early_stopping": False}
N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3)).astype(np.float32)
SIGNAL = X[:, 0] + 0.5 * X[:, 1] ** 2 + 0.3 * RNG.normal(size=N)
KINDS = pytest.mark.parametrize("kind", [TabMClassifier, TabMRegressor], ids=["classifier", "regressor"])


def target_of(kind):
    return (SIGNAL > 0.3).astype(int) if kind is TabMClassifier else SIGNAL


def prediction(kind, X, y, weight=None, **params):
    network = kind(**{**FULL_BATCH, **params}).fit(X, y, sample_weight=weight)
    points = np.random.default_rng(2).normal(size=(30, 3)).astype(np.float32)
    return network.predict_proba(points)[:, 1] if kind is TabMClassifier else network.predict(points)


def outputs_of(network, X):
    """Outputs of each member ``(n, k, m)``, in double precision."""
    with torch.no_grad():
        return network.net_.module_.double()(torch.from_numpy(X).double()).view(len(X), QUICK["k"], -1)


def test_probabilities_and_numbers_are_the_means_of_the_members():
    classifier = TabMClassifier(**QUICK, max_epochs=3).fit(X, target_of(TabMClassifier))
    found = classifier.predict_proba(X)
    assert_allclose(found, outputs_of(classifier, X).softmax(2).mean(1).numpy(), atol=1e-6)
    y = np.column_stack([SIGNAL, 1000 + SIGNAL**2])
    regressor = TabMRegressor(**QUICK, max_epochs=3).fit(X, y)
    found, unit = regressor.predict(X), regressor._fitted.target.unit
    assert_allclose(found, outputs_of(regressor, X).mean(1).numpy() * unit["scale"] + unit["mean"], rtol=1e-6)


def test_a_width_is_that_of_the_mixture():
    network = TabMRegressor(**QUICK, max_epochs=3, loss="gaussian_nll").fit(X, 50 * SIGNAL)
    mean, width = network.predict(X, return_std=True)
    outputs = outputs_of(network, X).numpy()
    mu, variance = outputs[..., 0], np.exp(outputs[..., 1])
    scale = network._fitted.target.unit["scale"]
    assert_allclose(width, np.sqrt(variance.mean(1) + mu.var(1)) * scale, rtol=1e-5)
    assert mean.shape == width.shape == (N,)


LOSSES = {
    "cross_entropy": (WeightedLoss("cross_entropy"), 3),
    "focal": (WeightedLoss("focal", gamma=2.0), 3),
    "mse": (WeightedLoss("mse"), 2),
    "gaussian_nll": (WeightedLoss("gaussian_nll"), 4),
    "quantiles": (WeightedLoss("quantile", quantile=(0.2, 0.8)), 4),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_the_mean_of_the_members_losses(name):
    loss, m = LOSSES[name]
    rng = np.random.default_rng(0)
    outputs = torch.from_numpy(rng.normal(size=(10, 3 * m)))
    by_class = m == 3
    target = torch.from_numpy(rng.integers(3, size=10) if by_class else rng.normal(size=(10, 2)))
    weight = torch.from_numpy(rng.normal(1, 1, 10))
    members = MemberLoss(loss, 3, by_class=by_class)
    each = outputs.view(10, 3, m).unbind(1)
    for w in (None, weight):
        expected = torch.stack([loss(one, target, w) for one in each]).mean()
        torch.testing.assert_close(members(outputs, target, w), expected)
    expected = torch.stack([loss.per_event(one, target) for one in each]).mean(0)
    torch.testing.assert_close(members.per_event(outputs, target), expected)


class Correlated(nn.Module):
    """A loss that is no mean over events: each member must get the batch by itself."""

    def forward(self, output, target, weight):
        return ((output - target) ** 2).mean() + output.mean() ** 2


def test_a_loss_of_ones_own_sees_one_member_at_a_time():
    loss = MemberLoss(own_loss(Correlated), 3, by_class=False)
    outputs = torch.arange(12.0).view(4, 3)
    target, own = torch.zeros(4, 1), Correlated()
    expected = torch.stack([own(one[:, None], target, None) for one in outputs.unbind(1)]).mean()
    torch.testing.assert_close(loss(outputs, target), expected)
    network = TabMRegressor(**QUICK, max_epochs=2, loss=Correlated).fit(X, SIGNAL)
    assert np.isfinite(network.predict(X)).all()


@KINDS
def test_signed_weights(kind):
    y, w = target_of(kind), np.random.default_rng(3).exponential(size=N) + 0.1
    plain = prediction(kind, X, y, w)
    assert np.abs(plain - prediction(kind, X, y)).max() > 0.003
    assert_allclose(prediction(kind, X, y, 2 * w), plain, atol=1e-5)
    twice = prediction(kind, np.vstack([X, X]), np.append(y, y), np.append(1.5 * w, -0.5 * w))
    assert_allclose(twice, plain, atol=1e-5)
    zeros = np.where(np.arange(N) % 3, w, 0)
    kept = zeros > 0
    assert_allclose(prediction(kind, X, y, zeros), prediction(kind, X[kept], y[kept], w[kept]), atol=1e-5)


def test_one_member_is_a_feed_forward_network():
    """With its vectors at their first values, and the signs taken into the columns."""
    network = TabMClassifier(**{**QUICK, "k": 1}, max_epochs=1, lr=1e-9).fit(X, target_of(TabMClassifier))
    same = FeedForwardClassifier(width=8, n_layers=2, max_epochs=1, lr=1e-9, random_state=0, device="cpu")
    same.fit(X, target_of(TabMClassifier))
    ours, plain = network.net_.module_, same.net_.module_
    with torch.no_grad():
        plain.hidden[0].weight.copy_(ours.hidden[0].linear.weight * ours.hidden[0].r())
        plain.hidden[2].weight.copy_(ours.hidden[4].linear.weight)
        plain.head.weight.copy_(ours.head.weight[0].T)
    assert_allclose(network.predict_proba(X), same.predict_proba(X), atol=1e-5)


def test_embedded_numbers_and_an_ensemble_of_ensembles():
    y = target_of(TabMClassifier)
    network = TabMClassifier(**QUICK, max_epochs=2, num_embedding="piecewise", n_members=2).fit(X, y)
    mean, spread = network.predict_proba(X, return_std=True)
    assert_allclose(mean.sum(1), 1)
    assert (spread > 0).all()
    assert network.members_[0].net_.module_.hidden[0].linear.weight.shape == (8, 3 * 16)


@pytest.mark.parametrize("k", [0, 1.5, "many"])
def test_the_number_of_members_is_checked(k):
    with pytest.raises(ValueError, match="'k' parameter of TabMRegressor"):
        TabMRegressor(k=k).fit(X, SIGNAL)
