"""Who records the fits of this process: nobody, unless a lab book is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from ._processes import writes

F = TypeVar("F", bound=Callable[..., Any])

recorders: list[Any] = []  # the last one records


def recorded(fit: F) -> F:
    """Decorate a method that fits its object: while there is a recorder, it is told and makes the call."""

    @wraps(fit)
    def recorded_fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not recorders or not writes(self):
            return fit(self, *args, **kwargs)
        return recorders[-1].record(fit, self, args, kwargs)

    return recorded_fit  # type: ignore[return-value]


def carried(calls: Iterable[tuple]) -> Iterable[tuple]:
    """Let calls, as joblib takes them, carry what records here: each is a piece of work of the present fit."""
    return recorders[-1].carried(calls) if recorders else calls


def epoch_recorders(network: Any) -> tuple[Any, ...]:
    """Make the callbacks of skorch that record the epochs of a network."""
    return tuple(recorders[-1].epoch_recorders(network)) if writes(network) else ()
