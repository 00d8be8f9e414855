"""Networks along given edges, and those with an output for every point or edge, as ONNX graphs of padded arrays."""

import json

import numpy as np
import onnxruntime
import pytest
from sklearn.pipeline import make_pipeline
from test_entries import EVENTS, GRAPHS, SMALL, Y, target_of
from test_entries import NETWORKS as WITH_ENTRIES

from sklearn_ml4fp import (
    CrossFitClassifier,
    EdgeConvClassifier,
    Graphs,
    MessagePassingClassifier,
    MessagePassingRegressor,
    NetworkClassifier,
    ParticleTransformerClassifier,
    PointClouds,
    ToTrackGraph,
    TransformerClassifier,
    TransformerRegressor,
    to_onnx,
)

WITH_EVENTS = PointClouds(
    GRAPHS.nodes.values,
    GRAPHS.nodes.offsets,
    GRAPHS.nodes.feature_names,
    event_values=np.arange(len(GRAPHS))[:, None] / 10,
    event_names=["time"],
)
BARE = Graphs(WITH_EVENTS, GRAPHS.edges, GRAPHS.edge_offsets)  # edges without features, events with a column
NETWORKS = [one for one in WITH_ENTRIES if "coordinates" in one._hyperparameters]  # those that take Graphs
OUTPUTS = ("event", "point", "edge")


def fitted(network, X, output="event", y=None, **params):
    declared = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    params = {"max_epochs": 1, "random_state": 0, "coordinates": (), **declared, **params}
    if y is None:
        of_events = np.arange(len(X)) % 2 if issubclass(network, NetworkClassifier) else np.arange(len(X)) / 5
        y = of_events if output == "event" else target_of(network, output)
    return network(output=output, **params).fit(X, y)


def in_gaps(values, counts, extra, fill, rng):
    """Padded arrays, with more padding among what is there; its mask, and the place of each row in its event."""
    there = np.arange(counts.max(initial=0) + extra) < counts[:, None]
    there = rng.permuted(there, axis=1) if extra else there
    array = np.full((*there.shape, *values.shape[1:]), fill, values.dtype)
    array[there] = values
    return array, there, np.nonzero(there)[1]


def feeds_of(X, extra=0):
    """Arrays as a program has them; padding may hold anything."""
    rng, clouds = np.random.default_rng(0), X.nodes if isinstance(X, Graphs) else X
    points, mask, places = in_gaps(clouds.values.astype("float32"), clouds.counts, extra, np.nan, rng)
    feeds = {"points": points, "mask": mask.astype("float32")}
    if clouds.event_names:
        feeds["event"] = clouds.event_values.astype("float32")
    if isinstance(X, Graphs):
        rows = places[X.flat_edges()]
        state = rng.bit_generator.state
        feeds["edges"], there, _ = in_gaps(rows, X.edge_counts, extra, 10**9, rng)
        feeds["edge_mask"] = there.astype("float32")
        rng.bit_generator.state = state  # the features stand where their edges stand
        if X.edge_names:
            feeds["edge_values"] = in_gaps(X.edge_values.astype("float32"), X.edge_counts, extra, np.nan, rng)[0]
    return feeds


def written(model, X, path, **settings):
    to_onnx(model, X, path, **settings)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def assert_same(session, model, X, output):
    """Of some events, of one, of none, with and without gaps in the padding; to 1e-5 of the spread of the targets."""
    scale = 1.0 if hasattr(model, "predict_proba") else model._fitted.target.unit["scale"][0]
    for n, extra in ((len(X), 3), (7, 0), (1, 2), (0, 1)):
        feeds = feeds_of(X[:n], extra)
        [found] = session.run(None, feeds)
        expected = (model.predict_proba if hasattr(model, "predict_proba") else model.predict)(X[:n])
        if output != "event":
            mask = feeds["mask" if output == "point" else "edge_mask"]
            assert found.shape[:2] == mask.shape
            found, expected = found[mask == 1], expected.values
        assert found.shape == expected.shape
        slack = 1e-5 * scale + np.abs(expected) * np.finfo(np.float32).eps
        assert (np.abs(found - expected) <= slack).all()


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_every_network_along_given_edges(network, tmp_path):
    """A new network is covered unasked; events, points and edges take turns with both kinds of graphs."""
    i = NETWORKS.index(network)
    for X, output in ((GRAPHS, OUTPUTS[i % 3]), (BARE, OUTPUTS[(i + 1) % 3])):
        model = fitted(network, X, output)
        session = written(model, X, tmp_path / "model.onnx", opset=18)
        assert_same(session, model, X, output)
        about = json.loads(session.get_modelmeta().custom_metadata_map["columns"])
        assert about == {
            "points": list(X.nodes.feature_names), "event": list(X.nodes.event_names), "edges": list(X.edge_names)
        }  # fmt: skip


def test_outputs_of_points_without_edges(tmp_path):
    X = GRAPHS.nodes
    model = fitted(EdgeConvClassifier, X, "point")
    assert_same(written(model, X, tmp_path / "model.onnx"), model, X, "point")


@pytest.mark.parametrize("positions", ["none", "sinusoidal"])
@pytest.mark.parametrize("network", [TransformerClassifier, TransformerRegressor], ids=["labels", "numbers"])
def test_points_of_a_transformer_wherever_padding_stands(network, positions, tmp_path):
    y = target_of(network, "point")
    model = network(output="point", positions=positions, width=8, n_blocks=1, n_heads=2, max_epochs=1, random_state=0)
    model.fit(WITH_EVENTS, y)
    assert_same(written(model, WITH_EVENTS, tmp_path / "model.onnx"), model, WITH_EVENTS, "point")


def test_numbers_of_edges_with_their_standard_deviation(tmp_path):
    model = fitted(MessagePassingRegressor, GRAPHS, "edge", loss="gaussian_nll")
    session = written(model, GRAPHS, tmp_path / "model.onnx")
    feeds = feeds_of(GRAPHS)
    for found, expected in zip(session.run(None, feeds), model.predict(GRAPHS, return_std=True), strict=True):
        expected = expected.values
        np.testing.assert_allclose(found[feeds["edge_mask"] == 1], expected, rtol=1e-6, atol=1e-5 * expected.std())


def test_a_cross_fitted_network_of_edges(tmp_path):
    ids = np.arange(len(GRAPHS))
    inner = MessagePassingClassifier(output="edge", width=8, n_blocks=1, max_epochs=1, coordinates=(), random_state=0)
    model = CrossFitClassifier(inner, cv=2).fit(GRAPHS, Y["edge"], groups=ids)
    session = written(model, GRAPHS, tmp_path / "model.onnx")
    feeds = feeds_of(GRAPHS)
    [found] = session.run(None, feeds | {"event_id": ids})
    expected = model.predict_proba(GRAPHS, groups=ids).values
    np.testing.assert_allclose(found[feeds["edge_mask"] == 1], expected, atol=1e-5)


def test_maxima_over_edges_name_the_opset_that_they_need(tmp_path):
    for network, params in ((EdgeConvClassifier, {"aggregation": "max"}), (ParticleTransformerClassifier, {})):
        model = fitted(network, GRAPHS, **params)
        with pytest.raises(ValueError, match=r"opset=17.*maximum over the edges.*pass opset=18"):
            to_onnx(model, GRAPHS, tmp_path / "model.onnx")
        assert_same(written(model, GRAPHS, tmp_path / "model.onnx", opset=18), model, GRAPHS, "event")


def test_edges_that_are_made_in_the_pipeline_are_refused(tmp_path):
    y = np.arange(len(EVENTS.data)) % 2
    inner = MessagePassingClassifier(width=8, n_blocks=1, max_epochs=1, coordinates=(), random_state=0)
    model = make_pipeline(ToTrackGraph(), inner).fit(EVENTS.data, y)
    with pytest.raises(ValueError, match=r"ToTrackGraph, step 'totrackgraph', cannot be exported to ONNX"):
        to_onnx(model, EVENTS.data, tmp_path / "model.onnx")
