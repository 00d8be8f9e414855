"""Point clouds through scikit-learn's tools: the same numbers as with the table made beforehand."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import BayesSearchCV, EventKFold, ParticleWise, PointClouds, ToList


def make_data(n=200):
    """Two classes that differ in the number of points and their first feature."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    counts = rng.poisson(3 + 3 * y)
    counts[0] = 0
    values = rng.normal(size=(counts.sum(), 2))
    values[:, 0] += np.repeat(0.3 * y, counts)
    X = PointClouds(values, np.concatenate([[0], np.cumsum(counts)]), ["a", "b"])
    return X, y, np.repeat(np.arange(n // 4), 4)


X, Y, GROUPS = make_data()
TABLE = ToList(4).fit_transform(X)
# A fixed seed: HistGradientBoosting draws one even where it does not subsample.
TREES = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, random_state=0)
MODEL = make_pipeline(ToList(4), TREES)


def test_train_test_split():
    parts = train_test_split(X, TABLE, Y, test_size=0.3, random_state=0, stratify=Y)
    assert len(parts[0]) == 140
    np.testing.assert_array_equal(ToList(4).fit_transform(parts[0]), parts[2])
    np.testing.assert_array_equal(ToList(4).fit_transform(parts[1]), parts[3])


@pytest.mark.parametrize("cv", [GroupKFold(4), EventKFold(4), 3])
def test_cross_validation(cv):
    groups = None if cv == 3 else GROUPS
    ours = cross_validate(MODEL, X, Y, groups=groups, cv=cv, return_indices=True)
    table = cross_validate(TREES, TABLE, Y, groups=groups, cv=cv, return_indices=True)
    np.testing.assert_array_equal(ours["test_score"], table["test_score"])
    for a, b in zip(ours["indices"]["test"], table["indices"]["test"], strict=True):
        np.testing.assert_array_equal(a, b)


def test_grid_search_reaches_into_the_representation():
    search = GridSearchCV(MODEL, {"tolist__n_points": [1, 4]}, cv=3).fit(X, Y)
    four = cross_validate(TREES, TABLE, Y, cv=3)["test_score"].mean()
    assert search.cv_results_["mean_test_score"][1] == four
    assert search.predict(X[:5]).shape == (5,)


def test_bayesian_search():
    settings = {"n_iter": 3, "cv": 3, "random_state": 0}
    name = "histgradientboostingclassifier__learning_rate"
    ours = BayesSearchCV(MODEL, {name: (0.01, 0.5)}, **settings).fit(X, Y, groups=GROUPS)
    table = BayesSearchCV(TREES, {"learning_rate": (0.01, 0.5)}, **settings).fit(TABLE, Y, groups=GROUPS)
    np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], table.cv_results_["mean_test_score"])
    assert ours.predict(X[:3]).shape == (3,)


def fit(*steps):
    return make_pipeline(*(clone(step) for step in steps)).fit(X, Y)


def test_voting():
    one = make_pipeline(ToList(1), clone(TREES))
    vote = VotingClassifier([("four", MODEL), ("one", one)], voting="soft").fit(X, Y)
    expected = (fit(ToList(4), TREES).predict_proba(X) + fit(ToList(1), TREES).predict_proba(X)) / 2
    np.testing.assert_allclose(vote.predict_proba(X), expected)


def test_longer_pipelines():
    """Trees see no difference when a column is scaled."""
    scaled = fit(ParticleWise(StandardScaler()), ToList(4), TREES)
    np.testing.assert_allclose(scaled.predict_proba(X), fit(ToList(4), TREES).predict_proba(X))


def test_parallel_jobs():
    scores = cross_validate(MODEL, X, Y, cv=3, n_jobs=2)["test_score"]
    np.testing.assert_array_equal(scores, cross_validate(TREES, TABLE, Y, cv=3)["test_score"])
