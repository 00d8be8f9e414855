"""Memory of a network, computed before it is allocated."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")  # the limit of a container or a batch job on Linux
_GIB = 2**30


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
