"""Checkpoints: the state of a training in a file, from which a training that was killed goes on."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import joblib
import numpy as np
import torch
from skorch.callbacks import Callback
from skorch.history import History

from .._checkpoints import are_collected, note, remove

# Seconds between two files: writing one costs little beside a minute of training.
_INTERVAL = 60.0
_FORMAT = 1
# hyperparameters that are not of the result, and callbacks, which enter by their code
_NOT_OF_THE_RESULT = ("callbacks", "checkpoint", "verbose", "warm_start")


class CheckpointFile(Callback):
    """File that holds the state of one training at the end of an epoch.

    The state is that of the weights, the optimiser, the recipe (schedule and moving average), the monitor (early
    stopping and the best weights), the generators and the history. At the end the file is removed, unless a search or a
    cross-fit around this training still needs it; of the optimiser, nothing is kept then.

    Parameters
    ----------
    path : Path
        Where the file is written: beside it and then renamed, so that there is the old file or the new one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any] | None:
        """State in the file; None if there is no file.

        Raises
        ------
        ValueError
            The file is damaged, or was written by another version of torch.
        """
        cure = "Delete it to train from the beginning."
        try:
            state: dict[str, Any] = torch.load(self.path, weights_only=True, map_location="cpu")  # runs no code
            versions = state["versions"]
        except FileNotFoundError:
            return None
        except Exception as error:
            raise ValueError(f"The checkpoint {self.path} cannot be read ({type(error).__name__}). {cure}") from error
        if versions != _versions():
            raise ValueError(f"The checkpoint {self.path} is from {versions}, expected {_versions()}. {cure}")
        return state

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        note([self.path])
        self._last = time.monotonic()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Write the file, if the last one is old enough."""
        if time.monotonic() - self._last >= _INTERVAL:
            self._write(state_of(net))
            self._last = time.monotonic()

    def finish(self, net: Any) -> None:
        """Write the file after the last epoch, or remove it where nobody will ask for it."""
        if are_collected():
            self._write({**state_of(net), "optimizer": None, "finished": True})
        else:
            remove([self.path])

    def _write(self, state: dict[str, Any]) -> None:
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with beside.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):  # the same fit in another process has ended, and removed it
                beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)


def _versions() -> dict[str, str | int]:
    return {"format": _FORMAT, "torch": str(torch.__version__)}


def fingerprint_of(choices: dict[str, Any], made_of: Sequence[Any], data: Any) -> str:
    """Hash of all that the result of a fit depends on.

    Parameters
    ----------
    choices : dict
        Hyperparameters.
    made_of : sequence of object
        Classes and callbacks that act in the training. They enter by their code and by their plain settings: of a class
        that is edited between two fits the name would say nothing, and not every callback can be hashed.
    data : object
        Events, targets, weights and first weights.

    Raises
    ------
    ValueError
        A hyperparameter cannot be hashed.
    """
    choices = {name: one for name, one in choices.items() if name not in _NOT_OF_THE_RESULT}
    named = {name: one.__qualname__ if isinstance(one, type) else one for name, one in choices.items()}
    code = [_code_of(one) for one in (*made_of, *choices.values())]
    settings = [
        {key: value for key, value in vars(one).items() if isinstance(value, (bool, int, float, str))}
        for one in made_of
        if not isinstance(one, type)
    ]
    try:
        found: str = joblib.hash([named, code, settings, data])
    except pickle.PicklingError as error:
        raise ValueError(
            f"checkpoint= needs hyperparameters that can be pickled ({str(error.args[0])[:200]}): define their classes "
            "at the top level of a module or script."
        ) from error
    return found


def _code_of(thing: Any) -> list[tuple[str, str]]:
    """Compiled code of the class of an object, or of a class, as far as it is written in Python."""
    kinds = (thing if isinstance(thing, type) else type(thing)).__mro__
    functions = [(f"{kind.__qualname__}.{name}", one) for kind in kinds for name, one in vars(kind).items()]
    return [(name, _written(one.__code__)) for name, one in functions if isinstance(one, FunctionType)]


def _written(value: Any) -> str:
    """Write down code, or a constant in it, the same in every process.

    `marshal` marks what something else refers to, such as a debugger or a package that looks at functions.
    """
    if isinstance(value, CodeType):
        names = (value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars)
        return f"{value.co_name}{value.co_code!r}{names!r}({', '.join(map(_written, value.co_consts))})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))})"
    if isinstance(value, frozenset):  # whose order is another one in each process
        return f"{{{', '.join(sorted(map(_written, value)))}}}"
    return repr(value)


def state_of(net: Any) -> dict[str, Any]:
    """State of a training between two epochs, of tensors and plain values."""
    refresh = net._data.refresh
    return {
        "versions": _versions(),
        "finished": False,
        "module": net.module_.state_dict(),
        "optimizer": net.optimizer_.state_dict(),
        "recipe": net._recipe.state(),
        "monitor": net.monitor.state(),
        "generator": net._generator.get_state(),
        "augmentation": None if refresh is None else _plain(refresh.rng.get_state(legacy=False)),
        "history": _plain(net.history.to_list()),
    }


def restore(net: Any, state: dict[str, Any]) -> None:
    """Put a state back into the net, whose training has just begun."""
    net.module_.load_state_dict(state["module"])
    if state["optimizer"] is not None:
        net.optimizer_.load_state_dict(state["optimizer"])
    net._recipe.restore(state["recipe"])
    net.monitor.restore(state["monitor"])
    net._generator.set_state(state["generator"])
    if state["augmentation"] is not None:
        kept = state["augmentation"]
        inner = {**kept["state"], "key": kept["state"]["key"].numpy().astype(np.uint32)}
        net._data.refresh.rng.set_state({**kept, "state": inner})
    net.history = History(state["history"])


def _plain(value: Any) -> Any:
    """The same of lists, dicts, tensors and Python's own numbers, which are all that may be read from a file."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.astype(np.int64))
    return value.item() if isinstance(value, np.generic) else value
