"""Fitted network as an ONNX graph, from padded arrays to probabilities or predictions."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from .._optional import needs

# Functions that ONNX has had since opset 9, but of which the exporter does not know.
_FUNCTIONS = {"aten::sinh": "Sinh"}
OPSETS = range(17, 21)  # what torch's exporter by tracing writes, from the first with a layer normalisation on


def network_to_onnx(network: Any, *, opset: int = 17) -> Any:
    """Make an ONNX graph of a fitted network, with everything that it does to its events and its target.

    All inputs and outputs are float32, with any number of events ``n``, also none. Inputs are, by name:

    - ``X`` ``(n, d)``: a table, as the network was fitted on; also of points (``particle_features``), which are absent
      where all of their columns are NaN, or of images (``image_shape``);
    - ``X`` ``(n, c, h, w)``: images, those without channels with c = 1;
    - ``points`` ``(n, p, d)``, ``mask`` ``(n, p)``, not 0 where there is a point, and, if the events have columns,
      ``event`` ``(n, d_event)``: all that comes as points by itself (clouds, lists, sequences ``(n, t, f)``). Any p
      will do, also 0, and padding may stand anywhere.

    Outputs are ``probabilities`` ``(n, n_classes)``, in the order of ``classes_``; or ``prediction``, in the shape and
    unit of ``y``, and its standard deviation ``std`` where ``predict`` has one: with ``loss="gaussian_nll"`` or several
    members. With ``output="point"`` they have the axes ``(n, p)`` of the points in the place of ``(n,)``, and mean
    nothing where the mask is 0.

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
        The network was fitted on `Graphs`; its module has an operation that ONNX has not; or ``opset`` is another.
    """
    onnx = needs("onnx")
    if opset not in OPSETS:
        raise ValueError(f"opset={opset!r}: expected {OPSETS[0]} to {OPSETS[-1]}, in which networks can be written.")
    whole = network._as_module()
    inputs = {name: {0: "n", **({1: "p"} if "p" in shape else {})} for name, shape in whole.shapes.items()}
    outputs = {name: {0: "n", **({1: "p"} if whole.of_points else {})} for name in whole.names}
    example = tuple(torch.ones(2, *(3 if d == "p" else d for d in shape)) for shape in whole.shapes.values())
    file: Any = io.BytesIO()
    try:
        with warnings.catch_warnings(), _known(_FUNCTIONS):
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


@contextmanager
def _known(functions: dict[str, str]) -> Iterator[None]:
    """Tell the exporter about functions of one argument, for as long as it works."""
    for name, operator in functions.items():
        torch.onnx.register_custom_op_symbolic(name, lambda graph, x, operator=operator: graph.op(operator, x), 9)
    try:
        yield
    finally:
        for name in functions:
            torch.onnx.unregister_custom_op_symbolic(name, 9)
