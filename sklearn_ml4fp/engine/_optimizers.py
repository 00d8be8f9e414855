"""Optimisers by name, with their hyperparameters and the arguments that make them fast."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

import torch

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
# a fused kernel updates all parameters at once; that of Adagrad exists on the CPU alone
_WITH_BETAS = (torch.optim.Adam, torch.optim.AdamW)  # of the named ones
_FUSED = {
    "cpu": (torch.optim.SGD, torch.optim.Adagrad, torch.optim.Adam, torch.optim.AdamW),
    "cuda": (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW),
}


def _class_of(optimizer: Any) -> type[torch.optim.Optimizer]:
    if isinstance(optimizer, str):
        return OPTIMIZERS[optimizer]
    if not (isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)):
        raise ValueError(
            f"optimizer={optimizer!r} cannot be used: expected one of {sorted(OPTIMIZERS)} or a subclass of "
            "torch.optim.Optimizer."
        )
    closure = signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is Parameter.empty:
        raise ValueError(
            f"optimizer={optimizer.__name__} evaluates the loss several times per step, which this training loop does "
            "not do: expected an optimiser whose step() needs no closure."
        )
    return optimizer


def optimizer_arguments(
    optimizer: str | type[torch.optim.Optimizer],
    *,
    momentum: float,
    weight_decay: float,
    device: torch.device,
    nesterov: bool = False,
    beta2: float = 0.999,
) -> dict[str, Any]:
    """Return the arguments ``optimizer`` and ``optimizer__*`` of skorch.

    Parameters
    ----------
    optimizer : str or subclass of torch.optim.Optimizer
        A name in ``OPTIMIZERS``, or a class. Its other settings keep their defaults.
    momentum : float
        Momentum, for the optimisers that have one; Adam has its own.
    weight_decay : float
        Factor of the L2 term, for the optimisers that have one.
    device : torch.device
        Fused kernels are used where the device has them.
    nesterov : bool
        Whether SGD takes the gradient where the momentum leads. Without a momentum it is plain SGD.
    beta2 : float
        β₂ of Adam and AdamW by name, whose β₁ is 0.9.

    Raises
    ------
    ValueError
        ``optimizer`` is no optimiser, or it needs a closure.
    """
    kind = _class_of(optimizer)
    known = signature(kind).parameters
    arguments: dict[str, Any] = {"optimizer": kind}
    if "weight_decay" in known:
        arguments["optimizer__weight_decay"] = weight_decay
    if "momentum" in known:
        arguments["optimizer__momentum"] = momentum
    if "nesterov" in known:
        arguments["optimizer__nesterov"] = bool(nesterov and momentum > 0)  # a search may pass numpy's numbers
    if kind in _WITH_BETAS and isinstance(optimizer, str):
        arguments["optimizer__betas"] = (0.9, float(beta2))
    if kind in _FUSED.get(device.type, ()):
        arguments["optimizer__fused"] = True
    return arguments
