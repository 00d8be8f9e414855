"""Fingerprints of events, column by column: what they were can be compared without keeping them."""

from __future__ import annotations

import hashlib
from typing import Any

import joblib
import numpy as np

from .._compat import num_samples
from .._missing import with_nan
from .._optional import comes_from, is_awkward
from ..data import Graphs, PointClouds, RaggedArray, as_point_clouds

_MOST = 2000  # columns; a table that has more is hashed as one
_DATA = ("sample_weight", "groups", "X_val", "y_val", "sample_weight_val")


def hash_of(values: Any) -> str:
    array = np.asarray(values)
    if array.dtype.kind not in "biufcmMSU":
        return joblib.hash([str(one) for one in array.ravel().tolist()])[:16]
    made = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    made.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.size else b"")
    return made.hexdigest()[:16]


def _columns(X: Any) -> dict[str, Any]:
    """Columns by name, of whatever has columns; the whole under an empty name otherwise."""
    if isinstance(X, RaggedArray):
        return {"number of entries": X.counts, "values": X.values}
    if isinstance(X, Graphs):
        edges = {f"edge {name}": X.edge_values[:, i] for i, name in enumerate(X.edge_names)}
        return {**_columns(X.nodes), "edges": X.edges, "number of edges": X.edge_offsets, **edges}
    if isinstance(X, PointClouds):
        features = {name: X.values[:, i] for i, name in enumerate(X.feature_names)}
        events = {name: X.event_values[:, i] for i, name in enumerate(X.event_names)}
        return {"number of points": X.counts, **features, **events}
    if comes_from(X, "polars") and hasattr(X, "columns"):
        return {name: X[name].to_numpy() for name in X.columns}
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        return {str(name): X.iloc[:, i] for i, name in enumerate(X.columns)}
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] <= _MOST:
        return {str(i): X[:, i] for i in range(X.shape[1])}
    return {"": X}


def fingerprint(X: Any) -> dict[str, Any]:
    """Shape, columns with the hash of each, and the hash of all of them.

    Parameters
    ----------
    X : array-like, data frame, PointClouds, Graphs, RaggedArray or awkward array
        Events, targets, weights or ids.
    """
    try:
        X = as_point_clouds(X) if is_awkward(X) else with_nan(X)
        columns = {name: hash_of(values) for name, values in _columns(X).items()}
        n = num_samples(X)
    except (TypeError, ValueError):  # a fit may take what is no table, or will refuse it
        return {"shape": [], "columns": {"": joblib.hash(repr(X))[:16]}, "hash": joblib.hash(repr(X))[:16]}
    shape = [n] if list(columns) == [""] and np.ndim(X) < 2 else list(getattr(X, "shape", (n,)))
    found = {"shape": shape, "columns": columns, "hash": hash_of(np.array([*columns, *columns.values()]))}
    return {**found, "points": len(X.values)} if isinstance(X, PointClouds) else found


def _sum_of(weights: Any) -> float:
    known = weights.values if isinstance(weights, RaggedArray) else with_nan(weights)
    return float(np.sum(np.asarray(known, dtype=float)))


def data_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """Fingerprints of all that ``fit`` was given: events, targets, weights with their sum, ids."""
    inner = {**arguments, **arguments.get("params", {}), **arguments.get("fit_params", {})}
    named = {name: value for name, value in inner.items() if name.split("__")[-1] in ("X", "y", *_DATA)}
    found = {name: fingerprint(value) for name, value in named.items() if value is not None}
    for name in found:
        if "sample_weight" in name:
            found[name]["sum"] = _sum_of(named[name])
    return found


def in_words(data: dict[str, Any]) -> str:
    """One line about the data, for a list of runs."""
    if "X" not in data:
        return ""
    shape = " × ".join(str(n) for n in data["X"]["shape"])
    points = f", {data['X']['points']} points" if "points" in data["X"] else ""
    sums = [one["sum"] for name, one in data.items() if "sum" in one and not name.endswith("_val")]
    weights = f", Σw = {sums[0]:.6g}" if sums else ""
    return f"{shape}{points}{weights}, {data['X']['hash']}"
