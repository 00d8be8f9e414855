"""What watching a training costs: CPU seconds of a fit with it against the same fit without, in interleaved rounds.

Gradient norms and the checkup behind `TrainingWarning` belong to every fit: the candidate "without" has neither. The
others add what a user asks for: two metrics, the score history, and verbose=1 into a log file. The table shows the
median over the rounds of the ratio of times in the same round, and of the difference in seconds. The last lines are the
CPU time inside of the gradient norm and of the checkup in one more fit, which the noise of the machine blurs less.

With ``--healthy``, each network is trained with its defaults on shipped data instead, and every `TrainingWarning` is
printed: there should be none.

    python benchmarks/bench_monitoring.py [--events 100000] [--epochs 20] [--rounds 7] [--threads 1] [--healthy]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

import sklearn_ml4fp
from sklearn_ml4fp import FeedForwardClassifier, ScoreHistory, TrainingWarning
from sklearn_ml4fp.engine._recipe import Gradients
from sklearn_ml4fp.estimators._checkup import Checkup

CANDIDATES: dict[str, dict[str, Any]] = {
    "without": {},
    "gradient norm and checkup": {},
    "+ metrics (2)": {"metrics": ["roc_auc", "accuracy"]},
    "+ score history": {"callbacks": [ScoreHistory()]},
    "+ verbose=1": {"verbose": 1},
}


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """Switch off what every fit has."""
    with contextlib.ExitStack() as stack:
        for name in ("on_train_begin", "on_epoch_end", "on_train_end"):
            stack.enter_context(patch.object(Checkup, name, lambda self, *args, **kwargs: None))
        stack.enter_context(patch.object(Gradients, "look", lambda self, n_events: None))
        yield


def seconds(X: np.ndarray, y: np.ndarray, name: str, epochs: int) -> float:
    """CPU time of one fit, which other programs of the machine disturb less."""
    network = FeedForwardClassifier(
        max_epochs=epochs, patience=epochs, random_state=0, device="cpu", **CANDIDATES[name]
    )
    with unwatched() if name == "without" else contextlib.nullcontext():
        begin = time.process_time()
        network.fit(X, y)
        return time.process_time() - begin


def inside(X: np.ndarray, y: np.ndarray, epochs: int) -> None:
    """Print the CPU time that one fit spends in the gradient norm and in the checkup."""
    spent = {"gradient norm": 0.0, "checkup": 0.0}

    def timed(call: Any, what: str) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            begin = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                spent[what] += time.thread_time() - begin

        return run

    with contextlib.ExitStack() as stack:
        for owner, what, names in (
            (Gradients, "gradient norm", ("look", "read")),
            (Checkup, "checkup", ("on_train_begin", "on_epoch_end", "on_train_end")),
        ):
            for name in names:
                stack.enter_context(patch.object(owner, name, timed(getattr(owner, name), what)))
        all_of_it = seconds(X, y, "gradient norm and checkup", epochs)
    for what, took in spent.items():
        print(f"  inside of the {what:14s} {100 * took / all_of_it:+6.2f} %  {took:+8.4f} s")


def costs(n_events: int, epochs: int, rounds: int) -> None:
    """Print the table for one size."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_events, 28)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] ** 2 + rng.normal(size=n_events) > 1).astype(int)
    took: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    with Path(os.devnull).open("w") as sink, contextlib.redirect_stderr(sink):
        for name in CANDIDATES:
            seconds(X[:2000], y[:2000], name, 2)
        for i in range(rounds):
            names = list(CANDIDATES) if i % 2 == 0 else list(CANDIDATES)[::-1]
            for name in names:
                took[name].append(seconds(X, y, name, epochs))
    base = took["without"]
    print(f"\n{n_events} events, {epochs} epochs, {statistics.median(base):.2f} s without:")
    for name, times in took.items():
        ratio = statistics.median(t / b for t, b in zip(times, base, strict=True))
        more = statistics.median(t - b for t, b in zip(times, base, strict=True))
        print(f"  {name:28s} {100 * (ratio - 1):+6.2f} %  {more:+8.4f} s")
    inside(X, y, epochs)


def healthy() -> None:
    """Train every network with its defaults on shipped data, and print the warnings."""
    jets, events = sklearn_ml4fp.load_quark_gluon_jets(), sklearn_ml4fp.load_events()
    points = sklearn_ml4fp.JetConstituentFeatures().fit_transform(jets.data[:2000])
    scaled = sklearn_ml4fp.ParticleWise(StandardScaler()).fit_transform(points)
    images = np.sqrt(sklearn_ml4fp.ToImage(n_pixels=12).fit_transform(jets.data[:2000]))
    table = np.nan_to_num(StandardScaler().fit_transform(events.data[:5000]))
    kinds = {"CNN": images, "Recurrent": scaled}
    on_points = ("DeepSets", "EdgeConv", "InteractionNetwork", "MessagePassing", "ParticleTransformer")
    on_tables = ("FeedForward", "TabM", "ResNet", "DenseNet", "Transformer")
    for name in (*on_tables, "CNN", "Recurrent", *on_points):
        for ending in ("Classifier", "Regressor"):
            X = table if name in on_tables else kinds.get(name, points)
            classes = events.target[:5000] if name in on_tables else jets.target[:2000]
            numbers = table[:, 0] + table[:, 1] if name in on_tables else np.log(jets.data[:2000].counts)
            network = getattr(sklearn_ml4fp, name + ending)(max_epochs=15, random_state=0, device="cpu")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", TrainingWarning)
                network.fit(X, classes if ending == "Classifier" else numbers)
            found = [str(one.message) for one in caught if one.category is TrainingWarning]
            print(f"{name + ending:30s} {network.history_['dur'].sum():6.1f} s  {found or 'healthy'}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="*", default=[1000, 20_000, 100_000])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--healthy", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.healthy:
        healthy()
    else:
        for n in given.events:
            costs(n, given.epochs, given.rounds)
