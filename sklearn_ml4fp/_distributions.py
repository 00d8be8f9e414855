"""Shape of one column: weighted quantiles, the scaling that suits it, and limits for outliers."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

Kind = Literal["min-max", "log", "symlog", "z-score"]

# The 95 % quantile lies 2.4 times as far from the median as the 75 % quantile for a Gaussian, 2.7 for its absolute
# value, 1.8 for a uniform; 3.1 for Student's t with 3 degrees of freedom, 3.3 for an exponential and a Laplace, 6 for a
# Cauchy distribution: from 3 on, a column spans orders of magnitude.
_LONG_TAIL = 3.0
# Range over interquartile range: 2 for a uniform distribution, 3.4 for a triangular one, more than 5 for 1000 events of
# a Gaussian.
_FLAT = 3.0
# Of a few thousand events the growth of a tail's steps is known to a tenth: outliers begin where twice that leads.
_MARGIN = 1.2
# A cumulative sum reaches a share of the whole where it lies within this below it: what summing up may round.
_ROUNDING = 1e-12


def weighted_quantile(x: np.ndarray, q: Any, weights: np.ndarray | None = None) -> np.ndarray:
    """Compute quantiles of weighted values: the smallest value up to which the weights sum to q · Σw.

    Integer weights give the same as repeated values (the "inverted_cdf" of NumPy, definition 1 of Hyndman & Fan 1996).
    With negative weights the cumulative sum may fall again; the first value that reaches the sum counts. Equal values
    enter together, and values of weight zero not at all.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Values, none of them NaN.
    q : array-like
        Probabilities between 0 and 1.
    weights : ndarray of shape (n,) or None
        Weights with a positive sum.

    Returns
    -------
    ndarray
        In the shape of ``q``; NaN where there are no values.
    """
    q = np.asarray(q, dtype=np.float64)
    if len(x) == 0:
        return np.full(q.shape, np.nan)
    if weights is None:
        index = np.maximum(np.ceil(q * len(x)).astype(int) - 1, 0)
        return np.sort(x)[index].astype(np.float64)  # with vector instructions five times faster than np.partition
    signed = weights.min() <= 0
    if signed:
        x, weights = x[weights != 0], weights[weights != 0]
    order = np.argsort(x)
    x, cumulative = x[order], np.cumsum(weights[order])
    if signed:  # else it does not matter which of equal values comes first
        last = np.append(x[1:] != x[:-1], True)
        x, cumulative = x[last], cumulative[last]
    reached = np.maximum.accumulate(cumulative) if signed else cumulative
    index = np.searchsorted(reached, (q - _ROUNDING) * cumulative[-1])
    return x[index.clip(max=len(x) - 1)].astype(np.float64)


class Shape(NamedTuple):
    """Quantiles of a column; ``low`` and ``high`` are its least and greatest value."""

    low: float
    q01: float
    q05: float
    q25: float
    q50: float
    q75: float
    q95: float
    q99: float
    high: float


def shape_of(x: np.ndarray, weights: np.ndarray | None = None) -> Shape:
    """Summarise a column by its weighted quantiles; NaN and events of weight zero are left out.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Values.
    weights : ndarray of shape (n,) or None
        Event weights.

    Returns
    -------
    Shape
        All NaN where there is no value.
    """
    there = ~np.isnan(x)
    if weights is not None:
        there &= weights != 0
    if not there.all():
        x, weights = x[there], None if weights is None else weights[there]
    if weights is not None and weights.sum() <= 0:  # of the values that are there: nothing is known of this column
        weights = None
    q = weighted_quantile(x, (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0), weights)
    if weights is not None and len(x):  # signed weights may leave the ends of the cumulative sum short of the extremes
        q[0], q[-1] = x.min(), x.max()
    return Shape(*map(float, q))


def _distances(shape: Shape) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the distances of the 25, 5 and 1 % (75, 95 and 99 %) quantiles from the median, below and above."""
    m = shape.q50
    return (m - shape.q25, m - shape.q05, m - shape.q01), (shape.q75 - m, shape.q95 - m, shape.q99 - m)


def _is_long(d75: float, d95: float) -> bool:
    return d95 > 0 and d95 >= _LONG_TAIL * d75


def suitable_scaling(shape: Shape) -> tuple[Kind, str]:
    """Choose the scaling of a column: uniform → min-max, orders of magnitude → log, Gaussian → z-score.

    Parameters
    ----------
    shape : Shape
        The column's quantiles.

    Returns
    -------
    kind : {"min-max", "log", "symlog", "z-score"}
        The scaling; "symlog" is the logarithm of a column with both signs.
    reason : str
        Reason, from the quantiles, for the choice.
    """
    if not shape.high > shape.low:
        return "min-max", "constant"
    if all(value in (shape.low, shape.high) for value in shape):
        return "min-max", f"two values, {shape.low:.4g} and {shape.high:.4g}"
    if shape.high - shape.low <= _FLAT * (shape.q75 - shape.q25):
        return "min-max", f"flat between {shape.low:.4g} and {shape.high:.4g}"
    below, above = _distances(shape)
    if shape.low >= 0 and _is_long(*above[:2]):
        return "log", f"positive with a long tail: median {shape.q50:.4g}, 95 % quantile {shape.q95:.4g}"
    if shape.low < 0 and (_is_long(*above[:2]) or _is_long(*below[:2])):
        return "symlog", f"long tails: 5, 50, 95 % at {shape.q05:.4g}, {shape.q50:.4g}, {shape.q95:.4g}"
    return "z-score", f"one bulk: median {shape.q50:.4g}, 5 to 95 % from {shape.q05:.4g} to {shape.q95:.4g}"


def _reach(d75: float, d95: float, d99: float, factor: float) -> float:
    """Return the distance from the median at which outliers begin on one side.

    From the 75 to the 95 and from the 95 to the 99 % quantile the probability beyond falls by five. Of a generalised
    Pareto tail, such steps grow by a constant factor r = 5^ξ (Pickands, Annals of Statistics 3 (1975) 119): ξ = 0 for
    an exponential, 1/α for a power law x^−α. ``factor`` further steps leave 0.01 · 5^−factor outside.
    """
    first, second = d95 - d75, max(d99 - d95, d95 - d75)
    if not first > 0:
        return np.inf
    growth = _MARGIN * second / first
    with np.errstate(over="ignore"):
        return float(d99 + second * growth * (growth**factor - 1) / (growth - 1))


def outlier_limits(shape: Shape, factor: float) -> tuple[float, float]:
    """Return the limits outside of which a value is an outlier, robust up to 1 % of outliers on each side.

    Parameters
    ----------
    shape : Shape
        The column's quantiles.
    factor : float
        Steps beyond the 1 and 99 % quantiles; 8 leaves less than 3e-8 of an exponential or a power-law tail outside.

    Returns
    -------
    lower, upper : float
        Infinite where more than 95 % of a side have one value, so that nothing is known of its tail.
    """
    below, above = _distances(shape)
    return shape.q50 - _reach(*below, factor), shape.q50 + _reach(*above, factor)
