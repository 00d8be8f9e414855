"""Transformers that prepare events for a network."""

from ._constituents import JetConstituentFeatures
from ._particle_wise import ParticleWise
from ._to_image import ToImage
from ._to_list import ToList
from ._to_set import ToSet

__all__ = ["JetConstituentFeatures", "ParticleWise", "ToImage", "ToList", "ToSet"]
