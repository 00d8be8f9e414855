"""The number of threads changes the rounding of a training, and nothing else."""

import signal
import time
from itertools import count
from threading import get_ident, main_thread

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_ml4fp import DeepSetsClassifier, EdgeConvClassifier, FeedForwardClassifier, PointClouds
from sklearn_ml4fp.engine import _pass
from sklearn_ml4fp.engine._pack import Pack

N = 60


@pytest.fixture
def threads():
    """Sets the number of threads; afterwards it is what it was."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def jets():
    rng = np.random.default_rng(0)
    counts = rng.integers(2, 12, N)
    n = counts.sum()
    points = np.stack([rng.lognormal(2, 1, n), rng.normal(size=n), rng.uniform(-3.1, 3.1, n)], axis=1)
    X = PointClouds(points.astype(np.float32), np.r_[0, np.cumsum(counts)], ["pt", "eta", "phi"])
    return X, rng.integers(0, 2, N)


def trained(network, X, y):
    settings = {
        "max_epochs": 2,
        "batch_size": 20,
        "early_stopping": False,
        "random_state": 0,
        "device": "cpu",
        "width": 16,
    }
    return network(**settings).fit(X, y).decision_function(X)


@pytest.mark.parametrize("network", [EdgeConvClassifier, DeepSetsClassifier])
def test_threads_change_no_more_than_rounding_does(network, threads):
    """With as many threads a seed gives the same bits. With others, sums are made in another order, and steps of Adam
    and the choice of neighbours amplify that: less than they amplify another last bit of the input.
    """
    X, y = jets()
    threads(1)
    one, again = trained(network, X, y), trained(network, X, y)
    np.testing.assert_array_equal(one, again)
    in_last_bit = X.with_values(np.nextafter(X.values, np.float32(np.inf)), X.feature_names)
    rounding = np.abs(trained(network, in_last_bit, y) - one).max()
    threads(2)
    two, again = trained(network, X, y), trained(network, X, y)
    np.testing.assert_array_equal(two, again)
    assert np.abs(two - one).max() <= 3 * rounding + 1e-5 * one.std()


@pytest.fixture
def shared(threads, monkeypatch):
    """Two threads, which also small members share."""
    threads(2)
    monkeypatch.setattr(_pass, "_OF_A_THREAD", 1)


def table(n=400):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4)).astype(np.float32)
    return X, (X[:, 0] + rng.normal(size=n) > 0).astype(int)


def members(**choices):
    common = {"width": 16, "batch_size": 32, "n_members": 5, "max_epochs": 20, "random_state": 0, "device": "cpu"}
    return FeedForwardClassifier(**common | choices)


class SeeingThreads(Callback):
    """Notes in which thread, and of how many of torch, an epoch of a member ends."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append((get_ident(), torch.get_num_threads()))


@pytest.mark.parametrize(
    "choices", [{"dropout": 0.2, "patience": 2}, {"optimizer": "sgd", "early_stopping": False}], ids=str
)
def test_members_share_the_threads_and_are_as_in_one(choices, threads, shared, monkeypatch):
    """Some stop early, and the others are dealt out anew."""
    X, y = table()
    steps, step = set(), Pack._step

    def seen(pack, *args):
        steps.add((get_ident(), torch.get_num_threads()))
        return step(pack, *args)

    monkeypatch.setattr(Pack, "_step", seen)
    in_two = members(callbacks=[SeeingThreads()], **choices).fit(X, y)
    assert len(steps) >= 2
    assert {n for _, n in steps} == {1}
    of_members = [one.net_.callbacks_ for one in in_two.members_]
    ends = {
        end for callbacks in of_members for _, one in callbacks if isinstance(one, SeeingThreads) for end in one.seen
    }
    assert ends == {(get_ident(), 2)}
    assert torch.get_num_threads() == 2
    threads(1)
    in_one = members(**choices).fit(X, y)
    # as in test_members.py: the same steps, whose products are rounded in another order
    for one, other in zip(in_two.members_, in_one.members_, strict=True):
        assert one.n_iter_ == other.n_iter_
        np.testing.assert_allclose(one.decision_function(X), other.decision_function(X), rtol=1e-3, atol=1e-4)
    assert choices.get("patience") is None or len({one.n_iter_ for one in in_two.members_}) > 1


@pytest.fixture
def interrupts():
    """Python's own handler of SIGINT, which it does not set in a process that a shell has put into the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("stop", "at"), [("an error", 20), ("Ctrl-C", 20), ("Ctrl-C", 0)])
@pytest.mark.usefixtures("shared", "interrupts")
def test_what_stops_one_thread_stops_all_of_them(stop, at, monkeypatch):
    """In the middle of an epoch, or while its threads are started; thousands of steps are left."""
    X, y = table(40_000)
    step, numbers, last = Pack._step, count(), [0]

    def stopping(pack, *args):
        last[0] = number = next(numbers)  # for one of both threads alone
        if number == at and stop == "an error":
            raise RuntimeError("bang")
        if number == at:
            signal.pthread_kill(main_thread().ident, signal.SIGINT)
        if number > at:
            time.sleep(0.001)  # as long as those of large networks, while the main thread may have to wait for a core
        return step(pack, *args)

    monkeypatch.setattr(Pack, "_step", stopping)
    with pytest.raises(RuntimeError if stop == "an error" else KeyboardInterrupt):
        members(batch_size=8, early_stopping=False, max_epochs=1).fit(X, y)
    assert at <= last[0] < 40_000 / 8  # steps of both, each of which has so many
    assert torch.get_num_threads() == 2
