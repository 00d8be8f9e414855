"""Point clouds from and to lists, padded arrays and wide tables."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._missing import real_numbers
from .._optional import needs
from .._segments import offsets_from_counts, positions
from ._awkward import AwkwardConversions
from ._ragged import as_floats
from ._tables import LongTables, check_table, columns_of


def _absent(rows: NDArray[Any], padding: float | None) -> NDArray[np.bool_]:
    """Find the rows ``(n, p, k)`` that are not points: all features are NaN, or equal the padding."""
    absent = np.isnan(rows).all(axis=-1) if rows.dtype.kind == "f" else np.zeros(rows.shape[:-1], dtype=bool)
    if padding is None:
        if (rows[:, -1:] == 0).all(axis=-1).any():  # otherwise no event can end in zeros
            _warn_of_zeros((rows == 0).all(axis=-1), absent)
        return absent
    return absent | (rows == padding).all(axis=-1)


def _warn_of_zeros(zeros: NDArray[np.bool_], absent: NDArray[np.bool_]) -> None:
    """Warn if zeros look like padding: some events end in rows of zeros, and none has one before a point."""
    before_a_point = np.logical_or.accumulate(zeros, axis=1) & ~(zeros | absent)
    if zeros.shape[1] > 1 and zeros.any() and not before_a_point.any():
        warnings.warn(
            f"{zeros.any(axis=1).sum()} of {len(zeros)} events end in rows of zeros, as zero-padded arrays do, which "
            "are taken for points. If they are padding, say padding=0.0 or convert by PointClouds.from_padded(X, "
            "padding=0.0); if they are points, padding=float('nan').",
            UserWarning,
            stacklevel=4,
        )


def _as_mask(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    numbers = real_numbers(mask)
    if numbers is None or numbers.shape != shape or not np.isin(numbers, (0, 1)).all():
        got = "other entries" if numbers is None or numbers.shape == shape else str(numbers.shape)
        raise ValueError(f"mask must have shape {shape} like the points, True where there is one; got {got}.")
    return numbers.astype(bool)


def _check_template(template: str, features: Sequence[str]) -> None:
    """Refuse names of columns that are the same for every point, or not valid."""
    if not features:
        raise ValueError("features is empty: name the features of a point, such as ['pt', 'eta'].")
    if "{point" not in template or "{feature" not in template:
        raise ValueError(f"template={template!r} must hold {{point}} and {{feature}}: every column has its own name.")


class InMemory(LongTables, AwkwardConversions):
    """Converters that need no file."""

    @classmethod
    def from_lists(cls, clouds: Sequence[ArrayLike], feature_names: Sequence[str] | None = None) -> Self:
        """Make point clouds from a list of arrays.

        Parameters
        ----------
        clouds : sequence of array-like of shape (n_points, n_features)
            One array per cloud. An empty list is an empty cloud, if another cloud or ``feature_names`` tells the number
            of features.
        feature_names : sequence of str, optional
            Names of the features.

        Raises
        ------
        ValueError
            An entry is not two-dimensional, or entries differ in their number of features.

        Examples
        --------
        >>> from sklearn_ml4fp import PointClouds
        >>> PointClouds.from_lists([[[1.0, 2.0]], [], [[3.0, 4.0], [5.0, 6.0]]]).counts
        array([1, 0, 2])
        """
        if not isinstance(clouds, Iterable):
            raise TypeError(f"expected a list of 2-D arrays (points x features), got {clouds!r}.")
        arrays = []
        for i, cloud in enumerate(clouds):
            array = real_numbers(cloud, exact=f"entry {i}")
            if array is None or (array.ndim != 2 and array.shape != (0,)):
                got = "no numbers" if array is None else f"shape {array.shape}"
                hint = ": one feature is a column, array[:, None]" if array is not None and array.ndim == 1 else ""
                raise ValueError(
                    "expected a list of 2-D arrays (points x features), all with the same number of features; entry "
                    f"{i} has {got}{hint}."
                )
            arrays.append(array)
        widths = {array.shape[1] for array in arrays if array.ndim == 2}
        if not widths and feature_names is not None:
            widths = {len(feature_names)}
        if len(widths) != 1:
            raise ValueError(
                "expected a list of 2-D arrays (points x features), all with the same number of features; got widths "
                f"{sorted(widths)}. Where no entry tells it, feature_names= does."
            )
        width = widths.pop()
        arrays = [as_floats(array) if array.ndim == 2 else np.zeros((0, width), dtype=np.float32) for array in arrays]
        values = np.concatenate(arrays) if arrays else np.zeros((0, width))
        return cls(values, offsets_from_counts([len(array) for array in arrays]), feature_names)

    def to_lists(self) -> list[NDArray[Any]]:
        """Return one array ``(n_points, n_features)`` per cloud; they are views of ``values``."""
        return list(self)

    @classmethod
    def from_padded(
        cls,
        array: ArrayLike,
        mask: ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
        *,
        padding: float | None = None,
    ) -> Self:
        """Make point clouds from a padded array.

        Parameters
        ----------
        array : array-like of shape (n_clouds, n_points_max, n_features)
            Points, and the padding between them.
        mask : array-like of shape (n_clouds, n_points_max), optional
            True where there is a point. Without a mask, a row is not a point if all its features are missing (NaN, or
            masked as by ``ak.to_numpy``), or equal ``padding``.
        feature_names : sequence of str, optional
            Names of the features.
        padding : float, optional
            Value of the padding, such as 0.0; ignored if there is a mask. None means NaN, with a warning if events end
            in rows of zeros.

        Raises
        ------
        ValueError
            The shapes do not fit, or the entries are not numbers.

        Warns
        -----
        UserWarning
            No padding was given, and rows of zeros look like it.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ml4fp import PointClouds
        >>> PointClouds.from_padded(np.array([[[1.0], [np.nan]], [[2.0], [3.0]]])).counts
        array([1, 2])
        """
        numbers = real_numbers(array, exact="the padded array")
        if numbers is None or numbers.ndim != 3:
            raise ValueError(
                "expected an array of numbers (n_clouds, n_points_max, n_features), got "
                f"{'other entries' if numbers is None else f'shape {numbers.shape}'}."
            )
        if not isinstance(padding, Real | None) or isinstance(padding, bool):
            raise TypeError(f"padding is {padding!r}: expected a number, such as 0.0, or None for rows of NaN.")
        present = ~_absent(numbers, padding) if mask is None else _as_mask(mask, numbers.shape[:2])
        return cls(numbers[present], offsets_from_counts(present.sum(axis=1)), feature_names)

    def to_padded(
        self, max_points: int | None = None, *, fill: float = np.nan
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Make a padded array and its mask.

        Parameters
        ----------
        max_points : int, optional
            Number of points; longer clouds keep their first ones. The default is that of the longest cloud.
        fill : float, default=NaN
            Value of the padding.

        Returns
        -------
        padded : ndarray of shape (n_clouds, max_points, n_features)
            Points of each cloud, then the padding.
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
        cls,
        table: Any,
        features: Sequence[str],
        *,
        template: str = "Jet {point} {feature}",
        padding: float | None = None,
    ) -> Self:
        """Make point clouds from a table with one row per event: Jet 1 pT, Jet 1 η, Jet 2 pT, ..., NaN where absent.

        Parameters
        ----------
        table : pandas or polars DataFrame
            Table with one row per event; further columns are ignored.
        features : sequence of str
            Features of a point, as in the names of the columns.
        template : str, default="Jet {point} {feature}"
            Form of the names of the columns; points count from 1 and end with the last one that has columns.
        padding : float, optional
            Value of the features of an absent point; a point without any value is absent as well. None means NaN, with
            a warning if events end in points of zeros.

        Raises
        ------
        TypeError
            ``table`` has no named columns.
        ValueError
            There is no column for the first point, or one is missing for a later one.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn_ml4fp import PointClouds
        >>> table = pd.DataFrame({"Jet 1 pT": [50.0, 60.0], "Jet 2 pT": [float("nan"), 40.0]})
        >>> PointClouds.from_wide(table, ["pT"]).counts
        array([1, 2])
        """
        check_table(table)
        _check_template(template, features)
        n_points = 0
        while template.format(point=n_points + 1, feature=features[0]) in table.columns:
            n_points += 1
        if n_points == 0:
            raise ValueError(
                f"no column {template.format(point=1, feature=features[0])!r} in the table; "
                f"give template= as the columns are named: {list(table.columns)}."
            )
        names = [template.format(point=p + 1, feature=f) for p in range(n_points) for f in features]
        wide = columns_of(table, names)
        return cls.from_padded(wide.reshape(len(wide), n_points, len(features)), None, features, padding=padding)

    def to_wide(self, max_points: int | None = None, *, template: str = "Jet {point} {feature}") -> Any:
        """Make a pandas table with one row per event, NaN where a point is absent; event columns are left out.

        Parameters
        ----------
        max_points : int, optional
            Number of points; longer clouds keep their first ones. The default is that of the longest cloud.
        template : str, default="Jet {point} {feature}"
            Form of the names of the columns; points count from 1.
        """
        _check_template(template, self.feature_names)
        longest = max(1, int(self.counts.max(initial=0)))  # at least the columns of one point
        padded, _ = self.to_padded(longest if max_points is None else max_points)
        n, length, _ = padded.shape
        names = [template.format(point=p + 1, feature=f) for p in range(length) for f in self.feature_names]
        return needs("pandas").DataFrame(padded.reshape(n, len(names)), columns=names)
