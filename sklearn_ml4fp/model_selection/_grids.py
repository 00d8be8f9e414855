"""Grids from the declarations of the hyperparameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import numpy as np

from ._declared import Place, walk
from ._ranges import Range
from ._spaces import space_of


def _values(span: Range, n: int) -> list:
    """Return n values of a range, evenly on its scale, its ends among them; one value lies in the middle."""
    low, high = span.search
    steps = np.linspace(0, 1, n) if n > 1 else np.array([0.5])
    values = low * (high / low) ** steps if span.scale == "log" else low + (high - low) * steps
    if span.is_whole:
        return sorted({round(value) for value in values})
    return [float(f"{value:.6g}") for value in values]  # six digits: 0.001, not 0.0009999999999999998


def _split(places: list[Place], grid: dict[str, Any]) -> list[dict[str, Any]]:
    """Split a grid where hyperparameters act only with some values of another, so that no two candidates are the same.

    Each part has the values of that other one with which the same hyperparameters act, and only these.
    """
    children: dict[str, list[Place]] = {}
    for place in places:
        if place.condition is not None and place.condition.parent in grid:
            children.setdefault(place.condition.parent, []).append(place)
    grids = [grid]
    for parent, dependent in children.items():
        together: dict[tuple[str, ...], list] = {}
        for value in grid[parent]:
            idle = tuple(place.name for place in dependent if not place.condition.holds(value))  # type: ignore[union-attr]
            together.setdefault(idle, []).append(value)
        grids = [
            {name: values for name, values in {**one, parent: chosen}.items() if name not in idle}
            for one in grids
            for idle, chosen in together.items()
        ]
    return grids


def param_grid(
    estimator: Any,
    n: int = 3,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    override: Mapping[str, Any] | None = None,
) -> list[dict[str, list]]:
    """Make the grid for GridSearchCV that an estimator and its parts declare.

    The grid of a whole network has millions of points: name what to search.

    Parameters
    ----------
    estimator, include, exclude : object
        As for `search_space`.
    n : int, default=3
        Number of values per range, evenly on its scale (logarithmic for rates) and with its ends; each integer once.
        All choices are taken.
    override : dict, default=None
        Domains as for `search_space`: lists or ranges.

    Returns
    -------
    list of dict
        Grids that share no candidate: a hyperparameter that acts only with some choices of another one (a momentum with
        SGD) stands in the grids of those choices alone.

    Raises
    ------
    ValueError
        As for `search_space`, or ``n`` is less than 1.

    See Also
    --------
    search_space, optuna_distributions, param_distributions : The same for other searches.
    sklearn.model_selection.GridSearchCV : The search that takes it.

    Examples
    --------
    >>> from sklearn_ml4fp import FeedForwardClassifier, param_grid
    >>> param_grid(FeedForwardClassifier(), include=["lr", "n_layers"])
    [{'n_layers': [1, 4, 6], 'lr': [0.0001, 0.001, 0.01]}]
    >>> param_grid(FeedForwardClassifier(), n=2, include=["optimizer", "momentum"])
    [{'optimizer': ['sgd', 'rmsprop'], 'momentum': [0.0, 0.99]}, {'optimizer': ['adagrad', 'adam', 'adamw']}]
    """
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n={n!r}: expected a number of values, 1 or more.")
    grids = []
    for places in walk(estimator, include, exclude, override):
        grid = {place.name: space_of(place, lambda span: _values(span, n), list) for place in places}
        grids += _split(places, grid)
    return grids
