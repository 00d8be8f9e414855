"""Pruning: a network's epochs are compared with those of earlier candidates, and the training ends if they are worse.

The comparison needs no storage that the processes share. A candidate takes along what the pruner has to know of the
earlier ones, and its reports come back with its scores. So it does not matter how many candidates run at once, on how
many machines and in which order they end: the result is the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

from .._compat import MultimetricScorer

_EPOCH, _PRUNED = "epoch ", "pruned"  # names under which reports travel among the scores


def _study(pruner: Any) -> Any:
    """An empty study in memory, in which scores and reports are compared: the greater, the better."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # the seed draws nothing; Hyperband draws its brackets by the name
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(direction="maximize", pruner=pruner, sampler=sampler, study_name="search")


class Record:
    """The candidates so far as a pruner sees them, each numbered by its row in ``cv_results_``."""

    def __init__(self, pruner: Any) -> None:
        self._trials = _study(pruner)

    def add(self, reports: dict[int, float], score: float | None) -> None:
        """Add a candidate; the score is None where it has none or was stopped."""
        from optuna.trial import TrialState

        trial = self._trials.ask()
        for epoch, value in reports.items():
            trial.report(value, epoch)
            trial.should_prune()  # successive halving keeps a book of its own of what it was asked
        self._trials.tell(trial, score, state=TrialState.PRUNED if score is None else None)

    def of_all(self) -> list[dict[str, Any]]:
        """Each candidate, as `optuna.create_trial` takes it."""
        return [
            {
                "state": trial.state,
                "value": trial.value if trial.state.name == "COMPLETE" else None,
                "intermediate_values": trial.intermediate_values,
                "system_attrs": trial.system_attrs,
            }
            for trial in self._trials.trials
        ]


class Judge(Callback):
    """Report each epoch's validation loss to a pruner, and end the training when the pruner says so.

    Parameters
    ----------
    pruner : optuna.pruners.BasePruner
        Who decides.
    past : list of dict
        The earlier candidates, from a `Record`.
    """

    def __init__(self, pruner: Any, past: list[dict[str, Any]]) -> None:
        self.pruner = pruner
        self.past = past

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Tell the pruner of the earlier candidates."""
        from optuna.trial import create_trial

        study = _study(self.pruner)
        study.add_trials(create_trial(**trial) for trial in self.past)
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


def other_losses(names: Iterable[str]) -> list[str]:
    """Those hyperparameters of each choice of which the validation losses have a scale of their own."""
    return sorted(name for name in names if name.split("__")[-1] in ("loss", "class_weight"))


def check_prunable(estimator: Any, distributions: Any) -> None:
    """Refuse what a pruner cannot compare.

    Raises
    ------
    ValueError
        The estimator ends in no network, or the distributions change the loss.
    """
    if not hasattr(_last_step(estimator)[1], "callbacks"):
        raise ValueError(
            "pruner= needs a network of this package, or a Pipeline with one as its last step, got "
            f"{type(estimator).__name__}. Pass pruner=None."
        )
    spaces = [distributions] if isinstance(distributions, dict) else distributions or []
    if searched := other_losses({name for space in spaces for name in space}):
        raise ValueError(
            f"pruner= compares validation losses, and {searched} change what the loss is. Fix them, or pass "
            "pruner=None."
        )


def judged(estimator: Any, candidate: dict[str, Any], judge: Judge) -> dict[str, Any]:
    """The candidate with the judge among the callbacks of its network, where it has one.

    Parameters
    ----------
    estimator : estimator
        With the candidate's parameters set.
    candidate : dict
        Those parameters.

    Raises
    ------
    ValueError
        The network sets no events apart, and so has no validation loss.
    """
    name, network = _last_step(estimator)
    if not hasattr(network, "callbacks"):
        return candidate
    if not network.early_stopping:
        raise ValueError(
            f"pruner= compares validation losses, and {type(network).__name__} has early_stopping=False and so sets "
            "no events apart. Pass early_stopping=True (a large patience never stops by itself), or pruner=None."
        )
    return {**candidate, f"{name}callbacks": [*(network.callbacks or []), judge]}


class ReportingScorer(MultimetricScorer):
    """The search's own scorers, whose scores carry along what a `Judge` has written down.

    A subclass of scikit-learn's, because scikit-learn asks for the class to know what to do where a metric fails.
    """

    def __init__(self, scorer: Any, *, raise_exc: bool) -> None:
        self.single = not isinstance(scorer, MultimetricScorer)
        super().__init__(scorers={"score": scorer} if self.single else scorer._scorers, raise_exc=raise_exc)

    def __call__(self, estimator: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Scores, and the reports of the training."""
        scores = super().__call__(estimator, *args, **kwargs)
        if self.single and isinstance(scores["score"], dict):  # a function that returns several scores
            scores = scores["score"]
        network = _last_step(estimator)[1]
        for callback in [one for _, one in network.net_.callbacks_] if hasattr(network, "net_") else ():
            if isinstance(callback, Judge):
                scores |= {f"{_EPOCH}{epoch}": value for epoch, value in callback.reports_.items()}
                scores[_PRUNED] = float(callback.pruned_)
        return scores


def take_reports(scores: dict[str, float]) -> tuple[dict[int, float], bool]:
    """Remove the reports from what a `ReportingScorer` returned; whether the training was ended comes along."""
    names = [name for name in scores if name.startswith(_EPOCH)]
    reports = {int(name.removeprefix(_EPOCH)): scores.pop(name) for name in names}
    return reports, bool(scores.pop(_PRUNED, False))
