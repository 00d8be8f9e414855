"""Several quantiles of one network: which, and how well they are predicted."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ._distributions import weighted_quantile


def check_levels(quantile: Any) -> None:
    """Refuse a tuple of levels that are not ascending numbers between 0 and 1.

    Raises
    ------
    ValueError
        They are not.
    """
    if not isinstance(quantile, tuple):
        return
    numbers = all(isinstance(level, Real) and not isinstance(level, bool) for level in quantile)
    if not quantile or not numbers or not all(a < b for a, b in zip((0.0, *quantile), (*quantile, 1.0), strict=True)):
        raise ValueError(
            f"quantile={quantile!r}: expected a number between 0 and 1, or a tuple of several in ascending order, such "
            "as (0.16, 0.5, 0.84)."
        )


def levels_in(estimator: Any) -> tuple[float, ...] | None:
    """Levels of the quantiles that an estimator, or one inside of it, predicts; None where it predicts a single one."""
    params = estimator.get_params().items() if hasattr(estimator, "get_params") else ()
    found = (value for name, value in params if name.split("__")[-1] == "quantile" and isinstance(value, tuple))
    return next(found, None)


def explained(
    true: np.ndarray, predicted: np.ndarray, *, levels: tuple[float, ...], sample_weight: Any = None
) -> float:
    """Compute D², the share of the quantile loss that predictions save over the best constant; the mean of all levels.

    Parameters
    ----------
    true : ndarray of shape (n,) or (n, n_targets)
        Targets.
    predicted : ndarray of shape (n, n_levels) or (n, n_targets, n_levels)
        Quantiles.
    levels : tuple of float
        Their probabilities.
    sample_weight : ndarray of shape (n,) or None
        Event weights.

    References
    ----------
    Koenker and Machado, J. Am. Stat. Assoc. 94 (1999) 1296.
    """
    true, predicted = true.reshape(len(true), -1), predicted.reshape(len(true), -1, len(levels))
    constants = np.stack([weighted_quantile(column, levels, sample_weight) for column in true.T])

    def losses(quantiles: np.ndarray) -> np.ndarray:
        residual = true[..., None] - quantiles
        each = np.maximum(np.array(levels) * residual, (np.array(levels) - 1) * residual)
        return np.average(each, 0, sample_weight)

    return float((1 - losses(predicted) / losses(constants[None])).mean())
