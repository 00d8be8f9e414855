"""Checks that every room shares."""

import numpy as np
import pytest

from sklearn_ml4fp._validation import check_class_weights, check_finite, check_weights


def test_finite_values_pass_also_when_their_sum_overflows():
    check_finite(np.full((4, 2), 1e308))
    check_finite(np.array([[1.0, np.nan]]), allow_nan=True)


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_bad_columns_are_named(value, what):
    X = np.zeros((5, 3))
    X[2, 1] = X[3, 1] = value
    with pytest.raises(ValueError, match=rf"Input X contains {what}: .* got 2 such values in the column 'met'\."):
        check_finite(X, ["pt", "met", "phi"])
    with pytest.raises(ValueError, match="column 1"):
        check_finite(X)


def test_infinity_is_refused_where_nan_may_pass():
    with pytest.raises(ValueError, match="infinity"):
        check_finite(np.array([[np.nan, np.inf]]), allow_nan=True)


def test_only_ten_columns_are_listed():
    with pytest.raises(ValueError, match="8, 9 and 2 more"):
        check_finite(np.full((1, 12), np.nan))


def test_weights_of_either_sign_pass():
    assert check_weights(None, 3) is None
    np.testing.assert_array_equal(check_weights([1, -0.5, 0], 3), [1.0, -0.5, 0.0])
    np.testing.assert_array_equal(check_weights(2, 3), [2.0, 2.0, 2.0])


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1, 2], r"sample_weight.shape == \(2,\), expected \(3,\)"), ([1, np.nan, 1], "1 values that are NaN or infinite"),
     ([1, -1, 0], "expected a positive sum of weights"), ([0, 0, 0], "all zero")],
)  # fmt: skip
def test_unusable_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        check_weights(weights, 3)


def test_nearly_cancelling_weights_warn():
    with pytest.warns(UserWarning, match=r"Σw/Σ\|w\| = 0.11"):
        check_weights([1.0, -0.8], 2)


def test_a_class_without_positive_weight():
    with pytest.raises(ValueError, match="weights of class W sum to -1: expected a positive sum in every class"):
        check_class_weights(np.array([0, 1, 1]), np.array([1.0, 1.0, -2.0]), np.array(["tt", "W"]))
    with pytest.raises(ValueError, match="class 2 sum to 0"):
        check_class_weights(np.array([0, 1]), None, np.arange(3))
