"""Splits by event, search spaces and searches."""

from ._bayes import BayesSearchCV
from ._cross_fit import CrossFitClassifier, CrossFitRegressor
from ._grids import param_grid
from ._spaces import optuna_distributions, param_distributions, search_space
from ._splits import EventKFold, EventShuffleSplit, RotatingKFold, train_val_test_split

__all__ = [
    "BayesSearchCV",
    "CrossFitClassifier",
    "CrossFitRegressor",
    "EventKFold",
    "EventShuffleSplit",
    "RotatingKFold",
    "optuna_distributions",
    "param_distributions",
    "param_grid",
    "search_space",
    "train_val_test_split",
]
