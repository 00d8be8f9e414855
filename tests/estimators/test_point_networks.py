"""What no network on sets or graphs may depend on, asked of every public one: a new one is covered unasked."""

import inspect

import awkward as ak
import numpy as np
import pytest
import torch
from comparison import assert_same_predictions
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import GradientNormClipping

import sklearn_ml4fp
from sklearn_ml4fp import (
    BayesSearchCV,
    DeepSetsClassifier,
    DeepSetsRegressor,
    EdgeConvClassifier,
    Graphs,
    JetConstituentFeatures,
    NetworkEstimator,
    ParticleWise,
    PointClouds,
    load_quark_gluon_jets,
)
from sklearn_ml4fp._segments import segment_ids
from sklearn_ml4fp.estimators._input_choices import GraphChoices, SetChoices

SMALL = {"width": 8, "n_layers": 2, "n_blocks": 2, "n_heads": 2, "n_neighbors": 4, "head_width": 8, "latent_width": 8}
TRAINING = {"max_epochs": 2, "random_state": 0, "device": "cpu", "lr": 0.01}
CLASSES = [getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__]
NETWORKS = [
    one for one in CLASSES if inspect.isclass(one) and issubclass(one, SetChoices) and issubclass(one, NetworkEstimator)
]
GRAPH_NETWORKS = [one for one in NETWORKS if issubclass(one, GraphChoices)]
each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
each_graph_network = pytest.mark.parametrize("network", GRAPH_NETWORKS, ids=lambda one: one.__name__)


def small(network, **params):
    declared = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    return network(**{**declared, **TRAINING, **params})


def outputs(fitted, X):
    return fitted.predict_proba(X) if is_classifier(fitted) else fitted.predict(X)


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def jets(n=80, seed=0, event_columns=1, longest=20):
    """Clouds of 0 to ``longest`` points in (pt, eta, phi), with a target that their spread tells."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, longest + 1, size=n)
    counts[:4] = (0, longest, 1, 2)
    spread = np.repeat(rng.uniform(0.1, 0.4, n), counts)
    centre = np.repeat(rng.uniform(-np.pi, np.pi, n), counts)
    phi = (centre + spread * rng.normal(size=counts.sum()) + np.pi) % (2 * np.pi) - np.pi
    values = np.column_stack([rng.exponential(10, len(phi)) + 1, spread * rng.normal(size=len(phi)), phi])
    event = rng.normal(size=(n, event_columns))
    clouds = PointClouds(values, np.concatenate([[0], np.cumsum(counts)]), ["pt", "eta", "phi"], event_values=event)
    return clouds, (counts > longest // 2).astype(int)


def graphs(n=60, seed=0):
    """The same jets, with edges between random pairs of points and two features of the edges."""
    X, y = jets(n, seed)
    rng = np.random.default_rng(seed)
    n_edges = np.where(X.counts > 0, rng.integers(0, 30, n), 0)
    size = np.repeat(X.counts, n_edges)[:, np.newaxis]
    edges = np.floor(rng.uniform(size=(n_edges.sum(), 2)) * size).astype(int)
    offsets = np.concatenate([[0], np.cumsum(n_edges)])
    return Graphs(X, edges, offsets, rng.normal(size=(len(edges), 2))), y


def shuffled(X, rng):
    """The points of each cloud in another order, and where each has gone."""
    order = np.lexsort((rng.uniform(size=len(X.values)), segment_ids(X.offsets)))
    return X.with_values(X.values[order], X.feature_names), np.argsort(order)


@each_network
def test_the_order_of_the_points_does_not_count(network):
    X, y = jets()
    fitted = small(network).fit(X, y)
    other, _ = shuffled(X, np.random.default_rng(1))
    assert not np.array_equal(other.values, X.values)
    assert_close(outputs(fitted, other), outputs(fitted, X))


@each_network
def test_an_event_is_predicted_by_itself_alone(network):
    """Alone, in another order, beside a cloud of 300 points, behind padding: to rounding the same."""
    X, y = jets()
    fitted = small(network).fit(X, y)
    expected = outputs(fitted, X)
    assert_same_predictions(np.concatenate([outputs(fitted, X[i : i + 1]) for i in range(8)]), expected[:8])
    order = np.random.default_rng(0).permutation(len(X))
    assert_same_predictions(outputs(fitted, X[order]), expected[order])
    beside = PointClouds.concatenate([X, jets(n=4, seed=1, longest=300)[0]])
    assert_same_predictions(outputs(fitted, beside)[: len(X)], expected)


@each_network
def test_padding_does_not_count(network):
    X, y = jets(event_columns=0)
    bare = PointClouds(X.values.astype(np.float32), X.offsets)  # as tables are read: trainings amplify rounding
    fitted = small(network, angles=(2,)).fit(bare, y)
    expected = outputs(fitted, bare)
    for n_more in (0, 7):
        padded, _ = bare.to_padded(20 + n_more)
        assert_same_predictions(outputs(fitted, padded), expected)
        table = padded.reshape(len(X), -1)
        assert_close(outputs(small(network, angles=(2,), particle_features=3).fit(table, y), table), expected)
    for same in (bare.to_awkward(), list(bare)):
        assert_close(outputs(small(network, angles=(2,)).fit(same, y), same), expected)


@each_network
def test_an_azimuth_goes_round(network):
    """Whole turns, another for each point, change nothing; nor in training."""
    X, y = jets()
    turns = np.random.default_rng(1).integers(-2, 3, len(X.values))
    turned = X.with_values(X.values + 2 * np.pi * turns[:, None] * [0, 0, 1], X.feature_names)
    fitted = small(network).fit(X, y)
    assert_close(outputs(fitted, turned), outputs(fitted, X))
    assert_close(outputs(small(network).fit(turned, y), X), outputs(fitted, X))


@each_network
def test_empty_events_stay_out_of_the_way(network):
    X, y = jets()
    fitted = small(network).fit(X, y)
    full = X.counts > 0
    assert_same_predictions(outputs(fitted, X[full]), outputs(fitted, X)[full])
    nothing = PointClouds(X.values[:0], [0, 0, 0], X.feature_names, event_values=X.event_values[:2])
    assert np.isfinite(outputs(fitted, nothing)).all()
    assert np.isfinite(outputs(small(network, early_stopping=False).fit(nothing, [0, 1]), nothing)).all()


@each_network
def test_the_columns_of_an_event_join(network):
    X, _ = jets(n=150)
    y = (X.event_values[:, 0] > 0).astype(int)
    fitted = small(network, max_epochs=40, lr=0.02).fit(X, y)
    assert np.mean((outputs(fitted, X).reshape(len(X), -1)[:, -1] > 0.5) == y) > 0.9


@each_network
def test_the_unit_of_a_feature_changes_nothing(network):
    """Features are standardised inside; where they are coordinates, all of them change alike."""
    X, y = jets()
    bare = PointClouds(X.values[:, :2], X.offsets)
    in_other = PointClouds(500 + 20 * bare.values, X.offsets)
    first, second = (outputs(small(network).fit(one, y), one) for one in (bare, in_other))
    np.testing.assert_allclose(second, first, atol=1e-3)  # 500 + 20 x keeps x to 2e-6 in float32


@each_graph_network
def test_the_order_of_nodes_and_edges_does_not_count(network):
    X, y = graphs()
    fitted = small(network).fit(X, y)
    nodes, place = shuffled(X.nodes, np.random.default_rng(1))
    first = np.repeat(X.nodes.offsets[:-1], X.edge_counts)[:, np.newaxis]
    renamed = place[X.flat_edges()] - first
    order = np.lexsort((np.random.default_rng(2).uniform(size=len(renamed)), segment_ids(X.edge_offsets)))
    other = Graphs(nodes, renamed[order], X.edge_offsets, X.edge_values[order])
    assert_close(outputs(fitted, other), outputs(fitted, X))


@each_graph_network
def test_a_graph_is_predicted_by_itself_alone(network):
    X, y = graphs()
    fitted = small(network).fit(X, y)
    expected = outputs(fitted, X)
    assert np.isfinite(expected).all()
    assert_same_predictions(np.concatenate([outputs(fitted, X[i : i + 1]) for i in range(8)]), expected[:8])
    order = np.random.default_rng(0).permutation(len(X))
    assert_same_predictions(outputs(fitted, X[order]), expected[order])


@each_graph_network
def test_given_edges_and_their_features_count(network):
    X, y = graphs()
    fitted = small(network).fit(X, y)
    expected = outputs(fitted, X)
    elsewhere = Graphs(X.nodes, X.edges[:, ::-1], X.edge_offsets, X.edge_values)
    assert np.abs(outputs(fitted, elsewhere) - expected).max() > 1e-4
    other_values = Graphs(X.nodes, X.edges, X.edge_offsets, -X.edge_values)
    assert np.abs(outputs(fitted, other_values) - expected).max() > 1e-4


@each_graph_network
def test_edges_must_be_of_the_same_kind_as_in_fit(network):
    X, y = graphs()
    fitted = small(network, max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"X has no edges, but .* was fitted on events with edges with the features"):
        fitted.predict(X.nodes)
    with pytest.raises(ValueError, match=r"was fitted on events with no edges"):
        small(network, max_epochs=1).fit(X.nodes, y).predict(X)
    infinite = Graphs(X.nodes, X.edges, X.edge_offsets, np.full((len(X.edges), 2), np.inf))
    with pytest.raises(ValueError, match="infinity"):
        small(network).fit(infinite, y)


@pytest.mark.parametrize("network", [DeepSetsClassifier, DeepSetsRegressor])
def test_a_network_on_sets_takes_no_edges(network):
    X, y = graphs()
    with pytest.raises(TypeError, match=r"uses no edges: pass the points of the graphs, X\.nodes"):
        small(network).fit(X, y)


@each_network
def test_in_pipelines_folds_and_searches_with_signed_weights(network):
    X, y = jets(n=90)
    groups = np.arange(len(y)) // 2
    weights = np.where(np.random.default_rng(0).uniform(size=len(y)) < 0.1, -0.5, 1.0)
    scaler = ParticleWise(StandardScaler(), columns=["pt", "eta"])
    pipeline = make_pipeline(scaler, small(network, max_epochs=1))
    name = network.__name__.lower()
    passed = {f"{name}__sample_weight": weights, f"{name}__groups": groups}
    assert np.isfinite(outputs(clone(pipeline).fit(X, y, **passed), X)).all()
    assert np.isfinite(cross_val_score(pipeline, X, y, groups=groups, cv=GroupKFold(2), error_score="raise")).all()
    grid = GridSearchCV(pipeline, {f"{name}__lr": [1e-3, 1e-2]}, cv=GroupKFold(2), error_score="raise")
    assert np.isfinite(grid.fit(X, y, groups=groups).cv_results_["mean_test_score"]).all()
    space = {f"{name}__lr": (1e-3, 1e-2, "log-uniform")}
    bayes = BayesSearchCV(pipeline, space, n_iter=2, cv=2, random_state=0)
    bayes.fit(X, y, groups=groups, sample_weight=weights)
    assert np.isfinite(bayes.best_estimator_.predict(X)).all()


@each_network
def test_folds_and_searches_take_awkward_and_padded_arrays(network):
    """scikit-learn picks events of an awkward array as a list of them: scores are those of PointClouds."""
    clouds, y = jets(n=40, event_columns=0)
    records = clouds.to_awkward()
    lists = ak.zip({name: records[name] for name in clouds.feature_names})

    def scores(X, **settings):
        network_ = small(network, max_epochs=1, **settings)
        search = GridSearchCV(network_, {"lr": [1e-3, 1e-2]}, cv=GroupKFold(2), error_score="raise")
        return search.fit(X, y, groups=np.arange(len(y)) // 2).cv_results_["mean_test_score"]

    expected = scores(clouds)
    assert_close(scores(records), expected)
    assert_close(scores(lists), expected)
    bare = PointClouds(clouds.values, clouds.offsets)
    assert_close(scores(clouds.to_padded()[0], angles=(2,)), scores(bare, angles=(2,)))


def test_a_standardised_azimuth_is_refused_and_a_relative_one_is_a_number():
    X, y = jets()
    pipeline = make_pipeline(ParticleWise(StandardScaler()), small(EdgeConvClassifier, max_epochs=1))
    with pytest.raises(ValueError, match=r"'phi' is an azimuth by its name, but its mean is .* columns="):
        pipeline.fit(X, y)
    relative = PointClouds(X.values, X.offsets, ["pt", "delta_eta", "delta_phi"])
    assert pipeline.fit(relative, y)[-1]._fitted.input.encoding.periodic == (False, False)
    assert small(EdgeConvClassifier, max_epochs=1).fit(relative, y)._fitted.input.encoding.periodic == (False, True)
    assert make_pipeline(ParticleWise(StandardScaler()), small(EdgeConvClassifier, angles=(), max_epochs=1)).fit(X, y)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"coordinates": ("eta", "theta")}, r"coordinates=\('eta', 'theta'\): there is no 'theta' among the features"),
        ({"angles": (7,)}, r"angles=\(7,\): there is no 7 among the features"),
    ],
)
def test_a_column_that_is_not_there_is_named(parameter, message):
    X, y = jets()
    with pytest.raises(ValueError, match=message):
        small(EdgeConvClassifier, **parameter).fit(X, y)


@pytest.mark.parametrize(
    ("names", "coordinates", "periodic"),
    [
        (("pt", "eta", "phi"), (1, 2), (False, True)),
        (("phi", "y", "pt"), (1, 0), (False, True)),
        (("delta_phi", "pt", "delta_eta"), (2, 0), (False, True)),
        (("x", "signal", "y"), (0, 2), (False, False)),
        (("a", "b", "c"), (), ()),
    ],
)
def test_coordinates_and_angles_by_name(names, coordinates, periodic):
    X, y = jets()
    encoding = (
        small(EdgeConvClassifier, max_epochs=1)
        .fit(PointClouds(3 * X.values, X.offsets, names), y)
        ._fitted.input.encoding
    )
    assert (encoding.coordinates, encoding.periodic) == (coordinates, periodic)


def test_presets_are_those_of_the_paper():
    """26 416 and 366 160 weights on 7 features, 14 of them in a normalisation of the input, which ours has no need of.

    arXiv:1902.08570, table 5, says 26 and 366 thousand.
    """
    X, y = load_quark_gluon_jets(return_X_y=True)
    for preset, width, published in (("particle_net_lite", 32, 26_402), ("particle_net", 64, 366_146)):
        network = getattr(EdgeConvClassifier, preset)(max_epochs=1, batch_size=40, random_state=0)
        features = JetConstituentFeatures().fit_transform(X[:40])
        alone = PointClouds(features.values[:, :7], features.offsets)
        module = network.fit(alone, y[:40]).net_.module_
        n_weights = sum(parameter.numel() for parameter in module.parameters())
        assert network.get_params()["width"] == width
        assert n_weights == published
    assert EdgeConvClassifier.particle_net(width=8).width == 8


@each_network
def test_a_table_with_names_is_the_clouds(network):
    """Angles and coordinates are found in "Jet 1 phi", so that whole turns change nothing there either."""
    X, y = jets(event_columns=0)
    table = X.to_wide()
    assert list(table.columns[:3]) == ["Jet 1 pt", "Jet 1 eta", "Jet 1 phi"]
    fitted = small(network, particle_features=3).fit(table, y)
    turned = table + 2 * np.pi * np.array([name.endswith("phi") for name in table.columns])
    np.testing.assert_allclose(outputs(fitted, turned), outputs(fitted, table), atol=1e-3)  # 2π + x in float32
    # the table is read in float32; training makes more of a last bit, and how much, depends on the processor
    X = PointClouds(X.values.astype(np.float32), X.offsets, X.feature_names)
    np.testing.assert_allclose(outputs(fitted, table), outputs(small(network).fit(X, y), X), atol=1e-3)


@each_network
def test_clouds_and_tables_are_not_mixed_up(network):
    X, y = jets(event_columns=0)
    bare = PointClouds(X.values, X.offsets)
    with pytest.raises(ValueError, match=r"X is a table, but .* was fitted on points.* a single cloud is X\[:1\]"):
        small(network, max_epochs=1).fit(bare, y).predict(bare[1])
    with pytest.raises(ValueError, match=r"X is points, but .* was fitted on a table"):
        small(network, max_epochs=1).fit(np.ones((20, 3)), np.arange(20) % 2).predict(bare)


@each_network
def test_training_in_bfloat16(network):
    X, y = jets(40)
    full, half = (small(network, precision=precision).fit(X, y) for precision in ("float32", "bfloat16"))
    assert np.isfinite(half.predict(X)).all()
    assert not np.array_equal(outputs(half, X), outputs(full, X))


@each_network
def test_callbacks_that_want_batches(network):
    """skorch's loop counts the events of a batch, whatever the number of their points."""
    X, y = jets(40)
    settings = {"batch_size": 16, "early_stopping": False}
    plain = small(network, **settings).fit(X, y)
    clipped = small(network, callbacks=[GradientNormClipping(1e9)], **settings).fit(X, y)
    assert_close(outputs(clipped, X), outputs(plain, X))


def test_memory_of_the_training_is_given_back():
    X, y = jets(40)
    fitted = EdgeConvClassifier.particle_net_lite(early_stopping=False, width=8, **TRAINING).fit(X, y)
    assert not any(block.memory.free for block in fitted.net_.module_.blocks)


@pytest.mark.skipif(
    torch.__version__.startswith("2.6."), reason="the compiler of torch 2.6 fails at the gradient of a look-up of rows"
)
def test_the_compiled_published_layout_computes_the_same():
    """torch.compile takes the layers, and leaves torch as it was."""
    X, y = jets(40)
    settings = {
        **TRAINING,
        "width": 4,
        "n_blocks": 1,
        "max_epochs": 1,
        "optimizer": "sgd",
        "early_stopping": False,
        "batch_size": 40,
    }
    compiled, plain = (EdgeConvClassifier.particle_net_lite(compile=one, **settings).fit(X, y) for one in (True, False))
    assert_close(outputs(compiled, X), outputs(plain, X))
