"""Training loop: a skorch net on tensors, without a DataLoader and without host synchronisation in an epoch."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback, EpochTimer
from torch import Tensor

from ..nn import set_generator
from ._accumulation import Accumulation, smaller_part
from ._batch_losses import BatchLosses
from ._batches import Share, ShuffledBatches, Source, TensorData
from ._checkpoint import CheckpointFile, restore
from ._devices import GpuUse, in_bfloat16
from ._distributed import ALONE, Processes
from ._memory import keep_freed_memory
from ._monitor import Monitor, StopTraining, check_scoring, wants_batch_events
from ._optimizers import groups_by_rate
from ._points import Parts
from ._predicting import PredictingNet
from ._recipe import Recipe

_OF_STEPS = ("_generator", "_dropout", "_processes", "_recipe", "_accumulation", "_forward", "_sends_batch_events")
_PASSING = (*_OF_STEPS, "_data", "_measure", "_followed", "_gpu")  # of one training


class Net(PredictingNet):
    """Net of skorch on data that is converted once and stays on the device of the computation.

    `train` is what the estimators call; skorch's own ``fit``, ``partial_fit``, ``forward``, ``predict_proba`` and
    ``predict`` work as well. There is one loop: batches are slices of tensors, and an epoch leaves one record in the
    history. Batch and gradient events are sent only if a callback acts on them, since each step then waits for its
    loss.

    Parameters
    ----------
    module : torch.nn.Module
        Network on torch's meta device: its shape, without memory.
    first_weights : callable
        Function ``(module, generator=)`` that draws the weights of a module, and returns it.
    seed : int
        Seed of the first weights, which leave torch's global random state untouched.
    dataset : callable
        Function that converts ``(X, y)``, y possibly None, to `TensorData`.
    **params : object
        Parameters of `skorch.NeuralNet`.
    """

    callbacks_: list[tuple[str, Callback]]
    # state of one training, dropped at its end
    _data: TensorData | None = None
    _generator: Any = None  # of the shuffling, the same in all processes
    _dropout: Any = None
    _processes = ALONE
    _forward: Callable[..., Tensor] | None = None
    _recipe = Recipe()
    _accumulation: Accumulation | None = None  # where a whole batch does not fit into memory
    _sends_batch_events = False
    _measure: Callable[[np.ndarray[Any, Any]], dict[str, float]] | None = None
    _followed = "loss"
    _gpu: GpuUse | None = None

    def __init__(
        self,
        module: torch.nn.Module,
        *,
        first_weights: Callable[..., torch.nn.Module],
        seed: int,
        dataset: Callable[[Any, Any], TensorData],
        **params: Any,
    ) -> None:
        self.first_weights, self.seed = first_weights, seed
        super().__init__(module, dataset=dataset, train_split=None, **params)

    def initialize_module(self) -> Net:
        """Draw the first weights, the same in each call."""
        empty, generator = deepcopy(self.module).to_empty(device="cpu"), torch.Generator().manual_seed(self.seed)
        self.module_ = self.first_weights(empty, generator=generator)
        return self

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Make the arguments of the optimiser: groups of parameters, where layers have learning rates of their own."""
        named = list(named_parameters)
        args, settings = super().get_params_for_optimizer(prefix, named)
        groups = groups_by_rate(self.module_, named, settings["lr"], settings.get("weight_decay", 0.0))
        return (args if groups is None else (groups,)), settings

    def train(self, data: TensorData, valid: TensorData | None, **choices: Any) -> Net:
        """Train from the present weights; the arguments are those of `in_training`."""
        with self.in_training(data, valid, **choices) as (data, valid, epochs):
            self.fit_loop(data, valid, epochs)
        return self

    @contextmanager
    def in_training(
        self,
        data: TensorData,
        valid: TensorData | None,
        *,
        epochs: int,
        seed: int,
        observers: Sequence[Callback] = (),
        recipe: Recipe | None = None,
        measure: Callable[[np.ndarray[Any, Any]], dict[str, float]] | None = None,
        monitor: str = "loss",
        bfloat16: bool = False,
        compiled: bool = False,
        checkpoint: CheckpointFile | None = None,
        processes: Processes = ALONE,
    ) -> Iterator[tuple[TensorData, TensorData | None, int]]:
        """Begin a training of at most ``epochs`` epochs, and end it; give the data and the epochs that are left.

        Parameters
        ----------
        data, valid : TensorData
            Training part, and the part for the validation loss.
        epochs : int
            Largest number of epochs; a callback may stop earlier.
        seed : int
            Seed of the shuffling and of dropout.
        observers : sequence of Callback
            Callbacks for this training only, called last.
        recipe : Recipe or None
            Recipe around the steps of the optimiser; None for the plain optimiser.
        measure : callable or None
            Gives metrics by name for the outputs ``(n_events, n_outputs)`` of the validation part. They are recorded
            after each epoch, ``valid_`` before their names.
        monitor : str
            What is followed: "loss", or the name of a metric, of which the greater is the better. See `cost`.
        bfloat16, compiled : bool
            Whether the training computes in bfloat16 where that is safe, and whether torch.compile translates the
            network first. Predictions are always computed by the network itself.
        checkpoint : CheckpointFile or None
            File from which a training that was killed goes on, with the same result on a CPU. Of several processes the
            first one alone has it.
        processes : Processes
            Processes that train this net together, each a part of every batch of ``data``. Each has a part of its own
            of ``valid``.
        """
        state = None if checkpoint is None else checkpoint.read()
        device = torch.device(self.device)
        if device.type == "cpu":
            keep_freed_memory()
        else:
            data, valid = data.placed_on(device), valid and valid.placed_on(device)
        check_scoring(self.callbacks_)
        kept, self._double, self._data = self.callbacks_, None, data
        observers = (*observers, *([] if checkpoint is None else [checkpoint]))
        self.callbacks_ = [*kept, *((f"observer{i}", callback) for i, callback in enumerate(observers))]
        self._sends_batch_events = wants_batch_events([callback for _, callback in self.callbacks_])
        self._generator = self._dropout = torch.Generator(device).manual_seed(seed)
        self._processes = processes
        if processes.n > 1:
            state, self._dropout = processes.of_first(state), torch.Generator(device)
            processes.same_weights(self.module_)
        set_generator(self.module_, self._dropout)
        # a bound method: skorch wants modules as attributes only while it makes them
        module: Any = torch.compile(self.module_) if compiled else self.module_
        self._forward = in_bfloat16(module.__call__, device) if bfloat16 else module.__call__
        self._recipe, self._accumulation = recipe or Recipe(), None
        self._recipe.begin(self.module_, self.optimizer_, self.lr)
        self._measure, self._followed = measure, monitor
        self._gpu = GpuUse(device) if device.type == "cuda" else None
        try:
            self.notify("on_train_begin", X=data, y=data.target)
            before = len(self.history)
            if state is not None:
                restore(self, state)
            try:
                is_finished = state is not None and state["finished"]
                with suppress(StopTraining):
                    yield data, valid, 0 if is_finished else epochs - len(self.history) + before
                if checkpoint is not None:
                    checkpoint.finish(self)
            finally:  # also after an error or Ctrl-C: to close a progress bar, and restore the best weights
                self._recipe.end_steps()
                if self.history and "train_loss" not in self.history[-1]:
                    del self.history[-1]  # an epoch that was interrupted
                self.notify("on_train_end", X=data, y=data.target)
        finally:
            self.callbacks_ = kept
            self.module_.eval()  # a network may keep memory for the next step of a training
            set_generator(self.module_, None)
            self._recipe.end()
            for name in _PASSING:
                delattr(self, name)

    @property
    def monitor(self) -> Monitor:
        """The callback that watches the loss."""
        return next(callback for _, callback in self.callbacks_ if isinstance(callback, Monitor))

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any) -> Net:
        """Train for ``max_epochs`` epochs from the present weights, with a seed from torch's own generator.

        Parameters
        ----------
        X : array-like, PointClouds or Graphs
            Events, as the estimator checked them: float arrays, images ``(n, c, h, w)``, clouds.
        y : array-like
            Labels or targets.
        classes, **fit_params : object
            Ignored; methods of skorch have them.
        """
        if not self.initialized_:
            self.initialize()
        seed = int(torch.randint(2**31, ()))
        return self.train(self.get_dataset(X, y), None, epochs=self.max_epochs, seed=seed)

    def get_split_datasets(self, X: TensorData, y: Any = None, **fit_params: Any) -> tuple[TensorData, Any]:
        """Return the split data: ``X`` is the training part, ``y`` the validation part or None."""
        return X, y

    def get_iterator(self, dataset: TensorData, training: bool = False) -> ShuffledBatches:
        """Make the iterable of batches; those of a training are shuffled in each epoch."""
        device = torch.device(self.device)
        if training:
            source: Source | None = self._generator
            if self._processes.n > 1:
                source = Share(self._generator, int(self.batch_size), self._processes.rank, self._processes.n)
            return ShuffledBatches(dataset, self.batch_size, device, source)
        # a loss of a user's own need not be a mean over events: its value may depend on how many are in a batch
        size = self.batch_size if self.criterion_.is_own else self._block
        return ShuffledBatches(dataset, size, device, None)

    def run_single_epoch(self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any) -> None:
        """Run one epoch and record its mean loss as ``train_loss`` or ``valid_loss``."""
        if iterator is None:
            return
        while True:
            try:
                seen, began = self._run_batches(iterator, training, prefix, step_fn)
                break
            except torch.OutOfMemoryError as error:
                self._take_smaller(iterator, training, error)
        if training:
            if self._processes.n > 1:
                self._make_steps_of_others()
            self.end_training_epoch(seen, began)
        else:
            self._record_loss(prefix, seen)

    def _run_batches(self, iterator: Any, training: bool, prefix: str, step_fn: Any) -> tuple[BatchLosses, float]:
        """Run all batches; return their losses, and when this began."""
        if training:
            n, n_parts = len(iterator), self.batch_size // iterator.batch_size
            self._accumulation = Accumulation(n_parts, n) if n_parts > 1 else None
            self._recipe.begin_epoch(-(-n // n_parts))
            if self._processes.n > 1:
                self._processes.reseed(self._dropout, self._generator)
        seen, began = BatchLosses(), time.perf_counter()
        for batch in iterator:
            if self._sends_batch_events:
                self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            seen.add(step["loss"].detach(), len(batch[1]))
            if self._sends_batch_events:
                self.history.record_batch(f"{prefix}_loss", step["loss"].item())
                self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
                self.notify("on_batch_end", batch=batch, training=training, **step)
        return seen, began

    def _take_smaller(self, iterator: Any, training: bool, error: torch.OutOfMemoryError) -> None:
        """Halve the batches that have not fit into memory, from which the epoch begins anew; or raise the error."""
        size = smaller_part(iterator.batch_size, self.batch_size if training else iterator.batch_size)
        if size == 0 or self.criterion_.is_own or self._processes.n > 1:
            raise error
        if training:
            warnings.warn(
                f"{iterator.batch_size} events at a time do not fit into the memory of {self.device}: batches of "
                f"{self.batch_size} events are computed in parts of {size}, and their gradients added up before each "
                "step. Only batch normalisation sees the difference, and dropout draws other numbers. A smaller "
                "batch_size avoids this.",
                stacklevel=2,
            )
        iterator.batch_size = size
        for parameter in self._recipe.parameters:
            parameter.grad = None

    def end_training_epoch(self, seen: BatchLosses, began: float) -> None:
        """Record the losses of all batches and the speed since ``began``, and end the steps of the recipe."""
        n = self._record_loss("train", seen)
        self.history.record("events_per_second", n / (time.perf_counter() - began))
        self._recipe.end_steps()

    def _record_loss(self, prefix: str, seen: BatchLosses) -> float:
        """Record the mean loss of all outputs, also those of other processes; return their number."""
        (total, n), n_batches = seen.total_and_size(), len(seen)
        if self._processes.n > 1:
            total, n = np.sum(self._processes.of_all((total, n)), axis=0).tolist()
        self._record(f"{prefix}_loss", total / n, -1)
        self.history.record(f"{prefix}_batch_count", n_batches)
        if not self._sends_batch_events:
            self.history.new_batch()  # an empty one: Checkpoint of skorch looks at the last batch
        return float(n)

    def _record(self, name: str, value: float, sign: int) -> None:
        """Record a value, and whether it is the best so far, for Checkpoint and PrintLog of skorch."""
        before = max((sign * record[name] for record in self.history[:-1] if name in record), default=-math.inf)
        self.history.record(name, value)
        self.history.record(f"{name}_best", sign * value > before)

    def cost(self, record: dict[str, Any]) -> float:
        """Return what is to be lowered, of the record of an epoch: the loss on the validation part, or minus a metric.

        Early stopping, the schedule "plateau" and pruners follow it. Without a validation part it is the training loss.
        """
        if self._followed != "loss":
            return -record[f"valid_{self._followed}"]
        return record.get("valid_loss", record["train_loss"])

    def train_step(self, batch: Any, **fit_params: Any) -> Any:
        """Make one step of the optimiser, with the additions of the recipe."""
        parts, n_events = self._accumulation, len(batch[1])
        if parts is None or parts.begins:
            self._recipe.before_step()
        step = self.train_step_single(batch)
        if parts is not None:
            if not parts.add(self._recipe.parameters, n_events):
                return step
            n_events = parts.n_events
        if self._processes.n > 1:
            self._processes.sum_gradients(self._recipe.parameters, n_events)
        self._recipe.after_backward(n_events)
        if self._sends_batch_events:
            learned = list(self.get_all_learnable_params())
            self.notify("on_grad_computed", named_parameters=learned, batch=batch, training=True)
        self.optimizer_.step()
        self._recipe.after_step()
        return step

    def _make_steps_of_others(self) -> None:
        """Make the last steps of an epoch, in which other processes still have events."""
        while self._processes.sum_gradients(self._recipe.parameters, 0):
            self._recipe.before_step()
            self._recipe.after_backward(0)
            self.optimizer_.step()
            self._recipe.after_step()
        self._processes.average_of_batches(self.module_)

    def _set_training(self, training: bool = True) -> None:
        if self.module_.training != training:  # to avoid a walk over all layers in every step
            super()._set_training(training)

    def infer(self, x: tuple[Any, Tensor | None], **fit_params: Any) -> Tensor:
        """Compute the outputs for the inputs of one batch."""
        forward, inputs = self._forward or self.module_, x[0]
        if isinstance(inputs, Parts):
            return torch.cat([forward(*part) for part in inputs])
        outputs: Tensor = forward(*inputs)
        return outputs

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, *args: Any, **kwargs: Any) -> Tensor:
        """Compute the weighted mean loss of one batch; the weights come with the inputs ``X``."""
        loss: Tensor = self.criterion_(y_pred, y_true, X[1])
        return loss

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return [("epoch_timer", EpochTimer())]

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call the callbacks; at the end of an epoch a callback stops the training by a KeyboardInterrupt.

        At any other time it is the user who interrupts. The callbacks after the one that stops see the epoch too.
        """
        if method_name != "on_epoch_end":
            super().notify(method_name, **kwargs)
            return
        self.on_epoch_end(self, **kwargs)
        stop = None
        for _, callback in self.callbacks_:
            try:
                callback.on_epoch_end(self, **kwargs)
            except KeyboardInterrupt as signal:
                stop = signal
        stops = stop is not None
        if any(self._processes.of_all(stops)) if self._processes.n > 1 else stops:
            raise StopTraining from stop

    def on_epoch_end(self, net: Any, dataset_valid: TensorData | None = None, **kwargs: Any) -> None:
        """Measure the validation part and tell the recipe, before the callbacks."""
        if self._measure is not None and dataset_valid is not None:
            for name, value in self._measure(self.outputs(dataset_valid)).items():
                self._record(f"valid_{name}", value, 1)
        self._recipe.end_epoch(self.history, self.cost(self.history[-1]))
        if self._gpu is not None:
            for name, value in self._gpu.read().items():
                self.history.record(name, value)
