"""An ONNX graph while it is made: formulas are arithmetic on its tensors.

Numbers are double inside, as in the pipelines, so that a value next to an edge, of a pixel or of a tree, falls on the
same side. What has no double kernel in onnxruntime's processor code is written by functions that have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._optional import needs

DOUBLE, FLOAT, INT, BITS, BOOL = "float64", "float32", "int64", "uint64", "bool"
ML_OPSET = 3  # of the trees and encoders that skl2onnx writes; onnxruntime has them since 1.10


class Graph:
    """Nodes and constants of a graph.

    Parameters
    ----------
    opset : int
        Version of ONNX's operators.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.onnx = needs("onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.functions: list[Any] = []
        self.inputs: list[Any] = []
        self.domains = {"": opset}
        self._n = 0
        self._known: dict[Any, Tensor] = {}

    def new_name(self, stem: str) -> str:
        """Make a name that no other tensor or node has."""
        self._n += 1
        return f"{stem}_{self._n}"

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> Tensor:
        """Declare an input; strings are the names of dynamic axes."""
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, self._type(dtype), list(shape)))
        return Tensor(self, name, dtype)

    def constant(self, values: Any, dtype: str = DOUBLE) -> Tensor:
        """Make a constant; equal ones are one tensor."""
        array = np.asarray(values).astype(dtype)
        key = (array.tobytes(), array.shape, dtype)
        if key not in self._known:
            name = self.new_name("constant")
            self.constants.append(self.onnx.numpy_helper.from_array(array, name))
            self._known[key] = Tensor(self, name, dtype)
        return self._known[key]

    def op(self, kind: str, *inputs: Tensor, dtype: str | None = None, domain: str = "", **attributes: Any) -> Tensor:
        """Add a node with one output, by default of the type of its first input."""
        return self.ops(kind, [dtype or inputs[0].dtype], *inputs, domain=domain, **attributes)[0]

    def ops(
        self, kind: str, dtypes: Sequence[str], *inputs: Tensor, domain: str = "", **attributes: Any
    ) -> list[Tensor]:
        """Add a node with several outputs."""
        outputs = [Tensor(self, self.new_name(kind.lower()), dtype) for dtype in dtypes]
        names = [one.name for one in inputs], [one.name for one in outputs]
        self.nodes.append(
            self.onnx.helper.make_node(kind, *names, name=self.new_name("node"), domain=domain, **attributes)
        )
        if domain:
            self.domains[domain] = max(ML_OPSET, self.domains.get(domain, 0))
        return outputs

    def embed(self, model: Any, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """Add a whole model, whose inputs are ``given``; return its outputs by their names."""
        prefix = f"{self.new_name('part')}_"
        inner = self.onnx.compose.add_prefix(model, prefix=prefix)
        for name, tensor in given.items():
            self.nodes.append(self.onnx.helper.make_node("Identity", [tensor.name], [prefix + name]))
        self.nodes += inner.graph.node
        self.constants += inner.graph.initializer
        self.functions += inner.functions
        for one in inner.opset_import:
            if one.domain:
                self.domains[one.domain] = max(one.version, self.domains.get(one.domain, 0))
        types = self.onnx.helper.tensor_dtype_to_np_dtype
        return {
            one.name.removeprefix(prefix): Tensor(self, one.name, str(types(one.type.tensor_type.elem_type)))
            for one in inner.graph.output
        }

    def model(self, outputs: dict[str, tuple[Tensor, Sequence[int | str]]], watched: Sequence[Tensor] = ()) -> Any:
        """Make the model with named outputs and their shapes, and what it needs of all nodes.

        Tensors that are ``watched`` are outputs, too, under their own names.
        """
        helper = self.onnx.helper
        last = [helper.make_node("Identity", [tensor.name], [name]) for name, (tensor, _) in outputs.items()]
        infos = [
            helper.make_tensor_value_info(name, self._type(tensor.dtype), list(shape))
            for name, (tensor, shape) in outputs.items()
        ]
        known = {one.name for one in self.inputs}
        more = {tensor.name: tensor for tensor in watched if tensor.name not in known}
        infos += [helper.make_tensor_value_info(name, self._type(one.dtype), None) for name, one in more.items()]
        nodes, constants = self._needed([*self.nodes, *last], {one.name for one in infos})
        graph = helper.make_graph(nodes, "pipeline", self.inputs, infos, constants)
        versions = [helper.make_opsetid(domain, version) for domain, version in self.domains.items()]
        return helper.make_model(
            graph,
            opset_imports=versions,
            functions=self.functions,
            producer_name="sklearn_ml4fp",
            ir_version=helper.find_min_ir_version_for(versions, ignore_unknown=True),
        )

    def _needed(self, nodes: list[Any], names: set[str]) -> tuple[list[Any], list[Any]]:
        """Nodes and constants on which the tensors of these names depend; nodes stand behind those they need."""
        kept = []
        for node in reversed(nodes):
            if names & set(node.output):
                kept.append(node)
                names |= _inputs_of(node)
        return kept[::-1], [one for one in self.constants if one.name in names]

    def _type(self, dtype: str) -> int:
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def _inputs_of(node: Any) -> set[str]:
    """Names of what a node takes, the graphs inside of it included."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            for inner in graph.node:
                names |= _inputs_of(inner)
            names |= {one.name for one in graph.output}
    return names


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of a graph, with numpy's arithmetic; numbers on the other side become constants of its type."""

    graph: Graph
    name: str
    dtype: str

    def _with(self, kind: str, other: Any, *, dtype: str | None = None, swapped: bool = False) -> Tensor:
        other = other if isinstance(other, Tensor) else self.graph.constant(other, self.dtype)
        return self.graph.op(kind, *((other, self) if swapped else (self, other)), dtype=dtype)

    def __add__(self, other: Any) -> Tensor:
        return self._with("Add", other)

    def __radd__(self, other: Any) -> Tensor:
        return self._with("Add", other, swapped=True)

    def __sub__(self, other: Any) -> Tensor:
        return self._with("Sub", other)

    def __rsub__(self, other: Any) -> Tensor:
        return self._with("Sub", other, swapped=True)

    def __mul__(self, other: Any) -> Tensor:
        return self._with("Mul", other)

    def __rmul__(self, other: Any) -> Tensor:
        return self._with("Mul", other, swapped=True)

    def __truediv__(self, other: Any) -> Tensor:
        return self._with("Div", other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return self._with("Div", other, swapped=True)

    def __matmul__(self, other: Any) -> Tensor:
        return self._with("MatMul", other)

    def __neg__(self) -> Tensor:
        return self.graph.op("Neg", self)

    def __lt__(self, other: Any) -> Tensor:
        return self._with("Less", other, dtype=BOOL)

    def __le__(self, other: Any) -> Tensor:
        return self._with("LessOrEqual", other, dtype=BOOL)

    def __gt__(self, other: Any) -> Tensor:
        return self._with("Greater", other, dtype=BOOL)

    def __ge__(self, other: Any) -> Tensor:
        return self._with("GreaterOrEqual", other, dtype=BOOL)

    def __and__(self, other: Tensor) -> Tensor:
        return self._with("And", other)

    def __or__(self, other: Tensor) -> Tensor:
        return self._with("Or", other)

    def __xor__(self, other: Tensor) -> Tensor:
        return self._with("Xor", other)

    def __invert__(self) -> Tensor:
        return self.graph.op("Not", self)

    def equals(self, other: Any) -> Tensor:
        """Compare elements."""
        return self._with("Equal", other, dtype=BOOL)

    def astype(self, dtype: str) -> Tensor:
        """Convert to another type."""
        if dtype == self.dtype:
            return self
        return self.graph.op("Cast", self, dtype=dtype, to=self.graph._type(dtype))

    def isnan(self) -> Tensor:
        """Find what is missing."""
        return self.graph.op("IsNaN", self, dtype=BOOL)

    def where(self, yes: Any, no: Any) -> Tensor:
        """Choose by this tensor of true and false; one of the two at least is a tensor."""
        dtype = (yes if isinstance(yes, Tensor) else no).dtype
        chosen = [one if isinstance(one, Tensor) else self.graph.constant(one, dtype) for one in (yes, no)]
        return self.graph.op("Where", self, *chosen, dtype=dtype)

    def log(self) -> Tensor:
        """Natural logarithm."""
        return self.graph.op("Log", self)

    def exp(self) -> Tensor:
        """Exponential function."""
        return self.graph.op("Exp", self)

    def sqrt(self) -> Tensor:
        """Square root."""
        return self.graph.op("Sqrt", self)

    def abs(self) -> Tensor:
        """Size without sign."""
        return self.graph.op("Abs", self)

    def sign(self) -> Tensor:
        """Sign: −1, 0 or 1."""
        return self.graph.op("Sign", self)

    def floor(self) -> Tensor:
        """Next whole number below."""
        return self.graph.op("Floor", self)

    def sin(self) -> Tensor:
        """Sine."""
        return self.graph.op("Sin", self)

    def cos(self) -> Tensor:
        """Cosine."""
        return (self + np.pi / 2).sin()  # older runtimes have no double cosine

    def sinh(self) -> Tensor:
        """Hyperbolic sine."""
        return (self.exp() - (-self).exp()) * 0.5

    def cosh(self) -> Tensor:
        """Hyperbolic cosine."""
        return (self.exp() + (-self).exp()) * 0.5

    def tanh(self) -> Tensor:
        """Hyperbolic tangent."""
        return self.graph.op("Tanh", self)

    def arcsinh(self) -> Tensor:
        """Inverse of the hyperbolic sine."""
        size = self.abs()
        return self.sign() * (size + (size * size + 1.0).sqrt()).log()

    def hypot(self, other: Tensor) -> Tensor:
        """Length of a vector of two components."""
        return (self * self + other * other).sqrt()

    def arctan2(self, x: Tensor) -> Tensor:
        """Angle of the vector (x, y), where this is y: in single precision, then corrected to double."""
        length = self.hypot(x)
        length = (length > 0.0).where(length, 1.0)
        sin, cos = self / length, x / length
        # half of the angle, whose tangent has no poles but at ±π
        behind = cos < 0.0
        half = behind.where(behind.where(1.0 - cos, 1.0) / sin, sin / behind.where(1.0, 1.0 + cos))
        straight = behind & sin.equals(0.0)
        half = straight.where(0.0, half)
        angle = self.graph.op("Atan", half.astype(FLOAT)).astype(DOUBLE) * 2.0
        angle = straight.where(np.pi, angle)
        return angle + (sin * angle.cos() - cos * angle.sin())

    def sum(self, axis: int, *, keepdims: bool = False) -> Tensor:
        """Sum along an axis."""
        return self.graph.op("ReduceSum", self, self.graph.constant([axis], INT), keepdims=int(keepdims))

    def argmax(self, axis: int) -> Tensor:
        """Position of the largest element, the first of several."""
        return self.graph.op("ArgMax", self, dtype=INT, axis=axis, keepdims=0)

    def take(self, positions: Any, axis: int = 1) -> Tensor:
        """Take elements along an axis, at the same positions everywhere; one number drops the axis."""
        positions = positions if isinstance(positions, Tensor) else self.graph.constant(positions, INT)
        return self.graph.op("Gather", self, positions, axis=axis)

    def take_along(self, positions: Tensor, axis: int) -> Tensor:
        """Take elements along an axis, at positions of their own."""
        return self.graph.op("GatherElements", self, positions, axis=axis)

    def expand_dims(self, *axes: int) -> Tensor:
        """Add axes of length one."""
        return self.graph.op("Unsqueeze", self, self.graph.constant(axes, INT))

    def shape(self) -> Tensor:
        """Lengths of the axes."""
        return self.graph.op("Shape", self, dtype=INT)

    def reshape(self, *shape: int | Tensor) -> Tensor:
        """Change the lengths of the axes; of none of them is asked that it be inferred where it may be zero."""
        parts = [one if isinstance(one, Tensor) else self.graph.constant([one], INT) for one in shape]
        return self.graph.op("Reshape", self, concat(parts, 0), allowzero=int(-1 not in shape))

    def length(self, axis: int) -> Tensor:
        """Length of one axis, as a tensor of one element."""
        return self.shape().take([axis], 0)

    def fill(self, value: Any, shape: Sequence[int | Tensor], dtype: str | None = None) -> Tensor:
        """Make a tensor of one value, of this type."""
        parts = [one if isinstance(one, Tensor) else self.graph.constant([one], INT) for one in shape]
        return self.graph.op("Expand", self.graph.constant(value, dtype or self.dtype), concat(parts, 0))

    def range_like(self, axis: int) -> Tensor:
        """Make the positions along an axis, 0, 1, 2, …, int64."""
        end = self.shape().take(axis, 0)
        return self.graph.op("Range", self.graph.constant(0, INT), end, self.graph.constant(1, INT))


def at_least_one(x: Tensor, width: Sequence[int | Tensor]) -> Tensor:
    """Add an event of zeros to none, for parts that cannot take no events; `cut` leaves it out again."""
    one_more = x.length(0).equals(0).astype(INT)
    return concat([x, x.fill(0.0, [one_more, *width])], 0)


def cut(answer: Tensor, x: Tensor) -> Tensor:
    """Leave out the answer for an event that `at_least_one` has added to ``x``."""
    graph = x.graph
    return graph.op("Slice", answer, graph.constant([0], INT), x.length(0), graph.constant([0], INT))


def concat(tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Join tensors along an axis."""
    return tensors[0] if len(tensors) == 1 else tensors[0].graph.op("Concat", *tensors, axis=axis)


def stack(tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Join tensors along a new axis."""
    return concat([one.expand_dims(axis) for one in tensors], axis)


def wrap_phi(phi: Tensor, begin: float = -np.pi) -> Tensor:
    """Bring angles to [begin, begin + 2π)."""
    turn = phi.graph.constant(2 * np.pi)
    rest = phi.graph.op("Mod", phi - begin, turn, fmod=1)  # of the sign of its first argument, and else as numpy's
    return (rest < 0.0).where(rest + turn, rest) + begin


def count_up_to(at: Tensor, sorted_values: np.ndarray) -> Tensor:
    """Count the sorted values that are not above each element, by halving."""
    n = len(sorted_values)
    steps = int(n).bit_length()
    padded = np.full(2**steps, np.inf)
    padded[:n] = sorted_values
    table = at.graph.constant(padded)
    # a row of a number of values below: the value before which it lies is at that place
    found = (at * 0.0).isnan().where(0.0, at * 0.0).astype(INT)
    for step in (2**power for power in reversed(range(steps))):
        last = table.take(found + (step - 1), 0)
        found = found + (last <= at).astype(INT) * step
    return found


def interpolate(at: Tensor, x: np.ndarray, y: np.ndarray) -> Tensor:
    """Interpolate linearly between the points (x, y), which are sorted; the ends are kept beyond them."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(x) == 1:
        return at * 0.0 + y[0]
    at = (at < x[0]).where(x[0], at)
    at = (at > x[-1]).where(x[-1], at)
    slope = np.append(np.diff(y) / np.where(np.diff(x) > 0, np.diff(x), 1.0), 0.0)
    place = count_up_to(at, x) - 1
    place = (place < 0).where(0, place)  # of NaN, which stays
    base, height, rise = (at.graph.constant(values).take(place, 0) for values in (x, y, slope))
    return height + rise * (at - base)
