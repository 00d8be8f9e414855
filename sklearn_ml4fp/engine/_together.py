"""Networks of one shape trained in one pass: their matrix products are batched, all else is of each by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ..nn import can_be_stacked, has_onednn, is_wide, takes_events_apart
from ._batches import TensorData
from ._distributed import ALONE
from ._losses import WeightedLoss
from ._monitor import wants_batch_events
from ._net import Net
from ._optimizers import OPTIMIZERS
from ._pass import Pass

_LEAST_SHARE = 0.8  # of events in a batch that is filled up with zeros to the size of another one
# Bytes of weights, gradients and the state of an optimiser that a step goes through on a processor: half of a cache of
# 32 MiB. With 32 networks of 3 x 256 in one pass, which take four times as much, it was slower than each alone.
_CACHE = 2**24
_COPIES = 4  # the weights, their gradients, and the two moments of Adam


@dataclass(eq=False)
class Training:
    """Training of a net that is prepared.

    Parameters
    ----------
    net : Net
        Net to be trained.
    arguments : dict
        Arguments of `Net.train`.
    """

    net: Net
    arguments: dict[str, Any]

    @property
    def memory(self) -> float:
        """Bytes of its events; infinite if it can share no pass."""
        parts = [self.arguments["data"], self.arguments["valid"]] if self.is_stackable else []
        return sum(x.nbytes for part in parts if part is not None for x in part.tensors) if parts else math.inf

    @cached_property
    def is_stackable(self) -> bool:
        """Whether a pass can be shared with others."""
        net, arguments = self.net, self.arguments
        data = arguments["data"]
        observers = [*(callback for _, callback in net.callbacks_), *arguments.get("observers", ())]
        return (
            type(data) is TensorData
            and len(data.inputs) == 1
            and data.inputs[0].ndim == 2
            and isinstance(net.criterion_, WeightedLoss)
            and type(net.optimizer_) in OPTIMIZERS.values()  # which act on each weight by itself
            and not any(arguments.get(name) for name in ("bfloat16", "compiled", "checkpoint"))
            and not wants_batch_events(observers)
            and not any(getattr(one, "is_shown", False) for one in observers)
            and arguments.get("processes", ALONE).n == 1
            and all(parameter.requires_grad for parameter in net.module_.parameters())
            and can_be_stacked([net.module_])
            and (has_onednn() or not is_wide(net.module_, int(net.batch_size)))
        )

    def is_like(self, other: Training) -> bool:
        """Whether the two can share a pass."""
        (one, has), (two, also) = (self.net, self.arguments), (other.net, other.arguments)
        return (
            self.is_stackable
            and other.is_stackable
            and can_be_stacked([one.module_, two.module_])
            and _loss_of(one) == _loss_of(two)
            and one.device == two.device
            and _can_share_batches(one, two)
            and type(one.optimizer_) is type(two.optimizer_)
            and (has["data"].weight is None) == (also["data"].weight is None)
        )


def train_together(trainings: Sequence[Training]) -> list[Exception | None]:
    """Train nets, those that allow it in one pass, with the same result as one after another, to rounding.

    Parameters
    ----------
    trainings : sequence of Training
        Nets, and the arguments of `Net.train`.

    Returns
    -------
    list of Exception or None
        Error of each; that of one leaves the others alone.
    """
    errors: dict[int, Exception | None] = {}
    for group in _groups(trainings):
        found = [_error_alone(group[0])] if len(group) == 1 else Pass([(one.net, one.arguments) for one in group]).run()
        errors.update(zip(map(id, group), found, strict=True))
    return [errors[id(training)] for training in trainings]


def _error_alone(training: Training) -> Exception | None:
    try:
        training.net.train(**training.arguments)
    except Exception as error:
        return error
    return None


def _groups(trainings: Sequence[Training]) -> list[list[Training]]:
    """Sort trainings into those that can share a pass."""
    groups: list[list[Training]] = []
    for training in trainings:
        for group in groups:
            if group[0].is_like(training) and _has_room(group):
                group.append(training)
                break
        else:
            groups.append([training])
    return groups


def _has_room(group: Sequence[Training]) -> bool:
    """Return whether a pass may take in one more."""
    net, n_threads = group[0].net, torch.get_num_threads()
    size = _COPIES * sum(parameter.nbytes for parameter in net.module_.parameters())
    of_each_thread = -(-max(1, _CACHE // size) // n_threads)  # rounded up, so that all have as many
    return torch.device(net.device).type != "cpu" or len(group) < n_threads * of_each_thread


def _can_share_batches(one: Net, two: Net) -> bool:
    """Whether batches have one size, or may be filled up, as those of folds that differ in a few events."""
    small, large = sorted((int(one.batch_size), int(two.batch_size)))
    return small == large or (
        small >= _LEAST_SHARE * large and all(takes_events_apart(net.module_) for net in (one, two))
    )


def _loss_of(net: Net) -> Any:
    return net.criterion_.name, net.criterion_.parameters_of_loss
