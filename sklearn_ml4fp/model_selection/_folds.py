"""Folds, cut once, and given out all together or one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import get_routing_for_object


class Folds:
    """The folds of a splitter, cut once and given out a few at a time: all of them, or one by one."""

    def __init__(self, cv: Any, *, classifier: bool, one_by_one: bool) -> None:
        self.cv = cv
        self.classifier = classifier
        self.one_by_one = one_by_one
        self.first = 0

    def split(self, X: Any, y: Any = None, **params: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        """Training and test part of the folds whose turn it is."""
        if not hasattr(self, "splits"):
            self.splits = list(check_cv(self.cv, y, classifier=self.classifier).split(X, y, **params))
        return [self.splits[fold] for fold in self.turn]

    def get_n_splits(self, X: Any = None, y: Any = None, **params: Any) -> int:
        """Number of folds in a turn."""
        self.n_splits = check_cv(self.cv, y, classifier=self.classifier).get_n_splits(X, y, **params)
        return len(self.turn)

    @property
    def turn(self) -> range:
        """The folds whose turn it is."""
        return range(self.first, self.first + 1) if self.one_by_one else range(self.n_splits)

    def turns(self) -> Iterator[None]:
        """Go through the folds."""
        for first in range(self.n_splits if self.one_by_one else 1):
            self.first = first
            yield
        self.first = 0

    def get_metadata_routing(self) -> Any:
        """What the splitter asks for."""
        return get_routing_for_object(self.cv)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the folds behind: a worker gets the one that it fits."""
        return {name: value for name, value in self.__dict__.items() if name != "splits"}
