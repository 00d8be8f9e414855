"""Base of the ragged containers: checks of their parts, and slicing as scikit-learn does it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._missing import real_numbers, with_nan
from .._segments import Index


def check_offsets(offsets: ArrayLike, n_rows: int, name: str) -> Index:
    """Convert offsets to int64, or raise a clear error."""
    array = np.asarray(with_nan(offsets))
    if array.ndim != 1 or len(array) == 0 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be a 1-D array of at least one integer, "
            f"got {array.dtype} of shape {array.shape}; the first is 0, the last the number of rows."
        )
    array = array.astype(np.int64, copy=False)
    if array[0] != 0 or array[-1] != n_rows or np.any(array[1:] < array[:-1]):
        raise ValueError(
            f"{name} must rise from 0 to the number of rows, {n_rows}, without ever falling; "
            f"got {array[0]} to {array[-1]}."
        )
    return array


def check_names(names: Any, n_columns: int, what: str, prefix: str) -> tuple[str, ...]:
    """Convert names to a tuple of distinct strings; without names, ``prefix0, prefix1, ...``."""
    if names is None:
        return tuple(f"{prefix}{i}" for i in range(n_columns))
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"{what} must be a sequence of strings, got {names!r}; write [{str(names)!r}].")
    names = tuple(str(name) for name in names)
    if len(names) != n_columns:
        raise ValueError(f"{what} has {len(names)} names for {n_columns} columns; give one name a column.")
    if len(set(names)) < len(names):
        raise ValueError(f"{what} must be distinct, got {names}.")
    return names


def as_floats(numbers: NDArray[Any]) -> NDArray[Any]:
    """Convert numbers that are not floats, or longer ones, to float64."""
    return numbers if numbers.dtype.kind == "f" and numbers.dtype.itemsize <= 8 else numbers.astype(np.float64)


def check_columns(values: ArrayLike, what: str) -> NDArray[Any]:
    """Convert to a 2-D array of floating-point numbers (others become float64), or raise a clear error."""
    array = real_numbers(values, exact=what)
    if array is None or array.ndim != 2:
        found = np.asarray(values) if array is None else array
        raise ValueError(
            f"{what} must be a 2-D array of numbers, one row each and one column per feature; "
            f"got {found.dtype} of shape {found.shape}."
        )
    return as_floats(array)


def _resolve(key: Any, n: int, kind: str) -> int | slice | Index:
    """Convert a key of scikit-learn to an integer, a slice or an array of indices in range."""
    if isinstance(key, tuple):
        if not 1 <= len(key) <= 2 or (len(key) == 2 and key[1] is not Ellipsis):
            raise IndexError(f"{kind} are ragged and sliced along the first axis only: X[key] or X[key, ...].")
        key = key[0]
    if key is Ellipsis:
        return slice(None)
    if isinstance(key, slice):
        return key
    index = np.asarray(with_nan(key))
    if index.dtype == bool and index.ndim == 1:
        if len(index) != n:
            raise IndexError(f"a mask for {n} {kind} must have {n} entries, got {len(index)}.")
        return np.flatnonzero(index)
    if index.size == 0 and index.ndim == 1:
        return np.zeros(0, dtype=np.int64)
    if index.dtype.kind not in "iu" or index.ndim > 1:
        raise IndexError(
            f"{kind} are sliced by an integer, a slice, a mask or a 1-D array of integers; "
            f"got {index.dtype} of shape {index.shape}."
        )
    index = index.astype(np.int64, copy=False)
    low, high = int(index.min()), int(index.max())
    if low < -n or high >= n:
        raise IndexError(f"index {low if low < -n else high} is out of range for {n} {kind}.")
    if low < 0:
        index = np.where(index < 0, index + n, index)
    return int(index) if index.ndim == 0 else index


class Ragged(ABC):
    """Base of the containers, which are sliced as an array along the first axis; subclasses cut and gather."""

    __hash__ = None  # type: ignore[assignment]  # compared by content, and the content can change
    __array_ufunc__ = None  # arithmetic on the container is refused instead of building an object array

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _item(self, i: int) -> Any:
        """Return one event."""

    @abstractmethod
    def _cut(self, first: int, last: int) -> Self:
        """Return the events ``first`` to before ``last``."""

    @abstractmethod
    def _gather(self, index: Index) -> Self:
        """Return the events of these numbers."""

    def __sizeof__(self) -> int:
        """Return the size in bytes, including the arrays: Dask sends large objects once, and small ones always."""
        return object.__sizeof__(self) + self.nbytes

    @property
    def nbytes(self) -> int:
        """Memory of the numbers, in bytes."""
        return sum(one.nbytes for one in vars(self).values() if isinstance(one, np.ndarray | Ragged))

    @property
    def shape(self) -> tuple[int]:
        """Shape ``(n,)``: a ragged container has a length along this axis only."""
        return (len(self),)

    def __getitem__(self, key: Any) -> Any:
        key = _resolve(key, len(self), type(self).__name__)
        if isinstance(key, int):
            return self._item(key)
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            if step == 1:
                return self._cut(first, max(first, last))
            return self._gather(np.arange(len(self))[key])
        return self._gather(key)

    def __iter__(self) -> Iterator[Any]:
        return (self._item(i) for i in range(len(self)))

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        kind = type(self).__name__
        raise TypeError(
            f"{kind} are ragged and do not become one array by themselves. Use an estimator or a transformer that "
            "takes them (ParticleWise(StandardScaler()) applies one for tables to the points; ToList, ToSet, ToImage "
            "turn point clouds into arrays), or PointClouds.to_padded(). set_output is for tables alone."
        )
