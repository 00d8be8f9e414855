"""Ranges and choices as a user writes them, the same in every search: a tuple for a range, a list of choices."""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from ._candidates import plain

_SCALES = {"uniform": "linear", "linear": "linear", "log-uniform": "log", "log": "log"}


class Range(NamedTuple):
    """Range to search, both ends included, and its scale, "linear" or "log"."""

    search: tuple[Any, Any]
    scale: str

    @property
    def is_whole(self) -> bool:
        """Whether this is a range of integers."""
        return all(isinstance(bound, Integral) for bound in self.search)


def range_of(name: str, given: tuple, scale: str = "linear") -> Range:
    """Read a range, ``(low, high)`` or ``(low, high, scale)``.

    Parameters
    ----------
    name : str
        Name of the parameter, for the error.
    given : tuple
        Two numbers, and perhaps "uniform" or "log-uniform".
    scale : {"linear", "log"}
        Scale of a range that does not state one.

    Raises
    ------
    ValueError
        This is not a range.
    """
    bounds, stated = tuple(map(plain, given[:2])), given[2] if len(given) > 2 else scale
    numbers = [one for one in bounds if isinstance(one, Real) and not isinstance(one, bool) and isfinite(one)]
    kind = _SCALES.get(stated) if isinstance(stated, str) else None
    is_right = len(given) in (2, 3) and len(numbers) == 2 and kind is not None and numbers[0] < numbers[1]
    if not is_right or (kind == "log" and numbers[0] <= 0):
        raise ValueError(
            f"{name!r}: a tuple is a range, (low, high) or (low, high, 'log-uniform'), with low < high and, on a "
            f"logarithmic scale, 0 < low; got {given!r}. Write choices as a list."
        )
    return Range((numbers[0], numbers[1]), str(kind))


def choices_of(name: str, given: Any) -> list | None:
    """Read choices from a list or an array, in Python's own types; None for anything else.

    Raises
    ------
    ValueError
        There are no choices.
    """
    if not isinstance(given, (list, np.ndarray)):
        return None
    if not len(given):
        raise ValueError(f"{name!r}: expected a choice at least, got an empty list.")
    return [plain(value) for value in given]
