"""Training recipe: schedule, clipping, L1 term, and average of the weights, around the optimiser's steps.

Of one batch an epoch it keeps the gradients, layer by layer: whether a training can learn is seen there first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..nn import Dropout
from ._schedules import ENDING, Schedule, flat_cosine

# Epochs, after the first one, in which nodes without a gradient are looked for: a node that gets none so early is dead;
# later, when the events are told apart, gradients may be zero for a good reason. The first steps may kill nodes.
_LOOKS = 9


class WeightAverage:
    """Exponential moving average of the weights, which takes their place outside the training steps.

    After every step, θ̄ ← d·θ̄ + (1 − d)·θ. In step n, d = min(decay, (1 + n)/(10 + n)), so that the first, random
    weights are soon forgotten.

    Parameters
    ----------
    decay : float
        Value of d in a long training.
    parameters : list of Tensor
        The trained weights.

    References
    ----------
    Polyak and Juditsky, SIAM J. Control Optim. 30 (1992) 838; the ramp of d is TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, decay: float, parameters: list[nn.Parameter]) -> None:
        self.decay = decay
        self.parameters = parameters
        self.spare = [parameter.detach().clone() for parameter in parameters]
        self.n_steps = 0
        self.shown = False  # whether the module now holds the average

    @property
    def trained(self) -> list[Tensor]:
        """The trained weights, which may have been moved to other memory."""
        return [parameter.data for parameter in self.parameters]

    @torch.no_grad()
    def update(self) -> None:
        """Add the weights of one more step to the average."""
        self.n_steps += 1
        decay = min(self.decay, (1 + self.n_steps) / (10 + self.n_steps))
        torch._foreach_lerp_(self.spare, self.trained, 1 - decay)

    @torch.no_grad()
    def show(self, average: bool) -> None:
        """Put the average, or the trained weights, into the module, and keep the other of the two aside."""
        if self.shown == average:
            return
        trained = self.trained
        kept = [weight.clone() for weight in trained]
        torch._foreach_copy_(trained, self.spare)
        torch._foreach_copy_(self.spare, kept)
        self.shown = average


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


@dataclass
class Recipe:
    """Recipe of one training, around the steps of the optimiser.

    Parameters
    ----------
    schedule : Schedule or None
        Schedule of the learning rate.
    max_grad_norm : float or None
        Largest norm of the gradient of all weights together; a longer gradient is scaled down.
    l1 : float
        λ of a penalty λ Σ|w| on the weights of matrices and kernels, but not on biases and scales. It is added to the
        gradient after the clipping, and not to the recorded loss, as the L2 term of the optimisers.
    average_decay : float
        Decay of the moving average of the weights; 0 for none.
    fading_epochs : int or None
        Epochs of the whole training in whose second half dropout and weight decay fall to zero; None keeps them.

    References
    ----------
    Pascanu, Mikolov and Bengio, arXiv:1211.5063 (clipping).
    """

    schedule: Schedule | None = None
    max_grad_norm: float | None = None
    l1: float = 0.0
    average_decay: float = 0.0
    fading_epochs: int | None = None
    _epoch: int = 0  # goes on counting over several trainings with one recipe

    @property
    def has_ended(self) -> bool:
        """Return whether the schedule has reached the end of the learning rate, so that more epochs change nothing."""
        schedule = self.schedule
        return schedule is not None and schedule.name in ENDING and self._epoch >= schedule.epochs

    def state(self) -> dict[str, Any]:
        """State for a checkpoint between two epochs."""
        average, schedule = self._average, self.schedule
        return {
            "epoch": self._epoch,
            "schedule": None if schedule is None else schedule.state(),
            "average": None if average is None else {"spare": average.spare, "n_steps": average.n_steps},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` has given, once the training has begun; the module holds the average."""
        self._epoch = state["epoch"]
        if self.schedule is not None:
            self.schedule.restore(state["schedule"])
        if self._average is not None:
            torch._foreach_copy_(self._average.spare, state["average"]["spare"])
            self._average.n_steps, self._average.shown = state["average"]["n_steps"], True

    def begin(self, module: nn.Module, optimizer: torch.optim.Optimizer, lr: float) -> None:
        """Prepare the training of ``module`` from its present weights."""
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self._matrices = [p for p in self.parameters if p.ndim > 1]
        self._optimizer, self._lr, self.lr = optimizer, lr, lr
        self._dropouts = [(one, one.p) for one in module.modules() if isinstance(one, Dropout)]
        self._decays = [(group, group["weight_decay"]) for group in optimizer.param_groups if "weight_decay" in group]
        self._average = WeightAverage(self.average_decay, self.parameters) if self.average_decay else None
        self.gradients = Gradients(module)

    def end(self) -> None:
        """Drop what belongs to this training alone, and should not be pickled."""
        if self.schedule is not None:
            self._set_lr(self._lr)
        if self.fading_epochs is not None:
            self._fade(1.0)
        del self.parameters, self._matrices, self._optimizer, self._average, self.gradients
        del self._dropouts, self._decays

    def begin_epoch(self, n_batches: int) -> None:
        """Prepare for the steps of an epoch."""
        self._step, self._n_batches = 0, n_batches
        if self._average is not None:
            self._average.show(False)

    def before_step(self) -> None:
        """Set the learning rate, dropout and weight decay."""
        t = self._epoch + min(1.0, self._step / self._n_batches)  # other processes may have one more
        if self.schedule is not None:
            self._set_lr(self._lr * self.schedule.factor(t))
        if self.fading_epochs is not None:
            self._fade(flat_cosine(t / self.fading_epochs))
        self._step += 1
        self._looks = self._step == (self._n_batches + 1) // 2  # at a full batch, if there is more than one

    def _set_lr(self, lr: float) -> None:
        self.lr = lr
        for group in self._optimizer.param_groups:
            group["lr"] = lr * group.get("lr_factor", 1.0)

    def _fade(self, factor: float) -> None:
        for layer, p in self._dropouts:
            layer.p = factor * p
        for group, decay in self._decays:
            group["weight_decay"] = factor * decay

    @property
    def reads_gradients(self) -> bool:
        """Return whether `after_backward` does anything in this step."""
        return self._looks or self.max_grad_norm is not None or self.l1 > 0

    def after_backward(self, n_events: int) -> None:
        """Clip the gradients of a batch and add the L1 term; in the middle of the epoch, look at them before."""
        if self._looks:
            self.gradients.look(n_events)
        if self.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.max_grad_norm)
        if self.l1:
            self._add_l1()

    @torch.no_grad()
    def _add_l1(self) -> None:
        for matrix in self._matrices:
            if matrix.grad is not None:
                matrix.grad.add_(matrix.sign(), alpha=self.l1)

    def after_step(self) -> None:
        """Drop the gradients and update the average."""
        for parameter in self.parameters:
            parameter.grad = None
        if self._average is not None:
            self._average.update()

    def end_steps(self) -> None:
        """Show the average before the validation: it is watched, kept and used to predict."""
        if self._average is not None:
            self._average.show(True)

    def end_epoch(self, history: Any, cost: float) -> None:
        """Count the epoch, whose cost the schedule may follow; record its last learning rate and its gradient norm."""
        self._epoch += 1
        if self.schedule is not None:
            self.schedule.end_epoch(cost)
        history.record("lr", float(self._optimizer.param_groups[0]["lr"]))
        if (norm := self.gradients.read()) is not None:
            history.record("gradient_norm", norm)
