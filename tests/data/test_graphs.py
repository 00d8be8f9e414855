"""Graphs slice like point clouds, and their edges follow."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import _safe_indexing

from sklearn_ml4fp import Graphs, PointClouds


def make_graphs(counts, seed=0):
    """Every graph gets a random number of random edges; none where it has no node."""
    rng = np.random.default_rng(seed)
    counts = np.asarray(counts, dtype=int)
    nodes = PointClouds(rng.normal(size=(counts.sum(), 2)), np.concatenate([[0], np.cumsum(counts)]))
    edge_counts = np.where(counts > 0, rng.integers(0, 5, len(counts)), 0)
    size = np.repeat(counts, edge_counts)[:, np.newaxis]
    edges = rng.integers(0, np.broadcast_to(size, (len(size), 2))) if len(size) else np.zeros((0, 2), dtype=int)
    return Graphs(
        nodes, edges, np.concatenate([[0], np.cumsum(edge_counts)]), rng.normal(size=(len(edges), 1)), ["distance"]
    )


counts_lists = st.lists(st.integers(0, 4), min_size=1, max_size=10)


@given(counts_lists, st.data())
def test_slicing_keeps_each_graph_whole(counts, data):
    X = make_graphs(counts)
    index = data.draw(st.lists(st.integers(0, len(X) - 1), max_size=12))
    part = data.draw(st.slices(len(X)))
    for graphs, chosen in ((X[index], index), (_safe_indexing(X, part), np.arange(len(X))[part])):
        assert len(graphs) == len(chosen)
        for graph, i in zip(graphs, chosen, strict=True):
            for ours, original in zip(graph, X[int(i)], strict=True):
                np.testing.assert_array_equal(ours, original)


@given(counts_lists)
def test_flat_edges_join_the_same_nodes(counts):
    X = make_graphs(counts)
    joined = X.nodes.values[X.flat_edges()]
    one_by_one = [nodes[edges] for nodes, edges, _ in X]
    np.testing.assert_array_equal(joined, np.concatenate(one_by_one))


@given(counts_lists, counts_lists)
def test_concatenation_undoes_slicing(first, second):
    a, b = make_graphs(first), make_graphs(second, seed=1)
    joined = Graphs.concatenate([a, b])
    assert joined[: len(a)] == a
    assert joined[len(a) :] == b


def test_equality_pickle_repr():
    X = make_graphs([3, 0, 2])
    assert pickle.loads(pickle.dumps(X)) == X
    other = copy.deepcopy(X)
    other.edge_values[0] += 1
    assert other != X
    other = copy.deepcopy(X)
    other.nodes.values[0] += 1
    assert other != X
    assert X != 1
    assert repr(X).startswith("Graphs(3 graphs, 5 nodes, ")
    assert X.shape == (3,)
    with pytest.raises(TypeError, match="Graphs are ragged"):
        np.asarray(X)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edges": [[0, 2]], "edge_offsets": [0, 1, 1]}, "outside its graph"),
        ({"edges": [[-1, 0]], "edge_offsets": [0, 1, 1]}, "outside its graph"),
        ({"edges": [[0, 1]], "edge_offsets": [0, 0, 1]}, "outside its graph"),
        ({"edges": [[0.0, 1.0]], "edge_offsets": [0, 1, 1]}, "edges must be integers"),
        ({"edges": [0, 1], "edge_offsets": [0, 1, 1]}, "edges must be integers of shape"),
        ({"edges": [[0, 1]], "edge_offsets": [0, 1]}, "edge_offsets is for 1 graphs, nodes has 2"),
        ({"edges": [[0, 1]], "edge_offsets": [0, 1, 1], "edge_values": [[1.0], [2.0]]}, "2 rows for 1 edges"),
    ],
)
def test_wrong_parts_are_a_clear_error(changes, message):
    with pytest.raises(ValueError, match=message):
        Graphs(PointClouds(np.ones((3, 1)), [0, 2, 3]), **changes)


def test_other_errors():
    with pytest.raises(TypeError, match="nodes must be PointClouds"):
        Graphs(np.ones((2, 1)), [[0, 1]], [0, 1])
    with pytest.raises(ValueError, match="at least one"):
        Graphs.concatenate([])
    a = make_graphs([2])
    b = Graphs(a.nodes, a.edges, a.edge_offsets, a.edge_values, ["weight"])
    with pytest.raises(ValueError, match="different edge features"):
        Graphs.concatenate([a, b])
