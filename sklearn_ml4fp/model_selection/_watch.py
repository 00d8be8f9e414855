"""Folds and epochs below the progress bar of a search, through scikit-learn's callbacks (1.9 and later)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .._compat import callbacks_of
from .._progress import Bar, progress_bar


@contextmanager
def callback_task(parent: Any, search: Any, name: str, n: int | None, *, in_order: bool = True) -> Iterator[Any]:
    """Open a task of scikit-learn's callbacks (1.9 and later); None before."""
    if parent is None:
        yield None
        return
    task = parent.subcontext(task_name=name, max_subtasks=n, sequential_subtasks=in_order)
    task.call_on_fit_task_begin(estimator=search)
    try:
        yield task
    finally:
        task.call_on_fit_task_end(estimator=search)


class FoldsAndEpochs:
    """Callback that shows the progress of the present candidates, but not of those in other processes."""

    max_propagation_depth = None  # down to the network, at any depth

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._bar: Bar | None = None

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing: there is nothing to prepare."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Close the bar of a search that was interrupted."""
        self._stack.close()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Show a bar over the folds of the candidates that begin."""
        if context.task_name == "candidates":
            self._bar = self._stack.enter_context(progress_bar("fold", context.max_subtasks, disable=False))

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Count an epoch or a fold; close the bar after the last one."""
        if context.task_name == "candidates":
            self._stack.close()
            self._bar = None
        elif self._bar is not None and context.task_name == "epoch":
            self._bar.advance(f"fold, at epoch {context.task_id + 1}", step=0)
        elif self._bar is not None and context.parent is not None and context.parent.task_name == "candidates":
            self._bar.advance()

    def __getstate__(self) -> dict[str, Any]:
        return {"_bar": None, "_stack": ExitStack()}


@contextmanager
def watched(search: Any, estimator: Any, bar: Bar) -> Iterator[None]:
    """Watch a search whose bar is shown, if it and all parts of its estimator know scikit-learn's callbacks."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    fitted = [part for part in parts if hasattr(part, "fit") and not isinstance(part, type)]
    if not (bar.shown and all(hasattr(part, "set_callbacks") for part in [search, *fitted])):
        yield
        return
    theirs = callbacks_of(search)
    search.set_callbacks(*theirs, FoldsAndEpochs())
    try:
        yield
    finally:
        search.set_callbacks(*theirs)


@contextmanager
def fit_task(search: Any, X: Any, y: Any, params: dict[str, Any]) -> Iterator[Any]:
    """Open the task of scikit-learn's callbacks for the whole ``fit``; None before scikit-learn 1.9."""
    if not hasattr(search, "_init_callback_context"):
        yield None
        return
    root = search._init_callback_context(max_subtasks=1 + (search.refit is not False))
    events = {"estimator": search, "X": X, "y": y, "metadata": _metadata(params)}
    root.call_on_fit_task_begin(**events)
    yield root
    root.call_on_fit_task_end(**events)


def _metadata(params: dict[str, Any]) -> dict[str, Any] | None:
    weights = params.get("sample_weight")
    return None if weights is None else {"sample_weight": weights}


def fit_best(
    root: Any, search: Any, estimator: Any, X: Any, y: Any, fit_params: dict[str, Any], params: dict[str, Any]
) -> float:
    """Fit the best candidate on all data; return the seconds it took."""
    with ExitStack() as stack:
        events = {"estimator": search, "X": X, "y": y, "metadata": _metadata(params)}
        if root is not None:
            task = root.subcontext(task_name="refit-with-best-params")
            stack.enter_context(task.propagate_callback_context(estimator))
            task.call_on_fit_task_begin(**events)
        begin = time.time()
        estimator.fit(*((X,) if y is None else (X, y)), **fit_params)
        took = time.time() - begin
        if root is not None:
            task.call_on_fit_task_end(**events)
    return took
