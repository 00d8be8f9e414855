"""Networks of other packages on the same jets, each in a python of its own that has the package.

`bench_quark_gluon.py` and `bench_graph_speed.py` start this script; it needs nothing of sklearn_ml4fp. Data comes as an
npz file with `values` (n_points, n_features), standardised; `coordinates` (n_points, 2) of the first graph; `offsets`
(n_jets + 1,) and `y`.

    python graph_peers.py train NAME TRAIN.npz TEST.npz OUT.npz --epochs 8 --batch 128 --lr 0.003 --seed 0
    python graph_peers.py serve NAME TRAIN.npz --batch 128     # one pass over the jets for each line of the input

NAME: `weaver` (ParticleNet of weaver-core, in ParticleNet-Lite's layout), `weaver-untrimmed` (without its random
trimming of the longest jets), `pyg` (the same layers of PyTorch Geometric's EdgeConv; the graphs by torch.topk),
`pyg-given` (the graph of the coordinates in both blocks, built outside of the clock), `pfn` (PFN of EnergyFlow, jets
padded to the longest of all), `pfn-short` (padded to the longest of the batch).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

K, CHANNELS, HIDDEN, DROPOUT = 7, (32, 64), 128, 0.1  # ParticleNet-Lite, arXiv:1902.08570, figure 2
PHI, F = (100, 100, 256), (100, 100, 100)  # PFN, arXiv:1810.05165, section 4.1

Table = dict[str, np.ndarray]


def one_cycle(share: float) -> float:
    """Smith's one cycle (arXiv:1708.07120) with torch's values, as sklearn_ml4fp's `lr_schedule="one_cycle"`."""
    start, end, done = (1 / 25, 1.0, share / 0.3) if share < 0.3 else (1.0, 1 / 250_000, (share - 0.3) / 0.7)
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


def padded(data: Table, key: str, rows: np.ndarray, length: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Points ``(n, length, n_columns)``, zeros where there are none, and their mask ``(n, length)``."""
    starts, counts = data["offsets"][rows], np.diff(data["offsets"])[rows]
    steps = np.arange(counts.max() if length is None else length)
    mask = steps < counts[:, None]
    index = np.where(mask, starts[:, None] + steps, 0)
    return np.where(mask[..., None], data[key][index], 0).astype(np.float32), mask


def split(n: int, batch: int, rng: np.random.Generator | None) -> Iterator[np.ndarray]:
    """Row numbers of the batches of an epoch."""
    order = np.arange(n) if rng is None else rng.permutation(n)
    return (order[i : i + batch] for i in range(0, n, batch))


class Weaver:
    """ParticleNet of weaver-core."""

    def __init__(self, n_features: int, trim: bool = True) -> None:
        from weaver.nn.model.ParticleNet import ParticleNet

        blocks = [(K, (width,) * 3) for width in CHANNELS]
        self.module = ParticleNet(n_features, 2, blocks, [(HIDDEN, DROPOUT)], use_fusion=False, trim=trim)

    def inputs(self, data: Table, rows: np.ndarray) -> tuple[Any, ...]:
        """Points, features and mask with the points on the last axis, padded to the longest jet of the batch."""
        import torch

        (points, mask), (places, _) = padded(data, "values", rows), padded(data, "coordinates", rows)
        points, places = (torch.from_numpy(array.transpose(0, 2, 1).copy()) for array in (points, places))
        return places, points, torch.from_numpy(mask[:, None])


class PyG:
    """The layers of ParticleNet-Lite around PyTorch Geometric's EdgeConv."""

    def __init__(self, n_features: int, given: bool = False) -> None:
        from torch import nn
        from torch_geometric.nn import EdgeConv, global_mean_pool

        class Lite(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first = nn.BatchNorm1d(n_features)
                widths = [n_features, *CHANNELS]
                self.blocks, self.shortcuts = nn.ModuleList(), nn.ModuleList()
                for d_in, width in pairwise(widths):
                    layers: list[nn.Module] = []
                    for d in (2 * d_in, width, width):
                        layers += [nn.Linear(d, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
                    self.blocks.append(EdgeConv(nn.Sequential(*layers), aggr="mean"))
                    self.shortcuts.append(nn.Sequential(nn.Linear(d_in, width, bias=False), nn.BatchNorm1d(width)))
                self.head = nn.Sequential(
                    nn.Linear(widths[-1], HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(HIDDEN, 2)
                )

            def forward(self, x: Any, coordinates: Any, batch: Any, counts: Any, edges: Any) -> Any:
                x = self.first(x)
                for block, shortcut in zip(self.blocks, self.shortcuts, strict=True):
                    graph = neighbours(coordinates, batch, counts) if edges is None else edges
                    x = coordinates = (block(x, graph) + shortcut(x)).relu()
                return self.head(global_mean_pool(x, batch))

        self.module, self.given = Lite(), given

    def inputs(self, data: Table, rows: np.ndarray) -> tuple[Any, ...]:
        """Flat points, their coordinates, the jet of each, the numbers of points, and the edges if they are given."""
        import torch

        (points, mask), (places, _) = padded(data, "values", rows), padded(data, "coordinates", rows)
        counts = torch.from_numpy(mask.sum(axis=1))
        x, where, batch = (torch.from_numpy(a) for a in (points[mask], places[mask], np.nonzero(mask)[0]))
        return x, where, batch, counts, neighbours(where, batch, counts) if self.given else None


def neighbours(x: Any, batch: Any, counts: Any) -> Any:
    """Edges ``(2, n)`` to the K nearest: PyTorch Geometric has them from torch-cluster only, so by topk as weaver."""
    import torch
    from torch_geometric.utils import to_dense_batch

    with torch.no_grad():
        dense, mask = to_dense_batch(x, batch)
        square = dense.square().sum(2)
        distance = square[:, :, None] + square[:, None] - 2 * dense @ dense.transpose(1, 2)
        distance = distance.masked_fill(~mask[:, None], torch.inf)
        distance.diagonal(dim1=1, dim2=2).fill_(torch.inf)
        far, index = distance.topk(min(K, dense.shape[1]), largest=False)
        starts = counts.cumsum(0) - counts
        source = (index + starts[:, None, None])[mask]
        there = far[mask].isfinite()
        target = torch.arange(len(x))[:, None].expand_as(source)
        return torch.stack([source[there], target[there]])


class TorchTrainer:
    """A plain loop with Adam; what the batches are made of lies outside of the clock of `serve`."""

    def __init__(self, peer: Any, seed: int, device: str = "cpu") -> None:
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self.torch, self.peer, self.device = torch, peer(), device
        self.module = self.peer.module.to(device)
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=1e-3, fused=True)
        self.n_parameters = sum(p.numel() for p in self.module.parameters())

    def batches(self, data: Table, batch: int, rng: np.random.Generator | None) -> Iterator[tuple[Any, Any]]:
        """Inputs and labels."""
        for rows in split(len(data["y"]), batch, rng):
            inputs = tuple(x.to(self.device) for x in self.peer.inputs(data, rows))
            yield inputs, self.torch.from_numpy(data["y"][rows]).to(self.device)

    def epoch(self, batches: Any, lr: Callable[[int], float] | None = None) -> None:
        """Train on the batches, at the rate ``lr(step)``."""
        self.module.train()
        for i, (inputs, target) in enumerate(batches):
            if lr is not None:
                self.optimizer.param_groups[0]["lr"] = lr(i)
            self.optimizer.zero_grad()
            self.torch.nn.functional.cross_entropy(self.module(*inputs), target).backward()
            self.optimizer.step()

    def scores(self, data: Table) -> np.ndarray:
        """Probability of class 1."""
        self.module.eval()
        with self.torch.no_grad():
            parts = [self.module(*inputs).softmax(1)[:, 1] for inputs, _ in self.batches(data, 512, None)]
        return self.torch.cat(parts).cpu().numpy()


class KerasTrainer:
    """PFN of EnergyFlow as it compiles itself; Keras's training step without what `fit` does around it."""

    def __init__(self, n_features: int, seed: int, short: bool) -> None:
        import tensorflow as tf
        from energyflow.archs import PFN

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.keras.utils.set_random_seed(seed)
        np.random.seed(seed)
        self.model = PFN(input_dim=n_features, Phi_sizes=PHI, F_sizes=F, summary=False).model
        self.n_parameters, self.short = self.model.count_params(), short
        self.step = tf.function(lambda x, y: self.model.train_step((x, y)), reduce_retracing=True)

    def batches(self, data: Table, batch: int, rng: np.random.Generator | None) -> Iterator[tuple[Any, Any]]:
        """Inputs and labels, one-hot, as tensors."""
        import tensorflow as tf

        longest = None if self.short else int(np.diff(data["offsets"]).max())
        for rows in split(len(data["y"]), batch, rng):
            yield (
                tf.constant(padded(data, "values", rows, longest)[0]),
                tf.constant(np.eye(2, dtype=np.float32)[data["y"][rows]]),
            )

    def epoch(self, batches: Any, lr: Callable[[int], float] | None = None) -> None:
        """Train on the batches, at the rate ``lr(step)``."""
        for i, (x, y) in enumerate(batches):
            if lr is not None:
                self.model.optimizer.learning_rate.assign(lr(i))
            self.step(x, y)

    def scores(self, data: Table) -> np.ndarray:
        """Probability of class 1."""
        return np.concatenate([self.model(x).numpy()[:, 1] for x, _ in self.batches(data, 512, None)])


def trainer(name: str, n_features: int, seed: int, device: str = "cpu") -> Any:
    """The peer of this name; those of torch may be on a GPU."""
    if name.startswith("pfn"):
        return KerasTrainer(n_features, seed, short=name == "pfn-short")
    peers = {
        "weaver": lambda: Weaver(n_features),
        "weaver-untrimmed": lambda: Weaver(n_features, trim=False),
        "pyg": lambda: PyG(n_features),
        "pyg-given": lambda: PyG(n_features, given=True),
    }
    return TorchTrainer(peers[name], seed, device)


def train(name: str, train_file: str, test_file: str, out: str, epochs: int, batch: int, lr: float, seed: int) -> None:
    """Train, and write scores of the test jets, seconds an epoch and the number of parameters."""
    data, test = dict(np.load(train_file)), dict(np.load(test_file))
    peer = trainer(name, data["values"].shape[1], seed)
    rng, steps = np.random.default_rng(seed), -(-len(data["y"]) // batch)
    seconds = []
    for epoch in range(epochs):
        start = time.process_time()
        peer.epoch(peer.batches(data, batch, rng), lambda i, e=epoch: lr * one_cycle((e + i / steps) / epochs))
        seconds.append(time.process_time() - start)
    np.savez(out, scores=peer.scores(test), seconds=seconds, n_parameters=peer.n_parameters)


def serve(name: str, train_file: str, batch: int) -> None:
    """Answer each line of the input with the seconds of one step, a mean over one pass through the jets.

    Processor time of the one thread: on a machine with other jobs, the time on the clock is mostly theirs.
    """
    data = dict(np.load(train_file))
    peer = trainer(name, data["values"].shape[1], 0)
    batches = list(peer.batches(data, batch, np.random.default_rng(0)))
    peer.epoch(batches)  # warms up
    print(peer.n_parameters, flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        peer.epoch(batches)
        print((time.process_time() - start) / len(batches), flush=True)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["train", "serve"])
    parser.add_argument("name")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.command == "serve":
        serve(given.name, *given.files, batch=given.batch)
    else:
        train(given.name, *given.files, epochs=given.epochs, batch=given.batch, lr=given.lr, seed=given.seed)


if __name__ == "__main__":
    main()
