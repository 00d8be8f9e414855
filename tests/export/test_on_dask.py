"""Predictions part by part on Dask: what the model gives for all events at once.

The test on a cluster is in tests/model_selection/test_dask.py, which has one.
"""

import awkward as ak
import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    CrossFitClassifier,
    DeepSetsClassifier,
    EventSource,
    FeedForwardClassifier,
    FeedForwardRegressor,
    MessagePassingClassifier,
    PointClouds,
    RaggedArray,
    investigate,
    predict_on_dask,
)

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(200, 3)), columns=["a", "b", "c"]).assign(event=np.arange(200))
X, Y = FRAME[["a", "b", "c"]], np.where(FRAME["a"] > 0, "signal", "background")
QUICK = {"width": 8, "n_layers": 1, "max_epochs": 1, "random_state": 0, "early_stopping": False}
NETWORK = FeedForwardClassifier(**QUICK).fit(X.to_numpy(), Y)
PIPELINE = make_pipeline(AutoScaler(), FeedForwardClassifier(**QUICK)).fit(X, Y)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture(autouse=True)
def in_threads():
    with dask.config.set(scheduler="threads", num_workers=4):
        yield


def test_a_frame_stays_lazy_and_keeps_its_order():
    parts = dd.from_pandas(X, npartitions=3)
    scores = predict_on_dask(PIPELINE, parts, "predict_proba")
    assert isinstance(scores, da.Array)
    assert scores.numblocks == (3, 1)
    assert_allclose(scores[:, 1].compute(), PIPELINE.predict_proba(X)[:, 1], **CLOSE)
    assert_array_equal(predict_on_dask(PIPELINE, parts).compute(), PIPELINE.predict(X))


@pytest.mark.parametrize("chunks", [(60, 3), (60, 2)], ids=["rows", "rows and columns"])
def test_an_array_keeps_its_chunks_of_events(chunks):
    events = da.from_array(X.to_numpy(), chunks=chunks)
    scores = predict_on_dask(NETWORK, events, "predict_proba")
    assert scores.shape == (200, 2)
    assert scores.chunks == ((60, 60, 60, 20), (2,))
    assert_allclose(scores.compute(), NETWORK.predict_proba(X.to_numpy()), **CLOSE)


@pytest.mark.parametrize("targets", [FRAME["a"], FRAME[["a", "b"]]], ids=["one", "two"])
def test_regressors_of_any_library_and_transformers(targets):
    for model in (LinearRegression(), FeedForwardRegressor(**QUICK)):
        model.fit(X.to_numpy(), targets.to_numpy())
        found = predict_on_dask(model, da.from_array(X.to_numpy(), chunks=90)).compute()
        assert_allclose(found, model.predict(X.to_numpy()), **CLOSE)
    scaler = AutoScaler().fit(X).set_output(transform="pandas")
    assert_allclose(
        predict_on_dask(scaler, dd.from_pandas(X, npartitions=2), "transform").compute(), scaler.transform(X)
    )


def test_delayed_parts_may_be_empty_and_of_any_kind():
    """What a reader of jagged files gives, such as a part in which no event has passed a cut."""
    counts = RNG.integers(0, 4, 60)
    events = ak.unflatten(
        ak.zip({"pt": RNG.exponential(size=counts.sum()), "eta": RNG.normal(size=counts.sum())}), counts
    )
    clouds = PointClouds.from_awkward(events)
    network = DeepSetsClassifier(width=4, latent_width=4, n_layers=1, max_epochs=1, random_state=0)
    network.fit(clouds, np.arange(60) % 2)
    wanted = network.predict_proba(clouds)
    for parts in ([events[:0], events[:25], events[25:25], events[25:]], [clouds[:40], clouds[40:]]):
        delayed = [dask.delayed(part, traverse=False) for part in parts]
        found = predict_on_dask(network, delayed, "predict_proba", like=parts[-1][:1])
        assert_allclose(found.compute(), wanted, **CLOSE)


def test_a_source_is_read_by_the_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_ml4fp.export._on_dask._ENTRIES", 50)
    for i in (0, 1):
        FRAME[100 * i : 100 * (i + 1)].to_parquet(tmp_path / f"{i}.parquet")
    source = EventSource(str(tmp_path / "*.parquet"), features=["a", "b", "c"], event_id="event", cut="a > -1")
    for model in (NETWORK, PIPELINE):
        scores = predict_on_dask(model, source, "predict_proba")
        assert scores.numblocks == (4, 1)
        kept = X[X["a"] > -1]
        assert_allclose(scores.compute(), model.predict_proba(kept if model is PIPELINE else kept.to_numpy()), **CLOSE)


def test_event_ids_reach_the_model(tmp_path):
    """Each event is predicted by the network that has not seen it."""
    ids = FRAME["event"].to_numpy()
    model = CrossFitClassifier(FeedForwardClassifier(**QUICK), cv=2).fit(X.to_numpy(), Y, groups=ids)
    wanted = model.predict_proba(X.to_numpy(), groups=ids)
    events = da.from_array(X.to_numpy(), chunks=70), da.from_array(ids, chunks=70)
    assert_allclose(predict_on_dask(model, events[0], "predict_proba", groups=events[1]).compute(), wanted, **CLOSE)
    delayed = [dask.delayed(X.to_numpy()[i : i + 100]) for i in (0, 100)]
    its_ids = [dask.delayed(ids[i : i + 100]) for i in (0, 100)]
    found = predict_on_dask(model, delayed, "predict_proba", groups=its_ids, like=X[:1].to_numpy())
    assert_allclose(found.compute(), wanted, **CLOSE)
    source = EventSource(FRAME, features=["a", "b", "c"], event_id="event")
    assert_allclose(predict_on_dask(model, source, "predict_proba").compute(), wanted, **CLOSE)


def test_predictions_of_points_are_no_array():
    clouds = PointClouds(RNG.uniform(-3, 3, size=(40, 2)), np.arange(0, 41, 4), feature_names=["eta", "phi"])
    network = MessagePassingClassifier(width=4, output="point", max_epochs=1, random_state=0, early_stopping=False)
    network.fit(clouds, RaggedArray(np.arange(40) % 2, clouds.offsets))
    with pytest.raises(TypeError, match="writes a list for each event"):
        predict_on_dask(network, [dask.delayed(clouds, traverse=False)], like=clouds)


def test_a_method_that_leaves_events_out_is_refused():
    class Half:
        def predict(self, X):
            return X[::2]

    with pytest.raises(ValueError, match=r"predict gives the shape \(100, 3\) for 200 events"):
        predict_on_dask(Half(), [dask.delayed(X.to_numpy())], like=X.to_numpy())


def test_nothing_is_read_before_it_is_asked_for():
    @dask.delayed
    def never():
        raise AssertionError

    parts = [never(), never()]
    predict_on_dask(NETWORK, parts, "predict_proba", like=X[:1].to_numpy())
    predict_on_dask(NETWORK, da.concatenate([da.from_delayed(part, (5, 3), float) for part in parts]))
    predict_on_dask(PIPELINE, dd.from_delayed(parts, meta=X))


def test_a_source_of_parts_is_that_of_all_events_in_one():
    """Parts are read one at a time, in every pass; one of them has no event."""
    frame = FRAME.assign(label=(Y == "signal").astype(int))
    roles = {"features": ["a", "b", "c"], "target": "label", "event_id": "event", "memory": 2_000}
    whole = EventSource(frame, **roles)
    delayed = [dask.delayed(frame[i:j]) for i, j in ((0, 0), (0, 90), (90, 200))]
    awkward = [dask.delayed(ak.Array({name: frame[name].to_numpy()[i : i + 100] for name in frame})) for i in (0, 100)]
    for parts in (dd.from_pandas(frame, npartitions=3), delayed, awkward):
        source = EventSource(parts, **roles)
        assert_array_equal(source.read().data, whole.read().data)
        assert_array_equal(source.read().groups, whole.read().groups)
    scores = [FeedForwardClassifier(**QUICK).fit(one).predict_proba(one) for one in (source, whole)]
    assert np.abs(scores[0] - scores[1]).max() < 0.1  # of windows that are mixed otherwise
    report = investigate(source)
    assert report.n_events == 200
    numbers = EventSource(da.from_array(X.to_numpy(), chunks=(90, 2)), features=["x0", "x2"])
    assert_allclose(numbers.read().data, X[["a", "c"]], rtol=1e-6)


def test_a_part_of_another_kind_is_named():
    with pytest.raises(ValueError, match="part 1 is a dict: expected an awkward array of records, a data frame"):
        EventSource([dask.delayed(FRAME), dask.delayed({"a": [1.0]}, traverse=False)], features=["a"]).read()
