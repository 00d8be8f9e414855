"""The training loop: a skorch net over tensors, with no DataLoader and no host synchronisation in an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from operator import is_
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, LRScheduler, PassthroughScoring
from torch import Tensor

from ..nn import set_generator
from ._batches import ShuffledBatches, TensorData
from ._monitor import StopTraining
from ._points import Parts
from ._recipe import Recipe

# Events of a table that are predicted at a time: a block of 1024 and what a layer makes of it stay in a processor's
# cache; a GPU needs more to be busy.
_BLOCK = {"cpu": 1024}
_BLOCK_ON_A_GPU = 16384
# How a matrix product rounds depends on the processor, on its shape and on the place of a row in it. A call with at
# most so many numbers is computed in double precision, so that what else is in it does not show: scikit-learn's checks
# compare at 1e-7, where float32 fails one time in five. Larger calls are computed in float32, which is twice as fast.
_FEW = 2**16
_BATCH_EVENTS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


def wants_batch_events(callback: Callback) -> bool:
    """Whether a callback needs to be called for every batch, which only skorch's own, slower loop does."""
    if isinstance(callback, LRScheduler):
        return callback.step_every == "batch"
    return any(getattr(type(callback), event) is not getattr(Callback, event) for event in _BATCH_EVENTS)


def resolve_device(device: str) -> torch.device:
    """Turn ``"auto"`` or a torch device string into a device that is there.

    Raises
    ------
    ValueError
        The string names no device, or one that this machine does not have.
    """
    if device == "auto":
        accelerators = [("cuda", torch.cuda), ("mps", torch.backends.mps)]
        return torch.device(next((name for name, one in accelerators if one.is_available()), "cpu"))
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={device!r} cannot be used: expected 'auto', 'cpu' or the name of an accelerator that this machine "
            f"has, such as 'cuda' or 'cuda:1' ({str(error).splitlines()[0]})."
        ) from error
    return torch.device(device)


def has_bfloat16(device: str | torch.device) -> bool:
    """Whether a device is a GPU that computes in bfloat16 by itself; a processor is seldom faster with it."""
    return torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def _in_bfloat16(module: Callable[..., Tensor], device: torch.device) -> Callable[..., Tensor]:
    """The module computing its matrix products in bfloat16; the loss is computed in float32."""

    def forward(*inputs: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            output = module(*inputs)
        return output.float()

    return forward


def _outputs_of(forward: Callable[..., Tensor], inputs: Any) -> Tensor:
    """Outputs for a batch, which may come in parts."""
    return torch.cat([forward(*part) for part in inputs]) if isinstance(inputs, Parts) else forward(*inputs)


def _tensors_of(module: torch.nn.Module) -> list[Tensor]:
    """Parameters and buffers; torch's own walk over them takes longer than the network does for one event."""
    own = [*module._parameters.values(), *module._buffers.values()]
    return [t for t in own if t is not None] + [
        t for m in module._modules.values() if m is not None for t in _tensors_of(m)
    ]


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(map(is_, first, second))


class Net(NeuralNet):
    """A skorch net on data that is already split and converted.

    skorch's ``get_iterator`` and ``run_single_epoch`` are the seams: batches are slices of tensors, and an epoch leaves
    one record in the history. Callbacks that act on epochs work as in skorch; where one of them wants batch or gradient
    events, skorch's own loop runs instead, over the same batches.
    """

    callbacks_: list[tuple[str, Callback]]
    _double: tuple[torch.nn.Module, list[Tensor], list[Tensor]] | None = None

    def train(
        self,
        data: TensorData,
        valid: TensorData | None,
        *,
        epochs: int,
        seed: int,
        observers: Sequence[Callback] = (),
        recipe: Recipe | None = None,
        bfloat16: bool = False,
        compiled: bool = False,
    ) -> Net:
        """Train for at most ``epochs`` epochs, from the present weights.

        Parameters
        ----------
        data, valid : TensorData
            The training part, and the part on which the validation loss is computed.
        epochs : int
            Epochs at most; a callback may stop earlier.
        seed : int
            Seed of the shuffling and of dropout.
        observers : sequence of Callback
            Callbacks for this training only, called last.
        recipe : Recipe or None
            What is done around the optimiser's steps; None for nothing.
        bfloat16, compiled : bool
            Whether the training computes in bfloat16 where that is safe, and whether torch.compile translates the
            network first. Predictions are always computed by the network as it is, in float32.
        """
        self.__dict__.pop("_double", None)
        device = torch.device(self.device)
        data, valid = data.placed_on(device), valid and valid.placed_on(device)
        self._generator: torch.Generator | None = torch.Generator(device).manual_seed(seed)
        set_generator(self.module_, self._generator)
        # a bound method: skorch wants modules as attributes only while it makes them
        module: Any = torch.compile(self.module_) if compiled else self.module_
        self._forward: Callable[..., Tensor] = module.__call__
        if bfloat16:
            self._forward = _in_bfloat16(self._forward, device)
        self._recipe = recipe
        if recipe is not None:
            recipe.begin(self.module_, self.optimizer_, self.lr)
        kept = self.callbacks_
        self.callbacks_ = [*kept, *((f"observer{i}", callback) for i, callback in enumerate(observers))]
        try:
            self.notify("on_train_begin", X=data, y=data.target)
            try:
                with suppress(StopTraining):
                    self.fit_loop(data, valid, epochs)
            finally:  # also after an error: a progress bar shall close, a file be written
                self.notify("on_train_end", X=data, y=data.target)
        finally:
            self.callbacks_ = kept
            self.module_.eval()  # a network may keep memory for the next step of a training
            set_generator(self.module_, None)
            if recipe is not None:
                recipe.end()
            self._generator = self._recipe = None
            del self._forward
        return self

    def get_split_datasets(self, X: TensorData, y: Any = None, **fit_params: Any) -> tuple[TensorData, Any]:
        """The data comes split: ``X`` is the training part, ``y`` the validation part or None."""
        return X, y

    def get_iterator(self, dataset: TensorData, training: bool = False) -> ShuffledBatches:
        """Batches of the training part are shuffled, anew each epoch."""
        device = torch.device(self.device)
        if training:
            return ShuffledBatches(dataset, self.batch_size, device, self._generator)
        return ShuffledBatches(dataset, self._block, device, None)

    def run_single_epoch(self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any) -> None:
        """Run one epoch and record its mean loss as ``train_loss`` or ``valid_loss``."""
        if iterator is None:
            return
        recipe = self._recipe if training else None
        if recipe is not None:
            recipe.begin_epoch(len(iterator))
        if any(wants_batch_events(callback) for _, callback in self.callbacks_):
            self._epoch_with_events(iterator, training, prefix, step_fn)
            PassthroughScoring(f"{prefix}_loss", on_train=training).initialize().on_epoch_end(self)
        else:
            self._record_loss(prefix, iterator, self._train_epoch(iterator) if training else self._evaluate(iterator))
        if recipe is not None:
            recipe.end_steps()

    def _epoch_with_events(self, iterator: ShuffledBatches, training: bool, prefix: str, step_fn: Any) -> None:
        """skorch's own loop; the number of events is that of the targets: packed inputs are of several lengths."""
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            self.history.record_batch(f"{prefix}_loss", step["loss"].item())
            self.history.record_batch(f"{prefix}_batch_size", len(batch[1][0]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def _record_loss(self, prefix: str, iterator: ShuffledBatches, batch_losses: list[Tensor]) -> None:
        sizes = torch.full((len(batch_losses),), iterator.batch_size, dtype=torch.float64)
        sizes[-1] = len(iterator.data) - iterator.batch_size * (len(batch_losses) - 1)
        loss = (torch.stack(batch_losses).to("cpu", torch.float64).dot(sizes) / len(iterator.data)).item()
        name = f"{prefix}_loss"
        lowest_before = min((record[name] for record in self.history[:-1]), default=math.inf)
        self.history.record(name, loss)
        self.history.new_batch()  # one, empty: skorch's Checkpoint looks at the last batch
        self.history.record(f"{name}_best", loss < lowest_before)  # skorch's Checkpoint and PrintLog look for it

    def _train_epoch(self, iterator: ShuffledBatches) -> list[Tensor]:
        forward, loss_of, step, recipe = self._forward, self.criterion_, self.optimizer_.step, self._recipe
        self.module_.train()
        parameters = [parameter for parameter in self.module_.parameters() if parameter.requires_grad]
        losses = []
        for inputs, (target, weight) in iterator:
            if recipe is not None:
                recipe.before_step()
            loss = loss_of(_outputs_of(forward, inputs), target, weight)
            loss.backward()
            if recipe is not None:
                recipe.after_backward()
            step()
            if recipe is not None:
                recipe.after_step()
            for parameter in parameters:
                parameter.grad = None
            losses.append(loss.detach())
        return losses

    @torch.no_grad()
    def _evaluate(self, iterator: ShuffledBatches) -> list[Tensor]:
        self.module_.eval()
        forward = self._forward
        return [self.criterion_(_outputs_of(forward, one), target, weight) for one, (target, weight) in iterator]

    @torch.inference_mode()
    def outputs(self, data: TensorData) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Outputs ``(n_events, n_outputs)`` of the network, to rounding the same whatever else is in the call."""
        device = torch.device(self.device)
        few = data.n_numbers <= _FEW and device.type != "mps"  # which has no double precision
        if self.module_.training:
            self.module_.eval()
        module = self._in_double() if few else self.module_
        rows, blocks = [], []
        for in_block, inputs in data.blocks(self._block, device):
            if few:
                inputs = tuple(x.double() if x.is_floating_point() else x for x in inputs)
            if in_block is not None:
                rows.append(in_block)
            blocks.append(module(*inputs).double().cpu())
        outputs = torch.cat(blocks)
        return (torch.empty_like(outputs).index_copy_(0, torch.cat(rows), outputs) if rows else outputs).numpy()

    def _in_double(self) -> torch.nn.Module:
        """The network in double precision: a copy, kept from call to call, that gets the present weights in each."""
        sources = _tensors_of(self.module_)
        kept = self._double
        if kept is None or not _same(kept[1], sources):
            module = deepcopy(self.module_).double()
            kept = module, sources, _tensors_of(module)
            self.__dict__["_double"] = kept  # skorch's own way to set attributes is for modules that it trains
        torch._foreach_copy_(kept[2], sources)
        return kept[0]

    def __getstate__(self) -> dict[str, Any]:
        """The state without the copy in double precision, which the next prediction makes anew."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_double"}

    @property
    def _block(self) -> int:
        return _BLOCK.get(torch.device(self.device).type, _BLOCK_ON_A_GPU)

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return [("epoch_timer", EpochTimer())]

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call the callbacks; at the end of an epoch a callback stops the training by a KeyboardInterrupt."""
        try:
            super().notify(method_name, **kwargs)
        except KeyboardInterrupt as stop:
            if method_name != "on_epoch_end":  # then it is the user who interrupts, and not a callback
                raise
            raise StopTraining from stop

    def infer(self, x: tuple[Tensor, ...], **fit_params: Any) -> Tensor:
        """Call the network on the inputs of one batch."""
        forward: Any = getattr(self, "_forward", self.module_)
        return _outputs_of(forward, x)

    def train_step(self, batch: Any, **fit_params: Any) -> Any:
        """One step of skorch's own loop, with what the recipe adds."""
        if self._recipe is None:
            return super().train_step(batch, **fit_params)
        self._recipe.before_step()
        step = super().train_step(batch, **fit_params)
        self._recipe.after_step()
        return step

    def train_step_single(self, batch: Any, **fit_params: Any) -> Any:
        """Gradients of one batch in skorch's own loop."""
        step = super().train_step_single(batch, **fit_params)
        if self._recipe is not None:
            self._recipe.after_backward()
        return step

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Tell the recipe, before the callbacks."""
        if self._recipe is not None:
            self._recipe.end_epoch(self.history)

    def get_loss(self, y_pred: Tensor, y_true: tuple[Tensor, Tensor | None], *args: Any, **kwargs: Any) -> Tensor:
        """Weighted mean loss of one batch, for skorch's own loop."""
        loss: Tensor = self.criterion_(y_pred, *y_true)
        return loss
