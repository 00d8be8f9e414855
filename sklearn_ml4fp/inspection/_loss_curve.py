"""Training and validation loss, and metrics, against the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .._missing import real_numbers
from ._plotting import BACKGROUND, CURVES, SIGNAL, fitted_network, new_axes


def columns_of_records(records: Any) -> dict[str, np.ndarray]:
    """Losses and metrics of the records of a net of skorch, of its own or of a training that is under way."""
    names = [name for name in records[-1] if name == "train_loss" or _is_measured(name)]
    return {name: np.array([record.get(name, np.nan) for record in records]) for name in names}


def _is_measured(name: str) -> bool:
    return name.startswith("valid_") and not name.endswith(("_best", "_batch_count"))


def _read_history(history: Any) -> dict[str, np.ndarray]:
    """Columns of a history as arrays, ``train_loss`` and what there is of ``epoch``, ``valid_loss`` and metrics."""
    if not isinstance(history, Mapping) or "train_loss" not in history:
        got = sorted(map(str, history)) if isinstance(history, Mapping) else type(history).__name__
        raise ValueError(f"a history needs 'train_loss', one value per epoch; got {got}.")
    names = [name for name in history if name in ("epoch", "train_loss") or _is_measured(str(name))]
    columns = {name: real_numbers(history[name]) for name in names}
    shapes = {name: None if column is None else column.shape for name, column in columns.items()}
    if len(set(shapes.values())) > 1 or len(shapes["train_loss"] or ()) != 1 or shapes["train_loss"] == (0,):
        raise ValueError(f"a history must have one number per epoch, of one epoch or more; got the shapes {shapes}.")
    return {name: column for name, column in columns.items() if column is not None}


def _legend_above(ax: Any, twin: Any, handles: list[Any]) -> None:
    """Draw the legend in new room above the curves of both axes: its best place is looked for in one of them alone."""
    columns = 3
    share = 0.1 * -(-len(handles) // columns)  # of the height, a line of text takes about 7 %
    for axis in (ax, twin):
        low, high = axis.get_ylim()
        axis.set_ylim(low, low + (high - low) / (1 - share))
    ax.legend(handles=handles, loc="upper center", ncols=columns, fontsize="small")


class LossCurveDisplay:
    """Training and validation loss, and metrics, against the epoch, of one network or of the folds of several.

    The marker is the epoch of the lowest validation loss, whose weights early stopping keeps, unless it follows a
    metric. Metrics (``valid_roc_auc``) are drawn against an axis of their own, on the right.

    Use :meth:`from_estimator` or :meth:`from_history` to make it.

    Parameters
    ----------
    histories : list of mappings
        One per network: ``train_loss``, and if there are any ``valid_loss``, ``valid_<metric>`` and ``epoch``,
        array-like of shape (n_epochs,).

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.
    metric_ax_ : matplotlib Axes or None
        Axes of the metrics; None without any.

    See Also
    --------
    OvertrainingDisplay : Compare scores of training and test events.

    Examples
    --------
    >>> from sklearn_ml4fp import LossCurveDisplay
    >>> display = LossCurveDisplay.from_history({"train_loss": [0.7, 0.5, 0.4], "valid_loss": [0.7, 0.6, 0.65]})
    >>> [line.get_label() for line in display.ax_.lines]
    ['training', 'validation', 'best: epoch 2']
    """

    def __init__(self, histories: list[Mapping[str, Any]]) -> None:
        self.histories = histories

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> LossCurveDisplay:
        """Draw the ``history_`` of a fitted network, of a pipeline or search around it, or of cross-fitted ones.

        Parameters
        ----------
        estimator : estimator
        ax : matplotlib Axes, optional

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        ValueError
            If the estimator has no history.
        """
        return cls.from_history(fitted_network(estimator).history_, ax=ax)

    @classmethod
    def from_history(cls, history: Any, *, ax: Any = None) -> LossCurveDisplay:
        """Draw a history, or a list of them.

        Parameters
        ----------
        history : mapping or list of mappings
            ``train_loss``, and if there are any ``valid_loss``, ``valid_<metric>`` and ``epoch``.
        ax : matplotlib Axes, optional

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        ValueError
            If there is no history, or one has no ``train_loss``, no epoch, or columns of different lengths.
        """
        if not isinstance(history, Iterable):
            raise TypeError(f"expected a history, such as network.history_, or a list of them; got {history!r}.")
        histories = [history] if isinstance(history, Mapping) else list(history)
        if not histories:
            raise ValueError("expected a history or several; got an empty list.")
        return cls([_read_history(one) for one in histories]).plot(ax=ax)

    def plot(self, ax: Any = None) -> LossCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        display : LossCurveDisplay
        """
        ax = new_axes(ax)
        several = len(self.histories) > 1
        for i, history in enumerate(self.histories):
            train = np.asarray(history["train_loss"], dtype=float)
            epoch = np.asarray(history.get("epoch", np.arange(1, len(train) + 1)))
            valid = np.asarray(history.get("valid_loss", np.full(len(train), np.nan)), dtype=float)
            shown = {"lw": 1 if several else 1.5, "alpha": 0.7 if several else 1}
            hide = "_" if i else ""  # an underscore keeps a label out of the legend: one entry for all folds
            ax.plot(epoch, train, color=BACKGROUND, label=f"{hide}training", **shown)
            if np.isfinite(valid).any():
                best = np.nanargmin(valid)
                ax.plot(epoch, valid, color=SIGNAL, ls="--", label=f"{hide}validation", **shown)
                label = f"{hide}best epochs" if several else f"best: epoch {epoch[best]}"
                ax.plot(epoch[best], valid[best], "v", color=SIGNAL, mec="black", label=label)
        ax.set(xlabel="Epoch", ylabel="Loss")
        metrics = [name for name in self.histories[0] if _is_measured(name) and name != "valid_loss"]
        others = self._plot_metrics(ax.twinx(), metrics) if metrics else None
        lines = [*ax.lines, *(others.lines if others else [])]
        handles = [line for line in lines if not line.get_label().startswith("_")]
        if others is None:
            ax.legend(handles=handles)
        else:
            _legend_above(ax, others, handles)
        self.ax_, self.figure_, self.metric_ax_ = ax, ax.figure, others
        return self

    def _plot_metrics(self, ax: Any, metrics: list[str]) -> Any:
        for i, history in enumerate(self.histories):
            shown = {"lw": 1, "alpha": 0.7} if len(self.histories) > 1 else {"lw": 1.5, "alpha": 1}
            for j, name in enumerate(metrics):
                color, style = CURVES[2:][j % len(CURVES[2:])]
                values = np.asarray(history.get(name, ()), dtype=float)
                epoch = np.asarray(history.get("epoch", np.arange(1, len(values) + 1)))[: len(values)]
                label = f"{'_' if i else ''}{name.removeprefix('valid_')}"
                ax.plot(epoch, values, color=color, ls=style, label=label, **shown)
        ax.set_ylabel("Metric of the hold-out")
        return ax
