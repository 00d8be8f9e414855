"""Graphs: point clouds whose points are connected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._missing import with_nan
from .._segments import Index, cut, gather
from ._point_clouds import PointClouds
from ._ragged import Ragged, check_columns, check_names, check_offsets


class Graphs(Ragged):
    """Graphs with any number of nodes and edges, in flat arrays that scikit-learn can slice.

    Masks, integer arrays and slices select graphs as they select rows of an array; an integer gives one graph as
    ``(node features, edges, edge features)``. Graphs without edges, or without nodes, are legal.

    Parameters
    ----------
    nodes : PointClouds
        Nodes, their features and the event columns.
    edges : array-like of shape (n_edges_total, 2)
        Source and target of each edge, as positions within its own graph, counted from 0.
    edge_offsets : array-like of shape (n_graphs + 1,)
        Position of the first edge of each graph, and the number of all edges.
    edge_values : array-like of shape (n_edges_total, n_edge_features), optional
        Features of the edges.
    edge_names : sequence of str, optional
        Names of the columns of ``edge_values``; ``edge0, edge1, ...`` by default.

    Raises
    ------
    ValueError
        Shapes do not fit together, or an edge leaves its graph.

    See Also
    --------
    PointClouds : The same without edges.
    EdgeConvClassifier, MessagePassingClassifier, InteractionNetworkClassifier : Networks for graphs.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import Graphs, PointClouds
    >>> nodes = PointClouds(np.eye(3), [0, 2, 3])
    >>> X = Graphs(nodes, edges=[[0, 1], [1, 0], [0, 0]], edge_offsets=[0, 2, 3])
    >>> X[1:].flat_edges()
    array([[0, 0]])
    """

    def __init__(
        self,
        nodes: PointClouds,
        edges: ArrayLike,
        edge_offsets: ArrayLike,
        edge_values: ArrayLike | None = None,
        edge_names: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(nodes, PointClouds):
            raise TypeError(f"nodes must be PointClouds, got {type(nodes).__name__}.")
        self.nodes = nodes
        array = np.asarray(with_nan(edges))
        if array.size == 0 and array.dtype.kind == "f":  # an empty list
            array = np.zeros((0, 2), dtype=np.int64)
        if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
            raise ValueError(f"edges must be integers of shape (n_edges_total, 2), got {array.dtype} {array.shape}.")
        self.edges: Index = array.astype(np.int64, copy=False)
        self.edge_offsets: Index = check_offsets(edge_offsets, len(self.edges), "edge_offsets")
        if edge_values is None or (len(self.edges) == 0 and np.size(edge_values) == 0 and np.ndim(edge_values) == 1):
            edge_values = np.zeros((len(self.edges), 0), dtype=nodes.values.dtype)
        self.edge_values: NDArray[Any] = check_columns(edge_values, "edge_values")
        self.edge_names = check_names(edge_names, self.edge_values.shape[1], "edge_names", "edge")
        if len(self.edge_values) != len(self.edges):
            raise ValueError(f"edge_values has {len(self.edge_values)} rows for {len(self.edges)} edges.")
        if len(self.edge_offsets) != len(nodes) + 1:
            raise ValueError(f"edge_offsets is for {len(self.edge_offsets) - 1} graphs, nodes has {len(nodes)}.")
        size = np.repeat(nodes.counts, self.edge_counts)[:, np.newaxis]
        if np.any((self.edges < 0) | (self.edges >= size)):
            raise ValueError("an edge points outside its graph; edges count the nodes of their own graph from 0.")

    @property
    def edge_counts(self) -> Index:
        """Number of edges of each graph, shape (n_graphs,)."""
        return np.diff(self.edge_offsets)

    def __len__(self) -> int:
        return len(self.nodes)

    def flat_edges(self) -> Index:
        """Return edges ``(n_edges_total, 2)`` as rows of ``nodes.values``: one graph, without links between events."""
        return self.edges + np.repeat(self.nodes.offsets[:-1], self.edge_counts)[:, np.newaxis]

    @classmethod
    def concatenate(cls, parts: Sequence[Graphs]) -> Self:
        """Join the graphs of all parts in one container, in order; names must agree."""
        if not parts:
            raise ValueError("nothing to concatenate: give at least one Graphs.")
        if len({part.edge_names for part in parts}) > 1:
            raise ValueError("graphs with different edge features cannot be joined.")
        starts = np.cumsum([0, *(part.edge_offsets[-1] for part in parts[:-1])])
        offsets = [part.edge_offsets[1:] + start for part, start in zip(parts, starts, strict=True)]
        return cls(
            PointClouds.concatenate([part.nodes for part in parts]),
            np.concatenate([part.edges for part in parts]),
            np.concatenate([np.zeros(1, dtype=np.int64), *offsets]),
            np.concatenate([part.edge_values for part in parts]),
            parts[0].edge_names,
        )

    def _item(self, i: int) -> tuple[NDArray[Any], Index, NDArray[Any]]:
        rows = slice(self.edge_offsets[i], self.edge_offsets[i + 1])
        return self.nodes[i], self.edges[rows], self.edge_values[rows]

    def _cut(self, first: int, last: int) -> Self:
        edges, offsets = cut(self.edges, self.edge_offsets, first, last)
        values, _ = cut(self.edge_values, self.edge_offsets, first, last)
        return type(self)(self.nodes[first:last], edges, offsets, values, self.edge_names)

    def _gather(self, index: Index) -> Self:
        edges, offsets = gather(self.edges, self.edge_offsets, index)
        values, _ = gather(self.edge_values, self.edge_offsets, index)
        return type(self)(self.nodes[index], edges, offsets, values, self.edge_names)

    def __eq__(self, other: object) -> bool:
        """Return whether nodes, edges and all features are the same; NaN equals NaN."""
        if not isinstance(other, Graphs):
            return NotImplemented
        return (
            self.nodes == other.nodes
            and self.edge_names == other.edge_names
            and self.edge_values.dtype == other.edge_values.dtype
            and np.array_equal(self.edge_offsets, other.edge_offsets)
            and np.array_equal(self.edges, other.edges)
            and np.array_equal(self.edge_values, other.edge_values, equal_nan=True)
        )

    def __repr__(self) -> str:
        return (
            f"Graphs({len(self)} graphs, {len(self.nodes.values)} nodes, {len(self.edges)} edges, "
            f"features={self.nodes.feature_names}, edge features={self.edge_names}, {self.nodes.values.dtype})"
        )
