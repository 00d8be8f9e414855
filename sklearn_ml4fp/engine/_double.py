"""Network in double precision, for predictions of few events."""

from __future__ import annotations

from copy import deepcopy
from operator import is_

import torch
from torch import Tensor


def _tensors_of(module: torch.nn.Module) -> list[Tensor]:
    """List parameters and buffers; torch's own walk over them takes longer than the network for one event."""
    own = [*module._parameters.values(), *module._buffers.values()]
    return [t for t in own if t is not None] + [
        t for m in module._modules.values() if m is not None for t in _tensors_of(m)
    ]


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(map(is_, first, second))


class DoubleTwin:
    """Copy of a network in double precision, kept from call to call."""

    _kept: tuple[torch.nn.Module, list[Tensor], list[Tensor]] | None = None

    def of(self, module: torch.nn.Module) -> torch.nn.Module:
        """Return the copy, with the present weights of the network."""
        sources = _tensors_of(module)
        kept = self._kept
        if kept is None or not _same(kept[1], sources):
            twin = deepcopy(module).double()
            kept = twin, sources, _tensors_of(twin)
            self._kept = kept
        torch._foreach_copy_(kept[2], sources)
        return kept[0]
