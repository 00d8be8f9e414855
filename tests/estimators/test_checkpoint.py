"""A training that is killed goes on where it was, and ends in the same weights."""

import os
import pickle
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from optuna.pruners import MedianPruner
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_ml4fp import (
    BayesSearchCV,
    CrossFitClassifier,
    EdgeConvClassifier,
    EventSource,
    FeedForwardClassifier,
    FeedForwardRegressor,
    OptunaSearchCV,
    Rotate,
    load_quark_gluon_jets,
)
from sklearn_ml4fp._checkpoints import collected
from sklearn_ml4fp.engine import Net, _checkpoint

ROOT = Path(__file__).parents[2]
QUICK = {"width": 8, "max_epochs": 12, "device": "cpu", "random_state": 0}


def table(regression=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, (X[:, 0] + 0.5 * rng.normal(size=200) if regression else (X[:, 0] > 0).astype(int))


def stream():
    X, y = table()
    columns = {f"x{i}": x for i, x in enumerate(X.T)} | {"y": y, "event": np.arange(200)}
    source = EventSource(
        pd.DataFrame(columns), features=["x0", "x1", "x2", "x3"], target="y", event_id="event", memory=999
    )
    return source, None


def jets():
    X, y = load_quark_gluon_jets(return_X_y=True)
    return X[:150], y[:150]


CASES = {
    "adam, dropout, plateau": (
        lambda: FeedForwardClassifier(**QUICK, dropout=0.2, lr_schedule="plateau", lr_decay_epochs=1), table
    ),
    "sgd, cosine, average, L1": (
        lambda: FeedForwardRegressor(
            **QUICK, optimizer="sgd", momentum=0.9, lr_schedule="cosine", ema_decay=0.9, l1=1e-4, gradient_clipping=1.0
        ),
        lambda: table(regression=True),
    ),
    "early stopping": (lambda: FeedForwardClassifier(**{**QUICK, "lr": 0.3, "max_epochs": 60, "patience": 3}), table),
    "jets, batch statistics": (lambda: EdgeConvClassifier.particle_net_lite(**{**QUICK, "max_epochs": 3}), jets),
    "augmented": (
        lambda: FeedForwardRegressor(**QUICK, augment=Rotate(xy_columns=[(0, 1)], target_xy=())),
        lambda: table(regression=True),
    ),
    "a stream": (lambda: FeedForwardClassifier(**{**QUICK, "max_epochs": 4}, dropout=0.2, batch_size=32), stream),
}  # fmt: skip
SHORT = {**QUICK, "max_epochs": 4}


def short(folder, **params):
    return FeedForwardClassifier(**SHORT, checkpoint=folder, callbacks=[Count()], **params)


def search(kind, estimator, name="lr", **params):
    return kind(estimator, {name: (1e-3, 1e-1)}, n_iter=3, cv=2, random_state=0, progress=False, **params)


def with_history(folder):
    if folder is not None:
        folder.mkdir(exist_ok=True)
    return search(BayesSearchCV, short(folder), history=folder and folder / "history")


COMPOSITIONS = {
    "cross-fit": lambda folder: CrossFitClassifier(make_pipeline(StandardScaler(), short(folder)), cv=4),
    "members": lambda folder: short(folder, n_members=4),
    "search": lambda folder: search(BayesSearchCV, short(folder)),
    "search with a history": with_history,
    "pruned search": lambda folder: search(OptunaSearchCV, short(folder), pruner=MedianPruner(1, 2)),
    "search of cross-fits": lambda folder: search(
        OptunaSearchCV, CrossFitClassifier(short(folder), cv=2, without_groups="average"), "estimator__lr"
    ),
}
_checkpoint._INTERVAL = 0.0  # after every epoch


def die_in(epoch, fit=1):
    """Make this process die like one that a batch system kills, in the first batch of an epoch of its n-th fit."""
    n_fits = 0

    def counted(net, *args, **kwargs):
        nonlocal n_fits
        n_fits += 1
        return train(net, *args, **kwargs)

    def train_step(net, batch, **fit_params):
        if n_fits == fit and len(net.history) > epoch:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(net, batch, **fit_params)

    train, Net.train = Net.train, counted
    step, Net.train_step = Net.train_step, train_step


def weights_of(network):
    return torch.cat([value.flatten().double() for value in network.net_.module_.state_dict().values()])


def kill(program):
    """Run a function of this module in a process that is killed; give how it ended."""
    child = os.fork()
    if child == 0:
        try:
            program()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def kill_each(folder, epoch):
    """Begin a fit of every case in a process of its own, which is killed; give how each ended, by its name."""

    def program(name, make, data):
        die_in(epoch)
        make().set_params(checkpoint=Path(folder) / name).fit(*data())

    return {name: kill(partial(program, name, *case)) for name, case in CASES.items()}


def kill_compositions(folder, epoch):
    """The same of the third fit of every composition."""

    def program(name, make):
        die_in(epoch, fit=3)
        make(Path(folder) / name).fit(*table(), groups=np.arange(200))

    return {name: kill(partial(program, name, make)) for name, make in COMPOSITIONS.items()}


def in_a_process(call):
    """Call a function of this module in a fresh process, in which torch has not yet any threads; give its result."""
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nimport torch, test_checkpoint\n"
        f"torch.set_num_threads({torch.get_num_threads()})\nprint(test_checkpoint.{call})"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes, which Windows does not have")


@needs_fork
def test_a_killed_fit_goes_on_bit_for_bit(tmp_path):
    """Killed in its second epoch, then again in the next one, then to the end."""
    for epoch in (1, 2):
        ended = in_a_process(f"kill_each({str(tmp_path)!r}, {epoch})")
        assert ended == str(dict.fromkeys(CASES, int(signal.SIGKILL)))
        for name in CASES:
            (file,) = (tmp_path / name).glob("*.pt")
            assert len(torch.load(file, weights_only=True)["history"]) == epoch
    for name, (make, data) in CASES.items():
        X, y = data()
        alone, folder = make().fit(X, y), tmp_path / name
        with collected():
            for _ in range(2):  # the second finds it finished
                resumed = make().set_params(checkpoint=folder).fit(X, y)
                assert torch.equal(weights_of(resumed), weights_of(alone)), name
                np.testing.assert_array_equal(resumed.history_["train_loss"], alone.history_["train_loss"])
                assert resumed.n_iter_ == alone.n_iter_
                assert len(list(folder.iterdir())) == 1
        make().set_params(checkpoint=folder).fit(X, y)
        assert not list(folder.iterdir())


def scores_of(model):
    if hasattr(model, "members_"):
        return model.predict_proba(table()[0])
    return model.fold_scores_ if hasattr(model, "fold_scores_") else model.cv_results_["mean_test_score"]


class Count(Callback):
    """A callback that counts the epochs of all trainings."""

    def on_epoch_end(self, net, **kwargs):
        n_epochs.append(1)


n_epochs: list[int] = []


def best_of(model):
    several = getattr(model, "estimators_", None) or getattr(model, "members_", ())
    return model.best_estimator_ if hasattr(model, "best_estimator_") else several[-1]


@needs_fork
def test_a_killed_composition_goes_on(tmp_path):
    """Killed in the second epoch of its third fit: the two that had ended are not repeated, the third goes on."""
    assert in_a_process(f"kill_compositions({str(tmp_path)!r}, 1)") == str(
        dict.fromkeys(COMPOSITIONS, int(signal.SIGKILL))
    )
    for name, make in COMPOSITIONS.items():
        folder = tmp_path / name
        states = [torch.load(file, weights_only=True) for file in folder.glob("*.pt")]
        recorded = 1 if name == "search with a history" else 0  # of the first candidate nothing is needed any more
        assert sorted(state["finished"] for state in states) == [False, True, True][: 3 - 2 * recorded], name
        assert min(len(state["history"]) for state in states) == 1
        X, y = table()
        n_epochs.clear()
        # with a folder as well: members without one are trained in one pass, where rounding differs
        alone = make(tmp_path / f"{name} alone").fit(X, y, groups=np.arange(200))
        n_alone = len(n_epochs)
        resumed = make(folder).fit(X, y, groups=np.arange(200))
        n_kept = sum(len(state["history"]) for state in states) + recorded * 2 * SHORT["max_epochs"]
        assert len(n_epochs) == 2 * n_alone - n_kept, name
        np.testing.assert_array_equal(scores_of(resumed), scores_of(alone), err_msg=name)
        assert any(getattr(resumed, "cv_results_", {}).get("pruned", [])) == (name == "pruned search")
        np.testing.assert_array_equal(best_of(resumed).predict_proba(X), best_of(alone).predict_proba(X), err_msg=name)
        assert not list(folder.glob("*.pt*")), name


def test_a_checkpoint_changes_nothing(tmp_path):
    X, y = table()
    with_one = FeedForwardClassifier(**QUICK, checkpoint=tmp_path).fit(X, y)
    assert torch.equal(weights_of(with_one), weights_of(FeedForwardClassifier(**QUICK).fit(X, y)))
    assert len(pickle.dumps(with_one)) < 1.2 * len(pickle.dumps(FeedForwardClassifier(**QUICK).fit(X, y)))
    with_one.partial_fit(X, y)


def test_each_fit_has_a_file_of_its_own(tmp_path):
    """Other events, targets, weights, hyperparameters or first weights: none goes on from the file of another."""
    X, y = table()
    network = FeedForwardClassifier(**QUICK, checkpoint=tmp_path, warm_start=True)
    n = 0
    with collected():
        for change in (
            lambda: network.fit(X, y),
            lambda: network.fit(X, y),  # a warm start has other first weights
            lambda: network.set_params(warm_start=False).fit(X + 1, y),
            lambda: network.fit(X, 1 - y),
            lambda: network.fit(X, y, sample_weight=np.arange(1, 201.0)),
            lambda: network.set_params(lr=0.1).fit(X, y),
        ):
            change()
            n += 1
            assert len(list(tmp_path.iterdir())) == n
        network.set_params(verbose=1).fit(X, y)
        assert len(list(tmp_path.iterdir())) == n


def own_loss(factor):
    class Scaled(torch.nn.Module):
        """A loss of one name, whose code a user edits."""

        if factor == 1:

            def forward(self, output, target, weight):
                return (weight * torch.nn.functional.cross_entropy(output, target, reduction="none")).mean()
        else:

            def forward(self, output, target, weight):
                return (weight * torch.nn.functional.cross_entropy(3 * output, target, reduction="none")).mean()

    return Scaled


class Once(Callback):
    """A callback that stops after its first epoch."""

    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def test_code_and_callbacks_are_part_of_what_a_fit_is(tmp_path):
    X, y = table()
    with collected():
        fits = [
            FeedForwardClassifier(**QUICK, checkpoint=tmp_path, **choice).fit(X, y)
            for choice in ({}, {"loss": own_loss(1)}, {"loss": own_loss(3)}, {"callbacks": [Once()]})
        ]
    assert len(list(tmp_path.iterdir())) == 4
    assert [fit.n_iter_ for fit in fits] == [12, 12, 12, 1]
    assert not torch.equal(weights_of(fits[1]), weights_of(fits[2]))


@pytest.mark.parametrize("callback", [("once", Once()), Once, ("once", Once)], ids=["name", "class", "both"])
def test_callbacks_may_have_names_and_be_classes(tmp_path, callback):
    X, y = table()
    network = FeedForwardClassifier(**QUICK, checkpoint=tmp_path, callbacks=[callback])
    assert network.fit(X, y).n_iter_ == 1


@needs_fork
def test_kills_at_random_moments():
    """A short run of what ``benchmarks/check_kills.py`` does fifty times, with fits and with model files."""
    program = [sys.executable, "-W", "ignore", ROOT / "benchmarks" / "check_kills.py", "--kills", "2"]
    run = subprocess.run(program, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "all resumed fits identical, no file left" in run.stdout
    assert "all files whole" in run.stdout


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_folds_share_a_folder(tmp_path, tmp_path_factory, n_jobs):
    """They keep their files until the last of them has ended, in whatever process that is."""
    X, y = table()
    ids = np.arange(200)
    model = CrossFitClassifier(FeedForwardClassifier(**QUICK, checkpoint=tmp_path), cv=3, n_jobs=n_jobs)
    # with a folder as well: folds without one are trained in one pass, where rounding differs
    other = FeedForwardClassifier(**QUICK, checkpoint=tmp_path_factory.mktemp("other"))
    expected = CrossFitClassifier(other, cv=3).fit(X, y, groups=ids)
    with collected():
        for _ in range(2):
            model.fit(X, y, groups=ids)
            assert len(list(tmp_path.iterdir())) == len(model.estimators_)
    model.fit(X, y, groups=ids)
    assert not list(tmp_path.iterdir())
    for one, other in zip(model.estimators_, expected.estimators_, strict=True):
        assert torch.equal(weights_of(one), weights_of(other))


def test_the_files_of_failed_fits_go_with_the_others(tmp_path):
    """A search does without a candidate that fails; an error that ends a fit leaves its file to go on from."""
    X, y = table()
    network = FeedForwardClassifier(**SHORT, checkpoint=tmp_path, callbacks=[FailsAtALargeRate()])
    with pytest.warns(FitFailedWarning):
        BayesSearchCV(network, {"lr": [0.01, 0.1]}, n_iter=2, cv=2, progress=False, n_jobs=2).fit(X, y)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="the disk is full"):
        CrossFitClassifier(network.set_params(lr=0.1), cv=2).fit(X, y)
    (file,) = tmp_path.iterdir()
    assert len(torch.load(file, weights_only=True)["history"]) == 1


class FailsAtALargeRate(Callback):
    """A callback that cannot go on in the second epoch."""

    def on_epoch_begin(self, net, **kwargs):
        if net.lr > 0.05 and len(net.history) == 2:
            raise OSError("the disk is full")


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    X, y = table()
    network = FeedForwardClassifier(**QUICK, checkpoint=tmp_path)
    with collected() as files:
        network.fit(X, y)
    (file,) = files
    file.with_name(f"{file.name}.123").write_bytes(b"half of a file")
    network.fit(X, y)
    assert not list(tmp_path.iterdir())


def test_who_looks_at_the_code_does_not_change_its_name(tmp_path):
    """A debugger, or a package that was imported in between, may hold constants of a function, or have run it often."""
    X, y = table()
    network = FeedForwardClassifier(**QUICK, checkpoint=tmp_path)
    with collected():
        network.fit(X, y)
        held = [
            (code.co_names, code.co_varnames, list(code.co_consts))
            for kind in (type(network), *type(network.net_.module_).__mro__)
            for code in (one.__code__ for one in vars(kind).values() if hasattr(one, "__code__"))
        ]
        assert len(held) > 50
        network.fit(X, y)
    assert len(list(tmp_path.iterdir())) == 1


def test_damaged_files_and_other_versions(tmp_path):
    X, y = table()
    network = FeedForwardClassifier(**QUICK, checkpoint=tmp_path)
    with collected():
        network.fit(X, y)
    (file,) = tmp_path.iterdir()
    state = torch.load(file, weights_only=True)
    torch.save({**state, "versions": {"format": 1, "torch": "1.0"}}, file)
    with pytest.raises(ValueError, match=r"is from .*1\.0.*Delete it"):
        network.fit(X, y)
    for content in (b"", b"no checkpoint", pickle.dumps(os.getcwd)):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot be read.*Delete it"):
            network.fit(X, y)
    file.unlink()
    network.fit(X, y)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_the_seed_must_be_a_number(tmp_path, random_state):
    X, y = table()
    with pytest.raises(ValueError, match="needs an integer as random_state"):
        FeedForwardClassifier(width=8, checkpoint=tmp_path, random_state=random_state).fit(X, y)
