"""Features of particles in a jet, and transformers applied to each point."""

import numpy as np
import pytest
import sklearn
import vector
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, QuantileTransformer, StandardScaler

from sklearn_ml4fp import JetConstituentFeatures, ParticleWise, PointClouds, _kinematics
from sklearn_ml4fp._particles import CLASSES, PARTICLES, look_up

COUNTS = np.random.default_rng(3).integers(1, 30, 100)
MASSES = {211: 0.13957039, -211: 0.13957039, 22: 0.0, 130: 0.497611, 11: 0.00051099895, -13: 0.1056583755}


def make_jets(rapidity="y", pdgid=True):
    rng = np.random.default_rng(0)
    n = COUNTS.sum()
    axis = np.repeat(rng.uniform([-1, -np.pi], [1, np.pi], (len(COUNTS), 2)), COUNTS, axis=0)
    y, phi = (axis + rng.normal(0, 0.1, (n, 2))).T
    columns = [rng.exponential(10, n) + 0.1, y, _kinematics.wrap_phi(phi)]
    names = ["pt", rapidity, "phi"]
    if pdgid:
        columns.append(rng.choice(list(MASSES), n))
        names.append("pdgid")
    return PointClouds(np.stack(columns, axis=1), np.concatenate([[0], np.cumsum(COUNTS)]), names)


def to_vector(X):
    mass = [MASSES[i] for i in X.column("pdgid")] if "pdgid" in X.feature_names else np.zeros(len(X.values))
    mass = np.asarray(mass)
    if "eta" in X.feature_names:
        return vector.array({"pt": X.column("pt"), "eta": X.column("eta"), "phi": X.column("phi"), "mass": mass})
    transverse = np.hypot(X.column("pt"), mass)
    px, py = X.column("pt") * np.cos(X.column("phi")), X.column("pt") * np.sin(X.column("phi"))
    pz, energy = transverse * np.sinh(X.column("y")), transverse * np.cosh(X.column("y"))
    return vector.array({"px": px, "py": py, "pz": pz, "E": energy})


@pytest.mark.parametrize("rapidity", ["y", "eta"])
@pytest.mark.parametrize("pdgid", [True, False])
def test_features_against_vector(rapidity, pdgid):
    X = make_jets(rapidity, pdgid)
    features = JetConstituentFeatures().fit_transform(X)
    assert len(features.feature_names) == (13 if pdgid else 6)
    np.testing.assert_array_equal(features.offsets, X.offsets)
    particles = to_vector(X)
    for first, last in zip(X.offsets[:-1], X.offsets[1:], strict=True):
        mine, jet = particles[first:last], particles[first:last].sum()
        expected = [
            mine.eta - jet.eta,
            mine.deltaphi(jet),
            np.log(mine.pt),
            np.log(mine.E),
            np.log(mine.pt / jet.pt),
            mine.deltaR(jet),
        ]
        np.testing.assert_allclose(features.values[first:last, :6].T, expected, atol=1e-9)  # float64 throughout


def test_charge_and_class():
    X = PointClouds(
        [[10, 0, 0, i] for i in (211, -211, 11, -11, 13, 22, 130, 2112, -2212, 1, 2, 0, 12)],
        [0, 13],
        ["pt", "y", "phi", "pdgid"],
    )
    features = JetConstituentFeatures().fit_transform(X)
    np.testing.assert_array_equal(features.column("charge"), [1, -1, -1, 1, -1, 0, 0, 0, -1, 0, 0, 0, 0])
    kinds = np.array([features.column(f"is_{name}") for name in CLASSES])
    np.testing.assert_array_equal(kinds.sum(axis=0), 1)
    expected = ["charged_hadron"] * 2 + ["electron"] * 2 + ["muon", "photon"] + ["neutral_hadron"] * 2
    assert [CLASSES[i] for i in kinds.argmax(axis=0)] == [*expected, "charged_hadron", *["other"] * 4]
    np.testing.assert_allclose(features.column("log_e")[-4:], np.log(10))  # without mass


def test_features_do_not_see_a_turn_about_the_beam():
    X = make_jets()
    turned = X.with_values(np.copy(X.values), X.feature_names)
    turned.values[:, 2] = _kinematics.wrap_phi(turned.values[:, 2] + 2.0)
    features = JetConstituentFeatures().fit(X)
    np.testing.assert_allclose(features.transform(turned).values, features.transform(X).values, atol=1e-9)


def test_particle_table_against_pythia():
    pythia8 = pytest.importorskip("pythia8mc", reason="the extra simulate is not installed")
    data = pythia8.Pythia("", False).particleData
    for pdgid, (mass, charge, _) in PARTICLES.items():
        assert data.m0(pdgid) == pytest.approx(mass, rel=1e-4)  # Pythia rounds some
        assert data.charge(pdgid) == charge
    mass, charge, _ = look_up(np.array([211.0, -211.0]))
    assert mass.tolist() == [0.13957039] * 2
    assert charge.tolist() == [1, -1]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("pdgid", np.nan, "'pdgid' contains NaN"),
        ("pt", -1.0, "must be positive"),
        ("pt", 0.0, "must be positive"),
        ("y", np.inf, "'y' contains NaN"),
    ],
)
def test_features_that_make_no_sense(column, value, message):
    X = make_jets()
    X.column(column)[5] = value
    with pytest.raises(ValueError, match=message):
        JetConstituentFeatures().fit_transform(X)


def test_features_of_empty_jets():
    X = make_jets()
    assert len(JetConstituentFeatures().fit(X).transform(X[:0]).feature_names) == 13


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), QuantileTransformer(n_quantiles=50)])
def test_particle_wise_is_the_table_of_points(scaler):
    X = make_jets(pdgid=False)
    wise = ParticleWise(scaler).fit(X)
    np.testing.assert_array_equal(wise.transform(X).values, scaler.fit_transform(X.values))
    assert wise.transform(X).feature_names == X.feature_names
    np.testing.assert_array_equal(wise.transform(X).offsets, X.offsets)
    np.testing.assert_allclose(wise.inverse_transform(wise.transform(X)).values, X.values, atol=1e-9)


def test_particle_wise_weights_are_those_of_the_events():
    """An event of weight 3 is three such events; one of weight 0 is none; 1.5 and -0.5 of one is one."""
    X = make_jets(pdgid=False)
    counts = np.random.default_rng(1).integers(0, 4, len(X))
    weighted = ParticleWise(StandardScaler()).fit(X, sample_weight=counts).transformer_
    repeated = ParticleWise(StandardScaler()).fit(X[np.repeat(np.arange(len(X)), counts)]).transformer_
    np.testing.assert_allclose(weighted.mean_, repeated.mean_, rtol=1e-12)
    np.testing.assert_allclose(weighted.var_, repeated.var_, rtol=1e-10)
    twice = X[np.concatenate([np.arange(len(X)), [0]])]
    signed = np.ones(len(twice))
    signed[[0, -1]] = 1.5, -0.5
    split = ParticleWise(StandardScaler()).fit(twice, sample_weight=signed).transformer_
    whole = ParticleWise(StandardScaler()).fit(X).transformer_
    np.testing.assert_allclose(split.mean_, whole.mean_, rtol=1e-12)


def test_particle_wise_changes_the_number_of_features():
    X = make_jets(pdgid=False)
    reduced = ParticleWise(PCA(2)).fit_transform(X)
    assert reduced.feature_names == ("pca0", "pca1")
    nameless = ParticleWise(FunctionTransformer(lambda x: x[:, :1])).fit_transform(X)
    assert nameless.feature_names == ("x0",)


def test_particle_wise_on_some_columns():
    """The others stay behind, and the way back puts every column in its place."""
    X = make_jets(pdgid=False)
    wise = ParticleWise(StandardScaler(), columns=["phi", "pt"]).fit(X)
    changed = wise.transform(X)
    assert changed.feature_names == ("phi", "pt", "y")
    np.testing.assert_array_equal(changed.column("y"), X.column("y"))
    for name in ("phi", "pt"):
        column = X.column(name)
        np.testing.assert_allclose(changed.column(name), (column - column.mean()) / column.std(), atol=1e-12)
    back = wise.inverse_transform(changed)
    assert back.feature_names == X.feature_names
    np.testing.assert_allclose(back.values, X.values, atol=1e-9)
    with pytest.raises(ValueError, match=r"columns=\['mass'\]: there is no 'mass' among"):
        ParticleWise(StandardScaler(), columns=["mass"]).fit(X)


def test_particle_wise_gives_the_target_to_every_point():
    X = make_jets(pdgid=False)
    y = np.random.default_rng(0).integers(0, 2, len(X))
    X.values[:, 0] += 5 * np.repeat(y, X.counts)
    chosen = ParticleWise(SelectKBest(k=1)).fit(X, y)
    assert chosen.transform(X).feature_names == ("pt",)
    alone = SelectKBest(k=1).fit(X.values, np.repeat(y, X.counts))
    np.testing.assert_array_equal(chosen.transformer_.scores_, alone.scores_)


def test_particle_wise_without_points():
    X = make_jets(pdgid=False)
    wise = ParticleWise(StandardScaler()).fit(X)
    empty = PointClouds(np.zeros((0, 3)), [0, 0], X.feature_names)
    assert wise.transform(empty) == empty
    assert wise.inverse_transform(empty) == empty
    with pytest.raises(ValueError, match="no point in the 1 clouds"):
        wise.fit(empty)


def test_particle_wise_refuses_weights_that_go_nowhere():
    with pytest.raises(ValueError, match="MinMaxScaler takes no sample_weight"):
        ParticleWise(MinMaxScaler()).fit(make_jets(), sample_weight=np.ones(len(COUNTS)))
    with pytest.raises(ValueError, match=r"sample_weight\.shape"):
        ParticleWise(StandardScaler()).fit(make_jets(), sample_weight=np.ones(3))


def test_particle_wise_asks_for_weights_where_metadata_is_routed():
    X = make_jets(pdgid=False)
    weights = np.random.default_rng(0).uniform(0, 2, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(ParticleWise(StandardScaler())).fit(X, sample_weight=weights)
    direct = ParticleWise(StandardScaler()).fit(X, sample_weight=weights)
    np.testing.assert_array_equal(pipeline[0].transformer_.mean_, direct.transformer_.mean_)
