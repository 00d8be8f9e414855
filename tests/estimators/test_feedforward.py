"""The feed-forward estimators as a user of scikit-learn meets them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from comparison import assert_same_predictions
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_ml4fp import EventKFold, FeedForwardClassifier, FeedForwardRegressor, roc_auc_scorer

SMALL = {"width": 16, "n_layers": 2, "max_epochs": 8, "random_state": 0, "device": "cpu"}


def small(**parameters):
    return FeedForwardClassifier(**{**SMALL, **parameters})


# --- learning -------------------------------------------------------------------------------------------------------


def test_it_learns_what_a_linear_model_cannot():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2))
    y = np.where(X[:, 0] * X[:, 1] > 0, "signal", "background")
    network = small(max_epochs=40).fit(X[:2000], y[:2000])
    assert network.classes_.tolist() == ["background", "signal"]
    assert network.score(X[2000:], y[2000:]) > 0.9  # a linear model has 0.5


def test_a_regression_learns_targets_of_any_unit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 2))
    Y = np.column_stack([1e5 * np.sin(X[:, 0]) + 7e5, 1e-4 * X[:, 1] ** 2])  # two targets, nine decades apart
    network = FeedForwardRegressor(**{**SMALL, "max_epochs": 60}).fit(X[:1500], Y[:1500])
    assert network.predict(X).dtype == np.float64
    residual = ((network.predict(X[1500:]) - Y[1500:]) ** 2).mean(axis=0) / Y[1500:].var(axis=0)
    assert (residual < 0.1).all()


def test_the_shape_of_y_is_the_shape_of_the_prediction(two_blobs):
    X, y, _ = two_blobs
    one = FeedForwardRegressor(**SMALL).fit(X, y.astype(float))
    assert one.predict(X).shape == (400,)
    two = FeedForwardRegressor(**SMALL).fit(X, np.column_stack([y, -y]).astype(float))
    assert two.predict(X).shape == (400, 2)
    np.testing.assert_allclose(
        FeedForwardRegressor(**SMALL).fit(X, y[:, None].astype(float)).predict(X)[:, 0], one.predict(X)
    )


def test_a_constant_target_is_predicted():
    """A target without spread is learned in its own unit, not in units of its standard deviation, which is zero."""
    X = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_allclose(FeedForwardRegressor(**SMALL).fit(X, np.full(50, 91.19)).predict(X), 91.19, atol=1)


def test_probabilities(two_blobs):
    X, y, _ = two_blobs
    three = np.where(X[:, 0] > 1.5, 2, y)
    network = small().fit(X, three)
    p = network.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(np.log(p), network.predict_log_proba(X), rtol=1e-9)
    np.testing.assert_array_equal(network.classes_[p.argmax(axis=1)], network.predict(X))
    two = small().fit(X, y)
    q = two.predict_proba(X)
    np.testing.assert_allclose(two.decision_function(X), np.log(q[:, 1] / q[:, 0]), rtol=1e-6, atol=1e-9)


# --- scikit-learn's habits --------------------------------------------------------------------------------------------


def test_pandas_polars_and_arrays_give_the_same_fit(two_blobs):
    X, y, _ = two_blobs
    names = ["pt", "eta", "phi", "m"]
    expected = small().fit(X, y).predict_proba(X)
    for frame, target in ((pd.DataFrame(X, columns=names), pd.Series(y)), (pl.DataFrame(X, names), pl.Series(y))):
        network = small().fit(frame, target)
        assert network.feature_names_in_.tolist() == names
        np.testing.assert_array_equal(network.predict_proba(frame), expected)


def test_behind_a_pipeline_that_outputs_frames(two_blobs):
    X, y, _ = two_blobs
    pipeline = make_pipeline(StandardScaler(), small()).set_output(transform="pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    assert pipeline.fit(frame, y).score(frame, y) > 0.7
    assert pipeline[-1].feature_names_in_.tolist() == list("abcd")


def test_a_prediction_does_not_depend_on_its_company(two_blobs):
    X, y, _ = two_blobs
    network = small(width=100).fit(X, y)
    alone = np.vstack([network.predict_proba(row[None]) for row in X[:20]])
    assert_same_predictions(alone, network.predict_proba(X)[:20])


def test_grid_search_with_groups_and_weights(two_blobs):
    X, y, event = two_blobs
    search = GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("network", small())]), {"network__width": [8, 16]}, cv=GroupKFold(3)
    )
    search.fit(X, y, groups=event, network__sample_weight=np.ones(len(y)), network__groups=event)
    assert search.best_score_ > 0.75


def test_cross_validate_routes_weights_and_ids(two_blobs, routing):
    """With metadata routing on, weights reach fit and score, and ids the splitter and the hold-out, by default."""
    X, y, event = two_blobs
    w = np.random.default_rng(0).exponential(size=len(y))
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), small())
    scores = cross_validate(
        pipeline, X, y, cv=EventKFold(3), scoring=roc_auc_scorer, params={"sample_weight": w, "groups": event}
    )["test_score"]
    for (train, test), score in zip(EventKFold(3).split(X, y, event), scores, strict=True):
        scaler = StandardScaler().fit(X[train], sample_weight=w[train])
        network = small().fit(scaler.transform(X[train]), y[train], sample_weight=w[train], groups=event[train])
        assert score == roc_auc_scorer(network, scaler.transform(X[test]), y[test], sample_weight=w[test])


# --- going on ---------------------------------------------------------------------------------------------------------


def test_warm_start_goes_on_from_the_weights(two_blobs):
    X, y, _ = two_blobs
    network = small(warm_start=True, early_stopping=False, max_epochs=3).fit(X, y)
    before = network.history_["train_loss"][-1]
    network.fit(X, y)
    assert len(network.history_["epoch"]) == 6
    assert network.n_iter_ == 3
    assert network.history_["train_loss"][3] < before
    assert len(small(max_epochs=3).fit(X, y).fit(X, y).history_["epoch"]) == 3


def test_partial_fit_is_one_epoch_a_call(two_blobs):
    """Full batches: three calls of partial_fit are three steps of one optimiser, as in one fit of three epochs."""
    X, y, _ = two_blobs
    parameters = {"early_stopping": False, "batch_size": 400, "max_epochs": 3}
    streamed = small(**parameters)
    for _ in range(3):
        streamed.partial_fit(X, y, classes=[0, 1])
    np.testing.assert_allclose(
        streamed.predict_proba(X), small(**parameters).fit(X, y).predict_proba(X), rtol=0, atol=1e-5
    )
    assert streamed.n_iter_ == 3


def test_partial_fit_keeps_the_first_unit_of_weight(two_blobs):
    """Twice the weights in a later call are a step twice as large: the mean weight is fixed at the first call."""
    X, y, _ = two_blobs
    parameters = {"early_stopping": False, "batch_size": 400, "optimizer": "sgd"}

    def weights_after(factor, lr):
        network = small(**parameters).partial_fit(X, y, classes=[0, 1], sample_weight=np.ones(400))
        network.net_.set_params(lr=lr)
        network.partial_fit(X, y, sample_weight=np.full(400, factor))
        return network.predict_proba(X)

    np.testing.assert_allclose(weights_after(2.0, 0.1), weights_after(1.0, 0.2), rtol=0, atol=1e-6)
    assert np.abs(weights_after(2.0, 0.1) - weights_after(1.0, 0.1)).max() > 1e-4


def test_partial_fit_takes_parts_that_lack_a_class(two_blobs):
    X, y, _ = two_blobs
    network = small().partial_fit(X[y == 0], y[y == 0], classes=[0, 1]).partial_fit(X[y == 1], y[y == 1])
    assert network.predict_proba(X).shape == (400, 2)


def test_partial_fit_of_a_regressor(two_blobs):
    X, _, _ = two_blobs
    network = FeedForwardRegressor(**SMALL)
    for _ in range(30):
        network.partial_fit(X, 100.0 * X[:, 0])
    assert network.score(X, 100.0 * X[:, 0]) > 0.8


# --- reproducibility --------------------------------------------------------------------------------------------------


def test_four_fits_at_once_equal_the_fits_alone(two_blobs):
    X, y, _ = two_blobs
    networks = [small(random_state=seed, dropout=0.2) for seed in range(4)]
    alone = [network.fit(X, y).predict_proba(X) for network in networks]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda network: network.fit(X, y).predict_proba(X), networks))
    np.testing.assert_array_equal(at_once, alone)
    assert not np.array_equal(alone[0], alone[1])


def test_torchs_global_random_state_is_neither_used_nor_touched(two_blobs):
    X, y, _ = two_blobs
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = small(dropout=0.3).fit(X, y).predict_proba(X)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    np.testing.assert_array_equal(small(dropout=0.3).fit(X, y).predict_proba(X), first)


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_bad_column_is_named(two_blobs, value):
    X, y, _ = two_blobs
    bad = pd.DataFrame(X.copy(), columns=["pt", "eta", "phi", "m"])
    fitted = small().fit(bad, y)
    bad.loc[3, "phi"] = value
    for call in (
        lambda: small().fit(bad, y),
        lambda: fitted.predict(bad),
        lambda: small().fit(X, y, X_val=bad.to_numpy(), y_val=y),
    ):
        with pytest.raises(ValueError, match=r"expected finite numbers, got 1 such values in the column ('phi'|2)"):
            call()


def fit_with(two_blobs, *, y=None, **arguments):
    X, labels, _ = two_blobs
    return small().fit(X, labels if y is None else y, **arguments)


def a_class_of_negative_weight():
    return np.where(np.arange(400) % 2, 2.0, -0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": np.zeros(400)}, "Expected at least two classes in y, got one class: "),
        ({"groups": np.arange(400.0)}, "integers .* or strings"),
        ({"groups": np.where(np.arange(400) == 7, np.nan, 1)}, "event ids"),
        ({"groups": np.arange(399)}, "groups has 399 entries, expected 400"),
        ({"groups": np.zeros(400, dtype=int)}, "early stopping is empty: n_samples=400 in 1 groups"),
        (
            {"sample_weight": a_class_of_negative_weight()},
            "class 0 sum to .* expected a positive sum in every",
        ),
        ({"sample_weight": -np.ones(400)}, "expected a positive sum of weights"),
        ({"sample_weight": np.ones(3)}, r"sample_weight.shape == \(3,\), expected \(400,\)"),
        ({"X_val": np.zeros((2, 4))}, "fit got X_val alone"),
        ({"y_val": np.zeros(2)}, "fit got y_val alone"),
        ({"sample_weight_val": np.ones(2)}, "sample_weight_val without X_val and y_val"),
        ({"X_val": np.zeros((2, 3)), "y_val": [0, 1]}, "X has 3 features, but FeedForwardClassifier is expecting 4"),
        ({"X_val": np.zeros((2, 4)), "y_val": [0, 5]}, r"labels that are not among the classes \[0 1\]: \[5\]"),
    ],
)
def test_one_clear_error(two_blobs, arguments, message):
    with pytest.raises(ValueError, match=message):
        fit_with(two_blobs, **arguments)


def test_a_wrong_number_of_columns(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match="X has 3 features, but FeedForwardClassifier is expecting 4 features"):
        small().fit(X, y).predict(X[:, :3])


def test_an_unknown_device(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match="device='tpu9' cannot be used: expected 'auto', 'cpu'"):
        small(device="tpu9").fit(X, y)


def test_partial_fit_errors(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match="needs classes= in its first call"):
        small().partial_fit(X, y)
    with pytest.raises(ValueError, match="differs from that of the first call"):
        small().partial_fit(X, y, classes=[0, 1]).partial_fit(X, y, classes=[0, 2])
    with pytest.raises(ValueError, match='class_weight="balanced" needs the sums of weights of all data'):
        small(class_weight="balanced").partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"labels that are not among the classes \[0 1\]: \[2\]"):
        small().partial_fit(X, 2 * y, classes=[0, 1])
    with pytest.raises(ValueError, match="y has 2 targets, expected 1"):
        FeedForwardRegressor(**SMALL).partial_fit(X, y).partial_fit(X, np.column_stack([y, y]))


def test_a_learning_rate_that_diverges_at_once_is_an_error(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(FloatingPointError, match=r"diverged: expected a finite loss, got .*learning rate is 1e\+30"):
        small(optimizer="sgd", lr=1e30, activation="relu").fit(1e3 * X, y)


def test_a_later_divergence_goes_back_to_the_best_weights(two_blobs):
    X, y, _ = two_blobs

    class RaiseTheRate(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                net.set_params(lr=1e30)

    network = small(early_stopping=False, max_epochs=9, optimizer="sgd", lr=1e-2, callbacks=[RaiseTheRate()])
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 3; the weights of epoch 2"):
        network.fit(X, y)
    reference = small(early_stopping=False, max_epochs=2, optimizer="sgd", lr=1e-2).fit(X, y)
    np.testing.assert_array_equal(network.predict_proba(X), reference.predict_proba(X))
