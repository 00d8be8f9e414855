"""Pulls of a regression against the normal distribution that they should follow."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from .._response import pulls
from .._spread import with_std
from ..metrics import pull_moments
from ._plotting import check_edges, new_axes, next_marker


class PullDisplay:
    """Distribution of the pulls (y − μ)/σ, and the unit Gaussian that it is where σ is the uncertainty of μ.

    Mean and width, with their errors, stand in the legend; events outside of the bins enter them.
    Use :meth:`from_estimator` or :meth:`from_predictions` to make it.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Edges of the bins.
    density, error : ndarray of shape (n_bins,)
        Share of the events per unit, and its statistical uncertainty.
    moments : PullMoments
        Mean and width of the pulls, with their errors.
    name : str, optional

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    pull_moments : Mean and width as numbers.
    CoverageDisplay : Shares of events below the predicted quantiles.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import PullDisplay
    >>> y = np.random.default_rng(0).normal(5.0, 2.0, size=1000)
    >>> display = PullDisplay.from_predictions(y, np.full(1000, 5.0), np.full(1000, 1.0))
    >>> round(display.moments.width, 1)  # the uncertainties are half of what they should be
    2.0
    """

    def __init__(self, edges: Any, density: Any, error: Any, moments: Any, *, name: str | None = None) -> None:
        self.edges = edges
        self.density = density
        self.error = error
        self.moments = moments
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, groups: Any = None, **kwargs: Any) -> PullDisplay:
        """Draw a fitted regressor of one output that predicts a standard deviation, or a composition of such ones.

        Parameters
        ----------
        estimator : estimator
            Network with ``loss="gaussian_nll"`` or several members, a pipeline, search or cross-fit of them, or another
            regressor with ``predict(X, return_std=True)``.
        X : array-like of shape (n_events, ...)
        y : array-like of shape (n_events,)
        groups : array-like, optional
            Event ids, for an estimator that needs them to predict.
        **kwargs
            As for :meth:`from_predictions`.

        Returns
        -------
        display : PullDisplay
        """
        prediction, std = with_std(estimator, "predict", X, {} if groups is None else {"groups": groups})
        return cls.from_predictions(y, prediction, std, **{"name": type(estimator).__name__, **kwargs})

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        y_std: Any,
        *,
        sample_weight: Any = None,
        bins: Any = 40,
        name: str | None = None,
        ax: Any = None,
    ) -> PullDisplay:
        """Draw predictions with their standard deviations.

        Parameters
        ----------
        y_true, y_pred, y_std : array-like of shape (n_events,)
            True values y, predictions μ and standard deviations σ, in one unit.
        sample_weight : array-like of shape (n_events,), optional
            Event weights; negative ones are allowed.
        bins : int or array-like, default=40
            Number of bins of equal width between −5 and 5, or the edges.
        name : str, optional
        ax : matplotlib Axes, optional

        Returns
        -------
        display : PullDisplay

        Raises
        ------
        ValueError
            If shapes differ, there is more than one output, a standard deviation is not positive, or the bins are none,
            or hold no event.
        """
        values, weight = pulls(y_true, y_pred, y_std, sample_weight)
        edges = check_edges(bins, values, "pulls")
        edges = np.linspace(-5, 5, bins + 1) if edges is None else edges
        scale = weight.sum() * np.diff(edges)
        density = np.histogram(values, edges, weights=weight)[0] / scale
        error = np.sqrt(np.histogram(values, edges, weights=weight**2)[0]) / scale
        moments = pull_moments(y_true, y_pred, y_std, sample_weight=sample_weight)
        return cls(edges, density, error, moments, name=name).plot(ax=ax)

    def plot(self, ax: Any = None) -> PullDisplay:
        """Draw the pulls as points, and once an axes the unit Gaussian.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Several displays may share one.

        Returns
        -------
        display : PullDisplay
        """
        ax = new_axes(ax)
        if ax.get_gid() != "pulls":
            ax.set_gid("pulls")
            grid = np.linspace(self.edges[0], self.edges[-1], 201)
            ax.plot(grid, norm.pdf(grid), color="0.5", linestyle=":", label="unit Gaussian")
        mean, mean_error, width, width_error = self.moments
        label = (
            f"{self.name + ': ' if self.name else ''}mean {mean:.3f} ± {mean_error:.3f}, "
            f"width {width:.3f} ± {width_error:.3f}"
        )
        centres, half = (self.edges[1:] + self.edges[:-1]) / 2, np.diff(self.edges) / 2
        ax.errorbar(centres, self.density, self.error, half, label=label, **next_marker(ax))
        ax.set(xlabel="(Truth − prediction) / uncertainty", ylabel="Share of the events per unit")
        ax.set_ylim(top=max(ax.get_ylim()[1], 1.3 * norm.pdf(0)))  # room for the legend
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
