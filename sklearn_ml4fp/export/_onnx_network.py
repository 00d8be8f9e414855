"""Networks: each as a graph of its own, from padded arrays to what it predicts, and as a part of a pipeline's graph."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.onnx.symbolic_helper import parse_args

from .._optional import needs
from ..estimators import NetworkEstimator
from ._onnx_clouds import clouds_of
from ._onnx_convert import Array, Clouds, Export, respond
from ._onnx_graph import DOUBLE, FLOAT, INT, Tensor

OPSETS = range(17, 21)  # what torch's exporter by tracing writes, from the first with a layer normalisation on
_LENGTHS = {"p": 3, "e": 4}  # of the axes of points and edges in the events with which the exporter calls the network
_TYPES = {"edges": INT}  # of inputs that are not float32
_OUTPUTS = {"predict_proba": "probabilities", "decision_function": "logits", "predict": "prediction", "std": "std"}


def network_to_onnx(network: Any, *, opset: int = 17) -> Any:
    """Make an ONNX graph of a fitted network, with everything that it does to its events and its target.

    Inputs and outputs are float32 where nothing else is said, with any number of events ``n``, also none. The inputs
    are, by name:

    - ``X`` ``(n, d)``: a table, as the network was fitted on; also of points (``particle_features``), which are absent
      where all of their columns are NaN, or of images (``image_shape``);
    - ``X`` ``(n, c, h, w)``: images, those without channels with c = 1;
    - ``points`` ``(n, p, d)``, ``mask`` ``(n, p)``, not 0 where there is a point, and, if the events have columns,
      ``event`` ``(n, d_event)``: all that comes as points by itself (clouds, lists, sequences ``(n, t, f)``). Any p
      will do, also 0, and padding may stand anywhere;
    - of `Graphs` ``edges`` ``(n, e, 2)`` as well, int64: origin and end of each edge, by their places among the p
      points, and ``edge_mask`` ``(n, e)``, not 0 where there is an edge, and ``edge_values`` ``(n, e, d_edge)``, if
      edges have features.

    Outputs are ``probabilities`` ``(n, n_classes)``, in the order of ``classes_``; or ``prediction``, in the shape and
    unit of ``y``, and its standard deviation ``std`` where ``predict`` has one: with ``loss="gaussian_nll"`` or several
    members. With ``output="point"`` or ``"edge"`` they have the axes ``(n, p)`` or ``(n, e)`` in the place of ``(n,)``,
    and mean nothing where the mask is 0.

    Parameters
    ----------
    network : NetworkEstimator
        A fitted network.
    opset : int, default=17
        Version of ONNX's operators, 17 to 20.

    Returns
    -------
    onnx.ModelProto
        The graph, checked by onnx.

    Raises
    ------
    ValueError
        The module of the network has an operation that ONNX has not in this opset, or ``opset`` is another.
    """
    onnx = needs("onnx")
    if opset not in OPSETS:
        raise ValueError(f"opset={opset!r}: expected {OPSETS[0]} to {OPSETS[-1]}, in which networks can be written.")
    whole = network._as_module()
    inputs = {
        name: dict(enumerate(["n", *(d for d in shape if d in _LENGTHS)])) for name, shape in whole.shapes.items()
    }
    outputs = {name: {0: "n", **({} if whole.axis is None else {1: whole.axis})} for name in whole.names}
    example = tuple(_example(name, shape) for name, shape in whole.shapes.items())
    file: Any = io.BytesIO()
    try:
        with warnings.catch_warnings(), _known(opset):
            warnings.simplefilter("ignore")
            # By tracing: torch's newer exporter writes opset 18 at the lowest, and takes 3 to 35 s for a small network.
            torch.onnx.export(
                whole,
                example,
                file,
                dynamo=False,
                opset_version=opset,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes=inputs | outputs,
            )
    except (torch.onnx.OnnxExporterError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{type(network).__name__} cannot be written as an ONNX graph with opset={opset}: its module "
            f"{type(network)._module.__name__} must consist of operations on tensors that ONNX has. ({reason})"
        ) from error
    model = onnx.load_model_from_string(file.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return model


def _example(name: str, shape: Any) -> torch.Tensor:
    size = (2, *(_LENGTHS.get(d, d) for d in shape))
    return torch.zeros(size, dtype=torch.int64) if name == "edges" else torch.ones(size)


def _sinh(graph: Any, x: Any) -> Any:
    return graph.op("Sinh", x)


def _cos(graph: Any, x: Any) -> Any:
    """Cosine, in double precision as a sine: onnxruntime has long had no other."""
    if x.type().scalarType() != "Double":
        return graph.op("Cos", x)
    quarter = graph.op("Constant", value_t=torch.tensor(math.pi / 2, dtype=torch.float64))
    return graph.op("Sin", graph.op("Add", x, quarter))


@parse_args("v", "i", "v", "v", "v")
def _sum_at(graph: Any, x: Any, axis: int, index: Any, rows: Any, alpha: Any) -> Any:
    """Sum of rows that share a place: the exporter's own refuses rows of which there are more than places."""
    others = [i for i in range(rows.type().dim()) if i != axis]
    if others:
        index = graph.op("Unsqueeze", index, graph.op("Constant", value_t=torch.tensor(others)))
    index = graph.op("Expand", index, graph.op("Shape", rows))
    return graph.op("ScatterElements", x, index, rows, axis_i=axis, reduction_s="add")


@parse_args("v", "i", "v", "v", "s", "b")
def _highest_at(graph: Any, x: Any, axis: int, index: Any, rows: Any, reduce: str, include_self: bool) -> Any:
    """Maximum of rows that share a place: the exporter's own always takes what was there before as well."""
    if reduce != "amax":
        raise torch.onnx.OnnxExporterError(f"scatter_reduce is written with amax alone, not {reduce}")
    if graph.opset < 18:
        raise torch.onnx.OnnxExporterError("the maximum over the edges to a point came with opset 18: pass opset=18")
    nothing = graph.op("Constant", value_t=torch.tensor(-torch.inf))
    start = x if include_self else graph.op("Expand", nothing, graph.op("Shape", x))
    highest = graph.op("ScatterElements", start, index, rows, axis_i=axis, reduction_s="max")
    return highest if include_self else graph.op("Where", graph.op("Equal", highest, nothing), x, highest)


_FUNCTIONS: dict[str, Any] = {
    "aten::cos": _cos,
    "aten::index_add": _sum_at,
    "aten::scatter_reduce": _highest_at,
    "aten::sinh": _sinh,
}


@contextmanager
def _known(opset: int) -> Iterator[None]:
    """Tell the exporter how functions are written that it does not know, or not well, for as long as it works."""
    for name, function in _FUNCTIONS.items():
        torch.onnx.register_custom_op_symbolic(name, function, opset)
    try:
        yield
    finally:
        for name in _FUNCTIONS:
            torch.onnx.unregister_custom_op_symbolic(name, opset)


# --- in a pipeline ---


@respond.register
def _(model: NetworkEstimator, value: Array | Clouds, export: Export, method: str) -> Tensor:
    outputs = export.once(model, value, lambda: _embedded(model, value, export))
    if method == "predict" and "probabilities" in outputs:
        return outputs["probabilities"].argmax(1)
    if _OUTPUTS[method] not in outputs:
        raise export.refuse(model, f"its graph has no {_OUTPUTS[method]}")
    answer = outputs[_OUTPUTS[method]].astype(DOUBLE)
    if method == "decision_function" and len(model.classes_) == 2:
        return answer.take(1) - answer.take(0)
    return answer


def _embedded(model: NetworkEstimator, value: Array | Clouds, export: Export) -> dict[str, Tensor]:
    try:
        network = network_to_onnx(model, opset=export.graph.opset)
    except (TypeError, ValueError) as error:
        raise export.refuse(model, str(error)) from error
    if hasattr(model, "classes_"):
        _add_logits(network, export)
    wanted = {one.name: one.type.tensor_type.shape.dim for one in network.graph.input}
    given: dict[str, Any]
    if "points" in wanted:
        clouds = value if isinstance(value, Clouds) else clouds_of(value, model.get_params().get("padding"))
        given = {"points": clouds.points, "mask": clouds.mask, "event": clouds.event, **clouds.edges}
    elif isinstance(value, Array):
        x = value.tensor
        if len(wanted["X"]) == 4:  # images of one channel come without its axis, too
            x = x.reshape(x.length(0), *[axis.dim_value for axis in wanted["X"][1:]])
        given = {"X": x}
    else:
        raise export.refuse(model, "it was fitted on arrays, and gets point clouds here")
    export.axis = network.graph.output[0].type.tensor_type.shape.dim[1].dim_param if model._has_entries else None
    return export.graph.embed(network, {name: given[name].astype(_TYPES.get(name, FLOAT)) for name in wanted})


def _add_logits(network: Any, export: Export) -> None:
    """Make an output of what goes into the last softmax, for calibrations, if there is one."""
    helper, makers = export.graph.onnx.helper, {name: node for node in network.graph.node for name in node.output}
    behind: list[Any] = []
    node = makers["probabilities"]
    while node.op_type in ("Identity", "Slice", "Cast", "Exp"):  # an event that was added to none is cut off
        if node.op_type == "Slice":
            behind.insert(0, node)
        node = makers[node.input[0]]
    if node.op_type not in ("Softmax", "LogSoftmax"):
        return
    name = node.input[0]
    for i, one in enumerate(behind):
        network.graph.node.append(helper.make_node(one.op_type, [name, *one.input[1:]], [f"logits_{i}"]))
        name = f"logits_{i}"
    network.graph.node.append(helper.make_node("Cast", [name], ["logits"], to=1))
    network.graph.output.append(helper.make_tensor_value_info("logits", 1, ["n", "k"]))  # 1: float32
