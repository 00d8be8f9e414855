"""Members, folds and candidates in one pass against the same networks one after another.

Both ways fit the same networks, in turns, and the table has the medians over ``--repeats``, or over as many as
``--seconds`` allow: processor time on one thread, which other jobs on the machine change least. Members are fitted by
themselves for comparison, folds and candidates by a loop that fits, and predicts the events that were left out.

``--cores 2`` adds the wall clock on two cores, which means something on an idle machine alone: of two processes of
joblib that fit the networks one after another, against one pass in two threads (members), and against one pass of half
of the networks in each of two processes (``n_jobs=2``; members by joblib). All of it takes five minutes there:

    OMP_NUM_THREADS=1 python benchmarks/bench_members.py --cores 2
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from functools import partial

import numpy as np
import torch
from joblib import Parallel, delayed
from optuna.samplers import RandomSampler
from sklearn.base import clone
from sklearn.model_selection import KFold

from sklearn_ml4fp import (
    CrossFitClassifier,
    FeedForwardClassifier,
    OptunaSearchCV,
    RealMLPClassifier,
    TableClassifier,
    load_events,
)

# width, batch, events, and epochs: at least 10 with early stopping; fewer where an epoch takes longer than all else
SHAPES = {"3 x 64, batch 64": (64, 64, 6_400, 10), "3 x 256, batch 256": (256, 256, 12_800, 3)}
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


def compared(first, second, chosen, clock=time.process_time):
    """Median seconds of two ways, in turns."""
    pairs, began = [], time.perf_counter()
    while len(pairs) < chosen.repeats and (not pairs or time.perf_counter() - began < chosen.seconds):
        pairs.append((took(first, clock), took(second, clock)))
    return [statistics.median(one) for one in zip(*pairs, strict=True)]


def network(width, batch, epochs, n_members=1, **params):
    return FeedForwardClassifier(
        width=width, batch_size=batch, n_members=n_members, max_epochs=epochs, early_stopping=False, random_state=0,
        device="cpu", **params,
    )  # fmt: skip


def fit_all(members, X, y):
    return [clone(member).fit(X, y) for member in members]


def members_of(model, X, y):
    """Unfitted copies of the members, to be fitted one after another."""
    return [clone(one).set_params(max_epochs=model.max_epochs) for one in clone(model).fit(X, y).members_]


def row(name, what, apart, together):
    print(f"| {name} | {what} | {apart:.2f} | {together:.2f} | {apart / together:.2f} |", flush=True)


def members(name, width, batch, n, epochs, k, chosen):
    X, y = events(n)
    model = network(width, batch, epochs, k)
    alone = members_of(model, X, y)
    what = "1 member" if k == 1 else f"{k} members"
    row(name, what, *compared(lambda: fit_all(alone, X, y), lambda: clone(model).fit(X, y), chosen))


def fit_and_predict(network, X, y, train, test):
    return clone(network).fit(X[train], y[train]).predict_proba(X[test])


def all_folds(model, X, y, splits):
    return [fit_and_predict(model, X, y, *split) for split in splits]


def folds(name, width, batch, n, epochs, k, chosen):
    X, y = events(n)
    model = network(width, batch, epochs)
    crossed, splits = CrossFitClassifier(model, cv=KFold(k)), list(KFold(k).split(X))
    row(name, f"{k} folds", *compared(lambda: all_folds(model, X, y, splits), lambda: crossed.fit(X, y), chosen))


def searched(model, k, split, n_jobs=None):
    """Search of k candidates of one fold, by a sampler that takes next to no time."""
    return OptunaSearchCV(
        model, {"lr": (3e-4, 3e-3)}, sampler=RandomSampler(seed=0), n_iter=k, n_points=k, cv=[split], refit=False,
        progress=False, n_jobs=n_jobs,
    )  # fmt: skip


def all_candidates(models, X, y, split):
    return [fit_and_predict(model, X, y, *split) for model in models]


def candidates(name, width, batch, n, epochs, k, chosen):
    X, y = events(n)
    split = next(iter(KFold(5).split(X)))
    search = searched(network(width, batch, epochs), k, split)
    models = [network(width, batch, epochs, lr=lr) for lr in RATES[:k]]
    times = compared(lambda: all_candidates(models, X, y, split), lambda: search.fit(X, y), chosen)
    row(name, f"{k} candidates", *times)


def presets(chosen):
    """Members with groups of parameters and with embeddings, of so few epochs that none stops early."""
    bunch = load_events()
    X, y = np.nan_to_num(bunch.data[:4000]), bunch.target[:4000]
    common = {"n_members": 4, "max_epochs": 3, "random_state": 0, "device": "cpu"}
    models = {
        "TableClassifier": TableClassifier(**common),
        "TableClassifier, 3 x 64, batch 64": TableClassifier(width=64, batch_size=64, **common),
        "RealMLPClassifier": RealMLPClassifier(**common),
        'num_embedding="pbld"': FeedForwardClassifier(num_embedding="pbld", scaling="auto", **common),
    }
    for name, model in models.items():
        one_by_one = partial(fit_all, members_of(model, X, y), X, y)
        row(name, "4 members", *compared(one_by_one, partial(model.fit, X, y), chosen))


def two_cores(name, width, batch, n, epochs, chosen, k=10):
    X, y = events(n)
    several, many, model = (network(width, batch, epochs, n_members) for n_members in (k, 32, 1))
    alone, each_of_many = members_of(several, X, y), members_of(many, X, y)
    halves = [clone(several).set_params(n_members=k // 2, random_state=seed) for seed in (0, 1)]
    splits = list(KFold(k).split(X))
    crossed = CrossFitClassifier(model, cv=KFold(k), n_jobs=2)
    models = [network(width, batch, epochs, lr=lr) for lr in RATES[:k]]
    search = searched(model, k, splits[0], n_jobs=2)

    def in_threads(network):
        torch.set_num_threads(2)
        clone(network).fit(X, y)
        torch.set_num_threads(1)

    with Parallel(n_jobs=2) as parallel:

        def in_two(function, parts, *args):
            return lambda: parallel(delayed(function)(*part, *args) for part in parts)

        apart = in_two(fit_all, [(alone[i::2], X, y) for i in (0, 1)])
        ways = {
            f"{k} members, two threads": (apart, partial(in_threads, several)),
            "32 members, two threads": (
                in_two(fit_all, [(each_of_many[i::2], X, y) for i in (0, 1)]),
                partial(in_threads, many),
            ),
            f"{k} members, two processes": (apart, in_two(fit_all, [([half], X, y) for half in halves])),
            f"{k} folds, n_jobs=2": (
                in_two(all_folds, [(model, X, y, splits[i::2]) for i in (0, 1)]),
                lambda: crossed.fit(X, y),
            ),
            f"{k} candidates, n_jobs=2": (
                in_two(all_candidates, [(models[i::2], X, y, splits[0]) for i in (0, 1)]),
                lambda: search.fit(X, y),
            ),
        }
        for what, (first, second) in ways.items():
            first(), second()  # which start the processes
            row(name, what, *compared(first, second, chosen, clock=time.perf_counter))


HEAD = "| | networks | one after another, s | one pass, s | ratio |\n|---|---|---|---|---|"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="for the repeats of a row")
    parser.add_argument("--epochs", type=int, help="of all networks, instead of 10 of the small and 3 of the large one")
    parser.add_argument("--cores", type=int, default=1, choices=(1, 2))
    parser.add_argument("--numbers", type=int, nargs="*", default=[1, 5, 10, 32], help="none: two cores alone")
    parser.add_argument("--presets", action="store_true", help="the presets and embeddings, and nothing else")
    parser.add_argument("--only", choices=("members", "folds", "candidates"))
    parser.add_argument("--shape", choices=tuple(SHAPES), action="append")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    network(8, 64, 1, 2).fit(*events(640))  # what torch does once
    if chosen.presets:
        print(HEAD, flush=True)
        presets(chosen)
        raise SystemExit
    ways = {"members": members, "folds": folds, "candidates": candidates}
    if chosen.numbers:
        print("Processor time on one core\n\n" + HEAD, flush=True)
    shapes = {name: SHAPES[name] for name in chosen.shape or SHAPES}
    if chosen.epochs:
        shapes = {name: (*shape[:3], chosen.epochs) for name, shape in shapes.items()}
    for name, shape in shapes.items():
        for what, way in ways.items():
            for k in chosen.numbers:
                if chosen.only in (None, what) and (k > 1 or what == "members"):
                    way(name, *shape, k, chosen)
    if chosen.cores == 2:
        print("\nWall clock on two cores\n\n" + HEAD, flush=True)
        for name, shape in shapes.items():
            two_cores(name, *shape, chosen)
