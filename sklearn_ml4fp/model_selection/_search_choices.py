"""Parameters that all searches have."""

from __future__ import annotations

import os
from numbers import Real
from typing import Any

import numpy as np

from .._compat import BaseSearchCV, Interval
from .._params import AT_LEAST_ONE, REQUIRED, Declared, hp


def _theirs(name: str) -> tuple[Any, ...]:
    """Values that scikit-learn's searches accept for a parameter."""
    return tuple(BaseSearchCV._parameter_constraints[name])


class SearchChoices(Declared):
    """Parameters of a search, whatever chooses its candidates."""

    estimator: Any = hp(
        REQUIRED, valid=_theirs("estimator"), kind="estimator", doc="Estimator to tune, usually a Pipeline."
    )
    n_iter: int = hp(
        50,
        valid=AT_LEAST_ONE,
        doc="Number of candidates, including those of an earlier fit, or of a search that goes on.",
    )
    n_points: int = hp(
        1,
        valid=AT_LEAST_ONE,
        doc="Number of candidates chosen at once, to be fitted at the same time with ``n_jobs``.",
    )
    patience: int | None = hp(
        None,
        valid=(AT_LEAST_ONE, None),
        doc="Number of candidates without a new best score after which the search of a space ends.",
    )
    timeout: float | None = hp(
        None,
        valid=(Interval(Real, 0, None, closed="neither"), None),
        doc="Seconds after which no more candidates are chosen, including the time of an interrupted search.",
    )
    pruner: Any = hp(
        None,
        valid=object,  # `Pruning` says what is wrong with another one
        kind="optuna.pruners.BasePruner",
        doc="Pruner that ends hopeless trainings, whose steps are epochs; None ends none.",
    )
    history: Any = hp(
        None,
        valid=(str, os.PathLike, None),
        doc="File in which each finished candidate is kept, with the scores of its folds. Where the file exists, its "
        "candidates are taken from there, and the search goes on: with the same seed, to the result of a search that "
        "was never interrupted. One search uses a file at a time.",
    )
    warm_start: bool = hp(
        False,
        valid="boolean",
        doc="Whether a second ``fit`` on the same data continues from the candidates of the first, up to ``n_iter``.",
    )
    scoring: Any = hp(
        None,
        valid=_theirs("scoring"),
        kind="str, callable, list, tuple or dict",
        doc="Metrics, as in scikit-learn's searches. With several metrics ``refit`` names the one that is maximised.",
    )
    n_jobs: int | None = hp(
        None,
        valid=_theirs("n_jobs"),
        doc="Number of fits at the same time: of the folds, and of the ``n_points`` candidates. With a pruner, the "
        "folds of a candidate are fitted one after the other.",
    )
    refit: Any = hp(
        True,
        valid=_theirs("refit"),
        doc="Whether to fit the best candidate on all data; of several metrics, the name of the one that is maximised.",
    )
    cv: Any = hp(
        None,
        valid=_theirs("cv"),
        doc="Splitter, or number of folds. If ``fit`` gets ``groups``, a number k (None: 5) means ``EventKFold(k)``, "
        "since scikit-learn's own choice would ignore the groups. All candidates get the same folds.",
    )
    verbose: int = hp(0, valid=_theirs("verbose"), doc="Verbosity of the folds; the progress bar needs none.")
    pre_dispatch: int | str = hp(
        "2*n_jobs",
        valid=_theirs("pre_dispatch"),
        doc="Number of fits that are dispatched, as in scikit-learn's searches.",
    )
    random_state: Any = hp(None, valid="random_state", doc="Seed of the candidates.")
    error_score: Any = hp(
        np.nan,
        valid=_theirs("error_score"),
        doc="Score of a fold that fails. A candidate whose mean is not finite counts as the worst so far.",
    )
    return_train_score: bool = hp(False, valid="boolean", doc="Whether ``cv_results_`` has training scores.")
    progress: bool | None = hp(
        None,
        valid=("boolean", None),
        doc="Whether to show a progress bar with the best score so far; None shows one in a terminal or a notebook.",
    )
