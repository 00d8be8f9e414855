"""Every public network computes the same as an ONNX graph in onnxruntime: a new one is covered unasked."""

import functools

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.base import is_classifier
from test_common import NETWORKS

from sklearn_ml4fp import (
    CNNClassifier,
    DeepSetsClassifier,
    EdgeConvClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    MessagePassingClassifier,
    ParticleTransformerRegressor,
    PointClouds,
    RaggedArray,
    RecurrentClassifier,
    TransformerClassifier,
)
from sklearn_ml4fp.export._onnx_network import network_to_onnx
from sklearn_ml4fp.nn import NUM_EMBEDDINGS

SMALL = {
    "k": 3,
    "width": 8,
    "latent_width": 8,
    "head_width": 8,
    "pair_width": 4,
    "n_layers": 2,
    "n_blocks": 2,
    "n_class_blocks": 1,
    "n_heads": 2,
    "n_neighbors": 4,
    "batch_size": 32,
}
N = 50
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(N, 6)).astype(np.float32)
IMAGES = RNG.normal(size=(N, 2, 9, 7)).astype(np.float32)
JETS = np.where(RNG.uniform(size=(N, 5, 1)) < 0.4, np.nan, RNG.normal(size=(N, 5, 3))).astype(np.float32).reshape(N, -1)
CLASSES = np.array(["background", "signal", "unknown"])[np.arange(N) % 3]
NUMBERS = np.column_stack([np.arange(N) % 3 * 50.0 + 1000, RNG.normal(size=N)])


def clouds(counts, **event):
    """Particles with an azimuth, also of more than half a turn."""
    n = sum(counts)
    values = [RNG.exponential(50, size=n) + 1, RNG.normal(size=n), RNG.uniform(-4, 4, size=n)]
    return PointClouds(
        np.column_stack(values).astype(np.float32), np.cumsum([0, *counts]), ["pt", "eta", "phi"], **event
    )


COUNTS = [0, 1, 2, 200, 0, 7, 5, *RNG.integers(0, 30, size=N - 7)]
CLOUDS = clouds(COUNTS, event_values=RNG.normal(100, 30, size=(N, 2)).astype(np.float32), event_names=["mass", "met"])
DATA = {"table": TABLE, "jets": JETS, "clouds": CLOUDS, "images": IMAGES}


def kinds_of(network):
    """Half of the kinds of events that a network takes: the regressor's tests take the other half."""
    kinds = ["clouds", "jets"] if "particle_features" in network._hyperparameters else []
    kinds += ["images", "table"] if "image_shape" in network._hyperparameters else []
    kinds = kinds or ["table", "table"]
    return kinds[::2] if is_classifier(network()) else kinds[1::2]


CASES = [(network, kind) for network in NETWORKS for kind in kinds_of(network)]


def fitted(network, X, y=None, **params):
    declared = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    settings = {"max_epochs": 1, "lr": 0.02, "random_state": 0, "device": "cpu", **declared}
    if is_classifier(network()):
        return network(**settings | params).fit(X, CLASSES if y is None else y)
    return network(**settings | {"loss": "gaussian_nll"} | params).fit(X, NUMBERS if y is None else y)


def session_of(network, **settings):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = network_to_onnx(network, **settings).SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


@functools.cache
def exported(network, kind):
    """A fitted network and the session of its graph, made once for all tests."""
    estimator = fitted(network, DATA[kind], **({"particle_features": 3} if kind == "jets" else {}))
    return estimator, session_of(estimator)


def inputs_of(X, *, extra=0):
    """The arrays of a graph: of clouds the points, with ``extra`` more rows that leave gaps between them."""
    if not isinstance(X, PointClouds):
        return {"X": X}
    p = int(X.counts.max(initial=0)) + extra
    points = np.full((len(X), p, len(X.feature_names)), np.nan, dtype=np.float32)  # of padding nothing is used
    mask = np.zeros((len(X), p), dtype=np.float32)
    for i, cloud in enumerate(X):
        places = np.sort(RNG.permutation(p)[: len(cloud)])
        points[i, places], mask[i, places] = cloud, 1
    return {"points": points, "mask": mask, **({"event": X.event_values} if X.event_names else {})}


def expected_of(estimator, X):
    if is_classifier(estimator):
        return [estimator.predict_proba(X)]
    return list(estimator.predict(X, return_std=True))


def assert_close(found, expected, estimator):
    """Equal to 1e-5 in probabilities and standardised targets, and to the rounding of a number to float32."""
    scale = 1.0 if is_classifier(estimator) else NUMBERS.std(axis=0)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert one.dtype == np.float32
        assert (np.abs(one - other) <= 1e-5 * scale + np.abs(other) * np.finfo(np.float32).eps).all()


@pytest.mark.parametrize(("network", "kind"), CASES, ids=[f"{one.__name__}-{kind}" for one, kind in CASES])
def test_every_network_computes_the_same(network, kind):
    estimator, session = exported(network, kind)
    names = {"probabilities"} if is_classifier(estimator) else {"prediction", "std"}
    assert {one.name for one in session.get_outputs()} == names
    assert {one.type for one in (*session.get_inputs(), *session.get_outputs())} == {"tensor(float)"}
    for n in (0, 1, 7, N):
        X = DATA[kind][:n]
        assert_close(session.run(None, inputs_of(X)), expected_of(estimator, X), estimator)


OF_CLOUDS = [network for network, kind in CASES if kind == "clouds"]


@pytest.mark.parametrize("network", OF_CLOUDS, ids=[one.__name__ for one in OF_CLOUDS])
def test_padding_changes_nothing(network):
    """More of it, gaps between the points, events without points, and no place for one."""
    estimator, session = exported(network, "clouds")
    expected = expected_of(estimator, CLOUDS)
    assert_close(session.run(None, inputs_of(CLOUDS, extra=30)), expected, estimator)
    empty = CLOUDS[[0, 4]]
    for extra in (0, 1):
        inputs = inputs_of(empty, extra=extra)
        assert inputs["points"].shape == (2, extra, 3)
        assert_close(session.run(None, inputs), [one[[0, 4]] for one in expected], estimator)


def test_no_custom_operators_and_the_same_graph_again():
    estimator, _ = exported(DeepSetsClassifier, "clouds")
    model = network_to_onnx(estimator)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
    assert {one.domain for one in model.graph.node} == {""}
    assert model.SerializeToString() == network_to_onnx(estimator).SerializeToString()
    assert [dim.dim_param for dim in model.graph.input[0].type.tensor_type.shape.dim[:2]] == ["n", "p"]


def test_the_fitted_network_is_not_changed():
    estimator, _ = exported(EdgeConvClassifier, "clouds")
    before = estimator.predict_proba(CLOUDS)
    network_to_onnx(estimator)
    np.testing.assert_array_equal(estimator.predict_proba(CLOUDS), before)
    assert next(estimator.net_.module_.parameters()).dtype == torch.float32


@pytest.mark.parametrize("opset", [18, 20])
def test_newer_operators(opset):
    estimator, _ = exported(TransformerClassifier, "clouds")
    assert_close(
        session_of(estimator, opset=opset).run(None, inputs_of(CLOUDS)), expected_of(estimator, CLOUDS), estimator
    )


def test_zeros_as_padding_and_images_in_a_table():
    jets = np.nan_to_num(JETS)
    for network, X, params in [
        (RecurrentClassifier, jets, {"particle_features": 3, "padding": 0.0}),
        (DeepSetsClassifier, jets, {"particle_features": 3, "padding": 0.0}),
        (CNNClassifier, IMAGES.reshape(N, -1), {"image_shape": (2, 9, 7)}),
        (TransformerClassifier, TABLE, {}),
        (DeepSetsClassifier, TABLE, {}),
    ]:
        estimator = fitted(network, X, **params)
        assert_close(session_of(estimator).run(None, {"X": X}), expected_of(estimator, X), estimator)


@pytest.mark.parametrize("activation", ["selu", "gelu", "silu", "tanh"])
def test_other_activations(activation):
    estimator = fitted(EdgeConvClassifier, CLOUDS, activation=activation, normalisation="batch")
    assert_close(session_of(estimator).run(None, inputs_of(CLOUDS)), expected_of(estimator, CLOUDS), estimator)


@pytest.mark.parametrize("num_embedding", NUM_EMBEDDINGS)
def test_embedded_numbers(num_embedding):
    estimator = fitted(FeedForwardRegressor, TABLE, num_embedding=num_embedding, embedding_width=4, n_bins=8)
    assert_close(session_of(estimator).run(None, {"X": TABLE}), expected_of(estimator, TABLE), estimator)


def test_points_on_a_grid():
    """With many neighbours at one distance, of which the first are taken."""
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(1, 25, 2).astype(np.float32)
    values = np.concatenate([RNG.normal(size=(N, 25, 1)).astype(np.float32), grid.repeat(N, axis=0)], axis=2)
    X = PointClouds.from_padded(values, feature_names=["signal", "x", "y"])
    for network in (EdgeConvClassifier, MessagePassingClassifier):
        estimator = fitted(network, X)
        assert_close(session_of(estimator).run(None, inputs_of(X, extra=3)), expected_of(estimator, X), estimator)


@pytest.mark.parametrize("network", [EdgeConvClassifier, FeedForwardRegressor], ids=["classes", "numbers"])
def test_several_members_are_averaged(network):
    X = CLOUDS if network is EdgeConvClassifier else TABLE
    for params in ({}, {"loss": "mse"}) if network is FeedForwardRegressor else ({},):
        estimator = fitted(network, X, n_members=3, **params)
        assert_close(session_of(estimator).run(None, inputs_of(X)), expected_of(estimator, X), estimator)


class WithExponential(torch.nn.Module):
    """A loss of a user, whose network predicts logarithms."""

    standardised = False

    def forward(self, output, target, weight):
        return (weight[:, None] * (output - target.clamp(min=1e-3).log()) ** 2).mean()

    def read(self, output):
        return output.exp()


def test_own_losses_and_targets_in_their_unit():
    X, y = TABLE, np.exp(TABLE[:, 0])
    for loss in (WithExponential, "mse"):
        estimator = fitted(FeedForwardRegressor, X, y, loss=loss)
        (found,) = session_of(estimator).run(None, {"X": X})
        assert found.shape == (N,)
        np.testing.assert_allclose(found, estimator.predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("network", [EdgeConvClassifier, ParticleTransformerRegressor], ids=["classes", "numbers"])
def test_outputs_of_points(network):
    of_points = np.arange(N) % 3 if is_classifier(network()) else NUMBERS
    y = RaggedArray(np.resize(of_points, (len(CLOUDS.values), *of_points.shape[1:])), CLOUDS.offsets)
    estimator = fitted(network, CLOUDS, y, output="point")
    session = session_of(estimator)
    for n in (0, 1, 2, N):
        inputs = inputs_of(CLOUDS[:n], extra=2 if n == N else 0)
        there = inputs["mask"] == 1
        found = session.run(None, inputs)
        assert all(one.shape[:2] == there.shape for one in found)
        expected = [one.values for one in expected_of(estimator, CLOUDS[:n])]
        assert_close([one[there] for one in found], expected, estimator)


def test_unknown_opsets_are_refused():
    with pytest.raises(ValueError, match="opset=11: expected 17 to 20"):
        network_to_onnx(fitted(FeedForwardClassifier, TABLE), opset=11)


class Whole(torch.nn.Module):
    """A network with an operation that ONNX has not."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.head = torch.nn.Linear(d_in, d_out)

    def forward(self, x):
        return torch.special.i0e(self.head(x))


class OwnClassifier(FeedForwardClassifier):
    _module = Whole


def test_operations_that_onnx_has_not_are_named():
    with pytest.raises(ValueError, match=r"OwnClassifier cannot be .* ONNX graph with opset=17.*special_i0e"):
        network_to_onnx(fitted(OwnClassifier, TABLE))
