"""Points without an order, and graphs, as inputs of networks that standardise them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from .._roles import with_role
from .._validation import check_finite
from ..data import Graphs, PointClouds
from ..engine import PackedData
from ._inputs import SequenceInput, as_tensor
from ._point_encoding import PointEncoding, PointSurvey, TableEncoding, TableSurvey
from ._transverse_momentum import MomentumSurvey, TransverseMomentum

_EVENTS = 4096  # events that are surveyed at a time


def clouds_of(X: Any) -> PointClouds:
    """Return the points of graphs, or the clouds themselves."""
    return X.nodes if isinstance(X, Graphs) else X


@dataclass
class SetInput(SequenceInput):
    """Events of any number of points without an order.

    Parameters
    ----------
    angles : sequence of str or int, or None
        Features that are angles in rad; None chooses them by their names.
    """

    coordinates: ClassVar[Any] = ()  # in which distances are measured; a set needs none

    angles: Any = None
    _points: PointEncoding | None = None

    @property
    def encoding(self) -> PointEncoding:
        """Encoding of points and event columns, after it is learned."""
        assert self._points is not None
        return self._points

    @property
    def module_shape(self) -> tuple[int, ...]:
        """Numbers of encoded columns of a point and of an event."""
        encoding = self.encoding
        return encoding.points.width, encoding.event.width

    @property
    def module_arguments(self) -> dict[str, Any]:
        """Kinds of points, and the mean number of points of an event."""
        return {**super().module_arguments, "n_points": self.encoding.n_points}

    def _points_of(self, X: np.ndarray, names: Any) -> PointClouds:
        """Make points of ``particle_features`` columns; without it, a row is an event of a single point."""
        if self.particle_features is not None:
            return super()._points_of(X, names)
        return PointClouds(X, np.arange(len(X) + 1))

    def look(self, X: Any, weights: np.ndarray | None) -> None:
        """Take in events."""
        self.seen = self.seen or self._new_surveys(X)
        if len(X) <= _EVENTS:
            self._add(X, weights)
            return
        for start in range(0, len(X), _EVENTS):
            rows = slice(start, start + _EVENTS)
            self._add(X[rows], None if weights is None else weights[rows])

    def _new_surveys(self, X: Any) -> dict[str, Any]:
        """Make what collects the facts about the events, by names."""
        clouds = clouds_of(X)
        return {"points": PointSurvey(clouds.feature_names, clouds.event_names, self.angles)}

    def _add(self, X: Any, weights: np.ndarray | None) -> None:
        self.seen["points"].add(clouds_of(X), weights)

    def learn(self) -> dict[str, Any]:
        """Learn the units of the features."""
        points: PointSurvey = self.seen["points"]
        self._points = points.encoding(self.coordinates)
        angles = tuple(points.names[angle.column] for angle in self._points.points.angles)
        return {**self._kinds_found(), "angles_": angles}

    def _tensors(self, X: Any) -> tuple[torch.Tensor, ...]:
        clouds = clouds_of(X)
        points, event = self.encoding(clouds)
        return as_tensor(points), as_tensor(clouds.offsets), as_tensor(event)

    def data(self, X: Any, target: torch.Tensor, weight: torch.Tensor | None = None) -> PackedData:
        """Make a source of batches without padding of checked events."""
        entries = self.entries(X)
        return PackedData(self._tensors(X), target, weight, entries=None if entries is None else as_tensor(entries))


@dataclass
class GraphInput(SetInput):
    """Points in a space, or along the edges of `Graphs`.

    Parameters
    ----------
    coordinates : sequence of str or int, or None
        Features in which distances are measured; None chooses them by their names.
    output : {"event", "point", "edge"}
        What the outputs belong to.
    """

    # what the network does without coordinates, for a warning
    without_coordinates: ClassVar[str] = "neighbours are searched for among all features, whatever their units"

    coordinates: Any = None  # type: ignore[misc]  # of a set it is a constant
    output: str = "event"
    _edge_names: Any = None
    _edges: TableEncoding | None = None

    @property
    def module_shape(self) -> tuple[int, ...]:
        """Numbers of encoded columns of a point, of an event and of an edge."""
        return (*super().module_shape, 0 if self._edges is None else self._edges.width)

    @property
    def module_arguments(self) -> dict[str, Any]:
        """Periods of the coordinates, and the mean number of points of an event."""
        return {**super().module_arguments, "periodic": self.encoding.periodic}

    def check(self, X: Any, owner: Any) -> Any:
        """Return clouds or graphs."""
        first, graphs = self.shape is None, isinstance(X, Graphs)
        clouds = super().check(clouds_of(X), owner)
        names = X.edge_names if graphs else None
        if first:
            self._edge_names = names
        elif names != self._edge_names:
            kinds = [f"edges with the features {n}" if n is not None else "no edges" for n in (names, self._edge_names)]
            raise ValueError(f"X has {kinds[0]}, but {type(owner).__name__} was fitted on events with {kinds[1]}.")
        if not graphs:
            if self.output == "edge":
                raise ValueError(
                    f'output="edge" needs events with edges: expected Graphs, got {type(X).__name__}. ToGraph and '
                    "ToTrackGraph make them of point clouds."
                )
            return clouds
        check_finite(X.edge_values, X.edge_names)
        return X

    def _new_surveys(self, X: Any) -> dict[str, Any]:
        edges = TableSurvey(X.edge_names, None) if isinstance(X, Graphs) else None
        return {**super()._new_surveys(X), "edges": edges}

    def _add(self, X: Any, weights: np.ndarray | None) -> None:
        super()._add(X, weights)
        if isinstance(X, Graphs):
            self.seen["edges"].add(X.edge_values, None if weights is None else np.repeat(weights, X.edge_counts))

    def learn(self) -> dict[str, Any]:
        """Learn the units of the features of points and edges, and which are coordinates."""
        attributes, points, edges = super().learn(), self.seen["points"], self.seen["edges"]
        coordinates = tuple(points.names[i] for i in self.encoding.coordinates)
        if self.coordinates is None and not coordinates and points.most > 1:
            warnings.warn(
                f"No coordinates are known by name among the features {points.names}: "
                f"{self.without_coordinates}. Name them (eta, phi; x, y, z; JetConstituentFeatures makes them of "
                "four-momenta), say which by coordinates=, or coordinates=() if this is meant.",
                UserWarning,
                stacklevel=2,
            )
        self._edges = None if edges is None else edges.encoding()
        return {**attributes, "coordinates_": coordinates}

    def entries(self, X: Any) -> np.ndarray | None:
        """Return the offsets of the events among the points or edges that have outputs; None for those of events."""
        if self.output == "event":
            return None
        return X.edge_offsets if self.output == "edge" else clouds_of(X).offsets

    def _tensors(self, X: Any) -> tuple[torch.Tensor, ...]:
        inputs = super()._tensors(X)
        if self._edges is None:
            return inputs
        edges = as_tensor(np.ascontiguousarray(X.edges))
        return (*inputs, edges, as_tensor(self._edges(X.edge_values)), as_tensor(X.edge_offsets))


@dataclass
class KinematicInput(GraphInput):
    """Points with coordinates and, if it is known, a transverse momentum.

    Parameters
    ----------
    transverse_momentum : str, int or None
        Feature that is the transverse momentum; None chooses it by its name.
    """

    transverse_momentum: Any = None
    without_coordinates: ClassVar[str] = "pairs of points have no ln Δ, ln kT, ln z and ln m²"
    _pt: TransverseMomentum | None = None

    @property
    def module_arguments(self) -> dict[str, Any]:
        """Periods of the coordinates, and whether a transverse momentum is known."""
        return {**super().module_arguments, "has_pt": self._pt is not None}

    def _new_surveys(self, X: Any) -> dict[str, Any]:
        return {**super()._new_surveys(X), "pt": MomentumSurvey(self.transverse_momentum, clouds_of(X).feature_names)}

    def _add(self, X: Any, weights: np.ndarray | None) -> None:
        super()._add(X, weights)
        clouds = clouds_of(X)
        self.seen["pt"].add(clouds.values, None if weights is None else np.repeat(weights, clouds.counts))

    def learn(self) -> dict[str, Any]:
        """Learn as a graph does, and the mean of ln pT."""
        attributes, names, found = super().learn(), self.seen["points"].names, self.seen["pt"].learned()
        if not self.encoding.coordinates:
            if self.transverse_momentum is not None:
                raise ValueError(
                    f"transverse_momentum={self.transverse_momentum!r} is used with coordinates alone, but none are "
                    f"known among the features {tuple(names)}: pass coordinates= as well."
                )
            found = None
        elif found is None and self.encoding.periodic.count(True) == 1 and not _known(names):
            warnings.warn(
                f"No transverse momentum is known by name among the features {names}: pairs have no ln kT, ln z and "
                "ln m². Name it pt, or say which feature it is by transverse_momentum=.",
                UserWarning,
                stacklevel=2,
            )
        self._pt = found
        return {**attributes, "transverse_momentum_": None if found is None else names[found.column]}

    def _tensors(self, X: Any) -> tuple[torch.Tensor, ...]:
        points, *others = super()._tensors(X)
        if self._pt is not None:
            points = torch.cat([points, as_tensor(self._pt(clouds_of(X).values))[:, None]], dim=1)
        return (points, *others)


def _known(names: Any) -> bool:
    """Return whether a feature is a transverse momentum by its name; a scaled one has its own warning."""
    return bool(with_role(names, "pt") or with_role(names, "log_pt"))
