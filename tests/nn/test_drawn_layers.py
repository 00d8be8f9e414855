"""Alpha dropout, normalisation, pooling, and the first weights of every kind of layer."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_ml4fp.nn import ACTIVATIONS, INITIALISATIONS, AlphaDropout, Dropout, Norm, initialise, set_generator
from sklearn_ml4fp.nn._layers import pool_points


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_alpha_dropout_keeps_mean_and_variance():
    layer = AlphaDropout(0.2)
    set_generator(layer, generator())
    x = torch.randn(1_000_000, generator=generator(1))
    y = layer.train()(x)
    # the standard error of both moments of a million numbers is about 0.001 and 0.002
    assert y.mean().item() == pytest.approx(0, abs=0.005)
    assert y.var().item() == pytest.approx(1, abs=0.01)
    dropped = y == y.mode().values
    assert dropped.float().mean().item() == pytest.approx(0.2, abs=0.002)


def test_alpha_dropout_maps_as_torch():
    """torch draws other events to drop; the values of dropped and kept ones are the same."""
    x = torch.linspace(-2, 2, 2001)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = F.alpha_dropout(x, 0.3, training=True)
    ours = AlphaDropout(0.3).train()
    ours.generator = generator()
    y = ours(x)
    dropped, dropped_there = y == y.mode().values, theirs == theirs.mode().values
    assert y.mode().values.item() == pytest.approx(theirs.mode().values.item(), abs=1e-5)
    both = ~dropped & ~dropped_there
    assert both.sum() > 500
    assert torch.allclose(y[both], theirs[both], atol=1e-5)


@pytest.mark.parametrize("layer", [Dropout(0.3), AlphaDropout(0.3)])
def test_dropout_rests_in_predictions_and_leaves_the_global_state_alone(layer):
    x = torch.randn(100, generator=generator())
    assert torch.equal(layer.eval()(x), x)
    state = torch.get_rng_state()
    set_generator(layer, generator())
    first = layer.train()(x)
    set_generator(layer, generator())
    assert torch.equal(first, layer(x))
    assert torch.equal(state, torch.get_rng_state())


def made_norm(kind, d, axis=1):
    layer = Norm(kind, d, axis)
    layer.reset_parameters()
    return layer


@pytest.mark.parametrize("shape", [(16, 5), (16, 5, 3, 4)])
def test_batch_norm_as_torch(shape):
    ours, theirs = made_norm("batch", 5), (nn.BatchNorm1d(5) if len(shape) == 2 else nn.BatchNorm2d(5))
    for seed in range(3):
        x = torch.randn(shape, generator=generator(seed)) * 3 + 1
        assert torch.allclose(ours.train()(x), theirs.train()(x), atol=1e-6)
    assert torch.allclose(ours.running_var, theirs.running_var)
    assert torch.allclose(ours.eval()(x), theirs.eval()(x), atol=1e-6)


def test_batch_norm_of_padded_points_is_that_of_the_points():
    """The points that are there, in one long table, go through torch's layer."""
    ours, theirs = made_norm("batch", 5, -1), nn.BatchNorm1d(5)
    for seed in range(3):
        x = torch.randn(8, 6, 5, generator=generator(seed)) * 3 + 1
        mask = torch.arange(6) < torch.randint(0, 7, (8, 1), generator=generator(seed))
        assert torch.allclose(ours.train()(x, mask)[mask], theirs.train()(x[mask]), atol=1e-5)
    assert torch.allclose(ours.running_mean, theirs.running_mean, atol=1e-6)
    assert torch.allclose(ours.running_var, theirs.running_var, atol=1e-6)
    assert torch.allclose(ours.eval()(x, mask)[mask], theirs.eval()(x[mask]), atol=1e-5)


def test_layer_norm_as_torch():
    x = torch.randn(8, 6, 5, generator=generator()) * 3 + 1
    assert torch.allclose(made_norm("layer", 5, -1)(x), nn.LayerNorm(5)(x), atol=1e-6)
    image = torch.randn(8, 5, 3, 4, generator=generator()) * 3 + 1
    assert torch.allclose(made_norm("layer", 5)(image), F.layer_norm(image, (5, 3, 4)), atol=1e-5)


@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_a_batch_of_one_event_is_normalised(kind):
    assert made_norm(kind, 5).train()(torch.randn(1, 5)).isfinite().all()
    masked = made_norm(kind, 5, -1).train()
    for n_points in (0, 1, 2):
        assert masked(torch.randn(1, 4, 5), torch.arange(4)[None] < n_points).isfinite().all()
        assert all(buffer.isfinite().all() for buffer in masked.buffers())


@pytest.mark.parametrize(("how", "function"), [("mean", torch.mean), ("sum", torch.sum), ("max", torch.amax)])
def test_pooling_as_over_each_event_alone(how, function):
    x = torch.randn(5, 6, 3, generator=generator())
    counts = torch.tensor([6, 3, 1, 0, 4])
    pooled = pool_points(x, torch.arange(6) < counts[:, None], how)
    for i, n in enumerate(counts):
        expected = function(x[i, :n], dim=0) if n else torch.zeros(3)
        assert torch.allclose(pooled[i], expected, atol=1e-6)


def variance_of(layer, **arguments):
    initialise(layer, generator=generator(), **arguments)
    return next(layer.parameters()).var().item()


VARIANCES = {"glorot": lambda n, m: 2 / (n + m), "he": lambda n, m: 2 / n, "lecun": lambda n, m: 1 / n}
SUITS = {"relu": "he", "gelu": "he", "silu": "he", "mish": "he", "sigmoid": "glorot", "tanh": "glorot", "selu": "lecun"}


@pytest.mark.parametrize("init", INITIALISATIONS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_variance_of_the_first_weights(init, activation):
    rule = VARIANCES[SUITS[activation] if init == "auto" else init]
    # 40 000 numbers: the standard error of their variance is 0.7 %
    linear = variance_of(nn.Linear(100, 400), init=init, activation=activation)
    assert linear == pytest.approx(rule(100, 400), rel=0.04)
    conv = variance_of(nn.Conv2d(20, 200, 3), init=init, activation=activation)
    assert conv == pytest.approx(rule(180, 1800), rel=0.04)


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_weights(cell):
    layer = cell(50, 40)
    initialise(layer, init="auto", activation="tanh", generator=generator())
    for block in layer.weight_hh_l0.detach().split(40):
        assert torch.allclose(block @ block.T, torch.eye(40), atol=1e-5)
    assert layer.weight_ih_l0.var().item() == pytest.approx(2 / 90, rel=0.1)  # 2000 numbers at least
    bias = layer.bias_ih_l0 + layer.bias_hh_l0
    forget = bias[40:80] if cell is nn.LSTM else torch.ones(0)
    assert (forget == 1).all()
    assert bias.sum().item() == pytest.approx(len(forget))


def test_selu_stays_normalised_through_fifty_layers():
    """What its initialisation is for: activations keep mean 0 and variance 1 without normalisation layers."""
    layers = [layer for _ in range(50) for layer in (nn.Linear(400, 400), nn.SELU())]
    network = initialise(nn.Sequential(*layers), init="auto", activation="selu", generator=generator())
    with torch.no_grad():
        x = network(torch.randn(500, 400, generator=generator()))
    assert x.mean().item() == pytest.approx(0, abs=0.2)
    assert x.var().item() == pytest.approx(1, abs=0.3)


class WithUnknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.mystery = nn.Bilinear(2, 2, 2)


class WithBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("forgotten", torch.empty(3))


@pytest.mark.parametrize("module", [WithUnknown, WithBuffer])
def test_a_layer_without_a_rule_is_an_error(module):
    with pytest.raises(TypeError, match="No initialisation is known"):
        initialise(module(), init="auto", activation="relu", generator=generator())


def test_biases_start_at_zero_and_the_head_is_linear():
    network = nn.ModuleDict({"body": nn.Linear(300, 300), "head": nn.Linear(300, 300)})
    initialise(network, init="he", activation="relu", generator=generator())
    assert math.sqrt(300 * network["head"].weight.var().item()) == pytest.approx(1, rel=0.02)
    assert math.sqrt(300 * network["body"].weight.var().item() / 2) == pytest.approx(1, rel=0.02)
    assert not network["head"].bias.any()
