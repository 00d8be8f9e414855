"""Signed weighted events, the input of most metric tests."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def signed_events():
    """(y, probability, weight) of 600 events with ties, one weight in ten negative."""
    rng = np.random.default_rng(11)
    y = rng.integers(0, 2, 600)
    prob = np.round(rng.beta(2 + y, 3 - y), 2)
    return y, prob, rng.normal(1.0, 0.8, 600)
