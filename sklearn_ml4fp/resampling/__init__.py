"""Samplers: which events a model is trained on, with weights and groups carried along."""

from ._base import Sampler
from ._drop import DropMissingRows, DropOutliers

__all__ = ["DropMissingRows", "DropOutliers", "Sampler"]
