"""num_embedding= of the networks for tables: what it learns from the events, from which, and that it helps."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ml4fp import (
    DenseNetRegressor,
    FeedForwardClassifier,
    FeedForwardRegressor,
    ResNetClassifier,
    load_model,
    save_model,
    search_space,
)
from sklearn_ml4fp.estimators._number_inputs import bin_edges
from sklearn_ml4fp.nn import NUM_EMBEDDINGS

N = 240
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3)).astype(np.float32)
WAVE = (np.sin(5 * X[:, 0]) > 0).astype(int)
TARGET = X[:, 0] + 0.5 * X[:, 1] ** 2
QUICK = {"width": 12, "n_layers": 1, "embedding_width": 4, "device": "cpu", "random_state": 0}
KINDS = pytest.mark.parametrize("kind", NUM_EMBEDDINGS)


def prediction(X, y, weight=None, **parameters):
    """Predictions on fixed points, after full-batch steps of plain gradient descent."""
    settings = {**QUICK, "optimizer": "sgd", "lr": 0.02, "max_epochs": 20, "batch_size": 9 * N, "early_stopping": False}
    points = np.random.default_rng(2).normal(size=(50, 3)).astype(np.float32)
    return FeedForwardRegressor(**{**settings, **parameters}).fit(X, y, sample_weight=weight).predict(points)


@KINDS
def test_a_zero_weight_is_a_removed_event(kind):
    w = np.random.default_rng(3).exponential(size=N) + 0.1
    w[::3] = 0
    spoiled = X.copy()
    spoiled[::3] *= 10  # far outside of the quantiles of the others
    ours = prediction(spoiled, TARGET, w, num_embedding=kind)
    assert_allclose(ours, prediction(X[w > 0], TARGET[w > 0], w[w > 0], num_embedding=kind), rtol=0, atol=1e-5)


@KINDS
def test_a_cancelling_pair_changes_nothing(kind):
    """Also where no other event is: it moves no quantile."""
    w = np.random.default_rng(3).exponential(size=N) + 0.1
    pair = np.full((1, 3), 5.0, dtype=np.float32)
    X2, y2, w2 = np.vstack([X, pair, pair]), np.append(TARGET, [1.0, 1.0]), np.append(w, [0.7, -0.7])
    ours = prediction(X2, y2, w2, num_embedding=kind)
    assert_allclose(ours, prediction(X, TARGET, w, num_embedding=kind), rtol=0, atol=1e-4)


def test_edges_are_weighted_quantiles():
    x, w = X[:, 0].astype(np.float64), np.random.default_rng(4).integers(1, 5, N)
    edges = bin_edges(x, w.astype(float), 10)
    assert_array_equal(edges, bin_edges(np.repeat(x, w), None, 10))
    assert_array_equal(edges, np.quantile(np.repeat(x, w), np.linspace(0, 1, 11), method="inverted_cdf"))
    assert_array_equal(bin_edges(np.append(x, x), np.append(1.5 * w, -0.5 * w), 10), edges)
    assert bin_edges(np.ones(20), None, 10).tolist() == [1.0]
    assert bin_edges(np.arange(20) % 2.0, None, 10).tolist() == [0.0, 1.0]


def test_edges_come_from_the_training_part():
    val = 100 * X[:50]
    network = FeedForwardRegressor(**QUICK, num_embedding="piecewise", max_epochs=1)
    network.fit(X, TARGET, X_val=val, y_val=TARGET[:50])
    assert [one[-1] for one in network._fitted.input._edges] == X.max(0).tolist()
    held = FeedForwardRegressor(**QUICK, num_embedding="piecewise", max_epochs=1, validation=0.5).fit(X, TARGET)
    assert any(one[-1] < most for one, most in zip(held._fitted.input._edges, X.max(0), strict=True))


@KINDS
def test_a_network_sees_a_wave_that_it_would_not_see_without(kind):
    settings = {**QUICK, "width": 32, "max_epochs": 60, "lr": 0.005, "batch_size": 32, "early_stopping": False}
    without = FeedForwardClassifier(**settings).fit(X[:180], WAVE[:180]).score(X[180:], WAVE[180:])
    embedded = FeedForwardClassifier(**settings, num_embedding=kind, frequency_scale=0.5).fit(X[:180], WAVE[:180])
    assert embedded.score(X[180:], WAVE[180:]) > max(without, 0.8)


@KINDS
@pytest.mark.parametrize("kind_of_network", [ResNetClassifier, DenseNetRegressor], ids=["ResNet", "DenseNet"])
def test_other_networks_of_tables_have_it_and_a_model_file_keeps_it(kind, kind_of_network, tmp_path):
    network = kind_of_network(width=8, n_blocks=1, num_embedding=kind, embedding_width=4, max_epochs=1, random_state=0)
    network.fit(X, WAVE)
    assert network.net_.module_.embedding is not None
    save_model(network, tmp_path / "model.skops")
    assert_array_equal(load_model(tmp_path / "model.skops").predict(X), network.predict(X))


def test_images_have_no_columns():
    with pytest.raises(ValueError, match=r"num_embedding='periodic' embeds the columns .* images of shape \(1, 5, 5\)"):
        ResNetClassifier(num_embedding="periodic").fit(np.zeros((20, 5, 5)), np.arange(20) % 2)


def test_a_search_looks_at_the_embedding_of_tables_and_not_of_images_unasked():
    assert set(search_space(FeedForwardClassifier())["num_embedding"].categories) == {None, *NUM_EMBEDDINGS}
    assert not {"num_embedding", "n_bins"} & set(search_space(ResNetClassifier()))
    asked = search_space(ResNetClassifier(), override={"num_embedding": [None, "piecewise"], "n_bins": (8, 32)})
    assert {"num_embedding", "n_bins"} <= set(asked)
