"""Candidates of a search: their scores, and a forest that models the score as a function of hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.utils.validation import check_is_fitted

_N_TREES = 64
_N_POINTS = 256  # number of points over which the other hyperparameters are averaged
_N_FOR_VARIANCE = 8192  # number of points for the variance: chance correlations change it by about 2 %
_N_VALUES = 32  # number of values in a range
_LEAST = 10  # number of candidates with a score that a forest needs
_LOG_FROM = 10  # ratio of the ends of a range below which linear and logarithmic scale hardly differ


class Tried(NamedTuple):
    """Candidates of a search, in order."""

    params: list[dict[str, Any]]
    scores: np.ndarray  # (n_candidates,); NaN for one that failed
    metric: str


def tried_by(search: Any, metric: str | None = None) -> Tried:
    """Return the candidates and mean scores of a fitted search; of successive halving, those of the last round.

    Raises
    ------
    ValueError
        The search has no such metric, or several and none is named.
    """
    if not isinstance(search, Mapping):
        check_is_fitted(search, "cv_results_")
    results = search if isinstance(search, Mapping) else search.cv_results_
    known = [name.removeprefix("mean_test_") for name in results if name.startswith("mean_test_")]
    refit = getattr(search, "refit", None)
    chosen = metric or (known[0] if len(known) == 1 else refit if isinstance(refit, str) else "")
    if chosen not in known:
        raise ValueError(f"metric={metric!r}: expected one of the metrics of the search, {known}.")
    scores = np.array(results[f"mean_test_{chosen}"], dtype=float)
    scores[~np.isfinite(scores)] = np.nan
    rounds = np.asarray(results.get("iter", np.zeros(len(scores))))
    last = np.flatnonzero(rounds == rounds.max())  # scores on fewer events, or epochs, are not comparable
    return Tried([dict(results["params"][i]) for i in last], scores[last], chosen)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def _label(value: Any) -> str:
    return type(value).__name__ if hasattr(value, "get_params") else str(value)


def _unevenness(values: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance from an even distribution between the lowest and the highest value."""
    share = np.sort((values - values.min()) / np.ptp(values))
    return float(np.abs(share - (np.arange(len(share)) + 0.5) / len(share)).max())


class Searched:
    """Hyperparameter as columns for a forest: a number between 0 and 1, or one column per category.

    If a candidate may lack it (a momentum with Adam), an additional column tells this.
    """

    def __init__(self, name: str, values: list[Any], absent: np.ndarray) -> None:
        self.name, self.absent = name, absent
        there = [value for value, lacks in zip(values, absent, strict=True) if not lacks]
        self.is_number = all(_is_number(value) for value in there)
        if self.is_number:
            self.low, self.high = float(min(there)), float(max(there))
            numbers = np.array(there, dtype=float)
            wide = self.low > 0 and self.high / self.low > _LOG_FROM
            self.is_log = bool(wide and _unevenness(np.log(numbers)) < _unevenness(numbers))
            self.labels = []
        else:
            kinds = dict(sorted({repr(value): _label(value) for value in there}.items()))
            self._kinds = list(kinds)
            self.labels = list(kinds.values()) if len(set(kinds.values())) == len(kinds) else self._kinds
        self.varies = self.high > self.low if self.is_number else len(self._kinds) > 1
        self.varies = bool(self.varies or absent.any())

    def _share(self, values: np.ndarray) -> np.ndarray:
        """Map numbers linearly, from the lowest to the highest, to [0, 1]."""
        low, high = self.low, self.high
        if self.is_log:
            values, low, high = np.log(values), np.log(low), np.log(high)
        return (values - low) / (high - low) if high > low else np.zeros(len(values))

    def columns_of(self, values: list[Any], absent: np.ndarray) -> np.ndarray:
        """Compute the columns ``(n, k)`` of candidates."""
        if self.is_number:
            numbers = np.array([self.low if lacks else v for v, lacks in zip(values, absent, strict=True)], float)
            return np.column_stack([np.where(absent, 0.5, self._share(numbers)), absent])
        one_hot = [
            [repr(v) == kind and not lacks for kind in self._kinds] for v, lacks in zip(values, absent, strict=True)
        ]
        return np.column_stack([one_hot, absent]).astype(float)

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Return values, or numbers of the labels, evenly over the searched domain, and their columns."""
        if not self.is_number:
            eye = np.eye(len(self._kinds), len(self._kinds) + 1)
            return np.arange(len(self._kinds)), eye
        share = (np.arange(_N_VALUES) + 0.5) / _N_VALUES
        ratio = self.high / self.low if self.is_log else 1.0
        values = self.low * ratio**share if self.is_log else self.low + (self.high - self.low) * share
        return values, np.column_stack([share, np.zeros(_N_VALUES)])

    @property
    def lacking(self) -> np.ndarray:
        """Return the columns of a candidate that lacks the hyperparameter."""
        return np.array([0.5, 1.0]) if self.is_number else np.eye(len(self._kinds) + 1)[-1]

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the columns of n values evenly from the searched domain; the share that lacks it stays the same."""
        _, columns = self.grid()
        drawn = columns[rng.permutation(np.arange(n) * len(columns) // n)]
        drawn[rng.permutation(n) < round(self.absent.mean() * n)] = self.lacking
        return drawn


class Surrogate:
    """Random forest that models the score as a function of the varied hyperparameters.

    Parameters
    ----------
    tried : Tried
        Candidates; failed ones are left out.
    random_state : int
        Seed of the forest, and of the points over which it is averaged.

    Raises
    ------
    ValueError
        Too few candidates have a score, or no hyperparameter was varied.
    """

    def __init__(self, tried: Tried, random_state: int) -> None:
        there = np.isfinite(tried.scores)
        if there.sum() < _LEAST:
            raise ValueError(f"{there.sum()} candidates have a score: expected {_LEAST} at least, to model it.")
        self.params = [one for one, ok in zip(tried.params, there, strict=True) if ok]
        self.scores = tried.scores[there]
        names = list(dict.fromkeys(name for one in self.params for name in one))
        every = [self._hyperparameter(name) for name in names]
        self.hyperparameters = [one for one in every if one.varies]
        if not self.hyperparameters:
            raise ValueError("all candidates are the same: expected a search that varies something.")
        blocks = [one.columns_of(*self.values_of(one.name)) for one in self.hyperparameters]
        widths = [block.shape[1] for block in blocks]
        self._columns = np.split(np.arange(sum(widths)), np.cumsum(widths)[:-1])
        self._forest = RandomForestRegressor(_N_TREES, random_state=random_state)
        self._forest.fit(np.hstack(blocks), self.scores)
        self._rng = np.random.default_rng(random_state)
        self._points = self._draw(_N_POINTS)

    def values_of(self, name: str) -> tuple[list[Any], np.ndarray]:
        """Return the values of a hyperparameter in each candidate, and a mask of the candidates that lack it."""
        return [one.get(name) for one in self.params], np.array([name not in one for one in self.params])

    def _hyperparameter(self, name: str) -> Searched:
        return Searched(name, *self.values_of(name))

    def _draw(self, n: int) -> np.ndarray:
        return np.hstack([one.draw(n, self._rng) for one in self.hyperparameters])

    def _by_tree(self, points: np.ndarray) -> np.ndarray:
        return np.stack([tree.predict(points) for tree in self._forest.estimators_])

    def marginal(self, number: int, columns: np.ndarray) -> np.ndarray:
        """Average each tree over all other hyperparameters, for given columns of one: (n_trees, n_values)."""
        points = np.tile(self._points, (len(columns), 1, 1))
        points[:, :, self._columns[number]] = columns[:, np.newaxis]
        return self._by_tree(points.reshape(-1, points.shape[-1])).reshape(_N_TREES, len(columns), -1).mean(axis=2)

    def main_effects(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute the share of the variance that each hyperparameter explains alone, and its spread over the trees."""
        trees = self._by_tree(self._draw(_N_FOR_VARIANCE))
        total, total_of_trees = trees.mean(axis=0).var(), trees.var(axis=1)
        alone = [self._variance_alone(i) for i in range(len(self.hyperparameters))]
        share = np.array([forest for forest, _ in alone]) / (total or 1.0)
        of_trees = np.array([each for _, each in alone]) / np.where(total_of_trees > 0, total_of_trees, 1.0)
        return share, of_trees.std(axis=1)

    def _variance_alone(self, number: int) -> tuple[float, np.ndarray]:
        """Compute the variance of the mean over all other hyperparameters, of the forest and of each tree."""
        one = self.hyperparameters[number]
        _, columns = one.grid()
        lacks = one.absent.mean()
        weights = np.append(np.full(len(columns), (1 - lacks) / len(columns)), lacks)
        means = self.marginal(number, np.vstack([columns, one.lacking]))
        curves = np.vstack([means.mean(axis=0), means])
        variances = (curves - (curves @ weights)[:, np.newaxis]) ** 2 @ weights
        return variances[0], variances[1:]
