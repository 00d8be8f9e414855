"""What we mend of scikit-optimize 0.10.2, which no longer changes: surrogates, categories, failed candidates."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.utils import RegressorTags
from skopt import Optimizer
from skopt.learning import GradientBoostingQuantileRegressor
from skopt.space import Categorical, Dimension, Integer, check_dimension

_N_TREES = 30  # of the boosted surrogate: scikit-optimize's own number


class BoostedQuantiles(GradientBoostingQuantileRegressor):
    """Boosted trees for the 16, 50 and 84 % quantiles of the objective.

    scikit-optimize's class calls a function that numpy 2.4 no longer has, and scikit-learn takes it for no regressor.
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
        return median, np.maximum(high - low, 0) / 2  # quantiles that are fitted one by one may cross


def make_optimizer(dimensions: list[Dimension], n_iter: int, rng: np.random.RandomState, arguments: dict) -> Optimizer:
    """Return scikit-optimize's optimiser, with the surrogates that it cannot make itself.

    Parameters
    ----------
    dimensions : list of Dimension
        The space.
    n_iter : int
        Candidates of the whole search.
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
    elif surrogate == "DUMMY":  # all points are initial ones: the surrogate that has to be named is never fitted
        arguments = {**arguments, "base_estimator": "RF", "n_initial_points": n_iter + 1}
    return Optimizer(dimensions, random_state=rng, **arguments)


def ask(optimizer: Optimizer, n: int) -> list[list]:
    """Next n points, in Python's own numbers."""
    # a single one is not asked of a copy, which would fit the surrogate anew
    points = [optimizer.ask()] if n == 1 else optimizer.ask(n_points=n)
    return [[np.asarray(value).item() for value in point] for point in points]


def tell(optimizer: Optimizer, points: list[list], objective: list[float], failed: set[int]) -> Any:
    """Tell what came of points, smaller being better; a failed one counts as bad as the worst of all that succeeded.

    Parameters
    ----------
    optimizer : Optimizer
        Who is told.
    points : list of list
        The points that it proposed.
    objective : list of float
        Their values; one that is not finite means that the point failed.
    failed : set of int
        Numbers of the points that failed so far; added to here.
    """
    values = [*optimizer.yi, *objective]
    failed |= {i for i, value in enumerate(values) if not np.isfinite(value)}
    worst = max((value for i, value in enumerate(values) if i not in failed), default=0.0)
    values = [worst if i in failed else value for i, value in enumerate(values)]
    n_before = len(optimizer.yi)
    optimizer.yi[:] = values[:n_before]  # the worst may be a worse one than when an earlier point failed
    return optimizer.tell(points, values[n_before:])


class Coded:
    """A space as the optimiser sees it: categories by their numbers, and no dimension that has a single value.

    scikit-optimize itself turns categories into arrays and back, which tuples, dicts and estimators do not survive.

    Parameters
    ----------
    space : dict
        Names to dimensions, ranges (low, high) or lists of values, as scikit-optimize takes them.

    Raises
    ------
    ValueError, TypeError
        The space is empty, or no dictionary of dimensions.
    """

    def __init__(self, space: Any) -> None:
        if not isinstance(space, dict) or not space:
            raise ValueError(f"a search space must be a dict of names and dimensions, with one at least; got {space!r}")
        self._coded = {name: _code(name, space[name]) for name in sorted(space)}
        free = [name for name, (_, categories) in self._coded.items() if categories is None or len(categories) > 1]
        self.is_single = not free
        self._free = free or list(self._coded)[:1]  # an optimiser needs one dimension
        self.dimensions = [self._coded[name][0] for name in self._free]

    def decode(self, point: list) -> dict[str, Any]:
        """Parameters of the candidate at a point, in Python's own types."""
        values = dict(zip(self._free, point, strict=True))
        decoded = {}
        for name, (dimension, categories) in self._coded.items():
            value = values.get(name, 0)
            if categories is not None:
                decoded[name] = categories[int(value)]
            else:
                decoded[name] = int(value) if isinstance(dimension, Integer) else np.asarray(value).item()
        return decoded

    def describe(self) -> list:
        """What the space consists of."""
        return [
            (name, repr(dimension) if categories is None else categories)
            for name, (dimension, categories) in self._coded.items()
        ]


def _code(name: str, given: Any) -> tuple[Dimension, list | None]:
    """Dimension for the optimiser, and what its numbers mean where it has categories."""
    categories, choices = None, {}
    if isinstance(given, list) and not all(np.isscalar(value) for value in given):
        categories = given
    else:
        dimension = copy.deepcopy(check_dimension(given))  # the optimiser changes how it transforms
        if isinstance(dimension, Categorical) and dimension.transform_ != "identity":  # whose numbers mean themselves
            categories, choices = dimension.categories, {"prior": dimension.prior, "transform": dimension.transform_}
    if categories is not None:
        dimension = Categorical(range(len(categories)), **choices)
    dimension.name = name
    return dimension, None if categories is None else list(categories)
