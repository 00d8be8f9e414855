"""Predictions of a net: outputs that do not depend on the other events of a call, in blocks that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from operator import is_
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from torch import Tensor

from ._batches import PiecewiseData, TensorData

# Number of events of a table that are predicted at a time: a block of 1024 and the outputs of a layer fit into a
# processor's cache; a GPU needs more to be busy.
_BLOCK = {"cpu": 1024}
_BLOCK_ON_A_GPU = 16384
# The rounding of a matrix product depends on the processor, on its shape and on the place of a row in it. A call with
# at most this many numbers is computed in double precision, so that the other events in it have no influence:
# scikit-learn's checks compare at 1e-7, where float32 fails one time in five. Larger calls are computed in float32,
# which is twice as fast.
_FEW = 2**16


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


class PredictingNet(NeuralNet):
    """Net of skorch whose outputs for an event are the same in every call, up to rounding."""

    _double: DoubleTwin | None = None
    _n_halved = 0  # how many times a block did not fit into memory

    def get_dataset(self, X: Any, y: Any = None) -> TensorData:
        """Convert events to tensors."""
        data: TensorData = X if isinstance(X, TensorData) else super().get_dataset(X, y)
        return data

    def forward_iter(self, X: Any, training: bool = False, device: str = "cpu") -> Iterator[Tensor]:
        """Yield outputs of the events in their order; in training mode, with dropout, batch by batch."""
        if training:
            yield from super().forward_iter(X, training, device)
        else:
            yield torch.from_numpy(self.outputs(self.get_dataset(X))).to(device)

    def outputs(self, data: TensorData) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Compute outputs ``(n_events, n_outputs)``, which do not depend on other events beyond rounding."""
        while True:
            try:
                return self._outputs(data)
            except torch.OutOfMemoryError:
                if self._block == 1:
                    raise
            self._n_halved += 1  # outside of the handler, which keeps the memory of what has failed

    @torch.inference_mode()
    def _outputs(self, data: TensorData) -> np.ndarray[Any, np.dtype[np.float64]]:
        if isinstance(data, PiecewiseData):
            return np.concatenate([self.outputs(piece) for piece in data.pieces(self._block)])
        device = torch.device(self.device)
        few = data.n_numbers <= _FEW and device.type != "mps"  # mps has no double precision
        if self.module_.training:
            self.module_.eval()
        module = self.module_
        if few:
            self._double = self._double or DoubleTwin()
            module = self._double.of(module)
        rows, blocks = [], []
        for in_block, inputs in data.blocks(self._block, device):
            if few:
                inputs = tuple(x.double() if x.is_floating_point() else x for x in inputs)
            if in_block is not None:
                rows.append(in_block)
            blocks.append(module(*inputs).double().cpu())
        outputs = torch.cat(blocks)
        return (torch.empty_like(outputs).index_copy_(0, torch.cat(rows), outputs) if rows else outputs).numpy()

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the copy in double precision and the blocks, which predictions find again."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_double", "_n_halved")}

    @property
    def _block(self) -> int:
        return max(1, _BLOCK.get(torch.device(self.device).type, _BLOCK_ON_A_GPU) >> self._n_halved)
