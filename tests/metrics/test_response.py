"""Bias and resolution of a regression against numpy's quantiles and hand-worked cases."""

import numpy as np
import pytest

from sklearn_ml4fp import response_bias, response_resolution
from sklearn_ml4fp._distributions import weighted_quantile

QUANTILES = [0.05, 0.158655, 0.5, 0.841345, 1.0]


def test_whole_weights_are_repetitions_as_in_numpy():
    rng = np.random.default_rng(0)
    values, weight = np.round(rng.normal(size=200), 1), rng.integers(0, 4, 200)
    wanted = np.quantile(np.repeat(values, weight), QUANTILES, method="inverted_cdf")
    np.testing.assert_array_equal(weighted_quantile(values, QUANTILES, weight.astype(float)), wanted)


def test_negative_weights_by_the_definition():
    rng = np.random.default_rng(1)
    values, weight = np.round(rng.normal(size=100), 1), rng.normal(1, 1, 100)
    for q, made in zip(QUANTILES, weighted_quantile(values, QUANTILES, weight), strict=True):
        reached = [t for t in sorted(set(values)) if weight[values <= t].sum() / weight.sum() >= q - 1e-12]
        assert made == reached[0]


def test_a_cancelling_pair_inside_a_tie_changes_nothing():
    values, weight = np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0])
    more = weighted_quantile(np.r_[values, 2.0, 2.0], QUANTILES, np.r_[weight, 5.0, -5.0])
    np.testing.assert_array_equal(more, weighted_quantile(values, QUANTILES, weight))


def test_scale_and_width_of_a_normal_response():
    rng = np.random.default_rng(2)
    truth = rng.uniform(20, 200, 100_000)
    prediction = truth * rng.normal(1.1, 0.22, 100_000)
    # the median is known to 1.25 σ/√n = 0.0009, the half-width to about 0.0007
    np.testing.assert_allclose(response_bias(truth, prediction), 0.1, atol=0.004)
    np.testing.assert_allclose(response_resolution(truth, prediction), 0.2, atol=0.003)
    difference = {"relative": False}
    prediction = truth + rng.normal(-3, 15, 100_000)
    np.testing.assert_allclose(response_bias(truth, prediction, **difference), -3, atol=0.25)
    np.testing.assert_allclose(response_resolution(truth, prediction, **difference), 15, atol=0.2)


def test_weights_reach_both():
    truth, prediction = np.full(4, 10.0), np.array([8.0, 10.0, 12.0, 20.0])
    assert response_bias(truth, prediction, sample_weight=[1, 1, 1, 9]) == 1.0
    assert response_resolution(truth, prediction, sample_weight=[10, 1, 1, 1], relative=False) == 0.5 * (10 - 8)


def test_several_outputs():
    truth = np.column_stack([np.full(3, 10.0), np.full(3, 20.0)])
    prediction = truth * [[1.1, 0.9], [1.2, 0.8], [1.3, 0.7]]
    np.testing.assert_allclose(response_bias(truth, prediction, multioutput="raw_values"), [0.2, -0.2])
    np.testing.assert_allclose(response_bias(truth, prediction), 0, atol=1e-15)
    wanted = [0.2 / 2 / 1.2, 0.2 / 2 / 0.8]
    np.testing.assert_allclose(response_resolution(truth, prediction, multioutput="raw_values"), wanted)
    np.testing.assert_allclose(response_resolution(truth, prediction), np.mean(wanted))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: response_bias([0.0, 1.0], [1.0, 1.0]), "zero in 1 events"),
        (lambda: response_bias([1.0, 1.0], [1.0, 1.0], sample_weight=[1, -1]), "must be positive"),
        (lambda: response_bias([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]]), "must have one shape"),
        (lambda: response_resolution([1.0], [1.0], multioutput="mean"), "multioutput must be"),
        (lambda: response_resolution([1.0], [np.nan]), "y_pred contains 1 values that are missing, NaN or infinite"),
    ],
)
def test_bad_input_is_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()
