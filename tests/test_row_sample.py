"""Rows drawn from a sequence that comes in pieces: all of them, or a random choice that the pieces do not change."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_ml4fp._row_sample import RowSample

RNG = np.random.default_rng(0)
X, WEIGHTS = RNG.normal(size=(1000, 2)), RNG.normal(1, 0.5, size=1000)
WEIGHTS[::7] = 0


def drawn(most, size, weights=WEIGHTS):
    sample = RowSample(most)
    for i in range(0, 1000, size):
        sample.add(X[i : i + size], None if weights is None else weights[i : i + size])
    return sample.read()


@pytest.mark.parametrize("most", [1000, 857, 100, 1])
def test_the_pieces_change_nothing(most):
    whole = drawn(most, 1000)
    assert len(whole) == min(most, 857)  # those of weight zero are not there
    for size in (64, 500):
        assert_array_equal(drawn(most, size).X, whole.X)
        assert_array_equal(drawn(most, size).weights, whole.weights)
    places = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in whole.X]
    assert places == sorted(places)
    assert_array_equal(whole.weights, WEIGHTS[places])


def test_all_rows_and_columns_of_few():
    assert_array_equal(drawn(1000, 100, None).X, X)
    assert drawn(1000, 100, None).weights is None
    assert_array_equal(drawn(1000, 100).of(np.array([1])).X, X[WEIGHTS != 0, 1:])


def test_every_row_is_as_probable():
    """Also of a sorted sequence, and of one in which every second row is of one kind."""
    sample = RowSample(4000)
    for i in range(0, 40_000, 1000):
        sample.add(np.arange(i, i + 1000)[:, np.newaxis], None)
    values = sample.read().X[:, 0]
    assert len(np.unique(values)) == 4000
    assert abs(np.mean(values % 2) - 0.5) < 0.03  # four standard deviations
    np.testing.assert_allclose(np.quantile(values, [0.25, 0.5, 0.75]) / 40_000, [0.25, 0.5, 0.75], atol=0.03)


@pytest.mark.parametrize("shares", [(1000, 9000), (9000, 1000)])
def test_samples_of_several_processes_are_one(shares):
    """Every row of the one stands for as many as every row of the other."""
    first, second = RowSample(640), RowSample(640)
    for sample, n, value in zip((first, second), shares, (1.0, 2.0), strict=True):
        sample.add(np.full((n, 1), value), None)
    first.merge(second)
    values = first.read().X[:, 0]
    assert 600 < len(values) <= 640
    assert abs(np.mean(values == 1) - shares[0] / 10_000) < 0.05  # four standard deviations
