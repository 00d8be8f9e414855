"""What every network shares behind scikit-learn's interface: fit, predict, weights, groups, hyperparameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_array, check_is_fitted, column_or_1d, validate_data
from torch import nn

from .._compat import CallbackSupportMixin, with_callbacks
from .._events import check_ids
from .._holdout import set_apart
from .._params import Declared, hp
from .._validation import check_class_weights, check_finite, check_weights
from ..data import PointClouds
from ..engine import (
    OPTIMIZERS,
    SCHEDULES,
    Monitor,
    Net,
    PointData,
    Recipe,
    Schedule,
    TensorData,
    WeightedLoss,
    has_bfloat16,
    optimizer_arguments,
    resolve_device,
    split_gaussian,
)
from ..nn import ACTIVATIONS, INITIALISATIONS, NORMALISATIONS, initialise
from ._observers import observers_of

_SEED_END = np.iinfo(np.int32).max


class Part(NamedTuple):
    """Events of one side of the hold-out."""

    X: Any
    target: np.ndarray
    weights: np.ndarray | None

    def rows(self, chosen: np.ndarray) -> Part:
        """The chosen events."""
        return Part(self.X[chosen], self.target[chosen], None if self.weights is None else self.weights[chosen])


def _shape_of(X: Any) -> tuple[int, ...]:
    """Shape of an event: that of a row, or the numbers of features and of event columns of point clouds."""
    return (len(X.feature_names), len(X.event_names)) if isinstance(X, PointClouds) else X.shape[1:]


def _inputs_of(X: Any) -> tuple[torch.Tensor, ...]:
    """What the engine makes batches of."""
    if not isinstance(X, PointClouds):
        return (_tensor(X),)
    event = (_tensor(X.event_values.astype(np.float32)),) if X.event_names else ()
    return (_tensor(X.values.astype(np.float32, copy=False)), _tensor(X.offsets), *event)


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Share the memory of an array; torch cannot promise not to write, so a read-only one is copied."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


class NetworkEstimator(CallbackSupportMixin, Declared, BaseEstimator):
    """Base of all networks: an architecture adds ``_build`` and its own hyperparameters.

    A subclass of this and a subclass of `NetworkClassifier` or `NetworkRegressor` meet in the public estimators.
    """

    activation: str = hp(
        "relu", choices=tuple(ACTIVATIONS), doc="Function between the layers; the weights are drawn to suit it."
    )
    dropout: float = hp(
        0.0,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.0, 0.5),
        doc="Probability with which a node's output is dropped in training (Srivastava et al., 2014; for SELU alpha "
        "dropout, Klambauer et al., 2017).",
    )
    normalisation: str = hp(
        "none",
        choices=NORMALISATIONS,
        doc="Normalisation of the features between layers: over the events of the batch (Ioffe and Szegedy, 2015), "
        "which ignores their weights, or over the features of each event (Ba et al., 2016).",
    )
    init: str = hp(
        "auto",
        valid=None,
        choices=INITIALISATIONS,
        doc="Variance of the first weights: 2/(n_in + n_out) (glorot), 2/n_in (he), 1/n_in (lecun); auto suits the "
        "activation: he for ReLU, GELU and SiLU, glorot for sigmoid and tanh, lecun for SELU.",
    )
    optimizer: Any = hp(
        "adam",
        valid=(StrOptions(set(OPTIMIZERS)), type),
        choices=tuple(OPTIMIZERS),
        doc="How a gradient becomes a step; or a subclass of torch.optim.Optimizer, which is given ``lr`` and, where "
        "it knows them, ``momentum``, ``nesterov`` and ``weight_decay``.",
    )
    lr: float = hp(
        1e-3,
        valid=Interval(Real, 0, None, closed="neither"),
        search=(1e-4, 1e-2),
        scale="log",
        doc="Learning rate: the size of a step.",
    )
    momentum: float = hp(
        0.0,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.0, 0.99),
        doc="Share of the last step that is kept, for SGD and RMSprop; Adam has its own.",
    )
    nesterov: bool = hp(
        False,
        valid="boolean",
        choices=(False, True),
        doc="Whether SGD takes the gradient where its momentum leads; without a momentum it changes nothing.",
    )
    lr_schedule: str = hp(
        "constant",
        choices=SCHEDULES,
        doc="How the learning rate changes with the epoch t, with γ = ``lr_decay`` and T = ``lr_decay_epochs``: "
        "γ^(t/T) (exponential), γ^⌊t/T⌋ (step), a factor γ after T epochs without a new lowest loss (plateau), half a "
        "cosine down to 0 at ``max_epochs``, or one_cycle: up to ``lr`` for 30 % of ``max_epochs``, then down.",
    )
    lr_decay: float = hp(
        0.5,
        valid=Interval(Real, 0, 1, closed="neither"),
        search=(0.1, 0.9),
        doc="γ of the schedules exponential, step and plateau.",
    )
    lr_decay_epochs: int = hp(
        5,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(2, 20),
        doc="T of the schedules exponential, step and plateau; for plateau less than ``patience``.",
    )
    warmup_epochs: float = hp(
        0,
        valid=Interval(Real, 0, None, closed="left"),
        search=(0.0, 5.0),
        doc="Epochs, or a fraction of one, over which the learning rate first rises linearly from a hundredth.",
    )
    gradient_clipping: float | None = hp(
        None,
        valid=(Interval(Real, 0, None, closed="neither"), None),
        search=(0.1, 10.0),
        scale="log",
        doc="Largest norm of the gradient of all weights; a longer one is scaled down (Pascanu et al., 2013).",
    )
    weight_decay: float = hp(
        0.0,
        valid=Interval(Real, 0, None, closed="left"),
        search=(1e-6, 1e-2),
        scale="log",
        doc="Factor of the L2 term, which pulls weights towards zero.",
    )
    l1: float = hp(
        0.0,
        valid=Interval(Real, 0, None, closed="left"),
        search=(1e-7, 1e-3),
        scale="log",
        doc="Factor λ of the L1 term λ·Σ|w|, which drives weights to zero; biases and scales are left out.",
    )
    ema_decay: float = hp(
        0.0,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.9, 0.9999),
        doc="Decay d of an exponential moving average of the weights, θ̄ ← d·θ̄ + (1 − d)·θ after each step, which is "
        "validated and kept in their place (Polyak and Juditsky, 1992). 0 is no average.",
    )
    batch_size: int | str = hp(
        "auto",
        valid=(Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})),
        search=(64, 1024),
        scale="log",
        doc="Events in a mini-batch. auto is 256, or a tenth of a training part of less than 2560 events, so that an "
        "epoch of a small sample still takes ten steps (but 8 at least).",
    )
    max_epochs: int = hp(
        100, valid=Interval(Integral, 1, None, closed="left"), doc="Passes over the training part at most."
    )
    early_stopping: bool = hp(
        True,
        valid="boolean",
        doc="Whether to set events apart, to stop when their loss no longer falls, and to keep the best weights.",
    )
    patience: int = hp(
        10,
        valid=Interval(Integral, 1, None, closed="left"),
        doc="Epochs without a new lowest validation loss after which early stopping ends the training.",
    )
    validation: Any = hp(
        0.1,
        valid=(Interval(Real, 0, 1, closed="neither"), HasMethods(["split", "get_n_splits"])),
        doc="Share of the events that early stopping sets apart: whole groups where ``fit`` gets ``groups``, else a "
        "random choice with the same share of each class. Or a splitter, of which the first split is taken; a "
        "`RotatingKFold` takes the block after the one that is absent. Not used where ``fit`` gets ``X_val``.",
    )
    augment: Any = hp(
        None,
        valid=(HasMethods("augment"), None),
        doc="An augmenter, such as `Rotate` or `Smear`, that changes every training event anew in each epoch. It sees "
        "the columns as ``fit`` gets them; the hold-out and predictions stay as they are.",
    )
    device: str = hp(
        "auto", valid=(str,), doc="Where to compute: auto takes an accelerator if there is one; cpu, cuda, cuda:1, mps."
    )
    precision: str = hp(
        "float32",
        valid=StrOptions({"float32", "bfloat16", "auto"}),
        doc="What the training computes its matrix products in; auto takes bfloat16 on GPUs that have it. Weights, "
        "loss and predictions are float32.",
    )
    compile: bool = hp(
        False,
        valid="boolean",
        doc="Whether torch.compile translates the network before the training; that takes up to a minute.",
    )
    callbacks: list | None = hp(
        None,
        valid=(list, None),
        doc="skorch callbacks. One that asks for batch or gradient events switches to skorch's own, slower loop.",
    )
    warm_start: bool = hp(
        False, valid="boolean", doc="Whether a second ``fit`` goes on from the weights of the one before."
    )
    random_state: Any = hp(
        None, valid="random_state", doc="Seed of the first weights, the hold-out, the shuffling and dropout."
    )
    verbose: int = hp(0, valid="verbose", doc="Whether to show a progress bar over the epochs.")

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
        continued = bool(self.warm_start) and hasattr(self, "net_")
        rng = check_random_state(self.random_state)
        everything = self._check_part(X, y, sample_weight, "sample_weight", first=not continued)
        if groups is not None:
            check_ids(groups)
        val = self._check_val(X_val, y_val, sample_weight_val)
        train, valid = self._set_apart(everything, groups, rng) if val is None else (everything, val)
        if not continued:
            self._learn_from_target(train)
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
            self.net_ = self._make_net(part, self._rng)
            self._learn_weight_scale(part)
        if not hasattr(self, "_recipe"):
            self._recipe = self._make_recipe()  # its schedule goes on from call to call
        self._train(part, None, 1, getattr(self, "_rng", check_random_state(self.random_state)), (), self._recipe)
        self.n_iter_ = len(self.net_.history)
        return self

    def _check_X(self, X: Any, *, first: bool = False) -> Any:
        X = validate_data(self, X, dtype=np.float32, order="C", ensure_all_finite=False, reset=first)
        check_finite(X, getattr(self, "feature_names_in_", None))
        return X

    def _check_part(self, X: Any, y: Any, weights: Any, name: str, *, first: bool = False) -> Part:
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        X = self._check_X(X, first=first)
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
        scaled = None if weights is None else _tensor((weights / self._weight_scale).astype(np.float32))
        kind = PointData if isinstance(part.X, PointClouds) else TensorData
        return kind(_inputs_of(part.X), _tensor(self._to_training_target(part.target)), scaled)

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

    def _augmented(self, train: Part, rng: np.random.RandomState) -> Callable[[], tuple[torch.Tensor, ...]]:
        """What gives the inputs of an epoch: the training events, changed anew at each call."""
        names = getattr(self, "feature_names_in_", None)

        def refresh() -> tuple[torch.Tensor, ...]:
            changed = self.augment.augment(train.X, rng, names=names)
            return self._tensors(train._replace(X=changed), weighted=False).inputs

        return refresh

    def _make_net(self, train: Part, rng: np.random.RandomState) -> Net:
        # Built without memory and then drawn from a generator of our own: torch's global random state stays untouched.
        with torch.device("meta"):
            module = self._build(_shape_of(train.X), self._n_out)
        generator = torch.Generator().manual_seed(rng.randint(_SEED_END))
        module = initialise(
            module.to_empty(device="cpu"), init=self.init, activation=self.activation, generator=generator
        )
        device = resolve_device(self.device)
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
        kind = PointData if isinstance(X, PointClouds) else TensorData
        return self.net_.outputs(kind(_inputs_of(X), torch.zeros(len(X)))).astype(np.float64)

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


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """Base of the classifiers."""

    loss: str = hp(
        "cross_entropy",
        choices=("cross_entropy", "focal"),
        doc="What is minimised; focal weighs an event by (1 − p)^γ, p the probability of its class (Lin et al., 2017).",
    )
    focal_gamma: float = hp(
        2.0, valid=Interval(Real, 0, None, closed="left"), search=(0.5, 5.0), doc="γ of the focal loss."
    )
    label_smoothing: float = hp(
        0.0,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.0, 0.2),
        doc="Probability ε that is taken from the class of an event and shared among all classes (Szegedy et al., "
        "2016).",
    )
    class_weight: Any = hp(
        None,
        valid=(dict, StrOptions({"balanced"}), None),
        choices=(None, "balanced"),
        doc="Factor on the event weights of each class; balanced makes the sums of weights equal: w_i · Σw / "
        "(K · Σ_class w).",
    )

    _attributes_doc = (
        NetworkEstimator._attributes_doc
        + """    classes_ : ndarray of shape (n_classes,)
            Labels.
    """
    )
    _stratified = True

    def partial_fit(self, X: Any, y: Any, classes: Any = None, *, sample_weight: Any = None) -> Self:
        """Train for one pass over a part of the data, from the present weights.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed in the first call.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; the mean of the first call is the unit in every later one.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            ``classes`` is missing in the first call, or differs later; a label is not in it; class_weight="balanced".
        """
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs the sums of weights of all data, which partial_fit does not see. '
                "Pass a dict with one factor a class."
            )
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("partial_fit needs classes= in its first call: all labels that will ever come.")
            self.classes_ = np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes={classes} differs from that of the first call, {self.classes_}.")
        return self._partial_fit(X, y, sample_weight)

    def _check_target(self, y: Any, *, first: bool) -> np.ndarray:
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        if first and not hasattr(self, "_rng"):  # partial_fit has learned its classes already
            self.classes_ = np.unique(y)
            if len(self.classes_) < 2:
                raise ValueError(f"Expected at least two classes in y, got one class: {self.classes_[0]}.")
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if len(unknown := np.unique(y[self.classes_[codes] != y])):
            raise ValueError(f"y contains labels that are not among the classes {self.classes_}: {unknown}.")
        return codes

    def _to_training_target(self, target: np.ndarray) -> np.ndarray:
        return target.astype(np.int64)

    def _learn_from_target(self, part: Part) -> None:
        pass

    def _loss_parameters(self) -> dict[str, float]:
        focal = {"gamma": self.focal_gamma} if self.loss == "focal" else {}
        return focal | ({"label_smoothing": self.label_smoothing} if self.label_smoothing else {})

    def _learn_weight_scale(self, train: Part) -> None:
        self._class_factors = self._factors(train)
        super()._learn_weight_scale(train)

    def _factors(self, train: Part) -> np.ndarray | None:
        if not hasattr(self, "_rng"):  # a part of a stream may lack a class
            check_class_weights(train.target, train.weights, self.classes_)
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, dict):
            return compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_[train.target])
        sums = np.bincount(train.target, weights=train.weights, minlength=len(self.classes_))
        return sums.sum() / (len(sums) * sums)

    def _effective_weights(self, part: Part) -> np.ndarray | None:
        if self._class_factors is None:
            return part.weights
        factors = self._class_factors[part.target]
        return factors if part.weights is None else factors * part.weights

    @property
    def _n_out(self) -> int:
        return len(self.classes_)

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits of the classes.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.

        Returns
        -------
        ndarray of shape (n_events,) or (n_events, n_classes)
            With two classes, the log-odds of the second.
        """
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the class probabilities, ``(n_events, n_classes)``."""
        return log_softmax(self._outputs(X), axis=1)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.

        Returns
        -------
        ndarray of shape (n_events, n_classes), float64
            In the order of ``classes_``; double precision keeps apart the scores of events near 0 and 1.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class of each event, ``(n_events,)``."""
        best = self._outputs(X).argmax(axis=1)
        return self.classes_[best]


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """Base of the regressors.

    Targets are standardised inside: the network learns (y − mean) / standard deviation of the training part, both
    weighted, so that a learning rate means the same whatever the unit of ``y``.
    """

    loss: str = hp(
        "mse",
        choices=("mse", "huber", "quantile", "gaussian_nll"),
        doc="What is minimised: the squared error; Huber's, which is linear beyond ``huber_delta``; the one whose "
        "minimum is a quantile; or the negative log-likelihood of a normal distribution, whose width "
        "``predict(X, return_std=True)`` gives (Nix and Weigend, 1994).",
    )
    huber_delta: float = hp(
        1.0,
        valid=Interval(Real, 0, None, closed="neither"),
        search=(0.1, 3.0),
        doc="Where Huber's loss turns linear, in standard deviations of the target.",
    )
    quantile: float = hp(
        0.5, valid=Interval(Real, 0, 1, closed="neither"), doc="Which quantile the quantile loss estimates."
    )

    _stratified = False

    def partial_fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> Self:
        """Train for one pass over a part of the data, from the present weights.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        y : array-like of shape (n_events,) or (n_events, n_targets)
            Targets; the mean and the standard deviation of the first call are the unit in every later one.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; the mean of the first call is the unit in every later one.

        Returns
        -------
        self : object
            The estimator.
        """
        return self._partial_fit(X, y, sample_weight)

    def _check_target(self, y: Any, *, first: bool) -> np.ndarray:
        y = check_array(y, dtype=np.float64, ensure_2d=False, allow_nd=False, input_name="y")
        target = y[:, None] if y.ndim == 1 else y
        if first:
            self._y_is_column = y.ndim == 1
            self._n_targets = target.shape[1]
        elif target.shape[1] != self._n_targets:
            raise ValueError(f"y has {target.shape[1]} targets, expected {self._n_targets} as in the first call.")
        return target

    def _learn_from_target(self, part: Part) -> None:
        mean = np.average(part.target, axis=0, weights=part.weights)
        variance = np.average((part.target - mean) ** 2, axis=0, weights=part.weights)
        # a constant target, or negative weights on its tails, leave no usable spread
        usable = variance > np.finfo(np.float64).eps * mean**2
        self._y_mean, self._y_scale = mean, np.where(usable, np.sqrt(np.abs(variance)), 1.0)

    def _to_training_target(self, target: np.ndarray) -> np.ndarray:
        return ((target - self._y_mean) / self._y_scale).astype(np.float32)

    def _loss_parameters(self) -> dict[str, float]:
        parameters = {"huber": {"delta": self.huber_delta}, "quantile": {"quantile": self.quantile}}
        return parameters.get(self.loss, {})

    @property
    def _n_out(self) -> int:
        return 2 * self._n_targets if self.loss == "gaussian_nll" else self._n_targets

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n_events, n_features)
            Events.
        return_std : bool, default=False
            Whether to give the standard deviation of each target as well; needs ``loss="gaussian_nll"``.

        Returns
        -------
        prediction : ndarray of shape (n_events,) or (n_events, n_targets), float64
            In the unit of ``y``.
        std : ndarray of the same shape
            Only where ``return_std``.

        Raises
        ------
        ValueError
            A standard deviation is asked for that was not trained.
        """
        outputs = self._outputs(X)
        gaussian = outputs.shape[1] == 2 * self._n_targets
        if return_std and not gaussian:
            raise ValueError(
                'return_std=True needs a network fitted with loss="gaussian_nll"; this one was fitted with another.'
            )
        mean = outputs[:, : self._n_targets] * self._y_scale + self._y_mean
        parts = [mean]
        if return_std:
            log_variance = split_gaussian(torch.from_numpy(outputs))[1].numpy()
            parts.append(np.exp(log_variance / 2) * self._y_scale)
        parts = [part[:, 0] if self._y_is_column else part for part in parts]
        return tuple(parts) if return_std else parts[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
