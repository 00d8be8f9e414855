"""skorch's callbacks, and what others write with them, read back by the libraries that it is written for."""

import io
import json
import struct
import time

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, Checkpoint, EpochScoring, MlflowLogger, PrintLog, TensorBoard, WandbLogger

from sklearn_ml4fp import CrossFitClassifier, FeedForwardClassifier, load_model, save_model

N_EPOCHS = 3


def classifier(*callbacks, **params):
    few = {"width": 8, "n_layers": 1, "max_epochs": N_EPOCHS, "device": "cpu", "random_state": 0}
    return FeedForwardClassifier(**{**few, "callbacks": list(callbacks), **params})


def callback_of(network, kind):
    """The callback of a class that was used in the fit, with its state."""
    (found,) = (callback for _, callback in network.net_.callbacks_ if type(callback) is kind)
    return found


# --- what each of them leaves ---


def test_epoch_scoring_leaves_its_scores(two_blobs):
    X, y, _ = two_blobs
    scoring = EpochScoring("roc_auc", lower_is_better=False, name="auc")
    network = classifier(scoring).fit(X, y)
    scores = [record["auc"] for record in network.net_.history]
    assert len(scores) == N_EPOCHS
    assert callback_of(network, EpochScoring).best_score_ == max(scores)
    assert not hasattr(scoring, "best_score_")  # a hyperparameter is not changed by a fit


def test_print_log_prints_every_epoch(two_blobs, capsys):
    X, y, _ = two_blobs
    classifier(PrintLog()).fit(X, y)
    header, rule, *lines = capsys.readouterr().out.strip().split("\n")
    assert "train_loss" in header
    assert "valid_loss" in header
    assert set(rule) <= {"-", " "}
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]


def test_checkpoint_leaves_the_best_weights(two_blobs, tmp_path):
    """Which are those that early stopping restores, so that the two do not end in different networks."""
    X, y, _ = two_blobs
    checkpoint = Checkpoint(dirname=tmp_path, f_pickle=None, load_best=True)
    network = classifier(checkpoint, lr=0.3, max_epochs=30, patience=5).fit(X, y)
    kept = torch.load(tmp_path / "params.pt", weights_only=True)
    assert len(json.loads((tmp_path / "history.json").read_text())) <= network.n_iter_
    for name, value in network.net_.module_.state_dict().items():
        assert torch.equal(kept[name], value)
    np.testing.assert_array_equal(
        classifier(lr=0.3, max_epochs=30, patience=5).fit(X, y).predict_proba(X), network.predict_proba(X)
    )


def scalars_in(folder):
    """What TensorBoard reads in a folder: lists of (step, value) by name."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return {name: [(one.step, one.value) for one in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_tensorboard_reads_the_losses(two_blobs, tmp_path):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    X, y, _ = two_blobs
    network = classifier(TensorBoard(SummaryWriter(tmp_path))).fit(X, y)
    read = scalars_in(tmp_path)
    for name in ("train_loss", "valid_loss"):
        steps, values = zip(*read[f"Loss/{name}"], strict=True)
        assert steps == (1, 2, 3)
        np.testing.assert_allclose(values, network.history_[name], rtol=1e-6)


def test_mlflow_reads_the_losses_and_the_weights(two_blobs, tmp_path):
    """Of a run that the callback is given, and of the one that is active."""
    mlflow = pytest.importorskip("mlflow")
    X, y, _ = two_blobs
    store, before = f"sqlite:///{tmp_path}/runs.db", mlflow.get_tracking_uri()
    client = mlflow.MlflowClient(store)
    experiment = client.create_experiment("test", artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_tracking_uri(store)
    try:
        given = client.create_run(experiment)
        networks = {given.info.run_id: classifier(MlflowLogger(given, client)).fit(X, y)}
        with mlflow.start_run(experiment_id=experiment) as active:
            networks[active.info.run_id] = classifier(MlflowLogger(terminate_after_train=False)).fit(X, y)
    finally:
        mlflow.set_tracking_uri(before)
    read = mlflow.MlflowClient(store)  # another one, which asks the file
    for run, network in networks.items():
        assert read.get_run(run).info.status == "FINISHED"
        for name in ("train_loss", "valid_loss"):
            points = read.get_metric_history(run, name)
            assert [point.step for point in points] == [1, 2, 3]
            np.testing.assert_allclose([point.value for point in points], network.history_[name], rtol=1e-12)
        weights = torch.load(read.download_artifacts(run, "params.pth", str(tmp_path)), weights_only=True)
        assert weights.keys() == network.net_.module_.state_dict().keys()


def records_in(file):
    """Records of a file of wandb, which has no reader in Python: a log in blocks of 32 KiB, as LevelDB has it."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, record, block = file.read_bytes(), b"", 2**15
    at = 7  # after the file's own header
    while at + 7 <= len(content):
        if block - at % block < 7:  # what is too short for a header is filled up
            at += block - at % block
        _, size, kind = struct.unpack_from("<IHB", content, at)
        record = (b"" if kind in (1, 2) else record) + content[at + 7 : at + 7 + size]  # whole or first; middle or last
        at += 7 + size
        if kind in (1, 4):
            yield Record.FromString(record)


def test_wandb_writes_the_losses(two_blobs, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB__SERVICE_WAIT", "250")  # its own process may begin slowly on a machine that is busy
    X, y, _ = two_blobs
    with wandb.init(project="test", mode="offline", dir=tmp_path, settings={"init_timeout": 250}) as run:
        network = classifier(WandbLogger(run)).fit(X, y)
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    for _ in range(300):  # a process of wandb's writes the file, and may still be at it on a busy machine
        steps = [
            {(item.key or item.nested_key[0]): json.loads(item.value_json) for item in record.history.item}
            for record in records_in(file)
            if record.HasField("history")
        ]
        if len(steps) == len(network.history_["epoch"]):
            break
        time.sleep(0.1)
    for name in ("train_loss", "valid_loss"):
        np.testing.assert_allclose([step[name] for step in steps], network.history_[name], rtol=1e-12)
    (best,) = tmp_path.glob("wandb/offline-run-*/files/best_model.pth")
    assert torch.load(best, weights_only=True).keys() == network.net_.module_.state_dict().keys()


# --- copies ---


class Counted(Callback):
    """A callback that counts its copies and its epochs."""

    copies: list = []  # noqa: RUF012

    def __deepcopy__(self, memo):
        type(self).copies.append(1)
        return Counted()

    def on_epoch_end(self, net, **kwargs):
        self.epochs_ = getattr(self, "epochs_", 0) + 1


class WithALock(Callback):
    """A callback with what cannot be copied or pickled, as a connection has."""

    def __init__(self):
        self.stream, self.n_epochs = io.TextIOWrapper(io.BytesIO()), 0

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs += 1


class RefusesACopy(WithALock):
    def __deepcopy__(self, memo):
        raise RuntimeError("this object belongs to its thread")


WAYS = {
    "alone": lambda network, X, y: [network.fit(X, y)],
    "cloned": lambda network, X, y: [clone(clone(network)).fit(X, y)],
    "pipeline": lambda network, X, y: [clone(make_pipeline(StandardScaler(), network)).fit(X, y)[-1]],
    "folds": lambda network, X, y: cross_validate(network, X, y, cv=2, return_estimator=True)["estimator"],
    "cross-fit": lambda network, X, y: CrossFitClassifier(make_pipeline(network), cv=2).fit(X, y).estimators_,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_callback_is_copied_once_a_fit(two_blobs, way):
    X, y, _ = two_blobs
    Counted.copies.clear()
    given = Counted()
    fitted = [one[-1] if hasattr(one, "steps") else one for one in WAYS[way](classifier(given), X, y)]
    assert len(Counted.copies) == len(fitted)
    assert [callback_of(one, Counted).epochs_ for one in fitted] == [N_EPOCHS] * len(fitted)
    assert not hasattr(given, "epochs_")


@pytest.mark.parametrize("kind", [WithALock, RefusesACopy])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_callback_that_cannot_be_copied_is_used_as_it_is_given(two_blobs, way, named, kind):
    X, y, _ = two_blobs
    given = kind()
    network = classifier(("mine", given) if named else given)
    fitted = [one[-1] if hasattr(one, "steps") else one for one in WAYS[way](network, X, y)]
    assert all(callback_of(one, kind) is given for one in fitted)
    assert given.n_epochs == N_EPOCHS * len(fitted)


def test_clones_have_lists_of_their_own(two_blobs):
    network = classifier(PrintLog())
    twin = clone(network)
    twin.callbacks.append(PrintLog())
    assert len(network.callbacks) == 1
    assert clone(classifier(callbacks=None)).callbacks is None
    assert clone(network.set_params(width=7)).get_params(deep=False)["width"] == 7
    with pytest.raises(ValueError, match="callbacks"):
        clone(network.set_params(callbacks="PrintLog")).fit(*two_blobs[:2])


def test_callbacks_in_worker_processes_come_back_with_their_state(two_blobs):
    X, y, _ = two_blobs
    network = classifier(EpochScoring("accuracy", lower_is_better=False, name="accuracy"))
    results = [
        cross_validate(network, X, y, cv=2, return_estimator=True, n_jobs=n_jobs)["estimator"] for n_jobs in (1, 2)
    ]
    for here, there in zip(*results, strict=True):
        assert callback_of(here, EpochScoring).best_score_ == callback_of(there, EpochScoring).best_score_


def test_a_model_is_kept_without_a_callback_that_cannot_be(two_blobs, tmp_path):
    X, y, _ = two_blobs
    network = classifier(WithALock()).fit(X, y)
    with pytest.raises(ValueError, match=r"stream, a TextIOWrapper, cannot be kept in a model file"):
        save_model(network, tmp_path / "model.skops")
    save_model(network.set_params(callbacks=None), tmp_path / "model.skops")
    np.testing.assert_array_equal(load_model(tmp_path / "model.skops").predict_proba(X), network.predict_proba(X))
