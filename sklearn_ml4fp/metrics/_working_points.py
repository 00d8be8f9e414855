"""Performance at a working point: the score cut that keeps a chosen fraction of the signal."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._binary import check_binary
from .._missing import real_numbers
from .._validation import check_amount
from ._roc import cumulative_yields

# Efficiencies below this are zero, equal within it are equal: cancelling weights leave 1e-16 to 1e-13 of their sum.
ROUNDING = 1e-12


def effective_number(weight: np.ndarray) -> float:
    """Effective number of events, (Σw)² / Σw²: as many unweighted events fluctuate as much."""
    weight = weight / np.abs(weight).max()  # squares of weights of any size neither overflow nor vanish
    return float(weight.sum() ** 2 / np.sum(weight**2))


def working_points(
    signal: np.ndarray, score: np.ndarray, weight: np.ndarray, signal_efficiency: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ε_S, ε_B, threshold) at the highest threshold where ε_S reaches each requested signal efficiency."""
    wanted = real_numbers(signal_efficiency, np.float64)
    if wanted is None or not np.all((wanted > 0) & (wanted <= 1)):
        raise ValueError(f"signal_efficiency must lie in (0, 1]; got {signal_efficiency!r}.")
    background, selected, thresholds = cumulative_yields(signal, score, weight)
    efficiency = selected / selected[-1]
    # with negative weights ε_S is not monotonic: its running maximum finds the first crossing
    first = np.searchsorted(np.maximum.accumulate(efficiency), wanted - ROUNDING)
    return efficiency[first], (background / background[-1])[first], thresholds[first]


def _regularised(background: np.ndarray, n_effective: float, b_reg: float) -> np.ndarray:
    """ε_B with ``b_reg`` more events of N_eff, among those that pass; NaN where nothing passes and none is added."""
    b_reg = check_amount(b_reg, "b_reg")
    passing = np.where(background > ROUNDING, background, 0.0) * n_effective + b_reg
    return np.where(passing > 0, passing, np.nan) / (n_effective + b_reg)


def background_rejection(
    y_true: Any,
    y_score: Any,
    *,
    signal_efficiency: Any = 0.5,
    b_reg: float = 0.0,
    pos_label: Any = None,
    sample_weight: Any = None,
    return_error: bool = False,
) -> Any:
    r"""Background rejection 1/ε_B at a given signal efficiency.

    The cut is the weighted quantile of the signal's scores: the highest one that keeps at least ``signal_efficiency``
    of the signal's yield. The statistical uncertainty is that of a binomial fraction of N_eff events,

    .. math:: \frac{\sigma(1/\varepsilon_B)}{1/\varepsilon_B} = \sqrt{\frac{1-\varepsilon_B}{N_\mathrm{eff}\,
              \varepsilon_B}}, \qquad N_\mathrm{eff} = \frac{(\sum_b w_b)^2}{\sum_b w_b^2}.

    As a measurement, 1/ε_B does not exist where no background passes, which on small samples happens to the best
    scores most often. To rank scores, add one event: :math:`(N_\mathrm{eff} + 1) / (N_\mathrm{eff}\,\varepsilon_B + 1)`
    is finite, rises with every background event that is rejected, and is almost unbiased. Of k events that pass out of
    N with probability p its expectation is :math:`[1 - (1-p)^{N+1}]/p` [1]_, whereas that of N/k is infinite. It is
    what ``background_rejection_scorer`` returns.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_score : array-like of shape (n_events,)
        Score, larger for signal.
    signal_efficiency : float or array-like, default=0.5
        Signal efficiencies ε_S in (0, 1].
    b_reg : float, default=0
        Background events, in units of effective ones, that are added to those that pass and to all: 0 to measure, 1 to
        rank.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed. With them ε_S may pass the wanted value several times: the cut is at
        the first, coming from high scores.
    return_error : bool, default=False
        Return the uncertainty too.

    Returns
    -------
    rejection : float or ndarray
        1/ε_B in the shape of ``signal_efficiency``; with ``b_reg=0`` NaN where ε_B ≤ 0, as no background, or a negative
        yield of it, is left: the sample is too small to measure the rejection there.
    error : float or ndarray
        Its standard deviation, only with ``return_error=True``.

    Raises
    ------
    ValueError
        If a class is absent or the sum of its weights is not positive, on NaN or infinity, if an efficiency is outside
        (0, 1], or if b_reg is negative.

    See Also
    --------
    significance_improvement : Signal efficiency over the root of the background efficiency.
    RejectionDisplay : Draw the rejection against the signal efficiency.

    References
    ----------
    .. [1] M. T. Chao and W. E. Strawderman, "Negative moments of positive random variables", J. Am. Stat. Assoc. 67
       (1972) 429.

    Examples
    --------
    >>> from sklearn_ml4fp import background_rejection
    >>> y, score = [0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.6, 0.9]
    >>> background_rejection(y, score, signal_efficiency=[0.5, 1.0])
    array([nan,  4.])
    >>> background_rejection(y, score, signal_efficiency=[0.5, 1.0], b_reg=1)
    array([5. , 2.5])
    """
    signal, score, weight = check_binary(y_true, y_score, sample_weight, pos_label)
    _, background, _ = working_points(signal, score, weight, signal_efficiency)
    n_effective = effective_number(weight[~signal])
    background = _regularised(background, n_effective, b_reg)
    rejection = 1 / background
    if not return_error:
        return rejection[()]
    # ε_B above 1 happens with negative weights only; a fraction's variance vanishes there
    relative = np.sqrt(np.clip(1 - background, 0, None) / (n_effective * background))
    return rejection[()], (rejection * relative)[()]


def significance_improvement(
    y_true: Any,
    y_score: Any,
    *,
    signal_efficiency: Any = 0.5,
    b_reg: float = 0.0,
    pos_label: Any = None,
    sample_weight: Any = None,
) -> Any:
    """Significance improvement ε_S/√ε_B: the factor by which a cut at this signal efficiency multiplies s/√b.

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_score : array-like of shape (n_events,)
        Score, larger for signal.
    signal_efficiency : float or array-like, default=0.5
        Signal efficiencies in (0, 1]; the cut is as for :func:`background_rejection`, and ε_S is what it really keeps.
    b_reg : float, default=0
        Background events that are added, as for :func:`background_rejection`: 0 to measure, 1 to rank.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.

    Returns
    -------
    improvement : float or ndarray
        In the shape of ``signal_efficiency``; with ``b_reg=0`` NaN where ε_B ≤ 0.

    Raises
    ------
    ValueError
        As for :func:`background_rejection`.

    See Also
    --------
    background_rejection : Inverse of the background efficiency.
    asimov_score : Significance with yields.

    Examples
    --------
    >>> from sklearn_ml4fp import significance_improvement
    >>> float(significance_improvement([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.6, 0.9], signal_efficiency=1.0))
    2.0
    """
    signal, score, weight = check_binary(y_true, y_score, sample_weight, pos_label)
    efficiency, background, _ = working_points(signal, score, weight, signal_efficiency)
    return (efficiency / np.sqrt(_regularised(background, effective_number(weight[~signal]), b_reg)))[()]
