"""Lazy public names: the first use of a name loads the module that defines it, and no other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def lazily(subpackage: str, names: list[str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a subpackage, which find its names through the list of the package.

    Parameters
    ----------
    subpackage : str
        Value of its ``__name__``.
    names : list of str
        Value of its ``__all__``.

    Returns
    -------
    getattr, dir : callable
        Functions that Python calls for an attribute that the module lacks, and for ``dir`` of the module.
    """
    package = sys.modules[subpackage.rpartition(".")[0]]

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {subpackage!r} has no attribute {name!r}")
        return getattr(package, name)

    return find, lambda: sorted({*vars(sys.modules[subpackage]), *names})
