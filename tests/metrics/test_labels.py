"""Which class is the signal, and what is no label, score or sample: one rule in every metric and display."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV

import sklearn_ml4fp
from sklearn_ml4fp import (
    SCORERS,
    CalibrationDisplay,
    OvertrainingDisplay,
    RejectionDisplay,
    ams_score,
    asimov_score,
    asimov_significance,
    average_precision,
    background_rejection,
    bootstrap_interval,
    brier,
    expected_calibration_error,
    ks_distance,
    ks_test,
    make_weighted_scorer,
    response_bias,
    response_resolution,
    roc_auc_score,
    roc_curve,
    significance_improvement,
)

mpl.use("agg")

SCORE = np.array([0.1, 0.7, 0.3, 0.9, 0.6, 0.2])
NUMBERS = np.array([0, 0, 0, 1, 1, 1])
TEXT = np.array(["qcd", "qcd", "qcd", "higgs", "higgs", "higgs"])  # the signal comes first in the alphabet
PREDICTED = np.array([0, 1, 0, 1, 1, 0])


def of_predictions(display):
    def draw(y, score, sample_weight=None, **kwargs):
        if display is OvertrainingDisplay:
            kwargs |= {"sample_weight_train": sample_weight, "sample_weight_test": sample_weight}
            return display.from_predictions(y, score, y, score, **kwargs)
        kwargs["sample_weight"] = sample_weight
        return display.from_predictions(y, score, **kwargs)

    return draw


OF_SCORES = {
    metric.__name__: metric
    for metric in (average_precision, background_rejection, brier, expected_calibration_error, ks_distance,
                   roc_auc_score, roc_curve, significance_improvement)
}  # fmt: skip
OF_SCORES |= {
    display.__name__: of_predictions(display) for display in (CalibrationDisplay, OvertrainingDisplay, RejectionDisplay)
}
OF_LABELS = {metric.__name__: metric for metric in (ams_score, asimov_score)}
BINARY = {
    **{name: (metric, SCORE) for name, metric in OF_SCORES.items()},
    **{name: (metric, PREDICTED) for name, metric in OF_LABELS.items()},
}
binary = pytest.mark.parametrize("name", BINARY)


def numbers_of(made):
    """What a metric or display came to, flat, for a comparison."""
    if hasattr(made, "ax_"):
        made = [value for key, value in sorted(vars(made).items()) if not key.endswith("_") and key != "name"]
    if isinstance(made, list | tuple):
        return np.concatenate([numbers_of(one) for one in made])
    return np.ravel(np.asarray(made, dtype=float))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def takes_pos_label(function):
    return "pos_label" in getattr(getattr(function, "__code__", None), "co_varnames", ())


def test_every_public_metric_of_two_classes_is_here():
    """A new metric or display with ``pos_label`` joins the tests of this file."""
    public = {name: getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__}
    functions = {name for name, one in public.items() if takes_pos_label(one)}
    displays = {name for name, one in public.items() if takes_pos_label(getattr(one, "from_predictions", None))}
    assert functions | displays == set(BINARY)


@binary
@pytest.mark.parametrize("labels", [TEXT, TEXT.astype(object), TEXT.astype("S"), pd.Series(TEXT, dtype="category")],
                         ids=["str", "object", "bytes", "category"])  # fmt: skip
def test_text_does_not_say_which_class_is_the_signal(name, labels):
    """The alphabet would make "qcd" the signal."""
    metric, score = BINARY[name]
    with pytest.raises(ValueError, match=r"y_true has the labels .*higgs.*qcd.*pass pos_label="):
        metric(labels, labels if name in OF_LABELS else score)
    right = b"higgs" if getattr(labels, "dtype", None) == "S5" else "higgs"
    predicted = np.where(PREDICTED == 1, right, np.asarray(labels)[0]) if name in OF_LABELS else score
    made, wanted = metric(labels, predicted, pos_label=right), metric(NUMBERS, score)
    np.testing.assert_array_equal(numbers_of(made), numbers_of(wanted))


@binary
@pytest.mark.parametrize(("labels", "pos_label"), [(NUMBERS, 2), (NUMBERS, "1"), (TEXT, "Higgs"), (TEXT, 1),
                                                   (NUMBERS, [1]), (NUMBERS, np.nan)])  # fmt: skip
def test_a_mistyped_label_is_an_error(name, labels, pos_label):
    metric, score = BINARY[name]
    with pytest.raises(ValueError, match=r"pos_label=.* is not among the labels of y_true"):
        metric(labels, labels if name in OF_LABELS else score, pos_label=pos_label)


@binary
@pytest.mark.parametrize(
    "labels",
    [np.ma.array(NUMBERS, mask=[0, 1, 0, 0, 0, 0]), np.where(np.arange(6) == 1, np.nan, NUMBERS),
     np.array([0, None, 0, 1, 1, 1], dtype=object), pd.array([0, None, 0, 1, 1, 1], dtype="Int64"),
     np.ma.array(TEXT, mask=[0, 1, 0, 0, 0, 0]), pd.Series([*TEXT[:5], None])],
    ids=["mask", "NaN", "None", "NA", "masked text", "no text"],
)  # fmt: skip
def test_a_missing_label_is_an_error(name, labels):
    """The value under a mask is 0 here, which would count as background."""
    metric, score = BINARY[name]
    with pytest.raises(ValueError, match="y_true lacks the label of 1 events"):
        metric(labels, score)


@binary
@pytest.mark.parametrize("labels", [[], ["a", 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0], [0, 1, 2, 0, 1, 2]],
                         ids=["none", "two types", "one class", "three"])  # fmt: skip
def test_labels_that_are_not_two_classes(name, labels):
    metric, score = BINARY[name]
    labels = np.array(labels, dtype=object)
    with pytest.raises(ValueError, match=r"two labels; got|labels of one type; got int and str"):
        metric(labels, score[: len(labels)])


@pytest.mark.parametrize("name", OF_SCORES)
@pytest.mark.parametrize(
    ("score", "message"),
    [
        (np.ma.array(SCORE, mask=[0, 1, 0, 0, 0, 0]), "y_score contains 1 values that are missing"),
        (pd.array([None, *SCORE[1:]], dtype="Float64"), "y_score contains 1 values that are missing"),
        (np.where(SCORE == 0.7, np.inf, SCORE), "y_score contains 1 values that are missing, NaN or infinite"),
        (SCORE.astype(str), "y_score is of type <U32: expected a dense array of real numbers"),
        (SCORE.astype(complex), "y_score is of type complex128"),
        (np.arange(6).astype("M8[s]"), "y_score is of type datetime64"),
        (SCORE[:, None], r"one score per event, shape \(6,\); got \(6, 1\)"),
        (SCORE[:4], "inconsistent numbers of samples"),
    ],
    ids=["mask", "NA", "infinity", "text", "complex", "date", "2-D", "too few"],
)
def test_what_is_no_score(name, score, message):
    with pytest.raises(ValueError, match=message):
        OF_SCORES[name](NUMBERS, score)


@binary
def test_an_unused_mask_and_other_containers_change_nothing(name):
    metric, score = BINARY[name]
    wanted = numbers_of(metric(NUMBERS, score, sample_weight=SCORE))
    for labels, scores, weights in (
        (np.ma.array(NUMBERS), np.ma.array(score), np.ma.array(SCORE)),
        (NUMBERS.tolist(), score.tolist(), SCORE.tolist()),
        (pd.Series(NUMBERS, dtype="Int64"), pd.Series(score), pd.Series(SCORE, dtype="Float64")),
        (NUMBERS == 1, score == 1 if name in OF_LABELS else score, SCORE),
    ):
        np.testing.assert_array_equal(numbers_of(metric(labels, scores, sample_weight=weights)), wanted)


# --- the labels of several columns ---


def test_the_columns_of_an_area_have_one_label_each():
    y, score = np.array([0, 0, 1, 1, 2, 2]), np.random.default_rng(0).dirichlet([1, 1, 1], 6)
    wanted = roc_auc_score(y, score)
    assert roc_auc_score(y, score[:, [2, 0, 1]], labels=[2, 0, 1]) == wanted
    assert roc_auc_score(np.array(["a", "b", "c"])[y], score) == wanted
    for labels, message in (
        ([0, 1, 1], "each column once"), ([0, 1, 3], r"y_true has the labels \[2\], which are not in labels"),
        ([0, 1], "not in labels"), ([0, 1, 2, 3], "3 columns, y_true 4 labels"), ([0, 1, None], "labels lacks"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            roc_auc_score(y, score, labels=labels)
    with pytest.raises(ValueError, match="pos_label=1 goes with one score per event; got 3 columns"):
        roc_auc_score(y, score, pos_label=1)
    with pytest.raises(ValueError, match="labels= goes with more than two columns"):
        roc_auc_score(NUMBERS, SCORE, labels=[0, 1])


# --- estimators with classes that are text ---


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    signal = X[:, 0] + rng.normal(size=300) > 1
    return X, np.where(signal, "higgs", "qcd"), signal.astype(int)


@pytest.mark.parametrize("model", [LogisticRegression(), RidgeClassifier()], ids=["probabilities", "decisions"])
@pytest.mark.parametrize("display", [CalibrationDisplay, OvertrainingDisplay, RejectionDisplay])
def test_displays_ask_which_class_is_the_signal(events, model, display):
    X, text, numbers = events
    twice = 2 if display is OvertrainingDisplay else 1
    if display is CalibrationDisplay and not hasattr(model, "predict_proba"):
        pytest.skip("draws probabilities")
    with pytest.raises(ValueError, match=r"labels \['higgs', 'qcd'\].*pass pos_label="):
        display.from_estimator(model.fit(X, text), *(X, text) * twice)
    with pytest.raises(ValueError, match="pos_label='Higgs' is not among"):
        display.from_estimator(model, *(X, text) * twice, pos_label="Higgs")
    made = numbers_of(display.from_estimator(model, *(X, text) * twice, pos_label="higgs"))
    wanted = numbers_of(display.from_estimator(model.fit(X, numbers), *(X, numbers) * twice))
    np.testing.assert_allclose(made, wanted, rtol=1e-6)


@pytest.mark.parametrize("name", ["roc_auc", "ks_distance", "neg_brier", "neg_expected_calibration_error"])
def test_scorers_for_which_the_classes_are_alike_take_text(events, name):
    X, text, numbers = events
    scores = [
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, scoring=SCORERS[name], error_score="raise").fit(X, y)
        .cv_results_["mean_test_score"]
        for y in (text, numbers)
    ]  # fmt: skip
    np.testing.assert_allclose(*scores, rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["background_rejection", "significance_improvement", "average_precision", "ams", "asimov"]
)
def test_scorers_of_the_signal_ask_which_class_it_is(events, name):
    X, text, numbers = events
    scorer = SCORERS[name]
    model = LogisticRegression().fit(X, text)
    with pytest.raises(ValueError, match=r"A scorer takes it too: make_weighted_scorer\("):
        scorer(model, X, text)
    told = make_weighted_scorer(
        scorer._score_func, response_method=scorer._response_method, **scorer._kwargs, pos_label="higgs"
    )
    np.testing.assert_allclose(
        told(model, X, text), scorer(LogisticRegression().fit(X, numbers), X, numbers), rtol=1e-6
    )


# --- what is no sample, yield or number of draws ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ks_test(np.ones((3, 2)), [1.0]), r"sample_1 must have one value per event.*got \(3, 2\)"),
        (lambda: ks_test([1.0], np.ones((3, 1))), r"sample_2 must have one value per event.*got \(3, 1\)"),
        (lambda: ks_test([], [1.0]), "at least one event"),
        (lambda: ks_test(np.ma.array([1.0, 2.0], mask=[0, 1]), [1.0]), "sample_1 contains 1 values that are missing"),
        (lambda: ks_test([1.0], [2.0], n_permutations=0), "n_permutations must be an integer, 1 or more"),
        (lambda: bootstrap_interval(brier, NUMBERS, SCORE, n_resamples=0), "n_resamples must be an integer, 2 or more"),
        (lambda: bootstrap_interval(brier, NUMBERS, SCORE, n_resamples=10.0), "n_resamples must be an integer"),
        (lambda: bootstrap_interval(brier, NUMBERS, SCORE, groups=[7] * 6), "at least two events.*got 1 in 6 rows"),
        (lambda: bootstrap_interval(brier, [1], [0.5]), "at least two events.*got 1 in 1 rows"),
        (lambda: bootstrap_interval(brier, np.ma.masked_equal(NUMBERS, 1), SCORE), "y_true has masked values"),
        (lambda: bootstrap_interval(brier, NUMBERS, np.ma.masked_less(SCORE, 0.2)), "y_pred has masked values"),
        (lambda: ams_score(NUMBERS, PREDICTED, b_reg=-100), "b_reg must be a finite number, 0 or more; got -100"),
        (lambda: ams_score(NUMBERS, PREDICTED, b_reg=np.nan), "b_reg must be a finite number, 0 or more; got nan"),
        (lambda: asimov_score(NUMBERS, PREDICTED, relative_uncertainty=-0.1), "relative_uncertainty must be a finite"),
        (lambda: asimov_score(NUMBERS, PREDICTED, signal_yield=np.inf), "signal_yield must be a finite number"),
        (lambda: ams_score(NUMBERS, np.ma.array(PREDICTED, mask=[0, 0, 0, 1, 0, 0])), "y_pred lacks the label of 1"),
        (lambda: ams_score(NUMBERS, PREDICTED, b_reg="10"), "b_reg must be a finite number, 0 or more; got '10'"),
        (lambda: ams_score(NUMBERS, PREDICTED, b_reg=None), "b_reg must be a finite number, 0 or more; got None"),
        (lambda: ams_score(NUMBERS, PREDICTED, background_yield=True), "background_yield must be a finite number"),
        (lambda: asimov_score(NUMBERS, PREDICTED, background_yield=0), "needs a positive yield"),
        (lambda: expected_calibration_error(NUMBERS, SCORE, n_bins=2.5), "n_bins must be an integer, 1 or more"),
        (lambda: CalibrationDisplay.from_predictions(NUMBERS, SCORE, n_bins="ten"), "n_bins must be an integer"),
        (lambda: bootstrap_interval(brier, NUMBERS, SCORE, confidence="68 %"), "confidence must lie between 0 and 1"),
        (lambda: background_rejection(NUMBERS, SCORE, signal_efficiency=None), "signal_efficiency must lie in"),
        (lambda: background_rejection(NUMBERS, SCORE, signal_efficiency="half"), "signal_efficiency must lie in"),
        (lambda: significance_improvement(NUMBERS, SCORE, signal_efficiency=np.ma.masked_greater([0.2, 0.5], 0.3)),
         r"signal_efficiency must lie in \(0, 1\]"),
        (lambda: make_weighted_scorer(brier, response_method="proba"), "response_method must be of .*got 'proba'"),
        (lambda: response_bias(np.ones((2, 2, 2)), np.ones((2, 2, 2))), r"y_true must have shape .*got \(2, 2, 2\)"),
        (lambda: asimov_significance("ten", 5), "s must be numbers of events; got 'ten'"),
        (lambda: background_rejection(NUMBERS, SCORE, b_reg=-1), "b_reg must be a finite number, 0 or more; got -1"),
        (lambda: significance_improvement(NUMBERS, SCORE, b_reg=np.nan), "b_reg must be a finite number"),
        (lambda: response_bias(np.ma.array([1.0, 2], mask=[0, 1]), [1.0, 2]), "y_true contains 1 values"),
        (lambda: response_resolution([1.0, 2], np.ma.array([1.0, 2], mask=[0, 1])), "y_pred contains 1 values"),
        (lambda: response_bias([], []), r"not empty; got \(0,\)"),
        (lambda: response_bias(["1.0"], [1.0]), "y_true is of type"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_masked_yield_is_not_known():
    made = asimov_significance(np.ma.array([10.0, 10.0], mask=[0, 1]), 100.0)
    np.testing.assert_array_equal(np.isnan(made), [False, True])


@pytest.mark.parametrize(
    "call", [lambda: bootstrap_interval("brier", NUMBERS, SCORE), lambda: make_weighted_scorer("brier")]
)
def test_a_metric_is_a_function(call):
    with pytest.raises(TypeError, match=r"metric must be a function .*got 'brier'"):
        call()


@pytest.mark.filterwarnings("error")
def test_a_regression_that_predicts_nothing_has_no_resolution():
    assert response_resolution([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]) == np.inf
