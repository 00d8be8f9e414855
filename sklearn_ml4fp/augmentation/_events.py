"""Events as arrays that an augmenter may change, whatever container they come in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .._optional import needs

_OBJECT = re.compile(r"^(?P<kind>.*?)(?P<number>\d*)_(?P<what>[A-Za-z]\w*?)$")


@dataclass
class Block:
    """Rows of numbers that belong to events: one row an event, or one a particle."""

    names: list[str]
    values: np.ndarray
    event: np.ndarray

    def columns(self, wanted: Any) -> list[int]:
        """Numbers of the columns that are named.

        A word such as ``"phi"`` stands for the column of that name and all that end in ``_phi``; a list holds names,
        words or numbers.
        """
        listed = [wanted] if isinstance(wanted, str) else wanted
        found: list[int] = []
        for one in listed:
            if isinstance(one, str):
                found += [i for i, name in enumerate(self.names) if name == one or name.endswith(f"_{one}")]
            elif 0 <= one < len(self.names):
                found.append(int(one))
        return list(dict.fromkeys(found))


@dataclass
class Batch:
    """Events under change: tables have one block, point clouds one of particles and one of events; or images."""

    blocks: list[Block]
    n: int
    images: np.ndarray | None = None
    dropped: np.ndarray | None = None  # rows of the first block of point clouds that are no longer there
    y: Any = None  # classes, where they are known
    # what happened to the targets (n_events, n_targets), in order: each changes them in place, by 1 on, by -1 back
    target_changes: list[Callable[[np.ndarray, int], None]] = field(default_factory=list)

    def target_of(self, target: Any) -> np.ndarray:
        """The targets of the changed events, from those of the events as they were."""
        return self._through(self.target_changes, target, 1)

    def turned_back(self, predicted: Any) -> np.ndarray:
        """Predictions for the changed events, as predictions for the events as they were."""
        return self._through(self.target_changes[::-1], predicted, -1)

    def _through(self, changes: list[Callable[[np.ndarray, int], None]], target: Any, way: int) -> np.ndarray:
        values = np.array(target)
        if changes:
            values = values if values.dtype.kind == "f" else values.astype(np.float64)
            for change in changes:
                change(values[:, None] if values.ndim == 1 else values, way)
        return values

    def columns(self, wanted: Any, what: str) -> list[tuple[Block, list[int]]]:
        """The blocks that have named columns, with the numbers of these.

        Raises
        ------
        ValueError
            No column is found, or the events are images.
        """
        found = [(block, block.columns(wanted)) for block in self.blocks]
        if not any(numbers for _, numbers in found):
            had = [block.names for block in self.blocks] or "images"
            raise ValueError(f"{what} expected columns {wanted!r} in X, got {had}. Name them, or give their numbers.")
        return [(block, numbers) for block, numbers in found if numbers]


class Objects(NamedTuple):
    """Columns of the objects of one kind in a table: jet1_pt, jet1_eta, jet2_pt, ..."""

    kind: str
    columns: dict[str, list[int]]  # what -> column of each object, in the order of their numbers


def objects_of(block: Block) -> list[Objects]:
    """Find the objects of a table by the names of its columns; every object of a kind has the same attributes."""
    found: dict[str, dict[str, dict[int, int]]] = {}
    for i, name in enumerate(block.names):
        if match := _OBJECT.match(name):
            number = int(match["number"] or 0)
            found.setdefault(match["kind"], {}).setdefault(match["what"], {})[number] = i
    result = []
    for kind, attributes in found.items():
        numbers = sorted(set().union(*attributes.values()))
        full = {what: [of[k] for k in numbers] for what, of in attributes.items() if sorted(of) == numbers}
        if "pt" in full and kind:
            result.append(Objects(kind, full))
    return result


def read(X: Any, names: Any = None) -> Batch:
    """Copy events into arrays.

    Raises
    ------
    ValueError
        ``X`` is neither a table, nor images, nor point clouds.
    """
    if hasattr(X, "offsets") and hasattr(X, "values"):
        counts = np.diff(X.offsets)
        event = np.repeat(np.arange(len(counts)), counts)
        blocks = [Block([str(name) for name in X.feature_names], X.values.copy(), event)]
        if X.event_values is not None:
            names = [str(name) for name in X.event_names]
            blocks.append(Block(names, np.array(X.event_values), np.arange(len(counts))))
        return Batch(blocks, len(counts), dropped=np.zeros(len(event), dtype=bool))
    array = np.array(np.asarray(X))  # a copy also of what gives its own memory to NumPy
    if array.dtype.kind == "O":  # columns of different types
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub" or array.ndim not in (2, 3, 4):
        raise ValueError(
            f"X has shape {array.shape} and type {array.dtype}: expected a table (n, columns), images (n, h, w) or "
            "(n, channels, h, w), or PointClouds."
        )
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    if array.ndim > 2:
        return Batch([], len(array), images=array)
    known = getattr(X, "columns", range(array.shape[1])) if names is None else names
    return Batch([Block([str(name) for name in known], array, np.arange(len(array)))], len(array))


def write_target(values: np.ndarray, y: Any) -> Any:
    """Changed targets in the container of ``y``."""
    if hasattr(y, "iloc"):
        columns = {"columns": y.columns} if hasattr(y, "columns") else {"name": y.name}
        return type(y)(values, index=y.index, **columns)
    if hasattr(y, "to_numpy"):  # polars
        return type(y)(values, schema=y.columns) if hasattr(y, "columns") else type(y)(y.name, values)
    return values.tolist() if isinstance(y, list) else values


def write(batch: Batch, X: Any) -> Any:
    """The changed events in the container of ``X``; integer columns that are still whole stay integers."""
    if batch.images is not None:
        return batch.images
    values = batch.blocks[0].values
    if batch.dropped is not None:
        there = ~batch.dropped
        counts = np.bincount(batch.blocks[0].event[there], minlength=batch.n)
        of_events = {}
        if len(batch.blocks) > 1:
            of_events = {"event_values": batch.blocks[1].values, "event_names": batch.blocks[1].names}
        return type(X)(values[there], np.r_[0, np.cumsum(counts)], feature_names=batch.blocks[0].names, **of_events)
    if not hasattr(X, "columns"):
        return values.tolist() if isinstance(X, list) else values
    if hasattr(X, "iloc"):
        frame = needs("pandas").DataFrame(values, columns=X.columns, index=X.index)
        whole = [name for name in X if X[name].dtype.kind in "iub" and (frame[name] % 1 == 0).all()]
        return frame.astype({name: X[name].dtype for name in whole})
    return needs("polars").DataFrame(values, schema=list(X.columns), orient="row")
