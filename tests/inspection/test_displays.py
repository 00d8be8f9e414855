"""The displays draw the numbers that they should, in scikit-learn's convention."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    CrossFitClassifier,
    FeedForwardClassifier,
    LossCurveDisplay,
    OvertrainingDisplay,
    RejectionDisplay,
    background_rejection,
    ks_test,
)
from sklearn_ml4fp.inspection._plotting import CURVES


@pytest.fixture(scope="module")
def events():
    """(model, X, y, weight), with string labels and one weight in ten negative."""
    X, y = make_classification(1000, flip_y=0.2, random_state=0)
    y = np.array(["bkg", "sig"])[y]
    return LogisticRegression().fit(X[:500], y[:500]), X, y, np.random.default_rng(0).normal(1, 0.8, 1000)


# --- rejection ---


def test_rejection_draws_the_metric(events):
    model, X, y, weight = events
    display = RejectionDisplay.from_estimator(model, X, y, sample_weight=weight, pos_label="sig")
    efficiency, drawn = display.line_.get_data()
    score = model.predict_proba(X)[:, 1]
    kwargs = {"sample_weight": weight, "pos_label": "sig"}
    wanted = background_rejection(y, score, signal_efficiency=efficiency, **kwargs)
    np.testing.assert_array_equal(drawn, wanted)
    assert display.line_.get_label() == "LogisticRegression"
    assert display.ax_.get_yscale() == "log"


def test_several_curves_share_axes_and_differ_in_colour_and_style(events):
    model, X, y, _ = events
    ax = plt.figure().add_subplot()
    first = RejectionDisplay.from_estimator(model, X, y, ax=ax, name="a", pos_label="sig")
    ridge = RidgeClassifier().fit(X, y)
    second = RejectionDisplay.from_estimator(ridge, X, y, ax=ax, name="b", pos_label="sig")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["random", "a", "b"]
    assert first.line_.get_color() != second.line_.get_color()
    assert first.line_.get_linestyle() != second.line_.get_linestyle()
    custom = first.plot(ax=ax, name="again", color="red", linestyle=":")
    assert (custom.line_.get_color(), custom.line_.get_label()) == ("red", "again")


def test_rejection_hands_the_ids_to_an_estimator_that_needs_them(events):
    _, X, y, _ = events
    seen = []

    class NeedsGroups:
        classes_ = np.array(["bkg", "sig"])

        def predict_proba(self, X, groups):
            seen.append(groups)
            return np.column_stack([1 - np.linspace(0, 1, len(X)), np.linspace(0, 1, len(X))])

    ids = np.arange(len(X))
    RejectionDisplay.from_estimator(NeedsGroups(), X, y, groups=ids, pos_label="sig")
    assert seen[0] is ids


def test_a_classifier_of_three_classes_is_refused():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="two classes"):
        RejectionDisplay.from_estimator(LogisticRegression(max_iter=500).fit(X, y), X, y)


# --- overtraining ---


def test_overtraining_draws_densities_with_their_errors(events):
    model, X, y, weight = events
    kwargs = {"sample_weight_train": weight[:500], "sample_weight_test": weight[500:], "bins": 8, "pos_label": "sig"}
    display = OvertrainingDisplay.from_estimator(model, X[:500], y[:500], X[500:], y[500:], **kwargs)
    np.testing.assert_allclose(display.edges, np.linspace(0, 1, 9))
    score = model.predict_proba(X)[:, 1]
    for i, label in enumerate(["bkg", "sig"]):
        test = (np.arange(1000) >= 500) & (y == label)
        for j in range(8):
            inside = test & (score >= j / 8) & ((score < (j + 1) / 8) | (j == 7))
            np.testing.assert_allclose(display.test[i].density[j], 8 * weight[inside].sum() / weight[test].sum())
            error = 8 * np.sqrt(np.sum(weight[inside] ** 2)) / weight[test].sum()
            np.testing.assert_allclose(display.test[i].error[j], error)
        train = ~(np.arange(1000) >= 500) & (y == label)
        wanted = ks_test(
            score[train], score[test], weight_1=weight[train], weight_2=weight[test], n_permutations=1
        ).statistic
        np.testing.assert_allclose(display.distances[i], wanted)
        assert f"{wanted:.3f}" in display.ax_.get_legend().get_texts()[2 + i].get_text()
    drawn = [container.lines[0].get_ydata() for container in display.ax_.containers]
    np.testing.assert_array_equal(drawn, [histogram.density for histogram in display.test])


def test_overtraining_of_a_cross_fitted_model_scores_each_event_by_its_id(events):
    _, X, y, _ = events
    event = np.arange(1000)
    model = CrossFitClassifier(LogisticRegression(), cv=3).fit(X[:500], y[:500], groups=event[:500])
    parts, ids = (X[:500], y[:500], X[500:], y[500:]), {"groups_train": event[:500], "groups_test": event[500:]}
    display = OvertrainingDisplay.from_estimator(model, *parts, **ids, pos_label="sig")
    score = model.predict_proba(X, groups=event)[:, 1]
    predicted = y[:500], score[:500], y[500:], score[500:]
    wanted = OvertrainingDisplay.from_predictions(*predicted, pos_label="sig")
    for made, right in zip((*display.train, *display.test), (*wanted.train, *wanted.test), strict=True):
        np.testing.assert_array_equal(made.density, right.density)
    assert display.distances == wanted.distances
    with pytest.raises(ValueError, match="needs them to predict"):
        OvertrainingDisplay.from_estimator(model, *parts, groups_train=event[:500], pos_label="sig")


def test_densities_integrate_to_one_on_any_range():
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, 200), rng.normal(0, 5, 200)
    display = OvertrainingDisplay.from_predictions(y[:100], score[:100], y[100:], score[100:])
    for histogram in (*display.train, *display.test):
        np.testing.assert_allclose(np.sum(histogram.density * np.diff(display.edges)), 1)
    assert display.edges[0] == score.min()


def test_a_sample_without_signal_is_refused():
    with pytest.raises(ValueError, match="two labels; got 1"):
        OvertrainingDisplay.from_predictions([0, 1], [0.1, 0.9], [0, 0], [0.2, 0.3])


# --- loss curve ---

HISTORY = {"epoch": np.array([1, 2, 3]), "train_loss": [0.7, 0.5, 0.4], "valid_loss": [0.7, 0.6, 0.65]}


class Network(LogisticRegression):
    """Stands for any estimator with a history."""

    def fit(self, X, y):
        self.history_ = HISTORY
        return super().fit(X, y)


def test_loss_curves_of_a_network_and_of_a_pipeline(events):
    _, X, y, _ = events
    for model in (Network(), make_pipeline(StandardScaler(), Network())):
        display = LossCurveDisplay.from_estimator(model.fit(X, y))
        train, valid, best = display.ax_.lines
        np.testing.assert_array_equal(train.get_ydata(), HISTORY["train_loss"])
        np.testing.assert_array_equal(valid.get_ydata(), HISTORY["valid_loss"])
        assert (best.get_xdata()[0], best.get_ydata()[0]) == (2, 0.6)


def test_loss_curves_without_validation_and_of_several_folds():
    display = LossCurveDisplay.from_history({"train_loss": [0.3, 0.2]})
    assert len(display.ax_.lines) == 1
    np.testing.assert_array_equal(display.ax_.lines[0].get_xdata(), [1, 2])
    display = LossCurveDisplay.from_history([HISTORY, HISTORY])
    assert len(display.ax_.lines) == 6
    assert len(display.ax_.get_legend().get_texts()) == 3


def test_metrics_have_an_axis_of_their_own(events):
    _, X, y, _ = events
    settings = {"width": 4, "n_layers": 1, "max_epochs": 3, "random_state": 0, "device": "cpu"}
    network = FeedForwardClassifier(metrics=["roc_auc", "accuracy"], **settings).fit(X, y)
    display = LossCurveDisplay.from_estimator(network)
    drawn = {line.get_label(): line.get_ydata() for line in display.metric_ax_.lines}
    assert list(drawn) == ["roc_auc", "accuracy"]
    np.testing.assert_array_equal(drawn["accuracy"], network.history_["valid_accuracy"])
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels[:2] == ["training", "validation"]
    assert labels[-2:] == ["roc_auc", "accuracy"]
    several = LossCurveDisplay.from_history([network.history_, network.history_])
    assert len(several.metric_ax_.lines) == 4
    assert len(several.ax_.get_legend().get_texts()) == 5
    assert LossCurveDisplay.from_history(HISTORY).metric_ax_ is None


def test_what_has_no_history_is_refused(events):
    with pytest.raises(ValueError, match="LogisticRegression has no history_"):
        LossCurveDisplay.from_estimator(events[0])
    with pytest.raises(ValueError, match="'train_loss'"):
        LossCurveDisplay.from_history({"loss": [1.0]})
    for bad, message in (
        ([], "a history or several; got an empty list"), ([HISTORY, "loss"], "needs 'train_loss'.*got str"),
        ({"train_loss": []}, "of one epoch or more"), ({"train_loss": ["a"]}, "one number per epoch"),
        ({"train_loss": 0.5}, "one number per epoch"), ({"train_loss": [1.0], "valid_loss": [1.0, 2.0]}, "one number"),
        ({"train_loss": [1.0, 2.0], "epoch": [1]}, "one number per epoch"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            LossCurveDisplay.from_history(bad)


def test_a_masked_loss_is_a_gap():
    display = LossCurveDisplay.from_history({"train_loss": np.ma.array([9.0, 0.5, 0.4], mask=[1, 0, 0])})
    np.testing.assert_array_equal(display.ax_.lines[0].get_ydata(), [np.nan, 0.5, 0.4])


# --- all of them ---


def contrast(color, other):
    """Ratio of luminances, as the WCAG defines it."""
    import matplotlib.colors as colors

    def luminance(c):
        rgb = np.array(colors.to_rgb(c))
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    bright, dark = sorted([luminance(color), luminance(other)], reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_every_curve_stands_out_from_paper_and_has_a_style_of_its_own():
    # 2.5: what the lightest colour of the palette reaches on white; yellow would have 1.3
    assert min(contrast(color, "white") for color, _ in CURVES) > 2.5
    assert len({str(style) for _, style in CURVES}) == len(CURVES)


def test_in_print_classes_differ_by_more_than_colour():
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, 200), rng.uniform(size=200)
    ax = OvertrainingDisplay.from_predictions(y, score, y, score).ax_
    hatches = {patch.get_hatch() for patch in ax.patches} - {None}
    markers = {container.lines[0].get_marker() for container in ax.containers}
    assert len(hatches) == len(markers) == 2
    training, validation, _ = LossCurveDisplay.from_history(HISTORY).ax_.lines
    assert training.get_linestyle() != validation.get_linestyle()


def test_importing_the_package_does_not_import_matplotlib():
    code = "import sys, sklearn_ml4fp.inspection; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sklearn-ml4fp\[plot\]"):
        LossCurveDisplay.from_history(HISTORY)


def test_without_mplhep_the_plots_are_plainer(monkeypatch):
    with_mplhep = LossCurveDisplay.from_history(HISTORY).ax_
    monkeypatch.setitem(sys.modules, "mplhep", None)
    without = LossCurveDisplay.from_history(HISTORY).ax_
    assert with_mplhep.xaxis.get_major_ticks()[0].get_tickdir() == "in"
    assert without.xaxis.get_major_ticks()[0].get_tickdir() == "out"
