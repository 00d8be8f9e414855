"""Bayesian search over hyperparameters."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from skopt import BayesSearchCV as _SkoptBayesSearchCV
from skopt.callbacks import check_callback

from ._search import EventSearch
from ._spaces import search_space


class BayesSearchCV(EventSearch, _SkoptBayesSearchCV):
    """Bayesian search over hyperparameters that hands event weights and ids to all who need them.

    scikit-optimize's search: a surrogate (a Gaussian process by default) models the score as a function of the
    hyperparameters, and each candidate is chosen where the score is expected to improve.

    Parameters
    ----------
    estimator : estimator
        What is tuned, usually a Pipeline.
    search_spaces : dict, list of dict or list of (dict, int), default=None
        Names of parameters to dimensions of scikit-optimize. None takes `search_space` of the estimator.
    n_iter : int, default=50
        Number of candidates.
    optimizer_kwargs : dict, default=None
        Arguments of ``skopt.Optimizer``, such as ``{"base_estimator": "RF"}``.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn's searches.
    n_jobs : int, default=1
        Folds and candidates that are fitted at once.
    n_points : int, default=1
        Candidates asked for at once.
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
    error_score : "raise" or float, default="raise"
        Score of a candidate that fails.
    return_train_score : bool, default=False
        Whether ``cv_results_`` has training scores.
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
        What scikit-optimize says of the search.

    References
    ----------
    Head et al., scikit-optimize, doi:10.5281/zenodo.1157319.

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
        error_score: Any = "raise",
        return_train_score: bool = False,
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
            ``X_val`` has as many events as ``X`` and would be cut to each fold.
        """
        if callable(self.refit):
            raise ValueError("BayesSearchCV needs a score to optimise: refit must be True, False or the name of one.")
        self._callbacks = check_callback(callback)
        self.optimizer_kwargs_ = dict(self.optimizer_kwargs or {})
        # not scikit-optimize's own fit: it always passes groups on, also None, which metadata routing refuses
        return self._search(X, y, groups=groups, sample_weight=sample_weight, params=params)

    def _complete_parameters(self) -> None:
        if self.search_spaces is None:
            self.search_spaces = search_space(self.estimator)
        self._check_search_space(self.search_spaces)

    def _n_candidates(self) -> int:
        spaces = self.search_spaces if isinstance(self.search_spaces, list) else [self.search_spaces]
        return sum(space[1] if isinstance(space, tuple) else self.n_iter for space in spaces)

    def _step(self, *args: Any, **kwargs: Any) -> Any:
        result, score_name = super()._step(*args, **kwargs)
        for _ in range(kwargs.get("n_points", 1)):
            self._advance(-np.min(result.fun))
        return result, score_name
