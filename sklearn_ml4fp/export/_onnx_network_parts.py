"""Networks as parts of a pipeline's graph."""

from __future__ import annotations

from typing import Any

from ..estimators import NetworkEstimator
from ._onnx_clouds import clouds_of
from ._onnx_convert import Array, Clouds, Export, respond
from ._onnx_graph import DOUBLE, FLOAT, INT, Tensor
from ._onnx_network import network_to_onnx

_TYPES = {"edges": INT}  # of inputs that are not float32
_OUTPUTS = {"predict_proba": "probabilities", "decision_function": "logits", "predict": "prediction", "std": "std"}


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
