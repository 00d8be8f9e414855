"""The messages made piece by piece, against the same block layer by layer."""

import copy
import pickle

import pytest
import torch

from sklearn_ml4fp.nn import _fused_edges, _linear, has_onednn, initialise
from sklearn_ml4fp.nn._edge_conv import EdgeBlock
from sklearn_ml4fp.nn._graph import NeighbourEdges, nearest_neighbours
from sklearn_ml4fp.nn._linear import product
from sklearn_ml4fp.nn._packed import Packed

COUNTS = torch.tensor([9, 30, 12, 7])


def block_and_points(n_layers, dtype=torch.float64):
    layout = {"n_layers": n_layers, "aggregation": "mean", "activation": "relu", "normalisation": "batch"}
    generator = torch.Generator().manual_seed(0)
    block = initialise(EdgeBlock(5, 8, 0, **layout), init="auto", activation="relu", generator=generator).to(dtype)
    with torch.no_grad():
        for norm in block.norms:  # scales of both signs, shifts that open and close
            norm.weight.normal_(generator=generator)
            norm.bias.normal_(generator=generator)
    return block.train(), torch.randn(int(COUNTS.sum()), 5, generator=generator, dtype=dtype)


def run(block, x, k, fused, edges=None):
    """Output, gradients of the points and of all weights, and running moments."""
    block, x = copy.deepcopy(block), x.clone().requires_grad_()
    block.published = fused
    packed = Packed(COUNTS, x)
    out = block(x, nearest_neighbours(x, packed, k) if edges is None else edges, packed, None)
    factor = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(out.dtype)
    gradients = torch.autograd.grad((out * factor).sum(), [x, *block.parameters()])
    return [out, *gradients, *block.buffers()]


@pytest.mark.parametrize("piece", [2**17, 200, 1])
@pytest.mark.parametrize("k", [4, 10])
@pytest.mark.parametrize("n_layers", [1, 2, 4])
def test_values_gradients_and_running_moments_are_the_same(n_layers, k, piece, monkeypatch):
    """In one piece and in many, the last one smaller; with 10 neighbours some points have fewer."""
    monkeypatch.setattr("sklearn_ml4fp.nn._fused_edges._PIECE", piece)
    block, x = block_and_points(n_layers)
    for found, expected in zip(run(block, x, k, True), run(block, x, k, False), strict=True):
        assert torch.allclose(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.skipif(not has_onednn(), reason="torch without oneDNN")
def test_onednn_makes_the_products_of_whole_pieces(monkeypatch):
    """The last one, of which each batch has another size, is left to torch."""
    monkeypatch.setattr(_fused_edges, "_PIECE", 8 * 4 * 10)  # ten points of four messages
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # with more the pieces are larger
    block, x = block_and_points(3, torch.float32)
    expected = run(block, x, 4, True)
    monkeypatch.setattr(_linear, "WIDE", 1)
    sizes = []
    monkeypatch.setattr(_fused_edges, "product", lambda x, weight: sizes.append(len(x)) or product(x, weight))
    for found, by_torch in zip(run(block, x, 4, True), expected, strict=True):
        torch.testing.assert_close(found, by_torch, rtol=1e-4, atol=1e-4)
    assert sizes == [40] * (2 * 2 * 5)  # of two layers, forward and backward, five of six pieces


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-3, -1e-3])
@pytest.mark.parametrize("shift", [-2.0, 0.0, 0.5, 40.0])
def test_scales_about_zero_are_the_same(scale, shift):
    """All messages are let through, or none: the hinge lies beyond all sums, at infinity for a scale of zero."""
    block, x = block_and_points(3)
    with torch.no_grad():
        for norm in block.norms:
            norm.weight[::2], norm.bias[::2] = scale, shift
    for found, expected in zip(run(block, x, 4, True), run(block, x, 4, False), strict=True):
        assert torch.allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_shift_that_is_no_number_is_not_hidden(layer, broken):
    block, x = block_and_points(2)
    with torch.no_grad():
        block.norms[layer].bias[3] = broken
    assert not torch.isfinite(run(block, x, 4, True)[0]).any(0).all()


def test_single_precision_keeps_six_digits_of_a_far_mean():
    """The spread is taken around a mean: features of 1000 ± 1 lose nothing to cancellation."""
    block, x = block_and_points(2, torch.float32)
    with torch.no_grad():
        block.first.weight.zero_()
        block.first.weight[:, 0] = 1.0
        x[:, 0] = 1000 + torch.linspace(-1, 1, len(x))
    expected = run(block.double(), x.double(), 4, False)[0]
    assert torch.allclose(run(block.float(), x, 4, True)[0].double(), expected, atol=5e-3)


def test_absent_neighbours_of_points_far_from_zero_cost_no_digits():
    """Features of 100 ± 1: the moments are those of the messages that are there, and not of zeros in their place."""
    block, x = block_and_points(1, torch.float32)
    edges = nearest_neighbours(x, Packed(COUNTS, x), 10)
    x[:, 0] += 100
    expected = run(block.double(), x.double(), 10, False, edges)
    for found, exact in zip(run(block.float(), x, 10, True, edges), expected, strict=True):
        assert torch.allclose(found.double(), exact, rtol=0, atol=1e-4 * exact.abs().max().item())


def test_one_point_goes_the_other_way():
    """With an edge to itself: of one message there is no variance."""
    block, x = block_and_points(2)
    edges, packed = NeighbourEdges(torch.zeros(1, 1, dtype=torch.long), None), Packed(torch.ones(1, dtype=int), x[:1])
    assert not block._can_fuse(x[:1], edges, packed, None)


def test_frozen_moments_stay():
    block, x = block_and_points(2)
    block.norms[1].eval()
    packed, before = Packed(COUNTS, x), block.norms[1].running_mean.clone()
    block(x, nearest_neighbours(x, packed, 4), packed, None)
    assert torch.equal(block.norms[1].running_mean, before)


@pytest.mark.parametrize("what", ["points", "weights"])
def test_what_changes_before_the_backward_pass_is_an_error(what):
    block, x = block_and_points(2)
    packed = Packed(COUNTS, x)
    points = x.clone().requires_grad_() * 1
    total = block(points, nearest_neighbours(x, packed, 4), packed, None).sum()
    with torch.no_grad():
        (points if what == "points" else block.layers[0].weight).mul_(3)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_points_without_neighbours_go_the_other_way():
    """Of a single edge, or none, there is no variance: the running moments stand in."""
    block, x = block_and_points(2)
    packed = Packed(torch.ones(3, dtype=torch.long), x[:3])
    edges = nearest_neighbours(x[:3], packed, 4)
    assert not block._can_fuse(x[:3], edges, packed, None)
    assert torch.isfinite(block(x[:3], edges, packed, None)).all()


def test_memory_is_used_again_and_its_old_numbers_do_no_harm():
    """Batches of other sizes, and two forward passes before the first backward pass."""
    block, x = block_and_points(3)
    k = 4

    def step(counts, passes):
        points, packed = x[: int(counts.sum())].clone().requires_grad_(), Packed(counts, x[: int(counts.sum())])
        edges = nearest_neighbours(points.detach(), packed, k)
        outs = [block(points, edges, packed, None) for _ in range(passes)]
        return [torch.autograd.grad(out.square().sum(), [points, *block.parameters()]) for out in outs]

    first = step(COUNTS, 1)
    room = block.memory.free[0].data_ptr()
    for counts, passes in ((torch.tensor([7, 12]), 2), (COUNTS, 1), (COUNTS[:2], 1)):
        found = step(counts, passes)
        assert room in [one.data_ptr() for one in block.memory.free]
        block.memory.free, used = [], block.memory.free
        expected = step(counts, passes)
        block.memory.free = used
        for a, b in zip(found, expected, strict=True):
            assert all(torch.equal(one, other) for one, other in zip(a, b, strict=True))
    assert all(torch.equal(one, other) for one, other in zip(first[0], step(COUNTS, 1)[0], strict=True))


def test_memory_is_given_back_and_not_saved():
    block, x = block_and_points(2)
    packed = Packed(COUNTS, x)
    block(x.requires_grad_(), nearest_neighbours(x.detach(), packed, 4), packed, None).sum().backward()
    assert block.memory.free
    assert not copy.deepcopy(block).memory.free
    assert not pickle.loads(pickle.dumps(block)).memory.free
    assert not block.eval().memory.free


def test_a_second_backward_pass_is_refused():
    block, x = block_and_points(2)
    packed = Packed(COUNTS, x)
    total = block(x.requires_grad_(), nearest_neighbours(x, packed, 4), packed, None).sum()
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="run forward again"):
        total.backward()


def test_only_the_published_layout_in_training_is_fused():
    block, x = block_and_points(2)
    packed = Packed(COUNTS, x)
    edges = nearest_neighbours(x, packed, 4)
    assert block._can_fuse(x, edges, packed, None)
    assert block._can_fuse(x, edges, packed, x.new_zeros(0))
    assert not block._can_fuse(x, edges, packed, x)
    assert not block.eval()._can_fuse(x, edges, packed, None)
    with torch.autocast("cpu", torch.bfloat16):
        assert not block.train()._can_fuse(x, edges, packed, None)
