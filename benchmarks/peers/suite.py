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
    by_design : dict of str
        Why a test fails that is meant to fail: the name of the test, or the beginning of one of its ids
        (``"test_x[a"``), and the reason.
    """

    name: str
    file: str
    replace: Callable[[dict[str, Any]], None]
    before: str = ""
    by_design: dict[str, str] = field(default_factory=dict)

    def reason(self, test: str) -> str | None:
        """Key of the reason why a test (``name[parameters]``) fails by design, or None."""
        for key in self.by_design:
            if test.partition("[")[0] == key or ("[" in key and test.startswith(key)):
                return key
        return None
