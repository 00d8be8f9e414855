"""Seconds to split a million events by their ids: ours against scikit-learn's GroupKFold and a loop over md5.

    python benchmarks/bench_splits.py [--rounds 5]

The candidates run one after the other in each round (interleaved); the table shows the median of the rounds. GroupKFold
is compared with our split, the loop with our assignment, of the same ids.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from hashlib import md5

import numpy as np
from sklearn.model_selection import GroupKFold

from sklearn_ml4fp import EventKFold

N = 1_000_000


def ids_of_every_kind() -> dict[str, np.ndarray]:
    """Ids as they come: a counter, random numbers, run/luminosity block/event, strings."""
    event = np.arange(N)
    return {
        "int64, sequential": event,
        "int64, random": np.random.default_rng(0).integers(0, 2**62, N),
        "run, lumi, event": np.column_stack([np.full(N, 362_000), event // 1000, event]),
        "strings, 10 characters": np.char.add("evt", np.char.zfill(event.astype("U7"), 7)),
    }


def group_k_fold(ids: np.ndarray) -> None:
    for _ in GroupKFold(5).split(ids, groups=ids):
        pass


def loop_over_md5(ids: np.ndarray) -> list[int]:
    return [md5(str(one).encode()).digest()[0] % 5 for one in ids.tolist()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'ids':24s}{'assign':>10s}{'split':>10s}{'GroupKFold':>14s}{'md5 loop':>12s}   (s, one core, {N} ids)")
    for name, ids in ids_of_every_kind().items():
        folds = EventKFold(5)
        candidates: dict[str, Callable[[np.ndarray], object]] = {
            "assign": folds.assign,
            "split": lambda ids, folds=folds: list(folds.split(ids, groups=ids)),
        }
        if ids.ndim == 1:
            candidates |= {"GroupKFold": group_k_fold, "md5 loop": loop_over_md5}
        seconds: dict[str, list[float]] = {key: [] for key in candidates}
        for i in range(rounds + 1):  # the first round warms up
            for key, call in candidates.items():
                start = time.perf_counter()
                call(ids)
                if i:
                    seconds[key].append(time.perf_counter() - start)
        median = {key: statistics.median(values) for key, values in seconds.items()}
        line = f"{name:24s}{median['assign']:10.3f}{median['split']:10.3f}"
        for key, ours in (("GroupKFold", "split"), ("md5 loop", "assign")):
            line += f"{median[key]:8.2f} ({median[key] / median[ours]:3.0f}×)" if key in median else f"{'–':>14s}"
        print(line)


if __name__ == "__main__":
    main()
