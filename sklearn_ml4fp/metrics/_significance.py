"""Expected discovery significance of a selection, from yields."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from .._binary import is_signal, weights_or_ones
from .._missing import column_or_1d, real_numbers
from .._validation import check_amount


def _yields(values: Any, name: str) -> np.ndarray:
    """Convert numbers of events to float64, NaN for masked and missing ones."""
    numbers = real_numbers(values, np.float64)
    if numbers is None:
        raise ValueError(f"{name} must be numbers of events; got {values!r}.")
    return numbers


def asimov_significance(s: Any, b: Any, *, sigma: Any = 0.0) -> Any:
    r"""Median discovery significance of s signal events over b ± σ background events, in standard deviations.

    .. math:: Z^2 = 2\left\{(s+b)\ln\frac{(s+b)(b+\sigma^2)}{b^2+(s+b)\sigma^2}
              - \frac{b^2}{\sigma^2}\ln\left[1+\frac{\sigma^2 s}{b(b+\sigma^2)}\right]\right\},

    and for σ = 0 :math:`Z^2 = 2\{(s+b)\ln(1+s/b) - s\}`, which is s²/b for s ≪ b.

    Parameters
    ----------
    s, b : float or array-like
        Expected yields of signal and background: numbers of events at the luminosity of the measurement.
    sigma : float or array-like, default=0
        Absolute uncertainty of b, in events.

    Returns
    -------
    significance : float or ndarray
        0 where s ≤ 0; NaN where b ≤ 0, as no significance follows from a background that is not known.

    Raises
    ------
    ValueError
        If sigma is negative, or something is no number.

    See Also
    --------
    asimov_score : The same from labels and predictions.

    References
    ----------
    G. Cowan, K. Cranmer, E. Gross, O. Vitells, Eur. Phys. J. C 71 (2011) 1554, eq. 97 (σ = 0); with σ: G. Cowan,
    "Discovery sensitivity for a counting experiment with background uncertainty" (2012), eq. 20.

    Examples
    --------
    >>> from sklearn_ml4fp import asimov_significance
    >>> round(float(asimov_significance(10, 100)), 4), round(float(asimov_significance(10, 100, sigma=10)), 4)
    (0.984, 0.6902)
    """
    s, b, sigma = (_yields(value, name) for value, name in ((s, "s"), (b, "b"), (sigma, "sigma")))
    if np.any(sigma < 0):
        raise ValueError(f"sigma, the uncertainty of the background, must not be negative; got {sigma}.")
    s, b, variance = np.broadcast_arrays(s, np.where(b > 0, b, np.nan), sigma**2)
    s = np.where(s < 0, 0.0, s)
    exact = (s + b) * np.log1p(s * b / (b**2 + (s + b) * variance))
    with np.errstate(divide="ignore", invalid="ignore"):
        profiled = np.where(variance > 0, b**2 / variance * np.log1p(variance * s / (b * (b + variance))), s)
    # the two terms cancel for small s: below s/b = 3e-8 rounding costs more than the first order, s/√(b + σ²), lacks
    small = s < 3e-8 * b
    return np.where(small, s / np.sqrt(b + variance), np.sqrt(2 * np.clip(exact - profiled, 0, None)))[()]


def _chosen(y_true: np.ndarray, y_pred: np.ndarray, label: Any, *, one_of_many: bool) -> np.ndarray:
    """Mask of the events that are predicted as signal, (n_events,); scores are refused, since none equals a label.

    With one class against the rest a class may be predicted that is absent from a test part, but not a fraction, nor
    a text among numbers.
    """
    labels = np.unique(y_true).tolist()
    unknown = set(y_pred.tolist()) - {*labels, label}
    if one_of_many:
        kinds = {isinstance(known, str) for known in labels}
        unknown = {u for u in unknown if isinstance(u, str) not in kinds or (isinstance(u, float) and u % 1)}
    if y_pred.dtype.kind == "b" and y_true.dtype.kind != "b" and label != 1:
        unknown = {True}  # a mask of the selection, which says True where the label is another number or a text
    if unknown:
        got = next(iter(unknown))
        raise ValueError(
            f"y_pred must be predicted labels, got {'scores' if isinstance(got, float) else 'values'} such as {got!r} "
            f"where the labels are {labels[:5]}: choose a cut, and pass the label of the signal, {label!r}, for the "
            "events above it and another label for the rest."
        )
    return y_pred == label


def selected_yields(
    y_true: Any, y_pred: Any, sample_weight: Any, pos_label: Any, signal_yield: Any, background_yield: Any
) -> tuple[float, float, float]:
    """Sum the yields (s, b) of the selected events, each class scaled to its total yield if given.

    The third number is the yield of one effective event of the background, Σw²/Σw.
    """
    check_consistent_length(y_true, y_pred)
    signal = is_signal(y_true, pos_label)
    y_pred, y_true = column_or_1d(y_pred, name="y_pred"), column_or_1d(y_true, name="y_true")
    label = y_true[signal][0]
    weight = weights_or_ones(sample_weight, len(y_pred))
    label = label.item() if isinstance(label, np.generic) else label
    chosen = _chosen(y_true, y_pred, label, one_of_many=pos_label is not None)
    yields = []
    for members, total, name in ((signal, signal_yield, "signal"), (~signal, background_yield, "background")):
        selected, present, scale = weight[members & chosen].sum(), weight[members].sum(), 1.0
        if total is not None:
            if not (present > 0 and check_amount(total, f"{name}_yield") > 0):
                raise ValueError(
                    f"scaling to {name}_yield={total!r} needs a positive yield and a positive sum of weights "
                    f"of the {name}; got the sum {present:.6g}."
                )
            scale = total / present
        yields.append(float(selected * scale))
    one = scale * np.sum(weight[~signal] * (weight[~signal] / present)) if present > 0 else 0.0
    return yields[0], yields[1], float(one)


def asimov_score(
    y_true: Any,
    y_pred: Any,
    *,
    relative_uncertainty: float = 0.0,
    b_reg: float = 0.0,
    signal_yield: float | None = None,
    background_yield: float | None = None,
    pos_label: Any = None,
    sample_weight: Any = None,
) -> float:
    """Asimov significance of the events that a classifier selects: :func:`asimov_significance` of their yields.

    Choose the cut on validation events and report it on test events: at its own maximum the significance is optimistic.
    scikit-learn's ``TunedThresholdClassifierCV(model, scoring=asimov_scorer)`` chooses it by cross-validation.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_pred : array-like of shape (n_events,)
        Predicted labels; events that are predicted as signal are selected.
    relative_uncertainty : float, default=0
        σ/b, the relative uncertainty of the background.
    b_reg : float, default=0
        Background events that are added to the selected ones, in units of effective events (Σw²/Σw of the background
        each): 0 to measure, 1 to rank, as for :func:`background_rejection`. It is 1 in ``asimov_scorer``.
    signal_yield, background_yield : float, optional
        Expected numbers of events of each whole class, before the cut. A test part holds a fraction of the events only:
        the weights of each class are scaled up to these. By default the weights are taken as they are.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it.
    sample_weight : array-like of shape (n_events,), optional
        Event weights whose sums are yields; negative ones are allowed.

    Returns
    -------
    significance : float
        With ``b_reg=0`` it is 0 if the selected background is not positive: what is left is too little to tell the
        background, and NaN would stop scikit-learn's search for a threshold.

    Raises
    ------
    ValueError
        If a class is absent, or has no positive sum of weights to be scaled, y_pred holds scores, ``pos_label`` is none
        of the labels, or the uncertainty or ``b_reg`` is negative.

    See Also
    --------
    asimov_significance : The same from yields.
    ams_score : The approximate median significance of the HiggsML challenge.

    Examples
    --------
    >>> from sklearn_ml4fp import asimov_score
    >>> y, selected = [0, 0, 1, 1], [0, 1, 1, 1]
    >>> round(asimov_score(y, selected, signal_yield=20, background_yield=200), 3)
    1.938
    """
    relative_uncertainty = check_amount(relative_uncertainty, "relative_uncertainty")
    b_reg = check_amount(b_reg, "b_reg")
    s, b, one = selected_yields(y_true, y_pred, sample_weight, pos_label, signal_yield, background_yield)
    b = max(b, 0.0) + b_reg * one
    return float(asimov_significance(s, b, sigma=b * relative_uncertainty)) if b > 0 else 0.0


def ams_score(
    y_true: Any,
    y_pred: Any,
    *,
    b_reg: float = 10.0,
    signal_yield: float | None = None,
    background_yield: float | None = None,
    pos_label: Any = None,
    sample_weight: Any = None,
) -> float:
    r"""Approximate median significance of the HiggsML challenge, of the events that a classifier selects.

    .. math:: \mathrm{AMS} = \sqrt{2\{(s+b+b_\mathrm{reg}) \ln[1 + s/(b+b_\mathrm{reg})] - s\}}

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_pred : array-like of shape (n_events,)
        Predicted labels; events that are predicted as signal are selected.
    b_reg : float, default=10
        Events added to the background, so that cuts with next to no background do not win by a fluctuation; the
        challenge's value. 0 or more.
    signal_yield, background_yield : float, optional
        Expected numbers of events of each whole class, as for :func:`asimov_score`.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it.
    sample_weight : array-like of shape (n_events,), optional
        Event weights whose sums are yields; negative ones are allowed.

    Returns
    -------
    ams : float
        A selected background below zero counts as zero; NaN only if ``b_reg`` is zero too.

    Raises
    ------
    ValueError
        As for :func:`asimov_score`, or if ``b_reg`` is negative.

    See Also
    --------
    asimov_score : The median discovery significance, also with an uncertain background.
    asimov_significance : The same from yields.

    References
    ----------
    C. Adam-Bourdarios et al., "Learning to discover: the Higgs boson machine learning challenge" (2014), eq. 7.

    Examples
    --------
    >>> from sklearn_ml4fp import ams_score
    >>> y, selected = [0, 0, 1, 1], [0, 1, 1, 1]
    >>> round(ams_score(y, selected, signal_yield=20, background_yield=200), 3)
    1.853
    """
    b_reg = check_amount(b_reg, "b_reg")
    s, b, _ = selected_yields(y_true, y_pred, sample_weight, pos_label, signal_yield, background_yield)
    # a negative background is a fluctuation around next to none
    return float(asimov_significance(s, max(b, 0.0) + b_reg))
