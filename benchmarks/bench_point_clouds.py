"""Slicing, padding and converting point clouds, each against the nearest plain numpy operation.

    python benchmarks/bench_point_clouds.py

One million clouds of 30 points (Poisson) and 4 float32 features. Runs are interleaved; a row gives the medians of 7 and
the median of the ratios.
"""

import argparse
from time import perf_counter

import awkward as ak
import numpy as np

from sklearn_ml4fp import PointClouds
from sklearn_ml4fp._segments import segment_ids

RUNS = 7


def measure(ours, reference):
    """Seconds of both, in turns."""
    times = []
    for _ in range(RUNS):
        pair = []
        for function in (ours, reference):
            start = perf_counter()
            function()
            pair.append(perf_counter() - start)
        times.append(pair)
    return np.array(times)


def cases(n, mean):
    rng = np.random.default_rng(0)
    counts = rng.poisson(mean, n)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    values = rng.random((offsets[-1], 4), dtype=np.float32)
    X = PointClouds(values, offsets)
    permutation = rng.permutation(n)
    rows = np.concatenate(
        [np.arange(a, b) for a, b in zip(offsets[permutation], offsets[permutation + 1], strict=True)]
    )
    array = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), ak.contents.NumpyArray(values)))
    mask = rng.random(n) < 0.5
    flat_mask = mask[segment_ids(offsets)]
    few = X[: n // 10]
    padded = np.full((len(few), few.counts.max(), 4), np.nan, np.float32)
    filled = np.arange(padded.shape[1]) < few.counts[:, np.newaxis]

    def pad_by_mask():
        padded[filled] = few.values

    return {
        "a random permutation | values[rows]": (lambda: X[permutation], lambda: values[rows]),
        "a mask of half the clouds | values[mask]": (lambda: X[mask], lambda: values[flat_mask]),
        "a slice of half the clouds | its copy": (lambda: X[: n // 2], lambda: values[: offsets[n // 2]].copy()),
        "to_padded, a tenth | filling by a mask": (few.to_padded, pad_by_mask),
        "from_awkward | a copy of the values": (lambda: PointClouds.from_awkward(array), values.copy),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-clouds", type=int, default=1_000_000)
    parser.add_argument("--points", type=float, default=30)
    args = parser.parse_args()
    print("| operation | reference | ours (ms) | reference (ms) | ratio |\n| --- | --- | --- | --- | --- |")
    for name, (ours, reference) in cases(args.n_clouds, args.points).items():
        times = measure(ours, reference)
        a, b = 1e3 * np.median(times, axis=0)
        print(f"| {' | '.join(name.split(' | '))} | {a:.3g} | {b:.3g} | {np.median(times[:, 0] / times[:, 1]):.2f} |")
