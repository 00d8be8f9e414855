"""Pictures and reports of data and of fitted models."""

from ._loss_curve import LossCurveDisplay
from ._overtraining import OvertrainingDisplay
from ._rejection import RejectionDisplay

__all__ = ["LossCurveDisplay", "OvertrainingDisplay", "RejectionDisplay"]
