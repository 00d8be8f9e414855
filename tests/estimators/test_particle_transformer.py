"""The features of pairs: which columns of the points they are made of, and that units and frames do not matter."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import ParticleTransformerClassifier, ParticleTransformerRegressor, ParticleWise, PointClouds
from sklearn_ml4fp.nn._pairs import pair_features

QUICK = {"max_epochs": 2, "random_state": 0, "device": "cpu", "width": 8, "n_blocks": 1, "n_class_blocks": 1}


def jets(n=60, names=("pt", "eta", "phi"), seed=0):
    """Clouds of 0 to 9 particles with pT in GeV, η and φ, and a class that the multiplicity tells."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 10, size=n)
    pt = rng.lognormal(3.0, 1.0, size=counts.sum())
    eta, phi = rng.normal(size=counts.sum()), rng.uniform(-np.pi, np.pi, size=counts.sum())
    clouds = PointClouds(np.stack([pt, eta, phi], axis=1), np.concatenate([[0], np.cumsum(counts)]), list(names))
    return clouds, (counts > 4).astype(int)


def n_pair_features(network):
    pairs = network.net_.module_.pairs
    return 0 if pairs is None else pairs.layers.layers[0].in_features


@pytest.mark.parametrize(
    ("names", "settings", "expected"),
    [
        (("pt", "eta", "phi"), {}, 4),
        (("const__pT", "delta_eta", "delta_phi"), {}, 4),
        (("log_pt", "eta", "phi"), {}, 4),
        (("e", "eta", "phi"), {}, 1),
        (("e", "eta", "phi"), {"transverse_momentum": "e"}, 4),
        (("e", "eta", "phi"), {"transverse_momentum": 0}, 4),
        (("pt", "x", "y"), {}, 3),  # no mass without an angle
        (("pt", "eta", "phi"), {"coordinates": ["phi", "eta"]}, 4),
        (("a", "b", "c"), {}, 0),
    ],
)
def test_what_pairs_are_made_of(names, settings, expected):
    X, y = jets(names=names)
    network = ParticleTransformerClassifier(**settings, **QUICK).fit(X, y)
    assert n_pair_features(network) == expected
    assert np.isfinite(network.predict_proba(X)).all()


def test_a_standardised_momentum_is_none():
    X, y = jets()
    scaled = make_pipeline(
        ParticleWise(StandardScaler(), columns=["pt"]), ParticleTransformerClassifier(early_stopping=False, **QUICK)
    )
    with pytest.warns(UserWarning, match="'pt' looks scaled"):
        scaled.fit(X, y)
    assert n_pair_features(scaled[-1]) == 1
    shifted = X.with_values(X.values - [[5.0, 0.0, 0.0]], X.feature_names)
    with pytest.warns(UserWarning, match="'pt' looks scaled"):
        shifted_fit = ParticleTransformerClassifier(**QUICK).fit(shifted, y)
    assert n_pair_features(shifted_fit) == 1


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (lambda pt: (pt - pt.mean()) / pt.std(), {"transverse_momentum": "pt"}, "'pt' has mean .* scaled"),
        (lambda pt: pt - 5, {"transverse_momentum": 0}, "the lowest value -.* scaled"),
        (lambda pt: pt, {"transverse_momentum": "p"}, "there is no 'p' among the features"),
        (lambda pt: pt, {"transverse_momentum": "pt", "coordinates": []}, "pass coordinates="),
    ],
)
def test_a_declared_momentum_that_is_none_is_an_error(change, settings, message):
    X, y = jets()
    values = X.values.copy()
    values[:, 0] = change(values[:, 0])
    network = ParticleTransformerClassifier(early_stopping=False, **settings, **QUICK)
    with pytest.raises(ValueError, match=message):
        network.fit(X.with_values(values, X.feature_names), y)


def test_a_momentum_and_its_logarithm_are_the_same_to_pairs():
    """And the unit changes nothing: GeV or MeV."""
    X, y = jets()
    logarithms = X.values.copy()
    logarithms[:, 0] = np.log(logarithms[:, 0])
    columns = []
    for clouds in (
        X,
        X.with_values(X.values * [[1000.0, 1.0, 1.0]], X.feature_names),
        X.with_values(logarithms, ["log_pt", "eta", "phi"]),
    ):
        network = ParticleTransformerRegressor(early_stopping=False, **QUICK).fit(clouds, y)
        columns.append(network.net_.get_dataset(clouds).inputs[0][:, -1])
    assert float(columns[0].std()) > 0.5
    for other in columns[1:]:
        torch.testing.assert_close(other, columns[0], atol=1e-6, rtol=0)


def test_the_mass_of_a_pair_does_not_depend_on_a_boost_along_the_beam():
    """η + constant and φ + constant; at angles of 10⁻⁵ rad the mass is still right to 10⁻³ in single precision."""
    a, b = torch.tensor([[0.3, 3.1, 0.5]]), torch.tensor([[0.3 + 2**-17, 3.1, -0.5]])
    periodic = (False, True)
    expected = 2 * np.log(2**-17)  # pT_a pT_b Δη² at small Δη, with ln pT_a = −ln pT_b
    assert float(pair_features(a, b, periodic)[0, 3]) == pytest.approx(expected, abs=1e-3)
    a, b = a.double(), torch.tensor([[1.7, -2.9, -0.5]], dtype=torch.float64)
    moved = torch.tensor([[1.3, 2.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(pair_features(a, b, periodic), pair_features(a + moved, b + moved, periodic))
    torch.testing.assert_close(pair_features(a, b, periodic), pair_features(b, a, periodic))


def test_more_pairs_than_memory_has_room_for_are_an_error(monkeypatch):
    X, y = jets()
    monkeypatch.setattr("sklearn_ml4fp.nn._pairs._MOST", 1000)
    with pytest.raises(ValueError, match=r"the largest event having \d points, and 4 heads\. Lower batch_size"):
        ParticleTransformerClassifier(**QUICK).fit(X, y)


def test_a_particle_without_direction_or_momentum_is_finite():
    """−999 stands for a missing η; some files have particles of pT = 0."""
    X, y = jets()
    values = X.values.copy()
    values[:5, 1], values[3:8, 0] = -999.0, 0.0
    strange = X.with_values(values, X.feature_names)
    network = ParticleTransformerClassifier(**QUICK).fit(strange, y)
    assert n_pair_features(network) == 4
    assert np.isfinite(network.predict_proba(strange)).all()
    assert np.isfinite(network.history_["train_loss"]).all()
