"""Stores: events that were read, cut and derived once come back in their roles, exactly, whole or not at all."""

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pytest

from sklearn_ml4fp import EventSource, PointClouds

N = 300
RNG = np.random.default_rng(3)
COUNTS = RNG.integers(0, 4, N)
ARRAY = ak.Array(
    {
        "Jet_pt": ak.unflatten(RNG.exponential(50, COUNTS.sum()), COUNTS),
        "Muon_pt": ak.unflatten(RNG.exponential(30, COUNTS[::-1].sum()), COUNTS[::-1]),
        "Muon_charge": ak.unflatten(RNG.choice([-1, 1], COUNTS[::-1].sum()), COUNTS[::-1]),
        "MET_pt": RNG.exponential(20, N),
        "run": np.repeat(np.int32([1, 2, 3]), N // 3),
        "event": 2**63 + np.arange(N, dtype=np.uint64),
        "genWeight": RNG.choice([1.5, -0.5], N),
        "label": np.where(np.arange(N) % 2, "signal", "background"),
        "mass": RNG.normal(125, 5, N),
    }
)
KINDS = {
    "table": {"features": ["MET_pt", "mass"]},
    "one collection": {"collections": {"Jet": ["pt"]}},
    "several collections": {"collections": {"Jet": ["pt"], "Muon": ["pt", "charge"]}, "features": ["MET_pt"]},
    "a point of the event": {"collections": {"Muon": ["pt"], "MET": ["pt"]}},
    "several targets": {"features": ["MET_pt"], "target": ["mass", "run"], "event_id": "event", "weight": None},
    "no label": {"features": ["MET_pt"], "target": None, "event_id": None, "weight": None},
    "double": {"features": ["MET_pt"], "collections": {"Jet": ["pt"]}, "dtype": np.float64},
    "half": {"features": ["MET_pt"], "dtype": np.float16},
    "derived": {"features": ["ht"], "derived": {"ht": "sum(Jet_pt)", "cat": "run + 1"}, "target": "cat"},
}
OTHERS = {"target": "label", "weight": "genWeight", "event_id": ["run", "event"], "cut": "MET_pt > 10"}


def same(one, other):
    assert type(one.data) is type(other.data)
    if isinstance(one.data, PointClouds):
        assert one.data == other.data
    for name in ("data", "target", "sample_weight", "groups"):
        if not isinstance(one[name], PointClouds):
            np.testing.assert_array_equal(one[name], other[name])
            assert getattr(one[name], "dtype", None) == getattr(other[name], "dtype", None)
    assert one.feature_names == other.feature_names


@pytest.mark.parametrize("name", KINDS)
def test_what_was_stored_comes_back(name, tmp_path):
    roles = OTHERS | KINDS[name]
    source = EventSource(ARRAY, **roles)
    expected, path = source.read(), tmp_path / "x.arrow"
    stored = source.to_store(path, n_entries=70)
    assert stored.n_entries == len(expected.data) < N
    for one in (stored, EventSource(str(path)), EventSource(tmp_path / "*.arrow")):
        same(one.read(), expected)
        assert (one.target, one.weight, one.event_id) == (roles["target"], roles["weight"], roles["event_id"])
    assert [p.name for p in tmp_path.iterdir()] == ["x.arrow"]
    same(stored.to_store(tmp_path / "again.arrow").read(), expected)
    same(stored.to_store(path).read(), expected)  # what it reads from is replaced


def test_more_may_be_asked_of_a_store(tmp_path):
    """Cuts, entries and other roles, as of every file."""
    EventSource(ARRAY, **OTHERS | KINDS["several collections"]).to_store(tmp_path / "x.arrow")
    whole = EventSource(tmp_path / "x.arrow").read()
    some = EventSource(tmp_path / "x.arrow", cut="MET_pt > 30 and count(points_pt) > 1", entries=(0, 100)).read()
    kept = (whole.data.column("MET_pt") > 30) & (whole.data.counts > 1) & (np.arange(len(whole.data)) < 100)
    assert some.data == whole.data[kept]
    np.testing.assert_array_equal(some.groups, whole.groups[kept])
    other = EventSource(tmp_path / "x.arrow", features=["MET_pt"], target="genWeight").read()
    np.testing.assert_array_equal(other.target, whole.sample_weight)
    assert other.groups is None


def test_a_store_of_changed_events(tmp_path):
    """After map and where: the columns are those of the result."""
    source = EventSource(ARRAY, **OTHERS | KINDS["several collections"])
    changed = source.map(lambda X: X.with_values(X.values * 2, X.feature_names)).where(
        lambda events: events.groups["run"] == 2
    )
    same(changed.to_store(tmp_path / "x.arrow").read(), changed.read())
    table = source.map(lambda X: np.stack([X.counts, X.event_values[:, 0]], axis=1).astype(np.float32))
    same(table.to_store(tmp_path / "y.arrow").read(), table.read())
    clash = EventSource(ARRAY, features=["MET_pt"], target="x1", derived={"x1": "run"}).map(lambda X: np.c_[X, X])
    with pytest.raises(ValueError, match=r"\['x1'\] would each be the name of two columns"):
        clash.to_store(tmp_path / "z.arrow")


def test_a_store_is_whole_or_not_there(tmp_path):
    path = tmp_path / "x.arrow"
    EventSource(ARRAY, **OTHERS | KINDS["table"]).to_store(path)
    before = path.read_bytes()

    def fails(columns):
        if columns.n_entries == 70:
            raise ValueError("no more")
        return columns["MET_pt"] > 0

    for bad, message in ((fails, "no more"), ("MET_pt < 0", "no event to be stored")):
        with pytest.raises(ValueError, match=message):
            EventSource(ARRAY, **{**OTHERS, "cut": bad}, features=["MET_pt"]).to_store(path, n_entries=230)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        EventSource(ARRAY, features=["MET_pt"]).to_store(tmp_path / "nowhere" / "x.arrow")
    path.write_bytes(before[: len(before) // 2])
    with pytest.raises(ValueError, match=r"x.arrow cannot be read as a complete file of Arrow"):
        EventSource(path)
    pa.feather.write_feather(pa.table({"x": [1.0]}), tmp_path / "other.arrow")
    with pytest.raises(ValueError, match="no inputs: name columns"):
        EventSource(tmp_path / "other.arrow")
