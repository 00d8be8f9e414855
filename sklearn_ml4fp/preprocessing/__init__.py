"""Transformers that prepare events for a network: scaling, missing values, representations."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._auto_scaler import AutoScaler
    from ._constituents import JetConstituentFeatures
    from ._log_scaler import LogScaler
    from ._missing import DropMissingColumns, MissingValueImputer
    from ._outliers import OutlierClipper
    from ._particle_wise import ParticleWise
    from ._scaling import MinMaxScaler, ZScoreScaler
    from ._to_graph import ToGraph, ToTrackGraph
    from ._to_image import ToImage
    from ._to_list import ToList
    from ._to_set import ToSet

__all__ = [
    "AutoScaler",
    "DropMissingColumns",
    "JetConstituentFeatures",
    "LogScaler",
    "MinMaxScaler",
    "MissingValueImputer",
    "OutlierClipper",
    "ParticleWise",
    "ToGraph",
    "ToImage",
    "ToList",
    "ToSet",
    "ToTrackGraph",
    "ZScoreScaler",
]

__getattr__, __dir__ = lazily(__name__, __all__)
