"""Point clouds from and to what is in memory: lists, padded arrays, wide and long tables, awkward arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._optional import needs
from .._segments import offsets_from_counts, positions, segment_ids
from ._clouds import CloudsCore


def _absent(rows: NDArray[Any], padding: float) -> NDArray[np.bool_]:
    """Where all features of a row equal the padding value."""
    return (np.isnan(rows) if np.isnan(padding) else rows == padding).all(axis=-1)


def _check_table(table: Any) -> None:
    if not hasattr(table, "columns"):
        raise TypeError(f"expected a pandas or polars table with named columns, got {type(table).__name__}.")


def _columns_of(table: Any, names: Sequence[str]) -> NDArray[Any]:
    """Columns of a pandas or polars table side by side; a table of one dtype keeps it."""
    _check_table(table)
    if missing := [name for name in names if name not in table.columns]:
        raise ValueError(f"the table has no columns {missing}; it has {list(table.columns)}.")
    return np.asarray(table[list(names)].to_numpy())


class InMemory(CloudsCore):
    """Converters that need no file."""

    @classmethod
    def from_lists(cls, clouds: Sequence[ArrayLike], feature_names: Sequence[str] | None = None) -> Self:
        """Point clouds from a list of arrays.

        Parameters
        ----------
        clouds : sequence of array-like of shape (n_points, n_features)
            One array a cloud. An empty list stands for an empty cloud, if another cloud or ``feature_names`` tells the
            number of features.
        feature_names : sequence of str, optional
            Names of the features.

        Raises
        ------
        ValueError
            If an entry is not two-dimensional, or entries differ in their number of features.

        Examples
        --------
        >>> from sklearn_ml4fp import PointClouds
        >>> PointClouds.from_lists([[[1.0, 2.0]], [], [[3.0, 4.0], [5.0, 6.0]]]).counts
        array([1, 0, 2])
        """
        arrays = [np.asarray(cloud) for cloud in clouds]
        widths = {array.shape[1] for array in arrays if array.ndim == 2}
        if not widths and feature_names is not None:
            widths = {len(feature_names)}
        bad = [i for i, array in enumerate(arrays) if array.ndim != 2 and array.shape != (0,)]
        if bad or len(widths) != 1:
            raise ValueError(
                "expected a list of 2-D arrays (points x features), all with the same number of features; "
                + (f"entry {bad[0]} has shape {arrays[bad[0]].shape}." if bad else f"got widths {sorted(widths)}.")
            )
        width = widths.pop()
        arrays = [array if array.ndim == 2 else np.zeros((0, width), dtype=np.float32) for array in arrays]
        values = np.concatenate(arrays) if arrays else np.zeros((0, width))
        return cls(values, offsets_from_counts([len(array) for array in arrays]), feature_names)

    def to_lists(self) -> list[NDArray[Any]]:
        """One array ``(n_points, n_features)`` a cloud; views of ``values``."""
        return list(self)

    @classmethod
    def from_padded(
        cls,
        array: ArrayLike,
        mask: ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
        *,
        padding: float = np.nan,
    ) -> Self:
        """Point clouds from a padded array.

        Parameters
        ----------
        array : array-like of shape (n_clouds, n_points_max, n_features)
            The points and the padding between them.
        mask : array-like of shape (n_clouds, n_points_max), optional
            True where there is a point. Without one, a row whose features all equal ``padding`` is no point.
        feature_names : sequence of str, optional
            Names of the features.
        padding : float, default=NaN
            Value of the padding; not looked at where there is a mask.

        Raises
        ------
        ValueError
            If the shapes do not fit.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ml4fp import PointClouds
        >>> PointClouds.from_padded(np.array([[[1.0], [np.nan]], [[2.0], [3.0]]])).counts
        array([1, 2])
        """
        array = np.asarray(array)
        if array.ndim != 3:
            raise ValueError(f"expected an array (n_clouds, n_points_max, n_features), got shape {array.shape}.")
        present = ~_absent(array, padding) if mask is None else np.asarray(mask, dtype=bool)
        if present.shape != array.shape[:2]:
            raise ValueError(f"mask must have shape {array.shape[:2]} like the points, got {present.shape}.")
        return cls(array[present], offsets_from_counts(present.sum(axis=1)), feature_names)

    def to_padded(
        self, max_points: int | None = None, *, fill: float = np.nan
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """A padded array and its mask.

        Parameters
        ----------
        max_points : int, optional
            Number of points; longer clouds keep their first ones. The longest cloud sets it by default.
        fill : float, default=NaN
            Value of the padding.

        Returns
        -------
        padded : ndarray of shape (n_clouds, max_points, n_features)
            The points of each cloud, then the padding.
        mask : ndarray of shape (n_clouds, max_points)
            True where there is a point.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ml4fp import PointClouds
        >>> padded, mask = PointClouds(np.ones((3, 1)), [0, 2, 3]).to_padded(fill=0.0)
        >>> padded[:, :, 0]
        array([[1., 1.],
               [1., 0.]])
        """
        counts = self.counts
        longest = int(counts.max(initial=0))
        length = longest if max_points is None else max_points
        mask = np.arange(length) < counts[:, np.newaxis]
        padded = np.full((len(self), length, self.values.shape[1]), fill, dtype=self.values.dtype)
        place = positions(self.offsets)
        row = np.repeat(np.arange(len(self)) * length, counts) + place
        if longest <= length:
            padded.reshape(-1, self.values.shape[1])[row] = self.values
        else:
            kept = place < length
            padded.reshape(-1, self.values.shape[1])[row[kept]] = self.values[kept]
        return padded, mask

    @classmethod
    def from_wide(
        cls, table: Any, features: Sequence[str], *, template: str = "Jet {point} {feature}", padding: float = np.nan
    ) -> Self:
        """Point clouds from a table with one row an event: Jet 1 pT, Jet 1 η, Jet 2 pT, ..., NaN where absent.

        Parameters
        ----------
        table : pandas or polars DataFrame
            One row an event; further columns are left alone.
        features : sequence of str
            The features of a point, as the names of the columns spell them.
        template : str, default="Jet {point} {feature}"
            How a column is called; points count from 1 and end with the last one that has columns.
        padding : float, default=NaN
            A point whose features all equal it is absent.

        Raises
        ------
        TypeError
            If ``table`` has no named columns.
        ValueError
            If there is no column for the first point, or one is missing for a later one.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn_ml4fp import PointClouds
        >>> table = pd.DataFrame({"Jet 1 pT": [50.0, 60.0], "Jet 2 pT": [float("nan"), 40.0]})
        >>> PointClouds.from_wide(table, ["pT"]).counts
        array([1, 2])
        """
        _check_table(table)
        n_points = 0
        while template.format(point=n_points + 1, feature=features[0]) in table.columns:
            n_points += 1
        if n_points == 0:
            raise ValueError(
                f"no column {template.format(point=1, feature=features[0])!r} in the table; "
                f"give template= as the columns are named: {list(table.columns)}."
            )
        names = [template.format(point=p + 1, feature=f) for p in range(n_points) for f in features]
        wide = _columns_of(table, names)
        return cls.from_padded(wide.reshape(len(wide), n_points, len(features)), None, features, padding=padding)

    def to_wide(self, max_points: int | None = None, *, template: str = "Jet {point} {feature}") -> Any:
        """A pandas table with one row an event, NaN where a point is absent; event columns are left out.

        Parameters
        ----------
        max_points : int, optional
            Number of points; longer clouds keep their first ones. The longest cloud sets it by default.
        template : str, default="Jet {point} {feature}"
            How a column is called; points count from 1.
        """
        padded, _ = self.to_padded(max_points)
        n, length, _ = padded.shape
        names = [template.format(point=p + 1, feature=f) for p in range(length) for f in self.feature_names]
        return needs("pandas").DataFrame(padded.reshape(n, len(names)), columns=names)

    @classmethod
    def from_long(
        cls, table: Any, event_id: str, features: Sequence[str] | None = None, *, events: ArrayLike | None = None
    ) -> tuple[Self, NDArray[Any]]:
        """Point clouds from a table with one row a point, and the id of the event of each cloud.

        Points of an event need not be neighbours, and keep their order.

        Parameters
        ----------
        table : pandas or polars DataFrame
            One row a point.
        event_id : str
            Column that tells the event.
        features : sequence of str, optional
            Columns of the points; by default all but ``event_id``.
        events : array-like of shape (n_clouds,), optional
            Distinct ids, in the order in which clouds are wanted; those without a row are empty clouds, which a long
            table cannot show otherwise. By default, the ids as they appear first.

        Returns
        -------
        clouds : PointClouds
            One cloud an event.
        events : ndarray of shape (n_clouds,)
            Their ids, to be used as ``groups``.

        Raises
        ------
        TypeError
            If ``table`` has no named columns.
        ValueError
            If a column is missing, or ``events`` lacks an id of the table or repeats one.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn_ml4fp import PointClouds
        >>> table = pd.DataFrame({"event": [7, 3, 7], "pt": [1.0, 2.0, 3.0]})
        >>> X, ids = PointClouds.from_long(table, "event")
        >>> ids, X[0].ravel()
        (array([7, 3]), array([1., 3.]))
        """
        _check_table(table)
        if features is None:
            features = [str(name) for name in table.columns if name != event_id]
        values, ids = _columns_of(table, features), _columns_of(table, [event_id])[:, 0]
        known, first, which = np.unique(ids, return_index=True, return_inverse=True)
        if events is None:
            events = known[np.argsort(first)]
        events = np.asarray(events)
        order = np.argsort(events, kind="stable")
        if len(np.unique(events)) < len(events) or not np.isin(known, events).all():
            raise ValueError("events must hold every event id of the table exactly once.")
        cloud = order[np.searchsorted(events[order], known)][which] if len(known) else which
        if np.any(cloud[1:] < cloud[:-1]):
            rows = np.argsort(cloud, kind="stable")
            values = values[rows]
        return cls(values, offsets_from_counts(np.bincount(cloud, minlength=len(events))), features), events

    def to_long(self, event_id: str = "event", events: ArrayLike | None = None) -> Any:
        """A pandas table with one row a point; event columns and empty clouds are left out.

        Parameters
        ----------
        event_id : str, default="event"
            Name of the column with the id of the event, the first of the table.
        events : array-like of shape (n_clouds,), optional
            The ids; by default the number of the cloud.
        """
        ids = np.arange(len(self)) if events is None else np.asarray(events)
        table = needs("pandas").DataFrame(self.values, columns=list(self.feature_names), copy=False)
        table.insert(0, event_id, ids[segment_ids(self.offsets)])
        return table

    @classmethod
    def from_awkward(
        cls, array: Any, features: Sequence[str] | None = None, event_features: Sequence[str] | None = None
    ) -> Self:
        """Point clouds from an awkward array of events.

        Parameters
        ----------
        array : awkward.Array
            Either ``n * var * k * float64``, lists of fixed-size points, which are taken over without a copy; or
            ``n * var * {pt: float, y: float}``, lists of records; or ``n * {pt: var * float, met: float}``, records
            of lists of the same lengths, beside plain numbers, which become event columns.
        features : sequence of str, optional
            Fields that are features of the points, all of them by default; names of the columns where there are no
            fields.
        event_features : sequence of str, optional
            Fields that are event columns; all plain numbers by default.

        Raises
        ------
        ImportError
            Without awkward, which the extra ``hep`` installs.
        ValueError
            If there are no lists, lists of different lengths, or missing values; if it is a single event.

        Examples
        --------
        >>> import awkward as ak
        >>> from sklearn_ml4fp import PointClouds
        >>> PointClouds.from_awkward(ak.Array([{"pt": [50.0, 20.0], "met": 30.0}, {"pt": [], "met": 9.0}]))
        PointClouds(2 clouds, 2 points, features=('pt',), event columns=('met',), float64)
        """
        ak = needs("awkward")
        if isinstance(array, ak.Record):
            raise ValueError("expected an awkward array of events, got a single event: X[:1], not X[0].")
        if (fields := ak.fields(array)) and array.ndim == 1:
            return cls._from_records(array, fields, features, event_features)
        offsets, content = _lists_of(array)
        if fields:
            names = fields if features is None else list(features)
            values = np.stack([_numbers(content[name]) for name in names], axis=1)
            return cls(values, offsets, names)
        values = _numbers(content)
        return cls(values.reshape(len(values), -1), offsets, features)

    @classmethod
    def _from_records(
        cls, array: Any, fields: list[str], features: Sequence[str] | None, event_features: Sequence[str] | None
    ) -> Self:
        if features is None:
            features = [name for name in fields if array[name].ndim > 1]
        if event_features is None:
            event_features = [name for name in fields if array[name].ndim == 1]
        if not features:
            raise ValueError(f"no field holds lists of points; the fields are {fields}.")
        columns = [_lists_of(array[name]) for name in features]
        for name, (offsets, _) in zip(features, columns, strict=True):
            if not np.array_equal(offsets, columns[0][0]):
                raise ValueError(f"{name!r} and {features[0]!r} have lists of different lengths.")
        return cls(
            np.stack([_numbers(content) for _, content in columns], axis=1),
            columns[0][0],
            features,
            event_values=np.stack([_numbers(array[name]) for name in event_features], axis=1)
            if event_features
            else None,
            event_names=event_features,
        )

    def to_awkward(self) -> Any:
        """Records of lists, one field a feature, and the event columns as plain numbers.

        Awkward keeps every field in one piece, so that columns are copied unless there is only one.
        """
        ak = needs("awkward")

        def column(name: str) -> NDArray[Any]:
            return np.ascontiguousarray(self.column(name))

        offsets = ak.index.Index64(self.offsets)
        contents = [
            ak.contents.ListOffsetArray(offsets, ak.contents.NumpyArray(column(name))) for name in self.feature_names
        ]
        contents += [ak.contents.NumpyArray(column(name)) for name in self.event_names]
        names = [*self.feature_names, *self.event_names]
        return ak.Array(ak.contents.RecordArray(contents, names, length=len(self)))


def _lists_of(array: Any) -> tuple[NDArray[np.int64], Any]:
    """Offsets from 0 and the content of an awkward array of lists, without a copy where it is already in order."""
    ak = needs("awkward")
    array = ak.Array(array)
    layout = array.layout
    if not layout.is_list or layout.is_regular:
        array = ak.from_regular(array, axis=1) if layout.is_regular else array
        layout = ak.to_packed(array).layout
    if not layout.is_list:
        raise ValueError(f"expected an awkward array with one list of points an event, got {array.type}.")
    layout = layout.to_ListOffsetArray64(True)
    offsets = np.asarray(layout.offsets.data, dtype=np.int64)
    return offsets, ak.Array(layout.content[: offsets[-1]])


def _numbers(content: Any) -> NDArray[Any]:
    """An awkward array without lists of varying length, as numpy; missing values are refused."""
    ak = needs("awkward")
    try:
        return np.asarray(ak.to_numpy(content, allow_missing=False))
    except ValueError as error:
        raise ValueError(
            f"expected one number a feature and point, got {content.type}; fill missing values (ak.fill_none) and "
            "choose the features first."
        ) from error
