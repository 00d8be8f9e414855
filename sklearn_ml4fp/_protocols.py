"""Protocols: what an object of your own has to have where this package takes one in the place of its own.

An object need not inherit from anything: it has the methods. Where scikit-learn or imbalanced-learn has a protocol (an
estimator, a splitter, a sampler), that is it, and what stands here is added to it.

=====================  ================================================================================================
`EventAssigner`        a splitter that `CrossFitClassifier` can use for events of later files: ``cv=``
`HoldOutSplitter`      a splitter that chooses the hold-out by what it set apart itself: ``validation=`` of a network
`HoldOutEstimator`     an estimator whose hold-out `Resampled` sets apart before it resamples
`EventResampler`       a sampler of `Resampled`, with weights and ids
`EventAugmenter`       what changes events on the fly: ``augment=`` of a network
=====================  ================================================================================================
"""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np


@runtime_checkable
class EventAssigner(Protocol):
    """A splitter of which the fold of any event is known by its id alone, as of `EventKFold`."""

    def assign(self, ids: Any) -> np.ndarray:
        """Fold in which each event is a test event.

        Parameters
        ----------
        ids : array-like of shape (n_events,) or (n_events, n_columns)
            Event ids. The fold of an event must not depend on which others are in the call.

        Returns
        -------
        folds : ndarray of shape (n_events,)
            Numbers from 0 to ``get_n_splits() - 1``.
        """
        ...

    def get_n_splits(self) -> int:
        """Number of folds."""
        ...


@runtime_checkable
class HoldOutSplitter(Protocol):
    """A splitter that knows which of the events that it left for training watch the training, as `RotatingKFold`."""

    def hold_out(self, groups: Any) -> tuple[np.ndarray, np.ndarray]:
        """Rows to train on and rows to watch.

        Parameters
        ----------
        groups : array-like of shape (n_events,) or (n_events, n_columns)
            Ids of the events that ``fit`` was given.

        Returns
        -------
        train, held : ndarray of int
            Row numbers, none of them in both.
        """
        ...


@runtime_checkable
class HoldOutEstimator(Protocol):
    """An estimator that sets events apart to stop early, unless its ``fit`` gets them as ``X_val`` and ``y_val``.

    ``fit`` also takes ``sample_weight_val``, the weights of these events.
    """

    early_stopping: bool  # whether it does
    validation: Any  # a share of the events, or a splitter

    def fit(self, X: Any, y: Any, *, X_val: Any = None, y_val: Any = None) -> Self:
        """Fit, and watch the events given."""
        ...


@runtime_checkable
class EventResampler(Protocol):
    """A sampler, as of imbalanced-learn; with weights and ids it need not be put into `WeightedSampler`."""

    def fit_resample(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None) -> tuple[Any, ...]:
        """New events.

        Parameters
        ----------
        X, y, sample_weight, groups : array-like
            Events, classes or targets, and, where they are there, weights and ids.

        Returns
        -------
        tuple
            X and y, then those of ``sample_weight`` and ``groups`` that were given, in this order. The attribute
            ``sample_indices_`` afterwards tells from which event each stems (−1 for an invented one); other metadata
            follow it.
        """
        ...


@runtime_checkable
class EventAugmenter(Protocol):
    """An object that changes events at random; `Augmenter` is the base of those of this package."""

    def check_target(self, y: Any) -> None:
        """Raise a ValueError if the targets ``y`` of a regression would have to change with the events and cannot."""
        ...

    def learn(self, X: Any, y: Any = None, *, target: Any = None, names: Any = None) -> EventAugmenter:
        """An augmenter that has learned from the training events; itself, where there is nothing to learn.

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
        """Changed events, in the container of ``X``; ``(X, target)`` where ``target`` is given.

        Called once an epoch with all training events, which it must leave as they are, and with the same RandomState,
        from which all changes are drawn.
        """
        ...


def methods_of(protocol: type) -> list[str]:
    """Names of the methods that a protocol asks for."""
    return sorted(name for name, value in vars(protocol).items() if callable(value) and not name.startswith("_"))
