"""Every loss against its formula, and the weighted mean that all of them share."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from sklearn_ml4fp.engine import WeightedLoss

CLASSES = {
    "cross_entropy": {},
    "cross_entropy smoothed": {"label_smoothing": 0.1},
    "focal": {"gamma": 2.0},
    "focal smoothed": {"gamma": 2.0, "label_smoothing": 0.1},
}
VALUES = {"mse": {}, "huber": {"delta": 0.7}, "quantile": {"quantile": 0.2}, "gaussian_nll": {}}
LOSSES = {**CLASSES, **VALUES}


def batch_for(name, n=12, seed=0):
    rng = np.random.default_rng(seed)
    k = 3 if name in CLASSES else (4 if name == "gaussian_nll" else 2)
    output = torch.tensor(rng.normal(size=(n, k)), requires_grad=True)
    target = torch.tensor(rng.integers(3, size=n)) if name in CLASSES else torch.tensor(rng.normal(size=(n, 2)))
    return output, target


def loss_of(name):
    return WeightedLoss(name.split()[0], **LOSSES[name])


def gradient(name, output, target, weight):
    return torch.autograd.grad(loss_of(name)(output, target, weight), output)[0]


@pytest.mark.parametrize("name", LOSSES)
def test_ones_are_no_weights(name):
    output, target = batch_for(name)
    ones = torch.ones(len(output), dtype=output.dtype)
    assert loss_of(name)(output, target, ones).item() == pytest.approx(loss_of(name)(output, target).item())


@pytest.mark.parametrize("name", LOSSES)
def test_the_weighted_mean_is_over_the_events(name):
    """(1/n) Σ w_i loss_i, where loss_i is the loss of the event alone; negative weights count as they are."""
    output, target = batch_for(name)
    weight = torch.tensor(np.random.default_rng(1).normal(1, 1, len(output)))
    assert (weight < 0).any()
    alone = [loss_of(name)(output[i : i + 1], target[i : i + 1]) for i in range(len(output))]
    expected = sum(w * one for w, one in zip(weight, alone, strict=True)) / len(output)
    assert loss_of(name)(output, target, weight).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("name", LOSSES)
def test_a_cancelling_pair_changes_no_gradient(name):
    output, target = batch_for(name)
    n = len(output)
    weight = torch.ones(n + 2, dtype=output.dtype)
    weight[n:] = torch.tensor([0.8, -0.8])
    rows = [*range(n), 3, 3]
    with_pair = gradient(name, output, target, torch.ones(n, dtype=output.dtype)) * n
    again = output[rows].detach().requires_grad_()
    pair = gradient(name, again, target[rows], weight) * (n + 2)
    assert torch.allclose(pair[:n], with_pair)
    assert torch.allclose(pair[n] + pair[n + 1], torch.zeros_like(pair[n]))


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_the_loss(name):
    output, target = batch_for(name)
    weight = torch.tensor(np.random.default_rng(1).normal(1, 1, len(output)))
    assert torch.autograd.gradcheck(lambda o: loss_of(name)(o, target, weight), (output,))


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_gradient_at_once(name):
    output, target = batch_for(name)
    weight = torch.tensor(np.random.default_rng(1).normal(1, 1, len(output)))
    losses, slope = loss_of(name).with_gradient(output.detach(), target, weight / len(output))
    torch.testing.assert_close(losses, loss_of(name).per_event(output, target).detach())
    torch.testing.assert_close(slope, gradient(name, output, target, weight))


def test_focal_without_gamma_is_cross_entropy():
    output, target = batch_for("focal")
    for smoothing in (0.0, 0.2):
        focal = WeightedLoss("focal", gamma=0.0, label_smoothing=smoothing)(output, target)
        assert focal.item() == pytest.approx(F.cross_entropy(output, target, label_smoothing=smoothing).item())


def test_focal_formula():
    output, target = batch_for("focal")
    p = torch.softmax(output, 1)[range(len(target)), target]
    assert loss_of("focal")(output, target).item() == pytest.approx((-((1 - p) ** 2) * p.log()).mean().item())


def test_the_quantile_loss_is_least_at_the_quantile():
    values = torch.tensor(np.random.default_rng(0).exponential(size=2001))[:, None]
    candidates = torch.linspace(0.05, 2.0, 391, dtype=torch.float64)
    losses = [WeightedLoss("quantile", quantile=0.2)(c.expand(len(values), 1), values).item() for c in candidates]
    best = candidates[int(np.argmin(losses))].item()
    assert best == pytest.approx(np.quantile(values.numpy(), 0.2), abs=0.005)  # the grid's step


def test_gaussian_nll_is_the_density_of_scipy():
    output, target = batch_for("gaussian_nll")
    o, t = output.detach().numpy(), target.numpy()
    expected = -stats.norm(o[:, :2], np.exp(o[:, 2:] / 2)).logpdf(t).mean() - np.log(2 * np.pi) / 2
    assert loss_of("gaussian_nll")(output, target).item() == pytest.approx(expected)
