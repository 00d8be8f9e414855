"""Registry of converters: one for each class of transformers, and one for each class of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import numpy as np
from scipy.sparse import issparse

from .._optional import needs
from ..data import RaggedArray
from ._onnx_graph import INT, Graph, Tensor


@dataclass
class Array:
    """Events as one tensor ``(n, ...)``: a table, images, or a padded set.

    Parameters
    ----------
    tensor : Tensor
        The tensor, double.
    events : object
        Some events in the form in which the pipeline has them here.
    """

    tensor: Tensor
    events: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one event."""
        return dense(self.events).shape[1:]


@dataclass
class Clouds:
    """Events as padded points ``(n, p, d)``, true where there is one ``(n, p)``, and event columns ``(n, k)``.

    Of graphs also their edges, by the names of the inputs of a network.
    """

    points: Tensor
    mask: Tensor
    event: Tensor | None
    events: Any = None
    edges: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Export:
    """A pipeline on its way into a graph.

    Parameters
    ----------
    graph : Graph
        The graph.
    trace : list of (str, Tensor or Clouds, callable)
        Each step, what the graph has for it, and a function that gives what the pipeline has for it.
    ids : int or None
        Number of columns of the event ids, if the graph takes them.
    folds : int or None
        Number of models whose outputs stand side by side, if the program chooses among them.
    jumps : bool
        Whether a step that is written by plain arithmetic may jump.
    axis : str or None
        Axis of the outputs after that of the events: "p" or "e" if points or edges have outputs.
    """

    graph: Graph
    trace: list[tuple[str, Any, Callable[[], Any]]] = field(default_factory=list)
    ids: int | None = None
    folds: int | None = None
    jumps: bool = False
    axis: str | None = None
    _path: list[str] = field(default_factory=list)
    _event_id: Tensor | None = None
    _done: dict[Any, Any] = field(default_factory=dict)

    @contextmanager
    def inside(self, what: str) -> Iterator[None]:
        """Name the part of the model that is being converted."""
        self._path.append(what)
        try:
            yield
        finally:
            self._path.pop()

    def where(self, part: Any) -> str:
        """Say where a part stands in the model."""
        return f"{type(part).__name__}{''.join(f', {what}' for what in self._path)}"

    def refuse(self, part: Any, reason: str) -> ValueError:
        """Make the error for a part that cannot be exported."""
        return ValueError(f"{self.where(part)}, cannot be exported to ONNX: {reason}")

    def once(self, part: Any, value: Array | Clouds, make: Callable[[], Any]) -> Any:
        """Convert a part once for each of the events that it gets, whatever is asked of it."""
        key = id(part), id(value)
        if key not in self._done:
            self._done[key] = make(), (part, value)  # held, so that no other object has their numbers
        return self._done[key][0]

    def event_id(self, columns: int) -> Tensor:
        """Take event ids as a further input: int64, ``(n,)`` or ``(n, columns)``."""
        if self._event_id is None:
            shape: list[int | str] = ["n"] if columns == 1 else ["n", columns]
            self._event_id, self.ids = self.graph.input("event_id", INT, shape), columns
        return self._event_id


def dense(events: Any) -> np.ndarray:
    """Return events as a plain array."""
    return events.toarray() if issparse(events) else np.asarray(events)


def padded(values: np.ndarray, counts: np.ndarray, fill: Any) -> np.ndarray:
    """Bring the rows of all events, one after the other, to ``(n, longest, ...)``."""
    there = np.arange(counts.max(initial=0)) < counts[:, np.newaxis]
    array = np.full((*there.shape, *values.shape[1:]), fill, values.dtype)
    array[there] = values
    return array


def plain(answer: Any) -> np.ndarray:
    """Return an answer as an array; one for every point or edge is padded with NaN."""
    if isinstance(answer, RaggedArray):
        return padded(answer.values.astype(float), answer.counts, np.nan)
    return dense(answer)


def tensor_of(value: Array | Clouds | Tensor) -> Tensor:
    """Return the tensor by which a value is compared with what the pipeline has for it."""
    return value.tensor if isinstance(value, Array) else value.points if isinstance(value, Clouds) else value


def new_session(model: Any) -> Any:
    """Load a model into onnxruntime, on one thread, as experiments do."""
    runtime = needs("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it cannot do is an exception as well
    return runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@singledispatch
def transform(step: Any, value: Array | Clouds, export: Export) -> Tensor | Clouds:
    """Convert a transformer: what it makes of ``value``, as a tensor or as points."""
    raise export.refuse(step, "there is no converter for this class")


@singledispatch
def respond(model: Any, value: Array | Clouds, export: Export, method: str) -> Tensor:
    """Convert a model: what it answers to ``value``.

    ``predict_proba`` gives ``(n, n_classes)``, ``decision_function`` what the model gives, and ``predict`` a
    regressor's numbers or the positions of a classifier's predictions in ``classes_``.
    """
    raise export.refuse(model, "there is no converter for this class")


def apply(step: Any, value: Array | Clouds, export: Export) -> Array | Clouds:
    """Convert a transformer, once for each of the events that it gets, and carry some of them along."""
    result: Array | Clouds = export.once(step, value, lambda: _applied(step, value, export))
    return result


def _applied(step: Any, value: Array | Clouds, export: Export) -> Array | Clouds:
    made = transform(step, value, export)
    events = step.transform(value.events)
    result = Array(made, events) if isinstance(made, Tensor) else Clouds(made.points, made.mask, made.event, events)
    export.trace.append((export.where(step), result, lambda: events))
    return result


def ask(model: Any, value: Array | Clouds, export: Export, method: str) -> Tensor:
    """Convert a model that is a part of another one."""
    answer = respond(model, value, export, method)
    if method != "predict" or not hasattr(model, "classes_"):
        events = value.events
        export.trace.append((export.where(model), answer, lambda: getattr(model, method)(events)))
    return answer


def ask_each(models: Iterable[tuple[str, Any]], value: Array | Clouds, export: Export, method: str) -> list[Tensor]:
    """Convert models, given with their names in the messages, that answer to the same events."""
    answers = []
    for name, model in models:
        with export.inside(name):
            answers.append(ask(model, value, export, method))
    return answers
