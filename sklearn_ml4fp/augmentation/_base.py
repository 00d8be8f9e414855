"""Base of the augmenters, which change events before training, during training, and in prediction."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target

from .._params import AT_LEAST_ONE, hp
from .._sampler import Events, Sampler
from ._events import Batch, Block, read, write, write_target


class Augmenter(Sampler):
    """Base of the augmenters: a subclass adds ``_apply`` and its hyperparameters.

    As a sampler (in `Resampled`) it adds ``n_copies`` changed copies of each event, and divides its weight among the
    event and its copies, so that every sum of weights stays; ids are copied. In prediction, `AugmentedPrediction`
    averages over changed copies. ``augment`` changes events once.

    In a regression, a hyperparameter such as ``target_xy`` of `Rotate` says which targets change with the events. A
    subclass names these hyperparameters in ``_target_parameters``, and its ``_apply`` appends the change of the targets
    to ``batch.target_changes``. An empty tuple means that no target changes. Without a declaration, targets of several
    columns (a direction) and azimuths are refused.

    See Also
    --------
    Rotate, Smear : Augmenters.
    Compose : Several augmenters in a row.
    """

    _target_parameters: ClassVar[tuple[str, ...] | None] = None

    n_copies: int = hp(
        1, valid=AT_LEAST_ONE, search=(1, 8), doc="Number of changed copies of each event that ``fit_resample`` adds."
    )
    random_state: Any = hp(None, valid="random_state", doc="Seed of the changes.")

    @abstractmethod
    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        """Change the events in place."""

    def learn(self, X: Any, y: Any = None, *, target: Any = None, names: Any = None) -> Self:
        """Learn from the training events, if the changes need it; most augmenters need nothing.

        Parameters
        ----------
        X : table of shape (n_events, n_columns), images of shape (n_events, [channels,] h, w), or PointClouds
            Training events.
        y : array-like of shape (n_events,) or None
            Classes of the training events.
        target : array-like of shape (n_events,) or (n_events, n_targets) or None
            Targets of the training events, in a regression.
        names : sequence of str or None
            Names of the columns, for an array.

        Returns
        -------
        augmenter : object
            Copy that has learned, or the augmenter itself if there is nothing to learn.
        """
        return self

    def augment(self, X: Any, random_state: Any = None, *, y: Any = None, target: Any = None, names: Any = None) -> Any:
        """Change each event once.

        Parameters
        ----------
        X : table of shape (n_events, n_columns), images of shape (n_events, [channels,] h, w), or PointClouds
            Events, which are not changed themselves.
        random_state : int, RandomState or None
            Source of the changes in place of the augmenter's own.
        y : array-like of shape (n_events,) or None
            Classes, for augmenters whose changes depend on them.
        target : array-like of shape (n_events,) or (n_events, n_targets) or None
            Targets of a regression, which change with the events.
        names : sequence of str or None
            Names of the columns, for an array.

        Returns
        -------
        X : object
            Changed events, in the container of ``X``.
        target : object
            Changed targets, in the container of ``target``; only if ``target`` is given.

        Raises
        ------
        ValueError
            The columns to change are not found, or the change of the targets is not declared.
        """
        self._validate_params()
        if target is not None:
            self.check_target(target)
        if y is not None:
            self._check_classes()
        batch = read(X, names)
        batch.y = y
        self._apply(batch, check_random_state(self.random_state if random_state is None else random_state))
        changed = write(batch, X)
        return changed if target is None else (changed, write_target(batch.target_of(target), target))

    def check_target(self, y: Any) -> None:
        """Check that the change of the targets of a regression is declared.

        Parameters
        ----------
        y : array-like of shape (n_events,) or (n_events, n_targets)
            Targets.

        Raises
        ------
        ValueError
            The targets are several columns, or called an azimuth, and no hyperparameter says which of them change; or
            a named target does not exist.
        """
        n = int(np.prod(np.shape(np.asarray(y))[1:], dtype=int))
        stated = {name: getattr(self, name) for name in self._target_parameters or ()}
        for name, value in stated.items():
            numbers = np.array(value if value is not None else (), dtype=object).ravel()
            if wrong := [one for one in numbers if not (isinstance(one, int | np.integer) and 0 <= one < n)]:
                raise ValueError(
                    f"{type(self).__name__}({name}={value!r}) names target {wrong[0]!r}: expected numbers of columns "
                    f"of y, 0 to {n - 1}."
                )
        said = self._target_parameters == () or any(value is not None for value in stated.values())
        if said or (n == 1 and not is_azimuth(y)):
            return
        what = f"{n} columns" if n > 1 else "an azimuth"
        ways = [f"{name}=" for name in stated] or ["_target_parameters of its class"]
        leave = f"{next(iter(stated))}=()" if stated else "_target_parameters = () in its class"
        raise ValueError(
            f"{type(self).__name__} changes events, but it is not said what happens to the target, which has {what}. "
            f"Say which of the columns change with the events ({' or '.join(ways)}), or {leave} if none does."
        )

    def _changes_targets(self) -> bool:
        """Return whether a hyperparameter names a target."""
        return any(len(getattr(self, name) or ()) for name in self._target_parameters or ())

    def _check_classes(self) -> None:
        """Refuse to change targets that are classes."""
        if self._changes_targets():
            raise ValueError(
                f"{self!r} says which targets change with the events, but the targets are classes, which stay: leave "
                "these parameters out. (Whole numbers are taken for classes; those of a regression come as a column, "
                "y[:, None].)"
            )

    def _angular_targets(self) -> list[int]:
        """Return the numbers of the targets that are azimuths."""
        return list(getattr(self, "target_phi", None) or ())

    def _resample(self, events: Events) -> tuple[Events, np.ndarray]:
        first = read(events.X)
        copies = self.n_copies + 1
        index = np.tile(np.arange(first.n), copies)
        repeated = events.rows(index)
        regression = self._in_regression(events.y)
        if regression:
            self.check_target(events.y)
        batch = read(repeated.X)
        batch.y = None if regression else repeated.y
        kept = [block.values.copy() for block in batch.blocks]
        pictures = None if batch.images is None else batch.images[: first.n].copy()
        known = {"target" if regression else "y": events.y}
        self.learn(events.X, **known)._apply(batch, check_random_state(self.random_state))
        for block, values in zip(batch.blocks, kept, strict=True):  # the first of the copies is the event itself
            own = block.event < first.n
            block.values[own] = values[own]
        if batch.dropped is not None:
            batch.dropped[batch.blocks[0].event < first.n] = False
        if batch.images is not None:
            batch.images[: first.n] = pictures
        y = repeated.y
        if regression and batch.target_changes:
            target = batch.target_of(y)
            target[: first.n] = np.asarray(events.y)
            y = write_target(target, y)
        weights = None if repeated.sample_weight is None else repeated.sample_weight / copies
        return repeated._replace(X=write(batch, repeated.X), y=y, sample_weight=weights), index

    def _in_regression(self, y: Any) -> bool:
        """Return whether ``y`` are targets of a regression, and not classes."""
        if y is None:
            return False
        if type_of_target(np.asarray(y)).startswith("continuous"):
            return True
        if np.ndim(y) > 1 and self._changes_targets():  # whole numbers that are declared to change
            return True
        self._check_classes()
        return False


def is_azimuth(y: Any) -> bool:
    """Return whether targets in a single column are called an azimuth."""
    names = [str(name) for name in getattr(y, "columns", [getattr(y, "name", None)])]
    return bool(Block(names, np.empty((0, 1)), np.empty(0)).columns("phi"))
