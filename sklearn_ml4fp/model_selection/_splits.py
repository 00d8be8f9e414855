"""Splits that follow the event id: an event is on the same side in every file, on every machine, in every row order."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils.validation import check_consistent_length

from .._compat import safe_indexing
from .._events import assign, check_ids, derive_salt, uniform
from .._keeping import FilledUp
from ..data import EventSource
from ._split_sources import InPart, check_source, sources


def _check_parts(
    parts: np.ndarray, names: list[str], groups: Any, splitter: str, fractions: np.ndarray | None = None
) -> None:
    """Refuse a part without an event: downstream it would be an obscure error; warn of one of quite another size."""
    counts = np.bincount(parts, minlength=len(names))
    expected = len(parts) * (np.full(len(names), 1 / len(names)) if fractions is None else fractions)
    # of 200 ids one of five parts has 40 ± 6: half as many, or twice as many, come by chance in one split of 2000
    if counts.all() and (counts >= expected / 2).all() and (counts <= expected * 2).all():
        return
    n_ids = len(np.unique(check_ids(groups)))
    if not counts.all():
        empty = ", ".join(name for name, count in zip(names, counts, strict=True) if not count)
        raise ValueError(
            f"{splitter}: no event in {empty}, of {len(parts)} events with {n_ids} different ids. Take fewer parts or "
            "more events. If these events are already one part of an equal split, they all share its hash: give the "
            'inner one a salt of its own, as in EventKFold(5, salt="inner").'
        )
    sizes = ", ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True))
    warnings.warn(
        f"{splitter}: the parts have very unequal numbers of events ({sizes}), because there are only {n_ids} "
        "different ids, or a few of them have most events, and a hash decides about each. scikit-learn's GroupKFold "
        "makes folds of equal size of such groups; which fold a group is in then depends on all the events.",
        UserWarning,
        stacklevel=3,
    )


def _check_n_splits(n_splits: Any, least: int) -> None:
    if not isinstance(n_splits, Integral) or isinstance(n_splits, bool) or n_splits < least:
        raise ValueError(f"n_splits must be an integer of at least {least}; got {n_splits!r}.")


class _EventSplitter(FilledUp, BaseCrossValidator):
    """Base of the splitters, which request ``groups`` as GroupKFold of scikit-learn does."""

    __metadata_request__split = {"groups": True}  # noqa: RUF012 (scikit-learn reads it by this name)

    n_splits: int

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of (train, test) pairs; the arguments, a convention of scikit-learn, are ignored."""
        return self.n_splits


class _EventFolds(_EventSplitter):
    def __init__(self, n_splits: int = 5, *, salt: int | str = 0) -> None:
        _check_n_splits(n_splits, self._least_splits)
        self.n_splits = n_splits
        self.salt = salt

    _least_splits = 2

    def assign(self, ids: Any) -> np.ndarray:
        """Assign each event to a fold, by its id alone.

        Parameters
        ----------
        ids : array-like of shape (n_events,) or (n_events, n_columns)
            Event ids: integers, strings, or several columns (run, luminosity block, event).

        Returns
        -------
        folds : ndarray of shape (n_events,)
            Numbers from 0 to ``n_splits - 1``: the fold in which the event is a test event.
        """
        return assign(ids, self.n_splits, self._salt_of_folds)

    @property
    def _salt_of_folds(self) -> int:
        """Salt of the hash that decides the fold."""
        # n_splits is part of the role: 3 folds inside 5 are then independent of them without a salt.
        return derive_salt(self.salt, f"{type(self).__name__} {self.n_splits}")

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Any, Any]]:
        """Generate row numbers of the training and the test events, fold by fold.

        Parameters
        ----------
        X : array-like of shape (n_events, ...), or EventSource
        y : array-like of shape (n_events,), optional
            Ignored.
        groups : array-like of shape (n_events,) or (n_events, n_columns)
            Event ids; a source has its own.

        Yields
        ------
        train, test : ndarray of int, or EventSource
            All events with one id are on the same side. Of a source, sources of the two sides: nothing is read yet.

        Raises
        ------
        ValueError
            If ids are absent or unusable, or a fold has no event.
        """
        if isinstance(X, EventSource):
            check_source(X, groups)
            for fold in range(self.n_splits):
                yield X.where(InPart(self.assign, fold, others=True)), X.where(InPart(self.assign, fold))
            return
        folds = self.assign(groups)
        check_consistent_length(X, y, groups)
        _check_parts(folds, [f"fold {i}" for i in range(self.n_splits)], groups, repr(self))
        for fold in range(self.n_splits):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


class EventKFold(_EventFolds):
    """K folds by event id: the fold of an event depends on its id and the salt alone.

    Unlike :class:`~sklearn.model_selection.GroupKFold`, whose folds change when events are added, removed or sorted,
    the fold of an event never changes: years later, in another file, it is still known which model has not
    seen it. Folds are of equal size within counting statistics: with N distinct ids, N/k ± √(N/k).

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    salt : int or str, default=0
        Another salt gives other, independent folds. Folds of another number, and the parts of
        :func:`train_val_test_split` and of the other splitters, are independent also with equal salts. ``EventKFold``
        inside ``EventKFold`` with the same number of folds needs another salt; an error says so.

    See Also
    --------
    EventShuffleSplit : One or several random splits.
    RotatingKFold : Folds with a block to watch the training.
    CrossFitClassifier, CrossFitRegressor : Fit a model per fold.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import EventKFold
    >>> X, event = np.zeros((6, 1)), np.array([11, 12, 13, 11, 14, 15])
    >>> for train, test in EventKFold(2).split(X, groups=event):
    ...     print(event[train], event[test])
    [12 13 14 15] [11 11]
    [11 11] [12 13 14 15]
    """


class RotatingKFold(_EventFolds):
    """K blocks by event id, rotated: train on k − 2 of them, validate on one, test on one.

    As a cross-validation it yields k − 1 blocks to fit on and one block to test on. Given also as a network's
    ``validation=``, it recognises inside ``fit`` which block i is absent, and holds out block i + 1 (modulo k) for
    early stopping: every block is in turn test and validation, and no event is ever on two sides.

    Parameters
    ----------
    n_splits : int, default=5
        Number of blocks, at least 3.
    salt : int or str, default=0
        Another salt gives other, independent blocks.

    See Also
    --------
    EventKFold : Folds without a block to watch.
    CrossFitClassifier, CrossFitRegressor : Fit a model per fold.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import RotatingKFold
    >>> rotation, event = RotatingKFold(3), np.arange(9)
    >>> for fit, test in rotation.split(event, groups=event):
    ...     train, validation = rotation.hold_out(event[fit])
    ...     print(event[fit][train], event[fit][validation], event[test])
    [3 4] [2 7 8] [0 1 5 6]
    [0 1 5 6] [3 4] [2 7 8]
    [2 7 8] [0 1 5 6] [3 4]
    """

    _least_splits = 3

    def hold_out(self, groups: Any) -> tuple[np.ndarray, np.ndarray]:
        """Choose the rows to train on and to validate on, of events among which one block is absent.

        Parameters
        ----------
        groups : array-like of shape (n_events,) or (n_events, n_columns)
            Event ids of the events that ``fit`` was given.

        Returns
        -------
        train, validation : ndarray of int
            Block i being absent, validation is block (i + 1) mod k. When none is absent (a final fit on all events),
            it is block 0.

        Raises
        ------
        ValueError
            If more than one block is absent: the events were then not split by this object.
        """
        blocks = self.assign(groups)
        absent = np.flatnonzero(np.bincount(blocks, minlength=self.n_splits) == 0)
        if len(absent) > 1:
            raise ValueError(
                f"{self!r} as a hold-out: blocks {absent.tolist()} have no event, expected at most one absent block. "
                "Split the events with the same RotatingKFold (same n_splits and salt), or give more events."
            )
        held = (absent[0] + 1) % self.n_splits if len(absent) else 0
        return np.flatnonzero(blocks != held), np.flatnonzero(blocks == held)


def _fractions(sizes: Any, names: tuple[str, ...]) -> np.ndarray:
    """Convert sizes to fractions that sum to one; one of them may be None, for the rest."""
    given = list(sizes) if np.iterable(sizes) else [sizes]
    known = [size for size in given if size is not None]
    good = len(given) == len(names) and len(known) >= len(names) - 1
    good = good and all(isinstance(size, Real) and 0 < float(size) < 1 for size in known)
    rest = 1 - sum(known) if good else 0.0
    # 1e-9: decimal fractions such as 0.7 + 0.2 + 0.1 miss one by rounding only
    if not good or (abs(rest) > 1e-9 if len(known) == len(given) else rest < 1e-9):
        raise ValueError(
            f"sizes must be {len(names)} fractions between 0 and 1 that sum to 1, for {', '.join(names)}, one of which "
            f"may be None (the rest); got {sizes!r}. A split by event id has no exact numbers of events."
        )
    return np.array([rest if size is None else size for size in given], dtype=float)


def _parts(ids: Any, fractions: np.ndarray, salt: int | str, role: str) -> np.ndarray:
    """Assign each event to one of the parts with the given fractions."""
    # the fractions belong to the role: a split of a split with other fractions is then independent of it
    numbers = uniform(ids, derive_salt(salt, f"{role} {' '.join(f'{f:.9f}' for f in fractions)}"))
    return np.searchsorted(np.cumsum(fractions)[:-1], numbers, side="right")


def _parts_of_codes(ids: Any, **given: Any) -> np.ndarray:
    return _parts(check_ids(ids), **given)


class EventShuffleSplit(_EventSplitter):
    """Independent random train/test splits by event id.

    Parameters
    ----------
    n_splits : int, default=10
        Number of splits; each is independent of the others.
    test_size : float, default=0.2
        Fraction of the events, by id, in the test part.
    salt : int or str, default=0
        Another salt gives other, independent splits.

    See Also
    --------
    EventKFold : Folds.
    train_val_test_split : Three parts at once.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import EventShuffleSplit
    >>> event = np.arange(10)
    >>> for train, test in EventShuffleSplit(2, test_size=0.3).split(event, groups=event):
    ...     print(event[test])
    [0 7 8]
    [0 5 6 8]
    """

    def __init__(self, n_splits: int = 10, *, test_size: float = 0.2, salt: int | str = 0) -> None:
        _check_n_splits(n_splits, 1)
        self.n_splits = n_splits
        self.test_size = test_size
        self.salt = salt

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Any, Any]]:
        """Generate row numbers of training and test events, split by split, as :meth:`EventKFold.split` does."""
        fractions = _fractions((None, self.test_size), ("train", "test"))
        roles = [f"{type(self).__name__} {i}" for i in range(self.n_splits)]
        if isinstance(X, EventSource):
            for role in roles:
                yield tuple(
                    sources([X], groups, partial(_parts_of_codes, fractions=fractions, salt=self.salt, role=role), 2)
                )
            return
        codes = check_ids(groups)  # once for all splits
        check_consistent_length(X, y, groups)
        for role in roles:
            parts = _parts(codes, fractions, self.salt, role)
            _check_parts(parts, ["train", "test"], groups, repr(self), fractions)
            yield np.flatnonzero(parts == 0), np.flatnonzero(parts == 1)


def _take(array: Any, rows: np.ndarray) -> Any:
    """Take rows of an array, list, frame, or of any container that supports ``X[rows]``."""
    if array is None:
        return None
    if sparse.issparse(array):
        return array.tocsr()[rows]  # the other formats have no rows to take
    if not hasattr(array, "__getitem__"):
        return np.asarray(array)[rows]
    known = isinstance(array, (list, tuple)) or any(hasattr(array, name) for name in ("iloc", "shape"))
    return safe_indexing(array, rows) if known else array[rows]


def train_val_test_split(
    *arrays: Any,
    groups: Any = None,
    sizes: tuple[float | None, float | None, float | None] = (0.6, 0.2, 0.2),
    salt: int | str = 0,
) -> list[Any]:
    """Split arrays into training, validation and test events, by event id.

    The part of an event depends on its id and the salt alone. So a test event stays a test event when rows
    are sorted, events are added, or a systematic variation of the same events comes in another file.

    Parameters
    ----------
    *arrays : array-like of shape (n_events, ...), None, or EventSource
        Arrays, lists, pandas or polars frames, sparse matrices, or any container that takes ``X[rows]``. None gives
        None three times. Pass the ids too if you need them afterwards. A source gives three sources, which are split
        as they are read, by their own ids, without ``groups``.
    groups : array-like of shape (n_events,) or (n_events, n_columns)
        Event ids: integers, strings, or several columns (run, luminosity block, event).
    sizes : tuple of three floats, default=(0.6, 0.2, 0.2)
        Fractions of the ids for training, validation and test; one may be None, the rest. Parts come out with these
        sizes within counting statistics.
    salt : int or str, default=0
        Another salt gives another, independent split.

    Returns
    -------
    parts : list of length ``3 * len(arrays)``
        ``X_train, X_val, X_test, y_train, y_val, y_test, ...``

    Raises
    ------
    ValueError
        If ids are absent or unusable, lengths differ, sizes are not fractions of one, or a part has no event.

    See Also
    --------
    EventKFold, EventShuffleSplit : Splitters for a cross-validation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import train_val_test_split
    >>> X, event = np.zeros((10, 2)), np.arange(10)
    >>> X_train, X_val, X_test, e_train, e_val, e_test = train_val_test_split(X, event, groups=event)
    >>> e_train, e_val, e_test
    (array([4, 5, 6, 9]), array([0, 1, 7, 8]), array([2, 3]))
    """
    if not arrays:
        raise ValueError("train_val_test_split needs at least one array to split.")
    names = ("train", "val", "test")
    fractions = _fractions(sizes, names)
    if any(isinstance(one, EventSource) for one in arrays):
        return sources(arrays, groups, partial(_parts, fractions=fractions, salt=salt, role="train_val_test_split"), 3)
    parts = _parts(groups, fractions, salt, "train_val_test_split")
    check_consistent_length(groups, *arrays)
    _check_parts(parts, list(names), groups, f"train_val_test_split(sizes={sizes}, salt={salt!r})", fractions)
    rows = [np.flatnonzero(parts == part) for part in range(len(names))]
    return [_take(array, chosen) for array in arrays for chosen in rows]
