"""Loop of every search: ask, evaluate what is not in the history, tell, until it is time to stop."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .._checkpoints import remove_what_is_recorded
from ._candidates import Candidate, Proposer
from ._evaluation import Evaluation
from ._history import History, readable


class Loop:
    """Run of a search over its spaces.

    Attributes
    ----------
    candidates : list of Candidate
        Finished candidates.
    """

    def __init__(
        self,
        search: Any,
        evaluation: Evaluation,
        history: History,
        objective: Callable[[Candidate], float],
        advance: Callable[[float], None],
        pruning: Any = None,
    ) -> None:
        self.search, self.evaluation, self.history, self.pruning = search, evaluation, history, pruning
        self.objective, self.advance = objective, advance
        self.candidates: list[Candidate] = []
        self._begin = time.monotonic() - history.elapsed
        self._best = -np.inf
        self._metrics: set[frozenset | None] = set()  # names of the scores in the history, of which there is one set

    def run(self, proposers: Iterable[Proposer], task: Any) -> list[Proposer]:
        """Search one space after the other; return the proposers for which there was time."""
        begun = []
        for number, proposer in enumerate(proposers):
            begun.append(proposer)
            if not self._run(number, proposer, task):
                break
        return begun

    def _run(self, number: int, proposer: Proposer, task: Any) -> bool:
        """Search one space; return whether time is left for another."""
        recorded, limit = self.history.of_space(number), min(proposer.n_iter, proposer.size)
        n_done, best, n_stale, is_over = 0, -np.inf, 0, False
        while n_done < limit and not is_over:
            n = int(min(self.search.n_points, limit - n_done))
            known = recorded[n_done : n_done + n]
            if not known and self._is_late():
                return False
            batch = self._next(number, proposer, n, known, task)
            if not batch:
                limit = n_done
                break
            is_over = proposer.tell(batch)
            for candidate in batch:
                is_better = candidate.is_scored and candidate.score > best
                best, n_stale = (candidate.score, 0) if is_better else (best, n_stale + 1)
                self._finish(candidate, best)
            n_done += len(batch)
            is_over = is_over or n_stale >= (self.search.patience or np.inf)
        if n_done == limit < proposer.n_iter:
            warnings.warn(
                f"The space of {', '.join(proposer.names)} is exhausted: all of its {n_done} points were tried, of the "
                f"{proposer.n_iter} candidates that are wanted.",
                UserWarning,
                stacklevel=2,
            )
        return True

    def _is_late(self) -> bool:
        """Return whether time is up; the very first candidate is always evaluated."""
        limit = self.search.timeout
        return limit is not None and bool(self.candidates) and time.monotonic() - self._begin >= limit

    def _next(self, number: int, proposer: Proposer, n: int, known: list[dict], task: Any) -> list[Candidate]:
        """Return the next candidates, fitted or from the history."""
        for record in known:
            if not proposer.holds(record["point"]):
                raise self.history.damage(f"'point' in {record.get('where')}", "a point of the space that is searched")
        batch = proposer.ask(n, [record["point"] for record in known])
        for candidate, record in zip(batch, known, strict=False):
            self._restore(candidate, record)
        if new := batch[len(known) :]:
            self.evaluation.fit(new, task)
            for candidate in new:
                candidate.score = self.objective(candidate)
            self._keep(number, new)
        return batch

    def _restore(self, candidate: Candidate, record: dict[str, Any]) -> None:
        """Restore a candidate from the history."""
        candidate.folds, candidate.pruned = record["folds"], record["pruned"]
        candidate.reports = {int(epoch): value for epoch, value in record["reports"].items()}
        self._metrics |= {
            frozenset(fold["test_scores"]) if isinstance(fold["test_scores"], dict) else None
            for fold in candidate.folds
            if fold and not fold.get("fit_error")
        }
        where, n_folds = f"'folds' in {record.get('where')}", self.evaluation.n_splits
        if len(candidate.folds) != n_folds or len(self._metrics) > 1:
            raise self.history.damage(where, f"a list of {n_folds} folds that have the same scores")
        try:
            candidate.score = self.objective(candidate)
        except (KeyError, TypeError, ValueError):
            raise self.history.damage(where, "a list of folds with the score that is maximised") from None

    def _keep(self, number: int, new: list[Candidate]) -> None:
        """Add finished candidates to the history."""
        elapsed = time.monotonic() - self._begin
        self.history.add([
            {
                "space": number,
                "point": candidate.point,
                "params": {name: readable(value) for name, value in candidate.params.items()},
                "score": candidate.score,
                "pruned": candidate.pruned,
                "elapsed": elapsed,
                "folds": candidate.folds,
                "reports": candidate.reports,
            }
            for candidate in new
        ])  # fmt: skip
        if self.history.lasts:
            remove_what_is_recorded()

    def _finish(self, candidate: Candidate, best: float) -> None:
        self.candidates.append(candidate)
        if self.pruning is not None:
            self.pruning.add(candidate)
        self._best = max(self._best, best)
        self.advance(self._best)
