"""Training on streams: as in memory where the order is fixed, honest splits, files that are sorted or break."""

import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from sklearn_ml4fp import (
    DeepSetsClassifier,
    EventKFold,
    EventShuffleSplit,
    EventSource,
    FeedForwardClassifier,
    FeedForwardRegressor,
    RealMLPClassifier,
    RotatingKFold,
    Smear,
    TableClassifier,
    TransformerClassifier,
    roc_auc_score,
)
from sklearn_ml4fp.estimators._fitted import Part
from sklearn_ml4fp.estimators._mixing import mixed

N = 6000
RNG = np.random.default_rng(1)
CLASS = RNG.integers(0, 2, N)
VALUES = RNG.normal(size=(N, 4)).astype(np.float32)
VALUES[:, 0] += CLASS
FRAME = pd.DataFrame(VALUES, columns=list("abcd")).assign(
    label=CLASS, number=VALUES[:, 1] * 40 + 300, weight=RNG.choice([1.5, -0.4, 0.8], N), event=np.arange(N) // 2
)
COLUMNS = {"features": list("abcd"), "target": "label", "event_id": "event"}
SMALL = 60_000  # bytes: a window of 15 kB holds a sixth of the 96 kB
FULL = {"width": 8, "n_layers": 1, "batch_size": N, "max_epochs": 4, "lr": 0.01, "random_state": 0}


def write(path, frame, row_group_size=300):
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=row_group_size)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    half = N // 2
    for name, frame in (("random", FRAME), ("sorted", FRAME.sort_values(["label", "number"]))):
        for i, part in enumerate((frame[:half], frame[half:])):
            write(folder / f"{name}{i}.parquet", part)
    return folder


def source_of(folder, name="random", memory=SMALL, **roles):
    return EventSource(str(folder / f"{name}?.parquet"), **{**COLUMNS, **roles}, memory=memory)


def both(network, folder, **roles):
    """The network fitted in memory and on a stream."""
    events = source_of(folder, **roles).read()
    given = {"sample_weight": events.sample_weight, "groups": events.groups}
    in_memory = network.fit(events.data, events.target, **given).history_, network.predict(events.data)
    streamed = network.fit(source_of(folder, **roles)).history_, network.predict(events.data)
    return in_memory, streamed


def same(one, other, rtol=2e-4):
    for name in ("train_loss", "valid_loss"):
        if name in one[0]:
            np.testing.assert_allclose(other[0][name], one[0][name], rtol=rtol)
    assert np.mean(np.isclose(other[1], one[1], rtol=1e-3)) > 0.999


NETWORKS = {
    "classes": (FeedForwardClassifier(**FULL), {}),
    "weights": (FeedForwardClassifier(class_weight="balanced", **FULL), {"weight": "weight"}),
    "factors": (FeedForwardClassifier(class_weight={0: 1, 1: 3}, loss="focal", **FULL), {}),
    "no hold-out": (FeedForwardClassifier(early_stopping=False, **FULL), {"event_id": None}),
    "numbers": (FeedForwardRegressor(**FULL), {"target": "number", "weight": "weight"}),
    "two numbers": (FeedForwardRegressor(**FULL), {"target": ["number", "d"], "features": ["a", "b"]}),
    "rotation": (FeedForwardClassifier(validation=RotatingKFold(4), **FULL), {}),
    "fold": (FeedForwardClassifier(validation=EventKFold(4), **FULL), {}),
    "sets": (
        DeepSetsClassifier(width=8, batch_size=N, max_epochs=2, random_state=0),
        {"features": ["c"], "collections": {"one": ["pt", "eta", "phi"]}, "weight": "weight"},
    ),
    "sequences": (
        TransformerClassifier(width=8, n_heads=2, n_blocks=1, batch_size=N, max_epochs=2, random_state=0),
        {"features": ["c"], "collections": {"one": ["pt", "eta", "phi"]}},
    ),
}
DERIVED = {"one_pt": "exp(a)", "one_eta": "b", "one_phi": "arctan2(d, a)"}


@pytest.mark.parametrize("case", NETWORKS)
def test_full_batches_give_what_they_give_in_memory(folder, case):
    network, roles = NETWORKS[case]
    same(*both(network, folder, **roles, derived=DERIVED))


def test_what_fits_into_memory_is_read(folder):
    network = FeedForwardClassifier(**{**FULL, "batch_size": 64})
    (_, wanted), _ = both(network, folder)
    assert np.array_equal(network.fit(source_of(folder, memory=2**20)).predict(VALUES), wanted)


def test_a_sorted_file_trains_as_well(folder):
    network = FeedForwardClassifier(width=16, n_layers=1, batch_size=32, max_epochs=3, random_state=0)
    auc = {
        name: roc_auc_score(CLASS, network.fit(source_of(folder, name)).predict_proba(VALUES)[:, 1])
        for name in ("random", "sorted")
    }
    in_memory = network.fit(VALUES, CLASS, groups=FRAME.event)
    assert abs(auc["random"] - roc_auc_score(CLASS, in_memory.predict_proba(VALUES)[:, 1])) < 0.01
    assert abs(auc["sorted"] - auc["random"]) < 0.01


@pytest.mark.parametrize("kind", [RealMLPClassifier, TableClassifier], ids=lambda one: one.__name__)
def test_what_the_first_layers_learn_from_a_stream(folder, kind):
    """Scaling, and first values that some of its events set."""
    network = kind(width=16, n_layers=1, batch_size=128, max_epochs=4, n_members=1, random_state=0)
    streamed = network.fit(source_of(folder)).predict_proba(VALUES)[:, 1]
    in_memory = network.fit(VALUES, CLASS, groups=FRAME.event).predict_proba(VALUES)[:, 1]
    assert abs(roc_auc_score(CLASS, streamed) - roc_auc_score(CLASS, in_memory)) < 0.02


def test_a_rare_class_in_a_file_of_its_own_is_in_every_batch(folder, tmp_path):
    write(tmp_path / "x0.parquet", FRAME[FRAME.label == 0])
    write(tmp_path / "x1.parquet", FRAME[FRAME.label == 1][:150])
    shares = []

    class Batches(Callback):
        def on_batch_begin(self, net, batch=None, training=False, **kwargs):
            if training:
                shares.append(batch[1].float().mean().item())

    network = FeedForwardClassifier(width=4, n_layers=1, batch_size=200, max_epochs=1, early_stopping=False)
    network.set_params(callbacks=[Batches()], random_state=0).fit(source_of(tmp_path, "x"))
    assert len(shares) == 16
    assert np.mean(shares) == pytest.approx(150 / 3150, rel=0.2)
    assert min(shares) > 0


def test_too_little_memory_to_mix_is_an_error(folder):
    with pytest.raises(ValueError, match=r"sorted by their target.*larger memory="):
        FeedForwardRegressor(**FULL).fit(source_of(folder, "sorted", target="number", memory=4000))


def test_every_event_is_seen_once_an_epoch_in_another_order(folder):
    seen = []

    class Batches(Callback):
        def on_batch_begin(self, net, batch=None, training=False, **kwargs):
            seen.append((training, batch[0][0][0].numpy()[:, 0]))

    network = FeedForwardClassifier(width=4, batch_size=100, max_epochs=2, callbacks=[Batches()], random_state=0)
    network.fit(source_of(folder))
    training = [a for is_training, a in seen if is_training]
    assert {len(a) for a in training[:-1]} <= {100, len(training[-1])}
    half = len(training) // 2
    first, second = (np.concatenate(some) for some in (training[:half], training[half:]))
    assert not np.array_equal(first, second)
    assert np.array_equal(np.sort(first), np.sort(second))
    valid = np.concatenate([a for is_training, a in seen if not is_training])
    assert set(first).isdisjoint(valid)
    assert set(first) | set(valid) == set(VALUES[:, 0])


# --- weights ---


def test_zero_weight_is_no_event_and_a_common_factor_is_nothing(tmp_path):
    frame = FRAME.assign(weight=np.where(FRAME.event % 3 == 0, 0.0, FRAME.weight))
    write(tmp_path / "zero.parquet", frame)
    write(tmp_path / "removed.parquet", frame[frame.weight != 0])
    write(tmp_path / "doubled.parquet", frame.assign(weight=2 * frame.weight))
    network = FeedForwardClassifier(optimizer="sgd", **{**FULL, "early_stopping": False})
    roles = {**COLUMNS, "weight": "weight", "memory": SMALL}
    results = [
        network.fit(EventSource(tmp_path / f"{name}.parquet", **roles)).predict_proba(VALUES)
        for name in ("zero", "removed", "doubled")
    ]
    np.testing.assert_allclose(results[1], results[0], atol=1e-4)
    np.testing.assert_allclose(results[2], results[0], atol=1e-6)


def test_weights_that_sum_to_nothing(tmp_path):
    write(tmp_path / "x.parquet", FRAME.assign(weight=-1.0))
    with pytest.raises(ValueError, match="sample_weight sums to"):
        FeedForwardClassifier(**FULL).fit(EventSource(tmp_path / "x.parquet", **COLUMNS, weight="weight", memory=SMALL))


# --- honesty ---


def test_the_hold_out_does_not_leak(tmp_path):
    """Rows of an event are near-copies, and labels are noise: nothing can be known of the hold-out."""
    rows, n = 4, 500
    X = RNG.normal(size=(n, 4)).repeat(rows, axis=0) + 1e-4 * RNG.normal(size=(n * rows, 4))
    frame = pd.DataFrame(X, columns=list("abcd")).assign(
        label=RNG.integers(0, 2, n).repeat(rows), event=RNG.choice(2**40, n, replace=False).repeat(rows)
    )
    write(tmp_path / "x.parquet", frame.sample(frac=1, random_state=0))
    network = FeedForwardClassifier(width=64, n_layers=2, lr=0.01, max_epochs=30, validation=0.2, random_state=0)
    streamed = network.fit(EventSource(tmp_path / "x.parquet", **COLUMNS, memory=15_000))
    assert np.min(streamed.history_["valid_loss"]) > 0.65
    assert np.min(streamed.history_["train_loss"]) < 0.6


# --- what else a fit does ---


def test_events_to_watch_may_be_a_stream(folder):
    network = FeedForwardClassifier(metrics="roc_auc", **FULL)
    watched = source_of(folder, "sorted")
    streamed = network.fit(source_of(folder), X_val=watched).history_
    events = watched.read()
    in_memory = network.fit(VALUES, CLASS, X_val=events.data, y_val=events.target).history_
    for name in ("train_loss", "valid_loss", "valid_roc_auc"):
        np.testing.assert_allclose(streamed[name], in_memory[name], rtol=1e-3)


@pytest.mark.parametrize("watched", ["array", "source", "stream"])
def test_events_to_watch_may_lack_a_class(folder, watched):
    network, ones = FeedForwardClassifier(**FULL), CLASS == 1
    of_arrays = {"X_val": VALUES[ones], "y_val": CLASS[ones]}
    in_memory = network.fit(VALUES, CLASS, **of_arrays).history_
    of_source = {"X_val": source_of(folder, cut="label == 1", memory=2**20 if watched == "source" else 20_000)}
    streamed = network.fit(source_of(folder), **(of_arrays if watched == "array" else of_source)).history_
    assert network.classes_.tolist() == [0, 1]
    for name in ("train_loss", "valid_loss"):
        np.testing.assert_allclose(streamed[name], in_memory[name], rtol=1e-3)


def test_augmentation(folder):
    network = FeedForwardClassifier(augment=Smear(columns=[0], relative=0.3), **{**FULL, "batch_size": 64})
    losses = [network.fit(source_of(folder)).history_["train_loss"] for _ in range(2)]
    assert np.array_equal(*losses)
    plain = network.set_params(augment=None).fit(source_of(folder)).history_["train_loss"]
    assert not np.array_equal(losses[0], plain)


def test_predictions_of_a_source(folder):
    network = FeedForwardClassifier(**FULL).fit(VALUES, CLASS)
    np.testing.assert_allclose(network.predict_proba(source_of(folder)), network.predict_proba(VALUES), rtol=1e-5)
    assert network.predict(source_of(folder, cut="a > 1000")).shape == (0,)
    weighted = source_of(folder, weight="weight")
    wanted = network.score(VALUES, CLASS, sample_weight=FRAME.weight)
    assert network.score(weighted) == pytest.approx(wanted)
    regressor = FeedForwardRegressor(**FULL).fit(VALUES, FRAME.number)
    assert regressor.score(source_of(folder, target="number")) == pytest.approx(regressor.score(VALUES, FRAME.number))


def test_a_file_that_breaks_midway(folder, tmp_path):
    for name in ("random0.parquet", "random1.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())

    class Breaks(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:
                whole = bytearray((tmp_path / "random1.parquet").read_bytes())
                whole[100:9000] = b"\xab" * 8900
                (tmp_path / "random1.parquet").write_bytes(whole)

    network = FeedForwardClassifier(width=4, batch_size=64, max_epochs=4, callbacks=[Breaks()], random_state=0)
    with pytest.raises(ValueError, match=r"random1\.parquet"):
        network.fit(source_of(tmp_path))
    with pytest.raises(NotFittedError):
        network.predict(VALUES)


def test_torchs_own_random_state_is_left_alone(folder):
    before = torch.random.get_rng_state()
    FeedForwardClassifier(**FULL).fit(source_of(folder))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("roles", "given", "match"),
    [
        ({"event_id": None}, {}, "by their ids"),
        ({"target": None}, {}, "no target"),
        ({}, {"y": CLASS}, "y came as well"),
        ({}, {"groups": FRAME.event}, "groups came as well"),
        ({"cut": "label == 1"}, {}, "one class"),
        ({"cut": "a > 1000"}, {}, "no event"),
    ],
    ids=["ids", "target", "y", "groups", "one class", "nothing"],
)
def test_what_a_source_must_say(folder, roles, given, match):
    with pytest.raises(ValueError, match=match):
        FeedForwardClassifier(**FULL).fit(source_of(folder, **{"memory": 10_000, **roles}), **given)


def test_a_splitter_must_know_the_fold_of_an_id(folder):
    with pytest.raises(ValueError, match=r"assign\(ids\)"):
        FeedForwardClassifier(validation=EventShuffleSplit(1), **FULL).fit(source_of(folder))


@pytest.mark.parametrize(("n_parts", "width"), [(40, 8), (43, 8), (8, 8), (3, 3), (1, 1)])
def test_what_is_trained_on_has_equally_many_events_of_the_parts_beside_it(n_parts, width):
    """The end of an epoch decides most about the weights: it is as well mixed as the rest."""
    parts = (Part(np.full((800, 1), i), np.arange(800), None) for i in range(n_parts))
    pieces = list(mixed(parts, n_parts, width, np.random.default_rng(0)))
    events = {(x, y) for piece in pieces for x, y in zip(piece.X[:, 0].tolist(), piece.target.tolist(), strict=True)}
    assert len(events) == sum(map(len, pieces)) == 800 * n_parts
    for piece in pieces:
        of_place = np.bincount(piece.X[:, 0] % width, minlength=width)  # parts of one place are of one kind
        assert of_place.max() - of_place.min() <= 0.05 * len(piece) if n_parts % width == 0 else len(of_place) == width
    first = np.array([piece.X[:, 0].mean() for piece in pieces[: n_parts - width]])
    assert (np.diff(first) > 0).all()  # and from parts that were read one after another


def test_mixing_takes_little_more_memory_than_the_parts_that_are_mixed():
    n_parts, width, n_events = 64, 16, 2000
    parts = (Part(np.full((n_events, 10), i, dtype=np.float32), np.zeros(n_events), None) for i in range(n_parts))
    tracemalloc.start()
    try:
        n = sum(len(piece) for piece in mixed(parts, n_parts, width, np.random.default_rng(0)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n == n_parts * n_events
    assert peak < 1.6 * width * n_events * (10 * 4 + 8)


def test_parts_may_have_no_events():
    sizes = [5, 0, 0, 3, 0, 0, 0, 0, 1]
    parts = [
        Part(np.full((n, 1), i), np.arange(n) if n else np.array([], dtype=str), None) for i, n in enumerate(sizes)
    ]
    pieces = list(mixed(iter(parts), len(sizes), 3, np.random.default_rng(0)))
    assert sorted(x for piece in pieces for x in piece.X[:, 0]) == np.repeat(np.arange(9), sizes).tolist()
    assert all(len(piece) and piece.target.dtype.kind == "i" for piece in pieces)
