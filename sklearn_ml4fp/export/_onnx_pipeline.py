"""A fitted pipeline as one graph: its inputs and outputs, what the file says about it, and the check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import Pipeline

from .._compat import safe_indexing
from .._missing import real_numbers
from .._optional import is_awkward
from ..augmentation import AugmentedPrediction
from ..data import Graphs, PointClouds, as_point_clouds
from ..estimators import NetworkEstimator, NetworkRegressor
from ..model_selection import CrossFitClassifier, CrossFitRegressor
from ..preprocessing import JetConstituentFeatures, ParticleWise, ToImage, ToList, ToSet
from . import (  # noqa: F401  (each file registers its converters)
    _onnx_clouds,
    _onnx_cross_fit,
    _onnx_metas,
    _onnx_momenta,
    _onnx_network,
    _onnx_sklearn,
    _onnx_tables,
)
from ._description import describe
from ._onnx_check import answers_of, check, ids_for
from ._onnx_compositions import deployed
from ._onnx_convert import Array, Clouds, Export, apply, dense, plain, respond, tensor_of
from ._onnx_cross_fit import EachFold, each_fold
from ._onnx_graph import DOUBLE, FLOAT, INT, Graph, Tensor

_SAMPLE = 100  # events that are carried through the pipeline while it is converted
_OF_CLOUDS = (JetConstituentFeatures, ParticleWise, ToImage, ToList, ToSet)
_FORMAT = 1  # of what the metadata say
_Outputs = dict[str, tuple[Tensor, Sequence[int | str]]]


def checked(model: Any, X: Any, opset: int) -> Any:
    """Make the graph of a fitted model, and compare what it gives for the events with what the model gives."""
    plain_model = each_fold(deployed(model))
    events = _events_of(plain_model, X)
    graph, export = _build(plain_model, safe_indexing(events, slice(0, _SAMPLE)), opset)
    onnx = export.graph.onnx
    onnx.checker.check_model(graph)
    check(plain_model, lambda few: _build(plain_model, few, opset, steps=True), graph, events, export)
    onnx.helper.set_model_props(graph, _about(model, events, graph, export.folds))
    return graph


def _build(model: Any, events: Any, opset: int, *, steps: bool = False) -> tuple[Any, Export]:
    """Make the graph, on request with what every step gives among its outputs.

    Some events are carried along, which tell the shapes.
    """
    graph = Graph(opset)
    export = Export(graph)
    value = _inputs(graph, model, events)
    outputs: _Outputs = {
        name: (tensor if tensor.dtype == INT else tensor.astype(FLOAT), ["n", *shape])
        for name, (tensor, shape) in _outputs(model, value, export).items()
    }
    return graph.model(outputs, [tensor_of(value) for _, value, _ in export.trace] if steps else ()), export


def _outputs(model: Any, value: Array | Clouds, export: Export) -> _Outputs:
    if hasattr(model, "predict_proba"):
        answer = respond(model, value, export, "predict_proba")
        folds = [] if export.folds is None else [export.folds]
        return {"probabilities": (answer, [*_entries(export), *folds, len(model.classes_)])}
    if is_classifier(model):
        return {"prediction": (respond(model, value, export, "predict"), [])}
    if hasattr(model, "predict"):
        methods = {"prediction": "predict", **({"std": "std"} if _has_std(model, value.events) else {})}
        answers = {name: respond(model, value, export, method) for name, method in methods.items()}
        ids = ids_for(len(dense(value.events)) if isinstance(value, Array) else len(value.events), export.ids)
        shape = plain(answers_of(model, value.events, ids, ["prediction"])["prediction"]).shape[1:]
        shape = (*_entries(export), *shape[len(_entries(export)) :])
        return {name: (answer, shape) for name, answer in answers.items()}
    made = apply(model, value, export)
    if not isinstance(made, Array):
        raise export.refuse(model, "it gives point clouds; put ToList, ToSet, ToImage or a network behind it")
    return {"transformed": (made.tensor, made.shape)}


def _entries(export: Export) -> list[str]:
    """Axis of points or edges, if they have outputs."""
    return [] if export.axis is None else [export.axis]


def _has_std(model: Any, events: Any) -> bool:
    """Whether a network at the end predicts a standard deviation."""
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if not isinstance(last, NetworkRegressor):
        return False
    try:
        answers_of(model, events, None, ["prediction", "std"])
    except ValueError:
        return False
    return True


# --- events ---


def _events_of(model: Any, X: Any) -> Any:
    """Return events as a table, images or point clouds, of which there is one at least."""
    events = _clouds_or_array(model, X)
    if len(events) == 0:
        raise ValueError("X has 0 events: expected some, with which the graph is checked.")
    return events


def _clouds_or_array(model: Any, X: Any) -> Any:
    if issparse(X):
        raise TypeError("X is sparse: expected a dense table, in which a graph takes its events. Use X.toarray().")
    first = _first_part(model)
    of_points = isinstance(first, NetworkEstimator) and first.members_[0]._fitted.input.columns is not None
    if isinstance(X, Graphs):
        return X
    if isinstance(X, PointClouds) or is_awkward(X) or of_points or isinstance(first, _OF_CLOUDS):
        return as_point_clouds(X, padding=getattr(first, "padding", None))
    if hasattr(X, "columns"):
        return _numbers_of(X)
    array = real_numbers(X)
    if array is None or array.ndim < 2:
        got = "other entries" if array is None else f"shape {array.shape}"
        raise TypeError(f"X has {got}: expected a table of numbers (n, d), images (n, c, h, w), or point clouds.")
    return array


def _numbers_of(table: Any) -> Any:
    """Return a data frame if it holds nothing but numbers."""
    kinds = {str(name): np.asarray(table[name]).dtype.kind for name in table.columns}
    others = [name for name in table.columns if kinds[str(name)] not in "biuf" and real_numbers(table[name]) is None]
    if others:
        raise TypeError(
            f"X has text, categories or dates in the columns {others[:10]}: expected numbers, which are all that the "
            "input of the graph holds. Encode such columns before the pipeline, or leave them out."
        )
    return table


def _first_part(model: Any) -> Any:
    """Find the part of a model that sees the events first."""
    model = deployed(model)
    if isinstance(model, Pipeline):
        inner = model.steps[0][1]
    elif isinstance(model, VotingClassifier | VotingRegressor | CrossFitClassifier | CrossFitRegressor | EachFold):
        inner = model.estimators_[0]
    elif isinstance(model, CalibratedClassifierCV):
        inner = model.calibrated_classifiers_[0].estimator
    elif isinstance(model, AugmentedPrediction):
        inner = model.estimator_
    elif isinstance(model, TransformedTargetRegressor):
        inner = model.regressor_
    else:
        return model
    return _first_part(inner)


def _inputs(graph: Graph, model: Any, events: Any) -> Array | Clouds:
    if isinstance(events, Graphs):
        clouds = _inputs(graph, model, events.nodes)
        edges = {"edges": graph.input("edges", INT, ["n", "e", 2])}
        edges["edge_mask"] = graph.input("edge_mask", FLOAT, ["n", "e"])
        if events.edge_names:
            edges["edge_values"] = graph.input("edge_values", FLOAT, ["n", "e", len(events.edge_names)])
        return replace(clouds, events=events, edges=edges)  # type: ignore[arg-type]
    if isinstance(events, PointClouds):
        points = graph.input("points", FLOAT, ["n", "p", len(events.feature_names)]).astype(DOUBLE)
        mask = graph.input("mask", FLOAT, ["n", "p"]) > 0.5
        event = None
        if events.event_names:
            event = graph.input("event", FLOAT, ["n", len(events.event_names)]).astype(DOUBLE)
        return Clouds(mask.expand_dims(2).where(points, 0.0), mask, event, events)
    shape = dense(events).shape[1:]
    channel = [1] if len(shape) == 2 else []
    return Array(graph.input("X", FLOAT, ["n", *channel, *shape]).astype(DOUBLE), events)


# --- metadata ---


def _about(model: Any, events: Any, graph: Any, folds: int | None) -> dict[str, str]:
    """What the file says about itself, each value as JSON."""
    known = describe(model, [])
    axes = {
        one.name: [axis.dim_param or axis.dim_value for axis in one.type.tensor_type.shape.dim]
        for one in [*graph.graph.input, *graph.graph.output]
    }
    about = {
        "format": _FORMAT,
        "model": known["class"],
        "steps": known["steps"],
        "columns": _columns(model, events),
        "classes": known["classes"],
        "target": known["target"],
        "inputs": {one.name: _input_text(one.name, axes[one.name]) for one in graph.graph.input},
        "outputs": {one.name: _output_text(one, axes[one.name]) for one in graph.graph.output},
        "folds": None if folds is None else f"{folds} on axis 1; for an event that of model.cv_.assign(ids)",
        "versions": known["versions"],
        "date": known["date"],
    }
    return {name: json.dumps(value, ensure_ascii=False) for name, value in about.items()}


def _columns(model: Any, events: Any) -> Any:
    if isinstance(events, Graphs):
        return {**_columns(model, events.nodes), "edges": list(events.edge_names)}
    if isinstance(events, PointClouds):
        return {"points": list(events.feature_names), "event": list(events.event_names)}
    if hasattr(events, "columns"):
        return [str(name) for name in events.columns]
    return [f"x{i}" for i in range(events.shape[1])] if events.ndim == 2 else None


def _input_text(name: str, axes: list[Any]) -> str:
    texts = {
        "X": "float32; the columns in their order, NaN for what is absent",
        "points": "float32; the features of each point in their order; padding is ignored",
        "mask": "float32; 1 for a point, 0 for padding",
        "event": "float32; the event columns in their order",
        "edges": "int64; origin and end of each edge, by their places among the points of the event",
        "edge_mask": "float32; 1 for an edge, 0 for padding",
        "edge_values": "float32; the features of each edge in their order; padding is ignored",
        "event_id": "int64; the number of the event, or the columns of its id, as in the training",
    }
    return f"{texts[name]}; shape {axes}"


def _output_text(output: Any, axes: list[Any]) -> str:
    texts = {
        "probabilities": "float32; in the order of the classes",
        "prediction": "float32; in the unit of the target",
        "std": "float32; standard deviation, in the unit of the target",
        "transformed": "float32",
    }
    if output.type.tensor_type.elem_type == 7:  # INT64
        return f"int64; position of the class among the classes; shape {axes}"
    return f"{texts[output.name]}; shape {axes}"
