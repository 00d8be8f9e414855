"""Coverage and pulls against hand-worked cases, numpy, and distributions whose answers are known."""

import numpy as np
import pytest

from sklearn_ml4fp import interval_coverage, pull_moments

RNG = np.random.default_rng(0)
Y, MU = RNG.normal(size=(2, 500))
STD = RNG.uniform(0.5, 2, 500)
WEIGHT = RNG.normal(1.0, 0.8, 500)


def test_coverage_by_hand():
    share, error = interval_coverage([1.0, 2.0, 3.0], [0.0, 2.0, 4.0], [2.0, 2.0, 5.0], sample_weight=[1.0, 2.0, -1.0])
    assert share == 1.5  # (1 + 2) / (1 + 2 − 1): the share of signed weights may leave [0, 1]
    assert error == pytest.approx(np.sqrt(1 * 0.25 + 4 * 0.25 + 1 * 2.25) / 2)


def test_coverage_of_levels_is_that_of_each():
    low, high = MU[:, None] - [0.5, 1.0], MU[:, None] + [0.5, 2.0]
    together = interval_coverage(Y, low, high, sample_weight=WEIGHT)
    for i in range(2):
        alone = interval_coverage(Y, low[:, i], high[:, i], sample_weight=WEIGHT)
        assert alone == pytest.approx((together.share[i], together.error[i]))
    below = interval_coverage(Y, -np.inf, high, sample_weight=WEIGHT)
    np.testing.assert_allclose(below.share, WEIGHT @ (Y[:, None] <= high) / WEIGHT.sum())


def test_the_error_is_binomial_and_covers_the_truth():
    share, error = interval_coverage(Y, -1.0, 1.0)
    assert error == pytest.approx(np.sqrt(share * (1 - share) / 500))
    assert abs(share - 0.6827) < 4 * error


def test_pulls_by_numpy():
    mean, _, width, _ = pull_moments(Y, MU, STD)
    assert (mean, width) == pytest.approx((np.mean((Y - MU) / STD), np.std((Y - MU) / STD)))


@pytest.mark.parametrize("signs", [1.0, np.where(np.arange(4000) % 10 == 0, -1.0, 1.0)], ids=["plain", "signed"])
def test_errors_of_the_moments_are_their_spread(signs):
    """Over 300 samples of normal pulls of mean 0.2 and width 1.5."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        y = rng.normal(0.2, 1.5, 400)
        weight = rng.uniform(0.5, 1.5, 400) * (signs if np.isscalar(signs) else signs[:400])
        found.append(pull_moments(y, np.zeros(400), np.ones(400), sample_weight=weight))
    means = np.mean(found, axis=0)
    spread = np.std(found, axis=0)
    assert (means[0], means[2]) == pytest.approx((0.2, 1.5), abs=0.02)
    assert (means[1], means[3]) == pytest.approx((spread[0], spread[2]), rel=0.15)


def test_a_cancelling_pair_changes_no_share_and_no_moment():
    more = [np.r_[one, one[0], one[0]] for one in (Y, MU, STD)]
    weight = np.r_[WEIGHT, 3.0, -3.0]
    share = interval_coverage(more[0], -1.0, 1.0, sample_weight=weight).share
    assert share == pytest.approx(interval_coverage(Y, -1.0, 1.0, sample_weight=WEIGHT).share)
    found, wanted = (pull_moments(*one, sample_weight=w) for one, w in ((more, weight), ((Y, MU, STD), WEIGHT)))
    assert (found.mean, found.width) == pytest.approx((wanted.mean, wanted.width))


@pytest.mark.filterwarnings("error")
def test_no_width_where_there_is_no_variance():
    moments = pull_moments([0.0, 3.0, -3.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], sample_weight=[5.0, -1.0, -1.0])
    assert np.isnan(moments.width)
    assert moments.mean == 0
    one = pull_moments([1.0], [0.0], [1.0])
    assert (one.width, one.mean) == (0, 1)
    assert np.isnan(one.width_error)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: interval_coverage([1.0], [[0.0, 0.0]], [2.0]), "must have one shape"),
        (lambda: interval_coverage([1.0, 2.0], [0.0], 2.0), r"y_lower must be a number, or numbers of shape \(2,\)"),
        (lambda: interval_coverage([1.0], 0.0, np.nan), "y_upper must be .* not missing"),
        (lambda: interval_coverage([1.0], 0.0, 1.0, sample_weight=[-1.0]), "sum of weights must be positive"),
        (lambda: pull_moments([1.0], [1.0], [0.0]), "y_std must have a positive standard deviation"),
        (lambda: pull_moments([[1.0, 2.0]], [[1.0, 2.0]], [1.0]), r"pulls are of one output; got shapes \[\(1, 2\)"),
    ],
)
def test_bad_input_is_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()
