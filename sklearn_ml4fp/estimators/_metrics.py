"""What is measured on the hold-out after each epoch: scores, by the scorers of a search."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.metrics import get_scorer

from .._compat import is_negated, metric_of
from .._requests import takes_weights
from ..metrics import SCORERS
from ._fitted import Part

_MEASURED_ALWAYS = ("lr", "gradient_norm", "events_per_second", "gpu_utilisation", "gpu_memory", "dur")


def _scorer_of(given: Any) -> Any:
    """The scorer of a name, ours before that of scikit-learn, which refuses negative weights; or what is given."""
    if not isinstance(given, str):
        if callable(given):
            return given
        raise ValueError(f"metrics has {given!r}: expected the name of a scorer, or a function (estimator, X, y).")
    if given in SCORERS:
        return SCORERS[given]
    try:
        return get_scorer(given)
    except ValueError as error:
        raise ValueError(
            f"metrics has {given!r}, which is no scorer: expected a name in sklearn_ml4fp.SCORERS ({sorted(SCORERS)}) "
            "or in sklearn.metrics.get_scorer_names(), or a scorer itself."
        ) from error


def _name_of(given: Any) -> str:
    if isinstance(given, str):
        return given
    for name, scorer in SCORERS.items():
        if scorer is given:
            return name
    metric = metric_of(given)
    name = getattr(given if metric is None else metric, "__name__", type(given).__name__)
    return f"neg_{name}" if is_negated(given) else name


def scorers_of(metrics: Any) -> dict[str, Any]:
    """Scorers by name, of what ``metrics=`` takes: a name, a scorer, a list of these, or a dict of scorers.

    Raises
    ------
    ValueError
        A name is not known, is there twice, or is "loss".
    """
    if metrics is None:
        return {}
    if isinstance(metrics, Mapping):
        pairs = list(metrics.items())
    else:
        given = metrics if isinstance(metrics, list | tuple) else [metrics]
        pairs = [(_name_of(one), one) for one in given]
    names = [name for name, _ in pairs]
    if wrong := [name for name in names if not isinstance(name, str) or name == "loss" or names.count(name) > 1]:
        raise ValueError(
            f"metrics has the name {wrong[0]!r}, which is no text, is there twice, or is that of the loss: pass a dict "
            "of a name and a scorer for each metric."
        )
    return {name: _scorer_of(one) for name, one in pairs}


def check_metrics(estimator: Any, *, has_hold_out: bool) -> None:
    """Refuse a ``monitor`` that is not measured, and metrics without a hold-out on which to measure them."""
    names = list(scorers_of(estimator.metrics))
    if estimator.monitor not in ("loss", *names):
        raise ValueError(
            f'monitor={estimator.monitor!r} is none of the metrics {names}: expected "loss" or one of them. Add it to '
            "metrics=."
        )
    if names and not has_hold_out:
        raise ValueError(
            f"metrics={names} are computed on a hold-out, and there is none: early_stopping=False and partial_fit set "
            "no events apart. Pass early_stopping=True or X_val and y_val to fit, or metrics=None."
        )


def columns_of(records: Any) -> dict[str, np.ndarray]:
    """Columns of the history of a net, one value an epoch; NaN where there is none."""
    known = list(dict.fromkeys(name for record in records for name in record))
    measured = [name for name in known if name.startswith("valid_") and not name.endswith(("_best", "_batch_count"))]
    names = dict.fromkeys(("epoch", "train_loss", "valid_loss", *measured, *_MEASURED_ALWAYS))
    return {name: np.array([record.get(name, np.nan) for record in records]) for name in names if name in known}


def measure_of(estimator: Any, scorers: dict[str, Any], held: Part) -> Callable[[np.ndarray], dict[str, float]]:
    """Make the function that gives the scores of the hold-out, for its outputs.

    Parameters
    ----------
    estimator : NetworkEstimator
        The network; a scorer asks it for its predictions, and it answers from the outputs.
    scorers : dict of str to scorer
        What is measured.
    held : Part
        The hold-out. Its weights, without class weights, reach each scorer that takes weights.
    """
    fitted = estimator._fitted
    y, weights = fitted.target.restore(held.target), held.weights
    takes = {name: takes_weights(scorer) for name, scorer in scorers.items()}
    if weights is not None and (without := [name for name, does in takes.items() if does is False]):
        warnings.warn(
            f"metrics={without} take no sample_weight: they are unweighted, though {type(estimator).__name__} is "
            "fitted with weights. Take metrics that do.",
            UserWarning,
            stacklevel=2,
        )

    def measure(outputs: np.ndarray) -> dict[str, float]:
        X = held.X  # a new object whenever it is asked for
        fitted.known = X, torch.from_numpy(outputs), getattr(held.target, "offsets", None)
        scores = {}
        try:
            for name, scorer in scorers.items():
                given = {} if weights is None or not takes[name] else {"sample_weight": weights}
                try:
                    scores[name] = float(scorer(estimator, X, y, **given))
                except (ValueError, TypeError, AttributeError) as error:
                    raise ValueError(
                        f"The metric {name!r} cannot be computed on the hold-out of {len(y)} events: {error} Take "
                        "another metric, a larger hold-out, or a scorer that says what it needs (pos_label=, say)."
                    ) from error
        finally:
            fitted.known = None
        return scores

    return measure
