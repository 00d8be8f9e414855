"""Interpolation between neighbours: on the segment, within the class, round the circle, and whatever the company."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import NearestNeighbors

from sklearn_ml4fp import (
    AugmentedPrediction,
    Compose,
    FeedForwardClassifier,
    FeedForwardRegressor,
    NeighbourInterpolation,
    PointClouds,
    Reflect,
    Resampled,
)

SCALES = np.array([1.0, 300.0, 0.01])


def events(n=120, seed=0):
    """Two classes that overlap, in columns of very different sizes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return (rng.normal(size=(n, 3)) + 0.5 * y[:, None]) * SCALES, y


def parents_of(copy, own, candidates):
    """Which candidates lie on the line from ``own`` through ``copy``, and the part of the way that was gone."""
    way = (candidates - own) / SCALES
    part = ((copy - own) / SCALES) @ way.T / (way**2).sum(axis=1)
    off = np.abs((copy - own) / SCALES - part[:, None] * way).max(axis=1)
    found = np.flatnonzero(off < 1e-12)  # rounding of numbers of the order of one
    return found, part[found]


def nearest(X, i, among, k):
    """The k nearest others, by an independent search."""
    distance = (((X[among] - X[i]) / X.std(axis=0)) ** 2).sum(axis=1)
    return [j for j in among[np.argsort(distance)] if j != i][:k]


@pytest.mark.parametrize("classes", [True, False])
def test_copies_lie_on_the_segment_to_one_of_the_nearest_of_the_class(classes):
    X, y = events()
    target = y if classes else y + np.linspace(0, 0.5, len(y))
    sampler = NeighbourInterpolation(n_neighbors=3, strength=0.8, n_copies=40, random_state=0)
    X_new, *_ = sampler.fit_resample(X, target)
    np.testing.assert_array_equal(X_new[: len(X)], X)
    gone, pure = [], True
    for i in range(0, len(X), 10):
        wanted = nearest(X, i, np.flatnonzero(y == y[i]) if classes else np.arange(len(X)), 3)
        chosen = set()
        for copy in X_new[i + len(X) :: len(X)]:
            (parent,), (part,) = parents_of(copy, X[i], X[wanted])
            chosen.add(parent)
            gone.append(part)
        assert chosen == {0, 1, 2}
        pure &= (y[wanted] == y[i]).all()
    assert pure == classes  # without classes the neighbours of some event are of another
    assert min(gone) >= 0
    assert max(gone) < 0.8
    assert np.mean(gone) == pytest.approx(0.4, abs=5 * 0.8 / np.sqrt(12 * len(gone)))


@pytest.mark.parametrize("labels", [["b", "s"], [0.0, 1.0], [False, True], [-1, 7]], ids=str)
def test_classes_of_any_type(labels):
    X, y = events()
    wanted = NeighbourInterpolation(random_state=0).learn(X, y).augment(X, y=y)
    y_other = np.array(labels)[y]
    np.testing.assert_array_equal(
        NeighbourInterpolation(random_state=0).learn(X, y_other).augment(X, y=y_other), wanted
    )
    assert not np.array_equal(NeighbourInterpolation(random_state=0).learn(X).augment(X), wanted)


def test_azimuths_take_the_shorter_way_round():
    X = pd.DataFrame({"jet1_pt": [50.0, 50.0, 50.0], "jet1_phi": [3.1, -3.1, 0.5]})
    learned = NeighbourInterpolation(n_neighbors=1, strength=1.0).learn(X)
    phi = np.array([learned.augment(X, seed)["jet1_phi"] for seed in range(50)])
    gap = 2 * np.pi - 6.2
    for column, start, sign in ((0, 3.1, 1), (1, -3.1, -1)):
        gone = sign * (phi[:, column] - start) % (2 * np.pi)
        assert (gone <= gap + 1e-12).all()
        assert gone.max() > 0.9 * gap
    assert ((phi >= -np.pi) & (phi < np.pi)).all()
    assert (phi[:, 0] < 0).any()
    assert (phi[:, 0] > 0).any()
    # a number is a number where it is not called an azimuth
    straight = NeighbourInterpolation(phi_columns=(), n_neighbors=1, strength=1.0).learn(X).augment(X, 0)
    assert straight["jet1_phi"][0] < 3.1


def test_parents_miss_the_same_values():
    X, y = events(200)
    X[:80, 2] = np.nan
    X[80, :2] = np.nan  # the only one of its pattern
    X[81] = np.nan
    changed = NeighbourInterpolation(strength=1.0, random_state=0).learn(X, y).augment(X, y=y)
    np.testing.assert_array_equal(np.isnan(changed), np.isnan(X))
    np.testing.assert_array_equal(changed[80:82], X[80:82])
    scaled = X / SCALES
    for i in range(0, 80, 8):
        same = np.setdiff1d(np.flatnonzero((y == y[i]) & (np.arange(200) < 80)), [i])
        way = scaled[same, :2] - scaled[i, :2]
        step = (changed[i] - X[i])[:2] / SCALES[:2]
        across = np.abs(way[:, 0] * step[1] - way[:, 1] * step[0])
        assert across.min() < 1e-12
        assert np.linalg.norm(step) > 0
    assert (changed[82:] != X[82:]).all()


def test_without_a_neighbour_an_event_stays():
    X = np.array([[0.0, 1.0], [1.0, 2.0], [5.0, 7.0]])
    learned = NeighbourInterpolation(random_state=0).learn(X, [0, 0, 1])
    changed = learned.augment(X, y=[0, 0, 1])
    assert (changed[:2] != X[:2]).all()
    np.testing.assert_array_equal(changed[2], X[2])
    np.testing.assert_array_equal(learned.augment(X, y=[2, 2, 2]), X)  # a class that was not learned


def test_columns():
    X, y = events()
    frame = pd.DataFrame(X, columns=["a", "b", "charge"]).assign(charge=np.where(y, 1, -1))
    changed = NeighbourInterpolation(columns=["a", "b"], random_state=0).learn(frame).augment(frame)
    pd.testing.assert_series_equal(changed["charge"], frame["charge"])
    assert (changed[["a", "b"]] != frame[["a", "b"]]).all(axis=None)
    # what is not interpolated counts in no distance
    alone = NeighbourInterpolation(random_state=0).learn(frame[["a", "b"]])
    np.testing.assert_allclose(changed[["a", "b"]].std(), alone.augment(frame[["a", "b"]]).std(), rtol=1e-12)


def test_a_constant_column_does_not_swamp_the_others():
    X, y = events()
    constant = np.column_stack([X, np.full(len(X), 0.1)])  # its variance rounds to more than zero
    moved = np.column_stack([X, np.full(len(X), 0.7)])
    wanted = NeighbourInterpolation(random_state=0).learn(X, y).augment(X + SCALES, y=y)
    moved[:, :3] += SCALES
    changed = NeighbourInterpolation(random_state=0).learn(constant, y).augment(moved, y=y)
    np.testing.assert_array_equal(changed[:, :3], wanted)


def test_sums_and_order_stay_right():
    rng = np.random.default_rng(0)
    pt = np.sort(25 + rng.exponential(40, (100, 3)), axis=1)[:, ::-1]
    X = pd.DataFrame(pt, columns=["jet1_pt", "jet2_pt", "jet3_pt"]).assign(ht=pt.sum(axis=1))
    changed = NeighbourInterpolation(random_state=0).learn(X).augment(X)
    np.testing.assert_allclose(changed.iloc[:, :3].sum(axis=1), changed["ht"], rtol=1e-12)
    assert (np.diff(changed.iloc[:, :3], axis=1) <= 0).all()


class Remember(BaseEstimator):
    """Keeps what it is asked to predict."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = []
        return self

    def predict(self, X):
        self.seen_.append(X)
        return np.zeros(len(X))


def table(n, seed):
    X, _ = events(n, seed)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame["met_phi"] = np.random.default_rng(seed).uniform(-np.pi, np.pi, n)
    frame.loc[::3, "b"] = np.nan
    return frame


@pytest.mark.parametrize("compose", [False, True])
def test_in_prediction_the_company_does_not_matter(compose):
    augmenter = NeighbourInterpolation(strength=1.0)
    if compose:
        augmenter = Compose(augmenters=[Reflect(columns="a"), augmenter])
    train, test = table(200, 0), table(60, 1)
    model = AugmentedPrediction(augmenter, Remember(), n_copies=3).fit(train, np.arange(200.0))
    for rows in (np.arange(60), np.array([41]), np.array([7, 3, 55])):
        model.estimator_.seen_.clear()
        model.predict(test.iloc[rows])
        seen = [np.asarray(one) for one in model.estimator_.seen_]
        if len(rows) == 60:
            whole = seen
        for few, all_events in zip(seen, whole, strict=True):
            np.testing.assert_array_equal(few, all_events[rows])
    assert not np.array_equal(whole[1], whole[2], equal_nan=True)
    assert (np.nan_to_num(whole[1]) != np.nan_to_num(whole[0])).any(axis=1).all()
    assert not hasattr(augmenter, "reference_")  # the hyperparameter stays as it was given


def test_in_prediction_neighbours_are_training_events():
    train, test = np.array([[0.0], [10.0]]), np.array([[4.0], [4.1]])
    model = AugmentedPrediction(NeighbourInterpolation(n_neighbors=1, strength=1.0), LinearRegression(), n_copies=200)
    model.fit(train, train[:, 0])
    # half the way to 0, not to the neighbour in the call; the event itself is one of 201
    mean = (4.0 + 200 * 2.0) / 201
    assert model.predict(test)[0] == pytest.approx(mean, abs=5 * 4 / np.sqrt(12 * 200))
    # an event of weight zero is none
    model.fit(np.array([[0.0], [3.9], [10.0]]), [0.0, 3.9, 10.0], sample_weight=[1, 0, 1])
    assert model.predict(test)[0] == pytest.approx(mean, abs=5 * 4 / np.sqrt(12 * 200))


def test_weights_and_ids_go_along():
    X, y = events()
    w, ids = np.linspace(-0.2, 1, len(y)), np.arange(len(y))
    w[5] = 0
    sampler = NeighbourInterpolation(n_neighbors=1, strength=1.0, n_copies=3, random_state=0)
    X_new, y_new, w_new, ids_new = sampler.fit_resample(X, y, sample_weight=w, groups=ids)
    kept = np.delete(np.arange(len(y)), 5)
    np.testing.assert_array_equal(ids_new, np.tile(kept, 4))
    np.testing.assert_array_equal(y_new, y[ids_new])
    np.testing.assert_allclose(w_new, w[ids_new] / 4)
    # nobody moves towards the event of weight zero
    without = sampler.fit_resample(X[kept], y[kept])[0]
    np.testing.assert_array_equal(X_new, without)


def test_the_seed_decides():
    X, y = events()
    learned = NeighbourInterpolation(random_state=3).learn(X, y)
    np.testing.assert_array_equal(learned.augment(X, y=y), learned.augment(X, 3, y=y))
    assert not np.array_equal(learned.augment(X, 3, y=y), learned.augment(X, 4, y=y))
    np.testing.assert_array_equal(*(NeighbourInterpolation(random_state=3).fit_resample(X, y)[0] for _ in range(2)))


def test_float32_stays():
    X, y = events()
    single = NeighbourInterpolation(random_state=0).learn(X.astype(np.float32), y).augment(X.astype(np.float32), y=y)
    assert single.dtype == np.float32
    # 8 units in the last place of numbers up to four standard deviations
    np.testing.assert_allclose(
        single / SCALES, NeighbourInterpolation(random_state=0).learn(X, y).augment(X, y=y) / SCALES, atol=4e-6
    )


def test_on_the_fly():
    X, y = events(300)
    parameters = {"width": 8, "n_layers": 1, "max_epochs": 3, "random_state": 0}
    augmenter = NeighbourInterpolation(strength=1.0)
    models = [FeedForwardClassifier(**parameters, augment=one) for one in (None, augmenter, clone(augmenter))]
    plain, first, second = (model.fit(X / SCALES, y).predict_proba(X / SCALES) for model in models)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(plain, first)
    assert not hasattr(augmenter, "reference_")
    regressor = FeedForwardRegressor(**parameters, augment=augmenter).fit(X / SCALES, X[:, 0])
    assert np.isfinite(regressor.predict(X / SCALES)).all()


def test_on_the_fly_classes_are_handed_over():
    class Asked(NeighbourInterpolation):
        def learn(self, X, y=None, *, target=None, names=None):
            learned = super().learn(X, y, target=target, names=names)
            learned.calls = self.__dict__.setdefault("calls", [("learn", len(X), y)])
            return learned

        def augment(self, X, random_state=None, *, y=None, target=None, names=None):
            self.calls.append(("augment", len(X), y))
            return super().augment(X, random_state, y=y, target=target, names=names)

    X, y = events(300)
    w = np.ones(300)
    w[:30] = 0
    for network, classes in ((FeedForwardClassifier, 2), (FeedForwardRegressor, None)):
        asked = Asked()
        model = network(width=8, n_layers=1, max_epochs=2, early_stopping=False, random_state=0, augment=asked)
        model.fit(X / SCALES, y, sample_weight=w)
        assert [name for name, *_ in asked.calls] == ["learn", "augment", "augment"]
        assert asked.calls[0][1] == 270  # without the events of weight zero
        for _, n, target in asked.calls:
            assert target is None if classes is None else (len(target), len(np.unique(target))) == (n, classes)


def test_epochs_and_copies_search_once(monkeypatch):
    X, y = events(300)
    asked = []
    search = NearestNeighbors.kneighbors
    monkeypatch.setattr(
        NearestNeighbors, "kneighbors", lambda self, X, **how: asked.append(len(X)) or search(self, X, **how)
    )
    network = FeedForwardClassifier(
        width=8, n_layers=1, max_epochs=3, early_stopping=False, random_state=0, augment=NeighbourInterpolation()
    )
    network.fit(X, y)
    assert sorted(asked) == sorted(np.bincount(y))
    learned = NeighbourInterpolation(random_state=0).learn(X, y)
    for values, classes in ((X, y), (X, 1 - y), (X[:20], y[:20]), (X, None), (X, y)):  # each is another question
        fresh = NeighbourInterpolation(random_state=0).learn(X, y)
        np.testing.assert_array_equal(learned.augment(values, y=classes), fresh.augment(values, y=classes))
    model = AugmentedPrediction(NeighbourInterpolation(), LinearRegression()).fit(X, y)
    others, _ = events(7, seed=1)
    asked.clear()
    model.predict(others)
    assert asked == [7]
    assert others.tobytes() not in pickle.dumps(model)


def test_as_a_sampler_in_a_pipeline():
    X, y = events(200)
    network = FeedForwardClassifier(width=8, n_layers=1, max_epochs=2, random_state=0)
    model = Resampled(NeighbourInterpolation(n_copies=2, random_state=0), network)
    model.fit(X / SCALES, y, sample_weight=np.ones(200), groups=np.arange(200))
    assert model.predict(X / SCALES).shape == (200,)


def test_errors():
    X, y = events()
    augmenter = NeighbourInterpolation()
    with pytest.raises(NotFittedError, match=r"use what learn\(X, y\) of the training events returns"):
        augmenter.augment(X)
    clouds = PointClouds(np.ones((4, 2)), [0, 1, 4], feature_names=["pt", "eta"])
    for wrong, got in ((clouds, "PointClouds"), (np.zeros((3, 4, 4)), "images")):
        with pytest.raises(ValueError, match=f"NeighbourInterpolation expected a table, got {got}"):
            augmenter.learn(wrong)
        with pytest.raises(ValueError, match=f"NeighbourInterpolation expected a table, got {got}"):
            augmenter.learn(X).augment(wrong)
    for ask in (lambda: augmenter.learn(X, y[1:]), lambda: augmenter.learn(X, y).augment(X, y=y[1:])):
        with pytest.raises(ValueError, match="y has 119 entries, expected 120"):
            ask()
    with pytest.raises(ValueError, match="X has 2 columns, expected the 3"):
        augmenter.learn(X).augment(X[:, :2])
    for name in ("columns", "phi_columns"):
        with pytest.raises(ValueError, match=r"NeighbourInterpolation expected columns \['jet_phi'\] in X"):
            NeighbourInterpolation(**{name: ["jet_phi"]}).learn(X)
    with pytest.raises(ValueError, match=r"expected finite values or NaN, got infinity in \['1'\]"):
        augmenter.learn(np.where(np.arange(3) == 1, np.inf, X), y)
    with pytest.raises(ValueError, match="'strength' parameter"):
        NeighbourInterpolation(strength=0.0).learn(X)
    with pytest.raises(TypeError, match="Compose expected augmenters, got 1"):
        Compose(augmenters=[1]).learn(X)
