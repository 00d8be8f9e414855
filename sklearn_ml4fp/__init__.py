"""Deep learning for fundamental physics as ordinary scikit-learn estimators.

Every public name can be imported from here. Names are resolved on first use, so that importing the package is fast and
does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what an editor and a type checker see
    from .augmentation import *
    from .data import *
    from .datasets import *
    from .estimators import *
    from .inspection import *
    from .metrics import *
    from .model_selection import *
    from .preprocessing import *
    from .resampling import *

__version__ = "0.1.0.dev0"

# public name -> the room that holds it: one line a name, in the order of the rooms and of the alphabet
_ROOM_OF: dict[str, str] = {
    "as_point_clouds": "data",
    "Graphs": "data",
    "PointClouds": "data",
    "ams_score": "metrics",
    "ams_scorer": "metrics",
    "asimov_score": "metrics",
    "asimov_scorer": "metrics",
    "asimov_significance": "metrics",
    "average_precision": "metrics",
    "average_precision_scorer": "metrics",
    "background_rejection": "metrics",
    "background_rejection_scorer": "metrics",
    "bootstrap_interval": "metrics",
    "brier": "metrics",
    "expected_calibration_error": "metrics",
    "ks_distance": "metrics",
    "ks_distance_scorer": "metrics",
    "ks_test": "metrics",
    "make_weighted_scorer": "metrics",
    "neg_brier_scorer": "metrics",
    "neg_expected_calibration_error_scorer": "metrics",
    "neg_response_bias_scorer": "metrics",
    "neg_response_resolution_scorer": "metrics",
    "response_bias": "metrics",
    "response_resolution": "metrics",
    "roc_auc_score": "metrics",
    "roc_auc_scorer": "metrics",
    "roc_curve": "metrics",
    "SCORERS": "metrics",
    "significance_improvement": "metrics",
    "significance_improvement_scorer": "metrics",
    "AutoScaler": "preprocessing",
    "DropMissingColumns": "preprocessing",
    "JetConstituentFeatures": "preprocessing",
    "LogScaler": "preprocessing",
    "MinMaxScaler": "preprocessing",
    "MissingValueImputer": "preprocessing",
    "OutlierClipper": "preprocessing",
    "ParticleWise": "preprocessing",
    "ToImage": "preprocessing",
    "ToList": "preprocessing",
    "ToSet": "preprocessing",
    "ZScoreScaler": "preprocessing",
    "AugmentedPrediction": "augmentation",
    "Augmenter": "augmentation",
    "Compose": "augmentation",
    "DropParticles": "augmentation",
    "NeighbourInterpolation": "augmentation",
    "PermuteParticles": "augmentation",
    "Reflect": "augmentation",
    "Rotate": "augmentation",
    "Shift": "augmentation",
    "Smear": "augmentation",
    "Translate": "augmentation",
    "DropMissingRows": "resampling",
    "DropOutliers": "resampling",
    "Resampled": "resampling",
    "Sampler": "resampling",
    "WeightedSampler": "resampling",
    "BayesSearchCV": "model_selection",
    "CrossFitClassifier": "model_selection",
    "CrossFitRegressor": "model_selection",
    "DaskBackend": "model_selection",
    "EventKFold": "model_selection",
    "EventShuffleSplit": "model_selection",
    "OptunaSearchCV": "model_selection",
    "RotatingKFold": "model_selection",
    "optuna_distributions": "model_selection",
    "param_distributions": "model_selection",
    "param_grid": "model_selection",
    "search_space": "model_selection",
    "train_val_test_split": "model_selection",
    "fetch_higgs": "datasets",
    "fetch_quark_gluon_jets": "datasets",
    "fetch_top_tagging": "datasets",
    "load_air_showers": "datasets",
    "load_events": "datasets",
    "load_quark_gluon_jets": "datasets",
    "make_air_showers": "datasets",
    "make_events": "datasets",
    "make_quark_gluon_jets": "datasets",
    "CNNClassifier": "estimators",
    "CNNRegressor": "estimators",
    "DeepSetsClassifier": "estimators",
    "DeepSetsRegressor": "estimators",
    "DenseNetClassifier": "estimators",
    "DenseNetRegressor": "estimators",
    "EdgeConvClassifier": "estimators",
    "EdgeConvRegressor": "estimators",
    "FeedForwardClassifier": "estimators",
    "FeedForwardRegressor": "estimators",
    "hp": "estimators",
    "InteractionNetworkClassifier": "estimators",
    "InteractionNetworkRegressor": "estimators",
    "MessagePassingClassifier": "estimators",
    "MessagePassingRegressor": "estimators",
    "NetworkClassifier": "estimators",
    "NetworkEstimator": "estimators",
    "NetworkRegressor": "estimators",
    "ParticleTransformerClassifier": "estimators",
    "ParticleTransformerRegressor": "estimators",
    "RecurrentClassifier": "estimators",
    "RecurrentRegressor": "estimators",
    "ResNetClassifier": "estimators",
    "ResNetRegressor": "estimators",
    "TransformerClassifier": "estimators",
    "TransformerRegressor": "estimators",
    "CalibrationDisplay": "inspection",
    "ConvergenceDisplay": "inspection",
    "CorrelationDisplay": "inspection",
    "DataReport": "inspection",
    "Finding": "inspection",
    "HyperparameterImportanceDisplay": "inspection",
    "ImportanceDisplay": "inspection",
    "investigate": "inspection",
    "LossCurveDisplay": "inspection",
    "ObjectiveDependenceDisplay": "inspection",
    "OvertrainingDisplay": "inspection",
    "RejectionDisplay": "inspection",
    "ResponseDisplay": "inspection",
}

__all__ = [*_ROOM_OF]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    globals()[name] = value  # the next access finds it without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
