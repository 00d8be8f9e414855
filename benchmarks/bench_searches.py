"""Best score against the number of evaluations: random, grid and Bayesian search with each surrogate, and Optuna.

    python benchmarks/bench_searches.py [--seeds 10] [--part known|events]

On two functions whose optimum is known, and on a network on `load_events`. The table has the median over the seeds of
the best score after n evaluations (of the functions, whose optimum is 0: minus the distance to it), and how many
evaluations a search needs, in the median, for the median score that random search has at the end.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    BayesSearchCV,
    EventKFold,
    FeedForwardClassifier,
    MissingValueImputer,
    load_events,
    param_distributions,
    param_grid,
    roc_auc_scorer,
    search_space,
)
from sklearn_ml4fp._params import hp

N = 40  # evaluations of a search
SHOWN = (10, 15, 20, 30, 40)


class Known(ClassifierMixin, BaseEstimator):
    """An estimator whose score is a function of its hyperparameters, with the optimum 0."""

    def fit(self, X: Any, y: Any) -> Known:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.zeros(len(X))

    def score(self, X: Any, y: Any) -> float:
        return -self.loss()


class Branin(Known):
    """Branin's function of two variables minus its minimum 0.397887, which it has at three points."""

    def __init__(self, x: float = 0.0, y: float = 0.0) -> None:
        self.x, self.y = x, y

    _hyperparameters = {  # noqa: RUF012
        "x": hp(0.0, valid=float, search=(-5.0, 10.0), doc=""),
        "y": hp(0.0, valid=float, search=(0.0, 15.0), doc=""),
    }

    def loss(self) -> float:
        bowl = self.y - 5.1 / (4 * np.pi**2) * self.x**2 + 5 / np.pi * self.x - 6
        return bowl**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(self.x) + 10 - 0.39788735772973816


class Mixed(Known):
    """Like a network: a rate on a logarithmic scale, a number of layers, a choice, and one that does not matter."""

    def __init__(self, lr: float = 1e-3, n: int = 3, kind: str = "a", idle: float = 0.0) -> None:
        self.lr, self.n, self.kind, self.idle = lr, n, kind, idle

    _hyperparameters = {  # noqa: RUF012
        "lr": hp(1e-3, valid=float, search=(1e-5, 1e-1), scale="log", doc=""),
        "n": hp(3, valid=int, search=(1, 8), doc=""),
        "kind": hp("a", choices=("a", "b", "c", "d"), doc=""),
        "idle": hp(0.0, valid=float, search=(0.0, 1.0), doc=""),
    }

    def loss(self) -> float:
        return (np.log10(self.lr) + 2.5) ** 2 + 0.05 * (self.n - 5) ** 2 + 0.3 * "bacd".index(self.kind)


Searches = dict[str, Callable[[int], Any]]


def searches(estimator: Any, n: int, **common: Any) -> Searches:
    """The searches of n evaluations, by a seed; the grid has none, and its order is shuffled."""
    include = common.pop("include", None)
    space = search_space(estimator, include=include)

    def bayesian(surrogate: str) -> Callable[[int], Any]:
        return lambda seed: BayesSearchCV(
            estimator, space, n_iter=n, random_state=seed, optimizer_kwargs={"base_estimator": surrogate}, **common
        )

    distributions = param_distributions(estimator, include=include)
    made: Searches = {
        "random": lambda seed: RandomizedSearchCV(estimator, distributions, n_iter=n, random_state=seed, **common),
        **{f"Bayesian, {surrogate}": bayesian(surrogate) for surrogate in ("GP", "RF", "ET", "GBRT")},
    }
    points = next(k for k in range(20, 0, -1) if n_points(param_grid(estimator, k, include=include)) <= n or k == 1)
    grid = param_grid(estimator, points, include=include)
    if n_points(grid) <= n:
        made["grid"] = lambda seed: GridSearchCV(estimator, grid, **common)
    try:
        from sklearn_ml4fp import OptunaSearchCV, optuna_distributions
    except (ImportError, AttributeError):
        return made
    theirs = optuna_distributions(estimator, include=include)
    made["Optuna, TPE"] = lambda seed: OptunaSearchCV(estimator, theirs, n_iter=n, random_state=seed, **common)
    return made


def n_points(grid: list[dict[str, list]]) -> int:
    """Candidates of a grid."""
    return sum(int(np.prod([len(values) for values in one.values()])) for one in grid)


def table(named: Searches, n_seeds: int, X: Any, y: Any, **params: Any) -> None:
    """Run every search with every seed, and print."""
    best: dict[str, np.ndarray] = {}
    for name, make in named.items():
        curves = []
        for seed in range(n_seeds):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scores = make(seed).fit(X, y, **params).cv_results_["mean_test_score"]
            if name == "grid":  # its own order would be an accident of the alphabet
                scores = np.random.default_rng(seed).permutation(scores)
            curves.append(np.fmax.accumulate(np.append(scores, np.full(N - len(scores), -np.inf))[:N]))
        best[name] = np.array(curves)
    goal = np.median(best["random"][:, -1])
    print("| search | " + " | ".join(f"{n}" for n in SHOWN) + " | evaluations to random's best |")
    print("|---|" + "---:|" * (len(SHOWN) + 1))
    for name, curves in best.items():
        needed = [int(np.argmax(curve >= goal)) + 1 if curve[-1] >= goal else N + 1 for curve in curves]
        median = np.median(needed)
        cells = [f"{np.median(curves[:, n - 1]):.4g}" for n in SHOWN]
        print(f"| {name} | {' | '.join(cells)} | {f'{median:.0f}' if median <= N else f'> {N}'} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--part", choices=["known", "events"])
    arguments = parser.parse_args()
    if arguments.part != "events":
        X, y = np.zeros((8, 1)), np.arange(8) % 2
        for estimator in (Branin(), Mixed()):
            print(f"\n{type(estimator).__name__}: median of {arguments.seeds} seeds; the optimum is 0\n")
            table(searches(estimator, N, cv=2, refit=False), arguments.seeds, X, y)
    if arguments.part != "known":
        events = load_events()
        rows = slice(2000)
        network = FeedForwardClassifier(
            width=32, batch_size=128, max_epochs=5, early_stopping=False, random_state=0, device="cpu"
        )
        pipeline = make_pipeline(MissingValueImputer(), StandardScaler(), network)
        common = {"cv": EventKFold(2), "scoring": roc_auc_scorer, "refit": False}
        include = ["lr", "n_layers", "activation", "dropout", "weight_decay"]
        print(f"\nload_events, 2000 events, 5 epochs: median AUC of {arguments.seeds} seeds\n")
        with sklearn.config_context(enable_metadata_routing=True):
            made = searches(pipeline, N, include=include, **common)
            params = {"groups": events.groups[rows], "sample_weight": events.sample_weight[rows]}
            table(made, arguments.seeds, events.data[rows], events.target[rows], **params)


if __name__ == "__main__":
    main()
