"""Transformers for events: scaling, outliers, missing values; all take event weights."""

from ._auto_scaler import AutoScaler
from ._missing import DropMissingColumns, MissingValueImputer
from ._outliers import OutlierClipper
from ._scaling import LogScaler, MinMaxScaler, ZScoreScaler

__all__ = [
    "AutoScaler",
    "DropMissingColumns",
    "LogScaler",
    "MinMaxScaler",
    "MissingValueImputer",
    "OutlierClipper",
    "ZScoreScaler",
]
