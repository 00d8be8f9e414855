"""The Kolmogorov-Smirnov test: its distance against scipy, its p-value against repeated experiments."""

import numpy as np
import pytest
from scipy import stats

from sklearn_ml4fp import ks_distance, ks_test


def samples(seed, n=150, shift=0.0):
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(0, 1, n), 1), np.round(rng.normal(shift, 1, 2 * n), 1)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_distance_without_weights_as_in_scipy(shift):
    a, b = samples(0, shift=shift)
    wanted = stats.ks_2samp(a, b)
    made = ks_test(a, b, random_state=0)
    np.testing.assert_allclose(made.statistic, wanted.statistic)
    np.testing.assert_allclose(ks_distance(np.r_[a * 0, b * 0 + 1], np.r_[a, b]), wanted.statistic)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3])
def test_the_pvalue_without_weights_as_in_scipy(shift):
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=100), rng.normal(shift, 1, 200)
    # four standard deviations of 999 permutations
    wanted = stats.ks_2samp(a, b).pvalue
    np.testing.assert_allclose(ks_test(a, b, random_state=0).pvalue, wanted, atol=4 * np.sqrt(wanted / 999) + 1e-3)


def test_whole_weights_are_repetitions():
    rng = np.random.default_rng(1)
    a, b = samples(1)
    weight = rng.integers(0, 4, len(a))
    made = ks_test(a, b, weight_1=weight, n_permutations=1).statistic
    np.testing.assert_allclose(made, stats.ks_2samp(np.repeat(a, weight), b).statistic)


def test_negative_weights_by_the_definition():
    rng = np.random.default_rng(2)
    a, b = samples(2)
    wa, wb = rng.normal(1, 1, len(a)), rng.normal(1, 1, len(b))
    wanted = max(abs(wa[a <= t].sum() / wa.sum() - wb[b <= t].sum() / wb.sum()) for t in np.concatenate([a, b]))
    np.testing.assert_allclose(ks_test(a, b, weight_1=wa, weight_2=wb, n_permutations=1).statistic, wanted)
    np.testing.assert_allclose(ks_test(a, b, weight_1=7 * wa, weight_2=wb, n_permutations=1).statistic, wanted)


def false_alarms(make, n_experiments=300, level=0.1):
    """Fraction of experiments without any difference whose p-value is below the level."""
    return np.mean([ks_test(**make(np.random.default_rng(i)), n_permutations=99, random_state=i).pvalue <= level
                    for i in range(n_experiments)])  # fmt: skip


# of 300 experiments at a level of 0.1: four standard deviations
BAND = 4 * np.sqrt(0.1 * 0.9 / 300)


def correlated(rng):
    """Weights that fall with the value, as those of a biased phase-space sampling do, and one in ten negative."""
    made = {}
    for i, n in ((1, 100), (2, 200)):
        value = rng.normal(size=n)
        sign = np.where(rng.uniform(size=n) < 0.1, -1, 1)
        made |= {f"sample_{i}": value, f"weight_{i}": i * sign * np.exp(-value)}  # two scales, as after a scaling up
    return made


def test_the_false_alarm_rate_holds_for_weights_correlated_with_the_value():
    assert abs(false_alarms(correlated) - 0.1) < BAND


def asymptotic_pvalue(sample_1, sample_2, weight_1, weight_2):
    distance = ks_test(sample_1, sample_2, weight_1=weight_1, weight_2=weight_2, n_permutations=1).statistic
    n_1, n_2 = (w.sum() ** 2 / (w**2).sum() for w in (weight_1, weight_2))
    return stats.kstwobign.sf(distance * np.sqrt(n_1 * n_2 / (n_1 + n_2)))


def test_the_asymptotic_rate_does_not_hold_there():
    """Why there is a permutation: the usual formula raises too many alarms for the same samples."""
    alarms = [asymptotic_pvalue(**correlated(np.random.default_rng(i))) <= 0.1 for i in range(300)]
    assert np.mean(alarms) > 0.1 + BAND


def grouped(rng, ids=True):
    """Five equal rows an event."""
    made = {}
    for i, n in ((1, 30), (2, 40)):
        made |= {f"sample_{i}": np.repeat(rng.normal(size=n), 5)}
        if ids:
            made |= {f"groups_{i}": 1000 * i + np.repeat(np.arange(n), 5)}
    return made


def test_rows_of_one_event_stay_together():
    assert abs(false_alarms(grouped) - 0.1) < BAND
    assert false_alarms(lambda rng: grouped(rng, ids=False), n_experiments=50) > 0.4  # the test bites


def test_a_real_difference_is_seen_and_the_seed_reproduces():
    a, b = samples(3, shift=0.5)
    made = ks_test(a, b, random_state=4)
    assert made.pvalue == 1 / 1000
    assert ks_test(*samples(3), random_state=4) == ks_test(*samples(3), random_state=4)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"weight_1": [1.0, -2.0]}, "positive sum"),
        ({"groups_1": [1, 2]}, "both samples"),
        ({"groups_1": [1, 2], "groups_2": [2, 3, 4]}, "events in common"),
        ({"groups_1": [1, 2], "groups_2": [3, 4]}, "every row"),
        ({"weight_2": [1.0, 2.0]}, "one weight per event"),
    ],
)
def test_bad_input_is_one_clear_error(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ks_test([0.1, 0.2], [0.1, 0.2, 0.3], **kwargs)
