"""scaling= of the networks for tables: against AutoScaler and its formula, with weights, and from the training part."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ml4fp import (
    AutoScaler,
    FeedForwardClassifier,
    FeedForwardRegressor,
    ResNetClassifier,
    TabMRegressor,
    TrainingWarning,
    load_model,
    save_model,
)
from sklearn_ml4fp.estimators._column_scaling import SCALINGS
from sklearn_ml4fp.estimators._number_inputs import NumberInput

N = 300
RNG = np.random.default_rng(0)
X = np.column_stack(
    [
        RNG.uniform(100, 200, N),
        RNG.normal(-50, 3, N),
        1000 * RNG.lognormal(0, 1.5, N),
        300 * RNG.standard_t(1, N),
        np.full(N, 7.0),
        RNG.integers(0, 2, N),
    ]
).astype(np.float32)
Y = (X[:, 1] + np.log(X[:, 2]) > -43).astype(int)
W = RNG.normal(1, 0.7, N)
QUICK = {"width": 8, "n_layers": 1, "max_epochs": 2, "random_state": 0, "device": "cpu"}
KINDS = pytest.mark.parametrize("kind", SCALINGS)


def learned(kind, X, weights=None, **choices):
    events = NumberInput(scaling=kind, **choices)
    events.look(X, weights)
    events.learn()
    return events


@pytest.mark.parametrize("weights", [None, W], ids=["unweighted", "signed"])
def test_auto_is_auto_scaler(weights):
    scaler = AutoScaler().fit(X.astype(float), sample_weight=weights)
    assert {"min-max", "z-score", "log", "symlog"} == set(scaler.scalings_)
    wide = np.concatenate([X, 0.5 * X])
    assert_allclose(learned("auto", X, weights)._scaled(wide), scaler.transform(wide), rtol=1e-4, atol=1e-4)


def test_robust_is_its_formula():
    found = learned("robust", X)._scaled(3 * X)
    low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")
    width = np.where(high > low, high - low, (X.max(0) - X.min(0)) / 2)
    z = (3 * X - middle) * np.divide(1, width, out=np.zeros_like(width), where=width > 0)
    assert_allclose(found, z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-4, atol=1e-4)
    assert np.abs(found).max() <= 3


@KINDS
def test_weights_enter_as_repeated_removed_and_cancelling_events(kind):
    n = RNG.integers(0, 3, N)
    weighted = learned(kind, X, n.astype(float))._scaled(X)
    assert_allclose(weighted, learned(kind, np.repeat(X, n, axis=0))._scaled(X), rtol=1e-4, atol=1e-4)
    far = np.vstack([X, np.full((1, 6), 1e6, dtype=np.float32)])
    plain = learned(kind, X, np.ones(N))._scaled(X)
    assert_allclose(learned(kind, far, np.append(np.ones(N), 0.0))._scaled(X), plain, rtol=1e-4, atol=1e-4)


def test_edges_of_a_piecewise_embedding_are_those_of_scaled_columns():
    events = learned("robust", X, num_embedding="piecewise", n_bins=8)
    assert [one[-1] for one in events._edges] == events._scaled(X).max(0).tolist()


@KINDS
def test_it_is_learned_from_the_training_part(kind):
    network = FeedForwardRegressor(**QUICK, scaling=kind).fit(X, X[:, 0], X_val=100 * X, y_val=X[:, 0])
    assert_array_equal(network._fitted.input._scaling["shift"], learned(kind, X)._scaling["shift"])


def test_columns_as_they_are_need_no_scaler():
    """Without a scaling the same network sees columns of thousands, of which it warns, and learns nothing."""
    settings = {**QUICK, "width": 32, "max_epochs": 30, "batch_size": 32, "lr": 0.01}
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        scaled = [FeedForwardClassifier(**settings, scaling=kind).fit(X, Y).score(X, Y) for kind in SCALINGS]
    with pytest.warns(TrainingWarning, match="Columns of X are far"):
        assert FeedForwardClassifier(**settings).fit(X, Y).score(X, Y) < min(scaled) - 0.1


@KINDS
@pytest.mark.parametrize("network", [ResNetClassifier, TabMRegressor], ids=lambda one: one.__name__)
def test_other_networks_of_tables_have_it_and_a_model_file_keeps_it(network, kind, tmp_path):
    small = {"k": 2} if network is TabMRegressor else {"n_blocks": 1}
    settings = {name: value for name, value in QUICK.items() if name in network._hyperparameters}
    model = network(**{**settings, **small}, scaling=kind).fit(X, Y)
    save_model(model, tmp_path / "model.skops")
    assert_array_equal(load_model(tmp_path / "model.skops").predict(X), model.predict(X))


def test_a_negative_value_in_a_column_of_a_logarithm_counts_as_zero():
    model = FeedForwardRegressor(**QUICK, scaling="auto").fit(X, X[:, 0])
    negative, zero = X.copy(), X.copy()
    negative[:, 2], zero[:, 2] = -5.0, 0.0
    assert_array_equal(model.predict(negative), model.predict(zero))


def test_images_have_no_columns():
    with pytest.raises(ValueError, match=r"scaling='robust' scales the columns .* images of shape \(1, 5, 5\)"):
        ResNetClassifier(scaling="robust").fit(np.zeros((20, 5, 5)), np.arange(20) % 2)
