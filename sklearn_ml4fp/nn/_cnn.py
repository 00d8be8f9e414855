"""Convolutional network for images and for sequences."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._layers import ACTIVATIONS, affine, dropout_layer, norm, pool_points
from ._linear import Linear


class _Layer(nn.Module):
    """Convolution, norm, activation, dropout, and the maximum over neighbouring pairs of positions."""

    def __init__(self, n_axes: int, d_in: int, d: int, *, activation: str, dropout: float, normalisation: str) -> None:
        super().__init__()
        self.convolution = affine(n_axes, d_in, d)
        # a padded sequence is normalised position by position, so that its padding does not count
        self.norm = norm(normalisation, d, channel_axis=1 if n_axes == 2 else -1)
        self.last = nn.Sequential(ACTIVATIONS[activation](), dropout_layer(dropout, activation))

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(self.last(self.norm(self.convolution(x))), 2, ceil_mode=True)

    def along(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Map a padded sequence ``(n, d, t)`` and its mask, likewise."""
        h = self.norm(self.convolution(x).transpose(1, 2), mask).transpose(1, 2)
        h = self.last(h).masked_fill(~mask[:, None], -math.inf)
        h = F.max_pool1d(h, 2, ceil_mode=True)
        mask = F.max_pool1d(mask[:, None].float(), 2, ceil_mode=True)[:, 0] > 0
        return h.masked_fill(~mask[:, None], 0.0), mask


class CNN(nn.Module):
    """Pyramid of convolutions: each layer halves height and width, and doubles the number of features.

    Kernels span three positions along each axis. The mean over the remaining positions goes to a linear layer.

    Parameters
    ----------
    shape_in : tuple of int
        ``(c, h, w)`` for images, ``(d, d_event)`` for sequences of points.
    d_out : int
        Number of outputs: classes (logits) or targets.
    n_layers : int
        Number of layers.
    width : int
        Features of the first layer.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a feature is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``.

    References
    ----------
    LeCun et al., Proc. IEEE 86 (1998) 2278; global pooling: Lin, Chen and Yan, arXiv:1312.4400.

    Examples
    --------
    >>> import torch
    >>> network = CNN((1, 9, 9), 2, n_layers=3, width=8)
    >>> network(torch.zeros(5, 1, 9, 9)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        shape_in: tuple[int, ...],
        d_out: int,
        *,
        n_layers: int,
        width: int,
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "layer",
    ) -> None:
        super().__init__()
        self.n_axes = len(shape_in) - 1
        settings: dict[str, Any] = {"activation": activation, "dropout": dropout, "normalisation": normalisation}
        d_event = 0 if self.n_axes == 2 else shape_in[1]
        features = [width * 2**i for i in range(n_layers)]
        self.layers = nn.ModuleList(
            _Layer(self.n_axes, d_in, d, **settings)
            for d_in, d in zip([shape_in[0], *features], features, strict=False)
        )
        self.head = Linear(features[-1] + d_event, d_out)

    def forward(self, x: Tensor, mask: Tensor | None = None, event: Tensor | None = None) -> Tensor:
        """Map images ``(n, c, h, w)``, or points ``(n, t, d)`` with their mask and event columns, to ``(n, d_out)``."""
        if mask is None:
            for layer in self.layers:
                x = layer(x)
            pooled = x.mean((2, 3))
        else:
            x = x.transpose(1, 2)
            for layer in self.layers:
                x, mask = layer.along(x, mask)  # type: ignore[operator]
            pooled = pool_points(x.transpose(1, 2), mask, "mean")
        outputs: Tensor = self.head(pooled if event is None else torch.cat([pooled, event], dim=1))
        return outputs
