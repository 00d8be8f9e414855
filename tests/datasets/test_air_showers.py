"""Air showers: each formula against an independent calculation, and the sample against what it claims."""

import pickle
from importlib.resources import files

import numpy as np
import pytest
from scipy import integrate, stats

from sklearn_ml4fp import load_air_showers, make_air_showers
from sklearn_ml4fp._segments import segment_sum
from sklearn_ml4fp.datasets import _air_showers
from sklearn_ml4fp.datasets import _shower_physics as physics

SHOWERS = make_air_showers(4000, random_state=1)
IRON = SHOWERS.mass == 1


def test_profile_holds_the_electromagnetic_energy():
    depth = np.linspace(1e-3, 10_000, 200_001)
    n = physics.gaisser_hillas(depth, 750.0, 1e9)
    assert depth[n.argmax()] == pytest.approx(750, abs=0.1)
    assert physics.LOSS * integrate.trapezoid(n, depth) == pytest.approx(1e9, rel=1e-4)
    assert 6e8 < n.max() < 8e8  # known size of a shower of 10^18 eV


@pytest.mark.parametrize("density", [lambda r: physics.electron_density(r, 1.2), physics.muon_density])
def test_lateral_profiles_hold_one_particle(density):
    integral, _ = integrate.quad(
        lambda log_r: 2 * np.pi * np.exp(2 * log_r) * density(np.exp(log_r)), -25, 25, limit=200
    )
    assert integral == pytest.approx(1, rel=1e-3)


def test_superposition():
    """A nucleus of energy E is A nucleons of energy E/A."""
    assert physics.muon_number(1e9, 56.0) == pytest.approx(56 * physics.muon_number(1e9 / 56, 1.0))
    assert physics.mean_depth_of_maximum(1e9, 56.0) == physics.mean_depth_of_maximum(1e9 / 56, 1.0)
    decade = physics.mean_depth_of_maximum(1e9, 1.0) - physics.mean_depth_of_maximum(1e8, 1.0)
    assert decade == pytest.approx(58)


def test_front():
    assert physics.front_delay(np.array(0.0), 5000.0) == 0
    # near the axis, a parabola r^2 / 2Rc; corrections are (r/R)^2/4 = 1e-4
    assert physics.front_delay(np.array(100.0), 5000.0) == pytest.approx(1.0 / (physics.LIGHT), rel=2e-4)
    assert physics.shower_age(np.array(750.0), 750.0) == 1
    assert physics.distance_to_maximum(np.array([880.0, 440.0, 440.0]), np.array([1.0, 1.0, 0.9])) == pytest.approx(
        [1000, 8000 * np.log(2), 8000 * np.log(2 / 0.9) / 0.9]
    )


def test_stations():
    positions = _air_showers.stations()
    assert len(positions) == 61
    distance = np.hypot(*(positions[:, np.newaxis] - positions).transpose(2, 0, 1)) + 1e9 * np.eye(61)
    np.testing.assert_allclose(distance.min(axis=1), 750)


def test_the_sky():
    """Isotropic through a horizontal plane: uniform azimuth, uniform sin^2 of the zenith angle up to 60 degrees."""
    x, y, z = SHOWERS.direction.T
    np.testing.assert_allclose(np.hypot(np.hypot(x, y), z), 1)
    showers = _air_showers.draw_showers(20_000, np.random.RandomState(0))
    x, y, z = showers["direction"].T
    assert stats.kstest((1 - z**2) / 0.75, "uniform").pvalue > 0.01
    assert stats.kstest(np.arctan2(y, x), "uniform", (-np.pi, 2 * np.pi)).pvalue > 0.01
    assert stats.kstest(showers["log_energy"], "uniform", (17.5, 1.5)).pvalue > 0.01


def test_depth_of_maximum_tells_iron_from_proton():
    energy = 10 ** (SHOWERS.log_energy - 9)
    for iron, mass_number, spread in ((False, 1.0, 56), (True, 56.0, 19)):
        pull = (SHOWERS.x_max - physics.mean_depth_of_maximum(energy, mass_number))[iron == IRON]
        error = pull.std() / np.sqrt(len(pull))
        assert abs(pull.mean()) < 3 * error
        assert pull.std() == pytest.approx(spread, rel=0.06)  # 2000 showers: 1.6 %, more for the exponential


def test_iron_has_more_muons_and_a_flatter_foot():
    muons = segment_sum(SHOWERS.data.column("muons"), SHOWERS.data.offsets)
    for low, high in ((17.5, 18.0), (18.0, 18.5), (18.5, 19.0)):
        same = (SHOWERS.log_energy > low) & (SHOWERS.log_energy < high)
        assert 1.2 < np.median(muons[same & IRON]) / np.median(muons[same & ~IRON]) < 2.0  # 56^0.1 = 1.5


def test_hits():
    hits = SHOWERS.data
    assert hits.counts.min() >= 4
    assert hits.column("signal").min() >= 3
    first = [cloud[:, hits.feature_names.index("t")].min() for cloud in hits]
    np.testing.assert_allclose(first, 0)
    assert np.corrcoef(SHOWERS.log_energy, hits.counts)[0, 1] > 0.8


def test_the_time_of_the_hits_points_to_the_sky():
    """A plane through the hits finds the direction: signs, units and curvature are right."""
    hits, errors = SHOWERS.data[:300], []
    cores = SHOWERS.core[:300]
    for hit, core, direction in zip(hits, cores, SHOWERS.direction, strict=False):
        x, y, t = hit[:, :3].T.astype(float)
        curved = np.column_stack([x, y, np.ones(len(x)), (x - core[0]) ** 2 + (y - core[1]) ** 2])
        if len(x) < 8:
            continue
        solution, *_ = np.linalg.lstsq(curved, physics.LIGHT * t, rcond=None)
        u = -solution[:2]
        found = np.array([*u, np.sqrt(max(0.0, 1 - u @ u))])
        errors.append(np.degrees(np.arccos(np.clip(found @ direction, -1, 1))))
    assert np.median(errors) < 3


def test_density_falls_as_the_profiles_say():
    """Muons at 700 to 800 m of the axis, summed over showers: Poisson around area x density."""
    rng = np.random.RandomState(5)
    showers = _air_showers.draw_showers(3000, rng)
    _, n_muons, _ = _air_showers.observe(showers, rng)
    relative = _air_showers.stations() - showers["core"][:, np.newaxis]
    axis = showers["direction"]
    three = np.concatenate([relative, np.zeros((*relative.shape[:2], 1))], axis=2)
    r = np.linalg.norm(np.cross(three, axis[:, np.newaxis]), axis=2)  # the distance from a line, as a cross product
    ring = (r > 700) & (r < 800)
    expected = (10 * axis[:, 2:] * showers["n_muons"][:, np.newaxis] * physics.muon_density(np.maximum(r, 1)))[
        ring
    ].sum()
    assert abs(n_muons[ring].sum() - expected) < 4 * np.sqrt(expected)


def test_signal_and_time_of_a_station():
    """Bright stations: signal is the number of particles over cos(zenith), time the front and the first of n delays."""
    rng = np.random.RandomState(6)
    showers = _air_showers.draw_showers(4000, rng)
    signal, _, time = _air_showers.observe(showers, rng)
    axis, cos = showers["direction"], showers["direction"][:, 2:]
    relative = _air_showers.stations() - showers["core"][:, np.newaxis]
    three = np.concatenate([relative, np.zeros((*relative.shape[:2], 1))], axis=2)
    r = np.linalg.norm(np.cross(three, axis[:, np.newaxis]), axis=2)
    depth, x_max = 880 / cos, showers["x_max"][:, np.newaxis]
    electrons = physics.gaisser_hillas(depth, x_max, showers["electromagnetic_energy"][:, np.newaxis])
    density = electrons * physics.electron_density(r, physics.shower_age(depth, x_max))
    density += showers["n_muons"][:, np.newaxis] * physics.muon_density(r)
    n = 10 * cos * density
    bright = (n > 50) & (r > 100)  # far above the threshold
    pull = ((signal * cos - n) / np.sqrt(n * (1 + 0.3**2)))[bright]
    assert abs(pull.mean()) < 4 / np.sqrt(bright.sum())
    assert pull.std() == pytest.approx(1, abs=4 / np.sqrt(2 * bright.sum()))
    radius = physics.distance_to_maximum(x_max, cos)
    plane = -(three @ axis[:, :, np.newaxis])[:, :, 0] / physics.LIGHT
    late = (time - plane - (np.sqrt(radius**2 + r**2) - radius) / physics.LIGHT)[bright]
    delay = (2.6 * (1 + r / 30) ** 1.5 / n)[bright]
    spread = np.hypot(delay, 10)
    # n is expected, not drawn: 1/n averages to 1/n (1 + 1/n), at most 2 % more
    assert abs(late.mean() - delay.mean()) < 4 * np.sqrt((spread**2).sum()) / len(late) + 0.02 * delay.mean()
    assert late.std() == pytest.approx(np.sqrt((spread**2).mean() + delay.var()), rel=0.05)


def test_the_seed_decides():
    again = make_air_showers(50, random_state=1)
    assert again.data == make_air_showers(50, random_state=1).data
    assert again.data != make_air_showers(50, random_state=2).data


def test_what_is_shipped_is_what_is_made():
    path = files("sklearn_ml4fp.datasets").joinpath("air_showers.npz")
    assert len(path.read_bytes()) <= 2_000_000
    shipped, made = load_air_showers(), make_air_showers(10_000, random_state=2026)
    np.testing.assert_array_equal(shipped.data.counts, made.data.counts)
    np.testing.assert_array_equal(shipped.mass, made.mass)
    for name, step in (("x", 1e-3), ("y", 1e-3), ("t", 1.0), ("signal", 0.1), ("muons", 0)):
        difference = np.abs(shipped.data.column(name) - made.data.column(name))
        assert np.all(difference <= step / 2 + 1e-6 * np.abs(made.data.column(name)))  # float32
    for name in ("log_energy", "direction", "x_max", "core"):
        np.testing.assert_allclose(shipped[name], made[name], rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("target", ["mass", "log_energy", "direction"])
def test_targets(target):
    X, y = make_air_showers(20, target=target, random_state=0, return_X_y=True)
    bunch = make_air_showers(20, target=target, random_state=0)
    assert bunch.data == X
    np.testing.assert_array_equal(bunch.target, y)
    np.testing.assert_array_equal(bunch[target], y)
    assert "Greisen" in bunch.DESCR
    assert pickle.loads(pickle.dumps(bunch)).data == X


def test_errors():
    with pytest.raises(ValueError, match="'target' parameter of make_air_showers"):
        make_air_showers(target="energy")
    with pytest.raises(ValueError, match="'n_showers' parameter"):
        make_air_showers(0)
