"""Metadata requests without the estimators that own them: these stand in a circle, which a tree cannot hold."""

from __future__ import annotations

from copy import copy
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import MetadataRequest


def without_owners(model: Any) -> Any:
    """Return a model whose requests name their owners; what holds no request is the same object.

    scikit-learn uses the owner in its messages alone, where a name does as well.
    """
    return _rewritten(model, {})


def _rewritten(thing: Any, known: dict[int, Any]) -> Any:
    if id(thing) in known:
        return known[id(thing)][1]
    known[id(thing)] = thing, thing  # the first keeps the number from being used again; in a circle it stays itself
    known[id(thing)] = thing, _make(thing, known)
    return known[id(thing)][1]


def _make(thing: Any, known: dict[int, Any]) -> Any:
    if isinstance(thing, MetadataRequest):
        return _named(thing)
    if isinstance(thing, dict):
        changed = _changes(thing, known)
        if not changed:
            return thing
        twin = copy(thing)
        twin.update(changed)
        return twin
    if type(thing) in (list, tuple):
        parts = [_rewritten(part, known) for part in thing]
        same = all(new is old for new, old in zip(parts, thing, strict=True))
        return thing if same else type(thing)(parts)
    ours = type(thing).__module__.split(".")[0] in ("sklearn", "sklearn_ml4fp") or isinstance(thing, BaseEstimator)
    if not ours or isinstance(thing, type) or not hasattr(thing, "__dict__"):
        return thing
    changed = _changes(thing.__dict__, known)
    if not changed:
        return thing
    twin = copy(thing)
    twin.__dict__.update(changed)
    return twin


def _changes(parts: dict[Any, Any], known: dict[int, Any]) -> dict[Any, Any]:
    pairs = ((name, value, _rewritten(value, known)) for name, value in parts.items())
    return {name: new for name, old, new in pairs if new is not old}


def _named(request: MetadataRequest) -> MetadataRequest:
    """Copy of a request in which names stand for owners."""
    twin = copy(request)
    for name, value in vars(request).items():
        if name == "owner" and value is not None:
            twin.owner = value if isinstance(value, str) else type(value).__name__
        elif hasattr(value, "owner"):
            setattr(twin, name, _named(value))
    return twin
