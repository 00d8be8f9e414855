"""What every network shares behind scikit-learn's interface: fit, predict, weights, groups, hyperparameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._compat import CallbackSupportMixin, with_callbacks
from .._events import check_ids
from .._holdout import set_apart
from .._validation import check_finite, check_weights
from ..data import PointClouds
from ..engine import (
    Monitor,
    Net,
    PointData,
    Recipe,
    Schedule,
    TensorData,
    WeightedLoss,
    build_on_meta,
    has_bfloat16,
    optimizer_arguments,
    resolve_device,
)
from ..nn import initialise
from ._inputs import as_floats
from ._observers import check_callbacks, observers_of
from ._training import TrainingChoices

_SEED_END = np.iinfo(np.int32).max


class Part(NamedTuple):
    """Events of one side of the hold-out."""

    X: Any
    target: np.ndarray
    weights: np.ndarray | None

    def rows(self, chosen: np.ndarray) -> Part:
        """The chosen events."""
        return Part(self.X[chosen], self.target[chosen], None if self.weights is None else self.weights[chosen])


def mean_and_scale(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each column; a column without a usable spread keeps its own unit."""
    mean = np.average(values, axis=0, weights=weights)
    variance = np.average((values - mean) ** 2, axis=0, weights=weights)
    # a constant column, or negative weights on the tails, leave no usable spread
    usable = variance > np.finfo(np.float64).eps * mean**2
    return mean, np.where(usable, np.sqrt(np.abs(variance)), 1.0)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Share the memory of an array; torch cannot promise not to write, so a read-only one is copied."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


class NetworkEstimator(CallbackSupportMixin, TrainingChoices, BaseEstimator):
    """Base of all networks: an architecture adds ``_build`` and its own hyperparameters.

    A subclass of this and a subclass of `NetworkClassifier` or `NetworkRegressor` meet in the public estimators.

    See Also
    --------
    NetworkClassifier, NetworkRegressor : Bases of classifiers and regressors.
    hp : Declare a hyperparameter.
    """

    _attributes_doc = """
        Attributes
        ----------
        net_ : skorch.NeuralNet
            The trained net; ``net_.module_`` is the torch module.
        history_ : dict of ndarray
            ``epoch``, ``train_loss``, ``valid_loss`` (where there is a hold-out), ``lr`` (at the end of the epoch,
            where a schedule changes it) and ``dur`` (seconds), one value an epoch.
        n_iter_ : int
            Epochs of the last ``fit``.
        n_features_in_ : int
            Number of columns of ``X``.
        feature_names_in_ : ndarray of str
            Names of the columns, where ``X`` has them.
    """

    # With scikit-learn's metadata routing on, whatever of this is passed reaches fit and score: weights are never
    # dropped without a word.
    __metadata_request__fit = dict.fromkeys(("sample_weight", "groups", "X_val", "y_val", "sample_weight_val"), True)
    __metadata_request__partial_fit = {"sample_weight": True}  # noqa: RUF012
    __metadata_request__score = {"sample_weight": True}  # noqa: RUF012

    @abstractmethod
    def _build(self, shape_in: tuple[int, ...], n_out: int) -> nn.Module:
        """Make the torch module for events of shape ``shape_in``; its output layer is called ``head``."""

    @abstractmethod
    def _check_target(self, y: Any, *, first: bool) -> np.ndarray:
        """Check ``y``, learn what it is like where ``first``, and return what `_to_training_target` takes."""

    @abstractmethod
    def _to_training_target(self, target: np.ndarray) -> np.ndarray:
        """What the loss compares the outputs with."""

    @abstractmethod
    def _learn_from_target(self, part: Part) -> None:
        """Learn from the training part's target alone, after the hold-out is set apart."""

    @property
    @abstractmethod
    def _n_out(self) -> int:
        """Outputs of the network."""

    @abstractmethod
    def _loss_parameters(self) -> dict[str, float]:
        """Parameters of ``loss``, by their names in the engine."""

    loss: Any
    _stratified: bool  # whether the hold-out takes its share of each class

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,), for a regressor also (n_events, n_targets)
            Class labels or targets.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; negative ones are legal.
        groups : array-like of shape (n_events,) or (n_events, n_columns), default=None
            Event ids (integers or strings): the hold-out shares no id with the training part.
        X_val, y_val : array-like, default=None
            Events to watch instead of a hold-out.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            NaN or infinity in ``X``; weights, classes or ids that cannot be used; an empty hold-out.
        FloatingPointError
            The loss is not finite in the first epoch.
        """
        self._validate_params()
        check_callbacks(self.callbacks)
        continued = bool(self.warm_start) and hasattr(self, "net_")
        rng = check_random_state(self.random_state)
        everything = self._check_part(X, y, sample_weight, "sample_weight", first=not continued)
        if groups is not None:
            check_ids(groups, len(everything.target))
        val = self._check_val(X_val, y_val, sample_weight_val)
        train, valid = self._set_apart(everything, groups, rng) if val is None else (everything, val)
        if not continued:
            self._learn_from_target(train)
            self._learn_units(train)
            self.net_ = self._make_net(train, rng)
        self._learn_weight_scale(train)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        data = {"X": X, "y": y, "metadata": metadata}
        context = self._init_callback_context(max_subtasks=self.max_epochs)
        if context is not None:
            context.call_on_fit_task_begin(estimator=self, **data)
        before = len(self.net_.history)
        observers = observers_of(self, context, data)
        self._train(train, valid, self.max_epochs, rng, observers, self._make_recipe())
        self.n_iter_ = len(self.net_.history) - before
        if context is not None:
            context.call_on_fit_task_end(estimator=self, reconstruction_attributes=dict, **data)
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        """One pass over a part of the data; weights and targets keep the scale of the first part."""
        self._validate_params()
        if self.ema_decay:
            raise ValueError(
                "ema_decay averages the weights of one training, which partial_fit cannot tell the end of. Pass "
                "ema_decay=0."
            )
        first = not hasattr(self, "net_")
        if first:
            self._rng = check_random_state(self.random_state)
        part = self._check_part(X, y, sample_weight, "sample_weight", first=first)
        if first:
            self._learn_from_target(part)
            self._learn_units(part)
            self.net_ = self._make_net(part, self._rng)
            self._learn_weight_scale(part)
        if not hasattr(self, "_recipe"):
            self._recipe = self._make_recipe()  # its schedule goes on from call to call
        self._train(part, None, 1, getattr(self, "_rng", check_random_state(self.random_state)), (), self._recipe)
        self.n_iter_ = len(self.net_.history)
        return self

    def _check_X(self, X: Any, *, first: bool = False) -> Any:
        if first or not self._is_plain(X):
            X = as_floats(self, X, first=first)
        X = np.ascontiguousarray(X, dtype=np.float32)
        check_finite(X, getattr(self, "feature_names_in_", None))
        return X

    def _is_plain(self, X: Any) -> bool:
        """Whether scikit-learn would take ``X`` as it is: its checks cost a single event more than the network does."""
        plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype in (np.float32, np.float64)
        return plain and not hasattr(self, "feature_names_in_") and X.shape == (max(1, len(X)), self.n_features_in_)

    def _check_part(self, X: Any, y: Any, weights: Any, name: str, *, first: bool = False) -> Part:
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        X = self._check_X(X, first=first)
        if len(X) == 0:
            raise ValueError(f"Found 0 events in X: {type(self).__name__} needs at least one to learn from.")
        target = self._check_target(y, first=first)
        if len(target) != len(X):
            raise ValueError(f"Found input variables with inconsistent numbers of samples: {[len(X), len(target)]}")
        return Part(X, target, check_weights(weights, len(X), name))

    def _check_val(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> Part | None:
        given = [name for name, value in (("X_val", X_val), ("y_val", y_val)) if value is not None]
        if not given:
            if sample_weight_val is not None:
                raise ValueError("fit got sample_weight_val without X_val and y_val; pass all three or none.")
            return None
        if len(given) == 1:
            raise ValueError(f"fit got {given[0]} alone; pass X_val and y_val together.")
        return self._check_part(X_val, y_val, sample_weight_val, "sample_weight_val")

    def _set_apart(self, everything: Part, groups: Any, rng: np.random.RandomState) -> tuple[Part, Part | None]:
        if not self.early_stopping:
            return everything, None
        codes = everything.target if self._stratified else None
        train, held = set_apart(self.validation, everything.X, everything.target, groups=groups, codes=codes, rng=rng)
        return everything.rows(train), everything.rows(held)

    def _learn_weight_scale(self, train: Part) -> None:
        weights = self._effective_weights(train)
        self._weight_scale = 1.0 if weights is None else float(weights.mean())

    def _effective_weights(self, part: Part) -> np.ndarray | None:
        """Event weights times class weights, where there are any."""
        return part.weights

    def _tensors(self, part: Part, *, weighted: bool) -> TensorData:
        weights = self._effective_weights(part)
        if weights is None and weighted:  # only the other part has weights
            weights = np.full(len(part.target), self._weight_scale)
        scaled = None if weights is None else as_tensor((weights / self._weight_scale).astype(np.float32))
        return self._data(part.X, as_tensor(self._to_training_target(part.target)), scaled)

    def _learn_units(self, train: Part) -> None:
        """Learn the unit of the event columns of point clouds, which no transformer of points touches."""
        self._event_unit = None
        if isinstance(train.X, PointClouds) and train.X.event_names:
            self._event_unit = mean_and_scale(train.X.event_values.astype(np.float64), train.weights)

    def _inputs(self, X: Any) -> tuple[torch.Tensor, ...]:
        """What the engine makes batches of; event columns are standardised, so that GeV do not drown the points."""
        if not isinstance(X, PointClouds):
            return (as_tensor(X),)
        points = (as_tensor(X.values.astype(np.float32, copy=False)), as_tensor(X.offsets))
        if self._event_unit is None:
            return points
        mean, scale = self._event_unit
        return (*points, as_tensor(((X.event_values - mean) / scale).astype(np.float32)))

    def _data(self, X: Any, target: torch.Tensor, weight: torch.Tensor | None = None) -> TensorData:
        """The source of batches of events ``X``."""
        if isinstance(X, PointClouds):
            return PointData(self._inputs(X), target, weight, in_parts=self.normalisation != "batch")
        return TensorData(self._inputs(X), target, weight)

    def _shape_in(self, X: Any) -> tuple[int, ...]:
        """Shape of an event: that of a row, or the numbers of features and of event columns of point clouds."""
        return (len(X.feature_names), len(X.event_names)) if isinstance(X, PointClouds) else X.shape[1:]

    def _make_recipe(self) -> Recipe | None:
        schedule = Schedule(
            self.lr_schedule,
            epochs=self.max_epochs,
            warmup_epochs=self.warmup_epochs,
            decay=self.lr_decay,
            decay_epochs=self.lr_decay_epochs,
        )
        changes_lr = self.lr_schedule != "constant" or self.warmup_epochs > 0
        if not (changes_lr or self.gradient_clipping or self.l1 or self.ema_decay):
            return None
        return Recipe(schedule if changes_lr else None, self.gradient_clipping, self.l1, self.ema_decay)

    def _train(
        self,
        train: Part,
        valid: Part | None,
        epochs: int,
        rng: np.random.RandomState,
        observers: tuple,
        recipe: Recipe | None,
    ) -> None:
        data = self._tensors(train, weighted=False)
        if self.augment is not None:
            data.refresh = self._augmented(train, np.random.RandomState(rng.randint(_SEED_END)))
        data_valid = None if valid is None else self._tensors(valid, weighted=data.weight is not None)
        automatic = self.precision == "auto" and has_bfloat16(self.net_.device)
        self.net_.train(
            data,
            data_valid,
            epochs=epochs,
            seed=rng.randint(_SEED_END),
            observers=observers,
            recipe=recipe,
            bfloat16=automatic or self.precision == "bfloat16",
            compiled=self.compile,
        )

    def _augmented(self, train: Part, rng: np.random.RandomState) -> Callable[[], TensorData]:
        """What gives the data of an epoch: the training events, changed anew at each call, with their targets."""
        names = getattr(self, "feature_names_in_", None)
        known = "y" if self._stratified else "target"  # the targets of a regression change with the events
        there = slice(None) if train.weights is None else np.flatnonzero(train.weights)  # of weight zero: no event
        augment = self.augment.learn(train.X[there], names=names, **{known: train.target[there]})

        def refresh() -> TensorData:
            changed = augment.augment(train.X, rng, names=names, **{known: train.target})
            X, target = (changed, train.target) if self._stratified else changed
            return self._tensors(Part(X, target, train.weights), weighted=False)

        return refresh

    def _make_net(self, train: Part, rng: np.random.RandomState) -> Net:
        # Built without memory and then drawn from a generator of our own: torch's global random state stays untouched.
        device = resolve_device(self.device)
        module = build_on_meta(lambda: self._build(self._shape_in(train.X), self._n_out), device)
        generator = torch.Generator().manual_seed(rng.randint(_SEED_END))
        module = module.to_empty(device="cpu")
        module = initialise(module, init=self.init, activation=self.activation, generator=generator)
        optimizer = optimizer_arguments(
            self.optimizer,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            device=device,
        )
        automatic = max(8, min(256, len(train.target) // 10))
        batch_size = automatic if self.batch_size == "auto" else int(self.batch_size)
        net = Net(
            module,
            criterion=WeightedLoss(self.loss, **self._loss_parameters()),
            lr=self.lr,
            batch_size=batch_size,
            device=str(device),
            train_split=None,
            verbose=0,
            callbacks=[*deepcopy(self.callbacks or []), Monitor(self.patience if self.early_stopping else None)],
            **optimizer,
        )
        return net.initialize()

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "net_")
        X = self._check_X(X)
        if len(X) == 0:  # the chunk of a stream
            return np.zeros((0, self._n_out))
        return self.net_.outputs(self._data(X, torch.zeros(len(X))))

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Losses and duration of every epoch."""
        names = ("epoch", "train_loss", "valid_loss", "lr", "dur")
        records = self.net_.history
        return {name: np.array([r[name] for r in records]) for name in names if records and name in records[0]}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
