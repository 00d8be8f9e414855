"""Loss curve that is drawn anew while a notebook trains."""

from __future__ import annotations

import time
from typing import Any

from skorch.callbacks import Callback

from .._optional import needs
from .._progress import in_notebook
from .._validation import check_amount
from ._loss_curve import LossCurveDisplay, columns_of_records


class LiveLossDisplay(Callback):
    """Callback that draws losses and metrics of the epochs so far, in a notebook, while it trains.

    Given in ``callbacks=`` of a network. The picture is that of :class:`LossCurveDisplay`. Where there is no notebook,
    it does nothing.

    Parameters
    ----------
    interval : float, default=2
        Seconds between two pictures, at least.

    See Also
    --------
    LossCurveDisplay : The same picture after the training.

    Examples
    --------
    >>> from sklearn_ml4fp import FeedForwardClassifier, LiveLossDisplay
    >>> network = FeedForwardClassifier(callbacks=[LiveLossDisplay()])
    """

    def __init__(self, interval: float = 2.0) -> None:
        self.interval = check_amount(interval, "interval")

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Look for a notebook, and open a place in it."""
        self.before, self.drawn_at, self.is_new = len(net.history), time.monotonic(), True
        self.handle_ = needs("IPython.display").DisplayHandle() if in_notebook() else None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Draw the epochs so far, if the last picture is old enough."""
        if self.handle_ is not None and (self.is_new or time.monotonic() - self.drawn_at >= self.interval):
            self._draw(net)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Draw all epochs."""
        if self.handle_ is not None and len(net.history) > self.before:
            self._draw(net)
        self.handle_ = None

    def _draw(self, net: Any) -> None:
        assert self.handle_ is not None
        figure = LossCurveDisplay.from_history(columns_of_records(net.history[self.before :])).figure_
        (self.handle_.display if self.is_new else self.handle_.update)(figure)
        needs("matplotlib.pyplot").close(figure)  # which would be shown once more at the end of the cell
        self.is_new, self.drawn_at = False, time.monotonic()
