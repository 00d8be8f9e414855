"""Fits that go on side by side up to their training, so that networks in them can be trained together.

A fit may stand deep inside of others: of a pipeline, of the evaluation of a candidate, of a member. It waits there for
its training as a coroutine would. Python's coroutines cannot wait inside of functions that know nothing of them, so
each fit has a thread, of which one runs at a time; the training itself is made by the thread of the caller.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from itertools import islice
from queue import SimpleQueue
from threading import current_thread
from typing import Any, Protocol

import joblib
from joblib.parallel import get_active_backend
from sklearn import config_context, get_config
from sklearn.utils.parallel import delayed

from ._processes import StandIn
from ._recording import carried

# Bytes of the events that trainings hold while they wait for others, each of which has its own.
_MEMORY = 2**30
# what `warnings.catch_warnings` changes, of the thread that runs
_OF_WARNINGS = tuple({"filters", "showwarning", "_showwarnmsg_impl"} & vars(warnings).keys())

Call = tuple[Callable[..., Any], tuple, dict[str, Any]]  # as joblib's Parallel takes it


class Training(Protocol):
    """Training of a network that is prepared."""

    @property
    def memory(self) -> float:
        """Bytes of its events; infinite if it can be trained by itself alone."""


Errors = Sequence[BaseException | None]  # of trainings, None of those that came to their end
Trainer = Callable[[list[Any]], Errors]


class _Abandoned(BaseException):
    """Signal to end a fit because one beside it has failed."""


class _Fit:
    """Call in a thread of its own, which runs only while another one waits for it."""

    def __init__(self, call: Call) -> None:
        self.trainings: list[Training] = []  # what it waits for
        self.trainer: Trainer
        self.result: Any = None
        self.waited = 0.0  # seconds in which others were at work
        self._call, self._paused_at = call, 0.0
        self._has_ended = False
        self._error: BaseException | None = None
        self._ending: BaseException | None = None
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._turns: SimpleQueue[None] = SimpleQueue()
        self._warnings = {name: vars(warnings)[name] for name in _OF_WARNINGS}
        settings = get_config(), get_active_backend()
        self._thread = StandIn(copy_context().run, (self._run, *settings))
        self._thread.start()

    def _run(self, config: dict[str, Any], backend: tuple[Any, int]) -> None:
        _present.set(self)
        self._answers.get()
        function, args, kwargs = self._call
        try:
            with config_context(**config), joblib.parallel_config(backend=backend[0], n_jobs=backend[1]):
                self.result = function(*args, **kwargs)
        except BaseException as error:
            self._error = error
        self._has_ended = True
        self._turns.put(None)

    @contextmanager
    def _with_its_filters(self) -> Iterator[None]:
        before = {name: vars(warnings)[name] for name in _OF_WARNINGS}
        vars(warnings).update(self._warnings)
        try:
            yield
        finally:
            self._warnings = {name: vars(warnings)[name] for name in _OF_WARNINGS}
            vars(warnings).update(before)

    def go_on(self, errors: Errors = (), share: float = 0.0) -> bool:
        """Run until it waits for trainings, and return whether it does.

        Parameters
        ----------
        errors : sequence of exception or None
            What became of the trainings that it has waited for.
        share : float
            Its share of the time that they took, seconds.
        """
        if self._paused_at:
            self.waited += time.perf_counter() - self._paused_at - share
        with self._with_its_filters():
            self._answers.put(errors)
            self._turns.get()
        self._paused_at = time.perf_counter()
        if self._has_ended:
            self._thread.join()
        if self._error is not None:
            raise self._error
        return not self._has_ended

    def wait(self, trainings: list[Training], trainer: Trainer) -> Errors:
        """Give trainings away, and wait for their end; called in the thread of the fit."""
        if self._ending is None:
            self.trainings, self.trainer, self._context = trainings, trainer, copy_context()
            self._turns.put(None)
            answer: Errors = self._answers.get()
        return answer if self._ending is None else [self._ending] * len(trainings)

    @property
    def is_here(self) -> bool:
        """Whether its thread asks, and not one that was started in it and has its context variables."""
        return self._thread is current_thread()

    @property
    def memory(self) -> float:
        """Bytes that its trainings hold; infinite if it can share them with no other fit."""
        return sum(training.memory for training in self.trainings)

    def alone(self, trainings: list[Training], trainer: Trainer) -> Errors:
        """Train with the context variables of this fit, such as where its checkpoints are collected."""
        self._context.run(_present.set, _present.get())  # what is around all of these fits
        return self._context.run(train, trainings, trainer)

    def end(self, error: BaseException) -> None:
        """End it early: its trainings fail with an error. It may be running, after Ctrl-C in the thread around it."""
        with self._with_its_filters():
            self._ending = error
            self._answers.put(())
            self._thread.join()


_present: ContextVar[_Fit | None] = ContextVar("_present", default=None)


def waits_for_others() -> bool:
    """Return whether the fit around this call is one of several side by side, whose trainings wait for others."""
    fit = _present.get()
    return fit is not None and fit.is_here


def train(trainings: list[Any], trainer: Trainer) -> Errors:
    """Train, together with others if the fit around it is one of several side by side; return the error of each."""
    fit = _present.get()
    return fit.wait(trainings, trainer) if fit is not None and fit.is_here else trainer(trainings)


def seconds_waited() -> float:
    """Return for how long the present fit has waited while others were at work, of a common training its share."""
    fit = _present.get()
    return 0.0 if fit is None else fit.waited


def side_by_side(calls: Iterable[Call]) -> list[Any]:
    """Make calls, and return their results: as one after another, but networks in them are trained together.

    A call begins while the trainings of those before it wait for more, and these have room in memory. An error ends all
    of them, unless the call around the network deals with it.
    """
    fits: list[_Fit] = []
    waiting: list[_Fit] = []
    left = iter(calls)
    try:
        while True:
            if _may_wait(waiting) and (call := next(left, None)) is not None:
                fits.append(_Fit(call))
                waiting += [fits[-1]] if _goes_on_to_wait(fits[-1], (), 0.0) else []
            elif waiting:
                outcomes = zip(waiting, _outcomes(waiting, train), strict=True)
                waiting = [fit for fit, outcome in outcomes if _goes_on_to_wait(fit, *outcome)]
            else:
                return [fit.result for fit in fits]
    except BaseException as error:
        for fit in fits:
            fit.end(_Abandoned() if isinstance(error, Exception) else error)
        raise


def _may_wait(waiting: Sequence[_Fit]) -> bool:
    """Return whether there is room for one more, which may be as large as the last one."""
    return not waiting or sum(fit.memory for fit in waiting) + waiting[-1].memory <= _MEMORY


def _goes_on_to_wait(fit: _Fit, errors: Errors, share: float) -> bool:
    """Let a fit go on until it waits for others, and return whether it does; what it can only do alone is done."""
    waits = fit.go_on(errors, share)
    while waits and fit.memory == math.inf:
        waits = fit.go_on(*_outcomes([fit], fit.alone)[0])
    return waits


def _outcomes(waiting: list[_Fit], trained: Callable[..., Errors]) -> list[tuple[Errors, float]]:
    """Train what fits wait for; return for each the errors, and its share of the time, seconds."""
    began = time.perf_counter()
    errors = iter(trained([training for fit in waiting for training in fit.trainings], waiting[0].trainer))
    share = (time.perf_counter() - began) / len(waiting)
    return [(list(islice(errors, len(fit.trainings))), share) for fit in waiting]


def call_all(parallel: joblib.Parallel, calls: Iterable[Call], *, with_networks: bool) -> list[Any]:
    """Make calls in as many processes as ``parallel`` has, in each of them side by side if they have networks.

    On a cluster each call stays by itself: one whose worker dies is made anew.
    """
    backend, _ = get_active_backend()
    if not with_networks or hasattr(backend, "client"):
        return list(parallel(delayed(function)(*args, **kwargs) for function, args, kwargs in calls))
    calls, n_jobs = carried(calls), joblib.effective_n_jobs(parallel.n_jobs)
    if n_jobs == 1:
        return side_by_side(calls)
    calls = list(calls)
    n_groups = min(n_jobs, len(calls))
    done = parallel(delayed(side_by_side)(calls[i::n_groups]) for i in range(n_groups))
    results: list[Any] = [None] * len(calls)
    for i, group in enumerate(done):
        results[i::n_groups] = group
    return results


def has_networks(estimator: Any) -> bool:
    """Return whether an estimator, or one inside of it, is trained as `train` does it."""
    parts = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else ()
    return any(hasattr(part, "_trains_with_others") for part in (estimator, *parts) if not isinstance(part, type))
