"""Members, folds and candidates in one pass against the same networks one after another: processor time of a fit.

Both ways fit the same networks, in turns, and the table has the medians over ``--repeats``: processor time on one
thread, which other jobs on the machine change least. Members are fitted by themselves for comparison, folds and
candidates by a loop that fits, and predicts the events that were left out. ``--threads 2`` gives the wall clock of two
threads, of two processes of joblib with half of the networks each in one pass, and of two processes that fit them one
after another: it means something on an idle machine alone.

    OMP_NUM_THREADS=1 python benchmarks/bench_members.py
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings

import numpy as np
import torch
from joblib import Parallel, delayed
from optuna.samplers import RandomSampler
from sklearn.base import clone
from sklearn.model_selection import KFold

from sklearn_ml4fp import CrossFitClassifier, FeedForwardClassifier, OptunaSearchCV

SHAPES = {"3 x 64, batch 64": (64, 64, 6_400), "3 x 256, batch 256": (256, 256, 12_800)}
RATES = np.geomspace(3e-4, 3e-3, 32).tolist()


def events(n, n_columns=20):
    """Two overlapping classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_columns)).astype(np.float32)
    return X, (X[:, 0] + rng.normal(size=n) > 0).astype(int)


def took(fit, clock):
    began = clock()
    fit()
    return clock() - began


def compared(first, second, repeats, *second_args, clock=time.process_time):
    """Median seconds of two ways, in turns."""
    pairs = [(took(first, clock), took(lambda: second(*second_args), clock)) for _ in range(repeats + 1)][1:]
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
    what = "1 member" if k == 1 else f"{k} members"
    row(name, what, *compared(lambda: fit_all(alone, X, y), lambda: clone(model).fit(X, y), repeats))


def fit_and_predict(network, X, y, train, test):
    return clone(network).fit(X[train], y[train]).predict_proba(X[test])


def folds(name, width, batch, n, k, repeats):
    X, y = events(n)
    model = network(width, batch)

    def apart():
        return [fit_and_predict(model, X, y, *split) for split in KFold(k).split(X)]

    row(name, f"{k} folds", *compared(apart, CrossFitClassifier(model, cv=KFold(k)).fit, repeats, X, y))


def candidates(name, width, batch, n, k, repeats):
    X, y = events(n)
    split = next(iter(KFold(5).split(X)))
    search = OptunaSearchCV(  # by a sampler that takes next to no time
        network(width, batch), {"lr": (3e-4, 3e-3)}, sampler=RandomSampler(seed=0), n_iter=k, n_points=k, cv=[split],
        refit=False, progress=False,
    )  # fmt: skip

    def apart():
        return [fit_and_predict(network(width, batch, lr=lr), X, y, *split) for lr in RATES[:k]]

    row(name, f"{k} candidates", *compared(apart, search.fit, repeats, X, y))


def two_cores(name, width, batch, n, repeats):
    X, y = events(n)
    model = network(width, batch, 10)
    alone = members_of(model, X, y)
    halves = [clone(model).set_params(n_members=5, random_state=seed) for seed in (0, 1)]

    def in_threads():
        torch.set_num_threads(2)
        clone(model).fit(X, y)
        torch.set_num_threads(1)

    with Parallel(n_jobs=2) as parallel:

        def apart():
            parallel(delayed(fit_all)(half, X, y) for half in (alone[::2], alone[1::2]))

        def in_processes():
            parallel(delayed(fit_all)([half], X, y) for half in halves)

        for what, together in (("two threads", in_threads), ("two processes", in_processes)):
            row(name, f"10 members, one pass in {what}", *compared(apart, together, repeats, clock=time.perf_counter))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2))
    parser.add_argument("--numbers", type=int, nargs="+", default=[1, 5, 10, 32])
    parser.add_argument("--only", choices=("members", "folds", "candidates"))
    parser.add_argument("--shape", choices=tuple(SHAPES), action="append")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| | networks | apart, s | one pass, s | ratio |\n|---|---|---|---|---|")
    ways = {"members": members, "folds": folds, "candidates": candidates}
    for name in chosen.shape or SHAPES:
        if chosen.threads == 2:
            two_cores(name, *SHAPES[name], chosen.repeats)
            continue
        for what, way in ways.items():
            for k in chosen.numbers:
                if chosen.only in (None, what) and (k > 1 or what == "members"):
                    way(name, *SHAPES[name], k, chosen.repeats)
