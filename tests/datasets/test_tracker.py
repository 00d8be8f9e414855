"""Tracker hits: the helix against an integration of the motion, and the sample against what it claims."""

import pickle

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from sklearn_ml4fp import ToTrackGraph, edge_labels, load_tracker_hits, make_tracker_hits
from sklearn_ml4fp._kinematics import wrap_phi
from sklearn_ml4fp.datasets import _tracker

EVENTS = make_tracker_hits(150, random_state=1)


@pytest.mark.parametrize("charge", [-1, 1])
def test_helix_solves_the_equation_of_motion(charge):
    """dp/dt = q v x B, in units of GeV, m and T: dp/ds = 0.3 q (p/|p|) x B."""
    track = np.array([[0.7, 0.8, 2.9, 12.0, charge]])
    pt, eta, phi0, z0 = track[0, :4]
    momentum = [pt * np.cos(phi0), pt * np.sin(phi0), pt * np.sinh(eta)]

    def motion(s, state):
        p = state[3:]
        along = p / np.linalg.norm(p)
        return [*along, *(0.299792458 * charge * np.cross(along, [0, 0, _tracker.FIELD]))]

    reached = [lambda s, state, r=r: np.hypot(*state[:2]) - r / 1e3 for r in _tracker.RADII]
    solution = solve_ivp(motion, (0, 2), [0, 0, z0 / 1e3, *momentum], events=reached, rtol=1e-9, atol=1e-12)
    at = np.array([events[0] for events in solution.y_events])
    phi, z = _tracker.helix(track, _tracker.RADII)
    np.testing.assert_allclose(wrap_phi(phi[0] - np.arctan2(at[:, 1], at[:, 0])), 0, atol=1e-7)
    np.testing.assert_allclose(z[0], 1e3 * at[:, 2], rtol=1e-6)


def test_scattering_has_the_width_of_highlands_formula():
    """In the outermost layer: kicks of all layers before, each with its lever."""
    track = np.tile([1.0, 0.9, 0.0, 0.0, 1.0], (40_000, 1))
    phi, z = _tracker.scattering(track, np.random.RandomState(0))
    cosh = np.cosh(0.9)
    x = 0.02 * cosh
    angle = 0.0136 / cosh * np.sqrt(x) * (1 + 0.038 * np.log(x))
    lever = np.sqrt(((660 - _tracker.RADII) ** 2).sum())
    assert phi[:, -1].std() * 660 == pytest.approx(angle * cosh * lever, rel=0.02)  # five standard deviations
    assert z[:, -1].std() == pytest.approx(angle * cosh**2 * lever, rel=0.02)
    assert not phi[:, 0].any()  # nothing lies before the first layer


def test_counts_momenta_and_noise():
    is_track = EVENTS.particle.values >= 0
    assert (EVENTS.target.values == is_track).all()
    n_layers = len(_tracker.RADII)
    expected = 0.98 * n_layers * len(EVENTS.tracks.values)
    n_tracks = is_track.sum()
    assert 0.97 * expected < n_tracks <= expected + 5 * np.sqrt(expected * 0.02)  # few leave the barrel
    assert (~is_track).sum() == pytest.approx(150 * 10 * n_layers, abs=5 * np.sqrt(150 * 10 * n_layers))
    assert stats.kstest(EVENTS.tracks.column("pt") - 0.5, stats.expon().cdf).pvalue > 1e-3
    assert stats.kstest(EVENTS.data.column("phi")[~is_track], stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3
    assert (EVENTS.momentum.values[is_track] >= 0.5).all()
    assert not EVENTS.momentum.values[~is_track].any()
    first = EVENTS.particle[3]
    assert (EVENTS.momentum[3][first == 2] == EVENTS.tracks[3][2, 0]).all()


def test_hits_lie_on_their_helices():
    """Up to scattering and resolution: a few millimetres for the softest tracks."""
    for event in range(5):
        hits, particle = EVENTS.data[event].astype(float), EVENTS.particle[event]
        own = particle >= 0
        phi, z = _tracker.helix(EVENTS.tracks[event][particle[own]], _tracker.RADII)
        layer = hits[own, 3].astype(int)
        row = np.arange(own.sum())
        assert np.abs(wrap_phi(hits[own, 1] - phi[row, layer]) * hits[own, 0]).max() < 15
        assert np.abs(hits[own, 2] - z[row, layer]).max() < 30


def test_seed_and_packing():
    again = make_tracker_hits(150, random_state=1)
    assert again.data == EVENTS.data
    assert again.particle == EVENTS.particle
    assert make_tracker_hits(150, random_state=2).data != EVENTS.data
    hits, particle, tracks = _tracker.unpack(_tracker.pack(EVENTS.data, EVENTS.particle, EVENTS.tracks))
    assert particle == EVENTS.particle
    np.testing.assert_allclose(hits.values[:, 1], EVENTS.data.values[:, 1], atol=_tracker.PHI_STEP)
    np.testing.assert_allclose(hits.values[:, 2], EVENTS.data.values[:, 2], atol=_tracker.Z_STEP)
    np.testing.assert_array_equal(hits.values[:, [0, 3]], EVENTS.data.values[:, [0, 3]])
    np.testing.assert_allclose(tracks.values, EVENTS.tracks.values, rtol=1e-6, atol=1e-5)


def test_the_shipped_sample():
    events = load_tracker_hits()
    made = make_tracker_hits(400, random_state=2026)
    assert events.particle == made.particle
    assert events.simulation["made_by"] in events.DESCR
    assert (events.groups == np.arange(400)).all()
    X, y = load_tracker_hits(return_X_y=True)
    assert events.data == X
    assert y == events.target
    assert pickle.loads(pickle.dumps(events)).data == events.data


def test_the_windows_hold_nearly_all_true_edges():
    graphs = ToTrackGraph().fit_transform(EVENTS.data)
    n_true = 0
    for hits, particle in zip(EVENTS.data, EVENTS.particle, strict=True):
        for track in range(particle.max() + 1):
            n_true += (np.diff(np.sort(hits[particle == track, 3])) == 1).sum()
    assert edge_labels(graphs, EVENTS.particle).values.sum() > 0.999 * n_true


def test_events_without_tracks_or_noise():
    assert (make_tracker_hits(3, n_tracks=0, random_state=0).target.values == 0).all()
    assert (make_tracker_hits(3, n_noise=0, random_state=0).target.values == 1).all()
    empty = make_tracker_hits(3, n_tracks=0, n_noise=0)
    assert empty.data.counts.tolist() == [0, 0, 0]
    assert len(ToTrackGraph().fit(EVENTS.data).transform(empty.data).edges) == 0
