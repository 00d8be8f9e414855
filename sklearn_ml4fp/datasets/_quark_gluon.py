"""Quark and gluon jets: simulated, or a sample that is shipped."""

from __future__ import annotations

from importlib.metadata import version
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import Bunch, check_random_state

from .._compat import Interval, validate_params
from .._kinematics import wrap_phi
from .._optional import needs
from .._progress import track
from .._segments import offsets_from_counts
from ..data import PointClouds, RaggedArray
from ._quark_gluon_pythia import simulate_jets
from ._shipped import describe, read_shipped

CHUNK = 250  # jets per run: about 10 s, long compared to the start of Pythia (0.4 s), short for a progress bar
FEATURE_NAMES = ("pt", "y", "phi", "pdgid")
EVENT_NAMES = ("jet_pt", "jet_y", "jet_phi", "jet_m")
TARGET_NAMES = ("gluon", "quark")
# Precision of the file, far beyond that of a detector: pT to 13 binary digits, angles in steps of 2e-5 rad.
PT_DIGITS, ANGLE_STEP = 13, 2e-5


def as_bunch(
    jets: PointClouds, target: np.ndarray, simulation: dict[str, Any], return_X_y: bool, **truth: RaggedArray
) -> Any:
    """Make the Bunch, or (X, y), of jets and their labels; ``truth`` has a label for each particle."""
    if return_X_y:
        return jets, target
    return Bunch(
        **truth,
        data=jets,
        target=target,
        feature_names=list(jets.feature_names),
        target_names=np.array(TARGET_NAMES),
        groups=np.arange(len(jets)),  # one jet per event
        simulation=simulation,
        DESCR=describe("quark_gluon", simulation),
    )


def round_pt(pt: np.ndarray) -> np.ndarray:
    """Round transverse momenta to `PT_DIGITS` binary digits, as float32; the remaining zeros compress to nothing."""
    mantissa, exponent = np.frexp(pt)
    return np.ldexp(np.round(mantissa * 2**PT_DIGITS) / 2**PT_DIGITS, exponent).astype(np.float32)


def pack(jets: PointClouds, target: np.ndarray) -> dict[str, np.ndarray]:
    """Make the arrays of the shipped file; `unpack` is the inverse, up to rounding."""
    to_points = np.repeat(jets.event_values, jets.counts, axis=0)
    pt, y, phi, pdgid = jets.values.T
    steps = np.round(np.stack([y - to_points[:, 1], wrap_phi(phi - to_points[:, 2])]) / ANGLE_STEP)
    if np.abs(steps).max(initial=0) > np.iinfo(np.int16).max or np.abs(pdgid).max(initial=0) > np.iinfo(np.int16).max:
        raise ValueError("constituents too far from the jet, or with a PDG id too large, for the file's 16 bits.")
    return {
        "pt": round_pt(pt),
        "angles": steps.astype(np.int16),
        "pdgid": pdgid.astype(np.int16),
        "counts": jets.counts.astype(np.uint16),
        "jets": jets.event_values.astype(np.float32),
        "target": target.astype(np.int8),
    }


def unpack(arrays: Any) -> tuple[PointClouds, np.ndarray]:
    """Read jets and labels from the arrays of the shipped file."""
    counts, jets = arrays["counts"].astype(np.int64), arrays["jets"]
    angles = arrays["angles"] * ANGLE_STEP + np.repeat(jets[:, 1:3].astype(np.float64), counts, axis=0).T
    values = np.stack([arrays["pt"], *angles, arrays["pdgid"]], axis=1).astype(np.float32)
    clouds = PointClouds(values, offsets_from_counts(counts), FEATURE_NAMES, event_values=jets, event_names=EVENT_NAMES)
    return clouds, arrays["target"].astype(np.int64)


@validate_params(
    {
        "n_jets": [Interval(Integral, 2, None, closed="left")],
        "pile_up": [Interval(Real, 0, 1000, closed="both")],
        "preselect": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean", None],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_quark_gluon_jets(
    n_jets: int = 1000,
    *,
    pile_up: float = 0.0,
    preselect: bool = True,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: bool | None = None,
    return_X_y: bool = False,
) -> Any:
    """Simulate quark and gluon jets at the LHC, as point clouds of their particles.

    The recipe is that of Komiske, Metodiev and Thaler [1]_, generated with Pythia 8 [2]_. Protons collide at 14 TeV and
    give a Z boson, which decays to neutrinos, and a gluon or a quark (u, d, s). Hadronisation and multi-parton
    interactions are on; there is no detector. The leading anti-kT jet (R = 0.4) of all visible particles is kept if
    500 GeV <= pT <= 550 GeV and abs(y) < 1.7. One core gives about 20 jets per second.

    Parameters
    ----------
    n_jets : int, default=1000
        Number of jets, at least 2; one half (rounded down) are quark jets.
    pile_up : float, default=0.0
        Mean number of further collisions in the same bunch crossing (of a Poisson distribution): non-diffractive ones,
        since diffraction leaves little in jets. The particles of all collisions are clustered together. The choice of
        jets stays that of the hard collision, so that a jet has pile-up on top of its 500 to 550 GeV.
    preselect : bool, default=True
        Whether to end an event early if its hard partons cannot give a jet that is kept. This is 4.6 times faster and
        does not change the jets (the page "Quark and gluon jets" of the documentation shows it).
    random_state : int, RandomState instance or None, default=None
        Seed. The same seed and `n_jets` give the same jets, whatever `n_jobs` is.
    n_jobs : int, optional
        Number of processes, as joblib counts them: None is one, -1 is all cores.
    verbose : bool, optional
        Whether to show a progress bar. None shows it in a terminal or a notebook.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        The same as from :func:`load_quark_gluon_jets`, and ``pile_up``: a RaggedArray with a label for each particle, 1
        for one of another collision and 0 for one of the hard collision; a target for ``output="point"``.

    Raises
    ------
    ImportError
        Pythia 8 is not installed; it comes with the extra ``simulate``.

    See Also
    --------
    load_quark_gluon_jets : A sample of these jets that comes with the package.
    fetch_quark_gluon_jets : The published jets of the same recipe.

    References
    ----------
    .. [1] P. T. Komiske, E. M. Metodiev, J. Thaler, "Energy flow networks: deep sets for particle jets", JHEP 01 (2019)
       121, arXiv:1810.05165.
    .. [2] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3", SciPost Phys. Codebases 8
       (2022), arXiv:2203.11601.

    Examples
    --------
    >>> from sklearn_ml4fp import make_quark_gluon_jets
    >>> jets = make_quark_gluon_jets(4, random_state=0)
    >>> jets.data.feature_names
    ('pt', 'y', 'phi', 'pdgid')
    """
    needs("pythia8mc")  # one error here instead of one in each process
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    todo = [
        (label, min(CHUNK, n - start))
        for label, n in enumerate((n_jets - n_jets // 2, n_jets // 2))
        for start in range(0, n, CHUNK)
    ]
    rng = np.random.default_rng(seed)
    seeds = 1 + rng.choice(899_999, size=len(todo), replace=False)  # distinct; Pythia takes 1 to 900 million
    runs = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(simulate_jets)(label, n, int(seed), preselect, pile_up)
        for (label, n), seed in zip(todo, seeds, strict=True)
    )
    hidden = None if verbose is None else not verbose
    chunks = list(track(runs, "Simulating jets", total=len(todo), disable=hidden))
    names = (*FEATURE_NAMES, "pile_up")
    clouds = PointClouds.from_lists([cloud for constituents, _ in chunks for cloud in constituents], names)
    target = np.repeat([label for label, _ in todo], [n for _, n in todo])
    jets = PointClouds(
        clouds.values[:, :-1].astype(np.float32),
        clouds.offsets,
        FEATURE_NAMES,
        event_values=np.concatenate([events for _, events in chunks]).astype(np.float32),
        event_names=EVENT_NAMES,
    )
    order = rng.permutation(n_jets)  # so that the position does not tell the class
    of_pile_up = RaggedArray(clouds.values[:, -1].astype(np.int64), clouds.offsets)
    more = f"pile_up={pile_up}, " if pile_up else ""
    simulation = {
        "made_by": f"make_quark_gluon_jets({n_jets}, {more}preselect={preselect}, random_state={random_state!r})",
        "generator": f"pythia8mc {version('pythia8mc')}",
    }
    return as_bunch(jets[order], target[order], simulation, return_X_y, pile_up=of_pile_up[order])


@validate_params({"return_X_y": ["boolean"]}, prefer_skip_nested_validation=True)
def load_quark_gluon_jets(*, return_X_y: bool = False) -> Any:
    """Load quark and gluon jets at the LHC, as point clouds of their particles.

    This is a sample of :func:`make_quark_gluon_jets`, half of it quark jets; `DESCR` describes the columns. The file
    keeps momenta to 1 part in 10 000 and angles to 1e-5 rad.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        ``data``: PointClouds of the particles, ordered by falling pT: ``pt`` (GeV), ``y``, ``phi`` (rad, within pi of
        the jet's), ``pdgid``; event columns ``jet_pt`` (GeV), ``jet_y``, ``jet_phi`` (rad), ``jet_m`` (GeV).
        ``target``: ndarray, 1 for a quark and 0 for a gluon. ``groups``: the event number. ``feature_names``,
        ``target_names``, ``simulation`` and ``DESCR``.

    See Also
    --------
    make_quark_gluon_jets : Simulate more jets.
    fetch_quark_gluon_jets : The published jets of the same recipe.

    Examples
    --------
    >>> from sklearn_ml4fp import load_quark_gluon_jets
    >>> jets = load_quark_gluon_jets()
    >>> quark = jets.target == 1
    >>> bool(jets.data[quark].counts.mean() < jets.data[~quark].counts.mean())
    True
    """
    (jets, target), simulation = read_shipped("quark_gluon", unpack)
    return as_bunch(jets, target, simulation, return_X_y)
