"""What every regressor shares: standardised targets, and the width of a normal distribution."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import RegressorMixin

from .._compat import Interval, num_samples
from .._missing import check_array, with_nan
from .._params import hp
from .._validation import event_weights
from ..engine import split_gaussian
from ._base import NetworkEstimator, Part, mean_and_scale


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """Base of the regressors.

    Targets are standardised inside: the network learns (y − mean) / standard deviation of the training part, both
    weighted, so that a learning rate means the same whatever the unit of ``y``.

    See Also
    --------
    NetworkClassifier : Base of the classifiers.
    hp : Declare a hyperparameter.
    """

    loss: str = hp(
        "mse",
        choices=("mse", "huber", "quantile", "gaussian_nll"),
        doc="What is minimised: the squared error; Huber's, which is linear beyond ``huber_delta``; the one whose "
        "minimum is a quantile; or the negative log-likelihood of a normal distribution, whose width "
        "``predict(X, return_std=True)`` gives (Nix and Weigend, 1994).",
    )
    huber_delta: float = hp(
        1.0,
        valid=Interval(Real, 0, None, closed="neither"),
        search=(0.1, 3.0),
        only_with=("loss", ("huber",)),
        doc="Where Huber's loss turns linear, in standard deviations of the target.",
    )
    quantile: float = hp(
        0.5, valid=Interval(Real, 0, 1, closed="neither"), doc="Which quantile the quantile loss estimates."
    )

    _stratified = False

    def partial_fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> Self:
        """Train for one pass over a part of the data, from the present weights.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,) or (n_events, n_targets)
            Targets; the mean and the standard deviation of the first call are the unit in every later one.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; the mean of the first call is the unit in every later one.

        Returns
        -------
        self : object
            The estimator.
        """
        return self._partial_fit(X, y, sample_weight)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² of the predictions.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,) or (n_events, n_targets)
            Targets.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights.

        Returns
        -------
        float
            The score.
        """
        return super().score(X, with_nan(y), sample_weight=event_weights(sample_weight, num_samples(X)))

    def _validate_params(self) -> None:
        super()._validate_params()
        if self.loss != "quantile" and self.quantile != self._hyperparameters["quantile"].default:
            raise ValueError(
                f'quantile={self.quantile:g} acts only with loss="quantile", got loss={self.loss!r}: pass both, or '
                "leave quantile out."
            )

    def _check_target(self, y: Any, *, first: bool) -> np.ndarray:
        given = y
        y = check_array(y, dtype=np.float64, ensure_2d=False, allow_nd=False, input_name="y")
        if self.augment is not None:
            self.augment.check_target(given)  # which may have names
        target = y[:, None] if y.ndim == 1 else y
        if first:
            self._y_is_column = y.ndim == 1
            self._n_targets = target.shape[1]
        elif target.shape[1] != self._n_targets:
            raise ValueError(f"y has {target.shape[1]} targets, expected {self._n_targets} as in the first call.")
        return target

    def _learn_from_target(self, part: Part) -> None:
        self._y_mean, self._y_scale = mean_and_scale(part.target, part.weights)

    def _to_training_target(self, target: np.ndarray) -> np.ndarray:
        return ((target - self._y_mean) / self._y_scale).astype(np.float32)

    def _loss_parameters(self) -> dict[str, float]:
        parameters = {"huber": {"delta": self.huber_delta}, "quantile": {"quantile": self.quantile}}
        return parameters.get(self.loss, {})

    @property
    def _n_out(self) -> int:
        return 2 * self._n_targets if self.loss == "gaussian_nll" else self._n_targets

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        return_std : bool, default=False
            Whether to give the standard deviation of each target as well; needs ``loss="gaussian_nll"``.

        Returns
        -------
        prediction : ndarray of shape (n_events,) or (n_events, n_targets), float64
            In the unit of ``y``.
        std : ndarray of the same shape
            Only where ``return_std``.

        Raises
        ------
        ValueError
            A standard deviation is asked for that was not trained.
        """
        outputs = self._outputs(X)
        gaussian = outputs.shape[1] == 2 * self._n_targets
        if return_std and not gaussian:
            raise ValueError(
                'return_std=True needs a network fitted with loss="gaussian_nll"; this one was fitted with another.'
            )
        mean = outputs[:, : self._n_targets] * self._y_scale + self._y_mean
        parts = [mean]
        if return_std:
            log_variance = split_gaussian(torch.from_numpy(outputs))[1].numpy()
            parts.append(np.exp(log_variance / 2) * self._y_scale)
        parts = [part[:, 0] if self._y_is_column else part for part in parts]
        return tuple(parts) if return_std else parts[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
