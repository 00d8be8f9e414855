"""Base of the searches: it passes event weights and ids on, runs the loop, and makes scikit-learn's table."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, indexable
from sklearn.utils.metadata_routing import MethodMapping
from sklearn.utils.metaestimators import available_if

from .._checkpoints import removed_in_the_end
from .._compat import (
    BaseSearchCV,
    MultimetricScorer,
    ScoreRequestMixin,
    asking_parts,
    best_row,
    check_method_params,
    num_samples,
    results_table,
    routed_params,
    scorers_in,
    with_callbacks,
)
from .._events import check_ids
from .._keeping import Kept
from .._missing import column_or_1d, with_nan
from .._progress import progress_bar
from .._recording import recorded
from .._requests import scoring_with_weights, with_requests
from .._spread import with_std
from .._validation import check_weights, is_ragged
from ._candidates import Candidate, Spaces
from ._evaluation import Evaluation, fits_of
from ._history import FileHistory, History, fingerprint
from ._loop import Loop
from ._search_choices import SearchChoices
from ._splits import EventKFold
from ._watch import callback_task, fit_best, fit_task, watched


def _best_has(method: str) -> Any:
    """Make a method available where the search of scikit-learn has it: if the best estimator does."""
    return available_if(lambda self: hasattr(super(EventSearch, self), method))


def _check_not_sliced(X: Any, params: dict[str, Any]) -> None:
    """Refuse validation events that scikit-learn would take for metadata, with one value per event."""
    for name, value in params.items():
        if name.split("__")[-1] in {"X_val", "y_val", "sample_weight_val"} and num_samples(value) == num_samples(X):
            raise ValueError(
                f"{name} has as many events as X, {num_samples(X)}: the search would take it for metadata of the "
                "events and cut it to each fold. Leave out one event of it, or let the network set events apart "
                "(validation=)."
            )


def _check_metadata(X: Any, groups: Any, sample_weight: Any) -> dict[str, Any]:
    """Check the given weights and ids: inside a fold, their faults would be failed fits."""
    n, given = num_samples(X), {}
    if groups is not None:
        if (n_ids := len(check_ids(groups))) != n:
            raise ValueError(f"groups has {n_ids} ids and X {n} events: expected one id per event.")
        given["groups"] = groups
    if sample_weight is not None:
        if not is_ragged(sample_weight):  # weights of points or edges are checked by the estimators, with y
            check_weights(sample_weight, n)
        given["sample_weight"] = sample_weight
    return given


class EventSearch(Kept, ScoreRequestMixin, SearchChoices, BaseSearchCV):
    """Base of the searches; a subclass provides the proposer of candidates.

    A search is not changed while it runs. A copy holds the completed parameters (folds by event for a number, a space
    for None), and the results come from it in the end.
    """

    _title: ClassVar[str]  # title of the progress bar
    _space: ClassVar[str]  # name of the parameter that holds the space
    # --- provided by a subclass ---

    @abstractmethod
    def _declared_space(self, exclude: list[str]) -> Any:
        """The space that the estimator declares, but for some hyperparameters."""

    @abstractmethod
    def _spaces(self, **options: Any) -> Spaces:
        """Where to look, and who proposes candidates there."""

    @abstractmethod
    def _keep(self, proposers: list[Any], history: History) -> None:
        """Take over what is of interest of the proposers."""

    def _open_history(self, spaces: Any, identity: dict[str, str], seed: int) -> History:
        """The candidates that are known, and where new ones are kept."""
        return History(identity, seed) if self.history is None else FileHistory(self.history, identity, seed)

    @property
    def _remembers(self) -> bool:
        return self.warm_start or self.history is not None

    # --- fit ---

    @recorded
    @with_callbacks
    def _search(
        self, X: Any, y: Any, *, groups: Any, sample_weight: Any, params: dict[str, Any], **options: Any
    ) -> Self:
        """Fit, with groups and weights routed to every part, the splitter and the scorers."""
        if not get_config()["skip_parameter_validation"]:
            self._validate_params()
        _check_not_sliced(X, params)
        X, y = with_nan(X), with_nan(y)  # scikit-learn's estimators would take what is under a mask
        if is_classifier(self.estimator) and not is_ragged(y) and np.ndim(y) == 1:
            column_or_1d(y)  # a label that is missing would be a failed fit, or a failed score
        given = _check_metadata(X, groups, sample_weight)
        with config_context(enable_metadata_routing=bool(given) or get_config()["enable_metadata_routing"]):
            search = self._completed(given)
            known = getattr(self, "_finished", None) if self.warm_start and self.history is None else None
            finished = search._run(self, X, y, {**given, **params}, known, options)
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        self.__dict__.update({name: value for name, value in vars(search).items() if name.endswith("_")})
        self.__dict__.pop("_finished", None)
        if self.warm_start and self.history is None:
            self._finished = finished
        return self

    def _completed(self, given: dict[str, Any]) -> Self:
        """Copy the search with completed parameters, and without the results of an earlier fit."""
        search = type(self).__new__(type(self))
        learned = {name for name in vars(self) if name.endswith("_") or name == "_finished"}
        search.__dict__.update({name: value for name, value in vars(self).items() if name not in learned})
        if "groups" in given and (self.cv is None or isinstance(self.cv, Integral)):
            search.cv = EventKFold(int(self.cv or 5))
        if given:
            search.estimator = with_requests(self.estimator)
            with_weights = self if "sample_weight" in given else None
            search.scoring = scoring_with_weights(search.estimator, self.scoring, with_weights)
        if getattr(self, self._space) is None:
            exclude = []
            if self.pruner is not None:
                from ._pruning import other_losses

                exclude = other_losses(self.estimator, self.estimator.get_params())
            setattr(search, self._space, self._declared_space(exclude))
        return search

    def _run(
        self, owner: Self, X: Any, y: Any, params: dict[str, Any], known: History | None, options: dict[str, Any]
    ) -> History:
        """Search, and refit the best candidate; called on a completed copy of its owner, which keeps the results."""
        scorers, refit_metric = self._get_scorers()
        if isinstance(scorers, MultimetricScorer):
            self._check_refit(scorers_in(scorers))
        spaces = self._spaces(**options)
        identity = self._identity(spaces, (X, y, params)) if self._remembers else {}
        X, y = indexable(X, y)
        params = check_method_params(X, params=params)
        routed = routed_params(self, params)
        splits = self._cut(X, y, routed.splitter.split)
        if self._remembers:
            identity["cv"] = fingerprint(splits)
        pruning = self._make_pruning(spaces)
        evaluation = Evaluation(self, owner, X, y, splits, scorers, routed, pruning)
        hidden = None if self.progress is None else not self.progress
        seed = self._seed()
        if known is not None:
            known.check(identity)
        with (
            known or self._open_history(spaces, identity, seed) as history,
            progress_bar(self._title, spaces.n_candidates, disable=hidden) as bar,
            evaluation.parallel,
            watched(owner, evaluation.estimator, bar),
            fit_task(owner, X, y, params) as root,
            removed_in_the_end(),
        ):
            loop = Loop(
                self, evaluation, history, self._objective,
                lambda best: bar.advance(f"{self._title}, best score {best:.4f}"), pruning,
            )  # fmt: skip
            with callback_task(root, owner, "search", None) as task:
                self._keep(loop.run(spaces.proposers(history.seed), task), history)
            self._choose(loop.candidates, refit_metric)
            self.scorer_ = scorers_in(scorers)
            if self.refit:
                self.best_estimator_ = clone(evaluation.estimator).set_params(**clone(self.best_params_, safe=False))
                self.refit_time_ = fit_best(root, owner, self.best_estimator_, X, y, routed.estimator.fit, params)
                if hasattr(self.best_estimator_, "feature_names_in_"):
                    self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return history

    def _seed(self) -> int:
        """Draw a seed, so that the candidates can be repeated for any ``random_state``."""
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _make_pruning(self, spaces: Spaces) -> Any:
        if self.pruner is None:
            return None
        from ._pruning import Pruning

        return Pruning(self.pruner, self.estimator, spaces.names)

    def _cut(self, X: Any, y: Any, params: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Make the folds once: the same for all candidates, whatever the splitter is."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, **params))
        self.n_splits_ = cv.get_n_splits(X, y, **params)
        if not splits:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        if len(splits) != self.n_splits_:
            raise ValueError(
                f"cv.split and cv.get_n_splits return inconsistent results. Expected {self.n_splits_} splits, got "
                f"{len(splits)}"
            )
        return splits

    def _identity(self, spaces: Spaces, data: tuple) -> dict[str, str]:
        """Make fingerprints of everything that must not change when a search continues."""
        stated = self.random_state if isinstance(self.random_state, Integral) else None
        scores = self.scoring, self.error_score, self.return_train_score, isinstance(self.refit, str) and self.refit
        return {
            "estimator": fingerprint(self.estimator),
            "space": fingerprint(spaces.description),
            "proposer, its arguments or seed": fingerprint((spaces.proposer, stated)),
            "data": fingerprint(data),
            "scoring": fingerprint(scores),
            "pruner": fingerprint(self.pruner),
        }

    # --- results ---

    def _check_refit(self, scores: dict[str, Any]) -> None:
        if not isinstance(self.refit, str) or self.refit not in scores:
            raise ValueError(
                f"Of several scores, {', '.join(scores)}, refit= must name the one to maximise; got {self.refit!r}."
            )

    def _objective(self, candidate: Candidate) -> float:
        """Compute the mean over the folds of the score that is maximised."""
        scores = [fold.get("test_scores", np.nan) for fold in candidate.folds]
        if several := [score for score in scores if isinstance(score, dict)]:  # of a function
            self._check_refit(several[0])
        return float(np.mean([score[self.refit] if isinstance(score, dict) else score for score in scores]))

    def _choose(self, candidates: list[Candidate], refit_metric: str) -> None:
        """Make the table of all candidates, and choose the best one."""
        all_failed = all(len(candidate.errors) == len(candidate.folds) for candidate in candidates)
        if all_failed or not any(candidate.is_scored for candidate in candidates):
            raise ValueError(self._why_none(candidates))
        fits = fits_of(candidates, train=self.return_train_score)
        more = {} if self.pruner is None else {"pruned": [candidate.pruned for candidate in candidates]}
        with warnings.catch_warnings():  # on NaN of failed and pruned candidates, which was reported before
            warnings.filterwarnings("ignore", "One or more of the (test|train) scores are non-finite", UserWarning)
            results = results_table(self, [one.params for one in candidates], self.n_splits_, fits, more)
        self._warn_of_scores(candidates, results)
        self.multimetric_ = isinstance(fits[0]["test_scores"], dict)
        refit_metric = self.refit if self.multimetric_ else refit_metric
        self.best_index_ = best_row(self, refit_metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]
        self.cv_results_ = results

    def _why_none(self, candidates: list[Candidate]) -> str:
        """Explain why no candidate has a score."""
        n, errors = len(candidates), [error for candidate in candidates for error in candidate.errors]
        if all(candidate.pruned for candidate in candidates):
            return f"The pruner ended the training of all {n} candidates. Pass one that is less strict."
        n_fits = sum(fold != {} for candidate in candidates for fold in candidate.folds)
        if len(errors) == n_fits:
            return (
                f"All the {n_fits} fits failed, of {n} candidates. Set error_score='raise' to see where. The last one "
                f"failed with:\n{errors[-1]}"
            )
        fitted = next(candidate for candidate in candidates if len(candidate.errors) < len(candidate.folds))
        return (
            f"No candidate of {n} has a finite score, though {n_fits - len(errors)} of {n_fits} fits succeeded: the "
            f"scores are what fails. The folds of {fitted.params} score "
            f"{[fold.get('test_scores') for fold in fitted.folds]}. Look at scoring=, and at the size of the folds."
        )

    @staticmethod
    def _warn_of_scores(candidates: list[Candidate], results: dict[str, Any]) -> None:
        """Warn of candidates that were fitted but have no finite score: they count as the worst."""
        fitted = np.array([not candidate.errors and not candidate.pruned for candidate in candidates])
        for kind in ("test", "train"):
            means = [values for name, values in results.items() if name.startswith(f"mean_{kind}_")]
            lacking = np.flatnonzero(fitted & ~np.isfinite(np.array(means)).all(axis=0))
            if means and len(lacking):
                shown = "; ".join(f"{i}: {candidates[i].params}" for i in lacking[:5])
                warnings.warn(
                    f"One or more of the {kind} scores are non-finite, though the fits succeeded, of {len(lacking)} "
                    f"candidates, which count as the worst: {shown}{'; ...' if len(lacking) > 5 else ''}",
                    UserWarning,
                    stacklevel=2,
                )

    # --- predict ---

    @_best_has("predict")
    def predict(self, X: Any, *, return_std: bool = False) -> Any:
        """Predict with the best estimator; of a regressor, with ``return_std``, also the standard deviations."""
        return with_std(self, "predict", X, {}) if return_std else super().predict(X)

    @_best_has("predict_proba")
    def predict_proba(self, X: Any, *, return_std: bool = False) -> Any:
        """Class probabilities of the best estimator; with ``return_std`` also their standard deviations."""
        return with_std(self, "predict_proba", X, {}) if return_std else super().predict_proba(X)

    # --- routing ---

    def _get_scorers(self) -> Any:
        scorers, refit_metric = super()._get_scorers()
        return asking_parts(scorers), refit_metric

    def get_metadata_routing(self) -> Any:
        """Return the routing of metadata; a number of folds requests ids too, since it means folds by event."""
        router = super().get_metadata_routing()
        if self.cv is None or isinstance(self.cv, Integral):
            router.add(splitter=EventKFold(), method_mapping=MethodMapping().add(caller="fit", callee="split"))
        return router
