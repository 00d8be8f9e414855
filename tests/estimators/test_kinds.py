"""Several kinds of points in one set: each has a first layer of its own, found by name."""

import awkward as ak
import numpy as np
import pytest
import torch

from sklearn_ml4fp import (
    DeepSetsClassifier,
    EventSource,
    ParticleTransformerClassifier,
    PointClouds,
    TransformerClassifier,
)
from sklearn_ml4fp.nn import DeepSets, ParticleTransformer, Transformer

N = 300
RNG = np.random.default_rng(0)
QUICK = {"max_epochs": 2, "random_state": 0, "device": "cpu", "width": 8, "batch_size": 64}
NETWORKS = {
    DeepSetsClassifier: {"n_layers": 1, "latent_width": 8},
    TransformerClassifier: {"n_blocks": 1, "n_heads": 2},
    ParticleTransformerClassifier: {"n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "pair_width": 4},
}
each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)


def events():
    n_jets, n_muons = RNG.integers(1, 5, N), RNG.integers(0, 3, N)

    def lists(counts, draw):
        return ak.unflatten(draw(counts.sum()), counts)

    array = {f"{name}_{word}": lists(counts, draw)
             for name, counts in (("Jet", n_jets), ("Muon", n_muons))
             for word, draw in (("pt", lambda n: RNG.lognormal(0, 0.5, n)), ("eta", lambda n: RNG.normal(size=n)),
                                ("phi", lambda n: RNG.uniform(-3, 3, n)))}  # fmt: skip
    array |= {"Muon_charge": lists(n_muons, lambda n: RNG.choice([-1.0, 1.0], n)), "MET_pt": RNG.exponential(size=N),
              "MET_phi": RNG.uniform(-3, 3, N), "label": np.arange(N) % 2}  # fmt: skip
    collections = {"Jet": ["pt", "eta", "phi"], "Muon": ["pt", "eta", "phi", "charge"], "MET": ["pt", "phi"]}
    return EventSource(ak.Array(array), collections=collections, target="label").read()


EVENTS = events()


@each_network
def test_kinds_are_found_by_name(network):
    fitted = network(**NETWORKS[network], **QUICK).fit(EVENTS.data, EVENTS.target)
    assert fitted.kinds_ == ("Jet_kind", "Muon_kind", "MET_kind")
    plain = network(kinds=(), **NETWORKS[network], **QUICK).fit(EVENTS.data, EVENTS.target)
    n, n_plain = (sum(p.numel() for p in one.net_.module_.parameters()) for one in (fitted, plain))
    assert n > n_plain
    alone = EVENTS.data.with_values(EVENTS.data.values[:, :5], EVENTS.data.feature_names[:5])  # pt, ..., Jet_kind
    assert network(**NETWORKS[network], **QUICK).fit(alone, EVENTS.target).kinds_ == ()
    named = network(kinds=["Jet_kind", 5, 6], **NETWORKS[network], **QUICK).fit(EVENTS.data, EVENTS.target)
    np.testing.assert_array_equal(named.predict_proba(EVENTS.data), fitted.predict_proba(EVENTS.data))
    for bad in (["Jet_kind"], ["Jet_kind", "Jet_kind"], ["Jet_kind", "Tau_kind"], [4, 99]):
        with pytest.raises(ValueError, match="kinds="):
            network(kinds=bad, **NETWORKS[network], **QUICK).fit(EVENTS.data, EVENTS.target)


@each_network
def test_a_layer_of_one_kind_reaches_no_other(network):
    """With the layer of muons changed, events without muons have the same scores, and those with them others."""
    fitted = network(**NETWORKS[network], **QUICK).fit(EVENTS.data, EVENTS.target)
    before = fitted.predict_proba(EVENTS.data)
    (layer,) = [one for one in fitted.net_.module_.modules() if type(one).__name__ == "KindLinear"]
    with torch.no_grad():
        layer.own[1].weight *= -3.0
    changed = np.abs(fitted.predict_proba(EVENTS.data) - before).max(axis=1) > 1e-6
    muons = EVENTS.data.column("Muon_kind")
    has_muon = np.add.reduceat(muons, EVENTS.data.offsets[:-1]) > 0
    assert not changed[~has_muon].any()
    assert changed[has_muon].mean() > 0.9


@each_network
def test_kinds_survive_a_scaling(network):
    """The greatest of the columns tells the kind, also after each was shifted and scaled."""
    values = EVENTS.data.values.copy()
    values[:, 4:] = (values[:, 4:] - values[:, 4:].mean(axis=0)) / values[:, 4:].std(axis=0)
    scaled = EVENTS.data.with_values(values, EVENTS.data.feature_names)
    first = network(**NETWORKS[network], **QUICK).fit(EVENTS.data, EVENTS.target)
    second = network(**NETWORKS[network], **QUICK).fit(scaled, EVENTS.target)
    assert second.kinds_ == first.kinds_
    if network is not TransformerClassifier:  # which does not standardise points itself
        np.testing.assert_allclose(second.predict_proba(scaled), first.predict_proba(EVENTS.data), atol=1e-3)


def test_each_kind_has_its_own_weights():
    """A charge that means one thing for jets and the opposite for muons: one linear layer for all cannot tell."""
    n = 2000
    counts = np.ones(n, dtype=int)
    kind, charge = RNG.integers(0, 2, n), RNG.choice([-1.0, 1.0], n)
    X = PointClouds(np.stack([charge, kind, 1 - kind], axis=1), np.r_[0, np.cumsum(counts)], ["q", "a_kind", "b_kind"])
    y = (charge * (2 * kind - 1) > 0).astype(int)
    settings = {"n_layers": 1, "width": 2, "latent_width": 2, "random_state": 0, "device": "cpu", "max_epochs": 30}
    assert DeepSetsClassifier(**settings, lr=0.02).fit(X, y).score(X, y) > 0.99


def test_modules():
    x, counts = torch.randn(9, 5), torch.tensor([4, 5])
    deep = DeepSets((5, 0), 2, n_layers=2, width=8, latent_width=16, kinds=(3, 4))
    assert deep(x, counts, torch.zeros(2, 0)).shape == (2, 2)
    settings = {"n_blocks": 1, "n_class_blocks": 1, "width": 8, "n_heads": 2, "pair_width": 4, "kinds": (3, 4)}
    network = ParticleTransformer((5, 0, 0), 2, periodic=(), has_pt=False, **settings)
    assert network(x, counts, torch.zeros(2, 0)).shape == (2, 2)
    tokens = Transformer((5, 0), 2, n_blocks=1, width=8, n_heads=2, kinds=(3, 4))
    assert tokens(x[None], torch.ones(1, 9, dtype=torch.bool)).shape == (1, 2)
