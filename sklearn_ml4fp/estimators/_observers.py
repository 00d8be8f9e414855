"""Those who watch one fit from outside: scikit-learn's callbacks."""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback


class EpochEvents(Callback):
    """Tell scikit-learn's callbacks (1.9 and later) of every epoch; one of them may stop the training."""

    def __init__(self, estimator: Any, context: Any, X: Any, y: Any) -> None:
        self.estimator = estimator
        self.context = context
        self.X = X
        self.y = y

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Open the task of this epoch."""
        self.task = self.context.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(estimator=self.estimator, X=self.X, y=self.y)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Close the task of this epoch."""
        stop = self.task.call_on_fit_task_end(
            estimator=self.estimator, X=self.X, y=self.y, reconstruction_attributes=dict
        )
        if stop:
            raise KeyboardInterrupt


def observers_of(estimator: Any, context: Any, X: Any, y: Any) -> tuple[Callback, ...]:
    """Observers of a fit, given the estimator's callback context (None before scikit-learn 1.9)."""
    return () if context is None else (EpochEvents(estimator, context, X, y),)
