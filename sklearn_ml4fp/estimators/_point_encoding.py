"""Encoding of the columns of points for a graph network: in units of their spread, angles without a jump."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._kinematics import wrap_phi
from .._roles import column_for, is_position, role_of, the_one, with_role
from ..data import PointClouds
from ._inputs import mean_and_scale

Columns = str | int
# Coordinates in which neighbours are searched: the first set of which all features exist.
_PLACES = (
    ("delta_eta", "delta_phi"),
    ("delta_rapidity", "delta_phi"),
    ("delta_y", "delta_phi"),
    ("eta", "phi"),
    ("rapidity", "phi"),
    ("y", "phi"),
    ("x", "y", "z"),
    ("x", "y"),
)
# A standardised column has mean 0 and standard deviation 1, up to the events that were set apart after the scaling. The
# standard deviation of a flat azimuth is 1.8, that of a jet's constituents about its axis 0.1 to 0.3.
_NEAR = 0.05


class Angle(NamedTuple):
    """Column with an angle in rad, and whether it is relative to something, such as the axis of the jet."""

    column: int
    relative: bool


def columns_named(wanted: Sequence[Columns], names: Sequence[str], parameter: str) -> tuple[int, ...]:
    """Find the positions of columns, given by their names, roles or positions.

    Raises
    ------
    ValueError
        A name or position does not exist.
    """
    given, found = f"{parameter}={tuple(wanted)!r}", []
    for one in wanted:
        if isinstance(one, str):
            found.append(column_for(names, one, given))
        elif is_position(one, len(names)):
            found.append(int(one))
        else:
            raise ValueError(f"{given}: there is no {one!r} among the features {tuple(names)}.")
    return tuple(found)


def places(coordinates: Sequence[Columns] | None, names: Sequence[str]) -> tuple[int, ...]:
    """Find the columns for distances: the given ones, else those with roles of coordinates, else none."""
    if coordinates is not None:
        return columns_named(coordinates, names, "coordinates")
    for candidate in _PLACES:
        if all(with_role(names, role) for role in candidate):
            cure = "Say which by coordinates=."
            return tuple(the_one(names, with_role(names, role), role, cure) for role in candidate)
    return ()


def looks_standardised(column: np.ndarray) -> tuple[float, float, bool]:
    """Return mean and standard deviation of a column, and whether they are near 0 and 1."""
    column = column.astype(np.float64) if len(column) else np.zeros(1)
    mean, spread = float(column.mean()), float(column.std())
    return mean, spread, abs(mean) <= _NEAR and abs(spread - 1) <= _NEAR


def angles_of(angles: Sequence[Columns] | None, names: Sequence[str], values: np.ndarray) -> tuple[Angle, ...]:
    """Find the columns that are angles: the given ones, else unscaled ones with the role of an azimuth.

    Raises
    ------
    ValueError
        An angle does not exist, or an absolute one looks standardised.
    """
    if angles is not None:
        chosen = columns_named(angles, names, "angles")
        return tuple(Angle(i, role_of(names[i]) == "delta_phi") for i in chosen)
    found = []
    for i, name in enumerate(names):
        if (role := role_of(name)) not in ("phi", "delta_phi"):
            continue
        relative = role == "delta_phi"
        mean, spread, standardised = looks_standardised(values[:, i])
        if not standardised:
            found.append(Angle(i, relative))
        elif not relative:
            raise ValueError(
                f"{name!r} is an azimuth by its name, but its mean is {mean:.2f} and its standard deviation "
                f"{spread:.2f}: it has been standardised, and ±π can no longer be told. Leave it out of the scaling, "
                f"ParticleWise(scaler, columns=[...]), or pass angles=() to take it for a plain number, "
                f"angles=[{name!r}] if it is in rad."
            )
    return tuple(found)


def weighted_moments(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Compute mean and standard deviation ``(2, n_columns)``; 0 and 1 without a row or a usable spread."""
    moments = np.stack([np.zeros(values.shape[1]), np.ones(values.shape[1])])
    if len(values) == 0:
        return moments
    if (
        weights is not None and weights.sum() <= 0
    ):  # negative weights may dominate among the points, though not among the events
        weights = np.abs(weights)
    for i, column in enumerate(values.T):  # one column at a time: the data may fill half of the memory
        mean, scale = mean_and_scale(column[:, np.newaxis].astype(np.float64), weights)
        moments[:, i] = mean[0], scale[0]
    return moments


@dataclass
class TableEncoding:
    """Encoding of columns in units of their standard deviation, with angles as cosine and sine or in [−π, π).

    Absolute angles become cosine and sine; relative ones are brought to [−π, π).

    Parameters
    ----------
    angles : tuple of Angle
        Columns that are angles.
    moments : ndarray of shape (2, n_encoded)
        Mean and standard deviation of the encoded columns.
    """

    angles: tuple[Angle, ...]
    moments: np.ndarray

    @classmethod
    def learn(cls, values: np.ndarray, names: Sequence[str], angles: Any, weights: np.ndarray | None) -> TableEncoding:
        """Learn from the rows ``values`` and their weights."""
        found = angles_of(angles, names, values)
        return cls(found, weighted_moments(_unwound(values, found), weights))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Encode rows to ``(n, n_encoded)``, float32."""
        mean, scale = self.moments
        return ((_unwound(values, self.angles) - mean) / scale).astype(np.float32)

    @property
    def width(self) -> int:
        """Number of encoded columns."""
        return self.moments.shape[1]


def _unwound(values: np.ndarray, angles: tuple[Angle, ...]) -> np.ndarray:
    """Bring relative angles to [−π, π) and absolute ones to their cosines; the sines are appended."""
    if not angles:
        return values
    values = values.astype(np.float64)
    sines = []
    for column, relative in angles:
        angle = values[:, column]
        if relative:
            values[:, column] = wrap_phi(angle)
        else:
            sines.append(np.sin(angle))
            values[:, column] = np.cos(angle)
    return np.column_stack([values, *sines])


@dataclass
class PointEncoding:
    """Encodings of the points and of the event columns, and the coordinates of the points.

    Parameters
    ----------
    points, event : TableEncoding
        Encodings of the features of points, and of events.
    coordinates : tuple of int
        Columns of the points that are appended unchanged to the encoded ones.
    n_points : float
        Mean number of points of an event, at least 1.
    """

    points: TableEncoding
    event: TableEncoding
    coordinates: tuple[int, ...]
    n_points: float

    @classmethod
    def learn(cls, clouds: PointClouds, weights: np.ndarray | None, *, angles: Any, coordinates: Any) -> PointEncoding:
        """Learn from clouds and the weights of their events."""
        of_points = None if weights is None else np.repeat(weights, clouds.counts)
        points = TableEncoding.learn(clouds.values, clouds.feature_names, angles, of_points)
        event = TableEncoding.learn(clouds.event_values, clouds.event_names, None, weights)
        n_points = max(1.0, float(weighted_moments(clouds.counts[:, np.newaxis], weights)[0, 0]))
        return cls(points, event, places(coordinates, clouds.feature_names), n_points)

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Mask of the coordinates that are angles."""
        angles = {angle.column for angle in self.points.angles}
        return tuple(column in angles for column in self.coordinates)

    def __call__(self, clouds: PointClouds) -> tuple[np.ndarray, np.ndarray]:
        """Encode the points, followed by their coordinates, and the event columns; float32."""
        points = self.points(clouds.values)
        if self.coordinates:
            raw = clouds.values[:, list(self.coordinates)]
            # whole turns are subtracted before float32 rounds them, and without rounding an angle that has none
            raw = np.where(self.periodic, wrap_phi(raw.astype(np.float64)), raw) if any(self.periodic) else raw
            points = np.concatenate([points, raw.astype(np.float32)], axis=1)
        return points, self.event(clouds.event_values)
