"""Optimiser of several nets, for which all weights of a net are one parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

# the kernels behind the fused optimisers, without the work that torch does around them for each parameter in each step
_KERNELS = {torch.optim.Adam: torch._fused_adam_, torch.optim.AdamW: torch._fused_adamw_}


class Row(Protocol):
    """Net whose weights stand in a row."""

    row: nn.Parameter
    gradient: Tensor
    settings: dict[str, Any]

    def state(self) -> dict[str, Any]:
        """State of the optimiser from an earlier training."""
        ...


class RowOptimizer:
    """Optimiser of rows, each with the settings of its own net, which may change from step to step.

    Parameters
    ----------
    kind : type
        Optimiser of torch that acts on each weight by itself.
    members : sequence of Row
        Nets.
    """

    def __init__(self, kind: type[torch.optim.Optimizer], members: Sequence[Row]) -> None:
        make: Any = kind
        self._optimizer = make([member.row for member in members])
        self._optimizer.state.update({one.row: state for one in members if (state := one.state())})
        self._kernel: Any = _KERNELS.get(kind)
        self._groups: list[tuple[Sequence[Row], dict[str, Any], tuple[Any, ...]]] = []
        self._present: tuple[Any, ...] = ()

    def state_of(self, member: Row) -> dict[str, Any]:
        """Return the state of a row."""
        return dict(self._optimizer.state.get(member.row, {}))

    def forget(self) -> None:
        """Forget where rows and settings are: they may have been changed, more than learning rates in a step."""
        self._present = ()

    def step(self, members: Sequence[Row]) -> None:
        """Make a step of these members, in one call for those whose settings are equal."""
        present = tuple((id(member), member.settings["lr"]) for member in members)
        if present != self._present:
            self._present = present
            self._regroup(members)
        for rows, settings, tensors in self._groups:
            if tensors:
                self._by_kernel(*tensors)
            else:
                self._by_torch(rows, settings)

    def _regroup(self, members: Sequence[Row]) -> None:
        groups: list[tuple[list[Row], dict[str, Any]]] = []
        for member in members:
            settings = {name: value for name, value in member.settings.items() if name != "params"}
            for rows, common in groups:
                if settings == common:
                    rows.append(member)
                    break
            else:
                groups.append(([member], settings))
        self._groups = [(rows, settings, self._tensors(rows, settings)) for rows, settings in groups]

    def _tensors(self, rows: list[Row], settings: dict[str, Any]) -> tuple[Any, ...]:
        """Arguments of the kernel, if there is one and torch has made the state in a first step."""
        states = [self._optimizer.state.get(member.row) for member in rows]
        if self._kernel is None or not all(states) or not settings["fused"] or settings["amsgrad"]:
            return ()
        counts = torch.stack([state["step"] for state in states])  # to be raised at once
        for state, count in zip(states, counts, strict=True):
            state["step"] = count
        beta1, beta2 = settings["betas"]
        named = {name: settings[name] for name in ("lr", "weight_decay", "eps", "amsgrad", "maximize")}
        tensors = (
            [member.row.data for member in rows],
            [member.gradient for member in rows],
            *([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq")),
            [],  # of amsgrad
            [state["step"] for state in states],
        )
        return counts, tensors, {**named, "beta1": beta1, "beta2": beta2}

    def _by_kernel(self, counts: Tensor, tensors: tuple[list[Tensor], ...], named: dict[str, Any]) -> None:
        counts.add_(1)
        self._kernel(*tensors, **named)

    def _by_torch(self, rows: Sequence[Row], settings: dict[str, Any]) -> None:
        for member in rows:
            member.row.grad = member.gradient
        self._optimizer.param_groups = [{**settings, "params": [member.row for member in rows]}]
        self._optimizer.step()
        for member in rows:
            member.row.grad = None
        if self._kernel is not None:  # from the next step on, with the state that this one has made
            self.forget()
