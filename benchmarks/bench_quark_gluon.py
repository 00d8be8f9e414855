"""Quark or gluon: the graph networks, their peers and a gradient-boosted tree on the same jets with the same inputs.

Inputs are the features of ParticleNet without particle identity (`JetConstituentFeatures` on massless particles),
standardised; the tree gets multiplicity, mass and width. Test jets: 52 000, simulated once into the cache. Training
jets: the 16 000 that are shipped, or with --train N as many simulated ones (100 000 take an hour). A peer trains in a
process of its own (`graph_peers.py`) with the same epochs, batch size, Adam and learning-rate schedule as our network
of the same layers. Scores are kept in the cache: a second run goes on where the first stopped, and prints the table of
all that is there.

    python benchmarks/bench_quark_gluon.py --cache FOLDER [--models EdgeConv DeepSets ...] [--seeds 3] [--train 16000]
        [--device cpu] [--peer-python weaver=PYTHON pfn=PYTHON]
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from quark_gluon_jets import JETS_A_FILE, features, peer_environment, peer_script, simulated, write_for_peers
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score

import sklearn_ml4fp
from sklearn_ml4fp import (
    DeepSetsClassifier,
    EdgeConvClassifier,
    InteractionNetworkClassifier,
    MessagePassingClassifier,
    ParticleTransformerClassifier,
    PointClouds,
    background_rejection,
    bootstrap_interval,
    load_quark_gluon_jets,
    roc_auc_score,
)

FIRST_TEST_SEED, FIRST_TRAIN_SEED, N_TEST = 1000, 2000, 52_000
N_SHIPPED = 16_000
FEWEST_BACKGROUND = 50  # jets behind a rejection that is quoted: 14 % of statistical uncertainty
DEFICIT = 0.002


class Course(NamedTuple):
    """How a network is trained: with Adam along one cycle."""

    epochs: int
    lr: float
    batch_size: int = 128


# ParticleNet's and ParT's learning rates of their papers, with more steps an epoch in place of their 1.6 million jets.
SLOW, FAST, WARY = Course(8, 3e-3), Course(15, 1e-3), Course(8, 1e-3)
OURS: dict[str, tuple[Callable[..., Any], Course]] = {
    "EdgeConv": (EdgeConvClassifier.particle_net_lite, SLOW),
    "DeepSets": (DeepSetsClassifier, FAST),
    "MessagePassing": (partial(MessagePassingClassifier, n_blocks=2, width=32, n_neighbors=7), WARY),
    "InteractionNetwork": (partial(InteractionNetworkClassifier, width=32, n_neighbors=7), WARY),
    "ParticleTransformer": (
        partial(ParticleTransformerClassifier, n_blocks=2, n_class_blocks=1, width=32, pair_width=16),
        WARY,
    ),
}
PEERS = {"weaver": ("EdgeConv", "weaver's ParticleNet"), "pfn": ("DeepSets", "EnergyFlow's PFN")}
TREE = "HistGradientBoosting"
# AUC, accuracy, 1/ε_B at 50 % and 30 %, parameters: 1.6 million training jets. From ParticleNet's paper
# (arXiv:1902.08570), which also has PFN's, and ParT's (arXiv:2202.03772; "exp" and "full": with the identities that an
# experiment sees, with all).
PUBLISHED = {
    "PFN": (0.8911, None, 30.8, None, "82k"),
    "ParticleNet-Lite": (0.8993, 0.826, 32.8, 84.6, "26k"),
    "ParticleNet": (0.9014, 0.828, 33.7, 85.4, "366k"),
    "ParticleNet, with identity": (0.9116, 0.840, 39.8, 98.6, "366k"),
    "ParT exp, with identity": (0.9121, 0.840, 41.3, 101.2, "2.1M"),
    "ParT full, with identity": (0.9203, 0.849, 47.9, 129.5, "2.1M"),
}


def hand_made(jets: PointClouds) -> np.ndarray:
    """Multiplicity, mass (GeV) and width Σ pT ΔR / Σ pT."""
    kinematics = features(jets)
    pt, start = jets.column("pt"), jets.offsets[:-1]
    width = np.add.reduceat(pt * kinematics.column("delta_r"), start) / np.add.reduceat(pt, start)
    return np.column_stack([jets.counts, jets.event_values[:, jets.event_names.index("jet_m")], width])


def fit_ours(name: str, train: Any, test: Any, seed: int, device: str) -> dict[str, Any]:
    """Scores, processor seconds of an epoch (on the clock, if on a GPU) and parameters of one of our networks."""
    make, course = OURS[name]
    network = make(
        max_epochs=course.epochs,
        lr=course.lr,
        batch_size=course.batch_size,
        lr_schedule="one_cycle",
        early_stopping=False,
        device=device,
        random_state=seed,
    )
    X, y = features(train[0]), train[1]
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    network.fit(X, y)
    seconds = (clock() - start) / course.epochs
    n_parameters = sum(parameter.numel() for parameter in network.net_.module_.parameters())
    scores = network.predict_proba(features(test))[:, 1]
    return {"scores": scores, "seconds": seconds, "n_parameters": n_parameters}


def fit_tree(train: Any, test: Any, seed: int) -> dict[str, Any]:
    """The same of the gradient-boosted tree; its early stopping is seeded."""
    tree = HistGradientBoostingClassifier(early_stopping=True, random_state=seed).fit(hand_made(train[0]), train[1])
    return {"scores": tree.predict_proba(hand_made(test))[:, 1], "seconds": np.nan, "n_parameters": 0}


def fit_peer(name: str, train: Any, test: Any, seed: int, cache: Path, python: str, out: Path) -> None:
    """Train a peer, which writes the same into the file ``out``."""
    course = OURS[PEERS[name][0]][1]
    files = [cache / f"peers_train_{len(train[1])}.npz", cache / f"peers_test_{len(test)}.npz"]
    like = features(train[0])
    for file, jets, y in zip(files, (like, features(test)), (train[1], np.zeros(len(test), int)), strict=True):
        write_for_peers(file, jets, y, like=like)
    options = {"epochs": course.epochs, "batch": course.batch_size, "lr": course.lr, "seed": seed}
    command = [python, "-W", "ignore", peer_script(), "train", name, *map(str, (*files, out))]
    command += [word for key, value in options.items() for word in (f"--{key}", str(value))]
    subprocess.run(command, check=True, env=peer_environment(), stderr=subprocess.DEVNULL)


def run(name: str, seed: int, train: Any, test: Any, given: argparse.Namespace) -> None:
    """Train one network, unless its scores are in the cache."""
    out = score_file(given, name, seed)
    if out.exists():
        return
    pythons = dict(pair.split("=", 1) for pair in given.peer_python)
    if name in PEERS:
        if name in pythons:
            fit_peer(name, train, test, seed, given.cache, pythons[name], out)
    else:
        fitted = fit_tree(train, test, seed) if name == TREE else fit_ours(name, train, test, seed, given.device)
        np.savez(out, **fitted)


def score_file(given: argparse.Namespace, name: str, seed: int) -> Path:
    """Where the scores of a network are kept."""
    return given.cache / f"scores_{name}_{given.train}_{given.test}_seed{seed}.npz"


def results(given: argparse.Namespace, name: str) -> list[dict[str, Any]]:
    """Of all seeds that are in the cache."""
    files = [score_file(given, name, seed) for seed in range(given.seeds)]
    return [dict(np.load(file)) for file in files if file.exists()]


def measures(y: np.ndarray, scores: np.ndarray) -> list[float]:
    """AUC, accuracy, 1/ε_B at ε_S = 50 % and 30 %; NaN where too little background passes."""
    rejections = np.asarray(background_rejection(y, scores, signal_efficiency=[0.5, 0.3]))
    rejections[np.sum(y == 0) / rejections < FEWEST_BACKGROUND] = np.nan
    return [roc_auc_score(y, scores), accuracy_score(y, scores > 0.5), *rejections]


def cell(values: np.ndarray, digits: int) -> str:
    """Mean and standard deviation over the seeds; a dash for what was not measured."""
    if np.isnan(values).any():
        return "–"
    spread = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"


def table(y: np.ndarray, given: argparse.Namespace) -> None:
    """Print the table of all networks in the cache, and the published values."""
    print("| network | AUC | accuracy | 1/ε_B at 50 % | at 30 % | parameters | s an epoch | seeds |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in [TREE, *OURS, *PEERS]:
        found = results(given, name)
        if not found:
            continue
        values = np.array([measures(y, one["scores"]) for one in found])
        cells = [cell(column, digits) for column, digits in zip(values.T, (4, 4, 1, 1), strict=True)]
        seconds = cell(np.median([np.mean(one["seconds"]) for one in found], keepdims=True), 1)
        n_parameters = int(found[0]["n_parameters"]) or "–"
        label = PEERS[name][1] if name in PEERS else name
        print(f"| {label} | {' | '.join(cells)} | {n_parameters} | {seconds} | {len(found)} |")
    for name, (*values, n_parameters) in PUBLISHED.items():
        cells = ["–" if value is None else str(value) for value in values]
        print(f"| published: {name} | {' | '.join(cells)} | {n_parameters} | – | – |")


def mean_auc_difference(y: np.ndarray, scores: np.ndarray, sample_weight: np.ndarray) -> float:
    """Mean AUC of the first half of the columns minus that of the second half."""
    areas = [roc_auc_score(y, column, sample_weight=sample_weight) for column in scores.T]
    return float(np.mean(areas[: len(areas) // 2]) - np.mean(areas[len(areas) // 2 :]))


def compare(y: np.ndarray, given: argparse.Namespace) -> None:
    """Print the paired bootstrap of the networks that have a peer."""
    for name, (ours, label) in PEERS.items():
        mine, theirs = results(given, ours), results(given, name)
        if not mine or len(mine) != len(theirs):
            continue
        scores = np.column_stack([one["scores"] for one in (*mine, *theirs)])
        value, low, high = bootstrap_interval(
            mean_auc_difference, y, scores, confidence=0.95, n_resamples=1000, random_state=0
        )
        verdict = "excludes" if low > -DEFICIT else "does not exclude"
        print(f"\n{ours} - {label}, mean AUC of {len(mine)} seeds: {value:+.4f}, 95 % [{low:+.4f}, {high:+.4f}]")
        print(f"which {verdict} a deficit of {DEFICIT}.")


def main() -> None:
    """Train what is not in the cache, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--models", nargs="*", default=[TREE, *OURS, *PEERS], choices=[TREE, *OURS, *PEERS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, default=N_SHIPPED)
    parser.add_argument("--test", type=int, default=N_TEST)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--peer-python", nargs="*", default=[], metavar="NAME=PYTHON")
    given = parser.parse_args()
    torch.set_num_threads(1)
    test, y_test = simulated(given.cache, range(FIRST_TEST_SEED, FIRST_TEST_SEED + given.test // JETS_A_FILE))
    if given.train <= N_SHIPPED:
        train = tuple(part[: given.train] for part in load_quark_gluon_jets(return_X_y=True))
    else:
        train = simulated(given.cache, range(FIRST_TRAIN_SEED, FIRST_TRAIN_SEED + given.train // JETS_A_FILE))
    for seed in range(given.seeds):
        for name in given.models:
            run(name, seed, train, test, given)
    print(f"sklearn_ml4fp {sklearn_ml4fp.__version__}: {len(train[1])} training jets, {len(y_test)} test jets\n")
    table(y_test, given)
    compare(y_test, given)


if __name__ == "__main__":
    main()
