"""Packed events, neighbours, and what is reduced along edges, against loops over events and points."""

import math

import numpy as np
import pytest
import torch

from sklearn_ml4fp.nn import initialise
from sklearn_ml4fp.nn._edge_conv import EdgeConv
from sklearn_ml4fp.nn._graph import (
    ListedEdges,
    NeighbourEdges,
    edges_of,
    nearest_neighbours,
    squared_distances,
)
from sklearn_ml4fp.nn._layers import Norm, norm_edges
from sklearn_ml4fp.nn._packed import _LENGTHS, Packed, padded_length, pool, reduce_to

COUNTS = torch.tensor([5, 0, 1, 40, 2, 13, 0])


def drawn(counts, width, extra=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(int(counts.sum()) + extra, width, generator=generator, dtype=dtype)


def events_of(counts):
    """First and last row of each event."""
    ends = counts.cumsum(0).tolist()
    return [(end - n, end) for end, n in zip(ends, counts.tolist(), strict=True)]


def distance(a, b, periodic):
    square = 0.0
    for x, y, angle in zip(a.tolist(), b.tolist(), periodic, strict=True):
        difference = x - y
        if angle:
            difference = math.atan2(math.sin(difference), math.cos(difference))
        square += difference**2
    return square


@pytest.mark.parametrize("extra", [0, 3])
@pytest.mark.parametrize("k", [1, 4, 16])
@pytest.mark.parametrize("periodic", [(False, True), ()], ids=["cylinder", "euclidean"])
@pytest.mark.parametrize("spread", [0.1, 4])  # all within half a turn, and angles that wind around more than once
def test_neighbours_are_those_of_brute_force(periodic, k, extra, spread):
    width = len(periodic) or 7
    x = spread * drawn(COUNTS, width, extra)
    edges = nearest_neighbours(x, Packed(COUNTS, x), k, periodic)
    there = torch.ones(edges.index.shape, dtype=torch.bool) if edges.mask is None else edges.mask
    for first, last in events_of(COUNTS):
        for row in range(first, last):
            others = [other for other in range(first, last) if other != row]
            others.sort(key=lambda other: distance(x[row], x[other], periodic or [False] * width))
            assert set(edges.index[row][there[row]].tolist()) == set(others[:k])
    assert not there[int(COUNTS.sum()) :].any()
    rows = torch.arange(len(x))[:, None].expand_as(edges.index)
    assert torch.equal(edges.index[~there], rows[~there])


def test_no_mask_where_all_neighbours_are_there():
    x = drawn(torch.tensor([5, 9]), 2)
    assert nearest_neighbours(x, Packed(torch.tensor([5, 9]), x), 4).mask is None
    assert nearest_neighbours(x, Packed(torch.tensor([5, 9]), x), 5).mask is not None


def test_bfloat16_does_not_change_who_is_nearest():
    x = drawn(COUNTS, 2)
    expected = nearest_neighbours(x, Packed(COUNTS, x), 3)
    with torch.autocast("cpu", torch.bfloat16):
        found = nearest_neighbours(x, Packed(COUNTS, x), 3)
    assert torch.equal(found.index, expected.index)
    rounded = x.bfloat16()
    exact = nearest_neighbours(rounded.float(), Packed(COUNTS, x), 3)
    assert torch.equal(nearest_neighbours(rounded, Packed(COUNTS, x), 3).index, exact.index)


def test_neighbours_in_pieces_are_the_same(monkeypatch):
    """The bound on the memory of the distances changes nothing."""
    x = drawn(COUNTS, 2)
    expected = nearest_neighbours(x, Packed(COUNTS, x), 3, (False, True))
    monkeypatch.setattr("sklearn_ml4fp.nn._graph._DISTANCES", 50)
    found = nearest_neighbours(x, Packed(COUNTS, x), 3, (False, True))
    assert torch.equal(found.index, expected.index)
    assert torch.equal(found.mask, expected.mask)


def test_the_difference_of_angles_is_the_shorter_way_around():
    a, b = torch.tensor([[[3.1]]]), torch.tensor([[[-3.1], [3.0], [3.1 + 4 * math.pi]]])
    found = squared_distances(a, b, (True,)).flatten()
    assert found.tolist() == pytest.approx([(2 * math.pi - 6.2) ** 2, 0.01, 0.0], abs=1e-5)


def test_padding_in_buckets_is_under_a_fifth_on_average():
    """For any spread of sizes: a bucket's length is at most 1.3 times that of its events, 1.1 on average."""
    counts = torch.arange(1, 5000)
    ratio = padded_length(counts) / counts
    assert ratio.min() >= 1
    assert ratio.max() < 1.3
    assert (1 - 1 / ratio).mean() < 0.12
    assert torch.equal(_LENGTHS, _LENGTHS.sort().values)


def test_every_event_is_in_one_bucket_with_its_own_rows():
    x = drawn(COUNTS, 2, extra=2)
    packed = Packed(COUNTS, x)
    seen = {}
    for events, rows, mask in packed.buckets:
        for event, row, there in zip(events.tolist(), rows, mask, strict=True):
            seen[event] = row[there].tolist()
            assert (row[~there] == len(x)).all()
    assert seen == {i: list(range(*ends)) for i, ends in enumerate(events_of(COUNTS)) if COUNTS[i] > 0}
    assert packed.segment.tolist() == [i for i, n in enumerate(COUNTS.tolist()) for _ in range(n)] + [7, 7]


@pytest.mark.parametrize("how", ["mean", "max", "sum"])
def test_pool_is_that_of_each_event_alone(how):
    x = drawn(COUNTS, 3, extra=2)
    pooled = pool(x, Packed(COUNTS, x), how)
    for row, (first, last) in zip(pooled, events_of(COUNTS), strict=True):
        own = x[first:last].numpy()
        expected = getattr(np, how)(own, axis=0) if len(own) else np.zeros(3)
        np.testing.assert_allclose(row.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("how", ["mean", "max", "sum"])
def test_reduce_to_targets_in_any_order(how):
    target = torch.tensor([3, 0, 3, 1, 0, 3])
    x = drawn(torch.tensor([6]), 2)
    reduced = reduce_to(x, target, 5, how)
    for i in range(5):
        own = x[target == i].numpy()
        expected = getattr(np, how)(own, axis=0) if len(own) else np.zeros(2)
        np.testing.assert_allclose(reduced[i].numpy(), expected, rtol=1e-12)


def made_norm(d):
    layer = Norm("batch", d, -1).double()
    layer.reset_parameters()
    return layer


@pytest.mark.parametrize("empty", [False, True])
def test_torch_scatter_gives_the_same_maximum_and_gradient(empty, monkeypatch):
    pytest.importorskip("torch_scatter", reason="torch-scatter is not installed (the extra scatter)")
    x = drawn(torch.tensor([0 if empty else 40]), 3).requires_grad_()
    target = torch.randint(0, 9, (len(x),), generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr("sklearn_ml4fp.nn._packed._MANY", 0)
    results = []
    for native in (False, True):
        if native:
            monkeypatch.setattr("sklearn_ml4fp.nn._packed._torch_scatter", lambda: None)
        highest = reduce_to(x, target, 10, "max")
        results.append((highest, torch.autograd.grad(highest.square().sum(), x)[0]))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("how", ["mean", "max", "sum"])
@pytest.mark.parametrize("k", [3, 16])
def test_the_table_and_the_list_of_the_same_edges_agree(how, k):
    """The path that has one row of neighbours a point, and the one that has one row an edge: values and gradients."""
    x = drawn(COUNTS, 4).requires_grad_()
    table = nearest_neighbours(x, Packed(COUNTS, x), k)
    there = torch.ones_like(table.index, dtype=torch.bool) if table.mask is None else table.mask
    target = torch.arange(len(x))[:, None].expand_as(table.index)
    listed = ListedEdges(table.index[there], target[there], len(x))
    results = []
    for edges in (table, listed):
        messages = torch.tanh(edges.sources(x) - edges.targets(x))
        reduced = edges.reduce(norm_edges(made_norm(4), messages, edges.mask), how)
        results.append((reduced, torch.autograd.grad(reduced.square().sum(), x)[0]))
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("k", [3, 4])
@pytest.mark.parametrize("shuffle", [False, True])
def test_given_edges_become_a_table_in_training(shuffle, k):
    """Sorted by their ends or not, as many to every point or not: what arrives is the same as from the list."""
    counts = torch.tensor([5, 4, 9])
    x, generator = drawn(counts, 3), torch.Generator().manual_seed(2)
    table = nearest_neighbours(x, Packed(counts, x), k)
    rows = torch.stack([table.index.flatten(), torch.arange(len(x)).repeat_interleave(k)], dim=1)
    if table.mask is not None:
        rows = rows[table.mask.flatten()]
    rows = rows[torch.randperm(len(rows), generator=generator)] if shuffle else rows
    values = torch.randn(len(rows), 2, generator=generator, dtype=torch.float64)
    results = []
    for training in (False, True):
        edges, features = edges_of((rows, values), Packed(counts, x), training=training)
        assert isinstance(edges, NeighbourEdges if training else ListedEdges)
        messages = torch.cat([edges.sources(x) - edges.targets(x), features], dim=-1)
        results.append(edges.reduce(messages, "mean"))
    assert torch.allclose(*results, atol=1e-12)


def test_a_large_cloud_among_small_ones_fits():
    """All distances in 10 000 points, were they held at once and padded like the others, would take 51 GB."""
    counts = torch.tensor([50] * 127 + [10_000])
    x = drawn(counts, 5, dtype=torch.float32)
    network = EdgeConv(
        (3, 0, 0), 2, periodic=(False, True), n_blocks=2, n_layers=1, width=8, head_width=8, n_neighbors=8
    )
    initialise(network, init="auto", activation="relu", generator=torch.Generator().manual_seed(0))
    loss = network(x, counts, torch.zeros(128, 0)).square().sum()
    loss.backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())


def test_no_mask_keeps_the_shape():
    edges = NeighbourEdges(torch.zeros(4, 2, dtype=torch.long), None)
    assert edges.sources(torch.ones(4, 3)).shape == (4, 2, 3)
    assert edges.targets(torch.ones(4, 3)).shape == (4, 1, 3)
