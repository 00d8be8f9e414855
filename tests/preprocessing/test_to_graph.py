"""Edges of points: against a loop over all pairs."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import MessagePassingClassifier, PointClouds, ToGraph, ToTrackGraph, make_tracker_hits
from sklearn_ml4fp._kinematics import wrap_phi

RNG = np.random.default_rng(0)
COUNTS = np.array([5, 0, 1, 12, 2])
JETS = PointClouds(
    np.column_stack([RNG.normal(size=20), RNG.uniform(-np.pi, np.pi, 20)]), np.r_[0, np.cumsum(COUNTS)], ["eta", "phi"]
)


def edges_of(graphs, i):
    _, edges, _ = graphs[i]
    return {tuple(edge) for edge in edges.tolist()}


def test_neighbours_are_the_nearest_ones_across_the_seam_of_the_azimuth():
    graphs = ToGraph(n_neighbors=3).fit_transform(JETS)
    for i, points in enumerate(JETS):
        expected = set()
        for target, point in enumerate(points):
            distance = np.hypot(points[:, 0] - point[0], wrap_phi(points[:, 1] - point[1]))
            distance[target] = np.inf
            nearest = np.argsort(distance)[: min(3, len(points) - 1)]
            expected |= {(int(source), target) for source in nearest}
        assert edges_of(graphs, i) == expected
    rows = graphs.flat_edges()
    difference = JETS.values[rows[:, 0]] - JETS.values[rows[:, 1]]
    np.testing.assert_allclose(graphs.edge_values[:, 0], difference[:, 0], atol=1e-12)
    np.testing.assert_allclose(graphs.edge_values[:, 1], wrap_phi(difference[:, 1]), atol=1e-12)
    assert graphs.edge_names == ("delta_eta", "delta_phi")


def test_equal_points_have_no_edge_to_themselves():
    same = PointClouds(np.ones((8, 2)), [0, 5, 8])
    graphs = ToGraph(n_neighbors=2).fit_transform(same)
    assert (graphs.edges[:, 0] != graphs.edges[:, 1]).all()
    assert (np.bincount(graphs.flat_edges()[:, 1]) == 2).all()


def test_chosen_coordinates():
    graphs = ToGraph(n_neighbors=1, coordinates=("eta",)).fit_transform(JETS[[3]])
    eta = JETS[3][:, 0]
    distance = np.abs(eta[:, None] - eta) + np.diag(np.full(12, np.inf))
    assert edges_of(graphs, 0) == {(int(source), target) for target, source in enumerate(distance.argmin(axis=1))}


def all_pairs(hits, delta_phi, delta_z):
    return {
        (i, j)
        for i, a in enumerate(hits)
        for j, b in enumerate(hits)
        if b[3] == a[3] + 1 and abs(wrap_phi(b[1] - a[1])) <= delta_phi and abs(b[2] - a[2]) <= delta_z
    }


@pytest.mark.parametrize("delta_phi", [0.05, 2.0])
def test_windows_hold_all_pairs(delta_phi):
    hits = make_tracker_hits(4, n_tracks=8, n_noise=3, random_state=0).data
    hits = PointClouds(hits.values.astype(float), hits.offsets, hits.feature_names)
    graphs = ToTrackGraph(delta_phi=delta_phi, delta_z=200.0).fit_transform(hits)
    for i, points in enumerate(hits):
        expected = all_pairs(points, delta_phi, 200.0)
        assert edges_of(graphs, i) == expected
        assert len(graphs[i][1]) == len(expected)  # each once
    source, target = (hits.values[rows] for rows in graphs.flat_edges().T)
    delta_r, turn, along, slope, z0 = graphs.edge_values.T
    np.testing.assert_allclose(delta_r, target[:, 0] - source[:, 0])
    np.testing.assert_allclose(slope, turn / delta_r)
    for hit in (source, target):  # both lie on the line
        np.testing.assert_allclose(z0 + along / delta_r * hit[:, 0], hit[:, 2], atol=1e-9)


def test_both_ways():
    hits = make_tracker_hits(3, n_tracks=5, n_noise=1, random_state=0).data
    one, both = (ToTrackGraph(both_ways=way).fit_transform(hits) for way in (False, True))
    for i in range(3):
        assert edges_of(both, i) == edges_of(one, i) | {(b, a) for a, b in edges_of(one, i)}
    back = {tuple(edge): row for edge, row in zip(both.flat_edges().tolist(), both.edge_values, strict=True)}
    for (a, b), row in zip(one.flat_edges().tolist(), one.edge_values, strict=True):
        np.testing.assert_allclose(back[b, a], row * [-1, -1, -1, 1, 1])


@pytest.mark.parametrize("make", [ToGraph(n_neighbors=3), ToTrackGraph()], ids=["ToGraph", "ToTrackGraph"])
def test_an_event_alone_has_the_edges_that_it_has_among_others(make):
    hits = make_tracker_hits(6, n_tracks=5, random_state=0).data
    whole = clone(make).fit_transform(hits)
    for i in range(6):
        alone = clone(make).fit_transform(hits[i : i + 1])
        np.testing.assert_array_equal(alone.edges, whole[i][1])


def test_a_network_takes_the_graphs_in_a_pipeline():
    events = make_tracker_hits(20, n_tracks=3, n_noise=1, random_state=0)
    y = np.arange(20) % 2
    model = make_pipeline(ToTrackGraph(both_ways=True), MessagePassingClassifier(width=8, max_epochs=1, random_state=0))
    assert model.fit(events.data, y).predict_proba(events.data).shape == (20, 2)


def test_errors():
    hits = make_tracker_hits(2, n_tracks=3, random_state=0).data
    with pytest.raises(ValueError, match="there is no 'r'"):
        ToTrackGraph().fit(JETS)
    with pytest.raises(ValueError, match="name one feature"):
        ToGraph(coordinates=()).fit(JETS)
    with pytest.raises(ValueError, match="there is no 'z'"):
        ToGraph(coordinates=("z",)).fit(JETS)
    spoiled = JETS.with_values(np.where(JETS.values > 1, np.nan, JETS.values), ["eta", "phi"])
    with pytest.raises(ValueError, match="NaN or infinity"):
        ToGraph().fit(JETS).transform(spoiled)
    with pytest.raises(ValueError, match="whole numbers"):
        ToTrackGraph().fit_transform(hits.with_values(hits.values + 0.5, hits.feature_names))
    flat = hits.values.copy()
    flat[:, 0] = 30.0
    with pytest.raises(ValueError, match="the same r"):
        ToTrackGraph().fit_transform(hits.with_values(flat, hits.feature_names))
