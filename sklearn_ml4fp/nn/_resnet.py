"""Residual network."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ._embeddings import NumberEmbedding
from ._initialise import linear_output
from ._layers import ACTIVATIONS, Halve, PoolPositions, affine, dropout_layer, norm
from ._linear import Linear

_N_STAGES = 3  # as in the networks of arXiv:1512.03385 for small images


class ResidualBlock(nn.Module):
    """Residual block, x + branch(x), with normalisation and activation before the weights.

    On tables the branch is norm, linear, activation, dropout, linear (Gorishniy et al.); on images norm, activation,
    convolution, norm, activation, dropout, convolution (He et al., 2016). Where the number of channels changes, the
    image is halved, and a 1 × 1 convolution of x takes the place of x.
    """

    def __init__(
        self, n_axes: int, d_in: int, d_out: int, *, activation: str, dropout: float, normalisation: str, gain: float
    ) -> None:
        super().__init__()
        stride = 1 if d_in == d_out else 2
        ahead = [norm(normalisation, d_in)] + ([ACTIVATIONS[activation]()] if n_axes else [])
        between = [norm(normalisation, d_out)] if n_axes else []
        self.ahead = nn.Sequential(*ahead)
        self.branch = nn.Sequential(
            affine(n_axes, d_in, d_out, stride=stride),
            *between,
            ACTIVATIONS[activation](),
            dropout_layer(dropout, activation),
            linear_output(affine(n_axes, d_out, d_out), gain),
        )
        self.skip = None if stride == 1 else nn.Sequential(Halve(), linear_output(affine(2, d_in, d_out, kernel=1)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d_in, ...)`` to ``(n, d_out, ...)``."""
        h = self.ahead(x)
        out: Tensor = (x if self.skip is None else self.skip(h)) + self.branch(h)
        return out


class ResNet(nn.Module):
    """A linear layer, residual blocks, and a linear layer on their normalised and activated sum.

    On images the blocks form up to three stages of equal length. Each stage halves height and width and doubles the
    channels; the mean over the positions of the last stage goes to the output.

    Parameters
    ----------
    shape_in : tuple of int
        ``(d,)`` for a table, ``(c, h, w)`` for images.
    d_out : int
        Number of outputs: classes (logits) or targets.
    n_blocks : int
        Number of residual blocks.
    width : int
        Number of channels of the skip connection; on images, of the last stage.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a feature inside a block is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``.
    embedding : NumberEmbedding or None
        What the columns of a table pass through first.

    References
    ----------
    He et al., arXiv:1512.03385 and arXiv:1603.05027; for tables Gorishniy et al., arXiv:2106.11959.

    Examples
    --------
    >>> import torch
    >>> network = ResNet((1, 9, 9), 2, n_blocks=3, width=16)
    >>> network(torch.zeros(5, 1, 9, 9)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        shape_in: tuple[int, ...],
        d_out: int,
        *,
        n_blocks: int,
        width: int,
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "layer",
        embedding: NumberEmbedding | None = None,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        shape_in = shape_in if embedding is None else (embedding.d_out,)
        n_axes = len(shape_in) - 1
        n_stages = min(_N_STAGES, n_blocks) if n_axes else 1
        channels = [max(1, width // 2 ** (n_stages - 1 - i * n_stages // n_blocks)) for i in range(n_blocks)]
        settings: dict[str, Any] = {"activation": activation, "dropout": dropout, "normalisation": normalisation}
        self.stem = linear_output(affine(n_axes, shape_in[0], channels[0]))
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(n_axes, d_in, d, **settings, gain=n_blocks**-0.5)
                for d_in, d in zip([channels[0], *channels], channels, strict=False)
            )
        )
        self.last = nn.Sequential(norm(normalisation, channels[-1]), ACTIVATIONS[activation](), PoolPositions())
        self.head = Linear(channels[-1], d_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map events ``(n_events, *shape_in)`` to outputs ``(n_events, d_out)``."""
        x = x if self.embedding is None else self.embedding(x)
        outputs: Tensor = self.head(self.last(self.blocks(self.stem(x))))
        return outputs
