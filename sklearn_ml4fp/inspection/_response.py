"""Response of a regression against the true value: its bias and its resolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._distributions import weighted_quantile
from .._response import HIGH, LOW, response
from ._plotting import check_edges, new_axes, next_marker


class ResponseDisplay:
    """Median and central 68 % of y_pred/y_true in bins of y_true.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make it.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Edges of the bins of the true value.
    low, median, high : ndarray of shape (n_bins,)
        Quantiles of the response at 16, 50 and 84 %; NaN in bins without a positive yield.
    relative : bool
        Whether the response is a ratio.
    name : str, optional

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    response_bias, response_resolution : Bias and resolution as numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import ResponseDisplay
    >>> truth = np.linspace(20, 200, 1000)
    >>> display = ResponseDisplay.from_predictions(truth, 1.1 * truth, bins=4)
    >>> display.median
    array([1.1, 1.1, 1.1, 1.1])
    """

    def __init__(
        self, edges: Any, low: Any, median: Any, high: Any, *, relative: bool = True, name: str | None = None
    ) -> None:
        self.edges = edges
        self.low = low
        self.median = median
        self.high = high
        self.relative = relative
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, groups: Any = None, **kwargs: Any) -> ResponseDisplay:
        """Draw a fitted regressor of one output.

        Parameters
        ----------
        estimator : estimator
        X : array-like of shape (n_events, ...)
        y : array-like of shape (n_events,)
        groups : array-like, optional
            Event ids, for an estimator that needs them to predict.
        **kwargs
            As for :meth:`from_predictions`.

        Returns
        -------
        display : ResponseDisplay
        """
        prediction = estimator.predict(X, **({} if groups is None else {"groups": groups}))
        return cls.from_predictions(y, prediction, **{"name": type(estimator).__name__, **kwargs})

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        relative: bool = True,
        bins: Any = 10,
        name: str | None = None,
        ax: Any = None,
    ) -> ResponseDisplay:
        """Draw predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_events,)
        sample_weight : array-like of shape (n_events,), optional
            Event weights; negative ones are allowed.
        relative : bool, default=True
            The ratio y_pred/y_true, or with False the difference.
        bins : int or array-like, default=10
            Number of bins with equal numbers of events (fewer bins where many events have one true value), or the edges
            of the bins of y_true.
        name : str, optional
        ax : matplotlib Axes, optional

        Returns
        -------
        display : ResponseDisplay

        Raises
        ------
        ValueError
            If there is more than one output, a true value is zero with ``relative=True``, or the bins are none, or hold
            no event.
        """
        values, weight = response(y_true, y_pred, relative, sample_weight)
        if values.shape[1] != 1:
            raise ValueError(f"ResponseDisplay draws one output; got {values.shape[1]}. Pass one column at a time.")
        truth = np.asarray(y_true, dtype=float).ravel()
        edges = check_edges(bins, truth, "true values")
        if edges is None:
            edges = np.unique(np.quantile(truth, np.linspace(0, 1, bins + 1)))
            edges = edges if len(edges) > 1 else edges[0] + np.array([-0.5, 0.5])  # one true value
        # the last bin includes its upper edge
        which = np.where(truth == edges[-1], len(edges) - 2, np.searchsorted(edges, truth, side="right") - 1)
        quantiles = np.full((len(edges) - 1, 3), np.nan)
        for i in range(len(edges) - 1):
            inside = which == i
            if weight[inside].sum() > 0:
                quantiles[i] = weighted_quantile(values[inside, 0], [LOW, 0.5, HIGH], weight[inside])
        return cls(edges, *quantiles.T, relative=relative, name=name).plot(ax=ax)

    def plot(self, ax: Any = None) -> ResponseDisplay:
        """Draw the medians as points and the central 68 % as boxes.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Several displays may share one.

        Returns
        -------
        display : ResponseDisplay
        """
        ax = new_axes(ax)
        if ax.get_gid() != "response":
            ax.set_gid("response")
            ax.axhline(1 if self.relative else 0, color="0.5", linestyle=":")
        look = next_marker(ax)
        centres, half = (self.edges[1:] + self.edges[:-1]) / 2, np.diff(self.edges) / 2
        hatch = ("//", "\\\\", "xx", "..", "++")["osD^v".index(look["fmt"])]
        band = {"color": look["color"], "edgecolor": look["color"], "alpha": 0.25, "hatch": hatch, "lw": 0}
        ax.bar(centres, self.high - self.low, 2 * half, self.low, **band)
        label = f"{self.name + ', ' if self.name else ''}median and central 68 %"
        ax.errorbar(centres, self.median, xerr=half, label=label, **look)
        ylabel = "Prediction / truth" if self.relative else "Prediction − truth"
        ax.set(xlabel="True value", ylabel=ylabel)
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
