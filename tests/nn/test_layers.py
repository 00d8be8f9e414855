"""Dropout with a generator of its own, and the variance of the first weights."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import nn

from sklearn_ml4fp.nn import ACTIVATIONS, Dropout, FeedForward, initialise, set_generator


def test_dropout_keeps_the_mean_and_drops_the_share():
    dropout = Dropout(0.25).train()
    dropout.generator = torch.Generator().manual_seed(0)
    out = dropout(torch.ones(400_000))
    # binomial errors: sqrt(0.25 · 0.75 / 400 000) = 0.0007; four of them
    assert (out == 0).double().mean().item() == pytest.approx(0.25, abs=0.003)
    assert out.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert torch.equal(dropout.eval()(torch.ones(5)), torch.ones(5))


def test_dropout_draws_from_its_generator_alone():
    dropout = Dropout(0.5).train()

    def draw(seed):
        set_generator(dropout, torch.Generator().manual_seed(seed))
        return dropout(torch.ones(64))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


@pytest.mark.parametrize(
    ("init", "activation", "variance"),
    [("auto", "relu", 2 / 400), ("auto", "tanh", 2 / 700), ("auto", "sigmoid", 2 / 700), ("lecun", "relu", 1 / 400)],
)
def test_the_variance_of_the_first_weights(init, activation, variance):
    layer = nn.Sequential(nn.Linear(400, 300))
    initialise(layer, init=init, activation=activation, generator=torch.Generator().manual_seed(0))
    weights = layer[0].weight.detach().numpy()
    # relative error of a variance from 120 000 values: sqrt(2 / 120 000) = 0.4 %; four of them
    assert weights.var() == pytest.approx(variance, rel=0.016)
    assert abs(weights.mean()) < 4 * np.sqrt(variance / weights.size)
    assert not layer[0].bias.detach().numpy().any()


def test_a_layer_without_a_rule_is_refused():
    with pytest.raises(TypeError, match="No initialisation is known for '0', a Bilinear"):
        initialise(nn.Sequential(nn.Bilinear(2, 2, 2)), init="he", activation="relu", generator=torch.Generator())


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_feed_forward_against_its_formula(activation):
    """h = f(W h + b) layer by layer, and a linear layer at the end, written out in numpy."""
    network = FeedForward(3, 2, n_layers=2, width=5, activation=activation, dropout=0.0).double()
    X = np.random.default_rng(0).normal(size=(4, 3))
    function = {
        "relu": lambda z: np.maximum(z, 0),
        "tanh": np.tanh,
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z)),
        "gelu": lambda z: z * norm.cdf(z),
        "silu": lambda z: z / (1 + np.exp(-z)),
        "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    }
    weights = [parameter.detach().numpy() for parameter in network.parameters()]
    h = X
    for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        h = function[activation](h @ W.T + b)
    expected = h @ weights[-2].T + weights[-1]
    np.testing.assert_allclose(network(torch.from_numpy(X)).detach().numpy(), expected, rtol=1e-12)
