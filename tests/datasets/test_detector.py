"""Resolution, missing pT and selection against independent calculations."""

import numpy as np
import pytest

from sklearn_ml4fp._kinematics import wrap_phi
from sklearn_ml4fp.datasets import _detector as detector
from sklearn_ml4fp.datasets._detector import FEATURE_NAMES, measure, smear_jets, smear_leptons

COLUMN = {name: i for i, name in enumerate(FEATURE_NAMES)}
LEPTON = np.array([[40.0, 1.0, 2.0, -1.0]])
NO_MET = np.zeros(2)


@pytest.fixture
def perfect(monkeypatch):
    """A detector that measures the truth."""
    for name in ("JET_NOISE", "JET_STOCHASTIC", "JET_CONSTANT", "JET_ANGLE", "LEPTON_CONSTANT", "LEPTON_TRACK"):
        monkeypatch.setattr(detector, name, 0.0)
    monkeypatch.setattr(detector, "SOFT_MET", 0.0)


def jets_of(*pts, eta=0.5):
    return np.array([[pt, eta, 0.3 * i, 0.1 * pt] for i, pt in enumerate(pts)])


def rotated(objects, angle):
    return np.column_stack([objects[:, :2], wrap_phi(objects[:, 2] + angle), objects[:, 3:]])


def test_column_pattern():
    assert FEATURE_NAMES[:5] == ("jet1_pt", "jet1_eta", "jet1_phi", "jet1_m", "jet2_pt")
    assert FEATURE_NAMES[20:24] == ("jet6_pt", "jet6_eta", "jet6_phi", "jet6_m")
    assert len(set(FEATURE_NAMES)) == 32


# By hand: sqrt(0.08^2 + 0.16^2 + 0.04^2) at 25 GeV, sqrt(0.02^2 + 0.08^2 + 0.04^2) at 100 GeV.
@pytest.mark.parametrize(("pt", "expected"), [(25.0, 0.18330), (100.0, 0.09165)])
def test_jets_are_smeared_by_the_stated_resolution(pt, expected):
    n = 200_000  # relative error of a standard deviation: 1/sqrt(2n) = 0.16 %, so 0.8 % is five of them
    true = np.tile([pt, 1.0, 3.1, 10.0], (n, 1))
    seen = smear_jets(true, np.random.default_rng(0))
    assert np.std(seen[:, 0]) / pt == pytest.approx(expected, rel=0.008)
    assert np.mean(seen[:, 0]) == pytest.approx(pt, abs=5 * expected * pt / np.sqrt(n))
    np.testing.assert_allclose(seen[:, 3] / 10.0, seen[:, 0] / pt)
    assert np.std(seen[:, 1]) == pytest.approx(0.02, rel=0.008)
    assert np.std(wrap_phi(seen[:, 2] - 3.1)) == pytest.approx(0.02, rel=0.008)
    assert (np.abs(seen[:, 2]) <= np.pi).all()
    assert (seen[:, 2] < 0).any()  # 3.1 + 0.04 goes round


def test_leptons_are_smeared_by_the_stated_resolution():
    n = 200_000
    seen = smear_leptons(np.tile([100.0, -1.0, 2.0, 1.0], (n, 1)), np.random.default_rng(0))
    assert np.std(seen[:, 0]) / 100 == pytest.approx(np.sqrt(2) * 0.01, rel=0.008)  # 0.01 and 1e-4 * 100
    np.testing.assert_array_equal(seen[:, 1:], np.tile([-1.0, 2.0, 1.0], (n, 1)))


def test_smeared_momenta_are_never_negative():
    seen = smear_jets(np.tile([10.0, 0.0, 0.0, 1.0], (100_000, 1)), np.random.default_rng(0))  # 32 % at 10 GeV
    assert seen[:, [0, 3]].min() >= 0


@pytest.mark.usefixtures("perfect")
def test_a_perfect_detector_measures_the_truth():
    jets, true_met = jets_of(30.0, 80.0, 20.0, 50.0), np.array([-3.0, 4.0])
    row = measure(jets, LEPTON, true_met, np.random.default_rng(0))
    np.testing.assert_allclose(row[:12].reshape(3, 4), jets[[1, 3, 0]])  # by pT; 20 GeV is below the cut
    assert np.isnan(row[12:24]).all()
    assert row[COLUMN["met"]] == pytest.approx(5.0)
    assert row[COLUMN["met_phi"]] == pytest.approx(np.arctan2(4.0, -3.0))
    assert row[COLUMN["ht"]] == pytest.approx(160.0)
    assert row[COLUMN["n_jets"]] == 3
    np.testing.assert_allclose(row[24:28], LEPTON[0])


def test_missing_pt_is_minus_the_sum_of_what_is_measured(monkeypatch):
    """The rest of the event is what balances jets, leptons and neutrinos, and here it is measured exactly."""
    monkeypatch.setattr(detector, "SOFT_MET", 0.0)
    jets, true_met = jets_of(30.0, 80.0, 12.0), np.array([25.0, -10.0])
    row = measure(jets, LEPTON, true_met, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    seen = np.concatenate([smear_jets(jets, rng), smear_leptons(LEPTON, rng)])

    def momenta(objects):
        return np.array([objects[:, 0] * np.cos(objects[:, 2]), objects[:, 0] * np.sin(objects[:, 2])])

    rest = -true_met - momenta(np.concatenate([jets, LEPTON])).sum(axis=1)
    expected = -(momenta(seen).sum(axis=1) + rest)
    met, phi = row[COLUMN["met"]], row[COLUMN["met_phi"]]
    np.testing.assert_allclose([met * np.cos(phi), met * np.sin(phi)], expected)
    assert np.hypot(*(expected - true_met)) > 1.0  # the smearing has moved it


def test_resolution_of_the_missing_pt(monkeypatch):
    for name in ("JET_NOISE", "JET_STOCHASTIC", "JET_CONSTANT", "JET_ANGLE"):
        monkeypatch.setattr(detector, name, 0.0)
    rng = np.random.default_rng(0)
    lepton = np.array([[1000.0, 0.0, np.pi / 2, 1.0]])  # smeared by 0.1005 * 1000 GeV along y
    rows = np.array([measure(jets_of(50.0, 50.0), lepton, NO_MET, rng) for _ in range(4000)])
    met, phi = rows[:, COLUMN["met"]], rows[:, COLUMN["met_phi"]]
    tolerance = 5 / np.sqrt(2 * 4000)  # five errors of a standard deviation
    assert np.std(met * np.cos(phi)) == pytest.approx(8.0, rel=tolerance)
    assert np.std(met * np.sin(phi)) == pytest.approx(np.hypot(100.5, 8.0), rel=tolerance)


def test_measurement_is_symmetric_under_rotation(monkeypatch):
    """The same random numbers: turning the collision turns what is measured (the soft term is drawn along x and y)."""
    monkeypatch.setattr(detector, "SOFT_MET", 0.0)
    angle, jets, true_met = 1.7, jets_of(60.0, 40.0, 90.0), np.array([20.0, 5.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    row = measure(jets, LEPTON, true_met, np.random.default_rng(1))
    other = measure(rotated(jets, angle), rotated(LEPTON, angle), turn @ true_met, np.random.default_rng(1))
    azimuths = [i for name, i in COLUMN.items() if name.endswith("phi")]
    row[azimuths] = wrap_phi(row[azimuths] + angle)
    np.testing.assert_allclose(other, row, atol=1e-12)


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize(
    ("jets", "lepton", "passes"),
    [
        (jets_of(30, 30), LEPTON, True),
        (jets_of(30, 24.9), LEPTON, False),
        (np.concatenate([jets_of(30), jets_of(30, eta=2.6)]), LEPTON, False),
        (np.empty((0, 4)), LEPTON, False),
        (jets_of(30, 30), np.empty((0, 4)), False),
        (jets_of(30, 30), [[24.9, 0, 0, 1]], False),
        (jets_of(30, 30), [[40, -2.6, 0, 1]], False),
        (jets_of(30, 30), [[90, -2.6, 0, 1], [26, 2.4, 0, 1]], True),
    ],
)
def test_selection(jets, lepton, passes):
    row = measure(jets, np.array(lepton, dtype=float), NO_MET, np.random.default_rng(0))
    assert (row is not None) == passes


@pytest.mark.usefixtures("perfect")
def test_jets_beyond_the_sixth_count():
    row = measure(jets_of(*range(30, 38)), LEPTON, NO_MET, np.random.default_rng(0))
    np.testing.assert_allclose(row[0:24:4], [37, 36, 35, 34, 33, 32])
    assert row[COLUMN["n_jets"]] == 8
    assert row[COLUMN["ht"]] == sum(range(30, 38))
