"""Inputs of the networks: one object for each kind of events, which a fit makes anew.

An input checks events, learns their units from the training part, and converts them to tensors for the engine. Its
first check learns the form of the events; later checks refuse events of another form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from .._missing import validate_data
from .._optional import is_awkward
from .._params import AT_LEAST_ONE
from .._validation import check_finite
from ..data import Graphs, PointClouds, as_point_clouds
from ..engine import PointData, TensorData
from ._moments import Moments
from ._point_encoding import kinds_among

# Filling would turn an absent jet into a jet.
_ABSENT = (
    "NaN marks a point as absent only where all its features are NaN: in a table pass particle_features=, so that its "
    "columns are read as points; else drop the point."
)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Convert an array to a tensor of the same memory; a read-only array is copied, since torch might write to it."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def features_of(columns: Sequence[str], n_features: int) -> list[str] | None:
    """Find the features that columns of a table repeat for each point: phi of "Jet 1 phi", "Jet 2 phi"; None if none.

    The name of a feature follows the number of the point, or comes before it.
    """
    split = [re.fullmatch(r"(.*?)[ _.]?\d+[ _.]?(.*)", name) for name in columns]
    names = [match and (match[2] or match[1]) for match in split]
    points = [names[i : i + n_features] for i in range(0, len(names), n_features)]
    if not points or None in names or len(set(points[0])) < n_features or any(point != points[0] for point in points):
        return None
    return [str(name) for name in points[0]]


def holds_points(X: Any) -> bool:
    """Return whether ``X`` holds points by itself, and is not a table."""
    if isinstance(X, PointClouds) or is_awkward(X):
        return True
    if isinstance(X, list | tuple) or (getattr(getattr(X, "dtype", None), "kind", "") == "O" and X.ndim == 1):
        return any(np.ndim(event) == 2 for event in X) or (len(X) > 0 and all(np.shape(event) == (0,) for event in X))
    return getattr(X, "ndim", 2) == 3


def _is_plain(X: Any, owner: Any) -> bool:
    """Return whether scikit-learn would not change ``X``: for one event, its checks take longer than the network."""
    plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype in (np.float32, np.float64)
    return plain and not hasattr(owner, "feature_names_in_") and X.shape[1] == owner.n_features_in_


def _table(X: Any, owner: Any, *, first: bool, **allowed: Any) -> np.ndarray:
    """Check a table, or with ``allow_nd`` images, and convert it to float32; the estimator keeps the column names."""
    with np.errstate(over="ignore"):  # an error of `check_finite` follows
        if not first and _is_plain(X, owner):
            return np.ascontiguousarray(X, dtype=np.float32)
        return validate_data(
            owner, X, dtype=np.float32, order="C", ensure_all_finite=False, ensure_min_samples=0, reset=first, **allowed
        )


@dataclass
class TableInput:
    """Rows of a table.

    Attributes
    ----------
    shape : tuple of int or None
        Shape of an event; None before the first check.
    """

    shape: tuple[int, ...] | None = None
    seen: Any = field(default=None, init=False, repr=False)  # what `look` has taken in, for `learn`
    learns = False  # whether it has to see the training part

    @property
    def columns(self) -> dict[str, list[str]] | None:
        """Names of the columns, where the events have them by themselves, and not the estimator."""
        return None

    @property
    def module_shape(self) -> tuple[int, ...]:
        """Shape of an event, for the module."""
        assert self.shape is not None
        return self.shape

    @property
    def module_arguments(self) -> dict[str, Any]:
        """Further arguments of the module that depend on the events."""
        return {}

    def check(self, X: Any, owner: Any) -> Any:
        """Return events ``X`` as `data` takes them.

        Parameters
        ----------
        X : array-like
            Events.
        owner : NetworkEstimator
            Estimator, which keeps the names of the columns and is named in errors.

        Raises
        ------
        ValueError
            The events hold NaN or infinity, or their shape, kind or columns differ from those of the first check.
        """
        X = _table(X, owner, first=self.shape is None)
        check_finite(X, getattr(owner, "feature_names_in_", None))
        self._keep_shape(X.shape[1:], owner)
        return X

    def _keep_shape(self, shape: tuple[int, ...], owner: Any) -> None:
        if self.shape is None:
            self.shape = shape
        elif shape != self.shape:
            raise ValueError(
                f"X has events of shape {shape}, but {type(owner).__name__} was fitted on events of shape "
                f"{self.shape}: pass data of the same kind."
            )

    def entries(self, X: Any) -> Any:
        """Return the offsets of the events among all outputs; None where each event has one output."""
        return None

    def look(self, X: Any, weights: np.ndarray | None) -> None:
        """Take in checked events of the training part, and their weights, before `learn`; it may be called often."""

    def learn(self) -> dict[str, Any]:
        """Learn from the events that were taken in; return attributes for the estimator."""
        return {}

    def data(self, X: Any, target: torch.Tensor, weight: torch.Tensor | None = None) -> TensorData:
        """Make a source of batches of checked events."""
        return TensorData((as_tensor(np.ascontiguousarray(X, dtype=np.float32)),), target, weight)


@dataclass
class ImageInput(TableInput):
    """Images ``(n, c, h, w)`` or ``(n, h, w)``, or the rows of a table with an ``image_shape``."""

    image_shape: Any = None

    def check(self, X: Any, owner: Any) -> np.ndarray:
        """Return images ``(n, c, h, w)``, or a table."""
        X = _table(X, owner, first=self.shape is None, allow_nd=True)
        check_finite(X, getattr(owner, "feature_names_in_", None))
        if 0 in X.shape[1:]:
            raise ValueError(f"X has images of shape {X.shape[1:]}: expected at least one channel and one pixel.")
        if X.ndim == 2 and self.image_shape is not None:
            X = self._as_images(X)
        elif X.ndim == 3:
            X = X[:, None]
        elif X.ndim > 4:
            raise ValueError(f"Found array with dim {X.ndim}; expected a table or images (n, h, w) or (n, c, h, w).")
        self._keep_shape(X.shape[1:], owner)
        return X

    def _as_images(self, X: np.ndarray) -> np.ndarray:
        shape = tuple(self.image_shape)
        if len(shape) not in (2, 3) or not all(map(AT_LEAST_ONE.is_satisfied_by, shape)):
            raise ValueError(f"image_shape={shape}: expected (height, width) or (channels, height, width).")
        if np.prod(shape) != X.shape[1]:
            raise ValueError(
                f"image_shape={shape} has {np.prod(shape)} pixels, but X has {X.shape[1]} columns: expected one "
                "column per pixel."
            )
        return X.reshape(len(X), *(shape if len(shape) == 3 else (1, *shape)))


@dataclass
class SequenceInput(TableInput):
    """Events of any number of points, in their order.

    Parameters
    ----------
    particle_features : int or None
        Number of neighbouring columns of a table that form a point; None for one.
    padding : float or None
        Value of the features of rows that are not points; None for NaN.
    normalisation : str
        That of the network: statistics over a batch need it whole, else it may come in parts; see `PointData`.
    kinds : sequence of str or int, or None
        Features that tell the kinds of points; None chooses them by their names.
    """

    particle_features: int | None = None
    padding: float | None = None
    normalisation: str = "none"
    kinds: Any = ()
    _kind: str | None = None
    _names: Any = None
    _point_names: Any = None  # also of points in a table
    _event_unit: tuple[np.ndarray, np.ndarray] | None = None
    learns = True

    @property
    def columns(self) -> dict[str, list[str]] | None:
        """Names of the features of a point, and of the columns of an event."""
        return None if self._names is None else dict(zip(("points", "event"), map(list, self._names), strict=True))

    @property
    def module_arguments(self) -> dict[str, Any]:
        """Columns of the points that tell their kinds."""
        return {"kinds": self._kind_columns}

    @property
    def _kind_columns(self) -> tuple[int, ...]:
        return () if self._point_names is None else kinds_among(self.kinds, self._point_names)

    def _kinds_found(self) -> dict[str, Any]:
        """Make the attribute of the estimator that tells the kinds, if it has the choice."""
        names = self._point_names or ()
        return {} if self.kinds == () else {"kinds_": tuple(names[i] for i in self._kind_columns)}

    def check(self, X: Any, owner: Any) -> PointClouds:
        """Return clouds."""
        if isinstance(X, np.ndarray) and X.ndim > 3:
            raise ValueError(
                f"X has shape {X.shape}: expected a table (n, columns), points (n, points, features), PointClouds, an "
                "awkward array or a list of arrays. Of images, make points of the pixels that are not empty."
            )
        first, are_points = self.shape is None, holds_points(X)
        self._check_kind("points" if are_points else "a table", owner)
        if isinstance(X, Graphs):
            raise TypeError(f"{type(owner).__name__} uses no edges: pass the points of the graphs, X.nodes.")
        if are_points:
            seen = None if self._names is None else self._names[0]
            clouds = as_point_clouds(X, padding=self.padding, feature_names=seen)
            self._check_names(clouds, owner)
        else:
            X = _table(X, owner, first=first)
            names = getattr(owner, "feature_names_in_", None)
            check_finite(X, names, allow_nan=self.particle_features is not None, cure=_ABSENT)
            clouds = self._points_of(X, names)
        if first and not len(clouds.values) and not clouds.event_names and len(clouds):
            raise ValueError(f"None of the {len(clouds)} events in X has a point: there is nothing to learn from.")
        check_finite(clouds.values, clouds.feature_names, cure=_ABSENT)
        check_finite(clouds.event_values, clouds.event_names)
        self._keep_shape((len(clouds.feature_names), len(clouds.event_names)), owner)
        self._point_names = clouds.feature_names
        return clouds

    def _check_kind(self, kind: str, owner: Any) -> None:
        """Refuse a table of as many columns as the points had features, and the other way round."""
        if self._kind is None:
            self._kind = kind
        elif kind != self._kind:
            raise ValueError(
                f"X is {kind}, but {type(owner).__name__} was fitted on {self._kind}. Points are PointClouds, awkward "
                "arrays, lists of arrays and arrays (n, t, f); a single cloud is X[:1], not X[0]."
            )

    def _check_names(self, clouds: PointClouds, owner: Any) -> None:
        names = (clouds.feature_names, clouds.event_names)
        if not clouds.feature_names:
            raise ValueError(
                f"The points in X have no features, shape {clouds.values.shape}: expected at least one column."
            )
        if self._names is None:
            self._names = names
            owner.n_features_in_ = len(clouds.feature_names)
            if hasattr(owner, "feature_names_in_"):  # names from a table of an earlier fit
                del owner.feature_names_in_
        elif names != self._names:
            raise ValueError(f"X has the columns {names}, but {type(owner).__name__} was fitted on {self._names}.")

    def _points_of(self, X: np.ndarray, names: Any) -> PointClouds:
        """Make points of ``particle_features`` columns of a table, or of one."""
        n_features = self.particle_features or 1
        if X.shape[1] % n_features:
            raise ValueError(
                f"X has {X.shape[1]} columns, which is no multiple of particle_features={n_features}: expected so many "
                "columns for every point."
            )
        padding = np.nan if self.particle_features is self.padding is None else self.padding  # a table of full columns
        points = X.reshape(len(X), X.shape[1] // n_features, n_features)  # also of no events
        features = features_of(() if names is None else names, n_features)
        return PointClouds.from_padded(points, feature_names=features, padding=padding)

    def look(self, X: PointClouds, weights: np.ndarray | None) -> None:
        """Take in events."""
        if X.event_names:
            self.seen = self.seen or Moments()
            self.seen.add(X.event_values, weights)

    def learn(self) -> dict[str, Any]:
        """Learn the unit of the event columns, which transformers of points do not change."""
        if self.seen is not None:
            self._event_unit = self.seen.unit()
        return self._kinds_found()

    def data(self, X: PointClouds, target: torch.Tensor, weight: torch.Tensor | None = None) -> TensorData:
        """Make a source of batches; event columns are standardised, since values in GeV would dominate the points."""
        values = X.values.astype(np.float32, copy=False)
        inputs: tuple[torch.Tensor, ...] = (as_tensor(values), as_tensor(X.offsets))
        if self._event_unit is not None:
            mean, scale = self._event_unit
            inputs = (*inputs, as_tensor(((X.event_values - mean) / scale).astype(np.float32)))
        entries = self.entries(X)
        return PointData(
            inputs,
            target,
            weight,
            entries=None if entries is None else as_tensor(entries),
            in_parts=self.normalisation != "batch",
        )


class _ArrayOrSequenceInput(SequenceInput):
    """Points in their order, or arrays that enter the network unchanged."""

    def look(self, X: Any, weights: np.ndarray | None) -> None:
        """Take in events; of arrays there is nothing to learn."""
        if isinstance(X, PointClouds):
            super().look(X, weights)

    def data(self, X: Any, target: torch.Tensor, weight: torch.Tensor | None = None) -> TensorData:
        """Make a source of batches of checked events."""
        kind = SequenceInput if isinstance(X, PointClouds) else TableInput
        return kind.data(self, X, target, weight)


@dataclass
class TableOrSequenceInput(_ArrayOrSequenceInput):
    """Points in their order, or rows of a table, whose columns are the tokens of a Transformer.

    Parameters
    ----------
    output : {"event", "point"}
        What the outputs belong to.
    """

    output: str = "event"

    def entries(self, X: Any) -> np.ndarray | None:
        """Return the offsets of the events among the points that have outputs; None for outputs of events."""
        return X.offsets if self.output == "point" else None

    def check(self, X: Any, owner: Any) -> Any:
        """Return a table or clouds."""
        if self.particle_features is not None or holds_points(X) or getattr(X, "ndim", 2) > 2:
            return super().check(X, owner)
        if self.output == "point":
            raise ValueError(
                'output="point" needs events of points: expected PointClouds, an awkward array, a list of arrays, an '
                "array (n, t, f), or particle_features= for a table, got a table."
            )
        self._check_kind("a table", owner)
        return TableInput.check(self, X, owner)


@dataclass
class ImageOrSequenceInput(_ArrayOrSequenceInput):
    """Images, or points in their order, which a convolution reads along one axis.

    Parameters
    ----------
    image_shape : tuple of int or None
        Shape of the image in a row of a table.
    """

    image_shape: Any = None

    def check(self, X: Any, owner: Any) -> Any:
        """Return images ``(n, c, h, w)`` or clouds."""
        if self.image_shape is not None and self.particle_features is not None:
            raise ValueError("image_shape and particle_features are two ways to read a table: pass one of them.")
        # an array of three axes is a stack of images; sequences come as PointClouds, lists, or in a table
        is_array = getattr(X, "ndim", 2) > 2
        if not is_array and (self.image_shape is None or holds_points(X)):
            return super().check(X, owner)
        images = ImageInput(self.shape, self.image_shape).check(X, owner)
        self._keep_shape(images.shape[1:], owner)
        return images
