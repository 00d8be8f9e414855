"""Every converter there and back, bit for bit, on random ragged data; and files that others wrote."""

import sys

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pytest
import uproot
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skhep_testdata import data_path
from sklearn.utils import _safe_indexing

from sklearn_ml4fp import PointClouds, as_point_clouds


@st.composite
def clouds(draw, event_columns=True):
    """Ragged data of any floats but NaN: infinities, subnormals, negative zeros; empty clouds, no clouds at all."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    counts = draw(st.lists(st.integers(0, 4), max_size=6))
    k = draw(st.integers(1, 3))
    numbers = hnp.from_dtype(np.dtype(dtype), allow_nan=False)
    values = draw(hnp.arrays(dtype, (sum(counts), k), elements=numbers))
    m = draw(st.integers(0, 2)) if event_columns else 0
    events = draw(hnp.arrays(dtype, (len(counts), m), elements=numbers))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    names = ["pt", "y", "phi"][:k]
    return PointClouds(values, offsets, names, event_values=events, event_names=["met", "ht"][:m])


def bits(array):
    """Distinguishes what equality does not: 0.0 and -0.0."""
    return np.ascontiguousarray(array).view(np.uint8).tobytes()


def assert_same_bits(a, b):
    assert a == b
    assert bits(a.values) == bits(b.values)
    assert bits(a.event_values) == bits(b.event_values)


@given(clouds(event_columns=False))
def test_lists(X):
    assume(len(X))  # an empty list does not know its dtype
    assert_same_bits(PointClouds.from_lists(X.to_lists(), X.feature_names), X)


@given(clouds(event_columns=False))
def test_padded(X):
    padded, mask = X.to_padded()
    assert_same_bits(PointClouds.from_padded(padded, None, X.feature_names, padding=np.nan), X)
    zeros, mask = X.to_padded(fill=0.0)
    assert_same_bits(PointClouds.from_padded(zeros, mask, X.feature_names), X)
    if not np.any((X.values == 0).all(axis=1)):
        assert_same_bits(PointClouds.from_padded(zeros, None, X.feature_names, padding=0.0), X)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@given(X=clouds(event_columns=False))
def test_wide(library, X):
    table = X.to_wide()
    if library == "polars":
        table = pl.DataFrame({name: table[name].to_numpy() for name in table.columns})
    assert_same_bits(PointClouds.from_wide(table, X.feature_names, padding=np.nan), X)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@given(X=clouds(event_columns=False), seed=st.integers(0, 100))
def test_long(library, X, seed):
    ids = np.random.default_rng(seed).permutation(1000)[: len(X)]
    table = X.to_long("event", ids)
    table = table.sample(frac=1, random_state=seed)  # rows in any order; points of one event in a new order
    table["row"] = table.index.to_numpy()
    if library == "polars":
        table = pl.DataFrame({name: table[name].to_numpy() for name in table.columns})
    back, events = PointClouds.from_long(table, "event", (*X.feature_names, "row"), events=ids)
    np.testing.assert_array_equal(events, ids)
    back = back.sorted_by("row", descending=False)
    values = back.values[:, :-1].astype(X.values.dtype)
    assert_same_bits(PointClouds(values, back.offsets, X.feature_names), X)


def test_long_in_order_of_first_appearance():
    table = pd.DataFrame({"event": np.array([2**62, 5, 2**62 + 1, 5]), "pt": [1.0, 2.0, 3.0, 4.0]})
    X, ids = PointClouds.from_long(table, "event")
    np.testing.assert_array_equal(ids, [2**62, 5, 2**62 + 1])
    assert [cloud.ravel().tolist() for cloud in X] == [[1.0], [2.0, 4.0], [3.0]]
    with pytest.raises(ValueError, match="exactly once"):
        PointClouds.from_long(table, "event", events=[5, 2**62])
    with pytest.raises(ValueError, match="exactly once"):
        PointClouds.from_long(table, "event", events=[5, 5, 2**62, 2**62 + 1])
    with pytest.raises(ValueError, match="no columns \\['eta'\\]"):
        PointClouds.from_long(table, "event", ["eta"])


@given(clouds())
def test_awkward(X):
    assert_same_bits(PointClouds.from_awkward(X.to_awkward(), X.feature_names, X.event_names), X)


@given(clouds(event_columns=False), st.data())
def test_awkward_lists_of_records_in_any_layout(X, data):
    """Sliced and permuted arrays have offsets that do not start at 0, or an index of their own."""
    array = ak.zip({name: X.to_awkward()[name] for name in X.feature_names})
    ends = st.tuples(st.integers(0, len(X)), st.integers(0, len(X)))  # awkward trips over slices such as 2:0:2
    key = data.draw(st.one_of(ends.map(lambda pair: slice(*sorted(pair))), st.permutations(range(len(X)))))
    key = np.array(key, dtype=int) if isinstance(key, list) else key
    assert_same_bits(PointClouds.from_awkward(array[key]), X[key])


@given(clouds(), st.data())
def test_awkward_events_that_scikit_learn_picks(X, data):
    """It has no way to slice an awkward array, and makes a list of the events."""
    rows = data.draw(st.permutations(range(len(X)))) if len(X) else []
    if rows:
        array = X.to_awkward()
        picked = as_point_clouds(_safe_indexing(array, rows))
        assert_same_bits(picked, PointClouds.from_awkward(array)[rows])
        lists = ak.zip({name: array[name] for name in X.feature_names})
        assert_same_bits(as_point_clouds(_safe_indexing(lists, rows)), PointClouds.from_awkward(lists)[rows])


@pytest.mark.parametrize("array", [[[[1.0, 2.0], [3.0, 4.0]], [], [[5.0, 6.0]]], [[1.0, 2.0], [3.0]], [[1.0], [2.0]]])
def test_awkward_events_without_names_that_scikit_learn_picks(array):
    array = ak.Array(array)
    rows = list(range(len(array)))[::-1]
    assert as_point_clouds(_safe_indexing(array, rows)) == as_point_clouds(array)[rows]


def test_awkward_events_of_several_kinds_are_refused():
    one, other = ak.Array([[{"pt": 1.0, "eta": 2.0}]])[0], ak.Array([[{"pt": 3.0}]])[0]
    with pytest.raises(
        ValueError, match=r"entry 0 is Array with the fields \['pt', 'eta'\], entry 1 is Array with .*'pt'\]"
    ):
        as_point_clouds([one, other])
    record = ak.Array([{"pt": [1.0]}])[0]
    for wrong in (None, one, np.ones((2, 2))):
        with pytest.raises(ValueError, match=r"of one kind: entry 0 is Record .*, entry 1 is"):
            as_point_clouds([record, wrong])
    with pytest.raises(ValueError, match=r"a single event: X\[:1\], not X\[0\]"):
        as_point_clouds(record)


def test_awkward_events_of_several_arrays():
    records = [ak.Array([{"pt": [1.0, 2.0], "met": 5.0}])[0], ak.Array([{"pt": [], "met": 6.0}])[0]]
    assert as_point_clouds(records) == PointClouds(
        [[1.0], [2.0]], [0, 2, 2], ["pt"], event_values=[[5.0], [6.0]], event_names=["met"]
    )


def test_awkward_without_a_copy():
    values, offsets = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 2, 2, 6])
    layout = ak.contents.ListOffsetArray(ak.index.Index64(offsets), ak.contents.NumpyArray(values))
    X = PointClouds.from_awkward(ak.Array(layout), ["pt", "y", "phi"])
    assert X.values.ctypes.data == values.ctypes.data


def test_awkward_of_numbers_is_one_feature():
    X = PointClouds.from_awkward(ak.Array([[1.0, 2.0], [], [3.0]]), ["pt"])
    assert PointClouds([[1.0], [2.0], [3.0]], [0, 2, 2, 3], ["pt"]) == X
    regular = ak.from_numpy(np.ones((3, 2)), regulararray=True)
    np.testing.assert_array_equal(PointClouds.from_awkward(regular).counts, [2, 2, 2])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (ak.Array([1.0, 2.0]), "one list of points per event"),
        (ak.Array([{"a": [1.0], "b": [1.0, 2.0]}]), "'b' and 'a' have lists of different lengths"),
        (ak.Array([{"a": 1.0}]), "no field holds lists"),
        (ak.Array([[[1.0], [2.0, 3.0]]]), "points of as many numbers each"),
    ],
)
def test_awkward_errors(array, message):
    with pytest.raises(ValueError, match=message):
        PointClouds.from_awkward(array)


@pytest.mark.parametrize("kind", ["root", "parquet"])
@settings(max_examples=10, deadline=None)  # each writes a file
@given(X=clouds())
def test_files(tmp_path_factory, kind, X):
    path = tmp_path_factory.mktemp("files") / f"events.{kind}"
    if len(X) == 0:
        X = X[[]]
    if kind == "root":
        X.to_root(path)
        back = PointClouds.from_root(path, "events", X.feature_names, X.event_names)
    else:
        X.to_parquet(path)
        back = PointClouds.from_parquet(path)
    assert_same_bits(back, X)


def test_parquet_columns_can_be_chosen(tmp_path):
    X = PointClouds(np.ones((2, 2)), [0, 1, 2], ["pt", "y"], event_values=[[1.0], [2.0]], event_names=["met"])
    X.to_parquet(tmp_path / "events.parquet")
    back = PointClouds.from_parquet(tmp_path / "events.parquet", ["y"], [])
    assert back == PointClouds(np.ones((2, 1)), [0, 1, 2], ["y"])


def test_a_real_root_file_of_lists():
    """CMS open data: muons of 2421 events, some with none."""
    path = data_path("uproot-HZZ.root")
    names = ["Muon_Px", "Muon_Py", "Muon_Pz", "Muon_E"]
    X = PointClouds.from_root(path, "events", names, ["MET_px", "MET_py"])
    with uproot.open(path) as file:
        arrays = file["events"].arrays(library="np")
    np.testing.assert_array_equal(X.counts, arrays["NMuon"])
    assert X.counts.min() == 0
    for name in names:
        np.testing.assert_array_equal(X.column(name), np.concatenate(arrays[name]))
    np.testing.assert_array_equal(X.column("MET_py"), arrays["MET_py"])


def test_a_real_root_file_of_numbers():
    """Z to two muons, one branch each: E1, px1, ..., E2, px2, ...: a wide table."""
    with uproot.open(data_path("uproot-Zmumu.root")) as file:
        arrays = file["events"].arrays(filter_name=["E*", "p[xyz]*", "M"], library="np")
    table = pd.DataFrame(arrays)
    X = PointClouds.from_wide(table, ["E", "px", "py", "pz"], template="{feature}{point}")
    assert set(X.counts) == {2}
    total = X.values.reshape(-1, 2, 4).sum(axis=1)
    mass = np.sqrt(total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(axis=1))
    np.testing.assert_allclose(mass, table["M"], rtol=1e-3)  # the file's M comes from rounded momenta


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PointClouds.from_lists([np.ones(2)]), "entry 0 has shape \\(2,\\)"),
        (lambda: PointClouds.from_lists([np.ones((1, 2)), np.ones((1, 3))]), "widths \\[2, 3\\]"),
        (lambda: PointClouds.from_lists([]), "widths \\[\\]"),
        (lambda: PointClouds.from_padded(np.ones((2, 2))), "got shape \\(2, 2\\)"),
        (lambda: PointClouds.from_padded(np.ones((2, 2, 1)), np.ones((2, 3))), "mask must have shape \\(2, 2\\)"),
        (lambda: PointClouds.from_wide(pd.DataFrame({"a": [1.0]}), ["pT"]), "no column 'Jet 1 pT'"),
        (lambda: PointClouds.from_wide(pd.DataFrame({"Jet 1 pT": [1.0]}), ["pT", "m"]), "no columns \\['Jet 1 m'\\]"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("call", [PointClouds.from_wide, PointClouds.from_long])
def test_a_table_has_names(call):
    with pytest.raises(TypeError, match="a pandas or polars table with named columns, got ndarray"):
        call(np.ones((2, 2)), "pt")


def test_empty_lists_take_their_width_from_the_names():
    assert PointClouds.from_lists([[], []], ["pt", "y"]).values.shape == (0, 2)


@pytest.mark.parametrize(
    ("module", "extra"), [("awkward", "hep"), ("uproot", "hep"), ("pyarrow", "hep"), ("pandas", None)]
)
def test_a_missing_package_names_the_extra(monkeypatch, module, extra, tmp_path):
    monkeypatch.setitem(sys.modules, module, None)
    X = PointClouds(np.ones((1, 1)), [0, 1])
    calls = {
        "awkward": X.to_awkward,
        "uproot": lambda: X.to_root(tmp_path / "x.root"),
        "pyarrow": lambda: X.to_parquet(tmp_path / "x.parquet"),
        "pandas": X.to_wide,
    }
    what = "pandas" if extra is None else rf'"sklearn-ml4fp\[{extra}\]"'
    with pytest.raises(ImportError, match=rf"{module} is missing; install it with: pip install {what}"):
        calls[module]()
