"""Stores of events: what was read, cut and derived once, in an Arrow file that later epochs map to memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._optional import needs
from .._whole_file import whole_file
from ._arrow_files import ROLES_KEY
from ._event_roles import listed
from ._graphs import Graphs
from ._point_clouds import PointClouds
from ._ragged_array import RaggedArray
from ._readers import open_file
from ._stream import joined

if TYPE_CHECKING:
    from sklearn.utils import Bunch

_LEAST = 1 << 16  # events of a record batch, so that a hard cut does not make millions of them


def roles_in(path: str) -> dict[str, Any]:
    """Return the roles with which a store was written; none for any other file."""
    if "://" in path or not Path(path).is_file():
        return {}
    with Path(path).open("rb") as file:
        if file.read(6) != b"ARROW1":
            return {}
    with open_file(path, None) as reader:
        return dict(json.loads(reader.notes.get(ROLES_KEY, b"{}")))


def _in_batches(chunks: Iterable[Bunch]) -> Iterator[Bunch]:
    """Join small chunks."""
    parts: list[Bunch] = []
    for chunk in chunks:
        parts.append(chunk)
        if sum(len(part.data) for part in parts) >= _LEAST:
            yield joined(parts)
            parts = []
    if parts:
        yield joined(parts)


def _columns_of(events: Bunch, roles: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of some events by name, as arrays of pyarrow."""
    pa, data = needs("pyarrow"), events.data
    columns: list[tuple[str, Any]] = []

    def add(name: str, values: NDArray[Any]) -> None:
        columns.append((name, pa.array(np.ascontiguousarray(values))))

    def add_lists(name: str, values: NDArray[Any], offsets: NDArray[Any]) -> None:
        columns.append((name, pa.LargeListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values)))))

    def add_role(role: str, values: Any) -> None:
        flat = values.values if isinstance(values, RaggedArray) else values
        for name, column in zip(listed(roles[role]), flat.reshape(len(flat), -1).T, strict=True):
            if isinstance(values, RaggedArray):
                add_lists(f"{next(iter(roles[role]))}_{name}", column, values.offsets)
            elif role == "target" or name not in listed(roles["target"]):
                add(name, column)

    clouds = isinstance(data, PointClouds)
    for name, values in zip(roles["features"], (data.event_values if clouds else data).T, strict=True):
        add(name, values)
    for collection, words in roles["collections"].items():
        for word, values in zip(words, data.values.T, strict=True):
            add_lists(f"{collection}_{word}", values, data.offsets)
    for role, values in (("target", events.target), ("weight", events.sample_weight)):
        if values is not None:
            add_role(role, values)
    ids = events.groups
    for name in listed(roles["event_id"]):
        if name not in ([] if isinstance(roles["target"], dict) else listed(roles["target"])):
            add(name, ids if ids.dtype.names is None else ids[name])
    names = [name for name, _ in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{twice} would each be the name of two columns: rename features that map() has made.")
    return dict(columns)


def _role_in_store(role: Any, values: Any, data: Any, collection: str, unnamed: str) -> Any:
    """Say what a target or weight is in a store: columns of the events, or of the points of the one collection."""
    if role is None:
        return None
    several = isinstance(role, dict) and len({str(one) for one in role.values()}) > 1  # of several collections
    names = [f"{unnamed}{i or ''}" for i in range(len(listed(role)))] if several else listed(role)
    if not isinstance(values, RaggedArray):
        return role if not isinstance(role, dict) else names[0] if values.ndim == 1 else names
    if not isinstance(data, PointClouds) or not np.array_equal(values.offsets, data.offsets):
        raise ValueError(f"the {unnamed} belongs to edges, and a store keeps points: store the source of the points.")
    return {collection: names[0] if values.values.ndim == 1 else names}


def write_store(chunks: Iterable[Bunch], path: str | PathLike[str], *, collection: str, roles: dict[str, Any]) -> None:
    """Write events with their roles; points are one collection, whatever they were made of.

    Raises
    ------
    ValueError
        There is no event, or two columns would have one name.
    """
    pa, ipc = needs("pyarrow"), needs("pyarrow.ipc")
    writer = None
    with whole_file(path) as beside:
        try:
            for events in _in_batches(chunks):
                if writer is None:
                    if isinstance(events.data, Graphs):
                        raise ValueError(
                            "a store keeps points and no edges: store the source of the points, and connect those of "
                            "the store by ToGraph or ToTrackGraph."
                        )
                    clouds = isinstance(events.data, PointClouds)
                    features = events.data.event_names if clouds else events.feature_names
                    points = {collection: list(events.data.feature_names)} if clouds else {}
                    values = events.data.values if clouds else events.data
                    for role, name in (("target", "target"), ("weight", "sample_weight")):
                        roles[role] = _role_in_store(roles[role], events[name], events.data, collection, role)
                    roles |= {"features": list(features), "collections": points, "dtype": str(values.dtype)}
                columns = _columns_of(events, roles)
                if writer is None:
                    fields = [pa.field(name, column.type, nullable=False) for name, column in columns.items()]
                    schema = pa.schema(fields, metadata={ROLES_KEY: json.dumps(roles)})
                    writer = ipc.new_file(str(beside), schema)
                writer.write_batch(pa.record_batch(list(columns.values()), schema=schema))
            if writer is None:
                raise ValueError("there is no event to be stored.")
        finally:
            if writer is not None:
                writer.close()
