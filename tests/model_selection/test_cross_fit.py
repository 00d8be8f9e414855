"""Cross-fitting: no event is scored by a model that saw it, in any way in which it can be used."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit, cross_val_score, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_ml4fp import (
    CrossFitClassifier,
    CrossFitRegressor,
    EventKFold,
    RotatingKFold,
    load_events,
    neg_response_bias_scorer,
    response_bias,
    roc_auc_score,
    roc_auc_scorer,
)

N = 600


@pytest.fixture(scope="module")
def events():
    """(X, y, event, weight): three rows an event, signal and background shifted; X carries the id in column 0."""
    rng = np.random.default_rng(8)
    event = rng.choice(10_000, N // 3, replace=False).repeat(3)
    y = np.array(["bkg", "sig"])[rng.integers(0, 2, N)]
    X = np.column_stack([event, rng.normal(size=(N, 3)) + (y == "sig")[:, None]])
    return X, y, event, rng.normal(1, 0.5, N)


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that writes down which ids it was trained on, and refuses to score one of them."""

    def fit(self, X, y, sample_weight=None):
        self.classes_, self.seen_ = np.unique(y), set(np.asarray(X)[:, 0])
        return self

    def predict_proba(self, X):
        assert not self.seen_ & set(np.asarray(X)[:, 0]), "scored by a model that saw it"
        return np.tile([0.5, 0.5], (len(X), 1))

    def predict(self, X):
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


# --- conformance ---


@pytest.mark.parametrize(
    ("estimator", "least"),
    # 62 and 60 run on scikit-learn 1.9; older versions have fewer checks
    [(CrossFitClassifier(LogisticRegression(), cv=3), 50), (CrossFitRegressor(Ridge(), cv=3), 48)],
    ids=["classifier", "regressor"],
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_estimator_checks(estimator, least):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert [result["check_name"] for result in results if result["status"] == "failed"] == []
    assert sum(result["status"] == "passed" for result in results) >= least


# --- who scores whom ---


@pytest.mark.parametrize("cv", [5, EventKFold(4, salt="x"), RotatingKFold(3)], ids=repr)
def test_no_event_is_scored_by_a_model_that_saw_its_id(events, cv):
    X, y, event, weight = events
    model = CrossFitClassifier(Recorder(), cv=cv).fit(X, y, groups=event, sample_weight=weight)
    every = set(event)
    assert all(len(one.seen_) < len(every) for one in model.estimators_)
    assert set.union(*(one.seen_ for one in model.estimators_)) == every
    for fitted in (model, pickle.loads(pickle.dumps(model))):
        for rows in (slice(None), np.random.default_rng(0).permutation(N)[:50]):
            assert fitted.predict_proba(X[rows], groups=event[rows]).shape == (len(X[rows]), 2)
            fitted.predict(X[rows], groups=event[rows])
    with pytest.raises(AssertionError, match="saw it"):  # the recorder bites
        model.set_params(without_groups="average").predict_proba(X)


def test_an_event_of_any_file_has_one_model(events):
    X, y, event, _ = events
    model = CrossFitClassifier(LogisticRegression(), cv=4).fit(X[:, 1:], y, groups=event)
    rng = np.random.default_rng(1)
    new, ids = rng.normal(size=(50, 3)), np.arange(10_000, 10_050)  # ids that were not in fit
    folds = model.cv_.assign(ids)
    assert set(folds) == {0, 1, 2, 3}
    for method in ("predict_proba", "decision_function", "predict"):
        wanted = [getattr(model.estimators_[fold], method)(row[None])[0] for fold, row in zip(folds, new, strict=True)]
        made = getattr(model, method)(new, groups=ids)
        if method == "predict":
            np.testing.assert_array_equal(made, wanted)
        else:  # matrices of other shapes are summed in another order
            np.testing.assert_allclose(made, wanted, rtol=1e-12)


def test_models_and_scores_are_those_of_a_loop_by_hand(events):
    X, y, event, weight = events
    weight = np.abs(weight)
    model = CrossFitClassifier(LogisticRegression(), cv=3, scoring=roc_auc_scorer)
    model.fit(X[:, 1:], y, groups=event, sample_weight=weight)
    folds, out_of_fold = model.cv_.assign(event), np.empty(N)
    for fold in range(3):
        train, test = folds != fold, folds == fold
        alone = LogisticRegression().fit(X[train, 1:], y[train], sample_weight=weight[train])
        out_of_fold[test] = alone.predict_proba(X[test, 1:])[:, 1]
        wanted = roc_auc_score(y[test], out_of_fold[test], sample_weight=weight[test], pos_label="sig")
        np.testing.assert_allclose(model.fold_scores_[fold], wanted, rtol=1e-12)
    wanted = roc_auc_score(y, out_of_fold, sample_weight=weight, pos_label="sig")
    np.testing.assert_allclose(model.oof_score_, wanted, rtol=1e-12)
    np.testing.assert_allclose(model.score(X[:, 1:], y, weight, groups=event), wanted, rtol=1e-12)
    assert model.oof_score_ != roc_auc_score(y, out_of_fold, pos_label="sig")  # the weights count
    np.testing.assert_allclose(model.predict_proba(X[:, 1:], groups=event)[:, 1], out_of_fold, rtol=1e-12)


class SignedMean(RegressorMixin, BaseEstimator):
    """The weighted mean of the target: the simplest model that takes weights of either sign."""

    def fit(self, X, y, sample_weight=None):
        self.mean_ = np.sum(y * sample_weight) / np.sum(sample_weight)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_negative_weights_reach_a_model_and_a_metric_that_take_them(events):
    X, _, event, weight = events
    assert (weight < 0).any()
    target = 10 + X[:, 1]
    model = CrossFitRegressor(SignedMean(), cv=3, scoring=neg_response_bias_scorer)
    model.fit(X, target, groups=event, sample_weight=weight)
    folds, prediction = model.cv_.assign(event), np.empty(N)
    for fold in range(3):
        prediction[folds == fold] = np.average(target[folds != fold], weights=weight[folds != fold])
    np.testing.assert_allclose(model.predict(X, groups=event), prediction)
    wanted = -abs(response_bias(target, prediction, sample_weight=weight))
    np.testing.assert_allclose(model.oof_score_, wanted, rtol=1e-9)


def test_the_regressor_of_several_outputs(events):
    X, _, event, _ = events
    target = X[:, 1:] @ np.array([[1.0, 0], [0, 2], [3, 3]])
    model = CrossFitRegressor(Ridge(alpha=1e-8), cv=3).fit(X[:, 1:], target, groups=event)
    np.testing.assert_allclose(model.predict(X[:, 1:], groups=event), target, atol=1e-6)
    assert model.oof_score_ > 1 - 1e-9


def test_on_simulated_collisions_every_event_is_used_and_scored_out_of_fold():
    events = load_events()
    X = np.column_stack([events.groups, events.data])

    class RecordingBooster(HistGradientBoostingClassifier):
        """Column 0 is the id: written down in fit, refused in predict, and hidden from the trees."""

        def fit(self, X, y, sample_weight=None):
            self.seen_ = set(X[:, 0])
            return super().fit(X[:, 1:], y, sample_weight)

        def predict_proba(self, X):
            assert not self.seen_ & set(X[:, 0]), "scored by a model that saw it"
            return super().predict_proba(X[:, 1:])

    model = CrossFitClassifier(
        RecordingBooster(max_iter=15, max_leaf_nodes=8, random_state=0), cv=3, scoring=roc_auc_scorer
    )
    model.fit(X, events.target, groups=events.groups, sample_weight=events.sample_weight)
    every = set(events.groups)
    for fold, one in enumerate(model.estimators_):
        assert every - one.seen_ == set(events.groups[model.cv_.assign(events.groups) == fold])
    score = model.predict_proba(X, groups=events.groups)[:, 1]
    assert model.oof_score_ == roc_auc_score(events.target, score, sample_weight=events.sample_weight)
    # 0.93 with more and larger trees; a useless classifier would be at 0.5
    assert model.oof_score_ > 0.85


# --- without groups ---


def test_fitted_without_groups_the_models_are_averaged(events):
    X, y, _, _ = events
    model = CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:, 1:], y)
    wanted = np.mean([one.predict_proba(X[:, 1:]) for one in model.estimators_], axis=0)
    np.testing.assert_allclose(model.predict_proba(X[:, 1:]), wanted)
    np.testing.assert_array_equal(model.predict(X[:, 1:]), model.classes_[wanted.argmax(axis=1)])
    with pytest.raises(ValueError, match="fitted without groups"):
        model.predict(X[:, 1:], groups=np.arange(N))


def test_out_of_fold_without_groups_too(events):
    X, y, _, _ = events
    model = CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:, 1:], y)
    np.testing.assert_allclose(model.fold_scores_, cross_val_score(LogisticRegression(), X[:, 1:], y, cv=3))
    model = CrossFitClassifier(LogisticRegression(), cv=KFold(4, shuffle=True, random_state=0)).fit(X[:, 1:], y)
    wanted = cross_val_score(LogisticRegression(), X[:, 1:], y, cv=KFold(4, shuffle=True, random_state=0))
    np.testing.assert_allclose(model.fold_scores_, wanted)


def test_averages_of_decision_functions(events):
    X, y, _, _ = events
    model = CrossFitClassifier(RidgeClassifier(), cv=3).fit(X[:, 1:], y)
    scores = np.mean([one.decision_function(X[:, 1:]) for one in model.estimators_], axis=0)
    np.testing.assert_array_equal(model.predict(X[:, 1:]), model.classes_[(scores > 0).astype(int)])
    assert not hasattr(model, "predict_proba")
    three = np.digitize(X[:, 1], [0, 1])
    model = CrossFitClassifier(RidgeClassifier(), cv=3).fit(X[:, 1:], three)
    assert model.predict(X[:, 1:]).shape == (N,)
    assert model.score(X[:, 1:], three) > 0.5


def test_predicting_without_groups_is_refused_because_it_would_leak(events):
    X, y, event, _ = events
    model = CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:, 1:], y, groups=event)
    for call in (model.predict, model.predict_proba, model.decision_function, lambda X: model.score(X, y)):
        with pytest.raises(ValueError, match="needs them to predict"):
            call(X[:, 1:])
    with pytest.raises(ValueError, match="needs them to predict"):
        roc_auc_scorer(model, X[:, 1:], y)
    model.set_params(without_groups="average")
    wanted = np.mean([one.predict_proba(X[:, 1:]) for one in model.estimators_], axis=0)
    np.testing.assert_allclose(model.predict_proba(X[:, 1:]), wanted)


KINDS = {
    "strings": (lambda ids: ids.astype(str), r"1 column \(integers\); got groups of 1 column \(strings\)"),
    "objects": (lambda ids: pd.Series(ids).astype(str).astype(object), r"got groups of 1 column \(strings\)"),
    "two columns": (lambda ids: np.column_stack([ids // 7, ids]), r"got groups of 2 columns \(integers, integers\)"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_another_kind_than_in_fit_are_refused_because_they_would_leak(events, kind):
    X, y, event, _ = events
    other, message = KINDS[kind]
    model = CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:, 1:], y, groups=event)
    regressor = CrossFitRegressor(Ridge(), cv=3).fit(X[:, 1:], X[:, 1], groups=event)
    calls = [model.predict, model.predict_proba, model.decision_function, regressor.predict]
    for call in (*calls, lambda X, groups: model.score(X, y, groups=groups)):
        with pytest.raises(ValueError, match=message):
            call(X[:, 1:], groups=other(event))
    # and the other way round, a different kind in fit
    turned = CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:, 1:], y, groups=other(event))
    turned.predict(X[:, 1:], groups=other(event))
    with pytest.raises(ValueError, match=r"got groups of 1 column \(integers\)"):
        turned.predict(X[:, 1:], groups=event)


def test_each_column_of_the_ids_has_its_kind(events):
    X, y, event, _ = events
    ids = pd.DataFrame({"run": [f"run {i}" for i in event % 3], "event": event})
    model = CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:, 1:], y, groups=ids)
    model.predict(X[:, 1:], groups=ids.astype({"event": "uint16"}))
    with pytest.raises(ValueError, match=r"\(strings, integers\); got groups of 2 columns \(integers, strings\)"):
        model.predict(X[:, 1:], groups=ids[["event", "run"]])


def test_integers_of_any_type_are_of_one_kind(events):
    """A saved and reloaded id comes back as another integer type; its hash is the same."""
    X, y, event, _ = events
    model = CrossFitClassifier(Recorder(), cv=3).fit(X, y, groups=event)
    same = [event.astype(name) for name in ("int32", "uint16", "uint64", object)]
    same += [event.tolist(), event[:, None], pd.Series(event, dtype="Int64"), pd.Series(event, dtype=object)]
    for ids in same:
        assert model.predict_proba(X, groups=ids).shape == (N, 2)  # the recorder bites if a model saw the event


# --- weights and ids inside a composition, with routing on and off ---


class WithGroups(LogisticRegression):
    """Stands for a network: asks for ids in fit, for its own hold-out."""

    __metadata_request__fit = {"groups": True}  # noqa: RUF012

    def fit(self, X, y, sample_weight=None, groups=None):
        self.given_groups_ = groups
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("routing", [False, True])
def test_weights_and_ids_reach_the_last_step_of_a_pipeline(events, routing):
    X, y, event, weight = events
    weight = np.abs(weight)
    with sklearn.config_context(enable_metadata_routing=routing):
        model = CrossFitClassifier(make_pipeline(StandardScaler(), WithGroups()), cv=3)
        model.fit(X[:, 1:], y, groups=event, sample_weight=weight)
    train = model.cv_.assign(event) != 0
    np.testing.assert_array_equal(model.estimators_[0][-1].given_groups_, event[train])
    by_hand = make_pipeline(StandardScaler(), LogisticRegression())
    by_hand.fit(X[train, 1:], y[train], logisticregression__sample_weight=weight[train])
    np.testing.assert_allclose(model.estimators_[0][-1].coef_, by_hand[-1].coef_)


def test_weights_that_nobody_takes_are_refused_unless_declined(events):
    X, y, event, weight = events
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        CrossFitClassifier(KNeighborsClassifier()).fit(X, y, groups=event, sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        declined = LogisticRegression().set_fit_request(sample_weight=False)
    model = CrossFitClassifier(declined, cv=3, scoring=roc_auc_scorer)
    model.fit(X[:, 1:], y, groups=event, sample_weight=weight)
    plain = CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:, 1:], y, groups=event)
    np.testing.assert_array_equal(model.estimators_[0].coef_, plain.estimators_[0].coef_)
    assert model.oof_score_ == roc_auc_score(
        y, plain.predict_proba(X[:, 1:], groups=event)[:, 1], sample_weight=weight, pos_label="sig"
    )


def test_frames_and_parallel_folds(events):
    X, y, event, weight = events
    frame = pd.DataFrame(X[:, 1:], columns=["pt", "eta", "m"])
    kwargs = {"groups": pd.DataFrame({"run": 1, "event": event}), "sample_weight": pd.Series(np.abs(weight))}
    model = CrossFitClassifier(LogisticRegression(), cv=3, n_jobs=2).fit(frame, y, **kwargs)
    alone = CrossFitClassifier(LogisticRegression(), cv=3).fit(frame, y, **kwargs)
    assert list(model.feature_names_in_) == ["pt", "eta", "m"]
    assert model.n_features_in_ == 3
    np.testing.assert_array_equal(
        model.predict_proba(frame, groups=kwargs["groups"]), alone.predict_proba(frame, groups=kwargs["groups"])
    )


def test_histories_are_those_of_the_models(events):
    X, y, event, _ = events

    class WithHistory(LogisticRegression):
        history_ = {"train_loss": [1.0]}  # noqa: RUF012

    model = CrossFitClassifier(make_pipeline(StandardScaler(), WithHistory()), cv=3).fit(X[:, 1:], y, groups=event)
    assert model.history_ == [{"train_loss": [1.0]}] * 3
    assert not hasattr(CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:, 1:], y, groups=event), "history_")


# --- inside searches ---


def test_in_a_grid_search_with_routing(events):
    """The outer test events are new to all models: averaging them is right, and by id works through ``score``."""
    X, y, event, _ = events
    with sklearn.config_context(enable_metadata_routing=True):
        model = CrossFitClassifier(LogisticRegression(), cv=5, without_groups="average")
        search = GridSearchCV(model, {"estimator__C": [1e-4, 1.0]}, cv=EventKFold(5), scoring=roc_auc_scorer)
        search.fit(X[:, 1:], y, groups=event)
        assert search.best_estimator_._by_event
        assert search.best_score_ > 0.8
        by_id = cross_validate(
            CrossFitClassifier(Recorder(), cv=5), X, y, cv=EventKFold(5), params={"groups": event}, error_score="raise"
        )
    assert len(by_id["test_score"]) == 5


def test_in_cross_validation_the_folds_inside_are_independent_of_those_around():
    every = np.arange(30_000)
    for train, _ in EventKFold(5).split(every, groups=every):
        inside = CrossFitClassifier(Recorder(), cv=5)._make_folds(None, np.zeros(len(train)), every[train], {})
        assert np.abs(np.bincount(inside, minlength=5) - len(train) / 5).max() < 5 * np.sqrt(len(train) * 0.16)


# --- errors ---


@pytest.mark.parametrize(
    ("model", "kwargs", "message"),
    [
        (CrossFitClassifier(LogisticRegression(), without_groups="mean"), {}, "'raise' or 'average'"),
        (CrossFitClassifier(LogisticRegression(), cv=KFold(3)), {"groups": np.arange(N)}, r"assign\(ids\)"),
        (CrossFitClassifier(LogisticRegression(), cv=EventKFold(3)), {}, "groups=None"),
        (CrossFitClassifier(LogisticRegression(), cv=ShuffleSplit(3)), {}, "exactly one test fold"),
        (CrossFitClassifier(LogisticRegression()), {"groups": np.zeros(N, int)}, "no event in fold"),
        (CrossFitClassifier(LogisticRegression()), {"groups": np.zeros(N)}, "float64"),
        (CrossFitClassifier(LogisticRegression()), {"groups": np.arange(N - 1)}, "inconsistent numbers"),
    ],
)
def test_bad_input_is_one_clear_error(events, model, kwargs, message):
    X, y, _, _ = events
    with pytest.raises(ValueError, match=message):
        clone(model).fit(X, y, **kwargs)


def test_a_class_that_one_fold_keeps_to_itself_is_refused(events):
    X, y, event, _ = events
    rare = y.astype(object)
    rare[event == event[0]] = "rare"
    with pytest.raises(ValueError, match="all events of class 'rare' are in fold"):
        CrossFitClassifier(LogisticRegression(), cv=3).fit(X, rare, groups=event)
