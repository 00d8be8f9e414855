"""The private names of scikit-learn that this package uses, and what differs between its versions (1.6 to 1.9).

No other module imports a private name of scikit-learn: a new version that moves one is mended here. The private names
of joblib's Dask backend stand in ``_compat_dask``, because they load Dask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics._scorer import _MultimetricScorer as MultimetricScorer
from sklearn.metrics._scorer import _PassthroughScorer
from sklearn.metrics._scorer import _Scorer as Scorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import _fit_and_score as fit_and_score
from sklearn.utils import _param_validation
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import HasMethods, StrOptions, make_constraint, validate_params
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.validation import _check_feature_names as check_feature_names
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _num_samples as num_samples

from ._optional import comes_from, needs

try:  # scikit-learn >= 1.9
    from sklearn.callback import CallbackSupportMixin, with_callbacks
    from sklearn.callback._callback_support import callback_management_context
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Replacement of scikit-learn's mixin: there are no callbacks."""

        def _init_callback_context(self, **kwargs: Any) -> None:
            return None

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is: there are no callbacks."""
        return method

    def callback_management_context(estimator: Any) -> Any:
        """Do nothing: there are no callbacks."""
        return nullcontext()


class Interval(_param_validation.Interval):
    """Interval of numbers that a hyperparameter may have: scikit-learn's, without ``True`` and ``False``.

    Python takes these two for 1 and 0.

    Parameters
    ----------
    type : {numbers.Integral, numbers.Real, "real_not_int"}
        Kind of the numbers.
    left, right : float or int or None
        Bounds; None stands for none.
    closed : {"left", "right", "both", "neither"}
        Bounds that belong to the interval.

    Raises
    ------
    TypeError
        If a bound is not of the kind.
    ValueError
        If ``closed`` is another word, if the left bound is above the right one, or if a bound that is not there is
        closed.

    See Also
    --------
    hp : Declaration of a hyperparameter.

    Examples
    --------
    >>> from numbers import Integral
    >>> from sklearn_ml4fp import Interval
    >>> positive = Interval(Integral, 1, None, closed="left")
    >>> [positive.is_satisfied_by(value) for value in (3, 0, 1.5, True)]
    [True, False, False, False]
    """

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether ``val`` is a number of the interval."""
        return not isinstance(val, bool) and super().is_satisfied_by(val)


def strict(constraint: Any) -> Any:
    """A constraint as it is, or, in place of scikit-learn's own interval, one without ``True`` and ``False``."""
    if type(constraint) is not _param_validation.Interval:
        return constraint
    return Interval(constraint.type, constraint.left, constraint.right, closed=constraint.closed)


def _score_request(estimator: Any) -> Any:
    """Make the request of a composition for ``score``: weights and ids if a part takes them, None if it is open."""
    request, router = MetadataRequest(owner=type(estimator).__name__), estimator.get_metadata_routing()
    for name in ("sample_weight", "groups"):
        try:
            router.route_params(caller="score", params={name: [1.0]})
            wants = bool(router.consumes("score", [name]))
        except UnsetMetadataPassedError:
            wants = None
        request.score.add_request(param=name, alias=wants)
    return request


if "set_score_request" in vars(_PassthroughScorer):
    # scikit-learn 1.6: the scorer that stands for ``estimator.score`` asks the estimator itself, and not its parts.
    # What a Pipeline wants is then open, and a search wants nothing: its scores would be unweighted in silence.

    class ScoreRequestMixin:
        """Mixin of a search: its request when another search scores it."""

        def _get_default_requests(self) -> Any:
            return _score_request(self)

    def asking_parts(scorer: Any) -> Any:
        """Return the scorer, which asks the parts of a composition."""
        if isinstance(scorer, _PassthroughScorer):
            estimator = scorer._estimator
            if not isinstance(estimator.get_metadata_routing(), MetadataRequest):
                scorer._metadata_request = _score_request(estimator)
        return scorer

else:

    class ScoreRequestMixin:  # type: ignore[no-redef]
        """Empty mixin: scikit-learn asks the parts."""

    def asking_parts(scorer: Any) -> Any:
        """Return the scorer as it is: scikit-learn asks the parts."""
        return scorer


@contextmanager
def member_task(context: Any, member: Any) -> Iterator[None]:
    """Open a task of scikit-learn's callbacks for one of several estimators that are fitted in turn, if there are any.

    ``context`` is that of the estimator that holds them. Of its callbacks, those that propagate by themselves do so;
    the others were cloned with the member, and see it as they would see an estimator of its own.
    """
    if context is None:
        yield
        return
    own = [one for one in callbacks_of(member) if not hasattr(one, "max_propagation_depth")]
    member.set_callbacks(*own)
    with context.subcontext(task_name="member").propagate_callback_context(member):
        yield


def routed_params(search: BaseSearchCV, params: dict[str, Any]) -> Any:
    """Return the metadata of a search by their receivers: ``splitter.split``, ``estimator.fit``, ``scorer.score``."""
    return search._get_routed_params_for_fit(params)


def results_table(search: BaseSearchCV, candidates: list[dict[str, Any]], n_splits: int, fits: list, more: Any) -> Any:
    """Make ``cv_results_`` from the parameters of the candidates, their fits and further columns."""
    return search._format_results(candidates, n_splits, fits, more)


def best_row(search: BaseSearchCV, metric: str, results: dict[str, Any]) -> int:
    """Return the row of ``cv_results_`` that ``refit`` of a search chooses."""
    return search._select_best_index(search.refit, metric, results)


def metric_of(scorer: Any) -> Any | None:
    """Return the metric of a scorer, the function of truth and prediction; None if there is none."""
    return getattr(scorer, "_score_func", None)


def response_of(scorer: Any, estimator: Any) -> str:
    """Return the method of an estimator whose result a scorer compares with the truth: the first that there is."""
    methods = scorer._response_method
    names = (methods,) if isinstance(methods, str) else methods
    return next((name for name in names if hasattr(estimator, name)), names[0])


def score_of(scorer: Any, y_true: Any, values: Any, **given: Any) -> Any:
    """Compute what a scorer makes of the truth and of predicted values."""
    return scorer._sign * scorer._score_func(y_true, values, **{**scorer._kwargs, **given})


def is_negated(scorer: Any) -> bool:
    """Whether a scorer gives minus its metric."""
    return getattr(scorer, "_sign", 1) < 0


def callbacks_of(estimator: Any) -> list[Any]:
    """Return the callbacks of scikit-learn (1.9 and later) that are set on an estimator."""
    return getattr(estimator, "_skl_callbacks", [])


def request_set_on(part: Any) -> MetadataRequest | None:
    """Return the request that the user has set on this very object; None if there is none."""
    return getattr(part, "_metadata_request", None)


def scorers_in(scorer: Any) -> Any:
    """Return the scorers of several metrics by name, or the single scorer itself."""
    return scorer._scorers if isinstance(scorer, MultimetricScorer) else scorer


__all__ = [
    "BaseSearchCV",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "MultimetricScorer",
    "ScoreRequestMixin",
    "Scorer",
    "StrOptions",
    "asking_parts",
    "best_row",
    "callback_management_context",
    "callbacks_of",
    "check_feature_names",
    "check_feature_names_in",
    "check_method_params",
    "fit_and_score",
    "is_negated",
    "make_constraint",
    "member_task",
    "metric_of",
    "num_samples",
    "request_set_on",
    "response_of",
    "results_table",
    "routed_params",
    "safe_indexing",
    "score_of",
    "scorers_in",
    "strict",
    "validate_params",
    "with_callbacks",
]


def form_of_dask(X: Any) -> Any:
    """Return what Dask knows of the events of a frame or of an array of dask-awkward: some made-up ones, else None."""
    if hasattr(X, "_meta_nonempty"):
        return X._meta_nonempty
    if comes_from(X, "dask_awkward"):
        return needs("awkward").typetracer.length_one_if_typetracer(X._meta)
    return None
