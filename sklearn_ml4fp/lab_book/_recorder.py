"""Recorder of fits: what a fit inside of another one belongs to, in this process and in workers."""

from __future__ import annotations

import inspect
import json
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from .._compat import BaseSearchCV
from .._errors import first_line
from .._recording import recorders
from ..estimators import NetworkEstimator
from ._compositions import begin_listening, end_listening
from ._data import in_words
from ._facts import candidate_text, concerns_us, facts_of
from ._outcome import (
    device_of,
    draw_losses,
    epochs_of,
    keep_model,
    now,
    scores_of,
    write_history,
)
from ._process import process_tags
from ._runs import Candidate, Run, Spec, Task
from ._store import store_of

_INTERVAL = 10.0  # seconds between two writings of a training that runs


_inside: ContextVar[list[Any] | None] = ContextVar("_inside", default=None)  # run or task, and who is fitted in it


class Carried:
    """Function that a worker calls, which takes the lab book with it."""

    def __init__(self, function: Callable[..., Any], spec: Spec, task: Task) -> None:
        self.function, self.spec, self.task = function, spec, task

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with listening(self.spec) as recorder, recorder.doing(self.task):
            result = self.function(*args, **kwargs)
            if self.task.scored and isinstance(result, dict) and self.task.runs:
                self.task.runs[-1].scores |= _numbers("test_score", result.get("test_scores"))
                self.task.runs[-1].scores |= _numbers("train_score", result.get("train_scores"))
        return result


def _numbers(name: str, scores: Any) -> dict[str, float]:
    if isinstance(scores, dict):
        return {f"{name}_{metric}": float(value) for metric, value in scores.items()}
    return {} if scores is None else {name: float(scores)}


def _key(params: dict[str, Any]) -> str:
    """Text by which the folds of a candidate are found; a pruner adds callbacks to the parameters of the first."""
    texts = {name: candidate_text(value) for name, value in params.items() if not name.endswith("callbacks")}
    return json.dumps(texts, sort_keys=True)


@cache
def recorder_of(spec: Spec) -> Recorder:
    """The one recorder of a lab book in this process."""
    return Recorder(spec)


@contextmanager
def listening(spec: Spec) -> Iterator[Recorder]:
    """Record all fits, unless that is done already."""
    recorder = recorder_of(spec)
    if recorder in recorders:
        yield recorder
        return
    recorder.spec = spec
    begin(recorder)
    try:
        yield recorder
    finally:
        end(recorder)


def begin(recorder: Recorder) -> None:
    """Begin to record all fits of this process."""
    begin_listening()
    recorders.append(recorder)


def end(recorder: Recorder) -> None:
    """End what `begin` has begun."""
    recorders.remove(recorder)
    end_listening()


@contextmanager
def _harmless(what: str) -> Iterator[None]:
    """Go on with a warning after an error of the lab book: no training shall be lost for it."""
    try:
        yield
    except Exception as error:
        warnings.warn(f"The lab book could not record {what} ({first_line(error)}).", stacklevel=3)


class Epochs(Callback):
    """Callback that writes the epochs of a training while it runs."""

    def __init__(self, recorder: Recorder, run: Run) -> None:
        self.recorder, self.run = recorder, run

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Count the epochs of an earlier training."""
        self.run.first, self.written_at = len(net.history), time.monotonic()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Write what is new, every ten seconds."""
        if time.monotonic() - self.written_at >= _INTERVAL:
            with _harmless("the epochs of a training that runs"):
                self.recorder.write_epochs(self.run)
            self.written_at = time.monotonic()


class Recorder:
    """Recorder of the fits of one process into one lab book."""

    def __init__(self, spec: Spec) -> None:
        self.spec, self.store = spec, store_of(spec.uri, spec.experiment)
        self._lock = threading.Lock()

    # --- what `_recording` calls ---

    def record(self, fit: Callable[..., Any], estimator: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call ``fit``, and record it if it is a fit of ours."""
        inside = _inside.get()
        if (inside is not None and inside[1] is estimator) or not concerns_us(estimator):
            return fit(estimator, *args, **kwargs)
        around = None if inside is None else inside[0]
        is_network = isinstance(estimator, NetworkEstimator) and estimator.n_members == 1
        if isinstance(around, Run) and (not is_network or (around.network is None and not around.has_members)):
            if is_network:
                around.network = estimator
            with _within(around, estimator):  # a part of the fit around it
                result = fit(estimator, *args, **kwargs)
            with _harmless(f"the result of {type(estimator).__name__}"):
                self._end_candidates(around, estimator)
            return result
        run = None
        with _harmless(f"the fit of {type(estimator).__name__}"):
            arguments = _bound(fit, estimator, args, kwargs)
            run = self._begin(around, estimator, arguments, is_network)
        if run is None:
            return fit(estimator, *args, **kwargs)
        return self._follow(run, around, fit, args, kwargs)

    def epoch_recorders(self, network: Any) -> list[Callback]:
        """Make the callback for the epochs of a network that is being fitted."""
        inside = _inside.get()
        if inside is None or not isinstance(inside[0], Run) or inside[0].network is not network:
            return []
        return [Epochs(self, inside[0])]

    # --- runs ---

    def _begin(self, around: Any, estimator: Any, arguments: dict[str, Any], is_network: bool) -> Run:
        facts = facts_of(estimator, arguments, self.spec.origin["git"])
        name, kind, parent = facts["title"], "search" if isinstance(estimator, BaseSearchCV) else "fit", None
        if isinstance(around, Task):
            parent = around.parent
            name, kind = (around.name, around.kind) if parent is not None else (name, kind)
        elif isinstance(around, Run):
            around.n_children += 1
            name, kind, parent = f"fit {around.n_children + 1}", "fit", around.id
        git, seeds = self.spec.origin["git"], facts["seeds"]["values"]
        tags = {
            **process_tags(),
            **self.spec.origin["tags"],
            **{f"git_{key}": value for key, value in git.items()},
            **({"mlflow.source.git.commit": git["commit"]} if git else {}),
            "kind": kind,
            "estimator": facts["title"],
            "data": in_words(facts["data"]),
            "seeds": ", ".join(f"{key}={value}" for key, value in seeds.items()),
            "versions": ", ".join(f"{key} {value}" for key, value in facts["versions"].items() if "git" not in key),
        }
        run = self.store.begin(name, tags, parent)
        self.store.put_text(run, json.dumps(facts, indent=1), "record.json")
        began, network = time.time(), estimator if is_network else None
        has_members = isinstance(estimator, NetworkEstimator) and not is_network
        return Run(run, estimator, arguments, facts, parent is not None, began, network, has_members)

    def _follow(self, run: Run, around: Any, fit: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        """Fit, and record how it ends."""
        try:
            with _within(run, run.estimator):
                result = fit(run.estimator, *args, **kwargs)
        except BaseException as error:
            with _harmless("a fit that failed"):
                self._fail(run, error)
            raise
        run.ended = now()
        with _harmless(f"the result of {type(run.estimator).__name__}"):
            self._end_candidates(run, run.estimator)
            run.scores |= scores_of(run.estimator, run.arguments)
        if isinstance(around, Task) and around.scored:
            around.runs.append(run)  # it ends with the task, which has the scores
        else:
            self._end(run)
        return result

    def _end(self, run: Run) -> None:
        with _harmless(f"the result of {type(run.estimator).__name__}"):
            tags = device_of(run.estimator)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                if run.network is not None:
                    write_history(run.network, folder)
                if not run.is_child:
                    draw_losses(run.estimator, folder)
                if (not run.is_child or self.spec.fold_models) and (why_not := keep_model(run.estimator, folder)):
                    tags["no_model"] = why_not
                if any(folder.iterdir()):
                    self.store.put_folder(run.id, name)
            self.write_epochs(run, tags=tags, at_end=True)
            self.store.end(run.id, "FINISHED", run.ended)

    def _fail(self, run: Run, error: BaseException) -> None:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"  # by Ctrl-C, or an exit
        for one in run.candidates:
            self.store.end(one.id, status)
        self.write_epochs(run, tags={"error": f"{type(error).__name__}: {error}"}, at_end=True)
        self.store.end(run.id, status)

    def write_epochs(self, run: Run, *, tags: dict[str, str] | None = None, at_end: bool = False) -> None:
        """Write the parameters and epochs that are not in the store yet, and at the end the scores."""
        params = {} if run.n_written else run.facts["parameters"]
        metrics, history = [], {} if run.network is None else getattr(run.network, "history_", {})
        if len(history.get("epoch", ())) > run.first:
            metrics = epochs_of(history, run.first, run.n_written, run.began)
            run.n_written = len(history["epoch"]) - run.first
        if at_end:
            metrics += [(f"score.{name}", value, run.ended or now(), 0) for name, value in run.scores.items()]
        self.store.write(run.id, metrics=metrics, params=params, tags=tags)

    # --- candidates ---

    def _candidate(self, run: Run, params: dict[str, Any], fold: int) -> Candidate:
        """The candidate of a search to which a fold belongs; begun with its first fold."""
        key = _key(params)
        with self._lock:
            for one in run.candidates:
                if one.key == key and fold not in one.folds:
                    one.folds.add(fold)
                    return one
            tags = {**process_tags(), **self.spec.origin["tags"], "kind": "candidate"}
            id_ = self.store.begin(f"candidate {len(run.candidates) + 1}", tags, run.id)
            one = Candidate(id_, key, params, {fold})
            run.candidates.append(one)
            return one

    def _end_candidates(self, run: Run, search: Any) -> None:
        """End the candidates of a search with the scores of its table."""
        if not isinstance(search, BaseSearchCV) or not run.candidates:
            return
        left, run.candidates = run.candidates, []
        table = search.cv_results_
        names = [name for name in table if name.startswith(("mean_", "std_", "rank_", "split"))]
        for row, params in enumerate(table["params"]):
            key = _key(params)
            one = next((one for one in left if one.key == key), None)
            if one is None:  # known from a history
                continue
            left.remove(one)
            values = {name: float(table[name][row]) for name in names}
            metrics = [(f"score.{name}", value, now(), 0) for name, value in values.items()]
            texts = {name: candidate_text(value) for name, value in params.items()}
            self.store.write(one.id, metrics=metrics, params=texts)
            has_failed = all(np.isnan(value) for name, value in values.items() if name.startswith("mean_test_"))
            self.store.end(one.id, "FAILED" if has_failed else "FINISHED")

    # --- workers ---

    def carried(self, calls: Iterable[tuple]) -> Iterable[tuple]:
        """Let the functions of joblib's tasks carry the lab book."""
        inside = _inside.get()
        around = None if inside is None else inside[0]
        made = (
            (Carried(function, self.spec, self._task(around, i, kwargs)), args, kwargs)
            for i, (function, args, kwargs) in enumerate(calls)
        )
        return list(made) if hasattr(calls, "__len__") else made

    def _task(self, around: Any, number: int, kwargs: dict[str, Any]) -> Task:
        if not isinstance(around, Run):
            return Task(parent=getattr(around, "parent", None), name=getattr(around, "name", "fit"))
        fold = kwargs.get("split_progress")  # of a search of scikit-learn, or of ours
        if fold is not None and isinstance(kwargs.get("parameters"), dict):
            with _harmless("a candidate of a search"):
                candidate = self._candidate(around, kwargs["parameters"], fold[0])
                return Task(candidate.id, f"fold {fold[0] + 1}", "fold", scored=True)
        return Task(around.id, f"fit {number + 1}", "fold" if hasattr(around.estimator, "cv") else "fit")

    @contextmanager
    def doing(self, task: Task) -> Iterator[None]:
        """Take what is fitted meanwhile as children of a task."""
        token = _inside.set([task, None])
        try:
            yield
        finally:
            _inside.reset(token)
            for run in task.runs:
                self._end(run)


@contextmanager
def _within(run: Run, estimator: Any) -> Iterator[None]:
    token = _inside.set([run, estimator])
    try:
        yield
    finally:
        _inside.reset(token)


def _bound(fit: Callable[..., Any], estimator: Any, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a call of ``fit`` by their names, further ones beside them."""
    bound = inspect.signature(fit).bind(estimator, *args, **kwargs).arguments
    names = list(bound)[1:]
    found = {name: bound[name] for name in names}
    for parameter in inspect.signature(fit).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            found |= found.pop(parameter.name, {})
    found |= found.pop("params", None) or {}
    return {"X": found.pop(names[0], None), **found} if names and names[0] != "X" else found
