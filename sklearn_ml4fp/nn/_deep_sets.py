"""Deep sets: layers on every point, a sum over the points, and layers on the sum."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._initialise import linear_output
from ._kinds import first_layer
from ._layers import ACTIVATIONS, dropout_layer, norm
from ._linear import Linear
from ._packed import arrangement, pool

POINT_POOLINGS = ("sum", "mean", "max")


class PointLayers(nn.Module):
    """Fully connected layers of one width on packed points, each followed by normalisation and an activation.

    The columns ``kinds`` tell kinds of points, each of which has a first layer of its own.
    """

    def __init__(
        self, d_in: int, d_out: int, *, n_layers: int, activation: str, normalisation: str, kinds: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            first_layer(d_in, d_out, kinds) if i == 0 else Linear(d_out, d_out) for i in range(n_layers)
        )
        self.norms = nn.ModuleList(norm(normalisation, d_out, channel_axis=-1) for _ in range(n_layers))
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x: Tensor, there: Tensor | None) -> Tensor:
        """Map ``(n_rows, d_in)`` to ``(n_rows, d_out)``; ``there`` marks the rows of events."""
        for layer, normalise in zip(self.layers, self.norms, strict=True):
            x = self.activation(normalise(layer(x), there))
        return x


class DeepSets(nn.Module):
    """F(Σ_i Φ(x_i)): layers on every point, a pool over the points of an event, layers on the pooled features.

    Parameters
    ----------
    shape_in : tuple of int
        ``(d, d_event)``: features of a point, and columns of the event, which join the pooled features.
    d_out : int
        Number of outputs: classes (logits) or targets.
    n_layers : int
        Number of layers on every point, and of layers on the pooled features.
    width : int
        Number of nodes in each layer.
    latent_width : int
        Number of features that are pooled: the nodes of the last layer on points.
    pooling : {"sum", "mean", "max"}
        How the points of an event are pooled.
    n_points : float
        Number of points of a typical event. A sum is divided by it, so that the next layer gets numbers of order one.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a node of the layers after the pooling is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``.
    kinds : sequence of int
        Columns of the points that tell their kinds; each kind has a first layer of its own.

    References
    ----------
    Zaheer et al., arXiv:1703.06114, theorem 2; Komiske, Metodiev and Thaler, arXiv:1810.05165, equation 1.3.

    Examples
    --------
    >>> import torch
    >>> network = DeepSets((3, 0), 2, n_layers=2, width=8, latent_width=16)
    >>> network(torch.zeros(9, 3), torch.tensor([4, 5]), torch.zeros(2, 0)).shape
    torch.Size([2, 2])
    """

    def __init__(
        self,
        shape_in: tuple[int, ...],
        d_out: int,
        *,
        n_layers: int,
        width: int,
        latent_width: int,
        pooling: str = "sum",
        n_points: float = 1.0,
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "none",
        kinds: Sequence[int] = (),
    ) -> None:
        super().__init__()
        d, d_event = shape_in
        choices = {"activation": activation, "normalisation": normalisation}
        self.pooling, self.unit = pooling, n_points if pooling == "sum" else 1.0
        self.points = PointLayers(d, width, n_layers=n_layers - 1, kinds=kinds, **choices)
        self.latent = PointLayers(
            width if n_layers > 1 else d, latent_width, n_layers=1, kinds=() if n_layers > 1 else kinds, **choices
        )
        after: list[nn.Module] = []
        for i in range(n_layers):
            after += [Linear(latent_width + d_event if i == 0 else width, width), norm(normalisation, width)]
            after += [ACTIVATIONS[activation](), dropout_layer(dropout, activation)]
        self.after = nn.Sequential(*after)
        self.head = linear_output(Linear(width, d_out))

    def forward(self, x: Tensor, counts: Tensor, event: Tensor) -> Tensor:
        """Map packed points ``(n_rows, d)``, their ``counts`` and event columns ``(n, d_event)`` to ``(n, d_out)``."""
        packed = arrangement(counts, x)
        pooled = pool(self.latent(self.points(x, packed.there), packed.there), packed, self.pooling) / self.unit
        outputs: Tensor = self.head(self.after(torch.cat([pooled, event], dim=1)))
        return outputs
