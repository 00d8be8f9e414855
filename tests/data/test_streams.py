"""Streams of events: blocks in any order, shares, conditions and changes on the way, and files that break midway."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import EventSource

N = 1000
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {"a": RNG.normal(size=N), "b": np.arange(N) / 7, "label": np.arange(N) % 2, "event": np.arange(N) + 2**60}
)
ROLES = {"features": ["a", "b"], "target": "label", "event_id": "event"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for i, part in enumerate((TABLE[:400], TABLE[400:])):
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), folder / f"{i}.parquet", row_group_size=90)
        with uproot.recreate(folder / f"{i}.root") as file:
            file.mktree("t", {name: part[name].dtype for name in part})
            file["t"].extend({name: part[name].to_numpy() for name in part})
    return folder


def read_by_blocks(source, n):
    with source.loading() as load:
        return [load(block) for block in source.blocks(n)]


@pytest.mark.parametrize("suffix", ["parquet", "root"])
@pytest.mark.parametrize("n", [1, 40, 90, 200, 5000])
def test_blocks_cover_every_entry_once(files, suffix, n):
    source = EventSource(str(files / f"*.{suffix}"), **ROLES, entries=(30, 950))
    blocks = source.blocks(n)
    assert all(0 < block.stop - block.start <= n for block in blocks)
    ids = np.concatenate([part.groups for part in read_by_blocks(source, n)])
    assert np.array_equal(ids, TABLE.event[30:950])


def test_blocks_end_where_row_groups_end(files):
    source = EventSource(files / "1.parquet", **ROLES)
    assert [block.stop for block in source.blocks(100)] == [90, 180, 270, 360, 450, 540, 600]
    assert [block.stop for block in source.blocks(200)] == [180, 360, 540, 600]
    assert [block.stop for block in source.blocks(45)][:4] == [45, 90, 135, 180]


@pytest.mark.parametrize("n_shares", [1, 3])
def test_shares_are_disjoint_and_complete(files, n_shares):
    source = EventSource(str(files / "*.parquet"), **ROLES)
    ids = [part.groups for rank in range(n_shares) for part in read_by_blocks(source.share(rank, n_shares), 50)]
    assert np.array_equal(np.sort(np.concatenate(ids)), TABLE.event)
    halves = source.share(1, 2).share(0, 2).blocks(50)
    assert halves == source.blocks(50)[1::4]


def test_conditions_and_changes_follow_one_another(files):
    source = EventSource(str(files / "*.root"), **ROLES)
    odd = source.where(lambda events: events.target == 1).map(lambda data: data[:, 1:] * 2)
    events = odd.read()
    assert np.array_equal(events.groups, TABLE.event[1::2])
    np.testing.assert_allclose(events.data[:, 0], TABLE.b[1::2] * 2, rtol=1e-6)
    assert np.array_equal(np.concatenate([part.groups for part in odd.chunks(77)]), events.groups)
    assert len(source.read().data) == N  # the source itself is unchanged


def test_what_a_condition_or_a_change_may_not_do(files):
    source = EventSource(files / "0.root", **ROLES)
    with pytest.raises(ValueError, match="True or False for each of 400 events"):
        source.where(lambda events: events.target).read()
    with pytest.raises(ValueError, match="leave events out by where"):
        source.map(lambda data: data[1:]).read()
    with pytest.raises(ValueError, match="below n_shares=2"):
        source.share(2, 2)
    with pytest.raises(ValueError, match="memory must be an integer"):
        EventSource(files / "0.root", **ROLES, memory="1 GB")


def test_only_what_fits_is_held(files):
    source = EventSource(str(files / "*.parquet"), **ROLES, memory=8 * N)
    held, per_entry = source.held()
    assert per_entry == 8
    assert np.array_equal(held.groups, TABLE.event)
    assert EventSource(str(files / "*.parquet"), **ROLES, memory=8 * N - 1).held() == (None, 8.0)
    with pytest.raises(ValueError, match="has no event"):
        source.where(lambda events: events.target > 1).held()


def test_the_first_block_of_a_table_tells_that_it_does_not_fit(files, monkeypatch):
    """Where all events pass; else they are read until they are too many."""
    source, read = EventSource(str(files / "*.parquet"), **ROLES, memory=8 * 20), []
    events_of = EventSource._events
    monkeypatch.setattr(EventSource, "_events", lambda *args: read.append(args[1:]) or events_of(*args))
    monkeypatch.setattr("sklearn_ml4fp.data._stream._FIRST", 10)
    assert source.held() == (None, 8.0)
    assert len(read) == 1
    few = source.where(lambda events: events.groups < TABLE.event[20])
    assert np.array_equal(few.held()[0].groups, TABLE.event[:20])


def test_scikit_learn_is_told_what_to_do(files):
    with pytest.raises(TypeError, match=r"source\.read\(\)"):
        StandardScaler().fit(EventSource(files / "0.root", **ROLES))


@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_a_file_that_breaks_midway_is_named(files, tmp_path, suffix):
    whole = (files / f"0.{suffix}").read_bytes()
    broken = tmp_path / f"broken.{suffix}"
    broken.write_bytes(whole)
    source = EventSource([files / f"1.{suffix}", broken], **ROLES)
    assert source.n_entries == N
    middle = bytearray(whole)  # the description of the file stays, its events do not
    start = 1500 if suffix == "parquet" else whole.index(b"TBasket") + 60
    where = slice(start, start + 250)
    middle[where] = b"\xab" * (where.stop - where.start)
    broken.write_bytes(middle)
    with pytest.raises(ValueError, match=f"broken.{suffix}: the column"):
        read_by_blocks(source, 100)
