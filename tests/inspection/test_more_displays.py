"""Calibration, correlation, response and importance: the drawn numbers against independent calculations."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import make_classification
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_ml4fp import (
    CalibrationDisplay,
    CorrelationDisplay,
    CrossFitClassifier,
    CrossFitRegressor,
    DeepSetsClassifier,
    EventGraphDisplay,
    Graphs,
    ImportanceDisplay,
    OvertrainingDisplay,
    PointClouds,
    RaggedArray,
    ResponseDisplay,
    expected_calibration_error,
    response_bias,
    response_resolution,
    roc_auc_score,
    roc_auc_scorer,
)
from sklearn_ml4fp.inspection._correlation import weighted_correlation


@pytest.fixture(scope="module")
def signed():
    rng = np.random.default_rng(4)
    prob = rng.uniform(size=400)
    return (rng.uniform(size=400) < prob).astype(int), prob, rng.normal(1, 0.8, 400)


# --- calibration ---


def test_calibration_draws_the_fraction_of_each_bin_and_its_error(signed):
    y, prob, weight = signed
    display = CalibrationDisplay.from_predictions(y, prob, sample_weight=weight, n_bins=5)
    for i in range(5):
        w, s, p = (a[(prob >= i / 5) & (prob < (i + 1) / 5)] for a in (weight, y, prob))
        fraction = np.average(s, weights=w)
        np.testing.assert_allclose(display.observed[i], fraction)
        np.testing.assert_allclose(display.predicted[i], np.average(p, weights=w))
        # error propagation of S/(S + B) with the variances Σw² of S and B
        S, B = np.sum(w[s == 1]), np.sum(w[s == 0])
        variance = (B**2 * np.sum(w[s == 1] ** 2) + S**2 * np.sum(w[s == 0] ** 2)) / (S + B) ** 4
        np.testing.assert_allclose(display.error[i], np.sqrt(variance))
    wanted = expected_calibration_error(y, prob, sample_weight=weight, n_bins=5)
    assert f"{wanted:.3f}" in display.ax_.get_legend().get_texts()[-1].get_text()


def test_calibration_of_an_estimator_and_an_empty_bin(signed):
    X, y = make_classification(300, random_state=0)
    model = LogisticRegression().fit(X, y)
    display = CalibrationDisplay.from_estimator(model, X, y)
    by_hand = CalibrationDisplay.from_predictions(y, model.predict_proba(X)[:, 1], ax=display.ax_)
    np.testing.assert_array_equal(display.observed, by_hand.observed)
    markers = [container.lines[0].get_marker() for container in display.ax_.containers]
    assert len(set(markers)) == 2
    empty = CalibrationDisplay.from_predictions([0, 1], [0.05, 0.95])
    assert np.isnan(empty.observed[1:-1]).all()
    np.testing.assert_array_equal(empty.observed[[0, -1]], [0, 1])


# --- correlation ---


def test_correlations_with_positive_weights_as_in_numpy():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)) + 1e4  # far from zero: digits are easily lost
    weight = rng.uniform(0, 2, 300)
    covariance = np.cov(X.T, aweights=weight)
    spread = np.sqrt(np.diag(covariance))
    made = CorrelationDisplay.from_data(X, sample_weight=weight).correlation
    np.testing.assert_allclose(made, covariance / np.outer(spread, spread), atol=1e-10)
    np.testing.assert_allclose(CorrelationDisplay.from_data(X).correlation, np.corrcoef(X.T), atol=1e-10)


def test_correlations_with_negative_weights_and_absent_values_pair_by_pair():
    rng = np.random.default_rng(1)
    X, weight = rng.normal(size=(200, 3)), rng.normal(1, 1, 200)
    X[:, 1] += X[:, 0]
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    made = weighted_correlation(X, weight)
    for i in range(3):
        for j in range(3):
            both = ~np.isnan(X[:, i]) & ~np.isnan(X[:, j])
            x, y, w = X[both, i], X[both, j], weight[both] / weight[both].sum()
            x, y = x - np.sum(w * x), y - np.sum(w * y)
            wanted = np.sum(w * x * y) / np.sqrt(np.sum(w * x * x) * np.sum(w * y * y))
            np.testing.assert_allclose(made[i, j], wanted, atol=1e-12)


@pytest.mark.filterwarnings("error")
def test_columns_that_do_not_vary_have_no_correlation():
    X = np.column_stack([np.arange(5.0), np.full(5, 3e7), np.full(5, np.nan)])
    made = weighted_correlation(X, np.ones(5))
    np.testing.assert_array_equal(np.isnan(made), [[False, True, True], [True] * 3, [True] * 3])


def test_correlations_carry_names_and_numbers():
    frame = pd.DataFrame({"pt": [1.0, 2, 3], "eta": [3.0, 2, 1]})
    display = CorrelationDisplay.from_data(frame)
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["pt", "eta"]
    assert [text.get_text() for text in display.ax_.texts] == ["100", "-100", "-100", "100"]
    np.testing.assert_array_equal(display.image_.get_array(), display.correlation)
    many = CorrelationDisplay.from_data(np.random.default_rng(0).normal(size=(20, 17)))
    assert not many.ax_.texts


# --- response ---


def test_response_draws_bias_and_resolution_bin_by_bin():
    rng = np.random.default_rng(2)
    truth = rng.uniform(20, 200, 1000)
    prediction, weight = truth * rng.normal(1.1, 0.1, 1000), rng.normal(1, 0.8, 1000)
    for relative in (True, False):
        edges = [20, 50, 100, 200]
        display = ResponseDisplay.from_predictions(
            truth, prediction, sample_weight=weight, bins=edges, relative=relative, name="net"
        )
        for i in range(3):
            inside = (truth >= edges[i]) & (truth < edges[i + 1])
            args = truth[inside], prediction[inside]
            kwargs = {"sample_weight": weight[inside], "relative": relative}
            np.testing.assert_allclose(display.median[i], response_bias(*args, **kwargs) + relative)
            half = (display.high[i] - display.low[i]) / 2 / (display.median[i] if relative else 1)
            np.testing.assert_allclose(half, response_resolution(*args, **kwargs))
        np.testing.assert_array_equal(display.ax_.containers[-1].lines[0].get_ydata(), display.median)


def test_equal_bins_hold_every_event_and_an_empty_one_is_nan():
    truth = np.arange(1.0, 101)
    display = ResponseDisplay.from_predictions(truth, truth, bins=4)
    np.testing.assert_allclose(np.histogram(truth, display.edges)[0], 25)
    np.testing.assert_array_equal(display.median, np.ones(4))
    assert np.isnan(ResponseDisplay.from_predictions(truth, truth, bins=[0, 50, 101, 150]).median[2])
    only_last = ResponseDisplay.from_predictions([1.0, 2.0], [1.0, 4.0], bins=[0.5, 1.5, 2.0])
    np.testing.assert_array_equal(only_last.median, [1, 2])  # the upper edge belongs to the last bin


def test_response_of_estimators_and_its_error():
    rng = np.random.default_rng(3)
    X = rng.uniform(1, 2, (200, 2))
    y, event = X @ [1.0, 2.0], np.arange(200)
    np.testing.assert_allclose(ResponseDisplay.from_estimator(LinearRegression().fit(X, y), X, y).median, 1)
    crossed = CrossFitRegressor(LinearRegression(), cv=3).fit(X, y, groups=event)
    display = ResponseDisplay.from_estimator(crossed, X, y, groups=event, bins=3)
    np.testing.assert_allclose(display.median, 1)
    assert "CrossFitRegressor" in display.ax_.get_legend().get_texts()[0].get_text()
    with pytest.raises(ValueError, match="one output; got 2"):
        ResponseDisplay.from_predictions(X, X)


# --- importance ---


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(800, 4))
    y = (X[:, 0] + 0.5 * X[:, 2] + 0.5 * rng.normal(size=800) > 0).astype(int)
    return LogisticRegression().fit(X, y), X, y, rng.uniform(0, 2, 800)


def test_importances_as_in_scikit_learn(fitted):
    model, X, y, weight = fitted
    display = ImportanceDisplay.from_estimator(
        model, X, y, scoring=roc_auc_scorer, sample_weight=weight, n_repeats=20, random_state=0
    )
    assert display.score == roc_auc_score(y, model.predict_proba(X)[:, 1], sample_weight=weight)
    theirs = permutation_importance(model, X, y, scoring="roc_auc", sample_weight=weight, n_repeats=20, random_state=1)
    # twenty shuffles each: four standard deviations of the difference of two means
    error = 4 * np.sqrt((display.losses.var(axis=1) + theirs.importances.var(axis=1)) / 20)
    assert (np.abs(display.losses.mean(axis=1) - theirs.importances_mean) < error + 1e-12).all()
    assert [text.get_text() for text in display.ax_.get_yticklabels()][-2:] == ["2", "0"]  # the largest on top


def test_grouped_columns_are_shuffled_together(fitted):
    _, X, y, _ = fitted
    twice = np.column_stack([X, X[:, 0]])  # the same column again: each stands in for the other
    model = LogisticRegression().fit(twice, y)
    groups = {"both": [0, 4], "third": 2, "noise": [1, 3]}
    display = ImportanceDisplay.from_estimator(model, twice, y, columns=groups, scoring=roc_auc_scorer, random_state=0)
    alone = ImportanceDisplay.from_estimator(model, twice, y, scoring=roc_auc_scorer, random_state=0)
    means = dict(zip(display.names, display.losses.mean(axis=1), strict=True))
    assert means["both"] > 1.5 * alone.losses.mean(axis=1)[0]
    assert means["both"] > means["third"] > abs(means["noise"])


def test_shuffling_keeps_a_group_of_columns_in_one_piece(fitted):
    """Rows (a, b) with a = b stay so: columns shuffled apart would be a different, impossible kind of event."""
    seen = []

    class Probe(LogisticRegression):
        def predict_proba(self, X):
            seen.append(np.array(X))
            return super().predict_proba(X)

    _, X, y, _ = fitted
    same = np.column_stack([X[:, 0], X[:, 0], X[:, 1]])
    ImportanceDisplay.from_estimator(
        Probe().fit(same, y), same, y, columns={"pair": [0, 1]}, scoring=roc_auc_scorer, n_repeats=1, random_state=0
    )
    shuffled = seen[-1]
    np.testing.assert_array_equal(shuffled[:, 0], shuffled[:, 1])
    np.testing.assert_array_equal(np.sort(shuffled[:, 0]), np.sort(same[:, 0]))
    np.testing.assert_array_equal(shuffled[:, 2], same[:, 2])
    assert not np.array_equal(shuffled[:, 0], same[:, 0])


def test_frames_give_what_arrays_give(fitted):
    _, X, y, _ = fitted
    names = ["a", "b", "c", "d"]
    groups = {"a and b": ["a", "b"], "c": "c"}
    kwargs = {"scoring": roc_auc_scorer, "random_state": 0}
    array = ImportanceDisplay.from_estimator(
        LogisticRegression().fit(X, y), X, y, columns={"a and b": [0, 1], "c": 2}, **kwargs
    )
    for frame in (pd.DataFrame(X, columns=names, index=np.arange(800)[::-1]), pl.DataFrame(X, schema=names)):
        before = np.asarray(frame).copy()
        display = ImportanceDisplay.from_estimator(
            LogisticRegression().fit(frame, y), frame, y, columns=groups, **kwargs
        )
        np.testing.assert_allclose(display.losses, array.losses)
        np.testing.assert_array_equal(np.asarray(frame), before)


def test_a_cross_fitted_model_is_scored_by_id(fitted):
    _, X, y, weight = fitted
    event = np.arange(len(y))
    model = CrossFitClassifier(LogisticRegression(), cv=3, scoring=roc_auc_scorer)
    model.fit(X, y, groups=event, sample_weight=weight)
    display = ImportanceDisplay.from_estimator(model, X, y, groups=event, sample_weight=weight, random_state=0)
    np.testing.assert_allclose(display.score, model.oof_score_)
    assert np.argmax(display.losses.mean(axis=1)) == 0


@pytest.fixture(scope="module")
def jets():
    """Clouds of 0 to 7 points; the class is told by the mean of "b" and, less well, by the number of points."""
    rng = np.random.default_rng(0)
    counts, met = rng.integers(0, 8, 600), rng.normal(size=(600, 1))
    values = rng.normal(size=(counts.sum(), 3))
    names = {"feature_names": ["a", "b", "c"], "event_values": met, "event_names": ["met"]}
    X = PointClouds(values, np.r_[0, np.cumsum(counts)], **names)
    sums = np.bincount(np.repeat(np.arange(600), counts), values[:, 1], 600)
    return X, (sums + 0.7 * (counts - 3.5) > 0).astype(int)


class SumsAndCounts(LogisticRegression):
    """A linear model of the sums over the points, their number and the columns of the event."""

    def table(self, X):
        seen.append(X)
        sums = [np.bincount(np.repeat(np.arange(len(X)), X.counts), column, len(X)) for column in X.values.T]
        return np.column_stack([*sums, X.counts, X.event_values])

    def fit(self, X, y):
        return super().fit(self.table(X), y)

    def predict_proba(self, X):
        return super().predict_proba(self.table(X))


seen = []


def test_importance_on_point_clouds(jets):
    X, y = jets
    model = SumsAndCounts().fit(X, y)
    before = PointClouds(
        X.values.copy(), X.offsets, X.feature_names, event_values=X.event_values.copy(), event_names=["met"]
    )
    kwargs = {"scoring": roc_auc_scorer, "random_state": 0, "n_repeats": 3}
    display = ImportanceDisplay.from_estimator(model, X, y, **kwargs)
    assert display.names == ["a", "b", "c", "met", "whole clouds"]
    mean = dict(zip(display.names, display.losses.mean(axis=1), strict=True))
    assert mean["whole clouds"] > mean["b"] + 0.05 > 0.1  # it takes the number of points away as well
    assert max(abs(mean[name]) for name in ("a", "c", "met")) < 0.02
    np.testing.assert_allclose(mean["whole clouds"], display.score - 0.5, atol=0.06)
    assert before == X
    assert ImportanceDisplay.from_estimator(model, X, y, **kwargs, columns={"both": ["b", "met"]}).names == ["both"]


def test_what_is_shuffled_in_point_clouds(jets):
    X, y = jets
    model = SumsAndCounts().fit(X, y)
    groups = {"pair": ["a", "c", "met"], "whole": ...}
    seen.clear()
    ImportanceDisplay.from_estimator(model, X, y, columns=groups, scoring=roc_auc_scorer, n_repeats=1, random_state=0)
    _, pair, whole = seen
    # two features of one point stay together, the third stays where it is, and so does the number of points
    np.testing.assert_array_equal(pair.offsets, X.offsets)
    np.testing.assert_array_equal(pair.values[:, 1], X.values[:, 1])
    order = np.argsort(X.values[:, 0])[np.argsort(np.argsort(pair.values[:, 0]))]
    np.testing.assert_array_equal(pair.values[:, [0, 2]], X.values[order][:, [0, 2]])
    assert (pair.values[:, 0] != X.values[:, 0]).mean() > 0.9
    np.testing.assert_array_equal(np.sort(pair.event_values, axis=0), np.sort(X.event_values, axis=0))
    assert (pair.event_values != X.event_values).mean() > 0.9
    # whole clouds: each is one of the old ones, and the columns of the events stay
    np.testing.assert_array_equal(whole.event_values, X.event_values)
    assert sorted(map(np.ndarray.tobytes, whole)) == sorted(map(np.ndarray.tobytes, X))
    assert (whole.counts != X.counts).mean() > 0.5


def test_what_is_shuffled_in_graphs(jets):
    X, y = jets
    rng = np.random.default_rng(0)
    full = np.flatnonzero(X.counts > 1)
    clouds, y = X[full], y[full]
    edges = np.tile([[0, 1], [1, 0]], (len(clouds), 1))
    length = rng.normal(size=(len(edges), 1))
    graphs = Graphs(clouds, edges, 2 * np.arange(len(clouds) + 1), length, ["length"])
    given = []

    class Probe(LogisticRegression):
        def score(self, X, y):
            given.append(X)
            return 0.0

    display = ImportanceDisplay.from_estimator(Probe(), graphs, y, n_repeats=1, random_state=0)
    assert display.names == ["a", "b", "c", "met", "length", "whole clouds"]
    _, a, _, _, _, lengths, whole = given
    np.testing.assert_array_equal(np.sort(a.nodes.column("a")), np.sort(clouds.column("a")))
    assert (a.nodes.column("a") != clouds.column("a")).mean() > 0.9
    np.testing.assert_array_equal(a.edge_values, length)
    assert lengths.nodes == clouds
    assert (lengths.edge_values != length).mean() > 0.9
    np.testing.assert_array_equal(whole.nodes.event_values, clouds.event_values)
    moved = {(nodes.tobytes(), values.tobytes()) for nodes, _, values in whole}
    assert moved == {(nodes.tobytes(), values.tobytes()) for nodes, _, values in graphs}


@pytest.mark.parametrize("form", ["awkward", "list"])
def test_importance_on_what_networks_take_as_point_clouds(jets, form):
    X, y = jets
    plain = PointClouds(X.values, X.offsets)
    network = DeepSetsClassifier(width=8, n_layers=1, max_epochs=2, random_state=0, device="cpu").fit(plain, y)
    other = plain.to_awkward() if form == "awkward" else plain.to_lists()
    kwargs = {"n_repeats": 1, "random_state": 0}
    made, wanted = (ImportanceDisplay.from_estimator(network, one, y, **kwargs) for one in (other, plain))
    np.testing.assert_array_equal(made.losses, wanted.losses)


def test_importance_of_columns_whose_names_are_numbers_and_of_masked_tables(fitted):
    model, X, y, _ = fitted
    wanted = ImportanceDisplay.from_estimator(model, X, y, n_repeats=1, random_state=0).losses
    made = ImportanceDisplay.from_estimator(model, pd.DataFrame(X), y, n_repeats=1, random_state=0).losses
    np.testing.assert_array_equal(made, wanted)
    given = []

    class Probe(LogisticRegression):
        def score(self, X, y):
            given.append(X)
            return 0.0

    mask = np.random.default_rng(0).uniform(size=X.shape) < 0.2
    ImportanceDisplay.from_estimator(Probe().fit(X, y), np.ma.array(X, mask=mask), y, n_repeats=1)
    assert all(one.mask.sum(axis=0).tolist() == mask.sum(axis=0).tolist() for one in given)


def test_importance_refuses_what_it_cannot_do(fitted):
    model, X, y, _ = fitted
    with pytest.raises(ValueError, match=r"columns \['mass'\] are not in X"):
        ImportanceDisplay.from_estimator(model, X, y, columns={"m": "mass"})
    with pytest.raises(ValueError, match="own score is used"):
        ImportanceDisplay.from_estimator(model, X, y, groups=np.arange(len(y)), scoring=roc_auc_scorer)
    for bad, message in (
        (csr_array(X), "sparse matrix becomes a table by .toarray"), (X[:, 0], "X must be a table"),
        (pd.DataFrame(X, columns=list("aabc")), r"different names.*\['a', 'a', 'b', 'c'\]"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            ImportanceDisplay.from_estimator(model, bad, y)
    with pytest.raises(ValueError, match="n_repeats must be an integer, 1 or more; got 0"):
        ImportanceDisplay.from_estimator(model, X, y, n_repeats=0)
    for bad in ({}, ["a"]):
        with pytest.raises(ValueError, match="columns must map names to the columns"):
            ImportanceDisplay.from_estimator(model, X, y, columns=bad)
    with pytest.raises(ValueError, match="whole point clouds: name columns"):
        ImportanceDisplay.from_estimator(model, X, y, columns={"all": ...})


# --- what cannot be drawn ---


@pytest.mark.parametrize(
    ("bins", "message"),
    [(0, "bins must be an integer, 1 or more"), (2.5, "bins must be an integer"), (True, "bins must be an integer"),
     ("auto", "bins must be an integer"), (None, "bins must be an integer"), ([], "a number of bins or their edges"),
     ([1.0], "two or more in rising order"), ([2.0, 1.0], "in rising order"), ([0.1, 0.1, 2.0], "in rising order"),
     ([0.1, np.nan, 2.0], "bins contains 1 values"), ([5.0, 6.0], "hold none of the .*lie between 0.2"),
     ([[0.0, 1.0]], "their edges"), (["a", "b"], "bins is of type")],
)  # fmt: skip
@pytest.mark.parametrize("display", [ResponseDisplay, OvertrainingDisplay])
def test_bins_that_are_none(display, bins, message):
    y, score = [0, 1, 0, 1], [0.2, 0.9, 0.4, 0.7]
    arguments = (score, score) if display is ResponseDisplay else (y, score, y, score)
    with pytest.raises(ValueError, match=message):
        display.from_predictions(*arguments, bins=bins)


@pytest.mark.parametrize("truth", [[3.0], np.full(20, 3.0)], ids=["one event", "one value"])
def test_the_response_at_one_true_value(truth):
    display = ResponseDisplay.from_predictions(truth, 1.1 * np.asarray(truth))
    np.testing.assert_allclose(display.median, [1.1])


def test_equal_bins_of_few_true_values():
    display = ResponseDisplay.from_predictions(np.repeat([1.0, 2.0, 3.0], 10), np.repeat([1.0, 4.0, 9.0], 10), bins=10)
    assert (np.diff(display.edges) > 0).all()
    assert np.isfinite(display.median).all()


@pytest.mark.parametrize(
    ("X", "names", "message"),
    [
        (np.array([["1.5", "2"], ["3", "4"]]), None, "text|real numbers; got <U3"),
        (np.ones((3, 2), "M8[s]"), None, "dates or times|got datetime64"),
        (np.ones((3, 2), complex), None, "omplex"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), None, "'b'"),
        (np.ones((0, 2)), None, "minimum of 1"), (np.ones(3), None, "2D array"), (np.ones((3, 2, 2)), None, "dim 3"),
        (np.array([[1.0, np.inf], [1.0, 2.0]]), None, "infinity"),
        (np.ones((3, 2)), ["pt"], r"one per column of X, 2; got 1: \['pt'\]"),
        (PointClouds(np.ones((3, 2)), [0, 3]), None, "real numbers; got PointClouds|ragged"),
    ],
)  # fmt: skip
def test_what_is_no_table_has_no_correlations(X, names, message):
    with pytest.raises((ValueError, TypeError), match=message):
        CorrelationDisplay.from_data(X, names=names)


def test_correlations_leave_out_what_is_masked_and_know_columns_of_one_name():
    rng = np.random.default_rng(0)
    X, mask = rng.normal(size=(100, 3)), rng.uniform(size=(100, 3)) < 0.2
    hidden = np.where(mask, -999.0, X)
    made = CorrelationDisplay.from_data(np.ma.array(hidden, mask=mask)).correlation
    np.testing.assert_array_equal(made, weighted_correlation(np.where(mask, np.nan, X), np.ones(100)))
    assert CorrelationDisplay.from_data(pd.DataFrame(X, columns=["a", "a", "b"])).names == ["a", "a", "b"]


# --- an event ---


def test_event_graph_draws_what_was_found_missed_and_false():
    nodes = PointClouds([[30.0, 0.0], [70.0, 0.1], [120.0, np.pi / 2]], [0, 3], ["r", "phi"])
    graphs = Graphs(nodes, [[0, 1], [1, 2], [0, 2]], [0, 3])
    true, score = RaggedArray([1, 1, 0], [0, 3]), RaggedArray([0.9, 0.2, 0.8], [0, 3])
    display = EventGraphDisplay.from_predictions(graphs, true, score)
    found, missed, false = display.ax_.collections[:3]
    assert [one.get_label() for one in (found, missed, false)] == ["found: 1", "missed: 1", "false: 1"]
    np.testing.assert_allclose(missed.get_segments()[0], [[70 * np.cos(0.1), 70 * np.sin(0.1)], [0, 120]], atol=1e-12)
    both = RaggedArray(np.stack([1 - score.values, score.values], axis=1), [0, 3])
    np.testing.assert_array_equal(EventGraphDisplay.from_predictions(graphs, true, both).accepted, display.accepted)


def test_event_graph_refuses_what_does_not_fit():
    graphs = Graphs(PointClouds(np.zeros((2, 1)), [0, 2]), [[0, 1]], [0, 1])
    y = RaggedArray([1], [0, 1])
    for wrong, kind, message in (
        ((graphs.nodes, y, y), TypeError, "must be Graphs"),
        ((graphs, [1], y), TypeError, "RaggedArray"),
        ((graphs, y, RaggedArray([1, 1], [0, 2])), ValueError, "one number per edge"),
        ((graphs, y, y), ValueError, "two features"),
    ):
        with pytest.raises(kind, match=message):
            EventGraphDisplay.from_predictions(*wrong)
    with pytest.raises(ValueError, match="event must be from 0 to 0"):
        EventGraphDisplay.from_predictions(graphs, y, y, event=1)
