"""What is measured on the hold-out after each epoch, and what follows it."""

import numpy as np
import pytest
import sklearn
import torch
from optuna.pruners import MedianPruner
from sklearn import metrics
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, Checkpoint

from sklearn_ml4fp import (
    CrossFitClassifier,
    DeepSetsClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    OptunaSearchCV,
    PointClouds,
    background_rejection_scorer,
    load_model,
    optuna_distributions,
    roc_auc_score,
    save_model,
)
from sklearn_ml4fp.engine import Net

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = np.where(X[:, 0] + RNG.normal(size=300) > 0, "top", "qcd")
W = RNG.normal(1, 0.5, size=300)  # one in forty is negative
X_VAL = RNG.normal(size=(120, 4))
Y_VAL = np.where(X_VAL[:, 0] + RNG.normal(size=120) > 0, "top", "qcd")
W_VAL = RNG.normal(1, 0.5, size=120)
WATCHED = {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": W_VAL}
QUICK = {"width": 8, "n_layers": 1, "lr": 0.02, "max_epochs": 3, "random_state": 0, "device": "cpu"}


def classifier(**params):
    return FeedForwardClassifier(**{**QUICK, **params})


def weights_of(network):
    return torch.cat([p.detach().flatten() for p in network.net_.module_.parameters()])


class Scripted:
    """A metric with the given values, one epoch after the other."""

    __name__ = "scripted"

    def __init__(self, *values):
        self.values = values
        self.n_calls = 0

    def __call__(self, estimator, X, y):
        self.n_calls += 1
        return self.values[self.n_calls - 1]


# --- what is measured ---


def test_metrics_are_those_of_scikit_learn_with_the_weights_of_the_hold_out():
    """After each of three epochs: a training of as many epochs ends with the network that was measured."""
    names = ["roc_auc", "accuracy", "neg_log_loss"]
    history = classifier(metrics=names, early_stopping=False).fit(X, Y, sample_weight=W, **WATCHED).history_
    for epochs in (1, 2, 3):
        network = classifier(early_stopping=False, max_epochs=epochs).fit(X, Y, sample_weight=W, **WATCHED)
        probability = network.predict_proba(X_VAL)
        signal = Y_VAL == "top"
        by_hand = {
            "roc_auc": roc_auc_score(signal, probability[:, 1], sample_weight=W_VAL),
            "accuracy": metrics.accuracy_score(Y_VAL, network.predict(X_VAL), sample_weight=W_VAL),
            "neg_log_loss": -metrics.log_loss(Y_VAL, probability, sample_weight=W_VAL),
        }
        for name, value in by_hand.items():
            assert history[f"valid_{name}"][epochs - 1] == pytest.approx(value, rel=1e-9), (name, epochs)


def test_the_hold_out_of_fit_is_measured_with_its_weights_and_without_class_weights():
    """The hold-out is the first split of the splitter."""
    arguments = {"validation": GroupKFold(3), "class_weight": "balanced", "metrics": "accuracy", "patience": 50}
    ids = np.arange(300) // 2
    network = classifier(**arguments, max_epochs=1).fit(X, Y, sample_weight=W, groups=ids)
    held = next(GroupKFold(3).split(X, Y, ids))[1]
    right = network.predict(X[held]) == Y[held]
    assert network.history_["valid_accuracy"] == pytest.approx(np.average(right, weights=W[held]))


def by_hand_r2(network, y):
    return metrics.r2_score(y, network.predict(X_VAL), sample_weight=np.abs(W_VAL))


@pytest.mark.parametrize("columns", [None, 1, 2])
def test_metrics_of_a_regression_are_in_the_unit_of_y(columns):
    def target(X):
        y = 500 + 100 * X[:, 0]
        return y if columns is None else np.stack([y, -y], axis=1)[:, :columns]

    watched = {"X_val": X_VAL, "y_val": target(X_VAL), "sample_weight_val": np.abs(W_VAL)}
    network = FeedForwardRegressor(**QUICK, metrics=["r2", "neg_mean_absolute_error"], early_stopping=False)
    network.fit(X, target(X), **watched)
    assert network.history_["valid_r2"][-1] == pytest.approx(by_hand_r2(network, target(X_VAL)))
    error = metrics.mean_absolute_error(target(X_VAL), network.predict(X_VAL), sample_weight=np.abs(W_VAL))
    assert network.history_["valid_neg_mean_absolute_error"][-1] == pytest.approx(-error)


def test_several_classes_and_point_clouds():
    counts = RNG.integers(1, 6, 90)
    clouds = PointClouds(RNG.normal(size=(counts.sum(), 3)), np.append(0, counts.cumsum()))
    y = np.arange(90) % 3
    network = DeepSetsClassifier(
        width=4, latent_width=4, n_layers=1, max_epochs=2, device="cpu", random_state=0, early_stopping=False,
        metrics=["roc_auc_ovr", "balanced_accuracy"],
    ).fit(clouds, y, X_val=clouds[:45], y_val=y[:45])  # fmt: skip
    area = metrics.roc_auc_score(y[:45], network.predict_proba(clouds[:45]), multi_class="ovr")
    assert network.history_["valid_roc_auc_ovr"][-1] == pytest.approx(area)
    right = metrics.balanced_accuracy_score(y[:45], network.predict(clouds[:45]))
    assert network.history_["valid_balanced_accuracy"][-1] == pytest.approx(right)


def error(y_true, y_pred, sample_weight=None):
    return np.average(y_true != y_pred, weights=sample_weight)


def in_the_middle(estimator, X, y):
    """Asks for a part of the events, whose outputs are not known."""
    part = np.abs(X[:, 0]) < 1
    return np.mean(estimator.predict(X[part]) == y[part])


def test_scorers_are_given_the_events_whose_outputs_are_known(monkeypatch):
    """The network is not asked again for the hold-out that `fit` sets apart, whatever the number of metrics."""
    asked = []
    outputs = Net.outputs
    monkeypatch.setattr(Net, "outputs", lambda net, data: asked.append(len(data)) or outputs(net, data))
    classifier(metrics=["roc_auc", "accuracy"]).fit(X, Y)
    assert asked == 3 * [30]  # once an epoch


def test_scorers_of_every_kind_have_names():
    measured = [
        "roc_auc", background_rejection_scorer, make_scorer(error, greater_is_better=False), in_the_middle,
        Scripted(1, 2, 3),
    ]  # fmt: skip
    numbers = {"top": 1, "qcd": 0}
    y, y_val = ([numbers[label] for label in labels] for labels in (Y, Y_VAL))
    network = classifier(metrics=measured, early_stopping=False).fit(X, y, X_val=X_VAL, y_val=y_val)
    names = ["roc_auc", "background_rejection", "neg_error", "in_the_middle", "scripted"]
    assert [name for name in network.history_ if name.startswith("valid_")] == [f"valid_{n}" for n in ["loss", *names]]
    assert network.history_["valid_scripted"].tolist() == [1, 2, 3]
    assert network.history_["valid_neg_error"][-1] == -np.mean(network.predict(X_VAL) != y_val)
    assert network.history_["valid_in_the_middle"][-1] == in_the_middle(network, X_VAL, np.array(y_val))
    named = classifier(metrics={"area": "roc_auc", "mine": in_the_middle}).fit(X, y)
    assert {"valid_area", "valid_mine"} < named.history_.keys()


def test_metrics_change_no_weight():
    plain = classifier(dropout=0.2, patience=2).fit(X, Y, sample_weight=W)
    measured = classifier(dropout=0.2, patience=2, metrics=["roc_auc", "accuracy"]).fit(X, Y, sample_weight=W)
    assert torch.equal(weights_of(plain), weights_of(measured))
    np.testing.assert_array_equal(plain.history_["valid_loss"], measured.history_["valid_loss"])


def test_a_metric_that_takes_no_weights_is_said():
    with pytest.warns(UserWarning, match=r"metrics=\['in_the_middle'\] take no sample_weight"):
        classifier(metrics=["accuracy", in_the_middle]).fit(X, Y, sample_weight=W)


@pytest.mark.parametrize("routing", [False, True])
def test_metrics_in_pipelines_and_cross_fits(routing):
    """In a cross-fit too, whose models remember their own metrics."""
    network = classifier(metrics="roc_auc", monitor="roc_auc")
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), network)
            pipeline.fit(X, Y, sample_weight=np.abs(W))
        else:
            pipeline = make_pipeline(StandardScaler(), network)
            pipeline.fit(X, Y, feedforwardclassifier__sample_weight=W)
    assert len(pipeline[-1].history_["valid_roc_auc"]) == 3
    crossed = CrossFitClassifier(pipeline, cv=2).fit(X, Y, groups=np.arange(300), sample_weight=np.abs(W))
    assert all(len(history["valid_roc_auc"]) == 3 for history in crossed.history_)


# --- what follows it ---

SCORES = (0.1, 0.5, 0.4, 0.3, 0.2)


def test_early_stopping_and_the_best_weights_follow_the_metric():
    stopped = classifier(max_epochs=9, patience=2, metrics=[Scripted(*SCORES)], monitor="scripted").fit(X, Y)
    assert stopped.n_iter_ == 4
    best = classifier(max_epochs=2, patience=9, metrics=[Scripted(*SCORES)], monitor="scripted").fit(X, Y)
    assert torch.equal(weights_of(stopped), weights_of(best))
    by_loss = classifier(max_epochs=5, patience=5, metrics=[Scripted(*SCORES)]).fit(X, Y)
    assert by_loss.n_iter_ == 5  # the loss falls: what is measured beside it stops nothing


def test_the_best_epoch_is_that_of_the_last_fit(tmp_path):
    network = classifier(max_epochs=4, patience=9, metrics=[Scripted(*SCORES)], monitor="scripted").fit(X, Y)
    assert network.best_epoch_ == np.argmax(SCORES[:4]) + 1
    by_loss = classifier(max_epochs=30, patience=3, lr=0.3, warm_start=True).fit(X, Y)
    assert by_loss.best_epoch_ == np.argmin(by_loss.history_["valid_loss"]) + 1 < by_loss.n_iter_
    before = by_loss.n_iter_
    by_loss.fit(X, Y)
    assert by_loss.best_epoch_ == np.argmin(by_loss.history_["valid_loss"][before:]) + 1 <= by_loss.n_iter_
    several = classifier(max_epochs=8, lr=0.3, n_members=3).fit(X, Y)
    assert several.best_epoch_ == np.median([member.best_epoch_ for member in several.members_])
    save_model(by_loss, tmp_path / "model.skops")
    assert load_model(tmp_path / "model.skops").best_epoch_ == by_loss.best_epoch_


def test_the_schedule_follows_the_metric():
    network = classifier(
        max_epochs=5, patience=9, metrics=[Scripted(*SCORES)], monitor="scripted",
        lr_schedule="plateau", lr_decay_epochs=1, lr_decay=0.5,
    ).fit(X, Y)  # fmt: skip
    np.testing.assert_allclose(network.history_["lr"], [0.02, 0.02, 0.02, 0.01, 0.005])


def test_pruners_follow_the_metric():
    network = classifier(metrics="accuracy", monitor="accuracy", max_epochs=4)
    space = optuna_distributions(network, include=["lr", "loss"])  # the accuracy means the same with every loss
    search = OptunaSearchCV(network, space, n_iter=2, cv=2, pruner=MedianPruner(), random_state=0).fit(X, Y)
    reports = [trial.intermediate_values for trial in search.study_.trials]
    assert all(0 < value <= 1 for one in reports for value in one.values())
    with pytest.raises(ValueError, match=r"\['monitor'\] change what that is"):
        OptunaSearchCV(network, {"monitor": ["loss", "accuracy"]}, pruner=MedianPruner()).fit(X, Y)


def test_skorchs_checkpoint_follows_the_metric(tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, monitor="valid_scripted_best", f_pickle=None)
    network = classifier(max_epochs=4, patience=9, metrics=[Scripted(*SCORES)], callbacks=[checkpoint]).fit(X, Y)
    best = classifier(max_epochs=2, early_stopping=True, patience=9).fit(X, Y)
    network.net_.load_params(checkpoint=dict(network.net_.callbacks_)["Checkpoint"])
    assert torch.equal(weights_of(network), weights_of(best))


def test_a_metric_that_is_never_defined_is_said():
    nothing = Scripted(*[np.nan] * 9)
    with pytest.warns(ConvergenceWarning, match="NaN in each of 2 epochs"):
        network = classifier(max_epochs=9, patience=2, metrics=[nothing], monitor="scripted").fit(X, Y)
    last = classifier(max_epochs=2, early_stopping=True, patience=9).fit(X, Y)
    assert torch.equal(weights_of(network), weights_of(last))


# --- what is refused ---


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"metrics": "auc_roc"}, "'auc_roc', which is no scorer: expected a name in"),
        ({"metrics": [3]}, "metrics has 3: expected the name of a scorer"),
        ({"metrics": ["accuracy", "accuracy"]}, "'accuracy', which is no text, is there twice"),
        ({"metrics": {"loss": "accuracy"}}, "'loss', which is no text"),
        ({"metrics": ["accuracy"], "monitor": "roc_auc"}, r"monitor='roc_auc' is none of the metrics \['accuracy'\]"),
        ({"monitor": "roc_auc"}, r"is none of the metrics \[\]"),
        ({"metrics": "accuracy", "early_stopping": False}, "there is none: early_stopping=False"),
        ({"metrics": "ams"}, "The metric 'ams' cannot be computed on the hold-out of .* events"),
        ({"metrics": "r2"}, "The metric 'r2' cannot be computed"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_error(params, message):
    with pytest.raises(ValueError, match=message):
        classifier(**params).fit(X, Y)


def test_a_stream_has_no_hold_out():
    with pytest.raises(ValueError, match="partial_fit set no events apart"):
        classifier(metrics="accuracy").partial_fit(X, Y, classes=["qcd", "top"])


# --- the history ---


def test_the_history_of_every_fit():
    network = classifier(metrics="accuracy").fit(X, Y)
    columns = [
        "train_loss", "valid_loss", "valid_accuracy", "lr", "gradient_norm", "events_per_second", "dur",
    ]  # fmt: skip
    assert list(network.history_) == ["epoch", *columns]
    assert network.history_["lr"].tolist() == [0.02] * 3
    assert (network.history_["events_per_second"] >= 270 / network.history_["dur"]).all()  # 270 events are trained on
    frame = network.history_frame_
    assert frame.index.name == "epoch"
    assert list(frame) == columns
    np.testing.assert_array_equal(frame["valid_accuracy"], network.history_["valid_accuracy"])


@pytest.mark.parametrize("gradient_clipping", [None, 1e-3])
def test_the_gradient_norm_is_that_of_the_loss_before_clipping(gradient_clipping):
    network = classifier(
        lr=1e-12, batch_size=300, early_stopping=False, max_epochs=1, gradient_clipping=gradient_clipping
    )
    module = network.fit(X, Y).net_.module_
    target = torch.from_numpy((Y == "top").astype(int))
    torch.nn.functional.cross_entropy(module(torch.from_numpy(X).float()), target).backward()
    norm = torch.sqrt(sum(p.grad.square().sum() for p in module.parameters())).item()
    assert network.history_["gradient_norm"] == pytest.approx(norm, rel=1e-4)


def test_callbacks_see_the_epoch_that_ends_the_training():
    class Count(Callback):
        n_epochs = 0

        def on_epoch_end(self, net, **kwargs):
            self.n_epochs += 1

    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    network = classifier(callbacks=[Stop, ("count", Count)]).fit(X, Y)
    assert network.n_iter_ == dict(network.net_.callbacks_)["count"].n_epochs == 1
