"""Metadata in compositions: weights are declined, refused or warned of, never lost; what a part requests travels."""

import warnings

import numpy as np
import pytest
import sklearn
from imblearn.over_sampling import SMOTE, RandomOverSampler
from optuna.distributions import CategoricalDistribution
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_ml4fp import (
    AugmentedPrediction,
    BayesSearchCV,
    CrossFitClassifier,
    DropMissingRows,
    EventKFold,
    OptunaSearchCV,
    ParticleWise,
    PointClouds,
    Reflect,
    Resampled,
    roc_auc_scorer,
)

N = 240


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers the metadata that it was given, and predicts the sign of the second column."""

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y, sample_weight=None, charge=None):
        self.fitted_with_ = {"X": X, "sample_weight": sample_weight, "charge": charge}
        self.classes_ = np.unique(y)
        return self

    def predict(self, X, charge=None):
        self.asked_with_ = {"X": X, "charge": charge}
        return (X[:, 1] > 0).astype(int)

    def predict_proba(self, X, charge=None):
        return np.eye(2)[self.predict(X, charge)]


class Detector(BaseEstimator):
    """Neither a classifier nor a regressor, with weights."""

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y=None, sample_weight=None):
        self.fitted_with_ = {"sample_weight": sample_weight}
        return self

    def predict(self, X):
        return (X[:, 1] > 0).astype(int)

    def score(self, X, y=None):
        return 0.5


@pytest.fixture(scope="module")
def events():
    """The first column is the number of the event, from which its weight and its charge are told."""
    rng = np.random.default_rng(0)
    number = np.arange(N)
    X = np.column_stack([number, rng.normal(size=N)]).astype(float)
    return X, (X[:, 1] > 0).astype(int), 1.0 + number / N, number // 2


def charge_of(X):
    return 1000.0 + X[:, 0]


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def bayes(estimator, name="C", **params):
    params = {"scoring": roc_auc_scorer, "cv": 2, "progress": False, **params}
    return BayesSearchCV(estimator, {name: (0.5, 2.0)}, n_iter=2, random_state=0, **params)


def optuna(estimator, name="C", **params):
    params = {"scoring": roc_auc_scorer, "cv": 2, "progress": False, **params}
    return OptunaSearchCV(estimator, {name: CategoricalDistribution([0.5, 2.0])}, n_iter=2, random_state=0, **params)


def resampled(estimator, **_):
    return Resampled(DropMissingRows(), estimator)


def averaged(estimator, **_):
    return AugmentedPrediction(Reflect(columns=[0]), estimator, n_copies=2)


def cross_fit(estimator, **params):
    return CrossFitClassifier(estimator, **{"cv": 3, **params})


COMPOSITIONS = [resampled, averaged, cross_fit, bayes, optuna]
SCORED = [cross_fit, bayes, optuna]


def inner(model):
    """The fitted estimators in a composition."""
    if hasattr(model, "estimators_"):
        return model.estimators_
    return [model.best_estimator_ if hasattr(model, "best_estimator_") else model.estimator_]


@pytest.mark.parametrize("compose", COMPOSITIONS)
def test_weights_that_are_declined_do_not_arrive(events, compose, routing):
    X, y, weight, _ = events
    declined = compose(Recorder().set_fit_request(sample_weight=False)).fit(X, y, sample_weight=weight)
    assert all(one.fitted_with_["sample_weight"] is None for one in inner(declined))
    with sklearn.config_context(enable_metadata_routing=False):
        again = declined.fit(X, y, sample_weight=weight)
        taken = compose(Recorder()).fit(X, y, sample_weight=weight)
    assert all(one.fitted_with_["sample_weight"] is None for one in inner(again))
    for one in inner(taken):
        got = one.fitted_with_
        np.testing.assert_allclose(got["sample_weight"], 1 + got["X"][:, 0] / N)


@pytest.mark.parametrize("compose", [resampled, averaged])
def test_weights_that_the_composition_itself_declines(events, compose, routing):
    X, y, weight, _ = events
    model = compose(Recorder()).set_fit_request(sample_weight=False)
    assert inner(model.fit(X, y, sample_weight=weight))[0].fitted_with_["sample_weight"] is None
    search = GridSearchCV(model, {"estimator__C": [1.0]}, cv=2, scoring=roc_auc_scorer)
    search.fit(X, y, sample_weight=weight)
    assert inner(search.best_estimator_)[0].fitted_with_["sample_weight"] is None


def test_a_declined_hold_out_has_no_weights_either(events, routing):
    class WithHoldOut(Recorder):
        early_stopping, validation, random_state = True, 0.25, 0

        def fit(self, X, y, sample_weight=None, X_val=None, y_val=None, sample_weight_val=None):
            self.held_ = X_val, sample_weight_val
            return super().fit(X, y, sample_weight)

    X, y, weight, _ = events
    for declines, wanted in ((False, True), (True, False)):
        one = WithHoldOut().set_fit_request(sample_weight=False) if declines else WithHoldOut()
        held, its_weights = resampled(one).fit(X, y, sample_weight=weight).estimator_.held_
        assert len(held) == N // 4
        assert (its_weights is not None) == wanted


def unweighted(estimator, X, y):
    return float((estimator.predict(X) == y).mean())


def weighted(estimator, X, y, sample_weight=None):
    return -1.0 if sample_weight is None else float(np.average(estimator.predict(X) == y, weights=sample_weight))


def plain_metric(y_true, y_pred):
    return float((y_true == y_pred).mean())


@pytest.mark.parametrize("compose", SCORED)
@pytest.mark.parametrize("scoring", [unweighted, make_scorer(plain_metric)], ids=["function", "metric"])
def test_a_scorer_without_weights_is_warned_of(events, compose, scoring):
    X, y, weight, groups = events
    with pytest.warns(UserWarning, match="does not support sample_weight: the scores of .* are unweighted"):
        model = compose(LogisticRegression(), scoring=scoring).fit(X, y, sample_weight=weight)
    assert np.isfinite(model.oof_score_ if compose is cross_fit else model.best_score_)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        compose(LogisticRegression(), scoring=scoring).fit(X, y)
        compose(LogisticRegression(), scoring=scoring, cv=EventKFold(2)).fit(X, y, groups=groups)


@pytest.mark.parametrize("compose", [bayes, optuna])
def test_one_of_several_scorers_is_warned_of(events, compose):
    X, y, weight, _ = events
    scoring = {"good": roc_auc_scorer, "bad": make_scorer(plain_metric)}
    with pytest.warns(UserWarning, match="does not support") as caught:
        compose(LogisticRegression(), scoring=scoring, refit="good").fit(X, y, sample_weight=weight)
    assert sum("does not support sample_weight" in str(one.message) for one in caught) == 1
    with pytest.warns(UserWarning, match=r"The scoring Detector\.score does not support"):
        compose(Detector(), scoring=None).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("compose", SCORED)
def test_scorers_with_weights_are_not_warned_of(events, compose, routing):
    X, y, weight, _ = events
    declined = make_scorer(accuracy_score).set_score_request(sample_weight=False)
    for scoring in ("accuracy", None, roc_auc_scorer, make_scorer(accuracy_score), declined, weighted):
        with warnings.catch_warnings(), sklearn.config_context(enable_metadata_routing=False):
            warnings.simplefilter("error", UserWarning)
            model = compose(LogisticRegression(), scoring=scoring).fit(X, y, sample_weight=weight)
    assert (model.oof_score_ if compose is cross_fit else model.best_score_) > 0  # the plain function got its weights


@pytest.mark.parametrize("compose", [resampled, averaged, bayes, optuna])
def test_what_is_neither_classifier_nor_regressor_gets_weights(events, compose):
    X, y, weight, _ = events
    (detector,) = inner(compose(Detector(), scoring="accuracy").fit(X, y, sample_weight=weight))
    np.testing.assert_array_equal(detector.fitted_with_["sample_weight"], weight)


@pytest.mark.parametrize("compose", [resampled, averaged])
def test_one_class_svm(events, compose):
    X, y, weight, _ = events
    got = inner(compose(OneClassSVM(gamma=0.1, nu=0.3)).fit(X, y, sample_weight=weight))[0]
    alone = OneClassSVM(gamma=0.1, nu=0.3).fit(X, sample_weight=weight)
    np.testing.assert_allclose(got.dual_coef_, alone.dual_coef_)
    assert got.dual_coef_.shape != OneClassSVM(gamma=0.1, nu=0.3).fit(X).dual_coef_.shape


def test_transformers_get_no_weights_that_they_do_not_ask_for(events):
    X, y, weight, _ = events
    model = cross_fit(make_pipeline(StandardScaler(), Recorder())).fit(X, y, sample_weight=weight)
    for scaler, last in (pipeline.named_steps.values() for pipeline in model.estimators_):
        assert last.fitted_with_["sample_weight"] is not None
        kept = last.fitted_with_["X"] * scaler.scale_ + scaler.mean_
        np.testing.assert_allclose(scaler.mean_, kept.mean(axis=0))


@pytest.mark.parametrize("compose", COMPOSITIONS)
def test_what_a_part_requests_travels(events, compose, routing):
    X, y, weight, _ = events
    charge = charge_of(X)
    asking = Recorder().set_fit_request(charge=True)
    for one in inner(compose(asking).fit(X, y, charge=charge, sample_weight=weight)):
        np.testing.assert_array_equal(one.fitted_with_["charge"], charge_of(one.fitted_with_["X"]))
        np.testing.assert_allclose(one.fitted_with_["sample_weight"], 1 + one.fitted_with_["X"][:, 0] / N)
    for one in inner(compose(asking).fit(X, y, charge="of an electron")):
        assert one.fitted_with_["charge"] == "of an electron"  # no value for each event
    with pytest.raises(UnsetMetadataPassedError, match=r"\[charge\] are passed but are not explicitly set"):
        compose(Recorder()).fit(X, y, charge=charge)
    with pytest.raises(TypeError, match=r"unexpected argument.*colour"):
        compose(asking).fit(X, y, colour=charge)
    # through the composition, from without
    scores = cross_validate(
        compose(asking), X, y, cv=KFold(2), scoring=roc_auc_scorer, return_estimator=True, error_score="raise",
        params={"charge": charge, **({} if compose in (bayes, optuna) else {"sample_weight": weight})},
    )  # fmt: skip
    for one in (one for model in scores["estimator"] for one in inner(model)):
        np.testing.assert_array_equal(one.fitted_with_["charge"], charge_of(one.fitted_with_["X"]))


@pytest.mark.parametrize("compose", [resampled, averaged, cross_fit])
def test_what_a_part_requests_travels_in_predictions(events, compose, routing):
    X, y, _, groups = events
    asking = Recorder().set_predict_request(charge=True).set_predict_proba_request(charge=True)
    model = compose(asking).fit(X, y)
    for method in ("predict", "predict_proba"):
        getattr(model, method)(X, charge=charge_of(X))
        for one in inner(model):
            got = one.asked_with_
            np.testing.assert_array_equal(got["charge"], charge_of(np.abs(got["X"])))  # one of them mirrors the number
    with pytest.raises(UnsetMetadataPassedError, match=r"\[charge\] are passed"):
        compose(Recorder()).fit(X, y).predict(X, charge=charge_of(X))
    by_event = cross_fit(asking).fit(X, y, groups=groups)
    by_event.predict(X, groups=groups, charge=charge_of(X))
    for fold, one in enumerate(by_event.estimators_):
        np.testing.assert_array_equal(one.asked_with_["X"], X[by_event.cv_.assign(groups) == fold])
        np.testing.assert_array_equal(one.asked_with_["charge"], charge_of(one.asked_with_["X"]))


def test_metadata_follow_the_resampled_events(events, routing):
    X, y, weight, _ = events
    rare = X[:, 0] >= np.where(y == 1, N - 40, 0)
    X, y, weight = X[rare], y[rare], weight[rare]
    asking = Recorder().set_fit_request(charge=True)
    got = Resampled(RandomOverSampler(random_state=0), asking).fit(X, y, sample_weight=weight, charge=charge_of(X))
    got = got.estimator_.fitted_with_
    assert len(np.unique(got["X"], axis=0)) < len(got["X"])  # some events are repeated
    np.testing.assert_array_equal(got["charge"], charge_of(got["X"]))
    invents = Resampled(SMOTE(random_state=0), asking)
    with pytest.raises(ValueError, match=r"charge cannot be carried through SMOTE"):
        invents.fit(X, y, charge=charge_of(X))
    assert invents.fit(X, y, charge=3).estimator_.fitted_with_["charge"] == 3


def test_ids_reach_a_search_and_a_cross_fit_inside(events):
    X, y, weight, groups = events
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=GroupKFold(2))
    model = Resampled(DropMissingRows(), search).fit(X, y, sample_weight=weight, groups=groups)
    assert model.estimator_.n_splits_ == 2
    model = Resampled(DropMissingRows(), cross_fit(Recorder())).fit(X, y, groups=groups)
    for fold, one in enumerate(model.estimator_.estimators_):
        assert (model.estimator_.cv_.assign(one.fitted_with_["X"][:, 0].astype(int) // 2) != fold).all()
    np.testing.assert_array_equal(model.predict(X, groups=groups), y)
    assert model.score(X, y, groups=groups) == 1
    nested = AugmentedPrediction(Reflect(columns=[1], probability=0.0), cross_fit(Recorder()))
    np.testing.assert_array_equal(nested.fit(X, y, groups=groups).predict(X, groups=groups), y)


def test_a_transformer_of_points(events, routing):
    X, _, weight, _ = events
    clouds = PointClouds(np.repeat(X, 2, axis=0), 2 * np.arange(N + 1))

    class Scaler(StandardScaler):
        def fit(self, X, y=None, sample_weight=None, charge=None):
            self.given_ = charge
            return super().fit(X, y, sample_weight)

    for declined in (False, True):
        scaler = Scaler().set_fit_request(charge=True)
        scaler = scaler.set_fit_request(sample_weight=False) if declined else scaler
        model = make_pipeline(ParticleWise(scaler), ParticleWise(StandardScaler()))
        model.fit(clouds, sample_weight=weight, charge=charge_of(X))
        fitted = model[0].transformer_
        np.testing.assert_array_equal(fitted.given_, np.repeat(charge_of(X), 2))
        np.testing.assert_allclose(fitted.mean_, np.average(X, axis=0, weights=None if declined else weight))
    with pytest.raises(TypeError, match=r"unexpected argument.*colour"):
        ParticleWise(scaler).fit(clouds, colour=charge_of(X))


def test_a_splitter_gets_what_it_requests(events, routing):
    X, y, _, _ = events

    class Halves(KFold):
        __metadata_request__split = {"side": True}  # noqa: RUF012

        def split(self, X, y=None, groups=None, side=None):
            for one in (False, True):
                yield np.flatnonzero(side != one), np.flatnonzero(side == one)

    side = charge_of(X) > 1100
    model = CrossFitClassifier(Recorder(), cv=Halves(2), scoring="accuracy").fit(X, y, side=side)
    for one, wanted in zip(model.estimators_, (True, False), strict=True):
        np.testing.assert_array_equal(charge_of(one.fitted_with_["X"]) > 1100, wanted)
