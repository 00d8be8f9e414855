"""Encoding of the columns of points for a graph network: in units of their spread, angles without a jump."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._kinematics import wrap_phi
from .._roles import column_for, is_position, role_of, the_one, words_of
from ..data import PointClouds
from ._moments import Moments

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
    roles = [role_of(name) for name in names]
    for candidate in _PLACES:
        if set(candidate) <= set(roles):
            columns = {role: [i for i, one in enumerate(roles) if one == role] for role in candidate}
            return tuple(the_one(names, columns[role], role, "Say which by coordinates=.") for role in candidate)
    return ()


def looks_standardised(mean: float, deviation: float) -> bool:
    """Return whether a mean and a standard deviation are near 0 and 1."""
    return abs(mean) <= _NEAR and abs(deviation - 1) <= _NEAR


def angles_of(angles: Sequence[Columns] | None, names: Sequence[str]) -> tuple[Angle, ...]:
    """Find the columns that are angles: the given ones, else those with the role of an azimuth.

    Raises
    ------
    ValueError
        An angle does not exist.
    """
    if angles is not None:
        chosen = columns_named(angles, names, "angles")
        return tuple(Angle(i, role_of(names[i]) == "delta_phi") for i in chosen)
    roles = [role_of(name) for name in names]
    return tuple(Angle(i, role == "delta_phi") for i, role in enumerate(roles) if role in ("phi", "delta_phi"))


def kinds_among(declared: Sequence[str | int] | None, names: Sequence[str]) -> tuple[int, ...]:
    """Find the columns that tell the kinds of points: the declared ones, else two or more whose last word is kind.

    Raises
    ------
    ValueError
        There is no such feature, or there is only one.
    """
    if declared is None:
        found = tuple(i for i, name in enumerate(names) if words_of(name)[-1:] == ("kind",))
        return found if len(found) > 1 else ()
    given = f"kinds={tuple(declared)!r}"
    if strange := [one for one in declared if not isinstance(one, str) and not is_position(one, len(names))]:
        raise ValueError(f"{given}: there is no {strange[0]!r} among the features {tuple(names)}.")
    found = tuple(column_for(names, one, given) if isinstance(one, str) else int(one) for one in declared)
    if len(set(found)) != len(found) or len(found) == 1:
        raise ValueError(f"{given}: expected one feature for each of several kinds, or () for points of one kind.")
    return found


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


class TableSurvey:
    """What is learned of the columns of a table, part by part, for their encoding.

    Parameters
    ----------
    names : sequence of str
        Names of the columns.
    angles : sequence of str or int, or None
        Columns that are angles; None chooses unscaled ones with the role of an azimuth.
    """

    def __init__(self, names: Sequence[str], angles: Any) -> None:
        self.names = names
        self._declared = angles is not None
        self._angles = angles_of(angles, names)
        self._raw, self._unwound, self._azimuths = Moments(), Moments(), Moments()

    def add(self, values: np.ndarray, weights: np.ndarray | None) -> None:
        """Take in rows and their weights."""
        if self._angles:
            self._unwound.add(_unwound(values, self._angles), weights)
            self._azimuths.add(values[:, [angle.column for angle in self._angles]])
        self._raw.add(values, weights)

    def merge(self, other: TableSurvey) -> None:
        """Take in the rows that another one has taken in."""
        for name in ("_raw", "_unwound", "_azimuths"):
            getattr(self, name).merge(getattr(other, name))

    def encoding(self) -> TableEncoding:
        """Return the encoding.

        Raises
        ------
        ValueError
            An absolute angle that was not declared looks standardised.
        """
        unwound = np.stack((self._unwound if self._angles else self._raw).unit())
        found, width = [], len(self.names) + sum(not angle.relative for angle in self._angles)
        for angle, mean, deviation in zip(self._angles, *self._azimuths.mean_and_deviation(), strict=False):
            if self._declared or not looks_standardised(mean, deviation):
                found.append(angle)
            elif angle.relative:
                unwound[:, angle.column] = np.stack(self._raw.unit())[:, angle.column]
            else:
                name = self.names[angle.column]
                raise ValueError(
                    f"{name!r} is an azimuth by its name, but its mean is {mean:.2f} and its standard deviation "
                    f"{deviation:.2f}: it has been standardised, and ±π can no longer be told. Leave it out of the "
                    f"scaling, ParticleWise(scaler, columns=[...]), or pass angles=() to take it for a plain number, "
                    f"angles=[{name!r}] if it is in rad."
                )
        if unwound.shape[1] != width:  # there was no row
            return TableEncoding(self._angles, np.stack([np.zeros(width), np.ones(width)]))
        return TableEncoding(tuple(found), unwound)


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

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Mask of the coordinates that are angles."""
        angles = {angle.column for angle in self.points.angles}
        return tuple(column in angles for column in self.coordinates)

    def __call__(self, clouds: PointClouds) -> tuple[np.ndarray, np.ndarray]:
        """Encode the points, followed by their coordinates, and the event columns; float32."""
        points = self.points(clouds.values)
        if self.coordinates:
            raw, periodic = clouds.values[:, list(self.coordinates)], self.periodic
            # whole turns are subtracted before float32 rounds them, and without rounding an angle that has none
            raw = np.where(periodic, wrap_phi(raw.astype(np.float64)), raw) if any(periodic) else raw
            points = np.concatenate([points, raw.astype(np.float32)], axis=1)
        return points, self.event(clouds.event_values)


class PointSurvey:
    """What is learned of point clouds, part by part, for their encoding.

    Parameters
    ----------
    feature_names, event_names : sequence of str
        Names of the features of points, and of events.
    angles : sequence of str or int, or None
        Features that are angles.
    """

    def __init__(self, feature_names: Sequence[str], event_names: Sequence[str], angles: Any) -> None:
        self.names = feature_names
        self._points, self._event = TableSurvey(feature_names, angles), TableSurvey(event_names, None)
        self._counts = Moments()
        self.most = 0  # points of an event

    def add(self, clouds: PointClouds, weights: np.ndarray | None) -> None:
        """Take in events and their weights."""
        counts = clouds.counts
        self._points.add(clouds.values, None if weights is None else np.repeat(weights, counts))
        self._event.add(clouds.event_values, weights)
        self._counts.add(counts[:, np.newaxis], weights)
        self.most = max(self.most, int(counts.max(initial=0)))

    def merge(self, other: PointSurvey) -> None:
        """Take in the events that another one has taken in."""
        for name in ("_points", "_event", "_counts"):
            getattr(self, name).merge(getattr(other, name))
        self.most = max(self.most, other.most)

    def encoding(self, coordinates: Any) -> PointEncoding:
        """Return the encoding, with the given coordinates or those that are known by name."""
        n_points = max(1.0, float(self._counts.unit()[0][0]))
        points = self._points.encoding()
        return PointEncoding(points, self._event.encoding(), places(coordinates, self.names), n_points)
