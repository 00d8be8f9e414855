"""Schedules against torch's own, and against their formulas where torch counts otherwise."""

import math

import numpy as np
import pytest
import torch

from sklearn_ml4fp.engine import WARMED_UP, Schedule


def torch_factors(kind, epochs, **arguments):
    """Factors at the epochs' starts, by a scheduler of torch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = kind(optimizer, **arguments)
    factors = []
    for _ in range(epochs):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


@pytest.mark.parametrize(
    ("name", "kind", "arguments"),
    [
        ("exponential", torch.optim.lr_scheduler.ExponentialLR, {"gamma": 0.3 ** (1 / 4)}),
        ("step", torch.optim.lr_scheduler.StepLR, {"step_size": 4, "gamma": 0.3}),
        ("cosine", torch.optim.lr_scheduler.CosineAnnealingLR, {"T_max": 20}),
    ],
)
def test_as_torch_at_the_start_of_every_epoch(name, kind, arguments):
    schedule = Schedule(name, epochs=20, decay=0.3, decay_epochs=4)
    ours = [schedule.factor(float(t)) for t in range(20)]
    assert ours == pytest.approx(torch_factors(kind, 20, **arguments), abs=1e-12)


def test_one_cycle_as_torch():
    # torch counts n + 1 steps to make the last one the end, and its peak falls on a step: 0.3·n − 1/n of n
    n = 1000
    schedule = Schedule("one_cycle", epochs=n)
    ours = [schedule.factor(float(t)) for t in range(n)]
    theirs = torch_factors(torch.optim.lr_scheduler.OneCycleLR, n, max_lr=1.0, total_steps=n + 1, cycle_momentum=False)
    assert ours == pytest.approx(theirs, abs=5e-3)
    assert (schedule.factor(0), schedule.factor(300), schedule.factor(1000)) == pytest.approx((0.04, 1, 4e-6))


def test_plateau_as_torch():
    """torch drops after more than its patience of stale epochs, ours after ``decay_epochs`` of them."""
    losses = [3.0, 2.0, 2.0, 2.5, 1.9, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=1, threshold=0.0)
    ours = Schedule("plateau", epochs=20, decay=0.1, decay_epochs=2)
    for t, loss in enumerate(losses):
        assert ours.factor(t) == pytest.approx(optimizer.param_groups[0]["lr"])
        theirs.step(loss)
        ours.end_epoch(loss)
    assert ours.factor(len(losses)) == pytest.approx(1e-4)


@pytest.mark.parametrize("name", WARMED_UP)
def test_warm_up_rises_linearly_to_the_schedule(name):
    schedule = Schedule(name, epochs=20, warmup_epochs=2)
    start = 0.04 if name == "one_cycle" else 1.0
    assert [schedule.factor(t) for t in (0, 1)] == pytest.approx([0.01 * start, 0.505 * start])
    assert schedule.factor(2) == pytest.approx(start)
    assert schedule.factor(2 - 1e-9) == pytest.approx(start)


def test_cosine_ends_at_zero_and_stays_there():
    schedule = Schedule("cosine", epochs=10, warmup_epochs=2)
    assert schedule.factor(6) == pytest.approx(0.5)
    assert schedule.factor(10) == pytest.approx(0, abs=1e-12)
    assert schedule.factor(15) == pytest.approx(0, abs=1e-12)
    assert math.isfinite(Schedule("cosine", epochs=2, warmup_epochs=5).factor(7))


def test_coslog4_has_four_cycles_each_twice_as_long():
    """Its formula, zeros and maxima; a warm-up does not change it, since it rises by itself."""
    schedule = Schedule("coslog4", epochs=15)
    assert [schedule.factor(t) for t in (0, 1, 3, 7, 15, 20)] == pytest.approx([0] * 6, abs=1e-9)
    assert [schedule.factor(2**k * math.sqrt(2) - 1) for k in range(4)] == pytest.approx([1] * 4)
    t = np.linspace(0, 15, 50)
    formula = 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * (t / 15))))
    for one in (schedule, Schedule("coslog4", epochs=15, warmup_epochs=3)):
        assert [one.factor(x) for x in t] == pytest.approx(formula.tolist(), abs=1e-9)
