"""Training on streams against training in memory: rate, peak memory and AUC, from Parquet, ROOT and a store.

    OMP_NUM_THREADS=1 python benchmarks/bench_stream.py --part rate limit size jets clouds sorted
    OMP_NUM_THREADS=1 python benchmarks/bench_stream.py [--events 300000] [--network default] [--repeats 3] [...]

``--part`` runs what RESULTS.md reports, each part with its options in ``PARTS``: twenty minutes on two quiet cores,
half of them ``limit``.

Two classes in a table, or jets as sets of constituents. The files are made in a temporary folder, with row groups and
baskets of ``--rows`` events, and read once before, so that they are in the page cache. ``--memory`` of the source is a
fifth of the table by default. Every fit runs in a process of its own, the kinds one after the other and then again
(another seed), so that a machine that others use as well slows all of them alike; medians are printed, also of the
ratios to the fit in memory of the same round. Of these, that of the processor is for the whole fit, the first pass and
the thread that reads included; that of the clock is for an epoch.

``--limit`` sets RLIMIT_DATA of the process, from its first line on: all private memory that it may write to, the
libraries' share included, used or not; the table then has five times as many bytes, whatever ``--events`` says. The
fit in memory, to compare with, has no limit. The memory pool of pyarrow is the one of the system then
(ARROW_DEFAULT_MEMORY_POOL), since its own reserves 1 GiB, and the threads share one arena (MALLOC_ARENA_MAX).
Memory is the private resident memory (RssAnon), which the kernel cannot take back from a process: its largest value
during the fit, and what is above that just before it. Pages of files that are mapped are not in it. VmData is what
RLIMIT_DATA limits, its largest value during the fit.
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
NETWORKS = {"default": {}, "small": {"width": 64, "n_layers": 2}, "tiny": {"width": 16}}
N_TEST, STEP = 50_000, 5000
MIB = 2**20
PARTS = {
    "rate": (
        "--events 500000 --epochs 1 --repeats 5 --rows 2500",
        "--events 1000000 --epochs 2 --repeats 5 --network small",
    ),
    "limit": (
        f"--limit {768 * MIB} --memory {64 * MIB} --columns 64 --rows 12500 --epochs 1 --repeats 1 "
        "--kinds memory parquet root",
    ),
    # windows of 40 MB, a whole number of them for each size
    "size": (
        "--events 1000000 3000000 10000000 --memory 40000000 --rows 25000 --network small --epochs 1 --repeats 3 "
        "--kinds parquet",
    ),
    "jets": (
        "--jets --events 60000 --epochs 2 --batch 256 --rows 300 --repeats 3 --kinds memory store parquet",
        "--jets --events 60000 --network small --epochs 4 --batch 256 --rows 300 --repeats 3 "
        "--kinds memory store parquet",
    ),
    "sorted": ("--events 200000 --network small --epochs 3 --rows 10000 --repeats 3 --kinds memory parquet sorted",),
    "clouds": ("--jets --events 1000000 --network tiny --epochs 1 --repeats 1 --kinds memory",),
}
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

    parts = [(i, min(arguments.rows, n - start)) for i, start in enumerate(range(0, n, arguments.rows))]
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
        pq.write_table(rows, folder / "x.sorted", row_group_size=arguments.rows)


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
    given = {"batch_size": arguments.batch, "max_epochs": arguments.epochs, "early_stopping": False, "device": "cpu"}
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


def memory_of(pid: int) -> np.ndarray:
    """Read the private resident memory of a process and its VmData, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = [re.search(rf"{name}:\s+(\d+)", status) for name in ("RssAnon", "VmData")]
    return np.array([int(one[1]) / 2**10 if one else 0.0 for one in found])


def run(kind: str, folder: str, arguments: argparse.Namespace, seed: int) -> list[float]:
    """Fit in a process of its own, and watch its memory."""
    limit = 0 if kind == "memory" else arguments.limit
    passed = ["memory", "epochs", "columns", "network", "batch"]
    command = [sys.executable, __file__, "--alone", kind, "--folder", folder, "--seed", str(seed)]
    command += ["--limit", str(limit)]
    command += [word for name in passed for word in (f"--{name}", str(getattr(arguments, name)))]
    command += ["--jets"] * arguments.jets
    pool = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"} if limit else {}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | pool, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "fit\n", "the process ended before the fit"
        before = largest = memory_of(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        while not select([process.stdout], [], [], 0.01)[0]:
            largest = np.maximum(largest, memory_of(process.pid))
        assert process.stdout.readline() == "done\n", "the fit failed"
        process.stdin.write("\n")
        process.stdin.flush()
        return [*json.loads(process.stdout.readline()), *largest, largest[0] - before[0]]


def measure(arguments: argparse.Namespace) -> None:
    """Print the table, each row from processes of their own."""
    given = arguments.memory
    event_bytes = 4 * 26.5 * len(POINTS) if arguments.jets else 4 * arguments.columns
    for n in [5 * arguments.limit // event_bytes] if arguments.limit else arguments.events:
        arguments.memory = given or int(n * event_bytes / 5)
        with TemporaryDirectory() as folder:
            write(Path(folder), n, arguments)
            results: dict[str, list[list[float]]] = {kind: [] for kind in arguments.kinds}
            for seed in range(arguments.repeats):
                for kind in arguments.kinds:
                    results[kind].append(run(kind, folder, arguments, seed))
        for kind, rows in results.items():
            processor, clock, rate, _, largest, data, above = np.median(rows, axis=0)
            pairs = list(zip(rows, results.get("memory", []), strict=False))
            ratios = [(theirs[0] / mine[0], mine[2] / theirs[2]) for mine, theirs in pairs]
            of_memory = [f"{ratio:.2f}" for ratio in np.median(ratios, axis=0)] if ratios else ["", ""]
            auc = ", ".join(f"{row[3]:.4f}" for row in rows)
            cells = [f"{n}", kind, f"{processor:.1f}", f"{1e6 * processor / n / arguments.epochs:.2f}", f"{clock:.1f}"]
            cells += [*of_memory, f"{n * event_bytes / MIB:.0f}", f"{largest:.0f}", f"{above:.0f}", f"{data:.0f}"]
            print("|", " | ".join([*cells, f"{rate:.0f}", auc, f"{os.getloadavg()[0]:.0f}"]), "|", flush=True)


def read(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line, or the options of a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, nargs="+", default=[])
    parser.add_argument("--events", type=int, nargs="+", default=[300_000])
    parser.add_argument("--memory", type=int, default=0, help="bytes; a fifth of the table by default")
    parser.add_argument("--limit", type=int, default=0, help="bytes of RLIMIT_DATA of the process")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--rows", type=int, default=STEP, help="events of a row group and of a basket")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--network", choices=NETWORKS, default="default")
    parser.add_argument("--jets", action="store_true")
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--alone", help="kind of one fit, in this process")
    parser.add_argument("--folder")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


def main() -> None:
    """Print the figures."""
    arguments = read()
    if arguments.alone:
        fit(arguments.alone, Path(arguments.folder), arguments)
        return
    columns = "events | from | processor s | us an event and epoch | clock s | ratio (processor) | ratio (clock) | "
    columns += "data MiB | private MiB | above | VmData | events/s | AUC | load"
    for options in [one.split() for part in arguments.part for one in PARTS[part]] or [sys.argv[1:]]:
        print(f"\n{' '.join(options)}\n\n| {columns} |\n|{'---|' * len(columns.split('|'))}", flush=True)
        measure(read(options))


if __name__ == "__main__":
    main()
