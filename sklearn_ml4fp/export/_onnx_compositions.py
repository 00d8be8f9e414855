"""Converters of scikit-learn's compositions: pipelines, unions, and columns that go their own ways."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from .._compat import safe_indexing
from .._optional import needs
from ..resampling import Resampled
from ._onnx_convert import Array, Clouds, Export, apply, ask, respond, transform
from ._onnx_graph import Tensor, concat


def deployed(model: Any) -> Any:
    """Return what predicts: the best model of a search, the model that was trained on resampled events.

    Samplers and empty steps are left out of a Pipeline.
    """
    if hasattr(model, "best_estimator_"):
        return deployed(model.best_estimator_)
    if isinstance(model, Resampled):
        return deployed(model.estimator_)
    if type(model).__name__ == "FrozenEstimator":  # of scikit-learn 1.6 and later
        return deployed(model.estimator)
    if isinstance(model, Pipeline):
        steps = [(name, step) for name, step in model.steps if step not in (None, "passthrough")]
        steps = [(name, step) for name, step in steps if not hasattr(step, "fit_resample")]
        if not steps:
            raise ValueError("The Pipeline has no step that does anything: expected a model to export.")
        return Pipeline([*steps[:-1], (steps[-1][0], deployed(steps[-1][1]))])
    return model


@transform.register
def _(pipeline: Pipeline, value: Array | Clouds, export: Export) -> Any:
    made = _through(deployed(pipeline).steps, value, export)
    return made.tensor if isinstance(made, Array) else made


def _through(steps: list[tuple[str, Any]], value: Array | Clouds, export: Export) -> Array | Clouds:
    for name, step in steps:
        with export.inside(f"step {name!r}"):
            value = apply(step, value, export)
    return value


@respond.register
def _(pipeline: Pipeline, value: Array | Clouds, export: Export, method: str) -> Tensor:
    *first, (name, last) = deployed(pipeline).steps
    value = _through(first, value, export)
    with export.inside(f"step {name!r}"):
        return ask(last, value, export, method)


def _columns(union: Any, name: str, step: Any, value: Array, export: Export) -> Tensor:
    """Convert one part of a union; ``passthrough`` is the table itself."""
    if step == "passthrough":
        return value.tensor
    with export.inside(f"transformer {name!r}"):
        made = apply(step, value, export)
        if not isinstance(made, Array) or len(made.shape) != 1:
            raise export.refuse(step, f"{type(union).__name__} joins the columns of tables, and this gives none")
        return made.tensor


@transform.register
def _(union: FeatureUnion, value: Array, export: Export) -> Tensor:
    weights = union.transformer_weights or {}
    parts = [
        _columns(union, name, step, value, export) * weights.get(name, 1.0)
        for name, step in union.transformer_list
        if step != "drop"
    ]
    return concat(parts, 1)


@transform.register
def _(union: ColumnTransformer, value: Array, export: Export) -> Tensor:
    numbers = _numbered(value.events)
    parts = []
    for name, step, columns in union.transformers_:
        if isinstance(step, str) and step == "drop":
            continue
        if isinstance(columns, str | int | np.integer):
            raise export.refuse(union, f"{name!r} takes one column as a list of values; name it as [{columns!r}]")
        wanted = columns if isinstance(columns, slice) else list(columns)
        places = np.asarray(safe_indexing(numbers, wanted, axis=1)).ravel().astype(int)
        if len(places):
            part = Array(value.tensor.take(places), safe_indexing(value.events, wanted, axis=1))
            parts.append(_columns(union, name, step, part, export))
    return concat(parts, 1)


def _numbered(events: Any) -> Any:
    """Make a table of one row with the numbers of its columns, so that any way to name columns finds them."""
    row = np.arange(np.shape(events)[1])[None, :]
    return needs("pandas").DataFrame(row, columns=list(events.columns)) if hasattr(events, "columns") else row


@respond.register
def _(model: BaseEstimator, value: Array | Clouds, export: Export, method: str) -> Tensor:
    """Answer for what only holds a model; scikit-learn's own models are in the hands of skl2onnx."""
    inner = deployed(model)
    if inner is model:
        return respond.dispatch(object)(model, value, export, method)
    return respond(inner, value, export, method)
