"""One pass over the events of several nets: their matrix products are batched, all else is of each by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from ..nn import DenseStack, stacked, takes_events_apart
from ._batch_losses import BatchLosses
from ._monitor import StopTraining
from ._net import Net
from ._row_optimizer import RowOptimizer

_PIECE = 2**20  # bytes of a net's events that are shuffled at a time, and stand side by side with those of the others


class Member:
    """One of the nets, and the state of its training."""

    def __init__(self, net: Net, arguments: dict[str, Any]) -> None:
        self.net, self.arguments = net, arguments
        self.error: Exception | None = None
        self.epochs = 0
        self.stack = ExitStack()
        self.parameters = list(self.net.module_.parameters())
        self.row = nn.Parameter(torch.cat([one.detach().flatten() for one in self.parameters]))

    def views(self, flat: Tensor) -> list[Tensor]:
        """Views of the parameters in a row of all of them."""
        parts = flat.split([one.numel() for one in self.parameters])
        return [part.view(one.shape) for part, one in zip(parts, self.parameters, strict=True)]

    def move_to(self, flat: Tensor, gradient: Tensor) -> None:
        """Let the weights stand in a row of all weights, and in another one their gradients."""
        flat.copy_(self.row.detach())
        self.row.data, self.gradient, self.gradients = flat, gradient, self.views(gradient)
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
        self.epoch_of = {"dataset_train": data, "dataset_valid": valid}
        self.iterator = self.net.get_iterator(data, training=True)
        self.valid = None if valid is None else self.net.get_iterator(valid, training=False)

    def begin_epoch(self, n_batches: int) -> None:
        """Begin an epoch, whose events come in pieces of so many batches."""
        self.net.notify("on_epoch_begin", **self.epoch_of)
        self.recipe, self.began = self.net._recipe, time.perf_counter()
        self.recipe.begin_epoch(len(self.iterator))
        self.pieces = self.iterator.pieces(n_batches)

    def end_epoch(self, losses: Tensor) -> None:
        """End an epoch of batches with these losses, and the training if no other one follows."""
        self.epochs -= 1
        size, n = self.iterator.batch_size, len(self.iterator)
        sizes = [size] * (n - 1) + [len(self.iterator.data) - size * (n - 1)]
        self.net.end_training_epoch(BatchLosses.of(losses[:n], sizes), self.began)
        self.net.run_single_epoch(self.valid, False, "valid", self.net.validation_step)
        try:
            self.net.notify("on_epoch_end", **self.epoch_of)
        except StopTraining:
            self.epochs = 0
        if self.epochs <= 0:
            self.stack.close()

    def after_backward(self, n_events: int) -> None:
        """Let the recipe change the gradients."""
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient
        self.recipe.after_backward(n_events)
        for parameter in self.parameters:
            parameter.grad = None

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


class Pass:
    """Training of several nets in one pass.

    The weights of a net stand in one row, and its parameters are views of it. So the optimiser sees one parameter for
    each net; and all that a net does by itself (validation, best weights, averages, history) goes on as alone.

    Parameters
    ----------
    trainings : sequence of (Net, dict)
        Nets, and the arguments of `Net.train`.
    """

    def __init__(self, trainings: Sequence[tuple[Net, dict[str, Any]]]) -> None:
        self.members = [Member(*training) for training in trainings]
        first = self.members[0].net
        self.loss = first.criterion_
        self.optimizer = RowOptimizer(type(first.optimizer_), self.members)

    def run(self) -> list[Exception | None]:
        """Train until the last net has stopped, and return the error of each."""
        everyone, going = list(self.members), list(self.members)
        try:
            self._pack(going)
            for member in everyone:
                with member.by_itself():
                    member.begin()
            while going := self._begin_epoch(going):
                for member, losses in zip(going, self._run_epoch(), strict=True):
                    with member.by_itself():
                        member.end_epoch(losses)
        except BaseException as error:
            for member in everyone:  # which restores the best weights, and closes what was opened
                with suppress(type(error)):
                    member.stack.__exit__(type(error), error, error.__traceback__)
            raise
        finally:
            for member in everyone:
                member.stack.close()
                member.end(self.optimizer.state_of(member))
        return [member.error for member in everyone]

    def _begin_epoch(self, members: list[Member]) -> list[Member]:
        """Begin an epoch of those that go on, and return them."""
        data = members[0].arguments["data"]
        n_batches = max(1, _PIECE // max(1, data.bytes_of(int(members[0].net.batch_size))))
        for member in members:
            if member.epochs > 0:
                with member.by_itself():
                    member.begin_epoch(n_batches)
        going = [member for member in members if member.epochs > 0]
        if 0 < len(going) < len(self.members):
            self._pack(going)
        return going

    def _pack(self, members: list[Member]) -> None:
        """Let the weights of those that go on stand side by side."""
        self.members, first = members, members[0]
        flat = torch.empty(len(members), first.row.numel(), device=first.row.device)
        gradients = torch.empty_like(flat)
        for member, row, gradient in zip(members, flat, gradients, strict=True):
            member.move_to(row, gradient)
        self.leaves = self._leaves(flat)
        self.views = self._leaves(gradients)
        self.module = self._stacked(members, self.leaves)
        self.batch_sizes = [int(member.net.batch_size) for member in members]
        self.can_pad = all(takes_events_apart(member.net.module_) for member in members)

    def _leaves(self, flat: Tensor) -> list[Tensor]:
        first = self.members[0].parameters
        parts = flat.split([one.numel() for one in first], dim=1)
        return [part.unflatten(1, one.shape).detach() for part, one in zip(parts, first, strict=True)]

    def _stacked(self, members: list[Member], leaves: list[Tensor]) -> nn.Module:
        for leaf in leaves:
            leaf.requires_grad_()
        known = dict(zip(map(id, members[0].parameters), leaves, strict=True))
        return stacked([member.net.module_ for member in members], lambda parameter: known[id(parameter)])

    def _run_epoch(self) -> Tensor:
        """Run an epoch, and return the losses of its batches ``(k, n_batches)``; those that a net lacks are zero."""
        losses = []
        self.optimizer.forget()
        while any(pieces := [next(member.pieces, []) for member in self.members]):
            lengths = [len(piece[0]) if piece else 0 for piece in pieces]
            events = _side_by_side(pieces, self.batch_sizes)
            for step in range(events[0].shape[1]):
                each = zip(lengths, self.batch_sizes, strict=True)
                sizes = [min(size, max(0, length - step * size)) for length, size in each]
                losses.append(self._step([tensor[:, step] for tensor in events], sizes))
        return torch.stack(losses, dim=1)

    def _step(self, events: list[Tensor], sizes: list[int]) -> Tensor:
        """Make a step of each net that has a batch left, and return the losses.

        All share the products if their batches have one size, or if most have a batch and events are of no effect on
        each other, so that zeros fill the shorter ones; else those of one size do.

        Parameters
        ----------
        events : list of Tensor of shape (k, n_events, ...)
            Inputs, targets, and weights if there are any; zeros after the end of a shorter batch.
        sizes : list of int
            Numbers of events.
        """
        stepping = [(member, size) for member, size in zip(self.members, sizes, strict=True) if size]
        for member, _ in stepping:
            member.recipe.before_step()
        if sizes.count(sizes[0]) == len(sizes) or (self.can_pad and 2 * len(stepping) > len(sizes)):
            n = max(sizes)
            of_longest = events if n == events[0].shape[1] else [tensor[:, :n] for tensor in events]
            losses, gradients = self._differentiate(self.module, self.leaves, of_longest, sizes)
            torch._foreach_copy_(self.views, gradients)
        else:
            losses = self.leaves[0].new_zeros(len(sizes))
            for size in sorted(set(sizes) - {0}):
                chosen = [i for i, one in enumerate(sizes) if one == size]
                leaves = [leaf.detach()[chosen] for leaf in self.leaves]
                module = self._stacked([self.members[i] for i in chosen], leaves)
                of_size = [tensor[chosen, :size] for tensor in events]
                losses[chosen], gradients = self._differentiate(module, leaves, of_size, [size] * len(chosen))
                for view, gradient in zip(self.views, gradients, strict=True):
                    view[chosen] = gradient
        for member, size in stepping:
            if member.recipe.reads_gradients:
                member.after_backward(size)
        self.optimizer.step([member for member, _ in stepping])
        for member, _ in stepping:
            if member.recipe.average_decay:
                member.recipe.after_step()
        return losses

    def _differentiate(
        self, module: nn.Module, leaves: list[Tensor], events: list[Tensor], sizes: list[int]
    ) -> tuple[Tensor, list[Tensor]]:
        """Compute losses ``(k,)`` and gradients for batches of these sizes."""
        output, target = module(events[0]).flatten(0, 1), events[1].flatten(0, 1)
        share = _shares(tuple(sizes), events[0].shape[1], output.dtype, output.device)
        if len(events) > 2:
            share = share * events[2].flatten()
        if isinstance(module, DenseStack):
            loss, gradient = self.loss.with_gradient(output, target, share)
            gradients = module.gradients(gradient.view(len(sizes), -1, gradient.shape[1]))
        else:
            loss = self.loss.per_event(output, target)
            gradients = list(torch.autograd.grad(loss, leaves, share))
        return (loss.detach() * share).view(len(sizes), -1).sum(1), gradients


@lru_cache(maxsize=8)
def _shares(sizes: tuple[int, ...], longest: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Share ``(k · longest,)`` of each event in the mean loss of its net; zero after the end of a shorter batch."""
    n = torch.tensor(sizes, device=device)[:, None]
    return ((torch.arange(longest, device=device) < n) / n.clamp(min=1).to(dtype)).flatten()


def _side_by_side(pieces: list[list[Tensor]], batch_sizes: list[int]) -> list[Tensor]:
    """Put batches of all nets side by side, ``(k, n_batches, n_events, ...)``, with zeros where there are no events."""
    longest, first = max(batch_sizes), next(piece for piece in pieces if piece)
    n_batches = max(-(-len(piece[0]) // size) for piece, size in zip(pieces, batch_sizes, strict=True) if piece)
    joined = [tensor.new_zeros(len(pieces), n_batches, longest, *tensor.shape[1:]) for tensor in first]
    for i, (piece, size) in enumerate(zip(pieces, batch_sizes, strict=True)):
        for of_all, tensor in zip(joined, piece, strict=False):
            n, rest = divmod(len(tensor), size)
            of_all[i, :n, :size] = tensor[: n * size].unflatten(0, (n, size))
            if rest:
                of_all[i, n, :rest] = tensor[n * size :]
    return joined
