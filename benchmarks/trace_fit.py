"""How long the way of one fit through this package is: functions that are called, and moves from file to file.

    python benchmarks/trace_fit.py [--sequence]

Each network is fitted once to load what it needs, and then a clone of it is followed for one epoch of one batch. A
function counts once, however often it is called; so do properties, methods of dataclasses that are written in a file,
lambdas and inner functions. Comprehensions and generator expressions belong to the function around them, and what
Python or a decorator makes (``__init__`` of dataclasses) has no file. A move is a call in another file than that of
the call before, both of this package. ``--sequence`` prints the calls in their order.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from sklearn.base import clone

import sklearn_ml4fp
from sklearn_ml4fp import EdgeConvClassifier, FeedForwardClassifier, load_quark_gluon_jets

PACKAGE = Path(sklearn_ml4fp.__file__).parent
LINES_OF = ("estimators", "engine", "model_selection")


def calls_of(action: Callable[[], object]) -> list[tuple[str, str]]:
    """Files and functions of this package that an action calls, in their order."""
    calls = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code.co_name in ("<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>", "<module>"):
            return
        if (path := Path(code.co_filename)).is_relative_to(PACKAGE):
            calls.append((path.relative_to(PACKAGE).as_posix(), code.co_qualname))

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def followed(network: Any, X: Any, y: np.ndarray) -> list[tuple[str, str]]:
    """Calls of one fit, after another one has loaded what it needs."""
    network.fit(X, y)
    again = clone(network)
    return calls_of(lambda: again.fit(X, y))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequence", action="store_true", help="print the calls in their order")
    with_sequence = parser.parse_args().sequence
    choices = {"max_epochs": 1, "batch_size": 128, "early_stopping": False, "random_state": 0}
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 5)).astype(np.float32), rng.integers(0, 2, 100)
    jets = load_quark_gluon_jets().data[:50]
    for network, events in ((FeedForwardClassifier(**choices), X), (EdgeConvClassifier(**choices), jets)):
        calls = followed(network, events, y[: len(events)])
        files = [file for file, _ in calls]
        moves = sum(one != other for one, other in pairwise(files))
        print(f"{type(network).__name__}: {len(set(calls))} functions in {len(set(files))} files, {moves} moves")
        for file, function in calls if with_sequence else ():
            print(f"    {file} {function}")
    for name in LINES_OF:
        print(f"{name}: {sum(len(path.read_text().splitlines()) for path in (PACKAGE / name).glob('*.py'))} lines")


if __name__ == "__main__":
    main()
