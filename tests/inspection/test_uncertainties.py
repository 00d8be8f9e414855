"""Displays of pulls and of coverage: the numbers behind them, weights, and every way to a prediction."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import BayesianRidge, LinearRegression, Ridge
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    CoverageDisplay,
    CrossFitRegressor,
    FeedForwardRegressor,
    PullDisplay,
    ZScoreScaler,
    interval_coverage,
    pull_moments,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2))
Y = X @ [1.0, -1.0] + RNG.normal(size=400)
WEIGHT = RNG.normal(1.0, 0.7, 400)
IDS = np.arange(400)


def labels(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_pulls_are_a_weighted_density_with_their_moments():
    mu, std = X @ [1.0, -1.0], RNG.uniform(0.8, 1.2, 400)
    display = PullDisplay.from_predictions(Y, mu, std, sample_weight=WEIGHT, bins=[-9.0, -1.0, 0.0, 9.0], name="net")
    pull = (Y - mu) / std
    for i, (low, high) in enumerate([(-9, -1), (-1, 0), (0, 9)]):
        inside = (pull >= low) & (pull < high)
        np.testing.assert_allclose(display.density[i], WEIGHT[inside].sum() / WEIGHT.sum() / (high - low))
        np.testing.assert_allclose(display.error[i], np.sqrt((WEIGHT[inside] ** 2).sum()) / WEIGHT.sum() / (high - low))
    assert display.moments == pull_moments(Y, mu, std, sample_weight=WEIGHT)
    assert f"mean {display.moments.mean:.3f} ± {display.moments.mean_error:.3f}" in labels(display)[1]
    line = display.ax_.lines[0]
    np.testing.assert_allclose(line.get_ydata(), norm.pdf(line.get_xdata()))
    again = PullDisplay.from_predictions(Y, mu, 2 * std, ax=display.ax_, name="other")
    assert labels(again)[0] == "unit Gaussian"  # drawn once
    assert len(labels(again)) == 3
    assert len(again.edges) == 41


def test_coverage_is_that_of_each_level():
    quantiles = np.sort(RNG.normal(size=(400, 3)), axis=1)
    display = CoverageDisplay.from_predictions(Y, quantiles, levels=[0.2, 0.5, 0.8], sample_weight=WEIGHT, name="net")
    wanted = interval_coverage(Y, -np.inf, quantiles, sample_weight=WEIGHT)
    np.testing.assert_array_equal((display.share, display.error), wanted)
    np.testing.assert_array_equal(display.ax_.containers[0].lines[0].get_ydata(), display.share)
    both = CoverageDisplay.from_predictions(Y, quantiles + 1, y_lower=quantiles, levels=[0.2, 0.5, 0.8], ax=display.ax_)
    np.testing.assert_array_equal(both.share, interval_coverage(Y, quantiles, quantiles + 1).share)
    assert labels(display) == ["perfect", "net"]


def test_a_model_that_is_right_has_unit_pulls_and_covers():
    model = make_pipeline(ZScoreScaler(), BayesianRidge()).fit(X, Y)
    pull = PullDisplay.from_estimator(model, X, Y)
    assert pull.moments.width == pytest.approx(1, abs=4 * pull.moments.width_error)
    coverage = CoverageDisplay.from_estimator(model, X, Y)
    assert len(coverage.levels) == 19
    assert (np.abs(coverage.share - coverage.levels) < 4 * coverage.error).all()
    few = CoverageDisplay.from_estimator(model, X, Y, levels=[0.1587, 0.8413])
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(few.share, [np.mean(mean - std >= Y), np.mean(mean + std >= Y)], atol=0.003)


@pytest.mark.parametrize("loss", ["gaussian_nll", "quantile"])
def test_networks_behind_scalers_in_folds(loss):
    small = {"width": 4, "n_layers": 1, "max_epochs": 2, "random_state": 0, "device": "cpu"}
    network = FeedForwardRegressor(loss=loss, **small, **({"quantile": (0.2, 0.7)} if loss == "quantile" else {}))
    model = CrossFitRegressor(make_pipeline(ZScoreScaler(), network), cv=2).fit(X, Y, groups=IDS)
    given = {"groups": IDS, "sample_weight": WEIGHT}
    display = CoverageDisplay.from_estimator(model, X, Y, **given)
    assert labels(display)[1] == "CrossFitRegressor"
    if loss == "quantile":
        np.testing.assert_array_equal(display.levels, [0.2, 0.7])
        upper = model.predict(X, groups=IDS)
    else:
        mean, std = model.predict(X, groups=IDS, return_std=True)
        upper = mean[:, None] + std[:, None] * norm.ppf(display.levels)
        assert PullDisplay.from_estimator(model, X, Y, **given).moments == pull_moments(
            Y, mean, std, sample_weight=WEIGHT
        )
    np.testing.assert_allclose(display.share, interval_coverage(Y, -np.inf, upper, sample_weight=WEIGHT).share)


def test_what_has_neither_width_nor_quantiles_is_refused():
    plain, two = Ridge().fit(X, Y), LinearRegression().fit(X, X)
    for display in (PullDisplay, CoverageDisplay):
        with pytest.raises(ValueError, match="return_std=True needs networks"):
            display.from_estimator(plain, X, Y)
    with pytest.raises(ValueError, match="LinearRegression predicts 2 values of an event, and no quantile="):
        CoverageDisplay.from_estimator(two, X, Y)
