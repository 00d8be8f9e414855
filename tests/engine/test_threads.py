"""The number of threads changes the rounding of a training, and nothing else."""

import numpy as np
import pytest
import torch

from sklearn_ml4fp import DeepSetsClassifier, EdgeConvClassifier, PointClouds

N = 60


@pytest.fixture
def threads():
    """Sets the number of threads; afterwards it is what it was."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def jets():
    rng = np.random.default_rng(0)
    counts = rng.integers(2, 12, N)
    n = counts.sum()
    points = np.stack([rng.lognormal(2, 1, n), rng.normal(size=n), rng.uniform(-3.1, 3.1, n)], axis=1)
    X = PointClouds(points.astype(np.float32), np.r_[0, np.cumsum(counts)], ["pt", "eta", "phi"])
    return X, rng.integers(0, 2, N)


def trained(network, X, y):
    settings = {
        "max_epochs": 2,
        "batch_size": 20,
        "early_stopping": False,
        "random_state": 0,
        "device": "cpu",
        "width": 16,
    }
    return network(**settings).fit(X, y).decision_function(X)


@pytest.mark.parametrize("network", [EdgeConvClassifier, DeepSetsClassifier])
def test_threads_change_no_more_than_rounding_does(network, threads):
    """With as many threads a seed gives the same bits. With others, sums are made in another order, and steps of Adam
    and the choice of neighbours amplify that: less than they amplify another last bit of the input.
    """
    X, y = jets()
    threads(1)
    one, again = trained(network, X, y), trained(network, X, y)
    np.testing.assert_array_equal(one, again)
    in_last_bit = X.with_values(np.nextafter(X.values, np.float32(np.inf)), X.feature_names)
    rounding = np.abs(trained(network, in_last_bit, y) - one).max()
    threads(2)
    two, again = trained(network, X, y), trained(network, X, y)
    np.testing.assert_array_equal(two, again)
    assert np.abs(two - one).max() <= 3 * rounding + 1e-5 * one.std()
