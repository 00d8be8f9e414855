"""Background rejection and significance improvement against their definitions."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from sklearn_ml4fp import background_rejection, significance_improvement

EFFICIENCIES = [0.1, 0.3, 0.5, 0.9, 1.0]


def slow_working_point(y, score, weight, wanted):
    """The first threshold, coming from above, that keeps enough of the signal."""
    for threshold in sorted(set(score), reverse=True):
        kept = score >= threshold
        signal, background = (weight[kept & (y == k)].sum() / weight[y == k].sum() for k in (1, 0))
        if signal >= wanted - 1e-12:
            return signal, background
    raise AssertionError("the lowest threshold keeps everything")


def test_signed_weights_by_the_definition(signed_events):
    points = [slow_working_point(*signed_events, wanted) for wanted in EFFICIENCIES]
    y, score, weight = signed_events
    rejection = background_rejection(y, score, signal_efficiency=EFFICIENCIES, sample_weight=weight)
    np.testing.assert_allclose(rejection, [1 / b for _, b in points], rtol=1e-10)
    improvement = significance_improvement(y, score, signal_efficiency=EFFICIENCIES, sample_weight=weight)
    np.testing.assert_allclose(improvement, [s / np.sqrt(b) for s, b in points], rtol=1e-10)


def test_the_working_point_lies_on_scikit_learns_curve(signed_events):
    y, score, weight = signed_events
    fpr, tpr, _ = theirs.roc_curve(y, score, sample_weight=np.abs(weight), drop_intermediate=False)
    for wanted in EFFICIENCIES:
        first = np.flatnonzero(tpr >= wanted - 1e-12)[0]
        rejection = background_rejection(y, score, signal_efficiency=wanted, sample_weight=np.abs(weight))
        np.testing.assert_allclose(rejection, 1 / fpr[first], rtol=1e-10)


def test_a_hand_worked_case():
    y, score, weight = [1, 1, 0, 0, 0], [0.9, 0.5, 0.7, 0.6, 0.1], [1, 3, 2, 1, 5]
    # ε_S = 1/4 above 0.9: no background. ε_S = 1 above 0.5: ε_B = 3/8, N_eff = 64/30
    rejection, error = background_rejection(
        y, score, signal_efficiency=[0.25, 1], sample_weight=weight, return_error=True
    )
    np.testing.assert_allclose(rejection, [np.nan, 8 / 3])
    np.testing.assert_allclose(error, [np.nan, 8 / 3 * np.sqrt((5 / 8) / (64 / 30 * 3 / 8))])


@pytest.mark.parametrize("weight", [[1, 1, 0.3, -0.1, -0.2], [1, 1, 1, -3, 4]], ids=["zero", "negative"])
def test_no_positive_background_left_is_nan(weight):
    y, score = [1, 1, 0, 0, 0], [0.9, 0.5, 0.8, 0.7, 0.6]
    weight = [*weight, 2]
    kwargs = {"signal_efficiency": 1.0, "sample_weight": weight}
    y, score = [*y, 0], [*score, 0.1]
    if weight[4] > 0:
        score[4] = 0.2  # below the cut: what is left above it is negative
    assert np.isnan(background_rejection(y, score, **kwargs))
    assert np.isnan(significance_improvement(y, score, **kwargs))


def test_the_error_is_the_spread_of_repeated_experiments():
    """Weights independent of the score; the signal, and so the cut, is always the same."""
    rng = np.random.default_rng(5)
    n, toys = 2000, 400
    made = []
    for _ in range(toys):
        weight = np.r_[1.0, 1.0, rng.exponential(1.0, n)]
        score = np.r_[0.8, 0.9, rng.uniform(size=n)]
        made.append(
            background_rejection(
                np.r_[1, 1, np.zeros(n)], score, signal_efficiency=1.0, sample_weight=weight, return_error=True
            )
        )
    rejections, errors = np.array(made).T
    # the spread of 400 toys is known to 1/sqrt(800) = 3.5 %: four standard deviations of it
    np.testing.assert_allclose(errors.mean(), rejections.std(), rtol=0.14)


# --- one event added, to rank ---


@pytest.mark.parametrize("p", [0.003, 0.02, 0.2])
def test_with_one_event_added_the_mean_over_small_folds_is_nearly_the_true_rejection(p):
    """Of k events that pass out of N, (N + 1)/(k + 1) has the expectation [1 − (1 − p)^(N + 1)]/p; N/k has none."""
    rng, n = np.random.default_rng(0), 200
    made = [
        background_rejection(np.r_[1, np.zeros(n)], np.r_[0.5, rng.uniform(p - 0.5, p + 0.5, n)], b_reg=1)
        for _ in range(2000)
    ]
    wanted = (1 - (1 - p) ** (n + 1)) / p
    np.testing.assert_allclose(np.mean(made), wanted, atol=4 * np.std(made) / np.sqrt(2000))


def test_with_one_event_added_every_rejected_event_counts():
    y = np.r_[np.ones(4), np.zeros(50)]
    for sample_weight in (None, np.r_[np.ones(4), np.random.default_rng(0).uniform(0.5, 2, 50)]):
        scores = [np.r_[np.full(4, 0.5), np.arange(50) < k] for k in range(50)]  # k events lie above the cut
        for metric in (background_rejection, significance_improvement):
            made = [metric(y, score, b_reg=1, sample_weight=sample_weight) for score in scores]
            assert np.isfinite(made).all()
            assert (np.diff(made) < 0).all()
            assert np.isnan(metric(y, scores[0], sample_weight=sample_weight))  # a measurement stays honest


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e150])
def test_added_events_are_effective_events_of_any_unit(scale):
    """Doubled weights, or each event as two halves of one row, leave the number of independent events as it is."""
    y, score = np.r_[np.ones(4), np.zeros(50)], np.r_[np.full(4, 0.5), np.linspace(0, 0.6, 50)]
    wanted, error = background_rejection(y, score, b_reg=1, return_error=True)
    passing = (score[4:] >= 0.5).sum()
    np.testing.assert_allclose(wanted, 51 / (passing + 1))
    made = background_rejection(y, score, b_reg=1, return_error=True, sample_weight=np.full(54, scale))
    np.testing.assert_allclose(made, (wanted, error))


def test_a_negative_yield_above_the_cut_ranks_as_none():
    y, score, weight = [1, 0, 0, 0], [0.5, 0.9, 0.1, 0.2], [1, -1, 2, 2]
    n = 9 / 9  # (Σw)²/Σw² of the background
    np.testing.assert_allclose(background_rejection(y, score, sample_weight=weight, b_reg=1), n + 1)


@pytest.mark.parametrize("wanted", [0.0, 1.1, np.nan, [0.5, -0.1]])
def test_an_efficiency_outside_its_range_is_refused(wanted):
    with pytest.raises(ValueError, match=r"signal_efficiency must lie in \(0, 1\]"):
        background_rejection([0, 1], [0.1, 0.9], signal_efficiency=wanted)
