"""Momenta of particles, found among the columns of point clouds."""

from __future__ import annotations

import numpy as np

from .._kinematics import azimuth, from_pseudorapidity, from_rapidity, pseudorapidity, rapidity, transverse_momentum
from .._particles import look_up
from .._roles import find, with_role
from ..data import PointClouds

_MOMENTA = (("pt", "rapidity", "phi"), ("pt", "y", "phi"), ("pt", "eta", "phi"), ("px", "py", "pz"))
_OF_ENERGY = ("e", "m", "pdgid")  # any of them determines the energy


class MomentumMixin:
    """Mixin of a transformer of point clouds, which finds the columns of momenta in ``fit``."""

    roles_: dict[str, str]

    def _learn_roles(self, clouds: PointClouds) -> None:
        """Learn which features are momenta, by the last word of their names.

        Raises
        ------
        ValueError
            There are none, or several features have one role.
        """
        names = clouds.feature_names
        for roles in _MOMENTA:
            if all(with_role(names, role) for role in roles):
                found = {role: find(names, role) for role in (*roles, *_OF_ENERGY)}
                self.roles_ = {role: names[i] for role, i in found.items() if i is not None}
                return
        raise ValueError(
            f"expected features pt (GeV), y or eta, and phi (rad), or px, py, pz (GeV), with e, m or pdgid if there "
            f"are any; got {names}. The last word of a name counts (Jet_pt, jet.pt). Other names: "
            "X.with_values(X.values, names)."
        )

    def _columns_of(self, clouds: PointClouds) -> dict[str, np.ndarray]:
        """Return the columns of the momenta, float64, by their roles."""
        columns = {role: clouds.column(name).astype(np.float64) for role, name in self.roles_.items()}
        for role, column in columns.items():
            if not np.isfinite(column).all():
                raise ValueError(
                    f"feature {self.roles_[role]!r} contains NaN or infinity; expected finite numbers, drop such "
                    "points."
                )
        return columns

    def _four_momenta(self, clouds: PointClouds) -> np.ndarray:
        """Compute four-momenta (E, px, py, pz) of the points ``(n_points, 4)`` in GeV.

        The energy is ``e``, else that of the mass ``m``, else that of the mass of ``pdgid``, else that of no mass.
        """
        columns = self._columns_of(clouds)
        mass = columns["m"] if "m" in columns else look_up(columns["pdgid"])[0] if "pdgid" in columns else 0.0
        if "px" in columns:
            x, y, z = (columns[role] for role in ("px", "py", "pz"))
            energy = columns.get("e", np.sqrt(x**2 + y**2 + z**2 + np.square(mass)))
            return np.stack([energy, x, y, z], axis=-1)
        pt, phi = columns["pt"], columns["phi"]
        if "eta" in columns:
            momenta = from_pseudorapidity(pt, columns["eta"], phi, mass)
            return momenta if "e" not in columns else np.column_stack([columns["e"], momenta[:, 1:]])
        y = columns["rapidity" if "rapidity" in columns else "y"]
        if "e" not in columns:
            return from_rapidity(pt, y, phi, mass)
        return np.stack([columns["e"], pt * np.cos(phi), pt * np.sin(phi), columns["e"] * np.tanh(y)], axis=-1)

    def _coordinates(self, clouds: PointClouds) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Compute pT, rapidity (pseudorapidity without an energy) and azimuth of all points, float64."""
        if "pt" in self.roles_:
            columns = self._columns_of(clouds)
            along = next(columns[role] for role in ("rapidity", "y", "eta") if role in columns)
            return columns["pt"], along, columns["phi"]
        momenta = self._four_momenta(clouds)
        known = any(role in self.roles_ for role in _OF_ENERGY)
        with np.errstate(divide="ignore", invalid="ignore"):  # a particle along the beam has no (pseudo)rapidity
            along = rapidity(momenta) if known else pseudorapidity(momenta)
        return transverse_momentum(momenta), along, azimuth(momenta)
