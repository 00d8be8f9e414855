"""Display of one event: its hits, and edges that were found, missed, or are false."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._optional import needs
from .._roles import columns_for
from .._validation import check_amount, check_integer
from ..data import Graphs, RaggedArray
from ._plotting import BACKGROUND, CURVES, SIGNAL, new_axes


def _plane(graph: Graphs) -> tuple[np.ndarray, list[str]]:
    """Positions of the nodes in the plane that is drawn, and its labels: across the beam where r and phi are known."""
    names, values = graph.nodes.feature_names, graph.nodes.values
    r, phi = columns_for(names, "r"), columns_for(names, "phi")
    if len(r) == 1 and len(phi) == 1:
        across = values[:, r] * np.column_stack([np.cos(values[:, phi[0]]), np.sin(values[:, phi[0]])])
        return across, ["x (unit of r)", "y (unit of r)"]
    if len(names) < 2:
        raise ValueError(f"a display of an event needs two features, or r and phi; got {names}.")
    return values[:, :2], list(names[:2])


class EventGraphDisplay:
    """Hits of one event and the edges between them: found, missed, and false.

    Hits are drawn across the beam if there are features ``r`` and ``phi``, else in the plane of the first two features.
    Use :meth:`from_predictions` to make it.

    Parameters
    ----------
    graph : Graphs
        One graph.
    label, accepted : ndarray of shape (n_edges,), bool
        Which edges are true, and which are accepted.

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    edge_efficiency, edge_purity : The same in numbers, for many events.

    Examples
    --------
    >>> from sklearn_ml4fp import EventGraphDisplay, ToTrackGraph, edge_labels, load_tracker_hits
    >>> events = load_tracker_hits()
    >>> graphs = ToTrackGraph().fit_transform(events.data[:3])
    >>> y = edge_labels(graphs, events.particle[:3])
    >>> display = EventGraphDisplay.from_predictions(graphs, y, y, event=1)
    >>> [line.get_label().split(":")[0] for line in display.ax_.collections[:1]]
    ['found']
    """

    def __init__(self, graph: Graphs, label: np.ndarray, accepted: np.ndarray) -> None:
        self.graph = graph
        self.label = label
        self.accepted = accepted

    @classmethod
    def from_predictions(
        cls,
        graphs: Graphs,
        y_true: RaggedArray,
        y_score: RaggedArray,
        *,
        event: int = 0,
        threshold: float = 0.5,
        ax: Any = None,
    ) -> EventGraphDisplay:
        """Draw one of several events.

        Parameters
        ----------
        graphs : Graphs
            Events.
        y_true : RaggedArray
            Labels of the edges, 0 or 1.
        y_score : RaggedArray
            Scores of the edges, or probabilities of both classes.
        event : int, default=0
            Position of the event.
        threshold : float, default=0.5
            Score above which an edge is accepted.
        ax : matplotlib axes, optional
            Axes to draw into; new ones by default.

        Returns
        -------
        display : EventGraphDisplay

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If labels or scores are not those of the edges, or there is no such event.
        """
        if not isinstance(graphs, Graphs):
            raise TypeError(f"graphs must be Graphs, got {type(graphs).__name__}.")
        for y, name in ((y_true, "y_true"), (y_score, "y_score")):
            if not isinstance(y, RaggedArray):
                raise TypeError(f"{name} must be a RaggedArray with one number per edge, got {type(y).__name__}.")
            if not np.array_equal(y.offsets, graphs.edge_offsets):
                raise ValueError(f"{name} must have one number per edge of the same events.")
        check_amount(threshold, "threshold")
        if check_integer(event, "event", 0) >= len(graphs):
            raise ValueError(f"event must be from 0 to {len(graphs) - 1}; got {event!r}.")
        score = y_score[event] if y_score.values.ndim == 1 else y_score[event][:, -1]
        return cls(graphs[event : event + 1], y_true[event] == 1, score > threshold).plot(ax=ax)

    def plot(self, ax: Any = None) -> EventGraphDisplay:
        """Draw hits and edges into the axes, or new ones."""
        positions, labels = _plane(self.graph)
        ax = new_axes(ax)
        segments = positions[self.graph.edges]
        kinds = {
            "found": (self.label & self.accepted, BACKGROUND, "-"),
            "missed": (self.label & ~self.accepted, SIGNAL, "--"),
            "false": (~self.label & self.accepted, CURVES[3][0], ":"),
        }
        draw = needs("matplotlib.collections").LineCollection
        for name, (which, colour, style) in kinds.items():
            lines = draw(segments[which], colors=colour, linestyles=style, linewidths=1.2)
            lines.set_label(f"{name}: {which.sum()}")
            ax.add_collection(lines)
        ax.scatter(*positions.T, s=4, color="black", zorder=3, label=f"hits: {len(positions)}")
        ax.set(xlabel=labels[0], ylabel=labels[1])
        ax.set_aspect("equal" if "unit of r" in labels[0] else "auto", adjustable="datalim")
        ax.legend(loc="upper right", fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self
