"""Bayesian search over hyperparameters."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state
from skopt import BayesSearchCV as _SkoptBayesSearchCV
from skopt.callbacks import check_callback

from .._compat import MultimetricScorer
from ._bayes_run import Run
from ._history import History, fingerprint
from ._search import EventSearch
from ._skopt_fixes import Coded, make_optimizer
from ._spaces import search_space
from ._watch import callback_task


class BayesSearchCV(EventSearch, _SkoptBayesSearchCV):
    """Bayesian search over hyperparameters that hands event weights and ids to all who need them.

    scikit-optimize's search: a surrogate (a Gaussian process by default) models the score as a function of the
    hyperparameters, and each candidate is chosen where an acquisition function of the surrogate's mean and standard
    deviation is best. A candidate that fails does not end the search, and a search that is killed goes on from its
    history.

    Parameters
    ----------
    estimator : estimator
        What is tuned, usually a Pipeline.
    search_spaces : dict, list of dict or list of (dict, int), default=None
        Names of parameters to dimensions of scikit-optimize, or to lists of values that are no numbers. None takes
        `search_space` of the estimator. Each space of a list has a surrogate and candidates of its own: ``n_iter``, or
        as many as stand beside it.
    n_iter : int, default=50
        Number of candidates, with those of an earlier fit or of a history.
    optimizer_kwargs : dict, default=None
        Arguments of ``skopt.Optimizer``. ``base_estimator`` is the surrogate: "GP" (Gaussian process, the default),
        "RF" (random forest), "ET" (extra trees), "GBRT" (boosted quantiles) or "DUMMY" (random candidates).
        ``acq_func`` is the acquisition function: "EI" (expected improvement), "PI" (probability of improvement), "LCB"
        (lower confidence bound) or "gp_hedge" (the default: one of the three each time, by their success).
        ``n_initial_points`` (10) candidates are random.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn's searches.
    n_jobs : int, default=1
        Folds and candidates that are fitted at once.
    n_points : int, default=1
        Candidates asked for at once, to be fitted at the same time with ``n_jobs``: while the first is not known, the
        next ones are chosen as if it were as good as the best.
    refit : bool or str, default=True
        Whether to fit the best candidate on all data.
    cv : int, splitter or None, default=None
        How to split. Where ``fit`` gets ``groups``, a number k (None: 5) means ``EventKFold(k)``, since scikit-learn's
        own choice would ignore the groups.
    verbose : int, default=0
        Verbosity of the folds; the progress bar needs none.
    pre_dispatch : int or str, default="2*n_jobs"
        As in scikit-learn's searches.
    random_state : int, RandomState or None, default=None
        Seed of the candidates.
    error_score : "raise" or float, default=NaN
        Score of a fold that fails. A candidate whose mean is not finite counts for the surrogate as the worst so far.
    return_train_score : bool, default=False
        Whether ``cv_results_`` has training scores.
    patience : int or None, default=None
        Candidates without a new best score after which the search of a space ends.
    timeout : float or None, default=None
        Seconds after which no more candidates are asked for, with the time of an interrupted search.
    history : path-like or None, default=None
        File in which each finished candidate is kept, with the scores of its folds. Where the file exists, its
        candidates are taken from there, and the search goes on: with the same seed, to the result of a search that was
        never interrupted. One search a file.
    warm_start : bool, default=False
        Whether a second ``fit`` on the same data goes on from the candidates of the one before, up to ``n_iter``.
    progress : bool or None, default=None
        Whether to show a progress bar with the best score so far; None shows one in a terminal or a notebook.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        Candidates and their scores.
    best_estimator_ : estimator
        The best candidate, fitted on all data.
    best_params_ : dict
        Its hyperparameters.
    best_score_ : float
        Its mean score over the folds.
    optimizer_results_ : list of OptimizeResult
        What scikit-optimize says of the search of each space; categories are there by number.

    See Also
    --------
    OptunaSearchCV : Search with Optuna, which prunes training.
    search_space : The space that an estimator declares.
    ConvergenceDisplay : Draw how a search converges.

    References
    ----------
    Head et al., scikit-optimize, doi:10.5281/zenodo.1157319; Hoffman, Brochu and de Freitas, UAI 2011 (gp_hedge);
    Ginsbourger, Le Riche and Carraro, 2010, hal-00732512 (several candidates at once).

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn_ml4fp import BayesSearchCV, FeedForwardClassifier, search_space
    >>> X, y = make_classification(n_samples=300, random_state=0)
    >>> network = FeedForwardClassifier(width=16, max_epochs=5, random_state=0)
    >>> search = BayesSearchCV(network, search_space(network, include=["lr"]), n_iter=3, cv=2, random_state=0)
    >>> sorted(search.fit(X, y).best_params_)
    ['lr']
    """

    _title = "Bayesian search"
    _while_searching = ("_bar", "_callbacks", "_data")

    def __init__(
        self,
        estimator: Any,
        search_spaces: Any = None,
        *,
        n_iter: int = 50,
        optimizer_kwargs: dict | None = None,
        scoring: Any = None,
        n_jobs: int | None = 1,
        n_points: int = 1,
        refit: bool | str = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        patience: int | None = None,
        timeout: float | None = None,
        history: Any = None,
        warm_start: bool = False,
        progress: bool | None = None,
    ) -> None:
        self.estimator = estimator
        self.search_spaces = search_spaces
        self.n_iter = n_iter
        self.optimizer_kwargs = optimizer_kwargs
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.n_points = n_points
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.pre_dispatch = pre_dispatch
        self.random_state = random_state
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.patience = patience
        self.timeout = timeout
        self.history = history
        self.warm_start = warm_start
        self.progress = progress

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        groups: Any = None,
        sample_weight: Any = None,
        callback: Any = None,
        **params: Any,
    ) -> Self:
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
        callback : callable or list of callables, default=None
            scikit-optimize callbacks, called after each candidate.
        **params : dict
            More metadata, passed on as scikit-learn's searches do.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            ``X_val`` has as many events as ``X`` and would be cut to each fold; all candidates failed; the history is
            that of another search.
        """
        self._check_choices()
        self._callbacks = check_callback(callback)
        self._data = fingerprint((X, y, groups, sample_weight, params)) if self._remembers else ""
        # not scikit-optimize's own fit: it always passes groups on, also None, which metadata routing refuses
        return self._search(X, y, groups=groups, sample_weight=sample_weight, params=params)

    def _check_choices(self) -> None:
        if callable(self.refit):
            raise ValueError("BayesSearchCV needs a score to optimise: refit must be True, False or the name of one.")
        for name, kind in (("n_iter", Integral), ("n_points", Integral), ("patience", Integral), ("timeout", Real)):
            value = getattr(self, name)
            optional = name in ("patience", "timeout")
            if not (optional and value is None) and (not isinstance(value, kind) or value <= 0):
                raise ValueError(f"{name}={value!r}: expected a positive number{' or None' if optional else ''}.")

    @property
    def _remembers(self) -> bool:
        return self.warm_start or self.history is not None

    def _complete_parameters(self) -> None:
        if self.search_spaces is None:
            self.search_spaces = search_space(self.estimator)

    def _coded_spaces(self) -> list[tuple[Coded, int]]:
        """Spaces, and how many candidates each of them has: one, where there is only one point."""
        given = self.search_spaces if isinstance(self.search_spaces, list) else [self.search_spaces]
        given = given or [{}]  # which is an error
        pairs = [one if isinstance(one, tuple) and len(one) == 2 else (one, self.n_iter) for one in given]
        spaces = [(Coded(space), n) for space, n in pairs]
        return [(space, 1 if space.is_single else n) for space, n in spaces]

    def _n_candidates(self) -> int:
        return sum(n for _, n in self._coded_spaces())

    # --- what is remembered ---

    def _open_history(self, spaces: list[Coded]) -> History:
        """Candidates that were finished before, of this very search."""
        search = {}
        if self._remembers:
            stated = self.random_state if isinstance(self.random_state, Integral) else None
            choices = [space.describe() for space in spaces], self.n_points, self.optimizer_kwargs, stated
            scores = self.scoring, self.error_score, self.return_train_score, isinstance(self.refit, str) and self.refit
            search = {
                "estimator": fingerprint(self.estimator),
                "space, surrogate or seed": fingerprint(choices),
                "data": self._data,
                "cv": fingerprint(getattr(self, "_checked_cv_orig", self.cv)),
                "scoring": fingerprint(scores),
            }
        # a seed of its own, so that the candidates can be asked again whatever random_state is
        drawn = check_random_state(self.random_state).randint(2**31 - 1)
        seed = int(self.random_state) if isinstance(self.random_state, Integral) else drawn
        last = getattr(self, "_history", None)
        if self.history is None and self.warm_start and last is not None:
            last.check(last.search, search)
            return last
        return History(search, seed, self.history)

    # --- the search ---

    def _run_search(self, evaluate_candidates: Any, callback_ctx: Any = None) -> None:
        spaces = self._coded_spaces()
        history = self._open_history([space for space, _ in spaces])
        run = Run(self, evaluate_candidates, history)
        optimizers, results = [], []  # not on self yet: scikit-learn sends the search itself to its workers
        with callback_task(callback_ctx, self, "search", None) as task:  # a batch whose worker is killed counts again
            for number, (space, n_iter) in enumerate(spaces):
                optimizer = make_optimizer(space.dimensions, n_iter, run.rng, dict(self.optimizer_kwargs or {}))
                optimizers.append(optimizer)
                if (result := run.search(number, space, optimizer, n_iter, task)) is not None:
                    results.append(result)
        self.optimizers_, self._optim_results = optimizers, results
        if self.warm_start:
            self._history = history
        if not np.isfinite(run.best):
            raise ValueError(f"all {len(history.records)} candidates failed; the last one with:\n{run.last_error}")

    def _objective(self, results: dict[str, Any]) -> np.ndarray:
        """Scores that are maximised."""
        names = [name.removeprefix("mean_test_") for name in results if name.startswith("mean_test_")]
        if names == ["score"]:
            return results["mean_test_score"]
        self._check_refit_for_multimetric(names)
        return results[f"mean_test_{self.refit}"]

    def _failed_fold(self, error: str) -> dict[str, Any]:
        """What scikit-learn says of a fold that cannot be fitted; how long that took is not known any more."""
        scorers, _ = self._get_scorers()
        several = isinstance(scorers, MultimetricScorer)
        score = dict.fromkeys(scorers._scorers, self.error_score) if several else self.error_score
        train = {"train_scores": score} if self.return_train_score else {}
        times = {"fit_time": np.nan, "score_time": np.nan, "n_test_samples": 0}
        return {"test_scores": score, **train, **times, "fit_error": error}
