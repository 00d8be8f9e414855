"""Samplers, which change the training events and carry weights and groups along."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from .._sampler import Sampler
    from ._drop import DropMissingRows, DropOutliers
    from ._resampled import Resampled
    from ._weighted import WeightedSampler

__all__ = ["DropMissingRows", "DropOutliers", "Resampled", "Sampler", "WeightedSampler"]

__getattr__, __dir__ = lazily(__name__, __all__)
