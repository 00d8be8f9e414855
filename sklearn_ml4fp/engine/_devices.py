"""Devices that a machine has."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from .._optional import where_installed

_INTERVAL = 0.5  # seconds: the driver renews its numbers a few times a second, and asking it takes time


def resolve_device(device: str, place: int | None = None) -> torch.device:
    """Convert ``"auto"`` or a torch device string to an existing device.

    Parameters
    ----------
    device : str
        What was asked for.
    place : int or None
        Number of this process among those of the machine, which share its GPUs; None if it is alone.

    Raises
    ------
    ValueError
        The string names no device, or one that does not exist on this machine.
    """
    if device in ("auto", "cuda") and place is not None and torch.cuda.is_available():
        return torch.device("cuda", place % torch.cuda.device_count())
    if device == "auto":
        accelerators = [("cuda", torch.cuda), ("mps", torch.backends.mps)]
        return torch.device(next((name for name, one in accelerators if one.is_available()), "cpu"))
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={device!r} cannot be used: expected 'auto', 'cpu' or the name of an accelerator that this machine "
            f"has, such as 'cuda' or 'cuda:1' ({str(error).splitlines()[0]})."
        ) from error
    return torch.device(device)


def has_bfloat16(device: str | torch.device) -> bool:
    """Return whether a device is a GPU that computes in bfloat16; a processor is seldom faster with it."""
    return torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def in_bfloat16(module: Callable[..., Tensor], device: torch.device) -> Callable[..., Tensor]:
    """Wrap a module to compute its matrix products in bfloat16; the loss is computed in float32."""

    def forward(*inputs: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            output = module(*inputs)
        return output.float()

    return forward


class GpuUse:
    """Use of a GPU by a training.

    Parameters
    ----------
    device : torch.device
        Device of the training, a GPU of NVIDIA or AMD.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._nvml = where_installed("pynvml")
        self._last: dict[str, float] = {}
        self._read_at = -_INTERVAL

    def read(self) -> dict[str, float]:
        """Return ``gpu_memory``, the most that torch has held so far (GB), and ``gpu_utilisation`` (%) where known.

        The utilisation needs the package nvidia-ml-py, and a driver that tells: it does not of a part of a GPU.
        """
        if time.monotonic() - self._read_at >= _INTERVAL:
            self._last = {"gpu_memory": torch.cuda.max_memory_allocated(self._device) / 1e9}
            if self._nvml is not None:
                try:
                    self._last["gpu_utilisation"] = float(torch.cuda.utilization(self._device))
                except (RuntimeError, ImportError, self._nvml.NVMLError):
                    self._nvml = None
            self._read_at = time.monotonic()
        return self._last
