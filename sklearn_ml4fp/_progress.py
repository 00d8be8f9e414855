"""One progress bar for everything that takes longer than two seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


class Bar:
    """A running progress bar, or one that is not shown; made by `progress_bar`."""

    def __init__(self, progress: Progress | None, description: str, total: float | None) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total) if progress is not None else None

    def advance(self, description: str | None = None) -> None:
        """Take one step, and say something new where there is something to say."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1, description=description)


@contextmanager
def progress_bar(description: str, total: float | None = None, *, disable: bool | None = None) -> Iterator[Bar]:
    """Show a progress bar on the standard error.

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
    console = Console(stderr=True)
    if disable is None:
        disable = not (console.is_terminal or console.is_jupyter)
    if disable:
        yield Bar(None, description, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield Bar(progress, description, total)


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
