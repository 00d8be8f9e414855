"""Predictions with their standard deviations, of networks and of everything that is composed of models.

There is one rule, the law of total variance: what several models, or several copies of an event, predict on average has
the mean of their variances plus the variance of their means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import signature
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from ._requests import routed
from ._validation import is_ragged

Spread = tuple[Any, Any]  # a prediction, and its standard deviation or None


def all_or_none(widths: Iterable[Any]) -> list[Any] | None:
    """Return the standard deviations of several parts, or None if none of them has any.

    Raises
    ------
    ValueError
        Some have one and some have none: together they would mean nothing.
    """
    listed = list(widths)
    there = [width is not None for width in listed]
    if any(there) and not all(there):
        raise ValueError(
            f"return_std=True: {sum(there)} of {len(there)} models predict a standard deviation, and the others none. "
            "Let all of them have one loss and one number of members; a search that chooses between them may leave "
            'those out: search_space(model, exclude=["loss"]).'
        )
    return listed if all(there) else None


def combined(parts: Sequence[Spread]) -> Spread:
    """Mean μ of several predictions, and √(mean σ² + variance of μ); of a single one its own, None if it has none."""
    means, widths = [mean for mean, _ in parts], all_or_none(width for _, width in parts)
    if len(means) == 1:
        return parts[0]
    if is_ragged(means[0]):
        flat = [(mean.values, None if width is None else width.values) for mean, width in parts]
        return tuple(means[0].with_values(values) for values in combined(flat))
    within = 0.0 if widths is None else np.mean(np.square(widths), axis=0)
    return np.mean(means, axis=0), np.sqrt(np.var(means, axis=0) + within)


def spread_of(model: Any, method: str, X: Any, given: dict[str, Any]) -> Spread:
    """Prediction of a fitted model and its standard deviation, None for a model that has none.

    Parameters
    ----------
    model : estimator
        Network, composition, or an estimator of scikit-learn's interface, with ``return_std`` in its predictions or
        without.
    method : {"predict", "predict_proba"}
        What is asked for.
    X : array-like
        Events.
    given : dict
        Metadata of the prediction, of which each part gets what it requests.

    Raises
    ------
    ValueError
        A part has a standard deviation that does not reach the prediction, or only some of several have one.
    """
    if hasattr(model, "_spread"):  # of this package
        return model._spread(method, X, given)
    if isinstance(model, Pipeline):
        if len(model) > 1:
            before = model[:-1]
            with config_context(enable_metadata_routing=True):
                X = before.transform(X, **routed(before, "transform", given))
        return spread_of(model[-1], method, X, given)
    if hasattr(model, "best_estimator_"):
        return spread_of(model.best_estimator_, method, X, given)
    if len(calibrated := getattr(model, "calibrated_classifiers_", ())) > 1:
        return combined([(one.predict_proba(X), None) for one in calibrated])
    if hasattr(model, "regressor_") and spread_of(model.regressor_, method, X, given)[1] is not None:
        raise ValueError(
            f"{type(model).__name__} predicts another quantity than its regressor, whose standard deviation says "
            "nothing of it. Transform y before the fit, and predict with the regressor itself."
        )
    respond = getattr(model, method)
    own = routed(model, method, given)
    if "return_std" in signature(respond).parameters:
        return respond(X, return_std=True, **own)
    with config_context(enable_metadata_routing=True):
        return respond(X, **own), None


def with_std(model: Any, method: str, X: Any, given: dict[str, Any]) -> Spread:
    """Return the prediction of a fitted model and its standard deviation: what ``return_std=True`` means everywhere.

    Raises
    ------
    ValueError
        The model has none, or labels are asked for.
    """
    if method == "predict" and is_classifier(model):
        raise ValueError(
            f"labels have no standard deviation: call predict_proba(X, return_std=True) of this {type(model).__name__}."
        )
    prediction, std = spread_of(model, method, X, given)
    if std is None:
        width = "" if is_classifier(model) else 'loss="gaussian_nll", or with '
        raise ValueError(
            f"return_std=True needs networks that were fitted with {width}n_members of 2 or more, or the average of "
            f"several models or copies of events; this {type(model).__name__} has one prediction and no width."
        )
    return prediction, std
