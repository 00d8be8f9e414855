"""Networks as scikit-learn estimators, one architecture per file."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from .._compat import Interval
    from .._params import hp
    from ._base import NetworkEstimator
    from ._checkup import TrainingWarning
    from ._classifier import NetworkClassifier
    from ._cnn import CNNClassifier, CNNRegressor
    from ._deep_sets import DeepSetsClassifier, DeepSetsRegressor
    from ._densenet import DenseNetClassifier, DenseNetRegressor
    from ._edge_conv import EdgeConvClassifier, EdgeConvRegressor
    from ._feedforward import FeedForwardClassifier, FeedForwardRegressor
    from ._input_choices import GraphChoices, ImageChoices, SequenceChoices, SetChoices
    from ._interaction_network import InteractionNetworkClassifier, InteractionNetworkRegressor
    from ._message_passing import MessagePassingClassifier, MessagePassingRegressor
    from ._particle_transformer import ParticleTransformerClassifier, ParticleTransformerRegressor
    from ._real_mlp import RealMLPClassifier, RealMLPRegressor
    from ._recurrent import RecurrentClassifier, RecurrentRegressor
    from ._regressor import NetworkRegressor
    from ._resnet import ResNetClassifier, ResNetRegressor
    from ._score_history import ScoreHistory
    from ._table import TableClassifier, TableRegressor
    from ._tabm import TabMClassifier, TabMRegressor
    from ._transformer import TransformerClassifier, TransformerRegressor

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "DeepSetsClassifier",
    "DeepSetsRegressor",
    "DenseNetClassifier",
    "DenseNetRegressor",
    "EdgeConvClassifier",
    "EdgeConvRegressor",
    "FeedForwardClassifier",
    "FeedForwardRegressor",
    "GraphChoices",
    "ImageChoices",
    "InteractionNetworkClassifier",
    "InteractionNetworkRegressor",
    "Interval",
    "MessagePassingClassifier",
    "MessagePassingRegressor",
    "NetworkClassifier",
    "NetworkEstimator",
    "NetworkRegressor",
    "ParticleTransformerClassifier",
    "ParticleTransformerRegressor",
    "RealMLPClassifier",
    "RealMLPRegressor",
    "RecurrentClassifier",
    "RecurrentRegressor",
    "ResNetClassifier",
    "ResNetRegressor",
    "ScoreHistory",
    "SequenceChoices",
    "SetChoices",
    "TabMClassifier",
    "TabMRegressor",
    "TableClassifier",
    "TableRegressor",
    "TrainingWarning",
    "TransformerClassifier",
    "TransformerRegressor",
    "hp",
]

__getattr__, __dir__ = lazily(__name__, __all__)
