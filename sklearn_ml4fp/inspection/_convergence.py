"""Convergence of a search: the best score against the number of candidates."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._plotting import CURVES, new_axes
from ._search_results import tried_by


class ConvergenceDisplay:
    """Score of each candidate of a search, and the best so far.

    Candidates that failed are marked at the lower edge. Of a successive halving only the last round is drawn, since
    scores after fewer epochs, or on fewer events, are not comparable.

    Use :meth:`from_search` to make it.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates,)
        Mean test scores in the order of the search; NaN for a candidate that failed.
    metric : str, default="score"
        Name of the scores.

    Attributes
    ----------
    best : ndarray of shape (n_candidates,)
        Best score so far; NaN before the first.
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    HyperparameterImportanceDisplay, ObjectiveDependenceDisplay : Other pictures of a search.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_ml4fp import ConvergenceDisplay
    >>> X, y = make_classification(random_state=0)
    >>> search = GridSearchCV(LogisticRegression(), {"C": [1e-3, 1e-2, 1e-1]}).fit(X, y)
    >>> display = ConvergenceDisplay.from_search(search)
    >>> bool(display.best[-1] == search.best_score_)
    True
    """

    def __init__(self, scores: np.ndarray, metric: str = "score") -> None:
        self.scores = np.asarray(scores, dtype=float)
        self.metric = metric
        self.best = np.fmax.accumulate(self.scores)

    @classmethod
    def from_search(
        cls, search: Any, *, metric: str | None = None, name: str | None = None, ax: Any = None
    ) -> ConvergenceDisplay:
        """Draw the candidates of a fitted search.

        Parameters
        ----------
        search : estimator or dict
            Any fitted search (grid, random, Bayesian, Optuna's), or its ``cv_results_``.
        metric : str, optional
            Name of one of several metrics; by default the one that ``refit`` names.
        name : str, optional
            Label of the curve.
        ax : matplotlib Axes, optional

        Returns
        -------
        display : ConvergenceDisplay

        Raises
        ------
        ValueError
            If the search has no such metric.
        """
        tried = tried_by(search, metric)
        return cls(tried.scores, tried.metric).plot(ax=ax, name=name)

    def plot(self, ax: Any = None, *, name: str | None = None) -> ConvergenceDisplay:
        """Draw the scores as points and the best so far as a line.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        name : str, optional
            Label of the curve.

        Returns
        -------
        display : ConvergenceDisplay
        """
        ax = new_axes(ax)
        color, style = CURVES[len(ax.lines) // 2 % len(CURVES)]  # two lines per display
        number = np.arange(1, len(self.scores) + 1)
        failed = np.isnan(self.scores)
        ax.scatter(number, self.scores, s=14, color=color, alpha=0.5)
        ax.plot(number, self.best, color=color, ls=style, drawstyle="steps-post", label=name)
        ax.plot(
            number[failed], np.zeros(failed.sum()), "x", color=color, transform=ax.get_xaxis_transform(), clip_on=False
        )
        ax.set(xlabel="Candidates", ylabel=f"Mean test {self.metric}" if self.metric == "score" else self.metric)
        if name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
