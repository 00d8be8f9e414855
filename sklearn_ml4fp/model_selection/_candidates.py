"""Candidates of a search, and the base of the proposers, which choose them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol

import numpy as np

# Number of repeated points from a proposer after which the first untried point is taken.
TRIES = 20


@dataclass(eq=False)  # which would compare the values of parameters, arrays among them
class Candidate:
    """Candidate of a search.

    Parameters
    ----------
    point : list or dict
        Point of the space, in the form of its proposer, which JSON can hold.
    params : dict
        Parameters, as ``set_params`` takes them.
    folds : list of dict
        Results of scikit-learn for each fold; empty where there was no fit.
    reports : dict of int to float
        Minus the validation loss, or the metric that is monitored, after each epoch of the first fold, if there is a
        pruner.
    pruned : bool
        Whether the pruner ended the training.
    score : float
        Mean over the folds of the score that is maximised.
    """

    point: Any
    params: dict[str, Any]
    folds: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[int, float] = field(default_factory=dict)
    pruned: bool = False
    score: float = float("nan")

    @property
    def is_scored(self) -> bool:
        """Whether the candidate was fitted and scored in all folds, without failing or being stopped."""
        return bool(np.isfinite(self.score)) and not self.pruned

    @property
    def errors(self) -> list[str]:
        """Return the errors of the fits that failed."""
        return [fold["fit_error"] for fold in self.folds if fold.get("fit_error")]


class Proposer(ABC):
    """Base of the proposers, which choose the candidates of one space and learn from their scores.

    Parameters
    ----------
    names : list of str
        Names of the parameters of the space.
    size : float
        Number of different points in the space; infinite where a parameter is continuous.
    n_iter : int
        Number of candidates.
    """

    def __init__(self, names: list[str], size: float, n_iter: int) -> None:
        self.names = names
        self.size = size
        self.n_iter = n_iter

    @abstractmethod
    def holds(self, point: Any) -> bool:
        """Return whether a point of a history lies in the space."""

    @abstractmethod
    def ask(self, n: int, known: list[Any]) -> list[Candidate]:
        """Choose the next n candidates, the first of them at known points; fewer if no others are left."""

    @abstractmethod
    def tell(self, batch: list[Candidate]) -> bool:
        """Learn the scores of the candidates of the last call of `ask`; return whether the search shall end."""


class Spaces(Protocol):
    """All that a search looks at: one space, or several."""

    names: list[str]  # of the parameters
    n_candidates: int  # that are wanted, as far as there are as many
    description: Any  # of what may not change while a search goes on
    proposer: Any  # likewise: who proposes candidates

    def proposers(self, seed: int) -> Iterator[Proposer]:
        """Make who proposes candidates, for one space after the other."""
        ...


def size_of(axes: list[Sequence | None]) -> float:
    """Count the points of a grid; None is an axis without a number of values."""
    return float("inf") if None in axes else prod(len(axis) for axis in axes if axis is not None)


def first_untried(axes: list[Sequence | None], tried: set[tuple]) -> tuple | None:
    """Find the first untried point of a grid; None if there is none, or an axis has no number of values."""
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
    """Convert a number of numpy to Python's own; return anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value
