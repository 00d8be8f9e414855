"""What every search does around scikit-learn's: hand event weights and ids to all who need them, and show progress."""

from __future__ import annotations

import sys
from concurrent.futures.process import BrokenProcessPool
from numbers import Integral
from typing import Any, ClassVar, Self

from sklearn import config_context, get_config
from sklearn.utils.metadata_routing import MethodMapping

from .._compat import BaseSearchCV, ScoreRequestMixin, asking_parts, num_samples
from .._progress import progress_bar
from .._requests import scoring_with_weights, with_requests
from ._splits import EventKFold
from ._watch import watched


def _check_not_sliced(X: Any, params: dict[str, Any]) -> None:
    """Refuse validation events that scikit-learn would take for metadata of the events, one value each."""
    for name, value in params.items():
        if name.split("__")[-1] in {"X_val", "y_val", "sample_weight_val"} and num_samples(value) == num_samples(X):
            raise ValueError(
                f"{name} has as many events as X, {num_samples(X)}: the search would take it for metadata of the "
                "events and cut it to each fold. Leave out one event of it, or let the network set events apart "
                "(validation=)."
            )


def deaths() -> tuple[type[Exception], ...]:
    """Errors that say that a process died in which something was fitted: it ran out of memory, or was killed."""
    known: tuple[type[Exception], ...] = (BrokenProcessPool,)  # joblib's own derive from it
    if "distributed" in sys.modules:
        from distributed.scheduler import KilledWorker

        known += (KilledWorker,)
    return known


class EventSearch(ScoreRequestMixin, BaseSearchCV):
    """Base of the searches: a subclass chooses the candidates in ``_run_search`` and says how many there are.

    While it searches, the parameters of the search may be replaced by what they stand for (a space for None, say, in
    `_complete_parameters`); after ``fit`` they are as the user stated them.
    """

    _title: ClassVar[str]  # what the progress bar says
    _while_searching: ClassVar[tuple[str, ...]] = ("_bar",)  # attributes that live as long as the search runs
    estimator: Any
    scoring: Any
    cv: Any
    progress: bool | None

    def _complete_parameters(self) -> None:
        """Put into the place of the parameters what they stand for."""

    def _finish(self) -> None:
        """Put the results into order, after the search and before the parameters are as they were."""

    def _n_candidates(self) -> int | None:
        """Candidates that the search will try, where it is known."""
        return None

    def _search(self, X: Any, y: Any, *, groups: Any, sample_weight: Any, params: dict[str, Any]) -> Self:
        """Do what ``fit`` does, with groups and weights routed to every part, the splitter and the scorers."""
        _check_not_sliced(X, params)
        metadata = {"groups": groups, "sample_weight": sample_weight}
        given = {name: value for name, value in metadata.items() if value is not None}
        stated = self.get_params(deep=False)
        try:
            if groups is not None and (self.cv is None or isinstance(self.cv, Integral)):
                self.cv = EventKFold(int(self.cv or 5))
            self._complete_parameters()
            with config_context(enable_metadata_routing=bool(given) or get_config()["enable_metadata_routing"]):
                if given:
                    self.estimator = with_requests(self.estimator)
                    fitted_with_weights = None if sample_weight is None else self
                    self.scoring = scoring_with_weights(self.estimator, self.scoring, fitted_with_weights)
                hidden = None if self.progress is None else not self.progress
                with progress_bar(self._title, self._n_candidates(), disable=hidden) as self._bar, watched(self):
                    BaseSearchCV.fit(self, X, y, **given, **params)
            self._finish()
        finally:
            self.__dict__.update(stated)
            for name in self._while_searching:
                self.__dict__.pop(name, None)
        return self

    def _get_scorers(self) -> Any:
        scorers, refit_metric = super()._get_scorers()
        return asking_parts(scorers), refit_metric

    def get_metadata_routing(self) -> Any:
        """Who asks for what; a number of folds asks for ids too, since it means folds by event where there are some."""
        router = super().get_metadata_routing()
        if self.cv is None or isinstance(self.cv, Integral):
            router.add(splitter=EventKFold(), method_mapping=MethodMapping().add(caller="fit", callee="split"))
        return router

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what is running: scikit-learn sends the search itself to its workers."""
        return {name: value for name, value in super().__getstate__().items() if name not in self._while_searching}

    def _advance(self, best_score: float) -> None:
        """Take one step of the progress bar."""
        self._bar.advance(f"{self._title}, best score {best_score:.4f}")
