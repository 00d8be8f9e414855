"""Architectures as plain torch modules, one a file."""

from ._cnn import CNN
from ._densenet import DenseNet
from ._feedforward import FeedForward
from ._initialise import INITIALISATIONS, initialise
from ._layers import ACTIVATIONS, NORMALISATIONS, AlphaDropout, Dropout, Norm, set_generator
from ._recurrent import CELLS, Recurrent
from ._resnet import ResNet
from ._transformer import POOLINGS, POSITIONS, Transformer

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "CNN",
    "INITIALISATIONS",
    "NORMALISATIONS",
    "POOLINGS",
    "POSITIONS",
    "AlphaDropout",
    "DenseNet",
    "Dropout",
    "FeedForward",
    "Norm",
    "Recurrent",
    "ResNet",
    "Transformer",
    "initialise",
    "set_generator",
]
