"""When two predictions of the same events count as the same."""

import numpy as np


def assert_same_predictions(found, expected):
    """Equal to 1e-6 of the spread of the outputs, on every processor and with any number of threads."""
    assert found.shape == expected.shape
    spread = max(float(np.ptp(expected)), 1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * spread)
