"""Helpers of the displays: axes in the style of the field, colours, scores of an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._binary import signal_label
from .._inner_model import inner_model
from .._optional import needs, where_installed
from .._validation import check_integer, finite_numbers

# Colours of Okabe and Ito (2008), which colour-blind readers can distinguish; in print, line styles, hatches and
# markers distinguish them.
BACKGROUND, SIGNAL = "#0072B2", "#D55E00"
CURVES = [(BACKGROUND, "-"), (SIGNAL, "--"), ("#009E73", "-."), ("#CC79A7", (0, (5, 1, 1, 1, 1, 1))), ("#000000", ":")]


def dress(ax: Any) -> None:
    """Turn the ticks inward and to all sides, as in plots of the field, if mplhep is installed."""
    if (mplhep := where_installed("mplhep")) is None:
        return
    style = mplhep.style.ATLAS
    ax.tick_params(which="both", direction=style["xtick.direction"], top=style["xtick.top"], right=style["ytick.right"])
    ax.minorticks_on()


def new_axes(ax: Any) -> Any:
    """Return the given axes, or new ones in a new figure."""
    if ax is not None:
        return ax
    ax = needs("matplotlib.pyplot").subplots(layout="constrained")[1]
    dress(ax)
    return ax


def fitted_network(estimator: Any) -> Any:
    """Fitted network with a ``history_``: the estimator itself, or what predicts inside of it."""
    while not hasattr(estimator, "history_"):
        if (inner := inner_model(estimator)) is None:
            raise ValueError(
                f"{type(estimator).__name__} has no history_: fit a network first; other models have no epochs."
            )
        estimator = inner
    return estimator


def check_edges(bins: Any, values: np.ndarray, name: str) -> np.ndarray | None:
    """Check the edges of bins, (n_bins + 1,), which hold some of the values; None where a number of bins was given."""
    if np.ndim(bins) == 0:
        check_integer(bins, "bins", 1)
        return None
    edges = finite_numbers(bins, "bins")
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"bins must be a number of bins or their edges, two or more in rising order; got {bins!r}.")
    if not ((values >= edges[0]) & (values <= edges[-1])).any():
        raise ValueError(
            f"bins from {edges[0]:g} to {edges[-1]:g} hold none of the {name}, which lie between {values.min():g} and "
            f"{values.max():g}."
        )
    return edges


def next_marker(ax: Any) -> dict[str, Any]:
    """Choose colour and marker of the next set of points with error bars on an axes."""
    count = sum(hasattr(container, "has_yerr") for container in ax.containers)
    return {"color": CURVES[count % len(CURVES)][0], "fmt": "osD^v"[count % 5], "ms": 5, "lw": 1.5}


def signal_class(estimator: Any, pos_label: Any = None) -> Any:
    """The signal's label among the two classes of a fitted classifier."""
    if len(classes := np.asarray(getattr(estimator, "classes_", ()))) != 2:
        raise ValueError(f"this plot needs a fitted classifier of two classes; got classes {classes.tolist()}.")
    return signal_label(classes, pos_label, type(estimator).__name__)


def signal_score(estimator: Any, X: Any, pos_label: Any, groups: Any = None) -> np.ndarray:
    """Score of the signal, (n_events,): its probability, or the decision function where there is none."""
    kwargs = {} if groups is None else {"groups": groups}
    which = np.asarray(estimator.classes_).tolist().index(pos_label)
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X, **kwargs))[:, which]
    return (2 * which - 1) * np.asarray(estimator.decision_function(X, **kwargs))
