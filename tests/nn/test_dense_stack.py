"""Gradients that are made without autograd, against autograd and against differences."""

import pytest
import torch

from sklearn_ml4fp.nn import (
    ACTIVATIONS,
    DenseStack,
    FeedForward,
    can_be_stacked,
    initialise,
    number_embedding,
    set_generator,
    stacked,
)


def networks(activation, dropout=0.0, width=6, embedding=None, parametrisation="standard"):
    """Three networks, of which the last has no dropout."""
    torch.manual_seed(0)
    made = []
    for p in (dropout, dropout / 2, dropout / 1e9) if dropout else (0.0, 0.0, 0.0):
        made_of = {"n_layers": 3, "width": width, "activation": activation, "parametrisation": parametrisation}
        edges = (torch.randn(4, 4) + len(made)).sort().values.tolist()
        ahead = None if embedding is None else number_embedding(embedding, 4, 3, scale=0.5, edges=edges)
        module = FeedForward(4, 2, dropout=p, embedding=ahead, **made_of).double()
        initialise(module, init="auto", activation=activation, generator=torch.Generator().manual_seed(len(made)))
        for parameter in module.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        set_generator(module, torch.Generator())
        made.append(module)
    return made


def as_one(modules):
    """The stack, and the leaves with the parameters of all."""
    leaves = [torch.stack(each).detach() for each in zip(*(module.parameters() for module in modules), strict=True)]
    known = dict(zip(map(id, modules[0].parameters()), leaves, strict=True))
    for leaf in leaves:
        leaf.grad = torch.empty_like(leaf)
    return stacked(modules, lambda parameter: known[id(parameter)]), leaves


def gradients(module, leaves, of_outputs):
    module.differentiate(of_outputs)
    return [leaf.grad.clone() for leaf in leaves]


def seeded(modules):
    for i, module in enumerate(modules):
        for layer in module.modules():
            if hasattr(layer, "generator"):
                layer.generator.manual_seed(i)


BY_HAND = sorted(set(ACTIVATIONS) - {"selu"})  # which has another dropout, and is left to autograd


def assert_as_alone(modules, **tolerances):
    module, leaves = as_one(modules)
    assert isinstance(module, DenseStack)
    dtype = modules[0].head.weight.dtype
    x, weights = torch.randn(3, 65, 4, dtype=dtype), torch.randn(3, 65, 2, dtype=dtype)
    seeded(modules)
    outputs = module(x)
    found = gradients(module, leaves, weights)
    seeded(modules)
    for i, one in enumerate(modules):
        alone = one(x[i])
        torch.testing.assert_close(outputs[i], alone, **tolerances)
        expected = torch.autograd.grad(alone, list(one.parameters()), weights[i])
        torch.testing.assert_close([gradient[i] for gradient in found], list(expected), **tolerances)


@pytest.mark.parametrize("parametrisation", ["standard", "ntk"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("activation", BY_HAND)
def test_as_each_network_by_autograd(activation, dropout, parametrisation):
    assert_as_alone(networks(activation, dropout, parametrisation=parametrisation))


@pytest.mark.parametrize("parametrisation", ["standard", "ntk"])
@pytest.mark.parametrize("embedding", ["piecewise", "periodic", "pbld"])
def test_behind_an_embedding(embedding, parametrisation):
    assert_as_alone(networks("silu", embedding=embedding, parametrisation=parametrisation))


def test_bins_of_other_numbers_are_not_stacked():
    edges = [[[0.0, 1.0, 2.0]], [[0.0, 1.0]]]
    one, other = (number_embedding("piecewise", 1, 3, scale=1.0, edges=of_one) for of_one in edges)
    assert can_be_stacked([one, one])
    assert not can_be_stacked([one, other])


def test_as_differences():
    module, leaves = as_one(networks("silu"))
    x, weights = torch.randn(3, 5, 4, dtype=torch.float64), torch.randn(3, 5, 2, dtype=torch.float64)
    module(x)
    for leaf, gradient in zip(leaves, gradients(module, leaves, weights), strict=True):
        direction = torch.randn_like(leaf)
        leaf += 1e-6 * direction
        above = (module(x) * weights).sum()
        leaf -= 2e-6 * direction
        below = (module(x) * weights).sum()
        leaf += 1e-6 * direction
        torch.testing.assert_close((above - below) / 2e-6, (gradient * direction).sum(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("parametrisation", ["standard", "ntk"])
def test_large_products_are_the_same(parametrisation):
    """Which each network makes by itself, layer after layer."""
    modules = networks("relu", width=256, embedding="pbld", parametrisation=parametrisation)
    assert_as_alone([module.float() for module in modules], rtol=1e-3, atol=2e-4)
