"""Transformers on sources: every public one learns what it learns in memory, or from a sample that says so."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import preprocessing as theirs
from sklearn.base import TransformerMixin
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline

import sklearn_ml4fp
from sklearn_ml4fp import (
    AutoScaler,
    DropMissingColumns,
    EventSource,
    FeedForwardClassifier,
    Graphs,
    LogScaler,
    MinMaxScaler,
    MissingValueImputer,
    OutlierClipper,
    ParticleWise,
    PointClouds,
    ToList,
    ZScoreScaler,
)

N = 8000
RNG = np.random.default_rng(5)
LABEL = RNG.integers(0, 2, N)
FRAME = pd.DataFrame(
    {
        "gauss": RNG.normal(300, 5, N) + 3 * LABEL,
        "log": RNG.lognormal(2, 1.2, N) * (RNG.random(N) > 0.01),
        "both": RNG.standard_cauchy(N),
        "flat": RNG.uniform(-2, 7, N),
        "same": np.full(N, 0.1),
        "rare": np.where(RNG.random(N) < 3e-4, np.nan, RNG.normal(size=N)),
        "mostly": np.where(RNG.random(N) < 0.7, -999.0, RNG.normal(size=N)),
        "label": LABEL,
        "weight": RNG.choice([1.5, -0.5, 1.0, 0.0], N),
        "tails": 0.0,
        "event": np.arange(N),
    }
)
FRAME["tails"] = np.where(np.abs(FRAME.gauss - 300) > 10, -0.9, 0.1)
TABLE = ["gauss", "log", "both", "flat", "same", "rare"]
SMALL, LARGE = 2**17, 2**30  # bytes: the table takes 192 kB
TRANSFORMERS = [
    one
    for one in (getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__)
    if inspect.isclass(one) and issubclass(one, TransformerMixin)
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "x.parquet"
    pq.write_table(pa.Table.from_pandas(FRAME, preserve_index=False), path, row_group_size=4000)
    return path


@pytest.fixture(scope="module")
def of_points(tmp_path_factory):
    """Jets, or hits in the layers of a tracker."""
    path = tmp_path_factory.mktemp("points") / "x.parquet"
    n, counts = 3000, RNG.integers(1, 7, 3000)
    ends, size, layer = np.r_[0, np.cumsum(counts)], int(counts.sum()), RNG.integers(0, 4, counts.sum())
    columns = {
        "pt": RNG.lognormal(3, 1, size), "eta": RNG.normal(size=size), "phi": RNG.uniform(-3, 3, size),
        "r": 30.0 * (layer + 1), "z": RNG.normal(size=size), "layer": layer.astype(float),
    }  # fmt: skip
    lists = {name: pa.ListArray.from_arrays(ends, column) for name, column in columns.items()}
    events = pa.table({f"p_{name}": one for name, one in lists.items()} | {
        "weight": RNG.choice([1.5, -0.5, 1.0], n), "label": RNG.integers(0, 2, n), "event": np.arange(n),
    })  # fmt: skip
    pq.write_table(events, path, row_group_size=300)
    return path


def table(path, memory, features=TABLE, **roles):
    return EventSource(path, **{"features": features, "target": "label", "event_id": "event", **roles}, memory=memory)


def points(path, memory, *names, **roles):
    collections = {"p": names or ["pt", "eta", "phi"]}
    return EventSource(path, collections=collections, target="label", event_id="event", **roles, memory=memory)


def values_of(X):
    if isinstance(X, Graphs):
        return np.hstack([values_of(X.nodes), X.edges.ravel(), X.edge_values.ravel()])
    return np.hstack([X.values.ravel(), X.offsets]) if isinstance(X, PointClouds) else np.asarray(X)


def both(transformer, large, small):
    """What comes out of the transformer that was fitted in memory, and on a source that exceeds its memory."""
    events = large.read()
    assert large.held()[0] is not None
    assert small.held()[0] is None
    weights = "sample_weight" in inspect.signature(transformer.fit).parameters
    given = {"sample_weight": events.sample_weight} if weights else {}
    in_memory = values_of(transformer.fit(events.data, **given).transform(events.data))
    learned = transformer.fit(small)
    assert learned is transformer
    streamed = transformer.transform(small)
    assert isinstance(streamed, EventSource)
    return in_memory, values_of(streamed.read().data)


EXACT = {
    "min-max": MinMaxScaler(),
    "z-score": ZScoreScaler(),
    "no mean": ZScoreScaler(with_mean=False),
    "no deviation": ZScoreScaler(with_std=False),
    "mean": MissingValueImputer(add_indicator=True),
    "constant": MissingValueImputer(strategy="constant", fill_value=-1.0),
    "none": MissingValueImputer(strategy="none", missing_values=-999),
    "columns": DropMissingColumns(missing_values=-999),
}


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("case", EXACT)
def test_what_is_learned_of_all_events(path, case, weight):
    features = [*TABLE, "mostly"]
    sources = [table(path, memory, features, weight=weight) for memory in (LARGE, SMALL)]
    np.testing.assert_allclose(*both(EXACT[case], *sources), rtol=1e-4, atol=1e-4)
    assert not hasattr(EXACT[case], "n_sampled_")


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("method", ["log", "log1p"])
@pytest.mark.parametrize("standardize", [True, False])
def test_logarithms(path, method, standardize, weight):
    sources = [table(path, memory, ["gauss", "log"], weight=weight) for memory in (LARGE, SMALL // 4)]
    np.testing.assert_allclose(*both(LogScaler(method=method, standardize=standardize), *sources), rtol=1e-4, atol=1e-4)


SAMPLED = {
    "auto": AutoScaler(),
    "symlog": LogScaler(method="symlog"),
    "outliers": OutlierClipper(factor=1.0),
    "median": MissingValueImputer(strategy="median", add_indicator=True),
    "mode": MissingValueImputer(strategy="mode"),
    "interpolation": MissingValueImputer(strategy="interpolation", along=3),
}


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("case", SAMPLED)
def test_what_rests_on_quantiles_is_learned_of_a_sample(path, case, weight):
    transformer = SAMPLED[case]
    in_memory, streamed = both(transformer, *(table(path, memory, weight=weight) for memory in (LARGE, SMALL)))
    assert transformer.n_sampled_ == SMALL // 4 // 24
    scale = np.nanquantile(in_memory, 0.9, axis=0) - np.nanquantile(in_memory, 0.1, axis=0) + 1e-3
    assert np.mean(np.abs(streamed - in_memory) < 0.3 * scale) > 0.97  # a few are filled, or beyond a limit
    transformer.fit(table(path, LARGE))
    assert not hasattr(transformer, "n_sampled_")


def test_the_choice_knows_the_extremes_of_all_events(path):
    scaler = AutoScaler().fit(table(path, SMALL))
    assert scaler.scalings_.tolist() == ["z-score", "log", "symlog", "min-max", "min-max", "z-score"]
    whole = scaler.transform(table(path, SMALL)).read().data
    assert (whole[:, 3].min(), whole[:, 3].max()) == pytest.approx((-1, 1))
    np.testing.assert_allclose(whole[:, [0, 1]].mean(axis=0), 0, atol=1e-3)


def test_a_sorted_file_gives_the_same_sample(tmp_path):
    frame = FRAME.sort_values("gauss")
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "x.parquet", row_group_size=4000)
    limits = OutlierClipper(factor=1.0).fit(table(tmp_path / "x.parquet", SMALL))
    wanted = OutlierClipper(factor=1.0).fit(frame[TABLE].to_numpy(np.float32))
    gauss, rare = TABLE.index("gauss"), TABLE.index("rare")  # no heavy tail, so few events suffice
    assert limits.upper_[gauss] == pytest.approx(wanted.upper_[gauss], abs=1)
    assert limits.upper_[rare] == pytest.approx(wanted.upper_[rare], abs=0.4)


OF_CLOUDS = {
    "JetConstituentFeatures": ({}, ()),
    "ToGraph": ({"n_neighbors": 2}, ()),
    "ToImage": ({"n_pixels": 4}, ()),
    "ToList": ({"n_points": 3}, ()),
    "ToSet": ({}, ()),
    "ToTrackGraph": ({}, ("r", "phi", "z", "layer")),
    "ParticleWise": ({"transformer": MinMaxScaler()}, ()),
}


@pytest.mark.parametrize("name", OF_CLOUDS)
def test_clouds(of_points, name):
    params, columns = OF_CLOUDS[name]
    sources = (points(of_points, memory, *columns) for memory in (LARGE, 2**15))
    in_memory, streamed = both(getattr(sklearn_ml4fp, name)(**params), *sources)
    np.testing.assert_allclose(streamed, in_memory, rtol=1e-4, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize(
    "inner", [ZScoreScaler(), theirs.StandardScaler(), theirs.MinMaxScaler()], ids=["ours", "theirs", "unweighted"]
)
def test_points_of_weighted_events(of_points, inner):
    mine = ParticleWise(inner, columns=["eta", "pt"])
    if type(inner) is theirs.MinMaxScaler:
        with pytest.raises(ValueError, match="takes no sample_weight"):
            mine.fit(points(of_points, 2**15, weight="weight"))
        return
    np.testing.assert_allclose(
        *both(mine, *(points(of_points, memory, weight="weight") for memory in (LARGE, 2**15))), rtol=1e-4, atol=1e-4
    )


def test_what_learns_from_arrays_only(of_points, path):
    with pytest.raises(TypeError, match=r"ParticleWise\(PCA\(\)\).*partial_fit"):
        ParticleWise(PCA()).fit(points(of_points, 2**15))
    assert ParticleWise(PCA()).fit(points(of_points, LARGE)).n_features_in_ == 3
    for one in (theirs.StandardScaler(), theirs.QuantileTransformer(), PCA()):
        with pytest.raises(TypeError, match=r"not in memory.*source\.read\(\)"):
            make_pipeline(one, FeedForwardClassifier()).fit(table(path, SMALL))


def test_every_public_transformer_is_here():
    tested = {type(one) for one in [*EXACT.values(), *SAMPLED.values(), LogScaler()]}
    assert {one.__name__ for one in TRANSFORMERS} == {one.__name__ for one in tested} | set(OF_CLOUDS)


# --- weights ---


def test_chunks_whose_weights_cancel(tmp_path):
    """The sums over all events are positive; those over a sorted file's first chunks are not."""
    frame = FRAME.sort_values("weight")
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "x.parquet", row_group_size=4000)
    for one in (MinMaxScaler(), ZScoreScaler(), AutoScaler(), MissingValueImputer()):
        small = table(tmp_path / "x.parquet", SMALL // 2, ["gauss", "rare"], weight="weight", dtype="float64")
        large = table(tmp_path / "x.parquet", LARGE, ["gauss", "rare"], weight="weight", dtype="float64")
        np.testing.assert_allclose(*both(one, large, small), rtol=0.05, atol=1e-6)
    with pytest.raises(ValueError, match="sample_weight sums to"):
        ZScoreScaler().fit(table(tmp_path / "x.parquet", SMALL, weight="weight", cut="weight < 0"))


def test_a_variance_that_is_not_positive(path):
    for memory in (LARGE, SMALL // 8):
        with pytest.raises(ValueError, match="weighted variance"):
            ZScoreScaler().fit(table(path, memory, ["gauss"], weight="tails", dtype="float64"))


def test_weights_that_are_declined(path):
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        plain = ZScoreScaler().set_fit_request(sample_weight=False).fit(table(path, SMALL, weight="weight"))
    np.testing.assert_allclose(plain.mean_, ZScoreScaler().fit(table(path, SMALL)).mean_)


# --- pipelines ---


def test_a_pipeline_on_a_source(path):
    full = {"width": 8, "n_layers": 1, "batch_size": N, "max_epochs": 3, "lr": 0.01, "random_state": 0}
    model = make_pipeline(MissingValueImputer(), ZScoreScaler(), FeedForwardClassifier(**full))
    columns = ["gauss", "log", "flat", "rare"]
    events = table(path, LARGE, columns).read()
    wanted = model.fit(events.data, events.target, feedforwardclassifier__groups=events.groups)
    wanted = wanted.predict_proba(events.data)
    streamed = model.fit(table(path, SMALL, columns))
    np.testing.assert_allclose(streamed.predict_proba(events.data), wanted, atol=2e-3)
    source = table(path, SMALL, columns)
    np.testing.assert_allclose(streamed.predict_proba(source), streamed.predict_proba(events.data), rtol=1e-5)
    assert streamed.score(source) == pytest.approx(streamed.score(events.data, events.target))
    assert np.array_equal(streamed.predict(source), streamed.predict(events.data))
    assert isinstance(streamed[:-1].transform(source), EventSource)


def test_a_pipeline_of_clouds(of_points):
    model = make_pipeline(ToList(n_points=2, order_by="pt"), MissingValueImputer(), MinMaxScaler())
    events = points(of_points, LARGE).read()
    wanted = model.fit_transform(events.data)
    np.testing.assert_allclose(model.fit_transform(points(of_points, 2**15)).read().data, wanted, rtol=1e-4, atol=1e-4)


def test_frames_and_pickles(path):
    scaler = MinMaxScaler().set_output(transform="pandas")
    scaled = scaler.fit_transform(table(path, SMALL))
    assert scaled.read().data.dtype == np.float32
    again = pickle.loads(pickle.dumps(scaled.read().data))
    np.testing.assert_array_equal(again, MinMaxScaler().fit_transform(table(path, SMALL)).read().data)


def test_a_source_comes_alone(path):
    for given in ({"y": LABEL}, {"sample_weight": np.ones(N)}):
        with pytest.raises(ValueError, match="pass it alone"):
            MinMaxScaler().fit(table(path, SMALL), **given)
    with pytest.raises(ValueError, match="no event"):
        MinMaxScaler().fit(table(path, SMALL, cut="gauss > 1e9"))
    with pytest.raises(ValueError, match="Negative values"):
        LogScaler().fit(table(path, SMALL))
    assert isinstance(Pipeline([("a", MinMaxScaler())]).fit_transform(table(path, SMALL)), EventSource)
