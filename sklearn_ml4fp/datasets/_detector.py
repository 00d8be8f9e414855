"""Detector: from simulated particles to measured columns, by resolution, selection and layout of the table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._kinematics import wrap_phi

N_JETS = 6  # leading jets with columns of their own; n_jets and ht count every jet
MIN_JETS = 2
JET_PT, JET_ETA = 25.0, 2.5  # GeV; the same for the lepton
JET_FEATURES = ("pt", "eta", "phi", "m")
JET_COLUMNS = tuple(f"jet{i}_{name}" for i in range(1, N_JETS + 1) for name in JET_FEATURES)
EVENT_COLUMNS = ("lepton_pt", "lepton_eta", "lepton_phi", "lepton_charge", "met", "met_phi", "ht", "n_jets")
FEATURE_NAMES = JET_COLUMNS + EVENT_COLUMNS

# Round numbers of the size that ATLAS and CMS reach without pile-up.
JET_NOISE, JET_STOCHASTIC, JET_CONSTANT = 2.0, 0.8, 0.04  # GeV, GeV^1/2, 1
JET_ANGLE = 0.02  # in eta and in phi (rad)
LEPTON_CONSTANT, LEPTON_TRACK = 0.01, 1e-4  # 1, 1/GeV
SOFT_MET = 8.0  # GeV, in each transverse component

Array = NDArray[np.float64]


def jet_resolution(pt: Array) -> Array:
    r"""Relative resolution of a jet's pT (GeV): :math:`N/p_T \oplus S/\sqrt{p_T} \oplus C`."""
    return np.sqrt((JET_NOISE / pt) ** 2 + JET_STOCHASTIC**2 / pt + JET_CONSTANT**2)


def lepton_resolution(pt: Array) -> Array:
    r"""Relative resolution of a lepton's pT (GeV): :math:`C \oplus k\,p_T`."""
    return np.hypot(LEPTON_CONSTANT, LEPTON_TRACK * pt)


def smear_jets(jets: Array, rng: np.random.Generator) -> Array:
    """Smear (pT, eta, phi, m) of the true jets ``(n, 4)``; pT and mass share one factor, which is never negative."""
    factor = np.maximum(rng.normal(1.0, jet_resolution(jets[:, 0])), 0.0)
    eta, phi = rng.normal(jets[:, 1:3], JET_ANGLE).T
    return np.column_stack([jets[:, 0] * factor, eta, wrap_phi(phi), jets[:, 3] * factor])


def smear_leptons(leptons: Array, rng: np.random.Generator) -> Array:
    """Smear (pT, eta, phi, charge) of the true leptons ``(n, 4)``; angles and charge are exact."""
    pt = np.maximum(rng.normal(leptons[:, 0], leptons[:, 0] * lepton_resolution(leptons[:, 0])), 0.0)
    return np.column_stack([pt, leptons[:, 1:]])


def transverse_sum(objects: Array) -> Array:
    """Sum the momenta (px, py) of objects whose columns begin with pT, eta, phi."""
    pt, phi = objects[:, 0], objects[:, 2]
    return np.array([pt @ np.cos(phi), pt @ np.sin(phi)])


def accepted(objects: Array) -> Array:
    """Select the objects with pT > 25 GeV and abs(eta) < 2.5, the hardest first."""
    inside = objects[(objects[:, 0] > JET_PT) & (np.abs(objects[:, 1]) < JET_ETA)]
    return inside[np.argsort(-inside[:, 0])]


def measure(jets: Array, leptons: Array, true_met: Array, rng: np.random.Generator) -> Array | None:
    """Measure an event: one row of the table, or None if the event fails the selection.

    Parameters
    ----------
    jets : array (n, 4)
        True pT, eta, phi, m (GeV, rad) of all jets, those below the cut too.
    leptons : array (n, 4)
        True pT, eta, phi, charge of the prompt electrons and muons.
    true_met : array (2,)
        Transverse momentum (px, py) of all neutrinos, GeV. The visible momenta sum to its negative. So minus the sum
        of the *measured* visible objects is ``true_met`` minus the change by smearing.
    rng : numpy.random.Generator
        Source of the smearing.
    """
    seen_jets, seen_leptons = smear_jets(jets, rng), smear_leptons(leptons, rng)
    met = true_met - (transverse_sum(seen_jets) - transverse_sum(jets))
    met = met - (transverse_sum(seen_leptons) - transverse_sum(leptons)) + rng.normal(0.0, SOFT_MET, 2)
    good_jets, good_leptons = accepted(seen_jets), accepted(seen_leptons)
    if len(good_jets) < MIN_JETS or len(good_leptons) == 0:
        return None
    leading = np.full((N_JETS, 4), np.nan)
    leading[: len(good_jets)] = good_jets[:N_JETS]
    event = [*good_leptons[0], np.hypot(*met), np.arctan2(met[1], met[0]), good_jets[:, 0].sum(), len(good_jets)]
    return np.concatenate([leading.ravel(), event])
