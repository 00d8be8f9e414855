"""Optimisers by name, with their hyperparameters and the arguments that make them fast."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import Parameter, signature
from typing import Any

import torch
from torch import nn

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


def _checked(optimizer: Any) -> type[torch.optim.Optimizer]:
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
    kind = OPTIMIZERS[optimizer] if isinstance(optimizer, str) else _checked(optimizer)
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


def groups_by_rate(
    module: nn.Module, named: Iterable[tuple[str, nn.Parameter]], lr: float, weight_decay: float
) -> list[dict[str, Any]] | None:
    """Sort the parameters of an optimiser into groups with their own learning rates and weight decays, or return None.

    A layer may have a dict ``lr_factors`` of its parameters' names, with factors on the learning rate and on the weight
    decay, and a tuple ``not_decayed`` of names. None stands for a network without such layers. The group of the plain
    parameters is the first.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    named : iterable of (str, Parameter)
        What the optimiser shall change, perhaps also parameters of a loss.
    lr, weight_decay : float
        Values for a factor of one.
    """
    if not any(hasattr(layer, "lr_factors") for layer in module.modules()):
        return None
    settings: dict[int, tuple[float, bool]] = {}
    for layer in module.modules():
        factors: dict[str, float] = getattr(layer, "lr_factors", {})
        for name, parameter in layer.named_parameters(recurse=False):
            settings[id(parameter)] = factors.get(name, 1.0), name not in getattr(layer, "not_decayed", ())
    groups: dict[tuple[float, bool], dict[str, Any]] = {
        (1.0, True): {"params": [], "lr": lr, "lr_factor": 1.0, "weight_decay": weight_decay}
    }
    for _, parameter in named:
        factor, is_decayed = key = settings.get(id(parameter), (1.0, True))
        decay = factor * weight_decay if is_decayed else 0.0
        new = {"params": [], "lr": factor * lr, "lr_factor": factor, "weight_decay": decay}
        groups.setdefault(key, new)["params"].append(parameter)
    return list(groups.values())
