"""Mass, charge and class of the particles that live long enough to reach a detector."""

from __future__ import annotations

import numpy as np

CLASSES = ("charged_hadron", "neutral_hadron", "photon", "electron", "muon", "other")

# PDG id: (mass in GeV, charge in e, class), from the tables of S. Navas et al. (Particle Data Group), Phys. Rev. D 110
# (2024) 030001. An antiparticle has the negative id, the same mass and the opposite charge.
PARTICLES = {
    11: (0.00051099895, -1, "electron"),
    13: (0.1056583755, -1, "muon"),
    22: (0.0, 0, "photon"),
    130: (0.497611, 0, "neutral_hadron"),
    211: (0.13957039, 1, "charged_hadron"),
    310: (0.497611, 0, "neutral_hadron"),
    321: (0.493677, 1, "charged_hadron"),
    2112: (0.9395654205, 0, "neutral_hadron"),
    2212: (0.9382720894, 1, "charged_hadron"),
    3112: (1.197449, -1, "charged_hadron"),
    3122: (1.115683, 0, "neutral_hadron"),
    3222: (1.18937, 1, "charged_hadron"),
    3312: (1.32171, -1, "charged_hadron"),
    3322: (1.31486, 0, "neutral_hadron"),
    3334: (1.67245, -1, "charged_hadron"),
}
_IDS = np.array(sorted(PARTICLES))
_MASS = np.array([PARTICLES[i][0] for i in _IDS])
_CHARGE = np.array([PARTICLES[i][1] for i in _IDS])
_CLASS = np.array([CLASSES.index(PARTICLES[i][2]) for i in _IDS])


def look_up(pdgid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Look up mass (GeV), charge (e) and class (position in `CLASSES`) of particles by their PDG id.

    Ids of none that reaches a detector and is seen there are of the class other, without mass and charge.
    """
    place = np.searchsorted(_IDS, np.abs(pdgid)).clip(max=len(_IDS) - 1)
    known = _IDS[place] == np.abs(pdgid)
    return (
        np.where(known, _MASS[place], 0.0),
        np.where(known, _CHARGE[place] * np.sign(pdgid), 0),
        np.where(known, _CLASS[place], CLASSES.index("other")),
    )
