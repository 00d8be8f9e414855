"""Checks that every room shares."""

from decimal import Decimal

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import FeedForwardClassifier, ParticleWise, PointClouds, ZScoreScaler, roc_auc_score
from sklearn_ml4fp._validation import check_class_weights, check_finite, check_weights, event_weights


def test_finite_values_pass_also_when_their_sum_overflows():
    check_finite(np.full((4, 2), 3e38))
    check_finite(np.array([[1.0, np.nan]]), allow_nan=True)


@pytest.mark.parametrize(
    ("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity"), (-1e39, "infinity")]
)
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
    [([1, 2], r"sample_weight.shape == \(2,\), expected \(3,\)"), ([1, np.nan, 1], "1 values that are missing, NaN or"),
     ([1, -1, 0], "expected a positive sum of weights"), ([0, 0, 0], "all zero")],
)  # fmt: skip
def test_unusable_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        check_weights(weights, 3)


# Weights that are no numbers, and words of the error; text is refused even where it could be read as numbers.
NO_WEIGHTS = {
    "text": (["1.0", "2.0", "3.0"], "of type list"),
    "text in an object array": (np.array([1.0, "2", 3.0], dtype=object), "of type object"),
    "dates": (np.array(["2020-01-01"] * 3, dtype="datetime64[D]"), "of type datetime64"),
    "times": (np.ones(3, dtype="timedelta64[s]"), "of type timedelta64"),
    "pandas' dates": (pd.Series(pd.date_range("2020", periods=3)), "of type datetime64"),
    "complex numbers": (np.ones(3) + 1j, "of type complex128"),
    "a complex number among others": (np.array([1.0, 1j, 3.0], dtype=object), "of type object"),
    "a sparse column": (sparse.csr_matrix(np.ones((3, 1))), "sample_weight is sparse"),
    "a sparse array": (sparse.coo_array(np.ones((1, 3))), "sample_weight is sparse"),
    "records": (np.ones(3, dtype=[("w", float)]), "of type"),
    "too few": (np.ones(2), r"shape == \(2,\)"),
    "a column": (np.ones((3, 1)), r"shape == \(3, 1\)"),
    "a table": (pd.DataFrame({"w": [1.0, 2.0, 3.0]}), r"shape == \(3, 1\)"),
    "lists of unequal length": ([[1.0], [1.0, 2.0], [3.0]], "of type list"),
    "None among them": ([1.0, None, 3.0], "1 values that are missing"),
    "numpy's mask": (np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]), "1 values that are missing"),
    "pandas' NA": (pd.Series([1, None, 3], dtype="Int64"), "1 values that are missing"),
    "polars' null": (pl.Series([1, None, 3]), "1 values that are missing"),
    "awkward's None": (ak.Array([1.0, None, 3.0]), "1 values that are missing"),
    "infinity": ([1.0, -np.inf, 3.0], "1 values that are missing, NaN or infinite"),
    "an overflow": ([1e308, 1e308, 1.0], "its sum overflows"),
    "an overflow of either sign": ([1e308, -1e308, 1.0], "its sum overflows"),
}


@pytest.mark.parametrize(("weights", "message"), NO_WEIGHTS.values(), ids=NO_WEIGHTS)
def test_what_is_no_weight(weights, message):
    """One error, the same in a fit, in a transformer and in a metric; it says what was expected."""
    X, y = np.arange(6.0).reshape(3, 2), [0, 1, 1]
    clouds = PointClouds(X, [0, 1, 2, 3])
    for use in (
        lambda: event_weights(weights, 3),
        lambda: FeedForwardClassifier().fit(X, y, sample_weight=weights),
        lambda: ZScoreScaler().fit(X, sample_weight=weights),
        lambda: ParticleWise(StandardScaler()).fit(clouds, sample_weight=weights),
        lambda: roc_auc_score(y, [0.1, 0.2, 0.3], sample_weight=weights),
    ):
        with pytest.raises(ValueError, match=f"{message}.*expected"):
            use()


@pytest.mark.parametrize(
    "weights",
    [[1, 2, 3], np.array([1, 2, 3], dtype=">i2"), np.array([1, 2, 3], dtype=np.float16),
     pd.Series([1, 2, 3], dtype="Int64"), pl.Series([1.0, 2.0, 3.0]), ak.Array([1, 2, 3]),
     [Decimal(1), Decimal(2), np.float32(3)], np.ma.array([1.0, 2.0, 3.0])],
    ids=["list", "big-endian", "float16", "pandas", "polars", "awkward", "decimal", "nothing masked"],
)  # fmt: skip
def test_numbers_of_every_kind_are_weights(weights):
    np.testing.assert_array_equal(event_weights(weights, 3), [1.0, 2.0, 3.0])


def test_nearly_cancelling_weights_warn():
    with pytest.warns(UserWarning, match=r"Σw/Σ\|w\| = 0.11"):
        check_weights([1.0, -0.8], 2)


def test_a_class_without_positive_weight():
    with pytest.raises(ValueError, match="weights of class W sum to -1: expected a positive sum in every class"):
        check_class_weights(np.array([0, 1, 1]), np.array([1.0, 1.0, -2.0]), np.array(["tt", "W"]))
    with pytest.raises(ValueError, match="class 2 sum to 0"):
        check_class_weights(np.array([0, 1]), None, np.arange(3))
