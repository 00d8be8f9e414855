"""Networks as scikit-learn estimators, one architecture a file."""

from ._base import NetworkClassifier, NetworkEstimator, NetworkRegressor
from ._feedforward import FeedForwardClassifier, FeedForwardRegressor

__all__ = [
    "FeedForwardClassifier",
    "FeedForwardRegressor",
    "NetworkClassifier",
    "NetworkEstimator",
    "NetworkRegressor",
]
