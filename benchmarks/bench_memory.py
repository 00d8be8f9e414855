"""Memory and seconds of one training step on a batch in which one cloud is large among small ones.

    OMP_NUM_THREADS=1 python benchmarks/bench_memory.py [--points 10000] [--networks EdgeConv ...]

127 clouds of 50 points and one of ``--points``, in one batch; default hyperparameters. Each network runs in a process
of its own; what is printed is the growth of the largest resident memory over the fit, and the seconds of the fit.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

NETWORKS = (
    "DeepSets",
    "EdgeConv",
    "EdgeConv.particle_net",
    "MessagePassing",
    "InteractionNetwork",
    "ParticleTransformer",
)
N_SMALL, SMALL = 127, 50


def step(name: str, points: int) -> None:
    """Fit one network for one step, and print what it took."""
    import sklearn_ml4fp

    network, _, preset = name.partition(".")
    make = getattr(sklearn_ml4fp, f"{network}Classifier")
    make = getattr(make, preset) if preset else make
    counts = np.array([SMALL] * N_SMALL + [points])
    values = np.random.default_rng(0).normal(size=(counts.sum(), 3)).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    clouds = sklearn_ml4fp.PointClouds(values, offsets, ["log_pt", "delta_eta", "delta_phi"])
    y = np.arange(len(counts)) % 2
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    make(max_epochs=1, batch_size=len(counts), early_stopping=False, device="cpu", random_state=0).fit(clouds, y)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    print(f"| {name} | {points} | {grown:.2f} | {time.process_time() - start:.1f} |", flush=True)


def main() -> None:
    """Print the table, each row from a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[50, 10_000])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--alone", action="store_true", help="in this process")
    arguments = parser.parse_args()
    if arguments.alone:
        step(arguments.networks[0], arguments.points[0])
        return
    print(
        "| network | points of the large cloud | memory [GiB] | processor seconds |\n|---|---:|---:|---:|", flush=True
    )
    for name in arguments.networks:
        for points in arguments.points:
            subprocess.run(
                [sys.executable, __file__, "--alone", "--networks", name, "--points", str(points)], check=True
            )


if __name__ == "__main__":
    main()
