"""Base of the augmenters: one change of events, used before training, within it, and in prediction."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from .._compat import Interval
from .._params import hp
from .._sampler import Events, Sampler
from ._events import Batch, read, write


class Augmenter(Sampler):
    """Base of the augmenters: a subclass adds ``_apply`` and its hyperparameters.

    As a sampler (in `Resampled`) it adds ``n_copies`` changed copies of each event, and divides its weight among the
    event and its copies, so that every sum of weights stays; ids are copied. In prediction, `AugmentedPrediction`
    averages over changed copies. ``augment`` changes events once.
    """

    n_copies: int = hp(
        1,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(1, 8),
        doc="Changed copies that ``fit_resample`` adds of each event.",
    )
    random_state: Any = hp(None, valid="random_state", doc="Seed of the changes.")

    @abstractmethod
    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        """Change the events in place."""

    def learn(self, X: Any, y: Any = None, *, names: Any = None) -> Self:
        """Learn from the training events what the changes need; most augmenters need nothing.

        Parameters
        ----------
        X : table of shape (n_events, n_columns), images of shape (n_events, [channels,] h, w), or PointClouds
            Training events.
        y : array-like of shape (n_events,) or None
            Their classes or targets.
        names : sequence of str or None
            Names of the columns of an array, which has none itself.

        Returns
        -------
        augmenter : object
            A copy that has learned, or the augmenter itself where there is nothing to learn.
        """
        return self

    def augment(self, X: Any, random_state: Any = None, *, y: Any = None, names: Any = None) -> Any:
        """Change each event once.

        Parameters
        ----------
        X : table of shape (n_events, n_columns), images of shape (n_events, [channels,] h, w), or PointClouds
            Events; they stay as they are.
        random_state : int, RandomState or None
            Source of the changes in place of the augmenter's own.
        y : array-like of shape (n_events,) or None
            Classes or targets, for augmenters whose changes depend on them.
        names : sequence of str or None
            Names of the columns of an array, which has none itself.

        Returns
        -------
        object
            Changed events, in the container of ``X``.

        Raises
        ------
        ValueError
            The columns to change are not found.
        """
        self._validate_params()
        batch = read(X, names)
        batch.y = y
        self._apply(batch, check_random_state(self.random_state if random_state is None else random_state))
        return write(batch, X)

    def _resample(self, events: Events) -> tuple[Events, np.ndarray]:
        first = read(events.X)
        copies = self.n_copies + 1
        index = np.tile(np.arange(first.n), copies)
        repeated = events.rows(index)
        batch = read(repeated.X)
        batch.y = repeated.y
        kept = [block.values.copy() for block in batch.blocks]
        pictures = None if batch.images is None else batch.images[: first.n].copy()
        self.learn(events.X, events.y)._apply(batch, check_random_state(self.random_state))
        for block, values in zip(batch.blocks, kept, strict=True):  # the first of the copies is the event itself
            own = block.event < first.n
            block.values[own] = values[own]
        if batch.dropped is not None:
            batch.dropped[batch.blocks[0].event < first.n] = False
        if batch.images is not None:
            batch.images[: first.n] = pictures
        weights = None if repeated.sample_weight is None else repeated.sample_weight / copies
        return repeated._replace(X=write(batch, repeated.X), sample_weight=weights), index
