"""Networks of one shape trained in one pass: their matrix products are batched, all else is of each by itself."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ..nn import can_be_stacked, has_onednn, is_wide, stacked
from ._batches import TensorData
from ._callbacks import wants_batch_events
from ._distributed import ALONE
from ._losses import WeightedLoss
from ._monitor import StopTraining
from ._net import Net
from ._optimizers import OPTIMIZERS


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
            and len(net.optimizer_.param_groups) == 1
            and not any(arguments.get(name) for name in ("bfloat16", "compiled", "checkpoint"))
            and not any(wants_batch_events(one) or getattr(one, "is_shown", False) for one in observers)
            and getattr(arguments.get("recipe"), "fading_epochs", None) is None
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
            and all(getattr(one, name) == getattr(two, name) for name in ("batch_size", "device"))
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
        found = [_error_alone(group[0])] if len(group) == 1 else _Pass(group).run()
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
            if group[0].is_like(training):
                group.append(training)
                break
        else:
            groups.append([training])
    return groups


def _loss_of(net: Net) -> Any:
    return net.criterion_.name, net.criterion_.parameters_of_loss


class _Member:
    """One of the nets, and the state of its training."""

    def __init__(self, training: Training) -> None:
        self.net, self.arguments = training.net, training.arguments
        self.error: Exception | None = None
        self.epochs = 0
        self.stack = ExitStack()
        self.parameters = list(self.net.module_.parameters())
        self.row = nn.Parameter(torch.cat([one.detach().flatten() for one in self.parameters]))
        self.gradients: list[Tensor] = []
        self.losses: list[Tensor] = []
        self.sizes: list[int] = []

    def views(self, flat: Tensor) -> list[Tensor]:
        """Views of the parameters in a row of all of them."""
        parts = flat.split([one.numel() for one in self.parameters])
        return [part.view(one.shape) for part, one in zip(parts, self.parameters, strict=True)]

    def move_to(self, flat: Tensor, gradient: Tensor) -> None:
        """Let the weights stand in a row of all weights, and in another one their gradients."""
        flat.copy_(self.row.detach())
        self.row.data, self.gradients = flat, self.views(gradient)
        for parameter, view in zip(self.parameters, self.views(flat), strict=True):
            parameter.data = view

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """End this training alone after an error in what it does by itself."""
        try:
            yield
        except Exception as error:
            self.error, self.epochs = error, 0
            with suppress(Exception):  # which is the same one
                self.stack.__exit__(type(error), error, error.__traceback__)

    def begin(self) -> None:
        """Begin the training."""
        data, valid, self.epochs = self.stack.enter_context(self.net.in_training(**self.arguments))
        self.settings = self.net.optimizer_.param_groups[0]
        self.fixed = tuple((name, one) for name, one in self.settings.items() if name not in ("params", "lr"))
        self.epoch_of = {"dataset_train": data, "dataset_valid": valid}
        self.iterator = self.net.get_iterator(data, training=True)
        self.valid = None if valid is None else self.net.get_iterator(valid, training=False)

    def begin_epoch(self) -> None:
        """Begin an epoch."""
        self.net.notify("on_epoch_begin", **self.epoch_of)
        self.net._recipe.begin_epoch(len(self.iterator))
        self.batches, self.began = iter(self.iterator), time.perf_counter()
        self.losses, self.sizes = [], []

    def end_epoch(self) -> None:
        """End an epoch, and the training if no other one follows."""
        self.epochs -= 1
        self.net.end_training_epoch(self.losses, self.sizes, self.began)
        self.net.run_single_epoch(self.valid, False, "valid", self.net.validation_step)
        try:
            self.net.notify("on_epoch_end", **self.epoch_of)
        except StopTraining:
            self.epochs = 0
        if self.epochs <= 0:
            self.stack.close()

    def before_step(self) -> None:
        """Prepare a step; ``group`` is then equal for members that share the settings of the optimiser."""
        self.net._recipe.before_step()
        self.group = (self.fixed, self.settings["lr"])

    def after_backward(self, n_events: int) -> None:
        """Let the recipe change the gradients."""
        if self.net._recipe.reads_gradients:
            for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
                parameter.grad = gradient
            self.net._recipe.after_backward(n_events)

    def end(self, state: dict[str, Any]) -> None:
        """Give the weights and the state of the optimiser back to the net."""
        pieces = {name: self.views(value) for name, value in state.items() if value.shape == self.row.shape}
        for i, parameter in enumerate(self.parameters):
            parameter.data, parameter.grad = parameter.detach().clone(), None
            of_all = {name: value.clone() for name, value in state.items() if name not in pieces}
            if state:
                self.net.optimizer_.state[parameter] = of_all | {name: one[i].clone() for name, one in pieces.items()}

    def state(self) -> dict[str, Any]:
        """State of the optimiser from an earlier training, of all weights in a row."""
        known = [self.net.optimizer_.state.get(parameter, {}) for parameter in self.parameters]
        return {
            name: torch.cat([one[name].flatten() for one in known])
            if value.shape == self.parameters[0].shape
            else value.clone()
            for name, value in known[0].items()
        }


class _Pass:
    """Training of several nets in one pass.

    The weights of a net stand in one row, and its parameters are views of it. So the optimiser, in one call for all
    nets that have its settings in common, sees one parameter for each net, and skips those without a gradient; and all
    that a net does by itself (validation, best weights, averages, history) goes on as alone.
    """

    def __init__(self, trainings: list[Training]) -> None:
        self.members = [_Member(training) for training in trainings]
        first = self.members[0].net
        self.loss = first.criterion_
        # settings come from each net in each step
        self.optimizer: Any = type(first.optimizer_)([member.row for member in self.members])
        self.optimizer.state.update({one.row: state for one in self.members if (state := one.state())})

    def run(self) -> list[Exception | None]:
        """Train until the last net has stopped, and return the error of each."""
        everyone, going = list(self.members), list(self.members)
        try:
            self._pack(going)
            for member in everyone:
                with member.by_itself():
                    member.begin()
            while going := [member for member in going if member.epochs > 0]:
                if len(going) < len(self.members):
                    self._pack(going)
                self._run_epoch()
                for member in going:
                    with member.by_itself():
                        member.end_epoch()
        except BaseException as error:
            for member in everyone:  # which restores the best weights, and closes what was opened
                with suppress(type(error)):
                    member.stack.__exit__(type(error), error, error.__traceback__)
            raise
        finally:
            for member in everyone:
                member.stack.close()
                member.end(dict(self.optimizer.state.get(member.row, {})))
        return [member.error for member in everyone]

    def _pack(self, members: list[_Member]) -> None:
        """Let the weights of those that go on stand side by side."""
        self.members, first = members, members[0]
        flat = torch.empty(len(members), first.row.numel(), device=first.row.device)
        self.gradients = torch.empty_like(flat)
        for member, row, gradient in zip(members, flat, self.gradients, strict=True):
            member.move_to(row, gradient)
        self.leaves = self._leaves(flat)
        self.views = self._leaves(self.gradients)
        self.module = self._stacked(members, self.leaves)

    def _leaves(self, flat: Tensor) -> list[Tensor]:
        first = self.members[0].parameters
        parts = flat.split([one.numel() for one in first], dim=1)
        return [part.unflatten(1, one.shape).detach() for part, one in zip(parts, first, strict=True)]

    def _stacked(self, members: list[_Member], leaves: list[Tensor]) -> nn.Module:
        for leaf in leaves:
            leaf.requires_grad_()
        known = dict(zip(map(id, members[0].parameters), leaves, strict=True))
        return stacked([member.net.module_ for member in members], lambda parameter: known[id(parameter)])

    def _run_epoch(self) -> None:
        for member in self.members:
            member.begin_epoch()
        while True:
            batches = [next(member.batches, None) for member in self.members]
            sizes = [0 if batch is None else len(batch[1]) for batch in batches]
            if not any(sizes):
                return
            self._step(batches, sizes)

    def _step(self, batches: list[Any], sizes: list[int]) -> None:
        """Make a step of every member that has a batch left; those with batches of one size share the products."""
        stepping = [member for member, size in zip(self.members, sizes, strict=True) if size]
        for member in stepping:
            member.before_step()
        for size in sorted(set(sizes) - {0}):
            chosen = [i for i, one in enumerate(sizes) if one == size]
            losses = self._differentiate(chosen, [batches[i] for i in chosen])
            for i, loss in zip(chosen, losses, strict=True):
                self.members[i].losses.append(loss)
                self.members[i].sizes.append(size)
        for member, size, gradient in zip(self.members, sizes, self.gradients, strict=True):
            member.row.grad = gradient if size else None
            if size:
                member.after_backward(size)
        self._apply(stepping)
        for member in stepping:
            member.net._recipe.after_step()

    def _differentiate(self, chosen: list[int], batches: list[Any]) -> Tensor:
        """Compute losses ``(k,)`` and gradients of members for batches of one size."""
        everyone = len(chosen) == len(self.members)
        leaves, module = self.leaves, self.module
        if not everyone:
            leaves = [leaf.detach()[chosen] for leaf in self.leaves]
            module = self._stacked([self.members[i] for i in chosen], leaves)
        x = torch.stack([inputs[0] for (inputs, _), _ in batches])
        target = torch.cat([target for _, target in batches])
        output = module(x)
        loss = self.loss.per_event(output.flatten(0, 1), target).view(len(x), -1)
        if batches[0][0][1] is not None:
            loss = loss * torch.stack([weight for (_, weight), _ in batches])
        losses = loss.mean(1)
        gradients = torch.autograd.grad(losses.sum(), leaves)
        if everyone:
            torch._foreach_copy_(self.views, gradients)
        else:
            for view, gradient in zip(self.views, gradients, strict=True):
                view[chosen] = gradient
        return losses.detach()

    def _apply(self, members: list[_Member]) -> None:
        """Step with the optimiser: one group for all members whose settings are equal."""
        groups: dict[Any, dict[str, Any]] = {}
        for member in members:
            group = groups.setdefault(member.group, {**member.settings, "params": []})
            group["params"].append(member.row)
        self.optimizer.param_groups = list(groups.values())
        self.optimizer.step()
