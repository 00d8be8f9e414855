"""The searches: everything that scikit-learn asks of its own grid and random search."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from optuna.samplers import RandomSampler
from sklearn.model_selection import ParameterGrid

from sklearn_ml4fp import BayesSearchCV, OptunaSearchCV

from .suite import Suite

N_DRAWN = 30  # values that stand for a distribution of scipy, of which our spaces know nothing


def listed(values: Any) -> Any:
    """Choices of what scikit-learn takes for one parameter: a sequence, or a distribution."""
    if hasattr(values, "rvs"):
        return list(values.rvs(N_DRAWN, random_state=np.random.RandomState(0)))
    return list(values) if hasattr(values, "__len__") and not isinstance(values, str) else values


class Adapted:
    """A search of ours under the parameters of scikit-learn's: all points of lists, in the order of the proposer."""

    n_points, patience, timeout, history, warm_start, pruner, progress = 1, None, None, None, False, None, False
    n_iter, random_state = 1, 0
    search_spaces: Any = ()
    param_distributions: Any = ()
    optimizer_kwargs = {"base_estimator": "DUMMY"}  # noqa: RUF012 (random points: what is tested is all the rest)
    sampler, storage, study_name = RandomSampler(seed=0), None, "search"

    def _completed(self, given: dict[str, Any]) -> Self:
        search = super()._completed(given)
        stated = self.param_grid if hasattr(self, "param_grid") else self.param_distributions
        several = [stated] if isinstance(stated, dict) else list(stated)
        spaces: list[Any] = [{name: listed(values) for name, values in one.items()} for one in several]
        sizes = [len(ParameterGrid(one)) for one in spaces]
        if hasattr(self, "param_grid"):
            search.n_iter = sum(sizes)
        if len(spaces) > 1 and self._space == "search_spaces":
            spaces = list(zip(spaces, sizes, strict=True))
        setattr(search, self._space, spaces[0] if len(spaces) == 1 else spaces)
        return search


def adapted(kind: type) -> dict[str, type]:
    """Our search with the signatures of scikit-learn's two."""

    class GridSearchCV(Adapted, kind):
        def __init__(
            self, estimator, param_grid, *, scoring=None, n_jobs=None, refit=True, cv=None, verbose=0,
            pre_dispatch="2*n_jobs", error_score=np.nan, return_train_score=False,
        ):  # fmt: skip
            self.estimator, self.param_grid, self.scoring, self.n_jobs = estimator, param_grid, scoring, n_jobs
            self.refit, self.cv, self.verbose, self.pre_dispatch = refit, cv, verbose, pre_dispatch
            self.error_score, self.return_train_score = error_score, return_train_score

    class RandomizedSearchCV(Adapted, kind):
        def __init__(
            self, estimator, param_distributions, *, n_iter=10, scoring=None, n_jobs=None, refit=True, cv=None,
            verbose=0, pre_dispatch="2*n_jobs", random_state=None, error_score=np.nan, return_train_score=False,
        ):  # fmt: skip
            self.estimator, self.n_iter, self.scoring, self.n_jobs = estimator, n_iter, scoring, n_jobs
            self.refit, self.cv, self.verbose, self.pre_dispatch = refit, cv, verbose, pre_dispatch
            self.random_state, self.error_score, self.return_train_score = random_state, error_score, return_train_score
            self.param_distributions = param_distributions

    for one in (GridSearchCV, RandomizedSearchCV):  # which can be pickled, under a name of this module
        one.__qualname__ = f"{kind.__name__}_{one.__name__}"
        globals()[one.__qualname__] = one
    return {one.__name__: one for one in (GridSearchCV, RandomizedSearchCV)}


ORDER = (
    "candidates come in the order in which the proposer chooses them, and none twice, where the test expects the grid's"
)
OBJECTIVE = "of several scores one must be maximised, which refit= names: it can be neither False nor a function"
COUNT = "failed fits are said for each candidate, when it has failed, and not at the end for all"
SCORES = "that no candidate has a finite score is an error, since nothing can be chosen then"
TASKS = "each batch of candidates is a task of its own, since candidates are chosen in the light of those before"
ADAPTED = {kind: adapted(kind) for kind in (BayesSearchCV, OptunaSearchCV)}
BY_DESIGN: dict[str, str] = {
    **dict.fromkeys(
        (
            "test_grid_search", "test_grid_search_pipeline_steps", "test_refit_callable", "test_search_default_iid",
            "test_search_cv_results_rank_tie_breaking", "test_search_cv_timing", "test_custom_run_search",
            "test_grid_search_correct_score_results",
        ),
        ORDER,
    ),
    **dict.fromkeys(
        (
            "test_refit_callable_multi_metric", "test_grid_search_cv_results_multimetric",
            "test_random_search_cv_results_multimetric", "test_callable_multimetric_error_failing_clf",
            "test_callable_multimetric_error_on_invalid_key",
        ),
        OBJECTIVE,
    ),
    **dict.fromkeys(
        (
            "test_grid_search_failing_classifier", "test_grid_search_classifier_all_fits_fail",
            "test_callable_multimetric_clf_all_fits_fail", "test_search_callbacks_with_partial_fit_failures",
        ),
        COUNT,
    ),
    **dict.fromkeys(("test_unsupported_sample_weight_scorer", "test_search_cv_results_none_param"), SCORES),
    **dict.fromkeys(("test_search_callbacks_no_propagation", "test_search_callbacks_propagation"), TASKS),
    "test_predict_proba_disabled": "a space without a parameter is an error, and no search of one candidate",
}  # fmt: skip
OF_ONE = {
    BayesSearchCV: {"test_random_search_cv_results": "of several spaces each has candidates of its own"},
    OptunaSearchCV: {
        "test_grid_search_cv_splits_consistency": ORDER,
    },
}
SUITES = [
    Suite(
        kind.__name__,
        "model_selection/tests/test_search.py",
        lambda names, kind=kind: names.update(ADAPTED[kind]),
        by_design={**BY_DESIGN, **OF_ONE[kind]},
    )
    for kind in ADAPTED
]
