"""Metrics of fundamental physics, all with signed event weights."""

from ._roc import roc_auc_score, roc_curve
from ._scorers import roc_auc_scorer

__all__ = ["roc_auc_score", "roc_auc_scorer", "roc_curve"]
