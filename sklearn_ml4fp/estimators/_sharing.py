"""What several processes that train one network have in common: random numbers, events, and the hold-out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import joblib
import numpy as np

from .._processes import rank_and_number
from .._segments import joined as joined_parts
from ..engine import Processes
from ._fitted import Part, some_of

Measure = Callable[[np.ndarray], dict[str, float]]


def refuse_several(estimator: Any) -> None:
    """Refuse several processes, where each has to train by itself."""
    if estimator.distributed and (n := rank_and_number()[1]) > 1:
        raise ValueError(
            f"partial_fit trains in one process, and {n} are there, in which the network would become a different one: "
            "call fit, which takes a larger EventSource as well, or pass distributed=False."
        )


def common_random_state(rng: np.random.RandomState, processes: Processes) -> np.random.RandomState:
    """Return the random state of the first process."""
    state = processes.of_first(rng.get_state())
    if processes.rank > 0:  # not set in the given one, which may be numpy's own
        rng = np.random.RandomState()
        rng.set_state(state)
    return rng


def check_common(part: Part, processes: Processes) -> None:
    """Refuse processes that were given different events.

    Raises
    ------
    ValueError
        Numbers, targets or weights of the events differ, or a sample of the events.
    """
    sample = part.taken(some_of(len(part))).X
    if len(set(processes.of_all(joblib.hash([len(part), sample, part.target, part.weights])))) > 1:
        raise ValueError(
            f"The {processes.n} processes that train together were given different events: expected the same X, y and "
            "sample_weight in the same order in each, of which each trains on its part. Pass a random_state to what "
            "splits or draws events before, or an EventSource, of which each process reads its part."
        )


def shares_of_hold_out(held: Any, processes: Processes) -> tuple[Any, Any]:
    """Return the own part of the hold-out, and the parts of all processes one after the other."""
    if isinstance(held, Part):
        rows = [np.arange(rank, len(held), processes.n) for rank in range(processes.n)]
        own, everything = held.at(rows[processes.rank]), held.at(np.concatenate(rows))
    else:
        own, parts = held, processes.of_all((held.target, held.weights))
        weights = None if held.weights is None else joined_parts([weights for _, weights in parts])
        everything = Part(held.X, joined_parts([target for target, _ in parts]), weights)
    check_hold_outs(len(own), processes)
    return own, everything


def check_hold_outs(n: int, processes: Processes) -> None:
    """Refuse processes of which one has no event of the hold-out."""
    if (counts := processes.of_all(n)).count(0) and sum(counts):
        raise ValueError(
            f"The hold-outs of the {processes.n} processes have {counts} events: expected at least one in each. Take a "
            "larger share (validation=), fewer processes, or for an EventSource a smaller memory=, which gives more "
            "blocks."
        )


def measured_together(measure: Measure, processes: Processes) -> Measure:
    """Make the function that measures the outputs of all processes, for those of one: the first one does it."""

    def together(outputs: np.ndarray) -> dict[str, float]:
        everything = processes.of_all(outputs)
        scores: dict[str, float] = processes.of_first(
            measure(np.concatenate(everything)) if processes.rank == 0 else None
        )
        return scores

    return together
