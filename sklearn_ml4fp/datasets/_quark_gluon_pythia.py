"""Quark and gluon jets from Pythia 8, one reproducible chunk at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._kinematics import wrap_phi
from .._optional import needs

JET_PT, JET_Y, JET_RADIUS = (500.0, 550.0), 1.7, 0.4  # GeV, rapidity, anti-kT
MAX_SEED = 900_000_000  # of Pythia's
COMMON = ("Print:quiet = on", "Beams:eCM = 14000.", "Random:setSeed = on")
SETTINGS = (
    *COMMON,
    "WeakZ0:gmZmode = 2",  # pure Z, no photon
    "23:onMode = off",
    "23:onIfAny = 12 14 16",
    "PhaseSpace:pTHatMin = 300.",  # GeV: 1 jet in 1000 comes from below 305 to 315
)
# By label. The outgoing quark of q g -> Z q is the incoming one, so that u, d, s alone may come in where charm and
# bottom jets are vetoed.
PROCESSES = (
    ("WeakBosonAndParton:qqbar2gmZg = on",),
    ("WeakBosonAndParton:qg2gmZq = on", "PDFinProcess:nQuarkIn = 3"),
)
# The preselection looks at the partons when the shower has evolved down to this transverse momentum (GeV). An event
# costs 0.06 ms until there and 5.5 ms to its end.
VETO_SCALE = 25.0
# Transverse momenta (GeV) between which a jet of 500 to 550 GeV begins: the hardest cluster of partons within 1.0 of
# one of them, and the hardest single parton. Softer radiation, hadronisation and the underlying event move them by
# less than that, see docs/quark_gluon.rst.
CLUSTER_PT_MIN, PARTON_PT_MAX, CLUSTER_RADIUS = 450.0, 700.0, 1.0


def can_give_jet(partons: np.ndarray) -> bool:
    """Return whether partons ``(n, 4)`` of px, py, pz, E (GeV) can give a leading jet between 500 and 550 GeV."""
    px, py, pz, energy = partons.T
    pt, phi, y = np.hypot(px, py), np.arctan2(py, px), np.arctanh(pz / energy)
    distance = np.hypot(wrap_phi(phi[:, np.newaxis] - phi), y[:, np.newaxis] - y)
    cluster = (distance < CLUSTER_RADIUS) @ pt
    return bool(cluster.max(initial=0.0) > CLUSTER_PT_MIN and pt.max(initial=0.0) < PARTON_PT_MAX)


def preselection(pythia8: Any) -> Any:
    """Make a hook that ends an event early, before most of the work, if it cannot give a jet that is kept."""

    class Preselection(pythia8.UserHooks):
        def canVetoPT(self) -> bool:
            return True

        def scaleVetoPT(self) -> float:
            return VETO_SCALE

        def doVetoPT(self, iPos: int, event: Any) -> bool:
            if iPos == 5:  # the decay of the Z: the rest of the event is complete and has passed
                return False
            self.subEvent(event)
            partons = [(p.px(), p.py(), p.pz(), p.e()) for p in self.workEvent if p.isFinal() and p.id() != 23]
            return not can_give_jet(np.array(partons).reshape(-1, 4))

    return Preselection()


def start(label: int, seed: int, hook: Any = None, extra: tuple[str, ...] = ()) -> Any:
    """Initialise Pythia for the jets of a label."""
    return _started((*SETTINGS, *PROCESSES[label], f"Random:seed = {seed}", *extra), hook)


def _started(lines: tuple[str, ...], hook: Any = None) -> Any:
    pythia = needs("pythia8mc").Pythia("", False)
    for line in lines:
        if not pythia.readString(line):
            raise RuntimeError(f"Pythia does not know the setting {line!r}.")
    if hook is not None:
        pythia.setUserHooksPtr(hook)
    if not pythia.init():
        raise RuntimeError("Pythia did not start; its messages are on the standard output.")
    return pythia


class PileUp:
    """Further collisions of the same bunch crossing: non-diffractive ones, of a Poisson number with this mean."""

    def __init__(self, mean: float, seed: int) -> None:
        seed = (seed + MAX_SEED // 2) % MAX_SEED  # none of those of the hard collisions, which are below 900 000
        self.pythia = _started((*COMMON, "SoftQCD:nonDiffractive = on", f"Random:seed = {seed}"))
        self.rng = np.random.default_rng(seed)
        self.mean = mean

    def add_to(self, event: Any) -> None:
        """Append the particles of a number of collisions to an event record, behind its own."""
        for _ in range(self.rng.poisson(self.mean)):
            while not self.pythia.next():
                pass
            event += self.pythia.event


def simulate_jets(
    label: int, n_jets: int, seed: int, preselect: bool, pile_up: float = 0.0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Simulate jets: constituents ``(n, 5)`` of pT, y, phi, PDG id, pile-up, and jets ``(n_jets, 4)`` of pT, y, phi, m.

    Constituents are ordered by falling pT; their phi lies within pi of the jet's. The jet is chosen in the hard
    collision by itself. With pile-up, all particles are clustered anew, and its place is taken by the jet that has its
    hardest particle.
    """
    pythia8 = needs("pythia8mc")
    further = PileUp(pile_up, seed) if pile_up > 0 else None
    hook = preselection(pythia8) if preselect else None  # Pythia does not keep the hook alive: it needs a name here
    pythia = start(label, seed, hook)
    clustering = pythia8.SlowJet(-1, JET_RADIUS, JET_PT[0] / 2, 25.0, 2, 2)  # anti-kT, all visible, true masses
    constituents: list[np.ndarray] = []
    jets: list[tuple[float, ...]] = []
    while len(jets) < n_jets:
        if not pythia.next():
            continue
        clustering.analyze(pythia.event)
        if clustering.sizeJet() == 0:
            continue
        if not (JET_PT[0] <= clustering.pT(0) <= JET_PT[1] and abs(clustering.y(0)) < JET_Y):
            continue
        event, jet, n_hard = pythia.event, 0, pythia.event.size()
        if further is not None:
            hardest = max(clustering.constituents(0), key=lambda i: event[i].pT())
            further.add_to(event)
            clustering.analyze(event)
            jet = next(j for j in range(clustering.sizeJet()) if hardest in clustering.constituents(j))
        phi, chosen = clustering.phi(jet), list(clustering.constituents(jet))
        points = np.array([(event[i].pT(), event[i].y(), event[i].phi(), event[i].id(), i >= n_hard) for i in chosen])
        points[:, 2] = phi + wrap_phi(points[:, 2] - phi)
        constituents.append(points[np.argsort(-points[:, 0], kind="stable")])
        mass = max(clustering.m(jet), 0.0)  # a lone photon rounds to less than 0
        jets.append((clustering.pT(jet), clustering.y(jet), phi, mass))
    return constituents, np.array(jets)
