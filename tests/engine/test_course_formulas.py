"""The update formulas of docs/training.rst, step by step against what the named optimisers do."""

import numpy as np
import pytest
import torch

from sklearn_ml4fp.engine import optimizer_arguments

ETA, STEPS = 0.1, 20
START = np.array([1.0, -2.0, 0.5])
CURVATURE = np.array([1.0, 0.3, 4.0])  # of the loss Σ c θ²/2, whose gradient is c·θ


def torch_path(name, lr=ETA, **settings):
    """Weights after every step of the optimiser that the estimators build."""
    arguments = {"momentum": 0.0, "weight_decay": 0.0, **settings}
    built = optimizer_arguments(name, device=torch.device("cpu"), **arguments)
    weights = torch.tensor(START, requires_grad=True)
    kind = built.pop("optimizer")
    optimizer = kind([weights], lr=lr, **{key.removeprefix("optimizer__"): value for key, value in built.items()})
    path = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        (torch.tensor(CURVATURE) * weights**2 / 2).sum().backward()
        optimizer.step()
        path.append(weights.detach().numpy().copy())
    return np.array(path)


def path_of(rule):
    """Weights after every step of a rule ``(weights, gradient, state, t) -> weights``."""
    weights, state, path = START.copy(), {}, []
    for t in range(1, STEPS + 1):
        weights = rule(weights, CURVATURE * weights, state, t)
        path.append(weights)
    return np.array(path)


def sgd(weights, gradient, state, t):
    return weights - ETA * gradient


def momentum(weights, gradient, state, t, gamma=0.9):
    state["v"] = gamma * state.get("v", 0) + (1 - gamma) * gradient
    return weights - ETA * state["v"]


def nesterov(weights, gradient, state, t, gamma=0.9):
    state["b"] = gamma * state.get("b", 0) + gradient
    return weights - ETA * (gradient + gamma * state["b"])


def adagrad(weights, gradient, state, t):
    state["G"] = state.get("G", 0) + gradient**2
    return weights - ETA * gradient / (np.sqrt(state["G"]) + 1e-10)


def rmsprop(weights, gradient, state, t, gamma=0.99):
    state["v"] = gamma * state.get("v", 0) + (1 - gamma) * gradient**2
    return weights - ETA * gradient / (np.sqrt(state["v"]) + 1e-8)


def adam(weights, gradient, state, t, beta1=0.9, beta2=0.999):
    state["m"] = beta1 * state.get("m", 0) + (1 - beta1) * gradient
    state["v"] = beta2 * state.get("v", 0) + (1 - beta2) * gradient**2
    corrected_m, corrected_v = state["m"] / (1 - beta1**t), state["v"] / (1 - beta2**t)
    return weights - ETA * corrected_m / (np.sqrt(corrected_v) + 1e-8)


def adamw(weights, gradient, state, t):
    return adam(weights * (1 - ETA * 0.2), gradient, state, t)


def sgd_l2(weights, gradient, state, t):
    return weights - ETA * (gradient + 0.2 * weights)


@pytest.mark.parametrize(
    ("rule", "name", "settings"),
    [
        (sgd, "sgd", {}),
        # the course writes (1 − γ) in front of the gradient; torch does not, and takes the rate η(1 − γ)
        (momentum, "sgd", {"momentum": 0.9, "lr": ETA * (1 - 0.9)}),
        (nesterov, "sgd", {"momentum": 0.9, "nesterov": True}),
        (sgd, "sgd", {"momentum": 0.0, "nesterov": True}),
        (adagrad, "adagrad", {}),
        (rmsprop, "rmsprop", {}),
        (adam, "adam", {}),
        (adamw, "adamw", {"weight_decay": 0.2}),
        (sgd_l2, "sgd", {"weight_decay": 0.2}),
    ],
)
def test_every_step_follows_the_formula(rule, name, settings):
    assert torch_path(name, **settings) == pytest.approx(path_of(rule), rel=1e-9)


def test_adam_keeps_its_uncorrected_moments():
    """A recursion over the corrected moments, as the slide writes it, is another optimiser from the second step on."""

    def slide(weights, gradient, state, t):
        state["m"] = (0.9 * state.get("m", 0) + 0.1 * gradient) / (1 - 0.9**t)
        state["v"] = (0.999 * state.get("v", 0) + 0.001 * gradient**2) / (1 - 0.999**t)
        return weights - ETA * state["m"] / (np.sqrt(state["v"]) + 1e-8)

    theirs, ours = path_of(slide), torch_path("adam")
    assert theirs[0] == pytest.approx(ours[0])
    assert not np.allclose(theirs[1], ours[1], rtol=0.01)


def test_back_propagation_example():
    """z = ReLU(W x + b) with W x = 0.5, b = 0.1, x = y = 1: dL/dW = 2(z − y)·1·x = −0.8."""
    w, b = torch.tensor(0.5, requires_grad=True), torch.tensor(0.1, requires_grad=True)
    x = y = torch.tensor(1.0)
    z = torch.relu(w * x + b)
    ((z - y) ** 2).backward()
    assert z.item() == pytest.approx(0.6)
    assert w.grad.item() == pytest.approx(-0.8)
    assert b.grad.item() == pytest.approx(-0.8)
