"""Networks for tables, with and without embedded numbers, and boosted trees: score and processor time.

The simulated events (weighted AUC, folds by event id) and the small tables that scikit-learn ships: digits, breast
cancer and wine (accuracy), diabetes (R²). Every model sees the same folds. Networks get the columns behind AutoScaler
and MissingValueImputer, trees as they are, with their own defaults. Reported are the mean and the standard deviation
over the folds, and the mean seconds of processor time of a fit, with the preparation.

    OMP_NUM_THREADS=1 python benchmarks/bench_tables.py [--data events digits ...] [--events 4000] [--folds 3]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from xgboost import XGBClassifier, XGBRegressor

from sklearn_ml4fp import (
    AutoScaler,
    EventKFold,
    FeedForwardClassifier,
    FeedForwardRegressor,
    MissingValueImputer,
    TabMClassifier,
    TabMRegressor,
    load_events,
    roc_auc_score,
)

TABLES = ("events", "digits", "breast_cancer", "wine", "diabetes")
SMALL_TABM = {"k": 8, "width": 128}  # for a processor: the defaults, 32 and 256, take sixteen times as long


def prepared(network: Any) -> Any:
    """A network behind the preparation of a table."""
    return make_pipeline(AutoScaler(), MissingValueImputer(add_indicator=True), network)


def models(*, regression: bool) -> dict[str, Callable[[], Any]]:
    """All models, by the names of their rows."""
    feedforward, tabm = (FeedForwardRegressor, TabMRegressor) if regression else (FeedForwardClassifier, TabMClassifier)
    histogram = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    xgb, lgbm = (XGBRegressor, LGBMRegressor) if regression else (XGBClassifier, LGBMClassifier)
    common = {"random_state": 0, "device": "cpu"}
    networks = {
        "FeedForward": feedforward(**common),
        "FeedForward, SiLU": feedforward(activation="silu", **common),
        "FeedForward, piecewise": feedforward(num_embedding="piecewise", **common),
        "FeedForward, periodic": feedforward(num_embedding="periodic", **common),
        "FeedForward, pbld": feedforward(num_embedding="pbld", **common),
        "FeedForward, n_members=4": feedforward(n_members=4, **common),
        "TabM, k=8, width=128": tabm(**SMALL_TABM, **common),
        "TabM, the same, piecewise": tabm(**SMALL_TABM, num_embedding="piecewise", **common),
    }
    return {
        **{name: lambda network=network: prepared(network) for name, network in networks.items()},
        "HistGradientBoosting": lambda: histogram(random_state=0),
        "XGBoost": lambda: xgb(random_state=0, n_jobs=1),
        "LightGBM": lambda: lgbm(random_state=0, n_jobs=1, verbose=-1),
    }


def load(name: str, n: int) -> tuple[Any, Any, Any, Any]:
    """Rows, targets, weights or None, and ids; of the events at most ``n``, always the same."""
    if name == "events":
        bunch = load_events()
        rows = np.random.default_rng(0).permutation(len(bunch.target))[:n]
        return bunch.data[rows], bunch.target[rows], bunch.sample_weight[rows], bunch.groups[rows]
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X, y, None, np.arange(len(y))


def fit_and_score(model: Any, name: str, train: Any, test: Any) -> tuple[float, float]:
    """Score of a model, and its processor time."""
    (X, y, w), (X_test, y_test, w_test) = train, test
    step = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
    start = time.process_time()
    model.fit(X, y, **({} if w is None else {f"{step}sample_weight": w / w.mean()}))
    seconds = time.process_time() - start
    if name == "events":
        return roc_auc_score(y_test, model.predict_proba(X_test)[:, 1], sample_weight=w_test), seconds
    metric = r2_score if name == "diabetes" else accuracy_score
    return metric(y_test, model.predict(X_test)), seconds


def main() -> None:
    """Print one table a data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--folds", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.data:
        X, y, w, ids = load(name, arguments.events)
        print(f"\n{name}: {X.shape[0]} rows of {X.shape[1]} columns\n\n| model | score | fit [s] |\n|---|---:|---:|")
        folds = list(EventKFold(arguments.folds).split(X, y, groups=ids))
        for row, make in models(regression=name == "diabetes").items():
            parts = [[(X[i], y[i], None if w is None else w[i]) for i in fold] for fold in folds]
            scores, seconds = np.array([fit_and_score(make(), name, *part) for part in parts]).T
            print(f"| {row} | {scores.mean():.4f} ± {scores.std(ddof=1):.4f} | {seconds.mean():.1f} |", flush=True)


if __name__ == "__main__":
    main()
