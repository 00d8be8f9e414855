"""A fitted network as plain data, and back: arrays, numbers and text in place of the objects of torch and skorch."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from skorch.history import History
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from .._keeping import Kept, keeps_optimizer
from ..engine import Net, resolve_device
from ._fitted import Fitted
from ._inputs import TableInput
from ._targets import ClassTarget, NumberTarget

_SETTINGS = ("lr", "max_epochs", "batch_size")  # of the net: the hyperparameters may have been changed since


def _number(value: Any) -> Any:
    """What a callback has recorded in the history, as JSON can hold it."""
    return value.tolist() if hasattr(value, "tolist") else repr(value)


def _arrays(module: nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}


def _set_arrays(module: nn.Module, arrays: dict[str, np.ndarray]) -> None:
    module.load_state_dict({name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()})


def _with_each(change: Callable[[Any], Any], state: Any) -> Any:
    """Change every value in the state of an optimiser."""
    if isinstance(state, dict):
        return {name: _with_each(change, value) for name, value in state.items()}
    return [_with_each(change, value) for value in state] if isinstance(state, list) else change(state)


def _as_array(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value


def _as_tensor(value: Any) -> Any:
    return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value


def plain(estimator: Any) -> dict[str, Any]:
    """Return the learned state of a network as plain data."""
    fitted: Fitted = estimator._fitted
    net: Any = fitted.net
    now = estimator.get_params(deep=False)
    return {
        "input": fitted.input,
        "target": fitted.target,
        "rng": fitted.rng,
        "weight_scale": fitted.weight_scale,
        "stream": fitted.stream,
        "made_with": {
            name: value for name, value in fitted.made_with.items() if value is not now[name] and name != "callbacks"
        },
        "seed": net.seed,
        "settings": {name: getattr(net, name) for name in _SETTINGS},
        "device": str(net.device),
        "weights": _arrays(net.module_),
        "loss": _arrays(net.criterion_),
        "history": json.dumps(list(net.history), default=_number),
        "optimizer": _with_each(_as_array, net.optimizer_.state_dict()) if keeps_optimizer() else None,
    }


def restored(estimator: Any, kept: dict[str, Any]) -> Fitted:
    """Return the learned state of a network from plain data.

    Parameters
    ----------
    estimator : NetworkEstimator
        With its hyperparameters.
    kept : dict
        What `plain` has made.

    Raises
    ------
    ValueError
        The data do not fit to each other: the file was changed by another program.
    """
    maker = object.__new__(type(estimator))
    maker.__dict__.update({**estimator.get_params(deep=False), **kept["made_with"]})
    made_with = maker.get_params(deep=False)
    fitted = Fitted(
        kept["input"],
        kept["target"],
        kept["rng"],
        weight_scale=kept["weight_scale"],
        stream=kept["stream"],
        made_with=made_with,
    )
    if not isinstance(fitted.input, TableInput) or not isinstance(fitted.target, ClassTarget | NumberTarget):
        raise ValueError("the network has no input or no target")
    weights, loss = kept["weights"], maker._make_loss()
    with _no_larger_than(sum(array.size for array in weights.values())):
        device, batch_size = _device(kept["device"]), kept["settings"]["batch_size"]
        net = maker._make_net(fitted, loss, device, kept["seed"], batch_size)
    shapes = {name: tuple(tensor.shape) for name, tensor in net.module.state_dict().items()}
    if shapes != {name: array.shape for name, array in weights.items()}:
        raise ValueError("the weights are not those of a network with these hyperparameters")
    net.set_params(**{name: kept["settings"][name] for name in _SETTINGS})
    fitted.net = _initialised(net, kept)
    return fitted


def _initialised(net: Net, kept: dict[str, Any]) -> Net:
    net.initialize()
    _set_arrays(net.module_, kept["weights"])
    _set_arrays(net.criterion_, kept["loss"])
    net.module_.eval()
    net.history_ = History(json.loads(kept["history"]))
    if kept["optimizer"] is not None:
        net.optimizer_.load_state_dict(_with_each(_as_tensor, kept["optimizer"]))
    return net


def _device(name: str) -> torch.device:
    """Device on which the network was, or the processor where there is no such device."""
    try:
        return resolve_device(name)
    except ValueError:
        warnings.warn(
            f"The network was on the device {name!r}, which this machine does not have: it is now on the processor.",
            UserWarning,
            stacklevel=2,
        )
        return torch.device("cpu")


@contextmanager
def _no_larger_than(n_weights: int) -> Iterator[None]:
    """Stop a module that is being made from having more weights than were kept: hyperparameters can ask for any."""
    here, n_made = threading.get_ident(), 0

    def count(module: nn.Module, name: str, parameter: Any) -> None:
        nonlocal n_made
        if threading.get_ident() == here and parameter is not None:
            n_made += parameter.numel()
            if n_made > n_weights:
                raise ValueError("the weights are fewer than those of a network with these hyperparameters")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


class KeptNetwork(Kept):
    """Mixin of a network, which keeps plain data in place of the objects of torch and skorch."""

    def _to_keep(self, state: dict[str, Any]) -> dict[str, Any]:
        if "_fitted" not in state:
            return state
        learned = {name: value for name, value in state.items() if name not in ("_fitted", "net_")}
        return {**learned, "_kept": plain(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({name: value for name, value in state.items() if name != "_kept"})
        if "_kept" in state:
            self._fitted = restored(self, state["_kept"])
            self.net_ = self._fitted.net
