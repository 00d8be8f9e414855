"""Predictions on a Dask cluster: each worker reads and predicts parts of the events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._compat import form_of_dask
from .._dask_parts import delayed_parts
from .._optional import needs
from .._requests import routed
from .._validation import is_ragged
from ..data import EventSource
from ._scores import inputs_of

_ENTRIES = 100_000  # of a source that are a part


def predict_on_dask(model: Any, X: Any, method: str = "predict", *, groups: Any = None, like: Any = None) -> Any:
    """Predict the events of a Dask collection or of files, part by part, on the workers of a cluster or in threads.

    Parameters
    ----------
    model : estimator
        Fitted model: a network, a Pipeline, any estimator of scikit-learn.
    X : dask DataFrame, dask Array, dask-awkward Array, list of Delayed, or EventSource
        Events. A collection has its own parts; each `Delayed` of a list is one, whatever the model takes. Of a source
        every worker reads its parts from the files, so that it must see them.
    method : str, default="predict"
        Method of the model: ``"predict_proba"``, ``"decision_function"``, ``"transform"`` and others that give one row
        for each event.
    groups : dask Series, dask Array or list of Delayed, optional
        Event ids in as many parts as ``X``, for models that take them, such as `CrossFitClassifier`. A source has its
        own.
    like : object, optional
        Some events like those of a part, which tell the shape and type of the predictions. The default is known by
        all but `Delayed` parts: of a source the first chunk, else an event of ones as Dask makes it.

    Returns
    -------
    predictions : dask.array.Array
        Predictions in the order of the events, to be computed, stored or reduced by Dask. Chunks are of unknown length
        where the parts of ``X`` are.

    Raises
    ------
    ImportError
        Dask is not installed; it comes with the extra ``dask``.
    TypeError
        ``X`` has no parts, or parts without ``like``; the model has no such method, or this gives no array.
    ValueError
        A source has no event, ``groups`` has other parts than ``X``, or the method does not give one row per event.

    See Also
    --------
    DaskBackend : Searches and cross-validations on a cluster.
    write_scores : Predictions of a source in a file, by one process.

    Notes
    -----
    Nothing is computed yet but the predictions of ``like``. The model is in the graph once.

    Examples
    --------
    >>> import dask.array as da, numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ml4fp import predict_on_dask
    >>> X = np.arange(8.0)[:, np.newaxis]
    >>> model = LogisticRegression().fit(X, X[:, 0] > 3)
    >>> scores = predict_on_dask(model, da.from_array(X, chunks=4), "predict_proba")[:, 1]
    >>> scores
    dask.array<getitem, shape=(8,), dtype=float64, chunksize=(4,), chunktype=numpy.ndarray>
    >>> bool(scores.max() == model.predict_proba(X)[:, 1].max())
    True
    """
    arrays, delayed = needs("dask.array"), needs("dask").delayed
    if not callable(getattr(model, method, None)):
        raise TypeError(f"{type(model).__name__} has no method {method!r}: expected one of a fitted model.")
    parts, lengths = _parts_of(X, "X")
    ids = [None] * len(parts) if groups is None else _parts_of(groups, "groups")[0]
    if len(ids) != len(parts):
        raise ValueError(f"groups has {len(ids)} parts: expected as many as X has, {len(parts)}.")
    like = _example(X) if like is None else like
    ids_like = None if groups is None else np.zeros(len(like), dtype=int)
    form = _predicted(model, method, like, ids_like)[:0]
    there = delayed(model, traverse=False)
    blocks = [
        arrays.from_delayed(
            delayed(_predicted)(there, method, part, its_ids, form), (length, *form.shape[1:]), form.dtype
        )
        for part, its_ids, length in zip(parts, ids, lengths, strict=True)
    ]
    return arrays.concatenate(blocks, allow_unknown_chunksizes=True)


def _parts_of(X: Any, name: str) -> tuple[list[Any], Sequence[float]]:
    """Return the parts of a collection or a source as `Delayed`, and their lengths, NaN where they are not known."""
    delayed = needs("dask").delayed
    if isinstance(X, EventSource):
        source = delayed(X, traverse=False)
        parts = [delayed(_read)(source, block) for block in X.blocks(_ENTRIES)]
    elif (found := delayed_parts(X)) is not None:
        parts = found
    else:
        raise TypeError(
            f"{name} is {type(X).__name__}: expected a collection of Dask (DataFrame, Array, dask-awkward), a list of "
            "dask.delayed parts, or an EventSource. What is in memory is predicted by the model itself."
        )
    return parts, X.chunks[0] if hasattr(X, "chunks") and hasattr(X, "rechunk") else [math.nan] * len(parts)


def _example(X: Any) -> Any:
    """Return an event or two of the form of a collection; nothing is computed."""
    if isinstance(X, EventSource):
        events = next(X.chunks(), None)
        if events is None:
            raise ValueError(f"{X!r} has no event: expected at least one, which tells the shape of the predictions.")
        return events
    if (events := form_of_dask(X)) is not None:
        return events
    if hasattr(X, "shape"):
        return np.ones((1, *X.shape[1:]), dtype=X.dtype)
    raise TypeError(
        "delayed parts do not tell the form of their events: pass like=, some events, such as parts[0].compute()[:1]."
    )


def _read(source: EventSource, block: Any) -> Any:
    with source.loading() as load:
        return load(block)


def _predicted(model: Any, method: str, X: Any, groups: Any, form: Any = None) -> Any:
    """Predict the events of a part; for none of them return ``form``."""
    if isinstance(X, Bunch):  # of a source
        X, groups = inputs_of(model, X), X.groups
    if len(X) == 0 and form is not None:
        return form
    given = {} if groups is None else {"groups": groups}
    answer = getattr(model, method)(X, **routed(model, method, given))
    if is_ragged(answer):
        raise TypeError(
            f"{method} gives values of points or edges, of which events have different numbers, and a Dask array has a "
            "row for each event: write_scores(source, model, path) writes a list for each event."
        )
    found = np.asarray(answer)
    if len(found) != len(X):
        raise ValueError(f"{method} gives the shape {found.shape} for {len(X)} events: expected one row per event.")
    return found
