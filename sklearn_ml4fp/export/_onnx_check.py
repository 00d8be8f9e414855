"""Check of a graph: onnxruntime's outputs are those of the model, or it is said where they differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn import config_context

from .._compat import safe_indexing
from ..data import Graphs, PointClouds, RaggedArray
from ._onnx_convert import Export, dense, new_session, padded, plain, tensor_of

TOLERANCE = 1e-5  # of probabilities, and of targets in units of their spread
_RARE = 0.01  # share of events that may lie so close to an edge that rounding their columns to float32 moves them
# Operators that jump at an edge: of pixels, azimuths, trees, categories, of an order of points, of nearest neighbours.
# All else is continuous, and agrees without an exception.
_JUMPS = {"Floor", "Round", "TopK", "ArgMax", "TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble"}
_JUMPS |= {"LabelEncoder", "OneHotEncoder"}
_STEP, _DRAWS = 2.0**-22, 6  # a few units in the last place of float32, for what is rounded on the way
_LAST_PLACE = float(np.finfo(np.float32).eps)  # an output is float32
_BLOCK = 1000  # events that are run at a time
_COUNTS: dict[str, Any] = {  # by the axis of outputs: the mask of what is there, and how many of them an event has
    "p": ("mask", lambda events: events.nodes.counts if isinstance(events, Graphs) else events.counts),
    "e": ("edge_mask", lambda events: events.edge_counts),
}
_FEW = 50  # events with which the step that is wrong is looked for


class Runner:
    """A graph in onnxruntime."""

    def __init__(self, model: Any) -> None:
        self.session = new_session(model)
        self.inputs = {one.name: one for one in self.session.get_inputs()}

    def __call__(self, events: Any, ids: np.ndarray | None) -> dict[str, np.ndarray]:
        """Outputs for events of a pipeline, by their names."""
        outputs = self.session.get_outputs()
        names, n = [one.name for one in outputs], _n_events(events)
        entries = next((_COUNTS[one.shape[1]] for one in outputs if one.shape[1:2] in (["p"], ["e"])), None)
        parts = []
        for start in range(0, max(n, 1), _BLOCK):
            rows = slice(start, min(start + _BLOCK, n))
            given = self.feeds(safe_indexing(events, rows) if n else events)
            if "event_id" in self.inputs:
                assert ids is not None
                given["event_id"] = ids[rows]
            found = self.session.run(names, given)
            if entries is not None:  # those that are there, one after the other
                found = [array[given[entries[0]] == 1] for array in found]
            parts.append(found)
        if entries is not None:
            counts = entries[1](events)
            return {
                name: padded(np.concatenate(arrays), counts, np.nan)
                for name, arrays in zip(names, zip(*parts, strict=True), strict=True)
            }
        return {name: np.concatenate(arrays) for name, arrays in zip(names, zip(*parts, strict=True), strict=True)}

    def feeds(self, events: Any) -> dict[str, np.ndarray]:
        """Arrays that the graph takes."""
        if isinstance(events, Graphs):
            counts = events.edge_counts
            given = {
                **self.feeds(events.nodes),
                "edges": padded(events.edges, counts, 0),
                "edge_mask": padded(np.ones(len(events.edges), np.float32), counts, 0.0),
                "edge_values": padded(events.edge_values.astype(np.float32), counts, 0.0),
            }
            return {name: array for name, array in given.items() if name in self.inputs}
        if not isinstance(events, PointClouds):
            array = dense(events).astype(np.float32)
            missing = len(self.inputs["X"].shape) - array.ndim
            return {"X": array.reshape(len(array), *[1] * missing, *array.shape[1:])}
        points, mask = events.to_padded(fill=0.0)
        given = {"points": points, "mask": mask, "event": events.event_values}
        return {name: array.astype(np.float32) for name, array in given.items() if name in self.inputs}


def _n_events(events: Any) -> int:
    return len(events) if not hasattr(events, "shape") else events.shape[0]


def ids_for(n: int, columns: int | None) -> np.ndarray | None:
    """Make event ids for the check: small, large and negative ones."""
    if columns is None:
        return None
    large = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, size=(n, columns))
    ids = np.where(np.arange(n)[:, None] % 2, large, np.arange(n)[:, None])
    return ids[:, 0] if columns == 1 else ids


def answers_of(model: Any, events: Any, ids: np.ndarray | None, names: list[str]) -> dict[str, Any]:
    """What the model itself answers, under the names of the graph's outputs."""
    given = {} if ids is None else {"groups": ids}
    with config_context(enable_metadata_routing=ids is not None):
        if "probabilities" in names:
            return {"probabilities": model.predict_proba(events, **given)}
        if "transformed" in names:
            return {"transformed": dense(model.transform(events))}
        if "std" in names:
            prediction, std = model.predict(events, return_std=True)
            return {"prediction": prediction, "std": std}
        prediction = model.predict(events, **given)
    if isinstance(prediction, RaggedArray):
        return {"prediction": prediction}
    prediction = np.asarray(prediction)
    if hasattr(model, "classes_"):
        prediction = np.searchsorted(model.classes_, prediction)
    return {"prediction": prediction}


def changed(events: Any, step: float = 0.0, rng: Any = None) -> Any:
    """Events as the graph takes them, in single precision, and then changed by up to a share; whole numbers stay."""

    def change(values: np.ndarray) -> np.ndarray:
        values = np.asarray(values).astype(np.float32).astype(float)
        if not step:
            return values
        return np.where(values == np.round(values), values, values * (1.0 + rng.uniform(-step, step, values.shape)))

    if isinstance(events, Graphs):
        nodes, values = changed(events.nodes, step, rng), change(events.edge_values)
        return Graphs(nodes, events.edges, events.edge_offsets, values, events.edge_names)
    if isinstance(events, PointClouds):
        return PointClouds(
            change(events.values),
            events.offsets,
            events.feature_names,
            event_values=change(events.event_values),
            event_names=events.event_names,
        )
    if hasattr(events, "iloc"):
        return events.astype(dict.fromkeys(events.columns, float)).apply(change)
    return events if hasattr(events, "columns") else change(events)


def check(model: Any, make: Callable[[Any], tuple[Any, Export]], graph: Any, events: Any, export: Export) -> None:
    """Compare a graph with its model on all events, on one, on none, and on one without points.

    Parameters
    ----------
    model : estimator
        The model.
    make : callable
        Function that exports the model with the steps' results among the outputs, for some events.
    graph : ModelProto
        The graph.
    events : table, images or PointClouds
        Events.
    export : Export
        What is known of it.

    Raises
    ------
    ValueError
        The outputs differ.
    """
    ids, jumps = export.ids, export.jumps or any(node.op_type in _JUMPS for node in graph.graph.node)
    runner, numbers = Runner(graph), ids_for(_n_events(events), ids)
    names = [one.name for one in graph.graph.output]
    found = runner(events, numbers)
    answers = answers_of(model, events, numbers, names)
    scales = {name: _scale(name, answer) for name, answer in answers.items()}
    expected = {name: plain(answer) for name, answer in answers.items()}
    off = _off(found, expected, scales)
    if off.any():
        _check_rounding(model, make, events, numbers, names, found, off, scales, jumps)
    for what, few in _special(events, int(off.argmin())):  # of an event that no rounding changes
        of_few = ids_for(_n_events(few), ids)
        got = runner(few, of_few)
        if not _n_events(few):
            wrong = [name for name in names if len(got[name]) or got[name].ndim != found[name].ndim]
        else:
            try:
                wanted = {name: plain(answer) for name, answer in answers_of(model, few, of_few, names).items()}
            except ValueError:  # the pipeline refuses it, with its reason
                continue
            wrong = ["outputs"] if _off(got, wanted, scales).any() else []
        if wrong:
            raise ValueError(f"The ONNX graph is wrong for {what}: {wrong[0]} differ. Nothing was written.")


def _special(events: Any, row: int) -> Iterator[tuple[str, Any]]:
    one = safe_indexing(events, slice(row, row + 1))
    yield "one event", one
    yield "no event", safe_indexing(events, slice(0, 0))
    if isinstance(one, PointClouds):
        yield "an event without points", _without_points(one)
    if isinstance(one, Graphs):
        for what, nodes in (("edges", one.nodes), ("points", _without_points(one.nodes))):
            values = np.zeros((0, len(events.edge_names)))
            yield f"an event without {what}", Graphs(nodes, [], [0, 0], values, events.edge_names)


def _without_points(one: PointClouds) -> PointClouds:
    return PointClouds(
        np.zeros((0, one.values.shape[1]), one.values.dtype),
        [0, 0],
        one.feature_names,
        event_values=one.event_values,
        event_names=one.event_names,
    )


def _scale(name: str, expected: Any) -> Any:
    """Unit of the differences: one for probabilities and classes, the spread of each target."""
    if isinstance(expected, RaggedArray):
        expected = expected.values
    if name == "probabilities" or expected.dtype.kind in "iu":
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without a value
        spread = np.nanstd(expected, axis=0) if len(expected) > 1 else np.zeros(expected.shape[1:])
    return np.where(spread > 0, spread, np.maximum(1.0, np.nanmax(np.abs(expected), axis=0, initial=0.0)))


def _off(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], scales: dict[str, Any]) -> np.ndarray:
    """Find the events whose outputs differ; NaN is as NaN."""
    off = np.zeros(len(next(iter(found.values()))), dtype=bool)
    for name, wanted in expected.items():
        if found[name].shape != wanted.shape:
            return np.ones_like(off)
        off |= _differ(found[name], wanted, scales[name]).reshape(len(off), -1).any(axis=1)
    return off


def _differ(found: np.ndarray, wanted: np.ndarray, scale: Any) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        same = np.abs(found - wanted) <= TOLERANCE * scale + np.abs(wanted) * _LAST_PLACE
    return ~(same | (np.isnan(found) & np.isnan(wanted)) | (found == wanted))


def _check_rounding(
    model: Any,
    make: Callable[[Any], tuple[Any, Export]],
    events: Any,
    ids: np.ndarray | None,
    names: list[str],
    found: dict[str, np.ndarray],
    off: np.ndarray,
    scales: dict[str, Any],
    jumps: bool,
) -> None:
    """Tell what the graph gets wrong from what roundings in single precision do to the model itself."""
    rows = np.flatnonzero(off)
    few, of_few = safe_indexing(events, rows), None if ids is None else ids[rows]
    got = {name: array[rows] for name, array in found.items()}
    wrong = rows[~_between(model, few, of_few, names, got, scales)]
    if len(wrong):
        where = _locate(make, safe_indexing(events, wrong[:_FEW]), ids)
        raise ValueError(
            f"The ONNX graph gives other {names[0]} than the model for {len(wrong)} of {len(off)} events, by more than "
            f"{TOLERANCE:g}: {where}. Nothing was written."
        )
    if not jumps or len(rows) > max(1.0, _RARE * len(off)):
        raise ValueError(
            f"Rounding to float32, in which a graph takes its events, changes the {names[0]} of {len(rows)} of "
            f"{len(off)} events by more than {TOLERANCE:g}. Values of a large offset, such as times or ids, cannot be "
            "told apart then: subtract a constant before training, or leave them out. If a program has the rounded "
            "events alone, give them: X.astype('float32').astype('float64'). Nothing was written."
        )
    warnings.warn(
        f"{len(rows)} of {len(off)} events lie so close to an edge (of a tree, a pixel, a step of a calibration) that "
        f"rounding to float32, in which a graph takes its events, changes their {names[0]}.",
        UserWarning,
        stacklevel=5,  # whoever called to_onnx
    )


def _between(
    model: Any,
    events: Any,
    ids: np.ndarray | None,
    names: list[str],
    found: dict[str, np.ndarray],
    scales: dict[str, Any],
) -> np.ndarray:
    """Find the events whose outputs lie among those of the model for events that are changed by rounding."""
    answers = [answers_of(model, events, ids, names)]
    rng = np.random.default_rng(0)
    for step in (0.0, *[_STEP] * _DRAWS):
        try:
            answers.append(answers_of(model, changed(events, step, rng), ids, names))
        except ValueError:  # a category that is none any more
            continue
    between = np.ones(len(next(iter(found.values()))), dtype=bool)
    for name, array in found.items():
        several = np.stack([plain(one[name]) for one in answers])
        if several.shape[1:] != array.shape:
            return np.zeros_like(between)
        with np.errstate(invalid="ignore"):
            slack = TOLERANCE * scales[name] + np.abs(several).max(axis=0) * _LAST_PLACE
            low, high = several.min(axis=0) - slack, several.max(axis=0) + slack
            inside = ((array >= low) & (array <= high)) | (np.isnan(array) & np.isnan(several).any(axis=0))
        between &= inside.reshape(len(between), -1).all(axis=1)
    return between


def _locate(make: Callable[[Any], tuple[Any, Export]], events: Any, ids: Any) -> str:
    """Say which step is the first whose result differs."""
    graph, export = make(changed(events))
    probe = Runner(graph)
    feeds = probe.feeds(events)
    if "event_id" in probe.inputs:
        feeds["event_id"] = ids[: _n_events(events)]  # what is compared does not depend on them
    for where, value, wanted in export.trace:
        got = probe.session.run([tensor_of(value).name], feeds)[0]
        try:
            expected = wanted()
        except ValueError:  # a cross-fitted part that misses the ids; its own parts are looked at
            continue
        if isinstance(expected, PointClouds):
            expected = expected.to_padded(fill=0.0)[0]
        of_entries, expected = isinstance(expected, RaggedArray), plain(expected)
        if of_entries and got.shape == expected.shape:  # padding means nothing
            got = np.where(np.isnan(expected), expected, got)
        if got.shape == expected.shape and _differ(got, expected, _scale("", expected.astype(float))).any():
            return f"the first step that differs is {where}"
    return "no single step differs by so much, so their roundings add up"
