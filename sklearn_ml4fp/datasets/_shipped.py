"""Data sets in the package: their arrays, with how they were made, and their descriptions."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any, TypeVar

import numpy as np

Made = TypeVar("Made")


def read_shipped(name: str, unpack: Callable[[Any], Made]) -> tuple[Made, dict[str, Any]]:
    """Read a data set: what ``unpack`` makes of its arrays, and its provenance."""
    with files(__package__).joinpath(f"{name}.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return unpack(arrays), json.loads(str(arrays["simulation"]))


def describe(name: str, simulation: dict[str, Any], *more: str, underline: str = "-") -> str:
    """Join the description of a data set and, below it, the provenance of these events."""
    text = files(__package__).joinpath(f"{name}.rst").read_text(encoding="utf-8")
    lines = [f":{key.replace('_', ' ')}: {value}" for key, value in simulation.items()]
    return "\n".join([f"{text}This sample", 11 * underline, "", *lines, *more]) + "\n"
