"""What a recorder knows of a lab book, its runs and the work that it sends to workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spec:
    """Which lab book it is, as it is sent to a worker."""

    uri: str
    experiment: str
    fold_models: bool
    origin: dict[str, Any] = field(compare=False, hash=False)


@dataclass
class Run:
    """A fit that is recorded."""

    id: str
    estimator: Any
    arguments: dict[str, Any]
    facts: dict[str, Any]
    is_child: bool
    began: float
    network: Any = None  # whose epochs are those of this run
    has_members: bool = False  # several networks in one estimator, which are its children
    first: int = 0  # number of epochs that the network had before
    n_written: int = 0  # epochs in the store
    n_children: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    ended: int = 0


@dataclass
class Candidate:
    """A candidate of a search that is recorded."""

    id: str
    key: str
    params: dict[str, Any]
    folds: set[int] = field(default_factory=set)


@dataclass
class Task:
    """Work that a fit gives to a worker; what is fitted in there are its children."""

    parent: str | None = None
    name: str = "fit"
    kind: str = "fit"
    scored: bool = False  # whether its result has scores
    runs: list[Run] = field(default_factory=list)
