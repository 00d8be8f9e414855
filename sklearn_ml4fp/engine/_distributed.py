"""Several processes that train one network: gradients, losses and outputs of all of them, by torch.distributed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from .._processes import rank_and_number

# How long a process waits for another one that gives no sign. One that dies closes its connections, which is seen at
# once; the others may have to wait for a long metric, or for a slow disk.
_PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True)
class Processes:
    """Processes that train one network together; a single one by default.

    Every method is called by all of them, in the same order; most only where there are several.

    Parameters
    ----------
    rank : int
        Number of this process, from 0; the first one writes files and lines.
    n : int
        Number of processes.
    """

    rank: int = 0
    n: int = 1

    @property
    def place(self) -> int:
        """Number of this process among those of its machine."""
        return int(os.environ.get("LOCAL_RANK", self.rank))

    def of_all(self, value: Any) -> list[Any]:
        """Return the values of all processes, in their order."""
        if self.n == 1:
            return [value]
        values: list[Any] = [None] * self.n
        with self._connected():
            dist.all_gather_object(values, value)
        return values

    def of_first(self, value: Any) -> Any:
        """Return the value of the first process."""
        values = [value]
        with self._connected():
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def same_weights(self, module: nn.Module) -> None:
        """Give every process the weights of the first one."""
        with self._connected():
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, src=0)

    def average_of_batches(self, module: nn.Module) -> None:
        """Average what batch normalisation has seen in each process."""
        with self._connected():
            for name, buffer in module.named_buffers():
                if name.endswith(("running_mean", "running_var")):
                    dist.all_reduce(buffer)
                    buffer /= self.n

    @torch.no_grad()
    def sum_gradients(self, parameters: Sequence[nn.Parameter], n: int) -> bool:
        """Put the gradient of the mean loss over the parts of all processes in place of that over the own part.

        The mean is that over all outputs, Σ_r n_r g_r / Σ_r n_r, however unequal the parts.

        Parameters
        ----------
        parameters : sequence of Parameter
            Weights, with their gradients; a process without events has none.
        n : int
            Number of outputs in the own part.

        Returns
        -------
        bool
            Whether any process has outputs; one that has some itself does not wait for the device to see it.
        """
        there = [parameter.grad is not None for parameter in parameters]
        own = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([(gradient * n).flatten() for gradient in own])
        # the number of outputs is exact in single precision below 2^24; a weight without use has no gradient anywhere
        sums = torch.cat([flat, flat.new_tensor([n, *there])])
        with self._connected():
            dist.all_reduce(sums)
        total, used = sums[len(flat)], there if n else (sums[len(flat) + 1 :] > 0).tolist()
        mean = (sums[: len(flat)] / total.clamp(min=1)).split([parameter.numel() for parameter in parameters])
        for parameter, gradient, is_used in zip(parameters, mean, used, strict=True):
            parameter.grad = gradient.view_as(parameter).to(parameter.dtype) if is_used else None
        return n > 0 or bool(total > 0)

    def reseed(self, own: torch.Generator, shared: torch.Generator) -> None:
        """Give the generator of this process, for dropout, a seed that follows from the shared one, which stays."""
        own.set_state(shared.get_state())
        own.manual_seed(int(torch.randint(2**62, (), generator=own, device=own.device)) + self.rank)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise ConnectionError(
                f"Process {self.rank} of {self.n} that train together has lost another one: it has ended, with an "
                "error of its own, for want of memory or by a signal, or did not answer. Look for what it said, and "
                "start all of them again: with checkpoint= the training goes on where it was, also with another number "
                f"of processes. ({str(error).splitlines()[0][:200]})"
            ) from error


ALONE = Processes()


def joined() -> Processes:
    """Join the processes that ``torch.distributed`` or ``torchrun`` tells of; alone without them."""
    rank, n = rank_and_number()
    processes = Processes(rank, n)
    if n > 1 and not dist.is_initialized():
        on_gpus = torch.cuda.is_available() and dist.is_nccl_available()
        with processes._connected():
            dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo", timeout=_PATIENCE)
    return processes
