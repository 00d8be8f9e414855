"""Several networks in one estimator: each is the network that is fitted alone, and their predictions are averaged."""

import copy
import pickle
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator
from skorch.callbacks import Callback
from test_common import EXPECTED_FAILURES, NETWORKS, small

from sklearn_ml4fp import (
    DeepSetsClassifier,
    DenseNetClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    LossCurveDisplay,
    NetworkClassifier,
    OptunaSearchCV,
    ResNetClassifier,
    Smear,
    TableClassifier,
    describe_model,
    load_model,
    save_model,
    search_space,
)
from sklearn_ml4fp._side_by_side import side_by_side
from sklearn_ml4fp.engine import Net, _together
from sklearn_ml4fp.engine._pass import Pass

# The same products of matrices in another order differ by rounding, 1e-7 of a value, which Adam's division by the size
# of a gradient may raise, and a few steps carry on; another seed differs by the whole spread, of about 1.
ALIKE = {"rtol": 1e-3, "atol": 1e-4}


def alone(member, X, y, **given):
    """The network of a member's hyperparameters, fitted by itself."""
    return clone(member).fit(X, y, **given)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_members_are_networks_and_are_averaged(network, two_blobs):
    X, y, _ = two_blobs
    X, y = X[:120], y[:120]
    model = small(network, n_members=2, max_epochs=2, dropout=0.1, lr=1e-3).fit(X, y)
    members = model.members_
    assert [type(member) for member in members] == [network, network]
    assert {member.n_members for member in members} == {1}
    assert len({member.random_state for member in members}) == 2
    for member in members:
        np.testing.assert_allclose(alone(member, X, y)._read(X), member._read(X), **ALIKE)
    assert not np.allclose(members[0]._read(X), members[1]._read(X), **ALIKE)
    if issubclass(network, NetworkClassifier):
        each = [member.predict_proba(X) for member in members]
        np.testing.assert_allclose(model.predict_proba(X), np.mean(each, axis=0), rtol=1e-9)
        np.testing.assert_allclose(model.predict_proba(X, return_std=True)[1], np.std(each, axis=0), atol=1e-12)
        np.testing.assert_array_equal(model.predict(X), model.classes_[np.mean(each, axis=0).argmax(1)])
        logit = np.log(model.predict_proba(X))
        np.testing.assert_allclose(model.decision_function(X), logit[:, 1] - logit[:, 0], atol=1e-9)
    else:
        each = [member.predict(X) for member in members]
        np.testing.assert_allclose(model.predict(X), np.mean(each, axis=0), rtol=1e-9)
        np.testing.assert_allclose(model.predict(X, return_std=True)[1], np.std(each, axis=0), atol=1e-12)


@pytest.mark.parametrize("network", [FeedForwardClassifier, FeedForwardRegressor])
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input")
def test_scikit_learns_own_checks(network):
    results = check_estimator(small(network, n_members=2), expected_failed_checks=EXPECTED_FAILURES, on_fail=None)
    assert not [(one["check_name"], repr(one["exception"])) for one in results if one["status"] == "failed"]


def test_weights_ids_and_own_validation_reach_every_member(two_blobs):
    X, y, groups = two_blobs
    weights = np.random.default_rng(0).normal(1.0, 0.5, len(y))
    model = small(FeedForwardClassifier, n_members=3, max_epochs=2, lr=1e-3)
    given = {"sample_weight": weights, "groups": groups}
    for member in model.fit(X, y, **given).members_:
        np.testing.assert_allclose(member._read(X), alone(member, X, y, **given)._read(X), **ALIKE)
    of_its_own = {"X_val": X[:50], "y_val": y[:50], "sample_weight_val": weights[:50]}
    for member in model.fit(X, y, **of_its_own).members_:
        np.testing.assert_allclose(member._read(X), alone(member, X, y, **of_its_own)._read(X), **ALIKE)


# groups of parameters with learning rates of their own, which change in every step, as weight decay and dropout do
TANGENT = {
    "parametrisation": "ntk", "activation": "silu", "dropout": 0.15, "optimizer": "adamw", "weight_decay": 0.02,
    "lr_schedule": "coslog4", "regularisation_schedule": "flat_cos",
}  # fmt: skip
# what a training may have, on events that leave a last batch of another size for some members
CHOICES = {
    "plain": {},
    "sgd": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "lr": 0.02},
    "adagrad": {"optimizer": "adagrad", "lr": 0.01},
    "rmsprop": {"optimizer": "rmsprop", "momentum": 0.5},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "plateau": {"lr_schedule": "plateau", "lr_decay_epochs": 1, "lr": 0.01, "max_epochs": 6},
    "one cycle, warm-up": {"lr_schedule": "one_cycle", "warmup_epochs": 1},
    "clipping, L1, L2, average": {"gradient_clipping": 0.1, "l1": 1e-3, "weight_decay": 1e-3, "ema_decay": 0.9},
    # a bias in front of a batch normalisation has no gradient but rounding, which Adam would blow up to full steps
    "batch": {"normalisation": "batch", "dropout": 0.3, "optimizer": "sgd", "lr": 0.05},
    "layer, selu": {"normalisation": "layer", "activation": "selu", "dropout": 0.3},
    "focal": {"loss": "focal", "label_smoothing": 0.1, "activation": "silu"},
    "metrics": {"metrics": "roc_auc", "monitor": "roc_auc", "max_epochs": 5, "patience": 2},
    "augmented": {"augment": Smear(columns=[0], relative=0.1)},
    "early": {"max_epochs": 12, "patience": 1, "lr": 0.01},
    "to the end": {"early_stopping": False},
    "wide": {"width": 256, "batch_size": 128, "max_epochs": 2},
    "balanced": {"class_weight": "balanced"},
    "scaled": {"scaling": "auto", "beta2": 0.9, "lr_schedule": "coslog4", "activation": "mish"},
    "clipped": {"scaling": "robust"},
    "piecewise": {"num_embedding": "piecewise"},
    "periodic": {"num_embedding": "periodic", "dropout": 0.2},
    "tangent": {**TANGENT, "patience": 1, "max_epochs": 6},
    "tangent, all groups": {**TANGENT, "num_embedding": "pbld", "gradient_clipping": 0.5, "ema_decay": 0.9},
    "tangent by autograd": {**TANGENT, "num_embedding": "pbld", "normalisation": "layer", "l1": 1e-3},
    "tangent, wide": {**TANGENT, "width": 256, "batch_size": 128, "max_epochs": 2},
}
CASES = [
    *((FeedForwardClassifier, choice) for choice in CHOICES),
    *((one, choice) for one in (ResNetClassifier, DenseNetClassifier) for choice in ("batch", "layer, selu", "wide")),
    (ResNetClassifier, "periodic"),
]


def in_one_pass(monkeypatch, model, X, y, **given):
    """Fit the members, none of which may enter the loop of a single net."""
    with monkeypatch.context() as patch:
        patch.setattr(Net, "train", lambda *args, **choices: pytest.fail("trained alone"))
        return model.fit(X, y, **given)


def assert_as_alone(model, X, y, **given):
    for member in model.members_:
        one = alone(member, X, y, **given)
        assert one.n_iter_ == member.n_iter_
        for name, values in one.history_.items():
            if name not in ("dur", "events_per_second"):
                np.testing.assert_allclose(member.history_[name], values, **ALIKE, err_msg=name)
        np.testing.assert_allclose(member._read(X), one._read(X), **ALIKE)


@pytest.mark.parametrize(("network", "choice"), CASES)
def test_one_pass_is_as_one_after_another(network, choice, two_blobs, monkeypatch):
    X, y, _ = two_blobs
    X, y = X[:313], np.minimum(y[:313] + (X[:313, 0] > 2), 2)  # classes of other sizes
    weights = np.random.default_rng(1).normal(1.0, 0.3, len(y)) if choice in ("batch", "plateau", "early") else None
    model = small(network, n_members=3, **{"max_epochs": 3, "lr": 1e-3, **CHOICES[choice]})
    in_one_pass(monkeypatch, model, X, y, sample_weight=weights)
    assert_as_alone(model, X, y, sample_weight=weights)


@pytest.mark.parametrize("loss", ["mse", "huber", "quantile", "gaussian_nll"])
def test_one_pass_of_regressions(loss, two_blobs, monkeypatch):
    X, _, groups = two_blobs
    y = X[:, :2] ** 2
    weights = np.random.default_rng(1).normal(1.0, 0.3, len(y)) if loss == "mse" else None
    model = small(FeedForwardRegressor, n_members=3, max_epochs=3, lr=1e-3, loss=loss)
    given = {"sample_weight": weights, "groups": groups}
    assert_as_alone(in_one_pass(monkeypatch, model, X, y, **given), X, y, **given)


def test_the_optimiser_goes_on_after_one_pass(two_blobs, monkeypatch):
    X, y, _ = two_blobs
    model = small(FeedForwardClassifier, n_members=2, max_epochs=2, warm_start=True, early_stopping=False, lr=1e-3)
    in_one_pass(monkeypatch, in_one_pass(monkeypatch, model, X, y), X, y)
    for member in model.members_:
        np.testing.assert_allclose(alone(member, X, y).fit(X, y)._read(X), member._read(X), **ALIKE)


def test_one_pass_of_a_frame(two_blobs, monkeypatch):
    """With missing numbers, columns of 0 and 1, and an embedding of categories."""
    numbers = two_blobs[0][:313].copy()
    numbers[::7, 1] = np.nan
    frame = pytest.importorskip("pandas").DataFrame(numbers).add_prefix("x")
    frame["kind"], frame["place"] = np.array(list("abc"))[np.arange(313) % 3], [f"{i % 11}" for i in range(313)]
    model = small(TableClassifier, n_members=3, max_epochs=3)
    assert_as_alone(in_one_pass(monkeypatch, model, frame, two_blobs[1][:313]), frame, two_blobs[1][:313])


def test_one_pass_goes_on_with_all_groups_of_the_optimiser(two_blobs, monkeypatch):
    X, y, _ = two_blobs
    settings = {**TANGENT, "lr_schedule": "constant", "warm_start": True, "early_stopping": False, "max_epochs": 2}
    model = small(FeedForwardClassifier, n_members=2, **settings)
    in_one_pass(monkeypatch, in_one_pass(monkeypatch, model, X, y), X, y)
    for member in model.members_:
        np.testing.assert_allclose(alone(member, X, y).fit(X, y)._read(X), member._read(X), **ALIKE)


made: list[str] = []


class Noting:
    """Mixin that notes when the module of a network is made."""

    def _build(self, *args, **kwargs):
        made.append("made")
        return super()._build(*args, **kwargs)


class NotedSet(Noting, DeepSetsClassifier):
    pass


class NotedTable(Noting, FeedForwardClassifier):
    pass


class Trained(Callback):
    """Notes when a training begins."""

    def on_train_begin(self, net, **kwargs):
        made.append("trained")


@pytest.mark.parametrize(("network", "n_prepared"), [(NotedSet, 1), (NotedTable, 3)], ids=["one by one", "together"])
def test_what_is_trained_later_is_prepared_later(network, n_prepared, two_blobs):
    """The events of networks that cannot share a pass are not in memory several times."""
    X, y, _ = two_blobs
    made.clear()
    network(n_members=3, width=4, max_epochs=1, callbacks=[Trained()], random_state=0).fit(X, y)
    assert made == (["made"] * n_prepared + ["trained"] * n_prepared) * (3 // n_prepared)


def test_a_pass_on_a_processor_takes_no_more_than_fits_into_its_cache(two_blobs, monkeypatch):
    X, y, _ = two_blobs
    model = small(FeedForwardClassifier, n_members=5, max_epochs=2, device="cpu").fit(X, y)
    size = 4 * sum(one.nbytes for one in model.members_[0].net_.module_.parameters())
    passes: list[int] = []
    run = Pass.run
    monkeypatch.setattr(Pass, "run", lambda self: passes.append(len(self.members)) or run(self))
    monkeypatch.setattr(_together, "_CACHE", 2 * size)
    again = clone(model).fit(X, y)
    assert passes == [2, 2]  # and one alone
    for one, other in zip(model.members_, again.members_, strict=True):
        np.testing.assert_allclose(one._read(X), other._read(X), **ALIKE)


def test_an_error_in_one_pass_ends_every_member(two_blobs):
    class Bomb(Callback):
        ended: ClassVar[list] = []

        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise RuntimeError("bang")

        def on_train_end(self, net, **kwargs):
            self.ended.append(net)

    X, y, _ = two_blobs
    model = small(FeedForwardClassifier, n_members=2, max_epochs=4, callbacks=[Bomb()])
    with pytest.raises(RuntimeError, match="bang"):
        model.fit(X, y)
    assert len(Bomb.ended) == 2
    assert np.isfinite(model.set_params(callbacks=None).fit(X, y).predict_proba(X)).all()


def test_an_error_of_one_training_leaves_the_others_alone(two_blobs):
    """As a candidate of a search may fail, and the others have their scores."""

    class Bomb(Callback):
        def on_epoch_end(self, net, **kwargs):
            if net.lr == 0.02:
                raise ValueError("bang")

    X, y, _ = two_blobs
    networks = [small(FeedForwardClassifier, lr=lr, max_epochs=3, callbacks=[Bomb()]) for lr in (0.01, 0.02, 0.005)]
    errors = side_by_side([(outcome, (network, X, y), {}) for network in networks])
    assert errors == [None, "bang", None]
    for network in networks[::2]:
        assert network.n_iter_ == 3
        np.testing.assert_allclose(alone(network, X, y)._read(X), network._read(X), **ALIKE)
    assert networks[1].n_iter_ == 1


def outcome(network, X, y):
    """The error of a fit, as the evaluation of a candidate keeps it."""
    try:
        network.fit(X, y)
    except ValueError as error:
        return str(error)
    return None


def test_a_member_holds_its_own_weights_alone(two_blobs):
    X, y, _ = two_blobs
    few, many = (small(FeedForwardClassifier, n_members=n, max_epochs=1).fit(X, y).members_[0] for n in (2, 12))
    assert len(pickle.dumps(few)) == pytest.approx(len(pickle.dumps(many)), rel=0.05)


def test_a_member_that_diverges_says_so_and_the_others_go_on(two_blobs):
    class Poison(Callback):
        """Spoil the weights of the first network after its second epoch."""

        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3 and net.seed == self.seed:
                net.module_.head.weight.data.fill_(np.inf)

    X, y, _ = two_blobs
    model = small(FeedForwardClassifier, n_members=2, max_epochs=5, early_stopping=False).fit(X, y)
    Poison.seed = model.members_[0].net_.seed
    model.set_params(callbacks=[Poison()])
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 3; the weights of epoch 2"):
        model.fit(X, y)
    assert [member.n_iter_ for member in model.members_] == [3, 5]
    assert np.isfinite(model.predict_proba(X)).all()


def test_a_member_stops_at_its_own_best_epoch(two_blobs):
    X, y, _ = two_blobs
    model = small(FeedForwardClassifier, n_members=4, max_epochs=40, patience=2, lr=0.01).fit(X, y)
    epochs = [len(history["epoch"]) for history in model.history_]
    assert len(set(epochs)) > 1
    assert model.n_iter_ == max(epochs)
    for member, history in zip(model.members_, model.history_, strict=True):
        best = int(np.argmin(history["valid_loss"]))
        assert len(history["epoch"]) == best + 3
        assert member.n_iter_ == len(history["epoch"])
    frame = model.history_frame_
    assert frame.loc[1]["valid_loss"].to_numpy() == pytest.approx(model.history_[1]["valid_loss"])


def test_the_first_members_do_not_depend_on_their_number(two_blobs):
    X, y, _ = two_blobs
    few, many = (small(FeedForwardClassifier, n_members=n, max_epochs=1).fit(X, y) for n in (2, 3))
    assert [one.random_state for one in few.members_] == [one.random_state for one in many.members_[:2]]
    np.testing.assert_allclose(few.members_[1]._read(X), many.members_[1]._read(X), **ALIKE)


def test_the_width_of_a_gaussian_and_the_spread_add_in_squares(two_blobs):
    X, _, _ = two_blobs
    y = X[:, :2] + np.random.default_rng(0).normal(size=(len(X), 2))
    model = small(FeedForwardRegressor, n_members=3, loss="gaussian_nll", max_epochs=3).fit(X, y)
    means, widths = np.stack([member.predict(X, return_std=True) for member in model.members_], axis=1)
    mean, width = model.predict(X, return_std=True)
    np.testing.assert_allclose(mean, means.mean(0))
    np.testing.assert_allclose(width**2, (widths**2).mean(0) + means.var(0))  # law of total variance


def test_no_spread_of_a_network_alone(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match="fitted with n_members of 2 or more"):
        small(FeedForwardClassifier, max_epochs=1).fit(X, y).predict_proba(X, return_std=True)
    with pytest.raises(ValueError, match="n_members of 2 or more"):
        small(FeedForwardRegressor, max_epochs=1).fit(X, y).predict(X, return_std=True)


@pytest.mark.parametrize("network", [FeedForwardClassifier, FeedForwardRegressor])
def test_it_is_kept_whole(network, two_blobs, tmp_path):
    X, y, _ = two_blobs
    model = small(network, n_members=2, max_epochs=2).fit(X, y)
    save_model(model, tmp_path / "model.skops")
    assert describe_model(tmp_path / "model.skops")["hyperparameters"]["n_members"] == 2
    loaded = load_model(tmp_path / "model.skops")
    for twin in (loaded, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))
        assert len(twin.members_) == 2
        np.testing.assert_equal(twin.history_, model.history_)


def test_checkpoints_need_a_seed(two_blobs, tmp_path):
    """tests/estimators/test_checkpoint.py kills a fit of several members."""
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match="needs an integer as random_state"):
        small(FeedForwardClassifier, n_members=2, max_epochs=1, checkpoint=tmp_path, random_state=None).fit(X, y)


def test_a_warm_start_and_partial_fit_go_on_with_the_members(two_blobs):
    X, y, _ = two_blobs
    model = small(FeedForwardClassifier, n_members=2, max_epochs=1, warm_start=True).fit(X, y)
    members = model.members_
    model.set_params(max_epochs=3).fit(X, y)
    assert model.members_ is members
    assert [len(history["epoch"]) for history in model.history_] == [4, 4]
    with pytest.raises(ValueError, match="the last fit made 2"):
        model.set_params(n_members=3).fit(X, y)
    with pytest.raises(ValueError, match="the last fit made 2"):
        model.set_params(n_members=1).partial_fit(X, y)
    stream = small(FeedForwardClassifier, n_members=2)
    for _ in range(2):
        stream.partial_fit(X, y, classes=[0, 1])
    assert [len(history["epoch"]) for history in stream.history_] == [2, 2]
    with pytest.raises(ValueError, match="the last fit made 2"):
        stream.set_params(n_members=1).partial_fit(X, y)
    assert small(FeedForwardRegressor, n_members=2).partial_fit(X, X[:, 0]).predict(X).shape == (len(X),)


def test_a_fit_forgets_the_members_and_the_other_way_round(two_blobs):
    X, y, _ = two_blobs
    model = small(FeedForwardClassifier, max_epochs=1).fit(X, y)
    assert model.members_ == [model]
    model.set_params(n_members=2).fit(X, y)
    assert not hasattr(model, "net_")
    model.set_params(n_members=1).fit(X, y)
    assert model.members_ == [model]
    assert isinstance(model.history_, dict)


def test_the_global_random_state_is_left_alone(two_blobs):
    X, y, _ = two_blobs
    state = torch.get_rng_state()
    small(FeedForwardClassifier, n_members=2, max_epochs=1, dropout=0.2).fit(X, y)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_search_leaves_their_number_alone_and_prunes_them(two_blobs):
    optuna = pytest.importorskip("optuna")
    X, y, groups = two_blobs
    assert "n_members" not in search_space(FeedForwardClassifier())
    network = small(FeedForwardClassifier, n_members=2, max_epochs=4)
    pruner = optuna.pruners.ThresholdPruner(lower=-0.5)  # a validation loss above 0.5 ends a candidate
    space = {"lr": [1e-6, 0.05]}
    search = OptunaSearchCV(network, space, n_iter=2, cv=2, pruner=pruner, random_state=0, progress=False)
    search.fit(X, y, groups=groups)
    pruned = {row["lr"]: bool(is_pruned) for row, is_pruned in zip(
        search.cv_results_["params"], search.cv_results_["pruned"], strict=True
    )}  # fmt: skip
    assert pruned == {1e-6: True, 0.05: False}
    assert len(search.best_estimator_.members_) == 2


def test_the_display_shows_every_member(two_blobs):
    pytest.importorskip("matplotlib")
    X, y, _ = two_blobs
    model = small(FeedForwardClassifier, n_members=3, max_epochs=2).fit(X, y)
    assert len(LossCurveDisplay.from_estimator(model).histories) == 3


def test_callbacks_of_scikit_learn_see_every_member(two_blobs):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has no callbacks")
    X, y, _ = two_blobs
    monitor = callback.ScoringMonitor(scoring="roc_auc")
    bar = callback.ProgressBar(max_propagation_depth=None)
    model = small(FeedForwardClassifier, n_members=2, max_epochs=2).set_callbacks(monitor, bar).fit(X, y)
    assert len(model.members_) == 2
    pickle.loads(pickle.dumps(model))
    assert (monitor.get_logs().data_as_pandas["task_name"] == "epoch").sum() == 4
