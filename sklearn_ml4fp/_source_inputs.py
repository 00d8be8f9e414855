"""Sources of events in the place of arrays: given alone, read where arrays are needed, answered chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ._segments import joined

CHUNK = 1 << 14  # entries of a source that are predicted at a time


def is_source(X: Any) -> bool:
    """Return whether events are an EventSource."""
    return hasattr(X, "held") and hasattr(X, "chunks")


def check_alone(name: str, **given: Any) -> None:
    """Refuse targets, ids or weights beside a source."""
    if came := [what for what, one in given.items() if one is not None]:
        raise ValueError(
            f"{name} is given an EventSource, which carries target, weights and ids by itself, and {', '.join(came)} "
            "came as well: say target=, weight= and event_id= in the source, and pass it alone."
        )


def read_whole(name: str, source: Any, **given: Any) -> Any:
    """Read a source for what needs all events in memory.

    Raises
    ------
    ValueError
        The source has no target, or exceeds its memory, or something is given beside it.
    """
    check_alone(f"{name}.fit", **given)
    if source.target is None:
        raise ValueError(f"{name}.fit needs the target of the source: say which column it is by target=.")
    events, _ = source.held()
    if events is None:
        raise ValueError(
            f"{name} is fitted to events in memory, and the source exceeds its memory={source.memory}: pass a larger "
            "memory= to the EventSource, fit to some events, source.sample(100_000), or fit the estimator itself."
        )
    return events


def answered(chunks: Iterable[Any], answer: Callable[[Any], Any]) -> Any:
    """Join what is answered to one chunk after the other: predictions, or these and their standard deviations or None.

    Raises
    ------
    ValueError
        There is no event.
    """
    parts = [answer(events) for events in chunks]
    if not parts:
        raise ValueError("the source has no event: expected at least one, which tells the shape of the answer.")
    if not isinstance(parts[0], tuple):
        return joined(parts)
    return tuple(None if some[0] is None else joined(some) for some in zip(*parts, strict=True))


def answered_by_chunks(source: Any, answer: Callable[[Any], Any]) -> Any:
    """Join what is answered to the data of one chunk of a source after the other."""
    return answered(source.chunks(CHUNK), lambda events: answer(events.data))


def scored_by_chunks(
    name: str, source: Any, compare: Callable[[Any], tuple[Any, Any, Any]], metric: Callable[..., float], **given: Any
) -> float:
    """Score a source: ``compare`` gives the targets of a chunk, what is predicted for it, and its weights or None."""
    check_alone(f"{name}.score", **given)
    if source.target is None:
        raise ValueError(f"{name}.score needs the target of the source: say which column it is by target=.")
    target, predicted, weights = answered(source.chunks(CHUNK), compare)
    return float(metric(target, predicted, sample_weight=weights))
