"""Metadata routing: weights, ids and any other metadata reach the inner estimator, scorer and splitter."""

from __future__ import annotations

from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution

from sklearn_ml4fp import (
    AugmentedPrediction,
    BayesSearchCV,
    CrossFitClassifier,
    CrossFitRegressor,
    DropMissingRows,
    OptunaSearchCV,
    Reflect,
    Resampled,
)

from .suite import Suite


def replace(names: dict[str, Any]) -> None:
    """Put our compositions in the place of scikit-learn's."""
    X, y = names["X"], names["y"]
    shared = {
        "estimator_name": "estimator",
        "estimator": "classifier",
        "X": X,
        "y": y,
        "estimator_routing_methods": ["fit"],
        "preserves_metadata": "subset",
    }
    scored = {
        "scorer_name": "scoring",
        "scorer_routing_methods": ["fit", "score"],
        "cv_name": "cv",
        "cv_routing_methods": ["fit"],
    }
    names["METAESTIMATORS"][:] = [
        {"metaestimator": Resampled, "init_args": {"sampler": DropMissingRows()}, **shared},
        {"metaestimator": AugmentedPrediction, "init_args": {"augmenter": Reflect(columns=[0])}, **shared},
        {"metaestimator": CrossFitClassifier, **shared, **scored},
        {"metaestimator": CrossFitRegressor, **shared, **scored, "estimator": "regressor", "y": np.asarray(y, float)},
        {
            "metaestimator": BayesSearchCV,
            "init_args": {"search_spaces": {"alpha": [0.1, 0.2]}, "n_iter": 2},
            **shared,
            **scored,
        },
        {
            "metaestimator": OptunaSearchCV,
            "init_args": {"param_distributions": {"alpha": CategoricalDistribution([0.1, 0.2])}, "n_iter": 2},
            **shared,
            **scored,
        },
    ]


SUITES = [
    Suite(
        "`Resampled`, `AugmentedPrediction`, `CrossFitClassifier` and `-Regressor`, `BayesSearchCV`, `OptunaSearchCV`",
        "tests/test_metaestimators_metadata_routing.py",
        replace,
        before="METAESTIMATOR_IDS =",
        by_design={
            "test_default_request": "they ask for weights and ids by themselves, so that nothing is unweighted in "
            "silence",
            "test_error_on_missing_requests_for_sub_estimator": "weights go to the predictor where nobody has said "
            "anything; scikit-learn asks the user to say so",
            "test_metadata_is_routed_correctly_to_splitter[CrossFit": "with ids, the fold of an event of a later file "
            "must be known: cv needs assign(ids), as EventKFold has it",
            "test_metadata_routed_to_group_splitter[CrossFit": "the same, with GroupKFold",
        },
    )
]
