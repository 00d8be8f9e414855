"""Search over hyperparameters with the samplers, pruners and storages of Optuna."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from .._optional import needs
from ._history import History
from ._search import EventSearch
from ._spaces import optuna_distributions
from ._trials import StudyHistory, TrialSpace, quiet


class OptunaSearchCV(EventSearch):
    """Search with the samplers of Optuna, which ends hopeless candidates early and continues after a kill.

    It is a scikit-learn search like `GridSearchCV`. Each candidate is chosen from the scores of those before it, by
    default with a tree-structured Parzen estimator, which models the regions of good and of bad candidates.

    With a ``pruner``, the network of a candidate reports what it monitors (the validation loss, or a metric) after each
    epoch of the first fold. If it is worse than that of earlier candidates, the training is stopped, and the other
    folds are not fitted. With a ``history`` or a ``storage``, a search that was killed continues where it was: call
    ``fit`` of the same search, with the same data.

    Parameters
    ----------
    estimator : estimator
        Estimator to tune, usually a Pipeline.
    param_distributions : dict or list of dict, default=None
        Names of parameters to a list of choices, a range ``(low, high)`` or ``(low, high, "log-uniform")``, or a
        distribution of Optuna; of several spaces each candidate takes one. None takes `optuna_distributions` of the
        estimator; with a pruner, unless the network monitors a metric, without the hyperparameters of which each choice
        has validation losses of its own scale: ``loss``, ``class_weight``, ``label_smoothing``, ``quantile``, and those
        of the loss itself.
    n_iter : int, default=50
        Number of candidates, including those of an earlier fit, a history or a storage.
    timeout : float, default=None
        Seconds after which no more candidates are chosen, including the time of an interrupted search.
    patience : int, default=None
        Number of candidates without a new best score after which the search ends.
    n_points : int, default=1
        Number of candidates chosen, and fitted, at once. Those of one batch are chosen, and pruned, independently of
        each other.
    sampler : optuna.samplers.BaseSampler, default=None
        Sampler of the candidates; None for the tree-structured Parzen estimator with the seed ``random_state``. A
        search that goes on chooses what it would have chosen only with None.
    pruner : optuna.pruners.BasePruner, default=None
        Pruner that ends trainings; None ends none. Its steps are epochs.
    storage : str or optuna.storages.BaseStorage, default=None
        Storage of the finished candidates, such as ``"sqlite:///search.db"``, for its dashboard and for a
        search that goes on; None keeps them in memory.
    study_name : str, default="search"
        Name of this search in the storage.
    history : path-like, default=None
        File in which each finished candidate is kept, with the scores of its folds, in the place of a storage. Where
        the file exists, its candidates are taken from there, and the search goes on. One search uses a file at a time.
    warm_start : bool, default=False
        Whether a second ``fit`` on the same data continues from the candidates of the first, up to ``n_iter``.
    scoring : str, callable, list, tuple or dict, default=None
        Metrics, as in scikit-learn's searches. With several metrics ``refit`` names the one that is maximised.
    n_jobs : int, default=None
        Number of fits at the same time: of the folds, and of the ``n_points`` candidates. With a pruner, the folds of a
        candidate are fitted one after the other.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate on all data; of several metrics, the name of the one that is maximised.
    cv : int, splitter or None, default=None
        Splitter, or number of folds. If ``fit`` gets ``groups``, a number k (None: 5) means ``EventKFold(k)``, since
        scikit-learn's own choice would ignore the groups. All candidates get the same folds.
    verbose : int, default=0
        Verbosity of the folds; the progress bar needs none.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of fits that are dispatched, as in scikit-learn's searches.
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
        Candidates and their scores, as in scikit-learn's searches, and with a pruner ``pruned``. A pruned candidate
        has the score of its first fold as far as it was trained; its other folds, and so its mean, are NaN: it is never
        the best.
    best_estimator_ : estimator
        Best candidate, fitted on all data.
    best_params_ : dict
        Hyperparameters of the best candidate.
    best_score_, best_index_ : float, int
        Mean score of the best candidate over the folds, and its row in ``cv_results_``.
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

    _title = "Optuna search"
    _space = "param_distributions"
    _not_kept = ("study_",)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **EventSearch._parameter_constraints,
        "param_distributions": [dict, list, None],
        "study_name": [str],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any = None,
        *,
        n_iter: int = 50,
        timeout: float | None = None,
        patience: int | None = None,
        n_points: int = 1,
        sampler: Any = None,
        pruner: Any = None,
        storage: Any = None,
        study_name: str = "search",
        history: Any = None,
        warm_start: bool = False,
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
        self.patience = patience
        self.n_points = n_points
        self.sampler = sampler
        self.pruner = pruner
        self.storage = storage
        self.study_name = study_name
        self.history = history
        self.warm_start = warm_start
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
            Further metadata, passed on as scikit-learn's searches do.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ImportError
            Optuna is not installed.
        TypeError
            The sampler or the pruner is not one of Optuna.
        ValueError
            A parameter, the weights or the ids are not valid; ``X_val`` has as many events as ``X`` and
            would be cut to each fold; all candidates failed; a pruner without a network, or over networks whose losses
            cannot be compared; the history or the storage is damaged, or holds another search.
        RuntimeError
            Another search uses the history or the study.
        """
        optuna = needs("optuna")
        if self.sampler is not None and not isinstance(self.sampler, optuna.samplers.BaseSampler):
            raise TypeError(
                f"sampler= must be a sampler of Optuna, such as TPESampler(), or None; got {self.sampler!r}."
            )
        if self.storage is not None and self.history is not None:
            raise ValueError("storage= and history= both keep the candidates: pass one of them.")
        with quiet():
            return self._search(X, y, groups=groups, sample_weight=sample_weight, params=params)

    @property
    def _remembers(self) -> bool:
        return self.storage is not None or super()._remembers

    def _declared_space(self, exclude: list[str]) -> Any:
        return optuna_distributions(self.estimator, exclude=exclude)

    def _spaces(self, **options: Any) -> TrialSpace:
        return TrialSpace(self.param_distributions, self.n_iter, self.sampler)

    def _open_history(self, spaces: Any, identity: dict[str, str], seed: int) -> History:
        if self.storage is None:
            return super()._open_history(spaces, identity, seed)
        study = needs("optuna").create_study(
            storage=self.storage, study_name=self.study_name, direction="maximize", load_if_exists=True
        )
        return StudyHistory(study, spaces.of, identity, seed)

    def _keep(self, proposers: list[Any], history: History) -> None:
        self.study_ = history.study if isinstance(history, StudyHistory) else proposers[0].study
