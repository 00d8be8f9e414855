"""Learned state of a network in one object, made anew by every fit and kept by `partial_fit` and a warm start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from .._validation import check_weights
from ..engine import Net, Recipe, TensorData
from ._inputs import TableInput, as_tensor


class Part(NamedTuple):
    """Checked events of one side of the hold-out."""

    X: Any
    target: np.ndarray
    weights: np.ndarray | None

    def rows(self, chosen: np.ndarray) -> Part:
        """Return the chosen events."""
        return Part(self.X[chosen], self.target[chosen], None if self.weights is None else self.weights[chosen])


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
        return Part(X, target, check_weights(weights, len(X), name))

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
