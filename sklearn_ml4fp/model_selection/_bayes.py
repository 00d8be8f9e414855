"""Bayesian search over hyperparameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from .._optional import needs
from .._params import hp
from ._history import History
from ._kept_spaces import in_parts, of_parts
from ._search import EventSearch
from ._spaces import search_space


def _with_spaces(state: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Change the spaces in a state, in which a subclass of other parameters has none."""
    return {name: change(value) if name == "search_spaces" else value for name, value in state.items()}


class BayesSearchCV(EventSearch):
    """Bayesian search over hyperparameters that passes event weights and ids to all parts that need them.

    The search is that of scikit-optimize: a surrogate (a Gaussian process by default) models the score as a function of
    the hyperparameters, and each candidate is chosen where an acquisition function of the surrogate's mean and standard
    deviation is best. A candidate that fails does not end the search, and a search that was killed
    continues from its history.

    While the score of a candidate is not known (``n_points``), the next ones are chosen as if it were as good as the
    best. One that failed, or that the ``pruner`` has stopped, counts for the surrogate as the worst so far.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        Candidates and their scores.
    best_estimator_ : estimator
        Best candidate, fitted on all data.
    best_params_ : dict
        Hyperparameters of the best candidate.
    best_score_ : float
        Mean score of the best candidate over the folds.
    optimizer_results_ : list of OptimizeResult
        Results of scikit-optimize, one per space; categories are given by number.

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
    _space = "search_spaces"
    _not_kept = ("optimizers_", "optimizer_results_")

    search_spaces: Any = hp(
        None,
        valid=(dict, list, None),
        kind="dict, list of dict or list of (dict, int)",
        doc="Names of parameters to a list of choices, a range ``(low, high)`` or "
        '``(low, high, "log-uniform")``, or a '
        "dimension of scikit-optimize. None takes `search_space` of the estimator. Each space of a list has its own "
        "surrogate and its own candidates: ``n_iter``, or the number beside it.",
    )
    optimizer_kwargs: dict | None = hp(
        None,
        valid=(dict, None),
        doc='Arguments of ``skopt.Optimizer``. ``base_estimator`` is the surrogate: "GP" (Gaussian process, the '
        'default), "RF" (random forest), "ET" (extra trees), "GBRT" (boosted quantiles) or "DUMMY" (random '
        'candidates). ``acq_func`` is the acquisition function: "EI" (expected improvement), "PI" (probability of '
        'improvement), "LCB" (lower confidence bound) or "gp_hedge" (the default: one of the three each time, chosen '
        "by their success). ``n_initial_points`` (10) candidates are random.",
    )

    def __init__(self, estimator: Any, search_spaces: Any = None, **params: Any) -> None:
        super().__init__(estimator=estimator, **params)
        self.search_spaces = search_spaces

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
            Further metadata, passed on as scikit-learn's searches do.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            A parameter, the weights or the ids are not valid; ``X_val`` has as many events as ``X`` and
            would be cut to each fold; all candidates failed; the history is damaged, or that of another search.
        RuntimeError
            Another search uses the history.
        ImportError
            scikit-optimize, or with a pruner Optuna, is not installed.
        """
        callbacks = needs("skopt.callbacks").check_callback(callback)
        return self._search(X, y, groups=groups, sample_weight=sample_weight, params=params, callbacks=callbacks)

    def _to_keep(self, state: dict[str, Any]) -> dict[str, Any]:
        return _with_spaces(super()._to_keep(state), in_parts)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(_with_spaces(state, of_parts))

    def _declared_space(self, exclude: list[str]) -> Any:
        return search_space(self.estimator, exclude=exclude)

    def _spaces(self, **options: Any) -> Any:
        from ._skopt import SkoptSpaces

        return SkoptSpaces(self.search_spaces, self.n_iter, self.n_points, self.optimizer_kwargs, options["callbacks"])

    def _keep(self, proposers: list[Any], history: History) -> None:
        self.optimizers_ = [proposer.optimizer for proposer in proposers]
        self.optimizer_results_ = [proposer.result for proposer in proposers if proposer.result is not None]
