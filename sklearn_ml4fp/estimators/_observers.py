"""Observers of a fit: scikit-learn's callbacks, what ``verbose=`` shows, and a lab book that is open."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import Any, NamedTuple

from skorch.callbacks import Callback

from .._compat import callbacks_of
from .._progress import NotebookLine, in_notebook, is_live, progress_bar, say
from .._recording import epoch_recorders, recorders
from ..engine import Recipe
from ._checkup import Checkup
from ._metrics import scorers_of


class EpochEvents(Callback):
    """Callback that passes every epoch to scikit-learn's callbacks (1.9 and later), which may stop the training."""

    def __init__(self, estimator: Any, context: Any, data: dict[str, Any]) -> None:
        self.estimator = estimator
        self.context = context
        self.data = data

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Open the task of this epoch."""
        self.task = self.context.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Close the task of this epoch."""
        # net_ is already set on the estimator, so that it can predict
        stop = self.task.call_on_fit_task_end(estimator=self.estimator, reconstruction_attributes=dict, **self.data)
        if stop:
            raise KeyboardInterrupt


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.4g}"


def _rate(per_second: float) -> str:
    return f"{per_second / 1000:.3g}k" if per_second >= 1000 else f"{per_second:.3g}"


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    return f"{hours:.1f} h" if hours >= 1 else f"{minutes:.0f} min" if minutes >= 1 else f"{seconds:.0f} s"


class EpochReport(Callback):
    """Say what each epoch gave: in one live line in a terminal or a notebook, in plain lines in a log file.

    Parameters
    ----------
    estimator : NetworkEstimator
        Who is fitted. With ``verbose=1``, a log file gets one line a second at most, and the last epoch; with 2 every
        epoch is a line, in a terminal too, above the live one.
    """

    is_shown = True  # one training after another

    def __init__(self, estimator: Any) -> None:
        self.name, self.epochs = type(estimator).__name__, estimator.max_epochs
        self.metrics, self.monitored = list(scorers_of(estimator.metrics)), f"valid_{estimator.monitor}"
        self.every_epoch = estimator.verbose > 1

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Show the live line, where there is a place for one."""
        self.stack, self.live = ExitStack(), is_live()
        self.bar = self.stack.enter_context(progress_bar(self.name, self.epochs, disable=not self.live, with_bar=False))
        self.line = NotebookLine() if in_notebook() and not self.live else None
        # a terminal without a live line is a worker's: it stays silent
        self.writes = self.every_epoch or not (self.live or self.line or sys.stderr.isatty())
        self.before, self.n_seen, self.best = len(net.history), 0, (math.inf, 0, math.nan)
        self.began, self.said_at, self.unsaid = time.monotonic(), -math.inf, ""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Say what the epoch gave."""
        record = net.history[-1]
        self.n_seen += 1  # a training that goes on from a checkpoint has more epochs
        number = len(net.history) - self.before
        watched = self.monitored if self.monitored in record else "train_loss"
        if (cost := net.cost(record)) < self.best[0]:
            self.best = cost, number, record[watched]
        said = ", ".join(self._parts(record))
        self.bar.advance(said)
        left = _duration((time.monotonic() - self.began) / self.n_seen * (self.epochs - number))
        self.unsaid = f"{self.name} epoch {number}/{self.epochs}: {said}, {left} left at most"
        if self.every_epoch or time.monotonic() - self.said_at >= (1 if self.line is None else 0.2):
            self._say()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Say what the last epoch gave, and close the live line."""
        self._say()
        self.stack.close()

    def _say(self) -> None:
        if self.unsaid and self.line is not None:
            self.line.show(self.unsaid)
        if self.unsaid and self.writes:
            say(self.unsaid)
        self.said_at, self.unsaid = time.monotonic(), ""

    def _parts(self, record: dict[str, Any]) -> list[str]:
        """Losses, metrics, the best so far, speed, and use of the GPU."""
        names = {"train_loss": "train", "valid_loss": "valid", **{f"valid_{name}": name for name in self.metrics}}
        parts = [f"{shown} {_number(record[name])}" for name, shown in names.items() if name in record]
        if self.best[1]:
            parts.append(f"best {_number(self.best[2])} in epoch {self.best[1]}")
        parts.append(f"{_rate(record['events_per_second'])} events/s")
        if "gpu_memory" in record:
            share = f"{record['gpu_utilisation']:.0f} %, " if "gpu_utilisation" in record else ""
            parts.append(f"GPU {share}{record['gpu_memory']:.1f} GB")
        return parts


def without_names(callbacks: Any) -> list[Any]:
    """Return callbacks of skorch, or their classes, of which some may stand in pairs beside their names."""
    return [one[1] if isinstance(one, tuple) and len(one) == 2 else one for one in callbacks or []]


def check_callbacks(callbacks: Any) -> None:
    """Refuse anything but callbacks of skorch.

    Parameters
    ----------
    callbacks : list or None
        Callbacks, their classes, or pairs of a name and one of both, as skorch takes them.

    Raises
    ------
    ValueError
        An entry is something else.
    """
    for i, (entry, one) in enumerate(zip(callbacks or [], without_names(callbacks), strict=True)):
        if not (issubclass(one, Callback) if isinstance(one, type) else isinstance(one, Callback)):
            raise ValueError(
                f"callbacks[{i}] is {entry!r}: expected a skorch callback, such as skorch.callbacks.PrintLog(), or a "
                "pair (name, callback). scikit-learn's own callbacks are given by set_callbacks."
            )


def copied(callback: Any) -> Any:
    """Copy a callback; one that cannot be copied, such as one with an open file, is used as it is given."""
    try:
        return deepcopy(callback)
    except Exception:  # each kind of object that cannot be copied says it in its own way
        return callback


class ClonedWithCallbacks:
    """Mixin of a network, whose clones have the same callbacks: ``fit`` copies them, so that each is copied once."""

    callbacks: Any

    def __sklearn_clone__(self) -> Any:
        without = object.__new__(type(self))
        without.__dict__.update({**vars(self), "callbacks": None})
        twin = super(ClonedWithCallbacks, without).__sklearn_clone__()  # type: ignore[misc]
        twin.callbacks = list(self.callbacks) if isinstance(self.callbacks, list) else self.callbacks
        return twin


class FitTask(NamedTuple):
    """Task of scikit-learn's callbacks that a fit is, and what they get to see of it."""

    context: Any
    data: dict[str, Any]


@contextmanager
def fit_task(estimator: Any, n: int, X: Any, y: Any, sample_weight: Any) -> Iterator[FitTask | None]:
    """Open the task of a whole ``fit`` of ``n`` smaller tasks, if scikit-learn's callbacks watch the estimator."""
    if not callbacks_of(estimator):
        yield None
        return
    context = estimator._init_callback_context(max_subtasks=n)
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    data = {"X": X, "y": y, "metadata": metadata}
    context.call_on_fit_task_begin(estimator=estimator, **data)
    yield FitTask(context, data)
    context.call_on_fit_task_end(estimator=estimator, reconstruction_attributes=dict, **data)


def observers_of(estimator: Any, recipe: Recipe, task: FitTask | None) -> tuple[Callback, ...]:
    """Make the observers of a fit.

    Parameters
    ----------
    estimator : NetworkEstimator
        Estimator that is fitted.
    recipe : Recipe
        Recipe of its training.
    task : FitTask or None
        Task of the fit; None where no callback of scikit-learn watches it.
    """
    events = () if task is None else (EpochEvents(estimator, task.context, task.data),)
    if estimator._fitted.processes.rank > 0:
        return events
    report = (EpochReport(estimator),) if estimator.verbose else ()
    return (Checkup(estimator, recipe), *report, *events, *(epoch_recorders(estimator) if recorders else ()))
