"""What is wrong with a training: each warning on a planted case, and none on healthy trainings of all networks."""

import inspect
import re
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

import sklearn_ml4fp
from sklearn_ml4fp import (
    CrossFitClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    JetConstituentFeatures,
    MessagePassingClassifier,
    NetworkClassifier,
    NetworkEstimator,
    ParticleWise,
    PointClouds,
    RaggedArray,
    ToImage,
    TrainingWarning,
    load_events,
    load_quark_gluon_jets,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1000, 5))
Y = (X[:, 0] + X[:, 1] ** 2 + 0.5 * RNG.normal(size=1000) > 1).astype(int)
NOISE = RNG.integers(2, size=1000)
QUICK = {"width": 32, "random_state": 0, "device": "cpu"}
COLUMNS = "Columns of X are far from"
EXPLODE = "Gradients explode"
VANISH = "Gradients vanish"
DEAD = "ReLUs never fire"
FLAT = "The loss does not fall"
ALIKE = "All predictions are alike"
ABOVE = "Validation is far above training"
FEW = "The hold-out of"


def warned(network, *data, **params):
    """Texts of the warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrainingWarning)
        network.fit(*data, **params)
    return [str(one.message) for one in caught if one.category is TrainingWarning]


def kinds(texts):
    """Beginnings of the warnings, in their order."""
    known = (COLUMNS, EXPLODE, VANISH, DEAD, FLAT, ALIKE, ABOVE, FEW)
    return [kind for text in texts for kind in known if text.startswith(kind)]


def classifier(**params):
    return FeedForwardClassifier(**{**QUICK, **params})


def regressor(**params):
    return FeedForwardRegressor(**{**QUICK, **params})


# --- planted ---


def test_a_table_that_was_never_scaled():
    """And what it costs: 0.73 of the wines are right, and 0.97 after a scaler."""
    wine = load_wine(as_frame=True)
    texts = warned(classifier(), wine.data, wine.target)
    assert kinds(texts)[0] == COLUMNS
    assert re.search(r"mean \|x\| of 'proline' is 747, 'magnesium' is 100", texts[0])
    assert not warned(make_pipeline(StandardScaler(), classifier()), wine.data, wine.target)


def test_the_column_and_not_the_event_of_weight_zero_counts():
    spoiled, weights = X.copy(), np.ones(len(X))
    spoiled[::20, 2] = -999.0
    assert "column 2 is" in warned(classifier(max_epochs=12), spoiled, Y)[0]
    weights[::20] = 0
    assert not warned(classifier(max_epochs=12), spoiled, Y, sample_weight=weights)


def test_unscaled_features_of_points_and_channels_of_images():
    counts = np.full(200, 4)
    points = PointClouds(RNG.normal(size=(800, 2)) * [1, 1000], np.append(0, counts.cumsum()), ["eta", "pt"])
    recurrent = sklearn_ml4fp.RecurrentClassifier(**{**QUICK, "width": 4}, max_epochs=10)
    assert "of 'pt' is" in warned(recurrent, points, NOISE[:200])[0]
    images = RNG.normal(size=(200, 2, 4, 4)) * np.array([1, 1000])[:, None, None]
    cnn = sklearn_ml4fp.CNNClassifier(**{**QUICK, "width": 4}, max_epochs=10)
    assert "of channel 1 is" in warned(cnn, images, NOISE[:200])[0]


def test_gradients_that_vanish():
    texts = warned(classifier(n_layers=12, activation="sigmoid"), X, Y)
    assert kinds(texts) == [VANISH, ALIKE]
    assert "'hidden.0.weight'" in texts[0]


def test_gradients_that_explode():
    rising = {"lr": 0.05, "warmup_epochs": 20, "max_epochs": 20}
    texts = warned(regressor(n_layers=20, activation="selu", **rising), X, X[:, 0])
    assert kinds(texts).count(EXPLODE) == 1
    assert re.search(r"in epoch \d+ that of all layers is \S+ times .* most of it in '(hidden|head)", texts[0])


@pytest.mark.parametrize("lr", [0.3, 1.0])
def test_relus_that_never_fire(lr):
    assert kinds(warned(classifier(lr=lr), X, Y))[0] == DEAD


@pytest.mark.parametrize(
    ("network", "y"),
    [
        (classifier(lr=1e-7), Y),  # so small a step that nothing changes
        (classifier(), NOISE),  # nothing to learn
        (regressor(lr=1e-8), X[:, 0]),
        (regressor(lr=1e-8, loss="gaussian_nll"), X[:, 0]),
        (classifier(lr=1e-7, loss="focal", label_smoothing=0.1, class_weight="balanced"), Y),
    ],
    ids=["small steps", "noise", "regression", "likelihood", "focal"],
)
def test_a_loss_that_does_not_fall(network, y):
    assert kinds(warned(network, X, y)) == [FLAT]


class Own(nn.Module):
    def forward(self, output, target, weight):
        return weight.dot(nn.functional.cross_entropy(output, target, reduction="none")) / len(weight)


def test_a_loss_of_ones_own():
    assert not warned(classifier(loss=Own), X, Y)
    assert kinds(warned(classifier(loss=Own, lr=1.0), X, Y))[-1] == ALIKE


def test_a_regression_whose_predictions_are_alike():
    assert kinds(warned(regressor(n_layers=12, activation="sigmoid", width=8), X, X[:, 0] ** 3))[-1] == ALIKE


@pytest.mark.parametrize("events", ["few to learn from", "of another kind"])
def test_validation_far_above_training(events):
    if events == "few to learn from":
        watched = {"X_val": X[100:], "y_val": Y[100:]}
        texts = warned(classifier(early_stopping=False), X[:100], Y[:100], **watched)
    else:
        texts = warned(classifier(), X[:500], Y[:500], X_val=-X[500:], y_val=1 - Y[500:])
    assert kinds(texts) == [ABOVE]


def test_a_hold_out_too_small_for_its_metric():
    texts = warned(classifier(metrics="roc_auc", max_epochs=12), X[:120], Y[:120])
    assert kinds(texts) == [FEW]
    assert "of 12 events is too small for metrics=['roc_auc']: it holds 6 effective" in texts[0]
    assert not warned(classifier(max_epochs=12), X[:120], Y[:120])  # for the loss it is not
    weights = np.where(np.arange(1000) % 50, 1e-3, 1.0)
    assert kinds(warned(classifier(metrics="roc_auc", max_epochs=12), X, Y, sample_weight=weights)) == [FEW]

    def infinite(estimator, X, y):
        return np.inf

    assert "['infinite'] is not finite there" in warned(classifier(metrics=[infinite], max_epochs=12), X, Y)[0]


def test_outputs_of_points():
    """Each point is a loss of its own; an event without any is none."""
    counts = np.arange(300) % 5
    points = PointClouds(RNG.normal(size=(counts.sum(), 3)), np.append(0, counts.cumsum()), ["a", "b", "c"])
    y = RaggedArray((points.values[:, 0] > 0).astype(int), points.offsets)
    params = {"output": "point", "coordinates": (), "n_blocks": 1, "max_epochs": 15, **QUICK}
    assert not warned(MessagePassingClassifier(**params), points, y)
    assert kinds(warned(MessagePassingClassifier(lr=1e-8, **params), points, y)) == [FLAT]


# --- when ---


def test_each_fit_warns_by_itself():
    network = classifier(metrics="roc_auc", max_epochs=12)
    for _ in range(2):
        assert kinds(warned(network, X[:120] * 100, Y[:120])).count(COLUMNS) == 1
    crossed = warned(CrossFitClassifier(classifier(max_epochs=12), cv=2), X * 100, Y)
    assert kinds(crossed).count(COLUMNS) == 2


def test_a_short_fit_proves_nothing():
    """Of 90 steps; the same network after 100 of them has a lot to say."""
    raw = {"metrics": "roc_auc", "lr": 1.0}
    assert not warned(classifier(max_epochs=9, **raw), X[:140] * 100, Y[:140])
    assert {COLUMNS, FEW, DEAD} <= set(kinds(warned(classifier(max_epochs=10, **raw), X[:140] * 100, Y[:140])))


def test_a_warm_start_from_what_is_learned_is_no_flat_loss():
    network = classifier(warm_start=True, max_epochs=30).fit(X, Y)
    assert not warned(network, X, Y)


# --- healthy ---

NETWORKS = [
    name
    for name in sklearn_ml4fp.__all__
    if inspect.isclass(one := getattr(sklearn_ml4fp, name))
    and issubclass(one, NetworkEstimator)
    and not getattr(one._module, "__isabstractmethod__", False)
]
ON_POINTS = ("DeepSets", "EdgeConv", "InteractionNetwork", "MessagePassing", "ParticleTransformer")
SMALL = {"k": 4, "width": 16, "n_layers": 2, "n_blocks": 2, "n_class_blocks": 1, "max_epochs": 12, "lr": 3e-3}
SMALL["n_members"] = 1


@pytest.fixture(scope="module")
def shipped():
    """Jets as points and images, and collisions as a table: events, classes and numbers."""
    jets, events = load_quark_gluon_jets(), load_events()
    images = np.sqrt(ToImage(n_pixels=8).fit_transform(jets.data[:400]))
    table = np.nan_to_num(StandardScaler().fit_transform(events.data[:600]))
    points = JetConstituentFeatures().fit_transform(jets.data[:400])
    number = np.arange(len(points.values)) - np.repeat(points.offsets[:-1], points.counts)  # in its jet
    few = np.minimum(points.counts, 15)
    points = PointClouds(points.values[number < 15], np.append(0, few.cumsum()), points.feature_names)
    numbers = jets.data[:400].counts / 40
    return {
        "points": (points, jets.target[:400], numbers),
        "sequence": (ParticleWise(StandardScaler()).fit_transform(points), jets.target[:400], numbers),
        "image": (images, jets.target[:400], images.sum((1, 2))),
        "table": (table, events.target[:600], table[:, 0] + table[:, 1]),
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_healthy_trainings_are_left_alone(name, shipped):
    """Short ones here; benchmarks/bench_monitoring.py trains longer, with the defaults."""
    network, architecture = getattr(sklearn_ml4fp, name), re.sub("Classifier|Regressor", "", name)
    kind = {"CNN": "image", "Recurrent": "sequence", **dict.fromkeys(ON_POINTS, "points")}.get(architecture, "table")
    X, classes, numbers = shipped[kind]
    params = {key: value for key, value in SMALL.items() if key in network._hyperparameters}
    model = network(**params, random_state=0, device="cpu")
    assert not warned(model, X, classes if issubclass(network, NetworkClassifier) else numbers)
    assert model.history_["train_loss"][-1] < model.history_["train_loss"][0]
