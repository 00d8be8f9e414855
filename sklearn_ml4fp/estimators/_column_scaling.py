"""Scalings that a network for tables learns by itself, from its training part."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._distributions import weighted_quantile
from ..preprocessing import AutoScaler

SCALINGS = ("auto", "robust")
CLIP = {"auto": None, "robust": 3.0}  # the second is that of RealMLP

Constants = dict[str, list[float]]


def learn_scaling(kind: str, X: np.ndarray, weights: np.ndarray | None) -> Constants:
    """Learn the constants of a `ColumnScaling`.

    Parameters
    ----------
    kind : {"auto", "robust"}
        What `AutoScaler` chooses for each column; or (x − median)/(interquartile range).
    X : ndarray of shape (n_events, n_columns)
        Events of the training part; NaN is left out.
    weights : ndarray of shape (n_events,) or None
        Their weights.
    """
    columns = _as_auto_scaler(X, weights) if kind == "auto" else _by_quartiles(X, weights)
    return {name: values.tolist() for name, values in columns.items()}


def present(column: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the values of a column that are there, with their weights if these have a positive sum."""
    there = ~np.isnan(column)
    left = None if weights is None else weights[there]
    return column[there], left if left is not None and left.sum() > 0 else None


def _linear(d: int) -> dict[str, np.ndarray]:
    zeros, ones = np.zeros(d), np.ones(d)
    return {"is_log": zeros, "offset": ones, "is_symlog": zeros.copy(), "linear": ones.copy()}


def _quartiles(column: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    return weighted_quantile(column, (0.25, 0.5, 0.75), weights)


def _by_quartiles(X: np.ndarray, weights: np.ndarray | None) -> dict[str, np.ndarray]:
    """Median and interquartile range; half of the whole range where more than half of the events have one value."""
    quartiles = np.array([_quartiles(*present(column, weights)) for column in X.T])
    width, half = quartiles[:, 2] - quartiles[:, 0], (np.nanmax(X, axis=0) - np.nanmin(X, axis=0)) / 2.0
    width = np.where(width > 0, width, half)
    factor = np.divide(1.0, width, out=np.zeros(len(width)), where=width > 0)  # a constant column is zero
    return {**_linear(X.shape[1]), "shift": quartiles[:, 1], "factor": factor}


def _as_auto_scaler(X: np.ndarray, weights: np.ndarray | None) -> dict[str, np.ndarray]:
    """Read the constants of what `AutoScaler` has chosen."""
    auto: Any = AutoScaler().fit(X.astype(np.float64), sample_weight=weights)
    found = {**_linear(X.shape[1]), "shift": np.zeros(X.shape[1]), "factor": np.ones(X.shape[1])}
    for kind, scaler in auto.scalers_.items():
        chosen = auto.scalings_ == kind
        if kind == "min-max":
            found["shift"][chosen], found["factor"][chosen] = -scaler.min_ / scaler.scale_, scaler.scale_
            continue
        found["shift"][chosen], found["factor"][chosen] = scaler.mean_, 1 / scaler.scale_
        if kind == "log":
            found["is_log"][chosen], found["offset"][chosen] = 1.0, scaler.offset_
        elif kind == "symlog":
            found["is_symlog"][chosen], found["linear"][chosen] = 1.0, scaler.linear_
    return found
