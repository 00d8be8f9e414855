"""Several networks in one pass against the same networks one after another: processor time of a fit.

Both ways fit the same members, in turns, and the table has the medians over ``--repeats``: processor time on one
thread, which other jobs on the machine change least. ``--threads 2`` gives the wall clock of two threads and of two
processes of joblib instead: it means something on an idle machine alone.

    OMP_NUM_THREADS=1 python benchmarks/bench_members.py
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.base import clone

from sklearn_ml4fp import FeedForwardClassifier

SHAPES = {"3 x 64, batch 64": (64, 64, 6_400), "3 x 256, batch 256": (256, 256, 12_800)}


def events(n, n_columns=20):
    """Two overlapping classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_columns)).astype(np.float32)
    return X, (X[:, 0] + rng.normal(size=n) > 0).astype(int)


def took(fit, clock):
    began = clock()
    fit()
    return clock() - began


def compared(first, second, repeats, clock=time.process_time):
    """Median seconds of two ways, in turns."""
    first(), second()
    pairs = [(took(first, clock), took(second, clock)) for _ in range(repeats)]
    return [statistics.median(one) for one in zip(*pairs, strict=True)]


def network(width, batch, n_members=1, **params):
    return FeedForwardClassifier(
        width=width, batch_size=batch, n_members=n_members, max_epochs=3, early_stopping=False, random_state=0,
        device="cpu", **params,
    )  # fmt: skip


def fit_all(members, X, y):
    return [clone(member).fit(X, y) for member in members]


def members_of(model, X, y):
    """Unfitted copies of the members, to be fitted one after another."""
    return [clone(one).set_params(max_epochs=model.max_epochs) for one in clone(model).fit(X, y).members_]


def row(name, what, apart, together):
    print(f"| {name} | {what} | {apart:.2f} | {together:.2f} | {apart / together:.2f} |", flush=True)


def members(name, width, batch, n, k, repeats):
    X, y = events(n)
    model = network(width, batch, k)
    alone = members_of(model, X, y)
    row(name, f"{k} members", *compared(lambda: fit_all(alone, X, y), lambda: clone(model).fit(X, y), repeats))


def two_cores(name, width, batch, n, repeats):
    X, y = events(n)
    model = network(width, batch, 10)
    alone = members_of(model, X, y)

    def together():
        torch.set_num_threads(2)
        clone(model).fit(X, y)

    with Parallel(n_jobs=2) as parallel:

        def apart():
            parallel(delayed(fit_all)(half, X, y) for half in (alone[::2], alone[1::2]))

        row(name, "10 members, two processes", *compared(apart, together, repeats, time.perf_counter))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print("| | networks | apart, s | one pass, s | ratio |\n|---|---|---|---|---|")
    for name, shape in SHAPES.items():
        if chosen.threads == 2:
            two_cores(name, *shape, chosen.repeats)
            continue
        for k in (1, 5, 10, 32):
            members(name, *shape, k, chosen.repeats)
