"""Progress bars, for everything that takes longer than two seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")


_running: list[Progress] = []  # the display in the terminal: rich allows only one, and an inner bar joins it


class Bar:
    """Progress bar, shown or not; made by `progress_bar`."""

    def __init__(self, progress: Progress | None, description: str, total: float | None) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total) if progress is not None else None

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


@contextmanager
def progress_bar(description: str, total: float | None = None, *, disable: bool | None = None) -> Iterator[Bar]:
    """Show a progress bar on the standard error; inside another one, as a line below it while it runs.

    Parameters
    ----------
    description : str
        Text before the bar.
    total : float, optional
        Number of steps, where it is known.
    disable : bool, optional
        Whether to show no bar. None shows one in a terminal or a notebook, and none in a log file.

    Yields
    ------
    Bar
        Its ``advance()`` takes a step.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if disable is None:
        disable = not (console.is_terminal or console.is_jupyter)
    if disable:
        yield Bar(None, description, total)
        return
    if _running:
        bar = Bar(_running[0], description, total)
        try:
            yield bar
        finally:
            bar.remove()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        _running.append(progress)
        try:
            yield Bar(progress, description, total)
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
