"""Files and arrays as others write them: pandas, polars, pyarrow, uproot; gaps, empty chunks, and what is no cloud."""

import re

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from skhep_testdata import data_path
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.utils import _safe_indexing

from sklearn_ml4fp import (
    EventKFold,
    FeedForwardClassifier,
    Graphs,
    MissingValueImputer,
    PointClouds,
    RecurrentClassifier,
    ToList,
    ZScoreScaler,
    as_point_clouds,
    investigate,
)

PT, ETA = [[50.0, 20.0], [], [30.0]], [[0.5, -1.0], [], [2.0]]
MET = [9.0, 8.0, 7.0]
CLOUDS = PointClouds(
    [[50.0, 0.5], [20.0, -1.0], [30.0, 2.0]],
    [0, 2, 2, 3],
    ["pt", "eta"],
    event_values=np.transpose([MET]),
    event_names=["met"],
)
COLUMNS = {"pt": PT, "eta": ETA, "met": MET}
STRUCTS = [[{"pt": p, "eta": e} for p, e in zip(*event, strict=True)] for event in zip(PT, ETA, strict=True)]
LISTS = {
    "nullable": pa.list_(pa.float64()),
    "large": pa.large_list(pa.float64()),
    "not nullable": pa.list_(pa.field("item", pa.float64(), nullable=False)),
    "float32": pa.list_(pa.float32()),
}


def arrow(kind=LISTS["nullable"], **columns):
    types = {"pt": kind, "eta": kind, "met": pa.float64()}
    return pa.table({name: pa.array(column, types.get(name)) for name, column in (COLUMNS | columns).items()})


def structs(**columns):
    return pa.table({"jets": STRUCTS, "met": MET, **columns})


def same_columns(X):
    """pyarrow before 16 sorts the fields of a struct by name."""
    assert sorted(X.feature_names) == ["eta", "pt"]
    assert X.event_names == ("met",)
    np.testing.assert_array_equal(X.offsets, CLOUDS.offsets)
    for name in ("pt", "eta", "met"):
        np.testing.assert_array_equal(X.column(name), CLOUDS.column(name))


WRITERS = {
    "pandas": lambda path: pd.DataFrame(COLUMNS).to_parquet(path),
    "pandas, arrays": lambda path: pd.DataFrame(COLUMNS | {"pt": [np.array(p) for p in PT]}).to_parquet(path),
    "pandas, structs": lambda path: pd.DataFrame({"jets": STRUCTS, "met": MET}).to_parquet(path),
    "pandas, nullable": lambda path: pd.DataFrame(COLUMNS | {"met": pd.array(MET, "Float64")}).to_parquet(path),
    "polars": lambda path: pl.DataFrame(COLUMNS).write_parquet(path),
    "polars, structs": lambda path: pl.DataFrame({"jets": STRUCTS, "met": MET}).write_parquet(path),
    "polars, by pyarrow": lambda path: pl.DataFrame(COLUMNS).write_parquet(path, use_pyarrow=True),
    **{f"pyarrow, {name}": lambda path, kind=kind: pq.write_table(arrow(kind), path) for name, kind in LISTS.items()},
    "pyarrow, structs": lambda path: pq.write_table(structs(), path),
    "pyarrow, row groups": lambda path: pq.write_table(arrow(), path, row_group_size=1),
    "awkward": lambda path: ak.to_parquet(
        ak.Array([dict(zip(COLUMNS, e, strict=True)) for e in zip(*COLUMNS.values(), strict=True)]), path
    ),
    "awkward, structs": lambda path: ak.to_parquet(ak.Array({"jets": STRUCTS, "met": MET}), path),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_parquet_of_others(write, tmp_path):
    """Columns are nullable by default, though no value is missing; a collection may be a column of structs."""
    write(tmp_path / "events.parquet")
    X = PointClouds.from_parquet(tmp_path / "events.parquet")
    same_columns(X)
    some = PointClouds.from_parquet(tmp_path / "events.parquet", ["eta"], [])
    assert some.feature_names == ("eta",)
    np.testing.assert_array_equal(some.values, CLOUDS.values[:, 1:])
    again = tmp_path / "again.parquet"
    X.to_parquet(again)
    assert PointClouds.from_parquet(again) == X


@pytest.mark.parametrize("kind", LISTS.values(), ids=LISTS)
def test_arrow_in_memory(kind):
    X = PointClouds.from_awkward(ak.from_arrow(arrow(kind)))
    np.testing.assert_array_equal(X.values, CLOUDS.values)
    same_columns(PointClouds.from_awkward(ak.from_arrow(structs())))
    alone = PointClouds.from_awkward(ak.from_arrow(pa.array(STRUCTS)), ["pt", "eta"])
    assert alone == PointClouds(CLOUDS.values, CLOUDS.offsets, ["pt", "eta"])
    frame = pd.DataFrame(COLUMNS)  # what an error about lists in cells tells to do
    assert PointClouds.from_awkward(ak.from_arrow(pa.Table.from_pandas(frame))) == CLOUDS
    with pytest.raises(ValueError, match=r"'pt 1' holds object.*from_arrow"):
        PointClouds.from_wide(frame.rename(columns={"pt": "pt 1"}), ["pt"], template="{feature} {point}")


@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">f8", ">i2"])
def test_root_of_others(dtype, tmp_path):
    """Lists of any number, and plain numbers; ROOT itself is big-endian."""
    pt = ak.Array(
        ak.contents.ListOffsetArray(
            ak.index.Index64(CLOUDS.offsets),
            ak.contents.NumpyArray(CLOUDS.column("pt").astype(np.dtype(dtype).newbyteorder("="))),
        )
    )
    with uproot.recreate(tmp_path / "events.root") as file:
        file.mktree("tree", {"pt": pt.type.content, "eta": "var * float64", "met": dtype, "event": "uint64"})
        file["tree"].extend(
            {
                "pt": pt,
                "eta": ak.Array(ETA),
                "met": np.array(MET, dtype=dtype),
                "event": np.array([2**63 + 1, 2, 3], dtype=np.uint64),
            }
        )
    X = PointClouds.from_root(tmp_path / "events.root", "tree", ["pt", "eta"], ["met"])
    np.testing.assert_array_equal(X.values, CLOUDS.values)
    np.testing.assert_array_equal(X.event_values, CLOUDS.event_values)
    X.to_root(tmp_path / "again.root", "tree")
    assert PointClouds.from_root(tmp_path / "again.root", "tree", ["pt", "eta"], ["met"]) == X
    with pytest.raises(ValueError, match=r"event column 'event'|'event' holds integers beyond 2\*\*53"):
        PointClouds.from_root(tmp_path / "events.root", "tree", ["pt"], ["event"])


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i4", np.float16, np.longdouble, np.int8, np.uint64, bool])
@pytest.mark.parametrize("kind", ["awkward", "parquet", "root", "padded", "long"])
def test_numbers_of_every_kind_go_out_and_come_back(dtype, kind, tmp_path):
    values, events = np.array([[1], [0], [1]], dtype=dtype), np.array([[1], [0]], dtype=dtype)
    X = PointClouds(values, [0, 2, 3], ["pt"], event_values=events, event_names=["met"])
    assert X.values.dtype.isnative
    if kind == "awkward":
        assert PointClouds.from_awkward(X.to_awkward()) == X
    elif kind == "parquet":
        X.to_parquet(tmp_path / "x.parquet")
        assert PointClouds.from_parquet(tmp_path / "x.parquet") == X
    elif kind == "root":
        X.to_root(tmp_path / "x.root")
        np.testing.assert_array_equal(
            PointClouds.from_root(tmp_path / "x.root", "events", ["pt"], ["met"]).values, X.values
        )
    elif kind == "padded":
        assert PointClouds.from_padded(X.to_padded()[0], None, ["pt"]) == PointClouds(values, [0, 2, 3], ["pt"])
    else:
        np.testing.assert_array_equal(PointClouds.from_long(X.to_long(), "event")[0].values, X.values)


# --- gaps ---


def test_a_number_that_is_missing_is_nan_and_a_point_that_is_missing_is_absent(tmp_path):
    pq.write_table(arrow(pt=[[50.0, None], [], [30.0]], met=[9.0, None, 7.0]), tmp_path / "x.parquet")
    X = PointClouds.from_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(X.column("pt"), [50.0, np.nan, 30.0])
    np.testing.assert_array_equal(X.column("met"), [9.0, np.nan, 7.0])
    records = ak.Array([[{"pt": 1.0, "eta": None}, None], [None], [{"pt": 2.0, "eta": 3.0}]])
    X = PointClouds.from_awkward(records)
    np.testing.assert_array_equal(X.counts, [1, 0, 1])
    np.testing.assert_array_equal(X.values, [[1.0, np.nan], [2.0, 3.0]])
    fixed = ak.Array([[[1.0, 2.0], None], [[3.0, None]]])
    np.testing.assert_array_equal(PointClouds.from_awkward(fixed).values, [[1.0, 2.0], [3.0, np.nan]])
    integers = PointClouds.from_awkward(ak.Array([{"n": [1, None]}]))
    np.testing.assert_array_equal(integers.values, [[1.0], [np.nan]])


def test_what_a_cut_leaves():
    """Options that are left over, events cut to their best point, and points that are masked instead of dropped."""
    jets = ak.Array(STRUCTS)
    best = jets[ak.argmax(jets.pt, axis=1, keepdims=True)]
    np.testing.assert_array_equal(PointClouds.from_awkward(best).column("pt"), [50.0, 30.0])
    kept = ak.mask(jets, jets.pt > 25)
    np.testing.assert_array_equal(PointClouds.from_awkward(kept).counts, [1, 0, 1])
    array = ak.Array({"pt": PT, "met": MET})
    chosen = ak.drop_none(ak.mask(array, array.met > 7.5), axis=0)
    assert PointClouds.from_awkward(chosen) == PointClouds.from_awkward(array[:2])
    with pytest.raises(ValueError, match=r"the event is missing \(None\) in 1 of 3 events. Drop them, in y, weights"):
        PointClouds.from_awkward(ak.mask(array, array.met > 7.5))


@pytest.mark.parametrize(
    "array", [[[1.0], None], [{"pt": [1.0]}, {"pt": None}], [{"jets": None}, {"jets": [{"pt": 1.0}]}]]
)
def test_a_list_that_is_missing_is_no_empty_list(array):
    with pytest.raises(ValueError, match=r"is missing \(None\) in 1 of 2 events.*(fill_none|Drop them)"):
        PointClouds.from_awkward(ak.Array(array))


def masked(values):
    return np.ma.array(np.where(np.isnan(values), 1e6, values), mask=np.isnan(values))


def test_masks_and_nulls_in_every_constructor():
    values = np.array([[1.0, np.nan], [2.0, 3.0]])
    expected = PointClouds(values, [0, 1, 2])
    assert PointClouds(masked(values), [0, 1, 2]) == expected
    assert PointClouds([[1.0, None], [2.0, 3.0]], [0, 1, 2]) == expected
    assert PointClouds(np.array([[1.0, pd.NA], [2.0, 3.0]], dtype=object), [0, 1, 2]) == expected
    assert PointClouds(pd.DataFrame(values).astype("Float64"), [0, 1, 2]) == expected
    events = PointClouds(values, [0, 1, 2], event_values=masked(values))
    np.testing.assert_array_equal(events.event_values, values)
    assert PointClouds.from_lists([masked(values[:1]), values[1:]]) == expected
    assert as_point_clouds([masked(values[:1]), values[1:]]) == expected
    with pytest.raises(ValueError, match="offsets must be a 1-D array"):
        PointClouds(values, np.ma.array([0, 1, 2], mask=[0, 1, 0]))
    with pytest.raises(IndexError, match="are sliced by"):
        expected[np.ma.array([True, False], mask=[1, 0])]
    with pytest.raises(ValueError, match="edges must be integers"):
        Graphs(expected, np.ma.array([[0, 0]], mask=[[1, 0]]), [0, 1, 1])
    graphs = Graphs(expected, [[0, 0]], [0, 1, 1], masked(np.array([[np.nan]])))
    assert np.isnan(graphs.edge_values[0, 0])


def test_a_padded_array_with_masks():
    """As ``ak.to_numpy(ak.pad_none(...))`` makes them, with anything under the mask."""
    padded, present = CLOUDS.to_padded()
    expected = PointClouds(CLOUDS.values, CLOUDS.offsets, ["pt", "eta"])
    assert PointClouds.from_padded(masked(padded), None, ["pt", "eta"]) == expected
    columns = [ak.to_numpy(ak.pad_none(ak.Array(column), 4, clip=True)) for column in (PT, ETA)]
    assert PointClouds.from_padded(np.ma.stack(columns, axis=2), None, ["pt", "eta"]) == expected
    assert as_point_clouds(masked(padded)) == PointClouds(CLOUDS.values, CLOUDS.offsets)
    with pytest.raises(ValueError, match=r"mask must have shape .* True where there is one; got other entries"):
        PointClouds.from_padded(padded, np.ma.array(present, mask=present))


@pytest.mark.parametrize(
    "null",
    [
        lambda t: t,
        lambda t: t.astype("Float64"),
        lambda t: t.astype("double[pyarrow]"),
        lambda t: t.astype(object).where(t.notna(), None),
        lambda t: pl.from_pandas(t),
    ],
)
def test_tables_with_nulls(null):
    wide = pd.DataFrame(
        {"Jet 1 pt": [1.0, 2.0], "Jet 1 m": [np.nan, 3.0], "Jet 2 pt": [np.nan, 4.0], "Jet 2 m": [np.nan, 5.0]}
    )
    X = PointClouds.from_wide(null(wide), ["pt", "m"])
    np.testing.assert_array_equal(X.counts, [1, 2])
    np.testing.assert_array_equal(X.values, [[1.0, np.nan], [2.0, 3.0], [4.0, 5.0]])
    long = null(pd.DataFrame({"pt": [1.0, 2.0], "m": [np.nan, 3.0]}))
    ids = np.array([2**60 + 1, 2**60])
    long = long.with_columns(event=ids) if isinstance(long, pl.DataFrame) else long.assign(event=ids)
    X, events = PointClouds.from_long(long, "event")
    np.testing.assert_array_equal(X.values, [[1.0, np.nan], [2.0, 3.0]])
    np.testing.assert_array_equal(events, ids)


# --- ids ---


def test_event_numbers_are_not_rounded(tmp_path):
    big = np.array([2**60 + 1, 2**53 + 1, 3])
    message = r"holds integers beyond 2\*\*53, which floats round.*pass them as groups"
    for columns in ({"event": big}, {"event": big.astype(np.uint64)}, {"event": [2**60 + 1, None, 3]}):
        pq.write_table(arrow(**columns), tmp_path / "x.parquet")
        with pytest.raises(ValueError, match=message):
            PointClouds.from_parquet(tmp_path / "x.parquet")
        assert PointClouds.from_parquet(tmp_path / "x.parquet", None, ["met"]) == CLOUDS
    with pytest.raises(ValueError, match=message):
        PointClouds(CLOUDS.values, CLOUDS.offsets, event_values=big[:, None])
    with pytest.raises(ValueError, match=message):
        PointClouds.from_lists([big[:, None], np.ones((1, 1))])
    with pytest.raises(ValueError, match=message):
        PointClouds.from_long(pd.DataFrame({"event": [1, 2, 3], "hit": big}), "event")
    with pytest.raises(ValueError, match=r"beyond 2\*\*53"):
        PointClouds.from_long(pl.DataFrame({"event": [1, 2, 3], "hit": [2**60 + 1, None, 3]}), "event")
    exact = PointClouds(CLOUDS.values, CLOUDS.offsets, event_values=np.array([[2**53], [-(2**53)], [7]]))
    assert exact.event_values[:, 0].astype(int).tolist() == [2**53, -(2**53), 7]


ROWS = {
    "run": [2, 1, 2, 1],
    "event": [2**63 + 1, 7, 2**63, 7],
    "part": ["b", "a", "b", "a"],
    "pt": [1.0, 2.0, 3.0, 4.0],
}


@pytest.mark.parametrize(
    "library",
    [
        lambda d: pd.DataFrame(d).astype({"event": "uint64"}),
        lambda d: pl.DataFrame(d, schema_overrides={"event": pl.UInt64}),
        lambda d: pd.DataFrame(d).astype({"event": "UInt64", "run": "int64[pyarrow]"}),
    ],
    ids=["pandas", "polars", "nullable"],
)
def test_several_id_columns(library):
    table = library(ROWS)
    X, ids = PointClouds.from_long(table, ["run", "event", "part"])
    assert X.feature_names == ("pt",)
    assert [cloud.ravel().tolist() for cloud in X] == [[1.0], [2.0, 4.0], [3.0]]
    assert ids.tolist() == [(2, 2**63 + 1, "b"), (1, 7, "a"), (2, 2**63, "b")]
    assert ids.dtype["run"].kind in "iu"
    wanted = [(0, 0, "none"), *reversed(ids.tolist())]
    again, events = PointClouds.from_long(table, ["run", "event", "part"], events=wanted)
    assert again.counts.tolist() == [0, 1, 2, 1]
    assert events.tolist() == wanted
    back, events = PointClouds.from_long(X.to_long(["run", "event", "part"], ids), ["run", "event", "part"], events=ids)
    assert back == X
    np.testing.assert_array_equal(events, ids)
    with pytest.raises(ValueError, match="exactly once"):
        PointClouds.from_long(table, ["run", "event", "part"], events=ids[1:])
    with pytest.raises(ValueError, match=r"no columns \['lumi'\]; it has \['run', 'event', 'part', 'pt'\]"):
        PointClouds.from_long(table, ["run", "lumi"])


def test_ids_of_several_columns_are_groups():
    """For the splitters of the package and those of scikit-learn, and for the report."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"run": rng.integers(1, 3, 300), "event": rng.integers(0, 40, 300), "pt": rng.uniform(size=300)}
    )
    X, ids = PointClouds.from_long(table, ["run", "event"])
    y = np.arange(len(X)) % 2
    for cv in (EventKFold(2), GroupKFold(2)):
        for train, test in cv.split(X, y, ids):
            assert not set(ids[train].tolist()) & set(ids[test].tolist())
    assert len(_safe_indexing(ids, np.arange(3))) == 3
    investigate(ToList(2).fit_transform(X), y, groups=ids)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1.0, 2.0], "float64"),
        ([1.0, np.nan], "1 that are missing"),
        (pd.array([1, None], "Int64"), "1 that are missing"),
    ],
)
def test_ids_that_name_no_event(ids, message):
    with pytest.raises(ValueError, match=message):
        PointClouds.from_long(pd.DataFrame({"event": ids, "pt": [1.0, 2.0]}), "event")


def test_ids_of_mixed_integer_types_are_compared_exactly():
    table = pd.DataFrame({"event": np.array([2**63 + 1, 2**63], dtype=np.uint64), "pt": [1.0, 2.0]})
    X, _ = PointClouds.from_long(table, "event", events=[2**63, 2**63 + 1])
    assert X.values.ravel().tolist() == [2.0, 1.0]
    with pytest.raises(ValueError, match="expected one type"):
        PointClouds.from_long(table, "event", events=["a", "b"])


# --- empty chunks ---


EVENTS = {
    "records": ak.Array(STRUCTS),
    "fixed": ak.from_regular(ak.from_numpy(np.arange(12.0).reshape(3, 2, 2)), axis=1),
    "lists": ak.Array([[[1.0, 2.0], [3.0, 4.0]], [], [[5.0, 6.0]]]),
    "numbers": ak.Array(PT),
    "record of lists": ak.Array({"pt": PT, "eta": ETA}),
    "list": [np.ones((2, 2)), np.zeros((0, 2)), np.ones((1, 2))],
    "nested lists": [[[1.0, 2.0]], [], [[5.0, 6.0]]],
    "padded": CLOUDS.to_padded()[0],
    "clouds": PointClouds(CLOUDS.values, CLOUDS.offsets),
    "an array of objects": np.array([*CLOUDS, None], dtype=object)[:3],
    "a Series": pd.Series(list(CLOUDS)),
}


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS)
def test_events_without_points(events):
    """Chunks of no events, and of events of which none has a point, are clouds with the features of the others."""
    whole = as_point_clouds(events)
    nothing = as_point_clouds(events[:0], feature_names=whole.feature_names)
    assert len(nothing) == 0
    assert nothing.feature_names == whole.feature_names
    if isinstance(events, ak.Array):
        empty = {name: events[name][:, :0] for name in events.fields} if events.ndim == 1 else events[:, :0]
        empty = ak.zip(empty, depth_limit=1) if isinstance(empty, dict) else empty
    elif isinstance(events, PointClouds):
        empty = events[[1]]
    else:
        empty = [events[1]] if not isinstance(events, np.ndarray) or events.ndim == 1 else events[1:2]
    empty = as_point_clouds(empty, feature_names=whole.feature_names)
    assert empty.counts.sum() == 0
    assert empty.feature_names == whole.feature_names


@pytest.mark.parametrize(
    "name",
    [
        "records",
        "fixed",
        "lists",
        "record of lists",
        "list",
        "nested lists",
        "padded",
        "clouds",
        "an array of objects",
        "a Series",
    ],
)
def test_events_without_points_are_predicted(name):
    events = EVENTS[name]
    network = RecurrentClassifier(width=4, max_epochs=1, early_stopping=False, device="cpu", random_state=0).fit(
        events, [0, 1, 0]
    )
    alone = network.predict_proba(as_point_clouds(events)[[1]])
    if isinstance(events, ak.Array) and events.ndim > 1:
        np.testing.assert_array_equal(network.predict_proba(events[1:2, :0]), network.predict_proba(events[:1, :0]))
    if name in ("lists", "nested lists", "record of lists", "padded", "a Series"):
        np.testing.assert_allclose(network.predict_proba(events[1:2]), alone)
    transformer = ToList(1).fit(events)
    np.testing.assert_array_equal(np.isnan(transformer.transform(as_point_clouds(events)[[1]])).all(), name != "fixed")


def graphs(n):
    nodes = PointClouds(CLOUDS.values, CLOUDS.offsets, ["pt", "eta"])
    return Graphs(nodes, [[0, 1], [1, 0], [0, 0]], [0, 2, 2, 3], [[1.0], [2.0], [3.0]])[:n]


@pytest.mark.parametrize("key", [slice(0), slice(0, 0, 2), [], np.zeros(0, int), np.zeros(3, bool)], ids=str)
def test_no_events_of_every_container(key):
    for X in (CLOUDS, graphs(3)):
        nothing = X[key]
        assert len(nothing) == 0
        assert nothing[key if not isinstance(key, np.ndarray) or key.dtype != bool else slice(0)] == nothing
        assert list(nothing) == []
        assert type(X).concatenate([nothing, X, nothing]) == X
        assert type(X).concatenate([nothing, nothing]) == nothing
        repr(nothing)


def test_no_events_there_and_back(tmp_path):
    nothing = CLOUDS[:0]
    points = PointClouds(nothing.values, nothing.offsets, ["pt", "eta"])
    assert PointClouds.from_lists(nothing.to_lists(), ["pt", "eta"]) == points
    assert PointClouds.from_padded(nothing.to_padded()[0], None, ["pt", "eta"]) == points
    assert PointClouds.from_padded(*nothing.to_padded(3), ["pt", "eta"]) == points
    assert PointClouds.from_wide(nothing.to_wide(), ["pt", "eta"]) == points
    assert PointClouds.from_wide(CLOUDS[[1]].to_wide(), ["pt", "eta"]).counts.tolist() == [0]
    back, ids = PointClouds.from_long(nothing.to_long(), "event")
    assert (back, len(ids)) == (points, 0)
    assert PointClouds.from_awkward(nothing.to_awkward(), ["pt", "eta"]) == nothing
    nothing.to_parquet(tmp_path / "x.parquet")
    assert PointClouds.from_parquet(tmp_path / "x.parquet") == nothing
    nothing.to_root(tmp_path / "x.root")
    assert PointClouds.from_root(tmp_path / "x.root", "events", ["pt", "eta"], ["met"]) == nothing
    assert nothing.sorted_by("pt") == nothing
    assert Graphs(nothing, [], [0]).edges.shape == (0, 2)
    assert Graphs(nothing, [], [0], []) == Graphs(nothing, np.zeros((0, 2), int), [0])
    for frame in (pd.DataFrame({"pt": [[], []], "met": [1.0, 2.0]}), pl.DataFrame({"pt": [[], []], "met": [1.0, 2.0]})):
        (frame.to_parquet if isinstance(frame, pd.DataFrame) else frame.write_parquet)(tmp_path / "empty.parquet")
        assert PointClouds.from_parquet(tmp_path / "empty.parquet").counts.tolist() == [0, 0]


# --- one clear error ---


NANO = ak.Array({"Jet": STRUCTS, "Muon": [[{"pt": 1.0}], [], []], "met": MET})


NO_CLOUDS = [
    ((NANO,), r"the collections \['Jet', 'Muon'\]: pick one, .*\(array.Jet\)"),
    ((NANO, ["pt"]), r"pick one, PointClouds.from_awkward\(array.Jet\)"),
    ((ak.Array({"Jet": STRUCTS, "q": PT}),), r"\['Jet'\] and the lists \['q'\]: pick"),
    ((ak.zip({"Jet": ak.zip({"pt": PT}, depth_limit=1)}, depth_limit=1),), r"pick one, .*array.Jet"),
    ((ak.Array([[[1.0], [2.0, 3.0]]]),), "lists of lists of 1 to 2 numbers: .*flatten"),
    ((ak.Array([[[[1.0]]]]),), "lists of lists of lists of numbers: .*flatten"),
    ((ak.Array({"pt": [[[1.0]]]}),), "'pt' holds lists of lists of numbers: expected lists"),
    ((ak.Array([[{"pt": [1.0]}]]),), "the feature 'pt' holds lists of numbers: expected one"),
    ((ak.Array([["a"]]),), "holds lists of text"),
    ((ak.Array(["a"]),), "expected an awkward array with one list of points per event"),
    (
        (ak.Array({"pt": PT, "name": ["a", "b", "c"]}),),
        "event column 'name' holds text: expected one number. Or choose other event_features=",
    ),
    ((ak.Array({"pt": PT}), ["pt", "m"]), r"has no fields \['m'\]; it has \['pt'\]"),
    ((ak.Array({"pt": PT}), ["pt"], ["m"]), r"has no fields \['m'\]; it has \['pt'\]"),
    ((ak.Array(STRUCTS), ["m"]), r"has no fields \['m'\]; it has \['pt', 'eta'\]"),
    ((NANO[["Jet", "met"]], ["m"]), r"'Jet' has no fields \['m'\]; it has \['pt', 'eta'\]"),
    ((ak.Array({"met": MET}),), "no field holds lists of points"),
    ((ak.Array([[1.0, "a"]]),), "holds lists of something that is no number"),
    ((EVENTS["lists"][:, :0],), "no point that tells how many features there are"),
]


@pytest.mark.parametrize(("arguments", "message"), NO_CLOUDS, ids=[message[:30] for _, message in NO_CLOUDS])
def test_awkward_arrays_that_are_no_clouds(arguments, message):
    with pytest.raises(ValueError, match=message):
        PointClouds.from_awkward(*arguments)


def test_other_arrays_that_are_no_clouds():
    for read, message in (
        (lambda: as_point_clouds(np.array([np.ones(2), np.ones(3)], dtype=object)), r"shape \(2,\): one feature is"),
        (lambda: as_point_clouds([["a"]]), "entry 0 has no numbers"),
        (lambda: PointClouds([["1.0"]], [0, 1]), "2-D array of numbers"),
        (lambda: PointClouds.from_padded(np.array([[["a"]]])), "array of numbers .* got other entries"),
    ):
        with pytest.raises(ValueError, match=message):
            read()


LISTS_IN_CELLS = {
    "pandas": pd.DataFrame({"pt": PT, "met": MET}),
    "polars": pl.DataFrame({"pt": PT, "met": MET}),
    "an array of objects": EVENTS["an array of objects"],
    "a list of arrays": list(CLOUDS),
    "records of awkward": ak.Array({"a": MET, "b": MET}),
    "events of awkward": ak.Array(PT),
}


@pytest.mark.parametrize("X", LISTS_IN_CELLS.values(), ids=LISTS_IN_CELLS)
@pytest.mark.parametrize("estimator", [FeedForwardClassifier(), ZScoreScaler(), MissingValueImputer()], ids=str)
def test_points_are_no_table(estimator, X):
    with pytest.raises(ValueError, match=r"records, lists or arrays as its entries: expected a table .*PointClouds"):
        estimator.fit(X, [0, 1, 0])


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_table_with_lists_says_how_it_becomes_clouds(name):
    with pytest.raises(TypeError, match=r"one with lists in its cells by PointClouds.from_awkward\(ak.from_arrow"):
        as_point_clouds(LISTS_IN_CELLS[name])


def test_four_axes_are_no_clouds():
    with pytest.raises(TypeError, match=r"of shape \(2, 2, 2, 2\)"):
        as_point_clouds(np.ones((2, 2, 2, 2)))


def test_lorentz_vectors_say_how_to_make_columns():
    """A real file of CMS with vectors of TLorentzVector: what the error tells to do works."""
    path = data_path("uproot-HZZ-objects.root")
    with pytest.raises(ValueError, match=r"'fP' holds records with the fields .* Make columns of it: ak.zip") as caught:
        PointClouds.from_root(path, "events", ["muonp4"])
    with uproot.open(path) as file:
        points = file["events"].arrays(["muonp4"])["muonp4"]
    advice = re.search(r"(ak\.zip\(.*\))\.", str(caught.value))[1]
    X = PointClouds.from_awkward(eval(advice, {"ak": ak, "points": points}))
    assert X.feature_names == ("fP_fX", "fP_fY", "fP_fZ", "fE")
    np.testing.assert_array_equal(X.counts, ak.num(points))


def test_a_tree_a_branch_or_a_column_that_is_not_there(tmp_path):
    CLOUDS.to_root(tmp_path / "x.root")
    CLOUDS.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=r"has no tree 'jets'; it holds \['events;1'\]"):
        PointClouds.from_root(tmp_path / "x.root", "jets", ["pt"])
    with pytest.raises(ValueError, match=r"'events' has no branches \['m'\]; it has \['npt', 'pt', .*'met'"):
        PointClouds.from_root(tmp_path / "x.root", "events", ["pt", "m"])
    with pytest.raises(ValueError, match=r"has no fields \['m'\]; it has \['pt', 'eta', 'met'\]"):
        PointClouds.from_parquet(tmp_path / "x.parquet", ["pt", "m"], [])
    with pytest.raises(ValueError, match=r"has no fields \['ht'\]; it has \['pt', 'eta', 'met'\]"):
        PointClouds.from_parquet(tmp_path / "x.parquet", ["pt"], ["ht"])


WRONG = {
    "text": b"a,b\n1,2\n",
    "nothing": b"",
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(600),
    "a torn ROOT file": b"root\x00\x00\xf6\x1f" + bytes(200),
    "a torn Parquet file": b"PAR1" + bytes(600),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_file_of_the_wrong_kind(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be read as a ROOT file|it holds \[\]"):
        PointClouds.from_root(path, "events", ["pt"])
    with pytest.raises(ValueError, match="cannot be read as a Parquet file"):
        PointClouds.from_parquet(path)
    path.unlink()
    for read in (lambda: PointClouds.from_root(path, "events", ["pt"]), lambda: PointClouds.from_parquet(path)):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            read()


def test_networks_take_arrays_of_objects_in_cross_validation():
    rng = np.random.default_rng(0)
    events = np.empty(40, dtype=object)
    events[:] = [rng.normal(size=(n, 2)) for n in rng.integers(0, 4, 40)]
    y = np.arange(40) % 2
    network = RecurrentClassifier(width=4, max_epochs=1, early_stopping=False, device="cpu", random_state=0)
    np.testing.assert_array_equal(
        cross_val_score(network, events, y, cv=2), cross_val_score(network, as_point_clouds(events), y, cv=2)
    )


@pytest.mark.parametrize("template", ["pt", "Jet {point}", "{feature}"])
def test_a_template_that_names_all_points_alike(template):
    with pytest.raises(ValueError, match=r"must hold {point} and {feature}"):
        PointClouds.from_wide(pd.DataFrame({"pt": [1.0]}), ["pt"], template=template)
    with pytest.raises(ValueError, match="features is empty"):
        PointClouds.from_wide(pd.DataFrame({"Jet 1 pt": [1.0]}), [])
    with pytest.raises(ValueError, match=r"must hold {point} and {feature}"):
        CLOUDS.to_wide(template=template)
