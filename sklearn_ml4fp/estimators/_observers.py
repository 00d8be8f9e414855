"""Observers of a fit: scikit-learn's callbacks, and a progress bar."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from skorch.callbacks import Callback

from .._progress import progress_bar


class EpochEvents(Callback):
    """Callback that passes every epoch to scikit-learn's callbacks (1.9 and later), which may stop the training."""

    def __init__(self, estimator: Any, context: Any, data: dict[str, Any]) -> None:
        self.estimator = estimator
        self.context = context
        self.data = data

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Open the task of this epoch."""
        self.task = self.context.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Close the task of this epoch."""
        # net_ is already set on the estimator, so that it can predict
        stop = self.task.call_on_fit_task_end(estimator=self.estimator, reconstruction_attributes=dict, **self.data)
        if stop:
            raise KeyboardInterrupt


class EpochBar(Callback):
    """Progress bar over the epochs, with the losses of the last one."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Show the bar."""
        self.stack = ExitStack()
        self.bar = self.stack.enter_context(progress_bar("epoch", self.epochs, disable=False))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Take a step."""
        losses = {name: net.history[-1].get(name) for name in ("train_loss", "valid_loss")}
        said = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items() if loss is not None)
        self.bar.advance(f"epoch {net.history[-1]['epoch']}, {said}")

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Close the bar."""
        self.stack.close()


def check_callbacks(callbacks: Any) -> None:
    """Refuse anything but callbacks of skorch.

    Parameters
    ----------
    callbacks : list or None
        Callbacks, their classes, or pairs of a name and one of both, as skorch takes them.

    Raises
    ------
    ValueError
        An entry is something else.
    """
    for i, entry in enumerate(callbacks or []):
        one = entry[1] if isinstance(entry, tuple) and len(entry) == 2 else entry
        if not (issubclass(one, Callback) if isinstance(one, type) else isinstance(one, Callback)):
            raise ValueError(
                f"callbacks[{i}] is {entry!r}: expected a skorch callback, such as skorch.callbacks.PrintLog(), or a "
                "pair (name, callback). scikit-learn's own callbacks are given by set_callbacks."
            )


def observers_of(estimator: Any, context: Any, data: dict[str, Any]) -> tuple[Callback, ...]:
    """Make the observers of a fit.

    Parameters
    ----------
    estimator : NetworkEstimator
        Estimator that is fitted.
    context : sklearn.callback.CallbackContext or None
        Callback context of the estimator; None before scikit-learn 1.9.
    data : dict
        ``X``, ``y`` and ``metadata``, as scikit-learn's callbacks get them.
    """
    bar = (EpochBar(estimator.max_epochs),) if estimator.verbose else ()
    return bar if context is None else (*bar, EpochEvents(estimator, context, data))
