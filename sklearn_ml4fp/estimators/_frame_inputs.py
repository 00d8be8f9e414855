"""Inputs of networks for data frames: numbers, of which some may be missing, and categories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._compat import check_feature_names
from .._missing import is_missing
from .._validation import check_finite
from ._column_scaling import learn_scaling, present
from ._inputs import _table
from ._number_inputs import NumberInput, bin_edges

_TEXTS = ("object", "str", "string", "String", "Utf8", "Categorical", "Enum", "category")  # types of pandas and polars
_CATEGORIES = ("category", "Categorical", "Enum")  # whatever their values are


def _columns_of(X: Any) -> dict[int, np.ndarray]:
    """Find the columns of a data frame that hold categories, as arrays of objects."""
    if not hasattr(X, "columns") or not hasattr(X, "dtypes"):
        return {}
    found = {}
    for i, dtype in enumerate(map(str, X.dtypes)):
        if dtype.startswith(_TEXTS):
            column = np.asarray(X.iloc[:, i] if hasattr(X, "iloc") else X[:, i], dtype=object)
            if dtype.startswith(_CATEGORIES) or any(isinstance(value, str) for value in column):
                found[i] = column
    return found


def _plain(value: Any) -> Any:
    """Return text or a number, which a model file can hold: of an interval or a date its text."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, (str, int, float)) else str(value)


def _levels_of(column: np.ndarray) -> list[Any]:
    """Values of a column of categories in their order, without those that are missing."""
    values = set(map(_plain, column[~is_missing(column)]))
    try:
        return sorted(values)
    except TypeError:  # of several types
        return sorted(values, key=str)


def _with_column(X: Any, i: int, values: np.ndarray) -> Any:
    """Return a data frame with another column."""
    if hasattr(X, "iloc"):
        X = X.copy(deep=False)
        X.isetitem(i, values)
        return X
    series = X[:, i]  # of polars
    return X.with_columns(type(series)(series.name, values))


@dataclass
class FrameInput(NumberInput):
    """Rows of a data frame, or of an array of numbers.

    Attributes
    ----------
    levels : dict of int to list
        Categories of the columns that hold some, from the first check.
    """

    levels: dict[int, list[Any]] = field(default_factory=dict)
    _mixed: dict[str, Any] | None = None
    learns = True

    @property
    def module_arguments(self) -> dict[str, Any]:
        """What the columns are, beside scaling and edges."""
        return {**super().module_arguments, "mixed": self._mixed}

    def check(self, X: Any, owner: Any) -> np.ndarray:
        """Return a table of numbers, with the numbers of categories; one that is new is the next."""
        first = self.shape is None
        columns = _columns_of(X)
        if first:
            self.levels = {i: _levels_of(column) for i, column in columns.items()}
        for i, levels in self.levels.items():
            if i not in columns:
                check_feature_names(owner, X, reset=False)  # names what is absent, or elsewhere
                raise ValueError(
                    f"X has no categories in its column {i}, but {type(owner).__name__} was fitted on the categories "
                    f"{levels[:5]} there: pass a data frame like that of fit."
                )
            numbers = {level: float(k) for k, level in enumerate(levels)}
            codes = np.full(len(columns[i]), float(len(levels)))
            there = ~is_missing(columns[i])
            codes[there] = [numbers.get(_plain(value), len(levels)) for value in columns[i][there]]
            X = _with_column(X, i, codes)
        X = _table(X, owner, first=first)
        check_finite(X, getattr(owner, "feature_names_in_", None), allow_nan=True)
        self._keep_shape(X.shape[1:], owner)
        return X

    def learn(self) -> dict[str, Any]:
        """Learn scaling, edges, what fills missing numbers, and which columns have some."""
        sample = self.seen.read()
        X, weights = sample.X, sample.weights
        numbers = [i for i in range(X.shape[1]) if i not in self.levels]
        Z = np.where(np.isnan(X[:, numbers]).all(axis=0), np.float32(0), X[:, numbers])  # a column without values
        if self.scaling is not None and numbers:
            self._scaling = learn_scaling(self.scaling, Z, weights)
        there = [present(column, weights) for column in self._scaled(Z).T]
        if self.num_embedding == "piecewise":
            self._edges = [bin_edges(*one, self.n_bins) for one in there]
        self._mixed = {
            "numbers": numbers,
            "fill": [float(np.average(column, weights=w)) for column, w in there],
            "indicated": np.flatnonzero(np.isnan(Z).any(axis=0)).tolist(),
            # missing is a category where the training part has it
            "categories": {i: len(levels) + int((X[:, i] >= len(levels)).any()) for i, levels in self.levels.items()},
        }
        return {}
