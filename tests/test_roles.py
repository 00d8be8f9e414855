"""What a column is, by its name: one rule for every name style and everything that looks a column up."""

import warnings

import awkward as ak
import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    DeepSetsClassifier,
    DropParticles,
    EdgeConvClassifier,
    InteractionNetworkClassifier,
    JetConstituentFeatures,
    MessagePassingClassifier,
    MissingValueImputer,
    NeighbourInterpolation,
    ParticleTransformerClassifier,
    ParticleWise,
    PermuteParticles,
    PointClouds,
    Reflect,
    Rotate,
    Shift,
    Smear,
    ToImage,
    ToList,
    ToSet,
    Translate,
    as_point_clouds,
)
from sklearn_ml4fp._roles import column_for, find, meaning_of, role_of

PLAIN = ("pt", "eta", "phi")
STYLES = [
    PLAIN,
    ("PT", "Eta", "Phi"),
    ("pT", "pseudorapidity", "azimuth"),
    ("p_T", "η", "φ"),
    ("Jet_pt", "Jet_eta", "Jet_phi"),
    ("Jet 1 pT", "Jet 1 eta", "Jet 1 phi"),
    ("jet.pt", "jet.eta", "jet.phi"),
    ("part_pt", "part_eta", "part_phi"),
    ("j1pt", "j1eta", "j1phi"),
    ("pt_1", "eta_1", "phi_1"),
    ("scaled__Jet_pt", "remainder__Jet_eta", "remainder__Jet_phi"),
]
each_style = pytest.mark.parametrize("names", STYLES, ids=lambda names: names[0])
QUICK = {"max_epochs": 1, "random_state": 0, "device": "cpu", "width": 8, "batch_size": 64}


def jets(names=PLAIN, n=40):
    """Clouds of 1 to 8 particles: pT in GeV, η, φ in rad."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, size=n)
    size = counts.sum()
    values = np.column_stack([rng.lognormal(3, 1, size), rng.normal(size=size), rng.uniform(-np.pi, np.pi, size)])
    return PointClouds(values, np.r_[0, np.cumsum(counts)], list(names)), (counts > 4).astype(int)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *[(name, role) for style in STYLES for name, role in zip(style, PLAIN, strict=True)],
        ("Jet_E", "e"), ("part_energy", "e"), ("Jet.Mass", "m"), ("PX_0", "px"), ("p_y", "py"), ("jet_p_z", "pz"),
        ("jet_y", "y"), ("rapidity", "rapidity"), ("hit_x", "x"), ("z", "z"), ("Particle.PID", "pdgid"),
        ("GenPart_pdgId", "pdgid"), ("pdg_id", "pdgid"),
        ("log_pt", "log_pt"), ("part_ln_pt", "log_pt"), ("logpt", "log_pt"),
        ("delta_phi", "delta_phi"), ("part_dphi", "delta_phi"), ("etarel", "delta_eta"), ("eta_rel", "delta_eta"),
        ("Δφ", "delta_phi"), ("delta_y", "delta_y"),
        # what has the word in it and is something else
        *[(name, None) for name in ("log_pt_rel", "log1p_pt", "log10_pt", "cos_phi", "abs_eta", "pt_err", "sigma_pt")],
        *[(name, None) for name in ("x0", "x12", "phi0", "event_id", "jet_id", "log_e", "delta_r", "ptrel", "dz", "")],
    ],
)  # fmt: skip
def test_the_role_of_a_name(name, role):
    assert role_of(name) == role


LABELS = [
    "label",
    "Label",
    "jet_label",
    "label_QCD",
    "isSignal",
    "is_signal",
    "is_signal_new",
    "target",
    "signal",
    "class",
    "truth",
]
LABELS += ["Jet_hadronFlavour"]
WEIGHTS = [
    "weight",
    "genWeight",
    "EventWeight",
    "event_weight",
    "Event.Weight",
    "LHEWeight_originalXWGTUP",
    "puWeight",
    "w",
]
IDS = [
    "event",
    "run",
    "luminosityBlock",
    "eventNumber",
    "Event.Number",
    "EventNumber",
    "event_id",
    "id",
    "evt",
    "RunNumber",
]
INPUTS = [
    "pt",
    "Jet_pt",
    "jet_id",
    "Jet_jetId",
    "pdgId",
    "MET",
    "met_phi",
    "btag",
    "n_events_before",
    "signal_strength",
    "x0",
    "y",
]
INPUTS += ["photonID", "event0", "runway", "classifier_pt", "height"]


@pytest.mark.parametrize(
    ("names", "meaning"),
    [(LABELS, "label"), (WEIGHTS, "weight"), (IDS, "event id"), (INPUTS, None)],
    ids=("label", "weight", "id", "input"),
)
def test_what_is_nothing_to_learn_from(names, meaning):
    assert {name: meaning_of(name) for name in names} == dict.fromkeys(names, meaning)


def test_columns_that_nobody_chose_are_said(tmp_path):
    """Where all columns are taken by default; those that are named are meant."""
    array = ak.Array(
        {"pt": [[1.0], [2.0, 3.0]], "MET": [1.0, 2.0], "isSignal": [0, 1], "genWeight": [1.5, 0.5], "run": [1, 1]}
    )
    expected = (
        "'isSignal' looks like a label, 'genWeight' looks like a weight, 'run' looks like an event id by its name"
    )
    ak.to_parquet(array, tmp_path / "x.parquet")
    y = np.arange(40) % 2
    ways = {
        "from_awkward": lambda: PointClouds.from_awkward(array),
        "from_parquet": lambda: PointClouds.from_parquet(tmp_path / "x.parquet"),
        "as_point_clouds": lambda: as_point_clouds(array),
        "fit": lambda: DeepSetsClassifier(**QUICK).fit(ak.concatenate(20 * [array]), y),
    }
    for way in ways.values():
        with pytest.warns(UserWarning, match=expected):
            way()
    table = pd.DataFrame({"event": [1, 1, 2], "pt": [1.0, 2.0, 3.0], "label": [0, 0, 1]})
    with pytest.warns(UserWarning, match=r"'label' looks like a label by its name.* as features="):
        PointClouds.from_long(table, "event")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PointClouds.from_awkward(array, event_features=["MET", "isSignal"])
        PointClouds.from_awkward(array[["pt", "MET"]])
        PointClouds.from_long(table, "event", ["pt", "label"])


def test_one_of_several():
    """The word alone comes before what ends in it; else nobody knows, and the error says how to choose."""
    assert find(("gen_pt", "PT"), "pt") == 1
    assert find(("gen_pt", "eta"), "pt") == 0
    assert find(("eta",), "pt") is None
    assert column_for(("Jet_pt", "Jet_gen_pt"), "gen_pt", "order_by='gen_pt'") == 1
    with pytest.raises(ValueError, match=r"\['reco_pt', 'gen_pt'\] may all be meant by 'pt'"):
        find(("reco_pt", "gen_pt"), "pt")
    with pytest.raises(ValueError, match="there is no 'mass' among"):
        column_for(PLAIN, "mass", "order_by='mass'")


NETWORKS = [
    ParticleTransformerClassifier,
    EdgeConvClassifier,
    InteractionNetworkClassifier,
    MessagePassingClassifier,
    DeepSetsClassifier,
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_networks_are_the_same_whatever_the_style(network):
    settings = {name: 1 for name in ("n_blocks", "n_layers", "n_class_blocks") if name in network._hyperparameters}
    expected = None
    for names in STYLES:
        X, y = jets(names)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fitted = network(**settings, **QUICK).fit(X, y)
        scores = fitted.predict_proba(X)
        expected = scores if expected is None else expected
        np.testing.assert_array_equal(scores, expected)
        assert fitted.angles_ == (names[2],)
        assert getattr(fitted, "coordinates_", names[1:]) == names[1:]
        assert getattr(fitted, "transverse_momentum_", names[0]) == names[0]


def test_the_number_of_weights_does_not_depend_on_the_style():
    n_weights = set()
    for names in STYLES:
        X, y = jets(names)
        network = ParticleTransformerClassifier(max_epochs=1, random_state=0, device="cpu").fit(X, y)
        n_weights.add(sum(parameter.numel() for parameter in network.net_.module_.parameters()))
    assert len(n_weights) == 1
    assert "transverse_momentum_ : " in ParticleTransformerClassifier.__doc__
    assert "coordinates_ : " in EdgeConvClassifier.__doc__


@pytest.mark.parametrize("network", [one for one in NETWORKS if one is not DeepSetsClassifier])
def test_unknown_coordinates_are_said(network):
    X, y = jets(("a", "b", "c"))
    with pytest.warns(UserWarning, match="No coordinates are known by name among the features"):
        fitted = network(**QUICK).fit(X, y)
    assert fitted.coordinates_ == ()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="No coordinates")
        network(coordinates=(), **QUICK).fit(X, y)
        assert network(coordinates=("b", "c"), angles=("c",), **QUICK).fit(X, y).coordinates_ == ("b", "c")
        network(**QUICK).fit(np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2)  # one point an event


def test_an_unknown_momentum_is_said():
    X, y = jets(("p", "eta", "phi"))
    with pytest.warns(UserWarning, match="No transverse momentum is known by name"):
        fitted = ParticleTransformerClassifier(**QUICK).fit(X, y)
    assert fitted.transverse_momentum_ is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hits, y = jets(("charge", "x", "y"))  # hits have no momentum
        ParticleTransformerClassifier(**QUICK).fit(hits, y)


def test_networks_refuse_to_guess():
    X, y = jets(("reco_pt", "gen_pt", "phi"))
    X = PointClouds(np.column_stack([X.values, X.values[:, 1]]), X.offsets, [*X.feature_names, "eta"])
    with pytest.raises(ValueError, match=r"may all be meant by 'pt'.* transverse_momentum="):
        ParticleTransformerClassifier(**QUICK).fit(X, y)
    fitted = ParticleTransformerClassifier(transverse_momentum="reco_pt", **QUICK).fit(X, y)
    assert fitted.transverse_momentum_ == "reco_pt"
    X, y = jets(("pt", "jet_phi", "track_phi"))
    X = PointClouds(np.column_stack([X.values, X.values[:, 1]]), X.offsets, [*X.feature_names, "eta"])
    with pytest.raises(ValueError, match=r"may all be meant by 'phi'.* coordinates="):
        EdgeConvClassifier(**QUICK).fit(X, y)
    with pytest.raises(ValueError, match="log10"):
        ParticleTransformerClassifier(transverse_momentum="log10_pt", **QUICK).fit(*jets(("log10_pt", "eta", "phi")))


def values_of(result):
    return result.values if isinstance(result, PointClouds) else np.asarray(result)


TRANSFORMERS = [
    JetConstituentFeatures(),
    ToImage(5),
    ToList(3, order_by="pt"),
    ToSet(order_by="eta"),
    ParticleWise(StandardScaler(), columns=["pt", "eta"]),
]


@each_style
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda one: type(one).__name__)
def test_transformers(transformer, names):
    expected = values_of(transformer.fit_transform(jets()[0]))
    np.testing.assert_array_equal(values_of(transformer.fit_transform(jets(names)[0])), expected)
    if hasattr(transformer, "roles_"):
        assert transformer.roles_ == dict(zip(PLAIN, names, strict=True))


@each_style
def test_point_clouds(names):
    plain, X = jets()[0], jets(names)[0]
    for i, word in enumerate(PLAIN):
        np.testing.assert_array_equal(X.column(word), plain.values[:, i])
    np.testing.assert_array_equal(X.sorted_by("pt").values, plain.sorted_by("pt").values)
    with pytest.raises(KeyError, match="mass"):
        X.column("mass")
    of_jets = PointClouds([[1.0]], [0, 1], ["part_pt"], event_values=[[2.0, 3.0]], event_names=["pt", "jet_eta"])
    assert (of_jets.column("pt"), of_jets.column("part_pt"), of_jets.column("eta")) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize("name", ["time", "hit_time", "Hit.Time", "hit 1 time"])
def test_along_a_column(name):
    frame = pd.DataFrame({name: [0.0, 1.0, 2.0], "rate": [0.0, np.nan, 4.0]})
    filled = MissingValueImputer(strategy="interpolation", along="time").fit_transform(frame)
    assert filled[1, 1] == 2.0


AUGMENTERS = [
    Rotate(random_state=0),
    Reflect(random_state=0),
    Translate(random_state=0),
    Smear(relative=0.1, random_state=0),
    Shift(random_state=0),
]


@each_style
@pytest.mark.parametrize("augmenter", AUGMENTERS, ids=lambda one: type(one).__name__)
def test_augmenters(augmenter, names):
    expected = augmenter.augment(jets()[0]).values
    assert not np.array_equal(expected, jets()[0].values)
    np.testing.assert_array_equal(augmenter.augment(jets(names)[0]).values, expected)


TABLE_STYLES = ["jet{}_{}", "Jet {} {}", "Jet_{}_{}", "jet{}.{}", "j{}{}", "Jet_{1}_{0}", "{1}_{0}"]
MISSING = [("met", "met_phi"), ("MET", "MET_phi"), ("MET_pt", "MET_phi")]


@pytest.mark.parametrize("style", TABLE_STYLES)
@pytest.mark.parametrize("words", [PLAIN, ("PT", "Eta", "Phi")], ids=lambda words: words[0])
@pytest.mark.parametrize(
    "augmenter",
    [
        Rotate(random_state=0),
        Smear(columns="eta", absolute=0.1, random_state=0),
        DropParticles(probability=0.5, random_state=0),
        PermuteParticles(random_state=0),
        NeighbourInterpolation(random_state=0),
    ],
    ids=lambda one: type(one).__name__,
)
def test_objects_of_a_table(augmenter, words, style):
    rng = np.random.default_rng(0)
    n = 30
    pt = -np.sort(-rng.lognormal(3, 1, (n, 3)), axis=1)
    columns = [column for i in range(3) for column in (pt[:, i], rng.normal(size=n), rng.uniform(-3, 3, n))]
    met = rng.exponential(20, n), rng.uniform(-3, 3, n)

    def changed(style, words, missing):
        names = [style.format(i + 1, word) for i in range(3) for word in words]
        frame = pd.DataFrame(dict(zip([*names, *missing], [*columns, *met], strict=True)))
        return augmenter.learn(frame).augment(frame).to_numpy()

    expected = changed("jet{}_{}", PLAIN, MISSING[0])
    for missing in MISSING:
        np.testing.assert_array_equal(changed(style, words, missing), expected)


def test_augmenters_on_components():
    """A rotation, a mirror and a scale change all columns of a momentum alike: masses stay, or scale with it."""
    X, _ = jets()
    pt, eta, phi = X.values.T
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    energy = np.sqrt(px**2 + py**2 + pz**2 + 0.14**2)
    names = ["part_px", "part_py", "part_pz", "part_energy", "part_pt", "part_eta", "part_phi"]
    both = PointClouds(np.column_stack([px, py, pz, energy, pt, eta, phi]), X.offsets, names)
    alone = PointClouds(both.values[:, :4], X.offsets, names[:4])
    for augmenter in (Rotate(random_state=0), Reflect(random_state=0), Shift(scale=0.1, random_state=0)):
        x, y, z, e, pt_new, eta_new, phi_new = augmenter.augment(both).values.T
        np.testing.assert_allclose(x, pt_new * np.cos(phi_new), atol=1e-9)
        np.testing.assert_allclose(y, pt_new * np.sin(phi_new), atol=1e-9)
        np.testing.assert_allclose(z, pt_new * np.sinh(eta_new), atol=1e-9)
        scale = pt_new / pt
        np.testing.assert_allclose(e**2 - x**2 - y**2 - z**2, (scale * 0.14) ** 2, atol=1e-6)
        np.testing.assert_allclose(augmenter.augment(alone).values, np.column_stack([x, y, z, e]), atol=1e-9)
    relative = JetConstituentFeatures().fit_transform(X)
    mirrored = Reflect(probability=1.0).augment(relative)
    np.testing.assert_array_equal(mirrored.column("delta_eta"), -relative.column("delta_eta"))
    np.testing.assert_array_equal(mirrored.column("delta_phi"), relative.column("delta_phi"))
    for augmenter in (Rotate(), Translate()):  # a relative angle does not turn, nor does a relative η move
        with pytest.raises(ValueError, match="expected columns"):
            augmenter.augment(relative)


@pytest.mark.parametrize("style", TABLE_STYLES)
@pytest.mark.parametrize("network", [ParticleTransformerClassifier, EdgeConvClassifier])
def test_networks_on_tables(network, style):
    X, y = jets()
    padded, _ = X.to_padded()
    names = [style.format(i + 1, word) for i in range(padded.shape[1]) for word in PLAIN]
    frame = pd.DataFrame(padded.reshape(len(X), -1), columns=names)
    fitted = network(particle_features=3, n_blocks=1, **QUICK).fit(frame, y)
    assert [role_of(name) for name in (*fitted.coordinates_, *fitted.angles_)] == ["eta", "phi", "phi"]
    assert role_of(getattr(fitted, "transverse_momentum_", "pt")) == "pt"


def test_momenta_in_components():
    """px, py, pz with energy or mass or PDG id are pT, η, φ; images take them as well."""
    X, _ = jets()
    pt, eta, phi = X.values.T
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    mass = 0.13957039
    energy = np.sqrt(px**2 + py**2 + pz**2 + mass**2)

    def clouds(**columns):
        return PointClouds(np.column_stack([*columns.values()]), X.offsets, list(columns))

    components = {"part_px": px, "part_py": py, "part_pz": pz}
    expected = JetConstituentFeatures().fit_transform(clouds(pt=pt, eta=eta, phi=phi, m=np.full(len(pt), mass)))
    ids = np.full(len(pt), 211)
    for more in ({"part_energy": energy}, {"part_mass": np.full(len(pt), mass)}, {"part_pdgId": ids}):
        made = JetConstituentFeatures().fit(clouds(**components, **more))
        values = made.transform(clouds(**components, **more)).values
        np.testing.assert_allclose(values[:, :6], expected.values, atol=1e-9)
        assert made.roles_["px"] == "part_px"
    image = ToImage(9).fit_transform(clouds(**components, E=energy))
    y = np.arctanh(pz / energy)
    np.testing.assert_allclose(image, ToImage(9).fit_transform(clouds(pt=pt, y=y, phi=phi)), atol=1e-6)
    with pytest.raises(ValueError, match=r"expected features pt .* px, py, pz .* got"):
        JetConstituentFeatures().fit(clouds(px=px, py=py))
    backwards = JetConstituentFeatures().fit(clouds(**components, e=-energy))
    with pytest.raises(ValueError, match="energies must be positive"):
        backwards.transform(clouds(**components, e=-energy))
