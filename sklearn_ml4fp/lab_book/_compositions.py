"""What is not ours, and must tell of its fits and hand the lab book on to its workers, as long as one is open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from types import FunctionType
from typing import Any

import joblib
from sklearn.base import MetaEstimatorMixin
from sklearn.pipeline import Pipeline

from .._compat import BaseSearchCV
from .._recording import recorded, recorders

# The modules whose classes fit other estimators: a class that is not there yet could not be found.
_MODULES = (
    "imblearn.pipeline",
    "sklearn.calibration",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.feature_selection",
    "sklearn.model_selection",
    "sklearn.multiclass",
    "sklearn.multioutput",
)
_lock = threading.Lock()
_replaced: list[tuple[type, str, Any, Any]] = []  # class, method, what was there, what is there now
_open = 0


def _all_below(kind: type) -> Iterator[type]:
    yield kind
    below: type
    for below in type.__subclasses__(kind):
        yield from _all_below(below)


def _carried(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let joblib's Parallel hand the lab book on."""

    @wraps(call)
    def carried_call(self: Any, iterable: Any) -> Any:
        return call(self, recorders[-1].carried(iterable) if recorders else iterable)

    return carried_call


def _replace(kind: type, method: str, make: Callable[[Any], Any]) -> None:
    before = vars(kind)[method]
    now = make(before)
    setattr(kind, method, now)
    _replaced.append((kind, method, before, now))


def begin_listening() -> None:
    """Wrap the ``fit`` of every composition of scikit-learn and imbalanced-learn, and joblib's Parallel."""
    global _open
    with _lock:
        _open += 1
        if _open > 1:
            return
        for module in _MODULES:
            import_module(module)
        kinds = {kind for root in (MetaEstimatorMixin, BaseSearchCV, Pipeline) for kind in _all_below(root)}
        for kind in kinds:
            is_ours = kind.__module__.split(".")[0] == "sklearn_ml4fp"  # and tells by itself
            if not is_ours and isinstance(vars(kind).get("fit"), FunctionType):
                _replace(kind, "fit", recorded)
        _replace(joblib.Parallel, "__call__", _carried)


def end_listening() -> None:
    """Put everything back as it was, except for what others have replaced since."""
    global _open
    with _lock:
        _open -= 1
        if _open:
            return
        while _replaced:
            kind, method, before, now = _replaced.pop()
            if vars(kind)[method] is now:
                setattr(kind, method, before)
