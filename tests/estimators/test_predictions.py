"""What an event is predicted to be, alone, among a few and among many, with the weights that the network has now."""

import copy
import inspect
import pickle

import numpy as np
import pytest
import torch
from comparison import assert_same_predictions
from sklearn.base import is_classifier

import sklearn_ml4fp
from sklearn_ml4fp import FeedForwardClassifier
from sklearn_ml4fp.engine._predicting import _FEW

SMALL = {"width": 8, "n_layers": 2, "n_blocks": 1, "n_heads": 2, "n_neighbors": 3, "head_width": 8, "latent_width": 8}
# twelve epochs: of the outputs after a few, a millionth of their spread is hardly more than float32 resolves
TRAINING = {"n_members": 1, "max_epochs": 12, "random_state": 0, "device": "cpu"}
PUBLIC = [getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__]
BASES = (sklearn_ml4fp.NetworkEstimator, sklearn_ml4fp.NetworkClassifier, sklearn_ml4fp.NetworkRegressor)
NETWORKS = [one for one in PUBLIC if inspect.isclass(one) and issubclass(one, BASES[0]) and one not in BASES]


def outputs(fitted, X):
    return fitted.predict_proba(X) if is_classifier(fitted) else fitted.predict(X)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_among_many_alone_and_with_more_threads_the_same(network):
    """Few are predicted in float64, which scikit-learn's own tolerance (1e-7) holds for; many in float32."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(_FEW // 8 + 100, 8))
    y = (X[:, 0] > 0) if is_classifier(network()) else X[:, 0]
    shape = {"particle_features": 2} if "particle_features" in network._hyperparameters else {}
    small = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    fitted = network(**small, **shape, **TRAINING).fit(X[:300], y[:300])
    many, few = outputs(fitted, X)[:40], outputs(fitted, X[:40])
    assert_same_predictions(many, few)
    alone = np.concatenate([outputs(fitted, X[i : i + 1]) for i in range(40)])
    np.testing.assert_allclose(alone, few, rtol=1e-7, atol=1e-7)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(3 - min(2, n_threads))
    try:
        assert_same_predictions(outputs(fitted, X)[:40], few)
    finally:
        torch.set_num_threads(n_threads)


@pytest.fixture
def fitted(two_blobs):
    X, y, _ = two_blobs
    return FeedForwardClassifier(width=8, normalisation="batch", **TRAINING).fit(X, y)


def changed_in_place(module):
    module.head.weight.data.mul_(2.0)  # of which torch keeps no count


def replaced_layer(module):
    module.head = torch.nn.Linear(module.head.in_features, 2)


def moved_statistics(module):
    next(one for name, one in module.named_buffers() if name.endswith("running_mean")).add_(1.0)


@pytest.mark.parametrize("change", [changed_in_place, replaced_layer, moved_statistics])
def test_the_present_weights_predict(fitted, two_blobs, change):
    """Whatever was predicted before: of a few events, for which a copy is kept, and of many."""
    X, _, _ = two_blobs
    before = fitted.predict_proba(X)
    change(fitted.net_.module_)
    after = fitted.predict_proba(X)
    assert np.abs(after - before).max() > 1e-3
    many = fitted.predict_proba(np.tile(X, (_FEW // X.size + 1, 1)))[: len(X)]
    assert_same_predictions(after, many)


def test_no_copy_of_the_weights_is_pickled(fitted, two_blobs):
    X, _, _ = two_blobs
    size = len(pickle.dumps(fitted))
    expected = fitted.predict_proba(X[:5])
    assert len(pickle.dumps(fitted)) == size
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_allclose(again.predict_proba(X[:5]), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_arrays_that_need_no_check_are_still_checked(fitted, two_blobs, kind):
    """A plain array skips scikit-learn's checks, and none of what they would find."""
    X = two_blobs[0].astype(kind)
    with pytest.raises(ValueError, match="X has 3 features"):
        fitted.predict(X[:, :3])
    with pytest.raises(ValueError, match="2D array"):
        fitted.predict(X[0])
    with pytest.raises(ValueError, match="contains NaN"):
        fitted.predict(np.where(X > 1, np.nan, X))
    np.testing.assert_array_equal(fitted.predict(np.asfortranarray(X)), fitted.predict(X.tolist()))
