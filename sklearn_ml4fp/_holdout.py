"""Hold-out: the events that `fit` sets apart to watch the training."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ._events import check_ids, derive_salt, uniform
from ._protocols import HoldOutSplitter

# Salt of the hold-out, which makes it independent of every split that a user makes by the same ids.
_SALT = derive_salt(0, "hold-out")


def set_apart(
    validation: Any, X: Any, y: Any, *, groups: Any, codes: np.ndarray | None, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the events to train on and the events to watch.

    Parameters
    ----------
    validation : float or splitter
        A share of the events, for `hold_out`; or a splitter, of which the first split is taken, unless it has a
        ``hold_out(groups)`` of its own, as `RotatingKFold` does.
    X, y : array-like
        Events and targets, for the splitter.
    groups : array-like of shape (n_events,) or None
        Event ids.
    codes : ndarray of shape (n_events,) or None
        Index of each event's class, for a classification.
    rng : RandomState
        Source of the random choice, without groups and splitter.

    Returns
    -------
    train, held : ndarray of shape (n_events,), bool
        Masks.

    Raises
    ------
    ValueError
        One side would be empty, or the splitter puts an event on both.
    """
    n = len(y)
    if isinstance(validation, Real):
        held = hold_out(n, float(validation), groups=groups, codes=codes, rng=rng)
        return ~held, held
    if isinstance(validation, HoldOutSplitter):
        if groups is None:
            raise ValueError(
                f"validation={validation!r} sets events apart by their ids, and fit got none: pass groups=, one id per "
                "event."
            )
        rows = validation.hold_out(groups)
    else:
        rows = next(iter(validation.split(X, y, groups)))
    masks = np.zeros((2, n), dtype=bool)
    for mask, chosen in zip(masks, rows, strict=True):
        mask[chosen] = True
    if (masks[0] & masks[1]).any() or not masks.any(axis=1).all():
        raise ValueError(
            f"validation={validation!r} split {n} events into {masks[0].sum()} to train on and {masks[1].sum()} to "
            f"watch, {(masks[0] & masks[1]).sum()} of them on both sides: expected two parts without a common event."
        )
    return masks[0], masks[1]


def hold_out(
    n: int, fraction: float, *, groups: Any = None, codes: np.ndarray | None = None, rng: np.random.RandomState
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Choose a share of the events to set apart.

    With groups, whole groups are set apart by a hash of their ids, so that an event is always on the same side. Without
    groups the choice is random, with the same share of every class.

    Parameters
    ----------
    n : int
        Number of events.
    fraction : float
        Share of the events that is set apart.
    groups : array-like of shape (n_events,) or None
        Event ids.
    codes : ndarray of shape (n_events,) or None
        Index of each event's class, for a classification.
    rng : RandomState
        Source of the random choice, without groups.

    Returns
    -------
    ndarray of shape (n_events,), bool
        True for the events that are set apart.

    Raises
    ------
    ValueError
        One side would be empty.
    """
    if groups is not None:
        check_ids(groups, n)
        apart = uniform(groups, _SALT) < fraction
    else:
        # Systematic sampling along the classes: each loses its share up to one event, however small the sample.
        order = rng.permutation(n)
        if codes is not None:
            order = order[np.argsort(codes[order], kind="stable")]
        steps = np.floor(np.arange(n + 1) * max(fraction, 1 / n) + rng.uniform())  # one event at least
        apart = np.zeros(n, dtype=bool)
        apart[order] = np.diff(steps) > 0
        if codes is not None:  # a class with a single event is trained on, not only watched
            in_training = np.bincount(codes[~apart], minlength=codes.max() + 1)
            apart &= in_training[codes] > 0
    for side, what in ((apart, "hold-out"), (~apart, "training part")):
        if not side.any():
            unit = "" if groups is None else f" in {len(np.unique(np.asarray(groups), axis=0))} groups"
            raise ValueError(
                f"The {what} for early stopping is empty: n_samples={n}{unit}, validation={fraction:g}. Pass more "
                "events, another validation=, your own X_val and y_val, or early_stopping=False."
            )
    return apart
