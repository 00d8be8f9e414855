"""Bootstrap intervals against standard errors that are known."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from sklearn_ml4fp import bootstrap_interval, roc_auc_score


def hits(n, rows=1):
    """Labels and predictions that agree in 80 % of the n events, each repeated in so many rows."""
    right = np.random.default_rng(0).uniform(size=n) < 0.8
    return np.repeat(np.ones(n, int), rows), np.repeat(right.astype(int), rows), np.repeat(np.arange(n), rows)


@pytest.mark.parametrize("rows", [1, 8])
def test_the_half_width_is_the_standard_error_of_the_events(rows):
    y, prediction, event = hits(500, rows)
    made = bootstrap_interval(accuracy_score, y, prediction, groups=event, n_resamples=1000, random_state=0)
    assert made.value == accuracy_score(y, prediction)
    wanted = np.sqrt(made.value * (1 - made.value) / 500)
    # 1000 samples know the half-width to about 5 %: three times that
    np.testing.assert_allclose((made.high - made.low) / 2, wanted, rtol=0.15)


def test_without_groups_repeated_rows_look_like_events():
    """The test above bites: the interval of eightfold rows would be too small by √8."""
    y, prediction, _ = hits(500, 8)
    made = bootstrap_interval(accuracy_score, y, prediction, n_resamples=1000, random_state=0)
    np.testing.assert_allclose((made.high - made.low) / 2, np.sqrt(0.16 / 4000), rtol=0.2)


def test_weights_and_confidence():
    rng = np.random.default_rng(1)
    y, weight = rng.integers(0, 2, 800), rng.normal(1, 1, 800)
    score = y + rng.normal(size=800)
    kwargs = {"sample_weight": weight, "random_state": 0}
    narrow = bootstrap_interval(roc_auc_score, y, score, **kwargs)
    wide = bootstrap_interval(roc_auc_score, y, score, confidence=0.9545, **kwargs)
    assert narrow.value == roc_auc_score(y, score, sample_weight=weight)
    assert narrow == bootstrap_interval(roc_auc_score, y, score, **kwargs)
    # two standard deviations against one, each end known to about 10 %
    np.testing.assert_allclose((wide.high - wide.low) / (narrow.high - narrow.low), 2, rtol=0.2)


def test_bad_input_is_one_clear_error():
    with pytest.raises(ValueError, match="confidence must lie"):
        bootstrap_interval(roc_auc_score, [0, 1], [0, 1], confidence=68)
    with pytest.raises(ValueError, match="float64"):
        bootstrap_interval(roc_auc_score, [0, 1], [0, 1], groups=np.array([0.5, 1.5]))
    with pytest.raises(ValueError, match="must be positive"):  # a sample without signal
        bootstrap_interval(roc_auc_score, [0, 0, 1], [0, 1, 1], random_state=0)
