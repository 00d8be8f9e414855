"""The layers of RealMLP against the module of its authors, with the same weights; and their first values."""

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch

from sklearn_ml4fp.nn import Columns, ColumnScaling, FeedForward, initialise, number_embedding, settle
from sklearn_ml4fp.nn._ntk import ScaledLinear

N, D, WIDTH, D_OUT = 60, 3, 6, 2
X = 3 * torch.randn(N, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 1
MEDIAN, FACTOR = [0.5, 1.0, -1.0], [0.25, 0.5, 0.125]
LINEAR = {"is_log": [0] * D, "offset": [1] * D, "is_symlog": [0] * D, "linear": [1] * D}


@pytest.fixture(scope="module")
def theirs():
    """The one file of pytabkit that holds the module: the package itself takes seconds to import."""
    path = Path(find_spec("pytabkit").origin).parent / "models" / "realmlp" / "model.py"
    spec = spec_from_file_location("_their_real_mlp", path)
    sys.modules[spec.name] = module = module_from_spec(spec)  # where dataclasses look for the names of types
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def drawn(moved=0.3):
    """Ours in double precision, with the first weights, and a random change of each."""
    scaling = ColumnScaling({**LINEAR, "shift": MEDIAN, "factor": FACTOR}, clip=3.0)
    embedding = Columns(D, scaling, number_embedding("pbld", D, 4, scale=0.1))
    choices = {"n_layers": 2, "width": WIDTH, "activation": "selu", "dropout": 0.15, "parametrisation": "ntk"}
    network = FeedForward(D, D_OUT, embedding=embedding, **choices).double().eval()
    generator = torch.Generator().manual_seed(0)
    initialise(network, init="auto", activation="selu", generator=generator)
    with torch.no_grad():
        for one in network.parameters():
            one.add_(torch.randn(one.shape, generator=generator, dtype=torch.float64) * moved)
    return network


@torch.no_grad()
def copied_to(reference, ours):
    """Give the weights of ours to the module of the authors, which has each column itself behind all waves."""
    reference.x_median.copy_(torch.tensor(MEDIAN).view(1, 1, -1))
    reference.x_scale.copy_(torch.tensor(FACTOR).view(1, 1, -1))
    embedding = ours.embedding.embedding
    reference.plr_weight_1.copy_(embedding.waves.frequencies[None, :, None])
    reference.plr_bias_1.copy_(embedding.waves.phases.view(1, D, 1, -1))
    reference.plr_weight_2.copy_(embedding.linear.weight[None])
    reference.plr_bias_2.copy_(embedding.linear.bias.view(1, D, 1, 3))
    places = torch.arange(4 * D).view(D, 4)
    order = torch.cat([places[:, 1:].flatten(), places[:, 0]])
    layers = [one for one in (*ours.hidden, ours.head) if list(one.parameters(recurse=False))]
    values = [layers[0].gain[order]]
    for layer in layers[1:]:
        values += [layer.weight.T, layer.bias] if isinstance(layer, ScaledLinear) else [layer.share]
    values[1] = values[1][order]
    for parameter, value in zip(reference.mlp.parameters(), values, strict=True):
        parameter.copy_(value.view_as(parameter))
    return reference


def reference_of(theirs, ours):
    config = theirs.RealMLPConfig.td_class(hidden_sizes=[WIDTH] * 2)
    reference = theirs.RealMLP(D, [], D_OUT, 1, config, is_classification=True)
    return copied_to(reference.double().eval(), ours)


def test_it_is_that_of_the_authors(theirs):
    """Also where columns lie far outside, and are clipped."""
    ours, wide = drawn(), torch.cat([X, 30 * X])
    found = reference_of(theirs, ours)(wide[None], torch.zeros(1, len(wide), 0, dtype=torch.long))[0]
    torch.testing.assert_close(ours(wide), found)


def test_every_parameter_has_their_learning_rate_and_weight_decay(theirs):
    ours = drawn()
    reference = reference_of(theirs, ours)
    known = {}
    for layer in ours.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            factor = getattr(layer, "lr_factors", {}).get(name, 1.0)
            known.setdefault(parameter.numel(), set()).add(
                (factor, 0.0 if name in getattr(layer, "not_decayed", ()) else factor)
            )
    wanted = {}
    for name, parameter in reference.named_parameters():
        if "missing" not in name and "cat_emb" not in name:
            wanted.setdefault(parameter.numel(), set()).add((parameter.lr_factor, parameter.wd_factor))
    assert known == wanted


def settled(X, weight=None, seed=0):
    network = drawn(moved=0.0)
    settle(network, X, weight, torch.Generator().manual_seed(seed))
    return network


def preactivations(network, X):
    """Outputs of each linear layer."""
    found, handles = [], []
    for layer in network.modules():
        if isinstance(layer, ScaledLinear):
            handles.append(layer.register_forward_hook(lambda layer, inputs, output: found.append(output)))
    network(X)
    for handle in handles:
        handle.remove()
    return found


def test_first_outputs_have_variance_one_and_are_zero_among_the_events():
    network = settled(X)
    for output in preactivations(network, X):
        torch.testing.assert_close(output.std(0, correction=0), torch.ones(output.shape[1], dtype=torch.float64))
        assert (output.amin(0) < 0).all()
        assert (output.amax(0) > 0).all()


def test_weights_enter_the_first_values_as_repeated_removed_and_cancelling_events():
    rng = np.random.default_rng(0)
    plain = torch.cat([p.flatten() for p in settled(X).parameters()])
    pair = torch.cat([X[:5], X[:5]])
    for events, weight in (
        (torch.cat([X, X]), None),
        (torch.cat([X, 9 + X]), torch.tensor(np.repeat([2.0, 0.0], N))),
        (torch.cat([X, X]), torch.tensor(np.repeat([1.5, -0.5], N))),
        (torch.cat([X, 5 + pair]), torch.tensor(np.r_[np.ones(N), np.full(5, 0.7), np.full(5, -0.7)])),
    ):
        order = torch.from_numpy(rng.permutation(len(events)))
        found = settled(events[order], None if weight is None else weight[order])
        torch.testing.assert_close(torch.cat([p.flatten() for p in found.parameters()]), plain, atol=1e-6, rtol=1e-6)


def test_first_biases_are_drawn_like_those_of_the_authors(theirs):
    """From the same distribution: mean and spread over many nodes."""
    outputs, wide = torch.randn(500, 2000, generator=torch.Generator().manual_seed(2)), 2000
    layer = ScaledLinear(1, wide)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.settle(outputs[:, :1], None, torch.Generator().manual_seed(0))
        torch.manual_seed(0)
        bias = theirs.Bias(1, wide, 1.0, 1.0)
        bias.initialize((outputs[:, :1] / outputs[:, :1].std(correction=0)).expand(1, 500, wide))
    ours, reference = layer.bias.detach(), bias.bias.detach().flatten()
    assert ours.mean().item() == pytest.approx(reference.mean().item(), abs=0.06)
    assert ours.std().item() == pytest.approx(reference.std().item(), rel=0.1)
