"""Seconds for one epoch: ours against a hand-written loop, skorch, a DataLoader loop and scikit-learn.

A three-layer network on 28 columns × 100 000 events. The hand-written loop runs over tensors that are permuted before
the clock starts, with the same optimiser kernels as ours: it is the limit. Ours starts from numpy arrays inside the
training data that the engine holds, and shuffles, records the loss and watches it for divergence within the clock.
The candidates run one after the other in each round (interleaved); the table shows the ratio of every candidate's time
to the hand-written loop's in the same round, median over the rounds.

    python benchmarks/bench_training.py [--device cuda] [--rounds 5] [--threads 1] [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import skorch
import torch
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from sklearn_ml4fp import FeedForwardClassifier

N_EVENTS, N_FEATURES = 100_000, 28


def network(width: int) -> nn.Sequential:
    """The same layers as FeedForwardClassifier's, written by hand."""
    layers: list[nn.Module] = []
    for d_in in (N_FEATURES, width, width):
        layers += [nn.Linear(d_in, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 2))


def synchronise(device: str) -> None:
    """Wait for the GPU, which works asynchronously."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def loop(X: np.ndarray, y: np.ndarray, width: int, batch: int, device: str, fused: bool) -> Callable[[], None]:
    """A hand-written loop over pre-permuted tensors."""
    order = np.random.default_rng(0).permutation(len(X))
    inputs, targets = torch.from_numpy(X[order]).to(device), torch.from_numpy(y[order]).to(device)
    module = network(width).to(device).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=fused)
    loss_of = nn.CrossEntropyLoss()

    def epoch() -> None:
        for start in range(0, len(inputs), batch):
            optimizer.zero_grad()
            loss_of(module(inputs[start : start + batch]), targets[start : start + batch]).backward()
            optimizer.step()

    return epoch


def cuda_graph(X: np.ndarray, y: np.ndarray, width: int, batch: int, device: str) -> Callable[[], None]:
    """The same loop as one CUDA graph, which is launched for each full batch: the limit on a GPU."""
    inputs, targets = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
    module = network(width).to(device).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True, capturable=True)
    loss_of, x, target = nn.CrossEntropyLoss(), inputs[:batch].clone(), targets[:batch].clone()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of(module(x), target).backward()
        optimizer.step()

    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # a graph is captured after steps that allocate
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()

    def epoch() -> None:
        for start in range(0, len(inputs) - batch + 1, batch):
            x.copy_(inputs[start : start + batch])
            target.copy_(targets[start : start + batch])
            graph.replay()

    return epoch


def data_loader(X: np.ndarray, y: np.ndarray, width: int, batch: int, device: str) -> Callable[[], None]:
    """What most tutorials show."""
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(y)), batch_size=batch, shuffle=True)
    module = network(width).to(device).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    loss_of = nn.CrossEntropyLoss()

    def epoch() -> None:
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss_of(module(inputs.to(device)), targets.to(device)).backward()
            optimizer.step()

    return epoch


def skorch_default(X: np.ndarray, y: np.ndarray, width: int, batch: int, device: str) -> Callable[[], None]:
    """skorch as its documentation shows it, but silent and without its validation split, as for the others."""
    net = skorch.NeuralNetClassifier(
        network(width),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=batch,
        max_epochs=1,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
        device=device,
    ).initialize()
    return lambda: net.partial_fit(X, y)


def ours(
    X: np.ndarray, y: np.ndarray, width: int, batch: int, device: str, weights: np.ndarray | None
) -> Callable[[], None]:
    """One more epoch of a fitted estimator: what `fit` does an epoch, without its one-time conversion of the data."""
    estimator = FeedForwardClassifier(
        width=width, batch_size=batch, max_epochs=1, early_stopping=False, device=device, random_state=0
    )
    estimator.fit(X[:batch], y[:batch])
    data = estimator.net_.get_dataset(X, y)
    if weights is not None:
        data.weight = torch.from_numpy((weights / weights.mean()).astype(np.float32))
    data = data.placed_on(torch.device(device))
    return lambda: estimator.net_.train(data, None, epochs=1, seed=0)


def scikit_learn(X: np.ndarray, y: np.ndarray, width: int, batch: int) -> Callable[[], None]:
    """MLPClassifier: one epoch from partial_fit, after a first call that allocates."""
    mlp = MLPClassifier((width,) * 3, batch_size=batch, random_state=0)
    mlp.partial_fit(X[:batch], y[:batch], classes=[0, 1])
    return lambda: mlp.partial_fit(X, y)


def measure(width: int, batch: int, device: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of every candidate in every round."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_EVENTS, N_FEATURES)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    weights = rng.exponential(size=N_EVENTS)
    candidates = {
        "loop": loop(X, y, width, batch, device, fused=True),
        "loop, Adam not fused": loop(X, y, width, batch, device, fused=False),
        "ours": ours(X, y, width, batch, device, None),
        "ours, weighted": ours(X, y, width, batch, device, weights),
        "DataLoader": data_loader(X, y, width, batch, device),
        "skorch": skorch_default(X, y, width, batch, device),
    }
    if device.startswith("cuda"):
        candidates["CUDA graph"] = cuda_graph(X, y, width, batch, device)
    if device == "cpu":
        candidates["MLPClassifier"] = scikit_learn(X, y, width, batch)
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for i in range(rounds + 1):  # the first round warms up
        for name, epoch in candidates.items():
            synchronise(device)
            start = time.perf_counter()
            epoch()
            synchronise(device)
            if i:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    """Print the table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 256, 512, 1024, 4096])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")
    name = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else f"CPU, {arguments.threads} thread"
    print(f"{name}, torch {torch.__version__}; ratio to the hand-written loop, median of {arguments.rounds} rounds\n")
    header = None
    for width in arguments.widths:
        for batch in arguments.batches:
            seconds = measure(width, batch, arguments.device, arguments.rounds)
            if header is None:
                header = [name for name in seconds if name != "loop"]
                print("| width | batch | loop [s] | " + " | ".join(header) + " |")
                print("|" + "---:|" * (len(header) + 3))
            ratios = [
                statistics.median(a / b for a, b in zip(seconds[name], seconds["loop"], strict=True)) for name in header
            ]
            cells = " | ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"| {width} | {batch} | {statistics.median(seconds['loop']):.3f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
