"""Parts of Dask's collections: what is computed by one task, and fits into memory."""

from __future__ import annotations

from typing import Any

from ._optional import comes_from


def delayed_parts(X: Any) -> list[Any] | None:
    """Return the parts of a collection of Dask, or of a list of delayed ones, as ``Delayed``; None for all else."""
    if isinstance(X, (list, tuple)) and X and all(hasattr(part, "__dask_graph__") for part in X):
        return list(X)
    if not hasattr(X, "to_delayed"):
        return None
    if hasattr(X, "rechunk"):  # all of an event in one part
        return list(X.rechunk(dict.fromkeys(range(1, X.ndim), -1)).to_delayed().ravel())
    # what dask-awkward 2026.2 makes of a graph, Dask 2026.8 does not take
    return list(X.to_delayed(**({"optimize_graph": False} if comes_from(X, "dask_awkward") else {})))
