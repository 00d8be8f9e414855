"""Columns of whole jets, from their particles."""

from __future__ import annotations

import numpy as np

from .._kinematics import azimuth, invariant_mass, rapidity, transverse_momentum
from .._segments import segment_sum
from ..data import PointClouds

JET_NAMES = ("jet_pt", "jet_y", "jet_phi", "jet_m")


def with_jets(clouds: PointClouds, momenta: np.ndarray) -> PointClouds:
    """Add pT, y, phi and mass of each jet to the clouds, from its particles' four-momenta (E, px, py, pz) in GeV."""
    jets = segment_sum(momenta, clouds.offsets)
    with np.errstate(invalid="ignore"):  # a jet without particles has no rapidity
        columns = [transverse_momentum(jets), rapidity(jets), azimuth(jets), invariant_mass(jets)]
    events = np.stack(columns, axis=1).astype(clouds.values.dtype)
    return PointClouds(clouds.values, clouds.offsets, clouds.feature_names, event_values=events, event_names=JET_NAMES)
