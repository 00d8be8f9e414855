"""Gradients that are made without autograd, against autograd and against differences."""

import pytest
import torch

from sklearn_ml4fp.nn import ACTIVATIONS, DenseStack, FeedForward, set_generator, stacked


def networks(activation, dropout=0.0, width=6):
    """Three networks, of which the last has no dropout."""
    torch.manual_seed(0)
    made = [
        FeedForward(4, 2, n_layers=3, width=width, activation=activation, dropout=p).double()
        for p in ((dropout, dropout / 2, dropout / 1e9) if dropout else (0.0, 0.0, 0.0))
    ]
    for module in made:
        set_generator(module, torch.Generator())
    return made


def as_one(modules):
    """The stack, and the leaves with the parameters of all."""
    leaves = [torch.stack(each).detach() for each in zip(*(module.parameters() for module in modules), strict=True)]
    known = dict(zip(map(id, modules[0].parameters()), leaves, strict=True))
    return stacked(modules, lambda parameter: known[id(parameter)]), leaves


def seeded(modules):
    for i, module in enumerate(modules):
        for layer in module.modules():
            if hasattr(layer, "generator"):
                layer.generator.manual_seed(i)


BY_HAND = sorted(set(ACTIVATIONS) - {"selu"})  # which has another dropout, and is left to autograd


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("activation", BY_HAND)
def test_as_each_network_by_autograd(activation, dropout):
    modules = networks(activation, dropout)
    module, _ = as_one(modules)
    assert isinstance(module, DenseStack)
    x, weights = torch.randn(3, 5, 4, dtype=torch.float64), torch.randn(3, 5, 2, dtype=torch.float64)
    seeded(modules)
    outputs = module(x)
    gradients = module.gradients(weights)
    seeded(modules)
    for i, one in enumerate(modules):
        alone = one(x[i])
        torch.testing.assert_close(outputs[i], alone)
        expected = torch.autograd.grad(alone, list(one.parameters()), weights[i])
        torch.testing.assert_close([gradient[i] for gradient in gradients], list(expected))


def test_as_differences():
    module, leaves = as_one(networks("silu"))
    x, weights = torch.randn(3, 5, 4, dtype=torch.float64), torch.randn(3, 5, 2, dtype=torch.float64)
    module(x)
    for leaf, gradient in zip(leaves, module.gradients(weights), strict=True):
        direction = torch.randn_like(leaf)
        leaf += 1e-6 * direction
        above = (module(x) * weights).sum()
        leaf -= 2e-6 * direction
        below = (module(x) * weights).sum()
        leaf += 1e-6 * direction
        torch.testing.assert_close((above - below) / 2e-6, (gradient * direction).sum(), rtol=1e-6, atol=1e-8)


def test_large_products_are_the_same():
    modules = [module.float() for module in networks("relu", width=256)]
    module, _ = as_one(modules)
    x, weights = torch.randn(3, 64, 4), torch.randn(3, 64, 2)
    outputs, gradients = module(x), module.gradients(weights)
    for i, one in enumerate(modules):
        alone = one(x[i])
        torch.testing.assert_close(outputs[i], alone, rtol=1e-4, atol=1e-5)
        expected = torch.autograd.grad(alone, list(one.parameters()), weights[i])
        torch.testing.assert_close([one[i] for one in gradients], list(expected), rtol=1e-4, atol=1e-4)
