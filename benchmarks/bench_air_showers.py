"""Energy and direction of air showers: every network on the hits, against features made by hand.

Showers of `make_air_showers`. Energy resolution: half of the central 68 % of E_pred/E_true, over its median. Angular
resolution: the angle to the true direction that contains 68 % of the showers. Both in bins of the true energy, mean and
standard deviation over seeds (of weights and shuffling; the showers stay). The hand-made features go into a
gradient-boosted tree: total signal and muons, largest signal, number of stations, barycentre, and the direction of a
plane front. Further tables show what rotations about the vertical add in training to a small sample, where the
direction turns with the shower.

    python benchmarks/bench_air_showers.py [--models EdgeConv DeepSets ...] [--rotated EdgeConv ...] [--train 2000]
        [--epochs 20] [--seeds 3]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import sklearn_ml4fp
from sklearn_ml4fp import ParticleWise, PointClouds, Rotate, make_air_showers, response_resolution

LIGHT = 0.299792458  # m/ns
BINS = np.array([17.5, 18.0, 18.5, 19.0])  # log10(E/eV), all that are simulated
N_TEST, N_SMALL = 10_000, 500
TRAIN_SEED, TEST_SEED = 1, 2
# About 30 000 parameters each: a shower has few hits.
NETWORKS: dict[str, dict[str, Any]] = {
    "DeepSets": {"width": 64, "latent_width": 128},
    "EdgeConv": {"n_blocks": 2, "width": 32, "n_neighbors": 6, "head_width": 64},
    "MessagePassing": {"n_blocks": 2, "width": 32, "n_neighbors": 6},
    "InteractionNetwork": {"width": 48, "n_neighbors": 6},
    "ParticleTransformer": {"n_blocks": 2, "n_class_blocks": 1, "width": 32, "pair_width": 16},
}
UNITS = {"log_energy": "energy resolution [%]", "direction": "angular resolution [degrees]"}
TREE, PLANE = "tree on hand-made features", "plane front"


def regressor(name: str, epochs: int, seed: int, **params: Any) -> Any:
    """A network behind logarithms of signal and muons, which span four decades."""
    make = getattr(sklearn_ml4fp, f"{name}Regressor")
    network = make(
        **NETWORKS[name],
        max_epochs=epochs,
        batch_size=64,
        lr=2e-3,
        lr_schedule="one_cycle",
        early_stopping=False,
        device="cpu",
        random_state=seed,
        **params,
    )
    logarithm = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    return make_pipeline(ParticleWise(logarithm, columns=["signal", "muons"]), network)


def plane_front(clouds: PointClouds) -> np.ndarray:
    """Unit vector to the origin of the plane that fits the times best, weighted with the root of the signal."""
    found = np.empty((len(clouds), 3))
    for i, (start, end) in enumerate(zip(clouds.offsets[:-1], clouds.offsets[1:], strict=True)):
        x, y, t, signal, _ = clouds.values[start:end].astype(float).T
        design = np.column_stack([-x / LIGHT, -y / LIGHT, np.ones_like(x)]) * signal[:, None] ** 0.25
        u, v, _ = np.linalg.lstsq(design, t * signal**0.25, rcond=None)[0]
        norm = max(1.0, np.hypot(u, v))
        found[i] = u / norm, v / norm, np.sqrt(max(0.0, 1 - u**2 - v**2))
    return found


def hand_made(clouds: PointClouds) -> np.ndarray:
    """Total signal and muons, largest signal, number of stations, barycentre (m), direction of the plane front."""
    x, y, _, signal, muons = clouds.values.astype(float).T
    start = clouds.offsets[:-1]
    total = np.add.reduceat(signal, start)
    barycentre = [np.add.reduceat(signal * place, start) / total for place in (x, y)]
    sums = np.log([total, np.add.reduceat(muons, start) + 1, np.maximum.reduceat(signal, start)])
    return np.column_stack([*sums, clouds.counts, *barycentre, plane_front(clouds)])


def energy_resolution(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Of the energy, from its logarithms."""
    return 100 * response_resolution(10 ** (truth - 18), 10 ** (prediction - 18))


def angular_resolution(truth: np.ndarray, prediction: np.ndarray) -> float:
    """68 % containment of the angle between two directions, in degrees."""
    prediction = prediction / np.linalg.norm(prediction, axis=1, keepdims=True)
    cos = np.clip(np.sum(truth * prediction, axis=1), -1, 1)
    return float(np.degrees(np.quantile(np.arccos(cos), 0.68)))


TARGETS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "log_energy": energy_resolution,
    "direction": angular_resolution,
}


def in_bins(target: str, test: Any, prediction: np.ndarray) -> list[float]:
    """Resolution in the bins of energy, and of all."""
    index = np.digitize(test.log_energy, BINS[1:-1])
    chosen = [*(index == i for i in range(len(BINS) - 1)), np.ones(len(index), dtype=bool)]
    return [TARGETS[target](test[target][rows], prediction[rows]) for rows in chosen]


def predictions(name: str, target: str, train: Any, test: Any, epochs: int, seed: int) -> np.ndarray:
    """Fit on the training showers and predict the test showers."""
    if name == PLANE:
        return plane_front(test.data)
    if name == TREE:
        model = HistGradientBoostingRegressor(random_state=seed, early_stopping=True)
        model = MultiOutputRegressor(model) if target == "direction" else model
        return model.fit(hand_made(train.data), train[target]).predict(hand_made(test.data))
    return regressor(name, epochs, seed).fit(train.data, train[target]).predict(test.data)


def row(values: list[list[float]], digits: int) -> str:
    """Cells of mean and standard deviation over the seeds."""
    array = np.array(values)
    means = array.mean(axis=0)
    if len(array) == 1:
        return " | ".join(f"{mean:.{digits}f}" for mean in means)
    spreads = array.std(axis=0, ddof=1)
    return " | ".join(f"{m:.{digits}f} ± {s:.{digits}f}" for m, s in zip(means, spreads, strict=True))


def resolutions(models: list[str], train: Any, test: Any, epochs: int, seeds: int) -> None:
    """Print the resolutions of every model."""
    ranges = " | ".join(f"{low} to {high}" for low, high in pairwise(BINS))
    for target, unit in UNITS.items():
        print(f"\n| {unit}, log10(E/eV) | {ranges} | all | s a fit |\n|---|" + "---:|" * (len(BINS) + 1))
        for name in [*models, TREE, *([PLANE] if target == "direction" else [])]:
            start = time.process_time()
            n = 1 if name == PLANE else seeds
            found = [in_bins(target, test, predictions(name, target, train, test, epochs, seed)) for seed in range(n)]
            print(f"| {name} | {row(found, 2)} | {(time.process_time() - start) / n:.0f} |", flush=True)


def rotations(models: list[str], train: Any, test: Any, epochs: int, seeds: int) -> None:
    """Print the resolutions with and without random rotations in training, on a small sample."""
    turns = {"log_energy": (), "direction": [(0, 1)]}  # which targets turn with the shower
    for target, unit in UNITS.items():
        small, truth = train.data[:N_SMALL], train[target][:N_SMALL]
        print(f"\n| {unit}, {N_SMALL} showers, {epochs} epochs | as they are | turned | difference |")
        print("|---|---:|---:|---:|")
        for name in models:
            found = []
            for seed in range(seeds):
                pair = []
                for augment in (None, Rotate(xy_columns=[("x", "y")], target_xy=turns[target])):
                    model = regressor(name, epochs, seed, augment=augment).fit(small, truth)
                    pair.append(TARGETS[target](test[target], model.predict(test.data)))
                found.append([*pair, pair[1] - pair[0]])
            print(f"| {name} | {row(found, 2)} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--rotated", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--train", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    train, test = (make_air_showers(n, random_state=s) for n, s in ((given.train, TRAIN_SEED), (N_TEST, TEST_SEED)))
    print(f"{given.train} training and {N_TEST} test showers, {given.epochs} epochs, {given.seeds} seeds, one thread")
    resolutions(given.models, train, test, given.epochs, given.seeds)
    rotations(given.rotated, train, test, 2 * given.epochs, given.seeds)


if __name__ == "__main__":
    main()
