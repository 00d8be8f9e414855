"""Formulas of four-momenta against scikit-hep's vector, and against themselves."""

import numpy as np
import pytest
import vector
from hypothesis import given
from hypothesis import strategies as st

from sklearn_ml4fp import _kinematics as kin

RNG = np.random.default_rng(0)
N = 1000
PT, ETA, PHI, MASS = RNG.uniform(1, 100, N), RNG.normal(0, 2, N), RNG.uniform(-np.pi, np.pi, N), RNG.uniform(0, 10, N)
OURS = kin.from_pseudorapidity(PT, ETA, PHI, MASS)
THEIRS = vector.array({"pt": PT, "eta": ETA, "phi": PHI, "mass": MASS})
# Both compute in float64; a difference of E^2 - p^2 loses about six digits at E/m of a thousand.
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def components(p):
    return np.stack([p.E, p.px, p.py, p.pz], axis=-1)


def test_from_pseudorapidity():
    np.testing.assert_allclose(OURS, components(THEIRS), **CLOSE)


def test_from_rapidity():
    np.testing.assert_allclose(kin.from_rapidity(PT, THEIRS.rapidity, PHI, MASS), components(THEIRS), **CLOSE)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (kin.transverse_momentum, "pt"),
        (kin.azimuth, "phi"),
        (kin.rapidity, "rapidity"),
        (kin.pseudorapidity, "eta"),
    ],
)
def test_coordinates(ours, theirs):
    np.testing.assert_allclose(ours(OURS), getattr(THEIRS, theirs), **CLOSE)


def test_mass():
    """Alone and of sums, as of a jet; rounding is worst for light, fast particles."""
    np.testing.assert_allclose(kin.invariant_mass(OURS), MASS, atol=1e-4)
    jets = OURS.reshape(-1, 10, 4).sum(axis=1)
    their_jets = [THEIRS[i : i + 10].sum().mass for i in range(0, N, 10)]
    np.testing.assert_allclose(kin.invariant_mass(jets), their_jets, **CLOSE)
    assert kin.invariant_mass(np.array([1.0, 1.0 + 1e-16, 0, 1e-9])) == 0


def test_delta_r():
    other = THEIRS[::-1]
    np.testing.assert_allclose(kin.delta_r(ETA, PHI, ETA[::-1], PHI[::-1]), THEIRS.deltaR(other), **CLOSE)


def test_boost():
    velocity = RNG.uniform(-0.5, 0.5, (N, 3))
    theirs = THEIRS.boost_beta3(vector.array({"x": velocity[:, 0], "y": velocity[:, 1], "z": velocity[:, 2]}))
    boosted = kin.boost(OURS, velocity)
    np.testing.assert_allclose(boosted, components(theirs), **CLOSE)
    np.testing.assert_allclose(kin.boost(boosted, -velocity), OURS, **CLOSE)
    np.testing.assert_array_equal(kin.boost(OURS, np.zeros(3)), OURS)


def test_a_boost_along_the_beam_shifts_rapidity():
    boosted = kin.boost(OURS, [0, 0, np.tanh(0.7)])
    np.testing.assert_allclose(kin.rapidity(boosted), kin.rapidity(OURS) + 0.7, **CLOSE)


def test_a_boost_faster_than_light_is_refused():
    with pytest.raises(ValueError, match=r"below 1, the speed of light; got 1\.1"):
        kin.boost(OURS, [0, 0, 1.1])


@given(st.floats(-100, 100), st.integers(-5, 5))
def test_wrap(phi, turns):
    wrapped = kin.wrap_phi(phi)
    assert -np.pi <= wrapped < np.pi
    np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * phi), atol=1e-12)
    np.testing.assert_allclose(np.exp(1j * kin.wrap_phi(phi + 2 * np.pi * turns)), np.exp(1j * phi), atol=1e-12)
