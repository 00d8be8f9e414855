"""The loop of the Bayesian search: ask, evaluate what the history does not know, tell, until it is time to stop."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning
from skopt.utils import eval_callbacks

from .._compat import Outcomes, all_fits_failed
from ._history import History
from ._search import deaths
from ._skopt_fixes import Coded, ask, tell
from ._watch import callback_task


class Run:
    """One run of a search: asks, evaluates what is not in the history, tells, and knows when to stop."""

    def __init__(self, search: Any, evaluate_candidates: Any, history: History) -> None:
        self.owner = search
        self.evaluate_candidates = evaluate_candidates
        self.history = history
        self.outcomes = Outcomes(evaluate_candidates, search)
        self.rng = np.random.RandomState(history.seed)
        self.begin = time.monotonic() - history.elapsed
        self.best, self.last_error = -np.inf, ""

    def search(self, number: int, space: Coded, optimizer: Any, n_iter: int, task: Any) -> Any:
        """Search one space; return what scikit-optimize says of it, or None if there was no time for it."""
        recorded = self.history.of_space(number)
        n_done, best, n_stale, failed, result = 0, -np.inf, 0, set[int](), None
        while n_done < n_iter:
            n = min(self.owner.n_points, n_iter - n_done)
            known = recorded[n_done : n_done + n]
            if not known and self._is_late():
                break
            points = ask(optimizer, n)
            points[: len(known)] = [record["point"] for record in known]
            scores = self._scores(number, space, points, known, task)
            result = tell(optimizer, points, [-score for score in scores], failed)
            for score in scores:
                n_stale = 0 if score > best else n_stale + 1
                best = max(best, score) if np.isfinite(score) else best
                self.best = max(self.best, best)
                self.owner._advance(self.best)
            n_done += n
            if eval_callbacks(self.owner._callbacks, result) or n_stale >= (self.owner.patience or np.inf):
                break
        return result

    def _is_late(self) -> bool:
        """Whether time is up; the first candidate of all is always evaluated."""
        limit = self.owner.timeout
        return limit is not None and bool(self.history.records) and time.monotonic() - self.begin >= limit

    def _scores(self, number: int, space: Coded, points: list[list], known: list[dict], task: Any) -> list[float]:
        """Mean score of each point, from the history or by fitting."""
        candidates = [space.decode(point) for point in points]
        n_known = len(known)
        with warnings.catch_warnings():  # scores that are not finite come with a warning of the failed fits
            warnings.filterwarnings("ignore", "One or more of the .* scores are non-finite", UserWarning)
            self.outcomes.add(candidates[:n_known], [record["folds"] for record in known])
            if new := candidates[n_known:]:
                self._evaluate(new, task)
                elapsed = time.monotonic() - self.begin
                self.history.add(number, points[n_known:], new, self.outcomes.last(len(new)), elapsed)
            results = self.outcomes.update(self.owner, self.owner.error_score)
        errors = [fold["fit_error"] for of_one in self.outcomes.last(len(points)) for fold in of_one]
        self.last_error = next((error for error in reversed(errors) if error), self.last_error)
        return [float(score) for score in self.owner._objective(results)[-len(points) :]]

    def _evaluate(self, candidates: list[dict[str, Any]], parent: Any) -> None:
        """Fit and score candidates; those of which no fold can be fitted have the error score."""
        n_fits = len(candidates) * self.outcomes.n_splits
        try:
            with (
                callback_task(parent, self.owner, "candidates", n_fits, in_order=False) as task,
                self.outcomes.set_aside(),
            ):
                self.evaluate_candidates(candidates, **({} if task is None else {"callback_ctx": task}))
        except deaths() as error:  # the system killed a worker, for its memory
            if self.owner.error_score == "raise":
                raise
            if len(candidates) == 1:
                self._fail(candidates, str(error))
                return
            for one in candidates:  # whose worker it was is not known
                self._evaluate([one], parent)
        except ValueError as error:
            if not all_fits_failed(error):
                raise
            self._fail(candidates, str(error))

    def _fail(self, candidates: list[dict[str, Any]], error: str) -> None:
        warnings.warn(error, FitFailedWarning, stacklevel=2)
        fold = self.owner._failed_fold(error)
        self.outcomes.add(candidates, [[fold] * self.outcomes.n_splits] * len(candidates))
