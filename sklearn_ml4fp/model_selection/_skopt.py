"""Proposer of scikit-optimize 0.10.2, with corrections for surrogates, categories, failed and repeated points."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.utils import RegressorTags
from skopt import Optimizer
from skopt.learning import GradientBoostingQuantileRegressor
from skopt.space import Categorical, Dimension, Integer, Real

from ._candidates import TRIES, Candidate, Proposer, first_untried, plain, size_of
from ._ranges import choices_of, range_of

_N_TREES = 30  # number of trees of the boosted surrogate, as in scikit-optimize


class BoostedQuantiles(GradientBoostingQuantileRegressor):
    """Boosted trees for the 16, 50 and 84 % quantiles of the objective.

    The class of scikit-optimize calls a function that numpy 2.4 no longer has, and scikit-learn does not see a
    regressor.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags

    def predict(self, X: Any, return_std: bool = False, return_quantiles: bool = False) -> Any:
        """Predict the median; with ``return_std`` also half of the distance of the outer quantiles."""
        if not return_std:
            return super().predict(X, return_quantiles=return_quantiles)
        low, median, high = super().predict(X, return_quantiles=True).T
        return median, np.maximum(high - low, 0) / 2  # separately fitted quantiles may cross


def make_optimizer(dimensions: list[Dimension], n_iter: int, rng: np.random.RandomState, arguments: dict) -> Optimizer:
    """Return scikit-optimize's optimiser, with the surrogates that it cannot make itself.

    Parameters
    ----------
    dimensions : list of Dimension
        The space.
    n_iter : int
        Number of candidates of the whole search.
    rng : RandomState
        Seed.
    arguments : dict
        Further arguments of ``skopt.Optimizer``.
    """
    arguments = {"base_estimator": "GP", **arguments}
    surrogate = arguments["base_estimator"]
    surrogate = surrogate.upper() if isinstance(surrogate, str) else surrogate
    if surrogate == "GBRT":
        trees = GradientBoostingRegressor(n_estimators=_N_TREES, loss="quantile")
        arguments["base_estimator"] = BoostedQuantiles(base_estimator=trees, random_state=rng.randint(2**31 - 1))
    elif surrogate == "DUMMY":  # all points are initial ones: the surrogate is never fitted
        arguments = {**arguments, "base_estimator": "RF", "n_initial_points": n_iter + 1}
    return Optimizer(dimensions, random_state=rng, **arguments)


def tell(optimizer: Optimizer, points: list[list], objective: list[float], failed: set[int]) -> Any:
    """Tell the values of points, the smaller the better; a failed point counts as the worst that succeeded.

    Parameters
    ----------
    optimizer : Optimizer
        Optimiser of scikit-optimize.
    points : list of list
        Proposed points.
    objective : list of float
        Values of the points; one that is not finite marks a failed point.
    failed : set of int
        Numbers of the points that failed so far, to which new ones are added.
    """
    values = [*optimizer.yi, *objective]
    failed |= {i for i, value in enumerate(values) if not np.isfinite(value)}
    worst = max((value for i, value in enumerate(values) if i not in failed), default=0.0)
    values = [worst if i in failed else value for i, value in enumerate(values)]
    n_before = len(optimizer.yi)
    optimizer.yi[:] = values[:n_before]  # the worst value may have changed since an earlier point failed
    return optimizer.tell(points, values[n_before:])


class Coded:
    """Space of the optimiser: categories by their numbers, and no dimension with a single value.

    scikit-optimize itself converts categories to arrays and back, which tuples, dicts and estimators do not survive.

    Parameters
    ----------
    space : dict
        Names to dimensions, ranges (low, high) or lists of choices.

    Raises
    ------
    ValueError
        The space is empty, or not a dictionary of dimensions.
    """

    def __init__(self, space: Any) -> None:
        if not isinstance(space, dict) or not space:
            raise ValueError(f"a search space must be a dict of names and dimensions, with one at least; got {space!r}")
        self._coded = {name: _code(name, space[name]) for name in sorted(space)}
        self.names = list(self._coded)
        free = [name for name, (_, categories) in self._coded.items() if categories is None or len(categories) > 1]
        self._free = free or self.names[:1]  # an optimiser needs one dimension
        self.dimensions = [self._coded[name][0] for name in self._free]
        self.axes = [_axis(dimension) for dimension in self.dimensions]

    def decode(self, point: list) -> dict[str, Any]:
        """Return the parameters of the candidate at a point, in Python's own types."""
        values = dict(zip(self._free, point, strict=True))
        decoded = {}
        for name, (dimension, categories) in self._coded.items():
            value = values.get(name, 0)
            if categories is not None:
                decoded[name] = categories[int(value)]
            else:
                decoded[name] = int(value) if isinstance(dimension, Integer) else plain(value)
        return decoded

    def describe(self) -> list:
        """Describe the dimensions of the space."""
        return [
            (name, repr(dimension) if categories is None else categories)
            for name, (dimension, categories) in self._coded.items()
        ]


def _code(name: str, given: Any) -> tuple[Dimension, list | None]:
    """Return the dimension for the optimiser, and the categories that its numbers stand for, if any."""
    categories, options = choices_of(name, given), {}
    if isinstance(given, tuple):
        (low, high), scale = span = range_of(name, given)
        prior = "log-uniform" if scale == "log" else "uniform"
        dimension = (Integer if span.is_whole else Real)(low, high, prior=prior)
    elif isinstance(given, Dimension):
        dimension = copy.deepcopy(given)  # the optimiser changes its transformation
        if isinstance(given, Categorical) and given.transform_ != "identity":  # whose numbers are the values
            categories = [plain(value) for value in given.categories]
            options = {"prior": given.prior, "transform": given.transform_}
    elif categories is None:
        raise ValueError(
            f"{name!r}: expected a list of choices, a range (low, high) or a dimension of scikit-optimize; got "
            f"{given!r}."
        )
    if categories is not None:
        dimension = Categorical(range(len(categories)), **options)
    dimension.name = name
    return dimension, categories


def _axis(dimension: Dimension) -> Sequence | None:
    """Return all values of a dimension, or None for a continuous one."""
    if isinstance(dimension, Categorical):
        return [plain(value) for value in dimension.categories]
    return range(int(dimension.low), int(dimension.high) + 1) if isinstance(dimension, Integer) else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the warnings of scikit-optimize on repeated points, which are replaced here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The objective has been evaluated", UserWarning)
        yield


class SkoptProposer(Proposer):
    """Proposer around an optimiser of scikit-optimize, for one space."""

    def __init__(
        self, space: Coded, n_iter: int, rng: np.random.RandomState, arguments: dict, callbacks: list[Any]
    ) -> None:
        super().__init__(space.names, size_of(space.axes), n_iter)
        self.space = space
        self.optimizer = make_optimizer(space.dimensions, n_iter, rng, arguments)
        self.result: Any = None
        self._callbacks = callbacks
        self._failed: set[int] = set()

    def holds(self, point: Any) -> bool:
        """Return whether a point of a history lies in the space."""
        try:
            return len(point) == len(self.space.dimensions) and point in self.optimizer.space
        except (TypeError, ValueError):
            return False

    def ask(self, n: int, known: list[Any]) -> list[Candidate]:
        """Choose the next n candidates, the first of them at known points; fewer if no others are left."""
        with _quiet():
            # a single point is not asked from a copy, which would fit the surrogate again
            asked = [self.optimizer.ask()] if n == 1 else self.optimizer.ask(n_points=n)
        points = self._untried([[plain(value) for value in point] for point in asked])
        points = [*known, *(point for point in points[len(known) :] if point not in known)]
        return [Candidate(point, self.space.decode(point)) for point in points]

    def _untried(self, points: list[list]) -> list[list]:
        """Replace points that were tried by untried ones, as far as there are any."""
        tried, chosen = {tuple(map(plain, point)) for point in self.optimizer.Xi}, []
        for asked in points:
            point: tuple | None = tuple(asked)
            for _ in range(TRIES):
                if point not in tried:
                    break
                point = tuple(map(plain, self.optimizer.space.rvs(random_state=self.optimizer.rng)[0]))
            else:
                point = first_untried(self.space.axes, tried)
            if point is None:
                break
            tried.add(point)
            chosen.append(list(point))
        return chosen

    def tell(self, batch: list[Candidate]) -> bool:
        """Learn the scores of the candidates; return whether a callback ends the search."""
        points, objective = [one.point for one in batch], [-one.score for one in batch]
        with _quiet():
            self.result = tell(self.optimizer, points, objective, self._failed)
        ended = [
            callback(self.result) for callback in self._callbacks
        ]  # all callbacks are called, also after one that ends the search
        return any(ended)


class SkoptSpaces:
    """The spaces of a `BayesSearchCV`, each with an optimiser and a number of candidates of its own.

    Raises
    ------
    ValueError
        There is none, or what stands for a space or beside it is wrong.
    """

    def __init__(self, given: Any, n_iter: int, n_points: int, arguments: dict | None, callbacks: list[Any]) -> None:
        several = (given or [{}]) if isinstance(given, list) else [given]  # of nothing, the error is that of a space
        pairs = [one if isinstance(one, tuple) and len(one) == 2 else (one, n_iter) for one in several]
        if wrong := [n for _, n in pairs if not isinstance(n, Integral) or isinstance(n, bool) or n < 1]:
            raise ValueError(f"search_spaces: expected numbers of candidates beside the spaces, got {wrong[0]!r}.")
        self._coded = [(Coded(space), int(n)) for space, n in pairs]
        self._arguments, self._callbacks = dict(arguments or {}), callbacks
        self.names = [name for space, _ in self._coded for name in space.names]
        self.n_candidates = sum(int(min(n, size_of(space.axes))) for space, n in self._coded)
        self.description = [space.describe() for space, _ in self._coded]
        self.proposer = arguments, n_points

    def proposers(self, seed: int) -> Iterator[SkoptProposer]:
        """Make one optimiser after the other, on one sequence of random numbers."""
        rng = np.random.RandomState(seed)
        for space, n_iter in self._coded:
            yield SkoptProposer(space, n_iter, rng, self._arguments, self._callbacks)
