"""What verbose= shows: in a real terminal and in a log file, inside of pipelines, cross-fits and searches."""

import multiprocessing
import os
import pty
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import CrossFitClassifier, FeedForwardClassifier
from sklearn_ml4fp._progress import say

LINE = re.compile(
    r"FeedForwardClassifier epoch (\d)/\d: train \d\.\d{4}, valid \d\.\d{4}, roc_auc \d\.\d{4}, "
    r"best \d\.\d{4} in epoch \d, [\d.e+]+k? events/s, \d+ (s|min) left at most"
)
SETUP = """
import time
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from sklearn_ml4fp import BayesSearchCV, CrossFitClassifier, FeedForwardClassifier, OptunaSearchCV

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)

class Slow(Callback):
    def on_epoch_begin(self, net, **kwargs):
        time.sleep(0.4)

def network(**params):
    given = {"width": 4, "n_layers": 1, "max_epochs": 4, "random_state": 0, "device": "cpu", "metrics": "roc_auc"}
    return FeedForwardClassifier(**{**given, **params})
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm", "COLUMNS": "80", "PYTHONUNBUFFERED": ""}


def small(**params):
    given = {"width": 4, "n_layers": 1, "max_epochs": 4, "random_state": 0, "device": "cpu", "metrics": "roc_auc"}
    return FeedForwardClassifier(**{**given, **params})


def epochs_in(text):
    """Numbers of the epochs of lines, each of which has the form that it should have."""
    return [int(LINE.fullmatch(line)[1]) for line in text.splitlines()]


# --- in a log file ---


def test_in_a_log_file_every_epoch_is_a_line_or_one_a_second(two_blobs, capsys):
    X, y, _ = two_blobs
    small(verbose=2).fit(X, y)
    assert epochs_in(capsys.readouterr().err) == [1, 2, 3, 4]
    small(verbose=1).fit(X, y)
    shown = epochs_in(capsys.readouterr().err)
    assert shown[0] == 1
    assert shown[-1] == 4  # of the last one nothing is held back, however soon it comes
    small().fit(X, y)
    assert not capsys.readouterr().err


def test_in_pipelines_and_cross_fits(two_blobs, capsys):
    X, y, _ = two_blobs
    pipeline = make_pipeline(StandardScaler(), small(verbose=2))
    pipeline.fit(X, y)
    assert epochs_in(capsys.readouterr().err) == [1, 2, 3, 4]
    CrossFitClassifier(pipeline, cv=2).fit(X, y)
    assert epochs_in(capsys.readouterr().err) == [1, 2, 3, 4] * 2


def test_the_epoch_that_ends_the_training_is_shown(capsys):
    rng = np.random.default_rng(0)
    network = small(verbose=1, patience=1, lr=0.1, max_epochs=9, metrics=None)  # labels are noise
    network.fit(rng.normal(size=(100, 3)), rng.integers(2, size=100))
    last = capsys.readouterr().err.splitlines()[-1]
    assert network.n_iter_ < 9
    assert f"epoch {network.n_iter_}/9: train " in last
    best = network.history_["valid_loss"].argmin()
    assert f"best {network.history_['valid_loss'][best]:.4f} in epoch {best + 1}, " in last


def test_without_a_hold_out_the_best_is_that_of_the_training(two_blobs, capsys):
    X, y, _ = two_blobs
    network = small(verbose=2, early_stopping=False, metrics=None).fit(X, y)
    last = capsys.readouterr().err.splitlines()[-1]
    assert "valid" not in last
    assert f"train {network.history_['train_loss'][-1]:.4f}, best " in last


def test_in_a_batch_job_lines_come_as_they_are_made():
    """Read from a pipe, with the time at which each line came."""
    script = SETUP + "network(verbose=1, callbacks=[Slow()]).fit(X, y); time.sleep(1)"
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as job:
        lines = [(line.rstrip("\n"), time.monotonic()) for line in job.stderr]
    numbers = epochs_in("\n".join(line for line, _ in lines))  # without codes of colours
    assert numbers[0] == 1
    assert numbers[-1] == 4
    assert lines[-1][1] - lines[0][1] > 0.5  # the first did not wait for the last one


def test_one_process_of_several_says_which_one_it_is(capfd):
    process = multiprocessing.get_context("fork").Process(target=say, args=("epoch 1",))
    process.start()
    process.join()
    say("epoch 2")
    assert capfd.readouterr().err == f"[process {process.pid}] epoch 1\nepoch 2\n"


# --- in a terminal ---


def shown_in_a_terminal(script):
    """What a script writes into a terminal of 80 columns, between its own words "part 0", "part 1" and so on."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SETUP + script], stdin=follower, stdout=follower, stderr=follower, env=ENVIRONMENT
    ):
        os.close(follower)
        written = b""
        while True:
            try:
                if not (piece := os.read(leader, 4096)):
                    break
            except OSError:  # what Linux says at the end
                break
            written += piece
    os.close(leader)
    return re.split(r"part \d\s*", written.decode())


def frames(text):
    """Lines as they were drawn one over the other, without codes."""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    return [line for line in re.split(r"[\r\n]+", plain) if line.strip()]


@pytest.fixture(scope="module")
def terminal():
    script = """
print("part 0", flush=True)
network(verbose=1).fit(X, y)
print("part 1", flush=True)
network(verbose=2).fit(X, y)
print("part 2", flush=True)
CrossFitClassifier(make_pipeline(StandardScaler(), network(verbose=1)), cv=2).fit(X, y)
print("part 3", flush=True)
BayesSearchCV(network(verbose=1), {"lr": [1e-3]}, n_iter=1, cv=2, random_state=0).fit(X, y)
print("part 4", flush=True)
GridSearchCV(network(verbose=1), {"lr": [1e-3]}, cv=2, n_jobs=2, refit=False).fit(X, y)
print("part 5", flush=True)
model = make_pipeline(StandardScaler(), network(verbose=1))
OptunaSearchCV(model, {"feedforwardclassifier__lr": [1e-3]}, n_iter=1, cv=2, random_state=0).fit(X, y)
"""
    return shown_in_a_terminal(script)


def test_a_terminal_has_one_live_line(terminal):
    drawn = frames(terminal[1])
    assert "train 0." in drawn[-1]
    assert ", roc_auc 0." in drawn[-1]
    assert ", best 0." in drawn[-1]
    assert "4/4" in drawn[-1]
    assert max(map(len, drawn)) <= 80
    assert terminal[1].count("\n") == 1  # each drawing is over the one before it


def test_verbose_2_is_a_line_for_every_epoch_above_the_live_one(terminal):
    said = [line for line in frames(terminal[2]) if line.startswith("FeedForwardClassifier epoch")]
    assert [line.split()[2] for line in said] == ["1/4:", "2/4:", "3/4:", "4/4:"]


@pytest.mark.parametrize(("part", "outer"), [(3, "fold"), (4, "Bayes"), (6, "Optuna")])
def test_inside_of_another_display_the_epochs_are_a_line_of_it(terminal, part, outer):
    drawn = frames(terminal[part])
    assert any("train 0." in line and "4/4" in line for line in drawn)
    assert outer in drawn[-1]


def test_the_processes_of_a_search_leave_the_terminal_alone(terminal):
    assert not frames(terminal[5])
