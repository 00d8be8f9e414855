"""The training loop: a skorch net over tensors, with no DataLoader and no host synchronisation in an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from operator import is_
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from skorch import NeuralNet
from skorch.callbacks import BatchScoring, Callback, EpochScoring, EpochTimer, LRScheduler
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
    """Whether a callback acts on batches or gradients."""
    if isinstance(callback, LRScheduler):
        return callback.step_every == "batch"
    return any(getattr(type(callback), event) is not getattr(Callback, event) for event in _BATCH_EVENTS)


def _check_scoring(callbacks: Sequence[tuple[str, Callback]]) -> None:
    for name, callback in callbacks:
        if isinstance(callback, (EpochScoring, BatchScoring)) and not callback.use_caching:
            raise ValueError(
                f"The callback {name!r} has use_caching=False, and would have to predict events that are tensors "
                "already: pass use_caching=True, which scores the outputs of the loop itself."
            )


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
    """A skorch net on data that is converted once and stays where it is computed.

    `train` is what the estimators call; skorch's own ``fit``, ``partial_fit``, ``forward``, ``predict_proba`` and
    ``predict`` work as well. There is one loop: batches are slices of tensors, and an epoch leaves one record in the
    history. Batch and gradient events are sent only where a callback acts on them, since they make each step wait for
    its loss.

    Parameters
    ----------
    module : torch.nn.Module
        The network on torch's meta device: its shape, without memory.
    first_weights : callable
        Draws the weights of a module, and returns it.
    dataset : callable
        Turns ``(X, y)``, y possibly None, into `TensorData`.
    **params : object
        What `skorch.NeuralNet` takes.
    """

    callbacks_: list[tuple[str, Callback]]
    # what one training needs, and nothing after it
    _generator: torch.Generator | None = None
    _forward: Callable[..., Tensor] | None = None
    _recipe = Recipe()
    _sends_batch_events = False
    _double: tuple[torch.nn.Module, list[Tensor], list[Tensor]] | None = None

    def __init__(
        self,
        module: torch.nn.Module,
        *,
        first_weights: Callable[[torch.nn.Module], torch.nn.Module],
        dataset: Callable[[Any, Any], TensorData],
        **params: Any,
    ) -> None:
        self.first_weights = first_weights
        super().__init__(module, dataset=dataset, train_split=None, **params)

    def initialize_module(self) -> Net:
        """Draw the first weights, the same in each call."""
        self.module_ = self.first_weights(deepcopy(self.module).to_empty(device="cpu"))
        return self

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
            Largest number of epochs; a callback may stop earlier.
        seed : int
            Seed of the shuffling and of dropout.
        observers : sequence of Callback
            Callbacks for this training only, called last.
        recipe : Recipe or None
            What is done around the optimiser's steps; None for nothing.
        bfloat16, compiled : bool
            Whether the training computes in bfloat16 where that is safe, and whether torch.compile translates the
            network first. Predictions are always computed by the network as it is.
        """
        device = torch.device(self.device)
        data, valid = data.placed_on(device), valid and valid.placed_on(device)
        _check_scoring(self.callbacks_)
        kept, self._double = self.callbacks_, None
        self.callbacks_ = [*kept, *((f"observer{i}", callback) for i, callback in enumerate(observers))]
        self._sends_batch_events = any(wants_batch_events(callback) for _, callback in self.callbacks_)
        self._generator = torch.Generator(device).manual_seed(seed)
        set_generator(self.module_, self._generator)
        # a bound method: skorch wants modules as attributes only while it makes them
        module: Any = torch.compile(self.module_) if compiled else self.module_
        self._forward = _in_bfloat16(module.__call__, device) if bfloat16 else module.__call__
        self._recipe = recipe or Recipe()
        self._recipe.begin(self.module_, self.optimizer_, self.lr)
        try:
            self.notify("on_train_begin", X=data, y=data.target)
            try:
                with suppress(StopTraining):
                    self.fit_loop(data, valid, epochs)
            finally:  # also after an error or Ctrl-C: a progress bar shall close, the best weights come back
                self._recipe.end_steps()
                self._drop_unfinished_epoch()
                self.notify("on_train_end", X=data, y=data.target)
        finally:
            self.callbacks_ = kept
            self.module_.eval()  # a network may keep memory for the next step of a training
            set_generator(self.module_, None)
            self._recipe.end()
            for name in ("_generator", "_forward", "_recipe", "_sends_batch_events"):
                delattr(self, name)
        return self

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any) -> Net:
        """Train for ``max_epochs`` epochs from the present weights, with a seed from torch's own generator.

        Parameters
        ----------
        X : array-like, PointClouds or Graphs
            Events, as the estimator checked them: float arrays, images ``(n, c, h, w)``, clouds.
        y : array-like
            Labels or targets.
        classes : object
            Not used; skorch's methods have it.
        **fit_params : object
            Not used.
        """
        if not self.initialized_:
            self.initialize()
        seed = int(torch.randint(2**31, ()))
        return self.train(self.get_dataset(X, y), None, epochs=self.max_epochs, seed=seed)

    def get_dataset(self, X: Any, y: Any = None) -> TensorData:
        """Events as tensors."""
        data: TensorData = X if isinstance(X, TensorData) else super().get_dataset(X, y)
        return data

    def get_split_datasets(self, X: TensorData, y: Any = None, **fit_params: Any) -> tuple[TensorData, Any]:
        """Take the data as it is split: ``X`` is the training part, ``y`` the validation part or None."""
        return X, y

    def get_iterator(self, dataset: TensorData, training: bool = False) -> ShuffledBatches:
        """Batches; those of a training are shuffled, anew each epoch."""
        device = torch.device(self.device)
        if training:
            return ShuffledBatches(dataset, self.batch_size, device, self._generator)
        return ShuffledBatches(dataset, self._block, device, None)

    def run_single_epoch(self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any) -> None:
        """Run one epoch and record its mean loss as ``train_loss`` or ``valid_loss``."""
        if iterator is None:
            return
        if training:
            self._recipe.begin_epoch(len(iterator))
        losses = []
        for batch in iterator:
            if self._sends_batch_events:
                self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            losses.append(step["loss"].detach())
            if self._sends_batch_events:
                self.history.record_batch(f"{prefix}_loss", losses[-1].item())
                self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
                self.notify("on_batch_end", batch=batch, training=training, **step)
        self._record_loss(prefix, iterator, losses)
        if training:
            self._recipe.end_steps()

    def _record_loss(self, prefix: str, iterator: ShuffledBatches, batch_losses: list[Tensor]) -> None:
        sizes = torch.full((len(batch_losses),), iterator.batch_size, dtype=torch.float64)
        sizes[-1] = len(iterator.data) - iterator.batch_size * (len(batch_losses) - 1)
        loss = (torch.stack(batch_losses).to("cpu", torch.float64).dot(sizes) / len(iterator.data)).item()
        name = f"{prefix}_loss"
        lowest_before = min((record[name] for record in self.history[:-1] if name in record), default=math.inf)
        self.history.record(name, loss)
        self.history.record(f"{prefix}_batch_count", len(batch_losses))
        if not self._sends_batch_events:
            self.history.new_batch()  # one, empty: skorch's Checkpoint looks at the last batch
        self.history.record(f"{name}_best", loss < lowest_before)  # skorch's Checkpoint and PrintLog look for it

    def _drop_unfinished_epoch(self) -> None:
        """Take an epoch that was cut off, by Ctrl-C say, out of the history: it has no loss."""
        if self.history and "train_loss" not in self.history[-1]:
            del self.history[-1]

    def train_step(self, batch: Any, **fit_params: Any) -> Any:
        """One step of the optimiser, with what the recipe adds."""
        self._recipe.before_step()
        step = self.train_step_single(batch)
        self._recipe.after_backward()
        if self._sends_batch_events:
            learned = list(self.get_all_learnable_params())
            self.notify("on_grad_computed", named_parameters=learned, batch=batch, training=True)
        self.optimizer_.step()
        self._recipe.after_step()
        return step

    def _set_training(self, training: bool = True) -> None:
        if self.module_.training != training:  # else a walk over all layers, in every step
            super()._set_training(training)

    def infer(self, x: tuple[Any, Tensor | None], **fit_params: Any) -> Tensor:
        """Outputs for the inputs of one batch."""
        return _outputs_of(self._forward or self.module_, x[0])

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, *args: Any, **kwargs: Any) -> Tensor:
        """Weighted mean loss of one batch; the weights come with the inputs ``X``."""
        loss: Tensor = self.criterion_(y_pred, y_true, X[1])
        return loss

    def forward_iter(self, X: Any, training: bool = False, device: str = "cpu") -> Iterator[Tensor]:
        """Yield outputs of the events in their order; in training mode, with dropout, batch by batch."""
        if training:
            yield from super().forward_iter(X, training, device)
        else:
            yield torch.from_numpy(self.outputs(self.get_dataset(X))).to(device)

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
            self._double = kept
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

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Tell the recipe, before the callbacks."""
        self._recipe.end_epoch(self.history)


class ClassifierNet(ClassifierMixin, Net):
    """A net with one output a class: skorch's scoring callbacks take it for the classifier that it is."""

    def __init__(self, *args: Any, n_classes: int, **params: Any) -> None:
        self.n_classes = n_classes
        super().__init__(*args, **params)

    @property
    def classes_(self) -> np.ndarray[Any, Any]:
        """Numbers of the classes."""
        return np.arange(self.n_classes)

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """Class probabilities ``(n_events, n_classes)``."""
        probabilities: np.ndarray[Any, Any] = self.criterion_.read(self.forward(X)).softmax(1).detach().numpy()
        return probabilities

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """Numbers of the most probable classes, ``(n_events,)``."""
        best: np.ndarray[Any, Any] = self.predict_proba(X).argmax(axis=1)
        return best
