"""Best score against the number of evaluations: grid, random, Bayesian (each surrogate) and Optuna, with pruning.

Three problems. Branin's function (two dimensions) and Hartmann's (six) have known optima; an estimator's score is minus
the function. The third tunes a FeedForwardClassifier on 2500 events of `load_events`: 9 learning rates, 5 widths, 4
depths and 3 dropouts, in two folds by event id, scored by the weighted area under the ROC curve.

What is honest about the third: all 540 candidates are fitted once, and the searches read their scores from that table.
A fit with a seed is a function of its candidate, so that a score that is read is the score that a fit would give.
The search with pruning reads nothing: its networks are trained and stopped, and its epochs are counted.

Each search runs with ten seeds, one process, one candidate at a time; grids have no seed. A grid's score at n
evaluations is that of the largest full grid, with equally spaced values, that has no more than n points.

    python benchmarks/bench_searches.py run results.json     # goes on where it was
    python benchmarks/bench_searches.py show results.json
    python benchmarks/bench_searches.py dask                 # a LocalCluster of two against loky, interleaved
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from functools import cache
from itertools import product
from numbers import Integral
from pathlib import Path

import joblib
import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.pruners import MedianPruner
from scipy.stats import randint, uniform
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import Interval

from sklearn_ml4fp import (
    BayesSearchCV,
    DaskBackend,
    EventKFold,
    FeedForwardClassifier,
    OptunaSearchCV,
    load_events,
    roc_auc_scorer,
)
from sklearn_ml4fp._params import hp

SEEDS = range(10)
SURROGATES = ("GP", "RF", "ET", "GBRT")
# scikit-optimize's defaults choose among three acquisition functions at 10 000 points: three times as slow
CHEAP = {"acq_func": "EI", "acq_optimizer_kwargs": {"n_points": 2000}}
SIZES = (9, 5, 4, 3)  # learning rates, widths, depths, dropouts
N_EVENTS, MAX_EPOCHS = 2500, 12  # a fit takes a tenth of a second


# --- known functions --------------------------------------------------------------------------------------------------


def branin(a: float, b: float) -> float:
    """Branin's function on the unit square; its minimum is 0.397887 (Dixon and Szegö, 1978)."""
    x, y = 15 * a - 5, 15 * b
    valley = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(*x: float) -> float:
    """Hartmann's function of six variables in [0, 1]; its minimum is -3.32237 (Dixon and Szegö, 1978)."""
    return float(-_ALPHA @ np.exp(-(_A * (np.array(x) - _P) ** 2).sum(axis=1)))


class Function(RegressorMixin, BaseEstimator):
    """An estimator whose score is minus a function of its hyperparameters, or a line of a table."""

    def __init__(self, problem="branin", x0=0.0, x1=0.0, x2=0.0, x3=0.0, x4=0.0, x5=0.0):
        self.problem = problem
        self.x0, self.x1, self.x2, self.x3, self.x4, self.x5 = x0, x1, x2, x3, x4, x5

    def fit(self, X, y):
        """Nothing to fit."""
        return self

    def score(self, X, y):
        """Minus the function."""
        point = [getattr(self, name) for name in names(self.problem)]
        if self.problem == "events":
            return TABLE[tuple(int(i) for i in point)]
        return -{"branin": branin, "hartmann": hartmann}[self.problem](*point)


TABLE: dict[tuple[int, ...], float] = {}
BUDGET = {"branin": 40, "hartmann": 64, "events": 40}


def names(problem: str) -> list[str]:
    """Hyperparameters of a problem."""
    return [f"x{i}" for i in range({"branin": 2, "hartmann": 6, "events": 4}[problem])]


# --- the events -------------------------------------------------------------------------------------------------------


def _step(size: int, doc: str):
    return hp(0, valid=Interval(Integral, 0, size - 1, closed="both"), search=(0, size - 1), doc=doc)


class Stepped(FeedForwardClassifier):
    """A network whose hyperparameters are numbered."""

    x0: int = _step(9, "Learning rate, three a decade.")
    x1: int = _step(5, "Width, doubling from 8.")
    x2: int = _step(4, "Layers, from 1.")
    x3: int = _step(3, "Dropout, in steps of 0.2.")

    def fit(self, X, y, **params):
        """Turn the numbers into hyperparameters, and fit."""
        self.lr, self.width = 10 ** (-4 + self.x0 / 3), 8 * 2**self.x1
        self.n_layers, self.dropout = 1 + self.x2, 0.2 * self.x3
        return super().fit(X, y, **params)


def network() -> Stepped:
    """The network that is tuned."""
    return Stepped(max_epochs=MAX_EPOCHS, patience=MAX_EPOCHS, random_state=0, device="cpu")


@cache
def events() -> dict[str, np.ndarray]:
    """Events without missing values, on one scale."""
    data = load_events()
    chosen = np.random.default_rng(0).choice(len(data.target), N_EVENTS, replace=False)
    X = make_pipeline(SimpleImputer(), StandardScaler()).fit_transform(data.data)[chosen].astype(np.float32)
    return {
        "X": X,
        "y": np.asarray(data.target)[chosen],
        "sample_weight": np.asarray(data.sample_weight)[chosen],
        "groups": np.asarray(data.groups)[chosen],
    }


def tabulate(results: dict, save) -> None:
    """Fit every candidate once."""
    table = results.setdefault("table", {})
    for point in product(*map(range, SIZES)):
        if str(point) not in table:
            values = {name: [value] for name, value in zip(names("events"), point, strict=True)}
            search = OptunaSearchCV(
                network(), {name: IntDistribution(one[0], one[0]) for name, one in values.items()}, n_iter=1,
                cv=EventKFold(2), scoring=roc_auc_scorer, refit=False,
            )  # fmt: skip
            table[str(point)] = float(search.fit(**events()).cv_results_["mean_test_score"][0])
            if point[-1] == SIZES[-1] - 1:
                save()
    TABLE.update({tuple(json.loads(f"[{point[1:-1]}]")): score for point, score in table.items()})


# --- the searches -----------------------------------------------------------------------------------------------------


def search_of(kind: str, problem: str, seed: int):
    """A search over a problem."""
    function, n = Function(problem), BUDGET[problem]
    common = {"n_iter": n, "cv": [(np.arange(2), np.arange(2))], "refit": False, "random_state": seed}
    numbered = problem == "events"
    spaces = dict(zip(names(problem), SIZES if numbered else [1] * 6, strict=False))
    if kind == "random":
        space = {name: randint(0, size) if numbered else uniform() for name, size in spaces.items()}
        return RandomizedSearchCV(function, space, **common)
    if kind == "Optuna":
        space = {
            name: IntDistribution(0, size - 1) if numbered else FloatDistribution(0, 1) for name, size in spaces.items()
        }
        return OptunaSearchCV(function, space, **common)
    space = {name: (0, size - 1) if numbered else (0.0, 1.0) for name, size in spaces.items()}
    return BayesSearchCV(function, space, optimizer_kwargs={"base_estimator": kind, **CHEAP}, **common)


def pruned(seed: int, pruner) -> dict:
    """Optuna over networks that are trained, with what it cost."""
    search = OptunaSearchCV(
        network(),
        {name: IntDistribution(0, size - 1) for name, size in zip(names("events"), SIZES, strict=True)},
        n_iter=BUDGET["events"],
        pruner=pruner,
        cv=EventKFold(2),
        scoring=roc_auc_scorer,
        refit=False,
        random_state=seed,
    )
    search.fit(**events())
    # a point that was asked for twice is in the study too, without a score
    fitted = [trial for trial in search.study_.trials if trial.state.name != "FAIL"]
    epochs = [len(trial.intermediate_values) for trial in fitted]
    stopped = search.cv_results_["pruned"]
    # the first fold says how many epochs; the second one, of those that were not stopped, takes as many at the most
    cost = sum(n if stop else 2 * n for n, stop in zip(epochs, stopped, strict=True))
    scores = np.where(stopped, -np.inf, search.cv_results_["mean_test_score"])
    return {
        "best": np.maximum.accumulate(scores).tolist(),
        "stopped": int(stopped.sum()),
        "share of epochs": cost / (2 * MAX_EPOCHS * BUDGET["events"]),
    }


def grid(problem: str, n: int) -> float:
    """Score of the largest full grid of equally spaced values with no more than n points."""
    d = len(names(problem))
    if problem == "events":
        counts = max(
            (c for c in product(*(range(1, size + 1) for size in SIZES)) if np.prod(c) <= n),
            key=lambda c: (np.prod(c), -max(c) + min(c)),
        )
        values = [np.unique(np.linspace(0, s - 1, c).round()).astype(int) for c, s in zip(counts, SIZES, strict=True)]
        values = [v if len(v) > 1 else np.array([(s - 1) // 2]) for v, s in zip(values, SIZES, strict=True)]
    else:
        k = int(np.floor(n ** (1 / d) + 1e-9))
        values = [np.linspace(0, 1, k)] * d
    search = GridSearchCV(
        Function(problem), dict(zip(names(problem), values, strict=True)), cv=[(np.arange(2), np.arange(2))]
    )
    return float(search.fit(np.zeros((2, 1)), np.zeros(2)).best_score_)


def run(path: Path) -> None:
    """All searches, kept in a file."""
    results = json.loads(path.read_text()) if path.exists() else {}

    def save() -> None:
        path.write_text(json.dumps(results))

    tabulate(results, save)
    save()
    for problems in (("branin", "events"), ("hartmann",)):
        for seed in SEEDS:
            for problem in problems:
                for kind in ("random", "Optuna", *SURROGATES):
                    if (key := f"{problem} {kind} {seed}") in results:
                        continue
                    search = search_of(kind, problem, seed).fit(np.zeros((2, 1)), np.zeros(2))
                    scores = search.cv_results_["mean_test_score"]
                    results[key] = {"best": np.maximum.accumulate(scores).tolist()}
                    save()
            if "events" in problems and (key := f"events pruned {seed}") not in results:
                results[key] = pruned(seed, MedianPruner(n_startup_trials=5, n_warmup_steps=2))
                save()
            print(problems, "seed", seed, "done", flush=True)


def show(path: Path) -> None:
    """The tables, as RESULTS.md has them."""
    results = json.loads(path.read_text())
    TABLE.update({tuple(json.loads(f"[{point[1:-1]}]")): score for point, score in results["table"].items()})
    scores = list(TABLE.values())
    print(f"Of the 540 networks the best scores {max(scores):.4f}, the median {np.median(scores):.4f}.")
    for problem, optimum in (("branin", -0.397887), ("hartmann", 3.32237), ("events", max(TABLE.values()))):
        marks = [BUDGET[problem] // 4, BUDGET[problem] // 2, BUDGET[problem]]
        header = "".join(f" {n} evaluations |" for n in marks)
        print(f"\n| {problem}: optimum − best score |{header} random's best after | seeds |\n|---|{'--:|' * 5}")
        print("| grid |" + "".join(f" {optimum - grid(problem, n):.4f} |" for n in marks) + " | |")
        final = None
        for kind in ("random", *SURROGATES, "Optuna", "pruned"):
            runs = [results[f"{problem} {kind} {seed}"] for seed in SEEDS if f"{problem} {kind} {seed}" in results]
            if not runs:
                continue
            best = np.median([one["best"] for one in runs], axis=0)
            final = best[-1] if kind == "random" else final
            reached = np.flatnonzero(best >= final)
            when = int(reached[0]) + 1 if len(reached) else "not reached"
            print(
                f"| {kind} |" + "".join(f" {optimum - best[n - 1]:.4f} |" for n in marks) + f" {when} | {len(runs)} |"
            )
            if kind == "pruned":
                medians = [statistics.median(one[what] for one in runs) for what in ("stopped", "share of epochs")]
                print(f"\nPruned: {medians[0]:.0f} of {BUDGET[problem]} candidates; {medians[1]:.2f} of all epochs.")


def compare(rounds: int = 5) -> None:
    """The same search on a Dask LocalCluster of two workers and on two processes of loky."""
    from distributed import Client, LocalCluster

    space = {"x0": randint(0, 9), "x1": randint(0, 5)}
    search = RandomizedSearchCV(
        network().set_params(max_epochs=30, patience=30), space, n_iter=8, cv=EventKFold(2), scoring=roc_auc_scorer,
        n_jobs=2, refit=False, random_state=0,
    )  # fmt: skip
    data = events()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        backends = {"loky": "loky", "DaskBackend": DaskBackend(client), "joblib's dask": "dask"}
        times: dict[str, list[float]] = {name: [] for name in backends}
        scores = {}
        for number in range(rounds + 1):  # the first round imports torch in every worker, and is not counted
            for name, backend in backends.items():
                with (
                    joblib.parallel_config(backend, inner_max_num_threads=1)
                    if name == "loky"
                    else (joblib.parallel_config(backend))
                ):
                    begin = time.perf_counter()
                    search.fit(**data)
                if number:
                    times[name].append(time.perf_counter() - begin)
                scores[name] = search.cv_results_["mean_test_score"]
    print("| | s | ratio to loky | largest difference of a score |\n|---|--:|--:|--:|")
    for name, measured in times.items():
        ratio = statistics.median(mine / loky for mine, loky in zip(measured, times["loky"], strict=True))
        difference = np.abs(scores[name] - scores["loky"]).max()
        print(f"| {name} | {statistics.median(measured):.2f} | {ratio:.2f} | {difference:.1e} |")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="The objective has been evaluated at")
    import sklearn
    import torch

    torch.set_num_threads(1)
    sklearn.set_config(enable_metadata_routing=True)
    command = sys.argv[1]
    if command == "dask":
        compare()
    else:
        {"run": run, "show": show}[command](Path(sys.argv[2]))
