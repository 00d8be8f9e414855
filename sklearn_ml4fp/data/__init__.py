"""Events: sources that read them with roles, and point clouds and graphs that scikit-learn can slice."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._edge_labels import build_tracks, edge_labels
    from ._event_source import EventSource
    from ._graphs import Graphs
    from ._momenta import momentum_components
    from ._point_clouds import PointClouds, as_point_clouds
    from ._ragged_array import RaggedArray

__all__ = [
    "EventSource",
    "Graphs",
    "PointClouds",
    "RaggedArray",
    "as_point_clouds",
    "build_tracks",
    "edge_labels",
    "momentum_components",
]

__getattr__, __dir__ = lazily(__name__, __all__)
