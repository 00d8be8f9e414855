"""Scalers: everything that scikit-learn asks of its own ``MinMaxScaler`` and ``StandardScaler``."""

from __future__ import annotations

from typing import Any

import sklearn_ml4fp
from sklearn_ml4fp import ZScoreScaler

from .suite import Suite


class MinMaxScaler(sklearn_ml4fp.MinMaxScaler):
    """Ours with the default range of scikit-learn's."""

    def __init__(self, *, feature_range: tuple = (0, 1), copy: bool = True, clip: bool = False) -> None:
        super().__init__(feature_range=feature_range, copy=copy, clip=clip)


def replace(names: dict[str, Any]) -> None:
    """Put our scalers in the place of scikit-learn's."""
    names.update(MinMaxScaler=MinMaxScaler, StandardScaler=ZScoreScaler)


SUITES = [Suite("`MinMaxScaler`, `ZScoreScaler`", "preprocessing/tests/test_data.py", replace)]
