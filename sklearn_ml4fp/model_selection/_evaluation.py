"""Fits of a search: candidates in folds, side by side and in several processes; a failure costs one candidate only."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.utils.parallel import Parallel

from .._checkpoints import collected, note
from .._compat import fit_and_score
from .._side_by_side import call_all, has_networks, seconds_waited
from ._candidates import Candidate
from ._watch import callback_task


def deaths() -> tuple[type[Exception], ...]:
    """Return the errors that mean that a process died: it ran out of memory, or was killed."""
    known: tuple[type[Exception], ...] = (BrokenProcessPool,)  # the base of joblib's own error
    if "distributed.scheduler" in sys.modules:
        known += (sys.modules["distributed.scheduler"].KilledWorker,)
    return known


def _fit(estimator: Any, *args: Any, is_judged: bool, **kwargs: Any) -> dict[str, Any]:
    """Fit and score a candidate in one fold, in any process."""
    with collected() as checkpoints:
        fold = fit_and_score(estimator, *args, **kwargs)
    fold["checkpoints"] = checkpoints
    fold["fit_time"] -= seconds_waited()
    if is_judged and fold["fit_error"] is None:
        from ._pruning import judgement_of

        fold["judgement"] = judgement_of(estimator)
    return fold


class Evaluation:
    """Evaluation of candidates in folds, which are made once."""

    def __init__(
        self,
        search: Any,
        owner: Any,
        X: Any,
        y: Any,
        splits: list[tuple],
        scorers: Any,
        routed: Any,
        pruning: Any = None,
    ) -> None:
        self._owner, self._events, self._splits, self._pruning = owner, (X, y), splits, pruning
        self._error_score = search.error_score
        self.n_splits = len(splits)
        self.estimator = clone(search.estimator)
        self.parallel = Parallel(n_jobs=search.n_jobs, pre_dispatch=search.pre_dispatch)
        self._settings = {
            "scorer": scorers,
            "fit_params": routed.estimator.fit,
            "score_params": routed.scorer.score,
            "return_train_score": search.return_train_score,
            "return_n_test_samples": True,
            "return_times": True,
            "error_score": search.error_score,
            "verbose": search.verbose,
        }

    def fit(self, batch: list[Candidate], parent: Any) -> None:
        """Fit and score candidates, and store the results in them."""
        folds = range(self.n_splits)
        for candidate in batch:
            candidate.folds = [{} for _ in folds]
        for turn in [[fold] for fold in folds] if self._pruning is not None else [folds]:
            if going := [candidate for candidate in batch if not candidate.pruned]:
                self._fit_folds(going, turn, parent)
        for candidate in batch:
            self._warn(candidate)

    def _fit_folds(self, batch: list[Candidate], turn: Iterable[int], parent: Any, *, again: bool = False) -> None:
        fits = [(candidate, fold) for candidate in batch for fold in turn]
        try:
            with callback_task(parent, self._owner, "candidates", len(fits), in_order=False) as task:
                tried = [self.estimator, *(value for one in batch for value in one.params.values())]
                with_networks = any(map(has_networks, tried))
                done = call_all(self.parallel, self._calls(batch, fits, task), with_networks=with_networks)
        except deaths() as error:
            if self._error_score == "raise":
                raise
            if (
                not again
            ):  # with several fits it is not known which one killed the process, and it may have been an accident
                for candidate in batch:
                    self._fit_folds([candidate], turn, parent, again=True)
                return
            # the time that it took is not known
            times = {"fit_time": np.nan, "score_time": np.nan, "n_test_samples": 0}
            score = float(self._error_score)
            done = [{"test_scores": score, **times, "fit_error": str(error)} for _ in fits]
        for (candidate, number), fold in zip(fits, done, strict=True):
            note(fold.pop("checkpoints", ()))
            if (judgement := fold.pop("judgement", None)) is not None:
                candidate.reports, candidate.pruned = judgement
            candidate.folds[number] = fold

    def _calls(self, batch: list[Candidate], fits: list[tuple[Candidate, int]], task: Any) -> Any:
        is_judged = self._pruning is not None and fits[0][1] == 0  # the first fold decides
        places = {id(candidate): i for i, candidate in enumerate(batch)}
        judged = {id(one): self._pruning.judged(self.estimator, one.params) for one in batch} if is_judged else {}
        # made before: what is sent to a worker must not change meanwhile
        contexts = [
            {} if task is None
            else {"caller": self._owner, "callback_ctx": task.subcontext("candidate-split-evaluation", task_id=i)}
            for i in range(len(fits))
        ]  # fmt: skip
        return (
            (
                _fit,
                (clone(self.estimator), *self._events),
                {
                    "is_judged": is_judged,
                    "train": self._splits[fold][0],
                    "test": self._splits[fold][1],
                    "parameters": judged.get(id(candidate), candidate.params),
                    "split_progress": (fold, self.n_splits),
                    "candidate_progress": (places[id(candidate)], len(batch)),
                    **self._settings,
                    **context,
                },
            )
            for (candidate, fold), context in zip(fits, contexts, strict=True)
        )

    def _warn(self, candidate: Candidate) -> None:
        """Warn that fits of a candidate failed, and why."""
        if not candidate.errors:
            return
        reasons = "\n".join(
            f"{n} fits failed with the following error:\n{error}" for error, n in Counter(candidate.errors).items()
        )
        warnings.warn(
            f"\n{len(candidate.errors)} fits failed out of a total of {len(candidate.folds)} of {candidate.params}.\n"
            f"The score on these train-test partitions for these parameters will be set to {self._error_score}."
            f"\n{reasons}",
            FitFailedWarning,
            stacklevel=2,
        )


def fits_of(candidates: list[Candidate], *, train: bool) -> list[dict[str, Any]]:
    """Return all fits, in the form of scikit-learn's table; missing fits score NaN and took no time."""
    folds = [fold for candidate in candidates for fold in candidate.folds]
    names = next((list(fold["test_scores"]) for fold in folds if isinstance(fold.get("test_scores"), dict)), None)
    fits = []
    for fold in folds:
        fit = {name: fold.get(name, 0.0) for name in ("fit_time", "score_time")}
        for kind in ("test_scores", "train_scores") if train else ("test_scores",):
            scores = fold.get(kind, fold.get("test_scores", np.nan))
            one_for_all = names is not None and not isinstance(scores, dict)
            fit[kind] = dict.fromkeys(names or (), scores) if one_for_all else scores
        fits.append(fit)
    return fits
