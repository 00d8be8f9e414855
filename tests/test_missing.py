"""Missing is missing in every form, for all that is public: NaN where it is allowed, one clear error where not."""

import inspect
import warnings

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import sklearn_ml4fp
from sklearn_ml4fp import (
    AugmentedPrediction,
    BayesSearchCV,
    CrossFitClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    NetworkEstimator,
    OptunaSearchCV,
    Resampled,
    Shift,
    Smear,
    bootstrap_interval,
    train_val_test_split,
)
from sklearn_ml4fp._missing import check_array, real_numbers, with_nan
from sklearn_ml4fp.metrics._scorers import _EdgeScorer

PUBLIC = {name: getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__}
CLASSES = [one for one in PUBLIC.values() if inspect.isclass(one) and issubclass(one, BaseEstimator)]


def is_abstract(one):
    return any(getattr(getattr(one, name, None), "__isabstractmethod__", False) for name in dir(one))


NETWORKS = [one for one in CLASSES if issubclass(one, NetworkEstimator) and not is_abstract(one)]
ALONE = [one for one in CLASSES if all(p.default is not p.empty for p in inspect.signature(one).parameters.values())]
TRANSFORMERS = [one for one in ALONE if hasattr(one, "transform") and one().__sklearn_tags__().input_tags.two_d_array]
SMALL = {"width": 8, "n_layers": 1, "n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "max_epochs": 1, "device": "cpu"}
SMALL["n_members"] = 1
NAMES = ["jet1_pt", "jet1_eta", "jet2_pt", "jet2_eta"]

RNG = np.random.default_rng(0)
FULL = np.round(RNG.lognormal(3, 0.5, size=(60, 4)))
TABLE = FULL.copy()
TABLE[::4, 2:] = np.nan  # the second jet is absent
Y = np.arange(60) % 2


def masked(array):
    """The array with 1e6 under numpy's mask where it is NaN: whoever drops the mask will show it."""
    return np.ma.array(np.where(np.isnan(array), 1e6, array), mask=np.isnan(array))


def frame(dtype):
    return lambda array: pd.DataFrame({name: pd.array(c, dtype) for name, c in zip(NAMES, array.T, strict=True)})


def objects(mark):
    return lambda array: np.where(np.isnan(array), mark, array.astype(object))


FORMS = {
    "mask": masked,
    "mask on integers": lambda array: masked(array).astype(int),
    "mask on float32": lambda array: masked(array).astype(np.float32),
    "rows with masks": lambda array: list(masked(array)),
    "None among objects": objects(None),
    "pandas' NA among objects": objects(pd.NA),
    "lists with None": lambda array: objects(None)(array).tolist(),
    "lists with pandas' NA": lambda array: objects(pd.NA)(array).tolist(),
    "pandas, NaN": lambda array: pd.DataFrame(array, columns=NAMES),
    "pandas Float64": frame("Float64"),
    "pandas Int64": frame("Int64"),
    "pandas, Arrow": frame("int64[pyarrow]"),
    "pandas, objects": lambda array: pd.DataFrame(objects(pd.NA)(array), columns=NAMES),
    "polars": lambda array: pl.DataFrame(array, schema=NAMES).fill_nan(None),
    "polars integers": lambda array: pl.DataFrame(array, schema=NAMES).fill_nan(None).cast(pl.Int64),
}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)

# One missing entry in a column of 60.
COLUMNS = {
    "NaN": lambda column: np.where(np.arange(60) == 7, np.nan, column),
    "None": lambda column: [None if i == 7 else v for i, v in enumerate(column.tolist())],
    "None among objects": lambda column: np.where(np.arange(60) == 7, None, column.astype(object)),
    "mask": lambda column: np.ma.array(column, mask=np.arange(60) == 7),
    "pandas' NA": lambda column: pd.Series(column).astype("Int64").mask(np.arange(60) == 7),
    "pandas, Arrow": lambda column: pd.Series(column).astype("int64[pyarrow]").mask(np.arange(60) == 7),
    "polars' null": lambda column: pl.Series([None if i == 7 else int(v) for i, v in enumerate(column)]),
    "awkward's None": lambda column: ak.Array([None if i == 7 else int(v) for i, v in enumerate(column)]),
}
each_column = pytest.mark.parametrize("spoil", COLUMNS.values(), ids=COLUMNS)


def small(network, **params):
    known = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    return network(**{**known, "random_state": 0, "early_stopping": False, **params})


@each_form
def test_one_meaning(form):
    """What comes out is NaN at the same places, and what was a number there."""
    np.testing.assert_array_equal(check_array(form(TABLE), dtype=float, ensure_all_finite="allow-nan"), TABLE)


def test_what_misses_nothing_is_left_alone():
    for values in (
        None,
        TABLE,
        FULL.tolist(),
        ["a", "b"],
        pd.DataFrame({"a": ["x", "y"]}),
        pd.Series([1, 2], dtype="Int64"),
    ):
        assert with_nan(values) is values
    whole = np.ma.array([2**60 + 1, 7])
    assert with_nan(whole).dtype == np.int64
    assert with_nan(whole)[0] == 2**60 + 1
    assert with_nan(np.ma.array([1, 2], mask=[0, 1], dtype=np.float32)).dtype == np.float32


def test_text_is_no_number_and_a_big_endian_one_is():
    assert real_numbers(np.array(["1.0"])) is None
    assert real_numbers(np.array([1.0, "2"], dtype=object)) is None
    assert real_numbers([[1.0], [1.0, 2.0]]) is None
    numbers = real_numbers(np.array([1.0, 2.0], dtype=">f4"))
    assert numbers.dtype == np.float32
    assert numbers.dtype.isnative


@each_form
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda one: one.__name__)
def test_transformers(transformer, form):
    """Statistics, results and, where there is one, the inverse are those of NaN."""
    reference, ours = transformer(), transformer()
    expected, given = TABLE, form(TABLE)
    if "float32" in str(getattr(given, "dtype", "")):
        expected = TABLE.astype(np.float32)
    expected = reference.fit(expected).transform(expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a frame has names, an array has none
        result = np.asarray(ours.fit(given).transform(given), dtype=float)  # a selection of objects are objects
        tolerance = 1e-5 if expected.dtype == np.float32 else 1e-12  # the order of sums
        np.testing.assert_allclose(result, expected, rtol=tolerance)
        if isinstance(ours, OneToOneFeatureMixin) and hasattr(ours, "inverse_transform"):
            again = ours.inverse_transform(masked(expected))
            np.testing.assert_allclose(again, reference.inverse_transform(expected), rtol=tolerance)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_networks(network):
    """An absent jet where points are read, an error that names NaN where not; in fit and in predict."""
    y = Y if is_classifier(network()) else FULL[:, 0]
    points = "particle_features" in network._hyperparameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a frame has names, an array has none
        if points:
            fitted = small(network, particle_features=2).fit(TABLE, y)
            expected = fitted.predict(TABLE)
            for what, form in FORMS.items():
                np.testing.assert_array_equal(fitted.predict(form(TABLE)), expected, err_msg=what)
            np.testing.assert_array_equal(
                small(network, particle_features=2).fit(masked(TABLE), y).predict(TABLE), expected
            )
        fitted = small(network).fit(FULL, y)
        if network.__name__.startswith("Table"):  # to which a missing number is one
            expected = small(network).fit(TABLE, y).predict(TABLE)
            for what, form in FORMS.items():
                np.testing.assert_array_equal(small(network).fit(form(TABLE), y).predict(form(TABLE)), expected, what)
            return
        for form in FORMS.values():
            with pytest.raises(ValueError, match="Input X contains NaN"):
                fitted.predict(form(TABLE))
            with pytest.raises(ValueError, match="Input X contains NaN"):
                small(network).fit(form(TABLE), y)


@each_column
def test_targets_and_weights_of_networks(spoil):
    """In fit, for the hold-out, and in score."""
    for network, y in ((FeedForwardClassifier, Y), (FeedForwardRegressor, np.round(FULL[:, 0]))):
        fitted = small(network).fit(FULL, y)
        for use in (
            lambda network=network, y=y: small(network).fit(FULL, spoil(y)),
            lambda network=network, y=y: small(network).fit(FULL, y, sample_weight=spoil(y + 1)),
            lambda network=network, y=y: small(network, early_stopping=True).fit(FULL, y, X_val=FULL, y_val=spoil(y)),
            lambda network=network, y=y: small(network, early_stopping=True).fit(
                FULL, y, X_val=FULL, y_val=y, sample_weight_val=spoil(y + 1)
            ),
            lambda fitted=fitted, y=y: fitted.score(FULL, spoil(y)),
            lambda fitted=fitted, y=y: fitted.score(FULL, y, spoil(y + 1)),
        ):
            with pytest.raises(ValueError, match=r"contains .*(NaN|missing)|lacks the label"):
                use()


@pytest.mark.parametrize("labels", [["b", "s"], [0, 1]], ids=["text", "integers"])
def test_labels_under_a_mask(labels):
    y = np.ma.array(np.array(labels)[Y], mask=np.arange(60) == 7)
    for estimator in (
        small(FeedForwardClassifier),
        BayesSearchCV(LogisticRegression(), {"C": (0.1, 1.0)}, n_iter=1, cv=2),
        OptunaSearchCV(LogisticRegression(), {"C": (0.1, 1.0)}, n_iter=1, cv=2),
        CrossFitClassifier(LogisticRegression()),
        Resampled(sklearn_ml4fp.WeightedSampler(), LogisticRegression()),
        AugmentedPrediction(Shift(columns=[0], random_state=0), LogisticRegression()),
    ):
        with pytest.raises(ValueError, match=r"contains NaN|lacks the label"):
            estimator.fit(FULL, y)


@pytest.mark.parametrize("form", [masked, objects(pd.NA)], ids=["mask", "NA"])
def test_searches(form):
    """What is searched may be scikit-learn's own, which drops masks, or refuses other marks."""
    space = {"max_leaf_nodes": [3]}
    for search in (BayesSearchCV, OptunaSearchCV):
        inner = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2)
        expected = search(inner, space, n_iter=1, cv=2, random_state=0).fit(TABLE, Y)
        given = search(inner, space, n_iter=1, cv=2, random_state=0).fit(form(TABLE), Y)
        assert given.best_score_ == expected.best_score_
        np.testing.assert_array_equal(given.predict_proba(TABLE), expected.predict_proba(TABLE))


@pytest.mark.parametrize("form", [masked, objects(pd.NA)], ids=["mask", "NA"])
def test_compositions(form):
    """What is inside may be scikit-learn's own, which drops masks."""
    inner = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2)
    for estimator in (
        CrossFitClassifier(inner, cv=2),
        Resampled(sklearn_ml4fp.DropOutliers(), inner),
        AugmentedPrediction(Smear(columns=[0]), inner),
    ):
        expected = estimator.fit(TABLE, Y).predict_proba(TABLE)
        np.testing.assert_array_equal(estimator.predict_proba(form(TABLE)), expected)
        np.testing.assert_array_equal(estimator.fit(form(TABLE), Y).predict_proba(TABLE), expected)


@each_column
def test_splits_refuse_missing_ids(spoil):
    ids, X = np.arange(60) // 2, np.zeros((60, 1))
    splitters = [one() for one in PUBLIC.values() if inspect.isclass(one) and hasattr(one, "split")]
    assert len(splitters) >= 3
    for split in (
        *(lambda one=one: list(one.split(X, Y, spoil(ids))) for one in splitters),
        lambda: train_val_test_split(X, groups=spoil(ids)),
        lambda: small(FeedForwardClassifier, early_stopping=True).fit(FULL, Y, groups=spoil(ids)),
        lambda: bootstrap_interval(sklearn_ml4fp.roc_auc_score, Y, Y, groups=spoil(ids)),
        lambda: CrossFitClassifier(LogisticRegression()).fit(FULL, Y, groups=spoil(ids)),
    ):
        with pytest.raises(ValueError, match="1 that are missing"):
            split()


METRICS = {
    name: one
    for name, one in PUBLIC.items()
    if inspect.isfunction(one) and next(iter(inspect.signature(one).parameters), None) == "y_true"
}


@each_column
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_metrics(metric, spoil):
    parameters = inspect.signature(metric).parameters
    needed = [name for name, one in parameters.items() if one.default is one.empty]
    assert len(needed) >= 2
    truth = np.where(Y, 20, 10) if "response" in metric.__name__ else Y
    for spoiled in (*needed, "sample_weight"):
        given = {name: truth + 1 if name == "y_std" else truth for name in needed} | {"sample_weight": Y + 1}
        given[spoiled] = spoil(given[spoiled])
        with pytest.raises(ValueError, match=r"NaN|missing|lacks the label"):
            metric(**given)


@pytest.mark.parametrize(
    "name", [name for name, one in sklearn_ml4fp.SCORERS.items() if not isinstance(one, _EdgeScorer)]
)
def test_scorers(name):
    network, y = (FeedForwardRegressor, FULL[:, 0]) if "response" in name else (FeedForwardClassifier, Y)
    fitted = small(network).fit(FULL, y)
    for labels, weights in ((COLUMNS["mask"](y), None), (y, COLUMNS["mask"](y + 1))):
        with pytest.raises(ValueError, match=r"NaN|missing|lacks the label"):
            sklearn_ml4fp.SCORERS[name](fitted, FULL, labels, sample_weight=weights)


@each_form
def test_samplers_and_augmenters(form):
    """Events that miss something are dropped, left as they are, or neighbours within one pattern."""
    plain, given = pd.DataFrame(TABLE, columns=NAMES), form(TABLE)
    samplers = [
        sklearn_ml4fp.DropMissingRows(),
        sklearn_ml4fp.DropOutliers(),
        sklearn_ml4fp.WeightedSampler(sampler=SMOTE(random_state=0, k_neighbors=2)),
        Smear(columns=[0, 2], absolute=0.1, random_state=0),
    ]
    y = Y & (np.arange(60) % 3 > 0)
    for sampler in samplers:
        expected, y_expected = sampler.fit_resample(plain, y)
        result, y_result = sampler.fit_resample(given, y)
        np.testing.assert_array_equal(y_result, y_expected)
        result = check_array(result, dtype=float, ensure_all_finite="allow-nan")
        whole = hasattr(given, "columns") and not np.any(result % 1 > 0)
        expected = np.trunc(expected.to_numpy()) if whole else expected.to_numpy()  # a column of integers stays one
        np.testing.assert_allclose(result, expected, rtol=1e-6)


@each_column
@pytest.mark.parametrize("sampler", [sklearn_ml4fp.WeightedSampler()], ids=["WeightedSampler"])
def test_classes_of_samplers(sampler, spoil):
    with pytest.raises(ValueError, match=r"NaN|missing|lacks the label"):
        sampler.fit_resample(FULL, spoil(Y))
