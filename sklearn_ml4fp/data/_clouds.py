"""Core of the point clouds: flat values, offsets, event columns, and operations on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._roles import columns_for, the_one
from .._segments import Index, cut, gather, segment_ids
from ._ragged import Ragged, check_columns, check_names, check_offsets


class CloudsCore(Ragged):
    """Values, offsets, event columns and names, sliced together (see PointClouds)."""

    def __init__(
        self,
        values: ArrayLike,
        offsets: ArrayLike,
        feature_names: Sequence[str] | None = None,
        *,
        event_values: ArrayLike | None = None,
        event_names: Sequence[str] | None = None,
    ) -> None:
        self.values: NDArray[Any] = check_columns(values, "values")
        self.offsets: Index = check_offsets(offsets, len(self.values), "offsets")
        self.feature_names = check_names(feature_names, self.values.shape[1], "feature_names", "x")
        if event_values is None:
            event_values = np.zeros((len(self), 0), dtype=self.values.dtype)
        self.event_values: NDArray[Any] = check_columns(event_values, "event_values")
        self.event_names = check_names(event_names, self.event_values.shape[1], "event_names", "event")
        if len(self.event_values) != len(self):
            raise ValueError(
                f"event_values has {len(self.event_values)} rows for {len(self)} clouds; give one row a cloud."
            )
        if shared := sorted(set(self.feature_names) & set(self.event_names)):
            raise ValueError(f"{shared} name both features and event columns; rename one of the two.")

    @property
    def counts(self) -> Index:
        """Number of points of each cloud, shape (n_clouds,)."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def column(self, name: str) -> NDArray[Any]:
        """Return a feature of all points, shape (n_points_total,), or an event column, shape (n_clouds,); a view.

        A column has this name or ends in it (``pt`` for ``Jet_pt``); the whole name comes first, then features.

        Raises
        ------
        KeyError
            There is no such column.
        ValueError
            Several columns end in the name.
        """
        tables = ((self.feature_names, self.values), (self.event_names, self.event_values))
        for names, values in tables:
            if name in names:
                return values[:, names.index(name)]
        for names, values in tables:
            if found := columns_for(names, name):
                return values[:, the_one(names, found, name, "Give its full name.")]
        raise KeyError(f"no column {name!r}; features are {self.feature_names}, event columns {self.event_names}.")

    def with_values(self, values: ArrayLike, feature_names: Sequence[str] | None = None) -> Self:
        """Return the same clouds and event columns with other features: ``values`` has one row per point."""
        return type(self)(
            values, self.offsets, feature_names, event_values=self.event_values, event_names=self.event_names
        )

    def sorted_by(self, name: str, *, descending: bool = True) -> Self:
        """Sort the points of each cloud by a feature (equal ones keep their order, NaN comes last).

        A feature has this name or ends in it, as in `column`.

        >>> import numpy as np
        >>> from sklearn_ml4fp import PointClouds
        >>> PointClouds(np.array([[1.0], [3.0], [2.0]]), [0, 2, 3]).sorted_by("x0").values.ravel()
        array([3., 1., 2.])
        """
        if not (found := columns_for(self.feature_names, name)):
            raise KeyError(f"no feature {name!r}; features are {self.feature_names}.")
        key = self.values[:, the_one(self.feature_names, found, name, "Give its full name.")]
        order = np.lexsort((-key if descending else key, segment_ids(self.offsets)))
        return self.with_values(self.values[order], self.feature_names)

    @classmethod
    def concatenate(cls, parts: Sequence[CloudsCore]) -> Self:
        """Join the clouds of all parts in one container, in order; names must agree.

        >>> import numpy as np
        >>> from sklearn_ml4fp import PointClouds
        >>> X = PointClouds(np.ones((3, 2)), [0, 1, 3])
        >>> len(PointClouds.concatenate([X, X[:1]]))
        3
        """
        if not parts:
            raise ValueError("nothing to concatenate: give at least one PointClouds.")
        first = parts[0]
        names = (first.feature_names, first.event_names)
        for part in parts:
            if (part.feature_names, part.event_names) != names:
                raise ValueError(
                    f"point clouds with different columns cannot be joined: {names} and "
                    f"{(part.feature_names, part.event_names)}."
                )
        starts = np.cumsum([0, *(part.offsets[-1] for part in parts[:-1])])
        offsets = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=True)]
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([np.zeros(1, dtype=np.int64), *offsets]),
            first.feature_names,
            event_values=np.concatenate([part.event_values for part in parts]),
            event_names=first.event_names,
        )

    def _item(self, i: int) -> NDArray[Any]:
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    def _cut(self, first: int, last: int) -> Self:
        return self._like(*cut(self.values, self.offsets, first, last), self.event_values[first:last])

    def _gather(self, index: Index) -> Self:
        return self._like(*gather(self.values, self.offsets, index), self.event_values[index])

    def _like(self, values: NDArray[Any], offsets: Index, event_values: NDArray[Any]) -> Self:
        return type(self)(values, offsets, self.feature_names, event_values=event_values, event_names=self.event_names)

    def __eq__(self, other: object) -> bool:
        """Return whether clouds, names, types and event columns are all the same; NaN equals NaN."""
        if not isinstance(other, CloudsCore):
            return NotImplemented
        return (
            (self.feature_names, self.event_names) == (other.feature_names, other.event_names)
            and self.values.dtype == other.values.dtype
            and self.event_values.dtype == other.event_values.dtype
            and np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.values, other.values, equal_nan=True)
            and np.array_equal(self.event_values, other.event_values, equal_nan=True)
        )

    def __repr__(self) -> str:
        events = f", event columns={self.event_names}" if self.event_names else ""
        return (
            f"{type(self).__name__}({len(self)} clouds, {len(self.values)} points, "
            f"features={self.feature_names}{events}, {self.values.dtype})"
        )
