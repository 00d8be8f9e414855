"""Processes that run the same script side by side: how many there are, and which of them writes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from typing import Any


class StandIn(threading.Thread):
    """Thread that does the work of the one that has made it, which waits meanwhile."""

    def __init__(self, target: Callable[..., Any], args: tuple) -> None:
        super().__init__(target=target, args=args, daemon=True)
        present = threading.current_thread()
        self.waiting: threading.Thread = present.waiting if isinstance(present, StandIn) else present


def rank_and_number() -> tuple[int, int]:
    """Return the number of this process, from 0, and how many there are.

    They are those of ``torch.distributed``, or those that ``torchrun`` has started. A worker of joblib or Dask and a
    thread are alone: what they do, they do by themselves. A `StandIn` of the main thread is not.
    """
    present = threading.current_thread()
    at_work = present.waiting if isinstance(present, StandIn) else present
    if at_work is not threading.main_thread() or multiprocessing.current_process().daemon:
        return 0, 1
    distributed = sys.modules.get("torch.distributed")  # there only if somebody has asked for torch
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    if multiprocessing.parent_process() is not None:  # of a process that torchrun has started
        return 0, 1
    n = int(os.environ.get("WORLD_SIZE", 1))
    return (int(os.environ.get("RANK", 0)), n) if n > 1 else (0, 1)


def writes(estimator: Any) -> bool:
    """Return whether this process writes what a fit leaves: of several that train one network, the first does."""
    if rank_and_number()[0] == 0:
        return True
    choices = estimator.get_params() if hasattr(estimator, "get_params") else {}
    return any(name.split("__")[-1] == "distributed" and not value for name, value in choices.items())
