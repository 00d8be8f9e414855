"""Progress of everything that takes longer than two seconds: bars in a terminal or a notebook, lines in a log file."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ._optional import where_installed

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")


_running: list[Progress] = []  # the display in the terminal: rich allows only one, and an inner bar joins it


def in_worker() -> bool:
    """Whether this is a process that another one has started to share its work."""
    return multiprocessing.parent_process() is not None


def is_live() -> bool:
    """Whether the standard error is a terminal that this process has for itself, or a notebook with ipywidgets."""
    from rich.console import Console

    console = Console(stderr=True)
    in_notebook = console.is_jupyter and where_installed("ipywidgets") is not None
    return (console.is_terminal or in_notebook) and not in_worker()


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    from rich.console import Console

    return Console(stderr=True).is_jupyter and not in_worker()


class NotebookLine:
    """One line below a cell of a notebook, each text in the place of the one before; it needs no ipywidgets."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, line: str) -> None:
        """Show a text."""
        from IPython.display import display

        shown = {"text/plain": line}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


def say(line: str) -> None:
    """Write a line to the standard error, at once; above the bars, where there are any."""
    who = f"[process {os.getpid()}] " if in_worker() else ""
    sys.stderr.write(f"{who}{line}\n")
    sys.stderr.flush()


class Bar:
    """Progress bar, shown or not; made by `progress_bar`."""

    def __init__(self, progress: Progress | None, description: str, total: float | None, **fields: Any) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total, **fields) if progress is not None else None

    @property
    def shown(self) -> bool:
        """Whether the bar is shown."""
        return self._progress is not None

    def advance(self, description: str | None = None, step: int = 1) -> None:
        """Take ``step`` steps, and change the description if one is given."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=step, description=description)

    def remove(self) -> None:
        """Draw the bar once more, and remove it from the display."""
        if self._progress is not None and self._task is not None:
            self._progress.refresh()  # rich draws by a timer, and a short bar could vanish between two ticks
            self._progress.remove_task(self._task)


def _make_progress(console: Any) -> Progress:
    """Make a display: a description that is cut where the terminal ends, a bar, numbers, and the time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class Description(ProgressColumn):
        def render(self, task: Any) -> Text:
            return Text(task.description, no_wrap=True, overflow="ellipsis")

    class OptionalBar(BarColumn):
        def render(self, task: Any) -> Any:
            return super().render(task) if task.fields.get("with_bar", True) else Text("")

    kept = [Column(no_wrap=True) for _ in range(3)]  # what gives way in a narrow terminal is the description
    columns = (
        Description(table_column=Column()),
        OptionalBar(bar_width=20, table_column=kept[0]),
        MofNCompleteColumn(table_column=kept[1]),
        TimeRemainingColumn(compact=True, table_column=kept[2]),
    )
    return Progress(*columns, console=console)


@contextmanager
def progress_bar(
    description: str, total: float | None = None, *, disable: bool | None = None, with_bar: bool = True
) -> Iterator[Bar]:
    """Show a progress bar on the standard error; inside another one, as a line below it while it runs.

    Parameters
    ----------
    description : str
        Text before the bar.
    total : float, optional
        Number of steps, where it is known.
    disable : bool, optional
        Whether to show no bar. None shows one in a terminal or a notebook, and none in a log file or a worker process.
    with_bar : bool
        Whether a bar is drawn beside the text and the numbers.

    Yields
    ------
    Bar
        Its ``advance()`` takes a step.
    """
    if disable is None:
        disable = not is_live()
    if disable:
        yield Bar(None, description, total)
        return
    if _running:
        bar = Bar(_running[0], description, total, with_bar=with_bar)
        try:
            yield bar
        finally:
            bar.remove()
        return
    from rich.console import Console

    with _make_progress(Console(stderr=True)) as progress:
        _running.append(progress)
        try:
            yield Bar(progress, description, total, with_bar=with_bar)
        finally:
            _running.remove(progress)


def track(
    iterable: Iterable[T], description: str, *, total: float | None = None, disable: bool | None = None
) -> Iterator[T]:
    """Iterate with a progress bar on the standard error.

    Parameters
    ----------
    iterable : iterable
        What to iterate over.
    description : str
        Text before the bar.
    total : float, optional
        Number of steps, where the iterable has no length.
    disable : bool, optional
        Whether to show no bar, as in `progress_bar`.

    Yields
    ------
    object
        The items of the iterable.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    with progress_bar(description, total, disable=disable) as bar:
        for item in iterable:
            yield item
            bar.advance()
