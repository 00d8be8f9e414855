"""Search over hyperparameters with the samplers, pruners and storages of Optuna."""

from __future__ import annotations

from typing import Any, Self

from .._optional import needs
from .._params import hp
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
    folds are not fitted. The ``n_points`` candidates of one batch are chosen, and pruned, independently of each other.
    With a ``history`` or a ``storage``, a search that was killed continues where it was: call ``fit`` of the same
    search, with the same data.

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

    param_distributions: Any = hp(
        None,
        valid=(dict, list, None),
        kind="dict or list of dict",
        doc="Names of parameters to a list of choices, a range ``(low, high)`` or "
        '``(low, high, "log-uniform")``, or a '
        "distribution of Optuna; of several spaces each candidate takes one. None takes `optuna_distributions` of the "
        "estimator; with a pruner, unless the network monitors a metric, without the hyperparameters of which each "
        "choice has validation losses of its own scale: ``loss``, ``class_weight``, ``label_smoothing``, ``quantile``, "
        "and those of the loss itself.",
    )
    sampler: Any = hp(
        None,
        valid=object,  # `fit` says what is wrong with another one
        kind="optuna.samplers.BaseSampler",
        doc="Sampler of the candidates; None for the tree-structured Parzen estimator with the seed ``random_state``. "
        "A search that goes on chooses what it would have chosen only with None.",
    )
    storage: Any = hp(
        None,
        valid=object,  # Optuna opens it
        kind="str or optuna.storages.BaseStorage",
        doc='Storage of the finished candidates in the place of a ``history``, such as ``"sqlite:///search.db"``, for '
        "its dashboard and for a search that goes on; None keeps them in memory.",
    )
    study_name: str = hp("search", valid=str, doc="Name of this search in the storage.")

    def __init__(self, estimator: Any, param_distributions: Any = None, **params: Any) -> None:
        super().__init__(estimator=estimator, **params)
        self.param_distributions = param_distributions

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
