"""Gradients of one batch an epoch, layer by layer: whether a training can learn is seen there first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Epochs, after the first one, in which nodes without a gradient are looked for: a node that gets none so early is dead;
# later, when the events are told apart, gradients may be zero for a good reason. The first steps may kill nodes.
_LOOKS = 9


class Gradients:
    """Gradients of the batch in the middle of each epoch, before clipping.

    Parameters
    ----------
    module : torch.nn.Module
        Network that is trained.

    Attributes
    ----------
    norms : list of ndarray of shape (n_parameters,)
        Norm of the gradient of each parameter, of every epoch.
    totals : list of float
        Norm of the gradient of all parameters together.
    names : list of str
        Names of these parameters.
    sizes : ndarray of shape (n_parameters,)
        Numbers of values in them.
    matrices : ndarray of shape (n_parameters,), bool
        Mask of matrices and kernels, and not biases or scales.
    n_events : int
        Number of events in the batches in which nodes without a gradient were looked for.
    """

    def __init__(self, module: nn.Module) -> None:
        self._named = [(name, one) for name, one in module.named_parameters() if one.requires_grad]
        self._norms: Tensor | None = None
        self._reached: dict[str, Tensor] = {}  # rows of a matrix, one for each node: whether it had a gradient
        self.norms: list[np.ndarray[Any, Any]] = []
        self.totals: list[float] = []
        self.n_events = 0

    @torch.no_grad()
    def look(self, n_events: int) -> None:
        """Look at the gradients of a batch, without waiting for the device."""
        there = [(name, one.grad) for name, one in self._named if one.grad is not None]
        self._norms = torch.stack(torch._foreach_norm([gradient for _, gradient in there]))
        if not self.norms:
            self.names = [name for name, _ in there]
            self.sizes = np.array([gradient.numel() for _, gradient in there])
            self.matrices = np.array([gradient.ndim > 1 for _, gradient in there])
        elif len(self.norms) <= _LOOKS:
            self.n_events += n_events
            for name, gradient in there:
                if gradient.ndim > 1:
                    reached = torch.linalg.vector_norm(gradient.flatten(1), dim=1) > 0
                    self._reached[name] = reached | self._reached[name] if name in self._reached else reached

    def read(self) -> float | None:
        """Return the norm of the gradient of all parameters in this epoch; None before the first look."""
        if self._norms is None:
            return None
        norms = self._norms.double().cpu().numpy()
        self.norms.append(norms)
        self.totals.append(math.sqrt(norms.dot(norms)))
        return self.totals[-1]

    def dead(self) -> dict[str, float]:
        """Return, for each matrix, the share of its nodes (rows) that had no gradient in any look."""
        return {name: 1 - reached.float().mean().item() for name, reached in self._reached.items()}
