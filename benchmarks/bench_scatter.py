"""Sums and maxima of messages that share a target: torch's own against torch-scatter, forward and with the gradient.

    OMP_NUM_THREADS=1 python benchmarks/bench_scatter.py    # needs torch-scatter

Seconds of processor time, interleaved; medians of nine rounds, 64 columns, targets in random order. The two must agree.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
import torch_scatter
from torch import Tensor

SIZES = ((200_000, 10_000), (40_000, 5_500), (5_500, 128))  # messages and targets
WIDTH, ROUNDS = 64, 9


def native(x: Tensor, target: Tensor, n: int, how: str) -> Tensor:
    """torch's own, as `sklearn_ml4fp.nn` uses it."""
    if how == "sum":
        return x.new_zeros(n, WIDTH).index_add(0, target, x)
    return x.new_zeros(n, WIDTH).scatter_reduce(0, target[:, None].expand_as(x), x, "amax", include_self=False)


def scattered(x: Tensor, target: Tensor, n: int, how: str) -> Tensor:
    """torch-scatter's."""
    return torch_scatter.scatter(x, target, dim=0, dim_size=n, reduce=how)


def seconds(reduce: Callable[..., Tensor], x: Tensor, target: Tensor, n: int, how: str, gradient: bool) -> float:
    """Processor time of one call, and of its gradient."""
    start = time.process_time()
    reduced = reduce(x, target, n, how)
    if gradient:
        torch.autograd.grad(reduced.sum(), x)
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)  # any: only sizes matter
    print("| messages | targets | | torch [ms] | torch-scatter [ms] | ratio |\n|---:|---:|---|---:|---:|---:|")
    for m, n in SIZES:
        x = torch.randn(m, WIDTH, generator=generator, requires_grad=True)
        target = torch.randint(0, n, (m,), generator=generator)
        for how in ("max", "sum"):
            assert torch.allclose(native(x, target, n, how), scattered(x, target, n, how), atol=1e-4)
            for gradient in (False, True):
                times: list[tuple[float, float]] = [
                    (seconds(native, x, target, n, how, gradient), seconds(scattered, x, target, n, how, gradient))
                    for _ in range(ROUNDS)
                ]
                ours, theirs = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
                ratio = statistics.median(b / a for a, b in times)
                what = f"{how}{' and gradient' if gradient else ''}"
                print(f"| {m} | {n} | {what} | {ours:.2f} | {theirs:.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
