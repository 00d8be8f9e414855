"""Extensive air showers on an array of ground detectors, as point clouds of hits."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from .._compat import Interval, StrOptions, validate_params
from .._segments import offsets_from_counts
from ..data import PointClouds
from . import _shower_physics as physics
from ._shipped import describe, read_shipped

FEATURE_NAMES = ("x", "y", "t", "signal", "muons")
TARGETS = ("mass", "log_energy", "direction")
LOG_ENERGY = (17.5, 19.0)  # log10(E/eV)
MAX_ZENITH = np.pi / 3  # beyond it, muons alone reach the ground
SPACING, RINGS = 750.0, 4  # m; 61 stations on a hexagonal grid
AREA = 10.0  # m^2 of scintillator above the ground, and as much below it, which only muons reach
THRESHOLD = 3.0  # minimum ionising particles that a station needs
MIN_STATIONS = 4  # one more than a plane front has unknowns
PATH_SPREAD, CLOCK = 0.3, 10.0  # relative fluctuation of one particle's energy loss; ns
PROTON, IRON = 1, 56
# Depth of the maximum, g/cm^2: mean free path of the first interaction, and spread of what follows. A nucleus is a sum
# of nucleons; together they give the 56 and 19 g/cm^2 that simulations and data show at 10^18 eV.
FREE_PATH, DEVELOPMENT = {PROTON: 50.0, IRON: 12.0}, {PROTON: 25.0, IRON: 15.0}
MUON_SPREAD = 0.15  # of one nucleon's shower; A of them average it down

Table = dict[str, np.ndarray]


def stations() -> np.ndarray:
    """Positions ``(61, 2)`` of the stations in m."""
    steps = [(q, r) for q in range(-RINGS, RINGS + 1) for r in range(-RINGS, RINGS + 1) if abs(q + r) <= RINGS]
    q, r = np.array(steps).T
    return SPACING * np.stack([q + r / 2, np.sqrt(3) / 2 * r], axis=1)


def draw_showers(n: int, rng: np.random.RandomState) -> Table:
    """Draw primary particles and their showers."""
    mass_number = np.where(rng.rand(n) < 0.5, IRON, PROTON).astype(float)
    log_energy = rng.uniform(*LOG_ENERGY, n)
    energy = 10 ** (log_energy - 9)  # GeV
    # An isotropic flux through a horizontal plane: sin^2 of the zenith angle is uniform.
    sin = np.sqrt(rng.uniform(0, np.sin(MAX_ZENITH) ** 2, n))
    azimuth = rng.uniform(-np.pi, np.pi, n)
    direction = np.stack([sin * np.cos(azimuth), sin * np.sin(azimuth), np.sqrt(1 - sin**2)], axis=1)
    iron = mass_number == IRON
    path = np.where(iron, FREE_PATH[IRON], FREE_PATH[PROTON])
    spread = np.where(iron, DEVELOPMENT[IRON], DEVELOPMENT[PROTON])
    mean = physics.mean_depth_of_maximum(energy, mass_number)
    x_max = mean + path * (rng.exponential(size=n) - 1) + spread * rng.normal(size=n)
    sigma = MUON_SPREAD / np.sqrt(mass_number)
    muons = physics.muon_number(energy, mass_number) * np.exp(sigma * rng.normal(size=n) - sigma**2 / 2)
    # Around the central station, so that the rings about it see the shower whole.
    core = rng.uniform(-SPACING / 2, SPACING / 2, (n, 2))
    return {
        "log_energy": log_energy,
        "direction": direction,
        "mass": iron.astype(np.int64),
        "x_max": x_max,
        "core": core,
        "electromagnetic_energy": energy - physics.PION_CRITICAL_ENERGY * muons,
        "n_muons": muons,
    }


def observe(showers: Table, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simulate signal, muons and time ``(n_showers, n_stations)`` of every station; no signal below the threshold."""
    direction, core = showers["direction"], showers["core"]
    cos = direction[:, 2]
    relative = stations() - core[:, np.newaxis]
    ahead = np.einsum("nsi,ni->ns", relative, direction[:, :2])  # towards where the shower comes from: hit earlier
    r = np.sqrt(np.maximum((relative**2).sum(axis=2) - ahead**2, 1.0))  # 1 m: the densities diverge on the axis
    depth = physics.GROUND_DEPTH / cos
    electrons = physics.gaisser_hillas(depth, showers["x_max"], showers["electromagnetic_energy"])
    age = physics.shower_age(depth, showers["x_max"])[:, np.newaxis]
    seen = AREA * cos[:, np.newaxis]  # the area as the shower sees it
    n_muons = rng.poisson(seen * showers["n_muons"][:, np.newaxis] * physics.muon_density(r))
    n_electrons = rng.poisson(seen * electrons[:, np.newaxis] * physics.electron_density(r, age))
    n = n_electrons + n_muons
    signal = (n + PATH_SPREAD * np.sqrt(n) * rng.normal(size=n.shape)) / cos[:, np.newaxis]  # longer way, more signal
    radius = physics.distance_to_maximum(showers["x_max"], cos)[:, np.newaxis]
    # The first of n particles: the smallest of n exponential delays is exponential with mean 1/n.
    first = rng.exponential(size=n.shape) * physics.front_width(r) / np.maximum(n, 1)
    time = -ahead / physics.LIGHT + physics.front_delay(r, radius) + first + CLOCK * rng.normal(size=n.shape)
    return np.where(signal < THRESHOLD, 0, signal), n_muons, time


def simulate(n: int, rng: np.random.RandomState) -> tuple[PointClouds, Table]:
    """Simulate hits and truth of n showers that trigger."""
    parts, found = [], 0
    while found < n:
        showers = draw_showers(n - found + 10, rng)  # nearly all trigger
        signal, muons, time = observe(showers, rng)
        hit = signal > 0
        triggered = hit.sum(axis=1) >= MIN_STATIONS
        parts.append(
            [signal[triggered], muons[triggered], time[triggered], {k: v[triggered] for k, v in showers.items()}]
        )
        found += int(triggered.sum())
    signal, muons, time = (np.concatenate([part[i] for part in parts])[:n] for i in range(3))
    truth = {key: np.concatenate([part[3][key] for part in parts])[:n] for key in parts[0][3]}
    hit = signal > 0
    time -= np.where(hit, time, np.inf).min(axis=1)[:, np.newaxis]  # the clock starts with the first hit
    station = np.broadcast_to(np.arange(hit.shape[1]), hit.shape)[hit]
    return to_clouds(hit.sum(axis=1), station, time[hit], signal[hit], muons[hit]), truth


def to_clouds(counts: np.ndarray, station: np.ndarray, t: np.ndarray, signal: np.ndarray, muons: np.ndarray) -> Any:
    """Convert hits to point clouds."""
    values = np.column_stack([stations()[station], t, signal, muons]).astype(np.float32)
    return PointClouds(values, offsets_from_counts(counts), FEATURE_NAMES)


def pack(hits: PointClouds, truth: Table) -> Table:
    """Make the arrays of the shipped file: times to 1 ns, signals to 0.1 particles; `unpack` is the inverse."""
    x, y, t, signal, muons = hits.values.astype(np.float64).T
    distance = np.hypot(*(np.stack([x, y], axis=1)[:, np.newaxis] - stations()).transpose(2, 0, 1))
    arrays = {
        "station": distance.argmin(axis=1).astype(np.uint8),
        "t": np.round(t).astype(np.uint16),
        "signal": np.round(10 * signal).astype(np.uint32),
        "muons": muons.astype(np.uint16),
        "counts": hits.counts.astype(np.uint8),
    }
    return arrays | {f"true_{key}": truth[key].astype(np.float32) for key in (*TARGETS, "x_max", "core")}


def unpack(arrays: Any) -> tuple[PointClouds, Table]:
    """Read hits and truth from the arrays of the shipped file."""
    hits = to_clouds(arrays["counts"], arrays["station"], arrays["t"], arrays["signal"] / 10, arrays["muons"])
    truth = {key: arrays[f"true_{key}"].astype(np.float64) for key in (*TARGETS, "x_max", "core")}
    return hits, truth | {"mass": truth["mass"].astype(np.int64)}


def as_bunch(hits: PointClouds, truth: Table, simulation: dict[str, Any], target: str, return_X_y: bool) -> Any:
    """Make the Bunch, or (X, y), of hits and truth."""
    if return_X_y:
        return hits, truth[target]
    return Bunch(
        data=hits,
        target=truth[target],
        feature_names=list(FEATURE_NAMES),
        target_names=np.array(["proton", "iron"]) if target == "mass" else [target],
        groups=np.arange(len(hits)),
        **{key: truth[key] for key in (*TARGETS, "x_max", "core")},
        simulation=simulation,
        DESCR=describe("air_showers", simulation),
    )


@validate_params(
    {
        "n_showers": [Interval(Integral, 1, None, closed="left")],
        "target": [StrOptions(set(TARGETS))],
        "random_state": ["random_state"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_air_showers(
    n_showers: int = 1000, *, target: str = "mass", random_state: Any = None, return_X_y: bool = False
) -> Any:
    r"""Simulate extensive air showers on an array of ground detectors, as point clouds of hits.

    Protons and iron nuclei of 10^17.5 to 10^19 eV, flat in log E, arrive isotropically with zenith angles up to 60
    degrees. Heitler and Matthews's model gives the number of muons and the depth of the maximum, which fluctuates;
    Gaisser and Hillas's profile the number of electrons at the ground; Nishimura, Kamata and Greisen's lateral
    profile, and Greisen's for muons, their density. Each of 61 stations, 750 m apart, counts a Poisson number of
    particles; those with a signal of at least 3 particles are hits, and showers with 4 hits are kept. The front is a
    sphere around the maximum, with a thickness that grows with the distance to the axis. The page "Air showers" of the
    documentation has the formulas. This is a parametrisation to learn with, and no replacement for a full simulation.

    Parameters
    ----------
    n_showers : int, default=1000
        Number of showers.
    target : {"mass", "log_energy", "direction"}, default="mass"
        Content of ``target``: 0 for proton and 1 for iron; log10(E/eV); or the unit vector ``(n_showers, 3)`` that
        points to where the shower came from.
    random_state : int, RandomState instance or None, default=None
        Seed.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        ``data``: PointClouds of the hits: ``x``, ``y`` (m), ``t`` (ns after the first hit), ``signal`` and ``muons``
        (particles above and below the ground). ``target``, and all targets by name: ``mass``, ``log_energy``,
        ``direction``; the truth ``x_max`` (g/cm^2) and ``core`` (m); ``groups``, ``feature_names``, ``target_names``,
        ``simulation`` and ``DESCR``.

    See Also
    --------
    load_air_showers : A sample of these showers that comes with the package.

    References
    ----------
    .. [1] J. Matthews, "A Heitler model of extensive air showers", Astropart. Phys. 22 (2005) 387.
    .. [2] T. K. Gaisser, A. M. Hillas, Proc. 15th Int. Cosmic Ray Conf. 8 (1977) 353.
    .. [3] K. Kamata, J. Nishimura, Prog. Theor. Phys. Suppl. 6 (1958) 93; K. Greisen, Annu. Rev. Nucl. Sci. 10 (1960)
       63.
    .. [4] J. Linsley, J. Phys. G 12 (1986) 51.

    Examples
    --------
    >>> from sklearn_ml4fp import make_air_showers
    >>> showers = make_air_showers(5, random_state=0)
    >>> showers.data.feature_names, showers.direction.shape
    (('x', 'y', 't', 'signal', 'muons'), (5, 3))
    """
    hits, truth = simulate(n_showers, check_random_state(random_state))
    simulation = {"made_by": f"make_air_showers({n_showers}, random_state={random_state!r})"}
    return as_bunch(hits, truth, simulation, target, return_X_y)


@validate_params({"target": [StrOptions(set(TARGETS))], "return_X_y": ["boolean"]}, prefer_skip_nested_validation=True)
def load_air_showers(*, target: str = "mass", return_X_y: bool = False) -> Any:
    """Load extensive air showers on an array of ground detectors, as point clouds of hits.

    This is a sample of :func:`make_air_showers`. Times are kept to 1 ns and signals to 0.1 particles.

    Parameters
    ----------
    target : {"mass", "log_energy", "direction"}, default="mass"
        Content of ``target``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        The same as from :func:`make_air_showers`.

    See Also
    --------
    make_air_showers : Simulate more showers.
    load_quark_gluon_jets : Point clouds of particles in jets.

    Examples
    --------
    >>> from sklearn_ml4fp import load_air_showers
    >>> X, y = load_air_showers(target="log_energy", return_X_y=True)
    >>> len(X) == len(y)
    True
    """
    (hits, truth), simulation = read_shipped("air_showers", unpack)
    return as_bunch(hits, truth, simulation, target, return_X_y)
