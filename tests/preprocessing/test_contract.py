"""What every transformer of point clouds must do; scikit-learn's own checks know only tables."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import JetConstituentFeatures, ParticleWise, PointClouds, ToImage, ToList, ToSet

TRANSFORMERS = [
    ToList(3, order_by="pt"),
    ToSet(),
    ToImage(5),
    JetConstituentFeatures(),
    ParticleWise(StandardScaler()),
]
RNG = np.random.default_rng(0)
COUNTS = RNG.integers(1, 8, 50)
X = PointClouds(
    np.stack([RNG.uniform(1, 9, COUNTS.sum()), *RNG.normal(0, 0.1, (2, COUNTS.sum()))], axis=1),
    np.concatenate([[0], np.cumsum(COUNTS)]),
    ["pt", "y", "phi"],
    event_values=RNG.normal(size=(50, 1)),
    event_names=["met"],
)
each = pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda one: type(one).__name__)


def same(a, b):
    return a == b if isinstance(a, PointClouds) else np.array_equal(a, b, equal_nan=True)


@each
def test_fit_keeps_parameters_and_data(transformer):
    data, ours = copy.deepcopy(X), clone(transformer)
    assert ours.fit(data) is ours
    first = ours.transform(data)
    assert data == X
    assert repr(ours.get_params()) == repr(transformer.get_params())
    assert same(first, ours.transform(data))
    assert same(first, clone(transformer).fit_transform(data))


@each
def test_a_row_does_not_depend_on_the_others(transformer):
    fitted = clone(transformer).fit(X)
    chosen = np.random.default_rng(1).permutation(len(X))[:20]
    assert same(fitted.transform(X[chosen]), fitted.transform(X)[chosen])


@each
def test_pickle(transformer):
    fitted = clone(transformer).fit(X)
    assert same(pickle.loads(pickle.dumps(fitted)).transform(X), fitted.transform(X))


@each
def test_not_fitted(transformer):
    with pytest.raises(NotFittedError):
        clone(transformer).transform(X)
    if not isinstance(transformer, ToImage):  # pixels have no names
        with pytest.raises(NotFittedError):
            clone(transformer).get_feature_names_out()


@each
def test_a_table_is_refused(transformer):
    with pytest.raises(TypeError, match="expected point clouds"):
        clone(transformer).fit(np.ones((5, 3)))


@pytest.mark.parametrize("transformer", [ToList(3), ToSet()], ids=lambda one: type(one).__name__)
def test_whatever_holds_point_clouds(transformer):
    bare = PointClouds(X.values, X.offsets)
    expected = transformer.fit_transform(bare)
    for data in (list(bare), bare.to_padded()[0], bare.to_awkward()):
        assert same(transformer.fit_transform(data), expected)
