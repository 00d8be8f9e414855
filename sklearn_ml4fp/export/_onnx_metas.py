"""Converters of models around models: calibration, votes, transformed targets, averages over a symmetry."""

from __future__ import annotations

from itertools import compress
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor

from ..augmentation import AugmentedPrediction, Compose, Reflect
from ..data import PointClouds
from ._onnx_convert import Array, Clouds, Export, ask, ask_each, dense, respond
from ._onnx_graph import DOUBLE, Tensor, concat, interpolate, stack, wrap_phi
from ._onnx_sklearn import invert


def mean(answers: list[Tensor], weights: Any = None) -> Tensor:
    """Average answers, by their weights if there are any."""
    shares = np.ones(len(answers)) if weights is None else np.asarray(weights, dtype=float)
    shares = shares / shares.sum()
    total = answers[0] * shares[0]
    for answer, share in zip(answers[1:], shares[1:], strict=True):
        total = total + answer * share
    return total


def _votes(model: Any, value: Any, export: Export, method: str) -> tuple[list[Tensor], Any]:
    """Answers of the members that vote, and their weights."""
    kept = [one != "drop" for _, one in model.estimators]
    names = [f"member {name!r}" for name, _ in compress(model.estimators, kept)]
    weights = None if model.weights is None else list(compress(model.weights, kept))
    return ask_each(zip(names, model.estimators_, strict=True), value, export, method), weights


@respond.register
def _(model: VotingRegressor, value: Array | Clouds, export: Export, method: str) -> Tensor:
    return mean(*_votes(model, value, export, method))


@respond.register
def _(model: VotingClassifier, value: Array | Clouds, export: Export, method: str) -> Tensor:
    if model.voting == "soft":
        average = mean(*_votes(model, value, export, "predict_proba"))
        return average.argmax(1) if method == "predict" else average
    if method != "predict":
        raise export.refuse(model, f"with voting='hard' it has no {method}")
    labels, weights = _votes(model, value, export, "predict")
    classes = np.arange(len(model.classes_))
    votes = [label.expand_dims(1).equals(classes).astype(DOUBLE) for label in labels]
    return mean(votes, weights).argmax(1)


# --- calibration ---


@respond.register
def _(model: CalibratedClassifierCV, value: Array | Clouds, export: Export, method: str) -> Tensor:
    if method == "decision_function":
        raise export.refuse(model, "it has no decision_function")
    parts = []
    for i, one in enumerate(model.calibrated_classifiers_):
        with export.inside(f"calibrated classifier {i}"):
            parts.append(_calibrated(one, value, export))
    average = mean(parts)
    return average.argmax(1) if method == "predict" else average


def _calibrated(one: Any, value: Array | Clouds, export: Export) -> Tensor:
    """Probabilities of a classifier with its calibrators, as scikit-learn's _CalibratedClassifier has them."""
    method = "decision_function" if hasattr(one.estimator, "decision_function") else "predict_proba"
    scores, two = ask(one.estimator, value, export, method), len(one.classes) == 2
    if hasattr(one.calibrators[0], "beta_"):
        return _tempered(scores, float(one.calibrators[0].beta_), method, two)
    if two:
        score = scores if method == "decision_function" else scores.take(1)
        return _pair(_line(one.calibrators[0], score, export))
    places = np.searchsorted(one.classes, one.estimator.classes_)
    columns = [scores.take([0]) * 0.0] * len(one.classes)
    for column, (place, calibrator) in enumerate(zip(places, one.calibrators, strict=True)):
        columns[place] = _line(calibrator, scores.take([column]), export)
    both = concat(columns, 1)
    total = both.sum(1, keepdims=True)
    some = total > 0.0
    return some.where(both / some.where(total, 1.0), 1.0 / len(columns))


def _pair(probability: Tensor) -> Tensor:
    """Probabilities of both classes."""
    return stack([1.0 - probability, probability], 1)


def _line(calibrator: Any, score: Tensor, export: Export) -> Tensor:
    """Calibrate the scores of one class."""
    if hasattr(calibrator, "a_"):
        return 1.0 / ((score * calibrator.a_ + calibrator.b_).exp() + 1.0)
    if hasattr(calibrator, "X_thresholds_"):
        export.jumps = True  # where an isotonic regression goes up at one score
        return interpolate(score, calibrator.X_thresholds_, calibrator.y_thresholds_)
    raise export.refuse(calibrator, "expected a sigmoid, an isotonic regression or a temperature")


def _tempered(scores: Tensor, beta: float, method: str, two: bool) -> Tensor:
    if method == "predict_proba":
        logits = (scores + 1e-12).log()
    elif two:
        logits = stack([-scores, scores], 1)
    else:
        logits = scores
    return logits.graph.op("Softmax", logits * beta, axis=1)


# --- transformed targets ---


@respond.register
def _(model: TransformedTargetRegressor, value: Array | Clouds, export: Export, method: str) -> Tensor:
    with export.inside("regressor"):
        answer = ask(model.regressor_, value, export, method)
    if np.ndim(model.regressor_.predict(value.events)) == 1:
        answer = answer.expand_dims(1)
    with export.inside("transformer of the target"):
        target = invert(model.transformer_, answer, export)
    return target.take(0) if np.ndim(model.predict(value.events)) == 1 else target


# --- symmetries ---


@respond.register
def _(model: AugmentedPrediction, value: Array | Clouds, export: Export, method: str) -> Tensor:
    classes = is_classifier(model)
    asked = "predict_proba" if classes else method
    mirrors = _mirrors(model.augmenter_, export)
    changed: Any = value
    for mirror in mirrors:
        changed = _mirrored(mirror, changed, export)
    with export.inside("estimator"):
        answers = [ask(model.estimator_, events, export, asked) for events in (value, changed)]
    if any(mirror.target_columns for mirror in mirrors) and not classes:
        signs = np.ones(np.shape(model.predict(value.events))[1:] or 1)
        for mirror in mirrors:
            signs[list(mirror.target_columns or ())] *= -1.0
        answers[1] = answers[1] * signs
    average = mean(answers, [1, model.n_copies])
    return average.argmax(1) if classes and method == "predict" else average


def _mirrors(augmenter: Any, export: Export) -> list[Reflect]:
    """Parts of an augmenter that mirrors every event; others are refused."""
    if isinstance(augmenter, Compose):
        return [mirror for one in augmenter.augmenters for mirror in _mirrors(one, export)]
    if type(augmenter) is not Reflect or augmenter.probability not in (0.0, 1.0):
        raise export.refuse(
            augmenter,
            "it draws its changes at random, by a hash that a graph does not have; an average over "
            "Reflect(probability=1.0) and n_copies=1 can be exported, or train with the augmenter in augment=",
        )
    if augmenter.target_phi:
        raise export.refuse(augmenter, "targets that are azimuths are averaged on the circle; leave target_phi out")
    return [augmenter] if augmenter.probability else []


def _mirrored(mirror: Reflect, value: Any, export: Export) -> Any:
    events = mirror.augment(value.events)
    if isinstance(value, Clouds):
        ones = PointClouds(
            np.ones((1, len(events.feature_names))),
            [0, 1],
            events.feature_names,
            event_values=np.ones((1, len(events.event_names))),
            event_names=events.event_names,
        )
        probe = mirror.augment(ones)
        points = value.mask.expand_dims(2).where(_signs(value.points, probe.values[0]), 0.0)
        event = None if value.event is None else _signs(value.event, probe.event_values[0])
        return Clouds(points, value.mask, event, events)
    if len(value.shape) == 1:
        probe = mirror.augment(_ones_like(value.events))
        return Array(_signs(value.tensor, dense(probe)[0]), events)
    axis = int(mirror.axis)
    return Array(value.tensor.take(np.arange(value.shape[axis])[::-1], axis), events)


def _ones_like(events: Any) -> Any:
    """A table of one event, of ones."""
    return events.iloc[:1].isna() * 0.0 + 1.0 if hasattr(events, "iloc") else np.ones((1, np.shape(events)[1]))


def _signs(x: Tensor, probe: np.ndarray) -> Tensor:
    """Mirror the columns that went from 1 to −1; an azimuth in [0, 2π) went to 2π − 1."""
    turned = np.abs(probe) > 1.5
    mirrored = x * np.where(turned | (probe < 0), -1.0, 1.0)
    return x.graph.constant(turned, "bool").where(wrap_phi(mirrored, 0.0), mirrored) if turned.any() else mirrored
