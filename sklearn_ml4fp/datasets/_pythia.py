"""Proton collisions from Pythia 8, one reproducible chunk at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._optional import needs
from ._detector import measure

E_CM = 13600.0  # GeV
PROMPT_PT = 15.0  # GeV: below it, smearing cannot lift a lepton over the cut of 25 GeV
CLUSTER_PT, CLUSTER_ETA = 10.0, 4.5  # jets measured for the missing pT; those of the table are a part of them

COMMON = (
    f"Beams:eCM = {E_CM}",
    "Print:quiet = on",
    "Random:setSeed = on",
    "HadronLevel:all = off",  # switched on by hand for the events that can pass
    "PhaseSpace:bias2Selection = on",
)
# Signal and background, by label: target 0 and 1.
PROCESSES = {
    "w_z_jets": (
        "WeakBosonAndParton:qqbar2Wg = on",
        "WeakBosonAndParton:qg2Wq = on",
        "WeakBosonAndParton:qqbar2gmZg = on",
        "WeakBosonAndParton:qg2gmZq = on",
        "24:onMode = off",
        "24:onIfAny = 11 13 15",
        "23:onMode = off",
        "23:onIfAny = 11 13 15",
        "23:mMin = 50.",
        "PhaseSpace:pTHatMin = 10.",
        "PhaseSpace:bias2SelectionPow = 1.8",
        "PhaseSpace:bias2SelectionRef = 50.",
    ),
    "ttbar": (
        "Top:gg2ttbar = on",
        "Top:qqbar2ttbar = on",
        "PhaseSpace:pTHatMin = 0.",
        "PhaseSpace:bias2SelectionPow = 1.",
        "PhaseSpace:bias2SelectionRef = 100.",
    ),
}


def import_pythia() -> Any:
    """Import Pythia 8."""
    return needs("pythia8mc", otherwise="The shipped sample, load_events(), needs nothing.")


@dataclass
class Chunk:
    """Selected events of one run, and the run's totals from before any cut."""

    rows: np.ndarray  # (n, n_features)
    true_met: np.ndarray  # (n, 2): px, py of the neutrinos, GeV
    weight: np.ndarray  # (n,): Pythia's, without units
    weight_sum: float  # of all generated events
    n_generated: int
    n_tried: int  # phase-space points that determine sigma
    sigma: float  # fb


def simulate_chunk(name: str, n_events: int, seed: np.random.SeedSequence, extra: tuple[str, ...] = ()) -> Chunk:
    """Run until `n_events` of process `name` are selected.

    The run goes on to one selected event more, which is dropped, and the totals are read before it: a run that ends
    *on* a selected event would estimate the selected fraction too high by 1/n (Haldane, Biometrika 33 (1945) 222).
    """
    pythia8 = import_pythia()
    pythia_seed, smear_seed = seed.spawn(2)
    pythia = start(pythia8, name, 1 + int(pythia_seed.generate_state(1)[0]) % 900_000_000, extra)  # Pythia's range
    clustering = pythia8.SlowJet(-1, 0.4, CLUSTER_PT, CLUSTER_ETA, 2, 2)  # anti-kT, R; all visible, true masses
    rng = np.random.default_rng(smear_seed)
    rows: list[np.ndarray] = []
    true_met: list[np.ndarray] = []
    weight: list[float] = []
    while True:
        info = pythia.infoPython()
        totals = info.weightSum(), info.nAccepted(), info.nTried(), info.sigmaGen() * 1e12  # mb to fb
        found = next_event(pythia, clustering, rng)
        if found is None:
            continue
        if len(rows) == n_events:
            break
        rows.append(found[0])
        true_met.append(found[1])
        weight.append(pythia.infoPython().weight())
    weight_sum, n_generated, n_tried, sigma = totals
    return Chunk(np.array(rows), np.array(true_met), np.array(weight), weight_sum, n_generated, n_tried, sigma)


def start(pythia8: Any, name: str, seed: int, extra: tuple[str, ...] = ()) -> Any:
    """Initialise Pythia for process `name`."""
    pythia = pythia8.Pythia("", False)
    for line in (*COMMON, f"Random:seed = {seed}", *PROCESSES[name], *extra):
        if not pythia.readString(line):
            raise RuntimeError(f"Pythia {pythia.parm('Pythia:versionNumber')} does not know the setting {line!r}")
    if not pythia.init():
        raise RuntimeError(f"Pythia did not start for process {name!r}; its messages are on the standard output")
    return pythia


def next_event(pythia: Any, clustering: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    """Generate the next event: its row and true missing pT, or None if it fails the selection."""
    if not (pythia.next() and has_hard_lepton(pythia.event) and pythia.forceHadronLevel()):
        return None
    leptons, true_met = prompt_leptons(pythia.event)
    if len(leptons) == 0:
        return None
    clustering.analyze(pythia.event)
    momenta = [clustering.p(i) for i in range(clustering.sizeJet())]
    jets = np.array([[p.pT(), p.eta(), p.phi(), max(p.mCalc(), 0.0)] for p in momenta]).reshape(-1, 4)
    row = measure(jets, leptons, true_met, rng)
    return None if row is None else (row, true_met)


def has_hard_lepton(event: Any) -> bool:
    """Return whether partons hold an e, mu or tau that can give the selected lepton; else hadronisation is skipped."""
    return any(p.idAbs() in (11, 13, 15) and p.isFinal() and p.pT() > PROMPT_PT for p in event)


def prompt_leptons(event: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return pT, eta, phi, charge of the prompt e and mu, and (px, py) of all neutrinos.

    The prompt leptons are taken out of the event record, so that the jets are clustered without them.
    """
    leptons, px, py = [], 0.0, 0.0
    for particle in event:
        if not (particle.isLepton() and particle.isFinal()):
            continue
        if particle.isNeutral():
            px, py = px + particle.px(), py + particle.py()
        elif is_prompt(event, particle):
            leptons.append([particle.pT(), particle.eta(), particle.phi(), particle.charge()])
            particle.statusNeg()
    return np.array(leptons).reshape(-1, 4), np.array([px, py])


def is_prompt(event: Any, particle: Any) -> bool:
    """Return whether a lepton comes from a W or Z, directly or through a tau."""
    while particle.isLepton():
        particle = event[particle.mother1()]
    return particle.idAbs() in (23, 24)
