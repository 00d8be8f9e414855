"""What the networks on sets and graphs take, and how they read it."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import torch

from .._compat import Interval
from .._params import hp
from .._validation import check_finite
from ..data import Graphs, PointClouds
from ..engine import PackedData, TensorData
from ._base import Part, as_tensor
from ._inputs import PointInput
from ._point_encoding import PointEncoding, TableEncoding


class SetInput(PointInput):
    """For networks on events of any number of points without an order, which standardise these points themselves."""

    angles: Any = hp(
        None,
        valid=(tuple, list, None),
        doc="Features of the points that are angles in rad, by name or position: the angle enters as its cosine and "
        "sine, one relative to something (delta_phi) as a number in [−π, π). None takes those whose name ends in phi "
        "or azimuth (Jet_phi, jet.phi).",
    )
    _attributes_doc = """
        angles_ : tuple of str
            Features of the points that were taken for angles.
    """

    def _measured_in(self) -> Any:
        return ()  # a set needs no distances

    def _table(self, X: np.ndarray) -> Any:
        """Points of ``particle_features`` columns; without, a row is an event of a single point."""
        if self.particle_features is not None:
            return super()._table(X)
        return PointClouds(X, np.arange(len(X) + 1))

    def _learn_units(self, train: Part) -> None:
        self._encoding = PointEncoding.learn(
            clouds_of(train.X), train.weights, angles=self.angles, coordinates=self._measured_in()
        )
        names = clouds_of(train.X).feature_names
        self.angles_ = tuple(names[angle.column] for angle in self._encoding.points.angles)

    def _inputs(self, X: Any) -> tuple[torch.Tensor, ...]:
        clouds = clouds_of(X)
        points, event = self._encoding(clouds)
        return as_tensor(points), as_tensor(clouds.offsets), as_tensor(event)

    def _data(self, X: Any, target: torch.Tensor, weight: torch.Tensor | None = None) -> TensorData:
        return PackedData(self._inputs(X), target, weight)

    def _shape_in(self, X: Any) -> tuple[int, ...]:
        return self._encoding.points.width, self._encoding.event.width


class GraphInput(SetInput):
    """For networks on points in a space, or along the edges of `Graphs`."""

    coordinates: Any = hp(
        None,
        valid=(tuple, list, None),
        doc="Features of the points, by name or position, in which the distance to neighbours is measured: d² = Δη² + "
        "Δφ² with the difference of angles in [−π, π]. None takes the first that are there of (delta_eta, delta_phi), "
        "(eta, phi), (rapidity, phi), (y, phi), (x, y, z) and (x, y), by the last word of their names (Jet_eta, "
        "jet.eta), and all features, with a warning, where none are; () takes all features. They are used in the unit "
        "that they have.",
    )
    _attributes_doc = """
        coordinates_ : tuple of str
            Features of the points in which distances were measured; empty for all features.
    """
    _without_coordinates = "neighbours are searched for among all features, whatever their units"

    def _measured_in(self) -> Any:
        return self.coordinates

    def _check_X(self, X: Any, *, first: bool = False) -> Any:
        graphs = isinstance(X, Graphs)
        clouds = super()._check_X(X.nodes if graphs else X, first=first)
        names = X.edge_names if graphs else None
        if first:
            self._edge_names = names
        elif names != self._edge_names:
            kinds = [f"edges with the features {n}" if n is not None else "no edges" for n in (names, self._edge_names)]
            raise ValueError(f"X has {kinds[0]}, but {type(self).__name__} was fitted on events with {kinds[1]}.")
        if not graphs:
            return clouds
        check_finite(X.edge_values, X.edge_names)
        return X

    def _learn_units(self, train: Part) -> None:
        super()._learn_units(train)
        clouds = clouds_of(train.X)
        self.coordinates_ = tuple(clouds.feature_names[i] for i in self._encoding.coordinates)
        if self.coordinates is None and not self.coordinates_ and clouds.counts.max(initial=0) > 1:
            warnings.warn(
                f"No coordinates are known by name among the features {clouds.feature_names}: "
                f"{self._without_coordinates}. Name them (eta, phi; x, y, z; JetConstituentFeatures makes them of "
                "four-momenta), say which by coordinates=, or coordinates=() if this is meant.",
                UserWarning,
                stacklevel=2,
            )
        if isinstance(train.X, Graphs):
            weights = None if train.weights is None else np.repeat(train.weights, train.X.edge_counts)
            self._edge_encoding = TableEncoding.learn(train.X.edge_values, train.X.edge_names, None, weights)

    def _inputs(self, X: Any) -> tuple[torch.Tensor, ...]:
        inputs = super()._inputs(X)
        if not isinstance(X, Graphs):
            return inputs
        edges = as_tensor(np.ascontiguousarray(X.edges))
        return (*inputs, edges, as_tensor(self._edge_encoding(X.edge_values)), as_tensor(X.edge_offsets))

    def _shape_in(self, X: Any) -> tuple[int, ...]:
        return (*super()._shape_in(X), self._edge_encoding.width if isinstance(X, Graphs) else 0)


class NeighbourInput(GraphInput):
    """For networks that pass messages along edges: those of `Graphs`, or those between the nearest points."""

    n_neighbors: int = hp(
        16,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(4, 24),
        doc="Nearest points from which a point gets messages; not used where edges are given.",
    )


def clouds_of(X: Any) -> PointClouds:
    """The points of graphs, or the clouds themselves."""
    return X.nodes if isinstance(X, Graphs) else X
