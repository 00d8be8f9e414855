"""Which checkpoint belongs to a fit."""

from __future__ import annotations

from numbers import Integral
from pathlib import Path
from typing import Any

from ..engine import CheckpointFile, fingerprint_of
from ._observers import without_names


def check_seed(random_state: Any) -> None:
    """Refuse a random state with which a fit that is started again would draw other numbers."""
    if not isinstance(random_state, Integral):
        raise ValueError(
            f"checkpoint= needs an integer as random_state=, got {random_state!r}: only then does a fit that "
            "is started again set the same events apart and draw the same numbers."
        )


def checkpoint_of(estimator: Any, train: Any, valid: Any) -> CheckpointFile | None:
    """The file of this very fit in the folder ``checkpoint``; the first process alone reads and writes it."""
    check_seed(estimator.random_state)
    if estimator._fitted.processes.rank > 0:
        return None
    made_of = (type(estimator), type(estimator)._module, *without_names(estimator.callbacks))
    weights = [value.cpu().numpy() for value in estimator.net_.module_.state_dict().values()]
    held = None if valid is None else valid.identity
    fingerprint = fingerprint_of(estimator.get_params(deep=False), made_of, [train.identity, held, weights])
    return CheckpointFile(Path(estimator.checkpoint) / f"{type(estimator).__name__}-{fingerprint}.pt")
