"""Graphs of points: edges between nearest neighbours, or between hits in windows of neighbouring layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy.spatial import cKDTree
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval
from .._kinematics import wrap_phi
from .._params import hp
from .._roles import column_for, role_of
from .._segments import Index, offsets_from_counts, segment_ids
from ..data import Graphs, PointClouds
from ._clouds import CloudTransformer
from ._from_sources import takes_sources

_TURN = 2 * np.pi


def _make_graphs(clouds: PointClouds, source: Index, target: Index, values: np.ndarray, names: list[str]) -> Graphs:
    """Make graphs of edges between rows of all points, sorted by source and target."""
    order = np.lexsort([target, source])
    event = segment_ids(clouds.offsets)[source[order]]
    rows = np.stack([source[order], target[order]], axis=1) - clouds.offsets[event][:, np.newaxis]
    edge_offsets = offsets_from_counts(np.bincount(event, minlength=len(clouds)))
    return Graphs(clouds, rows, edge_offsets, values[order].astype(clouds.values.dtype), names)


class _ToGraphBase(CloudTransformer, ABC):
    """Base of the transformers that connect points."""

    @abstractmethod
    def _columns(self) -> list[int]:
        """Find the columns of the coordinates, or raise an error."""

    @abstractmethod
    def _connect(self, clouds: PointClouds, used: np.ndarray) -> Graphs:
        """Make the graphs from points with the coordinates ``used`` ``(n_points, n_coordinates)``."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the names of the columns from point clouds ``X``."""
        self._validate_params()
        self._learn(X)
        self._columns()
        return self

    def transform(self, X: Any) -> Graphs:
        """Connect the points of clouds ``X``: Graphs with the points as nodes."""
        clouds = self._check(X)
        columns = self._columns()
        used = np.ascontiguousarray(clouds.values[:, columns], dtype=np.float64)
        if not np.isfinite(used).all():
            raise ValueError(
                f"features {[clouds.feature_names[i] for i in columns]} contain NaN or infinity; expected finite "
                "positions, drop such points."
            )
        return self._connect(clouds, used)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the features of the nodes, which are those of the points."""
        check_is_fitted(self, "feature_names_in_")
        return self.feature_names_in_

    def _column(self, name: str, parameter: str) -> int:
        return column_for(self.feature_names_in_.tolist(), name, parameter)


@takes_sources
class ToGraph(_ToGraphBase):
    """Connect each point of a cloud with its nearest neighbours.

    Edges come from the neighbours, so that messages of graph networks flow from them to the point. Their features are
    the differences of the coordinates, neighbour minus point. Azimuths, found by their names, are differences of
    angles in [-π, π).

    Parameters
    ----------
    n_neighbors : int, default=8
        Number of neighbours. A point of a cloud with fewer others is connected with all of them.
    coordinates : tuple of str or None, default=None
        Features in which distances are measured, in their present scales. None takes all features.

    Raises
    ------
    ValueError
        If there is no such feature, a coordinate is NaN or infinite, or the columns differ from those of ``fit``.

    See Also
    --------
    ToTrackGraph : Edges between the hits of neighbouring layers.
    EdgeConvClassifier : Network that finds neighbours by itself, anew in every block.

    References
    ----------
    .. [1] Y. Wang et al., "Dynamic Graph CNN for Learning on Point Clouds", ACM Trans. Graph. 38 (2019) 146,
       arXiv:1801.07829.

    Examples
    --------
    >>> from sklearn_ml4fp import PointClouds, ToGraph
    >>> jets = PointClouds([[0.0, 3.1], [0.1, -3.1], [2.0, 0.0]], [0, 3], ["eta", "phi"])
    >>> ToGraph(n_neighbors=1).fit_transform(jets).edges
    array([[0, 1],
           [1, 0],
           [1, 2]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "coordinates": [tuple, list, None],
    }

    _hyperparameters: ClassVar[dict[str, Any]] = {  # where a search looks
        "n_neighbors": hp(
            8, valid=tuple(_parameter_constraints["n_neighbors"]), search=(2, 32), scale="log", doc="Neighbours."
        )
    }

    def __init__(self, n_neighbors: int = 8, *, coordinates: tuple[str, ...] | None = None) -> None:
        self.n_neighbors = n_neighbors
        self.coordinates = coordinates

    def _columns(self) -> list[int]:
        if self.coordinates is None:
            return list(range(self.n_features_in_))
        if len(self.coordinates) == 0:
            raise ValueError("coordinates=() leaves no distances: name one feature at least, or give None for all.")
        return [self._column(name, f"coordinates={name!r}") for name in self.coordinates]

    def _connect(self, clouds: PointClouds, used: np.ndarray) -> Graphs:
        names = [str(self.feature_names_in_[i]) for i in self._columns()]
        angle = np.array([role_of(name) == "phi" for name in names])
        event = segment_ids(clouds.offsets)
        source, target = _nearest(np.where(angle, used % _TURN, used), angle, event, clouds.counts, self.n_neighbors)
        values = used[source] - used[target]
        values[:, angle] = wrap_phi(values[:, angle])
        return _make_graphs(clouds, source, target, values, [f"delta_{name}" for name in names])


def _nearest(x: np.ndarray, angle: np.ndarray, event: Index, counts: Index, k: int) -> tuple[Index, Index]:
    """Find the ``k`` nearest other rows of the same event: rows of the neighbours, and of the points."""
    if len(x) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    # One tree for all events: a coordinate more keeps them further apart than any two points of one event.
    extent = np.where(angle, np.pi, np.ptp(x, axis=0))
    apart = 1.0 + 2.0 * np.linalg.norm(extent)
    tree = cKDTree(np.column_stack([x, event * apart]), boxsize=[*np.where(angle, np.nextafter(_TURN, 7), 0.0), 0.0])
    most = int(min(k + 1, counts.max()))
    _, found = tree.query(tree.data, k=np.arange(1, most + 1))
    target = np.repeat(np.arange(len(x)), most)
    source = found.ravel()
    # A point is its own nearest neighbour, but of equal points another may come first: the last one is then too many.
    own = source == target
    surplus = np.zeros(found.shape, dtype=bool)
    surplus[:, -1] = (~own.reshape(found.shape)).all(axis=1) & (most == k + 1)
    keep = ~own & ~surplus.ravel() & (source < len(x))
    source, target = source[keep], target[keep]
    same = event[source] == event[target]
    return source[same], target[same]


@takes_sources
class ToTrackGraph(_ToGraphBase):
    r"""Connect hits in neighbouring layers of a tracker, within windows of azimuth and of z.

    An edge leads from a hit to one of the next layer, outwards. Its features are :math:`\Delta r`,
    :math:`\Delta\phi`, :math:`\Delta z`, the slope :math:`\Delta\phi/\Delta r`, which is inversely proportional to
    the transverse momentum, and :math:`z_0 = z - r\,\Delta z/\Delta r`, where the line through both hits meets the
    beam.

    Parameters
    ----------
    delta_phi : float, default=0.12
        Half the width of the window of azimuth, rad. The default holds tracks of 0.5 GeV in the layers of
        :func:`make_tracker_hits`.
    delta_z : float, default=250.0
        Half the width of the window of z, in the unit of z.
    both_ways : bool, default=False
        Whether every edge is also there inwards, with the same slope and z0. Networks that label hits need it, for
        messages from outside; for labels of edges it would be the same question twice.

    Raises
    ------
    ValueError
        If the features ``r``, ``phi``, ``z`` and ``layer`` are not found, one of them is NaN or infinite, or the
        columns differ from those of ``fit``.

    See Also
    --------
    ToGraph : Edges between nearest neighbours, in any features.
    edge_labels : Labels of the edges.

    References
    ----------
    .. [1] G. DeZoort et al., "Charged Particle Tracking via Edge-Classifying Interaction Networks", Comput. Softw. Big
       Sci. 5 (2021) 26, arXiv:2103.16701.

    Examples
    --------
    >>> from sklearn_ml4fp import ToTrackGraph, load_tracker_hits
    >>> graphs = ToTrackGraph().fit_transform(load_tracker_hits().data[:5])
    >>> graphs.edge_names
    ('delta_r', 'delta_phi', 'delta_z', 'slope', 'z0')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "delta_phi": [Interval(Real, 0, np.pi, closed="right")],
        "delta_z": [Interval(Real, 0, None, closed="neither")],
        "both_ways": ["boolean"],
    }

    _hyperparameters: ClassVar[dict[str, Any]] = {  # where a search looks
        "delta_phi": hp(
            0.12, valid=tuple(_parameter_constraints["delta_phi"]), search=(0.01, 0.5), scale="log", doc="Window."
        ),
        "delta_z": hp(
            250.0, valid=tuple(_parameter_constraints["delta_z"]), search=(10.0, 1000.0), scale="log", doc="Window."
        ),
    }

    def __init__(self, *, delta_phi: float = 0.12, delta_z: float = 250.0, both_ways: bool = False) -> None:
        self.delta_phi = delta_phi
        self.delta_z = delta_z
        self.both_ways = both_ways

    def _columns(self) -> list[int]:
        return [self._column(name, "ToTrackGraph") for name in ("r", "phi", "z", "layer")]

    def _connect(self, clouds: PointClouds, used: np.ndarray) -> Graphs:
        r, phi, z, layer = used.T
        if len(layer) and (np.any(layer % 1) or layer.min() < 0):
            raise ValueError(f"layer must hold whole numbers from 0; got values from {layer.min()} to {layer.max()}.")
        source, target = _in_windows(segment_ids(clouds.offsets), layer.astype(np.int64), phi, self.delta_phi)
        near = np.abs(z[target] - z[source]) <= self.delta_z
        source, target = source[near], target[near]
        step = np.column_stack([r[target] - r[source], wrap_phi(phi[target] - phi[source]), z[target] - z[source]])
        with np.errstate(divide="ignore", invalid="ignore"):
            slope, along = step[:, 1:].T / step[:, 0]
        if not np.isfinite(slope).all():
            raise ValueError("hits of neighbouring layers have the same r: expected the radius to grow with the layer.")
        values = np.column_stack([step, slope, z[source] - r[source] * along])
        if self.both_ways:
            source, target = np.concatenate([source, target]), np.concatenate([target, source])
            values = np.concatenate([values, values * np.array([-1, -1, -1, 1, 1])])
        return _make_graphs(clouds, source, target, values, ["delta_r", "delta_phi", "delta_z", "slope", "z0"])


def _in_windows(event: Index, layer: Index, phi: np.ndarray, delta_phi: float) -> tuple[Index, Index]:
    """Find all pairs of hits of one event, in successive layers, whose azimuths differ by ``delta_phi`` at most."""
    n_layers = int(layer.max(initial=0)) + 2  # one more, so that the last layer of an event has no successor
    cell = event * n_layers + layer
    # All hits on one axis, cell after cell: the distance of two cells leaves room for a window on both sides.
    period = 2 * _TURN
    turned = phi % _TURN
    place = cell * period + turned
    order = np.argsort(place, kind="stable")
    sorted_place = place[order]
    sources, targets = [], []
    for turn in (-_TURN, 0.0, _TURN):  # a window that crosses 0 or 2π sees the other end
        centre = place + period + turn
        first = np.searchsorted(sorted_place, centre - delta_phi, side="left")
        last = np.searchsorted(sorted_place, centre + delta_phi, side="right")
        counts = last - first
        source = np.repeat(np.arange(len(place)), counts)
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        target = order[np.repeat(first, counts) + inside]
        there = cell[target] == cell[source] + 1
        sources.append(source[there])
        targets.append(target[there])
    return np.concatenate(sources), np.concatenate(targets)
