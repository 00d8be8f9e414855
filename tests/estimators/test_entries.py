"""Networks with an output for every point or edge: what events may not do to each other, weights, splits, scores."""

import pickle

import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate

import sklearn_ml4fp
from sklearn_ml4fp import (
    SCORERS,
    BayesSearchCV,
    CrossFitClassifier,
    CrossFitRegressor,
    EdgeConvClassifier,
    EventKFold,
    Graphs,
    InteractionNetworkClassifier,
    MessagePassingClassifier,
    MessagePassingRegressor,
    NetworkClassifier,
    PointClouds,
    RaggedArray,
    Rotate,
    ToTrackGraph,
    TransformerClassifier,
    edge_labels,
    load_model,
    make_tracker_hits,
    roc_auc_score,
    save_model,
)

EVENTS = make_tracker_hits(24, n_tracks=4, n_noise=1, random_state=0)
EMPTY = Graphs(PointClouds(np.zeros((0, 4), np.float32), [0, 0], EVENTS.data.feature_names), [], [0, 0],
               np.zeros((0, 5), np.float32), ToTrackGraph().fit_transform(EVENTS.data[:1]).edge_names)  # fmt: skip
GRAPHS = Graphs.concatenate([ToTrackGraph(both_ways=True).fit_transform(EVENTS.data), EMPTY])
GROUPS = np.arange(len(GRAPHS))
PARTICLE = RaggedArray(EVENTS.particle.values, GRAPHS.nodes.offsets)
Y = {
    "point": RaggedArray((PARTICLE.values >= 0).astype(int), GRAPHS.nodes.offsets),
    "edge": edge_labels(GRAPHS, PARTICLE),
}
NUMBERS = {
    "point": RaggedArray(EVENTS.momentum.values, GRAPHS.nodes.offsets),
    "edge": Y["edge"].with_values(GRAPHS.edge_values[:, GRAPHS.edge_names.index("slope")] * 1e3),
}
SMALL = {"width": 8, "n_layers": 1, "n_blocks": 1, "n_heads": 2, "head_width": 8, "pair_width": 4, "n_neighbors": 3}


def outputs_of(network):
    (options,) = network._hyperparameters["output"].valid
    return options.options


def events_of(network):
    """Graphs, or points where a network uses no edges."""
    return GRAPHS if "edge" in outputs_of(network) else GRAPHS.nodes


NETWORKS = [
    getattr(sklearn_ml4fp, name)
    for name in sklearn_ml4fp.__all__
    if name.endswith(("Classifier", "Regressor"))
    and "output" in getattr(getattr(sklearn_ml4fp, name), "_hyperparameters", {})
]
each_output = pytest.mark.parametrize("output", ["point", "edge"])
CASES = [(network, output) for network in NETWORKS for output in ("point", "edge") if output in outputs_of(network)]
each = pytest.mark.parametrize(
    ("network", "output"), CASES, ids=[f"{network.__name__}-{output}" for network, output in CASES]
)


def small(network, output="point", **params):
    declared = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    coordinates = {"coordinates": ()} if "coordinates" in network._hyperparameters else {}
    return network(output=output, **{"max_epochs": 2, "random_state": 0, **coordinates, **declared, **params})


def target_of(network, output):
    return (Y if issubclass(network, NetworkClassifier) else NUMBERS)[output]


def values(network, X):
    return (network.predict_proba if hasattr(network, "predict_proba") else network.predict)(X)


def test_the_list_is_whole():
    assert len(NETWORKS) >= 8


@each
def test_every_weight_is_of_use(network, output):
    X = events_of(network)
    fitted = small(network, output, max_epochs=1).fit(X, target_of(network, output))
    part = fitted._fitted.check(fitted, X, target_of(network, output), None)
    inputs, target, weight = next(fitted._fitted.tensors(part).batches(100, torch.device("cpu")))
    module = fitted.net_.module_
    outputs = torch.cat([module(*part) for part in inputs]) if isinstance(inputs[0], tuple) else module(*inputs)
    fitted.net_.criterion_(outputs, target, weight).backward()
    assert [name for name, weight in module.named_parameters() if weight.grad is None] == []


def alone_as_together(fitted, X, y):
    """Values of all events, and their spread; those of an event are the same beside others and alone."""
    together = values(fitted, X)
    spread = together.values.std()
    assert spread > 0
    assert together.offsets.tolist() == y.offsets.tolist()
    assert len(together[-1]) == 0
    for chosen in ([3], [7, 2, 24, 5]):
        some = values(fitted, X[chosen])
        np.testing.assert_allclose(some.values, together[chosen].values, atol=1e-6 * spread + 1e-9)
    assert len(values(fitted, X[:0])) == 0
    assert len(values(fitted, X[[24]]).values) == 0
    return together, spread


@each
def test_every_value_is_that_of_its_event_alone(network, output):
    """Other events, the order of the points and of the edges, and events without points change nothing."""
    X = events_of(network)
    fitted = small(network, output).fit(X, target_of(network, output), groups=GROUPS)
    together, spread = alone_as_together(fitted, X, target_of(network, output))
    nodes, edges, features = GRAPHS[3]
    order, edge_order = (np.random.default_rng(0).permutation(len(one)) for one in (nodes, edges))
    place = np.argsort(order)
    permuted = Graphs(
        PointClouds(nodes[order], [0, len(nodes)], GRAPHS.nodes.feature_names),
        place[edges[edge_order]], [0, len(edges)], features[edge_order], GRAPHS.edge_names,
    )  # fmt: skip
    expected = together[3][order if output == "point" else edge_order]
    permuted = permuted if X is GRAPHS else permuted.nodes
    np.testing.assert_allclose(values(fitted, permuted).values, expected, atol=2e-6 * spread + 1e-9)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_points_need_no_edges(network):
    """Those with neighbours of their own find the same ones in any order and beside any other event."""
    X, y = GRAPHS.nodes, target_of(network, "point")
    fitted = small(network).fit(X, y)
    found, spread = alone_as_together(fitted, X, y)
    order = np.random.default_rng(0).permutation(len(X[3]))
    permuted = PointClouds(X[3][order], [0, len(order)], X.feature_names)
    np.testing.assert_allclose(values(fitted, permuted).values, found[3][order], atol=2e-6 * spread + 1e-9)


@each_output
def test_they_learn(output):
    """Something that the features say: the sign of z of a hit, or of the slope of an edge."""
    z = GRAPHS.nodes.column("z")
    slope = GRAPHS.edge_values[:, GRAPHS.edge_names.index("slope")]
    y = Y[output].with_values(((z if output == "point" else slope) > 0).astype(int))
    networks = [MessagePassingClassifier, EdgeConvClassifier, InteractionNetworkClassifier]
    for network in networks + [TransformerClassifier] * (output == "point"):
        X = events_of(network)
        fitted = small(network, output, width=16, max_epochs=20, lr=0.01, early_stopping=False).fit(X, y)
        assert fitted.score(X, y) > 0.9


@each_output
def test_weights(output):
    """A weight of an event is that of all its values; zero is no value, two is twice, and pairs cancel."""
    y, X = Y[output], GRAPHS
    fit = {"early_stopping": False, "batch_size": 100, "max_epochs": 3}

    def outputs(X, y, weight=None):
        return small(MessagePassingClassifier, output, **fit).fit(X, y, sample_weight=weight).predict_proba(GRAPHS)

    w = np.random.default_rng(0).uniform(0.5, 1.5, len(X))
    by_event = outputs(X, y, w)
    np.testing.assert_allclose(outputs(X, y, y.with_values(y.spread(w))).values, by_event.values, atol=1e-6)
    np.testing.assert_allclose(outputs(X, y, 2 * w).values, by_event.values, atol=1e-6)
    plain = outputs(X, y)
    np.testing.assert_allclose(outputs(X, y, y.with_values(np.ones(len(y.values)))).values, plain.values, atol=1e-6)
    # values of weight zero may be wrong
    rng = np.random.default_rng(1)
    spoiled = rng.uniform(size=len(y.values)) < 0.3
    zero = y.with_values(np.where(spoiled, 0.0, 1.0))
    other = y.with_values(np.where(spoiled, 1 - y.values, y.values))
    np.testing.assert_allclose(outputs(X, y, zero).values, outputs(X, other, zero).values, atol=1e-6)


@each_output
def test_score_and_scorers_take_all_values(output):
    y, w = Y[output], np.random.default_rng(0).uniform(0.5, 1.5, len(GRAPHS))
    network = small(MessagePassingClassifier, output).fit(GRAPHS, y)
    flat, predicted = y.spread(w), network.predict(GRAPHS)
    assert network.score(GRAPHS, y, sample_weight=w) == pytest.approx(
        accuracy_score(y.values, predicted.values, sample_weight=flat)
    )
    probability = network.predict_proba(GRAPHS).values[:, 1]
    expected = roc_auc_score(y.values, probability, sample_weight=flat)
    assert SCORERS["roc_auc"](network, GRAPHS, y, sample_weight=w) == pytest.approx(expected)
    assert SCORERS["roc_auc"](network, GRAPHS, y, sample_weight=y.with_values(flat)) == pytest.approx(expected)
    log_odds = network.decision_function(GRAPHS).values
    np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), probability)
    regressor = small(MessagePassingRegressor, output).fit(GRAPHS, NUMBERS[output])
    assert regressor.score(GRAPHS, NUMBERS[output], sample_weight=w) == pytest.approx(
        r2_score(NUMBERS[output].values, regressor.predict(GRAPHS).values, sample_weight=flat)
    )


def test_standard_deviations_of_points():
    network = small(MessagePassingRegressor, loss="gaussian_nll").fit(GRAPHS, NUMBERS["point"])
    mean, std = network.predict(GRAPHS, return_std=True)
    assert (std.values > 0).all()
    assert std.offsets.tolist() == mean.offsets.tolist() == GRAPHS.nodes.offsets.tolist()


def test_members_are_averaged():
    network = small(MessagePassingClassifier, n_members=2).fit(GRAPHS, Y["point"])
    mean, std = network.predict_proba(GRAPHS, return_std=True)
    each = [member.predict_proba(GRAPHS).values for member in network.members_]
    np.testing.assert_allclose(mean.values, np.mean(each, axis=0))
    np.testing.assert_allclose(std.values, np.std(each, axis=0))
    assert mean.offsets.tolist() == Y["point"].offsets.tolist()
    assert network.score(GRAPHS, Y["point"]) == accuracy_score(Y["point"].values, network.predict(GRAPHS).values)


def test_class_weights_count_values():
    n = np.bincount(Y["edge"].values)
    factors = n.sum() / (2 * n)
    assert factors[0] != pytest.approx(factors[1], rel=0.2)
    balanced, by_hand = (
        small(MessagePassingClassifier, "edge", class_weight=one, early_stopping=False).fit(GRAPHS, Y["edge"])
        for one in ("balanced", dict(enumerate(factors)))
    )
    np.testing.assert_allclose(balanced.predict_proba(GRAPHS).values, by_hand.predict_proba(GRAPHS).values, atol=1e-6)
    plain = small(MessagePassingClassifier, "edge", early_stopping=False).fit(GRAPHS, Y["edge"])
    assert np.abs(plain.predict_proba(GRAPHS).values - by_hand.predict_proba(GRAPHS).values).max() > 1e-3


class Recorded(InteractionNetworkClassifier):
    """Notes the events that it is trained on and asked for, by the z of their first hit."""

    def fit(self, X, y, **params):
        super().fit(X, y, **params)
        self.trained_ = ids_of(X)
        return self

    def predict_proba(self, X):
        if hasattr(self, "trained_"):
            SEEN.append(self.trained_ & ids_of(X))
        return super().predict_proba(X)


SEEN: list = []


def ids_of(X):
    return {tuple(points[0].tolist()) for points in X.nodes if len(points)}


def test_cross_fit_and_search_never_have_an_event_in_two_places():
    X, y, groups = GRAPHS[:24], Y["edge"][:24], GROUPS[:24]
    network = small(Recorded, "edge", max_epochs=1)
    SEEN.clear()
    crossed = CrossFitClassifier(network, cv=3, scoring=SCORERS["edge_efficiency"]).fit(X, y, groups=groups)
    p = crossed.predict_proba(X, groups=groups)
    assert len(SEEN) >= 6
    assert not any(SEEN)
    for fold, model in enumerate(crossed.estimators_):
        rows = np.flatnonzero(crossed.cv_.assign(groups) == fold)
        np.testing.assert_array_equal(p[rows].values, InteractionNetworkClassifier.predict_proba(model, X[rows]).values)
    SEEN.clear()
    search = GridSearchCV(network, {"width": [4, 8]}, cv=GroupKFold(3), scoring=SCORERS["roc_auc"], error_score="raise")
    with sklearn.config_context(enable_metadata_routing=True):
        search.fit(X, y, groups=groups)
    assert len(SEEN) == 6
    assert not any(SEEN)
    assert search.predict(X).offsets.tolist() == y.offsets.tolist()


def test_default_scores_average_and_regressors_in_a_cross_fit():
    crossed = CrossFitClassifier(small(MessagePassingClassifier, max_epochs=1), cv=3, without_groups="average")
    crossed.fit(GRAPHS, Y["point"], groups=GROUPS, sample_weight=np.ones(len(GRAPHS)))
    assert 0 <= crossed.oof_score_ <= 1
    mean = np.mean([model.predict_proba(GRAPHS).values for model in crossed.estimators_], axis=0)
    np.testing.assert_allclose(crossed.predict_proba(GRAPHS).values, mean)
    np.testing.assert_array_equal(crossed.predict(GRAPHS).values, mean.argmax(axis=1))
    numbers = CrossFitRegressor(small(MessagePassingRegressor, max_epochs=1), cv=3)
    numbers.fit(GRAPHS, NUMBERS["point"], groups=GROUPS)
    assert numbers.predict(GRAPHS, groups=GROUPS).offsets.tolist() == GRAPHS.nodes.offsets.tolist()


def test_bayes_search_and_cross_validate():
    network = small(MessagePassingClassifier, "edge", max_epochs=1)
    search = BayesSearchCV(
        network, {"width": (4, 8)}, n_iter=2, cv=EventKFold(2), scoring=SCORERS["efficiency_at_purity"], random_state=0
    )
    search.fit(GRAPHS, Y["edge"], groups=GROUPS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    scores = cross_validate(network, GRAPHS, Y["edge"], groups=GROUPS, cv=GroupKFold(2), error_score="raise")
    assert ((scores["test_score"] >= 0) & (scores["test_score"] <= 1)).all()


def test_metrics_of_every_epoch_and_validation_sets():
    network = small(EdgeConvClassifier, "edge", metrics=["roc_auc", "edge_purity"], monitor="roc_auc")
    network.fit(GRAPHS[:15], Y["edge"][:15], X_val=GRAPHS[15:], y_val=Y["edge"][15:])
    best = network.history_["valid_roc_auc"].max()
    p = network.predict_proba(GRAPHS[15:])
    assert SCORERS["roc_auc"](network, GRAPHS[15:], Y["edge"][15:]) == pytest.approx(best, abs=1e-6)
    assert p.offsets.tolist() == Y["edge"][15:].offsets.tolist()


def test_the_loss_of_an_epoch_is_the_mean_over_all_values():
    network = small(MessagePassingClassifier, early_stopping=False, lr=1e-12, batch_size=7, max_epochs=1)
    network.fit(GRAPHS, Y["point"])
    p = network.predict_proba(GRAPHS).values[np.arange(len(Y["point"].values)), Y["point"].values]
    assert network.history_["train_loss"][0] == pytest.approx(-np.log(p).mean(), rel=1e-5)


def test_parts_one_after_the_other():
    network = small(MessagePassingClassifier, "edge")
    for rows in (slice(12), slice(12, None)):
        network.partial_fit(GRAPHS[rows], Y["edge"][rows], classes=[0, 1])
    assert network.predict(GRAPHS).offsets.tolist() == Y["edge"].offsets.tolist()


@each_output
def test_kept(output, tmp_path):
    network = small(InteractionNetworkClassifier, output).fit(GRAPHS, Y[output])
    save_model(network, tmp_path / "network.skops")
    for twin in (pickle.loads(pickle.dumps(network)), load_model(tmp_path / "network.skops")):
        assert twin.predict_proba(GRAPHS) == network.predict_proba(GRAPHS)


def test_checkpoint(tmp_path):
    network = small(MessagePassingClassifier, "edge", checkpoint=str(tmp_path))
    plain = clone(network).set_params(checkpoint=None).fit(GRAPHS, Y["edge"])
    assert network.fit(GRAPHS, Y["edge"]).predict_proba(GRAPHS) == plain.predict_proba(GRAPHS)


@pytest.mark.parametrize(
    ("X", "y", "params", "fit", "kind", "message"),
    [
        (GRAPHS, Y["point"].values, {}, {}, TypeError, "must be a RaggedArray"),
        (GRAPHS, Y["edge"], {}, {}, ValueError, "one value for every point of X"),
        (GRAPHS, Y["point"], {"output": "edge"}, {}, ValueError, "one value for every edge of X"),
        (GRAPHS.nodes, Y["edge"], {"output": "edge"}, {}, ValueError, "ToGraph and ToTrackGraph"),
        (GRAPHS, Y["point"][:3], {}, {}, ValueError, "inconsistent numbers of samples"),
        (GRAPHS, Y["point"], {"output": "vertex"}, {}, ValueError, "output"),
        (GRAPHS, Y["point"], {"augment": Rotate()}, {}, ValueError, "augment=None"),
        (GRAPHS, Y["point"], {}, {"sample_weight": Y["edge"]}, ValueError, "one weight for every value of y"),
        (GRAPHS, Y["point"], {}, {"sample_weight": np.ones(3)}, ValueError, "one weight per event"),
        (GRAPHS, Y["point"].with_values(np.zeros(len(Y["point"].values))), {}, {}, ValueError, "two classes"),
        (GRAPHS, Y["point"].with_values(np.full(len(Y["point"].values), np.nan)), {}, {}, ValueError, "NaN"),
    ],
    ids=["flat", "of edges", "of points", "no edges", "few", "name", "augment", "weights", "few weights", "one", "NaN"],
)
def test_errors(X, y, params, fit, kind, message):
    with pytest.raises(kind, match=message):
        small(MessagePassingClassifier, **params).fit(X, y, **fit)


def test_a_row_of_a_table_has_no_points():
    with pytest.raises(ValueError, match="needs events of points"):
        TransformerClassifier(output="point").fit(np.zeros((25, 4)), Y["point"])


def test_columns_of_the_event_and_batch_statistics_reach_points():
    X = PointClouds(
        GRAPHS.nodes.values, GRAPHS.nodes.offsets, GRAPHS.nodes.feature_names,
        event_values=np.random.default_rng(0).normal(size=(len(GRAPHS), 1)), event_names=["met"],
    )  # fmt: skip
    y = Y["point"].with_values(Y["point"].spread(X.event_values[:, 0] > 0).astype(int))
    for network, more in ((TransformerClassifier, {"normalisation": "batch"}), (MessagePassingClassifier, {})):
        fitted = small(network, width=16, max_epochs=30, lr=0.01, early_stopping=False, **more).fit(X, y)
        assert fitted.score(X, y) > 0.9


@pytest.mark.parametrize("frozen", [False, True])
def test_scikit_learns_calibration_says_what_to_do(frozen):
    network = small(MessagePassingClassifier, max_epochs=1)
    network = FrozenEstimator(network.fit(GRAPHS, Y["point"])) if frozen else network
    with pytest.raises(TypeError, match=r"fit IsotonicRegression to the \.values of what CrossFitClassifier predicts"):
        CalibratedClassifierCV(network, cv=2).fit(GRAPHS, Y["point"])


def test_scikit_learns_metrics_say_what_to_take():
    network = small(MessagePassingClassifier).fit(GRAPHS, Y["point"])
    with pytest.raises(TypeError, match=r"Take \.values"):
        accuracy_score(Y["point"], network.predict(GRAPHS))
