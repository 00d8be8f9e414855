"""Search over hyperparameters with the samplers, pruners and storages of Optuna."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Self

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import check_random_state

from .._compat import all_fits_failed
from ._folds import Folds
from ._history import fingerprint
from ._search import EventSearch, deaths
from ._spaces import optuna_distributions
from ._trials import Candidate, Trials, fits_of, import_optuna, quiet
from ._watch import callback_task

_SEED_END = np.iinfo(np.int32).max


class OptunaSearchCV(EventSearch):
    """Search with Optuna's samplers that ends hopeless candidates early and outlives its own process.

    A scikit-learn search like `GridSearchCV`, in which each candidate is chosen in the light of those before it: by
    default with a tree-structured Parzen estimator, which models where good and where bad candidates lie.

    With a ``pruner``, the candidates' networks report their validation loss after each epoch of the first fold. One
    whose training falls behind that of the candidates before it is stopped there, and its other folds are not fitted.
    With a ``storage``, a search that was killed goes on where it was: ``fit`` of the same search, with the same data.

    Parameters
    ----------
    estimator : estimator
        What is tuned, usually a Pipeline.
    param_distributions : dict or list of dict, default=None
        Names of parameters to distributions of Optuna; of several spaces each candidate takes one. None takes
        `optuna_distributions` of the estimator; with a pruner without ``loss`` and ``class_weight``, of which each
        choice has validation losses of its own scale.
    n_iter : int, default=50
        Number of candidates, those in the storage included.
    timeout : float, default=None
        Seconds after which no further candidate is chosen.
    n_points : int, default=1
        Candidates chosen, and fitted, at once. Those of one batch are chosen, and pruned, without knowing of each
        other.
    sampler : optuna.samplers.BaseSampler, default=None
        Who chooses the candidates; None for the tree-structured Parzen estimator with the seed ``random_state``. A
        search that goes on chooses what it would have chosen only with None.
    pruner : optuna.pruners.BasePruner, default=None
        Who ends trainings; None ends none. Its steps are epochs.
    storage : str or optuna.storages.BaseStorage, default=None
        Where Optuna keeps the candidates, such as ``"sqlite:///search.db"``; None keeps them in memory.
    study_name : str, default="search"
        Name of this search in the storage.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn's searches. With several metrics ``refit`` names the one that is maximised.
    n_jobs : int, default=None
        Fits at once: of the folds, and of the ``n_points`` candidates; with a pruner of the candidates only, whose
        folds are fitted one after the other.
    refit : bool or str, default=True
        Whether to fit the best candidate on all data.
    cv : int, splitter or None, default=None
        How to split. Where ``fit`` gets ``groups``, a number k (None: 5) means ``EventKFold(k)``, since scikit-learn's
        own choice would ignore the groups. All candidates get the same folds.
    verbose : int, default=0
        Verbosity of the folds; the progress bar needs none.
    pre_dispatch : int or str, default="2*n_jobs"
        As in scikit-learn's searches.
    random_state : int, RandomState or None, default=None
        Seed of the candidates.
    error_score : "raise" or float, default=nan
        Score of a fold that fails. A candidate whose mean score is not finite is remembered as the worst.
    return_train_score : bool, default=False
        Whether ``cv_results_`` has training scores.
    progress : bool or None, default=None
        Whether to show a progress bar with the best score so far; None shows one in a terminal or a notebook.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        Candidates and their scores, as in scikit-learn's searches, and ``pruned``. A pruned candidate has the score of
        its first fold as far as it was trained; its other folds, and so its mean, are NaN: it is never the best.
    best_estimator_ : estimator
        The best candidate, fitted on all data.
    best_params_ : dict
        Its hyperparameters.
    best_score_, best_index_ : float, int
        Its mean score over the folds, and its row in ``cv_results_``.
    study_ : optuna.Study
        The study, for Optuna's own pictures and importances.

    See Also
    --------
    BayesSearchCV : Search with scikit-optimize.
    optuna_distributions : The distributions that an estimator declares.
    ConvergenceDisplay : Draw how a search converges.

    References
    ----------
    Akiba et al., Optuna, doi:10.1145/3292500.3330701. Bergstra et al., Algorithms for hyper-parameter optimization,
    NeurIPS 2011 (the tree-structured Parzen estimator).

    Examples
    --------
    >>> from optuna.distributions import FloatDistribution
    >>> from optuna.pruners import MedianPruner
    >>> from sklearn.datasets import make_classification
    >>> from sklearn_ml4fp import FeedForwardClassifier, OptunaSearchCV
    >>> X, y = make_classification(n_samples=300, random_state=0)
    >>> network = FeedForwardClassifier(width=16, max_epochs=5, random_state=0)
    >>> lr = {"lr": FloatDistribution(1e-4, 1e-1, log=True)}
    >>> search = OptunaSearchCV(network, lr, n_iter=3, pruner=MedianPruner(), cv=2, random_state=0).fit(X, y)
    >>> sorted(search.best_params_)
    ['lr']
    >>> search.cv_results_["pruned"]
    array([False, False, False])
    """

    scorer_: Any

    _title = "Optuna search"
    _while_searching = (
        "_bar",
        "_identity",
        "_trials",
        "_folds",
        "_batch",
        "_record",
        "_results",
        "_failure",
        "_succeeded",
    )

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any = None,
        *,
        n_iter: int = 50,
        timeout: float | None = None,
        n_points: int = 1,
        sampler: Any = None,
        pruner: Any = None,
        storage: Any = None,
        study_name: str = "search",
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        progress: bool | None = None,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.timeout = timeout
        self.n_points = n_points
        self.sampler = sampler
        self.pruner = pruner
        self.storage = storage
        self.study_name = study_name
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.pre_dispatch = pre_dispatch
        self.random_state = random_state
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.progress = progress

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, sample_weight: Any = None, **params: Any) -> Self:
        """Search, and fit the best candidate on all data.

        Parameters
        ----------
        X : array-like of shape (n_events, ...)
            Events.
        y : array-like of shape (n_events,) or (n_events, n_targets), default=None
            Labels or targets.
        groups : array-like of shape (n_events,), default=None
            Event ids, for the splits and for every network's own hold-out.
        sample_weight : array-like of shape (n_events,), default=None
            Event weights, for every classifier or regressor that takes them, and for the scores.
        **params : dict
            More metadata, passed on as scikit-learn's searches do.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ImportError
            Optuna is not installed.
        TypeError
            ``param_distributions`` holds something else than distributions of Optuna.
        ValueError
            No candidate could be fitted; a pruner without a network, or over networks whose losses cannot be compared;
            a storage with another search of that name; ``X_val`` has as many events as ``X``.
        """
        import_optuna()
        self._check_arguments()
        self._data = fingerprint((X, y, groups, sample_weight, params)) if self.storage is not None else ""
        with quiet():
            self._search(X, y, groups=groups, sample_weight=sample_weight, params=params)
        return self

    def _check_arguments(self) -> None:
        if callable(self.refit):
            raise ValueError("OptunaSearchCV needs a score to optimise: refit must be True, False or the name of one.")
        for name in ("n_iter", "n_points", "timeout"):
            if (value := getattr(self, name)) is not None and value <= 0:
                raise ValueError(f"{name}={value!r}: expected a positive number.")
        if isinstance(self.scoring, (list, tuple, set, dict)) and not isinstance(self.refit, str):
            raise ValueError(f"Of several scores, refit= must name the one to maximise; got {self.refit!r}.")
        if self.pruner is not None:
            from ._pruning import check_prunable

            check_prunable(self.estimator, self.param_distributions)

    def _complete_parameters(self) -> None:
        if self.param_distributions is None:
            from ._pruning import other_losses

            exclude = [] if self.pruner is None else other_losses(self.estimator.get_params())
            self.param_distributions = optuna_distributions(self.estimator, exclude=exclude)
        self._trials = Trials(
            self.param_distributions,
            sampler=self.sampler,
            storage=self.storage,
            study_name=self.study_name,
            seed=check_random_state(self.random_state).randint(_SEED_END),
            identity=self._identity(),
        )
        # where nothing is left to do, one fit of one fold gives scikit-learn what it wants to see
        one_by_one = self.pruner is not None or self._n_candidates() == 0
        self.cv = self._folds = Folds(self.cv, classifier=is_classifier(self.estimator), one_by_one=one_by_one)
        if self.pruner is not None:
            from ._pruning import Record

            self._record = Record(deepcopy(self.pruner))
            for candidate in self._trials.candidates:
                self._remember(candidate)
        self._batch: list[Candidate] = []
        self._failure: Exception | None = None
        self._succeeded = False  # whether scikit-learn has had results of any fit
        self._results: dict[str, Any] = {}

    def _identity(self) -> dict[str, str]:
        """What may not change while a search goes on."""
        if self.storage is None:
            return {}
        scores = self.scoring, self.error_score, self.return_train_score, isinstance(self.refit, str) and self.refit
        return {
            "data": self._data,
            "estimator": fingerprint(self.estimator),
            "param_distributions": fingerprint(self.param_distributions),
            "cv": fingerprint(self.cv),
            "scoring": fingerprint(scores),
            "pruner": fingerprint(self.pruner),
        }

    def _n_candidates(self) -> int:
        return max(self.n_iter - len(self._trials.candidates), 0)

    def _get_scorers(self) -> Any:
        scorers, refit_metric = super()._get_scorers()
        if self.pruner is not None and hasattr(self, "_folds"):
            from ._pruning import ReportingScorer

            scorers = ReportingScorer(scorers, raise_exc=self.error_score == "raise")
        return scorers, refit_metric

    def _run_search(self, evaluate_candidates: Any, callback_ctx: Any = None) -> None:
        with callback_task(callback_ctx, self, "search", None) as task:
            self._search_on(self._watched(evaluate_candidates, task))

    def _watched(self, evaluate_candidates: Any, parent: Any) -> Callable[[list[dict[str, Any]]], Any]:
        """The function that fits candidates, with a task of scikit-learn's callbacks for each call."""

        def evaluate(candidates: list[dict[str, Any]]) -> Any:
            n_fits = len(candidates) * len(self._folds.turn)
            with callback_task(parent, self, "candidates", n_fits, in_order=False) as task:
                return evaluate_candidates(candidates, **({} if task is None else {"callback_ctx": task}))

        return evaluate

    def _search_on(self, evaluate_candidates: Callable[[list[dict[str, Any]]], Any]) -> None:
        trials, folds = self._trials, self._folds
        until = time.monotonic() + (np.inf if self.timeout is None else self.timeout)
        while (left := self._n_candidates()) and not trials.exhausted and time.monotonic() < until:
            batch = trials.ask(min(self.n_points, left), folds.n_splits)
            for _ in folds.turns():
                self._evaluate([one for one in batch if not one.pruned], evaluate_candidates)
            for candidate in batch:
                trials.tell(candidate, self._mean_score(candidate))
                self._remember(candidate)
                self._advance(trials.best.score if trials.best else np.nan)
        if not self._succeeded:
            self._batch = []
            if trials.best is None:
                raise ValueError("No candidate could be fitted.") from self._failure
            evaluate_candidates([trials.best.params])
        self._results.update(self._all_results())

    def _evaluate(
        self,
        batch: list[Candidate],
        evaluate_candidates: Callable[[list[dict[str, Any]]], Any],
        *,
        again: bool = False,
    ) -> None:
        """Fit and score the candidates in the folds whose turn it is."""
        self._batch = batch
        if not batch:
            return
        try:
            evaluate_candidates([self._with_judge(one.params) for one in batch])
        except Exception as error:
            died = isinstance(error, deaths())
            # scikit-learn takes it for a mistake of the user if all fits of a call fail: here they are one candidate's
            if self.error_score == "raise" or not (died or all_fits_failed(error)):
                raise
            if died and not again:  # of several, it is not known whose process it was; and it may have been an accident
                for candidate in batch:
                    self._evaluate([candidate], evaluate_candidates, again=True)
                return
            self._fail(batch, error)

    def _fail(self, batch: list[Candidate], error: Exception) -> None:
        warnings.warn(f"{batch[0].params} could not be fitted: {error}", FitFailedWarning, stacklevel=2)
        self._failure = error
        for candidate in batch:
            for fold in self._folds.turn:
                candidate.folds[fold] = {"fit_error": str(error), "test_scores": float(self.error_score)}

    def _remember(self, candidate: Candidate) -> None:
        if self.pruner is not None:
            self._record.add(candidate.reports, candidate.score if candidate.is_scored else None)

    def _with_judge(self, params: dict[str, Any]) -> dict[str, Any]:
        if self.pruner is None or self._folds.first > 0:
            return params
        from ._pruning import Judge, judged

        estimator = clone(self.estimator).set_params(**clone(params, safe=False))
        return judged(estimator, params, Judge(self.pruner, self._record.of_all()))

    def _format_results(self, candidate_params: Any, n_splits: int, out: list[dict[str, Any]], *args: Any) -> Any:
        """Take in what scikit-learn returned for the folds whose turn it was; the table is made when all is done."""
        self._succeeded = True
        turn = self._folds.turn
        for i, result in enumerate(out[len(out) - len(self._batch) * len(turn) :]):
            candidate = self._batch[i // len(turn)]
            if self.pruner is not None:
                self._take_reports(candidate, result)
            candidate.folds[turn[i % len(turn)]] = result
        return self._results

    def _take_reports(self, candidate: Candidate, result: dict[str, Any]) -> None:
        from ._pruning import take_reports

        for kind in ("train_scores", "test_scores"):
            if not isinstance(result.get(kind), dict):
                continue
            reports, pruned = take_reports(result[kind])
            if self._folds.first == 0 and result["fit_error"] is None:
                candidate.reports, candidate.pruned = reports, pruned
            if set(result[kind]) == {"score"} and not isinstance(self.scoring, (dict, list, tuple, set)):
                result[kind] = result[kind]["score"]

    def _mean_score(self, candidate: Candidate) -> float:
        """What is maximised."""
        scores = [fold.get("test_scores", np.nan) for fold in candidate.folds]
        if any(isinstance(score, dict) for score in scores) and not isinstance(self.refit, str):
            raise ValueError(f"Of several scores, refit= must name the one to maximise; got {self.refit!r}.")
        return float(np.mean([score[self.refit] if isinstance(score, dict) else score for score in scores]))

    def _all_results(self) -> dict[str, Any]:
        """The table of all candidates, those of the storage included."""
        candidates = self._trials.candidates
        fits = fits_of(candidates, train=self.return_train_score)
        more = {"pruned": [candidate.pruned for candidate in candidates]}
        with warnings.catch_warnings():
            # scikit-learn's word on NaN among the scores: pruned candidates have them
            warnings.filterwarnings("ignore", "One or more of the (test|train) scores are non-finite")
            return super()._format_results([one.params for one in candidates], self._folds.n_splits, fits, more)

    def _finish(self) -> None:
        self.n_splits_ = self._folds.n_splits
        self.study_ = self._trials.study
        if self.pruner is not None and not self.multimetric_ and isinstance(self.scorer_, dict):
            self.scorer_ = self.scorer_["score"]
