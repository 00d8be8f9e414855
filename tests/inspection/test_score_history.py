"""The distribution of the hold-out's scores against the epoch: what is recorded, kept and drawn."""

import pickle

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import PrintLog

from sklearn_ml4fp import (
    CrossFitClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    ScoreHistory,
    ScoreHistoryDisplay,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = np.where(X[:, 0] + RNG.normal(size=300) > 0, "top", "qcd")
X_VAL = RNG.normal(size=(200, 4))
Y_VAL = np.where(X_VAL[:, 0] + RNG.normal(size=200) > 0, "top", "qcd")
W_VAL = RNG.normal(1, 0.8, size=200)  # one in ten is negative
QUICK = {"width": 8, "n_layers": 1, "lr": 0.02, "max_epochs": 3, "random_state": 0, "device": "cpu"}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def network(bins=10, **params):
    return FeedForwardClassifier(**{**QUICK, "callbacks": [ScoreHistory(bins)], **params})


def test_the_last_epoch_is_the_histogram_of_the_predictions_with_their_weights():
    watched = {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": W_VAL}
    model = network(early_stopping=False, class_weight={"qcd": 3.0, "top": 1.0}).fit(X, Y, **watched)
    display = ScoreHistoryDisplay.from_estimator(model)
    assert display.counts.shape == (3, 2, 10)
    score = model.predict_proba(X_VAL)[:, 1]
    for i, label in enumerate(["qcd", "top"]):
        of_class = label == Y_VAL
        wanted = np.histogram(score[of_class], 10, (0, 1), weights=W_VAL[of_class])[0]
        got = display.counts[-1, i]
        np.testing.assert_allclose(got / got.sum(), wanted / wanted.sum(), atol=1e-6)
    assert [one.get_title() for one in display.axes_] == ["qcd", "top"]
    assert display.axes_[0].get_ylabel() == "Probability of top"


def test_the_lines_are_the_quantiles_and_the_classes_move_apart():
    model = network(bins=200, max_epochs=12, early_stopping=False).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    display = ScoreHistoryDisplay.from_estimator(model)
    score = model.predict_proba(X_VAL)[:, 1]
    wanted = np.quantile(score[Y_VAL == "top"], [0.16, 0.5, 0.84])
    np.testing.assert_allclose(display.quantiles[-1, 1], wanted, atol=0.02)
    drawn = display.axes_[1].lines[1].get_ydata()
    np.testing.assert_array_equal(drawn, display.quantiles[:, 1, 1])
    between = display.quantiles[:, 1, 1] - display.quantiles[:, 0, 1]
    assert between[-1] > 3 * abs(between[0])


def test_three_classes_have_the_probability_of_their_own():
    X, y = load_iris(return_X_y=True)
    model = network(early_stopping=False).fit(X, y, X_val=X, y_val=y)
    display = ScoreHistoryDisplay.from_estimator(model)
    own = model.predict_proba(X)[np.arange(150), y]
    for k in range(3):
        np.testing.assert_array_equal(display.counts[-1, k], np.histogram(own[y == k], 10, (0, 1))[0])


@pytest.mark.parametrize("columns", [None, 2])
def test_the_residuals_of_a_regression(columns):
    def target(X):
        y = 500 + 100 * X[:, 0]
        return y if columns is None else np.stack([y, -(y**2)], axis=1)

    model = FeedForwardRegressor(**QUICK, early_stopping=False, callbacks=[ScoreHistory(20)])
    model.fit(X, target(X), X_val=X_VAL, y_val=target(X_VAL))
    display = ScoreHistoryDisplay.from_estimator(model)
    y = target(X_VAL).reshape(200, -1)
    residual = (model.predict(X_VAL).reshape(200, -1) - y) / y.std(0)
    for i in range(y.shape[1]):
        wanted = np.histogram(residual[:, i].clip(-2.999, 2.999), 20, (-3, 3))[0]
        assert np.abs(display.counts[-1, i] - wanted).sum() <= 2  # one event may be on an edge, in float32
    assert len(display.axes_) == y.shape[1]


def test_it_is_kept_with_the_model_and_found_in_pipelines_and_searches():
    model = network().fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    counts = ScoreHistoryDisplay.from_estimator(model).counts
    np.testing.assert_array_equal(ScoreHistoryDisplay.from_estimator(again).counts, counts)
    assert list(model.history_frame_) == list(FeedForwardClassifier(**QUICK).fit(X, Y).history_frame_)
    pipeline = make_pipeline(StandardScaler(), network())
    search = GridSearchCV(pipeline, {"feedforwardclassifier__lr": [0.01]}, cv=2).fit(X, Y)
    assert ScoreHistoryDisplay.from_estimator(search).counts.shape == (3, 2, 10)
    crossed = CrossFitClassifier(pipeline, cv=2).fit(X, Y)
    assert ScoreHistoryDisplay.from_estimator(crossed.estimators_[0]).counts.shape == (3, 2, 10)


def test_other_callbacks_are_not_disturbed(capsys):
    network(callbacks=[ScoreHistory(), PrintLog()]).fit(X, Y)
    assert "train_loss" in capsys.readouterr().out


def test_given_axes_are_used():
    axes = plt.figure().subplots(1, 2)
    display = ScoreHistoryDisplay.from_estimator(network().fit(X, Y), ax=axes)
    assert display.axes_[1] is axes[1]
    with pytest.raises(ValueError, match=r"2 axes, one for each of \['qcd', 'top'\]"):
        display.plot(ax=axes[0])


def test_what_has_recorded_nothing_is_refused():
    with pytest.raises(ValueError, match=r"has recorded no scores: fit it with callbacks=\[ScoreHistory\(\)\]"):
        ScoreHistoryDisplay.from_estimator(FeedForwardClassifier(**QUICK).fit(X, Y))
    with pytest.raises(ValueError, match="there is none: pass early_stopping=True"):
        network(early_stopping=False).fit(X, Y)
