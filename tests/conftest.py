"""Fixtures that several rooms share."""

import numpy as np
import pytest
import sklearn
from hypothesis import settings

# On a machine that others use too, a deadline would fail tests that are right.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture
def routing():
    """scikit-learn's metadata routing, switched on for one test."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="session")
def two_blobs():
    """400 events of two overlapping classes in four columns, with an event id for every two of them."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    X = rng.normal(size=(400, 4)) + 1.2 * y[:, None]
    return X, y, np.arange(400) // 2
