"""What the networks take besides tables: images, and sequences or sets of points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._compat import Interval
from .._missing import validate_data
from .._optional import is_awkward
from .._params import Declared, hp
from .._validation import check_finite
from ..data import Graphs, PointClouds, as_point_clouds

# Filled, an absent jet would become a jet.
_ABSENT = (
    "NaN marks a point as absent only where all its features are NaN: in a table pass particle_features=, so that its "
    "columns are read as points; else drop the point."
)


def as_floats(estimator: Any, X: Any, *, first: bool, allow_nd: bool = False) -> np.ndarray:
    """A table or images as float32, which may hold NaN, and no event in the chunk of a stream."""
    return validate_data(
        estimator,
        X,
        dtype=np.float32,
        order="C",
        ensure_all_finite=False,
        ensure_min_samples=0,
        allow_nd=allow_nd,
        reset=first,
    )


_LENGTH = Interval(Integral, 1, None, closed="left")


def _check_shape(estimator: Any, shape: tuple[int, ...], *, first: bool) -> None:
    if first:
        estimator._event_shape = shape
    elif shape != estimator._event_shape:
        raise ValueError(
            f"X has events of shape {shape}, but {type(estimator).__name__} was fitted on events of shape "
            f"{estimator._event_shape}: pass data of the same kind."
        )


class ImageInput(Declared):
    """For networks that take images; a table is one as well where ``image_shape`` says how."""

    image_shape: Any = hp(
        None,
        valid=(tuple, list, None),
        doc="How a row of a table is read as an image: (height, width) or (channels, height, width), its columns row "
        "by row. Arrays of images, ``(n, h, w)`` or ``(n, c, h, w)``, tell it themselves.",
    )

    def _check_X(self, X: Any, *, first: bool = False) -> np.ndarray:
        X = as_floats(self, X, first=first, allow_nd=True)
        check_finite(X, getattr(self, "feature_names_in_", None))
        if 0 in X.shape[1:]:
            raise ValueError(f"X has images of shape {X.shape[1:]}: expected at least one channel and one pixel.")
        if X.ndim == 2 and self.image_shape is not None:
            X = self._as_images(X)
        elif X.ndim == 3:
            X = X[:, None]
        elif X.ndim > 4:
            raise ValueError(f"Found array with dim {X.ndim}; expected a table or images (n, h, w) or (n, c, h, w).")
        _check_shape(self, X.shape[1:], first=first)
        return X

    def _as_images(self, X: np.ndarray) -> np.ndarray:
        shape = tuple(self.image_shape)
        if len(shape) not in (2, 3) or not all(map(_LENGTH.is_satisfied_by, shape)):
            raise ValueError(f"image_shape={shape}: expected (height, width) or (channels, height, width).")
        if np.prod(shape) != X.shape[1]:
            raise ValueError(
                f"image_shape={shape} has {np.prod(shape)} pixels, but X has {X.shape[1]} columns: expected one "
                "column a pixel."
            )
        return X.reshape(len(X), *(shape if len(shape) == 3 else (1, *shape)))


class PointInput(Declared):
    """For networks that take events of any number of points, as a sequence or as a set."""

    particle_features: int | None = hp(
        None,
        valid=(_LENGTH, None),
        doc="How many neighbouring columns of a table make a point: 2 for Jet 1 pT, Jet 1 η, Jet 2 pT, Jet 2 η. A "
        "point whose columns are all NaN is absent. `PointClouds`, awkward arrays, lists of arrays and arrays "
        "``(n, t, f)`` with NaN rows as padding tell it themselves.",
    )
    padding: float | None = hp(
        None,
        valid=(Real, None),
        doc="Value of the features of rows that are no points, in arrays ``(n, t, f)`` and in tables read by "
        "``particle_features``: 0.0 for arrays that are padded with zeros. None is NaN, with a warning where events "
        "end in rows of zeros; NaN does not warn. Rows of NaN are never points.",
    )

    def _check_X(self, X: Any, *, first: bool = False) -> Any:
        if isinstance(X, np.ndarray) and X.ndim > 3:
            raise ValueError(
                f"X has shape {X.shape}: expected a table (n, columns), points (n, points, features), PointClouds, an "
                "awkward array or a list of arrays. Of images, make points of the pixels that are not empty."
            )
        self._check_kind("points" if holds_points(X) else "a table", first=first)
        if isinstance(X, Graphs):
            raise TypeError(f"{type(self).__name__} uses no edges: pass the points of the graphs, X.nodes.")
        if holds_points(X):
            seen = None if first else self._column_names[0]
            clouds = as_point_clouds(X, padding=self.padding, feature_names=seen)
            self._check_names(clouds, first=first)
        else:
            allow_nan = self.particle_features is not None
            X = as_floats(self, X, first=first)
            check_finite(X, getattr(self, "feature_names_in_", None), allow_nan=allow_nan, cure=_ABSENT)
            clouds = self._table(X)
        if isinstance(clouds, PointClouds):
            if first and len(clouds) and not len(clouds.values) and not clouds.event_names:
                raise ValueError(f"None of the {len(clouds)} events in X has a point: there is nothing to learn from.")
            check_finite(clouds.values, clouds.feature_names, cure=_ABSENT)
            check_finite(clouds.event_values, clouds.event_names)
            _check_shape(self, (len(clouds.feature_names), len(clouds.event_names)), first=first)
        else:
            _check_shape(self, clouds.shape[1:], first=first)
        return clouds

    def _check_kind(self, kind: str, *, first: bool) -> None:
        """Refuse a table of as many columns as the points had features, and the other way round."""
        if first:
            self._kind = kind
        elif kind != self._kind:
            raise ValueError(
                f"X is {kind}, but {type(self).__name__} was fitted on {self._kind}. Points are PointClouds, awkward "
                "arrays, lists of arrays and arrays (n, t, f); a single cloud is X[:1], not X[0]."
            )

    def _table(self, X: np.ndarray) -> Any:
        """What a table is to the network: points of ``particle_features`` columns, or of one."""
        n_features = self.particle_features or 1
        if X.shape[1] % n_features:
            raise ValueError(
                f"X has {X.shape[1]} columns, which is no multiple of particle_features={n_features}: expected so many "
                "columns for every point."
            )
        names = features_of(getattr(self, "feature_names_in_", ()), n_features)
        padding = np.nan if self.particle_features is self.padding is None else self.padding  # a table of full columns
        points = X.reshape(len(X), X.shape[1] // n_features, n_features)  # also of no events
        return PointClouds.from_padded(points, feature_names=names, padding=padding)

    def _check_names(self, clouds: PointClouds, *, first: bool) -> None:
        names = (clouds.feature_names, clouds.event_names)
        if not clouds.feature_names:
            raise ValueError(
                f"The points in X have no features, shape {clouds.values.shape}: expected at least one column."
            )
        if first:
            self.n_features_in_ = len(clouds.feature_names)
            self._column_names = names
            if hasattr(self, "feature_names_in_"):  # of a table that an earlier fit has seen
                del self.feature_names_in_
        elif names != getattr(self, "_column_names", names):
            raise ValueError(
                f"X has the columns {names}, but {type(self).__name__} was fitted on {self._column_names}."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = self.particle_features is not None
        return tags


def features_of(columns: Sequence[str], n_features: int) -> list[str] | None:
    """Features that the columns of a table repeat point after point: phi of "Jet 1 phi", "Jet 2 phi"; None if none.

    The name is what stands behind the number of the point, else what stands in front of it.
    """
    split = [re.fullmatch(r"(.*?)[ _.]?\d+[ _.]?(.*)", name) for name in columns]
    names = [match and (match[2] or match[1]) for match in split]
    points = [names[i : i + n_features] for i in range(0, len(names), n_features)]
    if not points or None in names or len(set(points[0])) < n_features or any(point != points[0] for point in points):
        return None
    return [str(name) for name in points[0]]


def holds_points(X: Any) -> bool:
    """Whether ``X`` holds points by itself and is no table."""
    if isinstance(X, PointClouds) or is_awkward(X):
        return True
    if isinstance(X, list | tuple) or (getattr(getattr(X, "dtype", None), "kind", "") == "O" and X.ndim == 1):
        return any(np.ndim(event) == 2 for event in X) or (len(X) > 0 and all(np.shape(event) == (0,) for event in X))
    return getattr(X, "ndim", 2) == 3
