"""Scores beside ids: whole files in the order of the source, and a killed run that goes on where it was."""

import os
import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_ml4fp  # and the networks when they are used: the process that is killed needs no torch
from sklearn_ml4fp import EventSource, write_scores

N = 400
RNG = np.random.default_rng(5)
FRAME = pd.DataFrame(
    {
        "x": RNG.normal(size=N),
        "y": RNG.normal(size=N),
        "run": np.repeat(np.int32([1, 2]), N // 2),
        "event": 2**53 + np.arange(N, dtype=np.int64),
        "name": [f"event {i}" for i in range(N)],
    }
)
FRAME["label"] = np.where(FRAME.x + RNG.normal(size=N) > 0, "signal", "background")
ROLES = {"features": ["x", "y"], "target": "label", "event_id": ["run", "event"]}
QUICK = {"max_epochs": 1, "random_state": 0, "device": "cpu", "width": 8}


def read(path, tree="scores"):
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    with uproot.open(path) as file:
        return pd.DataFrame(file[tree].arrays(library="np"))


@pytest.mark.parametrize("suffix", [".parquet", ".root"])
def test_ids_and_scores_in_the_order_of_the_source(suffix, tmp_path):
    source = EventSource(FRAME, **ROLES, cut="y > -1")
    events = source.read()
    model = LogisticRegression().fit(events.data, events.target)
    path = write_scores(source, model, tmp_path / f"scores{suffix}", n_entries=37)
    found = read(path)
    assert list(found) == ["run", "event", "score"]
    kept = FRAME[FRAME.y > -1]
    np.testing.assert_array_equal(found.event, kept.event)
    assert found.event.dtype == np.int64
    np.testing.assert_allclose(found.score, model.predict_proba(events.data)[:, 1], rtol=1e-6)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_every_kind_of_model(tmp_path):
    events = EventSource(FRAME, **ROLES).read()

    def columns(source, model, **more):
        found = read(write_scores(source, model, tmp_path / "x.parquet", n_entries=150, **more))
        return found.drop(columns=[name for name in ("run", "event", "name") if name in found])

    source = EventSource(FRAME, **ROLES)
    frame = source.read(as_frame=True).data
    for X in (events.data, frame):  # a model that knows the names of its columns
        model = make_pipeline(StandardScaler(), sklearn_ml4fp.FeedForwardClassifier(n_layers=1, **QUICK)).fit(
            X, events.target
        )
        np.testing.assert_allclose(columns(source, model).score, model.predict_proba(X)[:, 1], atol=1e-6)
    crossed = sklearn_ml4fp.CrossFitClassifier(LogisticRegression(), cv=3).fit(
        events.data, events.target, groups=events.groups
    )
    expected = crossed.predict_proba(events.data, groups=events.groups)[:, 1]
    np.testing.assert_allclose(columns(source, crossed).score, expected, atol=1e-6)

    three = EventSource(FRAME, **{**ROLES, "target": "cat"}, derived={"cat": "(x > 0) + (y > 0) * 1"})
    model = LogisticRegression().fit(events.data, three.read().target)
    found = columns(three, model)
    assert list(found) == ["score_0", "score_1", "score_2"]
    np.testing.assert_allclose(found, model.predict_proba(events.data), atol=1e-6)

    two = EventSource(FRAME, features=["x"], target=["y", "z"], event_id="name", derived={"z": "2 * y"})
    numbers = two.read()
    model = LinearRegression().fit(numbers.data, numbers.target)
    found = read(write_scores(two, model, tmp_path / "x.parquet"))
    assert list(found) == ["name", "prediction_y", "prediction_z"]
    np.testing.assert_allclose(found[["prediction_y", "prediction_z"]], model.predict(numbers.data))
    assert found.name.tolist() == FRAME.name.tolist()
    model.fit(numbers.data, numbers.target[:, 0])
    assert list(columns(two, model)) == ["prediction"]
    with pytest.raises(ValueError, match=r"\['name'\] hold texts, which are not written to ROOT"):
        write_scores(two, model, tmp_path / "x.root")
    assert not (tmp_path / "x.root").exists()


def test_point_clouds(tmp_path):
    counts = RNG.integers(0, 5, N)
    jets = ak.unflatten(RNG.exponential(20, counts.sum()), counts)
    array = ak.Array({"Jet_pt": jets, "event": FRAME.event.to_numpy(), "label": counts % 2})
    source = EventSource(array, collections={"Jet": ["pt"]}, target="label", event_id="event")
    events = source.read()
    model = sklearn_ml4fp.DeepSetsClassifier(n_layers=1, **QUICK).fit(events.data, events.target)
    found = read(write_scores(source, model, tmp_path / "x.root", tree="friend", n_entries=90), "friend")
    np.testing.assert_allclose(found.score, model.predict_proba(events.data)[:, 1], atol=1e-6)


class Counting(ClassifierMixin, BaseEstimator):
    """A classifier that counts its events, and after some of them dies, or is stopped."""

    classes_ = np.array([0, 1])

    def __init__(self, last=None, kill=False, factor=1.0):
        self.last, self.kill, self.factor, self.n_seen = last, kill, factor, 0

    def predict_proba(self, X):
        self.n_seen += len(X)
        if self.last is not None and self.n_seen > self.last:
            if self.kill:
                os.kill(os.getpid(), 9)
            raise KeyboardInterrupt
        p = 1 / (1 + np.exp(-self.factor * X[:, 0]))
        return np.stack([1 - p, p], axis=1)


def dies(folder):
    source = EventSource(Path(folder) / "events.parquet", **ROLES, cut="y > -1")
    write_scores(source, Counting(200, kill=True), Path(folder) / "x.parquet", n_entries=50)


def test_a_killed_run_goes_on(tmp_path):
    FRAME.to_parquet(tmp_path / "events.parquet")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_scores; test_scores.dies(sys.argv[2])"
    call = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    ended = subprocess.run(call, capture_output=True, text=True, timeout=200)
    assert ended.returncode == -9, ended.stderr
    assert not (tmp_path / "x.parquet").exists()
    source, model = EventSource(tmp_path / "events.parquet", **ROLES, cut="y > -1"), Counting()
    expected = read(write_scores(source, model, tmp_path / "whole.parquet"))
    n_all, model.n_seen = model.n_seen, 0
    (tmp_path / "x.parquet.parts" / ".000000000000200-000000000000250.0123.npy").write_bytes(b"of a kill while writing")
    found = read(write_scores(source, model, tmp_path / "x.parquet", n_entries=70))  # also in other chunks
    pd.testing.assert_frame_equal(found, expected)
    assert model.n_seen < n_all + 100  # some of them to see that it is the same run
    assert sorted(one.name for one in tmp_path.iterdir()) == ["events.parquet", "whole.parquet", "x.parquet"]


@pytest.mark.parametrize("what", ["model", "cut", "ids", "features"])
def test_a_run_of_another_model_or_source_does_not_go_on(what, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_scores(EventSource(FRAME, **ROLES), Counting(200), tmp_path / "x.parquet", n_entries=50)
    other = {"cut": {"cut": "y > 0"}, "ids": {"event_id": "event"}, "features": {"features": ["y", "x"]}}.get(what, {})
    with pytest.raises(ValueError, match=r"x.parquet.parts holds the parts of a run .* remove the folder"):
        write_scores(
            EventSource(FRAME, **ROLES | other), Counting(factor=2 if what == "model" else 1), tmp_path / "x.parquet"
        )
    assert len(read(write_scores(EventSource(FRAME, **ROLES), Counting(), tmp_path / "x.parquet"))) == N


def test_what_cannot_be_written(tmp_path):
    source = EventSource(FRAME, **ROLES)
    for bad, model, name, message in (
        (FRAME, Counting(), "x.root", "expected an EventSource, got DataFrame"),
        (source, StandardScaler(), "x.root", "got StandardScaler, which does not predict"),
        (source, Counting(), "x.csv", r"expected .parquet or .root"),
        (EventSource(FRAME, features=["x"]), Counting(), "x.root", "the source has no event_id"),
        (EventSource(FRAME, **ROLES, cut="x > 99"), Counting(), "x.root", "has no event to be scored"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            write_scores(bad, model, tmp_path / name)
    assert not list(tmp_path.iterdir())
