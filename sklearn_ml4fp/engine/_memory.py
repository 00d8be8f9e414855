"""Memory of a network, computed before it is allocated; memory that a step frees, kept for the next one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")  # the limit of a container or a batch job on Linux
_GIB = 2**30
# The largest block from which glibc learns (32 MiB), less one page of any size: twice as much is then kept when it is
# free, and a step with 1024 events and 3 x 256 nodes frees some 10 MB, one of a small Transformer 40.
_LARGEST = 2**25 - 2**16


@cache  # glibc does not forget it
def keep_freed_memory() -> None:
    """Let the C library keep what a step of a training frees, for the next step.

    glibc gives free memory at the end of the heap back to the system if it is more than twice the largest block that
    was ever mapped by itself and freed, which is 256 kB in the beginning. A table in memory is such a block; but where
    all arrays are small, as those of a stream, every step asks for its memory anew, and each page of it is a fault: a
    fifth more time. So one large block is freed, of which nothing was used. Other C libraries do not care.
    """
    with suppress(MemoryError):  # a limit on the process leaves no room: the training is slower, and no worse
        np.empty(_LARGEST, dtype=np.uint8)


def memory_of(device: torch.device) -> int | None:
    """Return the total memory of a device in bytes; None if it is not known."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return None
    try:
        return min(memory, int(_CONTROL_GROUP.read_text()))
    except (OSError, ValueError):  # no such group, or "max"
        return memory


def build_on_meta(build: Callable[[], nn.Module], device: torch.device) -> nn.Module:
    """Build a module without its memory, and refuse one that does not fit on its device.

    Parameters
    ----------
    build : callable
        Function that makes the module.
    device : torch.device
        Device of the training.

    Returns
    -------
    torch.nn.Module
        The module on torch's meta device.

    Raises
    ------
    ValueError
        Weights and gradients would take more than all memory of the device.
    """
    cure = "Choose a smaller width, or fewer layers or blocks."
    try:
        with torch.device("meta"):
            module = build()
    except (RuntimeError, TypeError) as error:  # torch cannot represent the shape
        if "overflow" not in str(error).lower():
            raise
        raise ValueError(
            f"A layer of the network would take more than {2**63 / _GIB:.3g} GiB: expected a network that fits into "
            f"the memory of the device {str(device)!r}. {cure}"
        ) from error
    n_weights, memory = sum(one.numel() for one in module.parameters()), memory_of(device)
    taken = 2 * 4 * n_weights  # float32, and as much for the gradient; the state of the optimiser comes in addition
    if memory is not None and taken > memory:
        raise ValueError(
            f"The {n_weights:.3g} weights of the network would take {taken / _GIB:.3g} GiB with their gradients: "
            f"expected a network that fits into the {memory / _GIB:.3g} GiB of the device {str(device)!r}. {cure}"
        )
    return module
