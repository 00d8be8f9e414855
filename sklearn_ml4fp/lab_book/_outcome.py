"""What is recorded of a fit after its end: epochs, scores, device, the model and its loss curve."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .._inner_model import inner_model
from .._optional import where_installed
from ..export import save_model
from ..inspection import LossCurveDisplay

# Up to this number every epoch is a point in the store; of the next as many every second, of twice as many every
# fourth, and so on. The file history.json has them all.
_ALL = 200


def network_in(estimator: Any) -> Any:
    """The network that an estimator has trained in the end; None if there is none, or several."""
    while estimator is not None and not hasattr(estimator, "net_"):
        estimator = inner_model(estimator)
    return estimator


def is_kept(number: int) -> bool:
    """Whether an epoch, counted from 1, is a point in the store."""
    return number <= _ALL or number % 2 ** (int(math.log2((number - 1) / _ALL)) + 1) == 0


def epochs_of(history: dict[str, np.ndarray], first: int, after: int, began: float) -> list[tuple]:
    """Points of the curves of one fit, as (name, value, milliseconds, epoch).

    Parameters
    ----------
    history : dict of ndarray
        History of the network.
    first : int
        Number of epochs that it had before the fit.
    after : int
        Number of epochs of the fit that are in the store already.
    began : float
        Seconds since 1970 at the beginning of the fit.
    """
    n = len(history["epoch"])
    times = (began + np.cumsum(history["dur"][first:])) * 1000
    return [
        (name, float(history[name][first + i]), int(times[i]), int(history["epoch"][first + i]))
        for i in range(after, n - first)
        if is_kept(i + 1) or first + i == n - 1
        for name in history
        if name not in ("epoch", "dur")
    ]


def _of_network(network: Any) -> dict[str, float]:
    """Losses and metrics in the epoch whose weights the network has."""
    history = network.history_
    epochs = history["epoch"]
    row = len(epochs) - 1
    if network.early_stopping and network.net_.monitor.best_epoch_ in epochs:
        row = int(np.flatnonzero(epochs == network.net_.monitor.best_epoch_)[-1])
    return {name: float(one[row]) for name, one in history.items() if name.startswith(("train_", "valid_"))}


def scores_of(estimator: Any, arguments: dict[str, Any]) -> dict[str, float]:
    """Scores of a fitted estimator by their names.

    Of a network those of its hold-out in the best epoch, of a search the best score, of a cross-fitted estimator the
    score of all events and of the folds; of any other one its score on the events of the fit.
    """
    scores: dict[str, float] = {}
    for name in ("best_score_", "oof_score_"):
        if isinstance(value := getattr(estimator, name, None), (int, float, np.number)):
            scores[name.rstrip("_")] = float(value)
    for i, value in enumerate(getattr(estimator, "fold_scores_", ())):
        scores[f"fold_{i}_score"] = float(value)
    network = network_in(estimator)
    if network is not None and len(network.history_.get("epoch", ())):
        scores |= _of_network(network)
    if not scores and hasattr(estimator, "score"):
        given = {name: arguments[name] for name in ("sample_weight",) if arguments.get(name) is not None}
        try:
            scores["train_score"] = float(estimator.score(arguments["X"], arguments["y"], **given))
        except Exception:  # of whatever kind of estimator: it is not what the fit was for
            return {}
    return scores


def device_of(estimator: Any) -> dict[str, str]:
    """Device of the network in an estimator, with the name of a GPU; nothing without a network."""
    network = network_in(estimator)
    if network is None:
        return {}
    device = str(network.net_.device)
    name = f" ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else ""
    return {"device": device + name}


def write_history(network: Any, folder: Path) -> None:
    """Write every column and epoch of the history."""
    history = {name: column.tolist() for name, column in network.history_.items()}
    (folder / "history.json").write_text(json.dumps(history))


def draw_losses(estimator: Any, folder: Path) -> None:
    """Draw the loss curve of a network, or those of folds and members, where matplotlib is installed."""
    if where_installed("matplotlib") is None:
        return
    figure = where_installed("matplotlib.figure").Figure(figsize=(6, 4))  # type: ignore[union-attr]
    try:
        LossCurveDisplay.from_estimator(estimator, ax=figure.subplots())
    except (AttributeError, ValueError):  # there is no network
        return
    figure.savefig(folder / "loss_curve.png", dpi=100)


def keep_model(estimator: Any, folder: Path) -> str:
    """Write the model as a safe file; return why not, if it cannot be kept."""
    try:
        save_model(estimator, folder / "model.skops")
    except (ValueError, ImportError, TypeError) as error:
        return str(error)
    return ""


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)
