"""Training on streams against training in memory: rate, peak memory and AUC, from Parquet, ROOT and a store.

    OMP_NUM_THREADS=1 python benchmarks/bench_stream.py [--events 300000] [--network default] [--repeats 3]
    OMP_NUM_THREADS=1 python benchmarks/bench_stream.py --events 1000000 3000000 10000000 --network small \
        --kinds parquet --memory 16777216 --epochs 1 --repeats 1
    OMP_NUM_THREADS=1 python benchmarks/bench_stream.py --events 4000000 --columns 250 --network small --kinds parquet \
        --memory 67108864 --limit 805306368 --epochs 1 --repeats 1
    OMP_NUM_THREADS=1 python benchmarks/bench_stream.py --jets --events 100000
    OMP_NUM_THREADS=1 python benchmarks/bench_stream.py --kinds memory parquet sorted --repeats 5

Two classes in a table, or jets as sets of constituents. The files are made in a temporary folder, with row groups and
baskets of 10 000 events, and read once before, so that they are in the page cache. ``--memory`` of the source is a
fifth of the table by default. Every fit runs in a process of its own, the kinds one after the other and then again
(another seed), so that a machine that others use as well slows all of them alike; medians are printed. ``--limit`` sets
RLIMIT_DATA of the process, from its first line on: all that it writes to memory, the libraries' share included.
Memory is the private resident memory (RssAnon), which the kernel cannot take back from a process: its largest value
during the fit, and what is above that just before it. Pages of files that are mapped are not in it.
``sorted`` is Parquet, sorted by class and, in a class, by a column.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory

import numpy as np

KINDS = ("memory", "store", "parquet", "root")
NETWORKS = {"default": {}, "small": {"width": 64, "n_layers": 2}}
STEP, N_TEST = 10_000, 50_000
POINTS = ("log_pt", "eta", "phi", "charge")


def table(n: int, n_columns: int, seed: int) -> dict[str, np.ndarray]:
    """Draw events of two overlapping classes."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    X = rng.standard_normal((n_columns, n), dtype=np.float32)
    X[:8] += 0.15 * label
    X[8] *= 1 + 0.5 * label
    return {**{f"x{i}": x for i, x in enumerate(X)}, "label": label, "event": np.arange(n) + seed * 2**40}


def jets(n: int, seed: int) -> dict[str, np.ndarray]:
    """Draw jets of two overlapping classes: constituents one after the other, and how many a jet has."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    counts = 5 + rng.poisson(20 + 3 * label)
    size, of = counts.sum(), label.repeat(counts)
    points = {
        "log_pt": rng.standard_normal(size, dtype=np.float32) - 0.1 * of,
        "eta": rng.standard_normal(size, dtype=np.float32) * (0.3 + 0.03 * of),
        "phi": rng.standard_normal(size, dtype=np.float32) * (0.3 + 0.03 * of),
        "charge": rng.integers(-1, 2, size).astype(np.float32),
    }
    points = {name: one.astype(np.float32) for name, one in points.items()}
    return {**points, "counts": counts, "label": label, "event": np.arange(n) + seed * 2**40}


def drawn(arguments: argparse.Namespace, n: int, seed: int) -> dict[str, np.ndarray]:
    """Draw events of the wanted kind."""
    return jets(n, seed) if arguments.jets else table(n, arguments.columns, seed)


def roles(arguments: argparse.Namespace) -> dict:
    """Say what the columns mean."""
    inputs = (
        {"collections": {"p": POINTS}} if arguments.jets else {"features": [f"x{i}" for i in range(arguments.columns)]}
    )
    return {**inputs, "target": "label", "event_id": "event"}


def write(folder: Path, n: int, arguments: argparse.Namespace) -> None:
    """Write the same events to those kinds of files that are asked for."""
    import awkward as ak
    import pyarrow as pa
    import pyarrow.parquet as pq
    import uproot

    from sklearn_ml4fp import EventSource

    parts = [(i, min(STEP, n - start)) for i, start in enumerate(range(0, n, STEP))]
    parquet, root, tree = None, None, None
    for i, size in parts:
        columns = drawn(arguments, size, i)
        if arguments.jets:
            counts = columns.pop("counts")
            points = {f"p_{name}": columns.pop(name) for name in POINTS}
            ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
            lists = {name: pa.ListArray.from_arrays(ends, one) for name, one in points.items()}
            rows = pa.table({**lists, **columns})
            columns |= {name: ak.unflatten(one, counts) for name, one in points.items()}
        else:
            rows = pa.table(columns)
        parquet = parquet or pq.ParquetWriter(folder / "x.parquet", rows.schema, use_dictionary=False)
        parquet.write_table(rows)
        if "root" in arguments.kinds:
            root = root or uproot.recreate(folder / "x.root", compression=uproot.LZ4(1))
            if tree is None:
                kinds = {k: ("var * float32" if k.startswith("p_") else one.dtype) for k, one in columns.items()}
                tree = root.mktree("t", kinds)
            tree.extend(columns)
    parquet.close()
    if root is not None:
        root.close()
    if "store" in arguments.kinds:
        EventSource(folder / "x.parquet", **roles(arguments)).to_store(folder / "x.arrow")
    if "sorted" in arguments.kinds:
        rows = pq.read_table(folder / "x.parquet").sort_by([("label", "ascending"), ("x12", "ascending")])
        pq.write_table(rows, folder / "x.sorted", row_group_size=STEP)


def fit(kind: str, folder: Path, arguments: argparse.Namespace) -> None:
    """Fit one network, and print what it took."""
    if arguments.limit:
        resource.setrlimit(resource.RLIMIT_DATA, (arguments.limit, arguments.limit))
    from sklearn.base import clone

    from sklearn_ml4fp import DeepSetsClassifier, EventSource, FeedForwardClassifier, PointClouds, roc_auc_score

    path = folder / f"x.{ {'store': 'arrow', 'memory': 'parquet'}.get(kind, kind) }"
    with path.open("rb") as file:  # into the page cache
        while file.read(2**20):
            pass
    given = {"batch_size": 1024, "max_epochs": arguments.epochs, "early_stopping": False, "device": "cpu"}
    given |= {"random_state": arguments.seed} | NETWORKS[arguments.network]
    network = DeepSetsClassifier(**given) if arguments.jets else FeedForwardClassifier(**given)
    known = {} if kind == "store" else roles(arguments)
    source = EventSource(path, **known, memory=2**40 if kind == "memory" else arguments.memory)
    extra = {}
    if kind == "memory":
        read = source.read()
        source, extra = read.data, {"y": read.target, "groups": read.groups}
    test = drawn(arguments, N_TEST, 10**6)
    few = next(EventSource(path, **known).chunks(200))
    clone(network).set_params(max_epochs=1).fit(few.data, np.arange(len(few.data)) % 2)  # libraries load on first use
    print("fit", flush=True)
    sys.stdin.readline()
    clock, processor = time.perf_counter(), time.process_time()
    network.fit(source, **extra)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print("done", flush=True)
    sys.stdin.readline()
    if arguments.jets:
        offsets = np.concatenate([[0], np.cumsum(test["counts"])])
        X = PointClouds(np.column_stack([test[name] for name in POINTS]), offsets, list(POINTS))
    else:
        X = np.column_stack([test[f"x{i}"] for i in range(arguments.columns)])
    scores = np.concatenate([network.predict_proba(X[i : i + 5000])[:, 1] for i in range(0, N_TEST, 5000)])
    epochs = float(np.median(network.history_["events_per_second"]))
    print(json.dumps([processor, clock, epochs, roc_auc_score(test["label"], scores)]), flush=True)


def private(pid: int) -> float:
    """Read the private resident memory of a process, in MiB."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 2**10 if found else 0.0


def run(kind: str, folder: str, arguments: argparse.Namespace, seed: int) -> list[float]:
    """Fit in a process of its own, and watch its memory."""
    passed = ["memory", "epochs", "columns", "network", "limit"]
    command = [sys.executable, __file__, "--alone", kind, "--folder", folder, "--seed", str(seed)]
    command += [word for name in passed for word in (f"--{name}", str(getattr(arguments, name)))]
    command += ["--jets"] * arguments.jets
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "fit\n", "the process ended before the fit"
        before = largest = private(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        while not select([process.stdout], [], [], 0.01)[0]:
            largest = max(largest, private(process.pid))
        assert process.stdout.readline() == "done\n", "the fit failed"
        process.stdin.write("\n")
        process.stdin.flush()
        return [*json.loads(process.stdout.readline()), largest, largest - before]


def main() -> None:
    """Print the table, each row from processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[300_000])
    parser.add_argument("--memory", type=int, default=0, help="bytes; a fifth of the table by default")
    parser.add_argument("--limit", type=int, default=0, help="bytes of RLIMIT_DATA of the process")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--network", choices=NETWORKS, default="default")
    parser.add_argument("--jets", action="store_true")
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--alone", help="kind of one fit, in this process")
    parser.add_argument("--folder")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.alone:
        fit(arguments.alone, Path(arguments.folder), arguments)
        return
    given = arguments.memory
    print("| events | from | processor s | clock s | events/s in epochs | ratio | private MiB | above | AUC | load |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|---|---:|", flush=True)
    for n in arguments.events:
        event_bytes = 4 * 26.5 * len(POINTS) if arguments.jets else 4 * arguments.columns
        arguments.memory = given or int(n * event_bytes / 5)
        with TemporaryDirectory() as folder:
            write(Path(folder), n, arguments)
            results: dict[str, list[list[float]]] = {kind: [] for kind in arguments.kinds}
            for seed in range(arguments.repeats):
                for kind in arguments.kinds:
                    results[kind].append(run(kind, folder, arguments, seed))
        for kind, rows in results.items():
            processor, clock, rate, _, largest, above = np.median(rows, axis=0)
            ratios = [mine[2] / theirs[2] for mine, theirs in zip(rows, results.get("memory", []), strict=False)]
            of_memory = f"{np.median(ratios):.2f}" if ratios else ""
            auc = ", ".join(f"{row[3]:.4f}" for row in rows)
            print(
                f"| {n} | {kind} | {processor:.1f} | {clock:.1f} | {rate:.0f} | {of_memory} | {largest:.0f} | "
                f"{above:.0f} | {auc} | {os.getloadavg()[0]:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
