"""Events with roles: real files against uproot and awkward by hand, every kind of file, alignment, cuts, and errors."""

import gc
import pickle
import re
import shutil
import threading

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import uproot
import vector
from skhep_testdata import data_path

from sklearn_ml4fp import EventKFold, EventSource, PointClouds, momentum_components
from sklearn_ml4fp.data._stream import Block

N = 60
RNG = np.random.default_rng(0)
COUNTS = RNG.integers(0, 4, N)
BIG = 2**53  # floats round integers beyond


def events_in_memory():
    n_jets, n_muons = int(COUNTS.sum()), int(COUNTS[::-1].sum())
    return ak.Array(
        {
            "Jet_pt": ak.unflatten(RNG.exponential(50, n_jets), COUNTS),
            "Jet_eta": ak.unflatten(RNG.normal(size=n_jets), COUNTS),
            "Muon_pt": ak.unflatten(RNG.exponential(30, n_muons), COUNTS[::-1]),
            "Muon_charge": ak.unflatten(RNG.choice([-1, 1], n_muons), COUNTS[::-1]),
            "MET_pt": RNG.exponential(20, N),
            "run": np.repeat(np.int32([1, 2]), N // 2),
            "event": BIG + np.arange(N, dtype=np.int64),
            "genWeight": RNG.choice([1.5, -0.5], N),
            "label": np.arange(N) % 2,
        }
    )


ARRAY = events_in_memory()
ROLES = {
    "features": ["MET_pt"],
    "collections": {"Jet": ["pt", "eta"], "Muon": ["pt", "charge"]},
    "target": "label",
    "weight": "genWeight",
    "event_id": ["run", "event"],
}


def to_root(path, array=ARRAY):
    with uproot.recreate(path) as file:
        branches = {name: array[name] for name in array.fields}
        file.mktree("Events", {name: branch.type.content for name, branch in branches.items()})
        file["Events"].extend(branches)


def table(array=ARRAY):
    return pa.table({name: ak.to_arrow(array[name], extensionarray=False) for name in array.fields})


WRITERS = {
    "x.root": to_root,
    "x.parquet": lambda path: pq.write_table(table(), path, row_group_size=7),
    "x.arrow": lambda path: pa.feather.write_feather(table(), path, compression="uncompressed"),
    "x.feather": lambda path: pa.feather.write_feather(table(), path, compression="lz4"),
}


def same(one, other):
    assert type(one.data) is type(other.data)
    assert (one.data == other.data) if isinstance(one.data, PointClouds) else np.array_equal(one.data, other.data)
    for name in ("target", "sample_weight", "groups"):
        np.testing.assert_array_equal(one[name], other[name])


# --- one description, every container ---


@pytest.mark.parametrize("name", WRITERS)
def test_every_file_gives_the_same_events(name, tmp_path):
    WRITERS[name](tmp_path / name)
    source = EventSource(tmp_path / name, **ROLES)
    same(source.read(), EventSource(ARRAY, **ROLES).read())
    pieces = list(source.chunks(11))
    assert [len(piece.data) for piece in pieces] == [11] * 5 + [5]
    assert PointClouds.concatenate([piece.data for piece in pieces]) == source.read().data
    np.testing.assert_array_equal(np.concatenate([piece.groups for piece in pieces]), source.read().groups)
    same(pickle.loads(pickle.dumps(EventSource(tmp_path / name, **ROLES))).read(), source.read())


FRAMES = {
    "pandas": lambda: pd.DataFrame({name: ARRAY[name].to_list() for name in ARRAY.fields}),
    "polars": lambda: pl.from_arrow(table()),
    "pyarrow": table,
}


@pytest.mark.parametrize("name", FRAMES)
def test_every_table_in_memory_gives_the_same_events(name):
    same(EventSource(FRAMES[name](), **ROLES).read(), EventSource(ARRAY, **ROLES).read())


def test_what_is_read():
    events = EventSource(ARRAY, **ROLES, dtype=np.float64).read()
    assert events.data.feature_names == ("pt", "eta", "charge", "Jet_kind", "Muon_kind")
    np.testing.assert_array_equal(events.data.counts, COUNTS + COUNTS[::-1])
    np.testing.assert_array_equal(events.data.column("MET_pt"), ARRAY.MET_pt)
    for i in range(N):  # jets, then muons; 0 for what they do not have
        pt, eta = np.asarray(ARRAY.Jet_pt[i]), np.asarray(ARRAY.Jet_eta[i])
        jets = np.stack([pt, eta, 0 * pt, 0 * pt + 1, 0 * pt], axis=1)
        pt, charge = np.asarray(ARRAY.Muon_pt[i]), np.asarray(ARRAY.Muon_charge[i])
        muons = np.stack([pt, 0 * pt, charge, 0 * pt, 0 * pt + 1], axis=1)
        np.testing.assert_array_equal(events.data[i], np.concatenate([jets, muons]))
    assert events.groups["event"].tolist() == ARRAY.event.to_list()  # exactly
    assert events.groups.dtype["event"] == np.int64
    np.testing.assert_array_equal(events.target, ARRAY.label)
    np.testing.assert_array_equal(events.sample_weight, ARRAY.genWeight)
    assert len(list(EventKFold(3).split(events.data, events.target, events.groups))) == 3


def test_a_table_without_collections():
    source = EventSource(
        ARRAY, features=["MET_pt", "run"], target=["MET_pt_true", "label"], derived={"MET_pt_true": "2 * MET_pt"}
    )
    events = source.read()
    assert events.data.dtype == np.float32
    assert events.target.shape == (N, 2)
    assert events.sample_weight is None
    assert events.groups is None
    frame = source.read(as_frame=True).data
    assert list(frame.columns) == events.feature_names == ["MET_pt", "run"]
    np.testing.assert_array_equal(frame, events.data)
    with pytest.raises(ValueError, match="leave out collections"):
        EventSource(ARRAY, **ROLES).read(as_frame=True)


def test_several_files_are_one_source(tmp_path):
    """A pattern in the order of names, a list in its own order; entries count through all files, before the cut."""
    to_root(tmp_path / "b.root", ARRAY[20:])
    to_root(tmp_path / "a.root", ARRAY[:20])
    whole = EventSource(ARRAY, **ROLES).read()
    source = EventSource(tmp_path / "*.root", **ROLES)
    assert source.n_entries == N
    same(source.read(), whole)
    same(EventSource([tmp_path / "a.root", str(tmp_path / "b.root")], tree="Events", **ROLES).read(), whole)
    for entries in ((3, 50), (25, 30), (0, 20), (40, None), (59, 1000)):
        some = slice(*entries)
        part = EventSource(f"{tmp_path}/*.root", **ROLES, entries=entries)
        assert part.n_entries == len(ARRAY[some])
        same(part.read(), EventSource(ARRAY[some], **ROLES).read())
    reverse = EventSource([tmp_path / "b.root", tmp_path / "a.root"], **ROLES).read()
    same(reverse, EventSource(ak.concatenate([ARRAY[20:], ARRAY[:20]]), **ROLES).read())


# --- cuts and derived columns ---


CUTS = {
    "MET_pt > 20": ARRAY.MET_pt > 20,
    "MET_pt > 20 and count(Jet_pt) >= 2": (ARRAY.MET_pt > 20) & (COUNTS >= 2),
    "(MET_pt > 20) & ~(run == 2)": (ARRAY.MET_pt > 20) & (ARRAY.run != 2),
    "any(Jet_pt > 50) or not 5 < MET_pt <= 9": ak.any(ARRAY.Jet_pt > 50, axis=1)
    | (ARRAY.MET_pt <= 5)
    | (ARRAY.MET_pt > 9),
    "max(Jet_pt) > 30": ak.fill_none(ak.max(ARRAY.Jet_pt, axis=1) > 30, False),  # no jet: no maximum
    "ht / 2 + abs(-MET_pt) > 40": ak.sum(ARRAY.Jet_pt, axis=1) / 2 + ARRAY.MET_pt > 40,
}


@pytest.mark.parametrize("cut", CUTS)
def test_cuts(cut):
    """As an expression and as a function, whole and in pieces; all that belongs to an event is cut alike."""
    kept = np.asarray(CUTS[cut])
    assert 0 < kept.sum() < N
    whole = EventSource(ARRAY[kept], **ROLES).read()
    source = EventSource(ARRAY, **ROLES, cut=cut, derived={"ht": "sum(Jet_pt)"})
    same(source.read(), whole)
    assert sum(len(piece.data) for piece in source.chunks(7)) == kept.sum()
    same(
        EventSource(
            ARRAY, **ROLES, cut="kept", derived={"kept": lambda columns: np.isin(columns["event"], ARRAY.event[kept])}
        ).read(),
        whole,
    )


@pytest.mark.parametrize("constant", ["1", lambda columns: 1.0], ids=["expression", "function"])
def test_a_derived_column_may_be_the_same_for_all_events(constant):
    """Signal and background in files of their own have no column of labels."""
    events = EventSource(ARRAY, features=["MET_pt"], target="label", derived={"label": constant}).read()
    assert events.target.tolist() == [1] * len(ARRAY)


def test_a_cut_and_derived_columns_by_functions():
    source = EventSource(
        ARRAY,
        features=["ht"],
        collections={"Jet": ["pt", "log_pt"]},
        cut=lambda columns: columns["ht"] > 50,
        derived={
            "ht": lambda columns: ak.sum(columns["Jet_pt"], axis=1),
            "Jet_log_pt": lambda columns: np.log(columns["Jet_pt"]),
        },
    )
    kept = ARRAY[ak.sum(ARRAY.Jet_pt, axis=1) > 50]
    data = source.read().data
    np.testing.assert_allclose(data.column("ht"), ak.sum(kept.Jet_pt, axis=1), rtol=1e-6)
    np.testing.assert_allclose(data.column("log_pt"), np.log(ak.flatten(kept.Jet_pt)), rtol=1e-6, atol=1e-6)


def test_a_function_may_ask_whether_there_is_a_column():
    def weight(columns):
        assert "Jet_pt" in columns
        assert "Jet_px" not in columns  # there is no azimuth to compute it
        assert columns.get("nothing") is None
        return columns.get("weight_up", columns["genWeight"])

    events = EventSource(ARRAY, features=["MET_pt"], weight="w", derived={"w": weight}).read()
    np.testing.assert_array_equal(events.sample_weight, ARRAY.genWeight)


UNSAFE = [
    "__import__('os').system('x')",
    "open('x')",
    "MET_pt.__class__()",
    "[x for x in MET_pt]",
    "MET_pt[0]",
    "lambda: 1",
    "f'{MET_pt}'",
    "sum(Jet_pt, axis=1)",
]


@pytest.mark.parametrize("text", UNSAFE)
def test_an_expression_is_no_program(text):
    with pytest.raises(ValueError, match="expected numbers, texts, names of columns"):
        EventSource(ARRAY, features=["MET_pt"], cut=text)


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ("MET_pt >", "is no expression"),
        ("MET_pt > 20 & run > 1", "bind before comparisons"),
        ("MET_pt", "expected True or False for each"),
        ("Jet_pt > 20", r"A list per event becomes one number by any"),
        ("sum(MET_pt) > 3", "one list per event, got one number"),
        ("MET_ptt > 3", r"no column 'MET_ptt' \(perhaps \['MET_pt'"),
    ],
)
def test_cuts_that_are_none(cut, message):
    with pytest.raises(ValueError, match=message):
        EventSource(ARRAY, features=["MET_pt"], cut=cut).read()


# --- real files ---


def momenta(array):
    return vector.zip({"px": array.fP.fX, "py": array.fP.fY, "pz": array.fP.fZ, "E": array.fE})


def test_lorentz_vectors():
    """HZZ with TLorentzVector and TVector2: components by vector, of all points of all events."""
    path = data_path("uproot-HZZ-objects.root")
    events = EventSource(
        path,
        features=["MET.pt", "MET.phi", "MC_lepton.eta"],
        collections={"jet": ["pt", "eta", "phi", "m", "btag"], "muonp4": ["px", "pt", "e"]},
        dtype=np.float64,
    ).read()
    with uproot.open(path) as file:
        array = file["events"].arrays(["jetp4", "jetbtag", "muonp4", "MET"])
    jets, muons = momenta(array.jetp4), momenta(array.muonp4)
    X = events.data
    of_jets = X.values[X.column("jet_kind") == 1]
    for i, theirs in enumerate((jets.pt, jets.eta, jets.phi)):
        np.testing.assert_allclose(of_jets[:, i], ak.flatten(theirs), rtol=1e-9)
    np.testing.assert_allclose(of_jets[:, 3], ak.flatten(jets.mass), atol=1e-3)
    np.testing.assert_array_equal(of_jets[:, 4], ak.flatten(array.jetbtag))
    of_muons = X.values[X.column("muonp4_kind") == 1]
    for name, theirs in (("px", muons.px), ("pt", muons.pt), ("e", muons.E)):
        np.testing.assert_allclose(of_muons[:, X.feature_names.index(name)], ak.flatten(theirs), rtol=1e-9)
    np.testing.assert_array_equal(X.counts, ak.num(jets) + ak.num(muons))
    np.testing.assert_allclose(X.column("MET.pt"), np.hypot(array.MET.fX, array.MET.fY))


@pytest.mark.parametrize("n_entries", [399, 798, 1000])
def test_chunks_that_end_with_a_basket_or_inside_of_one(n_entries):
    """The baskets of MET have 798 entries; those of the jets end elsewhere."""
    roles = {
        "features": ["MET.pt", "num_primaryvertex"],
        "collections": {"jet": ["pt", "btag"]},
        "weight": "eventweight",
    }
    source = EventSource(data_path("uproot-HZZ-objects.root"), **roles)
    whole, parts = source.read(), list(source.chunks(n_entries))
    assert PointClouds.concatenate([part.data for part in parts]) == whole.data
    np.testing.assert_array_equal(np.concatenate([part.sample_weight for part in parts]), whole.sample_weight)
    with source.loading() as load:  # and in another order
        backwards = [load(block).data for block in reversed(source.blocks(n_entries))]
    assert PointClouds.concatenate(backwards[::-1]) == whole.data


def test_blocks_end_where_the_baskets_of_the_wanted_branches_end(tmp_path):
    """So that no basket is decoded for two blocks; the baskets of what is not wanted do not matter."""
    with uproot.recreate(tmp_path / "x.root") as file:
        tree = file.mktree("t", {"a": np.float32, "b": np.float32})
        for start in range(0, 1000, 100):
            tree.extend({"a": np.arange(start, start + 100, dtype=np.float32), "b": np.zeros(100, dtype=np.float32)})
    source = EventSource(tmp_path / "x.root", features=["a"], derived={"b2": "b * 2"})
    blocks = source.blocks(250)
    assert [(block.start, block.stop) for block in blocks] == [(i, i + 200) for i in range(0, 1000, 200)]
    assert [block.stop for block in source.blocks(60)] == [i + 50 for i in range(0, 1000, 50)]  # equal parts of each
    with source.loading() as load:
        backwards = [load(block).data[:, 0] for block in reversed(blocks)]
    np.testing.assert_array_equal(np.concatenate(backwards[::-1]), np.arange(1000))


def test_columns_of_a_store_are_not_copied(tmp_path):
    """A small block of a large record batch would cost a copy of all of it."""
    columns = {name: np.arange(5000, dtype=np.float32) for name in "abc"}
    store = EventSource(pa.table(columns), features=["a", "b"], target="c").to_store(tmp_path / "x.arrow")
    with store.loading() as load:
        before = pa.total_allocated_bytes()
        events = load(Block(0, 1000, 1100))
        assert pa.total_allocated_bytes() == before
    np.testing.assert_array_equal(events.data[:, 1], np.arange(1000, 1100))


def test_what_has_loaded_blocks_keeps_nothing_of_the_files(tmp_path):
    """What a Parquet file says of its row groups takes 1 kB for each of their columns."""

    def n_kept():
        return sum(isinstance(one, (pq.ParquetFile, pq.FileMetaData)) for one in gc.get_objects())

    pq.write_table(pa.table({"a": np.arange(10.0)}), tmp_path / "x.parquet")
    gc.collect()
    before = n_kept()
    with EventSource(tmp_path / "x.parquet", features=["a"]).loading() as load:
        load(Block(0, 0, 10))
        assert n_kept() > before
    assert n_kept() == before  # at once: no cycle of references that the next collection ends


def test_a_local_root_file_is_read_by_the_thread_that_asks():
    before = set(threading.enumerate())
    with EventSource(data_path("uproot-HZZ-objects.root"), features=["MET.pt"]).loading() as load:
        load(Block(0, 0, 100))
        assert set(threading.enumerate()) == before


def test_delphes():
    """Lists of one entry are numbers of the event, PT and Mass are pt and m, and the file names its branches twice."""
    path = data_path("uproot-issue513.root")
    events = EventSource(
        path,
        tree="Delphes",
        collections={"Jet": ["pt", "m", "BTag"], "GenJet": ["pt"]},
        weight="Event.Weight",
        event_id="Event.Number",
        cut="count(Jet.PT) > 1",
    ).read()
    with uproot.open(path) as file:
        tree = file["Delphes"]
        pt, number = tree["Jet/Jet.PT"].array(), ak.flatten(tree["Event/Event.Number"].array())
        weight, tags = ak.flatten(tree["Event/Event.Weight"].array()), tree["Jet/Jet.BTag"].array()
    kept = ak.num(pt) > 1
    assert events.groups.tolist() == number[kept].to_list()
    assert events.groups.dtype == np.int64
    np.testing.assert_array_equal(events.sample_weight, weight[kept])
    jets = events.data.values[events.data.column("Jet_kind") == 1]
    np.testing.assert_array_equal(jets[:, 0], ak.flatten(pt[kept]))
    np.testing.assert_array_equal(jets[:, 2], ak.flatten(tags[kept]))


def test_records_within_records_and_vectors():
    jets = ak.zip({"pt": ARRAY.Jet_pt, "eta": ARRAY.Jet_eta, "phi": 0 * ARRAY.Jet_pt, "mass": 0 * ARRAY.Jet_pt + 5})
    array = ak.zip({"Jet": jets, "met": ak.zip({"pt": ARRAY.MET_pt})}, depth_limit=1)
    roles = {"features": ["met.pt"], "collections": {"Jet": ["pt", "pz", "e"]}, "dtype": np.float64}
    X = EventSource(array, **roles).read().data
    theirs = vector.zip({name: ak.flatten(jets[name]) for name in jets.fields})
    np.testing.assert_allclose(X.column("pz"), theirs.pz)
    np.testing.assert_allclose(X.column("e"), theirs.E)
    np.testing.assert_array_equal(X.column("met.pt"), ARRAY.MET_pt)
    spelled = ak.zip({"Jet": vector.zip({name: jets[name] for name in jets.fields}), "met": array.met}, depth_limit=1)
    again = EventSource(spelled, **roles).read().data  # as rho, phi, eta, tau
    np.testing.assert_allclose(again.values, X.values)


def test_missing_momentum_is_a_point():
    array = ak.with_field(ARRAY, RNG.uniform(-3, 3, N), "MET_phi")
    X = EventSource(array, collections={"Jet": ["pt"], "MET": ["pt", "phi"]}).read().data
    np.testing.assert_array_equal(X.counts, COUNTS + 1)
    np.testing.assert_allclose(X.column("pt")[X.column("MET_kind") == 1], ARRAY.MET_pt, rtol=1e-6)


# --- what is wrong is said once, with the name of the file, before an event is returned ---


def torn(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def other_names(path):
    to_root(path, ak.without_field(ARRAY, "Muon_pt"))


def lists(path):
    to_root(path, ak.with_field(ARRAY, ARRAY.Jet_pt, "MET_pt"))


def float_ids(path):
    to_root(path, ak.with_field(ARRAY, ak.values_astype(ARRAY.event, np.float64), "event"))


def other_tree(path):
    with uproot.recreate(path) as file:
        file["t"] = {"MET_pt": np.ones(3)}


BROKEN = {
    "torn": (lambda path: (to_root(path), torn(path)), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), r"is empty \(0 bytes\)"),
    "text": (lambda path: path.write_text("a,b\n1,2\n"), "is no file of ROOT, Parquet, Arrow, Feather, HDF5 or numpy"),
    "hdf5": (
        lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(60)),
        "cannot be read as a complete file of HDF5",
    ),
    "no column": (other_names, r"'Muon' has no 'pt'; it has \['Muon_charge'\]"),
    "lists": (lists, "'MET_pt' holds lists of numbers: expected one number per event"),
    "floats for ids": (float_ids, "floats cannot name an event"),
    "other tree": (other_tree, "no tree 'Events'; it holds"),
    "torn parquet": (
        lambda path: (pq.write_table(table(), path), torn(path)),
        "has no trees",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_broken_in_the_middle_of_a_pattern(name, tmp_path):
    write, message = BROKEN[name]
    for letter in "acd":
        to_root(tmp_path / f"{letter}.root")
    path = tmp_path / "b.root"
    write(path)
    for begin in (lambda source: source.read(), lambda source: next(source.chunks(5))):
        with pytest.raises(ValueError, match=rf"(?s)^{re.escape(str(path))}.*({message})"):
            begin(EventSource(tmp_path / "*.root", tree="Events", **ROLES))


def test_labels_of_two_types(tmp_path):
    to_root(tmp_path / "a.root")
    text = ak.with_field(ARRAY, ["signal"] * N, "label")
    pq.write_table(table(text), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b.parquet: target is text, but numbers in .*a.root"):
        EventSource([tmp_path / "a.root", tmp_path / "b.parquet"], **ROLES).read()


def test_a_basket_that_is_damaged_is_named(tmp_path):
    """What only decoding can find: the file opens, and its first entries are sound."""
    path = tmp_path / "x.root"
    shutil.copy(data_path("uproot-Zmumu.root"), path)
    with uproot.open(path) as file:
        place = int(file["events"]["px1"].member("fBasketSeek")[0])
        n = int(file["events"]["px1"].basket(0).compressed_bytes)
    content = bytearray(path.read_bytes())
    content[place + n // 2 : place + n] = bytes(n - n // 2)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x.root: the column 'px1' cannot be read from entry"):
        EventSource(path, features=["px1"]).read()


def test_files_without_entries_are_skipped(tmp_path):
    to_root(tmp_path / "a.root")
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mktree("Events", {"something": "float64"})
    pq.write_table(table(ARRAY[:0]), tmp_path / "c.parquet")
    paths = [tmp_path / name for name in ("b.root", "a.root", "c.parquet")]
    same(EventSource(paths, **ROLES).read(), EventSource(ARRAY, **ROLES).read())
    with pytest.raises(ValueError, match="0 entries"):
        EventSource(paths[::2], **ROLES).read()
    with pytest.raises(ValueError, match="60 entries, and none passes cut='MET_pt < 0'"):
        EventSource(ARRAY, **ROLES, cut="MET_pt < 0").read()


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file fits the pattern .*\*\.root"):
        EventSource(tmp_path / "*.root", features=["x"])
    with pytest.raises(FileNotFoundError, match=r"there is no file .*x\.root"):
        EventSource(tmp_path / "x.root", features=["x"]).read()
    for nothing in (3, [], {"x": [1.0]}, np.ones(3), np.ones((2, 3, 4))):
        with pytest.raises(TypeError, match="expected the path of a file"):
            EventSource(nothing, features=["x"])
    to_root(tmp_path / "a.root")
    with pytest.raises(ValueError, match=r"a\.root: there is no column 'x'; there are .*MET_pt, run, event"):
        EventSource(tmp_path / "a.root", features=["x"]).read()
    same(EventSource(f"{tmp_path / 'a.root'}:Events", **ROLES).read(), EventSource(ARRAY, **ROLES).read())


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({}, "no inputs"),
        ({"collections": {"Jet": []}}, "have no features"),
        ({"features": ["label"], "target": "label"}, r"\['label'\] are inputs and target at once"),
        ({"collections": {"Jet": ["pt"]}, "weight": "Jet_pt"}, "are inputs and weight at once"),
        ({"features": ["event"]}, "'event' holds integers beyond 16777216, which float32 rounds: an id is event_id="),
        ({"features": ["event"], "dtype": np.float64}, "integers beyond 2\\*\\*53"),
        ({"features": ["Jet_pt"]}, r"Lists are collections=, or, beside one, a target="),
        ({"features": ["MET_pt"], "dtype": int}, "expected float16, float32 or float64"),
        ({"features": ["MET_pt"], "entries": (-1, 3)}, r"expected \(first, last\)"),
        ({"features": ["a"], "derived": {"a": "b", "b": "a + 1"}}, r"\['a', 'b'\] need each other"),
        ({"features": ["a"], "derived": {"a": lambda columns: columns["MET_pt"][:-1]}}, "has 0 entries for 1 events"),
        ({"features": ["MET_pt"], "target": "gap", "derived": {"gap": "max(Jet_pt)"}}, "target 'gap' is missing in"),
        ({"features": ["MET_pt"], "weight": "gap", "derived": {"gap": "max(Jet_pt)"}}, "weight 'gap' is missing or"),
        (
            {"collections": {"x": ["a", "b"]}, "derived": {"x_a": "Jet_pt", "x_b": "Muon_pt"}},
            "lists of different lengths",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_roles_that_do_not_fit(roles, message):
    with pytest.raises(ValueError, match=message):
        EventSource(ARRAY, **roles).read()


def test_ids_of_two_integer_types_stay_exact(tmp_path):
    unsigned = ak.with_field(ARRAY, ak.values_astype(ARRAY.event, np.uint64), "event")
    to_root(tmp_path / "a.root")
    to_root(tmp_path / "b.root", unsigned)
    ids = EventSource(tmp_path / "*.root", **ROLES).read().groups["event"]
    assert ids.tolist() == 2 * ARRAY.event.to_list()


# --- components of momenta ---


def test_components_follow_from_each_other():
    known = {"pt": [30.0, 50.0], "eta": [0.5, -1.0], "phi": [1.0, -2.0], "mass": [0.0, 5.0]}
    theirs = vector.array({"pt": known["pt"], "eta": known["eta"], "phi": known["phi"], "mass": known["mass"]})
    cartesian = momentum_components(known, ["px", "py", "pz", "E", "y"])
    for name, values in cartesian.items():
        np.testing.assert_allclose(values, theirs.rapidity if name == "y" else getattr(theirs, name))
    back = momentum_components({name: cartesian[name] for name in ("px", "py", "pz", "E")}, list(known))
    for name in known:
        np.testing.assert_allclose(back[name], known[name], atol=1e-6)
    by_rapidity = momentum_components(
        {"pt": known["pt"], "rapidity": cartesian["y"], "m": known["mass"]}, ["pz", "eta"]
    )
    np.testing.assert_allclose(by_rapidity["pz"], cartesian["pz"])
    np.testing.assert_allclose(by_rapidity["eta"], known["eta"])
    by_energy = momentum_components({"e": cartesian["E"], "y": cartesian["y"]}, ["pz"])
    np.testing.assert_allclose(by_energy["pz"], cartesian["pz"])


def test_components_of_lists():
    lists = {"px": ak.Array([[3.0], [], [6.0, 0.0]]), "py": ak.Array([[4.0], [], [8.0, 1.0]])}
    assert momentum_components(lists, ["pt"])["pt"].to_list() == [[5.0], [], [10.0, 1.0]]
    with pytest.raises(ValueError, match="'e' does not follow from"):
        momentum_components(lists, ["e"])
    with pytest.raises(ValueError, match="no components of a momentum"):
        momentum_components(lists, ["btag"])
    with pytest.raises(ValueError, match="are both pt"):
        momentum_components({"pt": [1.0], "PT": [1.0]}, ["pt"])
    for py in ([[4.0], [1.0], [8.0]], [[4.0], [], [8.0]]):
        with pytest.raises(ValueError, match="different lengths"):
            momentum_components(lists | {"py": ak.Array(py)}, ["pt"])


# --- the page ---


def test_the_page(run_page):
    """Its snippets run, and give what uproot gives."""
    names = run_page("docs/event_source.rst")
    with uproot.open(data_path("uproot-HZZ.root")) as file:
        hzz = file["events"].arrays()
    hzz = hzz[ak.num(hzz.Muon_Px) >= 1]
    X = names["events"].data
    assert len(X) == len(hzz) == 2362
    jets = X.values[X.column("Jet_kind") == 1]
    theirs = vector.zip({"px": hzz.Jet_Px, "py": hzz.Jet_Py, "pz": hzz.Jet_Pz, "E": hzz.Jet_E})
    for i, one in enumerate((theirs.pt, theirs.eta, theirs.phi)):
        np.testing.assert_allclose(jets[:, i], ak.flatten(one), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(X.column("Charge")[X.column("Muon_kind") == 1], ak.flatten(hzz.Muon_Charge))
    np.testing.assert_array_equal(names["events"].target, hzz.triggerIsoMu24)
    np.testing.assert_allclose(names["events"].sample_weight, hzz.EventWeight)
    with uproot.open(names["scores"]) as file:
        friend = file["friend"].arrays(library="np")
    with uproot.open(data_path("uproot-Zmumu.root")) as file:
        muons = file["events"].arrays(library="np")
    X_muons = np.stack([muons[name] for name in ("pt1", "eta1", "pt2", "eta2")], axis=1).astype(np.float32)
    np.testing.assert_allclose(friend["score"], names["model"].predict_proba(X_muons)[:, 1], rtol=1e-5)
    np.testing.assert_array_equal(friend["Event"], muons["Event"])
    assert names["again"].read().data == X
    assert names["fewer"].read().data == X[X.column("MET_pt") > 20]
    nominal, up = names["nominal"].data, names["up"].data
    np.testing.assert_allclose(up.values, nominal.values * [1.02, 1, 1], rtol=1e-5)
    with uproot.open(data_path("uproot-small-dy-withoffsets.root")) as file:
        dy = file["tree"].arrays()
    nano = names["nano"]
    assert nano.groups.tolist() == dy.event.to_list()
    assert nano.groups.dtype == np.uint64
    points = nano.data.column("pt")[nano.data.column("Jet_kind") == 1]
    np.testing.assert_array_equal(points, ak.flatten(dy.Jet_pt))
    with uproot.open(data_path("uproot-Zmumu.root")) as file:
        z = file["events"].arrays(library="np")
    np.testing.assert_array_equal(names["zmumu"].target, z["M"])
    np.testing.assert_array_equal(names["zmumu"].data["pt2"], z["pt2"].astype(np.float32))
    assert names["zmumu"].groups["Event"].tolist() == z["Event"].tolist()
