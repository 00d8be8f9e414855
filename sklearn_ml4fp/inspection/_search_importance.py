"""Importance of hyperparameters: how much of the variance of the score each of them explains."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._plotting import BACKGROUND, new_axes
from ._search_results import Surrogate, tried_by


class HyperparameterImportanceDisplay:
    """Share of the variance of the score that each hyperparameter explains alone, over what was searched.

    A random forest f models the score of the candidates. The variance of its mean over all other hyperparameters,
    var_θ E[f given θ], is divided by its variance over the space. What the sum of the shares lacks to one is due to
    hyperparameters that act together. The space is what lies between the lowest and the highest value tried, evenly, or
    evenly in the logarithm if the candidates are more so: in a range that is too narrow a hyperparameter looks
    unimportant.

    Use :meth:`from_search` to make it.

    Parameters
    ----------
    names : list of str
        Hyperparameters that were varied.
    shares : ndarray of shape (n_names,)
        Share of the variance.
    spread : ndarray of shape (n_names,)
        Standard deviation of the shares of single trees.

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    ObjectiveDependenceDisplay : The score as a function of each hyperparameter.
    ConvergenceDisplay : The best score against the number of candidates.

    References
    ----------
    Hutter, Hoos and Leyton-Brown, ICML 2014, PMLR 32 (1) 754 (functional ANOVA).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import HyperparameterImportanceDisplay
    >>> points = np.random.default_rng(0).uniform(size=(100, 2))
    >>> results = {"params": [{"a": a, "b": b} for a, b in points], "mean_test_score": points[:, 1] ** 2}
    >>> display = HyperparameterImportanceDisplay.from_search(results)
    >>> display.names[np.argmax(display.shares)]
    'b'
    """

    def __init__(self, names: list[str], shares: np.ndarray, spread: np.ndarray) -> None:
        self.names = names
        self.shares = shares
        self.spread = spread

    @classmethod
    def from_search(
        cls, search: Any, *, metric: str | None = None, random_state: int = 0, ax: Any = None
    ) -> HyperparameterImportanceDisplay:
        """Model the score of a fitted search, and draw.

        Parameters
        ----------
        search : estimator or dict
            Any fitted search, or its ``cv_results_``. Candidates that failed are left out.
        metric : str, optional
            Name of one of several metrics; by default the one that ``refit`` names.
        random_state : int, default=0
            Seed of the forest.
        ax : matplotlib Axes, optional

        Returns
        -------
        display : HyperparameterImportanceDisplay

        Raises
        ------
        ValueError
            If fewer than ten candidates have a score, or all are the same.
        """
        model = Surrogate(tried_by(search, metric), random_state)
        return cls([one.name for one in model.hyperparameters], *model.main_effects()).plot(ax=ax)

    def plot(self, ax: Any = None) -> HyperparameterImportanceDisplay:
        """Draw the shares, the largest on top, with their spread over the trees.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        display : HyperparameterImportanceDisplay
        """
        ax = new_axes(ax)
        order = np.argsort(self.shares)
        names = [self.names[i] for i in order]
        ax.barh(names, self.shares[order], xerr=self.spread[order], color=BACKGROUND, capsize=3)
        ax.tick_params(axis="y", which="both", length=0)
        ax.set(xlabel="Share of the variance of the score", xlim=(0, None))
        self.ax_, self.figure_ = ax, ax.figure
        return self
