"""Observed signal fraction against predicted probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._binary import calibration_bins, check_probabilities
from ..metrics import expected_calibration_error
from ._plotting import new_axes, next_marker, signal_class, signal_score


class CalibrationDisplay:
    """Observed signal fraction against predicted probability, with weighted uncertainties.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make it.

    Parameters
    ----------
    predicted, observed, error : ndarray of shape (n_bins,)
        Mean predicted probability, fraction of signal and its uncertainty in each bin; NaN in bins without a positive
        yield.
    calibration_error : float
        The expected calibration error, for the legend.
    name : str, optional
        Label of the points.

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    expected_calibration_error, brier : Calibration as a number.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import CalibrationDisplay
    >>> prob = np.random.default_rng(0).uniform(size=1000)
    >>> y = np.random.default_rng(1).uniform(size=1000) < prob
    >>> display = CalibrationDisplay.from_predictions(y, prob)
    >>> bool(np.abs(display.observed - display.predicted).max() < 0.15)
    True
    """

    def __init__(
        self, predicted: Any, observed: Any, error: Any, calibration_error: float, *, name: str | None = None
    ) -> None:
        self.predicted = predicted
        self.observed = observed
        self.error = error
        self.calibration_error = calibration_error
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        pos_label: Any = None,
        n_bins: int = 10,
        name: str | None = None,
        ax: Any = None,
    ) -> CalibrationDisplay:
        """Draw a fitted classifier of two classes that predicts probabilities.

        Parameters
        ----------
        estimator : estimator
        X : array-like of shape (n_events, ...)
        y : array-like of shape (n_events,)
        sample_weight, groups : array-like, optional
            Event weights; event ids for an estimator that needs them to predict.
        pos_label : label, optional
            The signal's label; by default the greater of two numbers. Classes that are text need it.
        n_bins : int, default=10
        name : str, optional
            Label; by default the class of the estimator.
        ax : matplotlib Axes, optional

        Returns
        -------
        display : CalibrationDisplay
        """
        pos_label = signal_class(estimator, pos_label)
        return cls.from_predictions(
            y,
            signal_score(estimator, X, pos_label, groups),
            sample_weight=sample_weight,
            pos_label=pos_label,
            n_bins=n_bins,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_prob: Any,
        *,
        sample_weight: Any = None,
        pos_label: Any = None,
        n_bins: int = 10,
        name: str | None = None,
        ax: Any = None,
    ) -> CalibrationDisplay:
        """Draw predicted probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_events,)
        y_prob : array-like of shape (n_events,)
        sample_weight : array-like of shape (n_events,), optional
            Event weights; negative ones are allowed.
        pos_label : label, optional
            The signal's label; by default the greater of two numbers. Labels that are text need it.
        n_bins : int, default=10
            Bins of equal width in [0, 1].
        name : str, optional
        ax : matplotlib Axes, optional

        Returns
        -------
        display : CalibrationDisplay

        Raises
        ------
        ValueError
            If a class is absent or the sum of its weights is not positive, or if a value is no probability.
        """
        signal, prob, weight = check_probabilities(y_true, y_prob, sample_weight, pos_label)
        total, predicted, observed, variance = calibration_bins(signal, prob, weight, n_bins)
        total = np.where(total > 0, total, np.nan)
        error = expected_calibration_error(signal, prob, n_bins=n_bins, sample_weight=weight)
        return cls(predicted / total, observed / total, np.sqrt(variance) / total, error, name=name).plot(ax=ax)

    def plot(self, ax: Any = None) -> CalibrationDisplay:
        """Draw the points, and once an axes the diagonal of perfect calibration.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Several displays may share one.

        Returns
        -------
        display : CalibrationDisplay
        """
        ax = new_axes(ax)
        if ax.get_gid() != "calibration":
            ax.set_gid("calibration")
            ax.plot([0, 1], [0, 1], color="0.5", linestyle=":", label="perfect")
        label = f"{self.name + ': ' if self.name else ''}calibration error {self.calibration_error:.3f}"
        ax.errorbar(self.predicted, self.observed, self.error, label=label, **next_marker(ax))
        ax.set(xlabel="Predicted signal probability", ylabel="Signal fraction", xlim=(0, 1), ylim=(-0.02, 1.02))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
