"""Distribution of the hold-out's scores against the epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._optional import needs
from ._plotting import BACKGROUND, CURVES, SIGNAL, dress, fitted_network

_SHARES = (0.16, 0.5, 0.84)  # below the lines: of a normal distribution, mean and one standard deviation


class ScoreHistoryDisplay:
    """Distribution of the hold-out's scores against the epoch, one picture for each class or target.

    A shade is the share of the yield in a bin; the lines are the median and the central 68 %. Classes that a network
    learns to tell apart move away from each other; an epoch in which they jump, or gather in one bin, was one too many
    steps, or too large ones.

    Use :meth:`from_estimator` to make it, of a network with the callback :class:`ScoreHistory`.

    Parameters
    ----------
    counts : ndarray of shape (n_epochs, n_groups, n_bins)
        Sums of weights in each epoch, of each class or target.
    limits : pair of float
        Limits of the scores.
    names : list of str
        Titles of the pictures.
    score_name : str
        Name of the score.

    Attributes
    ----------
    quantiles : ndarray of shape (n_epochs, n_groups, 3)
        Scores below which are 16, 50 and 84 % of the yield.
    axes_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    ScoreHistory : Callback that records the scores.
    OvertrainingDisplay : Scores of training and test events after the training.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn_ml4fp import FeedForwardClassifier, ScoreHistory, ScoreHistoryDisplay
    >>> X, y = make_classification(n_samples=500, random_state=0)
    >>> network = FeedForwardClassifier(width=32, max_epochs=5, callbacks=[ScoreHistory()], random_state=0).fit(X, y)
    >>> display = ScoreHistoryDisplay.from_estimator(network)
    >>> [axes.get_title() for axes in display.axes_]
    ['0', '1']
    """

    def __init__(self, counts: np.ndarray, limits: tuple[float, float], names: list[str], score_name: str) -> None:
        self.counts, self.limits, self.names, self.score_name = counts, limits, names, score_name
        self.quantiles = _quantiles(counts, np.linspace(*limits, counts.shape[2] + 1))

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> ScoreHistoryDisplay:
        """Draw what a fitted network, or one at the end of a pipeline or in a search, has recorded.

        Parameters
        ----------
        estimator : estimator
        ax : sequence of matplotlib Axes, optional
            One for each class or target.

        Returns
        -------
        display : ScoreHistoryDisplay

        Raises
        ------
        ValueError
            If nothing was recorded, or there are not as many axes as classes or targets.
        """
        network = fitted_network(estimator)
        history = getattr(getattr(network, "net_", None), "history", [])
        recorded = [record["event_scores"] for record in history if "event_scores" in record]
        if not recorded:
            raise ValueError(
                f"{type(network).__name__} has recorded no scores: fit it with callbacks=[ScoreHistory()]. Of a "
                "cross-fitted estimator pass one of estimators_, of a network with several members one of members_."
            )
        classes = getattr(network, "classes_", None)
        if classes is None:
            n = len(recorded[0])
            names = [f"target {i}" for i in range(n)] if n > 1 else [""]
            display = cls(np.array(recorded), (-3.0, 3.0), names, "Residual / spread of the targets")
        else:
            name = f"Probability of {classes[1]}" if len(classes) == 2 else "Probability of the true class"
            display = cls(np.array(recorded), (0.0, 1.0), [str(one) for one in classes], name)
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> ScoreHistoryDisplay:
        """Draw one picture for each class or target.

        Parameters
        ----------
        ax : sequence of matplotlib Axes, optional
            One for each class or target.

        Returns
        -------
        display : ScoreHistoryDisplay
        """
        plt, colors = needs("matplotlib.pyplot"), needs("matplotlib.colors")
        n_epochs, n, n_bins = self.counts.shape
        if ax is None:
            ax = plt.subplots(1, n, figsize=(1.5 + 3 * n, 3.2), sharey=True, squeeze=False, layout="constrained")[1][0]
            for one in ax:
                dress(one)
        axes = np.atleast_1d(ax)
        if axes.shape != (n,):
            raise ValueError(f"ax must be a sequence of {n} axes, one for each of {self.names}; got {axes.shape}.")
        epochs, edges = np.arange(n_epochs + 1) + 0.5, np.linspace(*self.limits, n_bins + 1)
        for i, one in enumerate(axes):
            color = (BACKGROUND, SIGNAL)[i] if n == 2 else CURVES[i % len(CURVES)][0]
            shades = colors.LinearSegmentedColormap.from_list("shades", ["white", color])
            share = self.counts[:, i].clip(min=0) / np.maximum(self.counts[:, i].clip(min=0).sum(1), 1e-300)[:, None]
            # the square root shows tails as well
            one.pcolormesh(epochs, edges, share.T, cmap=shades, norm=colors.PowerNorm(0.5, 0), rasterized=True)
            for j, style in enumerate((":", "-", ":")):
                label = ("central 68 %", "median", "_")[j]
                one.plot(np.arange(1, n_epochs + 1), self.quantiles[:, i, j], color="black", ls=style, label=label)
            one.set(xlabel="Epoch", title=self.names[i])
        axes[0].set_ylabel(self.score_name)
        axes[0].legend()
        self.axes_, self.figure_ = axes, axes[0].figure
        return self


def _quantiles(counts: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Quantiles of histograms ``(..., n_bins)``, linear inside of a bin; negative weights may make a sum fall."""
    sums = np.maximum.accumulate(np.cumsum(counts, axis=-1), axis=-1)
    sums = np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums.clip(min=0)], axis=-1)
    shape = counts.shape[:-1]
    found = [np.interp(np.array(_SHARES) * row[-1], row, edges) for row in sums.reshape(-1, len(edges))]
    return np.array(found).reshape(*shape, len(_SHARES))
