"""What is to be known about a GPU: tests, scores beside a CPU's, speed, members, precision, streams, jets.

`gpu_check.sh` starts it, and says what it needs. The parts come in the order of their worth; one that the time no
longer suffices for is left out, and said to be. The last lines are one table; ``--json`` keeps the same for RESULTS.md.

    benchmarks/gpu_check.sh [WHEELS] [--minutes 8] [--json FILE] [--device cuda] [--quick] [--parts speed members ...]

``--device cpu --quick`` rehearses all of it on a machine without a GPU, with data so small that the numbers mean
nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import bench_training
import numpy as np
import pandas as pd
import torch
from graph_peers import trainer
from quark_gluon_jets import features
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

import sklearn_ml4fp
from sklearn_ml4fp import (
    EdgeConvClassifier,
    EventSource,
    FeedForwardClassifier,
    NetworkClassifier,
    NetworkEstimator,
    ParticleTransformerClassifier,
    ToImage,
    load_events,
    load_quark_gluon_jets,
)
from sklearn_ml4fp.engine import _batches

ROOT = Path(__file__).parents[1]
IMAGES, SEQUENCES = ("CNN",), ("Recurrent",)
CLOUDS = ("DeepSets", "EdgeConv", "InteractionNetwork", "MessagePassing", "ParticleTransformer")
Row = dict[str, Any]


class Check:
    """One run: where, how large, and until when.

    Parameters
    ----------
    device : str
        Device of torch.
    quick : bool
        Whether this is a rehearsal, on very little data.
    minutes : float
        Time for everything.
    """

    def __init__(self, device: str, quick: bool, minutes: float) -> None:
        self.device, self.quick = device, quick
        self.until = time.monotonic() + 60 * minutes

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.until - time.monotonic()

    def size(self, full: int) -> int:
        """A number of events, a hundredth of it in a rehearsal."""
        return max(128, full // 100) if self.quick else full

    def rounds(self, full: int = 5) -> int:
        """A number of repetitions, one in a rehearsal."""
        return 1 if self.quick else full

    def seconds(self, function: Callable[[], Any]) -> float:
        """Seconds on the clock, until the GPU has done all."""
        bench_training.synchronise(self.device)
        start = time.perf_counter()
        function()
        bench_training.synchronise(self.device)
        return time.perf_counter() - start

    def medians(self, functions: dict[str, Callable[[], Any]], rounds: int = 5) -> dict[str, float]:
        """Median seconds of several ways, in turns; the first round warms up."""
        took = [{name: self.seconds(f) for name, f in functions.items()} for _ in range(self.rounds(rounds) + 1)]
        return {name: statistics.median(one[name] for one in took[1:]) for name in functions}


shipped_jets, shipped_events = cache(load_quark_gluon_jets), cache(load_events)


def two_classes(n: int, n_columns: int = 28) -> tuple[np.ndarray, np.ndarray]:
    """A table of two overlapping classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_columns)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=n) > 0).astype(int)


def fastest_epoch(network: NetworkEstimator) -> float:
    """Seconds of the fastest epoch: the first one warms up."""
    return round(float(network.history_["dur"].min()), 3)


# --- parts ------------------------------------------------------------------------------------------------------------


def tests(check: Check) -> Iterator[Row]:
    """Run the tests that are marked ``gpu``."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", "tests/engine"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=check.left)
    *lines, last = run.stdout.strip().splitlines() or [run.stderr]
    yield {"what": "tests marked gpu", "result": last, "failed": [line for line in lines if line.startswith("FAILED")]}


def data_for(name: str, n: int) -> Any:
    """Jets as a network of this name takes them."""
    if name.startswith(IMAGES):
        return ToImage(16).fit_transform(shipped_jets().data[:n])
    if name.startswith((*SEQUENCES, *CLOUDS)):
        return features(shipped_jets().data[:n])
    return np.nan_to_num(shipped_events().data[:n]).astype(np.float32)


def networks(check: Check) -> Iterator[Row]:
    """Train every network on the GPU and on the CPU, and compare the scores."""
    n = check.size(4000)
    names = [name for name in sklearn_ml4fp.__all__ if name.endswith(("Classifier", "Regressor"))]
    for name in names:
        kind = getattr(sklearn_ml4fp, name)
        if not issubclass(kind, NetworkEstimator) or name.startswith("Network"):
            continue
        is_classifier, X = issubclass(kind, NetworkClassifier), data_for(name, n)
        y = (shipped_jets() if name.startswith((*IMAGES, *SEQUENCES, *CLOUDS)) else shipped_events()).target[:n]
        y = y if is_classifier else y + 0.1 * np.random.default_rng(0).normal(size=len(y))
        rows = {}
        for device in dict.fromkeys(("cpu", check.device)):  # one of them in a rehearsal
            network = kind(max_epochs=1 if check.quick else 3, device=device, early_stopping=False, random_state=0)
            took = check.seconds(lambda network=network, X=X, y=y: network.fit(X, y))
            output = network.predict_proba(X)[:, 1] if is_classifier else network.predict(X)
            score = roc_auc_score(y, output) if is_classifier else np.corrcoef(y, output)[0, 1]
            rows[device] = {"score": round(float(score), 4), "seconds": round(took, 2)}
        yield {"what": name, **{f"{key}, {device}": v for device, row in rows.items() for key, v in row.items()}}


def speed(check: Check) -> Iterator[Row]:
    """Measure a step of FeedForward against loops written by hand, the fastest of which is a CUDA graph, and skorch."""
    bench_training.N_EVENTS = check.size(100_000)
    shapes = ((256, 1024), (64, 256), (256, 4096), (1024, 4096))
    for width, batch in shapes[:1] if check.quick else shapes:
        seconds = bench_training.measure(width, batch, check.device, check.rounds())
        median = {name: statistics.median(values) for name, values in seconds.items()}
        yield {"what": f"3 x {width}, batch {batch}, s an epoch", **{k: round(v, 4) for k, v in median.items()}}


def graphs(check: Check) -> Iterator[Row]:
    """Measure an epoch of EdgeConv beside those of weaver-core and PyTorch Geometric, where they are installed."""
    n, batch = check.size(8000), 256
    sample = shipped_jets()
    jets, y = features(sample.data[:n]), sample.target[:n]
    network = EdgeConvClassifier.particle_net_lite(
        max_epochs=1, batch_size=batch, early_stopping=False, device=check.device, random_state=0
    ).fit(jets, y)
    data = network.net_.get_dataset(jets, y).placed_on(torch.device(check.device))
    ways: dict[str, Callable[[], Any]] = {"ours": lambda: network.net_.train(data, None, epochs=1, seed=0)}
    table = {"values": jets.values, "coordinates": jets.values[:, :2], "offsets": jets.offsets, "y": y}
    for name in ("weaver", "pyg"):
        try:
            peer = trainer(name, jets.values.shape[1], 0, check.device)
        except ImportError:
            continue
        batches = list(peer.batches(table, batch, None))
        ways[name] = lambda peer=peer, batches=batches: peer.epoch(batches)
    yield {
        "what": f"ParticleNet-Lite, {n} jets, s an epoch",
        **{k: round(v, 3) for k, v in check.medians(ways).items()},
    }


def members(check: Check) -> Iterator[Row]:
    """Measure a fit of K networks in one pass, as a multiple of the fit of one."""
    X, y = two_classes(check.size(50_000))
    alone = None
    for k in (1, 4) if check.quick else (1, 4, 16, 32, 64):
        network = FeedForwardClassifier(
            n_members=k, batch_size=1024, max_epochs=2, early_stopping=False, device=check.device, random_state=0
        )
        took = check.medians({"fit": lambda network=network: network.fit(X, y)}, 3)["fit"]
        alone = alone or took
        yield {
            "what": f"{k} members of 3 x 256, batch 1024",
            "s": round(took, 3),
            "speed-up": round(k * alone / took, 2),
        }


def choices(check: Check) -> Iterator[Row]:
    """Measure bfloat16 and torch.compile on networks that are large enough for them."""
    X, y = two_classes(check.size(50_000))
    sample = shipped_jets()
    n = check.size(4000)
    wide = FeedForwardClassifier(width=1024, batch_size=4096)
    large = ParticleTransformerClassifier(batch_size=256)
    for network, data in ((wide, (X, y)), (large, (features(sample.data[:n]), sample.target[:n]))):
        for choice in ({}, {"precision": "bfloat16"}, {"compile": True}):
            if "compile" in choice and check.quick:
                continue  # a compiler takes minutes on a CPU
            choice = {"precision": "float32", "compile": False} | choice
            network.set_params(max_epochs=3, early_stopping=False, device=check.device, random_state=0, **choice)
            network.fit(*data)
            use = {
                key: round(float(values[-1]), 2) for key, values in network.history_.items() if key.startswith("gpu_")
            }
            auc = roc_auc_score(data[1], network.predict_proba(data[0])[:, 1])
            name = f"{type(network).__name__}, {choice}"
            yield {"what": name, "s an epoch": fastest_epoch(network), "AUC in training": round(auc, 4), **use}


@contextmanager
def nothing_resident() -> Iterator[None]:
    """Let no data move to the GPU as a whole."""
    before, _batches._RESIDENT_SHARE = _batches._RESIDENT_SHARE, 0.0
    try:
        yield
    finally:
        _batches._RESIDENT_SHARE = before


def streams(check: Check) -> Iterator[Row]:
    """Measure an epoch on data on the GPU, in pinned memory, and in a store on disk."""
    X, y = two_classes(check.size(400_000))

    def epoch(*data: Any) -> float:
        network = FeedForwardClassifier(
            batch_size=1024, max_epochs=3, early_stopping=False, device=check.device, random_state=0
        )
        return fastest_epoch(network.fit(*data))

    with tempfile.TemporaryDirectory() as folder:
        names = [f"x{i}" for i in range(X.shape[1])]
        table = pd.DataFrame(X, columns=names).assign(label=y)
        store = EventSource(table, features=names, target="label").to_store(Path(folder) / "store")
        with nothing_resident():
            pinned = epoch(X, y)
        for name, took in {"on the device": epoch(X, y), "in pinned memory": pinned, "on disk": epoch(store)}.items():
            yield {"what": f"{len(y)} events {name}", "s an epoch": took}


def jets(check: Check) -> Iterator[Row]:
    """Train EdgeConv and ParticleTransformer on the shipped jets, seed by seed, as far as the time goes."""
    sample = shipped_jets()
    n = check.size(len(sample.target))
    X, y = features(sample.data[:n]), sample.target[:n]
    train, test = train_test_split(np.arange(n), test_size=0.2, random_state=0)
    took = 0.0
    for seed in range(1 if check.quick else 5):
        for make in (EdgeConvClassifier.particle_net_lite, ParticleTransformerClassifier):
            if check.left < 2 * took:
                return
            network = make(max_epochs=1 if check.quick else 8, device=check.device, random_state=seed)
            took = check.seconds(lambda network=network: network.fit(X[train], y[train]))
            auc = roc_auc_score(y[test], network.predict_proba(X[test])[:, 1])
            yield {"what": f"{type(network).__name__}, seed {seed}", "AUC": round(auc, 4), "s": round(took, 1)}


# Each part with the seconds that it may need on a GPU; it is left out if fewer are left.
PARTS: dict[str, tuple[Callable[[Check], Iterator[Row]], int]] = {
    "tests": (tests, 60),
    "speed": (speed, 60),
    "members": (members, 40),
    "networks": (networks, 90),
    "streams": (streams, 30),
    "graphs": (graphs, 30),
    "choices": (choices, 60),
    "jets": (jets, 60),
}


def machine(device: str) -> Row:
    """Say what this was measured on."""
    cuda = device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name(device) if cuda else device,
        "driver": torch.version.cuda if cuda else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "sklearn_ml4fp": sklearn_ml4fp.__version__,
    }


def run_part(name: str, check: Check) -> Iterator[Row]:
    """Run one part; an error is a row, and the others still run."""
    part, needed = PARTS[name]
    if check.left < (0 if check.quick else needed):
        yield {"what": "left out", "because": f"{check.left:.0f} s were left, and it may need {needed}"}
        return
    try:
        yield from part(check)
    except Exception as error:  # what fails on a GPU that nobody has seen is what this is to find out
        yield {"what": "failed", "because": f"{type(error).__name__}: {error}"}


def main() -> int:
    """Run the parts, and print and keep their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    given = parser.parse_args()
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("torch sees no GPU here; --device cpu --quick rehearses the check.")
    check, where = Check(given.device, given.quick, given.minutes), machine(given.device)
    print(*(f"{key} {value}" for key, value in where.items()), sep=", ", flush=True)
    found: dict[str, list[Row]] = {}
    for name in given.parts:
        found[name] = []
        for row in run_part(name, check):
            found[name].append(row)
            print(
                f"| {name} | " + " | ".join(f"{k}: {v}" if k != "what" else v for k, v in row.items()) + " |",
                flush=True,
            )
            if given.json:
                given.json.write_text(json.dumps({"machine": where, "found": found}, indent=1) + "\n")
    return int(any(row["what"] == "failed" or row.get("failed") for rows in found.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
