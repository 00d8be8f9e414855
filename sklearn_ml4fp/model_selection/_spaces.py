"""Search spaces from the declarations of the hyperparameters, one for each kind of search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.utils import check_random_state

from .._optional import needs
from ._declared import Place, walk
from ._ranges import Range, choices_of, range_of


class LogUniformIntegers:
    """Distribution of integers that is uniform in their logarithm: P(k) = log((k + 1/2)/(k − 1/2)) / normalisation.

    Parameters
    ----------
    low, high : int
        Least and greatest integer, both included; low is at least 1.
    """

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Draw integers, as the distributions of scipy do."""
        ends = np.log([self.low - 0.5, self.high + 0.5])
        drawn = np.exp(check_random_state(random_state).uniform(*ends, size=size))
        whole = np.clip(np.rint(drawn), self.low, self.high).astype(int)  # the ends of the range round outwards
        return whole if size is not None else int(whole)

    def __repr__(self) -> str:
        return f"LogUniformIntegers({self.low}, {self.high})"


def space_of(place: Place, of_range: Callable[[Range], Any], of_choices: Callable[[list], Any]) -> Any:
    """Make the domain of one hyperparameter, from the user or from the declaration.

    A list means choices and a tuple a range, on the declared scale; anything else is used unchanged.
    """
    declared = place.parameter
    if isinstance(place.given, tuple):
        scale = declared.scale if declared is not None else "linear"
        return of_range(range_of(place.name, place.given, scale))
    if place.given is not None:
        choices = choices_of(place.name, place.given)
        return place.given if choices is None else of_choices(choices)
    assert declared is not None
    if declared.choices:
        return of_choices(list(declared.choices))
    assert declared.search is not None
    return of_range(Range(declared.search, declared.scale))


def _spaces(places: list[list[Place]], of_range: Callable[[Range], Any], of_choices: Callable[[list], Any]) -> Any:
    """Make one dict, or a list of dicts if there are parts to choose from."""
    spaces = [{place.name: space_of(place, of_range, of_choices) for place in variant} for variant in places]
    return spaces[0] if len(spaces) == 1 else spaces


def search_space(
    estimator: Any,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    override: Mapping[str, Any] | None = None,
) -> Any:
    """Make the search space for `BayesSearchCV` that an estimator and its parts declare.

    Parameters
    ----------
    estimator : estimator
        Estimator of this package, or a composition with some: a Pipeline, ColumnTransformer or FeatureUnion, a
        `Resampled`, a `CrossFitClassifier`.
    include : iterable of str, default=None
        Hyperparameters to search, by their short name (``"lr"``, wherever it stands) or in full (``"network__lr"``).
        None takes every one that declares a range or choices, and has an effect for some candidate.
    exclude : iterable of str, default=()
        Hyperparameters to leave out, named likewise.
    override : dict, default=None
        Domains that replace the declared ones, by names likewise: a list of choices, a range
        ``(low, high)`` on the scale that is declared, or a dimension of scikit-optimize. It may name any parameter,
        also of other estimators. A list of estimators for the name of a part, such as
        ``{"network": [FeedForwardClassifier(), ResNetClassifier()]}``, makes one space for each of them.

    Returns
    -------
    dict or list of dict
        Names as ``set_params`` takes them, to dimensions of scikit-optimize; a list where there are parts to choose
        from.

    Raises
    ------
    ValueError
        A name matches nothing, nothing is left to search, or a requested hyperparameter has no effect (a
        momentum with Adam).

    See Also
    --------
    BayesSearchCV : The search that takes it.
    optuna_distributions, param_distributions, param_grid : The same for other searches.

    Examples
    --------
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ml4fp import FeedForwardClassifier, search_space
    >>> pipeline = Pipeline([("scale", StandardScaler()), ("network", FeedForwardClassifier())])
    >>> search_space(pipeline, include=["lr"])
    {'network__lr': Real(low=0.0001, high=0.01, prior='log-uniform', transform='identity')}
    """
    theirs = needs("skopt.space")

    def of_range(span: Range) -> Any:
        prior = "log-uniform" if span.scale == "log" else "uniform"
        return (theirs.Integer if span.is_whole else theirs.Real)(*span.search, prior=prior)

    return _spaces(walk(estimator, include, exclude, override), of_range, theirs.Categorical)


def param_distributions(
    estimator: Any,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    override: Mapping[str, Any] | None = None,
) -> Any:
    """Make the distributions for RandomizedSearchCV and HalvingRandomSearchCV that an estimator declares.

    Parameters
    ----------
    estimator, include, exclude : object
        As for `search_space`.
    override : dict, default=None
        Domains as for `search_space`: lists, ranges or distributions of scipy.

    Returns
    -------
    dict or list of dict
        Names to distributions of scipy, or to lists of choices; a list where there are parts to choose from. A
        candidate may hold hyperparameters without an effect (a momentum with Adam), which ``fit`` ignores.

    Raises
    ------
    ValueError
        As for `search_space`.

    See Also
    --------
    search_space, optuna_distributions, param_grid : The same for other searches.
    sklearn.model_selection.RandomizedSearchCV : A search that takes them.

    Examples
    --------
    >>> from sklearn_ml4fp import FeedForwardClassifier, param_distributions
    >>> space = param_distributions(FeedForwardClassifier(), include=["lr", "width"])
    >>> space["width"]
    LogUniformIntegers(16, 1024)
    """

    def of_range(span: Range) -> Any:
        low, high = span.search
        if span.scale == "log":
            return LogUniformIntegers(low, high) if span.is_whole else loguniform(low, high)
        return randint(low, high + 1) if span.is_whole else uniform(low, high - low)

    return _spaces(walk(estimator, include, exclude, override), of_range, list)


def optuna_distributions(
    estimator: Any,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    override: Mapping[str, Any] | None = None,
) -> Any:
    """Make the distributions of Optuna that an estimator and its parts declare.

    Parameters
    ----------
    estimator, include, exclude : object
        As for `search_space`.
    override : dict, default=None
        Domains as for `search_space`: lists, ranges or distributions of Optuna.

    Returns
    -------
    dict or list of dict
        Names to distributions of Optuna; a list where there are parts to choose from.

    Raises
    ------
    ValueError
        As for `search_space`.
    ImportError
        Optuna is not installed.

    See Also
    --------
    OptunaSearchCV : The search that takes them.
    search_space, param_distributions, param_grid : The same for other searches.

    Examples
    --------
    >>> from sklearn_ml4fp import FeedForwardClassifier, optuna_distributions
    >>> optuna_distributions(FeedForwardClassifier(), include=["lr"])
    {'lr': FloatDistribution(high=0.01, log=True, low=0.0001, step=None)}
    """
    theirs = needs("optuna").distributions

    def of_range(span: Range) -> Any:
        kind = theirs.IntDistribution if span.is_whole else theirs.FloatDistribution
        return kind(*span.search, log=span.scale == "log")

    return _spaces(walk(estimator, include, exclude, override), of_range, theirs.CategoricalDistribution)
