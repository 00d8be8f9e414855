"""What a suite is: a test file of scikit-learn, and what stands in it for scikit-learn's own classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Suite:
    """A test file of scikit-learn, run with other classes.

    Parameters
    ----------
    name : str
        Which of our classes it tests.
    file : str
        The test file, within scikit-learn's package: ``"tests/test_common.py"``.
    replace : callable
        Gets the names of the test module (a dict) and puts our classes in the place of scikit-learn's.
    before : str
        ``replace`` is called before the first line that starts so; by default after the last import.
    only : dict of str
        What was put in, by its name there: tests that use none of it are left out. By default all tests run.
    by_design : dict of str
        Why a test fails that is meant to fail: the name of the test, or the beginning of one of its ids
        (``"test_x[a"``), and the reason.
    """

    name: str
    file: str
    replace: Callable[[dict[str, Any]], None]
    before: str = ""
    only: dict[str, Any] = field(default_factory=dict)
    by_design: dict[str, str] = field(default_factory=dict)

    def concerns(self, test: Any) -> bool:
        """Whether a pytest item uses what was put in, in its body or as a parameter."""
        parameters = test.callspec.params.values() if hasattr(test, "callspec") else ()
        used = [getattr(one, "func", one) for one in parameters]  # also within functools.partial
        named = self.only.keys() & set(test.function.__code__.co_names)
        return not self.only or bool(named) or any(one is ours for one in used for ours in self.only.values())

    def reason(self, test: str) -> str | None:
        """Key of the reason why a test (``name[parameters]``) fails by design, or None."""
        for key in self.by_design:
            if test.partition("[")[0] == key or ("[" in key and test.startswith(key)):
                return key
        return None
