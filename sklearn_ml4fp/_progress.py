"""One progress bar for everything that takes longer than two seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

T = TypeVar("T")


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
        Whether to show no bar. None shows one in a terminal or a notebook, and none in a log file.

    Yields
    ------
    object
        The items of the iterable.
    """
    console = Console(stderr=True)
    if disable is None:
        disable = not (console.is_terminal or console.is_jupyter)
    yield from rich_track(iterable, description, total=total, console=console, disable=disable)
