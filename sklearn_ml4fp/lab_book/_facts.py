"""What is recorded of a fit before it begins: parameters, seeds, data, versions."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

import sklearn_ml4fp

from ._data import data_of, hash_of
from ._process import processor

FORMAT = 1
_ALWAYS = ("numpy", "scikit-learn", "torch", "skorch", "joblib")


def is_estimator(value: Any) -> bool:
    """Whether something is an estimator, and not the class of one."""
    return hasattr(value, "get_params") and hasattr(value, "fit") and not isinstance(value, type)


def parts_of(estimator: Any) -> list[Any]:
    """The estimator and all estimators in its hyperparameters."""
    return [estimator, *(value for value in estimator.get_params(deep=True).values() if is_estimator(value))]


def is_ours(part: Any) -> bool:
    """Whether an estimator is one of this package, or of a class that is derived from one."""
    return any(kind.__module__.split(".")[0] == "sklearn_ml4fp" for kind in type(part).__mro__)


def concerns_us(estimator: Any) -> bool:
    """Whether an estimator, or a part of it, is one of this package."""
    try:
        return any(map(is_ours, parts_of(estimator)))
    except Exception:  # a class of someone else that cannot be asked for its parameters
        return False


def title_of(estimator: Any) -> str:
    """What an estimator is made of, in one line: steps with plus signs, what is inside in brackets."""
    if hasattr(estimator, "steps"):
        return " + ".join(title_of(step) for _, step in estimator.steps if is_estimator(step))
    inner = getattr(estimator, "estimator", None)
    return type(estimator).__name__ + (f"({title_of(inner)})" if is_estimator(inner) else "")


def text_of(value: Any) -> str:
    """A hyperparameter as text: the same for the same value in every session."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray):
        return f"array{value.shape} {hash_of(value)}"
    if isinstance(value, np.random.RandomState):
        return f"RandomState {hash_of(np.array([str(one) for one in _state(value)]))}"
    if isinstance(value, type) or hasattr(value, "__code__"):
        return f"{value.__module__}.{value.__qualname__}"
    if is_estimator(value):
        return f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {text_of(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(text_of(one) for one in value) + "]"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def candidate_text(value: Any) -> str:
    """A parameter of a candidate as text; an estimator, as a search may choose one, with its hyperparameters."""
    return " ".join(repr(value).split()) if is_estimator(value) else text_of(value)


def parameters_of(estimator: Any) -> dict[str, str]:
    """Hyperparameters of an estimator and of everything inside, as text; of an estimator its class."""
    found = {name: text_of(value) for name, value in estimator.get_params(deep=True).items() if name != "steps"}
    return {"class": text_of(estimator), **found}


def _is_seed(name: str) -> bool:
    return name.split("__")[-1] == "random_state"


def _state(rng: Any) -> list[Any]:
    kind, keys, position, has_gauss, cached = rng.get_state()
    return [kind, keys.tolist(), position, has_gauss, cached]


def seeds_of(estimator: Any) -> dict[str, Any]:
    """Seeds by the names of their parameters, and the states of generators that are used in their place."""
    given = {name: value for name, value in estimator.get_params(deep=True).items() if _is_seed(name)}
    states = {name: _state(value) for name, value in given.items() if isinstance(value, np.random.RandomState)}
    if any(value is None for value in given.values()):
        states["numpy.random"] = _state(check_random_state(None))
    texts = {name: text_of(value) for name, value in given.items()}
    if "numpy.random" in states:
        texts["numpy.random"] = text_of(check_random_state(None))
    return {"values": texts, "states": states}


@contextmanager
def with_states(estimator: Any, states: dict[str, list[Any]]) -> Iterator[None]:
    """Put generators back into the states in which they were, numpy's own one for a while."""
    for name, state in states.items():
        if name != "numpy.random" and name in estimator.get_params(deep=True):
            rng = np.random.RandomState()
            rng.set_state(tuple(state))
            estimator.set_params(**{name: rng})
    if "numpy.random" not in states:
        yield
        return
    before = np.random.get_state()
    np.random.set_state(tuple(states["numpy.random"]))
    try:
        yield
    finally:
        np.random.set_state(before)


@cache
def _project_of(package: str) -> str | None:
    return next(iter(packages_distributions().get(package, ())), None)


@cache
def _version_of(project: str) -> str | None:
    try:
        return version(project)
    except PackageNotFoundError:
        return None


def versions_of(estimator: Any) -> dict[str, str]:
    """Versions of this package, of what it stands on, and of every package that a part of the estimator comes from."""
    owners = {type(part).__module__.split(".")[0] for part in parts_of(estimator)} - {"__main__", "sklearn_ml4fp"}
    names = dict.fromkeys((*_ALWAYS, *(_project_of(owner) for owner in sorted(owners - {"sklearn"}))))
    found = {name: _version_of(name) for name in names if name is not None}
    ours = {"sklearn_ml4fp": sklearn_ml4fp.__version__, "python": platform.python_version()}
    return ours | {name: one for name, one in found.items() if one is not None}


def machine() -> dict[str, str]:
    """What the last bits of a result may depend on beside the versions."""
    torch = sys.modules.get("torch")
    return {"processor": processor(), **({} if torch is None else {"threads": str(torch.get_num_threads())})}


def facts_of(estimator: Any, arguments: dict[str, Any], git: dict[str, str]) -> dict[str, Any]:
    """All that is known of a fit before it begins, as JSON can hold it.

    Parameters
    ----------
    estimator : estimator
        What is fitted.
    arguments : dict
        Arguments of ``fit`` by name.
    git : dict
        State of the repository of the script.
    """
    return {
        "format": FORMAT,
        "title": title_of(estimator),
        "parameters": parameters_of(estimator),
        "seeds": seeds_of(estimator),
        "data": data_of(arguments),
        "versions": versions_of(estimator) | {f"git {name}": value for name, value in git.items()},
        "machine": machine(),
    }
