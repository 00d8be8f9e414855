"""Spaces of scikit-optimize in a model file: its dimensions hold distributions of scipy, whose state is code."""

from __future__ import annotations

from inspect import signature
from typing import Any, NamedTuple

from .._optional import comes_from, needs

_KINDS = ("Real", "Integer", "Categorical")


class DimensionParts(NamedTuple):
    """Name and arguments of a dimension."""

    kind: str
    arguments: dict[str, Any]


def in_parts(space: Any) -> Any:
    """Return a space with the parts of dimensions in their place."""
    if isinstance(space, dict):
        return {name: in_parts(value) for name, value in space.items()}
    if type(space) in (list, tuple):
        return type(space)(map(in_parts, space))
    if not comes_from(space, "skopt"):
        return space
    names = signature(type(space)).parameters
    arguments = {name: getattr(space, "transform_" if name == "transform" else name) for name in names}
    return DimensionParts(type(space).__name__, arguments)


def of_parts(space: Any) -> Any:
    """Return a space with the dimensions again."""
    if isinstance(space, DimensionParts):
        if space.kind not in _KINDS:
            raise ValueError(f"{space.kind!r} is no dimension: expected one of {', '.join(_KINDS)}.")
        return getattr(needs("skopt.space"), space.kind)(**space.arguments)
    if isinstance(space, dict):
        return {name: of_parts(value) for name, value in space.items()}
    return type(space)(map(of_parts, space)) if type(space) in (list, tuple) else space
