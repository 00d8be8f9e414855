"""Learned state of a network in one object, made anew by every fit and kept by `partial_fit` and a warm start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from .._segments import segment_sum
from .._validation import check_weights, entry_weights
from ..data import RaggedArray
from ..engine import Net, Recipe, TensorData
from ._entries import OfEntries
from ._inputs import TableInput, as_tensor


class Part(NamedTuple):
    """Checked events of one side of the hold-out; targets and weights of points or edges are ragged."""

    X: Any
    target: Any
    weights: Any

    def rows(self, chosen: np.ndarray) -> Part:
        """Return the chosen events."""
        return Part(self.X[chosen], self.target[chosen], None if self.weights is None else self.weights[chosen])

    def event_weights(self) -> np.ndarray | None:
        """Weight of each event: the mean of those of its points or edges."""
        if not isinstance(self.weights, RaggedArray):
            return self.weights
        return segment_sum(self.weights.values, self.weights.offsets) / np.maximum(self.weights.counts, 1)

    def with_unit_mean(self) -> Part:
        """Return the same with weights whose mean is one."""
        weights = self.weights
        if isinstance(weights, RaggedArray):
            return self._replace(weights=weights.with_values(weights.values / weights.values.mean()))
        return self._replace(weights=weights / weights.mean())


@dataclass
class Fitted:
    """Learned state of a network.

    Parameters
    ----------
    input : TableInput
        Form of the events, and their units.
    target : ClassTarget or NumberTarget
        Predicted quantity, and its unit.
    rng : RandomState
        Source of the seeds of every training.
    net : Net or None
        The network; None before it is made.
    weight_scale : float
        Mean weight of the training part, class weights included: the unit of the weights.
    stream : Recipe or None
        Recipe of `partial_fit`, whose schedule goes on from call to call.
    known : (object, Tensor) or None
        Checked events whose outputs are known, while a scorer asks for predictions.
    made_with : dict
        Hyperparameters with which the network was made: those of the estimator may be changed afterwards.
    """

    input: TableInput
    target: Any
    rng: np.random.RandomState
    net: Net | None = None
    weight_scale: float = 1.0
    stream: Recipe | None = None
    known: tuple[Any, torch.Tensor] | None = None
    made_with: dict[str, Any] = field(default_factory=dict)

    def seed(self) -> int:
        """Draw a seed that no other training has."""
        return int(self.rng.randint(np.iinfo(np.int32).max))

    def check(self, owner: Any, X: Any, y: Any, weights: Any, name: str = "sample_weight") -> Part:
        """Check events, targets and weights; ``owner`` is the estimator."""
        if y is None:
            raise ValueError(
                f"This {type(owner).__name__} estimator requires y to be passed, but the target y is None."
            )
        X = self.input.check(X, owner)
        if len(X) == 0:
            raise ValueError(f"Found 0 events in X: {type(owner).__name__} needs at least one to learn from.")
        target = self.target.check(y)
        if len(target) != len(X):
            raise ValueError(f"Found input variables with inconsistent numbers of samples: {[len(X), len(target)]}")
        entries = self.input.entries(X)
        if entries is None:
            return Part(X, target, check_weights(weights, len(X), name))
        if not np.array_equal(target.offsets, entries):
            raise ValueError(
                f"y must have one value for every {self.input.output} of X: expected {entries[-1]} values for "  # type: ignore[attr-defined]
                f"{len(X)} events, got {len(target.values)}, or other numbers of them for an event."
            )
        weights = check_weights(entry_weights(weights, target, name), len(target.values), name)
        return Part(X, target, None if weights is None else target.with_values(weights))

    def learn_weights(self, train: Part, *, complete: bool) -> None:
        """Learn class factors and the unit of the weights."""
        self.target.learn_factors(train.target, train.weights, complete=complete)
        weights = self.target.weigh(train.target, train.weights)
        self.weight_scale = 1.0 if weights is None else float(weights.mean())

    def tensors(self, part: Part) -> TensorData:
        """Make a source of batches of checked events, targets and weights."""
        weights = self.target.weigh(part.target, part.weights)
        scaled = None if weights is None else as_tensor((weights / self.weight_scale).astype(np.float32))
        return self.input.data(part.X, self.target.encode(part.target), scaled)

    def shaped(self, owner: Any, X: Any, values: np.ndarray) -> Any:
        """Return values of events as they are, and those of points or edges as a ragged array."""
        if not isinstance(self.target, OfEntries):
            return values
        entries = self.input.entries(self.input.check(X, owner))
        assert entries is not None
        return RaggedArray(values, entries)

    def outputs(self, owner: Any, X: Any) -> torch.Tensor:
        """Compute outputs ``(n_events, n_outputs)``, also for no events: streams have empty chunks."""
        assert self.net is not None
        if self.known is not None and X is self.known[0]:
            return self.known[1]
        X = self.input.check(X, owner)
        if len(X) == 0:
            return torch.zeros(0, self.net.criterion_.n_outputs(self.target.n), dtype=torch.float64)
        return torch.from_numpy(self.net.outputs(self.input.data(X, torch.zeros(len(X)))))


@dataclass
class Conversion:
    """Conversion of events and targets to tensors, for the net's own methods.

    Parameters
    ----------
    input : TableInput
        Form of the events, and their units.
    target : ClassTarget or NumberTarget
        Predicted quantity, and its unit.
    """

    input: TableInput
    target: Any

    def __call__(self, X: Any, y: Any = None) -> TensorData:
        """Convert events, as the estimator checked them, and their labels or targets to tensors."""
        return self.input.data(X, torch.zeros(len(X)) if y is None else self.target.encode(self.target.check(y)))
