"""Augmenters: symmetries stay, resolutions are right, tables stay consistent, weights and ids go along."""

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

from sklearn_ml4fp import (
    AugmentedPrediction,
    CNNClassifier,
    Compose,
    DropParticles,
    FeedForwardClassifier,
    NeighbourInterpolation,
    PermuteParticles,
    PointClouds,
    Reflect,
    Resampled,
    Rotate,
    Shift,
    Smear,
    TransformerClassifier,
    Translate,
    ZScoreScaler,
    load_events,
)
from sklearn_ml4fp.augmentation._events import read
from sklearn_ml4fp.augmentation._random import EventRandom


def table(n=300, seed=0, absent=True):
    """Three jets sorted by pT, a lepton, and a missing momentum that balances them."""
    rng = np.random.default_rng(seed)
    pt = np.sort(25 + rng.exponential(40, (n, 3)), axis=1)[:, ::-1]
    frame = {}
    for i in range(3):
        frame |= {f"jet{i + 1}_pt": pt[:, i], f"jet{i + 1}_eta": rng.normal(0, 1, n)}
        frame |= {f"jet{i + 1}_phi": rng.uniform(-np.pi, np.pi, n), f"jet{i + 1}_m": 5 + rng.exponential(3, n)}
    frame |= {"lepton_pt": 25 + rng.exponential(20, n), "lepton_eta": rng.normal(size=n)}
    frame |= {"lepton_phi": rng.uniform(-np.pi, np.pi, n), "lepton_charge": rng.choice([-1, 1], n)}
    frame = pd.DataFrame(frame)
    if absent:
        frame.loc[rng.uniform(size=n) < 0.4, [c for c in frame if c.startswith("jet3_")]] = np.nan
    x, y, ht = balance(frame)
    return frame.assign(met=np.hypot(x, y), met_phi=np.arctan2(y, x), ht=ht)


def balance(frame):
    """Missing momentum that balances all objects, and the sum of the jets' pT."""
    objects = [(frame[f"{o}_pt"], frame[f"{o}_phi"]) for o in ("jet1", "jet2", "jet3", "lepton")]
    x = -sum((pt * np.cos(phi)).fillna(0) for pt, phi in objects)
    y = -sum((pt * np.sin(phi)).fillna(0) for pt, phi in objects)
    return x, y, sum(frame[f"jet{i}_pt"].fillna(0) for i in (1, 2, 3))


def clouds(n=200, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 8, n)
    values = np.column_stack(
        [rng.exponential(30, counts.sum()), rng.normal(size=counts.sum()), rng.uniform(-np.pi, np.pi, counts.sum())]
    )
    met = np.column_stack([rng.exponential(30, n), rng.uniform(-np.pi, np.pi, n)])
    return PointClouds(
        values,
        np.r_[0, np.cumsum(counts)],
        feature_names=["pt", "eta", "phi"],
        event_values=met,
        event_names=["met", "met_phi"],
    )


def invariants(X):
    """Transverse momenta, ΔR and masses of all pairs of objects."""
    result = []
    for a, b in (("jet1", "jet2"), ("jet1", "jet3"), ("jet2", "lepton")):
        dphi = np.angle(np.exp(1j * (X[f"{a}_phi"] - X[f"{b}_phi"])))
        deta = X[f"{a}_eta"] - X[f"{b}_eta"]
        mass2 = 2 * X[f"{a}_pt"] * X[f"{b}_pt"] * (np.cosh(deta) - np.cos(dphi))
        result += [X[f"{a}_pt"], np.hypot(deta, dphi), mass2]
    return np.column_stack(result)


AUGMENTERS = [
    Smear(relative=0.1), Shift(), Rotate(), Reflect(), Translate(), PermuteParticles(), DropParticles(probability=0.3),
    Compose(augmenters=[Rotate(), Smear(relative=0.1)]),
]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([Rotate(), Reflect(), Translate(), Reflect(columns="phi")]))
def test_symmetries_keep_momenta_distances_and_masses(seed, augmenter):
    X = table(20, seed)
    changed = augmenter.augment(X, seed)
    np.testing.assert_allclose(invariants(changed), invariants(X), rtol=1e-9, atol=1e-9)
    assert not np.allclose(changed, X, equal_nan=True)
    np.testing.assert_array_equal(changed.isna(), X.isna())
    np.testing.assert_array_equal(changed["lepton_charge"], X["lepton_charge"])
    if isinstance(augmenter, Rotate):
        phi = changed.filter(like="_phi").to_numpy()
        assert ((phi >= -np.pi) & (phi < np.pi) | np.isnan(phi)).all()


def test_rotation_of_components_and_its_inverse():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(50, 4)), columns=["px", "py", "pz", "phi"])
    X["phi"] = np.arctan2(X["py"], X["px"])
    turned = Rotate(xy_columns=[("px", "py")], phi_columns=["phi"]).augment(X, 1)
    np.testing.assert_allclose(
        np.angle(np.exp(1j * (np.arctan2(turned["py"], turned["px"]) - turned["phi"]))), 0, atol=1e-12
    )
    np.testing.assert_allclose(np.hypot(turned["px"], turned["py"]), np.hypot(X["px"], X["py"]))
    np.testing.assert_array_equal(turned["pz"], X["pz"])
    angle = np.arctan2(turned["py"], turned["px"]) - X["phi"]
    np.testing.assert_allclose(turned["px"] * np.cos(angle) + turned["py"] * np.sin(angle), X["px"], atol=1e-12)
    # about another axis: the pair (py, pz) turns, px stays
    about_x = Rotate(xy_columns=[("py", "pz")]).augment(X[["px", "py", "pz"]], 1)
    np.testing.assert_array_equal(about_x["px"], X["px"])
    np.testing.assert_allclose(np.hypot(about_x["py"], about_x["pz"]), np.hypot(X["py"], X["pz"]))


def test_two_reflections_and_opposite_shifts_undo_each_other():
    X = table(50)
    mirror = Reflect(probability=1.0)
    np.testing.assert_array_equal(mirror.augment(mirror.augment(X)), X)
    moved = Translate(random_state=0).augment(X)
    step = moved["jet1_eta"] - X["jet1_eta"]
    for name in ("jet2_eta", "jet3_eta", "lepton_eta"):
        np.testing.assert_allclose((moved[name] - step).dropna(), X[name].dropna(), atol=1e-12)
    assert step.abs().max() <= 1
    assert step.std() == pytest.approx(1 / np.sqrt(3), rel=0.2)


@pytest.mark.parametrize(
    ("smear", "sigma"),
    [
        (Smear(columns=[0], stochastic=0.8), lambda x: 0.8 * np.sqrt(x)),
        (Smear(columns=[0], relative=0.05), lambda x: 0.05 * x),
        (Smear(columns=[0], absolute=3.0), lambda x: 3.0 + 0 * x),
        (
            Smear(columns=[0], stochastic=0.8, relative=0.05, absolute=1.0),
            lambda x: np.sqrt(0.64 * x + (0.05 * x) ** 2 + 1),
        ),
    ],
)
@pytest.mark.parametrize("energy", [50.0, 400.0])
def test_resolutions(smear, sigma, energy):
    n = 40_000
    smeared = smear.augment(np.full((n, 1), energy), 0)[:, 0]
    wanted = sigma(energy)
    # five standard errors of a mean and of a standard deviation
    assert abs(smeared.mean() - energy) < 5 * wanted / np.sqrt(n)
    assert abs(smeared.std() / wanted - 1) < 5 / np.sqrt(2 * n)


def test_tracks_are_gaussian_in_the_inverse():
    n, pt = 40_000, 20.0
    smeared = Smear(columns=[0], absolute=2e-3, of="inverse").augment(np.full((n, 1), pt), 0)[:, 0]
    curvature = 1 / smeared
    assert abs(curvature.mean() - 1 / pt) < 5 * 2e-3 / np.sqrt(n)
    assert abs(curvature.std() / 2e-3 - 1) < 5 / np.sqrt(2 * n)


def test_positive_values_stay_positive():
    x = np.full((20_000, 1), 2.0)
    assert (Smear(columns=[0], absolute=3.0).augment(x, 0) > 0).all()
    assert (Smear(columns=[0], absolute=3.0, positive=False).augment(x, 0) < 0).any()
    assert (Smear(columns=[0], absolute=0.3, of="inverse").augment(x, 0) > 0).all()


@pytest.mark.parametrize("augmenter", [Smear(relative=0.3), Shift(scale=0.1), DropParticles(probability=0.4)], ids=repr)
def test_tables_stay_consistent(augmenter):
    X = table()
    changed = augmenter.augment(X, 0)
    x, y, ht = balance(changed)
    np.testing.assert_allclose(changed["ht"], ht, rtol=1e-9)
    np.testing.assert_allclose(changed["met"] * np.cos(changed["met_phi"]), x, atol=1e-8)
    np.testing.assert_allclose(changed["met"] * np.sin(changed["met_phi"]), y, atol=1e-8)
    pt = changed[["jet1_pt", "jet2_pt", "jet3_pt"]].fillna(-1).to_numpy()
    assert (np.diff(pt, axis=1) <= 0).all()
    assert (changed["ht"] != X["ht"]).mean() > 0.5
    # a jet takes its angles and its mass along when it changes its place
    pairs = {(a, b) for i in (1, 2, 3) for a, b in zip(X[f"jet{i}_eta"], X[f"jet{i}_phi"], strict=True) if a == a}
    kept = {
        (a, b) for i in (1, 2, 3) for a, b in zip(changed[f"jet{i}_eta"], changed[f"jet{i}_phi"], strict=True) if a == a
    }
    assert kept <= pairs
    if not isinstance(augmenter, DropParticles):
        assert kept == pairs


def test_a_shift_is_coherent():
    X = table(absent=False)
    changed = Shift(scale=0.05, random_state=0).augment(X)
    factor = changed["jet1_pt"] / X["jet1_pt"]
    for name in ("jet2_pt", "jet3_pt", "lepton_pt", "jet1_m", "jet3_m"):
        np.testing.assert_allclose(changed[name] / X[name], factor, rtol=1e-12)
    np.testing.assert_allclose(changed["ht"] / X["ht"], factor, rtol=1e-9)
    np.testing.assert_allclose(changed["met"] / X["met"], factor, rtol=1e-6)
    assert np.log(factor).std() == pytest.approx(0.05, rel=0.25)


def test_permuted_particles_are_the_same_particles():
    X = table()
    changed = PermuteParticles().augment(X, 0)
    pt = [X[f"jet{i}_pt"] * 1000 + X[f"jet{i}_eta"] for i in (1, 2, 3)]
    new = [changed[f"jet{i}_pt"] * 1000 + changed[f"jet{i}_eta"] for i in (1, 2, 3)]
    np.testing.assert_allclose(np.sort(np.column_stack(pt)), np.sort(np.column_stack(new)))
    first = (changed["jet1_pt"] == X["jet1_pt"]).mean()
    assert 0.2 < first < 0.45  # one in three
    np.testing.assert_array_equal(changed["ht"], X["ht"])


def test_dropped_particles():
    X = table(4000, absent=False)
    changed = DropParticles(probability=0.2).augment(X, 0)
    lost = changed[["jet1_pt", "jet2_pt", "jet3_pt"]].isna().sum(axis=1)
    # three tries each, less the event that would lose all and keeps one
    assert lost.mean() == pytest.approx(3 * 0.2 - 0.2**3, abs=5 * 0.7 / np.sqrt(4000))
    assert lost.max() == 2


@pytest.mark.parametrize("augmenter", AUGMENTERS, ids=lambda one: type(one).__name__)
def test_point_clouds(augmenter):
    X = clouds()
    before = X.values.copy()
    changed = augmenter.augment(X, 0)
    np.testing.assert_array_equal(X.values, before)
    assert isinstance(changed, PointClouds)
    assert len(changed) == len(X)
    if isinstance(augmenter, DropParticles):
        counts = np.diff(changed.offsets)
        assert (counts >= 1).all()
        assert (counts <= np.diff(X.offsets)).all()
        assert 0.6 < len(changed.values) / len(X.values) < 0.85
        assert set(map(tuple, changed.values)) <= set(map(tuple, X.values))
        return
    np.testing.assert_array_equal(changed.offsets, X.offsets)
    for i in (0, 17):
        ours, theirs = (one.values[one.offsets[i] : one.offsets[i + 1]] for one in (changed, X))
        if isinstance(augmenter, PermuteParticles):
            np.testing.assert_array_equal(np.sort(ours, axis=0), np.sort(theirs, axis=0))
        if isinstance(augmenter, Rotate):
            turn = np.r_[ours[:, 2] - theirs[:, 2], changed.event_values[i, 1] - X.event_values[i, 1]] % (2 * np.pi)
            np.testing.assert_allclose(turn, turn[0], atol=1e-9)
    assert not np.array_equal(changed.values, X.values)


def test_images():
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(30, 2, 9, 9)).astype(np.float32)
    mirrored = Reflect(probability=1.0).augment(images)
    np.testing.assert_array_equal(mirrored, images[..., ::-1])
    quarter = np.zeros((1, 9, 9))
    quarter[0, 4, 8] = 1  # right of the centre
    spots = Rotate().augment(np.repeat(quarter, 200, 0), 0)
    rows, columns = np.indices((9, 9)) - 4
    for spot in spots[spots.sum(axis=(1, 2)) > 0.99]:
        assert np.hypot((spot * rows).sum(), (spot * columns).sum()) == pytest.approx(4, abs=0.3)
    moved = Translate(max_shift=2).augment(np.ones((40, 5, 5)), 0)
    assert set(moved.sum(axis=(1, 2)).astype(int)) <= {25, 20, 15, 16, 12, 9}
    assert len({tuple(one.ravel()) for one in moved}) > 10
    with pytest.raises(ValueError, match="Smear expected columns 'pt' in X, got images"):
        Smear().augment(images)


@pytest.mark.parametrize("augmenter", AUGMENTERS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("make", [table, clouds, lambda: pl.DataFrame(table().to_dict("list"))])
def test_as_a_sampler(augmenter, make):
    X = make()
    n = len(X)
    y, w, groups = np.random.default_rng(0).normal(size=n), np.linspace(-0.2, 1, n), np.arange(n)
    sampler = type(augmenter)(**augmenter.get_params(deep=False) | {"n_copies": 2, "random_state": 0})
    X_new, y_new, w_new, groups_new = sampler.fit_resample(X, y, sample_weight=w, groups=groups)
    assert type(X_new) is type(X)
    assert len(X_new) == 3 * n
    for new, old in ((y_new, y), (groups_new, groups), (3 * w_new, w)):
        np.testing.assert_allclose(new, np.tile(old, 3))
    np.testing.assert_array_equal(sampler.sample_indices_, np.tile(np.arange(n), 3))
    if make is table:
        np.testing.assert_array_equal(X_new[:n], X)
        assert not np.allclose(X_new[n : 2 * n], X_new[2 * n :], equal_nan=True)
    elif make is clouds:
        np.testing.assert_array_equal(X_new.values[: len(X.values)], X.values)


def test_the_seed_decides():
    X = table()
    np.testing.assert_array_equal(Smear(relative=0.1, random_state=1).augment(X), Smear(relative=0.1).augment(X, 1))
    assert not np.array_equal(Smear(relative=0.1).augment(X, 1), Smear(relative=0.1).augment(X, 2), equal_nan=True)


def test_float32_and_integers_stay():
    assert Rotate(phi_columns=[0]).augment(np.zeros((3, 1), np.float32), 0).dtype == np.float32
    X = table().astype({"lepton_charge": np.int64})
    assert Smear(relative=0.1).augment(X, 0).dtypes["lepton_charge"] == np.int64


def test_trained_on_copies():
    events = load_events(as_frame=True)
    X, y, w = events.data[:600].fillna(0), events.target[:600], events.sample_weight[:600]
    network = FeedForwardClassifier(width=8, n_layers=1, max_epochs=2, random_state=0)
    model = Resampled(Smear(relative=0.1, n_copies=2, random_state=0), network)
    model.fit(X, y, sample_weight=w, groups=events.groups[:600])
    assert model.predict(X).shape == (600,)


def test_averaged_predictions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = (np.abs(X[:, 0]) > 0.7).astype(int)
    model = AugmentedPrediction(Reflect(columns=[0]), HistGradientBoostingClassifier(random_state=0), n_copies=30)
    model.fit(X, y, sample_weight=rng.uniform(size=400))
    mirrored = X * [-1, 1]
    once = model.estimator_.predict_proba
    gap, before = (np.abs(f(X) - f(mirrored)).mean() for f in (model.predict_proba, once))
    assert gap < 0.5 * before
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert set(model.predict(X)) == {0, 1}
    assert 0.9 < model.score(X, y) <= 1
    nothing = AugmentedPrediction(Translate(columns=[0], max_shift=0.0), LinearRegression(), n_copies=3)
    np.testing.assert_allclose(nothing.fit(X, X[:, 0]).predict(X), X[:, 0], atol=1e-12)


# changes that are small enough not to spoil the accuracies that the checks ask for
@pytest.mark.parametrize(
    "augmenter",
    [Translate(columns=[0], max_shift=0.01, target_columns=()), NeighbourInterpolation(strength=0.01)],
    ids=repr,
)
@pytest.mark.parametrize("estimator", [LogisticRegression(), LinearRegression()], ids=repr)
def test_averaging_conforms(augmenter, estimator):
    model = AugmentedPrediction(augmenter, estimator)
    results = check_estimator(model, on_skip=None, on_fail=None)
    states = Counter(result["status"] for result in results)
    assert states["passed"] >= 45, states  # of scikit-learn 1.6; 1.9 has 52 and more
    left = {r["check_name"]: r["exception"] for r in results if r["status"] not in ("passed", "skipped")}
    assert not left, left


@pytest.mark.parametrize("augmenter", AUGMENTERS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("make", [table, clouds])
def test_an_event_draws_by_what_it_is(augmenter, make):
    X = make()
    seen = []

    class Remember(BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            seen.append(X)
            return np.zeros(len(X))

    model = AugmentedPrediction(augmenter, Remember(), n_copies=2).fit(X, np.zeros(len(X)))
    rows = np.array([5, 40, 17])
    model.predict(X)
    model.predict(X.iloc[rows] if make is table else X[rows])
    whole, part = seen[1:3], seen[4:]
    for all_events, few in zip(whole, part, strict=True):
        if make is table:
            np.testing.assert_array_equal(few, all_events.iloc[rows])
        else:
            for ours, theirs in zip(few, all_events[rows], strict=True):
                np.testing.assert_array_equal(ours, theirs)
    first, second = (one.to_numpy() if make is table else one.values for one in whole)
    assert first.shape != second.shape or not np.array_equal(first, second, equal_nan=True)  # each copy is another


def test_the_numbers_of_an_event_are_uniform():
    batch = read(np.random.default_rng(0).normal(size=(20_000, 3)))
    random = EventRandom(batch, "0/0")
    for draw in (random.uniform(size=20_000), random.uniform(size=(20_000, 2))[:, 1]):
        assert kstest(draw, "uniform").pvalue > 1e-4
    assert kstest(random.standard_normal(size=20_000), "norm").pvalue > 1e-4
    assert abs(np.corrcoef(random.uniform(size=20_000), random.uniform(size=20_000))[0, 1]) < 5 / np.sqrt(20_000)
    assert np.bincount(random.randint(0, 3, size=20_000)).tolist() == pytest.approx([6667] * 3, abs=5 * 67)


def test_what_comes_in_stays_as_it_is():
    class Given:
        """An array-like that hands out its own memory."""

        def __init__(self, data):
            self.data = data

        def __array__(self, dtype=None, copy=None):
            return self.data

    data = np.ones((5, 2))
    Smear(columns=[0], relative=0.1).augment(Given(data), 0)
    np.testing.assert_array_equal(data, 1)


def test_errors():
    X = pd.DataFrame({"jet1_pt": [1.0]})
    with pytest.raises(ValueError, match=r"Rotate expected columns 'phi' in X, got \[\['jet1_pt'\]\]"):
        Rotate().augment(X)
    for one in (PermuteParticles(), DropParticles()):
        with pytest.raises(ValueError, match="expected PointClouds, or a data frame with columns such as jet1_pt"):
            one.augment(X)
    with pytest.raises(TypeError, match="Compose expected augmenters, got ZScoreScaler"):
        Compose(augmenters=[ZScoreScaler()]).augment(X)
    with pytest.raises(ValueError, match="expected a table"):
        Rotate().augment(np.zeros(3))
    with pytest.raises(ValueError, match="'relative' parameter"):
        Smear(relative=-1.0).augment(X)


class Counting(Reflect):
    """Counts how often it is asked, and for how many events."""

    def learn(self, X, y=None, **known):
        learned = super().learn(X, y, **known)
        learned.calls = self.__dict__.setdefault("calls", [])
        return learned

    def augment(self, X, random_state=None, *, y=None, target=None, names=None):
        self.calls.append((len(X), names))
        return super().augment(X, random_state, y=y, target=target, names=names)


def even_events(n=600):
    """Classes that depend on the size of x alone, and a training sample in which x is never negative."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": np.abs(rng.normal(size=n)), "z": rng.normal(size=n)})
    return X, (X["x"] > 0.7).astype(int)


def test_on_the_fly_each_epoch_sees_new_copies_of_the_training_events():
    X, y = even_events()
    counting = Counting(columns="x")
    network = FeedForwardClassifier(width=8, n_layers=1, max_epochs=4, patience=4, random_state=0, augment=counting)
    network.fit(X, y)
    assert [n for n, _ in counting.calls] == [540] * 4  # the hold-out and the predictions are not augmented
    assert all(list(names) == ["x", "z"] for _, names in counting.calls)


def test_on_the_fly_a_symmetry_is_learned():
    X, y = even_events()
    mirrored = X.assign(x=-X["x"])
    gaps = []
    for augment in (None, Reflect(columns=["x"])):
        network = FeedForwardClassifier(width=32, n_layers=2, max_epochs=40, random_state=0, augment=augment).fit(X, y)
        assert network.score(X, y) > 0.9
        gaps.append(np.abs(network.predict_proba(X) - network.predict_proba(mirrored)).mean())
    assert gaps[1] < 0.3 * gaps[0]


def test_on_the_fly_the_seed_decides():
    X, y = even_events()
    parameters = {"width": 8, "n_layers": 1, "max_epochs": 3, "random_state": 3}
    first, second = (
        FeedForwardClassifier(**parameters, augment=Smear(columns=["x"], relative=0.2)).fit(X, y) for _ in range(2)
    )
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert not np.array_equal(first.predict_proba(X), FeedForwardClassifier(**parameters).fit(X, y).predict_proba(X))


def test_on_the_fly_images_and_point_clouds():
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(60, 1, 8, 8)).astype(np.float32)
    y = np.arange(60) % 2
    network = CNNClassifier(max_epochs=2, random_state=0, augment=Translate(max_shift=1)).fit(images, y)
    plain = CNNClassifier(max_epochs=2, random_state=0).fit(images, y)
    assert not np.array_equal(network.predict_proba(images), plain.predict_proba(images))
    X = clouds(60)
    for augment in (Rotate(), DropParticles(probability=0.3)):
        network = TransformerClassifier(max_epochs=2, random_state=0, augment=augment).fit(X, y)
        plain = TransformerClassifier(max_epochs=2, random_state=0).fit(X, y)
        assert np.isfinite(network.predict_proba(X)).all()
        assert not np.array_equal(network.predict_proba(X), plain.predict_proba(X))
