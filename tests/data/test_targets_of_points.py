"""Targets and weights of points: read beside their collections, cut, sampled and stored with them."""

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sklearn_ml4fp import EventSource, Graphs, PointClouds, RaggedArray, ToTrackGraph, edge_labels, make_tracker_hits

EVENTS = make_tracker_hits(60, n_tracks=3, n_noise=1, random_state=0)
NAMES = EVENTS.data.feature_names
HITS = {"hit": list(NAMES)}


def lists(values):
    return ak.unflatten(np.ascontiguousarray(values), EVENTS.data.counts)


ARRAY = ak.Array(
    {f"hit_{name}": lists(EVENTS.data.column(name)) for name in NAMES}
    | {"hit_track": lists(EVENTS.target.values), "hit_particle": lists(EVENTS.particle.values)}
    | {"hit_w": lists(EVENTS.data.column("z") * 0.01), "weight": np.linspace(0.5, 2, 60), "event": np.arange(60)}
)
ROLES = {"collections": HITS, "target": {"hit": "track"}, "event_id": "event"}


@pytest.fixture(scope="module", params=["memory", "parquet", "root"])
def files(request, tmp_path_factory):
    if request.param == "memory":
        return ARRAY
    folder = tmp_path_factory.mktemp("hits")
    for i in range(2):
        part, path = ARRAY[i * 30 : i * 30 + 30], folder / f"{i}.{request.param}"
        if request.param == "parquet":
            pq.write_table(
                pa.table({name: ak.to_arrow(part[name], extensionarray=False) for name in part.fields}), path
            )
        else:
            with pytest.importorskip("uproot").recreate(path) as file:
                file.mktree("Events", {name: part[name].type.content for name in part.fields})
                file["Events"].extend({name: part[name] for name in part.fields})
    return str(folder / "*")


def test_they_are_read_with_their_points(files):
    events = EventSource(files, **ROLES, weight={"hit": "w"}).read()
    assert events.data == EVENTS.data
    assert events.target == EVENTS.target
    assert events.target.values.dtype.kind == "i"
    np.testing.assert_allclose(events.sample_weight.values, EVENTS.data.column("z") * 0.01, rtol=1e-6)
    assert events.sample_weight.offsets.tolist() == EVENTS.data.offsets.tolist()


def test_they_follow_their_events(files):
    """Through chunks, cuts, conditions, samples and shares: an event keeps its own values."""
    of_event = {int(i): particle for i, particle in enumerate(EVENTS.particle)}

    def check(events):
        assert events.target.offsets.tolist() == events.data.offsets.tolist()
        for i, particle in zip(events.groups, events.target, strict=True):
            np.testing.assert_array_equal(particle, of_event[int(i)])
        return len(events.data)

    source = EventSource(files, **ROLES | {"target": {"hit": "particle"}}, cut="event % 3 != 1")
    assert sum(map(check, source.chunks(25))) == 40
    assert sum(map(check, source.where(lambda events: events.groups > 20).chunks(25))) == check(
        EventSource(files, **ROLES | {"target": {"hit": "particle"}}, cut="event % 3 != 1 and event > 20").read()
    )
    assert check(source.sample(15)) == 15
    assert sum(check(one) for i in range(3) for one in source.share(i, 3).chunks(12)) == 40
    nothing = [source.where(lambda events: events.groups < 0)]
    assert [list(one.chunks()) for one in nothing] == [[]]


def test_several_targets_and_weights_of_event_and_point(files):
    source = EventSource(
        files, **ROLES | {"target": {"hit": ["track", "particle"]}},
        derived={"hit_both": "hit_track * weight"}, weight={"hit": "both"},
    )  # fmt: skip
    events = source.read()
    np.testing.assert_array_equal(events.target.values, np.stack([EVENTS.target.values, EVENTS.particle.values], 1))
    both = EVENTS.target.values * EVENTS.target.spread(np.linspace(0.5, 2, 60))
    np.testing.assert_allclose(events.sample_weight.values, both)


def test_several_collections():
    array = ak.Array(
        {"Jet_pt": [[1.0, 2.0], [], [3.0]], "Jet_flavour": [[5, 4], [], [0]]}
        | {"Muon_pt": [[], [7.0], [8.0, 9.0]], "Muon_prompt": [[], [1], [0, 1]]}
    )
    collections = {"Jet": ["pt"], "Muon": ["pt"]}
    events = EventSource(array, collections=collections, target={"Jet": "flavour", "Muon": "prompt"}).read()
    assert events.data.column("pt").tolist() == [1, 2, 7, 3, 8, 9]
    assert events.target == RaggedArray([5, 4, 1, 0, 0, 1], [0, 2, 3, 6])


@pytest.mark.parametrize(
    ("roles", "match"),
    [
        ({"target": {}}, r"a column of each of the collections \['hit'\]"),
        ({"target": {"hit": []}}, "a column of each of the collections"),
        ({"target": {"jet": "track"}}, "a column of each of the collections"),
        ({"target": {"hit": "z"}}, r"\['z'\] are features of points and target at once"),
        ({"weight": {"jet": "w"}}, "every point of an event has a weight"),
        ({"event_id": {"hit": "event"}}, "points have no id"),
        ({"target": {"hit": "nothing"}}, "has no 'nothing'"),
        ({"target": "hit_track"}, "a target= or weight= of its points, such as {'Jet': 'flavour'}"),
        ({"derived": {"hit_few": lambda c: c["hit_track"][:, :3]}, "target": {"hit": "few"}}, "one for each point"),
        ({"derived": {"hit_nan": "log(hit_track)"}, "target": {"hit": "nan"}}, "missing or infinite at"),
        ({"derived": {"hit_text": lambda c: ak.Array([["a"]] * len(c["event"]))}, "target": {"hit": "text"}}, "text"),
    ],
    ids=["none", "empty", "other", "input", "weight", "id", "absent", "no collection", "few", "NaN", "text"],
)  # fmt: skip
def test_what_cannot_be_a_target(roles, match):
    with pytest.raises(ValueError, match=match):
        EventSource(ARRAY, **ROLES | roles).read()


def test_a_store_keeps_them(tmp_path):
    source = EventSource(ARRAY, **ROLES | {"target": {"hit": ["track", "particle"]}}, weight={"hit": "w"})
    expected, stored = source.read(), source.to_store(tmp_path / "x.arrow", n_entries=7)
    for one in (stored.read(), EventSource(tmp_path / "x.arrow").read()):
        assert one.data == expected.data
        assert one.target == expected.target
        assert one.sample_weight == expected.sample_weight
        np.testing.assert_array_equal(one.groups, expected.groups)


def test_a_store_of_several_collections(tmp_path):
    array = ak.Array({"a_x": [[1.0], [2.0]], "a_t": [[3], [4]], "b_x": [[5.0], []], "b_u": [[6], []], "w": [1.0, 2.0]})
    source = EventSource(array, collections={"a": ["x"], "b": ["x"]}, target={"a": "t", "b": "u"}, weight="w")
    one, other = source.read(), source.to_store(tmp_path / "x.arrow").read()
    assert one.data == other.data
    assert one.target == other.target == RaggedArray([3, 6, 4], [0, 2, 3])
    np.testing.assert_array_equal(one.sample_weight, other.sample_weight)


def test_targets_and_weights_that_a_function_makes(tmp_path):
    source = EventSource(ARRAY, collections=HITS, event_id="event")
    counts = source.with_target(lambda events: events.data.counts).with_weight(lambda events: events.groups + 1)
    events = counts.read()
    np.testing.assert_array_equal(events.target, EVENTS.data.counts)
    np.testing.assert_array_equal(events.sample_weight, np.arange(60) + 1)
    stored = counts.to_store(tmp_path / "x.arrow")
    assert (stored.target, stored.weight) == ("target", "weight")
    np.testing.assert_array_equal(stored.read().target, EVENTS.data.counts)
    hits = EventSource(ARRAY, **ROLES)
    np.testing.assert_array_equal(hits.with_target(lambda e: e.data.counts).to_store(tmp_path / "y").read().target,
                                  EVENTS.data.counts)  # fmt: skip
    with pytest.raises(ValueError, match="one entry for each of 60 events, got 3"):
        source.with_target(lambda events: [1, 2, 3]).read()


def test_edges_of_a_source_are_labelled_as_in_memory(tmp_path):
    source = EventSource(ARRAY, **ROLES | {"target": {"hit": "particle"}})
    graphs = ToTrackGraph().fit_transform(source)
    in_memory = ToTrackGraph().fit_transform(EVENTS.data)
    wanted = edge_labels(in_memory, EVENTS.particle)
    labelled = edge_labels(graphs)
    events = labelled.read()
    assert events.data == in_memory
    assert events.target == wanted
    assert RaggedArray.concatenate([one.target for one in labelled.chunks(11)]) == wanted
    loose = edge_labels(graphs, layer=None).read().target
    assert loose == edge_labels(in_memory, EVENTS.particle, layer=None)
    with pytest.raises(ValueError, match="a store keeps points and no edges"):
        labelled.to_store(tmp_path / "x.arrow")
    connect = ToTrackGraph().fit(source)
    of_edges = source.with_target(lambda e: edge_labels(connect.transform(e.data), e.target))
    assert isinstance(of_edges.read().data, PointClouds)
    assert of_edges.read().target == wanted
    with pytest.raises(ValueError, match="belongs to edges"):
        of_edges.to_store(tmp_path / "x.arrow")
    with pytest.raises(TypeError, match="ToGraph makes them"):
        edge_labels(source).read()
    with pytest.raises(ValueError, match="labelled by its target"):
        edge_labels(graphs, EVENTS.particle)
    with pytest.raises(ValueError, match="labelled by its target"):
        edge_labels(ToTrackGraph().fit_transform(EventSource(ARRAY, collections=HITS)))


def test_the_memory_of_targets_counts():
    source = EventSource(ARRAY, collections=HITS, memory=EVENTS.data.nbytes)
    assert source.held()[0] is not None
    assert EventSource(ARRAY, **ROLES, memory=EVENTS.data.nbytes).held()[0] is None
    assert isinstance(ToTrackGraph().fit_transform(source).read().data, Graphs)
