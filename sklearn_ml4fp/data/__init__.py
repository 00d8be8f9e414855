"""Ragged containers: point clouds and graphs that scikit-learn can slice."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._graphs import Graphs
    from ._point_clouds import PointClouds, as_point_clouds

__all__ = ["Graphs", "PointClouds", "as_point_clouds"]

__getattr__, __dir__ = lazily(__name__, __all__)
