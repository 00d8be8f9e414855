"""Requests for metadata in compositions: event weights, event ids and others.

scikit-learn's metadata routing asks every part for its requests. Two rules are added. Weights and ids without a request
go to the predictors, so that no model is silently unweighted. And routing is switched on inside a composition, whatever
the user's setting.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable
from typing import Any

from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.utils.metadata_routing import MetadataRequest, MetadataRouter, MethodMapping, get_routing_for_object

from ._compat import metric_of, request_set_on

_WEIGHTS = "sample_weight"
# what predictors get without a request; other metadata need one
_METADATA = (_WEIGHTS, "groups", "X_val", "y_val", "sample_weight_val")


def _predicts(part: Any) -> bool:
    """Return whether a part predicts (a classifier, a regressor, a novelty detector), and does not transform."""
    return hasattr(part, "fit") and (hasattr(part, "predict") or not hasattr(part, "transform"))


def _complete(part: Any, wants: bool) -> None:
    """Complete open requests for weights and ids."""
    if not hasattr(part, "fit"):  # a splitter or a scorer, which states its requests itself
        return
    for method in ("fit", "score"):
        requests = part.get_metadata_routing()
        if not isinstance(requests, MetadataRequest):  # a composition asks its parts
            return
        open_ones = [name for name in _METADATA if getattr(requests, method).requests.get(name, False) is None]
        if open_ones:
            getattr(part, f"set_{method}_request")(**dict.fromkeys(open_ones, wants))


def with_requests(estimator: Any, *, wants: bool = False) -> Any:
    """Return a clone in which every consumer of weights and ids has a request.

    Every predictor that takes them gets them; a transformer gets them only if the user, or its class, requests them.

    Parameters
    ----------
    estimator : estimator
        Predictor, transformer, or composition.
    wants : bool
        Whether the estimator itself gets them even if it is a transformer.
    """
    with config_context(enable_metadata_routing=True):
        estimator = clone(estimator)
        for part in [estimator, *estimator.get_params(deep=True).values()]:
            if hasattr(part, "get_metadata_routing") and not isinstance(part, type):
                _complete(part, _predicts(part) or (wants and part is estimator))
    return estimator


class _WeightedFunction:
    """Scoring function ``function(estimator, X, y, sample_weight)`` that requests weights."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, *data: Any, **weights: Any) -> Any:
        return self.function(*data, **weights)

    def __repr__(self) -> str:
        return repr(self.function)

    def get_metadata_routing(self) -> MetadataRequest:
        """Request the weights."""
        request = MetadataRequest(owner=repr(self))
        request.score.add_request(param=_WEIGHTS, alias=True)
        return request


def scoring_with_weights(estimator: Any, scoring: Any, owner: Any = None) -> Any:
    """Return the scorers, each of which gets the weights if its metric takes them.

    Parameters
    ----------
    estimator : estimator
        Estimator whose ``score`` is used if ``scoring`` is None.
    scoring : str, callable, list, tuple, dict or None
        Scoring, as searches of scikit-learn take it.
    owner : object, optional
        Composition that is fitted with weights. A warning names it if a scorer takes none and they are not declined.
    """
    if isinstance(scoring, (list, tuple, set)):
        scoring = {name: name for name in scoring}
    if isinstance(scoring, dict):
        return {name: scoring_with_weights(estimator, one, owner) for name, one in scoring.items()}
    scorer = check_scoring(estimator, scoring) if isinstance(scoring, str) else scoring
    takes = takes_weights(estimator if scorer is None else scorer)
    if takes is False and owner is not None:
        name = f"{type(estimator).__name__}.score" if scoring is None else scoring
        warnings.warn(
            f"The scoring {name} does not support sample_weight: the scores of {type(owner).__name__} are unweighted, "
            "though it is fitted with weights. Take a metric that does, or say that this is meant: "
            f"set_score_request({_WEIGHTS}=False).",
            UserWarning,
            stacklevel=3,
        )
    if scorer is None:
        return None
    if metric_of(scorer) is not None:
        if scorer.get_metadata_routing().score.requests.get(_WEIGHTS) is None:
            scorer = clone(scorer, safe=False).set_score_request(**{_WEIGHTS: bool(takes)})
    elif takes and not hasattr(scorer, "get_metadata_routing"):
        # routing does not look at the parameters of a plain function
        scorer = _WeightedFunction(scorer)
    return scorer


def takes_weights(scorer: Any) -> bool | None:
    """Return whether a scorer, or an estimator's ``score``, takes weights; None if the user has declined them."""
    if not hasattr(scorer, "get_metadata_routing"):
        return _WEIGHTS in inspect.signature(scorer).parameters
    routing = scorer.get_metadata_routing()
    if weights_declined(scorer, "score"):
        return None
    if isinstance(routing, MetadataRequest):
        request = routing.score.requests.get(_WEIGHTS)
        if request is None and (metric := metric_of(scorer)) is not None:
            return _WEIGHTS in inspect.signature(metric).parameters
        return request is not None or _WEIGHTS in routing.score.requests
    return bool(with_requests(scorer).get_metadata_routing().consumes("score", [_WEIGHTS]))


def declines_weights(part: Any, method: str) -> bool:
    """Return whether this very object got ``set_fit_request(sample_weight=False)`` (or ``set_score_request``)."""
    request = request_set_on(part)
    return request is not None and getattr(request, method).requests.get(_WEIGHTS) is False


def weights_declined(estimator: Any, method: str) -> bool:
    """Return whether an estimator, or a predictor in it, declines weights."""
    parts = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    return any(declines_weights(part, method) for part in (estimator, *(part for part in parts if _predicts(part))))


def router_of(owner: Any, estimator: Any, methods: Iterable[tuple[str, str]], *, wants: bool = False) -> MetadataRouter:
    """Make the router of a composition of one estimator: its own requests, and those of the estimator.

    Parameters
    ----------
    owner : object
        The composition.
    estimator : estimator
        Predictors in it get weights and ids unless they decline.
    methods : iterable of (str, str)
        Methods of the composition, each with the method of the estimator that it calls.
    wants : bool
        As for `with_requests`.
    """
    mapping = MethodMapping()
    for caller, callee in methods:
        mapping.add(caller=caller, callee=callee)
    with config_context(enable_metadata_routing=True):
        router = MetadataRouter(owner=type(owner).__name__).add_self_request(owner)
        return router.add(method_mapping=mapping, estimator=with_requests(estimator, wants=wants))


def routed(part: Any, method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Select the metadata that a part, or a part of it, requests for a method.

    Raises
    ------
    UnsetMetadataPassedError
        A part takes metadata without a request for them.
    """
    if not given:
        return {}
    with config_context(enable_metadata_routing=True):
        mapping = MethodMapping().add(caller=method, callee=method)
        router = MetadataRouter(owner=type(part).__name__).add(part=part, method_mapping=mapping)
        return dict(router.route_params(caller=method, params=given)["part"][method])


def asks_for(part: Any, method: str, name: str) -> bool:
    """Return whether a part, or a part of it, requests metadata of this name for a method."""
    with config_context(enable_metadata_routing=True):
        return bool(get_routing_for_object(part).consumes(method, [name]))


def routed_to_fit(owner: Any, estimator: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Select the weights, ids and other metadata that an estimator, or a part of it, requests for ``fit``.

    Parameters
    ----------
    owner : object
        The composition that is fitted.
    estimator : estimator
        Its estimator, as `with_requests` returns it.
    given : dict
        Metadata by name.

    Raises
    ------
    ValueError
        Weights are given that no part takes, and the user has not declined them.
    TypeError
        Metadata other than weights and ids are given that no part of the composition takes.
    """
    params = routed(estimator, "fit", given)
    if _WEIGHTS in given and not asks_for(estimator, "fit", _WEIGHTS) and not weights_declined(estimator, "fit"):
        raise ValueError(
            f"{type(estimator).__name__} takes no sample_weight: the models would be unweighted in silence. Take an "
            "estimator that does, or fit without weights."
        )
    others = {name: value for name, value in given.items() if name not in (_WEIGHTS, "groups")}
    if others:
        with config_context(enable_metadata_routing=True):
            owner.get_metadata_routing().validate_metadata(method="fit", params=others)
    return params
