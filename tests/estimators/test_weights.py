"""Signed event weights: what must not change a fit, and what must.

Full batches and plain gradient descent, where the equivalences are exact; float32 leaves 1e-5.
"""

import numpy as np
import pytest

from sklearn_ml4fp import FeedForwardClassifier, FeedForwardRegressor

N = 120
TOLERANCE = 1e-5


def data(kind):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(N, 3)).astype(np.float32)
    signal = X[:, 0] + 0.5 * X[:, 1] ** 2 + 0.3 * rng.normal(size=N)
    return X, (signal > 0.3).astype(int) if kind is FeedForwardClassifier else signal


def prediction(kind, X, y, weight=None, **parameters):
    """Prediction, on fixed points, of a small network after thirty full-batch steps."""
    network = kind(
        width=12, n_layers=2, optimizer="sgd", momentum=0.9, lr=0.05, max_epochs=30, batch_size=10 * N,
        early_stopping=False, random_state=0, device="cpu", **parameters,
    ).fit(X, y, sample_weight=weight)  # fmt: skip
    points = np.random.default_rng(2).normal(size=(50, 3)).astype(np.float32)
    return network.predict_proba(points)[:, 1] if hasattr(network, "predict_proba") else network.predict(points)


@pytest.fixture(params=[FeedForwardClassifier, FeedForwardRegressor], ids=["classifier", "regressor"])
def kind(request):
    return request.param


def positive_weights(seed=3):
    return np.random.default_rng(seed).exponential(size=N) + 0.1


def test_weights_matter(kind):
    X, y = data(kind)
    assert np.abs(prediction(kind, X, y, positive_weights()) - prediction(kind, X, y)).max() > 0.01


@pytest.mark.parametrize("factor", [1.0, 2.0, 1e-6])
def test_equal_weights_are_no_weights(kind, factor):
    X, y = data(kind)
    np.testing.assert_allclose(
        prediction(kind, X, y, np.full(N, factor)), prediction(kind, X, y), rtol=0, atol=TOLERANCE
    )


def test_doubled_weights_change_nothing(kind):
    X, y = data(kind)
    w = positive_weights()
    np.testing.assert_allclose(prediction(kind, X, y, 2 * w), prediction(kind, X, y, w), rtol=0, atol=TOLERANCE)


def test_zero_weight_is_a_removed_event(kind):
    X, y = data(kind)
    w = positive_weights()
    w[::3] = 0
    kept = w > 0
    np.testing.assert_allclose(
        prediction(kind, X, y, w), prediction(kind, X[kept], y[kept], w[kept]), rtol=0, atol=TOLERANCE
    )


def test_an_integer_weight_is_a_repeated_event(kind):
    X, y = data(kind)
    w = np.random.default_rng(4).integers(1, 4, size=N)
    np.testing.assert_allclose(
        prediction(kind, X, y, w), prediction(kind, X.repeat(w, 0), y.repeat(w)), rtol=0, atol=TOLERANCE
    )


def test_a_cancelling_pair_of_equal_events_changes_nothing(kind):
    X, y = data(kind)
    w = positive_weights()
    X2, y2 = np.vstack([X, X[:20], X[:20]]), np.concatenate([y, y[:20], y[:20]])
    w2 = np.concatenate([w, np.full(20, 0.7), np.full(20, -0.7)])
    np.testing.assert_allclose(prediction(kind, X2, y2, w2), prediction(kind, X, y, w), rtol=0, atol=TOLERANCE)


def test_splitting_an_event_into_signed_parts_changes_nothing(kind):
    X, y = data(kind)
    w = positive_weights()
    X2, y2, w2 = np.vstack([X, X]), np.concatenate([y, y]), np.concatenate([1.5 * w, -0.5 * w])
    np.testing.assert_allclose(prediction(kind, X2, y2, w2), prediction(kind, X, y, w), rtol=0, atol=TOLERANCE)


def test_balanced_class_weight_is_the_stated_formula():
    X, y = data(FeedForwardClassifier)
    w = positive_weights()
    w[::7] *= -1
    sums = np.array([w[y == 0].sum(), w[y == 1].sum()])
    stated = w * (sums.sum() / (2 * sums))[y]
    np.testing.assert_allclose(
        prediction(FeedForwardClassifier, X, y, w, class_weight="balanced"),
        prediction(FeedForwardClassifier, X, y, stated),
        rtol=0, atol=TOLERANCE,
    )  # fmt: skip


def test_class_weight_dict_multiplies_the_event_weights():
    X, y = data(FeedForwardClassifier)
    w = positive_weights()
    np.testing.assert_allclose(
        prediction(FeedForwardClassifier, X, y, w, class_weight={0: 1.0, 1: 3.0}),
        prediction(FeedForwardClassifier, X, y, w * np.array([1.0, 3.0])[y]),
        rtol=0, atol=TOLERANCE,
    )  # fmt: skip


def test_the_validation_loss_is_weighted():
    """The recorded validation loss, against its definition: mean of (w/w̄)·loss, w̄ from the training part."""
    X, y = data(FeedForwardClassifier)
    w, wv = positive_weights(), positive_weights(5)
    wv[::4] *= -1
    network = FeedForwardClassifier(width=8, max_epochs=1, random_state=0, device="cpu", early_stopping=False)
    network.fit(X, y, sample_weight=w, X_val=X, y_val=y, sample_weight_val=wv)
    losses = -network.predict_log_proba(X)[np.arange(N), y]
    assert network.history_["valid_loss"][0] == pytest.approx((wv / w.mean() * losses).mean(), rel=1e-5)


def test_the_validation_weights_include_the_class_weights():
    X, y = data(FeedForwardClassifier)
    network = FeedForwardClassifier(
        width=8, max_epochs=1, random_state=0, device="cpu", early_stopping=False, class_weight={0: 1.0, 1: 5.0}
    )
    network.fit(X, y, X_val=X, y_val=y)
    factors = np.array([1.0, 5.0])[y]
    losses = -network.predict_log_proba(X)[np.arange(N), y]
    assert network.history_["valid_loss"][0] == pytest.approx((factors / factors.mean() * losses).mean(), rel=1e-5)


def test_a_fit_with_flipped_signs_is_like_one_on_the_effective_number_of_events():
    """A fraction 0.2 of signs flipped at random leaves N_eff = (1 − 2·0.2)² N = 0.36 N events' worth of power."""
    rng = np.random.default_rng(6)

    def events(n):
        X = rng.normal(size=(n, 5))
        return X, (X[:, 0] * X[:, 1] + 0.5 * X[:, 2] + rng.normal(size=n) > 0).astype(int)

    X_test, y_test = events(20_000)
    scores = {"all": [], "flipped": [], "0.36 N": []}
    for seed in range(5):
        X, y = events(6_000)
        signs = np.where(rng.random(6_000) < 0.2, -1.0, 1.0) / (1 - 2 * 0.2)
        network = FeedForwardClassifier(width=16, n_layers=2, random_state=seed, device="cpu")
        for name, n, weights in (("all", 6_000, None), ("flipped", 6_000, signs), ("0.36 N", 2_160, None)):
            network.fit(X[:n], y[:n], sample_weight=weights)
            scores[name].append(auc(network.predict_proba(X_test)[:, 1], y_test))
    mean = {name: np.mean(values) for name, values in scores.items()}
    spread = np.hypot(np.std(scores["flipped"], ddof=1), np.std(scores["0.36 N"], ddof=1))
    # two standard errors of the difference of two means of five, the seed-to-seed spread being the error
    assert abs(mean["flipped"] - mean["0.36 N"]) < 2 * spread / np.sqrt(5)
    assert mean["all"] > mean["flipped"] + spread / np.sqrt(5)  # the comparison can tell sample sizes apart


def auc(score, y):
    ranks = score.argsort().argsort() + 1
    n1 = y.sum()
    return (ranks[y == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(y) - n1))
