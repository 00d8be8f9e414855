"""Targets change with the events: in the sampler, on the fly, and back again in the averaged prediction."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from sklearn_ml4fp import (
    AugmentedPrediction,
    Augmenter,
    Compose,
    DeepSetsRegressor,
    DropParticles,
    FeedForwardClassifier,
    FeedForwardRegressor,
    NeighbourInterpolation,
    PermuteParticles,
    PointClouds,
    Reflect,
    Resampled,
    Rotate,
    Shift,
    Smear,
    Translate,
    load_air_showers,
)

TWO_PI = 2 * np.pi


def spots(n=40, seed=0, x=0.0, size=31):
    """Images with one smooth spot each, away from the border, and the place of the spot from the centre, in pixels."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(-4, 4, (n, 2)) + np.array([x, 0.0])
    rows, columns = np.indices((size, size)) - size // 2
    away = (columns - place[:, :1, None]) ** 2 + (rows - place[:, 1:, None]) ** 2
    return np.exp(-away / 8), place


def centre(images):
    """Place of the spot of each image: x along the last axis, y along the one before."""
    half = images.shape[-1] // 2
    rows, columns = np.indices(images.shape[-2:]) - half
    total = images.sum(axis=(1, 2))
    return np.column_stack([(images * columns).sum(axis=(1, 2)), (images * rows).sum(axis=(1, 2))]) / total[:, None]


def table(n=60, seed=0):
    """A vector in components, an azimuth, an η and a length; from each the target is to be had exactly."""
    rng = np.random.default_rng(seed)
    px, py, pz, eta = rng.normal(size=(4, n))
    return pd.DataFrame({"px": px, "py": py, "pz": pz, "jet_phi": rng.uniform(-np.pi, np.pi, n), "eta": eta})


def clouds(X):
    """The same as point clouds, with three times the same point each."""
    return PointClouds(X.to_numpy().repeat(3, axis=0), 3 * np.arange(len(X) + 1), list(X))


class Exact(RegressorMixin, BaseEstimator):
    """Predicts what the target is, exactly, from the events: an equivariant regressor."""

    def __init__(self, read=None):
        self.read = read

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return self.read(X)


def of_table(*names):
    def read(X):
        X = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X.values[::3], columns=X.feature_names)
        values = X[list(names)].to_numpy()
        return values[:, 0] if len(names) == 1 else values

    return read


# an augmenter that says which targets change, and what reads these targets from the events
SYMMETRIES = [
    (Rotate(xy_columns=[("px", "py")], target_xy=[(0, 1)]), of_table("px", "py", "pz")),
    (Rotate(xy_columns=[("py", "pz")], phi_columns=(), target_xy=[(1, 2)]), of_table("px", "py", "pz")),
    (Rotate(target_phi=[0]), of_table("jet_phi")),
    (Rotate(xy_columns=[("px", "py")], target_xy=[(2, 3)], target_phi=[0]), of_table("jet_phi", "eta", "px", "py")),
    (Reflect(columns=["pz", "eta"], target_columns=[0, 2]), of_table("pz", "py", "eta")),
    (Reflect(columns=["eta"], target_columns=[0]), of_table("eta")),
    (Reflect(columns=["py", "jet_phi"], target_columns=[1], target_phi=[0]), of_table("jet_phi", "py", "px")),
    (Translate(target_columns=[1]), of_table("px", "eta")),
    (Translate(columns=["px", "pz"], target_columns=[0, 1]), of_table("px", "pz", "py")),
    (
        Compose(
            augmenters=[
                Rotate(xy_columns=[("px", "py")], target_xy=[(0, 1)], target_phi=[3]),
                Reflect(columns=["py", "jet_phi"], target_columns=[1], target_phi=[3]),
                Translate(columns=["px"], target_columns=[0]),
                Rotate(xy_columns=[("px", "py")], target_xy=[(0, 1)], target_phi=[3]),
            ]
        ),
        of_table("px", "py", "eta", "jet_phi"),
    ),
]
IMAGES = [
    Rotate(target_xy=[(0, 1)]),
    Reflect(target_columns=[0]),
    Reflect(axis=-2, target_columns=[1]),
    Translate(max_shift=3, target_xy=[(0, 1)]),
    Compose(augmenters=[Translate(max_shift=2, target_xy=[(0, 1)]), Reflect(target_columns=[0])]),
]


@pytest.mark.parametrize("form", [pd.DataFrame, clouds])
@pytest.mark.parametrize(("augmenter", "read"), SYMMETRIES)
def test_targets_follow_the_events(augmenter, read, form):
    X = form(table())
    target = read(X)
    changed, new = augmenter.augment(X, 1, target=target)
    np.testing.assert_allclose(new, read(changed), atol=1e-9)
    assert not np.allclose(new, target)
    np.testing.assert_array_equal(target, read(X))  # the given ones stay
    alone = augmenter.augment(X, 1)
    if form is pd.DataFrame:  # the events change alike, with or without a target
        pd.testing.assert_frame_equal(changed, alone)
    sampler = augmenter.set_params(n_copies=2, random_state=0)
    X_new, y_new, w_new = sampler.fit_resample(X, target, sample_weight=np.ones(len(X)))
    np.testing.assert_allclose(y_new, read(X_new), atol=1e-9)
    np.testing.assert_array_equal(y_new[: len(X)], target)
    np.testing.assert_allclose(w_new, 1 / 3)


@pytest.mark.parametrize("form", [pd.DataFrame, clouds])
@pytest.mark.parametrize(("augmenter", "read"), SYMMETRIES)
def test_predictions_are_turned_back(augmenter, read, form):
    X = form(table())
    model = AugmentedPrediction(augmenter, Exact(read), n_copies=4).fit(X, read(X))
    np.testing.assert_allclose(model.predict(X), read(X), atol=1e-9)


@pytest.mark.parametrize("augmenter", IMAGES, ids=repr)
def test_targets_of_images(augmenter):
    X, place = spots()
    changed, new = augmenter.augment(X, 0, target=place)
    np.testing.assert_allclose(new, centre(changed), atol=0.05)  # the spot is read from pixels
    assert np.abs(new - place).max() > 1
    model = AugmentedPrediction(augmenter, Exact(centre), n_copies=3).fit(X, place)
    np.testing.assert_allclose(model.predict(X), place, atol=0.05)


@pytest.mark.parametrize(
    "augmenter", [Rotate(target_phi=[0]), Reflect(target_phi=[0]), Reflect(axis=-2, target_phi=[0])]
)
def test_azimuths_of_images(augmenter):
    X, place = spots(x=8.0)
    changed, new = augmenter.augment(X, 0, target=np.arctan2(place[:, 1], place[:, 0]))
    x, y = centre(changed).T
    np.testing.assert_allclose(np.angle(np.exp(1j * (new - np.arctan2(y, x)))), 0, atol=0.02)


@pytest.mark.parametrize("form", [list, np.asarray, pd.Series, pl.Series, pd.DataFrame, pl.DataFrame])
def test_targets_keep_their_container(form):
    X, values = table(), np.arange(60.0)
    names = "DataFrame" in form.__name__
    target = form({"a": values, "b": -values}) if names else form(values)
    new = Translate(target_columns=[0]).augment(X, 0, target=target)[1]
    assert type(new) is type(target)
    assert list(getattr(new, "columns", ())) == list(getattr(target, "columns", ()))
    first = np.asarray(new).reshape(60, -1)[:, 0]
    np.testing.assert_allclose(first - values, Translate().augment(X, 0)["eta"] - X["eta"], atol=1e-12)
    if names:
        np.testing.assert_array_equal(new["b"], target["b"])
    single = Translate(target_columns=[0]).augment(X, 0, target=values.astype(np.float32))[1]
    assert single.dtype == np.float32
    np.testing.assert_allclose(Translate(target_columns=[0]).augment(X, 0, target=np.arange(60))[1], first, atol=1e-12)


@pytest.mark.parametrize("augmenter", [Rotate(target_phi=[0]), Reflect(columns="phi", target_phi=[0])])
@pytest.mark.parametrize("begin", [0.0, -np.pi])
def test_azimuths_stay_in_their_interval(augmenter, begin):
    X = table().assign(jet_phi=lambda X: (X["jet_phi"] - begin) % TWO_PI + begin)
    changed, target = augmenter.augment(X, 0, target=X["jet_phi"].to_numpy())
    for phi in (changed["jet_phi"], target):
        assert ((phi >= begin) & (phi < begin + TWO_PI)).all()
    np.testing.assert_allclose(target, changed["jet_phi"], atol=1e-9)
    learned = augmenter.learn(X)  # a few events do not show their interval
    few = learned.augment(X[X["jet_phi"].between(0, 1)], 0)["jet_phi"]
    assert ((few >= begin) & (few < begin + TWO_PI)).all()
    model = AugmentedPrediction(augmenter, Exact(of_table("jet_phi"))).fit(X, X["jet_phi"])
    np.testing.assert_allclose(model.predict(X), X["jet_phi"], atol=1e-9)


def test_pairs_turn_with_the_azimuths_that_are_there():
    X = table().assign(jet_phi=lambda X: np.arctan2(X["py"], X["px"]))
    turned = Rotate(xy_columns=[("px", "py")]).augment(X, 0)
    difference = np.arctan2(turned["py"], turned["px"]) - turned["jet_phi"]
    np.testing.assert_allclose(np.angle(np.exp(1j * difference)), 0, atol=1e-9)
    pairs_only = Rotate(xy_columns=[("px", "py")], phi_columns=()).augment(X, 0)
    np.testing.assert_array_equal(pairs_only["jet_phi"], X["jet_phi"])
    np.testing.assert_array_equal(pairs_only["px"], turned["px"])
    with pytest.raises(ValueError, match="has nothing to turn"):
        Rotate(phi_columns=()).augment(X)
    for wrong in (("px", "nothing"), ("nothing", "py"), ("nothing", "nothing")):
        for form in (X, clouds(X), X.assign(jet_px=1.0)):
            with pytest.raises(ValueError, match=r"expected as many columns '.*' as '.*' in X, one at least"):
                Rotate(xy_columns=[wrong]).augment(form)


class Noise(Augmenter):
    """An augmenter of a user's own, who has not thought of targets."""

    def _apply(self, batch, rng):
        for block in batch.blocks:
            block.values += rng.standard_normal(block.values.shape)


class Harmless(Noise):
    _target_parameters = ()


UNSAID = [Rotate(), Reflect(), Translate(), Noise(), Compose(augmenters=[Smear(columns="eta"), Rotate()])]
SAID = [
    Rotate(target_xy=()), Rotate(target_phi=()), Reflect(target_columns=()), Translate(target_columns=[1]), Harmless(),
    Smear(columns="eta"), Shift(columns="px"), NeighbourInterpolation(),
    Compose(augmenters=[Rotate(target_xy=()), Reflect(target_phi=())]),
]  # fmt: skip
SMALL = {"width": 8, "n_layers": 1, "max_epochs": 2, "random_state": 0}


def uses(augmenter, X, y):
    """The three uses."""
    yield lambda: FeedForwardRegressor(**SMALL, augment=augmenter).fit(X, y)
    yield lambda: FeedForwardRegressor(**SMALL, augment=augmenter).partial_fit(X, y)
    yield lambda: Resampled(augmenter, LinearRegression()).fit(X, y)
    yield lambda: AugmentedPrediction(augmenter, LinearRegression()).fit(X, y).predict(X)


@pytest.mark.parametrize("augmenter", UNSAID, ids=repr)
def test_what_is_not_said_is_refused(augmenter):
    X = table()
    vector, azimuth = X[["px", "py"]].to_numpy(), X["jet_phi"]
    for y, what in ((vector, "2 columns"), (azimuth, "an azimuth"), (X[["jet_phi"]], "an azimuth")):
        for use in uses(augmenter, X, y):
            with pytest.raises(ValueError, match=f"it is not said what happens to the target, which has {what}. Say"):
                use()
    for y in (vector[:, 0], vector[:, :1], X["pz"]):  # an energy, say: a number of its own
        for use in uses(augmenter, X, y):
            use()
    classes = (X["pz"] > 0).astype(int)
    FeedForwardClassifier(**SMALL, augment=augmenter).fit(X, classes)
    Resampled(augmenter, HistGradientBoostingClassifier(max_iter=2)).fit(X, classes)
    AugmentedPrediction(augmenter, HistGradientBoostingClassifier(max_iter=2)).fit(X, classes).predict(X)


@pytest.mark.parametrize("augmenter", SAID, ids=repr)
def test_what_is_said_is_taken(augmenter):
    X = table()
    for use in uses(augmenter, X, X[["px", "py"]].to_numpy()):
        use()


def test_targets_that_are_not_there():
    X = table()
    for wrong in ([(0, 2)], [(0, -1)], [(0, "px")]):
        for use in uses(Rotate(target_xy=wrong), X, X[["px", "py"]].to_numpy()):
            with pytest.raises(ValueError, match=r"names target .*: expected numbers of columns of y, 0 to 1"):
                use()


@pytest.mark.parametrize(
    "augmenter",
    [
        Rotate(target_phi=[0]),
        Reflect(target_columns=[0]),
        Compose(augmenters=[Rotate(), Translate(target_columns=[0])]),
    ],
    ids=repr,
)
def test_classes_do_not_change(augmenter):
    X = table()
    classes = (X["pz"] > 0).astype(int)
    boosting = HistGradientBoostingClassifier(max_iter=2)
    for use in (
        lambda: FeedForwardClassifier(**SMALL, augment=augmenter).fit(X, classes),
        lambda: Resampled(augmenter, boosting).fit(X, classes),
        lambda: AugmentedPrediction(augmenter, boosting).fit(X, classes),
    ):
        with pytest.raises(ValueError, match="says which targets change with the events, but the targets are classes"):
            use()
    # whole numbers that are targets
    y = np.arange(60)[:, None]
    assert (augmenter.fit_resample(X, y)[1] % 1 != 0).any() or isinstance(augmenter, Reflect)


def test_interpolated_targets():
    X = table(200)
    y = np.column_stack([X["px"] - 2 * X["pz"], X["eta"]])  # linear, so that it is known between two events
    X_new, y_new = NeighbourInterpolation(n_copies=2, random_state=0).fit_resample(X, y)
    np.testing.assert_allclose(y_new[:, 0], X_new["px"] - 2 * X_new["pz"], atol=1e-9)
    np.testing.assert_allclose(y_new[:, 1], X_new["eta"], atol=1e-9)
    circle = NeighbourInterpolation(random_state=0, target_phi=[0])
    X_new, phi = circle.fit_resample(X, X["jet_phi"])
    np.testing.assert_allclose(phi, X_new["jet_phi"], atol=1e-9)
    with pytest.raises(ValueError, match=r"NeighbourInterpolation\(target_phi=\[0\]\) goes the shorter way"):
        NeighbourInterpolation().fit_resample(X, X["jet_phi"])


def test_a_direction_is_learned_on_the_fly():
    showers = load_air_showers(target="direction")
    X, y = showers.data[:1500], showers.target[:1500]
    turn = {"xy_columns": [("x", "y")]}
    with pytest.raises(ValueError, match="which has 3 columns"):
        DeepSetsRegressor(augment=Rotate(**turn)).fit(X, y)
    parameters = {"width": 32, "n_layers": 2, "max_epochs": 15, "random_state": 0}
    scores = [
        r2_score(y[1000:], model.fit(X[:1000], y[:1000]).predict(X[1000:]), multioutput="raw_values")
        for model in (
            DeepSetsRegressor(**parameters, augment=Rotate(**turn, target_xy=[(0, 1)])),
            DeepSetsRegressor(**parameters, augment=Rotate(**turn, target_xy=())),  # what was silently done before
        )
    ]
    assert scores[0].min() > 0.5
    assert scores[1][:2].max() < 0.2  # no component can be learned that is that of another shower


def test_a_direction_is_learned_from_copies_and_averaged():
    showers = load_air_showers(target="direction")
    X, y = showers.data[:400], showers.target[:400]
    turn = Rotate(xy_columns=[("x", "y")], target_xy=[(0, 1)], n_copies=3, random_state=0)
    network = DeepSetsRegressor(width=32, n_layers=2, max_epochs=15, random_state=0)
    model = AugmentedPrediction(turn, Resampled(turn, network), n_copies=4).fit(X[:300], y[:300])
    once, averaged = (
        r2_score(y[300:], one.predict(X[300:]), multioutput="raw_values") for one in (model.estimator_, model)
    )
    assert once.min() > 0.4
    assert averaged[:2].mean() > once[:2].mean() - 0.02


EVERY = [Smear(columns="px"), Shift(columns="px"), Rotate(), Reflect(), Translate(), Harmless(),
         Compose(augmenters=[Rotate(), Reflect()])]  # fmt: skip


@pytest.mark.parametrize("augmenter", EVERY, ids=repr)
def test_no_events(augmenter):
    X = table()
    for events in (X, clouds(X), pl.DataFrame(X.to_dict("list"))):
        none, target = augmenter.augment(events[:0], 0, target=np.empty(0))
        assert type(none) is type(events)
        assert len(none) == len(target) == 0
        with pytest.raises(ValueError, match="no events"):
            augmenter.fit_resample(events[:0], np.empty(0))
        model = AugmentedPrediction(augmenter, Exact(lambda X: np.zeros(len(X)))).fit(events, np.zeros(60))
        assert model.predict(events[:0]).shape == (0,)


def test_no_events_of_other_kinds():
    for augmenter in (Rotate(), Reflect(), Translate(max_shift=2)):
        assert augmenter.augment(np.empty((0, 3, 5, 5))).shape == (0, 3, 5, 5)
    jets = pd.DataFrame(np.ones((2, 4)), columns=["jet1_pt", "jet1_eta", "jet2_pt", "jet2_eta"])
    for augmenter in (PermuteParticles(), DropParticles()):
        assert augmenter.augment(jets[:0]).shape == (0, 4)
    with pytest.raises(ValueError, match="no events"):
        NeighbourInterpolation().learn(table()[:0])
    learned = NeighbourInterpolation().learn(table())
    assert learned.augment(table()[:0]).shape == (0, 5)
