"""Checks that several subpackages share: finite columns, event weights, and classes."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ._missing import real_numbers
from ._segments import segment_sum

# Ratio of Σw to Σ|w| below which the signs nearly cancel: the effective sample is under 4 % of the events.
_CANCELLATION_LIMIT = 0.2
_LARGEST = np.finfo(np.float32).max  # networks compute in single precision
_TOO_LARGE = " Numbers beyond 3.4e38, which single precision cannot hold, count as infinite: put a scaler in front."


def check_finite(
    X: np.ndarray, names: Any = None, *, allow_nan: bool = False, cure: str = "Fill or drop them before the network."
) -> None:
    """Refuse NaN, infinity, and what is infinite in single precision, and name the columns that hold them.

    Parameters
    ----------
    X : ndarray of shape (n_events, n_features)
        Floating-point values.
    names : sequence of str or None
        Names of the columns; None names them by their numbers.
    allow_nan : bool
        Whether NaN is allowed, as the mark of an absent object; infinity never is.
    cure : str
        Advice to the user in the error.

    Raises
    ------
    ValueError
        A column holds a forbidden value.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum(dtype=np.float32)):  # one fast pass; an overflow only leads to the slow one
            return
    for what, bad in (("infinity", np.abs(X) > _LARGEST), ("NaN", np.isnan(X))):
        if (what == "NaN" and allow_nan) or not bad.any():
            continue
        columns = np.flatnonzero(bad.any(axis=tuple(i for i in range(X.ndim) if i != 1)))
        shown = ", ".join(repr(str(names[i])) if names is not None else str(i) for i in columns[:10])
        more = f" and {len(columns) - 10} more" if len(columns) > 10 else ""
        raise ValueError(
            f"Input X contains {what}: expected finite numbers, got {int(bad.sum())} such values in the "
            f"column{'s' if len(columns) > 1 else ''} {shown}{more}. {cure}{_TOO_LARGE if what == 'infinity' else ''}"
        )


def finite_numbers(values: Any, name: str) -> np.ndarray:
    """Convert to float64 of any shape, without missing values; a masked value is missing.

    Raises
    ------
    ValueError
        The values are no real numbers (text, dates, complex), or one is missing, NaN or infinite.
    """
    numbers = real_numbers(values, np.float64)
    if numbers is None:
        kind = getattr(values, "dtype", None) or type(values).__name__
        raise ValueError(
            f"{name} is {'sparse' if issparse(values) else f'of type {kind}'}: expected a dense array of real numbers. "
            "Convert it first, for instance by .toarray() or .astype(float)."
        )
    if not np.isfinite(numbers).all():
        raise ValueError(
            f"{name} contains {int((~np.isfinite(numbers)).sum())} values that are missing, NaN or infinite: expected "
            "finite numbers. Leave those events out, or mend what makes them."
        )
    return numbers


def check_integer(value: Any, name: str, least: int) -> int:
    """A whole number, ``least`` or more; True and False are none, nor is 10.0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be an integer, {least} or more; got {value!r}.")
    return int(value)


def check_amount(value: Any, name: str) -> float:
    """A finite number, 0 or more; True and False are none."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real) or not 0 <= float(value) < np.inf:
        raise ValueError(f"{name} must be a finite number, 0 or more; got {value!r}.")
    return float(value)


def event_weights(sample_weight: Any, n: int, name: str = "sample_weight") -> np.ndarray | None:
    """Check that there is one finite number per event; it may be negative or zero.

    Parameters
    ----------
    sample_weight : array-like of shape (n_events,), a number or None
        Weights; a number is the weight of every event.
    n : int
        Number of events.
    name : str
        Name of the argument, for the error.

    Returns
    -------
    ndarray of shape (n_events,), float64, or None
        None where there are no weights.

    Raises
    ------
    ValueError
        The weights are no real numbers (text, dates, complex), are sparse or of a wrong shape, or one is missing, NaN
        or infinite, or their sum overflows.
    """
    if sample_weight is None:
        return None
    weights = real_numbers(sample_weight, np.float64)
    if weights is None:
        kind = getattr(sample_weight, "dtype", None) or type(sample_weight).__name__
        raise ValueError(
            f"{name} is {'sparse' if issparse(sample_weight) else f'of type {kind}'}: expected a dense array of {n} "
            "real numbers, one weight per event. Convert it first, by .toarray().ravel() or .astype(float), say."
        )
    if weights.ndim == 0:
        weights = np.full(n, weights)
    if weights.shape != (n,):
        raise ValueError(
            f"{name}.shape == {weights.shape}, expected {(n,)}: one weight per event. Pass the weights of these "
            "events, as one column."
        )
    if not np.isfinite(weights).all():
        raise ValueError(
            f"{name} contains {int((~np.isfinite(weights)).sum())} values that are missing, NaN or infinite: expected "
            "finite weights. Drop those events, or mend their weights."
        )
    with np.errstate(over="ignore"):
        if not np.isfinite(np.abs(weights).sum()):
            raise ValueError(
                f"{name} is so large that its sum overflows (largest |w| = {np.abs(weights).max():g}): expected "
                "weights with a finite sum. Divide all of them by a constant."
            )
    return weights


def is_ragged(values: Any) -> bool:
    """Return whether values are a RaggedArray, which has flat values and offsets."""
    return hasattr(values, "values") and hasattr(values, "offsets")


def entry_weights(sample_weight: Any, y: Any, name: str = "sample_weight") -> np.ndarray | None:
    """Check the weights of all points or edges of a ragged target: given for each of them, or for each event.

    Parameters
    ----------
    sample_weight : RaggedArray, array-like of shape (n_events,), a number or None
        Weights.
    y : RaggedArray
        Target, which says how many values each event has.
    name : str
        Name of the argument, for the error.

    Returns
    -------
    ndarray of shape (n_values,), float64, or None
        None where there are no weights.
    """
    if is_ragged(sample_weight):
        if not np.array_equal(sample_weight.offsets, y.offsets):
            raise ValueError(
                f"{name} must have one weight for every value of y, or one per event; got {len(sample_weight.values)} "
                f"weights for {len(y.values)} values, or other numbers of them for an event."
            )
        return event_weights(sample_weight.values, len(y.values), name)
    weights = event_weights(sample_weight, len(y), name)
    return None if weights is None else np.repeat(weights, np.diff(y.offsets))


def mean_of_entries(weights: Any) -> Any:
    """Return the weight of each event: the mean of those of its points or edges, 0 without any; others as they are."""
    if not is_ragged(weights):
        return weights
    return segment_sum(weights.values, weights.offsets) / np.maximum(np.diff(weights.offsets), 1)


def check_weights(sample_weight: Any, n: int, name: str = "sample_weight") -> np.ndarray | None:
    """Check the weights of training events: as `event_weights`, and that their sum is positive.

    Parameters
    ----------
    sample_weight : array-like of shape (n_events,), a number or None
        Weights; a number is the weight of every event.
    n : int
        Number of events.
    name : str
        Name of the argument, for the error.

    Returns
    -------
    ndarray of shape (n_events,), float64, or None
        None where there are no weights.

    Raises
    ------
    ValueError
        What `event_weights` refuses, or weights that sum to zero or less.
    """
    weights = event_weights(sample_weight, n, name)
    if weights is None:
        return None
    check_sum(weights.sum(), np.abs(weights).sum(), name)
    return weights


def check_sum(total: float, size: float, name: str) -> None:
    """Refuse weights whose sum ``total`` is zero or less; warn if the sum of their sizes is much larger.

    Raises
    ------
    ValueError
        The sum is zero or less.
    """
    if total <= 0:
        raise ValueError(
            f"{name} sums to {total:g}: expected a positive sum of weights. With weights that are all zero, or that "
            "cancel, there is nothing to fit; use more events, or fewer negative weights."
        )
    if total < _CANCELLATION_LIMIT * size:
        warnings.warn(
            f"Σw/Σ|w| = {total / size:.2g} for {name}: positive and negative weights nearly cancel, and the fit has "
            "the statistical power of a small part of these events.",
            UserWarning,
            stacklevel=4,
        )


def class_factors(factors: dict, classes: np.ndarray) -> np.ndarray:
    """Check that there is one positive factor per class.

    Parameters
    ----------
    factors : dict
        Factor on the weights of each class, by its label; labels that are not there are ignored.
    classes : ndarray of shape (n_classes,)
        Labels.

    Returns
    -------
    ndarray of shape (n_classes,), float64
        The factors in the order of ``classes``.

    Raises
    ------
    ValueError
        A class has no factor, or one that is no finite number above zero.
    """
    labels = classes.tolist()
    if missing := [label for label in labels if label not in factors]:
        raise ValueError(
            f"class_weight={factors} has no factor for the class{'es' if len(missing) > 1 else ''} "
            f"{', '.join(map(repr, missing))}: expected one for each of {labels}. Give the factor 1 to classes that "
            "shall keep their weights."
        )
    values = real_numbers([factors[label] for label in labels])
    if values is None or values.ndim != 1 or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(
            f"class_weight={factors}: expected a finite number above zero for each class. To leave a class out, leave "
            "out its events; negative weights of single events are given as sample_weight."
        )
    return values


def check_model(estimator: Any, owner: str, *methods: str) -> None:
    """Refuse what cannot be fitted: nothing, a name, a class in place of an object.

    Raises
    ------
    TypeError
        ``estimator`` is no object with these methods.
    """
    if isinstance(estimator, type) or not all(hasattr(estimator, method) for method in methods):
        raise TypeError(
            f"{owner} got {estimator!r}: expected an estimator, an object with the methods {', '.join(methods)}."
        )


def check_class_weights(codes: np.ndarray, weights: np.ndarray | None, classes: np.ndarray) -> None:
    """Refuse a class whose weights sum to zero or less.

    Parameters
    ----------
    codes : ndarray of shape (n_events,)
        Index of each event's class.
    weights : ndarray of shape (n_events,) or None
        Event weights.
    classes : ndarray of shape (n_classes,)
        Labels, for the error.

    Raises
    ------
    ValueError
        A class has no event, or its weights sum to zero or less.
    """
    sums = np.bincount(codes, weights=weights, minlength=len(classes))
    for label, total in zip(classes, sums, strict=True):
        if total <= 0:
            raise ValueError(
                f"The training weights of class {label} sum to {total:g}: expected a positive sum in every class. "
                "Use more events of this class, fewer negative weights, or leave the class out."
            )
