"""Missing values: weighted statistics, interpolation, indicators, dropped columns."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.utils.estimator_checks import check_estimator

from sklearn_ml4fp import DropMissingColumns, MissingValueImputer

IMPUTERS = [
    MissingValueImputer(),
    MissingValueImputer(strategy="median", add_indicator=True),
    MissingValueImputer(strategy="mode"),
    MissingValueImputer(strategy="interpolation", along=0),
    MissingValueImputer(strategy="constant", fill_value=-1.0, add_indicator=True),
]
LEAST_CHECKS = 45  # of scikit-learn 1.6; 1.9 has 52


def table(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 6, (n, 3)).astype(float)
    X[rng.uniform(size=X.shape) < [0.0, 0.2, 0.4]] = np.nan
    return X


@pytest.mark.parametrize("transformer", [*IMPUTERS, DropMissingColumns()], ids=repr)
def test_conformance(transformer):
    results = check_estimator(transformer, on_skip=None, on_fail=None)
    states = Counter(result["status"] for result in results)
    assert states["passed"] >= LEAST_CHECKS, states
    left = {r["check_name"]: r["exception"] for r in results if r["status"] != "passed"}
    assert left.keys() <= {"check_array_api_input"}, left


@pytest.mark.parametrize("transformer", [*IMPUTERS, DropMissingColumns()], ids=repr)
def test_weights_are_repeated_rows(transformer):
    X, times = table(), np.random.default_rng(1).integers(0, 4, 300)
    by_weight = clone(transformer).fit(X, sample_weight=times)
    by_row = clone(transformer).fit(np.repeat(X, times, axis=0))
    np.testing.assert_allclose(by_weight.transform(X), by_row.transform(X), rtol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("mean", "mean"), ("median", "median"), ("mode", "most_frequent"), ("constant", "constant")]
)
def test_unweighted_as_in_scikit_learn(ours, theirs):
    X = table()  # of few distinct values: the two in the middle are equal, so that both definitions of a median agree
    wanted = SimpleImputer(strategy=theirs, fill_value=-1.0 if ours == "constant" else None, add_indicator=True)
    mine = MissingValueImputer(strategy=ours, fill_value=-1.0, add_indicator=True)
    np.testing.assert_allclose(mine.fit_transform(X), wanted.fit_transform(X))
    assert list(mine.get_feature_names_out()) == list(wanted.get_feature_names_out())


def test_the_median_is_a_value_that_occurs():
    X = np.array([[0.0], [1.0], [np.nan]])
    assert MissingValueImputer(strategy="median").fit(X).statistics_ == [0.0]


def test_interpolation_along_a_column():
    frame = pd.DataFrame({"time": [0.0, 1.0, 1.0, 3.0, np.nan], "rate": [0.0, 10.0, 20.0, 35.0, 7.0]})
    imputer = MissingValueImputer(strategy="interpolation", along="time").fit(frame, sample_weight=[1, 3, 1, 1, 1])
    times = pd.DataFrame({"time": [0.5, 1.0, 2.0, 9.0, -1.0, np.nan], "rate": np.nan})
    filled = imputer.transform(times)
    at_one = (3 * 10 + 20) / 4
    mean = (0 + 30 + 20 + 35 + 7) / 7
    np.testing.assert_allclose(filled[:, 1], [at_one / 2, at_one, (at_one + 35) / 2, 35, 0, mean])
    assert filled[5, 0] == pytest.approx((0 + 3 + 1 + 3) / 6)


def test_float32_and_names():
    X = pd.DataFrame(table().astype(np.float32), columns=["a", "b", "c"])
    filled = MissingValueImputer(add_indicator=True).set_output(transform="pandas").fit_transform(X)
    assert list(filled.columns) == ["a", "b", "c", "missingindicator_b", "missingindicator_c"]
    assert (filled.dtypes == np.float32).all()
    assert list(DropMissingColumns(max_missing=0.3).fit(X).get_feature_names_out()) == ["a", "b"]


def test_dropping_counts_weights():
    X = np.array([[np.nan, 1.0], [1.0, 1.0], [1.0, 1.0]])
    assert DropMissingColumns().fit(X).get_support().tolist() == [True, True]
    assert DropMissingColumns().fit(X, sample_weight=[3, 1, 1]).get_support().tolist() == [False, True]
    # an event and its counter-event miss nothing
    signed = np.vstack([X, X[:1], X[:1]])
    np.testing.assert_allclose(
        DropMissingColumns().fit(signed, sample_weight=[1, 1, 1, 2, -2]).missing_fraction_, [1 / 3, 0]
    )


def test_errors():
    with pytest.raises(ValueError, match=r"columns \['b'\] have no values.*DropMissingColumns"):
        MissingValueImputer().fit(pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan, np.nan]}))
    with pytest.raises(ValueError, match=r"expected along= to name the column .* one of \['a', 'b'\].*got None"):
        MissingValueImputer(strategy="interpolation").fit(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))
    with pytest.raises(ValueError, match=r"got 'c'"):
        MissingValueImputer(strategy="interpolation", along="c").fit(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(ValueError, match=r"Every column misses more than max_missing=0.2 .*0.5\)"):
        DropMissingColumns(max_missing=0.2).fit([[np.nan], [1.0]])


def test_marks_become_nan_where_nothing_is_filled():
    X = pd.DataFrame({"pt": [50.0, -999.0], "btag": [-1.0, 0.7]})
    out = MissingValueImputer(strategy="none", missing_values=(-999, -1), add_indicator=True).fit_transform(X)
    np.testing.assert_array_equal(out, [[50.0, np.nan, 0.0, 1.0], [np.nan, 0.7, 1.0, 0.0]])
    assert X.iloc[1, 0] == -999
    whole = np.array([[1, -999], [3, 4]])
    np.testing.assert_array_equal(MissingValueImputer(missing_values=-999).fit_transform(whole), [[1, 4], [3, 4]])


def test_dropped_columns_come_back_as_missing():
    X = np.array([[1.0, np.nan, 3.0], [2.0, np.nan, np.nan]])
    mine = DropMissingColumns().fit(X)
    np.testing.assert_array_equal(mine.inverse_transform(mine.transform(X)), X)
    with pytest.raises(ValueError, match="expected the 2 that"):
        mine.inverse_transform(X)
