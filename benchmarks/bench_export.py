"""Files of models: time to load and to save, and size, against joblib.

The model is a network of 3 layers of 256 nodes behind an imputer and a scaler, on the shipped table. Both ways run one
after the other in each round; the table has medians over the rounds, and of their ratios in the same round. The files
are read from the memory of the system, which has them from the writing.

    OMP_NUM_THREADS=1 python benchmarks/bench_export.py [files] [--rounds 21]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    FeedForwardClassifier,
    MissingValueImputer,
    ZScoreScaler,
    load_events,
    load_model,
    save_model,
)


def table_pipeline() -> tuple[Any, Any]:
    """A fitted pipeline with a network of 3 × 256, and its events."""
    X, y = load_events(return_X_y=True)
    network = FeedForwardClassifier(n_layers=3, width=256, max_epochs=1, device="cpu", random_state=0)
    return make_pipeline(MissingValueImputer(), ZScoreScaler(), network).fit(X, y), X


def interleaved(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every call in every round; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(rounds + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if i:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def row(name: str, seconds: list[float], reference: list[float], *more: str) -> None:
    ratio = statistics.median(a / b for a, b in zip(seconds, reference, strict=True))
    print("| " + " | ".join([name, f"{1000 * statistics.median(seconds):.1f}", f"{ratio:.2f}", *more]) + " |")


def files(rounds: int) -> None:
    """Compare model files with pickles of joblib, and pickles without the state of the optimiser."""
    model, X = table_pipeline()
    n_weights = sum(value.numel() for value in model[-1].net_.module_.state_dict().values())
    with tempfile.TemporaryDirectory() as folder:
        ours, whole, theirs = (Path(folder) / name for name in ("model.skops", "whole.skops", "model.joblib"))
        saves = {
            "save_model": lambda: save_model(model, ours),
            "save_model, optimizer=True": lambda: save_model(model, whole, optimizer=True),
            "joblib.dump": lambda: joblib.dump(model, theirs),
        }
        loads = {
            "load_model": lambda: load_model(ours),
            "load_model, optimizer=True": lambda: load_model(whole),
            "joblib.load": lambda: joblib.load(theirs),
        }
        for calls, reference in ((saves, "joblib.dump"), (loads, "joblib.load")):
            seconds = interleaved(calls, rounds)
            print("\n| | ms | ratio to joblib | kB | kB beyond the weights |\n|---|--:|--:|--:|--:|")
            for name, path in zip(calls, (ours, whole, theirs), strict=True):
                size = path.stat().st_size
                row(name, seconds[name], seconds[reference], f"{size / 1e3:.0f}", f"{(size - 4 * n_weights) / 1e3:.0f}")
        same = (load_model(ours).predict_proba(X) == model.predict_proba(X)).all()
        print(f"\n{n_weights} weights, predictions after loading bit-equal: {same}")


PARTS = {"files": files}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them by default")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    for part in options.parts or PARTS:
        PARTS[part](options.rounds)


if __name__ == "__main__":
    main()
