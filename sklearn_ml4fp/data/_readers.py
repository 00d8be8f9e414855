"""Readers of columns: files of ROOT, Parquet, Arrow, HDF5 and numpy, and events in memory; one interface for all."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from os import fspath
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import first_line
from .._optional import comes_from, needs
from .._root import open_tree
from ._arrow_files import ArrowFile, ArrowTable, ParquetFile
from ._hdf5 import Hdf5File
from ._reader import InMemory, NumpyArray, Reader, is_number


class _Root(Reader):
    """A TTree or RNTuple; a branch inside another one (``Jet/Jet.PT`` of Delphes) is known by its own name."""

    def __init__(self, path: str, tree: str | None) -> None:
        self._tree = open_tree(path, tree)
        self._branches: dict[str, Any] = {}
        for where, branch in self._tree.iteritems():
            self._branches.setdefault(where.rpartition("/")[2], branch)
        self.fields, self.n_entries = [*self._branches], int(self._tree.num_entries)
        self._marks: dict[str, NDArray[np.int64] | None] = {}
        self._decoded: dict[str, tuple[int, int, Any]] = {}

    @property
    def boundaries(self) -> NDArray[np.int64] | None:  # type: ignore[override]
        """Entries at which the baskets of all branches end that have been read until now."""
        marks = [one for one in self._marks.values() if one is not None]
        return reduce(np.intersect1d, marks) if marks else None

    def _marks_of(self, name: str) -> NDArray[np.int64] | None:
        """Entries at which the baskets of a branch begin, and its end; an RNTuple has none."""
        if name not in self._marks:
            marks = getattr(self._branches[name], "entry_offsets", None)
            self._marks[name] = None if marks is None else np.asarray(marks, dtype=np.int64)
        return self._marks[name]

    def column(self, name: str, start: int, stop: int) -> Any:
        return self._part(name, start, stop, "ak")

    def numbers(self, names: Sequence[str], start: int, stop: int) -> Mapping[str, NDArray[Any]]:
        kinds = {
            name: getattr(getattr(self._branches[name], "interpretation", None), "to_dtype", None) for name in names
        }
        flat = [name for name, kind in kinds.items() if kind is not None and not kind.shape and is_number(kind)]
        return {name: self._part(name, start, stop, "np") for name in flat}

    def _part(self, name: str, start: int, stop: int, library: str) -> Any:
        """Return a part of a branch; whole baskets are read, and the last ones are kept for the next small chunk."""
        branch = self._branches[name]
        marks = self._marks_of(name)
        if marks is None or start >= stop:
            return branch.array(entry_start=start, entry_stop=stop, library=library)
        if isinstance(branch.interpretation, needs("uproot").AsStridedObjects):
            # uproot 5.7 fails where such an array ends exactly with a basket, other than the last
            array = branch.array(entry_start=start, entry_stop=min(stop + 1, self.n_entries), library=library)
            return array[: stop - start]
        baskets = range(int(marks.searchsorted(start, side="right")) - 1, int(marks.searchsorted(stop)))
        first, last = int(marks[baskets.start]), int(marks[baskets.stop])
        key = f"{name} {library}"
        if self._decoded.get(key, ())[:2] != (first, last):
            self._decoded.pop(key, None)
            if library == "np":  # of numbers; for a range of entries, uproot goes through the list of all baskets
                array = np.concatenate([branch.basket(i).array(library="np") for i in baskets])
            else:
                array = branch.array(entry_start=first, entry_stop=last, library=library)
            self._decoded[key] = first, last, array
        return self._decoded[key][2][start - first : stop - first]

    def release(self) -> None:
        self._decoded.clear()

    def close(self) -> None:
        self._tree.file.close()


def in_memory(events: Any) -> Reader | None:
    """Return the reader of an awkward or numpy array, a data frame of pandas or polars, or a table of pyarrow."""
    if comes_from(events, "awkward"):
        return InMemory(events)
    if isinstance(events, np.ndarray) and (events.dtype.names or events.ndim == 2):
        return NumpyArray(events)
    if comes_from(events, "pyarrow") and hasattr(events, "column_names"):
        return ArrowTable(events)
    if hasattr(events, "columns") and hasattr(events, "iloc"):
        return ArrowTable(needs("pyarrow").Table.from_pandas(events, preserve_index=False))
    if hasattr(events, "columns") and hasattr(events, "to_arrow"):  # polars
        needs("pyarrow")
        return ArrowTable(events.to_arrow())
    return None


def reader_of(events: Any, name: str) -> Reader:
    """Return the reader of events in memory, which are called ``name``."""
    if (reader := in_memory(events)) is None:
        raise ValueError(
            f"{name} is a {type(events).__name__}: expected an awkward array of records, a data frame, a table of "
            "pyarrow or an array of numpy with columns."
        )
    return reader


_MAGIC = (
    (b"root", "ROOT"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
    (b"FEA1", "Feather"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x93NUMPY", "numpy"),
)


def _kind_of_file(path: str) -> str:
    """Tell the format of a file by its first bytes, or, of an address, by its name."""
    if "://" in path:
        return "Parquet" if path.endswith((".parquet", ".pq")) else "ROOT"
    with Path(path).open("rb") as file:
        start = file.read(8)
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    what = "is empty (0 bytes)" if not start else "is no file of ROOT, Parquet, Arrow, Feather, HDF5 or numpy (.npy)"
    raise ValueError(f"{path} {what}: expected one of these, complete.")


def open_file(path: str, tree: str | None, row_groups: Sequence[int] | None = None) -> Reader:
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
    if row_groups is not None and kind != "Parquet":
        raise ValueError(f"{path} is a file of {kind} and has no row groups: leave out row_groups={row_groups!r}.")
    if kind == "ROOT":
        return _Root(path, tree)
    if tree is not None and kind != "HDF5":
        raise ValueError(f"{path} is a file of {kind} and has no trees: leave out tree={tree!r}.")
    try:
        match kind:
            case "Parquet":
                return ParquetFile(path, row_groups)
            case "Arrow":
                return ArrowFile(path)
            case "HDF5":
                return Hdf5File(path, tree)
            case "numpy":
                return NumpyArray(np.load(path, mmap_mode="r", allow_pickle=False))
        return ArrowTable(needs("pyarrow.feather").read_table(path))
    except (ValueError, OSError, RuntimeError, EOFError) as error:  # each library, and version of it, has its own
        raise ValueError(f"{path} cannot be read as a complete file of {kind} ({first_line(error)}).") from error


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
        "expected the path of a file, a pattern (data/*.root), a list of these, an awkward array, a data frame of "
        "pandas or polars, or an array of numpy with named columns or two axes; "
        f"got {type(files).__name__}{nothing}."
    )
