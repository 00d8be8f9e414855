"""``return_std`` passes every composition, and several models or copies are joined by the law of total variance."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from optuna.distributions import CategoricalDistribution
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import BayesianRidge, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    AugmentedPrediction,
    BayesSearchCV,
    CrossFitClassifier,
    CrossFitRegressor,
    DropMissingRows,
    FeedForwardClassifier,
    FeedForwardRegressor,
    OptunaSearchCV,
    PointClouds,
    RaggedArray,
    Reflect,
    Resampled,
    Rotate,
    TransformerRegressor,
    ZScoreScaler,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = X[:, 0] + X[:, 1] + RNG.normal(size=90)
IDS = np.arange(90) // 2
MIRROR = Reflect(columns=[0], probability=1.0)
SMALL = {"width": 4, "n_layers": 1, "max_epochs": 2, "random_state": 0, "device": "cpu"}
KINDS = {
    "gaussian": {"loss": "gaussian_nll"},
    "members": {"n_members": 2},
    "gaussian members": {"loss": "gaussian_nll", "n_members": 2},
}


def network(**params):
    return FeedForwardRegressor(**{**SMALL, **params})


def classifier(**params):
    return FeedForwardClassifier(**{**SMALL, **params})


def law(parts):
    """√(mean σ² + variance of μ) of parts (μ, σ), and the mean of μ."""
    means, widths = (np.array(column) for column in zip(*parts, strict=True))
    return means.mean(0), np.sqrt((widths**2).mean(0) + means.var(0))


def asked(model, X):
    """μ and σ of a network, or of a network behind a scaler."""
    return getattr(model, "predict_proba" if hasattr(model, "classes_") else "predict")(X, return_std=True)


def piped(estimator):
    return make_pipeline(ZScoreScaler(), estimator)


def resampled(estimator):
    return Resampled(DropMissingRows(), estimator)


def bayes(estimator):
    return BayesSearchCV(estimator, {"width": (3, 4)}, n_iter=2, cv=2, progress=False, random_state=0)


def optuna(estimator):
    space = {"width": CategoricalDistribution([3, 4])}
    return OptunaSearchCV(estimator, space, n_iter=2, cv=2, progress=False, random_state=0)


PASS_ON = {
    "pipeline": (piped, lambda model: (model[-1], model[0].transform)),
    "resampled": (resampled, lambda model: (model.estimator_, np.asarray)),
    "bayes": (bayes, lambda model: (model.best_estimator_, np.asarray)),
    "optuna": (optuna, lambda model: (model.best_estimator_, np.asarray)),
}


@pytest.mark.parametrize("name", PASS_ON)
@pytest.mark.parametrize("make", [network, classifier], ids=["regressor", "classifier"])
def test_what_holds_one_model_passes_its_width_on(name, make):
    compose, inside = PASS_ON[name]
    method = "predict_proba" if make is classifier else "predict"
    y = Y > 0 if make is classifier else Y
    model = compose(make(n_members=2)).fit(X, y)
    inner, before = inside(model)
    found, wanted = getattr(model, method)(X, return_std=True), getattr(inner, method)(before(X), return_std=True)
    np.testing.assert_array_equal(found, wanted)
    assert (found[1] > 0).any()
    np.testing.assert_allclose(getattr(model, method)(X), found[0], rtol=1e-6)
    with sklearn.config_context(enable_metadata_routing=True):  # no request has to be set
        np.testing.assert_array_equal(getattr(model, method)(X, return_std=True), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_has_the_width_of_the_model_of_its_fold(kind):
    model = CrossFitRegressor(piped(network(**KINDS[kind])), cv=2).fit(X, Y, groups=IDS)
    mean, std = model.predict(X, groups=IDS, return_std=True)
    for fold, one in enumerate(model.estimators_):
        its = model.cv_.assign(IDS) == fold
        np.testing.assert_allclose((mean[its], std[its]), asked(one, X[its]), rtol=1e-6)
    np.testing.assert_allclose(model.predict(X, groups=IDS), mean, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_models_that_are_averaged_follow_the_law_of_total_variance(kind):
    model = CrossFitRegressor(network(**KINDS[kind]), cv=2).fit(X, Y)
    found = model.predict(X, return_std=True)
    np.testing.assert_allclose(found, law([asked(one, X) for one in model.estimators_]), rtol=1e-6)
    np.testing.assert_allclose(model.predict(X), found[0], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_of_an_event_follow_the_law_of_total_variance(kind):
    model = AugmentedPrediction(MIRROR, network(**KINDS[kind]), n_copies=2).fit(X, Y)
    found, mirrored = model.predict(X, return_std=True), asked(model.estimator_, X * [-1, 1, 1])
    np.testing.assert_allclose(found, law([asked(model.estimator_, X), mirrored, mirrored]), rtol=1e-6)
    np.testing.assert_allclose(model.predict(X), found[0], rtol=1e-6)


def test_classifiers_follow_it_too():
    y = Y > 0
    folds = CrossFitClassifier(classifier(n_members=2), cv=2).fit(X, y)
    found = folds.predict_proba(X, return_std=True)
    np.testing.assert_allclose(found, law([asked(one, X) for one in folds.estimators_]), rtol=1e-6)
    np.testing.assert_allclose(folds.predict_proba(X), found[0], rtol=1e-6)
    copies = AugmentedPrediction(MIRROR, classifier(n_members=2), n_copies=1).fit(X, y)
    parts = [asked(copies.estimator_, one) for one in (X, X * [-1, 1, 1])]
    np.testing.assert_allclose(copies.predict_proba(X, return_std=True), law(parts), rtol=1e-6)


def test_compositions_of_compositions():
    """The mean of two folds, each of which averages over an event and its mirror image, behind a scaler."""
    inner = AugmentedPrediction(MIRROR, network(loss="gaussian_nll"), n_copies=1)
    model = CrossFitRegressor(make_pipeline(ZScoreScaler(), resampled(inner)), cv=2).fit(X, Y)
    parts = []
    for one in model.estimators_:
        scaled, augmented = one[0].transform(X), one[-1].estimator_
        parts.append(law([asked(augmented.estimator_, events) for events in (scaled, scaled * [-1, 1, 1])]))
    np.testing.assert_allclose(model.predict(X, return_std=True), law(parts), rtol=1e-6)


def test_ids_reach_the_folds_behind_a_scaler():
    model = piped(CrossFitRegressor(network(loss="gaussian_nll"), cv=2))
    with sklearn.config_context(enable_metadata_routing=True):
        model.fit(X, Y, groups=IDS)
        found = model.predict(X, groups=IDS, return_std=True)
    np.testing.assert_array_equal(found, model[-1].predict(model[0].transform(X), groups=IDS, return_std=True))


def test_models_of_scikit_learn():
    y = Y > 0
    gaussian = CrossFitRegressor(make_pipeline(StandardScaler(), BayesianRidge()), cv=2).fit(X, Y)
    parts = [one.predict(X, return_std=True) for one in gaussian.estimators_]
    np.testing.assert_allclose(gaussian.predict(X, return_std=True), law(parts))
    plain = CrossFitRegressor(Ridge(), cv=3).fit(X, Y)
    means = [one.predict(X) for one in plain.estimators_]
    np.testing.assert_allclose(plain.predict(X, return_std=True)[1], np.std(means, axis=0))
    search = CrossFitClassifier(GridSearchCV(classifier(n_members=2), {"width": [3]}, cv=2), cv=2).fit(X, y)
    parts = [asked(one.best_estimator_, X) for one in search.estimators_]
    np.testing.assert_allclose(search.predict_proba(X, return_std=True), law(parts), rtol=1e-6)
    calibrated = CrossFitClassifier(CalibratedClassifierCV(LogisticRegression(), cv=2), cv=2).fit(X, y, groups=IDS)
    std = calibrated.predict_proba(X, groups=IDS, return_std=True)[1]
    its, one = calibrated.cv_.assign(IDS) == 0, calibrated.estimators_[0]
    two = [part.predict_proba(X[its]) for part in one.calibrated_classifiers_]
    np.testing.assert_allclose(std[its], np.std(two, axis=0))


class Ring(RegressorMixin, BaseEstimator):
    """Knows the azimuth or the components of a point exactly, with widths of its own in the frame of the detector."""

    def __init__(self, azimuth=False):
        self.azimuth = azimuth

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X, return_std=False):
        x, y = np.asarray(X).T
        mean = np.arctan2(y, x) if self.azimuth else np.column_stack([x, y])
        return (mean, np.full(mean.shape, 0.2) if self.azimuth else np.tile([0.3, 0.1], (len(x), 1)))[: 1 + return_std]


def test_widths_turn_with_the_events():
    points = pd.DataFrame(RNG.normal(size=(200, 2)), columns=["px", "py"])
    rotate = Rotate(phi_columns=(), xy_columns=[("px", "py")], target_xy=[(0, 1)])
    model = AugmentedPrediction(rotate, Ring(), n_copies=40).fit(points, points.to_numpy())
    mean, std = model.predict(points, return_std=True)
    np.testing.assert_allclose(mean, points, atol=1e-12)
    np.testing.assert_allclose((std**2).sum(axis=1), 0.3**2 + 0.1**2)  # a rotation keeps the trace
    np.testing.assert_allclose((std**2).mean(axis=0), [0.05, 0.05], atol=0.003)  # all directions alike, but for 1 in 41


def test_azimuths_spread_on_the_circle():
    phi = np.r_[np.pi - 1e-3, 1e-3 - np.pi, RNG.uniform(-np.pi, np.pi, 50)]  # some at the seam
    points = pd.DataFrame({"px": np.cos(phi), "py": np.sin(phi)})
    rotate = Rotate(phi_columns=(), xy_columns=[("px", "py")], target_phi=[0])
    model = AugmentedPrediction(rotate, Ring(azimuth=True), n_copies=5).fit(points, phi)
    mean, std = model.predict(points, return_std=True)
    np.testing.assert_allclose(mean, phi, atol=1e-9)
    np.testing.assert_allclose(std, 0.2)


def test_points_have_widths_through_folds():
    clouds = PointClouds(RNG.normal(size=(60, 2)), np.arange(0, 61, 3))
    target, ids = RaggedArray(RNG.normal(size=60), clouds.offsets), np.arange(20)
    small = {"width": 4, "n_blocks": 1, "n_heads": 1, "max_epochs": 1, "random_state": 0, "device": "cpu"}
    points = TransformerRegressor(output="point", loss="gaussian_nll", **small)
    model = CrossFitRegressor(points, cv=2).fit(clouds, target, groups=ids)
    mean, std = model.predict(clouds, groups=ids, return_std=True)
    one, its = model.estimators_[0], np.flatnonzero(model.cv_.assign(ids) == 0)
    for found, wanted in zip((mean, std), one.predict(clouds[its], return_std=True), strict=True):
        np.testing.assert_allclose(found[its].values, wanted.values, rtol=1e-5)
    averaged = CrossFitRegressor(points, cv=2).fit(clouds, target)
    parts = [[part.values for part in one.predict(clouds, return_std=True)] for one in averaged.estimators_]
    mean, std = averaged.predict(clouds, return_std=True)
    np.testing.assert_allclose((mean.values, std.values), law(parts), rtol=1e-5)


@pytest.mark.parametrize("name", [*PASS_ON, "fold"])
def test_no_width_is_an_error(name):
    compose = {**{key: value[0] for key, value in PASS_ON.items()}, "fold": CrossFitRegressor}[name]
    model = compose(network()).fit(X, Y, **({"groups": IDS} if name == "fold" else {}))
    with pytest.raises(ValueError, match="return_std=True needs networks that were fitted with loss="):
        model.predict(X, return_std=True, **({"groups": IDS} if name == "fold" else {}))


@pytest.mark.parametrize(
    "compose",
    [CrossFitClassifier, resampled, bayes, lambda one: AugmentedPrediction(MIRROR, one)],
    ids=["cross-fit", "resampled", "search", "copies"],
)
def test_labels_have_no_deviation(compose):
    model = compose(classifier(n_members=2)).fit(X, Y > 0)
    with pytest.raises(ValueError, match="labels have no standard deviation"):
        model.predict(X, return_std=True)


def test_some_with_and_some_without_a_width_are_refused():
    model = CrossFitRegressor(network(), cv=2).fit(X, Y, groups=IDS)
    model.estimators_[1] = network(loss="gaussian_nll").fit(X, Y)
    with pytest.raises(ValueError, match="1 of 2 models predict a standard deviation"):
        model.predict(X, groups=IDS, return_std=True)


def test_a_width_that_a_transformed_target_hides_is_refused():
    model = TransformedTargetRegressor(network(loss="gaussian_nll"), func=np.sinh, inverse_func=np.arcsinh)
    folds = CrossFitRegressor(model, cv=2).fit(X, Y)
    with pytest.raises(ValueError, match="TransformedTargetRegressor predicts another quantity"):
        folds.predict(X, return_std=True)
