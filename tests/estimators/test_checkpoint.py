"""A training that is killed goes on where it was, and ends in the same weights."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_ml4fp import (
    CrossFitClassifier,
    EdgeConvClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    Rotate,
    load_quark_gluon_jets,
)
from sklearn_ml4fp.engine import Net, _checkpoint

QUICK = {"width": 8, "max_epochs": 12, "device": "cpu", "random_state": 0}


def table(regression=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, (X[:, 0] + 0.5 * rng.normal(size=200) if regression else (X[:, 0] > 0).astype(int))


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
}  # fmt: skip
_checkpoint._INTERVAL = 0.0  # after every epoch


def die_in(epoch):
    """Make this process die like one that a batch system kills, in the first batch of an epoch."""

    def train_step(net, batch, **fit_params):
        if len(net.history) > epoch:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(net, batch, **fit_params)

    step, Net.train_step = Net.train_step, train_step


def weights_of(network):
    return torch.cat([value.flatten().double() for value in network.net_.module_.state_dict().values()])


def kill_each(folder, epoch):
    """Begin a fit of every case in a process of its own, which is killed; give how each ended, by its name."""
    statuses = {}
    for name, (make, data) in CASES.items():
        child = os.fork()
        if child == 0:
            try:
                die_in(epoch)
                make().set_params(checkpoint=Path(folder) / name).fit(*data())
            finally:
                os._exit(0)
        statuses[name] = os.waitpid(child, 0)[1]
    return statuses


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes, which Windows does not have")
def test_a_killed_fit_goes_on_bit_for_bit(tmp_path):
    """Killed in its second epoch, then again in the next one, then to the end."""
    for epoch in (1, 2):
        program = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nimport torch, test_checkpoint\n"
            f"torch.set_num_threads({torch.get_num_threads()})\n"
            f"print(test_checkpoint.kill_each({str(tmp_path)!r}, {epoch}))"
        )
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240)
        assert run.stdout.strip() == str(dict.fromkeys(CASES, int(signal.SIGKILL))), run.stderr
        for name in CASES:
            (file,) = (tmp_path / name).glob("*.pt")
            assert len(torch.load(file, weights_only=True)["history"]) == epoch
    for name, (make, data) in CASES.items():
        X, y = data()
        alone, folder = make().fit(X, y), tmp_path / name
        for _ in range(2):  # the second finds it finished
            resumed = make().set_params(checkpoint=folder).fit(X, y)
            assert torch.equal(weights_of(resumed), weights_of(alone)), name
            np.testing.assert_array_equal(resumed.history_["train_loss"], alone.history_["train_loss"])
            assert resumed.n_iter_ == alone.n_iter_
            assert len(list(folder.iterdir())) == 1


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
    fits = [
        FeedForwardClassifier(**QUICK, checkpoint=tmp_path, **choice).fit(X, y)
        for choice in ({}, {"loss": own_loss(1)}, {"loss": own_loss(3)}, {"callbacks": [Once()]})
    ]
    assert len(list(tmp_path.iterdir())) == 4
    assert [fit.n_iter_ for fit in fits] == [12, 12, 12, 1]
    assert not torch.equal(weights_of(fits[1]), weights_of(fits[2]))


def test_folds_share_a_folder(tmp_path):
    X, y = table()
    ids = np.arange(200)
    model = CrossFitClassifier(FeedForwardClassifier(**QUICK, checkpoint=tmp_path))
    expected = CrossFitClassifier(FeedForwardClassifier(**QUICK)).fit(X, y, groups=ids)
    for _ in range(2):
        model.fit(X, y, groups=ids)
        assert len(list(tmp_path.iterdir())) == len(model.estimators_)
        for one, other in zip(model.estimators_, expected.estimators_, strict=True):
            assert torch.equal(weights_of(one), weights_of(other))


def test_damaged_files_and_other_versions(tmp_path):
    X, y = table()
    network = FeedForwardClassifier(**QUICK, checkpoint=tmp_path).fit(X, y)
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
