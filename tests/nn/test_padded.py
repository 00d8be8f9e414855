"""Networks on packed points compute the same of padded points, which a mask marks."""

import numpy as np
import pytest
import torch

from sklearn_ml4fp.nn import (
    DeepSets,
    EdgeConv,
    InteractionNetwork,
    MessagePassing,
    ParticleTransformer,
    initialise,
)
from sklearn_ml4fp.nn._graph import nearest_neighbours, smallest
from sklearn_ml4fp.nn._packed import Packed

ON_CYLINDER = {"periodic": (False, True)}
ROUNDS = {"n_blocks": 2, "n_layers": 2, "width": 8, "n_neighbors": 3}
OF_PAIRS = {"n_blocks": 2, "n_class_blocks": 2, "width": 8, "n_heads": 2, "pair_width": 4}
CASES = {
    "deep sets": (DeepSets, 3, {"n_layers": 2, "width": 8, "latent_width": 16}),
    "edge convolution": (EdgeConv, 5, {**ON_CYLINDER, **ROUNDS, "head_width": 16}),
    "maxima, in all features": (EdgeConv, 3, {"periodic": (), **ROUNDS, "head_width": 16, "aggregation": "max"}),
    "messages": (MessagePassing, 5, {**ON_CYLINDER, **ROUNDS, "pooling": "max"}),
    "isotropic messages": (MessagePassing, 5, {**ON_CYLINDER, **ROUNDS, "messages": "isotropic", "pooling": "sum"}),
    "interaction, of all points": (InteractionNetwork, 5, {**ON_CYLINDER, **ROUNDS, "n_neighbors": 30}),
    "attention": (ParticleTransformer, 6, {**ON_CYLINDER, **OF_PAIRS, "has_pt": True}),
    "attention without pairs": (ParticleTransformer, 3, {"periodic": (), **OF_PAIRS, "has_pt": False}),
}
COUNTS = torch.tensor([0, 1, 3, 9, 20, 2])


@pytest.mark.parametrize("normalisation", ["layer", "batch"])
@pytest.mark.parametrize("name", CASES)
def test_padding_changes_nothing(name, normalisation):
    make, d, settings = CASES[name]
    generator = torch.Generator().manual_seed(0)
    network = make((3, 1, 0)[: 2 if make is DeepSets else 3], 2, normalisation=normalisation, **settings)
    network = initialise(network, init="auto", activation="relu", generator=generator).eval().double()
    event = torch.randn(len(COUNTS), 1, generator=generator, dtype=torch.float64)
    points = torch.randn(len(COUNTS), 25, d, generator=generator, dtype=torch.float64)
    mask = torch.rand(len(COUNTS), 25, generator=generator).argsort(1) < COUNTS[:, None]  # with gaps
    with torch.no_grad():
        packed = network(points[mask], COUNTS, event)
        padded = network(points.flatten(0, 1), mask, event)
    np.testing.assert_allclose(padded, packed, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("n", [1, 2, 40, 256, 700])
def test_the_smallest_values_in_order(n, dtype):
    x = torch.randn(5, n, generator=torch.Generator().manual_seed(0)).round(decimals=1).to(dtype)  # with equal ones
    x[0, n // 2 :] = torch.inf
    k = min(n, 7)
    np.testing.assert_array_equal(smallest(x, k), x.numpy().argsort(axis=1, kind="stable")[:, :k])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_of_points_at_one_distance_the_first_are_neighbours(dtype):
    """On a square grid most points have four neighbours at the same distance."""
    grid = torch.cartesian_prod(torch.arange(6), torch.arange(6)).to(dtype)
    found = nearest_neighbours(grid, Packed(torch.tensor([36]), grid), 2, (False, False), training=dtype.itemsize == 4)
    assert found.index[14].tolist() == [8, 13]
