"""Kolmogorov-Smirnov distance between two samples, with signed event weights and a p-value by permutation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from .._binary import check_binary, weights_or_ones
from .._events import check_ids
from .._validation import check_integer, finite_numbers
from ._roc import cumulative_yields


class KSResult(NamedTuple):
    """Distance and p-value of :func:`ks_test`."""

    statistic: float
    pvalue: float


def ks_distance(y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None) -> float:
    """Largest distance between the cumulative score distributions of signal and background.

    It is the largest difference of ε_S and ε_B along the ROC curve: 0 for equal distributions, 1 for separate
    ones (more, by a fluctuation, with negative weights).

    Parameters
    ----------
    y_true : array-like of shape (n_events,)
        Labels.
    y_score : array-like of shape (n_events,)
        Score.
    pos_label : label, optional
        The signal's label; by default the greater of two numbers. Labels that are text need it.
    sample_weight : array-like of shape (n_events,), optional
        Event weights; negative ones are allowed.

    Returns
    -------
    distance : float

    Raises
    ------
    ValueError
        If a class is absent or the sum of its weights is not positive, or on NaN or infinity.

    See Also
    --------
    ks_test : Its significance.
    OvertrainingDisplay : Compare scores of training and test events.

    Examples
    --------
    >>> from sklearn_ml4fp import ks_distance
    >>> ks_distance([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    background, signal, _ = cumulative_yields(*check_binary(y_true, y_score, sample_weight, pos_label))
    return float(np.abs(signal / signal[-1] - background / background[-1]).max())


def _permuted_distances(
    first: np.ndarray, value: np.ndarray, weight: np.ndarray, group: np.ndarray, n_permutations: int, rng: Any
) -> np.ndarray:
    """Compute distances after random exchanges of groups between the samples, which keep their numbers of groups."""
    order = np.argsort(value, kind="stable")
    weight, group = weight[order], group[order]
    value = value[order]
    last = np.append(value[1:] != value[:-1], True)
    in_first = np.zeros(group.max() + 1, bool)
    in_first[group[first[order]]] = True
    together = np.cumsum(weight)[last]
    distances = np.empty(n_permutations)
    for i in range(n_permutations):
        one = np.cumsum(weight * rng.permutation(in_first)[group])[last]
        two = together - one
        # an exchange without a positive yield counts as infinitely far, which makes the p-value conservative
        proper = one[-1] > 0 and two[-1] > 0
        distances[i] = np.abs(one / one[-1] - two / two[-1]).max() if proper else np.inf
    return distances


def _values(sample: Any, name: str) -> np.ndarray:
    values = finite_numbers(sample, name)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(
            f"{name} must have one value per event, shape (n_events,), at least one event; got {values.shape}. "
            "Test one column at a time."
        )
    return values


def ks_test(
    sample_1: Any,
    sample_2: Any,
    *,
    weight_1: Any = None,
    weight_2: Any = None,
    groups_1: Any = None,
    groups_2: Any = None,
    n_permutations: int = 999,
    random_state: Any = None,
) -> KSResult:
    """Two-sample Kolmogorov-Smirnov test of weighted values, such as the scores of training and test events.

    The p-value comes from random exchanges of events between the two samples, each with its weight, group by group. The
    asymptotic formula with effective numbers of events is wrong as soon as weight and value are correlated.

    Parameters
    ----------
    sample_1, sample_2 : array-like of shape (n_1,), (n_2,)
        Values.
    weight_1, weight_2 : array-like of shape (n_1,), (n_2,), optional
        Event weights; negative ones are allowed. The overall scale of each sample's weights does not matter.
    groups_1, groups_2 : array-like of shape (n_1,), (n_2,), optional
        Event ids; rows of one event are exchanged together. By default each row is an event.
    n_permutations : int, default=999
        The smallest p-value possible is 1/(n_permutations + 1).
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations.

    Returns
    -------
    result : KSResult
        ``statistic``, the largest distance of the weighted cumulative distributions, and ``pvalue``.

    Raises
    ------
    ValueError
        If a sample is no column or is empty, the weights of one do not sum to something positive, ids are given for one
        sample only or are in both, or on NaN or infinity.

    See Also
    --------
    ks_distance : The distance as a metric of two classes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import ks_test
    >>> rng = np.random.default_rng(0)
    >>> result = ks_test(rng.normal(0, 1, 200), rng.normal(1, 1, 200), random_state=0)
    >>> round(result.statistic, 3), result.pvalue
    (0.34, 0.001)
    """
    n_permutations = check_integer(n_permutations, "n_permutations", 1)
    samples = [_values(sample, name) for name, sample in (("sample_1", sample_1), ("sample_2", sample_2))]
    # a mean weight of one in both: with different scales, events could not be exchanged
    weights = [weights_or_ones(w, len(s)) for w, s in zip((weight_1, weight_2), samples, strict=True)]
    if not all(weight.sum() > 0 for weight in weights):
        raise ValueError("each sample's weights must have a positive sum to make a distribution.")
    value, weight = np.concatenate(samples), np.concatenate([w / w.mean() for w in weights])
    first = np.arange(len(value)) < len(samples[0])
    if (groups_1 is None) != (groups_2 is None):
        raise ValueError("pass the event ids of both samples (groups_1 and groups_2), or of none.")
    group = np.arange(len(value))
    if groups_1 is not None:
        codes = [check_ids(groups_1), check_ids(groups_2)]
        if [len(code) for code in codes] != [len(sample) for sample in samples]:
            raise ValueError("groups_1 and groups_2 must name the event of every row of sample_1 and sample_2.")
        if np.intersect1d(codes[0], codes[1]).size:
            raise ValueError(
                "the samples have events in common (groups_1 and groups_2 share ids): split them by event."
            )
        group = np.unique(np.concatenate(codes), return_inverse=True)[1]
    distance = ks_distance(first, value, sample_weight=weight)
    rng = check_random_state(random_state)
    permuted = _permuted_distances(first, value, weight, group, n_permutations, rng)
    # 1e-12: equal distances that differ by the order of a sum count as equal
    return KSResult(distance, float((1 + np.sum(permuted >= distance - 1e-12)) / (1 + n_permutations)))
