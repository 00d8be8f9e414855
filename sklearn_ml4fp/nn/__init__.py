"""Architectures as plain torch modules, one a file."""

from ._feedforward import FeedForward
from ._layers import ACTIVATIONS, INITIALISATIONS, Dropout, initialise, set_generator

__all__ = [
    "ACTIVATIONS",
    "INITIALISATIONS",
    "Dropout",
    "FeedForward",
    "initialise",
    "set_generator",
]
