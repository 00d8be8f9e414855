"""Checkpoint files of the fits inside another fit: they stay until that one has ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_files: ContextVar[set[Path] | None] = ContextVar("_files", default=None)


def are_collected() -> bool:
    """Whether another fit stands around the present one, which may be started again and ask for what is finished."""
    return _files.get() is not None


def note(files: Iterable[Path]) -> None:
    """Tell the fit around the present one, if there is one, which files are to be removed at its end."""
    collected = _files.get()
    if collected is not None:
        collected.update(files)


def remove(files: Iterable[Path]) -> None:
    """Remove checkpoint files, and what a process that was killed while it wrote has left beside them."""
    for path in files:
        path.unlink(missing_ok=True)
        for beside in path.parent.glob(f"{path.name}.*"):
            beside.unlink(missing_ok=True)


@contextmanager
def collected() -> Iterator[set[Path]]:
    """Keep the files of the fits inside, and give their names: a worker process hands them to its caller."""
    files: set[Path] = set()
    token = _files.set(files)
    try:
        yield files
    finally:
        _files.reset(token)


@contextmanager
def removed_in_the_end() -> Iterator[None]:
    """Keep the files of the fits inside until this one has ended; after an error or a kill they stay.

    Where it stands inside of another fit itself, they stay until that one has ended.
    """
    with collected() as files:
        yield
    if are_collected():
        note(files)
    else:
        remove(files)


def remove_what_is_recorded() -> None:
    """Remove the files so far: the results of these fits stand in a file of their own."""
    if files := _files.get():
        remove(files)
        files.clear()
