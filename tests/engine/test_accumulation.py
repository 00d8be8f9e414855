"""Batches that do not fit into memory are computed in parts, and are the same batches."""

import pickle
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_ml4fp import (
    DeepSetsClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    MessagePassingClassifier,
    TransformerClassifier,
    load_quark_gluon_jets,
)

SAMPLE = load_quark_gluon_jets()
JETS = SAMPLE.data[:90]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
WEIGHT = RNG.uniform(0.5, 2, size=90)


class SmallDevice(Callback):
    """Memory for so many rows of the first input of the network; real memory runs out in the same place."""

    def __init__(self, n_rows):
        self.n_rows = n_rows

    def on_train_begin(self, net, **kwargs):
        net.module_.register_forward_pre_hook(self.allocate)

    def allocate(self, module, inputs):
        if len(inputs[0]) > self.n_rows:
            raise torch.OutOfMemoryError(f"{len(inputs[0])} rows")


def fitted(network, data=(X, Y), n_rows=None, **params):
    choices = {"max_epochs": 3, "batch_size": 40, "early_stopping": False, "random_state": 0, "device": "cpu"} | params
    if n_rows is not None:
        choices["callbacks"] = [SmallDevice(n_rows)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The training|.*hold-out", UserWarning)
        return network(**choices).fit(*data, sample_weight=WEIGHT)


RECIPES = {
    "Adam": {},
    "SGD, clipped": {"optimizer": "sgd", "lr": 0.1, "gradient_clipping": 0.1},
    "L1, cosine": {"l1": 0.01, "lr_schedule": "cosine"},
    "average": {"ema_decay": 0.9},
    "validation": {"early_stopping": True, "max_epochs": 4},
}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("n_rows", "size"), [(20, 20), (7, 5)])
def test_the_steps_are_those_of_whole_batches(recipe, n_rows, size):
    """Batches of 40, 40 and 10 events, in parts of 20 and 10, and of 5."""
    with pytest.warns(UserWarning, match=f"memory of cpu: batches of 40 events are computed in parts of {size},"):
        parts = fitted(FeedForwardClassifier, n_rows=n_rows, **RECIPES[recipe])
    # an epoch that is broken off in its first batch makes no step; the next one has another order of the events
    n_broken_off = {20: 1, 5: 3}[size]  # at 40, and at 20 and 10
    whole = fitted(FeedForwardClassifier, **RECIPES[recipe], callbacks=[Orders(n_broken_off)])
    same_weights(parts, whole)
    np.testing.assert_allclose(parts.history_["train_loss"], whole.history_["train_loss"], rtol=1e-5)
    np.testing.assert_allclose(parts.history_["lr"], whole.history_["lr"], rtol=1e-12)


def same_weights(one, other):
    of_one, of_other = ([p.detach().numpy() for p in x.net_.module_.parameters()] for x in (one, other))
    for a, b in zip(of_one, of_other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


class Orders(Callback):
    """Draws orders of the events before the training, as epochs do that are broken off."""

    def __init__(self, n):
        self.n = n

    def on_train_begin(self, net, X=None, **kwargs):
        for _ in range(self.n):
            torch.randperm(len(X), generator=net._generator)


@pytest.mark.parametrize(
    ("network", "n_rows"),
    [
        (DeepSetsClassifier, 1200),
        (partial(MessagePassingClassifier, n_blocks=1), 1200),
    ],
    ids=["DeepSets", "MessagePassing"],
)
def test_points(network, n_rows):
    """One row of the first input is a point: 40 events have about 1700."""
    data = JETS, SAMPLE.target[:90]
    with pytest.warns(UserWarning, match="batches of 40 events are computed in parts of") as halved:
        parts = fitted(network, data, n_rows=n_rows, max_epochs=2)
    same_weights(parts, fitted(network, data, max_epochs=2, callbacks=[Orders(len(halved))]))


@pytest.mark.filterwarnings("ignore:.*events at a time do not fit")
def test_memory_that_runs_out_within_an_epoch():
    """A Transformer gets events of equal length at a time: how many is another number in each batch."""
    network = fitted(TransformerClassifier, (JETS, SAMPLE.target[:90]), n_rows=6, n_blocks=1, batch_size=16)
    assert len(network.history_["train_loss"]) == 3
    assert np.isfinite(network.history_["train_loss"]).all()
    assert network.net_._recipe is type(network.net_)._recipe  # the training has ended as any other one


@pytest.mark.parametrize("n_events", [90, 20_000], ids=["few", "many"])  # in double precision, and in single
def test_predictions_take_smaller_blocks(n_events):
    many = np.tile(X, (n_events // 90, 1))
    whole = fitted(FeedForwardRegressor, (X, X[:, 0])).predict(many)
    network = fitted(FeedForwardRegressor, (X, X[:, 0]))
    network.net_.module_.register_forward_pre_hook(SmallDevice(50).allocate)
    np.testing.assert_allclose(network.predict(many), whole, atol=1e-5)
    assert network.net_._block <= 50
    assert pickle.loads(pickle.dumps(network.net_))._block > 50  # another machine may have more


class Pairs(torch.nn.Module):
    """A loss that is no mean over events: parts of a batch do not add up to it."""

    def forward(self, output, target, weight):
        return (output[:-1] - output[1:] - target[:-1] + target[1:]).square().mean()


@pytest.mark.parametrize(
    "params", [{"n_rows": 20, "loss": Pairs}, {"n_rows": 0}], ids=["a loss of one's own", "no room for an event"]
)
@pytest.mark.filterwarnings("ignore:.*events at a time do not fit")
def test_what_cannot_be_parted_is_an_error(params):
    with pytest.raises(torch.OutOfMemoryError, match="rows"):
        fitted(FeedForwardRegressor, (X, X[:, :1]), **params)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_on_a_gpu_that_is_almost_full():
    many = np.tile(X, (1000, 1))
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_reserved() + 2**29) / total))
    try:
        with pytest.warns(UserWarning, match="events at a time do not fit"):
            network = fitted(
                FeedForwardClassifier, (many, np.tile(Y, 1000)), batch_size=90_000, width=1024, device="cuda"
            )
        assert network.score(many, np.tile(Y, 1000)) > 0.5
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
