"""Protocols: the methods that your own objects need where this package takes them in the place of its own.

An object need not inherit from anything; it only has the methods. Where scikit-learn or imbalanced-learn has a protocol
(of estimators, splitters, samplers), the methods here come in addition to it.

=====================  ================================================================================================
`EventAssigner`        a splitter that `CrossFitClassifier` can use for events of later files: ``cv=``
`HoldOutSplitter`      a splitter that chooses the hold-out by what it set apart itself: ``validation=`` of a network
`HoldOutEstimator`     an estimator whose hold-out `Resampled` sets apart before it resamples
`EventResampler`       a sampler of `Resampled`, with weights and ids
`EventAugmenter`       an object that changes events on the fly: ``augment=`` of a network
=====================  ================================================================================================
"""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np


@runtime_checkable
class EventAssigner(Protocol):
    """Splitter that knows the fold of any event by its id alone, as `EventKFold` does."""

    def assign(self, ids: Any) -> np.ndarray:
        """Return the fold in which each event is a test event.

        Parameters
        ----------
        ids : array-like of shape (n_events,) or (n_events, n_columns)
            Event ids. The fold of an event must not depend on the other events in the call.

        Returns
        -------
        folds : ndarray of shape (n_events,)
            Numbers from 0 to ``get_n_splits() - 1``.
        """
        ...

    def get_n_splits(self) -> int:
        """Return the number of folds."""
        ...


@runtime_checkable
class HoldOutSplitter(Protocol):
    """Splitter that chooses which of its training events watch the training, as `RotatingKFold` does."""

    def hold_out(self, groups: Any) -> tuple[np.ndarray, np.ndarray]:
        """Choose the rows to train on and the rows to watch.

        Parameters
        ----------
        groups : array-like of shape (n_events,) or (n_events, n_columns)
            Ids of the events that ``fit`` was given.

        Returns
        -------
        train, held : ndarray of int
            Row numbers, without a common one.
        """
        ...


@runtime_checkable
class HoldOutEstimator(Protocol):
    """Estimator that sets events apart to stop early, unless its ``fit`` gets them as ``X_val`` and ``y_val``.

    ``fit`` also takes ``sample_weight_val``, the weights of these events.
    """

    early_stopping: bool  # whether it sets events apart
    validation: Any  # a share of the events, or a splitter

    def fit(self, X: Any, y: Any, *, X_val: Any = None, y_val: Any = None) -> Self:
        """Fit, and watch the events given."""
        ...


@runtime_checkable
class EventResampler(Protocol):
    """Sampler, as in imbalanced-learn, that takes weights and ids itself, without `WeightedSampler`."""

    def fit_resample(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None) -> tuple[Any, ...]:
        """Make new events.

        Parameters
        ----------
        X, y, sample_weight, groups : array-like
            Events, classes or targets, and weights and ids, if there are any.

        Returns
        -------
        tuple
            X and y, then those of ``sample_weight`` and ``groups`` that were given, in this order. The attribute
            ``sample_indices_`` then holds the number of the event that each comes from (−1 for a synthetic one); other
            metadata follow it.
        """
        ...


@runtime_checkable
class EventAugmenter(Protocol):
    """Object that changes events at random; `Augmenter` is the base of those of this package."""

    def check_target(self, y: Any) -> None:
        """Raise a ValueError if the targets ``y`` of a regression would have to change with the events and cannot."""
        ...

    def learn(self, X: Any, y: Any = None, *, target: Any = None, names: Any = None) -> EventAugmenter:
        """Return an augmenter that has learned from the training events; itself, if there is nothing to learn.

        Parameters
        ----------
        X : array-like or PointClouds
            Training events, as the network gets them.
        y : array-like of shape (n_events,), or None
            Their classes, in a classification.
        target : array-like of shape (n_events, n_targets), or None
            Their targets, in a regression.
        names : sequence of str, or None
            Names of the columns of an array.
        """
        ...

    def augment(self, X: Any, random_state: Any = None, *, y: Any = None, target: Any = None, names: Any = None) -> Any:
        """Return changed events, in the container of ``X``; ``(X, target)`` if ``target`` is given.

        It is called once per epoch with all training events, which it must not change themselves, and with the same
        RandomState, from which all changes are drawn.
        """
        ...


def methods_of(protocol: type) -> list[str]:
    """Return the names of the methods that a protocol requires."""
    return sorted(name for name, value in vars(protocol).items() if callable(value) and not name.startswith("_"))
