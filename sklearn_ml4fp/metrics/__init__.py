"""Metrics of fundamental physics, all with signed event weights."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._bootstrap import bootstrap_interval
    from ._intervals import (
        interval_coverage,
        pull_moments,
    )
    from ._ks import (
        ks_distance,
        ks_test,
    )
    from ._probabilities import (
        average_precision,
        brier,
        expected_calibration_error,
    )
    from ._response import (
        response_bias,
        response_resolution,
    )
    from ._roc import (
        roc_auc_score,
        roc_curve,
    )
    from ._scorers import (
        SCORERS,
        ams_scorer,
        asimov_scorer,
        average_precision_scorer,
        background_rejection_scorer,
        edge_efficiency_scorer,
        edge_purity_scorer,
        efficiency_at_purity_scorer,
        ks_distance_scorer,
        make_weighted_scorer,
        neg_brier_scorer,
        neg_duplicate_rate_scorer,
        neg_expected_calibration_error_scorer,
        neg_fake_rate_scorer,
        neg_response_bias_scorer,
        neg_response_resolution_scorer,
        roc_auc_scorer,
        significance_improvement_scorer,
        tracking_efficiency_scorer,
    )
    from ._significance import (
        ams_score,
        asimov_score,
        asimov_significance,
    )
    from ._tracking import (
        duplicate_rate,
        edge_efficiency,
        edge_purity,
        efficiency_at_purity,
        fake_rate,
        tracking_efficiency,
    )
    from ._working_points import (
        background_rejection,
        significance_improvement,
    )

__all__ = [
    "SCORERS",
    "ams_score",
    "ams_scorer",
    "asimov_score",
    "asimov_scorer",
    "asimov_significance",
    "average_precision",
    "average_precision_scorer",
    "background_rejection",
    "background_rejection_scorer",
    "bootstrap_interval",
    "brier",
    "duplicate_rate",
    "edge_efficiency",
    "edge_efficiency_scorer",
    "edge_purity",
    "edge_purity_scorer",
    "efficiency_at_purity",
    "efficiency_at_purity_scorer",
    "expected_calibration_error",
    "fake_rate",
    "interval_coverage",
    "ks_distance",
    "ks_distance_scorer",
    "ks_test",
    "make_weighted_scorer",
    "neg_brier_scorer",
    "neg_duplicate_rate_scorer",
    "neg_expected_calibration_error_scorer",
    "neg_fake_rate_scorer",
    "neg_response_bias_scorer",
    "neg_response_resolution_scorer",
    "pull_moments",
    "response_bias",
    "response_resolution",
    "roc_auc_score",
    "roc_auc_scorer",
    "roc_curve",
    "significance_improvement",
    "significance_improvement_scorer",
    "tracking_efficiency",
    "tracking_efficiency_scorer",
]

__getattr__, __dir__ = lazily(__name__, __all__)
