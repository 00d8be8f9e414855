"""Samplers: which events a model is trained on, with weights and groups carried along."""

from .._sampler import Sampler
from ._drop import DropMissingRows, DropOutliers
from ._resampled import Resampled
from ._weighted import WeightedSampler

__all__ = ["DropMissingRows", "DropOutliers", "Resampled", "Sampler", "WeightedSampler"]
