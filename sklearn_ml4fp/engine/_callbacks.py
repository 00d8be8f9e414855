"""What the callbacks of a training ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from skorch.callbacks import BatchScoring, Callback, EpochScoring, LRScheduler

_BATCH_EVENTS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


def wants_batch_events(callbacks: Iterable[Callback]) -> bool:
    """Return whether one of some callbacks acts on batches or gradients."""
    return any(
        one.step_every == "batch"
        if isinstance(one, LRScheduler)
        else any(getattr(type(one), event) is not getattr(Callback, event) for event in _BATCH_EVENTS)
        for one in callbacks
    )


def check_scoring(callbacks: Sequence[tuple[str, Callback]]) -> None:
    """Refuse scorings that would predict the events anew: the loop has tensors, and not what a scorer takes."""
    for name, callback in callbacks:
        if isinstance(callback, (EpochScoring, BatchScoring)) and not callback.use_caching:
            raise ValueError(
                f"The callback {name!r} has use_caching=False, and would have to predict events that are tensors "
                "already: pass use_caching=True, which scores the outputs of the loop itself."
            )
