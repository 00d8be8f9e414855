"""Callback that watches the training: early stopping, best weights, divergence; and what other callbacks ask for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import BatchScoring, Callback, EpochScoring, LRScheduler
from torch import Tensor

_BATCH_EVENTS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


class StopTraining(KeyboardInterrupt):
    """Signal to end the training early; a KeyboardInterrupt, as callbacks of skorch raise it."""


class Monitor(Callback):
    """Watch the cost of each epoch (see `Net.cost`): the loss on the hold-out, or minus a metric.

    Parameters
    ----------
    patience : int or None
        Number of epochs in a row without a new lowest cost after which the training ends and the best weights are
        restored. None trains to the last epoch and keeps its weights, unless the loss is no longer finite.

    Raises
    ------
    FloatingPointError
        The loss is NaN or infinite in the first epoch, so that there are no good weights to restore.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.best_epoch_ = 0
        self._best_weights: dict[str, Tensor] = {}

    def state(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return {"best_cost": self.best_cost_, "best_epoch": self.best_epoch_, "best_weights": self._best_weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` has given."""
        self.best_cost_, self.best_epoch_ = state["best_cost"], state["best_epoch"]
        self._best_weights = state["best_weights"]

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget the best epoch: a warm start or a `partial_fit` compares its own epochs only."""
        self.best_cost_, self.best_epoch_ = math.inf, 0
        self._best_weights, self._undefined = {}, False  # whether the cost of the last epoch was NaN

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compare the cost of this epoch with the lowest so far."""
        record = net.history[-1]
        epoch, losses = record["epoch"], [record["train_loss"], record.get("valid_loss", record["train_loss"])]
        if not all(map(math.isfinite, losses)):
            self._diverged(net, epoch)
        cost = net.cost(record)
        self._undefined = math.isnan(cost)
        if cost < self.best_cost_:
            self.best_cost_, self.best_epoch_ = cost, epoch
            self._best_weights = {name: value.clone() for name, value in net.module_.state_dict().items()}
        elif self.patience is not None and epoch - self.best_epoch_ >= self.patience:
            raise StopTraining

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Restore the best weights, if ``patience`` is given."""
        if self.patience is not None and self._best_weights:
            net.module_.load_state_dict(self._best_weights)
        elif self.patience is not None and self._undefined:
            warnings.warn(
                f"The monitored metric was NaN in each of {len(net.history)} epochs, so that none of them was the "
                "best: the weights of the last one are kept. Monitor the loss, or take a larger hold-out.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self._best_weights = {}

    def _diverged(self, net: Any, epoch: int) -> None:
        cure = f"The learning rate is {net.lr:g}: try a smaller one, and check the ranges of the columns of X."
        if not self._best_weights:
            raise FloatingPointError(
                f"The training diverged: expected a finite loss, got {net.history[-1, 'train_loss']} in epoch "
                f"{epoch}, with no better weights to go back to. {cure}"
            )
        net.module_.load_state_dict(self._best_weights)
        warnings.warn(
            f"The training diverged in epoch {epoch}; the weights of epoch {self.best_epoch_}, the best so far, are "
            f"restored. {cure}",
            ConvergenceWarning,
            stacklevel=2,
        )
        raise StopTraining


def wants_batch_events(callbacks: Iterable[Callback]) -> bool:
    """Return whether one of some callbacks acts on batches or gradients."""
    return any(
        one.step_every == "batch"
        if isinstance(one, LRScheduler)
        else any(getattr(type(one), event) is not getattr(Callback, event) for event in _BATCH_EVENTS)
        for one in callbacks
    )


def check_scoring(callbacks: Sequence[tuple[str, Callback]]) -> None:
    """Refuse scorings that would predict the events anew: the loop has tensors, and not what a scorer takes."""
    for name, callback in callbacks:
        if isinstance(callback, (EpochScoring, BatchScoring)) and not callback.use_caching:
            raise ValueError(
                f"The callback {name!r} has use_caching=False, and would have to predict events that are tensors "
                "already: pass use_caching=True, which scores the outputs of the loop itself."
            )
