"""Several processes that write into one lab book, one that is killed, and one that has no lab book."""

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

import sklearn_ml4fp
from sklearn_ml4fp import LabBook
from sklearn_ml4fp.lab_book._sqlite import _LOCAL, _file_system

BEGINNING = """
import os, signal, sys
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from sklearn_ml4fp import FeedForwardClassifier

class Kill(Callback):
    def on_epoch_end(self, net, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

X = np.random.default_rng(0).normal(size=(100, 3))
y = np.arange(100) % 2
network = FeedForwardClassifier(width=4, n_layers=1, max_epochs=2, random_state=0)
"""
WITHOUT = """
GridSearchCV(make_pipeline(StandardScaler(), network), {"feedforwardclassifier__lr": [0.1]}, cv=2).fit(X, y)
assert not [name for name in sys.modules if name.split(".")[0] == "mlflow" or "lab_book" in name]
"""
FOUR = """
import mlflow  # once
from sklearn_ml4fp import LabBook

children = []
for number in range(4):
    if (child := os.fork()) == 0:
        with LabBook(sys.argv[1]):
            for i in range(3):
                is_last = number == 3 and i == 2
                network.set_params(lr=0.001 * (1 + i), width=4 + number, callbacks=[Kill()] if is_last else None)
                network.fit(X, y)
        os._exit(0)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def run(script, *args, **environment):
    environment = {**os.environ, "PYTHONPATH": str(Path(sklearn_ml4fp.__file__).parents[1]), **environment}
    environment = {"OMP_NUM_THREADS": "1", **environment}  # a process with more threads must not be forked
    ended = subprocess.run(
        [sys.executable, "-c", BEGINNING + script, *args], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_nothing_is_imported_without_and_four_processes_write_at_once(tmp_path):
    """Also make the file at once; what the killed one has left, the others end."""
    store = tmp_path / "runs.db"
    assert run(WITHOUT + FOUR, str(store), OMP_NUM_THREADS="1") == "[0, 0, 0, -9]\n"
    runs = LabBook(store).runs()
    found = Counter(zip(runs["params.width"], runs["params.lr"], runs["status"], strict=True))
    lrs = ["0.001", "0.002", "0.003"]
    expected = [(str(4 + number), lr) for number in range(4) for lr in lrs]
    killed = ("7", "0.003")
    assert found == Counter((*one, "KILLED" if one == killed else "FINISHED") for one in expected)


def test_a_file_on_a_local_disk_has_a_write_ahead_log(store):
    LabBook(store).runs()
    path = Path(store)
    with closing(sqlite3.connect(path)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert mode == ("wal" if _file_system(path) in _LOCAL else "delete")
    assert _file_system(path) != _file_system(Path("/proc/self")) or _file_system(path) is None


def test_the_environment_opens_a_lab_book(store):
    run("make_pipeline(StandardScaler(), network).fit(X, y)", LABBOOK=str(store))
    (row,) = LabBook(store).runs().itertuples()
    assert row.status == "FINISHED"
    assert row.estimator == "StandardScaler + FeedForwardClassifier"
