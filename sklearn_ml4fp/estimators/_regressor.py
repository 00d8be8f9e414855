"""Base of the regressors: standardised targets, and the width of a normal distribution."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from .._compat import HasMethods, Interval, StrOptions, num_samples
from .._missing import with_nan
from .._params import hp
from .._quantiles import check_levels, explained
from .._spread import Spread, combined, with_std
from .._validation import event_weights
from ..data import EventSource
from ._base import NetworkEstimator
from ._entries import EntryNumberTarget
from ._sources import chunk_by_chunk, refuse_source, scored
from ._targets import NumberTarget


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """Base of the regressors.

    Targets are standardised inside: the network learns (y − mean) / standard deviation of the training part, both
    weighted, so that a learning rate means the same whatever the unit of ``y``.

    See Also
    --------
    NetworkClassifier : Base of the classifiers.
    hp : Declare a hyperparameter.
    """

    __metadata_request__predict = {"return_std": True}  # noqa: RUF012

    loss: Any = hp(
        "mse",
        valid=(StrOptions({"mse", "huber", "quantile", "gaussian_nll"}), type, HasMethods(["forward"])),
        choices=("mse", "huber", "quantile", "gaussian_nll"),
        doc="Loss that is minimised: the squared error; Huber's, which is linear beyond ``huber_delta``; the one whose "
        "minimum is a quantile; or the negative log-likelihood of a normal distribution, whose width "
        "``predict(X, return_std=True)`` gives (Nix and Weigend, 1994). Or a torch module, or a class of one, whose "
        "``forward(output, target, weight)`` gives the mean over a batch.",
    )
    huber_delta: float = hp(
        1.0,
        valid=Interval(Real, 0, None, closed="neither"),
        search=(0.1, 3.0),
        only_with=("loss", ("huber",)),
        doc="Error from which on the Huber loss is linear, in standard deviations of the target.",
    )
    quantile: Any = hp(
        0.5,
        valid=(Interval(Real, 0, 1, closed="neither"), tuple),
        doc="Quantile that the quantile loss estimates, or a tuple of several in ascending order, which one network "
        "predicts and which never cross: ``predict`` gives a last axis for them, and ``score`` D².",
    )

    def partial_fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> Self:
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
        refuse_source(X)
        if self._goes_on_with_several():
            return self._partial_fit_members(X, y, sample_weight=sample_weight)
        return self._partial_fit(X, y, sample_weight, self._new_target())

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Compute R² of the predictions; of several quantiles D², with their loss in the place of squared errors.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features), or EventSource
            Events; a source carries targets and weights by itself.
        y : array-like of shape (n_events,) or (n_events, n_targets)
            Targets.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights.

        Returns
        -------
        float
            R² or D², at most 1.
        """
        several = isinstance(self.quantile, tuple)
        metric = partial(explained, levels=self.quantile) if several else r2_score
        if isinstance(X, EventSource):
            return scored(metric, self, X, y, sample_weight)
        if several or self._has_entries:
            return self._score_values(metric, X, y, sample_weight)
        return super().score(X, with_nan(y), sample_weight=event_weights(sample_weight, num_samples(X)))

    def _validate_params(self) -> None:
        super()._validate_params()
        check_levels(self.quantile)
        if self.loss != "quantile" and self.quantile != self._hyperparameters["quantile"].default:
            raise ValueError(
                f'quantile={self.quantile!r} acts only with loss="quantile", got loss={self.loss!r}: pass both, or '
                "leave quantile out."
            )

    def _new_target(self) -> NumberTarget:
        return EntryNumberTarget() if self._has_entries else NumberTarget()

    def _check_augmenter(self, y: Any) -> None:
        super()._check_augmenter(y)
        self.augment.check_target(y)  # unchanged: it may have names

    def _loss_parameters(self) -> dict[str, Any]:
        parameters = {"huber": {"delta": self.huber_delta}, "quantile": {"quantile": self.quantile}}
        return parameters.get(self.loss, {})

    @chunk_by_chunk
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the targets, with the mean of all members.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        return_std : bool, default=False
            Whether to return the standard deviation of each target as well; needs ``loss="gaussian_nll"`` or
            ``n_members`` of 2 or more. It is the predicted width σ, or the spread of the members' means μ, or with
            both √(mean σ² + variance of μ), the law of total variance.

        Returns
        -------
        prediction : ndarray of shape (n_events,) or (n_events, n_targets), float64
            Predictions in the unit of ``y``; of several quantiles ``(n_events, n_levels)``, or ``(n_events, n_targets,
            n_levels)``.
        std : ndarray of the same shape
            Standard deviations, only with ``return_std``.

        Raises
        ------
        ValueError
            ``return_std`` needs another loss, or several members.
        """
        return with_std(self, "predict", X, {}) if return_std else self._spread("predict", X, {})[0]

    @chunk_by_chunk
    def _spread(self, method: str, X: Any, given: dict[str, Any]) -> Spread:
        mean, width = combined([member._mean_and_width(X) for member in self.members_])
        return self._shaped(X, mean), None if width is None else self._shaped(X, width)

    def _mean_and_width(self, X: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict with this one network: the targets, and their widths where the loss has any."""
        outputs, target, loss = self._fitted.outputs(self, X), self._fitted.target, self.net_.criterion_
        width = target.deviation(loss.deviation(outputs)) if loss.has_deviation else None
        return target.decode(loss.read(outputs)), width

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
