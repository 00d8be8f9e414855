"""A model file is whole or not there, holds no events, and goes on where the model was."""

import os
import pickle
import signal
import time
from copy import copy, deepcopy
from pathlib import Path

import numpy as np
import pytest
import skops.io
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EpochScoring
from test_common import small
from torch import nn

from sklearn_ml4fp import (
    DeepSetsClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    PointClouds,
    describe_model,
    load_model,
    save_model,
)

FILES = Path(__file__).parent / "files"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skops"


def kept(model, path, **options):
    save_model(model, path, **options)
    return load_model(path)


def network(**params):
    return small(FeedForwardClassifier, **{"max_epochs": 2, **params})


def weights_of(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.net_.module_.parameters()])


def moments_of(model):
    return [one["exp_avg"] for one in model.net_.optimizer_.state_dict()["state"].values()]


# --- what goes on ---


@pytest.mark.parametrize("choices", [{}, {"lr_schedule": "plateau"}, {"ema_decay": 0.9}, {"optimizer": "sgd"}])
@pytest.mark.parametrize(
    "twin_of", [lambda model, path: kept(model, path, optimizer=True), lambda model, _: deepcopy(model)]
)
def test_a_warm_start_goes_on_as_it_would_have(choices, twin_of, two_blobs, path):
    X, y, _ = two_blobs
    model = network(warm_start=True, random_state=np.random.RandomState(0), **choices).fit(X, y)
    twin = twin_of(model, path)
    assert torch.equal(weights_of(model.fit(X, y)), weights_of(twin.fit(X, y)))
    assert twin.history_["epoch"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("schedule", ["constant", "plateau", "exponential"])
def test_partial_fit_goes_on_as_it_would_have(schedule, two_blobs, path):
    X, y, _ = two_blobs
    model = network(lr_schedule=schedule, max_epochs=9).partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    twin = kept(model, path, optimizer=True)
    for _ in range(2):
        assert torch.equal(weights_of(model.partial_fit(X, y)), weights_of(twin.partial_fit(X, y)))


def test_without_the_optimiser_it_goes_on_from_the_weights(two_blobs, path):
    X, y, _ = two_blobs
    model = network().partial_fit(X, y, classes=[0, 1])
    save_model(model, path, optimizer=True)
    size = path.stat().st_size
    twin = kept(model, path)
    assert path.stat().st_size < size
    assert not moments_of(twin)
    assert moments_of(model)
    first = weights_of(model)
    assert torch.equal(weights_of(twin), first)
    assert not torch.equal(weights_of(twin.partial_fit(X, y)), first)
    assert len(twin.history_["epoch"]) == 2


def test_pickle_and_copy_keep_the_optimiser(two_blobs):
    X, y, _ = two_blobs
    model = network().fit(X, y)
    for twin in (pickle.loads(pickle.dumps(model)), deepcopy(model), copy(model)):
        assert all(map(torch.equal, moments_of(twin), moments_of(model)))
        assert torch.equal(weights_of(twin), weights_of(model))


@pytest.mark.parametrize(
    "change",
    [{"activation": "tanh"}, {"width": 5}, {"lr": 1.0}, {"batch_size": 7}, {"init": "glorot"}, {"loss": "focal"}],
)
def test_hyperparameters_that_were_changed_after_the_fit_change_nothing(change, two_blobs, path):
    X, y, _ = two_blobs
    model = network(warm_start=True).fit(X, y).set_params(**change)
    twin = kept(kept(model, path, optimizer=True), path, optimizer=True)  # and once more: what is loaded knows it too
    assert twin.get_params() == model.get_params()
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    assert torch.equal(weights_of(twin.fit(X, y)), weights_of(model.fit(X, y)))


def test_the_net_is_the_same(two_blobs, path):
    X, y, _ = two_blobs
    model = network(callbacks=[EpochScoring("accuracy", name="accuracy")]).fit(X, y)
    save_model(model, path)
    twin = load_model(path, trusted=describe_model(path)["trusted"])
    np.testing.assert_array_equal(
        twin.net_.predict_proba(X.astype("float32")), model.net_.predict_proba(X.astype("float32"))
    )
    assert twin.net_.history == model.net_.history
    assert "accuracy" in twin.net_.history[-1]
    for name in ("lr", "max_epochs", "batch_size", "device"):
        assert getattr(twin.net_, name) == getattr(model.net_, name)
    assert twin.net_.initialize().module_.head.weight.equal(model.net_.initialize().module_.head.weight)


class Tempered(nn.Module):
    """A loss with a weight of its own, which is trained."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, output, target, weight):
        """Return the weighted mean of the cross-entropy of scaled outputs."""
        return (nn.functional.cross_entropy(output * self.scale, target, reduction="none") * weight).mean()

    def read(self, output):
        return output * self.scale.detach()


def test_a_loss_keeps_its_own_weights(two_blobs, path):
    X, y, _ = two_blobs
    model = network(loss=Tempered).fit(X, y)
    assert model.net_.criterion_.loss.scale.item() != 1
    save_model(model, path)
    with pytest.raises(ValueError, match=r"not trusted: .*Tempered\. If you know"):
        load_model(path)
    np.testing.assert_array_equal(load_model(path, trusted=[Tempered]).predict_proba(X), model.predict_proba(X))


# --- the file ---


def test_no_events_are_inside(path):
    rng = np.random.default_rng(0)
    sizes = []
    for n in (200, 4000):
        X = rng.normal(size=(n, 5))
        model = make_pipeline(StandardScaler(), FeedForwardClassifier(max_epochs=1, random_state=0)).fit(X, X[:, 0] > 0)
        save_model(model, path)
        sizes.append(path.stat().st_size)
    assert abs(sizes[1] - sizes[0]) < 1000
    n_weights = sum(parameter.numel() for parameter in model[-1].net_.module_.parameters())
    assert sizes[1] < 4 * n_weights + 200_000


def test_a_model_that_cannot_be_kept_is_named_and_leaves_the_file(two_blobs, path):
    X, y, _ = two_blobs
    model = make_pipeline(StandardScaler(), network().fit(X, y))
    save_model(model, path)
    before = path.read_bytes()
    model[-1].extra_ = {"cut": lambda x: x}
    with pytest.raises(ValueError, match=r"extra_\['cut'\], a function, cannot be kept in a model file"):
        save_model(model, path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_kill_leaves_the_old_file_or_the_new_one(path):
    models = [StandardScaler().fit(np.full((2, 30_000), value)) for value in (1.0, 2.0)]
    save_model(models[0], path)
    moments = np.random.default_rng(0).uniform(0, 0.05, 20)
    seen = set()
    for moment in moments:
        if (child := os.fork()) == 0:
            while True:
                for model in models:
                    save_model(model, path)
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.add(load_model(path).mean_[-1])
    assert seen <= {1.0, 2.0}


def test_a_link_stays_a_link(two_blobs, path):
    (path.parent / "link").symlink_to(path)
    save_model(StandardScaler(), path.parent / "link")
    assert (path.parent / "link").is_symlink()
    assert load_model(path).get_params() == StandardScaler().get_params()


# --- its description ---


def test_a_description_of_a_pipeline(two_blobs, path):
    X, y, _ = two_blobs
    pd = pytest.importorskip("pandas")
    model = make_pipeline(StandardScaler(), network(max_epochs=3)).fit(pd.DataFrame(X, columns=list("dbca")), y)
    save_model(model, path)
    about = describe_model(path)
    assert about["class"] == "sklearn.pipeline.Pipeline"
    assert about["steps"]["feedforwardclassifier"].endswith("_feedforward.FeedForwardClassifier")
    assert about["hyperparameters"]["feedforwardclassifier__max_epochs"] == 3
    assert about["columns"] == list("dbca")
    assert about["classes"] == [0, 1]
    assert about["target"] is None
    assert about["trusted"] == []
    assert about["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert about["size"] == path.stat().st_size
    assert about["format"] == 1


def test_a_description_of_numbers_and_of_clouds(two_blobs, path):
    X, y, _ = two_blobs
    save_model(make_pipeline(small(FeedForwardRegressor, max_epochs=1, early_stopping=False)).fit(X, 7.0 * y), path)
    about = describe_model(path)
    np.testing.assert_allclose(about["target"]["mean"], [3.5])
    np.testing.assert_allclose(about["target"]["scale"], [3.5])
    assert about["columns"] == 4
    clouds = PointClouds(
        X, np.arange(0, 401, 2), ["pt", "eta", "phi", "d0"], event_values=X[:200, :1], event_names=["met"]
    )
    save_model(small(DeepSetsClassifier, max_epochs=1).fit(clouds, y[:200]), path)
    assert describe_model(path)["columns"] == {"points": ["pt", "eta", "phi", "d0"], "event": ["met"]}


# --- skops ---


def test_skops_itself_takes_the_estimators(two_blobs):
    X, y, _ = two_blobs
    model = make_pipeline(StandardScaler(), network()).fit(X, y)
    content = skops.io.dumps(model)
    loaded = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_skops_itself_reads_the_files(two_blobs, path):
    X, y, _ = two_blobs
    save_model(network().fit(X, y), path)
    loaded = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    assert loaded.predict(X).shape == y.shape


# --- files of earlier formats ---


@pytest.mark.parametrize("file", sorted(FILES.glob("*.skops")), ids=lambda file: file.stem)
@pytest.mark.filterwarnings("ignore:.*was written with scikit-learn:UserWarning")
def test_files_of_every_format_are_read(file):
    expected = np.load(file.with_suffix(".npz"))
    np.testing.assert_allclose(load_model(file).predict_proba(expected["X"]), expected["probabilities"], atol=1e-5)


def test_a_file_of_the_present_format_is_kept():
    assert any(describe_model(file)["format"] == 1 for file in FILES.glob("*.skops"))
