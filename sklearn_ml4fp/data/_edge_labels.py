"""Labels of edges, and tracks from edges: the way between what a network says of pairs and what physicists count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._components import connected
from .._roles import column_for
from ._event_source import EventSource
from ._graphs import Graphs
from ._ragged_array import RaggedArray


def _check_graphs(graphs: Any) -> None:
    if not isinstance(graphs, Graphs):
        raise TypeError(f"graphs must be Graphs, got {type(graphs).__name__}; ToGraph makes them of point clouds.")


def _check_entries(ragged: Any, offsets: np.ndarray, name: str, what: str) -> np.ndarray:
    """Return the numbers of a ragged array that has one entry per point or edge, or raise a clear error."""
    if not isinstance(ragged, RaggedArray):
        raise TypeError(f"{name} must be a RaggedArray with one number per {what}, got {type(ragged).__name__}.")
    if not np.array_equal(ragged.offsets, offsets):
        raise ValueError(
            f"{name} must have one number per {what} of the same events: expected {len(offsets) - 1} events with "
            f"{offsets[-1]} numbers, got {len(ragged)} with {len(ragged.values)}, or other numbers for an event."
        )
    return ragged.values


@dataclass
class _OfChunk:
    """Function of a chunk of graphs whose target is the particle of each hit: the labels of its edges."""

    layer: str | None

    def __call__(self, events: Any) -> RaggedArray:
        labels: RaggedArray = edge_labels(events.data, events.target, layer=self.layer)
        return labels


def edge_labels(graphs: Any, particle: RaggedArray | None = None, *, layer: str | None = "layer") -> Any:
    """Label the edges of graphs: 1 where one particle made both ends, in neighbouring layers, and else 0.

    Parameters
    ----------
    graphs : Graphs or EventSource
        Graphs of hits. Of a source that ToGraph or ToTrackGraph has transformed, the edges are labelled chunk by chunk.
    particle : RaggedArray
        Number of the particle that made each hit; negative numbers are noise. A source carries it as its target.
    layer : str or None, default="layer"
        Feature with the number of the layer. None labels all edges between hits of one particle with 1.

    Returns
    -------
    RaggedArray or EventSource
        Labels of the edges, with the ``edge_offsets`` of the graphs; or the source with these as its target.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If the numbers are not those of the hits, or there is no such feature.

    See Also
    --------
    ToGraph : Connect hits by candidate edges.
    build_tracks : The way back, from edges to tracks.

    Examples
    --------
    >>> from sklearn_ml4fp import ToGraph, edge_labels, load_tracker_hits
    >>> events = load_tracker_hits()
    >>> graphs = ToGraph().fit_transform(events.data[:10])
    >>> y = edge_labels(graphs, events.particle[:10])
    >>> len(y.values) == len(graphs.edges)
    True
    """
    if isinstance(graphs, EventSource):
        if particle is not None or graphs.target is None:
            raise ValueError(
                "the edges of a source are labelled by its target, the particle of each hit: say which column of the "
                "hits it is by target={'Hit': 'particle'}, and pass the source alone."
            )
        return graphs.with_target(_OfChunk(layer))
    _check_graphs(graphs)
    number = _check_entries(particle, graphs.nodes.offsets, "particle", "hit")
    if number.ndim != 1:
        raise ValueError(f"particle must have one number per hit, got values of shape {number.shape}.")
    source, target = graphs.flat_edges().T
    same = (number[source] == number[target]) & (number[source] >= 0)
    if layer is not None:
        names = graphs.nodes.feature_names
        of_hit = graphs.nodes.values[:, column_for(names, layer, f"layer={layer!r}")]
        same &= np.abs(of_hit[source] - of_hit[target]) == 1
    return RaggedArray(same.astype(np.int64), graphs.edge_offsets)


def build_tracks(graphs: Graphs, accepted: RaggedArray) -> RaggedArray:
    """Build track candidates: the hits that accepted edges connect.

    Parameters
    ----------
    graphs : Graphs
        Graphs of hits.
    accepted : RaggedArray
        Whether an edge is accepted: booleans, or labels 0 and 1. Cut on probabilities first:
        ``p.with_values(p.values[:, 1] > 0.5)``.

    Returns
    -------
    RaggedArray
        Number of the candidate of each hit within its event, from 0; -1 for a hit without an accepted edge.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is not one number per edge, or there are others than 0 and 1.

    See Also
    --------
    tracking_efficiency, fake_rate, duplicate_rate : Compare candidates with true particles.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import Graphs, PointClouds, RaggedArray, build_tracks
    >>> graphs = Graphs(PointClouds(np.zeros((4, 1)), [0, 4]), edges=[[0, 1], [1, 2], [2, 3]], edge_offsets=[0, 3])
    >>> build_tracks(graphs, RaggedArray([0, 1, 1], [0, 3])).values
    array([-1,  0,  0,  0])
    """
    _check_graphs(graphs)
    accept = _check_entries(accepted, graphs.edge_offsets, "accepted", "edge")
    if accept.ndim != 1 or not np.isin(accept, (0, 1)).all():
        raise ValueError(
            "accepted must hold one 0 or 1 per edge; cut on probabilities first: p.with_values(p.values[:, 1] > 0.5)."
        )
    return RaggedArray(connected(graphs.flat_edges()[accept == 1], graphs.nodes.offsets), graphs.nodes.offsets)
