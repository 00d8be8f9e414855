"""Augmentation: small, physically meaningful changes of events, in training and in prediction."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._base import Augmenter
    from ._compose import Compose
    from ._neighbours import NeighbourInterpolation
    from ._prediction import AugmentedPrediction
    from ._smearing import DropParticles, Shift, Smear
    from ._symmetries import PermuteParticles, Reflect, Rotate, Translate

__all__ = [
    "AugmentedPrediction",
    "Augmenter",
    "Compose",
    "DropParticles",
    "NeighbourInterpolation",
    "PermuteParticles",
    "Reflect",
    "Rotate",
    "Shift",
    "Smear",
    "Translate",
]

__getattr__, __dir__ = lazily(__name__, __all__)
