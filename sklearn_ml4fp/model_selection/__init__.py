"""Splits by event, search spaces and searches."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._bayes import BayesSearchCV
    from ._cross_fit import CrossFitClassifier, CrossFitRegressor
    from ._dask import DaskBackend
    from ._grids import param_grid
    from ._optuna import OptunaSearchCV
    from ._spaces import optuna_distributions, param_distributions, search_space
    from ._splits import EventKFold, EventShuffleSplit, RotatingKFold, train_val_test_split

__all__ = [
    "BayesSearchCV",
    "CrossFitClassifier",
    "CrossFitRegressor",
    "DaskBackend",
    "EventKFold",
    "EventShuffleSplit",
    "OptunaSearchCV",
    "RotatingKFold",
    "optuna_distributions",
    "param_distributions",
    "param_grid",
    "search_space",
    "train_val_test_split",
]

__getattr__, __dir__ = lazily(__name__, __all__)
