"""The snippets of docs/conformal.rst run as written, with a small network, and show the coverage that the page says."""

import numpy as np


def test_the_snippets_run(run_page):
    names = run_page(
        "docs/conformal.rst", (r"FeedForwardRegressor\((?=r)", "FeedForwardRegressor(max_epochs=2, width=16, ")
    )
    share, error = names["plain"]
    assert abs(share - 0.9) < 4 * error
    share, error = names["weighted"]
    assert share > 0.9 + 4 * error  # exchangeable are the simulated events, not the expected ones
    right, promised = names["right"], np.array(names["levels"])
    error = np.hypot(right.error, np.sqrt(promised * (1 - promised) / names["n_eff"]))
    assert (np.abs(right.share - promised) < 4 * error).all()
    np.testing.assert_array_equal(names["display"].share, right.share)
    assert names["n_eff"] == 1684
