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
from ._event_roles import listed
from ._point_clouds import PointClouds
from ._readers import open_file
from ._stream import joined

if TYPE_CHECKING:
    from sklearn.utils import Bunch

_KEY = b"sklearn_ml4fp"  # of the roles in the description of the table
_LEAST = 1 << 16  # events of a record batch, so that a hard cut does not make millions of them


def roles_in(path: str) -> dict[str, Any]:
    """Return the roles with which a store was written; none for any other file."""
    if "://" in path or not Path(path).is_file():
        return {}
    with Path(path).open("rb") as file:
        if file.read(6) != b"ARROW1":
            return {}
    with open_file(path, None) as reader:
        return dict(json.loads(reader.notes.get(_KEY, b"{}")))


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

    clouds = isinstance(data, PointClouds)
    for name, values in zip(roles["features"], (data.event_values if clouds else data).T, strict=True):
        add(name, values)
    for collection, words in roles["collections"].items():
        for word, values in zip(words, data.values.T, strict=True):
            points = pa.array(np.ascontiguousarray(values))
            columns.append((f"{collection}_{word}", pa.LargeListArray.from_arrays(data.offsets, points)))
    targets = [] if events.target is None else events.target.reshape(len(data), -1).T
    for name, values in zip(listed(roles["target"]), targets, strict=True):
        add(name, values)
    if roles["weight"] is not None and roles["weight"] not in listed(roles["target"]):
        add(roles["weight"], events.sample_weight)
    ids = events.groups
    for name in listed(roles["event_id"]):
        if name not in listed(roles["target"]):
            add(name, ids if ids.dtype.names is None else ids[name])
    names = [name for name, _ in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{twice} would each be the name of two columns: rename features that map() has made.")
    return dict(columns)


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
                    clouds = isinstance(events.data, PointClouds)
                    features = events.data.event_names if clouds else events.feature_names
                    points = {collection: list(events.data.feature_names)} if clouds else {}
                    values = events.data.values if clouds else events.data
                    roles |= {"features": list(features), "collections": points, "dtype": str(values.dtype)}
                columns = _columns_of(events, roles)
                if writer is None:
                    fields = [pa.field(name, column.type, nullable=False) for name, column in columns.items()]
                    schema = pa.schema(fields, metadata={_KEY: json.dumps(roles)})
                    writer = ipc.new_file(str(beside), schema)
                writer.write_batch(pa.record_batch(list(columns.values()), schema=schema))
            if writer is None:
                raise ValueError("there is no event to be stored.")
        finally:
            if writer is not None:
                writer.close()
