"""Optimiser of several nets, for which all weights of a net with the same settings are one parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# the kernels behind the fused optimisers, without the work that torch does around them for each parameter in each step
_KERNELS = {torch.optim.Adam: torch._fused_adam_, torch.optim.AdamW: torch._fused_adamw_}

# settings that a recipe may change from step to step
_CHANGING = ("lr", "weight_decay")


class Row:
    """Weights of a net that have the same settings in its optimiser, in a row.

    Parameters
    ----------
    optimizer : Optimizer
        Optimiser of the net.
    settings : dict
        One of its groups of parameters.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, settings: dict[str, Any]) -> None:
        self.settings, self.parameters = settings, settings["params"]
        self._optimizer = optimizer
        self.values = nn.Parameter(torch.cat([one.detach().flatten() for one in self.parameters]))

    def views(self, flat: Tensor) -> list[Tensor]:
        """Views of the parameters in a row of all of them."""
        parts = flat.split([one.numel() for one in self.parameters])
        return [part.view(one.shape) for part, one in zip(parts, self.parameters, strict=True)]

    def move_to(self, flat: Tensor, gradient: Tensor) -> None:
        """Let the weights stand in a row, and their gradients in another one."""
        flat.copy_(self.values.detach())
        self.values.data, self.gradient = flat, gradient
        for parameter, view in zip(self.parameters, self.views(flat), strict=True):
            parameter.data = view

    def state(self) -> dict[str, Any]:
        """State of the optimiser from an earlier training, of all weights in a row."""
        known = [self._optimizer.state.get(parameter, {}) for parameter in self.parameters]
        return {
            name: torch.cat([one[name].flatten() for one in known])
            if value.shape == self.parameters[0].shape
            else value.clone()
            for name, value in known[0].items()
        }

    def end(self, state: dict[str, Any]) -> None:
        """Give the weights and the state of the optimiser back to the net."""
        pieces = {name: self.views(value) for name, value in state.items() if value.shape == self.values.shape}
        for i, parameter in enumerate(self.parameters):
            parameter.data, parameter.grad = parameter.detach().clone(), None
            of_all = {name: value.clone() for name, value in state.items() if name not in pieces}
            if state:
                self._optimizer.state[parameter] = of_all | {name: one[i].clone() for name, one in pieces.items()}


class RowOptimizer:
    """Optimiser of rows, each with the settings of its own net, which may change from step to step.

    Parameters
    ----------
    kind : type
        Optimiser of torch that acts on each weight by itself.
    rows : sequence of Row
        Weights of all nets.
    states : dict of Parameter to dict
        State of each row, which its values find.
    """

    def __init__(
        self, kind: type[torch.optim.Optimizer], rows: Sequence[Row], states: dict[Any, dict[str, Any]]
    ) -> None:
        make: Any = kind
        self._optimizer = make([row.values for row in rows])
        self._optimizer.state = states
        self._kernel: Any = _KERNELS.get(kind)
        self._groups: list[_Group] = []
        self._present: tuple[Any, ...] = ()

    def forget(self) -> None:
        """Forget where rows and settings are: they may have been changed, more than a recipe does in a step."""
        self._present = ()

    def step(self, rows: Sequence[Row]) -> None:
        """Make a step of these rows, in one call for those whose settings are equal."""
        present = tuple(map(id, rows))
        if present != self._present or not all(map(_take_settings, self._groups)):
            self._present = present
            self._regroup(rows)
        for group in self._groups:
            if group.tensors:
                self._by_kernel(group)
            else:
                self._by_torch(group)

    def _regroup(self, rows: Sequence[Row]) -> None:
        self._groups = []
        for row in rows:
            settings = {name: value for name, value in row.settings.items() if name not in ("params", "lr_factor")}
            for group in self._groups:
                if settings == group.settings:
                    group.rows.append(row)
                    break
            else:
                self._groups.append(_Group([row], settings))
        for group in self._groups:
            self._prepare(group)

    def _prepare(self, group: _Group) -> None:
        """Gather the arguments of the kernel, if there is one and torch has made the state in a first step."""
        states = [self._optimizer.state.get(row.values) for row in group.rows]
        settings = group.settings
        if self._kernel is None or not all(states) or not settings["fused"] or settings["amsgrad"]:
            return
        group.counts = torch.stack([state["step"] for state in states])  # to be raised at once
        for state, count in zip(states, group.counts, strict=True):
            state["step"] = count
        group.tensors = (
            [row.values.data for row in group.rows],
            [row.gradient for row in group.rows],
            *([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq")),
            [],  # of amsgrad
            [state["step"] for state in states],
        )

    def _by_kernel(self, group: _Group) -> None:
        settings, (beta1, beta2) = group.settings, group.settings["betas"]
        named = {name: settings[name] for name in ("lr", "weight_decay", "eps", "amsgrad", "maximize")}
        group.counts.add_(1)
        self._kernel(*group.tensors, **named, beta1=beta1, beta2=beta2)

    def _by_torch(self, group: _Group) -> None:
        for row in group.rows:
            row.values.grad = row.gradient
        self._optimizer.param_groups = [{**group.settings, "params": [row.values for row in group.rows]}]
        self._optimizer.step()
        for row in group.rows:
            row.values.grad = None
        if self._kernel is not None:  # from the next step on, with the state that this one has made
            self.forget()


@dataclass
class _Group:
    """Rows with the same settings."""

    rows: list[Row]
    settings: dict[str, Any]
    tensors: tuple[list[Tensor], ...] = ()  # for the kernel
    counts: Any = None


def _take_settings(group: _Group) -> bool:
    """Take over what recipes have changed, and return whether it is still the same for all rows."""
    for name in _CHANGING:
        if name in group.settings:
            value = group.settings[name] = group.rows[0].settings[name]
            if any(row.settings[name] != value for row in group.rows):
                return False
    return True
