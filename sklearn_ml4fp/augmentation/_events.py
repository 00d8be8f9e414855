"""Events as arrays that an augmenter may change, from any container."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .._kinematics import wrap_phi
from .._missing import real_numbers
from .._optional import needs
from .._roles import columns_for, is_bare, is_position, role_of, with_role, words_of


@dataclass
class Block:
    """Rows of numbers that belong to events: one row per event, or one per particle."""

    names: list[str]
    values: np.ndarray
    event: np.ndarray

    def columns(self, wanted: Any) -> list[int]:
        """Find the numbers of the named columns.

        A word such as ``"phi"`` stands for all columns of that role, or that end in that word (``met_phi``, ``Jet 1
        phi``); a list holds names, words or numbers.
        """
        listed = [wanted] if isinstance(wanted, str) else wanted
        found: list[int] = []
        for one in listed:
            if isinstance(one, str):
                found += columns_for(self.names, one)
            elif is_position(one, len(self.names)):
                found.append(int(one))
        return list(dict.fromkeys(found))


@dataclass
class Batch:
    """Events that are changed: one block of a table, blocks of particles and events of point clouds, or images."""

    blocks: list[Block]
    n: int
    images: np.ndarray | None = None
    dropped: np.ndarray | None = None  # mask of removed rows of the first block of point clouds
    y: Any = None  # classes, where they are known
    # changes of the targets (n_events, n_targets), in order: each acts in place, forwards for 1 and backwards for -1
    target_changes: list[Callable[[np.ndarray, int], None]] = field(default_factory=list)

    def target_of(self, target: Any) -> np.ndarray:
        """Change the targets along with the events."""
        return self._through(self.target_changes, target, 1)

    def turned_back(self, predicted: Any) -> np.ndarray:
        """Convert predictions for the changed events to predictions for the original ones."""
        return self._through(self.target_changes[::-1], predicted, -1)

    def widths_back(self, widths: np.ndarray) -> np.ndarray:
        """Convert standard deviations of targets of the changed events, taken as independent, to the original ones."""
        if not self.target_changes:
            return widths
        columns = widths.reshape(len(widths), -1)
        origin, variance = self.turned_back(np.zeros_like(columns)), np.zeros_like(columns)
        for k, width in enumerate(columns.T):  # every change is linear up to a shift: a unit step shows its slope
            step = np.zeros_like(columns)
            step[:, k] = 1.0
            variance += (wrap_phi(self.turned_back(step) - origin) * width[:, None]) ** 2
        return np.sqrt(variance).reshape(widths.shape)

    def _through(self, changes: list[Callable[[np.ndarray, int], None]], target: Any, way: int) -> np.ndarray:
        values = np.array(target)
        if changes:
            values = values if values.dtype.kind == "f" else values.astype(np.float64)
            for change in changes:
                change(values[:, None] if values.ndim == 1 else values, way)
        return values

    def columns(self, wanted: Any, what: str) -> list[tuple[Block, list[int]]]:
        """Find the blocks that have the named columns, with the numbers of these columns.

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
    """Find the objects of a table: columns that share the words around the transverse momentum in its name.

    ``jet1_pt``, ``Jet 1 pt``, ``pt_1`` and ``lepton_pt`` are of objects; the missing momentum (``MET_pt``) is none.
    Every object of a kind has the same attributes.
    """
    words = [words_of(name) for name in block.names]
    frames: list[tuple[tuple[str, ...], tuple[str, ...]]] = []  # the words before and after an attribute
    for i in sorted(with_role(block.names, "pt"), key=lambda i: len(words[i])):
        end = next(k for k in range(len(words[i]), 0, -1) if not words[i][k - 1].isdigit())
        frame = words[i][: end - 1], words[i][end:]
        if frame != ((), ()) and not any(_stands_in(words[i], other) for other in frames):
            frames.append(frame)
    found: dict[tuple[str, bool], dict[str, dict[int, int]]] = {}  # jet1 and jet2 are not of one kind with jet
    for i, name in enumerate(words):
        if around := max((one for one in frames if _stands_in(name, one)), key=lambda one: len(one[0]), default=None):
            front, back = around
            kind, number = re.fullmatch(r"(.*?)_?(\d*)", "_".join([*front, *back])).groups()  # type: ignore[union-attr]
            what = "_".join(name[len(front) : len(name) - len(back)])
            role = role_of(what) if is_bare(what) else None
            found.setdefault((kind, number != ""), {}).setdefault(role or what, {})[int(number or 0)] = i
    result = []
    for (kind, _), attributes in found.items():
        numbers = sorted(set().union(*attributes.values()))
        full = {what: [of[k] for k in numbers] for what, of in attributes.items() if sorted(of) == numbers}
        if "pt" in full and not kind.endswith("met"):
            result.append(Objects(kind, full))
    return result


def _stands_in(name: tuple[str, ...], frame: tuple[tuple[str, ...], tuple[str, ...]]) -> bool:
    """Return whether a column is an attribute of the object in a frame; one of ``jet 1`` is none of ``jet``."""
    front, back = frame
    what = name[len(front) : len(name) - len(back)]
    if not what or (*front, *what, *back) != name:
        return False
    return any(part and part[-1][-1].isdigit() for part in frame) or not (what[0].isdigit() or what[-1].isdigit())


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
    array = real_numbers(X)
    if array is None or array.ndim not in (2, 3, 4):
        raise ValueError(
            f"X has shape {np.shape(X)} and type {getattr(X, 'dtype', None) or type(X).__name__}: expected a table "
            "(n, columns), images (n, h, w) or (n, channels, h, w), or PointClouds."
        )
    array = np.array(array, dtype=None if array.dtype.kind == "f" else np.float64)  # a copy also of another's memory
    if array.ndim > 2:
        return Batch([], len(array), images=array)
    known = getattr(X, "columns", range(array.shape[1])) if names is None else names
    return Batch([Block([str(name) for name in known], array, np.arange(len(array)))], len(array))


def write_target(values: np.ndarray, y: Any) -> Any:
    """Write changed targets into the container of ``y``."""
    if hasattr(y, "iloc"):
        columns = {"columns": y.columns} if hasattr(y, "columns") else {"name": y.name}
        return type(y)(values, index=y.index, **columns)
    if hasattr(y, "to_numpy"):  # polars
        return type(y)(values, schema=y.columns) if hasattr(y, "columns") else type(y)(y.name, values)
    return values.tolist() if isinstance(y, list) else values


def write(batch: Batch, X: Any) -> Any:
    """Write the changed events into the container of ``X``; integer columns that are still whole stay integers."""
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
