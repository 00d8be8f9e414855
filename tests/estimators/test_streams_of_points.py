"""Streams with a target for every point or edge: the results in memory, with every kind of weight and split."""

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_ml4fp import (
    SCORERS,
    CrossFitClassifier,
    EventKFold,
    EventSource,
    InteractionNetworkClassifier,
    MessagePassingClassifier,
    MessagePassingRegressor,
    ParticleWise,
    RaggedArray,
    ToTrackGraph,
    TransformerClassifier,
    ZScoreScaler,
    edge_labels,
    investigate,
    make_tracker_hits,
    train_val_test_split,
    write_scores,
)
from sklearn_ml4fp.engine import _checkpoint

N = 520
HITS = make_tracker_hits(N, n_tracks=1, n_noise=3, random_state=0)
RNG = np.random.default_rng(1)
WEIGHT = RNG.choice([1.5, -0.4, 0.8], N)
OF_HIT = RNG.uniform(0.5, 2, len(HITS.target.values))
IDS = np.arange(N) // 2
MEMORY = 100_000  # bytes: less than the hits of all events take


def lists(values, keep):
    return ak.unflatten(np.ascontiguousarray(values), HITS.data.counts)[keep]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hits")
    keep = np.arange(N)
    columns = {f"hit_{name}": lists(HITS.data.column(name), keep) for name in HITS.data.feature_names}
    columns |= {"hit_track": lists(HITS.target.values, keep), "hit_particle": lists(HITS.particle.values, keep)}
    columns |= {"hit_momentum": lists(HITS.momentum.values, keep), "hit_w": lists(OF_HIT, keep)}
    columns |= {"weight": WEIGHT, "event": IDS}
    table = pa.table({name: pa.array(ak.to_list(column)) for name, column in columns.items()})
    for i in range(2):
        pq.write_table(table[i * 260 : i * 260 + 260], folder / f"{i}.parquet", row_group_size=100)
    return folder


def source_of(folder, memory=MEMORY, **roles):
    hits = {"collections": {"hit": list(HITS.data.feature_names)}, "target": {"hit": "track"}, "event_id": "event"}
    return EventSource(str(folder / "*.parquet"), **{**hits, **roles}, memory=memory)


def graphs_of(source, **params):
    return edge_labels(ToTrackGraph(**params).fit_transform(source))


SMALL = {"width": 4, "batch_size": N, "max_epochs": 2, "lr": 0.01, "random_state": 0, "coordinates": ()}
POINT, EDGE = {**SMALL, "output": "point", "n_blocks": 1}, {**SMALL, "output": "edge", "n_blocks": 1}
BOTH_WAYS = {"both_ways": True}
CASES = {
    "points": (MessagePassingClassifier(**POINT, n_neighbors=3), {}, None),
    "weights of events": (
        MessagePassingClassifier(**POINT, n_neighbors=3, class_weight="balanced"), {"weight": "weight"}, None,
    ),
    "weights of points": (
        MessagePassingClassifier(**POINT, n_neighbors=3, class_weight={0: 1, 1: 3}), {"weight": {"hit": "w"}}, None,
    ),
    "numbers": (MessagePassingRegressor(**POINT, n_neighbors=3), {"target": {"hit": "momentum"}}, None),
    "two numbers": (
        MessagePassingRegressor(**POINT, n_neighbors=3, early_stopping=False),
        {"target": {"hit": ["momentum", "particle"]}, "weight": {"hit": "w"}, "event_id": None}, None,
    ),
    "rows": (
        TransformerClassifier(output="point", width=4, n_heads=1, n_blocks=1, batch_size=N, max_epochs=2, lr=0.01,
                              random_state=0), {"weight": {"hit": "w"}}, None,
    ),
    "points of graphs": (MessagePassingClassifier(**POINT), {}, ToTrackGraph(both_ways=True)),
    "edges": (
        InteractionNetworkClassifier(**EDGE, class_weight="balanced", validation=EventKFold(4)),
        {"weight": "weight", "target": {"hit": "particle"}}, ToTrackGraph(),
    ),
}  # fmt: skip


def events_of(folder, roles, connect, memory):
    source = source_of(folder, memory=memory, **roles)
    if connect is None:
        return source
    graphs = connect.fit_transform(source)
    return edge_labels(graphs) if roles.get("target") == {"hit": "particle"} else graphs


@pytest.mark.parametrize("case", CASES)
def test_full_batches_give_what_they_give_in_memory(folder, case):
    network, roles, connect = CASES[case]
    stream, events = (events_of(folder, roles, connect, MEMORY), events_of(folder, roles, connect, 2**30).read())
    assert stream.held()[0] is None
    given = {"sample_weight": events.sample_weight, "groups": events.groups}
    wanted = network.fit(events.data, events.target, **given).history_, network.predict(events.data)
    score = network.score(events.data, events.target, sample_weight=events.sample_weight)
    network.fit(stream)
    for name in ("train_loss", "valid_loss"):
        if name in wanted[0]:
            np.testing.assert_allclose(network.history_[name], wanted[0][name], rtol=2e-4)
    found = network.predict(stream)
    assert found.offsets.tolist() == events.target.offsets.tolist()
    assert np.mean(np.isclose(found.values, wanted[1].values, rtol=1e-3)) > 0.999
    assert network.score(stream) == pytest.approx(score, abs=1e-3)


def test_what_fits_into_memory_is_read(folder):
    network = MessagePassingClassifier(**{**POINT, "batch_size": 64, "n_neighbors": 3})
    wanted = network.fit(HITS.data, HITS.target, groups=IDS).predict_proba(HITS.data)
    assert network.fit(source_of(folder, memory=2**30)).predict_proba(HITS.data) == wanted
    np.testing.assert_allclose(network.predict_proba(source_of(folder)).values, wanted.values, atol=1e-5)


def close(one, other, atol=1e-5):
    assert one.offsets.tolist() == other.offsets.tolist()
    np.testing.assert_allclose(one.values, other.values, atol=atol)


def test_every_prediction_of_a_source(folder):
    source = source_of(folder).where(lambda events: events.groups < 200)
    X = source.read().data
    network = MessagePassingClassifier(**{**POINT, "n_members": 2, "max_epochs": 1, "n_neighbors": 3})
    network.fit(X, source.read().target)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        close(getattr(network, method)(source), getattr(network, method)(X))
    for one, other in zip(
        network.predict_proba(source, return_std=True), network.predict_proba(X, return_std=True), strict=True
    ):
        close(one, other)
    width = MessagePassingRegressor(**{**POINT, "max_epochs": 1, "n_neighbors": 3}, loss="gaussian_nll")
    width.fit(X, RaggedArray(X.column("z"), X.offsets))
    close(width.predict(source, return_std=True)[1], width.predict(X, return_std=True)[1], atol=1e-2)
    with pytest.raises(ValueError, match="has no event"):
        network.predict(source.where(lambda events: events.groups < 0))


def test_metrics_of_every_epoch_a_source_to_watch_and_a_checkpoint(folder, tmp_path):
    train, val, test = train_val_test_split(source_of(folder))
    seen = [set(part.read().groups.tolist()) for part in (train, val, test)]
    assert all(seen)
    assert len(set.union(*seen)) == sum(map(len, seen))
    network = MessagePassingClassifier(
        **{**POINT, "batch_size": 64, "n_neighbors": 3}, metrics=["roc_auc", "average_precision"], monitor="roc_auc",
        checkpoint=str(tmp_path),
    )  # fmt: skip
    network.fit(train, X_val=val)
    events = val.read()
    best = network.history_["valid_roc_auc"].max()
    assert SCORERS["roc_auc"](network, events.data, events.target) == pytest.approx(best, abs=1e-6)
    accuracy = accuracy_score(events.target.values, network.predict(val).values)
    assert network.score(val) == pytest.approx(accuracy)


class Stops(Callback):
    """Breaks a fit off in an epoch, and counts those that begin."""

    epoch, n_begun = None, 0

    def on_epoch_begin(self, net, **kwargs):
        Stops.n_begun += 1
        if len(net.history) == Stops.epoch:
            raise RuntimeError("stopped")


def test_a_checkpoint_goes_on(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(_checkpoint, "_INTERVAL", 0.0)
    few = {"batch_size": 64, "n_neighbors": 3, "max_epochs": 4, "callbacks": [Stops()]}
    network = MessagePassingClassifier(**{**POINT, **few}, checkpoint=str(tmp_path))
    wanted = network.fit(source_of(folder)).predict_proba(HITS.data)
    monkeypatch.setattr(Stops, "epoch", 3)
    with pytest.raises(RuntimeError, match="stopped"):
        network.fit(source_of(folder))
    monkeypatch.setattr(Stops, "epoch", None)
    monkeypatch.setattr(Stops, "n_begun", 0)
    close(network.fit(source_of(folder)).predict_proba(HITS.data), wanted)
    assert Stops.n_begun < 4


def test_weights_of_edges_and_members(folder):
    """And parts one after the other."""
    graphs = graphs_of(source_of(folder, target={"hit": "particle"}))
    weighted = graphs.with_weight(lambda events: events.target.with_values(1.0 + 2 * events.target.values))
    events = weighted.read()
    network = InteractionNetworkClassifier(**EDGE, n_members=2)
    given = {"sample_weight": events.sample_weight, "groups": events.groups}
    score = network.fit(events.data, events.target, **given).score(events.data, events.target, events.sample_weight)
    wanted = [history["train_loss"] for history in network.history_]
    assert network.fit(weighted).score(weighted) == pytest.approx(score, abs=2e-3)
    np.testing.assert_allclose([history["train_loss"] for history in network.history_], wanted, rtol=2e-4)
    parts = InteractionNetworkClassifier(**EDGE)
    for chunk in graphs.chunks(200):
        parts.partial_fit(chunk.data, chunk.target, classes=[0, 1])
    assert parts.predict(graphs).offsets.tolist() == events.target.offsets.tolist()


def test_tracks_are_scored_on_the_hold_out(folder):
    """A metric that asks for the edges of the events gets them from the source."""
    graphs = edge_labels(ToTrackGraph().fit_transform(source_of(folder, target={"hit": "particle"})))
    parts = [graphs.where(lambda events: events.groups % 4 > 0), graphs.where(lambda events: events.groups % 4 == 0)]
    network = InteractionNetworkClassifier(**EDGE, metrics=["tracking_efficiency", "neg_fake_rate"])
    network.fit(parts[0], X_val=parts[1])
    val = parts[1].read()
    for name in ("tracking_efficiency", "neg_fake_rate"):
        measured = network.history_[f"valid_{name}"][network.best_epoch_ - 1]
        assert SCORERS[name](network, val.data, val.target) == pytest.approx(measured, abs=1e-2)
        assert SCORERS[name](network, parts[1], val.target) == pytest.approx(measured, abs=1e-2)
    with pytest.raises(ValueError, match="needs the edges of the events"):
        SCORERS["tracking_efficiency"](_Answers(network.predict_proba(val.data)), np.arange(3), val.target)


class _Answers:
    def __init__(self, answer):
        self.answer = answer

    def predict_proba(self, X):
        return self.answer


def test_a_pipeline_that_makes_the_graphs(folder):
    """As in memory, the target of a pipeline is that of its last step: labels of the edges that it makes."""
    source = source_of(folder, target={"hit": "particle"})
    connect = ToTrackGraph().fit(source)
    labelled = source.with_target(lambda events: edge_labels(connect.transform(events.data), events.target))
    model = make_pipeline(ToTrackGraph(), InteractionNetworkClassifier(**EDGE))
    y = edge_labels(connect.transform(HITS.data), HITS.particle)
    wanted = model.fit(HITS.data, y, interactionnetworkclassifier__groups=IDS).predict_proba(HITS.data)
    found = model.fit(labelled).predict_proba(source)
    assert found.offsets.tolist() == y.offsets.tolist()
    np.testing.assert_allclose(found.values, wanted.values, atol=1e-3)
    assert model.score(labelled) == pytest.approx(model.score(HITS.data, y), abs=2e-3)


def test_events_without_points(folder):
    """They are read, predicted and scored as the others, and teach nothing."""
    source = source_of(folder, cut="event % 5 > 0 or count(hit_r) > 1000")
    empty = EventSource(
        ak.Array({f"hit_{name}": [np.zeros(0, np.float32)] * 300 for name in (*HITS.data.feature_names, "track")}),
        collections={"hit": list(HITS.data.feature_names)}, target={"hit": "track"},
    )  # fmt: skip
    network = MessagePassingClassifier(**{**POINT, "n_neighbors": 3}).fit(source)
    assert len(network.predict(empty)) == 300
    assert len(network.predict(empty).values) == 0


@pytest.mark.parametrize(
    ("network", "roles", "match"),
    [
        (MessagePassingClassifier(**POINT), {"target": "weight", "event_id": None}, "target={'Hit': 'label'}"),
        (MessagePassingClassifier(**EDGE), {}, 'output="edge" needs events with edges'),
        (MessagePassingClassifier(**{**POINT, "output": "event"}), {}, 'pass output="point" or output="edge"'),
        (MessagePassingClassifier(**POINT), {"target": None}, "has no target"),
    ],
    ids=["of events", "of edges", "output of events", "none"],
)
@pytest.mark.parametrize("memory", [MEMORY, 2**30])
def test_what_a_source_must_say(folder, network, roles, match, memory):
    with pytest.raises((ValueError, TypeError), match=match):
        network.fit(source_of(folder, memory=memory, **roles))


@pytest.mark.parametrize("memory", [MEMORY, 2**30])
def test_values_of_points_are_not_those_of_edges(folder, memory):
    graphs = ToTrackGraph().fit_transform(source_of(folder, memory=memory))
    with pytest.raises(ValueError, match="one value for every edge of X"):
        InteractionNetworkClassifier(**EDGE).fit(graphs)
    weighted = ToTrackGraph().fit_transform(
        source_of(folder, target={"hit": "particle"}, memory=memory, weight={"hit": "w"})
    )
    with pytest.raises(ValueError, match="one weight for every value of y, or one per event"):
        InteractionNetworkClassifier(**EDGE).fit(edge_labels(weighted))
    with pytest.raises(ValueError, match="y came as well"):
        InteractionNetworkClassifier(**EDGE).fit(graphs, HITS.target)


@pytest.mark.parametrize("weight", [None, "weight", {"hit": "w"}], ids=["none", "events", "points"])
def test_cross_fits_are_those_in_memory_and_no_event_is_in_two_places(folder, weight):
    network = MessagePassingClassifier(**{**POINT, "n_neighbors": 3, "early_stopping": False})
    model = CrossFitClassifier(network, cv=2, scoring=SCORERS["roc_auc"])
    source, events = source_of(folder, weight=weight), source_of(folder, 2**30, weight=weight).read()
    model.fit(events.data, events.target, groups=events.groups, sample_weight=events.sample_weight)
    wanted = model.predict_proba(events.data, groups=events.groups), model.fold_scores_, model.oof_score_
    model.fit(source)
    close(model.predict_proba(source), wanted[0], atol=2e-3)
    np.testing.assert_allclose(model.fold_scores_, wanted[1], atol=5e-3)
    assert model.oof_score_ == pytest.approx(wanted[2], abs=5e-3)
    assert model.score(source) == pytest.approx(model.oof_score_)
    for fold, one in enumerate(model.estimators_):
        rows = np.flatnonzero(model.cv_.assign(events.groups) == fold)
        close(model.predict_proba(source)[rows], one.predict_proba(events.data[rows]))


def test_folds_of_a_source(folder):
    for train, test in EventKFold(2).split(source_of(folder)):
        parts = [one.read() for one in (train, test)]
        assert not set(parts[0].groups) & set(parts[1].groups)
        assert len(parts[0].target) + len(parts[1].target) == N
        assert all(part.target.offsets.tolist() == part.data.offsets.tolist() for part in parts)


@pytest.mark.parametrize("suffix", [".parquet", ".root"])
def test_scores_of_points_are_lists_beside_the_ids(folder, tmp_path, suffix):
    source = source_of(folder, cut="event < 60")
    events = source.read()
    classifier = MessagePassingClassifier(**{**POINT, "max_epochs": 1, "n_neighbors": 3})
    regressor = MessagePassingRegressor(**{**POINT, "max_epochs": 1, "n_neighbors": 3})
    regressor.fit(events.data, RaggedArray(HITS.data.values[: len(events.data.values), :2], events.data.offsets))
    classifier.fit(events.data, events.target)
    path = write_scores(source, classifier, tmp_path / f"scores{suffix}", n_entries=50)
    found = EventSource(path, collections={"one": ["score"]}, derived={"one_score": "score"}, event_id="event").read()
    np.testing.assert_array_equal(found.groups, events.groups)
    wanted = classifier.predict_proba(events.data)
    close(RaggedArray(found.data.values[:, 0], found.data.offsets), wanted.with_values(wanted.values[:, 1]), atol=1e-3)
    path = write_scores(source, regressor, tmp_path / f"numbers{suffix}")
    names = ["prediction_0", "prediction_1"]
    numbers = EventSource(path, collections={"a": names}, derived={f"a_{name}": name for name in names}).read()
    np.testing.assert_allclose(numbers.data.values, regressor.predict(events.data).values, rtol=1e-3, atol=1e-3)
    assert sorted(one.name for one in tmp_path.iterdir()) == [f"numbers{suffix}", f"scores{suffix}"]


def test_scores_of_points_go_on_after_a_run_that_was_killed(folder, tmp_path):
    source = source_of(folder, cut="event < 60")
    events = source.read()
    network = MessagePassingClassifier(**{**POINT, "max_epochs": 1, "n_neighbors": 3}).fit(events.data, events.target)
    with pytest.raises(RuntimeError, match="killed"):
        write_scores(source.map(_Dies()), network, tmp_path / "x.parquet", n_entries=50)
    assert len(list((tmp_path / "x.parquet.parts").iterdir())) >= 1
    table = pq.read_table(write_scores(source, network, tmp_path / "x.parquet", n_entries=50))
    wanted = network.predict_proba(events.data).values[:, 1]
    np.testing.assert_allclose(np.concatenate(table["score"].to_pylist()), wanted, atol=1e-3)
    with pytest.raises(RuntimeError, match="killed"):
        write_scores(source.map(_Dies()), network, tmp_path / "y.parquet", n_entries=50)
    other = MessagePassingClassifier(**POINT).fit(events.data, events.target.with_values(1 - events.target.values))
    with pytest.raises(ValueError, match="of other events or of another model"):
        write_scores(source, other, tmp_path / "y.parquet")


class _Dies:
    calls = 0

    def __call__(self, X):
        self.calls += 1
        if self.calls == 2:
            raise RuntimeError("killed")
        return X


@pytest.mark.parametrize("memory", [MEMORY, 2**30])
def test_the_report_of_events_leaves_targets_of_points_out(folder, memory):
    with pytest.warns(UserWarning, match="made without a target"):
        report = investigate(source_of(folder, memory=memory, weight={"hit": "w"}))
    assert report.n_events == N
    assert len(report.classes) == 1


def test_transformers_of_points_take_their_weights(folder):
    scalers = [
        ParticleWise(ZScoreScaler()).fit(source_of(folder, memory, weight={"hit": "w"})) for memory in (MEMORY, 2**30)
    ]
    weights = RaggedArray(OF_HIT, HITS.data.offsets)
    scalers.append(ParticleWise(ZScoreScaler()).fit(HITS.data, HITS.target, sample_weight=weights))
    z = HITS.data.column("z").astype(float)
    mean = np.average(z, weights=OF_HIT)
    for scaler in scalers:
        found = scaler.transform(HITS.data).column("z")
        np.testing.assert_allclose(found, (z - mean) / np.sqrt(np.average((z - mean) ** 2, weights=OF_HIT)), atol=1e-4)


@pytest.mark.parametrize("memory", [MEMORY, 2**30])
def test_a_scaler_and_graphs_in_front_of_a_network(folder, memory):
    """Of a source, of arrays, and whatever the target belongs to."""
    scaler, source = ParticleWise(ZScoreScaler(), columns=["r", "z"]), source_of(folder, memory)
    model = make_pipeline(scaler, MessagePassingClassifier(**POINT, n_neighbors=3))
    wanted = model.fit(HITS.data, HITS.target, messagepassingclassifier__groups=IDS).predict_proba(HITS.data)
    close(model.fit(source).predict_proba(source), wanted, atol=2e-3)
    labels = edge_labels(ToTrackGraph().fit_transform(HITS.data), HITS.particle)
    ParticleWise(ZScoreScaler()).fit(HITS.data, labels)
