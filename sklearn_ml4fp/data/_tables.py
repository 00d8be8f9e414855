"""Point clouds from and to long tables, with one row per point, and the reading of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._events import check_ids
from .._missing import real_numbers
from .._optional import needs
from .._roles import warn_of_meanings
from .._segments import Index, offsets_from_counts, segment_ids
from ._clouds import CloudsCore


def check_table(table: Any) -> None:
    if not hasattr(table, "columns"):
        raise TypeError(f"expected a pandas or polars table with named columns, got {type(table).__name__}.")


def _check_columns(table: Any, names: Sequence[str]) -> None:
    """Refuse names that are not columns of the table."""
    if missing := [name for name in names if name not in table.columns]:
        raise ValueError(f"the table has no columns {missing}; it has {list(table.columns)}.")


def columns_of(table: Any, names: Sequence[str]) -> NDArray[Any]:
    """Read columns of a pandas or polars table side by side, NaN where a number is missing."""
    _check_columns(table, names)
    return np.stack([_column_of(table, name) for name in names], axis=1)


def _column_of(table: Any, name: str) -> NDArray[Any]:
    numbers = real_numbers(table[name], exact=repr(name))
    if numbers is None or numbers.ndim != 1:
        raise ValueError(
            f"the column {name!r} holds {table[name].dtype if hasattr(table[name], 'dtype') else 'several columns'}: "
            "expected numbers. A table with lists in its cells becomes point clouds by PointClouds.from_parquet, or by "
            "PointClouds.from_awkward(ak.from_arrow(pyarrow.Table.from_pandas(table)))."
        )
    gaps = numbers.dtype.kind == "f" and "int" in str(table[name].dtype).lower()  # the library of the table rounds them
    if gaps and np.nanmax(np.abs(numbers), initial=0) >= 2**53:
        raise ValueError(f"the column {name!r} holds integers beyond 2**53, which floats round, and gaps among them.")
    return numbers


# --- event ids ---


def _ids_of(column: Any) -> NDArray[Any]:
    """Read a column of event ids exactly: integers or text, none missing."""
    array = np.asarray(column, dtype=object if isinstance(column, (list, tuple)) else None)
    if len(array):
        check_ids(column)
    if array.dtype.kind != "O":
        return array.astype(array.dtype.newbyteorder("="))
    if len(array) and isinstance(
        array[0], (int, np.integer)
    ):  # without dtype, numpy turns small and large ones into floats
        return array.astype(np.uint64 if max(array) >= 2**63 else np.int64)
    return np.array(array.tolist())


def _split_ids(ids: Any, names: Sequence[str]) -> list[NDArray[Any]]:
    """Split ids into their columns: one column, a table, a structured or a 2-D array, or a list of tuples."""
    if hasattr(ids, "columns"):
        _check_columns(ids, names)
        columns = [ids[name] for name in names]
    elif (fields := getattr(getattr(ids, "dtype", None), "names", None)) is not None:
        if set(fields) != set(names):
            raise ValueError(f"events has the fields {fields}, expected {tuple(names)}.")
        columns = [ids[name] for name in names]
    elif len(names) == 1:
        columns = [ids]
    else:
        columns = [list(column) for column in zip(*ids, strict=True)] if len(ids) else [np.zeros(0, int)] * len(names)
        if len(columns) != len(names):
            raise ValueError(f"events has {len(columns)} columns, expected {len(names)}: {tuple(names)}.")
    return [_ids_of(column) for column in columns]


def _joined(wanted: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Join two columns of ids in one array, exactly."""
    kinds = {wanted.dtype.kind, rows.dtype.kind}
    if kinds == {"i", "u"}:  # numpy would convert both to float64
        return np.concatenate([wanted.astype(object), rows.astype(object)])
    if len(kinds) > 1 and len(wanted) and len(rows):
        raise ValueError(f"events are {wanted.dtype}, the ids of the table {rows.dtype}: expected one type.")
    return np.concatenate([wanted, rows])


def _number(columns: list[NDArray[Any]]) -> Index:
    """Number the rows: equal ones share a number, 0, 1, 2, ... without gaps."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for i, column in enumerate(columns):
        unique, inverse = np.unique(column, return_inverse=True)
        codes = inverse if i == 0 else np.unique(codes * len(unique) + inverse, return_inverse=True)[1]
    return codes.astype(np.int64, copy=False)


def _together(columns: list[NDArray[Any]], names: Sequence[str]) -> NDArray[Any]:
    """Put columns together as one id per event: a structured array if there are several."""
    if len(columns) == 1:
        return columns[0]
    ids = np.empty(len(columns[0]), dtype=[(name, column.dtype) for name, column in zip(names, columns, strict=True)])
    for name, column in zip(names, columns, strict=True):
        ids[name] = column
    return ids


class LongTables(CloudsCore):
    """Converters from and to tables with one row per point."""

    @classmethod
    def from_long(
        cls,
        table: Any,
        event_id: str | Sequence[str],
        features: Sequence[str] | None = None,
        *,
        events: Any = None,
    ) -> tuple[Self, NDArray[Any]]:
        """Make point clouds from a table with one row per point, and the id of the event of each cloud.

        Points of an event need not be neighbours, and keep their order.

        Parameters
        ----------
        table : pandas or polars DataFrame
            Table with one row per point.
        event_id : str or sequence of str
            Column with the id of the event, or several: ``["run", "event"]``. Integers or text, none missing.
        features : sequence of str, optional
            Columns of the points; by default all but ``event_id``.
        events : array-like of shape (n_clouds,), or of several columns as ``event_id``, optional
            Distinct ids, in the order of the clouds. Ids without a row are empty clouds, which a long table cannot show
            otherwise. The default is the order of first appearance.

        Returns
        -------
        clouds : PointClouds
            One cloud per event.
        events : ndarray of shape (n_clouds,)
            Ids of the events, to be used as ``groups``; for several columns a structured array with one field each.

        Warns
        -----
        UserWarning
            ``features`` is None, and a column is a label, a weight or another event id by its name.

        Raises
        ------
        TypeError
            If ``table`` has no named columns.
        ValueError
            A column is missing or holds no numbers, an id is missing or a float, ``events`` lacks an id of the table or
            repeats one, or a feature holds integers beyond 2**53.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn_ml4fp import PointClouds
        >>> table = pd.DataFrame({"event": [7, 3, 7], "pt": [1.0, 2.0, 3.0]})
        >>> X, ids = PointClouds.from_long(table, "event")
        >>> ids, X[0].ravel()
        (array([7, 3]), array([1., 3.]))
        """
        check_table(table)
        names = [event_id] if isinstance(event_id, str) else list(event_id)
        _check_columns(table, names)
        if features is None:
            features = [str(name) for name in table.columns if name not in names]
            warn_of_meanings(features, "Name those that you mean as features=.", 2)
        values, rows = columns_of(table, features), [_ids_of(table[name]) for name in names]
        if events is None:
            codes = _number(rows)
            first = np.zeros(codes.max(initial=-1) + 1, dtype=np.int64)
            first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last assignment stays: the first row
            order = np.sort(first)
            ids, wanted = [column[order] for column in rows], codes[order]
        else:
            ids = _split_ids(events, names)
            both = _number([_joined(one, column) for one, column in zip(ids, rows, strict=True)])
            wanted, codes = both[: len(ids[0])], both[len(ids[0]) :]
        place = np.full(max(codes.max(initial=-1), wanted.max(initial=-1)) + 1, -1)
        place[wanted] = np.arange(len(wanted))
        cloud = place[codes]
        if np.any(cloud < 0) or np.any(place[wanted] != np.arange(len(wanted))):
            raise ValueError("events must hold every event id of the table exactly once.")
        if np.any(cloud[1:] < cloud[:-1]):
            values = values[np.argsort(cloud, kind="stable")]
        counts = np.bincount(cloud, minlength=len(wanted))
        return cls(values, offsets_from_counts(counts), features), _together(ids, names)

    def to_long(self, event_id: str | Sequence[str] = "event", events: Any = None) -> Any:
        """Make a pandas table with one row per point; event columns and empty clouds are left out.

        Parameters
        ----------
        event_id : str or sequence of str, default="event"
            Name of the column with the id of the event, the first of the table, or of several.
        events : array-like of shape (n_clouds,), or of several columns as ``event_id``, optional
            Ids of the events; by default the number of the cloud.
        """
        names = [event_id] if isinstance(event_id, str) else list(event_id)
        ids = [np.arange(len(self))] if events is None else _split_ids(events, names)
        if len(ids) != len(names) or any(len(column) != len(self) for column in ids):
            raise ValueError(
                f"events has {len(ids[0])} ids, expected one of {tuple(names)} for each of {len(self)} clouds."
            )
        table = needs("pandas").DataFrame(self.values, columns=list(self.feature_names), copy=False)
        for i, (name, column) in enumerate(zip(names, ids, strict=True)):
            table.insert(i, name, column[segment_ids(self.offsets)])
        return table
