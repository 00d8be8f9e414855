"""Nets whose weights stand side by side, so that all of them make a step at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from ..nn import DenseStack, stacked, takes_events_apart
from ._batch_losses import BatchLosses
from ._monitor import StopTraining
from ._net import Net
from ._row_optimizer import Row, RowOptimizer


class Member:
    """One of the nets, and the state of its training."""

    def __init__(self, net: Net, arguments: dict[str, Any]) -> None:
        self.net, self.arguments = net, arguments
        self.error: Exception | None = None
        self.epochs = 0
        self.stack = ExitStack()
        optimizer = self.net.optimizer_
        self.rows = [Row(optimizer, group) for group in optimizer.param_groups if group["params"]]
        self.parameters = [parameter for row in self.rows for parameter in row.parameters]

    @property
    def n_weights(self) -> int:
        """Number of all weights."""
        return sum(row.values.numel() for row in self.rows)

    def move_to(self, flat: Tensor, gradient: Tensor) -> None:
        """Let the weights stand in a row of all weights, and in another one their gradients."""
        sizes = [row.values.numel() for row in self.rows]
        self.gradients = []
        for row, values, gradients in zip(self.rows, flat.split(sizes), gradient.split(sizes), strict=True):
            row.move_to(values, gradients)
            self.gradients += row.views(gradients)

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


class Pack:
    """Nets that make a step at once: their matrix products are batched, all else is of each by itself.

    The weights of a net stand in one row, group after group of its optimiser, and its parameters are views of it. So
    the optimiser sees one parameter for each group.

    Parameters
    ----------
    members : list of Member
        Nets that train.
    states : dict of Parameter to dict
        State of the optimiser of each row.
    """

    def __init__(self, members: list[Member], states: dict[Any, dict[str, Any]]) -> None:
        self.members, first = members, members[0]
        self.loss = first.net.criterion_
        self.stops = False  # set by another thread, in the middle of an epoch
        kind = type(first.net.optimizer_)
        self.optimizer = RowOptimizer(kind, [row for member in members for row in member.rows], states)
        flat = torch.empty(len(members), first.n_weights, device=first.parameters[0].device)
        gradients = torch.empty_like(flat)
        for member, row, gradient in zip(members, flat, gradients, strict=True):
            member.move_to(row, gradient)
        self.leaves = self._leaves(flat)
        for leaf, view in zip(self.leaves, self._leaves(gradients), strict=True):
            leaf.grad = view
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

    def run_epoch(self) -> Tensor:
        """Run an epoch, and return the losses of its batches ``(k, n_batches)``; those that a net lacks are zero."""
        losses = []
        self.optimizer.forget()
        while any(pieces := [next(member.pieces, []) for member in self.members]):
            lengths = [len(piece[0]) if piece else 0 for piece in pieces]
            events = _side_by_side(pieces, self.batch_sizes)
            for step in range(events[0].shape[1]):
                if self.stops:
                    raise StopTraining
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
            losses = self._differentiate(self.module, self.leaves, of_longest, sizes)
        else:
            losses = self.leaves[0].new_zeros(len(sizes))
            for size in sorted(set(sizes) - {0}):
                chosen = [i for i, one in enumerate(sizes) if one == size]
                leaves = [leaf.detach()[chosen] for leaf in self.leaves]
                for leaf in leaves:
                    leaf.grad = torch.empty_like(leaf)
                module = self._stacked([self.members[i] for i in chosen], leaves)
                of_size = [tensor[chosen, :size] for tensor in events]
                losses[chosen] = self._differentiate(module, leaves, of_size, [size] * len(chosen))
                for leaf, copy in zip(self.leaves, leaves, strict=True):
                    _gradient_of(leaf)[chosen] = _gradient_of(copy)
        for member, size in stepping:
            if member.recipe.reads_gradients:
                member.after_backward(size)
        self.optimizer.step([row for member, _ in stepping for row in member.rows])
        for member, _ in stepping:
            if member.recipe.average_decay:
                member.recipe.after_step()
        return losses

    def _differentiate(self, module: nn.Module, leaves: list[Tensor], events: list[Tensor], sizes: list[int]) -> Tensor:
        """Compute losses ``(k,)`` for batches of these sizes, and the gradients of the leaves as their ``grad``."""
        output, target = module(events[0]).flatten(0, 1), events[1].flatten(0, 1)
        share = _shares(tuple(sizes), events[0].shape[1], output.dtype, output.device)
        if len(events) > 2:
            share = share * events[2].flatten()
        if isinstance(module, DenseStack):
            loss, gradient = self.loss.with_gradient(output, target, share)
            module.differentiate(gradient.view(len(sizes), -1, gradient.shape[1]))
        else:
            loss = self.loss.per_event(output, target)
            gradients = torch.autograd.grad(loss, leaves, share)
            torch._foreach_copy_([_gradient_of(leaf) for leaf in leaves], gradients)
        return (loss.detach() * share).view(len(sizes), -1).sum(1)


def _gradient_of(leaf: Tensor) -> Tensor:
    assert leaf.grad is not None
    return leaf.grad


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
