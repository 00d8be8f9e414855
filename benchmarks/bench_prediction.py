"""Prediction by every network against its bare torch module: one event at a time, and many at once.

The bare module is called on the very tensors that the estimator makes, for many events in blocks, with
``torch.inference_mode``. The estimator's ``predict_proba`` checks and converts the events, and gives probabilities in
double precision. Both run one after the other in each round; the table has medians over the rounds, of the times and of
their ratio in the same round. The last column is the largest difference of a probability between events predicted among
many and alone.

    python benchmarks/bench_prediction.py [--rounds 7] [--threads 1] [--events 20000] [--quick] [--only ...]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import sklearn_ml4fp
from sklearn_ml4fp import (
    CNNClassifier,
    DeepSetsClassifier,
    DenseNetClassifier,
    EdgeConvClassifier,
    FeedForwardClassifier,
    InteractionNetworkClassifier,
    MessagePassingClassifier,
    ParticleTransformerClassifier,
    RecurrentClassifier,
    ResNetClassifier,
    TransformerClassifier,
    load_quark_gluon_jets,
)

SETTINGS: dict[str, Any] = {"max_epochs": 1, "random_state": 0, "device": "cpu", "early_stopping": False}


def seconds(call: Callable[[], Any], repeat: int) -> float:
    """Mean time of a call."""
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat


def bare(network: Any, X: Any) -> Callable[[], Any]:
    """The module on tensors that are ready, in the blocks in which the estimator predicts."""
    net = network.net_
    blocks = [inputs for _, inputs in net.get_dataset(X).blocks(1024, torch.device("cpu"))]

    @torch.inference_mode()
    def call() -> None:
        for inputs in blocks:
            net.module_(*inputs)

    return call


def measure(network: Any, X: Any, y: np.ndarray, rounds: int, quick: bool) -> str:
    """One row of the table."""
    network.fit(X[:500], y[:500])
    alone = np.concatenate([network.predict_proba(X[i : i + 1]) for i in range(50)])
    difference = np.abs(alone - network.predict_proba(X)[:50]).max()
    row = [type(network).__name__.removesuffix("Classifier")]
    for events, repeat in ((X[:1], 5 if quick else 200), (X, 1)):
        by_module, by_us = bare(network, events), lambda events=events: network.predict_proba(events)
        times = [(seconds(by_module, repeat), seconds(by_us, repeat)) for _ in range(rounds + 1)][1:]
        module, ours = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(ours / module for module, ours in times)
        row += [f"{1e3 * module:.3g}", f"{1e3 * ours:.3g}", f"{ratio:.2f}"]
    return f"| {' | '.join(row)} | {difference:.1e} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--quick", action="store_true", help="a rehearsal: few events and calls")
    parser.add_argument("--only", nargs="+", help="names of networks, such as FeedForward")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    n, rounds = (600, 1) if given.quick else (given.events, given.rounds)
    rng = np.random.default_rng(0)
    table = rng.normal(size=(5 * n, 28)).astype(np.float32)
    images = rng.exponential(size=(n, 1, 16, 16)).astype(np.float32)
    jets = load_quark_gluon_jets().data
    jets = jets[np.arange(min(n // 4, len(jets)))]
    print(f"sklearn_ml4fp {sklearn_ml4fp.__version__}, torch {torch.__version__}, {given.threads} threads\n")
    print("| network | module, one event (ms) | ours | ratio | module, many (ms) | ours | ratio | difference |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    tables = (FeedForwardClassifier, ResNetClassifier, DenseNetClassifier, TransformerClassifier)
    sets = (RecurrentClassifier, DeepSetsClassifier, MessagePassingClassifier, InteractionNetworkClassifier)
    graphs = (EdgeConvClassifier, ParticleTransformerClassifier)
    for networks, X in ((tables, table), ((CNNClassifier,), images), ((*sets, *graphs), jets)):
        for network in networks:
            if given.only is not None and network.__name__.removesuffix("Classifier") not in given.only:
                continue
            print(measure(network(**SETTINGS), X, rng.integers(0, 2, len(X)), rounds, given.quick), flush=True)


if __name__ == "__main__":
    main()
