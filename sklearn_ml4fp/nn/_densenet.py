"""Densely connected network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._embeddings import NumberEmbedding
from ._initialise import linear_output
from ._layers import ACTIVATIONS, Halve, PoolPositions, affine, dropout_layer, norm
from ._linear import Linear


class DenseLayer(nn.Module):
    """Append ``width`` new features to the input: norm, activation, linear layer or 3 × 3 convolution, dropout."""

    def __init__(
        self, n_axes: int, d_in: int, width: int, *, activation: str, dropout: float, normalisation: str
    ) -> None:
        super().__init__()
        self.axis = 1 if n_axes else -1
        self.new = nn.Sequential(
            norm(normalisation, d_in),
            ACTIVATIONS[activation](),
            affine(n_axes, d_in, width),
            dropout_layer(dropout, activation),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d_in, ...)`` to ``(n, d_in + width, ...)``."""
        return torch.cat([x, self.new(x)], dim=self.axis)


class DenseNet(nn.Module):
    """Dense blocks, in which a layer sees the outputs of all earlier layers, with transitions in between.

    A transition halves the number of features and, on images, height and width. After the last block follow the mean
    over the positions of an image, and a linear layer.

    Parameters
    ----------
    shape_in : tuple of int
        ``(d,)`` for a table, ``(c, h, w)`` for images.
    d_out : int
        Number of outputs: classes (logits) or targets.
    n_blocks, n_layers : int
        Number of dense blocks, and of layers in each of them.
    width : int
        Number of features that each layer appends: the growth rate k of the paper. The first layer makes 2k.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a new feature is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``.
    embedding : NumberEmbedding or None
        What the columns of a table pass through first.

    References
    ----------
    Huang et al., arXiv:1608.06993.

    Examples
    --------
    >>> import torch
    >>> network = DenseNet((4,), 2, n_blocks=2, n_layers=3, width=8)
    >>> network(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        shape_in: tuple[int, ...],
        d_out: int,
        *,
        n_blocks: int,
        n_layers: int,
        width: int,
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "layer",
        embedding: NumberEmbedding | None = None,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        shape_in = shape_in if embedding is None else (embedding.d_out,)
        n_axes, d = len(shape_in) - 1, 2 * width
        settings: dict[str, Any] = {"activation": activation, "dropout": dropout, "normalisation": normalisation}
        self.stem = linear_output(affine(n_axes, shape_in[0], d))
        body: list[nn.Module] = []
        for i in range(n_blocks):
            if i:  # a transition
                body += [
                    norm(normalisation, d),
                    ACTIVATIONS[activation](),
                    affine(n_axes, d, d // 2, kernel=1),
                    Halve(),
                ]
                d //= 2
            body += [DenseLayer(n_axes, d + j * width, width, **settings) for j in range(n_layers)]
            d += n_layers * width
        self.blocks = nn.Sequential(*body)
        self.last = nn.Sequential(norm(normalisation, d), ACTIVATIONS[activation](), PoolPositions())
        self.head = Linear(d, d_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map events ``(n_events, *shape_in)`` to outputs ``(n_events, d_out)``."""
        x = x if self.embedding is None else self.embedding(x)
        outputs: Tensor = self.head(self.last(self.blocks(self.stem(x))))
        return outputs
