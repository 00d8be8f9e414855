"""Hold-out: the events that `fit` sets apart to watch the training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ._events import check_ids, derive_salt, uniform
from ._protocols import EventAssigner, HoldOutSplitter

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
        apart = ApartById(fraction)(groups)
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
    unit = "" if groups is None or 0 < apart.sum() < n else f" in {len(np.unique(np.asarray(groups), axis=0))} groups"
    check_sides(n - int(apart.sum()), int(apart.sum()), fraction, unit)
    return apart


def check_sides(n_train: int, n_held: int | None, validation: Any, unit: str = "") -> None:
    """Refuse a side of the hold-out without an event; there may be no hold-out (None)."""
    for n, what in ((n_held, "hold-out"), (n_train, "training part")):
        if n == 0:
            raise ValueError(
                f"The {what} for early stopping is empty: n_samples={n_train + (n_held or 0)}{unit}, "
                f"validation={validation}. Pass more events, another validation=, your own X_val and y_val, or "
                "early_stopping=False."
            )


@dataclass
class ApartById:
    """Choice of the events to watch by their ids alone, chunk by chunk.

    Parameters
    ----------
    validation : float or splitter
        A share of the events, or a splitter with ``assign(ids)``.
    fold : int or None
        Fold of the splitter that is watched.
    """

    validation: Any
    fold: int | None = None

    def __call__(self, ids: Any) -> np.ndarray:
        """Return the mask of the events to watch."""
        if self.fold is None:
            return uniform(ids, _SALT) < float(self.validation)
        return self.validation.assign(ids) == self.fold


def apart_by_id(validation: Any, ids: Callable[[], Iterable[Any]]) -> ApartById:
    """Make the choice of the events to watch, the same as `set_apart` makes with the ids of all events.

    Parameters
    ----------
    validation : float or splitter
        A share of the events; or a splitter with ``assign(ids)``, of which the first fold is watched, unless it has a
        ``hold_out(groups)`` of its own.
    ids : callable
        Function that gives the ids of all events, chunk by chunk; it is called if the splitter depends on which folds
        there are.

    Raises
    ------
    ValueError
        The splitter cannot tell the fold of an event by its id.
    """
    if isinstance(validation, Real):
        return ApartById(validation)
    if not isinstance(validation, EventAssigner):
        raise ValueError(
            f"validation={validation!r} cannot split a stream: expected a share of the events, or a splitter that "
            "tells the fold of any event by assign(ids), such as EventKFold."
        )
    if not isinstance(validation, HoldOutSplitter):
        return ApartById(validation, 0)
    one_of: dict[int, Any] = {}  # an id of each fold stands for all
    for some in ids():
        folds = validation.assign(some)
        for fold in set(np.unique(folds).tolist()) - one_of.keys():
            one_of[fold] = some[np.argmax(folds == fold)]
    _, held = validation.hold_out(np.array(list(one_of.values())))
    return ApartById(validation, list(one_of)[held[0]])
