"""Callback that records how the scores of the hold-out are distributed in each epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback

from .._validation import check_integer

_WIDEST = 3.0  # limit of the residuals, in standard deviations of the targets


class ScoreHistory(Callback):
    """Callback that records, after each epoch, the distribution of the hold-out's scores, with its weights.

    Given in ``callbacks=`` of a network. Of a classifier of two classes, the score is the probability of the second
    one, histogrammed for each true class; of more classes, the probability of the true class; of a regressor, the
    residual (prediction − target) in units of the targets' standard deviation, for each target. Scores beyond the
    limits are in the outermost bins. The histograms stand in the history of the net, as ``event_scores``, and are kept
    with the model. It predicts the hold-out once more in each epoch.

    Parameters
    ----------
    bins : int, default=40
        Number of bins, from 0 to 1, or from −3 to 3 for residuals.

    See Also
    --------
    ScoreHistoryDisplay : Picture of what it has recorded.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn_ml4fp import FeedForwardClassifier, ScoreHistory
    >>> X, y = make_classification(n_samples=500, random_state=0)
    >>> network = FeedForwardClassifier(width=32, max_epochs=3, callbacks=[ScoreHistory(bins=10)], random_state=0)
    >>> network = network.fit(X, y)
    >>> [int(sum(of_class)) for of_class in network.net_.history[-1, "event_scores"]]
    [25, 25]
    """

    def __init__(self, bins: int = 40) -> None:
        self.bins = bins

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Check the number of bins."""
        check_integer(self.bins, "bins of ScoreHistory", 2)

    def on_epoch_end(self, net: Any, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Record the histograms of the hold-out, a list for each class or target."""
        if dataset_valid is None:
            raise ValueError(
                "ScoreHistory records the scores of the hold-out, and there is none: pass early_stopping=True, or "
                "X_val and y_val to fit."
            )
        read, target, weight = _predicted(net, dataset_valid)
        scores, group = _scores(read, target)
        low, high = (0.0, 1.0) if target.ndim == 1 else (-_WIDEST, _WIDEST)
        place = np.clip((scores - low) / (high - low) * self.bins, 0, self.bins - 1).astype(int)
        n_groups = read[0].numel()
        counts = np.bincount(group * self.bins + place, np.resize(weight, len(place)), n_groups * self.bins)
        net.history.record("event_scores", counts.reshape(n_groups, self.bins).tolist())


@torch.inference_mode()
def _predicted(net: Any, data: Any) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Predict the hold-out in single precision, which is enough for a histogram: outputs, targets and weights."""
    net.module_.eval()
    found = [
        (net.infer(X), target, torch.ones(len(target)) if X[1] is None else X[1])
        for X, target in net.get_iterator(data)
    ]
    outputs, target, weight = (torch.cat(one).cpu() for one in zip(*found, strict=True))
    return net.criterion_.read(outputs.float()), target, weight.double().numpy()


def _scores(read: torch.Tensor, target: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Compute scores and the numbers of their classes, or residuals, one target after the other, and its number."""
    if target.ndim == 1:
        probability = read.softmax(1)
        of_class = torch.ones_like(target) if read.shape[1] == 2 else target
        return probability.gather(1, of_class[:, None])[:, 0].numpy(), target.numpy()
    if read.ndim == 3:  # several quantiles, each with residuals of its own
        read, target = read.flatten(1), target.repeat_interleave(read.shape[2], dim=1)
    spread = target.double().std(0, correction=0)
    residual = (read - target) / torch.where(spread > 0, spread, 1.0)
    return residual.T.flatten().numpy(), np.repeat(np.arange(target.shape[1]), len(target))
