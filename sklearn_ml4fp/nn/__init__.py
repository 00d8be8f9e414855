"""Architectures as plain torch modules, one per file."""

from ._cnn import CNN
from ._columns import Columns, ColumnScaling, MixedColumns
from ._deep_sets import POINT_POOLINGS, DeepSets
from ._dense_stack import DenseStack, is_wide
from ._densenet import DenseNet
from ._edge_conv import EdgeConv
from ._embeddings import NUM_EMBEDDINGS, number_embedding
from ._feedforward import FeedForward
from ._graph import AGGREGATIONS
from ._initialise import INITIALISATIONS, initialise
from ._interaction_network import InteractionNetwork
from ._layers import ACTIVATIONS, NORMALISATIONS, AlphaDropout, Dropout, Norm, set_generator
from ._linear import has_onednn
from ._message_passing import MESSAGES, MessagePassing
from ._ntk import PARAMETRISATIONS, settle
from ._particle_transformer import ParticleTransformer
from ._read_out import OUTPUTS
from ._recurrent import CELLS, Recurrent
from ._resnet import ResNet
from ._stacked import can_be_stacked, stacked, takes_events_apart
from ._tabm import TabM
from ._transformer import POOLINGS, POSITIONS, Transformer

__all__ = [
    "ACTIVATIONS",
    "AGGREGATIONS",
    "CELLS",
    "CNN",
    "INITIALISATIONS",
    "MESSAGES",
    "NORMALISATIONS",
    "NUM_EMBEDDINGS",
    "OUTPUTS",
    "PARAMETRISATIONS",
    "POINT_POOLINGS",
    "POOLINGS",
    "POSITIONS",
    "AlphaDropout",
    "ColumnScaling",
    "Columns",
    "DeepSets",
    "DenseNet",
    "DenseStack",
    "Dropout",
    "EdgeConv",
    "FeedForward",
    "InteractionNetwork",
    "MessagePassing",
    "MixedColumns",
    "Norm",
    "ParticleTransformer",
    "Recurrent",
    "ResNet",
    "TabM",
    "Transformer",
    "can_be_stacked",
    "has_onednn",
    "initialise",
    "is_wide",
    "number_embedding",
    "set_generator",
    "settle",
    "stacked",
    "takes_events_apart",
]
