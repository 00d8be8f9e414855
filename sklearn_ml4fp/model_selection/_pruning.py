"""Pruning: the epochs of a network are compared with those of earlier candidates, and a worse training is ended.

The comparison needs no storage that processes share. A candidate carries the reports of the earlier ones, and its own
reports come back with its scores. So the result does not depend on the number of candidates at a time, on the number of
machines, or on the order in which candidates end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

from .._optional import needs
from ._candidates import Candidate


def _study(pruner: Any) -> Any:
    """Make an empty study in memory, for scores and reports of which the greater is the better."""
    optuna = needs("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # nothing is drawn with this seed; Hyperband draws its brackets by the name
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(direction="maximize", pruner=pruner, sampler=sampler, study_name="search")


class Judge(Callback):
    """Report the ``monitor`` of each epoch to a pruner, and end the training when the pruner says so."""

    def __init__(self, pruner: Any, past: list[dict[str, Any]]) -> None:
        self.pruner = pruner
        self.past = past

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Give the earlier candidates to the pruner."""
        study = _study(self.pruner)
        study.add_trials(needs("optuna").create_trial(**trial) for trial in self.past)
        self.trial_, self.pruned_, self.n_seen_ = study.ask(), False, 0
        self.reports_: dict[int, float] = {}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Report this epoch."""
        self._report(net)
        if self.pruned_:
            raise KeyboardInterrupt  # the signal of skorch's callbacks to stop a training

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Forget the earlier candidates."""
        self._report(net)
        del self.trial_

    def _report(self, net: Any) -> None:
        """Report the epochs that are new, which after a restart from a checkpoint are several, or all."""
        for record in net.history[self.n_seen_ :]:
            self.n_seen_ += 1
            score = -net.cost(record) if "valid_loss" in record else math.nan
            if self.pruned_ or not math.isfinite(score):  # a diverging training fails by itself
                continue
            self.reports_[self.n_seen_] = score
            self.trial_.report(score, self.n_seen_)
            self.pruned_ = bool(self.trial_.should_prune())


def _last_step(estimator: Any, name: str = "") -> tuple[str, Any]:
    """Return the network at the end of a Pipeline, with the prefix of its parameters."""
    while isinstance(estimator, Pipeline):
        step, estimator = estimator.steps[-1]
        name += f"{step}__"
    return name, estimator


def judgement_of(estimator: Any) -> tuple[dict[int, float], bool] | None:
    """Return the reports of the judge of a fitted estimator, and whether it ended a training."""
    judges = [
        callback
        for member in getattr(_last_step(estimator)[1], "members_", ())
        for _, callback in member.net_.callbacks_
        if isinstance(callback, Judge)
    ]
    if not judges:
        return None
    # of several members, the mean of those that were still trained; one that was ended leaves a candidate incomplete
    values: dict[int, list[float]] = {}
    for judge in judges:
        for epoch, value in judge.reports_.items():
            values.setdefault(epoch, []).append(value)
    reports = {epoch: float(np.mean(values[epoch])) for epoch in sorted(values)}
    return reports, any(judge.pruned_ for judge in judges)


# hyperparameters that change what a loss of the same predictions is, whatever the loss
_OF_THE_LOSS = ("loss", "class_weight", "label_smoothing", "quantile")


def other_losses(estimator: Any, names: Iterable[str]) -> list[str]:
    """Select the hyperparameters that change the scale of what the network reports: of a metric none does.

    Beside those of every loss these are the parameters of its own loss, as they are declared: ``focal_gamma`` of
    "focal", ``huber_delta`` of "huber".
    """
    network = _last_step(estimator)[1]
    if getattr(network, "monitor", "loss") != "loss":
        return []
    declared = {name: one.only_with for name, one in getattr(network, "_hyperparameters", {}).items() if one.only_with}
    own = {name for name, (other, values) in declared.items() if other == "loss" and network.loss in values}
    return sorted(name for name in names if name.split("__")[-1] in {*_OF_THE_LOSS, *own})


class Pruning:
    """Candidates so far, as a pruner sees them, each numbered by its row in ``cv_results_``.

    Parameters
    ----------
    pruner : optuna.pruners.BasePruner
        Pruner that decides.
    estimator : estimator
        Estimator to search: a network of this package, or a Pipeline that ends in one.
    names : list of str
        Names of the searched hyperparameters.

    Raises
    ------
    TypeError
        The pruner is not one of Optuna.
    ValueError
        The estimator does not end in a network, or the hyperparameters change the loss.
    """

    def __init__(self, pruner: Any, estimator: Any, names: Iterable[str]) -> None:
        if not isinstance(pruner, needs("optuna").pruners.BasePruner):
            raise TypeError(f"pruner= must be a pruner of Optuna, such as MedianPruner(), or None; got {pruner!r}.")
        if not hasattr(_last_step(estimator)[1], "callbacks"):
            raise ValueError(
                "pruner= needs a network of this package, or a Pipeline with one as its last step, got "
                f"{type(estimator).__name__}. Pass pruner=None."
            )
        names = list(names)
        monitors = [name for name in names if name.split("__")[-1] == "monitor"]
        if searched := other_losses(estimator, names) + monitors:
            raise ValueError(
                f"pruner= compares validation losses, or the metric that the network monitors, and {searched} change "
                'what that is. Fix them, let the network monitor a metric that they leave alone (metrics="roc_auc", '
                'monitor="roc_auc"), or pass pruner=None.'
            )
        self.pruner, self._trials = pruner, _study(deepcopy(pruner))

    def add(self, candidate: Candidate) -> None:
        """Add a finished candidate."""
        state = None if candidate.is_scored else needs("optuna").trial.TrialState.PRUNED
        trial = self._trials.ask()
        for epoch, value in candidate.reports.items():
            trial.report(value, epoch)
            trial.should_prune()  # successive halving records these calls
        self._trials.tell(trial, candidate.score if state is None else None, state=state)

    def _past(self) -> list[dict[str, Any]]:
        return [
            {
                "state": trial.state,
                "value": trial.value if trial.state.name == "COMPLETE" else None,
                "intermediate_values": trial.intermediate_values,
                "system_attrs": trial.system_attrs,
            }
            for trial in self._trials.trials
        ]

    def judged(self, estimator: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Add a judge to the callbacks in the parameters of a candidate, if it has a network.

        Raises
        ------
        ValueError
            The network sets no events apart, and so has no validation loss.
        """
        name, network = _last_step(clone(estimator).set_params(**clone(params, safe=False)))
        if not hasattr(network, "callbacks"):
            return params
        if not network.early_stopping:
            raise ValueError(
                f"pruner= compares what is measured on a hold-out, and {type(network).__name__} has "
                "early_stopping=False and so sets no events apart. Pass early_stopping=True (a large patience never "
                "stops by itself), or pruner=None."
            )
        return {**params, f"{name}callbacks": [*(network.callbacks or []), Judge(self.pruner, self._past())]}
