"""Ragged containers: point clouds and graphs that scikit-learn can slice."""

from ._graphs import Graphs
from ._point_clouds import PointClouds, as_point_clouds

__all__ = ["Graphs", "PointClouds", "as_point_clouds"]
