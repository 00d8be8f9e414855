"""Transverse momentum of points, found among their columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._roles import find, is_natural_logarithm
from ._moments import Moments
from ._point_encoding import Columns, columns_named, looks_standardised

# 1e-8 GeV: the momentum of softer particles, and of those without one
SOFTEST = 1e-8


@dataclass
class TransverseMomentum:
    """Column and mean of ln pT; relative to the mean it does not depend on the unit.

    Parameters
    ----------
    column : int
        Column of the points.
    logarithmic : bool
        Whether the column holds ln pT instead of pT.
    mean : float
        Mean of ln pT.
    """

    column: int
    logarithmic: bool
    mean: float = 0.0

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Compute ln pT of the points ``(n,)`` relative to its mean; float32."""
        column = values[:, self.column].astype(np.float64)
        logarithm = column if self.logarithmic else np.log(np.maximum(column, SOFTEST))
        return (logarithm - self.mean).astype(np.float32)


class MomentumSurvey:
    """What is learned of the transverse momentum of points, part by part.

    Parameters
    ----------
    declared : str, int or None
        The column; None chooses it by its name.
    names : sequence of str
        Names of the features.

    Raises
    ------
    ValueError
        The declared column does not exist; several columns are transverse momenta by name.
    """

    def __init__(self, declared: Columns | None, names: Sequence[str]) -> None:
        self._declared, self._names = declared, names
        if declared is None:
            places = (find(names, role, "Say which by transverse_momentum=.") for role in ("pt", "log_pt"))
            column = next((place for place in places if place is not None), None)
        else:
            (column,) = columns_named([declared], names, "transverse_momentum")
        self._found = None if column is None else TransverseMomentum(column, is_natural_logarithm(names[column]))
        self._raw, self._logarithms, self._lowest = Moments(), Moments(), np.inf

    def add(self, values: np.ndarray, weights: np.ndarray | None) -> None:
        """Take in points and their weights."""
        if (found := self._found) is None or not len(values):
            return
        column = values[:, [found.column]]
        self._lowest = min(self._lowest, float(column.min()))
        self._raw.add(column)
        self._logarithms.add(found(values)[:, np.newaxis], weights)

    def merge(self, other: MomentumSurvey) -> None:
        """Take in the points that another one has taken in."""
        self._raw.merge(other._raw)
        self._logarithms.merge(other._logarithms)
        self._lowest = min(self._lowest, other._lowest)

    def learned(self) -> TransverseMomentum | None:
        """Return the column and the mean of ln pT; None without a column that holds pT.

        Raises
        ------
        ValueError
            The declared column holds no momentum.
        """
        if (found := self._found) is None:
            return None
        mean, deviation = (float(one[0]) for one in self._raw.mean_and_deviation())
        if looks_standardised(mean, deviation) or (not found.logarithmic and self._lowest < 0):
            name = self._names[found.column]
            if self._declared is None:
                warnings.warn(
                    f"{name!r} looks scaled, so that it is not taken for a transverse momentum: pairs have no ln kT, "
                    "ln z and ln m². Leave it out of the scaling, ParticleWise(scaler, columns=[...]).",
                    UserWarning,
                    stacklevel=2,
                )
                return None
            raise ValueError(
                f"transverse_momentum={self._declared!r}: the feature {name!r} has mean {mean:.2g}, standard deviation "
                f"{deviation:.2g} and the lowest value {self._lowest:.2g}, so that it has been scaled. Expected pT, or "
                "ln pT in a feature with a name such as 'log_pt'. Leave it out of the scaling, ParticleWise(scaler, "
                "columns=[...])."
            )
        found.mean = float(self._logarithms.unit()[0][0])
        return found
