"""Base of all networks: fit, predict, weights, groups and hyperparameters behind scikit-learn's interface."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from inspect import signature
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._compat import CallbackSupportMixin, callback_management_context
from .._events import check_ids
from .._holdout import set_apart
from .._optional import needs
from .._recording import recorded
from .._side_by_side import train, waits_for_others
from ..data import EventSource
from ..engine import (
    ALONE,
    ClassifierNet,
    Loss,
    Monitor,
    Net,
    Training,
    WeightedLoss,
    build_on_meta,
    joined,
    optimizer_arguments,
    own_loss,
    resolve_device,
    train_together,
)
from ..nn import initialise
from ._arguments import arguments_of
from ._entries import EntryOutputs
from ._fitted import Conversion, Fitted, Part
from ._inputs import TableInput
from ._keeping import KeptNetwork
from ._members import WithMembers
from ._metrics import check_metrics, columns_of
from ._observers import ClonedWithCallbacks, check_callbacks, copied, fit_task, observers_of
from ._resuming import checkpoint_of
from ._sharing import check_common, common_random_state, refuse_several
from ._sources import Large, read_if_small
from ._streams import StreamedPart, Surveyor
from ._targets import ClassTarget, NumberTarget
from ._training import TrainingChoices


class NetworkEstimator(
    EntryOutputs,
    KeptNetwork,
    ClonedWithCallbacks,
    WithMembers,
    CallbackSupportMixin,
    TrainingChoices,
    BaseEstimator,
):
    """Base of all networks: an architecture states its torch module and its own hyperparameters.

    The module is a class whose constructor takes the shape of an event (``shape_in``, or for tables ``d_in``, the
    number of columns), the number of outputs, and hyperparameters by their names. Its output layer is called ``head``.
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
            The trained net; ``net_.module_`` is the torch module. With several members, each has its own.
        members_ : list of estimators
            Fitted networks of this class that are averaged, as many as ``n_members``.
        history_ : dict of ndarray, or with several members a list of these
            One value an epoch: ``epoch``; ``train_loss``; ``valid_loss`` and, for each of ``metrics``,
            ``valid_<metric>``, where there is a hold-out; ``lr``, at the end of the epoch; ``gradient_norm``, of the
            batch in its middle, before clipping; ``events_per_second`` of the training; ``dur``, seconds of the whole
            epoch; on a GPU ``gpu_memory``, the most so far (GB), and ``gpu_utilisation`` (%), where nvidia-ml-py is
            installed.
        history_frame_ : DataFrame
            The same as a data frame of pandas, with the epoch as its index; with several members, (member, epoch).
        n_iter_ : int
            Epochs of the last ``fit``; with several members, the most of any.
        best_epoch_ : int
            The one of these with the best ``monitor``, whose weights early stopping keeps; of members the median.
        n_features_in_ : int
            Number of columns of ``X``.
        feature_names_in_ : ndarray of str
            Names of the columns, where ``X`` has them.
    """

    # With scikit-learn's metadata routing on, these reach fit and score: weights are never dropped silently.
    __metadata_request__fit = dict.fromkeys(("sample_weight", "groups", "X_val", "y_val", "sample_weight_val"), True)
    __metadata_request__partial_fit = {"sample_weight": True}  # noqa: RUF012
    __metadata_request__score = {"sample_weight": True}  # noqa: RUF012

    loss: Any
    net_: Net
    _input: type[TableInput] = TableInput  # what an architecture takes

    @property
    @abstractmethod
    def _module(self) -> Callable[..., nn.Module]:
        """Class of the torch module; an architecture sets it as a class attribute."""

    def _new_input(self) -> TableInput:
        """Make the object that reads the events, with the hyperparameters that its fields name."""
        named = (one.name for one in fields(self._input) if one.name in self._fields)
        return self._input(**{name: getattr(self, name) for name in named})

    @abstractmethod
    def _new_target(self) -> ClassTarget | NumberTarget:
        """Make the target, which reads classes or numbers."""

    @abstractmethod
    def _loss_parameters(self) -> dict[str, Any]:
        """Return the parameters of a named ``loss``, by their names in the engine."""

    def _build(self, shape_in: tuple[int, ...], n_out: int, **of_input: Any) -> nn.Module:
        """Make the module, with those hyperparameters and facts about the input that its signature names."""
        make: Any = type(self)._module
        named = signature(make).parameters
        known = {**self.get_params(deep=False), **of_input}
        first = shape_in[0] if "d_in" in named else shape_in
        module: nn.Module = make(first, n_out, **{name: known[name] for name in named if name in known})
        return module

    @recorded
    def fit(
        self,
        X: Any,
        y: Any = None,
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
        X : array-like of shape (n_events, n_features), or EventSource
            Events. A source carries targets, weights and ids by itself; one that is larger than its ``memory`` is read
            in every epoch anew, see :doc:`/streams`.
        y : array-like of shape (n_events,), for a regressor also (n_events, n_targets)
            Class labels or targets; None for a source.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights; negative ones are legal.
        groups : array-like of shape (n_events,) or (n_events, n_columns), default=None
            Event ids (integers or strings): the hold-out shares no id with the training part.
        X_val, y_val : array-like, default=None
            Events to watch instead of a hold-out; ``X_val`` may be a source.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation events.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            ``X`` holds NaN or infinity; weights, classes or ids are not usable; the hold-out is empty.
        FloatingPointError
            The loss is not finite in the first epoch.
        """
        held = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        given = {"sample_weight": sample_weight, "groups": groups, **held}
        self._validate_params()
        if self.n_members > 1:
            return self._fit_members(X, y, given)
        with self._in_fit(X, y, **given) as training:
            if waits_for_others():
                (error,) = train([Training(self.net_, training)], train_together)
                if error is not None:
                    raise error
            else:
                self.net_.train(**training)
        return self

    @contextmanager
    def _in_fit(
        self, X: Any, y: Any, sample_weight: Any, groups: Any, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> Iterator[dict[str, Any]]:
        """Do all that `fit` does, except for the training, whose arguments it gives."""
        if self.callbacks:
            check_callbacks(self.callbacks)
        rng, processes = check_random_state(self.random_state), joined() if self.distributed else ALONE
        if processes.n > 1:
            rng = common_random_state(rng, processes)
        if self.warm_start:
            self._check_same_number()
        if self.warm_start and hasattr(self, "_fitted"):
            fitted = self._fitted
            fitted.rng, fitted.stream = rng, None
        else:
            fitted = Fitted(self._new_input(), self._new_target(), rng)
        fitted.processes = processes
        has_val = not (X_val is y_val is sample_weight_val is None)
        if self.metrics or self.monitor != "loss":
            check_metrics(self, has_hold_out=self.early_stopping or X_val is not None)
        if isinstance(X, EventSource):
            X, y, sample_weight, groups = read_if_small("X", X, y, sample_weight, groups)
        if isinstance(X_val, EventSource):
            X_val, y_val, sample_weight_val, _ = read_if_small("X_val", X_val, y_val, sample_weight_val)
        train: Any
        valid: Any = None
        if isinstance(X, Large):
            train, valid = Surveyor(self, fitted).survey(X, (X_val, y_val, sample_weight_val))
            X = X.source
        else:
            everything = fitted.check(self, X, y, sample_weight)
            if processes.n > 1:
                check_common(everything, processes)
            if groups is not None:
                check_ids(groups, len(everything.target))
            train = everything
            if has_val:
                valid = self._check_val(fitted, X_val, y_val, sample_weight_val)
            elif self.early_stopping:
                train, valid = self._set_apart(fitted, everything, groups)
            if self.augment is not None:
                self._check_augmenter(y)
        if valid is not None and valid.weights is not None and train.weights is None:
            valid = valid.with_unit_mean()  # to be compared with the training's
        self._begin(fitted, train, complete=True)
        before = len(self.net_.history)
        with callback_management_context(self), fit_task(self, self.max_epochs, X, y, sample_weight) as task:
            try:
                recipe = self._make_recipe()
                checkpoint = None if self.checkpoint is None else checkpoint_of(self, train, valid)
                observers = observers_of(self, recipe, task)
                yield arguments_of(self, train, valid, self.max_epochs, recipe, observers, checkpoint)
            except Exception:
                if isinstance(train, StreamedPart):  # a file has changed: nothing half-trained is left
                    self._forget()
                raise
            finally:  # also after Ctrl-C
                if hasattr(self, "net_"):
                    self.n_iter_ = len(self.net_.history) - before
                    self.best_epoch_ = (self.net_.monitor.best_epoch_ or len(self.net_.history)) - before

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, target: ClassTarget | NumberTarget) -> Self:
        """Train for one pass over a part of the data; weights and targets keep the scale of the first part."""
        refuse_several(self)
        check_callbacks(self.callbacks)
        check_metrics(self, has_hold_out=False)
        if self.ema_decay:
            raise ValueError(
                "ema_decay averages the weights of one training, which partial_fit cannot tell the end of. Pass "
                "ema_decay=0."
            )
        first = not hasattr(self, "_fitted")
        new = Fitted(self._new_input(), target, check_random_state(self.random_state))
        fitted = new if first else self._fitted
        part = fitted.check(self, X, y, sample_weight)
        if self.augment is not None:
            self._check_augmenter(y)
        if first:
            self._begin(fitted, part, complete=False)
        if fitted.stream is None:
            fitted.stream = self._make_recipe()
        if fitted.stream.has_ended:
            raise ValueError(
                f"lr_schedule={self.lr_schedule!r} has come to its end after max_epochs={self.max_epochs} passes: "
                "nothing would be learned from this one. Begin anew with max_epochs= the number of calls of "
                'partial_fit that will come, or with a schedule without an end, such as "constant".'
            )
        try:
            self.net_.train(**arguments_of(self, part, None, 1, fitted.stream))
        finally:
            self.n_iter_ = len(self.net_.history)
        return self

    def _check_val(self, fitted: Fitted, X_val: Any, y_val: Any, sample_weight_val: Any) -> Any:
        if isinstance(X_val, Large):
            return Surveyor(self, fitted).held(X_val)
        given = [name for name, value in (("X_val", X_val), ("y_val", y_val)) if value is not None]
        if not given:
            raise ValueError("fit got sample_weight_val without X_val and y_val; pass all three or none.")
        if len(given) == 1:
            raise ValueError(f"fit got {given[0]} alone; pass X_val and y_val together.")
        return fitted.check(self, X_val, y_val, sample_weight_val, "sample_weight_val")

    def _set_apart(self, fitted: Fitted, everything: Part, groups: Any) -> tuple[Part, Part]:
        X, target = everything.X, everything.target
        codes = target if fitted.target.by_class and isinstance(target, np.ndarray) else None
        train, held = set_apart(self.validation, X, target, groups=groups, codes=codes, rng=fitted.rng)
        return everything.rows(train), everything.rows(held)

    def _begin(self, fitted: Fitted, train: Any, *, complete: bool) -> None:
        """Learn units and weights from the training part, and make the network, if there is none yet."""
        if fitted.net is None:
            shown = {}
            if fitted.input.learns:
                train.show_to(fitted.input)
                shown, fitted.input.seen = fitted.input.learn(), None
            device = resolve_device(self.device, fitted.processes.place if fitted.processes.n > 1 else None)
            loss = self._make_loss()
            if loss.standardised and not fitted.target.by_class:
                fitted.target.learn_unit(train)
            automatic = max(8, min(256, len(train) // 10))
            batch_size = automatic if self.batch_size == "auto" else int(self.batch_size)
            net = self._make_net(fitted, loss, device, fitted.seed(), batch_size)
            fitted.net, fitted.made_with = net.initialize(), self.get_params(deep=False)
            fitted.settle(train)
            self.__dict__.update(shown)
        fitted.learn_weights(train, complete=complete)
        self._fitted, self.net_ = fitted, fitted.net
        self.__dict__.pop("_members", None)

    def _make_loss(self) -> Loss:
        return WeightedLoss(self.loss, **self._loss_parameters()) if isinstance(self.loss, str) else own_loss(self.loss)

    def _make_net(self, fitted: Fitted, loss: Loss, device: torch.device, seed: int, batch_size: int) -> Net:
        """Make the net, which is still to be initialised."""
        target, n = fitted.target, fitted.target.n
        shape_in, of_input = fitted.input.module_shape, fitted.input.module_arguments
        module = build_on_meta(partial(self._build, shape_in, loss.n_outputs(n), **of_input), device)
        optimizer = optimizer_arguments(
            self.optimizer,
            momentum=self.momentum,
            nesterov=self.nesterov,
            beta2=self.beta2,
            weight_decay=self.weight_decay,
            device=device,
        )
        kind: Callable[..., Net] = partial(ClassifierNet, n_classes=n) if target.by_class else Net
        return kind(
            module,
            first_weights=partial(initialise, init=self.init, activation=self.activation),
            seed=seed,
            dataset=Conversion(fitted.input, target),
            criterion=loss,
            lr=self.lr,
            max_epochs=self.max_epochs,
            batch_size=batch_size,
            device=str(device),
            verbose=int(bool(self.callbacks)),  # otherwise PrintLog of skorch prints nothing
            callbacks=[*map(copied, self.callbacks or []), Monitor(self.patience if self.early_stopping else None)],
            **optimizer,
        )

    def _read(self, X: Any) -> torch.Tensor:
        """Compute what the loss reads from the outputs: logits, or standardised targets."""
        check_is_fitted(self, "net_")
        return self.net_.criterion_.read(self._fitted.outputs(self, X))

    @property
    def history_(self) -> Any:
        """Losses, metrics, learning rate, gradient norm and speed of every epoch."""
        each = [columns_of(member.net_.history) for member in self.members_]
        return each[0] if self._is_single else each

    @property
    def history_frame_(self) -> Any:
        """The history as a data frame of pandas, indexed by the epoch."""
        frame_of = needs("pandas").DataFrame
        each = [frame_of(columns_of(member.net_.history)).set_index("epoch") for member in self.members_]
        return each[0] if self._is_single else needs("pandas").concat(dict(enumerate(each)), names=["member"])

    def _as_module(self) -> Any:
        """Make one torch module of the fitted network, for an export."""
        from ._whole_network import WholeNetwork

        return WholeNetwork(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
