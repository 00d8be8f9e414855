"""Base of the classifiers: classes, class weights, probabilities."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score

from .._compat import HasMethods, Interval, StrOptions, num_samples
from .._missing import column_or_1d
from .._params import hp
from .._spread import Spread, combined, with_std
from .._validation import event_weights
from ..data import EventSource
from ._base import NetworkEstimator
from ._entries import EntryClassTarget
from ._sources import chunk_by_chunk, refuse_source, scored
from ._targets import ClassTarget


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """Base of the classifiers.

    See Also
    --------
    NetworkRegressor : Base of the regressors.
    hp : Declare a hyperparameter.
    """

    __metadata_request__predict_proba = {"return_std": True}  # noqa: RUF012

    loss: Any = hp(
        "cross_entropy",
        valid=(StrOptions({"cross_entropy", "focal"}), type, HasMethods(["forward"])),
        choices=("cross_entropy", "focal"),
        doc="Loss that is minimised. focal weighs an event by (1 − p)^γ, with p the probability of its class (Lin et "
        "al., 2017). Or a torch module, or a class of one, whose ``forward(output, target, weight)`` gives the mean "
        "over a batch.",
    )
    focal_gamma: float = hp(
        2.0,
        valid=Interval(Real, 0, None, closed="left"),
        search=(0.5, 5.0),
        only_with=("loss", ("focal",)),
        doc="γ of the focal loss.",
    )
    label_smoothing: float = hp(
        0.0,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.0, 0.2),
        doc="Probability ε that is taken from the class of an event and shared among all classes (Szegedy et al., "
        "2016).",
    )
    class_weight: Any = hp(
        None,
        valid=(dict, StrOptions({"balanced"}), None),
        choices=(None, "balanced"),
        doc="Factor on the event weights of each class; balanced makes the sums of weights equal: w_i · Σw / "
        "(K · Σ_class w).",
    )

    _attributes_doc = (
        NetworkEstimator._attributes_doc
        + """    classes_ : ndarray of shape (n_classes,)
            Labels.
    """
    )

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, *, sample_weight: Any = None) -> Self:
        """Train for one pass over a part of the data, from the present weights.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All labels, also those of later calls; needed in the first call.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; the mean of the first call is the unit in every later one.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            ``classes`` is missing in the first call, or differs later; a label is not in it; or class_weight is
            "balanced".
        """
        refuse_source(X)
        if self._goes_on_with_several():
            return self._partial_fit_members(X, y, classes=classes, sample_weight=sample_weight)
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs the sums of weights of all data, which partial_fit does not see. '
                "Pass a dict with one factor per class."
            )
        target = self._new_target()
        if not hasattr(self, "_fitted"):
            if classes is None:
                raise ValueError("partial_fit needs classes= in its first call: all labels that will ever come.")
            target.classes = np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes={classes} differs from that of the first call, {self.classes_}.")
        return self._partial_fit(X, y, sample_weight, target)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Compute the accuracy of the predictions.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features), or EventSource
            Events; a source carries labels and weights by itself.
        y : array-like of shape (n_events,)
            Labels.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights.

        Returns
        -------
        float
            Accuracy between 0 and 1.
        """
        if isinstance(X, EventSource):
            return scored(accuracy_score, self, X, y, sample_weight)
        if self._has_entries:
            return self._score_values(accuracy_score, X, y, sample_weight)
        return super().score(X, column_or_1d(y), sample_weight=event_weights(sample_weight, num_samples(X)))

    def _new_target(self) -> ClassTarget:
        kind = EntryClassTarget if self._has_entries else ClassTarget
        return kind(self.class_weight)

    def _loss_parameters(self) -> dict[str, Any]:
        focal = {"gamma": self.focal_gamma} if self.loss == "focal" else {}
        return focal | ({"label_smoothing": self.label_smoothing} if self.label_smoothing else {})

    @property
    def classes_(self) -> np.ndarray:
        """Labels, in the order of the probabilities."""
        classes = self.members_[0]._fitted.target.classes
        assert classes is not None
        return classes

    def _read(self, X: Any) -> torch.Tensor:
        """Compute logits; of several members, the logarithms of their mean probabilities."""
        if self._is_single:
            return super()._read(X)
        each = torch.stack([member._read(X).log_softmax(1) for member in self.members_])
        return each.logsumexp(0) - math.log(len(each))

    @chunk_by_chunk
    def decision_function(self, X: Any) -> np.ndarray:
        """Predict the logits of the classes.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.

        Returns
        -------
        ndarray of shape (n_events,) or (n_events, n_classes)
            Logits; with two classes, the log-odds of the second.
        """
        logits = self._read(X).numpy()
        return self._shaped(X, logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits)

    @chunk_by_chunk
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithms of the class probabilities, ``(n_events, n_classes)``."""
        return self._shaped(X, self._log_proba(X))

    def _log_proba(self, X: Any) -> np.ndarray:
        return torch.log_softmax(self._read(X), 1).numpy()

    @chunk_by_chunk
    def predict_proba(self, X: Any, return_std: bool = False) -> Any:
        """Predict class probabilities, the mean of those of all members.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        return_std : bool, default=False
            Whether to return the standard deviation over the members as well; needs ``n_members`` of 2 or more.

        Returns
        -------
        probabilities : ndarray of shape (n_events, n_classes), float64
            Probabilities in the order of ``classes_``; double precision distinguishes scores close to 0 and 1.
        std : ndarray of the same shape
            Spread of the members, only with ``return_std``.

        Raises
        ------
        ValueError
            ``return_std`` needs several members.
        """
        if return_std:
            return with_std(self, "predict_proba", X, {})
        return self._shaped(X, np.exp(self._log_proba(X)))

    @chunk_by_chunk
    def _spread(self, method: str, X: Any, given: dict[str, Any]) -> Spread:
        mean, spread = combined([(np.exp(member._log_proba(X)), None) for member in self.members_])
        return self._shaped(X, mean), None if spread is None else self._shaped(X, spread)

    @chunk_by_chunk
    def predict(self, X: Any) -> np.ndarray:
        """Predict the most probable class of each event, ``(n_events,)``."""
        best = self._read(X).argmax(1).numpy()
        return self._shaped(X, self.classes_[best])
