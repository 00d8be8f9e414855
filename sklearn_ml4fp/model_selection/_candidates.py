"""Candidates of a search, and what every way of choosing them has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

# A proposer may come back to a point that was tried; after so many tries the first one that is left is taken.
TRIES = 20


@dataclass(eq=False)  # which would compare the values of parameters, arrays among them
class Candidate:
    """One candidate of a search.

    Parameters
    ----------
    point : list or dict
        Where it lies, as its proposer says it and JSON can hold it.
    params : dict
        Its parameters, as ``set_params`` takes them.
    folds : list of dict
        What scikit-learn says of the fit in each fold; empty where there was none.
    reports : dict of int to float
        Minus the validation loss after each epoch of the first fold, where a pruner wants to know.
    pruned : bool
        Whether the training was ended by the pruner.
    score : float
        The mean over the folds of what is maximised.
    """

    point: Any
    params: dict[str, Any]
    folds: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[int, float] = field(default_factory=dict)
    pruned: bool = False
    score: float = float("nan")

    @property
    def is_scored(self) -> bool:
        """Whether it was fitted and scored in all folds, without failing or being stopped."""
        return bool(np.isfinite(self.score)) and not self.pruned

    @property
    def errors(self) -> list[str]:
        """Errors of the fits that failed."""
        return [fold["fit_error"] for fold in self.folds if fold.get("fit_error")]


class Proposer(ABC):
    """Chooses the candidates of one space: it is asked for points, and told how good they were.

    Parameters
    ----------
    names : list of str
        Parameters that the space is about.
    size : float
        Number of different points in the space; infinite where a parameter is continuous.
    n_iter : int
        Candidates that are wanted.
    """

    def __init__(self, names: list[str], size: float, n_iter: int) -> None:
        self.names = names
        self.size = size
        self.n_iter = n_iter

    @abstractmethod
    def holds(self, point: Any) -> bool:
        """Whether a point of a history lies in the space."""

    @abstractmethod
    def ask(self, n: int, known: list[Any]) -> list[Candidate]:
        """The next n candidates, the first of them at known points; fewer where no others are left."""

    @abstractmethod
    def tell(self, batch: list[Candidate]) -> bool:
        """Learn how good the candidates of the last call of `ask` were; return whether the search shall end."""


def size_of(axes: list[Sequence | None]) -> float:
    """Number of points of a grid; None is an axis without a number of values."""
    return float("inf") if None in axes else prod(len(axis) for axis in axes if axis is not None)


def first_untried(axes: list[Sequence | None], tried: set[tuple]) -> tuple | None:
    """First point of a grid that was not tried yet; None where there is none, or an axis has no number of values."""
    for number in range(int(min(len(tried) + 1, size_of(axes))) if None not in axes else 0):
        point = []
        for axis in axes:
            assert axis is not None
            number, index = divmod(number, len(axis))
            point.append(axis[index])
        if tuple(point) not in tried:
            return tuple(point)
    return None


def plain(value: Any) -> Any:
    """Return a number of numpy as Python's own; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value
