"""Images, sequences and point clouds: every way to say the same data, and what must not change a prediction."""

import numpy as np
import pytest
import torch
from comparison import assert_same_predictions
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    CNNClassifier,
    CNNRegressor,
    DenseNetClassifier,
    ParticleWise,
    PointClouds,
    RecurrentClassifier,
    RecurrentRegressor,
    ResNetClassifier,
    TransformerClassifier,
    TransformerRegressor,
)
from sklearn_ml4fp.estimators._inputs import features_of
from sklearn_ml4fp.nn import CNN, Recurrent, Transformer, initialise

QUICK = {"max_epochs": 2, "random_state": 0, "device": "cpu"}
POINT_NETWORKS = [
    CNNClassifier(width=4, n_layers=2, **QUICK),
    RecurrentClassifier(width=8, bidirectional=True, n_layers=2, **QUICK),
    RecurrentClassifier(width=8, cell="gru", normalisation="batch", **QUICK),
    RecurrentClassifier(width=8, cell="rnn", dropout=0.1, normalisation="layer", **QUICK),
    TransformerClassifier(width=8, n_blocks=1, **QUICK),
    TransformerClassifier(width=9, n_heads=2, n_blocks=1, pooling="mean", positions="sinusoidal", **QUICK),
    TransformerClassifier(width=8, n_blocks=1, pooling="max", normalisation="batch", **QUICK),
]
IMAGE_NETWORKS = [
    CNNClassifier(width=4, n_layers=2, **QUICK),
    CNNClassifier(width=4, n_layers=2, normalisation="batch", **QUICK),
    ResNetClassifier(width=8, n_blocks=3, **QUICK),
    DenseNetClassifier(width=4, n_layers=2, n_blocks=2, **QUICK),
]


def jets(n=90, seed=0, event_columns=0, longest=20):
    """Clouds of 0 to ``longest`` points of three features, and a class that the multiplicity tells."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, longest + 1, size=n)
    counts[:3] = (0, longest, 1)
    values = rng.normal(size=(counts.sum(), 3)).astype(np.float32)
    event = rng.normal(size=(n, event_columns)).astype(np.float32) if event_columns else None
    clouds = PointClouds(values, np.concatenate([[0], np.cumsum(counts)]), ["pt", "eta", "phi"], event_values=event)
    return clouds, (counts > longest // 2).astype(int)


def network_id(network):
    changed = {k: v for k, v in network.get_params().items() if v != type(network)().get_params()[k] and k not in QUICK}
    return f"{type(network).__name__}-{'-'.join(map(str, changed.values()))}"


@pytest.mark.parametrize("network", POINT_NETWORKS, ids=network_id)
def test_every_way_to_hand_over_points_gives_the_same_network(network):
    X, y = jets()
    padded, _ = X.to_padded()
    expected = network.fit(X, y).predict_proba(X)
    ways = {"list": list(X), "awkward": X.to_awkward(), "table": padded.reshape(len(X), -1)}
    if not isinstance(network, CNNClassifier):  # which takes three axes for images
        ways["padded"] = padded
    for way, data in ways.items():
        network.set_params(particle_features=3 if way == "table" else None)
        np.testing.assert_array_equal(network.fit(data, y).predict_proba(data), expected, err_msg=way)
    network.set_params(particle_features=None)


@pytest.mark.parametrize("event_columns", [0, 2])
@pytest.mark.parametrize("network", POINT_NETWORKS, ids=network_id)
def test_a_prediction_depends_on_its_own_event_alone(network, event_columns):
    """Alone, in another order, beside an event of 300 points, behind more NaN rows: to rounding the same."""
    X, y = jets(event_columns=event_columns)
    network.fit(X, y)
    expected = network.predict_proba(X)
    alone = np.concatenate([network.predict_proba(X[i : i + 1]) for i in range(6)])
    assert_same_predictions(alone, expected[:6])
    order = np.random.default_rng(0).permutation(len(X))
    assert_same_predictions(network.predict_proba(X[order]), expected[order])
    long, _ = jets(n=3, seed=1, event_columns=event_columns, longest=300)
    assert_same_predictions(network.predict_proba(PointClouds.concatenate([X, long]))[: len(X)], expected)


MODULES = {
    "cnn": lambda d_event, **kw: CNN((3, d_event), 2, n_layers=3, width=4, **kw),
    "lstm": lambda d_event, **kw: Recurrent(
        (3, d_event), 2, cell="lstm", n_layers=2, width=8, bidirectional=True, **kw
    ),
    "gru": lambda d_event, **kw: Recurrent((3, d_event), 2, cell="gru", n_layers=1, width=8, **kw),
    "class_token": lambda d_event, **kw: Transformer((3, d_event), 2, n_blocks=2, width=8, n_heads=2, **kw),
    "mean": lambda d_event, **kw: Transformer(
        (3, d_event), 2, n_blocks=2, width=8, n_heads=3, pooling="mean", positions="sinusoidal", **kw
    ),
}


@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", MODULES)
def test_padding_changes_no_output_and_no_gradient(name, training, normalisation):
    """In training as well: batch statistics and gradients are those of the points that are there."""
    module = MODULES[name](1, normalisation=normalisation)
    initialise(module, init="auto", activation="relu", generator=torch.Generator().manual_seed(0))
    module.double().train(training)
    x = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mask = torch.arange(5) < torch.tensor([5, 3, 1, 0, 4, 2])[:, None]
    x = torch.where(mask[..., None], x, 0.0)
    event = torch.ones(6, 1, dtype=torch.float64)
    longer = torch.nn.functional.pad(x, (0, 0, 0, 11))
    first = next(module.parameters())
    results = []
    for inputs, there in ((x, mask), (longer, torch.nn.functional.pad(mask, (0, 11)))):
        output = module(inputs, there, event)
        results.append((output.detach(), torch.autograd.grad(output.square().sum(), first)[0]))
    for short, long in zip(*results, strict=True):
        assert torch.isfinite(short).all()
        assert torch.allclose(short, long, atol=1e-9)


@pytest.mark.parametrize("pooling", ["class_token", "mean", "max", "sum"])
def test_a_transformer_without_positions_does_not_see_the_order(pooling):
    X, y = jets()
    rng = np.random.default_rng(0)
    order = np.concatenate([X.offsets[i] + rng.permutation(n) for i, n in enumerate(X.counts)]).astype(int)
    shuffled = X.with_values(X.values[order], X.feature_names)
    assert not np.array_equal(shuffled.values, X.values)
    network = TransformerClassifier(width=8, n_blocks=2, pooling=pooling, **QUICK).fit(X, y)
    assert network.predict_proba(shuffled) == pytest.approx(network.predict_proba(X), abs=1e-6)
    network.set_params(positions="sinusoidal").fit(X, y)
    assert np.abs(network.predict_proba(shuffled) - network.predict_proba(X)).max() > 1e-4


@pytest.mark.parametrize("network", POINT_NETWORKS, ids=network_id)
def test_the_unit_of_an_event_column_changes_nothing(network):
    """Event columns are standardised inside: a momentum in GeV, around 500, trains as one of order one does."""
    X, y = jets(n=200, event_columns=1)
    in_gev = PointClouds(X.values, X.offsets, X.feature_names, event_values=500 + 20 * X.event_values)
    probabilities = [clone(network).fit(one, y).predict_proba(one) for one in (X, in_gev)]
    # 500 + 20 x keeps x to 2e-6 in float32; batch statistics and maxima make 0.005 of that in the worst network
    np.testing.assert_allclose(*probabilities, atol=0.01)


@pytest.mark.parametrize("network", POINT_NETWORKS, ids=network_id)
def test_the_columns_of_an_event_join(network):
    """A class that they alone tell is learnt."""
    X, _ = jets(n=200, event_columns=1)
    y = (X.event_values[:, 0] > 0).astype(int)
    network = type(network)(**{**network.get_params(), "max_epochs": 40, "lr": 0.02})
    assert network.fit(X, y).score(X, y) > 0.9


def images(n=60, shape=(9, 7)):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, *shape)).astype(np.float32)
    return X, (X.mean(axis=(-2, -1)).reshape(n, -1)[:, 0] > 0).astype(int)


@pytest.mark.parametrize("network", IMAGE_NETWORKS, ids=network_id)
def test_every_way_to_hand_over_an_image_gives_the_same_network(network):
    X, y = images()
    expected = network.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(network.fit(X[:, None], y).predict_proba(X[:, None]), expected)
    table = X.reshape(len(X), -1)
    for image_shape in ((9, 7), (1, 9, 7)):
        network.set_params(image_shape=image_shape)
        np.testing.assert_array_equal(network.fit(table, y).predict_proba(table), expected)
    network.set_params(image_shape=None)


@pytest.mark.parametrize("network", IMAGE_NETWORKS, ids=network_id)
@pytest.mark.parametrize("shape", [(3, 5, 8), (2, 1, 1), (1, 2, 33)])
def test_images_of_any_shape(network, shape):
    X, y = images(shape=shape)
    network.fit(X, y)
    expected = network.predict_proba(X)
    assert np.isfinite(expected).all()
    assert_same_predictions(np.concatenate([network.predict_proba(X[i : i + 1]) for i in range(4)]), expected[:4])


def test_batch_norm_on_images_with_a_last_batch_of_one_event_of_one_pixel():
    X, y = images(n=41, shape=(1, 1, 1))
    network = CNNClassifier(width=4, n_layers=1, normalisation="batch", batch_size=40, early_stopping=False, **QUICK)
    assert np.isfinite(network.fit(X, y).predict_proba(X)).all()


def test_point_clouds_through_pipeline_folds_and_search():
    X, y = jets(n=120)
    weights, groups = np.random.default_rng(0).uniform(0.5, 1.5, len(y)), np.arange(len(y)) // 2
    network = make_pipeline(
        ParticleWise(StandardScaler()), TransformerClassifier(width=8, n_blocks=1, lr=0.01, **QUICK)
    )
    network.fit(X, y, transformerclassifier__sample_weight=weights, transformerclassifier__groups=groups)
    assert network.score(X, y) > 0.5
    assert len(cross_val_score(network, X, y, groups=groups, cv=GroupKFold(3), error_score="raise")) == 3
    grid = {"transformerclassifier__width": [4, 8]}
    search = GridSearchCV(network, grid, cv=GroupKFold(2), error_score="raise").fit(X, y, groups=groups)
    assert search.predict(X).shape == (120,)


@pytest.mark.parametrize(
    ("network", "X", "message"),
    [
        (CNNClassifier(image_shape=(3, 3)), np.ones((4, 8)), "9 pixels, but X has 8 columns"),
        (ResNetClassifier(image_shape=(9,)), np.ones((4, 9)), "expected \\(height, width\\)"),
        (ResNetClassifier(), np.ones((4, 1, 1, 3, 3)), "dim 5"),
        (CNNClassifier(image_shape=(3, 3), particle_features=3), np.ones((4, 9)), "pass one of them"),
        (RecurrentClassifier(particle_features=3), np.ones((4, 8)), "no multiple of particle_features=3"),
        (RecurrentClassifier(), np.where(np.eye(4), np.nan, 1.0), "contains NaN"),
        (RecurrentClassifier(particle_features=2), np.where(np.eye(4), np.inf, 1.0), "contains infinity"),
        (RecurrentClassifier(particle_features=2), np.where(np.eye(4), np.nan, 1.0), "contains NaN"),
        (
            RecurrentClassifier(particle_features=2),
            np.where(np.eye(4), 1e39, 1.0),
            "beyond 3.4e38, which single .* put a scaler in front",
        ),
        (
            RecurrentClassifier(),
            jets()[0].with_values(1e39 * jets()[0].values.astype(float), ["pt", "eta", "phi"]),
            "beyond 3.4e38",
        ),
        (TransformerClassifier(), jets()[0][:0], "0 events"),
        (CNNClassifier(), np.where(np.eye(4)[:, None], np.nan, np.ones((4, 3, 4))), "contains NaN"),
    ],
)
@pytest.mark.filterwarnings("error:overflow")
def test_what_cannot_be_read_is_an_error(network, X, message):
    with pytest.raises(ValueError, match=message):
        network.fit(X, np.arange(len(X)) % 2)


def test_data_of_another_kind_is_refused_in_predict():
    X, y = jets()
    network = RecurrentClassifier(width=4, **QUICK).fit(X, y)
    renamed = X.with_values(X.values, ["pt", "phi", "eta"])
    with pytest.raises(ValueError, match="was fitted on"):
        network.predict(renamed)
    with pytest.raises(ValueError, match="X is a table, but"):
        network.set_params(particle_features=None).predict(np.ones((2, 3)))
    pictures, classes = images()
    with pytest.raises(ValueError, match="events of shape"):
        CNNClassifier(width=4, **QUICK).fit(pictures, classes).predict(pictures[:, :, :5])


def test_absent_particles_of_a_table_are_nan():
    """A table with NaN for absent jets is a point cloud; only complete absence is allowed."""
    X, y = jets()
    table = X.to_wide()
    assert table.isna().any().any()
    network = RecurrentRegressor(width=4, particle_features=3, **QUICK).fit(table, y)
    assert network.__sklearn_tags__().input_tags.allow_nan
    assert not RecurrentRegressor().__sklearn_tags__().input_tags.allow_nan
    # the columns that are NaN in every event of a sample change nothing
    wider = np.concatenate([table.to_numpy(), np.full((len(X), 9), np.nan)], axis=1)
    fitted = RecurrentRegressor(width=4, particle_features=3, **QUICK).fit(wider, y)
    np.testing.assert_array_equal(fitted.predict(wider), network.predict(table))


@pytest.mark.parametrize("kind", [CNNRegressor, TransformerRegressor, RecurrentRegressor])
def test_regression_on_points_with_several_targets(kind):
    X, _ = jets()
    targets = np.stack([X.counts, -X.counts], axis=1).astype(float)
    prediction = kind(width=8, **QUICK).fit(X, targets).predict(X)
    assert prediction.shape == targets.shape
    assert prediction.dtype == np.float64


@pytest.mark.parametrize(
    ("columns", "features"),
    [
        (["Jet 1 pT", "Jet 1 phi", "Jet 2 pT", "Jet 2 phi"], ["pT", "phi"]),
        (["jet1_delta_eta", "jet1_delta_phi", "jet2_delta_eta", "jet2_delta_phi"], ["delta_eta", "delta_phi"]),
        (["pt_1", "phi_1", "pt_2", "phi_2"], ["pt", "phi"]),
        (["Jet 1 pT", "Jet 2 pT", "Jet 1 phi", "Jet 2 phi"], None),  # not point after point
        (["pt", "phi", "eta", "mass"], None),
        ([], None),
    ],
)
def test_features_of_the_columns_of_a_table(columns, features):
    assert features_of(columns, 2) == features
