"""Seconds per training step of the graph networks: ours against ParticleNet, PyTorch Geometric and EnergyFlow.

The same jets in batches of the same size, the same layers, Adam, one thread. The peers run in processes of their own
(`graph_peers.py` says what each is). All have their batches ready before the clock starts. In each round every
candidate makes one pass over the jets, one after the other. The table shows medians of the processor time per
step in seconds, and of the ratio to ours in the same round. "layer by layer" is our EdgeConv without its fused blocks.

    python benchmarks/bench_graph_speed.py --peer-python weaver=PYTHON pyg=PYTHON pfn=PYTHON [--batches 128 256]
        [--rounds 5] [--jets 2560]

PYTHON is an interpreter that has weaver-core, torch_geometric, or energyflow with tf_keras.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from quark_gluon_jets import features, peer_environment, peer_script, write_for_peers

from sklearn_ml4fp import DeepSetsClassifier, EdgeConvClassifier, Graphs, PointClouds, load_quark_gluon_jets
from sklearn_ml4fp.engine import Recipe, ShuffledBatches

K = 7
# ours, and what it is compared with
PAIRS = {
    "EdgeConv": ("layer by layer", "weaver", "weaver-untrimmed", "pyg"),
    "EdgeConv, edges given": ("pyg-given",),
    "DeepSets": ("pfn", "pfn-short"),
}


def with_edges(clouds: PointClouds) -> Graphs:
    """Jets with the edges to the K nearest particles in Δη and Δφ."""
    edges, offsets = [], [0]
    for start, end in zip(clouds.offsets[:-1], clouds.offsets[1:], strict=True):
        places = clouds.values[start:end, :2]
        distance = ((places[:, None] - places) ** 2).sum(axis=2)
        np.fill_diagonal(distance, np.inf)
        near = distance.argsort(axis=1)[:, : min(K, len(places) - 1)]
        edges.append(np.column_stack([near.ravel(), np.repeat(np.arange(len(places)), near.shape[1])]))
        offsets.append(offsets[-1] + near.size)
    return Graphs(clouds, np.concatenate(edges), offsets)


def ours(estimator: Any, X: Any, y: np.ndarray, batch: int, *, fused: bool = True) -> tuple[Callable[[], float], int]:
    """Return a pass over the jets that gives the seconds per step, and the number of parameters."""
    estimator.set_params(batch_size=batch, max_epochs=1, early_stopping=False, device="cpu", random_state=0).fit(X, y)
    net = estimator.net_
    batches = list(ShuffledBatches(net.get_dataset(X, y), batch, torch.device("cpu"), torch.Generator().manual_seed(0)))
    net._recipe = Recipe()  # as `train` has it, which would shuffle within the clock
    net._recipe.begin(net.module_, net.optimizer_, net.lr)
    net.module_.train()
    for block in () if fused else net.module_.blocks:
        block._can_fuse = lambda *inputs: False

    def step() -> float:
        start = time.process_time()
        net._recipe.begin_epoch(len(batches))
        for one in batches:
            net.train_step(one)
        return (time.process_time() - start) / len(batches)

    return step, sum(parameter.numel() for parameter in net.module_.parameters())


def peer(python: str, name: str, jets: Path, batch: int) -> tuple[Callable[[], float], int]:
    """Return the same of a peer."""
    command = [python, "-W", "ignore", peer_script(), "serve", name, str(jets), "--batch", str(batch)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=peer_environment())

    def step() -> float:
        process.stdin.write(b"\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    return step, int(process.stdout.readline())


def measure(jets: PointClouds, y: np.ndarray, batch: int, rounds: int, pythons: dict[str, str]) -> None:
    """Print the rows of a batch size."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jets.npz"
        write_for_peers(file, jets, y, like=jets)
        candidates = {
            "EdgeConv": ours(EdgeConvClassifier.particle_net_lite(), jets, y, batch),
            "layer by layer": ours(EdgeConvClassifier.particle_net_lite(), jets, y, batch, fused=False),
            "EdgeConv, edges given": ours(EdgeConvClassifier.particle_net_lite(), with_edges(jets), y, batch),
            "DeepSets": ours(DeepSetsClassifier(), jets, y, batch),
        }
        for name in (name for peers in PAIRS.values() for name in peers):
            if name.split("-")[0] in pythons:
                candidates[name] = peer(pythons[name.split("-")[0]], name, file, batch)
        seconds: dict[str, list[float]] = {name: [] for name in candidates}
        for _ in range(rounds):
            for name, (step, _) in candidates.items():
                seconds[name].append(step())
    for mine, peers in PAIRS.items():
        for name in (mine, *(name for name in peers if name in candidates)):
            ratio = statistics.median(a / b for a, b in zip(seconds[name], seconds[mine], strict=True))
            print(
                f"| {batch} | {name} | {candidates[name][1]} | {statistics.median(seconds[name]):.4f} | {ratio:.2f} |"
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", nargs="*", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jets", type=int, default=2560)
    given = parser.parse_args()
    torch.set_num_threads(1)
    jets, y = load_quark_gluon_jets(return_X_y=True)
    jets, y = features(jets[: given.jets]), y[: given.jets]
    print(
        f"torch {torch.__version__}, CPU, one thread; {given.jets} jets, {jets.counts.mean():.1f} particles per jet\n"
    )
    print("| batch | network | parameters | s per step | ratio to ours |\n|---:|---|---:|---:|---:|")
    for batch in given.batches:
        measure(jets, y, batch, given.rounds, dict(pair.split("=", 1) for pair in given.peer_python))


if __name__ == "__main__":
    main()
