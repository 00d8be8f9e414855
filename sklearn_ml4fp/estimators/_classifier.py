"""What every classifier shares: classes, class weights, probabilities."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from .._compat import Interval, StrOptions, num_samples
from .._missing import column_or_1d
from .._params import hp
from .._validation import check_class_weights, class_factors, event_weights
from ._base import NetworkEstimator, Part


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """Base of the classifiers.

    See Also
    --------
    NetworkRegressor : Base of the regressors.
    hp : Declare a hyperparameter.
    """

    loss: str = hp(
        "cross_entropy",
        choices=("cross_entropy", "focal"),
        doc="What is minimised; focal weighs an event by (1 − p)^γ, p the probability of its class (Lin et al., 2017).",
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
    _stratified = True

    def partial_fit(self, X: Any, y: Any, classes: Any = None, *, sample_weight: Any = None) -> Self:
        """Train for one pass over a part of the data, from the present weights.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed in the first call.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; the mean of the first call is the unit in every later one.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            ``classes`` is missing in the first call, or differs later; a label is not in it; class_weight="balanced".
        """
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs the sums of weights of all data, which partial_fit does not see. '
                "Pass a dict with one factor a class."
            )
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("partial_fit needs classes= in its first call: all labels that will ever come.")
            self.classes_ = np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes={classes} differs from that of the first call, {self.classes_}.")
        return self._partial_fit(X, y, sample_weight)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy of the predictions.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,)
            Labels.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights.

        Returns
        -------
        float
            The score.
        """
        return super().score(X, column_or_1d(y), sample_weight=event_weights(sample_weight, num_samples(X)))

    def _check_target(self, y: Any, *, first: bool) -> np.ndarray:
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        if first and not hasattr(self, "_rng"):  # partial_fit has learned its classes already
            self.classes_ = np.unique(y)
            if len(self.classes_) < 2:
                raise ValueError(f"Expected at least two classes in y, got one class: {self.classes_[0]}.")
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if len(unknown := np.unique(y[self.classes_[codes] != y])):
            raise ValueError(f"y contains labels that are not among the classes {self.classes_}: {unknown}.")
        return codes

    def _to_training_target(self, target: np.ndarray) -> np.ndarray:
        return target.astype(np.int64)

    def _learn_from_target(self, part: Part) -> None:
        pass

    def _loss_parameters(self) -> dict[str, float]:
        focal = {"gamma": self.focal_gamma} if self.loss == "focal" else {}
        return focal | ({"label_smoothing": self.label_smoothing} if self.label_smoothing else {})

    def _learn_weight_scale(self, train: Part) -> None:
        self._class_factors = self._factors(train)
        super()._learn_weight_scale(train)

    def _factors(self, train: Part) -> np.ndarray | None:
        if not hasattr(self, "_rng"):  # a part of a stream may lack a class
            check_class_weights(train.target, train.weights, self.classes_)
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, dict):
            return class_factors(self.class_weight, self.classes_)
        sums = np.bincount(train.target, weights=train.weights, minlength=len(self.classes_))
        return sums.sum() / (len(sums) * sums)

    def _effective_weights(self, part: Part) -> np.ndarray | None:
        if self._class_factors is None:
            return part.weights
        factors = self._class_factors[part.target]
        return factors if part.weights is None else factors * part.weights

    @property
    def _n_out(self) -> int:
        return len(self.classes_)

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits of the classes.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.

        Returns
        -------
        ndarray of shape (n_events,) or (n_events, n_classes)
            With two classes, the log-odds of the second.
        """
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the class probabilities, ``(n_events, n_classes)``."""
        return torch.log_softmax(torch.from_numpy(self._outputs(X)), 1).numpy()

    def predict_proba(self, X: Any) -> np.ndarray:
        """Class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.

        Returns
        -------
        ndarray of shape (n_events, n_classes), float64
            In the order of ``classes_``; double precision keeps apart the scores of events near 0 and 1.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class of each event, ``(n_events,)``."""
        best = self._outputs(X).argmax(axis=1)
        return self.classes_[best]
