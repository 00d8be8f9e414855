"""Hyperparameters of the training, which every network has."""

from __future__ import annotations

import os
from numbers import Real
from typing import Any

from .._compat import HasMethods, Interval, StrOptions
from .._params import AT_LEAST_ONE, Declared, hp
from .._protocols import EventAugmenter, HoldOutSplitter, methods_of
from ..engine import OPTIMIZERS, SCHEDULES, WARMED_UP, Recipe, Schedule
from ..nn import ACTIVATIONS, INITIALISATIONS, NORMALISATIONS

_DECAYING = ("exponential", "step", "plateau")  # schedules with γ and T


def layer_normalisation(where: str, of: str) -> Any:
    """Declare ``normalisation`` where "layer" is the default: where it stands, and of what the features are."""
    return hp(
        "layer",
        choices=NORMALISATIONS,
        doc=f'Normalisation {where}: "layer" takes the mean and variance over the features of each {of} (Ba et al., '
        '2016), so that no other event and no weight has an influence. "batch" takes those of each feature over the '
        "batch (Ioffe and Szegedy, 2015), and ignores event weights.",
    )


class TrainingChoices(Declared):
    """Hyperparameters of the training; see docs/training.rst."""

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
        "activation: he for ReLU, GELU, SiLU and Mish, glorot for sigmoid and tanh, lecun for SELU.",
    )
    optimizer: Any = hp(
        "adam",
        valid=(StrOptions(set(OPTIMIZERS)), type),
        choices=tuple(OPTIMIZERS),
        doc="Optimiser, by name or as a subclass of torch.optim.Optimizer, which gets ``lr`` and, if it has them, "
        "``momentum``, ``nesterov`` and ``weight_decay``.",
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
        only_with=("optimizer", ("sgd", "rmsprop")),
        doc="Share of the last step that is kept, for SGD and RMSprop; Adam has its own.",
    )
    nesterov: bool = hp(
        False,
        valid="boolean",
        choices=(False, True),
        only_with=("optimizer", ("sgd",)),
        doc="Whether SGD takes the gradient where its momentum leads; without a momentum it changes nothing.",
    )
    beta2: float = hp(
        0.999,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.9, 0.999),
        only_with=("optimizer", ("adam", "adamw")),
        doc="β₂ of Adam: share of the mean of squared gradients that each step keeps. A smaller one follows a learning "
        "rate that changes fast.",
    )
    lr_schedule: str = hp(
        "constant",
        choices=SCHEDULES,
        doc="Change of the learning rate with the epoch t, with γ = ``lr_decay`` and T = ``lr_decay_epochs``: "
        "γ^(t/T) (exponential), γ^⌊t/T⌋ (step), a factor γ after T epochs without a new best ``monitor`` (plateau), "
        "half a cosine down to 0 at ``max_epochs``; one_cycle: up to ``lr`` for 30 % of ``max_epochs``, then down; or "
        "coslog4: four times from 0 to ``lr`` and back within ``max_epochs``, each time twice as long (Holzmüller et "
        "al., 2024).",
    )
    lr_decay: float = hp(
        0.5,
        valid=Interval(Real, 0, 1, closed="neither"),
        search=(0.1, 0.9),
        only_with=("lr_schedule", _DECAYING),
        doc="γ of the schedules exponential, step and plateau.",
    )
    lr_decay_epochs: int = hp(
        5,
        valid=AT_LEAST_ONE,
        search=(2, 20),
        only_with=("lr_schedule", _DECAYING),
        doc="T of the schedules exponential, step and plateau; for plateau less than ``patience``.",
    )
    warmup_epochs: float = hp(
        0,
        valid=Interval(Real, 0, None, closed="left"),
        search=(0.0, 5.0),
        only_with=("lr_schedule", WARMED_UP),
        doc="Number of epochs, or a fraction of one, in which the learning rate first rises linearly from a hundredth.",
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
    regularisation_schedule: str = hp(
        "constant",
        choices=("constant", "flat_cos"),
        doc="Change of ``dropout`` and ``weight_decay`` with the epoch: flat_cos keeps them in the first half of "
        "``max_epochs``, and lets them fall to 0 along half a cosine in the second (Holzmüller et al., 2024).",
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
        valid=(AT_LEAST_ONE, StrOptions({"auto"})),
        search=(64, 1024),
        scale="log",
        doc="Number of events in a batch. auto is 256, or a tenth of a training part of less than 2560 events (at "
        "least 8), so that an epoch of a small sample still takes ten steps.",
    )
    max_epochs: int = hp(100, valid=AT_LEAST_ONE, doc="Largest number of passes over the training part.")
    early_stopping: bool = hp(
        True,
        valid="boolean",
        doc="Whether to set events apart, to stop when ``monitor`` no longer improves on them, and to keep the best "
        "weights.",
    )
    patience: int = hp(
        10,
        valid=AT_LEAST_ONE,
        doc="Number of epochs without a new best ``monitor`` after which early stopping ends the training.",
    )
    metrics: Any = hp(
        None,
        valid=(str, list, tuple, dict, callable, None),
        doc="Measurements on the hold-out after each epoch, with its weights: the name of a scorer, of this "
        "package or of scikit-learn, a scorer itself, a list of these, or a dict of names and scorers. roc_auc becomes "
        "the column ``valid_roc_auc`` of ``history_``.",
    )
    monitor: str = hp(
        "loss",
        valid=(str,),
        doc="Guide of early stopping, the best weights, the plateau schedule and pruners: the loss, or one of "
        "``metrics``, of which the greater is the better.",
    )
    validation: Any = hp(
        0.1,
        valid=(
            Interval(Real, 0, 1, closed="neither"),
            HasMethods(["split", "get_n_splits"]),
            HasMethods(methods_of(HoldOutSplitter)),
        ),
        doc="Share of the events that early stopping sets apart: whole groups if ``fit`` gets ``groups``, else a "
        "random choice with the same share of each class. Or a splitter, of which the first split is taken; a "
        "`RotatingKFold` takes the block after the one that is absent. Not used if ``fit`` gets ``X_val``.",
    )
    augment: Any = hp(
        None,
        valid=(HasMethods(methods_of(EventAugmenter)), None),
        doc="Augmenter, such as `Rotate` or `Smear`, that changes every training event anew in each epoch, and the "
        "target of a regression with it. It sees the columns as ``fit`` gets them; the hold-out and predictions are "
        "not changed.",
    )
    device: str = hp(
        "auto", valid=(str,), doc="Device: auto takes an accelerator if there is one; cpu, cuda, cuda:1, mps."
    )
    precision: str = hp(
        "float32",
        valid=StrOptions({"float32", "bfloat16", "auto"}),
        doc="Precision of the matrix products of the training; auto takes bfloat16 on GPUs that have it. Weights, "
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
        doc="skorch callbacks. One that acts on batches or gradients makes every step wait for its loss.",
    )
    n_members: int = hp(
        1,
        valid=AT_LEAST_ONE,
        doc="Number of networks that are trained and averaged, each from other first weights, with a hold-out, "
        "shuffling and dropout of its own: member i is the network whose ``random_state`` is the i-th number that "
        "``random_state`` draws (Lakshminarayanan et al., 2017).",
    )
    checkpoint: Any = hp(
        None,
        valid=(str, os.PathLike, None),
        doc="Folder in which ``fit`` keeps the state of the training, at the end of an epoch, at most every minute. A "
        "fit that was killed goes on from there when it is started again, and on a CPU ends in the same weights. Each "
        "fit has a file of its own, named by what it depends on (hyperparameters, events, weights): folds and "
        "candidates may share the folder. It is removed when the fit has ended, or the search or ``CrossFit*`` around "
        "it. Needs an integer as ``random_state``. The state of ``callbacks`` is not kept.",
    )
    distributed: bool = hp(
        True,
        valid="boolean",
        doc="Whether the processes that torchrun has started, or ``torch.distributed`` knows of, train one network "
        "together: each has a part of every batch of ``batch_size``. Without them it changes nothing. With False each "
        "process trains by itself, as workers of joblib and Dask do.",
    )
    warm_start: bool = hp(False, valid="boolean", doc="Whether a second ``fit`` continues from the present weights.")
    random_state: Any = hp(
        None, valid="random_state", doc="Seed of the first weights, the hold-out, the shuffling and dropout."
    )
    verbose: int = hp(
        0,
        valid="verbose",
        doc="What is shown of the epochs: 1 one live line in a terminal or a notebook, and plain lines in a log file, "
        "one a second at most; 2 a line for every epoch.",
    )

    def _make_recipe(self) -> Recipe:
        """Make the recipe of a training."""
        schedule = None
        if self.lr_schedule != "constant" or self.warmup_epochs > 0:
            schedule = Schedule(
                self.lr_schedule,
                epochs=self.max_epochs,
                warmup_epochs=self.warmup_epochs,
                decay=self.lr_decay,
                decay_epochs=self.lr_decay_epochs,
            )
        return Recipe(
            schedule,
            self.gradient_clipping,
            self.l1,
            self.ema_decay,
            fading_epochs=self.max_epochs if self.regularisation_schedule == "flat_cos" else None,
        )
