"""Transverse momentum of points, found among their columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._roles import find, is_natural_logarithm
from ._point_encoding import Columns, columns_named, looks_standardised, weighted_moments

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

    @classmethod
    def learn(
        cls, declared: Columns | None, names: Sequence[str], values: np.ndarray, weights: np.ndarray | None
    ) -> TransverseMomentum | None:
        """Learn from the points ``values``, with features ``names``, and their weights.

        Raises
        ------
        ValueError
            The declared column does not exist, or holds no momentum; several columns are transverse momenta by name.
        """
        if declared is None:
            places = (find(names, role, "Say which by transverse_momentum=.") for role in ("pt", "log_pt"))
            column = next((place for place in places if place is not None), None)
        else:
            (column,) = columns_named([declared], names, "transverse_momentum")
        if column is None:
            return None
        found = cls(column, is_natural_logarithm(names[column]))
        mean, spread, standardised = looks_standardised(values[:, column])
        negative = not found.logarithmic and bool((values[:, column] < 0).any())
        if standardised or negative:
            if declared is None:
                warnings.warn(
                    f"{names[column]!r} looks scaled, so that it is not taken for a transverse momentum: pairs have "
                    "no ln kT, ln z and ln m². Leave it out of the scaling, ParticleWise(scaler, columns=[...]).",
                    UserWarning,
                    stacklevel=2,
                )
                return None
            raise ValueError(
                f"transverse_momentum={declared!r}: the feature {names[column]!r} has mean {mean:.2g}, standard "
                f"deviation {spread:.2g} and the lowest value {values[:, column].min():.2g}, so that it has been "
                "scaled. Expected pT, or ln pT in a feature with a name such as 'log_pt'. Leave it out of the "
                "scaling, ParticleWise(scaler, columns=[...])."
            )
        found.mean = float(weighted_moments(found(values)[:, np.newaxis], weights)[0, 0])
        return found

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Compute ln pT of the points ``(n,)`` relative to its mean; float32."""
        column = values[:, self.column].astype(np.float64)
        logarithm = column if self.logarithmic else np.log(np.maximum(column, SOFTEST))
        return (logarithm - self.mean).astype(np.float32)
