"""Devices that a machine has."""

from __future__ import annotations

import torch


def resolve_device(device: str) -> torch.device:
    """Convert ``"auto"`` or a torch device string to an existing device.

    Raises
    ------
    ValueError
        The string names no device, or one that does not exist on this machine.
    """
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
