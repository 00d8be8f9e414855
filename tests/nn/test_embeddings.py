"""Embeddings of numbers, against the package of their authors and against their formulas."""

import math

import numpy as np
import pytest
import rtdl_num_embeddings as theirs
import torch

from sklearn_ml4fp.nn import NUM_EMBEDDINGS, initialise, number_embedding

N, D, WIDTH = 40, 3, 5
RNG = np.random.default_rng(0)
X = torch.from_numpy(np.column_stack([RNG.normal(size=N), RNG.integers(0, 3, N), 3 * RNG.uniform(size=N)]))
EDGES = [[-1.0, -0.2, 0.5, 2.0], [0.0, 2.0], [0.0, 1.0, 2.5]]


def drawn(kind, edges=EDGES):
    """An embedding with random weights everywhere, in double precision."""
    embedding = number_embedding(kind, len(edges), WIDTH, scale=0.7, edges=edges).double()
    generator = torch.Generator().manual_seed(0)
    initialise(embedding, init="auto", activation="relu", generator=generator)
    with torch.no_grad():
        for parameter in embedding.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.3)
    return embedding


def test_piecewise_is_that_of_the_authors():
    """Also outside of the edges, and with other numbers of bins in each column."""
    ours = drawn("piecewise")
    reference = theirs.PiecewiseLinearEmbeddings(
        [torch.tensor(one) for one in EDGES], WIDTH, activation=False, version="B"
    ).double()
    weight = torch.zeros_like(reference.linear.weight)
    with torch.no_grad():
        for j, edges in enumerate(EDGES):  # theirs has the last bin of each column in the last place
            n = len(edges) - 1
            weight[j, : n - 1], weight[j, -1] = ours.pieces.weight[j, : n - 1], ours.pieces.weight[j, n - 1]
        reference.linear.weight.copy_(weight)
        reference.linear0.weight.copy_(ours.line.weight[:, 0])
        reference.linear0.bias.copy_(ours.line.bias.view(D, WIDTH))
    wide = torch.cat([X, 10 * X, -10 * X])
    torch.testing.assert_close(ours(wide), reference(wide).flatten(1), check_dtype=False, rtol=1e-5, atol=1e-5)


def test_periodic_is_that_of_the_authors():
    ours = drawn("periodic")
    reference = theirs.PeriodicEmbeddings(D, WIDTH, lite=False).double()
    with torch.no_grad():
        reference.periodic.weight.copy_(ours.waves.frequencies)
        reference.linear.weight.copy_(ours.linear.weight)
        reference.linear.bias.copy_(ours.linear.bias.view(D, WIDTH))
    torch.testing.assert_close(ours(X), reference(X).flatten(1))


def test_pbld_is_its_formula():
    ours = drawn("pbld")
    found = ours(X).view(N, D, WIDTH)
    torch.testing.assert_close(found[..., 0], X)
    for j in range(D):
        n = ours.waves.frequencies.shape[1]
        phases, biases = ours.waves.phases.view(D, n)[j], ours.linear.bias.view(D, WIDTH - 1)[j]
        waves = torch.cos(2 * math.pi * X[:, j, None] * ours.waves.frequencies[j] + phases)
        torch.testing.assert_close(found[:, j, 1:], waves @ ours.linear.weight[j] + biases)


@pytest.mark.parametrize("kind", NUM_EMBEDDINGS)
def test_a_column_is_embedded_by_itself(kind):
    embedding, other = drawn(kind), X.clone()
    other[:, 1] += 0.7
    same = torch.isclose(embedding(X), embedding(other)).view(N, D, WIDTH).all(0).all(1)
    assert same.tolist() == [True, False, True]


def test_a_piecewise_embedding_begins_as_a_straight_line():
    generator = torch.Generator().manual_seed(0)
    embedding = number_embedding("piecewise", D, WIDTH, scale=1.0, edges=EDGES).double()
    initialise(embedding, init="auto", activation="relu", generator=generator)
    torch.testing.assert_close(embedding(2 * X), 2 * embedding(X))


@pytest.mark.parametrize("edges", [[1.0], [0.0, 1e-40]], ids=["constant", "denormal"])
def test_a_column_without_bins_stays_a_straight_line(edges):
    embedding = drawn("piecewise", [edges, EDGES[0]])
    found = embedding(torch.ones(2, 2, dtype=torch.float64))
    assert found.isfinite().all()


def test_first_frequencies_have_the_scale_that_is_asked_for():
    embedding = number_embedding("periodic", 50, 4, scale=0.3)
    initialise(embedding, init="auto", activation="relu", generator=torch.Generator().manual_seed(0))
    assert embedding.waves.frequencies.std().item() == pytest.approx(0.3, rel=0.05)
