"""Partial dependence of the objective of a search on each hyperparameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ._plotting import BACKGROUND, SIGNAL, new_axes
from ._search_results import Surrogate, tried_by


class Dependence(NamedTuple):
    """Dependence of the score on one hyperparameter."""

    name: str
    values: np.ndarray  # (n_values,), numbers of the labels where there are some
    score: np.ndarray  # (n_values,), the forest's mean over all others
    spread: np.ndarray  # (n_values,), standard deviation of the trees
    tried: np.ndarray  # (n_candidates,) values of the candidates; NaN where one lacks it
    labels: list[str]  # of categories
    is_log: bool


def _dependence(model: Surrogate, number: int) -> Dependence:
    one = model.hyperparameters[number]
    grid, columns = one.grid()
    by_tree = model.marginal(number, columns)
    values, absent = model.values_of(one.name)
    if one.is_number:
        tried = np.array([np.nan if lacks else v for v, lacks in zip(values, absent, strict=True)], float)
    else:
        tried = np.where(absent, np.nan, one.columns_of(values, absent)[:, :-1].argmax(axis=1))
    is_log = one.is_number and one.is_log
    return Dependence(one.name, grid, by_tree.mean(axis=0), by_tree.std(axis=0), tried, one.labels, is_log)


class ObjectiveDependenceDisplay:
    """Score as a function of one hyperparameter at a time, averaged over all others.

    The mean of a random forest that models the score of the candidates, over the space that was searched, with the
    spread of its trees as a band; the candidates themselves are points. A curve that rises towards an end of its range
    asks for a wider range.

    Use :meth:`from_search` to make it.

    Parameters
    ----------
    dependences : list of Dependence
        ``name``, ``values``, ``score``, ``spread``, ``tried`` and ``labels`` of each hyperparameter.
    scores : ndarray of shape (n_candidates,)
        Scores of the candidates.
    metric : str, default="score"
        What the scores are.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        After :meth:`plot`, one a hyperparameter.
    figure_ : matplotlib Figure
        After :meth:`plot`.

    See Also
    --------
    HyperparameterImportanceDisplay : Which hyperparameters matter.
    ConvergenceDisplay : The best score against the number of candidates.

    References
    ----------
    Friedman, Annals of Statistics 29 (2001) 1189 (partial dependence).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import ObjectiveDependenceDisplay
    >>> points = np.random.default_rng(0).uniform(size=(100, 2))
    >>> results = {"params": [{"a": a, "b": b} for a, b in points], "mean_test_score": -((points[:, 0] - 0.5) ** 2)}
    >>> display = ObjectiveDependenceDisplay.from_search(results, names=["a"])
    >>> best = display.dependences[0]
    >>> bool(abs(best.values[np.argmax(best.score)] - 0.5) < 0.1)
    True
    """

    def __init__(self, dependences: list[Dependence], scores: np.ndarray, metric: str = "score") -> None:
        self.dependences = dependences
        self.scores = scores
        self.metric = metric

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        names: Sequence[str] | None = None,
        metric: str | None = None,
        random_state: int = 0,
        ax: Any = None,
    ) -> ObjectiveDependenceDisplay:
        """Model the score of a fitted search, and draw.

        Parameters
        ----------
        search : estimator or dict
            Any fitted search, or its ``cv_results_``. Candidates that failed are left out.
        names : list of str, optional
            Hyperparameters to draw; by default all that were varied.
        metric : str, optional
            Name of one of several metrics; by default the one that ``refit`` names.
        random_state : int, default=0
            Seed of the forest.
        ax : sequence of matplotlib Axes, optional
            One for each hyperparameter.

        Returns
        -------
        display : ObjectiveDependenceDisplay

        Raises
        ------
        ValueError
            If fewer than ten candidates have a score, all are the same, or a name was not varied.
        """
        tried = tried_by(search, metric)
        model = Surrogate(tried, random_state)
        varied = [one.name for one in model.hyperparameters]
        names = varied if names is None else [names] if isinstance(names, str) else list(names)
        if unknown := [name for name in names if name not in varied]:
            raise ValueError(f"names {unknown} were not varied; expected some of {varied}.")
        dependences = [_dependence(model, varied.index(name)) for name in names]
        return cls(dependences, model.scores, tried.metric).plot(ax=ax)

    def plot(self, ax: Any = None) -> ObjectiveDependenceDisplay:
        """Draw each hyperparameter into axes of its own.

        Parameters
        ----------
        ax : sequence of matplotlib Axes, optional

        Returns
        -------
        display : ObjectiveDependenceDisplay

        Raises
        ------
        ValueError
            If there are not as many axes as hyperparameters.
        """
        axes = self._new_row() if ax is None else list(np.ravel(ax))
        if len(axes) != len(self.dependences):
            raise ValueError(f"got {len(axes)} axes for {len(self.dependences)} hyperparameters: expected one each.")
        for one, panel in zip(self.dependences, axes, strict=True):
            self._draw(one, panel)
        axes[0].set_ylabel(f"Mean test {self.metric}" if self.metric == "score" else self.metric)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _new_row(self) -> list[Any]:
        """Panels side by side with one scale of the score."""
        first = new_axes(None)
        figure, n = first.figure, len(self.dependences)
        figure.set_size_inches(3.2 * n + 1, 3.6)
        first.set_subplotspec(figure.add_gridspec(1, n)[0])
        grid = first.get_subplotspec().get_gridspec()
        others = [figure.add_subplot(grid[i], sharey=first) for i in range(1, n)]
        for ax in others:
            ax.tick_params(labelleft=False)
        return [first, *others]

    def _draw(self, one: Dependence, ax: Any) -> None:
        ax.scatter(one.tried, self.scores, s=10, color="0.6")
        if one.labels:
            ax.errorbar(one.values, one.score, one.spread, fmt="o", color=SIGNAL, capsize=3)
            ax.set_xticks(one.values, one.labels, rotation=45, ha="right")
        else:
            ax.fill_between(one.values, one.score - one.spread, one.score + one.spread, color=BACKGROUND, alpha=0.25)
            ax.plot(one.values, one.score, color=BACKGROUND)
            ax.set_xscale("log" if one.is_log else "linear")
        ax.set_xlabel(one.name)
