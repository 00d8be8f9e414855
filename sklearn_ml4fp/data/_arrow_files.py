"""Tables of pyarrow: Parquet, Arrow and Feather files, of which only what is wanted is decoded; tables in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._optional import needs
from .._segments import Index, offsets_from_counts
from ._reader import Ranges, Reader

ROLES_KEY = b"sklearn_ml4fp"  # of the roles in the description of a store
_ROUNDED = 1e-6  # relative, of float32


def _leaves(kind: Any, name: str) -> Iterator[str]:
    """Name the columns in which Parquet keeps a column, those of records ``Jet.pt`` whatever lists are around."""
    kind = getattr(kind, "storage_type", kind)  # awkward's own types
    if hasattr(kind, "value_type") and not hasattr(kind, "index_type"):  # lists, and no dictionary
        yield from _leaves(kind.value_type, name)
    elif getattr(kind, "num_fields", 0):
        for i in range(kind.num_fields):
            yield from _leaves(kind.field(i).type, f"{name}.{kind.field(i).name}")
    else:
        yield name


def _from_arrow(column: Any) -> Any:
    """Convert a column to an awkward array; a slice is copied before, since awkward puts its nulls in other places."""
    pyarrow = needs("pyarrow")
    chunks = [one.take(pyarrow.array(np.arange(len(one)))) if one.offset else one for one in column.chunks]
    return needs("awkward").from_arrow(pyarrow.chunked_array(chunks, type=column.type))


def _numbers_in(columns: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return those columns that hold one number per entry and no gap."""
    types = needs("pyarrow").types
    return {
        name: column.to_numpy()
        for name, column in columns.items()
        if (types.is_integer(column.type) or types.is_floating(column.type)) and not column.null_count
    }


class _Pieces(Reader):
    """A file in pieces, such as row groups, of which the last that were decoded are kept for the next small chunk."""

    boundaries: Index  # first entry of each piece, and the one after the last

    def __init__(self, rows: Sequence[int], schema: Any) -> None:
        self.boundaries = offsets_from_counts(rows)
        self.n_entries = int(self.boundaries[-1])
        self._kinds = {field.name: field.type for field in schema}
        self._decoded: dict[str, tuple[tuple[int, int], Any]] = {}

    @abstractmethod
    def _decode(self, names: Sequence[str], first: int, last: int) -> list[Any]:
        """Return columns of pieces ``first`` to before ``last``."""

    def release(self) -> None:
        self._decoded.clear()

    def _pieces(self, start: int, stop: int) -> tuple[int, int]:
        first = int(np.searchsorted(self.boundaries, start, side="right")) - 1
        return first, int(np.searchsorted(self.boundaries, stop, side="left"))

    def _columns(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        pieces = self._pieces(start, stop)
        if new := [name for name in names if name not in self._decoded or self._decoded[name][0] != pieces]:
            for name in new:  # before others are decoded
                self._decoded.pop(name, None)
            columns = self._decode(new, *pieces)
            self._decoded |= {name: (pieces, column) for name, column in zip(new, columns, strict=True)}
        before = int(self.boundaries[pieces[0]])
        return {name: self._decoded[name][1].slice(start - before, stop - start) for name in names}

    def column(self, name: str, start: int, stop: int) -> Any:
        return _from_arrow(self._columns([name], start, stop)[name])

    def numbers(self, names: Sequence[str], start: int, stop: int) -> Mapping[str, NDArray[Any]]:
        types = needs("pyarrow").types
        kinds = {name: self._kinds[name] for name in names if name in self._kinds}
        flat = [name for name, kind in kinds.items() if types.is_integer(kind) or types.is_floating(kind)]
        return _numbers_in(self._columns(flat, start, stop))

    def lists(self, name: str, start: int, stop: int) -> tuple[NDArray[Any], Index] | None:
        types, kind = needs("pyarrow").types, self._kinds.get(name)
        if kind is None or not (types.is_list(kind) or types.is_large_list(kind)) or start >= stop:
            return None
        if not (types.is_integer(kind.value_type) or types.is_floating(kind.value_type)):
            return None
        chunks = self._columns([name], start, stop)[name].chunks
        contents = [one.flatten() for one in chunks]
        if any(one.null_count for one in (*chunks, *contents)):
            return None
        counts = np.concatenate([one.value_lengths().to_numpy() for one in chunks]).astype(np.int64, copy=False)
        return np.concatenate([one.to_numpy() for one in contents]), counts


class ParquetFile(_Pieces):
    """A Parquet file, of which only the wanted columns of the wanted row groups are decoded."""

    def __init__(self, path: str, row_groups: Sequence[int] | None) -> None:
        self._file = needs("pyarrow.parquet").ParquetFile(path)
        metadata, schema = self._file.metadata, self._file.schema_arrow
        self._groups = list(range(metadata.num_row_groups) if row_groups is None else row_groups)
        if strange := [i for i in self._groups if not 0 <= i < metadata.num_row_groups]:
            self._file.close()
            raise ValueError(f"there are no row groups {strange}: it has {metadata.num_row_groups}, counted from 0.")
        super().__init__([metadata.row_group(i).num_rows for i in self._groups], schema)
        # schemas of pyarrow and what belongs to them refer to each other: the footer would stay until Python collects
        some = metadata.row_group(0) if metadata.num_row_groups else None
        stored = [some.column(i).path_in_schema for i in range(metadata.num_columns)] if some else []
        leaves = [leaf for field in schema for leaf in _leaves(field.type, field.name)]
        self._stored = dict(zip(leaves, stored, strict=False)) if len(leaves) == len(stored) else {}
        self._position = {name: stored.index(path) for name, path in self._stored.items()}
        self._names = set(schema.names)
        self.fields = list(dict.fromkeys([*schema.names, *self._stored]))

    def _decode(self, names: Sequence[str], first: int, last: int) -> list[Any]:
        if len(names) == 1:
            path = names[0] if names[0] in self._names else self._stored[names[0]]
            return [self._file.read_row_groups(self._groups[first:last], columns=[path]).column(0)]
        table = self._file.read_row_groups(self._groups[first:last], columns=list(names))
        return [table.column(name) for name in names]

    def column(self, name: str, start: int, stop: int) -> Any:
        array = super().column(name, start, stop)
        if name not in self._names:  # one field of records
            while array.fields:
                array = array[array.fields[0]]
        return array

    def wanted(self, start: int, stop: int, may_pass: Any) -> Iterable[tuple[int, int]]:
        """Yield neighbouring row groups that may pass a cut as one range."""
        begun: int | None = None
        first, last = self._pieces(start, stop)
        for i in range(first, last):
            passes = may_pass(self._ranges(self._groups[i]))
            if passes and begun is None:
                begun = max(start, int(self.boundaries[i]))
            if not passes and begun is not None:
                yield begun, int(self.boundaries[i])
                begun = None
        if begun is not None:
            yield begun, stop

    def _ranges(self, group: int) -> Ranges:
        metadata = self._file.metadata.row_group(group)

        def of(name: str) -> tuple[Any, Any] | None:
            if name not in self._position:
                return None
            found = metadata.column(self._position[name]).statistics
            if found is None or not found.has_min_max or not isinstance(found.min, (int, float)):
                return None
            if isinstance(found.min, float):  # numpy rounds the number of a cut to the type of a column
                return found.min - _ROUNDED * abs(found.min), found.max + _ROUNDED * abs(found.max)
            return found.min, found.max

        return of

    def close(self) -> None:
        self._file.close()


class ArrowFile(_Pieces):
    """An Arrow (Feather) file mapped to memory; only the wanted columns of the wanted record batches are decoded.

    The columns of a store are used where they lie in the file.
    """

    def __init__(self, path: str) -> None:
        pyarrow = needs("pyarrow")
        self._map, self._ipc = pyarrow.memory_map(path), needs("pyarrow.ipc")
        schema = self._ipc.open_file(self._map).schema
        self.fields, self._schema, self.notes = list(schema.names), schema, schema.metadata or {}
        # columns that are chosen are copied out of the file, even those that nothing compresses, as in a store
        self._is_store = ROLES_KEY in self.notes
        one = self._only(self.fields[:1])
        super().__init__([one.get_batch(i).num_rows for i in range(one.num_record_batches)], schema)
        self._opened: dict[tuple[str, ...], Any] = {}

    def _only(self, names: Sequence[str]) -> Any:
        chosen = None if self._is_store else [self.fields.index(name) for name in names]
        return self._ipc.open_file(self._map, options=self._ipc.IpcReadOptions(included_fields=chosen))

    def _decode(self, names: Sequence[str], first: int, last: int) -> list[Any]:
        opened = () if self._is_store else tuple(names)
        if opened not in self._opened:
            self._opened[opened] = self._only(names)
        batches = [self._opened[opened].get_batch(i) for i in range(first, last)]
        columns = {name: [batch.column(name) for batch in batches] for name in names}
        joined = needs("pyarrow").chunked_array
        return [joined(columns[name], type=self._schema.field(name).type) for name in names]

    def close(self) -> None:
        self._decoded.clear()  # what is in use elsewhere keeps the map open
        self._opened.clear()


class ArrowTable(Reader):
    """A table of pyarrow in memory."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self.fields, self.n_entries = list(table.column_names), table.num_rows
        self._columns: dict[str, Any] = {}

    def column(self, name: str, start: int, stop: int) -> Any:
        if name not in self._columns:
            self._columns[name] = _from_arrow(self._table.column(name))
        return self._columns[name][start:stop]

    def numbers(self, names: Sequence[str], start: int, stop: int) -> Mapping[str, NDArray[Any]]:
        return _numbers_in({name: self._table.column(name).slice(start, stop - start) for name in names})
