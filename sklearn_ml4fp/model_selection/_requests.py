"""Who in a composition gets the event weights and ids, where the user has not said so."""

from __future__ import annotations

import inspect
from typing import Any

from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import check_scoring
from sklearn.utils.metadata_routing import MetadataRequest, MetadataRouter, MethodMapping

_WEIGHTS = "sample_weight"
_METADATA = (_WEIGHTS, "groups")


def _complete(part: Any) -> None:
    """Answer the requests for weights and ids that nobody has answered: predictors want them, transformers do not."""
    if not hasattr(part, "fit"):  # a splitter or a scorer, which states its requests itself
        return
    wants = is_classifier(part) or is_regressor(part)
    for method in ("fit", "score"):
        requests = part.get_metadata_routing()
        if not isinstance(requests, MetadataRequest):  # a composition asks its parts
            return
        open_ones = [name for name in _METADATA if getattr(requests, method).requests.get(name, False) is None]
        if open_ones:
            getattr(part, f"set_{method}_request")(**dict.fromkeys(open_ones, wants))


def with_requests(estimator: Any) -> Any:
    """Return a clone in which every consumer of weights and ids has said whether it wants them.

    Every classifier and regressor that takes them gets them; a transformer gets them only where the user, or its
    class, asks. To be called with scikit-learn's metadata routing switched on.
    """
    estimator = clone(estimator)
    for part in [estimator, *estimator.get_params(deep=True).values()]:
        if hasattr(part, "get_metadata_routing") and not isinstance(part, type):
            _complete(part)
    return estimator


def scoring_with_weights(estimator: Any, scoring: Any) -> Any:
    """Return the scorers, each of which gets the weights if its metric takes them.

    Parameters
    ----------
    estimator : estimator
        Whose ``score`` is used where ``scoring`` is None.
    scoring : str, callable, list, tuple, dict or None
        As scikit-learn's searches take it.
    """
    if scoring is None:
        return None
    if isinstance(scoring, (list, tuple, set)):
        scoring = {name: name for name in scoring}
    if isinstance(scoring, dict):
        return {name: scoring_with_weights(estimator, one) for name, one in scoring.items()}
    scorer = check_scoring(estimator, scoring) if isinstance(scoring, str) else scoring
    if not hasattr(scorer, "set_score_request") or not hasattr(scorer, "_score_func"):
        return scorer  # a plain function scorer(estimator, X, y)
    request = scorer.get_metadata_routing().score.requests.get(_WEIGHTS)
    if request is None:
        takes = _WEIGHTS in inspect.signature(scorer._score_func).parameters
        scorer = clone(scorer, safe=False).set_score_request(**{_WEIGHTS: takes})
    return scorer


def _declines_weights(estimator: Any) -> bool:
    """Whether the user said ``set_fit_request(sample_weight=False)`` to a predictor in a composition."""
    parts = [part for part in (estimator, *estimator.get_params().values()) if hasattr(part, "_metadata_request")]
    parts = [part for part in parts if is_classifier(part) or is_regressor(part)]
    return any(part._metadata_request.fit.requests.get(_WEIGHTS) is False for part in parts)


def routed_to_fit(estimator: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Those of the weights and ids given that an estimator, or a part of it, asks for in ``fit``.

    Raises
    ------
    ValueError
        If weights are given that no part takes, and the user has not declined them.
    """
    router = MetadataRouter(owner="fit").add(
        estimator=estimator, method_mapping=MethodMapping().add(caller="fit", callee="fit")
    )
    params = dict(router.route_params(caller="fit", params=given)["estimator"]["fit"])
    if _WEIGHTS in given and not params.keys() - {"groups"} and not _declines_weights(estimator):
        raise ValueError(
            f"{type(estimator).__name__} takes no sample_weight: the models would be unweighted in silence. Take an "
            "estimator that does, or fit without weights."
        )
    return params
