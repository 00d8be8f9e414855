"""Converter of the cross-fitted models: the hash of event ids in integers of ONNX, and the choice of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if

from .._events import check_ids
from ..model_selection import CrossFitClassifier, CrossFitRegressor
from ._onnx_convert import Array, Clouds, Export, ask_each, plain, respond
from ._onnx_graph import BITS, BOOL, DOUBLE, INT, Tensor, stack
from ._onnx_metas import mean

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # of SplitMix64


def _signed(number: int) -> int:
    """The int64 of the same 64 bits, in which sums and products come out the same."""
    return int(np.uint64(number % 2**64).astype(np.int64))


def _right(x: Tensor, n: int) -> Tensor:
    """Shift to the right, with zeros coming in."""
    graph = x.graph
    return graph.op("BitShift", x.astype(BITS), graph.constant(n, BITS), direction="RIGHT").astype(INT)


def _xor(a: Tensor, b: Tensor) -> Tensor:
    """Exclusive or, bit by bit: a node for it came with opset 18."""
    graph = a.graph
    places = np.arange(64, dtype=np.uint64)

    def bits(x: Tensor) -> Tensor:
        spread = graph.op("BitShift", x.astype(BITS).expand_dims(-1), graph.constant(places, BITS), direction="RIGHT")
        return graph.op("Mod", spread, graph.constant(2, BITS)).astype(BOOL)

    # Lower and upper half are sums below 2^32 each, which are exact in double; onnxruntime adds int64 in double, too.
    powers = np.zeros((64, 2))
    powers[:32, 0] = powers[32:, 1] = 2.0 ** np.arange(32)
    halves = ((bits(a) ^ bits(b)).astype(DOUBLE) @ powers).astype(INT)
    return halves.take(0, -1) + halves.take(1, -1) * 2**32


def _mix(x: Tensor) -> Tensor:
    """Step of SplitMix64, as `_events` has it."""
    x = x + _signed(_GOLDEN)
    x = _xor(x, _right(x, 30)) * _signed(_FIRST)
    x = _xor(x, _right(x, 27)) * _signed(_SECOND)
    return _xor(x, _right(x, 31))


def fold_of(event_id: Tensor, columns: int, salt: int, n_folds: int) -> Tensor:
    """Compute the fold of events by their ids."""
    of_columns = [event_id] if columns == 1 else [event_id.take(i) for i in range(columns)]
    codes = _mix(of_columns[0])
    for column in of_columns[1:]:
        codes = _mix(_xor(codes, column))
    key = _signed(int(check_ids(np.array([salt], dtype=np.uint64))[0]))
    hashed = _mix(_xor(codes, event_id.graph.constant(key, INT)))
    return _right(_right(hashed, 32) * n_folds, 32)


def needs_ids(model: Any) -> bool:
    """Whether a cross-fitted model chooses by event ids."""
    return isinstance(model, CrossFitClassifier | CrossFitRegressor) and model._by_event


def _computable(model: Any) -> bool:
    """Whether a graph can compute the fold of an event."""
    return hasattr(model.cv_, "_salt_of_folds") and set(model._id_kinds) == {"integers"}


class EachFold(BaseEstimator):
    """All models of a cross-fitted one, side by side: an event is for that of its fold, which the program knows."""

    def __init__(self, model: Any) -> None:
        self.model, self.estimators_ = model, model.estimators_
        if is_classifier(model):
            self.classes_ = model.classes_

    def fit(self, X: Any, y: Any) -> EachFold:
        """Do nothing: the models are fitted; a Pipeline asks for the method."""
        return self

    @available_if(lambda self: hasattr(self, "classes_"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities ``(n, n_folds, n_classes)``."""
        return np.stack([one.predict_proba(X) for one in self.estimators_], axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """Predictions ``(n, n_folds, ...)`` of a regression."""
        return np.stack([one.predict(X) for one in self.estimators_], axis=1)


def each_fold(model: Any) -> Any:
    """Return the model, or what gives all its folds if it is cross-fitted by ids of which a graph computes no fold."""
    if isinstance(model, Pipeline):
        *first, (name, last) = model.steps
        return Pipeline([*first, (name, each_fold(last))])
    return EachFold(model) if needs_ids(model) and not _computable(model) else model


def _folds(model: Any) -> list[tuple[str, Any]]:
    return [(f"fold {i}", one) for i, one in enumerate(model.estimators_)]


@respond.register
def _(model: EachFold, value: Array | Clouds, export: Export, method: str) -> Tensor:
    answers = ask_each(_folds(model), value, export, method)
    if export.axis is not None:
        raise export.refuse(model.model, "ids that are text, and an output for every point or edge, have no form in it")
    export.folds = len(answers)
    return stack(answers, 1)


def _respond(model: Any, value: Array | Clouds, export: Export, method: str) -> Tensor:
    asked = "predict_proba" if method == "predict" and is_classifier(model) else method
    answers = ask_each(_folds(model), value, export, asked)
    if not needs_ids(model):
        return _best(mean(answers), asked, method)
    if not _computable(model):
        raise export.refuse(
            model,
            "the graph computes the folds of EventKFold and RotatingKFold from integer ids, and here they are those of "
            f"{type(model.cv_).__name__} with ids of {', '.join(model._id_kinds)}. Export the models of the folds, "
            "model.estimators_[i], each to a file of its own, and take for an event that of the fold "
            "model.cv_.assign(ids)",
        )
    fold = fold_of(
        export.event_id(len(model._id_kinds)), len(model._id_kinds), model.cv_._salt_of_folds, model.n_folds_
    )
    axes = plain(getattr(model.estimators_[0], asked)(value.events)).ndim - 1
    chosen = answers[0]
    for i, answer in enumerate(answers[1:], start=1):
        here = fold.equals(i)
        chosen = (here.expand_dims(*range(1, 1 + axes)) if axes else here).where(answer, chosen)
    return _best(chosen, asked, method)


def _best(answer: Tensor, asked: str, method: str) -> Tensor:
    return answer.argmax(1) if asked != method else answer


respond.register(CrossFitClassifier, _respond)
respond.register(CrossFitRegressor, _respond)
