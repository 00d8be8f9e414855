"""Layers on the edges of a graph; the first one is linear and computed on the points."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._deep_sets import PointLayers
from ._graph import Edges, edges_of, nearest_neighbours, wrapped
from ._layers import ACTIVATIONS, norm, norm_edges
from ._packed import Arrangement

# Shortest distance, 1e-8 m or rad. No detector resolves it, so that only points at the same place are so close.
SHORTEST = 1e-8


def in_space(x: Tensor, d: int, periodic: tuple[bool, ...]) -> tuple[Tensor, tuple[bool, ...]]:
    """Return the coordinates, which follow the ``d`` features, and their periods; without coordinates, the features."""
    return (x[:, d : d + len(periodic)], periodic) if periodic else (x[:, :d], ())


def n_separations(periodic: tuple[bool, ...]) -> int:
    """Count the columns of `separations`."""
    return 1 + len(periodic) if periodic else 0


def separations(x: Tensor, edges: Edges, periodic: tuple[bool, ...]) -> Tensor:
    """Compute ln Δ and the direction (x_j − x_i)/Δ of edges j → i, ``(..., 1 + c)``, from coordinates ``(n_rows, c)``.

    Their spread depends neither on the unit of the coordinates nor on the density of the points. Δ is at least 10⁻⁸.
    """
    difference = wrapped(edges.sources(x) - edges.targets(x), periodic)
    distance = difference.square().sum(-1, keepdim=True).clamp(min=SHORTEST**2).sqrt()
    return torch.cat([distance.log(), difference / distance], dim=-1)


def edge_features(x: Tensor, edges: Edges, periodic: tuple[bool, ...], given: Tensor | None) -> Tensor | None:
    """Join the `separations` in coordinates ``(n_rows, c)``, if there are any, and the features of given edges."""
    parts = [separations(x, edges, periodic)] if periodic else []
    parts += [] if given is None else [given]
    return torch.cat(parts, dim=-1) if parts else None


def graph_of(
    x: Tensor,
    d: int,
    periodic: tuple[bool, ...],
    packed: Arrangement,
    given: tuple[Tensor, ...],
    *,
    n_neighbors: int,
    training: bool,
) -> tuple[Tensor, Edges, Tensor | None]:
    """Return coordinates, edges and their features: given edges, else those from the nearest neighbours."""
    where, coordinates = in_space(x, d, periodic)
    listed, values = edges_of(given, packed, training=training)
    edges = nearest_neighbours(where, packed, n_neighbors, coordinates, training=training) if listed is None else listed
    return where, edges, values


class EdgeLinear(nn.Linear):
    """Linear layer on edges j → i: W (x_i, x_j, e_ij) + b.

    The parts of W for x_i and x_j act on the points, of which there are k times fewer than edges.

    Parameters
    ----------
    d_end, d_origin, d_edge : int
        Number of features of the point at the end of an edge, of the point at its origin, and of the edge.
    d_out : int
        Number of output features.
    """

    def __init__(self, d_end: int, d_origin: int, d_edge: int, d_out: int) -> None:
        super().__init__(d_end + d_origin + d_edge, d_out)
        self.sizes = (d_end, d_origin, d_edge)

    def forward(  # type: ignore[override]
        self, ends: Tensor, origins: Tensor, edges: Edges, values: Tensor | None
    ) -> Tensor:
        """Map points ``(n_rows, d_end)`` and ``(n_rows, d_origin)`` to messages ``(..., d_out)`` on the edges."""
        of_end, of_origin, of_edge = self.weight.split(self.sizes, dim=1)
        messages = edges.targets(F.linear(ends, of_end, self.bias)) + edges.sources(F.linear(origins, of_origin))
        return messages if values is None else messages + F.linear(values, of_edge)


class EdgeLayers(nn.Module):
    """Fully connected layers of one width on (x_i, x_j, e_ij), each followed by normalisation and an activation."""

    def __init__(
        self,
        d_end: int,
        d_origin: int,
        d_edge: int,
        d_out: int,
        *,
        n_layers: int,
        activation: str,
        normalisation: str,
    ) -> None:
        super().__init__()
        self.first = EdgeLinear(d_end, d_origin, d_edge, d_out)
        self.first_norm = norm(normalisation, d_out, channel_axis=-1)
        self.activation = ACTIVATIONS[activation]()
        self.layers = PointLayers(
            d_out, d_out, n_layers=n_layers - 1, activation=activation, normalisation=normalisation
        )

    def forward(self, ends: Tensor, origins: Tensor, edges: Edges, values: Tensor | None) -> Tensor:
        """Map points ``(n_rows, d_end)`` and ``(n_rows, d_origin)`` to messages ``(..., d_out)`` on the edges."""
        messages = self.activation(norm_edges(self.first_norm, self.first(ends, origins, edges, values), edges.mask))
        there = None if edges.mask is None else edges.mask.flatten()
        out: Tensor = self.layers(messages.flatten(0, -2), there).view(messages.shape)
        return out
