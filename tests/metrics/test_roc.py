"""ROC curve and area: equal to scikit-learn's for positive weights, to the definition for negative ones."""

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_validate

from sklearn_ml4fp import roc_auc_score, roc_auc_scorer, roc_curve

# rounding of a few hundred sums in float64
ROUNDING = {"rtol": 1e-10, "atol": 1e-12}


def pairwise_auc(y, score, weight):
    """The definition: all pairs of a signal and a background event, a tie counting half."""
    s, b = y == 1, y == 0
    right = (score[s][:, None] > score[b]) + 0.5 * (score[s][:, None] == score[b])
    return (weight[s][:, None] * weight[b] * right).sum() / (weight[s].sum() * weight[b].sum())


@st.composite
def events(draw, signed=False):
    n = draw(st.integers(2, 30))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    y[:2] = [0, 1]
    # few values: ties are the hard part
    score = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))) / 10
    weight = np.array(draw(st.lists(st.integers(-5 if signed else 0, 20), min_size=n, max_size=n))) / 4
    for label in (0, 1):
        weight[label] += max(0.0, 0.25 - weight[y == label].sum())
    return y, score, weight


@given(events())
def test_positive_weights_as_in_scikit_learn(data):
    y, score, weight = data
    for drop in (True, False):
        ours = roc_curve(y, score, sample_weight=weight, drop_intermediate=drop)
        wanted = theirs.roc_curve(y, score, sample_weight=weight, drop_intermediate=drop)
        for mine, other in zip(ours, wanted, strict=True):
            np.testing.assert_allclose(mine, other, **ROUNDING)
    wanted = theirs.roc_auc_score(y, score, sample_weight=weight)
    np.testing.assert_allclose(roc_auc_score(y, score, sample_weight=weight), wanted, **ROUNDING)
    np.testing.assert_allclose(roc_auc_score(y, score), theirs.roc_auc_score(y, score), **ROUNDING)


@given(events(signed=True))
def test_negative_weights_by_the_definition(data):
    y, score, weight = data
    np.testing.assert_allclose(roc_auc_score(y, score, sample_weight=weight), pairwise_auc(*data), **ROUNDING)
    fpr, tpr, thresholds = roc_curve(y, score, sample_weight=weight, drop_intermediate=False)
    for label, efficiency in ((0, fpr), (1, tpr)):
        for value, threshold in zip(efficiency, thresholds, strict=True):
            selected = (score >= threshold) & (y == label)
            np.testing.assert_allclose(value, weight[selected].sum() / weight[y == label].sum(), **ROUNDING)


@given(events(signed=True))
def test_the_area_lies_under_the_curve_with_and_without_its_intermediate_points(data):
    y, score, weight = data
    for drop in (True, False):
        fpr, tpr, _ = roc_curve(y, score, sample_weight=weight, drop_intermediate=drop)
        trapezoids = np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2)
        np.testing.assert_allclose(trapezoids, roc_auc_score(y, score, sample_weight=weight), **ROUNDING)


@settings(max_examples=30)
@given(events(signed=True), st.integers(0, 9))
def test_a_cancelling_pair_and_a_split_event_change_nothing(data, extra):
    y, score, weight = data
    wanted = roc_auc_score(y, score, sample_weight=weight)
    pair = [np.r_[y, 0, 0], np.r_[score, extra / 10, extra / 10], np.r_[weight, 3.5, -3.5]]
    split = [np.r_[y, y], np.r_[score, score], np.r_[1.5 * weight, -0.5 * weight]]
    for changed in (pair, split):
        np.testing.assert_allclose(roc_auc_score(*changed[:2], sample_weight=changed[2]), wanted, **ROUNDING)


def test_swapping_the_classes_mirrors_the_area():
    rng = np.random.default_rng(0)
    y, score, weight = rng.integers(0, 2, 100), rng.normal(size=100), rng.normal(1, 1, 100)
    area = roc_auc_score(y, score, sample_weight=weight)
    np.testing.assert_allclose(roc_auc_score(1 - y, score, sample_weight=weight), 1 - area, **ROUNDING)
    np.testing.assert_allclose(roc_auc_score(y, score, pos_label=0, sample_weight=weight), 1 - area, **ROUNDING)


def test_string_labels_and_one_against_the_rest():
    y = np.array(["w", "ttbar", "z", "ttbar"])
    assert roc_auc_score(y, [0.1, 0.9, 0.2, 0.8], pos_label="ttbar") == 1


def test_several_classes_one_versus_rest_as_in_scikit_learn():
    rng = np.random.default_rng(1)
    y, weight = rng.integers(0, 3, 200), rng.uniform(0, 2, 200)
    score = rng.dirichlet([1, 1, 1], 200)
    wanted = np.mean([theirs.roc_auc_score(y == k, score[:, k], sample_weight=weight) for k in range(3)])
    np.testing.assert_allclose(roc_auc_score(y, score, sample_weight=weight), wanted, **ROUNDING)
    wanted = theirs.roc_auc_score(y, score, multi_class="ovr")
    np.testing.assert_allclose(roc_auc_score(y, score), wanted, **ROUNDING)


@pytest.mark.parametrize(
    ("y", "score", "weight", "message"),
    [
        ([1, 1], [0.1, 0.2], None, "signal and background, two labels; got 1"),
        ([0, 1, 2], [0.1, 0.2, 0.3], None, "two labels; got 3"),
        ([0, 1], [0.1, np.nan], None, "y_score contains 1 values that are missing, NaN or infinite"),
        ([0, 1], [0.1, 0.2], [1, np.inf], "sample_weight contains 1 values that are missing, NaN or infinite"),
        ([0, 1], [0.1, 0.2], [1.0], "one weight per event"),
        ([0, 1], [0.1, 0.2], [[1.0, 1.0], [1.0, 1.0]], "one weight per event"),
        ([0, 1, 1], [0.1, 0.2, 0.3], [1, 1, -1], "weights of the signal must be positive"),
        ([0, 0, 1], [0.1, 0.2, 0.3], [1, -2, 1], "weights of the background must be positive"),
        ([0, 1], [[0.9, 0.1], [0.2, 0.8]], None, r"predict_proba\(X\)\[:, 1\]"),
        ([0, 1, 1], np.eye(3), None, "3 columns, y_true 2 labels"),
    ],
)
def test_bad_input_is_one_clear_error(y, score, weight, message):
    with pytest.raises(ValueError, match=message):
        roc_auc_score(y, score, sample_weight=weight)


# --- the scorer ---


@pytest.fixture(scope="module")
def weighted():
    X, y = make_classification(400, random_state=0, flip_y=0.2)
    return X, y, np.random.default_rng(0).normal(1, 0.8, 400)  # one event in ten has a negative weight


@pytest.mark.parametrize("model", [LogisticRegression(), RidgeClassifier()], ids=["proba", "decision"])
def test_with_routing_the_scorer_is_weighted_without_asking(model, weighted):
    X, y, weight = weighted
    splits = [(np.arange(200), np.arange(200, 400))]
    with sklearn.config_context(enable_metadata_routing=True):
        model = model.set_fit_request(sample_weight=False)
        made = cross_validate(
            model, X, y, cv=splits, scoring=roc_auc_scorer, params={"sample_weight": weight}, return_estimator=True
        )
    fitted = made["estimator"][0]
    score = (
        fitted.predict_proba(X[200:])[:, 1] if hasattr(fitted, "predict_proba") else fitted.decision_function(X[200:])
    )
    assert made["test_score"][0] == roc_auc_score(y[200:], score, sample_weight=weight[200:])
    assert made["test_score"][0] != roc_auc_score(y[200:], score)


def test_without_routing_the_scorer_works_unweighted(weighted):
    X, y, _ = weighted
    search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1]}, scoring=roc_auc_scorer, cv=3).fit(X, y)
    wanted = GridSearchCV(LogisticRegression(), {"C": [0.01, 1]}, scoring="roc_auc", cv=3).fit(X, y)
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], wanted.cv_results_["mean_test_score"], **ROUNDING)


def test_the_scorer_beside_others_and_for_several_classes():
    X, y = load_iris(return_X_y=True)
    scoring = {"ours": roc_auc_scorer, "theirs": "roc_auc_ovr"}
    with sklearn.config_context(enable_metadata_routing=True):
        # scikit-learn 1.6 with routing on needs params, if empty
        made = cross_validate(LogisticRegression(max_iter=500), X, y, scoring=scoring, cv=3, params={})
    np.testing.assert_allclose(made["test_ours"], made["test_theirs"], **ROUNDING)
