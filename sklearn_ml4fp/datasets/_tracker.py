"""Hits of charged particles in the barrel of a tracker in a solenoid's field, with noise."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from .._compat import Interval, validate_params
from .._kinematics import wrap_phi
from .._segments import offsets_from_counts, segment_ids
from ..data import PointClouds, RaggedArray
from ._shipped import describe, read_shipped

RADII = np.array([30.0, 70.0, 120.0, 180.0, 260.0, 360.0, 500.0, 660.0])  # mm, of the layers
HALF_LENGTH = 1000.0  # mm
FIELD = 2.0  # T, along z
RADIUS_PER_MOMENTUM = 1e3 / (0.299792458 * FIELD)  # mm of the helix's radius for each GeV of pT
MIN_PT, MEAN_EXCESS_PT = 0.5, 1.0  # GeV; all tracks reach the last layer
MAX_ETA = 1.2  # nearly all hits are then inside the barrel
BEAM_SPOT, N_FURTHER_VERTICES = 50.0, 2.0  # mm, along z; mean number of pile-up vertices
RESOLUTION_PHI, RESOLUTION_Z = 0.05, 0.2  # mm
EFFICIENCY = 0.98  # of a layer
THICKNESS = 0.02  # radiation lengths of a layer
FEATURE_NAMES = ("r", "phi", "z", "layer")
TRACK_NAMES = ("pt", "eta", "phi", "z0", "charge")
# steps of what the shipped file keeps: 0.5 micrometres in the last layer, and 10 micrometres
PHI_STEP, Z_STEP = 2 * np.pi / 2**23, 0.01

Array = np.ndarray


def helix(tracks: Array, r: Array) -> tuple[Array, Array]:
    r"""Compute azimuth (rad) and z (mm) of helices ``(n, 5)`` at the radii ``r`` (mm), each of shape (n, n_radii).

    From the beam line, :math:`\phi = \phi_0 - q\alpha` and :math:`z = z_0 + 2R\,\alpha\sinh\eta`, with
    :math:`\alpha = \arcsin(r/2R)` and :math:`R = p_T/(0.3\,B)`.
    """
    pt, eta, phi, z0, charge = tracks.T[:, :, np.newaxis]
    diameter = 2 * RADIUS_PER_MOMENTUM * pt
    turn = np.arcsin(r / diameter)
    return wrap_phi(phi - charge * turn), z0 + diameter * turn * np.sinh(eta)


def scattering(tracks: Array, rng: np.random.RandomState) -> tuple[Array, Array]:
    r"""Draw what multiple scattering adds to azimuth (rad) and z (mm) in every layer, each of shape (n, n_layers).

    Every layer kicks by Highland's angle (13.6 MeV/p)·√x·(1 + 0.038 ln x), with x the thickness along the track, in
    radiation lengths; the kicks are small, so that their effects in the layers further out add up.
    """
    pt, cosh = tracks[:, :1], np.cosh(tracks[:, 1:2])
    x = THICKNESS * cosh
    angle = 0.0136 / (pt * cosh) * np.sqrt(x) * (1 + 0.038 * np.log(x))
    lever = np.maximum(RADII - RADII[:, np.newaxis], 0)  # from layer i to layer j
    kicks = rng.normal(size=(2, len(tracks), len(RADII))) * angle
    return kicks[0] * cosh @ lever / RADII, kicks[1] * cosh**2 @ lever


def draw_tracks(counts: Array, rng: np.random.RandomState) -> Array:
    """Draw tracks (pT, eta, phi, z0, charge) of events with ``counts`` of them, shape (n_tracks, 5)."""
    n_vertices = 1 + rng.poisson(N_FURTHER_VERTICES, len(counts))
    first = offsets_from_counts(n_vertices)
    vertices = rng.normal(0, BEAM_SPOT, first[-1])
    event, n = np.repeat(np.arange(len(counts)), counts), counts.sum()
    z0 = vertices[first[event] + np.floor(rng.uniform(size=n) * n_vertices[event]).astype(int)]
    pt = MIN_PT + rng.exponential(MEAN_EXCESS_PT, n)
    eta, phi = rng.uniform(-MAX_ETA, MAX_ETA, n), rng.uniform(-np.pi, np.pi, n)
    return np.column_stack([pt, eta, phi, z0, rng.choice([-1.0, 1.0], n)])


def measure(tracks: Array, rng: np.random.RandomState) -> tuple[Array, Array, Array]:
    """Measure azimuth and z of the tracks in every layer, and whether there is a hit; each of shape (n, n_layers)."""
    phi, z = helix(tracks, RADII)
    more_phi, more_z = scattering(tracks, rng)
    phi = wrap_phi(phi + more_phi + RESOLUTION_PHI / RADII * rng.normal(size=phi.shape))
    z = z + more_z + RESOLUTION_Z * rng.normal(size=z.shape)
    return phi, z, (rng.uniform(size=z.shape) < EFFICIENCY) & (np.abs(z) < HALF_LENGTH)


def simulate(
    n_events: int, n_tracks: float, n_noise: float, rng: np.random.RandomState
) -> tuple[PointClouds, RaggedArray, PointClouds]:
    """Simulate hits, the number of the track of each within its event (-1 for noise), and the true tracks."""
    counts = rng.poisson(n_tracks, n_events)
    tracks = draw_tracks(counts, rng)
    phi, z, there = measure(tracks, rng)
    offsets = offsets_from_counts(counts)
    track, layer = np.nonzero(there)
    event = segment_ids(offsets)[track]
    n_of_noise = rng.poisson(n_noise * len(RADII), n_events)
    n = n_of_noise.sum()
    event = np.concatenate([event, np.repeat(np.arange(n_events), n_of_noise)])
    layer = np.concatenate([layer, rng.randint(len(RADII), size=n)])
    phi = np.concatenate([phi[there], rng.uniform(-np.pi, np.pi, n)])
    z = np.concatenate([z[there], rng.uniform(-HALF_LENGTH, HALF_LENGTH, n)])
    particle = np.concatenate([track - offsets[event[: len(track)]], np.full(n, -1)])
    order = np.lexsort([rng.uniform(size=len(event)), event])  # the order inside an event tells nothing
    hits = to_clouds(np.bincount(event, minlength=n_events), layer[order], phi[order], z[order])
    return hits, RaggedArray(particle[order], hits.offsets), PointClouds(tracks, offsets, TRACK_NAMES)


def to_clouds(counts: Array, layer: Array, phi: Array, z: Array) -> PointClouds:
    """Convert hits to point clouds."""
    values = np.column_stack([RADII[layer], phi, z, layer]).astype(np.float32)
    return PointClouds(values, offsets_from_counts(counts), FEATURE_NAMES)


def pack(hits: PointClouds, particle: RaggedArray, tracks: PointClouds) -> dict[str, Array]:
    """Make the arrays of the shipped file; `unpack` is the inverse, up to half a step of azimuth and z."""
    _, phi, z, layer = hits.values.astype(np.float64).T
    return {
        "phi": np.round(phi / PHI_STEP).astype(np.int32),
        "z": np.round(z / Z_STEP).astype(np.int32),
        "layer": layer.astype(np.uint8),
        "particle": particle.values.astype(np.int8),
        "counts": hits.counts.astype(np.uint16),
        "tracks": tracks.values.astype(np.float32),
        "track_counts": tracks.counts.astype(np.uint8),
    }


def unpack(arrays: Any) -> tuple[PointClouds, RaggedArray, PointClouds]:
    """Read hits, numbers of their tracks and tracks from the arrays of the shipped file."""
    hits = to_clouds(arrays["counts"], arrays["layer"], arrays["phi"] * PHI_STEP, arrays["z"] * Z_STEP)
    tracks = PointClouds(arrays["tracks"].astype(np.float64), offsets_from_counts(arrays["track_counts"]), TRACK_NAMES)
    return hits, RaggedArray(arrays["particle"].astype(np.int64), hits.offsets), tracks


def as_bunch(
    hits: PointClouds, particle: RaggedArray, tracks: PointClouds, simulation: dict[str, Any], return_X_y: bool
) -> Any:
    """Make the Bunch, or (X, y), of hits and truth."""
    of_track = particle.values >= 0
    target = particle.with_values(of_track.astype(np.int64))
    if return_X_y:
        return hits, target
    momentum = np.zeros(len(of_track))
    row = tracks.offsets[segment_ids(hits.offsets)] + particle.values
    momentum[of_track] = tracks.column("pt")[row[of_track]]
    return Bunch(
        data=hits,
        target=target,
        particle=particle,
        momentum=particle.with_values(momentum),
        tracks=tracks,
        groups=np.arange(len(hits)),
        feature_names=list(FEATURE_NAMES),
        target_names=np.array(["noise", "track"]),
        simulation=simulation,
        DESCR=describe("tracker_hits", simulation),
    )


@validate_params(
    {
        "n_events": [Interval(Integral, 1, None, closed="left")],
        "n_tracks": [Interval(Real, 0, 100, closed="both")],
        "n_noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_tracker_hits(
    n_events: int = 100,
    *,
    n_tracks: float = 40.0,
    n_noise: float = 10.0,
    random_state: Any = None,
    return_X_y: bool = False,
) -> Any:
    r"""Simulate the hits of charged particles in the barrel of a tracker, with noise.

    Eight cylindrical layers of 2 m length, at radii of 30 to 660 mm, stand in a field of 2 T along the beam. Tracks
    start on the beam line, in one to a few vertices, with :math:`p_T` = 0.5 GeV plus an exponential of mean 1 GeV,
    and pseudorapidities up to 1.2; they are helices, :math:`\phi = \phi_0 - q\alpha`,
    :math:`z = z_0 + 2R\,\alpha\sinh\eta` with :math:`\alpha = \arcsin(r/2R)`, :math:`R = p_T/(0.3\,B)`. Every layer
    scatters them (Highland's formula, 2 % of a radiation length), sees 98 % of them, and measures 0.05 mm across and
    0.2 mm along the beam. Noise is uniform. This is a parametrisation to learn with, and no replacement for a full
    simulation.

    Parameters
    ----------
    n_events : int, default=100
        Number of events.
    n_tracks : float, default=40
        Mean of the Poisson number of tracks of an event, up to 100.
    n_noise : float, default=10
        Mean of the Poisson number of noise hits of a layer.
    random_state : int, RandomState instance or None, default=None
        Seed.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        data : PointClouds
            Hits: ``r`` (mm), ``phi`` (rad), ``z`` (mm) and ``layer`` (0 to 7).
        target : RaggedArray
            1 for a hit of a track, 0 for noise.
        particle, momentum : RaggedArray
            Number of the track within its event, -1 for noise; its pT (GeV), 0 for noise.
        tracks : PointClouds
            True tracks: ``pt`` (GeV), ``eta``, ``phi`` (rad), ``z0`` (mm) and ``charge``.
        groups : ndarray of shape (n_events,)
            Event number.
        feature_names, target_names, simulation, DESCR
            Names of the columns and classes, provenance and description.

    See Also
    --------
    load_tracker_hits : A sample of these events that comes with the package.
    ToGraph : Connect the hits by candidate edges.
    edge_labels : Label edges by whether a track made them.

    References
    ----------
    .. [1] R. Frühwirth, A. Strandlie, "Pattern Recognition, Tracking and Vertex Reconstruction in Particle Detectors",
       Springer (2021), doi:10.1007/978-3-030-65771-0.
    .. [2] Particle Data Group, "Passage of particles through matter", multiple scattering (Highland's formula).

    Examples
    --------
    >>> from sklearn_ml4fp import make_tracker_hits
    >>> events = make_tracker_hits(5, random_state=0)
    >>> events.data.feature_names, len(events.target)
    (('r', 'phi', 'z', 'layer'), 5)
    """
    made = simulate(n_events, n_tracks, n_noise, check_random_state(random_state))
    call = f"make_tracker_hits({n_events}, n_tracks={n_tracks}, n_noise={n_noise}, random_state={random_state!r})"
    return as_bunch(*made, {"made_by": call}, return_X_y)


@validate_params({"return_X_y": ["boolean"]}, prefer_skip_nested_validation=True)
def load_tracker_hits(*, return_X_y: bool = False) -> Any:
    """Load hits of charged particles in the barrel of a tracker, with noise.

    This is a sample of :func:`make_tracker_hits`: 400 events. Azimuths are kept to 0.4 microradians, z to 5
    micrometres.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        The same as from :func:`make_tracker_hits`.

    See Also
    --------
    make_tracker_hits : Simulate more events.
    load_air_showers : Hits of showers, with one label an event.

    Examples
    --------
    >>> from sklearn_ml4fp import load_tracker_hits
    >>> hits, is_track = load_tracker_hits(return_X_y=True)
    >>> len(hits) == len(is_track) == 400
    True
    """
    made, simulation = read_shipped("tracker_hits", unpack)
    return as_bunch(*made, simulation, return_X_y)
