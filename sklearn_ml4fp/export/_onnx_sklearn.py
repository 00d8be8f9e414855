"""Converters of scikit-learn's own classes, by skl2onnx: in double precision where that has kernels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import singledispatch
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from .._errors import first_line
from .._optional import needs
from ..preprocessing import AutoScaler, LogScaler
from ._onnx_convert import Array, Export, dense, new_session, respond, transform
from ._onnx_graph import DOUBLE, FLOAT, INT, ML_OPSET, Tensor, at_least_one, cut
from ._onnx_tables import by_kind

_CLOSE = 1e-6  # relative: what double and float differ by at most, if a part is right
_FUNCTIONS: dict[Any, Callable[[Tensor], Tensor]] = {
    None: lambda x: x,
    np.abs: Tensor.abs,
    np.exp: Tensor.exp,
    np.expm1: lambda x: x.exp() - 1.0,
    np.log: Tensor.log,
    np.log10: lambda x: x.log() / np.log(10.0),
    np.log1p: lambda x: (x + 1.0).log(),
    np.log2: lambda x: x.log() / np.log(2.0),
    np.negative: Tensor.__neg__,
    np.sign: Tensor.sign,
    np.sqrt: Tensor.sqrt,
    np.square: lambda x: x * x,
    np.tanh: Tensor.tanh,
    np.arcsinh: Tensor.arcsinh,
    np.sinh: Tensor.sinh,
}


def _run(model: Any, X: np.ndarray) -> np.ndarray:
    """Run a part by onnxruntime."""
    return new_session(model).run(None, {"X": X})[0]


def _by_skl2onnx(
    part: Any, value: Array, export: Export, expected: np.ndarray, output: int, options: dict[str, Any]
) -> Tensor:
    """Convert by skl2onnx; what its part gives for the events is compared with what they should give."""
    if not isinstance(value, Array) or len(value.shape) != 1:
        raise export.refuse(part, "it takes a table, and gets point clouds or images here; put ToList before it")
    reasons, found, events = [], [], dense(value.events)
    for dtype in (DOUBLE, FLOAT):
        try:
            model = _converted(part, value.shape[0], dtype, export.graph.opset, output, options)
            got = _run(model, events.astype(dtype)) if len(events) else None
        except Exception as error:  # each missing converter and kernel fails in its own way
            reasons.append(first_line(error))
            continue
        found.append((_distance(got, expected), dtype, model))
        if found[-1][0] < _CLOSE:
            break
    if not found:
        raise export.refuse(part, f"skl2onnx does not convert it ({reasons[-1]})")
    _, dtype, model = min(found, key=lambda one: one[0])
    tensor = _embedded(model, value, dtype, export)
    return tensor if tensor.dtype in ("object", INT, "bool") else tensor.astype(DOUBLE)


def _converted(part: Any, columns: int, dtype: str, opset: int, output: int, options: dict[str, Any]) -> Any:
    """Convert by skl2onnx, and keep one of the outputs and what it needs."""
    skl2onnx, types = needs("skl2onnx"), needs("skl2onnx.common.data_types")
    kind = types.DoubleTensorType if dtype == DOUBLE else types.FloatTensorType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        def convert(given: dict[str, Any]) -> Any:
            return skl2onnx.convert_sklearn(
                part,
                initial_types=[("X", kind([None, columns]))],
                target_opset={"": opset, "ai.onnx.ml": ML_OPSET},
                options={id(part): given} if given else None,
            )

        try:
            model = convert(options)
        except NameError:  # some classes know no zipmap, and have none
            model = convert({name: value for name, value in options.items() if name != "zipmap"})
        select = needs("skl2onnx.helpers.onnx_helper").select_model_inputs_outputs
        wanted = model.graph.output[output]
        kept = select(model, [wanted.name])
    del kept.graph.output[:]
    kept.graph.output.append(wanted)  # with its type
    return kept


def _embedded(model: Any, value: Array, dtype: str, export: Export) -> Tensor:
    """Put a part into the graph."""
    x = value.tensor.astype(dtype)
    try:
        _run(model, np.zeros((0, value.shape[0]), dtype))
    except Exception:  # as above: it cannot take no events
        more = at_least_one(x, value.shape)
        return cut(next(iter(export.graph.embed(model, {"X": more}).values())), x)
    return next(iter(export.graph.embed(model, {"X": x}).values()))


def _distance(got: np.ndarray | None, expected: np.ndarray) -> float:
    if got is None or got.dtype.kind not in "f" or got.size != expected.size:
        return 0.0  # nothing to compare, or compared by whoever asked
    difference = np.abs(got.reshape(expected.shape) - expected) / (1.0 + np.abs(expected))
    return float(np.nanmax(difference, initial=0.0))


@transform.register
def _of_sklearn(step: object, value: Array, export: Export) -> Tensor:
    expected = dense(step.transform(value.events))  # type: ignore[attr-defined]
    return _by_skl2onnx(step, value, export, expected, 0, {})


@respond.register
def _(model: object, value: Array, export: Export, method: str) -> Tensor:
    if not hasattr(model, method):
        raise export.refuse(model, f"it has no {method}")
    expected = np.asarray(getattr(model, method)(value.events))
    if not is_classifier(model):
        return _shaped(_by_skl2onnx(model, value, export, expected, 0, {}), expected)
    if method == "predict":
        label = _by_skl2onnx(model, value, export, expected, 0, {"zipmap": False})
        return _positions(label, model.classes_)  # type: ignore[attr-defined]
    options = {"zipmap": False, **({"raw_scores": True} if method == "decision_function" else {})}
    return _shaped(_by_skl2onnx(model, value, export, expected, 1, options), expected)


def _shaped(answer: Tensor, expected: np.ndarray) -> Tensor:
    """Give an answer the axes that the model's own one has: skl2onnx gives columns, of both signs for two classes."""
    return answer.take([-1], 1).reshape(answer.length(0)) if expected.ndim == 1 else answer


def _positions(label: Tensor, classes: np.ndarray) -> Tensor:
    """Find labels among the classes."""
    if label.dtype == "object":
        return label.graph.op(
            "LabelEncoder",
            label,
            dtype=INT,
            domain="ai.onnx.ml",
            keys_strings=[str(name) for name in classes],
            values_int64s=list(range(len(classes))),
        )
    return label.astype(INT).expand_dims(1).equals(np.asarray(classes).astype(np.int64)).astype(DOUBLE).argmax(1)


def _function(step: FunctionTransformer, func: Any, arguments: Any, x: Tensor, export: Export) -> Tensor:
    if func not in _FUNCTIONS or arguments:
        names = sorted(one.__name__ for one in _FUNCTIONS if one is not None)
        raise export.refuse(step, f"of functions only numpy's {', '.join(names)} can be, without arguments; got {func}")
    return _FUNCTIONS[func](x)


@transform.register
def _(step: FunctionTransformer, value: Array, export: Export) -> Tensor:
    return _function(step, step.func, step.kw_args, value.tensor, export)


@singledispatch
def invert(step: Any, x: Tensor, export: Export) -> Tensor:
    """Convert the inverse of a transformer, for targets that were transformed."""
    raise export.refuse(step, "there is no converter for the inverse of this class")


@invert.register
def _(step: StandardScaler, x: Tensor, export: Export) -> Tensor:
    x = x * step.scale_ if step.with_std else x
    return x + step.mean_ if step.with_mean else x


@invert.register
def _(step: MinMaxScaler, x: Tensor, export: Export) -> Tensor:
    return (x - step.min_) / step.scale_


@invert.register
def _(step: LogScaler, x: Tensor, export: Export) -> Tensor:
    x = x * step.scale_ + step.mean_
    if step.method == "symlog":
        return x.sign() * (x.abs().exp() - 1.0) * step.linear_
    return x.exp() - (1.0 if step.method == "log1p" else step.offset_)


@invert.register
def _(step: AutoScaler, x: Tensor, export: Export) -> Tensor:
    return by_kind(step, lambda scaler, part: invert(scaler, part, export), Array(x, None))


@invert.register
def _(step: FunctionTransformer, x: Tensor, export: Export) -> Tensor:
    return _function(step, step.inverse_func, step.inv_kw_args, x, export)
