"""A sampler and an estimator in one: the hold-out stays out, weights and ids arrive, pipelines and searches work."""

from collections import Counter

import numpy as np
import pytest
import sklearn
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, ShuffleSplit, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from sklearn_ml4fp import (
    DropMissingRows,
    DropOutliers,
    FeedForwardClassifier,
    PointClouds,
    Resampled,
    TransformerClassifier,
    WeightedSampler,
    ZScoreScaler,
    roc_auc_scorer,
)

LEAST_CHECKS = 50  # of scikit-learn 1.6; 1.9 has 60


@pytest.mark.parametrize(
    "model",
    [
        Resampled(RandomOverSampler(random_state=0), LogisticRegression()),
        Resampled(DropOutliers(), Ridge()),
        Resampled(
            RandomOverSampler(random_state=0),
            FeedForwardClassifier(width=16, n_layers=1, max_epochs=30, random_state=0),
        ),
    ],
    ids=lambda model: type(model.estimator).__name__,
)
def test_conformance(model):
    results = check_estimator(model, on_skip=None, on_fail=None)
    states = Counter(result["status"] for result in results)
    assert states["passed"] >= LEAST_CHECKS, states
    left = {r["check_name"]: r["exception"] for r in results if r["status"] not in ("passed", "skipped")}
    # random sampling draws other events from repeated rows than from weighted ones
    drawn = {"check_sample_weight_equivalence_on_dense_data"} if isinstance(model.sampler, RandomOverSampler) else set()
    assert left.keys() <= drawn, left


def test_gradient_boosting_of_scikit_learn_keeps_its_own_hold_out():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(200, 2)), rng.uniform(1, 2, 200)
    y = (X[:, 0] > 0).astype(int)
    X[::10, 1] = np.nan
    boosting = HistGradientBoostingClassifier(max_iter=5, early_stopping=True, random_state=0)
    model = Resampled(DropMissingRows(), boosting).fit(X, y, sample_weight=w)
    kept = ~np.isnan(X[:, 1])
    alone = clone(boosting).fit(X[kept], y[kept], sample_weight=w[kept])
    np.testing.assert_array_equal(model.predict_proba(X), alone.predict_proba(X))


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier with the interface of a network, which remembers what it was given."""

    def __init__(self, early_stopping=True, validation=0.25, random_state=0):
        self.early_stopping = early_stopping
        self.validation = validation
        self.random_state = random_state

    def fit(self, X, y, *, sample_weight=None, groups=None, X_val=None, y_val=None, sample_weight_val=None):
        self.given_ = {k: v for k, v in locals().items() if k != "self"}
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def events(n=800):
    rng = np.random.default_rng(0)
    y = (np.arange(n) % 8 == 0).astype(int)
    X = rng.normal(size=(n, 2)) + y[:, None]
    return X, y, rng.uniform(0.5, 2, n), np.arange(n) // 4


@pytest.mark.parametrize("sampler", [SMOTE(random_state=0), RandomOverSampler(random_state=0)])
@pytest.mark.parametrize("with_groups", [True, False])
def test_no_relative_of_a_training_event_is_held_out(sampler, with_groups):
    X, y, w, groups = events()
    number = np.arange(len(X))
    marked = np.column_stack([X, groups])
    model = Resampled(sampler, Recorder()).fit(marked, y, sample_weight=w, groups=groups if with_groups else None)
    given = model.estimator_.given_
    held = {tuple(row) for row in given["X_val"].tolist()}
    assert not held & {tuple(row) for row in given["X"].tolist()}
    assert 100 < len(held) < 300
    if with_groups:
        assert given["groups"] is None  # nothing is left to split by them
        kept = set(groups[number]) - set(given["X_val"][:, 2])
        assert set(given["X_val"][:, 2]).isdisjoint(kept)
        if isinstance(sampler, RandomOverSampler):
            assert set(given["X"][:, 2]).isdisjoint(given["X_val"][:, 2])
    # the hold-out is as it came, and holds its share of the rare class; the training is balanced
    rows = {tuple(row): i for i, row in enumerate(marked.tolist())}
    back = [rows[tuple(row)] for row in given["X_val"].tolist()]
    np.testing.assert_array_equal(given["y_val"], y[back])
    assert (given["y"] == 1).mean() == pytest.approx(0.5)
    # the loss that is watched has the proportions of the loss that is trained
    train = np.setdiff1d(number, back)
    for label in (0, 1):
        before = w[train][y[train] == label].sum() / w[train].sum()
        ours = given["sample_weight_val"][given["y_val"] == label] / w[back][y[back] == label]
        np.testing.assert_allclose(ours, 0.5 / before, rtol=1e-9)


def test_a_splitter_chooses_the_hold_out():
    X, y, _, groups = events()
    splitter = ShuffleSplit(1, train_size=0.5, test_size=0.25, random_state=0)  # a quarter is on neither side
    marked = np.column_stack([X, np.arange(len(X))])
    model = Resampled(RandomOverSampler(random_state=0), Recorder(validation=splitter)).fit(marked, y, groups=groups)
    train, held = next(splitter.split(X))
    np.testing.assert_array_equal(model.estimator_.given_["X_val"][:, 2], np.sort(held))
    assert set(model.estimator_.given_["X"][:, 2]) == set(train)


def test_what_is_given_is_handed_on():
    X, y, w, _ = events()
    model = Resampled(RandomUnderSampler(random_state=0), Recorder())
    model.fit(X, y, X_val=X[:5], y_val=y[:5], sample_weight_val=w[:5])
    given = model.estimator_.given_
    assert given["sample_weight"] is None
    np.testing.assert_array_equal(given["X_val"], X[:5])
    np.testing.assert_array_equal(given["sample_weight_val"], w[:5])
    assert len(given["X"]) == 200


def test_without_a_hold_out_ids_go_along():
    X, y, w, groups = events()
    model = Resampled(RandomUnderSampler(random_state=0), Recorder(early_stopping=False))
    model.fit(X, y, sample_weight=w, groups=groups)
    given = model.estimator_.given_
    assert given["X_val"] is None
    np.testing.assert_array_equal(given["groups"], groups[model.sampler_.sample_indices_])


def test_as_by_hand():
    X, y, w, _ = events()
    model = Resampled(SMOTE(random_state=0), LogisticRegression()).fit(X, y, sample_weight=w)
    X_new, y_new, w_new = WeightedSampler(sampler=SMOTE(random_state=0)).fit_resample(X, y, sample_weight=w)
    by_hand = LogisticRegression().fit(X_new, y_new, sample_weight=w_new)
    np.testing.assert_allclose(model.predict_proba(X), by_hand.predict_proba(X))
    np.testing.assert_allclose(model.decision_function(X), by_hand.decision_function(X))
    assert model.score(X, y, sample_weight=w) == by_hand.score(X, y, sample_weight=w)
    assert list(model.classes_) == [0, 1]


def test_with_a_network_in_a_pipeline_and_a_search():
    X, y, w, groups = events()
    X[5, 0] = np.nan
    network = FeedForwardClassifier(width=8, n_layers=1, max_epochs=3, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        # the sampler drops what the network refuses; predicting it is then the user's to see to
        model = make_pipeline(ZScoreScaler(), Resampled(WeightedSampler(), network))
        X[5, 0] = 0
        # a scorer: scikit-learn before 1.7 cannot hand weights to Pipeline.score
        search = GridSearchCV(model, {"resampled__estimator__lr": [1e-3, 1e-2]}, cv=2, scoring=roc_auc_scorer)
        search.fit(X, y, sample_weight=w, groups=groups)
        scores = cross_validate(model, X, y, cv=2, scoring=roc_auc_scorer, params={"sample_weight": w})
    assert search.predict(X).shape == y.shape
    assert np.isfinite(scores["test_score"]).all()


def test_regression_and_rows_that_are_dropped():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    target = X @ [1.0, -2.0]
    X[4, 1], X[9, 0] = np.nan, 1e6
    model = Resampled(DropMissingRows(), Resampled(DropOutliers(), Ridge(alpha=1e-9))).fit(X, target)
    np.testing.assert_allclose(model.estimator_.estimator_.coef_, [1, -2], atol=1e-6)
    assert clone(model).get_params()["estimator__estimator__alpha"] == 1e-9


def test_errors():
    X, y, w, groups = events()
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        Resampled(SMOTE(), KNeighborsClassifier()).fit(X, y, sample_weight=w)
    with pytest.raises(ValueError, match="Turn it round: a Pipeline with the transformers first"):
        Resampled(SMOTE(), make_pipeline(ZScoreScaler(), Ridge())).fit(X, y)
    with pytest.raises(ValueError, match="groups cannot be carried through SMOTE"):
        Resampled(SMOTE(), Recorder(early_stopping=False)).fit(X, y, groups=groups)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        Resampled(SMOTE(), Recorder()).fit(X, y[1:])


def test_point_clouds_before_a_transformer():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 5, 120)
    clouds = PointClouds(rng.normal(size=(counts.sum(), 3)), np.r_[0, np.cumsum(counts)])
    y, w = (np.arange(120) % 6 == 0).astype(int), rng.uniform(0.5, 2, 120)
    model = Resampled(RandomOverSampler(random_state=0), TransformerClassifier(max_epochs=2, random_state=0))
    model.fit(clouds, y, sample_weight=w, groups=np.arange(120))
    assert model.predict_proba(clouds).shape == (120, 2)
    assert 150 < len(model.sampler_.sample_indices_) < 200  # about 90 events of the frequent class, twice
