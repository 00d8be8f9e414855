"""Warnings about a training that does not learn: what is seen, what it means, and what to do."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from ..engine import PackedData, Recipe, TensorData, sample_of
from ._metrics import scorers_of

# What a warning needs as evidence. With Adam and the default learning rate, a weight has moved by up to 0.1 in 100
# steps, its own size; a fit that is shorter has not begun to learn.
_STEPS = 100
_EPOCHS = 5
# Twenty trainings of the shipped data with all networks are far on the healthy side of each of the following limits.
_FAR = 10.0  # mean |x|: pixels from 0 to 16 (mean 5) still train well; a column in GeV, or with −999, does not
_VANISHED = (
    1e-4  # smallest over largest gradient (RMS) of two layers; healthy: above 4e-3, ten layers of sigmoids: 2e-7
)
_EXPLODED = 100.0  # norm of the gradient over the largest of the first three epochs; healthy: below 5
_DEAD = 0.8  # share of the nodes of a layer; behind a sum over points, half of them may be on for all events or none
_DEAD_EVENTS = 100  # in which none has fired: one that fires in 5 % of them is missed with a probability of 0.6 %
_ALIKE = 0.01  # spread of the outputs: of 0.25 % in a probability, of 1 % of the spread of the targets
_FEW = 10  # events of a class in the hold-out: one more that is right moves the efficiency of the class by 10 %
_SAMPLE = 1024  # events that are predicted once more at the end, to know the error of their mean loss


class TrainingWarning(ConvergenceWarning):
    """Warning that a training does not learn as it should, with the layer or column, and what to do.

    Each kind is given once in a fit, and not before 100 steps of the optimiser: input columns far from the active range
    of the activations; gradients that vanish or explode; ReLUs that never fire; a loss that does not fall; predictions
    that are all alike; a validation loss far above that of the training; a hold-out too small for its metric.

    See Also
    --------
    LossCurveDisplay : Loss and metrics against the epoch.
    DataReport : Report on the data before the training.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_ml4fp import FeedForwardClassifier, TrainingWarning
    >>> X, y = load_wine(return_X_y=True)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", TrainingWarning)
    ...     network = FeedForwardClassifier(width=32, random_state=0).fit(X, y)
    >>> print(str(caught[0].message)[:64])
    Columns of X are far from the range (-1, 1) in which activations
    """


class Checkup(Callback):
    """Look for what is wrong with a training.

    Parameters
    ----------
    estimator : NetworkEstimator
        Who is fitted.
    recipe : Recipe
        Recipe of its training, which looks at the gradients.
    """

    def __init__(self, estimator: Any, recipe: Recipe) -> None:
        self.estimator, self.recipe = estimator, recipe

    def on_train_begin(self, net: Any, X: TensorData, **kwargs: Any) -> None:
        """Forget the last training."""
        self._data, self.before = X, len(net.history)
        self._sampled: TensorData | None = None
        self.valid: TensorData | None = None
        self.n_steps, self.n_epochs, self.has_exploded = 0, 0, False

    @property
    def train(self) -> TensorData:
        """Training part; some of its events, if they are not all in memory as tensors."""
        self._sampled = self._sampled or sample_of(self._data)
        return self._sampled

    def on_epoch_end(self, net: Any, dataset_valid: TensorData | None = None, **kwargs: Any) -> None:
        """Look at data and hold-out as soon as there is evidence, and at the gradients."""
        self.valid = dataset_valid
        n_before, self.n_epochs = self.n_steps, self.n_epochs + 1
        self.n_steps += net.history[-1]["train_batch_count"]
        if n_before < _STEPS <= self.n_steps:
            self._look_at_columns()
            self._look_at_hold_out(net)
        if len(self.recipe.gradients.totals) > 1 and not self.has_exploded:
            self._look_for_explosion()
        if self.n_epochs == 2 * _EPOCHS:
            self._look_at_layers()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Look at what has been learned."""
        if self.n_steps >= _STEPS:
            if self.n_epochs < 2 * _EPOCHS:
                self._look_at_layers()
            self._look_at_loss(net)
        self._data, self._sampled, self.valid = TensorData((), torch.empty(0)), None, None

    # --- data ---

    def _look_at_columns(self) -> None:
        if getattr(self.estimator, "scaling", None) is not None:  # the network scales them by itself
            return
        size = _mean_size(self.train)
        if far := {self._name_of(i): one for i, one in enumerate(size) if one > _FAR}:
            worst = sorted(far, key=lambda name: -far[name])[:5]
            _warn(
                f"Columns of X are far from the range (-1, 1) in which activations bend: the mean |x| of "
                f"{', '.join(f'{name} is {far[name]:.3g}' for name in worst)}"
                f"{f' (and of {len(far) - 5} more it is above {_FAR:g})' if len(far) > 5 else ''}. Put a scaler in "
                "front, make_pipeline(AutoScaler(), network) or one of scikit-learn's; numbers such as -999 for a "
                "missing value are to be replaced before (MissingValueImputer)."
            )

    def _name_of(self, column: int) -> str:
        names = getattr(self.estimator, "feature_names_in_", None)
        if (by_itself := self.estimator._fitted.input.columns) is not None:
            names = by_itself["points"]
        channel = self.train.inputs[0].ndim > 2
        return f"channel {column}" if channel else f"column {column}" if names is None else repr(str(names[column]))

    def _look_at_hold_out(self, net: Any) -> None:
        names = list(scorers_of(self.estimator.metrics))
        if self.valid is None or not names:
            return
        fewest = min(_effective(self.valid))
        wild = [name for name in names if not math.isfinite(net.history[-1, f"valid_{name}"])]
        if fewest < _FEW or wild:
            found = f"{wild} {'are' if len(wild) > 1 else 'is'} not finite there" if fewest >= _FEW else (
                f"it holds {fewest:.0f} effective events, (Σw)²/Σw², of the rarest class"
                if self.estimator._fitted.target.by_class else f"it holds {fewest:.0f} effective events, (Σw)²/Σw²"
            )  # fmt: skip
            _warn(
                f"The hold-out of {len(self.valid)} events is too small for metrics={names}: {found}, so that a few "
                "events move the metric from epoch to epoch. Take a larger share (validation=), pass X_val and y_val, "
                'or let monitor="loss" guide the training, which changes with every event.'
            )

    # --- gradients ---

    def _look_for_explosion(self) -> None:
        gradients = self.recipe.gradients
        totals = gradients.totals
        if totals[-1] > _EXPLODED * (largest := max(totals[: min(3, len(totals) - 1)])):
            self.has_exploded = True
            times, layer = totals[-1] / largest, gradients.names[gradients.norms[-1].argmax()]
            _warn(
                f"Gradients explode: in epoch {self.n_epochs} that of all layers is {times:.2g} times the largest of "
                f"the first epochs, most of it in {layer!r}. "
                f"Take a smaller learning rate (lr={self.estimator.lr:g}), gradient_clipping=1.0, warmup_epochs= or "
                'normalisation="layer".'
            )

    def _look_at_layers(self) -> None:
        gradients = self.recipe.gradients
        if len(gradients.norms) < _EPOCHS or self.n_steps < _STEPS:
            return
        if self.estimator.activation == "relu" and gradients.n_events >= _DEAD_EVENTS:
            shares = {name: share for name, share in gradients.dead().items() if share > _DEAD and "head" not in name}
            if shares:
                layer = list(shares)[-1]  # the dead layer that is nearest to the output leaves no gradient for others
                _warn(
                    f"ReLUs never fire: {100 * shares[layer]:.0f} % of the nodes behind {layer!r} have passed no "
                    f"gradient in {gradients.n_events} events, and learn nothing any more. Take a smaller learning "
                    f'rate (lr={self.estimator.lr:g}), scaled columns, or activation="gelu" or "silu".'
                )
                return  # of layers in front of them gradients vanish, for this reason
        size = np.median(gradients.norms[: 2 * _EPOCHS], axis=0)[gradients.matrices]
        size /= np.sqrt(gradients.sizes[gradients.matrices])
        if size.min() < _VANISHED * size.max():
            name = np.array(gradients.names)[gradients.matrices][size.argmin()]
            _warn(
                f"Gradients vanish: that of {str(name)!r} is {size.min() / size.max():.1g} of the largest one of a "
                "layer (RMS of a weight), so that it stays as it was drawn. Take fewer layers, a network with skip "
                f'connections (ResNet*), normalisation="layer", or another activation '
                f'("{self.estimator.activation}" now; "relu", "gelu" and "selu" pass gradients on).'
            )

    # --- what has been learned ---

    def _look_at_loss(self, net: Any) -> None:
        """Compare the loss of the epoch that is kept with that of a constant prediction, of the best constant."""
        target, criterion = self.train.target, net.criterion_
        if target.ndim > 1 and not float(target.float().std()) > 0:
            return  # there is nothing to learn
        records = net.history[self.before :]
        kept = next((one for one in records if net.monitor.patience and one["epoch"] == net.monitor.best_epoch_), None)
        kept = records[-1] if kept is None else kept
        predicted = _predicted(net, self.train if self.valid is None else self.valid)
        if predicted is None:
            return
        held, outputs = predicted
        is_alike = _spread(criterion.read(outputs), held) < _ALIKE
        if criterion.is_own:  # a loss of a user's own, whose scale is not known
            has_fallen = min(one["train_loss"] for one in records) < records[0]["train_loss"]
            self._judge(has_fallen, is_alike, 0.0, kept)
            return
        of_constant = _mean(criterion.of_constant(target, self.train.weight), self.train.weight)[0]
        gained = of_constant - kept["train_loss"]
        loss, constant = criterion.per_event(outputs, held.target), criterion.of_constant(held.target, held.weight)
        gain, error = _mean(constant - loss, held.weight)
        has_fallen = gained > 1e-3 * abs(of_constant) or gain > 2 * error
        gap = kept.get("valid_loss", 0.0) - kept["train_loss"]
        is_sure = self.valid is not None and gap > 5 * _mean(loss, held.weight)[1]
        self._judge(has_fallen, is_alike and not has_fallen, gap / gained if is_sure and gained > 0 else 0.0, kept)

    def _judge(self, has_fallen: bool, is_alike: bool, gap: float, kept: dict[str, Any]) -> None:
        lr = f"lr={self.estimator.lr:g}"
        if is_alike:
            _warn(
                "All predictions are alike: the outputs of different events differ by less than 1 %. The network has "
                f"learned the mean of y and no more. Look at the scale of the columns, the learning rate ({lr}), dead "
                "ReLUs and the number of layers; investigate(X, y) says what is wrong with the data."
            )
        elif not has_fallen:
            _warn(
                f"The loss does not fall: after {self.n_steps} steps that of the training is {kept['train_loss']:.4g} "
                f"in epoch {kept['epoch']}, and a constant prediction would do as well. Try another learning rate "
                f"({lr}), scale the columns, and see whether X tells anything about y (investigate(X, y), a boosted "
                "tree)."
            )
        elif gap > 0.5:
            _warn(
                f"Validation is far above training: the losses of epoch {kept['epoch']} are {kept['valid_loss']:.4g} "
                f"and {kept['train_loss']:.4g}, and {100 * min(gap, 1):.0f} % of what the training events gain over a "
                "constant prediction is not there in the hold-out. Take early_stopping=True, dropout=, weight_decay=, "
                "fewer nodes or more events; and see whether the hold-out is of the same kind as the training events."
            )


def _warn(message: str) -> None:
    warnings.warn(message, TrainingWarning, stacklevel=2)


def _mean_size(data: TensorData) -> list[float]:
    """Mean |x| of the columns of a table, the features of points, or the channels of images, as the network gets them.

    Events of weight zero do not count. Networks of sets and graphs standardise by themselves.
    """
    x = data.inputs[0]
    if isinstance(data, PackedData) or not x.is_floating_point() or not len(x):
        return []
    if data.weight is not None and len(data.weight) == len(x) and not data.weight.all():
        x = x[data.weight != 0]
    others = [axis for axis in range(x.ndim) if axis != 1]
    size: list[float] = (torch.linalg.vector_norm(x, ord=1, dim=others) / (x.numel() / x.shape[1])).tolist()
    return size


def _effective(data: TensorData) -> list[float]:
    """Effective numbers of events, (Σw)²/Σw², of each class or of all."""
    codes = data.target if data.target.ndim == 1 else torch.zeros_like(data.target[:, 0], dtype=torch.int64)
    weight = torch.ones_like(codes, dtype=torch.float64) if data.weight is None else data.weight.double()
    sums, squares = torch.bincount(codes, weight), torch.bincount(codes, weight**2)
    effective: list[float] = (sums**2 / squares)[squares > 0].tolist()
    return effective or [0.0]


@torch.inference_mode()
def _predicted(net: Any, data: TensorData) -> tuple[TensorData, torch.Tensor] | None:
    """Predict a part of the events, chosen at random: their targets and weights, and outputs; None if they have none.

    Outputs belong to events, or to their points or edges.
    """
    device, data = torch.device(net.device), sample_of(data)
    chosen = torch.Generator(device).manual_seed(0)
    batch = next(data.batches(min(_SAMPLE, len(data)), device, chosen), None)
    if batch is None:
        return None
    inputs, target, weight = batch
    net.module_.eval()
    return TensorData((), target, weight), net.infer((inputs, weight)).float()


def _mean(values: torch.Tensor, weight: torch.Tensor | None) -> tuple[float, float]:
    """Weighted mean, (1/n) Σ w·x, and its standard error."""
    weighted = (values if weight is None else values * weight).double()
    return weighted.mean().item(), weighted.std(correction=0).item() / math.sqrt(len(values))


def _spread(read: torch.Tensor, data: TensorData) -> float:
    """Spread of logits, or of predicted numbers in units of the spread of the targets; of the output with the most."""
    if data.target.ndim == 1:
        return (read - read.mean(1, keepdim=True)).std(0, correction=0).max().item()
    unit = data.target.std(0, correction=0).view(-1, *[1] * (read.ndim - 2))  # several quantiles have a last axis
    return (read.std(0, correction=0) / torch.where(unit > 0, unit, 1.0)).max().item()
