"""Observed against nominal coverage of predicted quantiles and intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from .._quantiles import levels_in
from .._spread import with_std
from .._validation import finite_numbers
from ..metrics import interval_coverage
from ._plotting import new_axes, next_marker

_GAUSSIAN_LEVELS = np.arange(1, 20) / 20


class CoverageDisplay:
    """Share of the events below each predicted quantile, or in each predicted interval, against its nominal level.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make it.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Nominal levels, between 0 and 1.
    share, error : ndarray of shape (n_levels,)
        Observed shares of the events, and their statistical uncertainties.
    name : str, optional

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    interval_coverage : The share as a number.
    PullDisplay : Pulls of a regression with standard deviations.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import CoverageDisplay
    >>> y = np.random.default_rng(0).uniform(size=1000)
    >>> display = CoverageDisplay.from_predictions(y, np.tile([0.2, 0.5, 0.7], (1000, 1)), levels=[0.1, 0.5, 0.9])
    >>> display.share.round(1)  # the outer quantiles are too narrow
    array([0.2, 0.5, 0.7])
    """

    def __init__(self, levels: Any, share: Any, error: Any, *, name: str | None = None) -> None:
        self.levels = levels
        self.share = share
        self.error = error
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, levels: Any = None, groups: Any = None, **kwargs: Any
    ) -> CoverageDisplay:
        """Draw a fitted regressor of one output: its quantiles, or those of its Gaussians.

        Parameters
        ----------
        estimator : estimator
            Regressor that predicts several quantiles, or a mean and a standard deviation; or a composition of such
            ones.
        X : array-like of shape (n_events, ...)
        y : array-like of shape (n_events,)
        levels : array-like of shape (n_levels,), optional
            Levels of the predicted quantiles, by default those of ``quantile=`` of the network; or those at which
            Gaussians are compared, by default 0.05, 0.1 to 0.95.
        groups : array-like, optional
            Event ids, for an estimator that needs them to predict.
        **kwargs
            As for :meth:`from_predictions`.

        Returns
        -------
        display : CoverageDisplay
        """
        given = {} if groups is None else {"groups": groups}
        prediction = np.asarray(estimator.predict(X, **given))
        if prediction.ndim == 1:
            levels = _GAUSSIAN_LEVELS if levels is None else levels
            mean, std = with_std(estimator, "predict", X, given)
            prediction = mean[:, None] + std[:, None] * norm.ppf(np.asarray(levels, dtype=np.float64))
        elif levels is None and (levels := levels_in(estimator)) is None:
            raise ValueError(
                f"{type(estimator).__name__} predicts {prediction.shape[-1]} values of an event, and no quantile= in "
                "it says which quantiles they are: pass levels=. Of several outputs pass one to from_predictions."
            )
        return cls.from_predictions(y, prediction, levels=levels, **{"name": type(estimator).__name__, **kwargs})

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_upper: Any,
        *,
        levels: Any,
        y_lower: Any = -np.inf,
        sample_weight: Any = None,
        name: str | None = None,
        ax: Any = None,
    ) -> CoverageDisplay:
        """Draw predicted quantiles, or intervals.

        Parameters
        ----------
        y_true : array-like of shape (n_events,)
            True values.
        y_upper : array-like of shape (n_events, n_levels)
            Quantiles, or the upper ends of intervals.
        levels : array-like of shape (n_levels,)
            Levels of the quantiles, or the nominal coverage of the intervals, between 0 and 1.
        y_lower : array-like of shape (n_events, n_levels), default=-inf
            Lower ends of intervals; quantiles have none.
        sample_weight : array-like of shape (n_events,), optional
            Event weights; negative ones are allowed.
        name : str, optional
        ax : matplotlib Axes, optional

        Returns
        -------
        display : CoverageDisplay

        Raises
        ------
        ValueError
            If shapes differ, a level is none, or the weights do not sum to something positive.
        """
        nominal = finite_numbers(levels, "levels")
        if nominal.ndim != 1 or not len(nominal) or not ((nominal > 0) & (nominal < 1)).all():
            raise ValueError(f"levels must be numbers between 0 and 1, one for each quantile; got {levels!r}.")
        if np.ndim(y_upper) != 2 or np.shape(y_upper)[1] != len(nominal):
            raise ValueError(
                f"y_upper must have shape (n_events, {len(nominal)}), a column for each level; got {np.shape(y_upper)}."
            )
        coverage = interval_coverage(y_true, y_lower, y_upper, sample_weight=sample_weight)
        return cls(nominal, coverage.share, coverage.error, name=name).plot(ax=ax)

    def plot(self, ax: Any = None) -> CoverageDisplay:
        """Draw the points, and once an axes the diagonal of perfect coverage.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Several displays may share one.

        Returns
        -------
        display : CoverageDisplay
        """
        ax = new_axes(ax)
        if ax.get_gid() != "coverage":
            ax.set_gid("coverage")
            ax.plot([0, 1], [0, 1], color="0.5", linestyle=":", label="perfect")
        ax.errorbar(self.levels, self.share, self.error, label=self.name, **next_marker(ax))
        ax.set(xlabel="Nominal level", ylabel="Observed share of the events", xlim=(0, 1), ylim=(-0.02, 1.02))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
