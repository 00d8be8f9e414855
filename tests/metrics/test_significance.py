"""Asimov significance and AMS against exact arithmetic and a numerical profile likelihood."""

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import xlogy

from sklearn_ml4fp import ams_score, asimov_score, asimov_significance


def exact(s, b, sigma):
    """The formula as printed, with 60 digits."""
    with mpmath.workdps(60):
        s, b, v = mpmath.mpf(s), mpmath.mpf(b), mpmath.mpf(sigma) ** 2
        if v == 0:
            return float(mpmath.sqrt(2 * ((s + b) * mpmath.log(1 + s / b) - s)))
        first = (s + b) * mpmath.log((s + b) * (b + v) / (b**2 + (s + b) * v))
        return float(mpmath.sqrt(2 * (first - b**2 / v * mpmath.log(1 + v * s / (b * (b + v))))))


@pytest.mark.parametrize("sigma", [0.0, 1e-6, 0.3, 20.0])
@pytest.mark.parametrize(("s", "b"), [(10, 100), (5, 0.1), (1e-3, 1e3), (1e-5, 1e4), (1e-9, 1.0), (300, 2)])
def test_the_formula_without_loss_of_digits(s, b, sigma):
    # 1e-7: what is left of the digits where the two terms cancel worst, at s/b = 3e-8
    np.testing.assert_allclose(asimov_significance(s, b, sigma=sigma), exact(s, b, sigma), rtol=1e-7)


def log_likelihood(n, m, s, b, tau):
    return xlogy(n, s + b) - (s + b) + xlogy(m, tau * b) - tau * b


@pytest.mark.parametrize(("s", "b", "sigma"), [(10, 100, 10), (5, 2, 1), (20, 50, 25)])
def test_the_formula_is_the_profile_likelihood_ratio(s, b, sigma):
    """q0 of the Asimov data n = s + b and a control region m = τb with τ = b/σ², maximised numerically."""
    tau = b / sigma**2
    n, m = s + b, tau * b
    null = minimize_scalar(
        lambda trial: -log_likelihood(n, m, 0, trial, tau), bounds=(1e-3, n + b), options={"xatol": 1e-10}
    )
    q0 = 2 * (log_likelihood(n, m, s, b, tau) + null.fun)
    np.testing.assert_allclose(asimov_significance(s, b, sigma=sigma), np.sqrt(q0), rtol=1e-5)


def test_limits_and_shapes():
    np.testing.assert_allclose(asimov_significance(1, 1e8, sigma=1e3), 1 / np.sqrt(1e8 + 1e6), rtol=1e-5)
    made = asimov_significance([0, -3, 5, 5], [10, 10, 0, -1])
    np.testing.assert_array_equal(made, [0, 0, np.nan, np.nan])
    assert asimov_significance(np.ones((2, 1)), np.ones(3)).shape == (2, 3)
    with pytest.raises(ValueError, match="must not be negative"):
        asimov_significance(1, 1, sigma=-1)


Y = np.array(["bkg", "bkg", "bkg", "sig", "sig"])
PRED = np.array(["bkg", "sig", "sig", "sig", "bkg"])
WEIGHT = np.array([10.0, 4.0, -1.0, 3.0, 1.0])


def test_scores_are_the_formula_of_the_selected_yields():
    kwargs = {"pos_label": "sig", "sample_weight": WEIGHT}
    assert asimov_score(Y, PRED, **kwargs) == asimov_significance(3.0, 3.0)
    assert asimov_score(Y, PRED, relative_uncertainty=0.5, **kwargs) == asimov_significance(3, 3, sigma=1.5)
    np.testing.assert_allclose(ams_score(Y, PRED, **kwargs), np.sqrt(2 * (16 * np.log(16 / 13) - 3)))
    np.testing.assert_allclose(ams_score(Y, PRED, b_reg=0, **kwargs), asimov_significance(3, 3))
    # nothing that is background passes, or less than nothing
    for weight in ([1, 1, 1], [1, -0.5, 1]):
        assert asimov_score([0, 0, 1], [0, weight[1] < 0, 1], sample_weight=weight, relative_uncertainty=0.1) == 0
        assert ams_score([0, 0, 1], [0, weight[1] < 0, 1], sample_weight=weight) == asimov_significance(1.0, 10.0)


def test_one_effective_event_can_be_added_to_rank():
    y, none = [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]
    for weight, one in (([1, 1, 1, 1, 1], 1.0), ([2, 2, 2, 1, 1], 2.0), ([3, 1, -1, 1, 1], 11 / 3)):
        assert asimov_score(y, none, sample_weight=weight) == 0
        made = asimov_score(y, none, sample_weight=weight, b_reg=1)
        np.testing.assert_allclose(made, asimov_significance(2.0, one))
        scaled = asimov_score(y, none, sample_weight=weight, b_reg=1, background_yield=10 * np.sum(weight[:3]))
        np.testing.assert_allclose(scaled, asimov_significance(2.0, 10 * one))
        assert asimov_score(y, [0, 0, 1, 1, 1], sample_weight=weight, b_reg=1) <= made  # below zero counts as none
    with pytest.raises(ValueError, match="b_reg must be a finite number"):
        asimov_score(y, none, b_reg=-1)


def test_a_part_of_the_events_is_scaled_up_class_by_class():
    scaled = {"signal_yield": 400.0, "background_yield": 130.0, "pos_label": "sig"}
    np.testing.assert_allclose(
        asimov_score(Y, PRED, sample_weight=WEIGHT, **scaled), asimov_significance(300.0, 30.0), rtol=1e-12
    )
    np.testing.assert_allclose(
        ams_score(Y, PRED, sample_weight=WEIGHT, **scaled), asimov_significance(300.0, 40.0), rtol=1e-12
    )
    # half of the events: the yields given, the estimate has the same expectation, here exactly
    twice = [np.r_[a, a] for a in (Y, PRED, WEIGHT)]
    np.testing.assert_allclose(
        ams_score(*twice[:2], sample_weight=twice[2], **scaled), ams_score(Y, PRED, sample_weight=WEIGHT, **scaled)
    )


@pytest.mark.parametrize("metric", [asimov_score, ams_score])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "kwargs", "message"),
    [
        ([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], {}, r"must be predicted labels, got scores such as 0\.\d.*choose a cut"),
        ([0, 0, 1, 1], [0.0, 0.0, 1.0, np.nan], {}, "y_pred lacks the label of 1 events"),
        ([0, 0, 1, 1], np.array([0, 0, 0.5, 1], "float32"), {"pos_label": 1}, r"got scores such as 0\.5"),
        (Y, [0.0, 1.0, 1.0, 1.0, 0.0], {"pos_label": "sig"}, r"labels are \['bkg', 'sig'\]"),
        (Y, Y == "sig", {"pos_label": "sig"}, "got values such as True .*'sig'"),
        ([-1, -1, 1, 1], [False, True, True, True], {}, "got values such as False"),
        ([1, 1, 2, 2], [False, False, True, True], {}, "got values such as True"),
        ([0, 1, 2, 2], [0.1, 0.2, 0.5, 0.9], {"pos_label": 2}, "got scores"),
        ([0, 1, 2, 2], ["a", "b", "c", "c"], {"pos_label": 2}, "got values"),
    ],
)
def test_scores_in_place_of_labels_are_refused(metric, y_true, y_pred, kwargs, message):
    with pytest.raises(ValueError, match=message):
        metric(y_true, y_pred, **kwargs)


@pytest.mark.parametrize("metric", [asimov_score, ams_score])
def test_labels_in_any_form_are_taken(metric):
    y, selected = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    wanted = metric(y, selected)
    assert wanted > 0
    for made in (selected == 1, selected.astype(float), selected.astype("uint8"), selected.astype(object)):
        assert metric(y, made) == wanted
    assert metric(y == 1, selected == 1) == wanted
    assert metric([-1, -1, 1, 1], [-1, 1, 1, 1]) == wanted
    # one class against the rest: a class that this part lacks may be predicted
    assert metric(np.r_[y, 2], np.r_[selected, 3], pos_label=1) == wanted
    assert metric([0, 0, 1, 1], [2, 1, 1, 1], pos_label=1) == wanted
    # a model that selects nothing is a model, not an error
    assert metric(y, np.zeros(4, int)) == 0


def test_a_class_without_positive_weight_cannot_be_scaled():
    with pytest.raises(ValueError, match=r"background_yield=5\.0 needs a positive yield"):
        ams_score([0, 1], [0, 1], sample_weight=[-1, 1], background_yield=5.0)
    with pytest.raises(ValueError, match="two labels; got 1"):
        ams_score([1, 1], [1, 1])
