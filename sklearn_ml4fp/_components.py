"""Connected components of many graphs at once."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ._segments import Index


def connected(edges: Index, offsets: Index) -> Index:
    """Number the components of each event's points, from 0 in their order; -1 for a point without an edge.

    Parameters
    ----------
    edges : array of shape (n_edges, 2)
        Rows of the ends; no edge links two events.
    offsets : array of shape (n_events + 1,)
        Row of the first point of each event.

    Returns
    -------
    array of shape (n_points,)
        Number of the component of each point.
    """
    n = int(offsets[-1])
    label = np.full(n, -1, dtype=np.int64)
    linked = np.unique(edges)
    if len(linked) == 0:
        return label
    links = coo_array((np.ones(len(edges), dtype=np.int8), tuple(edges.T)), shape=(n, n))
    _, component = connected_components(links, directed=False)
    # components in the order of their first points, which is also that of the events
    _, first, number = np.unique(component[linked], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    before = np.searchsorted(np.sort(linked[first]), offsets[:-1])  # components of the events before
    label[linked] = rank[number] - np.repeat(before, np.diff(offsets))[linked]
    return label
