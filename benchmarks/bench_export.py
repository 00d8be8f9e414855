"""Files of models: time to load and to save, and size, against joblib; and ONNX graphs against ``predict_proba``.

All ways run one after the other in each round; the tables have medians over the rounds, and of their ratios in the
same round.

- ``files``: a network of 3 layers of 256 nodes behind an imputer and a scaler, on the shipped table. The files are read
  from the memory of the system, which has them from the writing.
- ``latency``: the same pipeline, and ParticleNet-Lite and ParticleTransformer on features of the shipped jets.
  onnxruntime has a single thread, and arrays that are ready: jets are padded to the longest of the call.
  ``predict_proba`` has the events as the user has them.

    OMP_NUM_THREADS=1 python benchmarks/bench_export.py [files] [latency] [--rounds 21]
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
import numpy as np
import onnxruntime
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    EdgeConvClassifier,
    FeedForwardClassifier,
    JetConstituentFeatures,
    MissingValueImputer,
    ParticleTransformerClassifier,
    PointClouds,
    ZScoreScaler,
    load_events,
    load_model,
    load_quark_gluon_jets,
    save_model,
    to_onnx,
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


def pipelines() -> dict[str, tuple[Any, Any, int]]:
    """Fitted pipelines, their events, and how many of them are many."""
    once: dict[str, Any] = {"max_epochs": 1, "device": "cpu", "random_state": 0}
    jets, kinds = load_quark_gluon_jets(return_X_y=True)
    nets = {
        "ParticleNet-Lite": EdgeConvClassifier.particle_net_lite(**once),
        "ParticleTransformer": ParticleTransformerClassifier(**once),
    }
    found = {"3 × 256": (*table_pipeline(), 10_000)}
    for name, net in nets.items():
        model = make_pipeline(JetConstituentFeatures(), net).fit(jets[:500], kinds[:500])
        found[name] = (model, jets[-500:], 200)
    return found


def arrays_of(X: Any) -> dict[str, np.ndarray]:
    """What the graph takes, as a program has it."""
    if not isinstance(X, PointClouds):
        return {"X": X.astype(np.float32)}
    points, mask = X.to_padded(fill=0.0)
    return {name: array.astype(np.float32) for name, array in (("points", points), ("mask", mask))} | (
        {"event": X.event_values.astype(np.float32)} if X.event_names else {}
    )


def latency(rounds: int) -> None:
    """Compare onnxruntime on one thread with the pipelines: one event at a time, and many in one call."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    print("\n| | kB | one event: `predict_proba`, ms | ONNX, ms | ratio | many: events/s | ONNX, events/s | ratio |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, (model, X, n_many) in pipelines().items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            to_onnx(model, X[:200], path)
            size, session = path.stat().st_size, onnxruntime.InferenceSession(path, options)
        singles, many = [X[i : i + 1] for i in range(20)], X[:n_many]
        given, block = [arrays_of(one) for one in singles], arrays_of(many)
        calls: dict[str, Callable[[], Any]] = {
            "ours": lambda m=model, s=singles: [m.predict_proba(one) for one in s],
            "graph": lambda s=session, g=given: [s.run(None, one) for one in g],
            "ours, many": lambda m=model, X=many: m.predict_proba(X),
            "graph, many": lambda s=session, g=block: s.run(None, g),
        }
        seconds = interleaved(calls, rounds)
        median = {way: statistics.median(one) for way, one in seconds.items()}
        ratio, ratio_many = (
            statistics.median(a / b for a, b in zip(seconds[f"ours{of}"], seconds[f"graph{of}"], strict=True))
            for of in ("", ", many")
        )
        print(
            f"| {name} | {size / 1e3:.0f} | {50 * median['ours']:.2f} | {50 * median['graph']:.2f} | {ratio:.1f} "
            f"| {n_many / median['ours, many']:.0f} | {n_many / median['graph, many']:.0f} | {ratio_many:.2f} |"
        )


PARTS = {"files": files, "latency": latency}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them by default")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    for part in options.parts or PARTS:
        PARTS[part](options.rounds)


if __name__ == "__main__":
    main()
