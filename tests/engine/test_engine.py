"""The training loop under the estimators: batches, callbacks, devices."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    Freezer,
    GradientNormClipping,
    LRScheduler,
    PrintLog,
    TrainEndCheckpoint,
)

from sklearn_ml4fp import FeedForwardClassifier
from sklearn_ml4fp.engine import Net, TensorData, WeightedLoss, has_bfloat16, resolve_device
from sklearn_ml4fp.engine import _batches as batches_module
from sklearn_ml4fp.engine._monitor import wants_batch_events

CPU = torch.device("cpu")


def fit(two_blobs, callbacks=None, **parameters):
    X, y, _ = two_blobs
    settings = {"width": 16, "n_layers": 2, "max_epochs": 5, "random_state": 0, "device": "cpu", "callbacks": callbacks}
    return FeedForwardClassifier(**{**settings, **parameters}).fit(X, y)


# --- batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gather_bytes", [1, 64 * 2**20])
def test_an_epoch_has_every_event_once_in_a_new_order(monkeypatch, gather_bytes):
    """Whatever is gathered at once: input, target and weight of an event stay together."""
    monkeypatch.setattr(batches_module, "_GATHER_BYTES", gather_bytes)
    numbers = torch.arange(103.0)
    data = TensorData((numbers[:, None] * torch.ones(1, 2), -numbers), 2 * numbers, 3 * numbers)
    generator = torch.Generator().manual_seed(0)
    orders = []
    for _ in range(2):
        batches = list(data.batches(10, CPU, generator))
        assert [len(target) for _, target, _ in batches] == [10] * 10 + [3]
        for (x, minus), target, weight in batches:
            assert torch.equal(x[:, 1], -minus)
            assert torch.equal(target, 2 * x[:, 0])
            assert torch.equal(weight, 3 * x[:, 0])
        orders.append(torch.cat([target for _, target, _ in batches]) / 2)
    assert all(torch.equal(order.sort().values, numbers) for order in orders)
    assert not torch.equal(*orders)


def test_without_a_generator_the_order_is_kept():
    data = TensorData((torch.arange(7.0),), torch.arange(7))
    assert [target.tolist() for _, target, _ in data.batches(3, CPU)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert all(weight is None for _, _, weight in data.batches(3, CPU))


# --- the loss ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cross_entropy", "mse"])
def test_the_weighted_mean_is_over_events(name):
    rng = np.random.default_rng(0)
    output, w = rng.normal(size=(6, 3)), rng.normal(size=6)
    if name == "mse":
        target = rng.normal(size=(6, 3))
        per_event = ((output - target) ** 2).mean(axis=1)
    else:
        target = rng.integers(3, size=6)
        per_event = np.log(np.exp(output).sum(axis=1)) - output[np.arange(6), target]
    loss = WeightedLoss(name)
    arguments = torch.from_numpy(output), torch.from_numpy(target)
    assert loss(*arguments, torch.from_numpy(w)).item() == pytest.approx((w * per_event).mean(), rel=1e-12)
    assert loss(*arguments).item() == pytest.approx(per_event.mean(), rel=1e-12)


def test_the_recorded_loss_is_the_mean_over_events_also_with_a_small_last_batch(two_blobs):
    """At a learning rate of almost zero all batches see the same network: the record is its loss on all events."""
    X, y, _ = two_blobs
    network = fit(two_blobs, lr=1e-12, max_epochs=1, batch_size=150, early_stopping=False)
    expected = -network.predict_log_proba(X)[np.arange(400), y].mean()
    assert network.history_["train_loss"][0] == pytest.approx(expected, rel=1e-5)


# --- skorch's callbacks -----------------------------------------------------------------------------------------------


def test_callbacks_on_epochs_keep_the_fast_loop(two_blobs, tmp_path):
    """The list that the documentation gives; each does its work on our loop."""
    log = []
    callbacks = [
        ("checkpoint", Checkpoint(dirname=tmp_path, monitor="valid_loss_best", f_pickle=None)),
        ("train_end", TrainEndCheckpoint(dirname=tmp_path, fn_prefix="end_", f_pickle=None)),
        ("print_log", PrintLog(sink=log.append)),
        ("schedule", LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.1)),
        ("freezer", Freezer("hidden.0.*")),
    ]
    assert not wants_batch_events([callback for _, callback in callbacks])
    network = fit(two_blobs, callbacks)
    records = network.net_.history
    assert not any(batch for record in records for batch in record["batches"])
    assert (tmp_path / "params.pt").exists()
    assert (tmp_path / "end_params.pt").exists()
    assert any("train_loss" in str(line) for line in log)
    assert network.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(1e-3 * 0.1**5)
    untouched = fit(two_blobs, max_epochs=1, lr=1e-30).net_.module_.hidden[0].weight
    assert torch.equal(network.net_.module_.hidden[0].weight, untouched)


def test_skorchs_early_stopping_stops(two_blobs):
    network = fit(two_blobs, [EarlyStopping(monitor="train_loss", patience=2, threshold=1e9)], max_epochs=50)
    assert network.n_iter_ < 50


def test_callbacks_on_batches_switch_to_skorchs_loop_with_the_same_result(two_blobs):
    seen = []

    class Count(Callback):
        def on_batch_end(self, net, batch=None, training=False, **kwargs):
            seen.append(training)

    X, _, _ = two_blobs
    fast, slow = fit(two_blobs, dropout=0.1), fit(two_blobs, [Count()], dropout=0.1)
    assert sum(seen) == 5 * -(-360 // 36)  # ten batches of a tenth of the 360 training events, five epochs
    np.testing.assert_allclose(slow.predict_proba(X), fast.predict_proba(X), rtol=0, atol=1e-6)
    for name in ("train_loss", "valid_loss"):
        np.testing.assert_allclose(slow.history_[name], fast.history_[name], rtol=1e-5)


def test_gradient_callbacks_work(two_blobs):
    assert wants_batch_events([GradientNormClipping(1.0)])
    assert wants_batch_events([BatchScoring(lambda *arguments: 0.0)])
    assert wants_batch_events([LRScheduler(torch.optim.lr_scheduler.StepLR, step_every="batch", step_size=1)])
    X, _, _ = two_blobs
    clipped = fit(two_blobs, [GradientNormClipping(1e-9)], optimizer="sgd", lr=0.1)
    fresh = fit(two_blobs, optimizer="sgd", lr=1e-30)
    np.testing.assert_allclose(clipped.predict_proba(X), fresh.predict_proba(X), atol=1e-5)


def test_an_interrupt_by_the_user_is_not_swallowed(two_blobs):
    """Ctrl-C in the middle of an epoch ends the program's work; skorch would return a half-trained net."""

    class Interrupt(Callback):
        def on_batch_begin(self, net, **kwargs):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(two_blobs, [Interrupt()])


def test_a_users_callback_is_not_changed(two_blobs):
    callback = EarlyStopping(patience=2, monitor="train_loss", threshold=1e9)
    before = dict(vars(callback))
    fit(two_blobs, [callback])
    assert vars(callback) == before


# --- devices ----------------------------------------------------------------------------------------------------------


def test_devices():
    assert resolve_device("cpu") == CPU
    assert resolve_device("auto").type in {"cpu", "cuda", "mps"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
class TestOnAGpu:
    def test_it_agrees_with_the_cpu(self, two_blobs):
        X, _, _ = two_blobs
        cpu, gpu = (fit(two_blobs, device=device, batch_size=400) for device in ("cpu", "cuda"))
        assert next(gpu.net_.module_.parameters()).is_cuda
        np.testing.assert_allclose(gpu.predict_proba(X), cpu.predict_proba(X), atol=1e-3)

    def test_a_fit_is_reproducible(self, two_blobs):
        X, _, _ = two_blobs
        first, second = (fit(two_blobs, device="cuda", dropout=0.2).predict_proba(X) for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_a_checkpoint_changes_nothing(self, two_blobs, tmp_path):
        X, _, _ = two_blobs
        plain, kept = (fit(two_blobs, device="cuda", checkpoint=folder).predict_proba(X) for folder in (None, tmp_path))
        np.testing.assert_array_equal(kept, plain)
        assert not list(tmp_path.iterdir())

    def test_automatic_precision_is_bfloat16_where_the_gpu_has_it(self, two_blobs):
        """Within the tolerance that the page on training choices states."""
        X, _, _ = two_blobs
        single, automatic = (
            fit(two_blobs, device="cuda", max_epochs=2, precision=p).predict_proba(X) for p in ("float32", "auto")
        )
        assert np.array_equal(single, automatic) != has_bfloat16("cuda")
        np.testing.assert_allclose(automatic, single, atol=0.02)

    def test_data_that_does_not_fit_is_streamed_with_the_same_result(self, two_blobs, monkeypatch):
        X, _, _ = two_blobs
        resident = fit(two_blobs, device="cuda").predict_proba(X)
        monkeypatch.setattr(batches_module, "_RESIDENT_SHARE", 0.0)
        monkeypatch.setattr(batches_module, "_GATHER_BYTES", 4096)
        np.testing.assert_allclose(fit(two_blobs, device="cuda").predict_proba(X), resident, atol=1e-6)

    def test_a_pickle_opens_on_a_machine_without_a_gpu(self, two_blobs, tmp_path):
        X, _, _ = two_blobs
        network = fit(two_blobs, device="cuda")
        path = tmp_path / "network.pickle"
        path.write_bytes(pickle.dumps((network, X, network.predict_proba(X))))
        code = (
            "import pickle, sys, numpy; network, X, p = pickle.load(open(sys.argv[1], 'rb')); "
            "numpy.testing.assert_allclose(network.predict_proba(X), p, atol=1e-5); print('same')"
        )
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        run = subprocess.run(
            [sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=False
        )
        assert run.stdout.strip() == "same", run.stderr


def test_the_net_is_a_skorch_net(two_blobs):
    network = fit(two_blobs)
    assert isinstance(network.net_, Net)
    assert network.net_.history[:, "train_loss"] == network.history_["train_loss"].tolist()
