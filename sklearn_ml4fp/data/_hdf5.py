"""HDF5 files: data sets side by side, structured data sets, and the tables of pandas."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import numpy as np

from .._optional import needs
from ._reader import Reader, as_awkward

_MOST = 4096  # columns of a data set (n, n_columns) that get names of their own


class _Place(NamedTuple):
    """Where a column is: in a data set, a field of it, and a position in this."""

    data: Any
    field: str | None = None
    position: int | None = None


class Hdf5File(Reader):
    """Columns of a group, or of a structured data set; names of inner groups and fields follow a point (jets.pt)."""

    def __init__(self, path: str, table: str | None) -> None:
        self._file = needs("h5py").File(path, "r")
        try:
            found = {name: place for name, place in _columns(self._start(table), "") if place.data.shape}
            lengths = {place.data.shape[0] for place in found.values()}
            if len(lengths) != 1:
                told = {name: place.data.shape[0] for name, place in list(found.items())[:20]}
                raise ValueError(
                    f"the data sets of {table or 'the file'} have the lengths {told}: expected one length. Name a "
                    "group or a structured data set by tree=."
                    if found
                    else f"there is no data set in {table or 'the file'}."
                )
        except Exception:
            self._file.close()
            raise
        self._places, self.fields, self.n_entries = found, list(found), int(lengths.pop())
        self._last: tuple[Any, Any] = (None, None)

    def _start(self, table: str | None) -> Any:
        """Return the group or data set that is named, else the only one, as deep as there is but one."""
        node = self._file
        if table is not None:
            if table not in node:
                raise ValueError(f"there is no {table!r}; it holds {list(node)}.")
            node = node[table]
        while _is_group(node) and not _of_pandas(node) and len(node) == 1:
            (inner,) = node.values()
            if not _is_group(inner) and inner.dtype.names is None:
                break
            node = inner
        return node

    def column(self, name: str, start: int, stop: int) -> Any:
        data, field, position = self._places[name]
        key = (id(data), field, start, stop)
        if self._last[0] != key:  # the columns of a block of pandas lie together, and are decoded together
            self._last = key, (data if field is None else data.fields(field))[start:stop]
        array = self._last[1]
        array = array if position is None else array[:, position]
        return _of_objects(array) if array.dtype.kind == "O" else as_awkward(array)

    def close(self) -> None:
        self._file.close()


def _is_group(node: Any) -> bool:
    return hasattr(node, "keys")


def _of_pandas(node: Any) -> bool:
    return "pandas_type" in node.attrs


def _columns(node: Any, prefix: str) -> Iterator[tuple[str, _Place]]:
    """Yield the names and places of all columns below a group or data set."""
    if _is_group(node):
        if _of_pandas(node):
            named = _pandas_table(node["table"]) if "table" in node else _pandas_fixed(node)
            yield from ((_join(prefix, name), place) for name, place in named)
            return
        for name, inner in node.items():
            yield from _columns(inner, _join(prefix, name))
    elif node.dtype.names is not None:
        yield from ((_join(prefix, name), _Place(node, name)) for name in node.dtype.names)
    else:
        prefix = prefix or node.name.rpartition("/")[2]
        yield prefix, _Place(node)
        if node.ndim == 2 and node.shape[1] <= _MOST and node.dtype.kind in "biuf":
            yield from ((f"{prefix}.{i}", _Place(node, None, i)) for i in range(node.shape[1]))


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _of_objects(array: Any) -> Any:
    """Convert texts and lists of varying lengths."""
    ak = needs("awkward")
    if len(array) == 0 or isinstance(array[0], (bytes, str)):
        return ak.Array([one.decode() if isinstance(one, bytes) else one for one in array])
    return ak.unflatten(np.concatenate(list(array)), [len(one) for one in array])


# --- tables that pandas wrote ---


class _Lists(pickle.Unpickler):
    """Reads lists of texts and numbers, as pandas keeps names of columns; anything else is an error, and not run."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise ValueError(f"the names of the columns need {module}.{name}: expected texts.")


def _pandas_table(data: Any) -> Iterator[tuple[str, _Place]]:
    """Yield the columns of a table in pandas' format "table": fields, and blocks of columns of one type."""
    for field in data.dtype.names:
        kind = data.attrs.get(f"{field}_kind")
        if kind is None or not data.dtype[field].shape:
            yield field, _Place(data, field)
        else:
            for i, name in enumerate(_Lists(io.BytesIO(bytes(kind))).load()):
                yield str(name), _Place(data, field, i)


def _pandas_fixed(group: Any) -> Iterator[tuple[str, _Place]]:
    """Yield the columns of a table in pandas' format "fixed"; those of Python objects are left out."""
    i = 0
    while f"block{i}_values" in group:
        data, names = group[f"block{i}_values"], group[f"block{i}_items"][()]
        if "shape" in data.attrs:  # of a table without rows, in the place of which stands one number
            data = np.empty((0, len(names)))
        for j, name in enumerate(names if data.dtype.kind != "O" else ()):
            yield name.decode() if isinstance(name, bytes) else str(name), _Place(data, None, j)
        i += 1
