"""A loss of one's own: a torch module, or a class of one, in the place of a name."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import mean_tweedie_deviance, roc_auc_score
from torch import nn

from sklearn_ml4fp import FeedForwardClassifier, FeedForwardRegressor

QUICK = {"width": 16, "n_layers": 1, "device": "cpu", "random_state": 0, "max_epochs": 20, "lr": 0.01}


class CrossEntropy(nn.Module):
    """The cross-entropy, written as a user would."""

    def forward(self, output, target, weight):
        return (weight * nn.functional.cross_entropy(output, target, reduction="none")).mean()


class OneLogit(nn.Module):
    """The same for two classes, with one output."""

    def n_outputs(self, n):
        return 1

    def read(self, output):
        return torch.cat([torch.zeros_like(output), output], dim=1)

    def forward(self, output, target, weight):
        losses = nn.functional.binary_cross_entropy_with_logits(output[:, 0], target.float(), reduction="none")
        return (weight * losses).mean()


class Tweedie(nn.Module):
    """Tweedie deviance of power p for the mean exp(output): of counts and energies, which are never negative."""

    standardised = False

    def __init__(self, power=1.5):
        super().__init__()
        self.power = power

    def read(self, output):
        return output.exp()

    def forward(self, output, target, weight):
        p = self.power
        losses = 2 * ((output * (2 - p)).exp() / (2 - p) - target * (output * (1 - p)).exp() / (1 - p))
        return (weight[:, None] * losses).mean()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", [CrossEntropy, CrossEntropy()])
def test_the_same_loss_gives_the_same_network(two_blobs, loss, weighted):
    X, y, _ = two_blobs
    w = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    ours = FeedForwardClassifier(**QUICK).fit(X, y, sample_weight=w).predict_proba(X)
    theirs = clone(FeedForwardClassifier(**QUICK, loss=loss)).fit(X, y, sample_weight=w).predict_proba(X)
    np.testing.assert_allclose(theirs, ours, atol=1e-3)


def test_a_loss_says_how_many_outputs_it_needs_and_how_they_are_read(two_blobs):
    X, y, _ = two_blobs
    network = FeedForwardClassifier(**QUICK, loss=OneLogit).fit(X, y)
    assert network.net_.module_.head.out_features == 1
    p = network.predict_proba(X)
    assert p.shape == (len(X), 2)
    np.testing.assert_allclose(p.sum(1), 1)
    assert roc_auc_score(y, network.decision_function(X)) > 0.8
    assert (network.predict(X) == (p[:, 1] > 0.5)).all()
    np.testing.assert_allclose(network.net_.predict_proba(X), p)
    assert network.predict_proba(X[:0]).shape == (0, 2)


def test_targets_in_their_own_unit():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(600, 2))
    mean = np.exp(1 + X[:, 0])
    y = rng.poisson(mean) * rng.exponential(1.0, 600)
    network = FeedForwardRegressor(**QUICK, loss=Tweedie(1.5)).fit(X, y)
    predicted = network.predict(X)
    assert (predicted > 0).all()
    constant = np.full(600, y.mean())
    assert mean_tweedie_deviance(y, predicted, power=1.5) < 0.95 * mean_tweedie_deviance(y, constant, power=1.5)
    assert np.corrcoef(predicted, mean)[0, 1] > 0.9


class PerEvent(nn.Module):
    def forward(self, output, target, weight):
        return weight * output[:, 0]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (PerEvent, "expected forward.* to return one number"),
        (dict, "expected a name, or a torch.nn.Module"),
        (nn.CrossEntropyLoss(), "The losses of torch take no event weights"),
    ],
)
def test_one_clear_error(two_blobs, loss, message):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match=message):
        FeedForwardClassifier(**QUICK, loss=loss).fit(X, y)
