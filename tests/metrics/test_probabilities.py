"""Average precision, Brier score and calibration error: scikit-learn's for positive weights, the definition for all."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from sklearn_ml4fp import average_precision, brier, expected_calibration_error


def slow_average_precision(y, score, weight):
    total, before, area = weight[y == 1].sum(), 0.0, 0.0
    for threshold in sorted(set(score), reverse=True):
        kept = score >= threshold
        s, b = weight[kept & (y == 1)].sum(), weight[kept & (y == 0)].sum()
        purity = min(max(s / (s + b), 0.0), 1.0) if s + b > 0 else 0.0
        area += (s - before) / total * purity
        before = s
    return area


def slow_calibration_error(y, prob, weight, n_bins):
    which = np.minimum((prob * n_bins).astype(int), n_bins - 1)
    return sum(abs((weight * (y - prob))[which == k].sum()) for k in range(n_bins)) / weight.sum()


def test_positive_weights_as_in_scikit_learn(signed_events):
    y, prob, weight = signed_events
    for w in (None, np.abs(weight), np.where(weight > 1, weight, 0)):
        np.testing.assert_allclose(
            average_precision(y, prob, sample_weight=w), theirs.average_precision_score(y, prob, sample_weight=w)
        )
        np.testing.assert_allclose(brier(y, prob, sample_weight=w), theirs.brier_score_loss(y, prob, sample_weight=w))


def test_negative_weights_by_the_definition(signed_events):
    y, prob, weight = signed_events
    kwargs = {"sample_weight": weight}
    np.testing.assert_allclose(average_precision(y, prob, **kwargs), slow_average_precision(y, prob, weight))
    np.testing.assert_allclose(brier(y, prob, **kwargs), np.average((y - prob) ** 2, weights=weight))
    for n_bins in (1, 7, 10):
        np.testing.assert_allclose(
            expected_calibration_error(y, prob, n_bins=n_bins, **kwargs),
            slow_calibration_error(y, prob, weight, n_bins),
        )


@pytest.mark.parametrize("metric", [average_precision, brier, expected_calibration_error])
def test_splitting_an_event_into_signed_halves_changes_nothing(metric, signed_events):
    y, prob, weight = signed_events
    split = metric(np.r_[y, y], np.r_[prob, prob], sample_weight=np.r_[1.5 * weight, -0.5 * weight])
    np.testing.assert_allclose(split, metric(y, prob, sample_weight=weight), rtol=1e-9)


def test_purities_stay_bounded_where_the_yield_fluctuates_to_nothing():
    # above 0.8: s = 1, b = −0.999, a purity of 1000 if it were not limited
    y, score, weight = [1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6], [1, -0.999, 1, 2]
    np.testing.assert_allclose(average_precision(y, score, sample_weight=weight), 0.5 * 1 + 0.5 * 1)
    # above 0.8: s + b < 0
    weight = [-1, -0.5, 3, 2.5]
    np.testing.assert_allclose(average_precision(y, score, sample_weight=weight), -0.5 * 0 + 1.5 * 1)


def test_a_calibrated_forecast_has_little_calibration_error_and_a_shifted_one_its_shift():
    rng = np.random.default_rng(2)
    prob = rng.uniform(0, 0.8, 100_000)
    y = (rng.uniform(size=100_000) < prob).astype(int)
    weight = np.where(rng.uniform(size=100_000) < 0.2, -1.0, 1.0)
    # expected from fluctuations: 8 bins with sqrt(2/pi · var) each, about 0.006
    assert expected_calibration_error(y, prob, sample_weight=weight) < 0.012
    shifted = expected_calibration_error(y, prob + 0.1, sample_weight=weight)
    np.testing.assert_allclose(shifted, 0.1, atol=0.006)


@pytest.mark.parametrize("metric", [brier, expected_calibration_error])
def test_what_is_no_probability_is_refused(metric):
    with pytest.raises(ValueError, match=r"probabilities in \[0, 1\]; got values from -0.5 to 2"):
        metric([0, 1], [-0.5, 2.0])


def test_bins_are_counted():
    with pytest.raises(ValueError, match="n_bins must be an integer, 1 or more"):
        expected_calibration_error([0, 1], [0.1, 0.9], n_bins=0)
