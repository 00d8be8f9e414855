"""Optimisers by name, with the arguments that make each of them fast and the hyperparameters that it understands."""

from __future__ import annotations

from typing import Any

import torch

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
_WITH_MOMENTUM = {"sgd", "rmsprop"}
_FUSED = {"sgd", "adagrad", "adam", "adamw"}  # one kernel for all parameters


def optimizer_arguments(name: str, *, momentum: float, weight_decay: float, device: torch.device) -> dict[str, Any]:
    """Arguments for skorch's ``optimizer`` and ``optimizer__*``.

    Parameters
    ----------
    name : str
        A name in ``OPTIMIZERS``.
    momentum : float
        Passed on to the optimisers that know a momentum; Adam has its own.
    weight_decay : float
        Factor of the L2 term.
    device : torch.device
        Fused kernels are used where the device has them.
    """
    arguments: dict[str, Any] = {"optimizer": OPTIMIZERS[name], "optimizer__weight_decay": weight_decay}
    if name in _WITH_MOMENTUM:
        arguments["optimizer__momentum"] = momentum
    # Adagrad's fused kernel exists for the CPU alone
    if name in _FUSED and (device.type == "cpu" or (device.type == "cuda" and name != "adagrad")):
        arguments["optimizer__fused"] = True
    return arguments
