"""Read what comes as a data set, an array, a data frame or point clouds, as tables of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._data_columns import Table, transposed


def _numbers(column: Any) -> np.ndarray | None:
    """A column of a data frame as numbers with NaN for missing, or None where it holds none."""
    array = np.asarray(column)
    if array.dtype.kind in "fiub":
        return array
    if str(column.dtype).startswith(("Int", "UInt", "Float", "boolean", "Decimal", "Boolean")):  # with missing values
        absent = np.asarray(column.isna() if hasattr(column, "isna") else column.is_null(), dtype=bool)
        values = [np.nan if missing else one for one, missing in zip(column.tolist(), absent, strict=True)]
        return np.array(values, dtype=np.float64)
    return None


def _of_frame(X: Any) -> tuple[Table, int]:
    found, other = {}, {}
    for name in X.columns:
        column = X[name]
        numbers = _numbers(column)
        if numbers is None:
            other[str(name)] = str(column.dtype)
        else:
            found[str(name)] = numbers, str(column.dtype)
    if not found:
        raise ValueError(f"X has no numeric column: expected numbers, got {other}.")
    matrix = np.array([numbers for numbers, _ in found.values()])
    memory = X.memory_usage(deep=True).sum() if hasattr(X, "memory_usage") else X.estimated_size()
    return Table.of(list(found), matrix, [dtype for _, dtype in found.values()], other), int(memory)


def _of_clouds(X: Any) -> tuple[Table, Table, int]:
    """Particles as they are; events as number of particles, means over the particles, and the columns of the event."""
    counts = np.diff(X.offsets)
    names = [str(name) for name in X.feature_names]
    sums = np.add.reduceat(np.vstack([X.values, np.zeros_like(X.values[:1])]), X.offsets[:-1], axis=0)
    with np.errstate(invalid="ignore"):
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


def read_tables(X: Any, names: Any = None) -> tuple[Table, Table | None, int]:
    """Return the columns of the events, those of the particles of point clouds, and the memory in bytes.

    Raises
    ------
    ValueError
        ``X`` is no table of numbers.
    """
    if hasattr(X, "offsets") and hasattr(X, "values"):
        return _of_clouds(X)
    if hasattr(X, "columns"):
        table, memory = _of_frame(X)
        return table, None, memory
    array = np.asarray(X)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise ValueError(
            f"X has shape {array.shape} and type {array.dtype}: expected a table of numbers (n_events, n_columns), "
            "a data frame or PointClouds."
        )
    labels = [f"x{i}" for i in range(array.shape[1])] if names is None else [str(name) for name in names]
    return Table.of(labels, transposed(array), [str(array.dtype)] * array.shape[1]), None, array.nbytes
