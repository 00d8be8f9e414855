"""Pruning: a network's epochs are compared with those of earlier candidates, and the training ends if they are worse.

The comparison needs no storage that the processes share. A candidate takes along what the pruner has to know of the
earlier ones, and its reports come back with its scores. So it does not matter how many candidates run at once, on how
many machines and in which order they end: the result is the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

from .._optional import needs
from ._candidates import Candidate


def _study(pruner: Any) -> Any:
    """An empty study in memory, in which scores and reports are compared: the greater, the better."""
    optuna = needs("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # the seed draws nothing; Hyperband draws its brackets by the name
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(direction="maximize", pruner=pruner, sampler=sampler, study_name="search")


class Judge(Callback):
    """Report each epoch's validation loss to a pruner, and end the training when the pruner says so.

    Parameters
    ----------
    pruner : optuna.pruners.BasePruner
        Who decides.
    past : list of dict
        The earlier candidates, as `optuna.create_trial` takes them.
    """

    def __init__(self, pruner: Any, past: list[dict[str, Any]]) -> None:
        self.pruner = pruner
        self.past = past

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Tell the pruner of the earlier candidates."""
        study = _study(self.pruner)
        study.add_trials(needs("optuna").create_trial(**trial) for trial in self.past)
        self.trial_, self.pruned_ = study.ask(), False
        self.reports_: dict[int, float] = {}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Report this epoch."""
        epoch, loss = len(net.history), net.history[-1].get("valid_loss", math.nan)
        if not math.isfinite(loss):  # a diverging training fails of itself
            return
        self.reports_[epoch] = -loss
        self.trial_.report(-loss, epoch)
        if self.trial_.should_prune():
            self.pruned_ = True
            raise KeyboardInterrupt  # what skorch's callbacks raise to stop a training

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Forget the earlier candidates."""
        del self.trial_


def _last_step(estimator: Any, name: str = "") -> tuple[str, Any]:
    """The network at the end of a Pipeline, with the prefix of its parameters."""
    while isinstance(estimator, Pipeline):
        step, estimator = estimator.steps[-1]
        name += f"{step}__"
    return name, estimator


def judgement_of(estimator: Any) -> tuple[dict[int, float], bool] | None:
    """What the judge of a fitted estimator has written down, and whether it ended the training."""
    network = _last_step(estimator)[1]
    for callback in [one for _, one in network.net_.callbacks_] if hasattr(network, "net_") else ():
        if isinstance(callback, Judge):
            return callback.reports_, callback.pruned_
    return None


def other_losses(names: Iterable[str]) -> list[str]:
    """Those hyperparameters of each choice of which the validation losses have a scale of their own."""
    return sorted(name for name in names if name.split("__")[-1] in ("loss", "class_weight"))


class Pruning:
    """The candidates so far as a pruner sees them, each numbered by its row in ``cv_results_``.

    Parameters
    ----------
    pruner : optuna.pruners.BasePruner
        Who decides.
    estimator : estimator
        What is searched: a network of this package, or a Pipeline that ends in one.
    names : list of str
        Hyperparameters that are searched.

    Raises
    ------
    TypeError
        It is no pruner of Optuna.
    ValueError
        The estimator ends in no network, or the hyperparameters change the loss.
    """

    def __init__(self, pruner: Any, estimator: Any, names: Iterable[str]) -> None:
        if not isinstance(pruner, needs("optuna").pruners.BasePruner):
            raise TypeError(f"pruner= must be a pruner of Optuna, such as MedianPruner(), or None; got {pruner!r}.")
        if not hasattr(_last_step(estimator)[1], "callbacks"):
            raise ValueError(
                "pruner= needs a network of this package, or a Pipeline with one as its last step, got "
                f"{type(estimator).__name__}. Pass pruner=None."
            )
        if searched := other_losses(names):
            raise ValueError(
                f"pruner= compares validation losses, and {searched} change what the loss is. Fix them, or pass "
                "pruner=None."
            )
        self.pruner, self._trials = pruner, _study(deepcopy(pruner))

    def add(self, candidate: Candidate) -> None:
        """Add a finished candidate."""
        state = None if candidate.is_scored else needs("optuna").trial.TrialState.PRUNED
        trial = self._trials.ask()
        for epoch, value in candidate.reports.items():
            trial.report(value, epoch)
            trial.should_prune()  # successive halving keeps a book of its own of what it was asked
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
        """The parameters of a candidate with a judge among the callbacks of its network, where it has one.

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
                f"pruner= compares validation losses, and {type(network).__name__} has early_stopping=False and so "
                "sets no events apart. Pass early_stopping=True (a large patience never stops by itself), or "
                "pruner=None."
            )
        return {**params, f"{name}callbacks": [*(network.callbacks or []), Judge(self.pruner, self._past())]}
