"""Networks as parts of a pipeline's graph."""

from __future__ import annotations

import io
import warnings
from copy import deepcopy

import torch
from torch import nn

from ..engine import split_gaussian
from ..estimators import NetworkEstimator
from ._onnx_convert import Array, Clouds, Export, respond
from ._onnx_graph import DOUBLE, FLOAT, Tensor, at_least_one, cut


@respond.register
def _(model: NetworkEstimator, value: Array | Clouds, export: Export, method: str) -> Tensor:
    outputs = export.once(model, value, lambda: _embedded(model, value, export))
    if method == "predict" and "logits" in outputs:
        return outputs["logits"].argmax(1)
    if method == "predict_proba":
        return outputs["logits"].graph.op("Softmax", outputs["logits"].astype(DOUBLE), axis=1)
    if method == "decision_function":
        logits = outputs["logits"].astype(DOUBLE)
        return logits.take(1) - logits.take(0) if len(model.classes_) == 2 else logits
    unit, answer = model._fitted.target.unit, outputs[method].astype(DOUBLE) * model._fitted.target.unit["scale"]
    answer = answer + unit["mean"] if method == "predict" else answer
    return answer.take(0) if model._fitted.target._is_column else answer


class _Read(nn.Module):
    """A module, and what its loss reads from its outputs."""

    def __init__(self, model: NetworkEstimator) -> None:
        super().__init__()
        self.module = deepcopy(model.net_.module_).cpu().eval()
        self.loss = deepcopy(model.net_.criterion_).cpu()
        self.has_width = getattr(self.loss, "name", None) == "gaussian_nll"
        self.names = ("logits",) if hasattr(model, "classes_") else ("predict", "std")[: 1 + self.has_width]

    def forward(self, X: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Map events to what the loss reads, in standardised units."""
        outputs = self.module(X)
        read = self.loss.read(outputs)
        return (read, (split_gaussian(outputs)[1] / 2).exp()) if self.has_width else (read,)


def _embedded(model: NetworkEstimator, value: Array | Clouds, export: Export) -> dict[str, Tensor]:
    if model._has_entries:
        raise export.refuse(model, 'it has an output for every point or edge; a graph has those of output="event"')
    if len(model.members_) > 1:
        raise export.refuse(model, "it has several members; export a VotingClassifier or VotingRegressor of networks")
    shape = model._fitted.input.shape or ()
    if not isinstance(value, Array) or model._fitted.input.columns is not None:
        raise export.refuse(model, "networks of tables and of images can be, and it takes points")
    whole, file = _Read(model), io.BytesIO()
    try:
        with warnings.catch_warnings():
            # By tracing: torch's newer exporter writes opset 18 at the lowest, and takes seconds for a small network.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                whole,
                (torch.zeros(2, *shape),),
                file,  # type: ignore[arg-type]
                dynamo=False,
                opset_version=export.graph.opset,
                input_names=["X"],
                output_names=list(whole.names),
                dynamic_axes={name: {0: "n"} for name in ("X", *whole.names)},
            )
    except Exception as error:  # each operation that ONNX has not fails in its own way
        raise export.refuse(model, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    x = value.tensor.astype(FLOAT).reshape(value.tensor.length(0), *shape)
    network = export.graph.onnx.load_model_from_string(file.getvalue())
    outputs = export.graph.embed(network, {"X": at_least_one(x, shape)})
    return {name: cut(one, x) for name, one in outputs.items()}
