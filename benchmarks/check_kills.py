"""Kill a fit with a checkpoint, and the writing of a model file, at random moments, and see that nothing is broken.

Each fit is killed with SIGKILL at a moment drawn between its begin and the end of one that is left alone, and then
started again. It must end in the same weights, bit for bit, with the same history, and leave no file. The checkpoint is
written after every epoch, in place of every minute, so that many of the kills come while it is written. Then two models
are saved to one file in turns, and the process that does so is killed: the file must be one of the two.

    OMP_NUM_THREADS=1 python benchmarks/check_kills.py [--kills 50] [--seed 0]

Any system with ``fork``. It ends with an error if something is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from sklearn_ml4fp import FeedForwardClassifier, load_model, save_model
from sklearn_ml4fp.engine import _checkpoint

N_FEATURES = 6


def network(**params) -> FeedForwardClassifier:
    choices = {"dropout": 0.1, "ema_decay": 0.9, "lr_schedule": "plateau", "lr_decay_epochs": 2, "early_stopping": True}
    return FeedForwardClassifier(width=64, max_epochs=15, random_state=0, device="cpu", **choices, **params)


def fit(folder: Path, file: Path) -> None:
    """Fit with a checkpoint, and write the weights and losses to a file."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, N_FEATURES))
    model = network(checkpoint=folder).fit(X, (X[:, 0] + rng.normal(size=600) > 0).astype(int))
    weights = [value.numpy().ravel() for value in model.net_.module_.state_dict().values()]
    losses = [model.history_[name] for name in ("train_loss", "valid_loss")]
    np.save(file, np.concatenate([*weights, *losses]))


def begun(program: Callable[[], None]) -> int:
    """Begin a program in a process of its own."""
    if child := os.fork():
        return child
    status = 1
    try:
        program()
        status = 0
    finally:
        os._exit(status)


def ended(child: int) -> int:
    """Wait for the end of a process; 0, or minus the signal that has killed it."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise SystemExit(f"a process has failed with the status {status}")
    return status


def killed(program: Callable[[], None], moment: float) -> bool:
    """Begin a program and kill it after some seconds; whether that was before its end."""
    child = begun(program)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    return ended(child) != 0


def kill_fits(n: int, rng: np.random.Generator, folder: Path) -> None:
    expected, result = folder / "expected.npy", folder / "result.npy"
    fit(folder / "alone", expected)  # loads what a forked process would have to load again
    begin = time.perf_counter()
    ended(begun(partial(fit, folder / "alone", expected)))
    duration = time.perf_counter() - begin
    found: Counter[str] = Counter()
    n_epochs = []
    while found["kills"] < n:
        checkpoints = folder / f"fit{sum(found.values())}"
        if not killed(partial(fit, checkpoints, result), rng.uniform(0, duration)):
            found["had ended before"] += 1
            continue
        found["kills"] += 1
        files = list(checkpoints.glob("*")) if checkpoints.exists() else []
        found["left half a file beside"] += sum(file.suffix != ".pt" for file in files)
        for file in files:
            if file.suffix == ".pt":
                n_epochs.append(len(torch.load(file, weights_only=True)["history"]))
        result.unlink(missing_ok=True)
        ended(begun(partial(fit, checkpoints, result)))
        assert np.array_equal(np.load(result), np.load(expected)), "the resumed fit has other weights"
        assert not list(checkpoints.iterdir()), "a file was left behind"
    print(f"fits of {duration:.2f} s: {json.dumps(found)}; {len(n_epochs)} had a checkpoint, after epochs")
    print(f"{sorted(n_epochs)}; all resumed fits identical, no file left")


def kill_writers(n: int, rng: np.random.Generator, folder: Path) -> None:
    path, X = folder / "model.skops", rng.normal(size=(100, N_FEATURES))
    models = [  # told apart by a class
        FeedForwardClassifier(
            width=800, n_layers=4, max_epochs=1, early_stopping=False, device="cpu", random_state=0
        ).fit(X, np.where(X[:, 0] > 0, number, 9))
        for number in (1, 2)
    ]

    def write() -> None:
        while True:
            for model in models:
                save_model(model, path)

    save_model(models[0], path)
    found: Counter[str] = Counter()
    for _ in range(n):
        killed(write, rng.uniform(0, 1))
        found[f"model {load_model(path).classes_[0]}"] += 1
    beside = len([one for one in folder.iterdir() if one.name.startswith(".model")])
    print(f"model files of {path.stat().st_size / 1e6:.1f} MB: {n} kills, all files whole: {json.dumps(found)}")
    print(f"{beside} kills have left half a file beside")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)  # or a forked process waits for threads that it does not have
    _checkpoint._INTERVAL = 0.0
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        kill_fits(options.kills, rng, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        kill_writers(options.kills, rng, Path(folder))


if __name__ == "__main__":
    main()
