"""Seconds to prepare a million events of 30 columns: scalers against scikit-learn's, the report against skrub's.

    python benchmarks/bench_preparation.py [--rounds 5]

The candidates run one after the other in each round (interleaved); the table shows medians and their ratio. skrub is no
dependency of the project: `pip install skrub` for the second half.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from sklearn import preprocessing as theirs

from sklearn_ml4fp import AutoScaler, LogScaler, MinMaxScaler, OutlierClipper, ZScoreScaler, investigate

N, D = 1_000_000, 30


def events() -> np.ndarray:
    """Positive float32 columns, a third each flat, log-normal and Gaussian."""
    rng = np.random.default_rng(0)
    X = np.empty((N, D), dtype=np.float32)
    for i in range(D):
        X[:, i] = (rng.uniform(1, 2, N), rng.lognormal(0, 1, N), rng.normal(50, 5, N))[i % 3]
    return X


def log_of_sklearn() -> object:
    """The nearest that scikit-learn has to LogScaler: the logarithm, then StandardScaler."""
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        theirs.FunctionTransformer(np.log, inverse_func=np.exp, check_inverse=False), theirs.StandardScaler()
    )


def medians(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for i in range(rounds + 1):  # the first round warms up
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            if i:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def scalers(X: np.ndarray, rounds: int) -> None:
    print(f"{'scaler':16s}{'fit':>8s}{'transform':>11s}{'inverse':>9s}{'ratio to scikit-learn':>44s}   (s, one core)")
    pairs = {
        "MinMaxScaler": (MinMaxScaler, lambda: theirs.MinMaxScaler((-1, 1))),
        "ZScoreScaler": (ZScoreScaler, theirs.StandardScaler),
        "LogScaler": (LogScaler, log_of_sklearn),
        "AutoScaler": (AutoScaler, None),
        "OutlierClipper": (OutlierClipper, None),
    }
    for name, (make, other) in pairs.items():
        both = {"ours": make().fit(X)} | ({} if other is None else {"theirs": other().fit(X)})
        Z = both["ours"].transform(X)
        candidates: dict[str, Callable[[], object]] = {}
        for who, fitted in both.items():
            fresh = make if who == "ours" else other
            candidates |= {
                f"{who} fit": lambda fresh=fresh: fresh().fit(X),
                f"{who} transform": lambda fitted=fitted: fitted.transform(X),
            }
            if hasattr(fitted, "inverse_transform"):
                candidates[f"{who} inverse"] = lambda fitted=fitted, Z=Z: fitted.inverse_transform(Z)
        took = medians(candidates, rounds)
        cells = [f"{took.get(f'ours {step}', float('nan')):.3f}" for step in ("fit", "transform", "inverse")]
        ratios = ", ".join(
            f"{step} {took[f'ours {step}'] / took[f'theirs {step}']:.2f}"
            for step in ("fit", "transform", "inverse")
            if f"theirs {step}" in took
        )
        print(f"{name:16s}{cells[0]:>8s}{cells[1]:>11s}{cells[2]:>9s}{ratios:>44s}", flush=True)


def reports(X: np.ndarray, rounds: int) -> None:
    import pandas as pd

    y = (np.random.default_rng(1).uniform(size=N) < 0.5).astype(int)
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(D)])
    candidates: dict[str, Callable[[], object]] = {"investigate": lambda: investigate(frame, y).to_html()}
    try:
        from skrub import TableReport
    except ImportError:
        print("skrub is not installed: no comparison")
    else:
        # 30 columns: from 31 on it leaves out plots and associations
        candidates["TableReport"] = lambda: TableReport(frame, verbose=0).html()
    w = np.random.default_rng(2).uniform(0.5, 1.5, N)
    candidates["investigate, weighted"] = lambda: investigate(frame, y, sample_weight=w).to_html()
    took = medians(candidates, rounds)
    for name, seconds in took.items():
        print(f"{name:24s}{seconds:8.2f} s{seconds / took['investigate']:8.2f} times investigate", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    X = events()
    scalers(X, rounds)
    reports(X, rounds)


if __name__ == "__main__":
    main()
