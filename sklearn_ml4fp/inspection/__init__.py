"""Displays and reports of data and of fitted models."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._calibration import CalibrationDisplay
    from ._convergence import ConvergenceDisplay
    from ._correlation import CorrelationDisplay
    from ._coverage import CoverageDisplay
    from ._data_facts import Finding
    from ._data_report import DataReport
    from ._event_graph import EventGraphDisplay
    from ._importance import ImportanceDisplay
    from ._investigate import investigate
    from ._live_loss import LiveLossDisplay
    from ._loss_curve import LossCurveDisplay
    from ._objective_dependence import ObjectiveDependenceDisplay
    from ._overtraining import OvertrainingDisplay
    from ._pulls import PullDisplay
    from ._rejection import RejectionDisplay
    from ._response import ResponseDisplay
    from ._score_history import ScoreHistoryDisplay
    from ._search_importance import HyperparameterImportanceDisplay

__all__ = [
    "CalibrationDisplay",
    "ConvergenceDisplay",
    "CorrelationDisplay",
    "CoverageDisplay",
    "DataReport",
    "EventGraphDisplay",
    "Finding",
    "HyperparameterImportanceDisplay",
    "ImportanceDisplay",
    "LiveLossDisplay",
    "LossCurveDisplay",
    "ObjectiveDependenceDisplay",
    "OvertrainingDisplay",
    "PullDisplay",
    "RejectionDisplay",
    "ResponseDisplay",
    "ScoreHistoryDisplay",
    "investigate",
]

__getattr__, __dir__ = lazily(__name__, __all__)
