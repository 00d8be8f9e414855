"""Several processes that train one network: the same as one, one set of files, one error if one of them dies."""

import os
import re
import socket
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest
import several_processes as script
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import FeedForwardClassifier, load_model, roc_auc_score
from sklearn_ml4fp._processes import rank_and_number, writes
from sklearn_ml4fp._recording import recorded
from sklearn_ml4fp._side_by_side import side_by_side

pytestmark = pytest.mark.timeout(600)  # five processes begin
LIMIT = 60  # seconds for the survivor of a process that was killed


def environment(**changes):
    return {**os.environ, "OMP_NUM_THREADS": "1", **{name: str(one) for name, one in changes.items()}}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder with the checkpoint of a training of which one process was killed, and what the other one said."""
    folder = tmp_path_factory.mktemp("processes")
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": 2, "KILLED": 1}
    command = [sys.executable, script.__file__, str(folder)]
    processes = [
        subprocess.Popen(command, env=environment(**address, RANK=rank), stderr=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    processes[1].wait(timeout=300)
    began = time.monotonic()
    said = next(line for line in processes[0].stderr if "ConnectionError: " in line)
    waited = time.monotonic() - began
    processes[0].communicate()
    processes[1].stderr.close()
    return folder, [process.returncode for process in processes], said, waited


@pytest.fixture(scope="module")
def together(killed):
    """What two processes have learned, each by itself, and what they have said."""
    folder, *_ = killed
    command = ["-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={free_port()}", script.__file__]
    (kept,) = (folder / "checkpoint").glob("*.pt")
    bytes_of_checkpoint = kept.read_bytes()
    done = subprocess.run(
        [sys.executable, *command, str(folder)], env=environment(), capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    kept.write_bytes(bytes_of_checkpoint)
    return [joblib.load(folder / f"found{rank}.joblib") for rank in (0, 1)], done.stderr


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The fits of one process, by their names."""
    return {name: (network, given) for name, network, given in script.fits(tmp_path_factory.mktemp("alone"))}


def agree(one, other, tolerance=1e-5):
    for wanted, got in zip(one[0], other[0], strict=True):
        np.testing.assert_allclose(got, wanted, atol=tolerance)
    for name, wanted in one[1].items():
        np.testing.assert_allclose(other[1][name], wanted, atol=10 * tolerance, err_msg=name)


NAMES = ["full", "batches", "metrics", "numbers", "watched", "sets", "sequences", "points", "members", "cross-fit"]
NAMES += ["stream of classes", "stream of numbers", "stream of sets", "stream of points", "stream watched"]


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_learn_what_one_learns(together, alone, name):
    (first, second), _ = together
    network, given = alone[name]
    agree(script.learned(network.fit(**given)), first[name])
    agree(first[name], second[name], 1e-7)


def test_all_fits_are_compared(alone):
    assert list(alone) == NAMES


@pytest.fixture(scope="module")
def unequal(tmp_path_factory):
    return {name: (network, given) for name, network, given in script.unequal(tmp_path_factory.mktemp("unequal"))}


@pytest.mark.parametrize("name", ["dropout", "batch normalisation", "augmented", "stream"])
def test_two_processes_learn_as_well_as_one(together, unequal, name):
    (one, other), _ = together
    agree(one[name][0], other[name][0], 1e-7)
    network, given = unequal[name]
    scores = network.fit(**given).predict_proba(script.VALUES)[:, 1], one[name][1]
    auc = [roc_auc_score(script.CLASS, one) for one in scores]
    assert abs(auc[0] - auc[1]) < 0.02  # two seeds differ by as much


def test_without_a_seed_both_processes_learn_the_same(together):
    (one, other), _ = together
    agree(one["no seed"][0], other["no seed"][0], 1e-7)


def test_the_first_process_alone_writes(together, killed):
    folder, *_ = killed
    (one, other), said = together
    assert len(re.findall(r"FeedForwardClassifier epoch 1/3", said)) == 1
    assert sorted(path.name for path in folder.glob("*.skops")) == ["alone0.skops", "alone1.skops", "together0.skops"]
    assert load_model(folder / "together0.skops").predict(script.VALUES).shape == (script.N,)
    assert not np.allclose(one["alone"][0][0], other["alone"][0][0])  # distributed=False


ERRORS = {
    "other events": "were given different events",
    "few": "batch_size=1 is that of all processes together",
    "partial_fit": "partial_fit trains in one process",
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_come_in_all_processes(together, name):
    for found in together[0]:
        assert ERRORS[name] in found[name]


def test_a_process_that_dies_ends_the_other_with_one_error(killed):
    _, codes, said, waited = killed
    assert codes == [1, -9]
    assert "has lost another one" in said
    assert waited < LIMIT


def test_the_checkpoint_goes_on_with_any_number_of_processes(together, killed, tmp_path):
    (first, second), _ = together
    wanted = script.learned(script.to_resume(tmp_path))
    agree(wanted, first["resumed"])
    agree(wanted, second["resumed"])
    script.EPOCHS.clear()
    agree(wanted, script.learned(script.to_resume(killed[0] / "checkpoint")))
    for epochs in (first["epochs"], sorted(script.EPOCHS)):
        assert epochs == [3, 4, 5]
    assert not list((killed[0] / "checkpoint").glob("*.pt"))


@pytest.mark.parametrize("alone", [False, True])
def test_who_writes(monkeypatch, alone):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    network = FeedForwardClassifier(distributed=not alone)
    for model in (network, make_pipeline(network), GridSearchCV(network, {"lr": [0.1]})):
        assert writes(model) == alone


def test_workers_and_threads_are_alone(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert rank_and_number() == (1, 2)
    for backend in ("loky", "threading"):
        assert joblib.Parallel(2, backend)([joblib.delayed(rank_and_number)()] * 2) == [(0, 1)] * 2
    assert side_by_side([(rank_and_number, (), {})] * 2) == [(1, 2)] * 2  # for which the main thread waits
    assert side_by_side([(side_by_side, ([(rank_and_number, (), {})],), {})]) == [[(1, 2)]]


def test_a_lab_book_of_another_process_records_nothing(monkeypatch):
    monkeypatch.setattr("sklearn_ml4fp._recording.recorders", [None])  # would raise if it were told
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert recorded(lambda network: "fitted")(FeedForwardClassifier()) == "fitted"
