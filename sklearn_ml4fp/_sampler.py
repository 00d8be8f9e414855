"""Base of the samplers, which change the training events and carry weights and groups along."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple, Self

import numpy as np
from imblearn.base import BaseSampler
from sklearn.base import BaseEstimator, OneToOneFeatureMixin

from ._compat import num_samples, safe_indexing
from ._events import check_ids
from ._missing import validate_data, with_nan
from ._params import Declared
from ._validation import check_weights


class Events(NamedTuple):
    """Events inside a sampler; None stands for what was not given."""

    X: Any
    y: Any
    sample_weight: np.ndarray | None
    groups: Any

    def rows(self, index: np.ndarray) -> Events:
        """Return the events at ``index``, in the containers of the input."""
        return Events(*(None if part is None else safe_indexing(part, index) for part in self))


class Sampler(OneToOneFeatureMixin, Declared, BaseEstimator):
    """Base of the samplers: a subclass adds ``_resample`` and its hyperparameters.

    A sampler acts on training events only: put it into `Resampled`, or into imbalanced-learn's own Pipeline for events
    without weights. NaN, regression targets and data of any container are legal unless a sampler says otherwise.

    See Also
    --------
    Resampled : Use a sampler in a Pipeline.
    WeightedSampler, DropMissingRows, DropOutliers : Samplers.
    """

    @abstractmethod
    def _resample(self, events: Events) -> tuple[Events, np.ndarray]:
        """Return the new events, and for each the number of the event it comes from."""

    def fit_resample(self, X: Any, y: Any = None, *, sample_weight: Any = None, groups: Any = None) -> tuple:
        """Resample events; those of weight zero are left out.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,), default=None
            Classes or targets.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights.
        groups : array-like of shape (n_events,), default=None
            Event ids.

        Returns
        -------
        X, y : array-like
            New events, in the containers of the input.
        sample_weight, groups : array-like
            Those that were given, in this order.

        Raises
        ------
        ValueError
            Lengths differ, weights cannot be used, or no event is left.
        """
        self._validate_params()
        X, y = with_nan(X), with_nan(y)
        validate_data(self, X, skip_check_array=True)
        n = num_samples(X)
        if y is not None and num_samples(y) != n:
            raise ValueError(f"y has {num_samples(y)} entries, expected {n}: one per event.")
        if groups is not None:
            check_ids(groups, n)
        if n == 0:
            raise ValueError(f"{type(self).__name__} got no events to resample; expected one at least.")
        given = Events(X, y, check_weights(sample_weight, n), groups)
        if given.sample_weight is None or given.sample_weight.all():
            events, self.sample_indices_ = self._resample(given)
        else:  # an event of weight zero counts as absent: it is neither chosen nor a neighbour
            there = np.flatnonzero(given.sample_weight)
            events, index = self._resample(given.rows(there))
            self.sample_indices_ = np.where(index < 0, index, there[index])
        if len(self.sample_indices_) == 0:
            raise ValueError(f"{type(self).__name__} leaves none of {n} events; loosen its limits.")
        return (events.X, events.y, *(part for part in events[2:] if part is not None))

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Resample and forget the events, for code that wants a ``fit``; parameters as in `fit_resample`."""
        self.fit_resample(X, y, **params)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = BaseSampler.__sklearn_tags__(self)  # required of a sampler by imbalanced-learn
        tags.target_tags.required = False
        tags.input_tags.sparse = tags.input_tags.string = False
        tags.input_tags.dataframe = tags.input_tags.allow_nan = True
        tags.sampler_tags.sample_indices = True
        return tags

    _attributes_doc = """
        Attributes
        ----------
        sample_indices_ : ndarray of shape (n_new_events,)
            For each event of the last ``fit_resample``, the number of the event that it stems from; −1 for an event
            between two.
    """
