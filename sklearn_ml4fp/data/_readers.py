"""Readers of columns: ROOT, Parquet, Arrow and Feather files, awkward arrays and data frames, one interface for all."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from os import fspath
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._optional import comes_from, needs
from .._root import open_tree


class Reader:
    """Columns of one file, read by name and range of entries as awkward arrays; closed at the end of a ``with``."""

    fields: list[str]
    n_entries: int
    boundaries: NDArray[np.int64] | None = None  # entries at which the file is best cut; None for any

    def column(self, name: str, start: int, stop: int) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Root(Reader):
    """A TTree or RNTuple; a branch inside another one (``Jet/Jet.PT`` of Delphes) is known by its own name."""

    def __init__(self, path: str, tree: str | None) -> None:
        self._tree = open_tree(path, tree)
        self._branches: dict[str, Any] = {}
        for where, branch in self._tree.iteritems():
            self._branches.setdefault(where.rpartition("/")[2], branch)
        self.fields, self.n_entries = [*self._branches], int(self._tree.num_entries)

    def column(self, name: str, start: int, stop: int) -> Any:
        return self._branches[name].array(entry_start=start, entry_stop=stop, library="ak")

    def close(self) -> None:
        self._tree.file.close()


class _Parquet(Reader):
    """A Parquet file, of which only the wanted columns of the wanted row groups are decoded."""

    def __init__(self, file: Any) -> None:
        self._file = file
        metadata = self._file.metadata
        self.fields, self.n_entries = list(self._file.schema_arrow.names), metadata.num_rows
        rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        self._starts = self.boundaries = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])
        self._decoded: dict[str, tuple[tuple[int, int], Any]] = {}  # the last row groups, for the next small chunk

    def column(self, name: str, start: int, stop: int) -> Any:
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left"))
        groups, column = self._decoded.get(name, ((0, 0), None))
        if groups != (first, last):
            column = self._file.read_row_groups(list(range(first, last)), columns=[name]).column(name)
            self._decoded[name] = (first, last), column
        return needs("awkward").from_arrow(column.slice(start - int(self._starts[first]), stop - start))

    def close(self) -> None:
        self._file.close()


class _Arrow(Reader):
    """A table of pyarrow, in memory or mapped to it."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self.fields, self.n_entries = list(table.column_names), table.num_rows

    def column(self, name: str, start: int, stop: int) -> Any:
        return needs("awkward").from_arrow(self._table.column(name).slice(start, stop - start))


class _Awkward(Reader):
    """An awkward array of one record per event."""

    def __init__(self, array: Any) -> None:
        if not array.fields or array.ndim != 1:
            raise ValueError(
                f"expected an awkward array of one record per event, got {array.type}. Name a single collection by "
                "ak.zip({'jets': array}, depth_limit=1)."
            )
        self._array = array
        self.fields, self.n_entries = list(array.fields), len(array)

    def column(self, name: str, start: int, stop: int) -> Any:
        return self._array[name][start:stop]


def in_memory(events: Any) -> Reader | None:
    """Return the reader of an awkward array, a data frame of pandas or polars, or a table of pyarrow; else None."""
    if comes_from(events, "awkward"):
        return _Awkward(events)
    if comes_from(events, "pyarrow") and hasattr(events, "column_names"):
        return _Arrow(events)
    if hasattr(events, "columns") and hasattr(events, "iloc"):
        return _Arrow(needs("pyarrow").Table.from_pandas(events, preserve_index=False))
    if hasattr(events, "columns") and hasattr(events, "to_arrow"):  # polars
        needs("pyarrow")
        return _Arrow(events.to_arrow())
    return None


def _kind_of_file(path: str) -> str:
    """Tell the format of a file by its first bytes, or, of an address, by its name."""
    if "://" in path:
        return "parquet" if path.endswith((".parquet", ".pq")) else "root"
    with Path(path).open("rb") as file:
        start = file.read(8)
    for magic, kind in ((b"root", "root"), (b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"FEA1", "arrow")):
        if start.startswith(magic):
            return kind
    if start.startswith(b"\x89HDF"):
        raise ValueError(f"{path} is an HDF5 file: read it by pandas.read_hdf(path), and give the data frame.")
    what = "is empty (0 bytes)" if not start else "is no file of ROOT, Parquet, Arrow or Feather"
    raise ValueError(f"{path} {what}: expected one of these, complete.")


def open_file(path: str, tree: str | None) -> Reader:
    """Open a file by its format.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is empty, truncated, or of another format; the error names it.
    """
    local = path if "://" in path or Path(path).exists() else path.rpartition(":")[0]
    if "://" not in path and not Path(local or path).is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    kind = _kind_of_file(local)
    if kind == "root":
        return _Root(path, tree)
    if tree is not None:
        raise ValueError(f"{path} is a file of {kind} and has no trees: leave out tree={tree!r}.")
    parquet, feather = needs("pyarrow.parquet"), needs("pyarrow.feather")
    try:
        if kind == "parquet":
            return _Parquet(parquet.ParquetFile(path))
        return _Arrow(feather.read_table(path, memory_map=True))
    except (ValueError, OSError, RuntimeError) as error:  # each version of pyarrow has its own
        raise ValueError(
            f"{path} cannot be read as a file of {kind} ({type(error).__name__}: {str(error).splitlines()[0]}): "
            "expected a complete one."
        ) from error


def paths_of(files: Any) -> list[str]:
    """List the files that a path, a pattern or a list of these names, those of a pattern in the order of their names.

    Raises
    ------
    FileNotFoundError
        A pattern fits no file.
    TypeError
        It is neither.
    """
    if isinstance(files, str) or hasattr(files, "__fspath__"):
        path = fspath(files)
        if "://" in path or Path(path).exists() or not glob.has_magic(path):
            return [path]
        if found := sorted(glob.glob(path, recursive=True)):  # noqa: PTH207 (Path.glob refuses absolute patterns)
            return found
        raise FileNotFoundError(f"no file fits the pattern {path}.")
    if isinstance(files, Iterable) and not isinstance(files, (bytes, dict)) and not hasattr(files, "dtype"):
        paths = [path for one in files for path in paths_of(one)]
        if paths:
            return paths
    nothing = " that names no file" if isinstance(files, (list, tuple)) else ""
    raise TypeError(
        "expected the path of a file, a pattern (data/*.root), a list of these, an awkward array, or a data frame of "
        f"pandas or polars; got {type(files).__name__}{nothing}."
    )
