"""Ragged arrays are sliced, joined and compared like the events that they belong to."""

import pickle
import sys

import awkward as ak
import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, train_test_split

from sklearn_ml4fp import Graphs, PointClouds, RaggedArray, build_tracks, edge_labels

Y = RaggedArray([1, 0, 1, 1, 0], [0, 3, 3, 5])


def test_slices_are_those_of_a_list():
    events = [[1, 0, 1], [], [1, 0]]
    assert [one.tolist() for one in Y] == events
    for key in ([2, 0], np.array([True, False, True]), slice(1, None), slice(None, None, -1), [-1]):
        expected = np.array(events, dtype=object)[key]
        assert [one.tolist() for one in Y[key]] == list(expected)
    assert Y[2].tolist() == [1, 0]
    assert Y.shape == (3,)


def test_scikit_learn_splits_it_with_its_points():
    X = PointClouds(np.arange(10.0).reshape(5, 2), Y.offsets)
    for train, test in GroupKFold(3).split(X, Y, groups=[0, 1, 2]):
        assert (Y[train].counts == X[train].counts).all()
        assert len(Y[test]) == 1
    *_, y_test = train_test_split(X, Y, test_size=1, random_state=0)
    assert isinstance(y_test, RaggedArray)


def test_awkward_and_lists_are_its_inverse():
    assert RaggedArray.from_list(Y.to_awkward()) == Y
    assert RaggedArray.from_list(list(Y)) == Y
    assert RaggedArray.from_list([[], []]).counts.tolist() == [0, 0]
    assert ak.to_list(Y.to_awkward()) == [[1, 0, 1], [], [1, 0]]
    two = RaggedArray(np.arange(10.0).reshape(5, 2), Y.offsets)
    assert RaggedArray.from_list(list(two)) == two


def test_joined_copied_compared():
    assert RaggedArray.concatenate([Y[:1], Y[1:]]) == Y
    assert pickle.loads(pickle.dumps(Y)) == Y
    assert Y.with_values([1, 0, 1, 1, 1]) != Y
    assert RaggedArray(Y.values, [0, 2, 3, 5]) != Y
    assert RaggedArray([np.nan], [0, 1]) == RaggedArray([np.nan], [0, 1])
    assert Y.values.dtype == np.int64
    assert Y.spread([1.0, 2.0, 3.0]).tolist() == [1, 1, 1, 3, 3]


def test_memory_is_that_of_all_numbers():
    assert Y.nbytes == Y.values.nbytes + Y.offsets.nbytes
    nodes = GRAPHS.nodes.values.nbytes + GRAPHS.nodes.offsets.nbytes
    assert GRAPHS.nbytes == nodes + GRAPHS.edges.nbytes + GRAPHS.edge_offsets.nbytes
    assert sys.getsizeof(GRAPHS) > GRAPHS.nbytes  # by which Dask tells large objects from small ones


def test_it_is_no_array():
    with pytest.raises(TypeError, match="RaggedArray"):
        np.asarray(Y)
    with pytest.raises(ValueError, match="numbers, one per entry"):
        RaggedArray(["a"], [0, 1])
    with pytest.raises(ValueError, match="nothing to concatenate"):
        RaggedArray.concatenate([])


# --- labels of edges, and tracks ---

# two particles in three layers and a hit of noise; the second event is empty
LAYER = np.array([0, 1, 2, 0, 1, 1], dtype=float)
PARTICLE = RaggedArray([0, 0, 0, 1, 1, -1], [0, 6, 6])
NODES = PointClouds(LAYER[:, None], [0, 6, 6], ["layer"])
EDGES = np.array([[0, 1], [1, 2], [0, 2], [3, 4], [3, 1], [5, 5]])
GRAPHS = Graphs(NODES, EDGES, [0, 6, 6])


def test_an_edge_is_true_within_a_particle_and_between_neighbouring_layers():
    assert edge_labels(GRAPHS, PARTICLE).values.tolist() == [1, 1, 0, 1, 0, 0]
    assert edge_labels(GRAPHS, PARTICLE, layer=None).values.tolist() == [1, 1, 1, 1, 0, 0]


def test_tracks_are_what_edges_connect():
    tracks = build_tracks(GRAPHS, edge_labels(GRAPHS, PARTICLE))
    assert tracks.values.tolist() == [0, 0, 0, 1, 1, -1]
    twice = Graphs.concatenate([GRAPHS, GRAPHS])
    accepted = RaggedArray([0, 1, 0, 1, 0, 0] * 2, twice.edge_offsets)
    assert build_tracks(twice, accepted).values.tolist() == [-1, 0, 0, 1, 1, -1] * 2  # counted anew in each event
    assert build_tracks(twice, accepted)[[2]] == build_tracks(twice[[2]], accepted[[2]])


def test_what_does_not_fit_is_refused():
    with pytest.raises(TypeError, match="must be Graphs"):
        edge_labels(NODES, PARTICLE)
    with pytest.raises(TypeError, match="must be Graphs"):
        build_tracks(NODES, PARTICLE)
    with pytest.raises(TypeError, match="particle must be a RaggedArray"):
        edge_labels(GRAPHS, PARTICLE.values)
    with pytest.raises(ValueError, match="one number per hit"):
        edge_labels(GRAPHS, PARTICLE[:1])
    with pytest.raises(ValueError, match=r"one number per hit, got values of shape \(6, 2\)"):
        edge_labels(GRAPHS, PARTICLE.with_values(np.stack([PARTICLE.values] * 2, axis=1)))
    with pytest.raises(ValueError, match="there is no 'ring'"):
        edge_labels(GRAPHS, PARTICLE, layer="ring")
    with pytest.raises(ValueError, match="one 0 or 1 per edge"):
        build_tracks(GRAPHS, RaggedArray([0.5] * 6, [0, 6, 6]))
