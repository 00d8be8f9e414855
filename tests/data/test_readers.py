"""Files of every format: what is read of them and what is not, and one error for those that do not fit."""

import re

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import uproot

from sklearn_ml4fp import EventSource, PointClouds

N = 50
RNG = np.random.default_rng(1)
FRAME = pd.DataFrame(
    {
        "MET_pt": RNG.exponential(30, N),
        "ht": RNG.exponential(200, N).astype(np.float32),
        "label": np.arange(N) % 2,
        "weight": RNG.choice([1.5, -0.5], N),
        "event": 2**53 + np.arange(N, dtype=np.int64),
        "process": np.where(np.arange(N) % 3, "ttbar", "dy"),
    }
)
ROLES = {"features": ["MET_pt", "ht"], "target": "label", "weight": "weight", "event_id": "event"}


def rows(frame):
    """As a structured array of numpy, text included."""
    return np.rec.fromarrays(
        [frame[name].to_numpy("S5" if name == "process" else None) for name in frame], names=list(frame)
    ).view(np.ndarray)


def to_root(path, frame):
    with uproot.recreate(path) as file:
        file["Events"] = {name: frame[name].to_numpy() for name in frame if name != "process"}


def data_sets(path, frame):
    with h5py.File(path, "w") as file:
        for name in frame:
            file.create_dataset(
                f"Events/{name}", data=rows(frame)[name], chunks=(7,), maxshape=(None,), compression="gzip"
            )


def structured(path, frame):
    with h5py.File(path, "w") as file:
        file.create_dataset("Events", data=rows(frame), chunks=(7,), maxshape=(None,), compression="gzip")


WRITERS = {
    "root": to_root,
    "parquet": lambda path, frame: frame.to_parquet(path, row_group_size=8),
    "arrow": lambda path, frame: pa.feather.write_feather(frame, path, compression="uncompressed", chunksize=9),
    "lz4.arrow": lambda path, frame: pa.feather.write_feather(frame, path, compression="lz4", chunksize=9),
    "data sets.h5": data_sets,
    "structured.h5": structured,
    "pandas table.h5": lambda path, frame: frame.to_hdf(path, key="Events", format="table", mode="w"),
    "pandas columns.h5": lambda path, frame: frame.to_hdf(
        path, key="Events", format="table", data_columns=True, mode="w"
    ),
    "pandas fixed.h5": lambda path, frame: frame.drop(columns="process").to_hdf(
        path, key="a/Events", format="fixed", mode="w"
    ),
    "npy": lambda path, frame: np.save(path.open("wb"), rows(frame)),
}
each_format = pytest.mark.parametrize("name", WRITERS)


def same(one, other):
    np.testing.assert_array_equal(one.data, other.data)
    for name in ("target", "sample_weight", "groups"):
        np.testing.assert_array_equal(one[name], other[name])
        assert one[name].dtype == other[name].dtype


@each_format
def test_every_format_gives_the_same_events(name, tmp_path):
    path = tmp_path / f"x.{name}"
    WRITERS[name](path, FRAME)
    expected = EventSource(FRAME, **ROLES).read()
    assert expected.groups.tolist() == [2**53 + i for i in range(N)]
    same(EventSource(path, **ROLES).read(), expected)
    some = FRAME[(FRAME.MET_pt > 20) & (np.arange(N) >= 5) & (np.arange(N) < 43)]
    cut = EventSource(path, **ROLES, cut="MET_pt > 20", entries=(5, 43))
    same(cut.read(), EventSource(some, **ROLES).read())
    pieces = list(cut.chunks(10))
    np.testing.assert_array_equal(np.concatenate([piece.data for piece in pieces]), cut.read().data)
    for piece in pieces:  # its entries are those of the file
        low, high = piece.entries
        inside = some[(some.index >= low) & (some.index < high)]
        np.testing.assert_array_equal(piece.groups, inside.event)
    later = list(cut.chunks(10, first=pieces[1].entries[0]))
    np.testing.assert_array_equal(np.concatenate([p.groups for p in later]), [i for p in pieces[1:] for i in p.groups])
    if name not in ("root", "pandas fixed.h5"):
        events = EventSource(path, **{**ROLES, "target": "process"}, cut="process == 'ttbar'").read()
        assert events.target.tolist() == ["ttbar"] * (FRAME.process == "ttbar").sum()


def test_arrays_in_memory_and_mapped_to_it(tmp_path):
    expected = EventSource(FRAME, **ROLES).read()
    same(EventSource(rows(FRAME), **ROLES).read(), expected)
    table = FRAME[["MET_pt", "ht", "label"]].to_numpy(np.float32)
    mapped = np.memmap(tmp_path / "x.dat", dtype=np.float32, mode="w+", shape=table.shape)
    mapped[:] = table
    np.save(tmp_path / "x.npy", table)
    for array in (table, mapped, tmp_path / "x.npy"):
        events = EventSource(array, features=["x0", "x1"], target="x2", cut="x0 > 10").read()
        np.testing.assert_array_equal(events.data, table[table[:, 0] > 10, :2])
        np.testing.assert_array_equal(events.target, table[table[:, 0] > 10, 2])


def test_points_in_hdf5(tmp_path):
    """Points as structured data sets (n, n_points), as lists of varying lengths, in inner groups, and as matrices."""
    counts = RNG.integers(0, 5, N)
    pt = ak.unflatten(RNG.exponential(20, counts.sum()), counts)
    tracks = np.zeros((N, 4), dtype=[("pt", np.float32), ("d0", np.float64), ("valid", bool)])
    tracks["valid"] = np.arange(4) < counts[:, None]
    tracks["pt"] = np.where(tracks["valid"], RNG.exponential(20, (N, 4)), np.nan)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["jets"] = rows(FRAME)
        file["tracks"] = tracks
        lists = file.create_dataset("muons/pt", N, dtype=h5py.vlen_dtype(np.float64))
        for i, one in enumerate(pt):
            lists[i] = np.asarray(one)
        file["inputs"] = FRAME[["MET_pt", "ht"]].to_numpy(np.float32)
    events = EventSource(
        tmp_path / "x.h5",
        features=["jets.MET_pt", "inputs.1"],
        collections={"muons": ["pt"], "tracks": ["pt_there"]},
        derived={"tracks_pt_there": lambda columns: columns["tracks.pt"][columns["tracks.valid"]]},
        event_id="jets.event",
        cut="count(muons.pt) > 0",
    ).read()
    kept = counts > 0
    assert events.groups.tolist() == FRAME.event[kept].tolist()
    np.testing.assert_array_equal(events.data.column("inputs.1"), FRAME.ht[kept])
    muons = events.data.column("muons_kind") == 1
    np.testing.assert_allclose(events.data.values[muons, 0], ak.flatten(pt[kept]), rtol=1e-6)
    np.testing.assert_array_equal(events.data.column("pt_there")[~muons], tracks["pt"][kept][tracks["valid"][kept]])


def test_tables_of_an_hdf5_file(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a/events"], file["b/events"] = rows(FRAME), rows(FRAME[:10])
    with pytest.raises(ValueError, match=r"x.h5 .*lengths \{'a.events.MET_pt': 50.*expected one length. Name a"):
        EventSource(tmp_path / "x.h5", **ROLES).read()
    with pytest.raises(ValueError, match=r"there is no 'c'; it holds \['a', 'b'\]"):
        EventSource(tmp_path / "x.h5", tree="c", **ROLES).read()
    for tree in ("b", "b/events"):
        same(EventSource(tmp_path / "x.h5", tree=tree, **ROLES).read(), EventSource(FRAME[:10], **ROLES).read())


def test_names_in_a_file_are_not_run(tmp_path):
    """pandas pickles the names of columns; a file of somebody else may hold another pickle."""
    path = tmp_path / "x.h5"
    WRITERS["pandas table.h5"](path, FRAME)
    with h5py.File(path, "a") as file:
        file["Events/table"].attrs["values_block_0_kind"] = np.bytes_(b"cos\nsystem\n(S'touch " + b"run'\ntR.")
    with pytest.raises(ValueError, match=r"x.h5 .*the names of the columns need os.system"):
        EventSource(path, **ROLES).read()


# --- files that do not fit, between others ---


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@each_format
@pytest.mark.parametrize("what", ["truncated", "without bytes", "without a column", "lists in a column", "no entries"])
def test_one_error_names_the_file_before_an_event_is_returned(name, what, tmp_path):
    for letter in "acb":
        WRITERS[name](tmp_path / f"{letter}.x", FRAME)
    path, source = tmp_path / "b.x", EventSource(tmp_path / "*.x", **ROLES)
    message = "there is no column 'ht'"
    match what:
        case "truncated":
            halved(path)
            message = "cannot be read"
        case "without bytes":
            path.write_bytes(b"")
            message = r"is empty \(0 bytes\)"
        case "without a column":
            WRITERS[name](path, FRAME.drop(columns="ht"))
        case "lists in a column":  # of another format, to have them
            pq.write_table(pa.table({**FRAME.drop(columns="ht"), "ht": [[1.0]] * N}), path)
            message = "'ht' is lists of numbers, but numbers in"
        case "no entries":
            if "pandas" in name and "fixed" not in name:
                pytest.skip("pandas writes no table without rows")
            WRITERS[name](path, FRAME[:0])
            expected = EventSource(pd.concat([FRAME, FRAME]), **ROLES).read()
            same(source.read(), expected)
            return
    for begin in (source.read, lambda: next(source.chunks(5))):
        with pytest.raises(ValueError, match=rf"(?s)^{re.escape(str(path))}.*{message}"):
            begin()


def test_a_collection_that_is_a_number_in_another_file(tmp_path):
    """One number per event would be a collection of one point: read alone, both files are sound."""
    pq.write_table(pa.table({"MET_pt": [[1.0], [2.0, 3.0]]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"MET_pt": [1.0, 2.0]}), tmp_path / "b.parquet")
    roles = {"collections": {"MET": ["pt"]}}
    for name in "ab":
        EventSource(tmp_path / f"{name}.parquet", **roles).read()
    with pytest.raises(ValueError, match=r"b.parquet: the column 'MET_pt' is numbers, but lists of numbers in .*a.par"):
        EventSource(tmp_path / "*.parquet", **roles).read()


def test_an_error_without_a_text_has_its_kind(tmp_path, monkeypatch):
    to_root(tmp_path / "x.root", FRAME)

    def fails(path, **options):
        raise AssertionError

    monkeypatch.setattr(uproot, "open", fails)
    with pytest.raises(ValueError, match=r"x.root cannot be read as a ROOT file \(AssertionError\)"):
        EventSource(tmp_path / "x.root", **ROLES).read()


# --- what is not wanted is not read ---


def wreck(path, column, groups):
    """Overwrite the bytes of a column in some row groups."""
    metadata, content = pq.read_metadata(path), bytearray(path.read_bytes())
    for group in groups:
        chunk = metadata.row_group(group).column(metadata.schema.names.index(column))
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        content[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    path.write_bytes(content)


def test_columns_and_row_groups_of_parquet_that_are_not_decoded(tmp_path):
    path = tmp_path / "x.parquet"
    frame = FRAME.sort_values("MET_pt", ignore_index=True)
    frame.to_parquet(path, row_group_size=10)
    edge = float(frame.MET_pt[20])
    wreck(path, "process", range(5))  # a column without a role
    wreck(path, "ht", [0, 1])  # of row groups in which no event passes, as their statistics tell
    with pytest.raises(ValueError, match=r"x.parquet: the column 'ht' cannot be read"):
        EventSource(path, **ROLES).read()
    for cut in (f"MET_pt >= {edge}", f"{edge} <= MET_pt and weight != 7", f"(MET_pt >= {edge}) & (label >= 0)"):
        source = EventSource(path, **ROLES, cut=cut, entries=(20, None) if "label" in cut else None)
        same(source.read(), EventSource(frame[20:], **ROLES).read())
    same(
        EventSource(path, row_groups=[2, 4], **ROLES).read(),
        EventSource(frame.iloc[[*range(20, 30), *range(40, 50)]], **ROLES).read(),
    )
    for groups in ([5], [-1]):
        with pytest.raises(ValueError, match=r"x.parquet .*no row groups \[.*it has 5, counted from 0"):
            EventSource(path, row_groups=groups, **ROLES).read()
    to_root(tmp_path / "x.root", FRAME)
    with pytest.raises(ValueError, match="has no row groups"):
        EventSource(tmp_path / "x.root", row_groups=[0], **ROLES).read()


CUTS = [
    "x > 3",
    "x >= 3",
    "3 > x",
    "x <= 3 and x > -1",
    "x == 3",
    "x != 3",
    "not x > 3",
    "any(l > 3)",
    "x > 2 or y == 1",
    "-x < -3",
]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.float64])
def test_statistics_leave_out_no_event(cut, dtype, tmp_path):
    """NaN, gaps, numbers that float32 rounds, and constant row groups; against the same events without statistics."""
    x = np.repeat(np.array([0, 3, 4, 3, 5, -2], dtype=dtype), 4)
    y = [None, 1.0, float("nan"), 0.1] * 6
    table = pa.table({"x": x, "y": pa.array(y), "l": [[float(one)] * i for i, one in enumerate(x)]})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=4)
    roles = {"features": ["x"], "collections": {"l_all": ["l"]}, "derived": {"l_all_l": "l"}}
    np.testing.assert_array_equal(
        EventSource(tmp_path / "x.parquet", **roles, cut=cut).read().data.column("x"),
        EventSource(table, **roles, cut=cut).read().data.column("x"),
    )


def test_a_number_that_the_type_of_a_column_rounds(tmp_path):
    table = pa.table({"x": np.full(4, 0.1, dtype=np.float32)})
    pq.write_table(table, tmp_path / "x.parquet")
    for cut in ("x <= 0.1", "x >= 0.1", "x == 0.1"):
        assert len(EventSource(tmp_path / "x.parquet", features=["x"], cut=cut).read().data) == 4


def test_branches_are_read_only_where_an_event_passes(tmp_path):
    """Of ROOT, whose files have no statistics: a damaged basket in entries that the cut leaves out is not touched.

    Some releases of uproot read the next basket too where a chunk ends with one, so that the cut leaves out more.
    """
    path = tmp_path / "x.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": np.float64, "y": np.float64})
        for i in range(5):
            file["Events"].extend({"x": np.full(20, i, float), "y": RNG.normal(size=20)})
    with uproot.open(path) as file:
        y, n_bytes = file["Events/y"].array(library="np"), int(file["Events/y"].member("fBasketBytes")[2])
        place = int(file["Events/y"].member("fBasketSeek")[2])
    content = bytearray(path.read_bytes())
    content[place : place + n_bytes] = bytes(n_bytes)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x.root: the column 'y' cannot be read from entry (20|40)"):
        list(EventSource(path, features=["y"]).chunks(20))
    parts = list(EventSource(path, features=["y"], cut="(x < 1) | (x > 3)", dtype=float).chunks(20))
    np.testing.assert_array_equal(np.concatenate([part.data[:, 0] for part in parts]), y[np.r_[0:20, 80:100]])


def test_one_field_of_the_records_in_parquet(tmp_path):
    """Records of points are columns each: another field of them is not decoded."""
    jets = ak.zip({"pt": ak.Array([[50.0, 20.0], [], [30.0]]), "eta": ak.Array([[0.5, -1.0], [], [2.0]])})
    path = tmp_path / "x.parquet"
    for extension in (True, False):
        ak.to_parquet(ak.Array({"Jet": jets, "n": [2, 0, 1]}), path, extensionarray=extension)
        names = pq.read_metadata(path).schema.names
        paths = [pq.read_metadata(path).schema.column(i).path for i in range(len(names))]
        metadata, content = pq.read_metadata(path), bytearray(path.read_bytes())
        chunk = metadata.row_group(0).column(next(i for i, one in enumerate(paths) if one.endswith("eta")))
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        content[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
        path.write_bytes(content)
        X = EventSource(path, collections={"Jet": ["pt"]}, dtype=float).read().data
        assert PointClouds([[50.0], [20.0], [30.0]], [0, 2, 2, 3], ["pt"]) == X
        with pytest.raises(ValueError, match=r"the column 'Jet.eta' cannot be read"):
            EventSource(path, collections={"Jet": ["eta"]}).read()


def _with_missing(kind, folder):
    """A column of numbers and one of lists, with nulls at random, and what they hold."""
    rng = np.random.default_rng(3)
    numbers = np.where(rng.random(500) < 0.2, np.nan, rng.normal(size=500))
    column = pa.array(numbers, from_pandas=True)
    counts = rng.integers(0, 3, 500)
    points = pa.array(rng.normal(size=counts.sum()))
    table = pa.table({"x": column, "p_a": pa.ListArray.from_arrays(np.r_[0, np.cumsum(counts)], points)})
    if kind == "parquet":
        pq.write_table(table, folder / "x", row_group_size=130)
    elif kind == "arrow":
        pa.feather.write_feather(table, folder / "x", chunksize=130)
    if kind in ("parquet", "arrow"):
        return folder / "x", numbers
    if kind == "slices":
        return pa.concat_tables([table[:77], table[77:201], table[201:]]), numbers
    return table.to_pandas() if kind == "frame" else table, numbers


def test_lists_of_numbers_are_read_without_awkward(tmp_path, monkeypatch):
    """It takes 15 microseconds for a jet in a small block. Lists with gaps are read by awkward; all as in memory."""
    lists = [[1.5, 2.0], [], [3.0], [4.0, 5.0, 6.0], [7.0]]
    gaps = {"g_inside": [[0.5, None], [], [None], [1.0, 2.0, 3.0], [9.0]], "h_whole": [[1.0], None, [], [2.0], [3.0]]}
    table = pa.table(
        {"p_x": lists, "p_n": pa.array([[int(x) for x in one] for one in lists], type=pa.large_list(pa.int32()))}
        | {"d.y": lists, "number": np.arange(5)}
        | gaps
    )
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=3)
    collections = {"p": ["x", "n"], "d": ["y"], "g": ["inside"]}
    for cut in (None, "number != 3"):
        given = {"features": ["number"], "collections": collections, "cut": cut}
        file, memory = EventSource(tmp_path / "x.parquet", **given), EventSource(table, **given)
        assert file.read().data == memory.read().data
        blocks = file.blocks(2)
        with file.loading() as load:
            assert PointClouds.concatenate([load(block).data for block in blocks]) == memory.read().data
    with pytest.raises(ValueError, match=r"x.parquet: whole of h is missing \(None\) in 1 of 5 events"):
        EventSource(tmp_path / "x.parquet", collections={"h": ["whole"]}).read()
    monkeypatch.delattr("sklearn_ml4fp.data._arrow_files._from_arrow")
    assert len(EventSource(tmp_path / "x.parquet", collections={"p": ["x", "n"]}).read().data) == 5


@pytest.mark.parametrize("kind", ["parquet", "arrow", "table", "slices", "frame"])
@pytest.mark.parametrize("n", [3, 29, 64, 500])
def test_missing_numbers_stay_in_their_places(kind, n, tmp_path):
    """A slice of an arrow array has nulls that begin inside a byte."""
    files, wanted = _with_missing(kind, tmp_path)
    source = EventSource(files, features=["x"])
    found = np.concatenate([part.data for part in source.chunks(n)])
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-6)
    if kind != "frame":
        clouds = EventSource(files, features=["x"], collections={"p": ["a"]})
        found = np.concatenate([part.data.event_values for part in clouds.chunks(n)])
        np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-6)
