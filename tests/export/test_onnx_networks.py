"""Every public network, in a pipeline, computes the same as an ONNX graph: a new one is covered unasked."""

import functools
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.base import is_classifier
from sklearn.pipeline import make_pipeline
from test_common import NETWORKS

from sklearn_ml4fp import (
    CNNClassifier,
    DeepSetsClassifier,
    EdgeConvClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    MessagePassingClassifier,
    MissingValueImputer,
    ParticleTransformerRegressor,
    ParticleWise,
    PointClouds,
    RaggedArray,
    RecurrentClassifier,
    ToImage,
    TransformerClassifier,
    ZScoreScaler,
    to_onnx,
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
    "n_members": 1,
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
    values = [RNG.exponential(50, size=n) + 1, RNG.normal(size=n), RNG.uniform(-4, 4, size=n), 9 * RNG.normal(size=n)]
    names = ["pt", "eta", "phi", "d0"]
    return PointClouds(np.column_stack(values).astype(np.float32), np.cumsum([0, *counts]), names, **event)


def with_columns(counts):
    """Clouds of events that have columns."""
    columns = RNG.normal(100, 30, size=(len(counts), 2)).astype(np.float32)
    return clouds(counts, event_values=columns, event_names=["mass", "met"])


COUNTS = [0, 1, 2, 200, 0, 7, 5, *RNG.integers(0, 30, size=N - 7)]
CLOUDS = with_columns(COUNTS)
GAPS = np.where(RNG.uniform(size=TABLE.shape) < 0.1, np.nan, TABLE)
MANY = 10_000
DATA = {"table": TABLE, "jets": JETS, "clouds": CLOUDS, "images": IMAGES}


def kinds_of(network):
    """Half of the kinds of events that a network takes: the regressor's tests take the other half."""
    kinds = ["clouds", "jets"] if "particle_features" in network._hyperparameters else []
    kinds += ["images", "table"] if "image_shape" in network._hyperparameters else []
    kinds = kinds or ["table", "table"]
    return kinds[::2] if is_classifier(network()) else kinds[1::2]


CASES = {f"{network.__name__}-{kind}": (network, kind) for network in NETWORKS for kind in kinds_of(network)}


def unfitted(network, **params):
    declared = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    settings = {"max_epochs": 1, "lr": 0.02, "random_state": 0, "device": "cpu", **declared}
    return network(**settings | ({} if is_classifier(network()) else {"loss": "gaussian_nll"}) | params)


def fitted(network, X, y=None, **params):
    y = (CLASSES if is_classifier(network()) else NUMBERS) if y is None else y
    return unfitted(network, **params).fit(X, y)


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
        return {"X": X.astype(np.float32)}
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


# --- the whole matrix, in a program that has onnxruntime and numpy alone ----------------------------------------------

PREPARED = {  # the events as they come, and what stands before the network
    "table": (GAPS, lambda: (MissingValueImputer(), ZScoreScaler())),
    "jets": (JETS, lambda: (ZScoreScaler(),)),
    "clouds": (CLOUDS, lambda: (ParticleWise(ZScoreScaler(), columns=["d0"]),)),
    "images": (CLOUDS, lambda: (ToImage(9, extent=2.0),)),
}


def pipeline(network, kind):
    X, steps = PREPARED[kind]
    params = {"particle_features": 3} if kind == "jets" else {}
    model = make_pipeline(*steps(), unfitted(network, **params))
    return model.fit(X, CLASSES if is_classifier(model) else NUMBERS)


@functools.cache
def batches(kind):
    """Numbers of events, and what occurs among them: absent values, empty clouds, and those of 1 to 200 points."""
    X = PREPARED[kind][0]
    if isinstance(X, PointClouds):
        many = with_columns(RNG.integers(0, 7, size=MANY))
        return {"none": (X[:0], 0), "one": (X[1:2], 0), "seven": (X[:7], 2), "long": (X, 30), "many": (many, 0),
                "empty": (X[[0, 4]], 1), "no place": (X[[0, 4]], 0)}  # fmt: skip
    return {"none": (X[:0], 0), "one": (X[:1], 0), "seven": (X[:7], 0), "many": (X[RNG.integers(0, N, MANY)], 0)}


ALONE = """
import sys

class Nothing(object):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(name + " is not here")

sys.meta_path.insert(0, Nothing())
from pathlib import Path
import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
for path in Path().glob("*.onnx"):
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    kind, found = path.stem.split("-")[1], dict()
    for file in Path().glob(kind + "-*.npz"):
        given = np.load(file)
        answers = session.run(None, {{one.name: given[one.name] for one in session.get_inputs()}})
        found.update({{file.stem + "/" + one.name: array for one, array in zip(session.get_outputs(), answers)}})
    np.savez(path.with_suffix(".found.npz"), **found)
"""
BLOCKED = {"sklearn_ml4fp", "sklearn", "torch", "skorch", "scipy", "pandas", "onnx", "skl2onnx", "joblib", "imblearn"}


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """The models, or the error of their export, and what their graphs gave where there is nothing of ours."""
    folder, models = tmp_path_factory.mktemp("matrix"), {}
    for name, (network, kind) in CASES.items():
        models[name] = model = pipeline(network, kind)
        try:
            to_onnx(model, PREPARED[kind][0], folder / f"{name}.onnx")
        except ValueError as error:
            models[name] = error
    for kind in PREPARED:
        for name, (X, extra) in batches(kind).items():
            np.savez(folder / f"{kind}-{name}.npz", **inputs_of(X, extra=extra))
    code = ALONE.format(blocked=BLOCKED)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, models


@pytest.mark.parametrize("name", CASES)
def test_every_network_in_a_pipeline(name, matrix):
    folder, models = matrix
    model, kind = models[name], CASES[name][1]
    if isinstance(model, ValueError):
        raise model
    found = np.load(folder / f"{name}.found.npz")
    names = ["probabilities"] if is_classifier(model) else ["prediction", "std"]
    for batch, (X, _) in batches(kind).items():
        expected = expected_of(model, X) if len(X) else [one[:0] for one in expected_of(model, PREPARED[kind][0])]
        assert_close([found[f"{kind}-{batch}/{one}"] for one in names], expected, model)


# --- the graph of a network by itself ---------------------------------------------------------------------------------


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


@pytest.mark.parametrize("activation", ["selu", "gelu", "silu", "mish", "tanh"])
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
def test_several_members_are_averaged(network, tmp_path):
    X, steps = PREPARED["clouds" if network is EdgeConvClassifier else "table"]
    for params in ({}, {"loss": "mse"}) if network is FeedForwardRegressor else ({},):
        model = make_pipeline(*steps(), unfitted(network, n_members=3, **params))
        model.fit(X, CLASSES if is_classifier(model) else NUMBERS)
        to_onnx(model, X, tmp_path / "model.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
        assert_close(session.run(None, inputs_of(X)), expected_of(model, X), model)


def test_sequences(tmp_path):
    """Arrays (n, t, d) in which NaN is padding, of which a program has points and a mask."""
    X = JETS.reshape(N, 5, 3)
    model = fitted(RecurrentClassifier, X)
    to_onnx(model, X, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    feeds = {"points": np.nan_to_num(X), "mask": (~np.isnan(X).all(axis=2)).astype(np.float32)}
    assert_close(session.run(None, feeds), expected_of(model, X), model)


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


def test_outputs_of_points():
    y = RaggedArray(np.resize(NUMBERS, (len(CLOUDS.values), NUMBERS.shape[1])), CLOUDS.offsets)
    estimator = fitted(ParticleTransformerRegressor, CLOUDS, y, output="point")
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
