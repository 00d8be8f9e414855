"""What every reader of columns does: read by name and range of entries, as awkward arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._optional import needs
from .._segments import Index

Ranges = Callable[[str], tuple[Any, Any] | None]


def is_number(dtype: np.dtype[Any]) -> bool:
    """Return whether values of a type are numbers as the processor has them."""
    return dtype.kind in "iuf" and dtype.isnative


class Reader(ABC):
    """Columns of one file, read by name and range of entries as awkward arrays; closed at the end of a ``with``."""

    fields: list[str]
    n_entries: int
    boundaries: NDArray[np.int64] | None = None  # entries at which the file is best cut; None for any
    notes: Mapping[bytes, bytes] = MappingProxyType({})  # that a file holds beside its columns

    @abstractmethod
    def column(self, name: str, start: int, stop: int) -> Any:
        """Return a column of the entries ``start`` to before ``stop``."""

    def numbers(self, names: Sequence[str], start: int, stop: int) -> Mapping[str, NDArray[Any]]:
        """Return those of some columns that hold one number per entry and no gap, at once; the others are left out."""
        return {}

    def lists(self, name: str, start: int, stop: int) -> tuple[NDArray[Any], Index] | None:
        """Return the numbers of a column of lists without gaps, and the lengths of the lists; None of any other."""
        return None

    def wanted(self, start: int, stop: int, may_pass: Callable[[Ranges], bool]) -> Iterable[tuple[int, int]]:
        """Yield the ranges of entries that may pass a cut, by the statistics that a file keeps of its parts, if any.

        ``may_pass`` takes a function that returns the least and the greatest number of a column, or None.
        """
        return [(start, stop)]

    def release(self) -> None:  # noqa: B027 (most keep nothing)
        """Forget what is kept for the next chunk, since another file is read before."""

    def close(self) -> None:  # noqa: B027 (events in memory have nothing to close)
        """Close the file, if there is one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class InMemory(Reader):
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


class NumpyArray(Reader):
    """A structured array, or a table of which the columns are x0, x1, ...; also mapped from a file to memory."""

    def __init__(self, array: Any) -> None:
        names = array.dtype.names
        if array.ndim != (2 if names is None else 1) or (names is None and array.dtype.kind not in "biuf"):
            raise ValueError(
                f"expected a structured array of shape (n,), or numbers of shape (n, n_columns); got {array.dtype} of "
                f"shape {array.shape}."
            )
        self._array = array
        self.fields = list(names) if names else [f"x{i}" for i in range(array.shape[1])]
        self._place = {name: name if names else (..., i) for i, name in enumerate(self.fields)}
        self.n_entries = len(array)

    def column(self, name: str, start: int, stop: int) -> Any:
        return as_awkward(self._array[start:stop][self._place[name]])

    def numbers(self, names: Sequence[str], start: int, stop: int) -> Mapping[str, NDArray[Any]]:
        rows = self._array[start:stop]
        columns = {name: rows[self._place[name]] for name in names}
        return {name: one for name, one in columns.items() if one.ndim == 1 and is_number(one.dtype)}


def as_awkward(array: Any) -> Any:
    """Convert a column of numpy: numbers, text, or points, which are further axes."""
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    ak = needs("awkward")
    column = ak.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))
    return ak.from_regular(column) if array.ndim > 1 else column  # a mask then picks points, and keeps the events
