"""Events: sources that read them with roles, and point clouds and graphs that scikit-learn can slice."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._event_source import EventSource
    from ._graphs import Graphs
    from ._momenta import momentum_components
    from ._point_clouds import PointClouds, as_point_clouds

__all__ = ["EventSource", "Graphs", "PointClouds", "as_point_clouds", "momentum_components"]

__getattr__, __dir__ = lazily(__name__, __all__)
