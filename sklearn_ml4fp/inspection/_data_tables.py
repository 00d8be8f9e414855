"""Read arrays, data frames, point clouds and data sets as tables of numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .._missing import real_numbers
from .._optional import is_awkward
from .._segments import segment_sum
from ..data import PointClouds, as_point_clouds
from ._data_columns import Table, transposed


def _distinct(names: Any) -> tuple[list[str], list[str]]:
    """Return names as text, numbered where several columns have one (pt, pt (2)), and the repeated names."""
    count: Counter[str] = Counter()
    found = []
    for name in map(str, names):
        count[name] += 1
        found.append(name if count[name] == 1 else f"{name} ({count[name]})")
    return found, [name for name, times in count.items() if times > 1]


def _of_frame(X: Any) -> tuple[Table, int]:
    found, other = {}, {}
    names, repeated = _distinct(X.columns)
    for i, name in enumerate(names):
        column = X.iloc[:, i] if hasattr(X, "iloc") else X[name]
        numbers = real_numbers(column)
        if numbers is None:
            other[name] = column
        else:
            found[name] = numbers, str(column.dtype)
    if not found:
        types = {name: str(column.dtype) for name, column in other.items()}
        raise ValueError(f"X has no numeric column: expected numbers, got {types}.")
    matrix = np.array([numbers for numbers, _ in found.values()])
    memory = X.memory_usage(deep=True).sum() if hasattr(X, "memory_usage") else X.estimated_size()
    return Table.of(list(found), matrix, [dtype for _, dtype in found.values()], other, repeated), int(memory)


def _of_clouds(X: Any) -> tuple[Table, Table, int]:
    """Make tables of the particles, and of the events: number and means of the particles, and columns of the event."""
    counts = np.diff(X.offsets)
    names = [str(name) for name in X.feature_names]
    sums = segment_sum(X.values, X.offsets)
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], np.nan)
    matrix, labels = [counts[:, None], means], ["n_particles", *(f"mean {name}" for name in names)]
    if X.event_values is not None:
        matrix.append(X.event_values)
        labels += [str(name) for name in X.event_names]
    events = np.hstack(matrix).astype(np.float64)
    memory = X.values.nbytes + X.offsets.nbytes + (0 if X.event_values is None else X.event_values.nbytes)
    return (
        Table.of(labels, transposed(events), ["int64", *["float64"] * (len(labels) - 1)]),
        Table.of(names, transposed(X.values), [str(X.values.dtype)] * len(names)),
        memory,
    )


def read_events(X: Any) -> Any:
    """Convert an awkward array or a list of arrays to point clouds; return anything else unchanged."""
    if is_awkward(X) or (isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) == 2):
        return as_point_clouds(X)
    return X


def read_tables(X: Any, names: Any = None) -> tuple[Table, Table | None, int]:
    """Return the columns of the events, those of the particles of point clouds, and the memory in bytes.

    Raises
    ------
    ValueError
        ``X`` is not a table of numbers.
    """
    if isinstance(X, PointClouds):
        return _of_clouds(X)
    if hasattr(X, "columns"):
        table, memory = _of_frame(X)
        return table, None, memory
    array = real_numbers(X)
    if array is None or array.ndim != 2:
        got = f"shape {X.shape} and type {X.dtype}" if hasattr(X, "dtype") else f"type {type(X).__name__}"
        raise ValueError(
            f"X has {got}: expected a table of numbers (n_events, n_columns), a data frame or point clouds. A padded "
            "array of points becomes point clouds by PointClouds.from_padded, images and sequences become a table by "
            "X.reshape(len(X), -1)."
        )
    labels, repeated = _distinct([f"x{i}" for i in range(array.shape[1])] if names is None else names)
    return (
        Table.of(labels, transposed(array), [str(array.dtype)] * array.shape[1], repeated=repeated),
        None,
        array.nbytes,
    )
