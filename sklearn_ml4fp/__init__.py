"""Deep learning for fundamental physics as ordinary scikit-learn estimators.

Every public name can be imported from here. Names are resolved on first use, so that importing the package is fast and
does not import torch.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what an editor and a type checker see
    from .augmentation import *
    from .data import *
    from .datasets import *
    from .estimators import *
    from .export import *
    from .inspection import *
    from .lab_book import *
    from .metrics import *
    from .model_selection import *
    from .preprocessing import *
    from .resampling import *

__version__ = "0.1.0.dev0"

# public name -> the module that defines it: one line a name, in the order of the subpackages and of the alphabet
_MODULE_OF: dict[str, str] = {
    "as_point_clouds": "data._point_clouds",
    "build_tracks": "data._edge_labels",
    "edge_labels": "data._edge_labels",
    "EventSource": "data._event_source",
    "Graphs": "data._graphs",
    "momentum_components": "data._momenta",
    "PointClouds": "data._point_clouds",
    "RaggedArray": "data._ragged_array",
    "ams_score": "metrics._significance",
    "ams_scorer": "metrics._scorers",
    "asimov_score": "metrics._significance",
    "asimov_scorer": "metrics._scorers",
    "asimov_significance": "metrics._significance",
    "average_precision": "metrics._probabilities",
    "average_precision_scorer": "metrics._scorers",
    "background_rejection": "metrics._working_points",
    "background_rejection_scorer": "metrics._scorers",
    "bootstrap_interval": "metrics._bootstrap",
    "brier": "metrics._probabilities",
    "duplicate_rate": "metrics._tracking",
    "edge_efficiency": "metrics._tracking",
    "edge_efficiency_scorer": "metrics._scorers",
    "edge_purity": "metrics._tracking",
    "edge_purity_scorer": "metrics._scorers",
    "efficiency_at_purity": "metrics._tracking",
    "efficiency_at_purity_scorer": "metrics._scorers",
    "expected_calibration_error": "metrics._probabilities",
    "fake_rate": "metrics._tracking",
    "interval_coverage": "metrics._intervals",
    "ks_distance": "metrics._ks",
    "ks_distance_scorer": "metrics._scorers",
    "ks_test": "metrics._ks",
    "make_weighted_scorer": "metrics._scorers",
    "neg_brier_scorer": "metrics._scorers",
    "neg_duplicate_rate_scorer": "metrics._scorers",
    "neg_expected_calibration_error_scorer": "metrics._scorers",
    "neg_fake_rate_scorer": "metrics._scorers",
    "neg_response_bias_scorer": "metrics._scorers",
    "neg_response_resolution_scorer": "metrics._scorers",
    "pull_moments": "metrics._intervals",
    "response_bias": "metrics._response",
    "response_resolution": "metrics._response",
    "roc_auc_score": "metrics._roc",
    "roc_auc_scorer": "metrics._scorers",
    "roc_curve": "metrics._roc",
    "SCORERS": "metrics._scorers",
    "significance_improvement": "metrics._working_points",
    "significance_improvement_scorer": "metrics._scorers",
    "tracking_efficiency": "metrics._tracking",
    "tracking_efficiency_scorer": "metrics._scorers",
    "AutoScaler": "preprocessing._auto_scaler",
    "DropMissingColumns": "preprocessing._missing",
    "JetConstituentFeatures": "preprocessing._constituents",
    "LogScaler": "preprocessing._log_scaler",
    "MinMaxScaler": "preprocessing._scaling",
    "MissingValueImputer": "preprocessing._missing",
    "OutlierClipper": "preprocessing._outliers",
    "ParticleWise": "preprocessing._particle_wise",
    "ToGraph": "preprocessing._to_graph",
    "ToImage": "preprocessing._to_image",
    "ToList": "preprocessing._to_list",
    "ToSet": "preprocessing._to_set",
    "ToTrackGraph": "preprocessing._to_graph",
    "ZScoreScaler": "preprocessing._scaling",
    "AugmentedPrediction": "augmentation._prediction",
    "Augmenter": "augmentation._base",
    "Compose": "augmentation._compose",
    "DropParticles": "augmentation._smearing",
    "NeighbourInterpolation": "augmentation._neighbours",
    "PermuteParticles": "augmentation._symmetries",
    "Reflect": "augmentation._symmetries",
    "Rotate": "augmentation._symmetries",
    "Shift": "augmentation._smearing",
    "Smear": "augmentation._smearing",
    "Translate": "augmentation._symmetries",
    "DropMissingRows": "resampling._drop",
    "DropOutliers": "resampling._drop",
    "Resampled": "resampling._resampled",
    "Sampler": "_sampler",
    "WeightedSampler": "resampling._weighted",
    "BayesSearchCV": "model_selection._bayes",
    "CrossFitClassifier": "model_selection._cross_fit",
    "CrossFitRegressor": "model_selection._cross_fit",
    "DaskBackend": "model_selection._dask",
    "EventKFold": "model_selection._splits",
    "EventShuffleSplit": "model_selection._splits",
    "OptunaSearchCV": "model_selection._optuna",
    "RotatingKFold": "model_selection._splits",
    "optuna_distributions": "model_selection._spaces",
    "param_distributions": "model_selection._spaces",
    "param_grid": "model_selection._grids",
    "search_space": "model_selection._spaces",
    "train_val_test_split": "model_selection._splits",
    "fetch_higgs": "datasets._fetch",
    "fetch_quark_gluon_jets": "datasets._fetch",
    "fetch_top_tagging": "datasets._fetch",
    "load_air_showers": "datasets._air_showers",
    "load_events": "datasets._load",
    "load_quark_gluon_jets": "datasets._quark_gluon",
    "load_tracker_hits": "datasets._tracker",
    "make_air_showers": "datasets._air_showers",
    "make_events": "datasets._simulate",
    "make_quark_gluon_jets": "datasets._quark_gluon",
    "make_tracker_hits": "datasets._tracker",
    "CNNClassifier": "estimators._cnn",
    "CNNRegressor": "estimators._cnn",
    "DeepSetsClassifier": "estimators._deep_sets",
    "DeepSetsRegressor": "estimators._deep_sets",
    "DenseNetClassifier": "estimators._densenet",
    "DenseNetRegressor": "estimators._densenet",
    "EdgeConvClassifier": "estimators._edge_conv",
    "EdgeConvRegressor": "estimators._edge_conv",
    "FeedForwardClassifier": "estimators._feedforward",
    "FeedForwardRegressor": "estimators._feedforward",
    "hp": "_params",
    "GraphChoices": "estimators._input_choices",
    "ImageChoices": "estimators._input_choices",
    "InteractionNetworkClassifier": "estimators._interaction_network",
    "InteractionNetworkRegressor": "estimators._interaction_network",
    "Interval": "_compat",
    "MessagePassingClassifier": "estimators._message_passing",
    "MessagePassingRegressor": "estimators._message_passing",
    "NetworkClassifier": "estimators._classifier",
    "NetworkEstimator": "estimators._base",
    "NetworkRegressor": "estimators._regressor",
    "ParticleTransformerClassifier": "estimators._particle_transformer",
    "ParticleTransformerRegressor": "estimators._particle_transformer",
    "RealMLPClassifier": "estimators._real_mlp",
    "RealMLPRegressor": "estimators._real_mlp",
    "RecurrentClassifier": "estimators._recurrent",
    "RecurrentRegressor": "estimators._recurrent",
    "ResNetClassifier": "estimators._resnet",
    "ResNetRegressor": "estimators._resnet",
    "ScoreHistory": "estimators._score_history",
    "SequenceChoices": "estimators._input_choices",
    "SetChoices": "estimators._input_choices",
    "TableClassifier": "estimators._table",
    "TableRegressor": "estimators._table",
    "TabMClassifier": "estimators._tabm",
    "TabMRegressor": "estimators._tabm",
    "TrainingWarning": "estimators._checkup",
    "TransformerClassifier": "estimators._transformer",
    "TransformerRegressor": "estimators._transformer",
    "describe_model": "export._model_file",
    "load_model": "export._model_file",
    "predict_on_dask": "export._on_dask",
    "save_model": "export._model_file",
    "to_onnx": "export._onnx",
    "write_scores": "export._scores",
    "CalibrationDisplay": "inspection._calibration",
    "ConvergenceDisplay": "inspection._convergence",
    "CorrelationDisplay": "inspection._correlation",
    "CoverageDisplay": "inspection._coverage",
    "DataReport": "inspection._data_report",
    "EventGraphDisplay": "inspection._event_graph",
    "Finding": "inspection._data_facts",
    "HyperparameterImportanceDisplay": "inspection._search_importance",
    "ImportanceDisplay": "inspection._importance",
    "investigate": "inspection._investigate",
    "LiveLossDisplay": "inspection._live_loss",
    "LossCurveDisplay": "inspection._loss_curve",
    "ObjectiveDependenceDisplay": "inspection._objective_dependence",
    "OvertrainingDisplay": "inspection._overtraining",
    "PullDisplay": "inspection._pulls",
    "RejectionDisplay": "inspection._rejection",
    "ResponseDisplay": "inspection._response",
    "ScoreHistoryDisplay": "inspection._score_history",
    "LabBook": "lab_book._lab_book",
}

__all__ = [*_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value  # the next access finds it without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if os.environ.get("LABBOOK"):  # every fit of this process is recorded
    __getattr__("LabBook")().start()
