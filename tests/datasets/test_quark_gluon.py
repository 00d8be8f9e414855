"""Quark and gluon jets: the recipe, the preselection, the shipped file."""

import sys
from importlib.resources import files

import numpy as np
import pytest
import vector
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    JetConstituentFeatures,
    PointClouds,
    TransformerClassifier,
    load_quark_gluon_jets,
    make_quark_gluon_jets,
)
from sklearn_ml4fp._kinematics import from_rapidity, wrap_phi
from sklearn_ml4fp._particles import look_up
from sklearn_ml4fp.datasets import _quark_gluon, _quark_gluon_pythia

pythia8 = pytest.importorskip("pythia8mc", reason="the extra simulate is not installed")


@pytest.fixture(scope="module")
def made():
    return make_quark_gluon_jets(30, random_state=0)


@pytest.fixture(scope="module")
def shipped():
    return load_quark_gluon_jets()


def jet_sums(jets):
    """pT, rapidity, azimuth and mass of every jet from its particles, by scikit-hep's vector."""
    pt, y, phi, pdgid = jets.values.astype(np.float64).T
    mass = look_up(pdgid)[0]
    transverse = np.hypot(pt, mass)
    p = np.stack([pt * np.cos(phi), pt * np.sin(phi), transverse * np.sinh(y), transverse * np.cosh(y)], axis=1)
    sums = np.array([p[a:b].sum(axis=0) for a, b in zip(jets.offsets[:-1], jets.offsets[1:], strict=True)])
    total = vector.array({"px": sums[:, 0], "py": sums[:, 1], "pz": sums[:, 2], "E": sums[:, 3]})
    return total.pt, total.rapidity, total.phi, total.mass


@pytest.mark.parametrize("sample", ["made", "shipped"])
def test_jets_are_the_sums_of_their_particles(sample, request):
    """Mass and momentum as Pythia's jet finder gave them; made from float32, shipped from 13 binary digits."""
    jets = request.getfixturevalue(sample).data[:3000]
    pt, y, phi, mass = jet_sums(jets)
    tolerance = 1e-5 if sample == "made" else 1e-4
    np.testing.assert_allclose(pt, jets.column("jet_pt"), rtol=tolerance)
    np.testing.assert_allclose(y, jets.column("jet_y"), atol=tolerance)
    np.testing.assert_allclose(wrap_phi(phi - jets.column("jet_phi")), 0, atol=tolerance)
    # Pythia's masses of pions and kaons are rounded to 1e-5 GeV
    np.testing.assert_allclose(mass, jets.column("jet_m"), rtol=20 * tolerance)


@pytest.mark.parametrize("sample", ["made", "shipped"])
def test_the_selection(sample, request):
    bunch = request.getfixturevalue(sample)
    jets = bunch.data
    assert np.all((jets.column("jet_pt") >= 499.999) & (jets.column("jet_pt") <= 550.001))  # float32
    assert np.abs(jets.column("jet_y")).max() < 1.7
    assert jets.column("jet_m").min() >= 0
    jet = np.repeat(jets.event_values, jets.counts, axis=0)
    assert np.abs(jets.column("phi") - jet[:, 2]).max() < np.pi
    assert np.median(np.hypot(jets.column("y") - jet[:, 1], jets.column("phi") - jet[:, 2])) < 0.2
    assert jets.sorted_by("pt") == jets
    assert abs(bunch.target.mean() - 0.5) < 1 / len(jets)
    assert jets.values.dtype == np.float32
    assert not np.array_equal(np.sort(bunch.target), bunch.target)  # the order does not tell the class


def test_the_seed_decides_and_the_number_of_processes_does_not(made):
    assert make_quark_gluon_jets(30, random_state=0, n_jobs=2).data == made.data
    assert make_quark_gluon_jets(30, random_state=1).data != made.data


@pytest.fixture(scope="module")
def few():
    return make_quark_gluon_jets(12, random_state=0)


@pytest.fixture(scope="module")
def crowded():
    """The same jets, with particles of other collisions."""
    return make_quark_gluon_jets(12, pile_up=8.0, random_state=0)


def test_pile_up_is_labelled_particle_by_particle(few, crowded):
    """The same hard collisions: what is in the jet without the others and in it with them is no pile-up."""
    assert crowded.pile_up.offsets.tolist() == crowded.data.offsets.tolist()
    assert not few.pile_up.values.any()
    shares, found_again = [], []
    for alone, both, label in zip(few.data, crowded.data, crowded.pile_up, strict=True):
        known = {tuple(np.round(row[[0, 1, 3]], 4)) for row in alone}  # the azimuth may be on another turn
        is_known = np.array([tuple(np.round(row[[0, 1, 3]], 4)) in known for row in both])
        assert not label[is_known].any()
        hard = label == 0
        found_again.append(both[hard & is_known, 0].sum() / alone[:, 0].sum())
        shares.append(both[~hard, 0].sum() / both[:, 0].sum())
        assert both[hard & ~is_known, 0].sum() < 0.1 * both[:, 0].sum()  # of the hard collision, at the jet's edge
    assert np.mean(found_again) > 0.97
    assert 0 < np.mean(shares) < 0.03  # about 0.5 GeV for each collision in the area of the jet
    assert 0.1 < crowded.pile_up.values.mean() < 0.6
    assert np.array_equal(crowded.target, few.target)


def test_pile_up_adds_to_the_jet(few, crowded):
    pt = crowded.data.column("jet_pt")
    assert pt.mean() > few.data.column("jet_pt").mean()
    np.testing.assert_allclose(jet_sums(crowded.data)[0], pt, rtol=1e-5)
    assert crowded.data.sorted_by("pt") == crowded.data
    one, other = (make_quark_gluon_jets(2, pile_up=2.0, random_state=0, n_jobs=n) for n in (1, 2))
    assert one.data == other.data
    assert one.pile_up == other.pile_up


def test_a_network_tells_pile_up_from_the_hard_collision(crowded):
    small = {"width": 8, "n_blocks": 1, "n_heads": 1, "max_epochs": 15, "lr": 0.01, "random_state": 0}
    model = make_pipeline(JetConstituentFeatures(), TransformerClassifier(output="point", **small))
    probability = model.fit(crowded.data, crowded.pile_up).predict_proba(crowded.data)
    assert roc_auc_score(crowded.pile_up.values, probability.values[:, 1]) > 0.8


@pytest.mark.parametrize(("label", "outgoing"), [(0, {21}), (1, {1, 2, 3})])
def test_the_hard_process(label, outgoing):
    """A Z and a gluon, or a light quark: charm and bottom are vetoed."""
    pythia = _quark_gluon_pythia.start(label, 1, extra=("PartonLevel:all = off",))
    found = set()
    for _ in range(500):
        assert pythia.next()
        kinds = {abs(pythia.process[i].id()) for i in (5, 6)}
        assert 23 in kinds
        found |= kinds - {23}
        assert min(pythia.process[i].pT() for i in (5, 6)) > 299
    assert found == outgoing


@pytest.mark.parametrize(
    ("partons", "possible"),
    [
        ([], False),
        ([(600, 0.0, 0.0)], True),
        ([(440, 0.0, 0.0)], False),
        ([(300, 0.0, 3.1), (200, 0.2, -3.1)], True),  # near each other across +-pi
        ([(300, 0.0, 0.0), (200, 0.0, 1.2)], False),
        ([(720, 0.0, 0.0)], False),
        ([(500, 0.0, 0.0), (720, 0.0, 3.0)], False),  # not the leading jet
    ],
)
def test_preselection(partons, possible):
    momenta = from_rapidity(*np.array(partons, dtype=float).reshape(-1, 3).T)
    assert _quark_gluon_pythia.can_give_jet(momenta[:, [1, 2, 3, 0]]) is possible


@pytest.mark.parametrize("label", [0, 1])
def test_the_preselection_loses_no_jet(label):
    """Jets made without it would all have passed: a hook looks on and never ends an event."""
    hook, passed = _quark_gluon_pythia.preselection(pythia8), []
    judge = hook.doVetoPT
    verdicts = []

    def look_on(position, event):
        if position != 5:
            verdicts.append(judge(position, event))
        return False

    hook.doVetoPT = look_on
    pythia = _quark_gluon_pythia.start(label, 3, hook)
    clustering = pythia8.SlowJet(-1, 0.4, 250.0, 25.0, 2, 2)
    while len(passed) < 12:
        verdicts.clear()
        if not pythia.next():
            continue
        clustering.analyze(pythia.event)
        if clustering.sizeJet() and 500 <= clustering.pT(0) <= 550 and abs(clustering.y(0)) < 1.7:
            assert len(verdicts) == 1
            passed.append(not verdicts[0])
    assert all(passed)


def test_file_round_trip(made):
    jets, target = _quark_gluon.unpack(_quark_gluon.pack(made.data, made.target))
    np.testing.assert_array_equal(target, made.target)
    np.testing.assert_array_equal(jets.event_values, made.data.event_values)
    np.testing.assert_array_equal(jets.column("pdgid"), made.data.column("pdgid"))
    np.testing.assert_allclose(jets.column("pt"), made.data.column("pt"), rtol=2**-13)
    for name in ("y", "phi"):
        np.testing.assert_allclose(jets.column(name), made.data.column(name), atol=1.1e-5)  # half a step, and float32
    assert jets.sorted_by("pt") == jets


def test_the_file_refuses_what_does_not_fit(made):
    far = PointClouds(
        made.data.values + np.array([0, 1, 0, 0]),
        made.data.offsets,
        made.data.feature_names,
        event_values=made.data.event_values,
        event_names=made.data.event_names,
    )
    with pytest.raises(ValueError, match="16 bits"):
        _quark_gluon.pack(far, made.target)


def test_what_is_shipped(shipped):
    path = files("sklearn_ml4fp.datasets").joinpath("quark_gluon.npz")
    assert len(path.read_bytes()) <= 6_000_000
    assert len(shipped.data) >= 10_000
    assert shipped.simulation["made_by"] == "make_quark_gluon_jets(16000, preselect=True, random_state=2026)"
    assert "arXiv:1810.05165" in shipped.DESCR
    # the known power of the multiplicity, 0.84 (a standard error of 0.003)
    assert roc_auc_score(shipped.target, -shipped.data.counts) == pytest.approx(0.84, abs=0.015)
    X, y = load_quark_gluon_jets(return_X_y=True)
    assert shipped.data == X
    np.testing.assert_array_equal(shipped.target, y)


@pytest.mark.parametrize("call", [lambda: make_quark_gluon_jets(1), lambda: make_quark_gluon_jets(n_jets=2.5)])
def test_errors(call):
    with pytest.raises(ValueError, match="'n_jets' parameter of make_quark_gluon_jets"):
        call()


def test_without_pythia(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ImportError, match=r"pythia8mc is missing.*sklearn-ml4fp\[simulate\]"):
        make_quark_gluon_jets(2)
