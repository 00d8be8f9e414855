"""Transformer encoder, over the points of an event or over the columns of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._initialise import linear_output
from ._kinds import first_layer
from ._layers import ACTIVATIONS, dropout_layer, norm, pool_points
from ._linear import Linear

POOLINGS = ("class_token", "mean", "max", "sum")
POSITIONS = ("none", "sinusoidal")


class ColumnTokens(nn.Module):
    """Token of every column of a table: x_j · W_j + b_j (Gorishniy et al., arXiv:2106.11959)."""

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(d_in, width))
        self.bias = nn.Parameter(torch.empty(d_in, width))

    def draw(self, generator: torch.Generator) -> None:
        """Draw uniformly within ±1/√width, as the code of the paper does."""
        for parameter in (self.weight, self.bias):
            parameter.uniform_(-(self.weight.shape[1] ** -0.5), self.weight.shape[1] ** -0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d_in)`` to ``(n, d_in, width)``."""
        return torch.addcmul(self.bias, x[..., None], self.weight)


class ClassToken(nn.Module):
    """Learned token, the same for every event, which is put before the others.

    It is drawn with the standard deviation ``spread``; the default is that of Devlin et al., arXiv:1810.04805.
    """

    def __init__(self, width: int, spread: float = 0.02) -> None:
        super().__init__()
        self.spread = spread
        self.token = nn.Parameter(torch.empty(width))

    def draw(self, generator: torch.Generator) -> None:
        """Draw from a normal distribution with the standard deviation ``spread``."""
        self.token.normal_(0.0, self.spread, generator=generator)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens ``(n, t, width)`` and their mask to ``(n, 1 + t, width)``, with the learned token first."""
        token = self.token.to(x.dtype).expand(x.shape[0], 1, -1)
        return torch.cat([token, x], dim=1), torch.cat([mask.new_ones(x.shape[0], 1), mask], dim=1)


class EncoderBlock(nn.Module):
    """Encoder block: x + attention(norm(x)), and then x + MLP(norm(x)) with twice the width inside."""

    def __init__(
        self, width: int, n_heads: int, *, activation: str, dropout: float, normalisation: str, gain: float
    ) -> None:
        super().__init__()
        self.n_heads = n_heads
        d = n_heads * math.ceil(width / n_heads)  # so that any width goes with any number of heads
        self.norm_attention = norm(normalisation, width, channel_axis=-1)
        self.qkv = linear_output(Linear(width, 3 * d))
        self.mixed = linear_output(Linear(d, width), gain)
        self.norm_mlp = norm(normalisation, width, channel_axis=-1)
        self.mlp = nn.Sequential(
            Linear(width, 2 * width),
            ACTIVATIONS[activation](),
            dropout_layer(dropout, activation),
            linear_output(Linear(2 * width, width), gain),
        )
        self.dropout = dropout_layer(dropout, activation)

    def forward(self, x: Tensor, mask: Tensor, seen: Tensor) -> Tensor:
        """Map tokens ``(n, t, width)`` to the same shape; ``seen`` ``(n, 1, 1, t)`` marks those attended to."""
        n, t, _ = x.shape
        qkv = self.qkv(self.norm_attention(x, mask)).view(n, t, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], attn_mask=seen)
        x = x + self.dropout(self.mixed(attended.transpose(1, 2).reshape(n, t, -1)))
        out: Tensor = x + self.dropout(self.mlp(self.norm_mlp(x, mask)))
        return out


def _embedding(d_in: int, width: int) -> nn.Linear:
    return linear_output(Linear(d_in, width))


class Transformer(nn.Module):
    """Tokens, encoder blocks, pooling, and a linear layer.

    Every column of a table is a token, and so is every point of an event. Without positions the output does not depend
    on the order of the points.

    Parameters
    ----------
    shape_in : tuple of int
        ``(d,)`` for a table; ``(d, d_event)`` for points: features of a point, and columns of the event, which join the
        pooled features.
    d_out : int
        Number of outputs: classes (logits) or targets.
    n_blocks : int
        Number of encoder blocks.
    width : int
        Number of features of a token.
    n_heads : int
        Number of attention heads, of ⌈width/n_heads⌉ features each.
    pooling : {"class_token", "mean", "max", "sum"}
        What goes to the output: an additional, learned token, or the mean, maximum or sum over the tokens.
    positions : {"none", "sinusoidal"}
        Whether tokens carry their position in the sequence.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a feature that a block adds is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``, applied before each half of a block.
    output : {"event", "point"}
        What the outputs belong to. Points are not pooled, and need no class token.
    kinds : sequence of int
        Columns of the points that tell their kinds; each kind has an embedding of its own.

    References
    ----------
    Vaswani et al., arXiv:1706.03762; Xiong et al., arXiv:2002.04745 (normalisation first); Gorishniy et al.,
    arXiv:2106.11959 (tables).

    Examples
    --------
    >>> import torch
    >>> network = Transformer((3, 0), 2, n_blocks=1, width=8, n_heads=2)
    >>> network(torch.zeros(5, 7, 3), torch.ones(5, 7, dtype=torch.bool)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        shape_in: tuple[int, ...],
        d_out: int,
        *,
        n_blocks: int,
        width: int,
        n_heads: int,
        pooling: str = "class_token",
        positions: str = "none",
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "layer",
        kinds: Sequence[int] = (),
        output: str = "event",
    ) -> None:
        super().__init__()
        self.pooling, self.positions, self.output = pooling, positions, output
        self.with_padding = False  # outputs for what fills up as well: no shape depends on a value then
        of_table = len(shape_in) == 1
        self.tokens = (
            ColumnTokens(shape_in[0], width) if of_table else first_layer(shape_in[0], width, kinds, _embedding)
        )
        self.class_token = ClassToken(width) if pooling == "class_token" and output == "event" else None
        settings: dict[str, Any] = {"activation": activation, "dropout": dropout, "normalisation": normalisation}
        self.blocks = nn.ModuleList(
            EncoderBlock(width, n_heads, **settings, gain=(2 * n_blocks) ** -0.5) for _ in range(n_blocks)
        )
        self.last = norm(normalisation, width, channel_axis=-1)
        self.head = Linear(width + (0 if of_table else shape_in[1]), d_out)

    def forward(self, x: Tensor, mask: Tensor | None = None, event: Tensor | None = None) -> Tensor:
        """Map a table ``(n, d)``, or points ``(n, t, d)`` with their mask and event columns, to ``(n, d_out)``.

        ``n`` is the number of events, or of all points that are there, event after event.
        """
        tokens = self.tokens(x)
        mask = x.new_ones(x.shape[:2], dtype=torch.bool) if mask is None else mask
        if self.positions == "sinusoidal":
            tokens = tokens + sinusoidal_positions(tokens.shape[1], tokens.shape[2], x.device)
        if self.class_token is not None:
            tokens, mask = self.class_token(tokens, mask)
        # an event without points attends to its padding: a softmax over nothing would be NaN
        seen = (mask | ~mask.any(1, keepdim=True))[:, None, None]
        for block in self.blocks:
            tokens = block(tokens, mask, seen)
        tokens = self.last(tokens, mask)
        if self.output == "point":
            of_points = self._of_points(tokens, event)
            return of_points.flatten(0, 1) if self.with_padding else of_points[mask]
        pooled = tokens[:, 0] if self.class_token is not None else pool_points(tokens, mask, self.pooling)
        outputs: Tensor = self.head(pooled if event is None else torch.cat([pooled, event], dim=1))
        return outputs

    def _of_points(self, tokens: Tensor, event: Tensor | None) -> Tensor:
        """Outputs ``(n, t, d_out)`` of all tokens, also of those that fill up."""
        if event is not None:
            tokens = torch.cat([tokens, event[:, None].expand(-1, tokens.shape[1], -1)], dim=2)
        outputs: Tensor = self.head(tokens)
        return outputs


def sinusoidal_positions(n_positions: int, width: int, device: torch.device) -> Tensor:
    """Compute sin and cos of position/10000^(2i/width), in even and odd columns (arXiv:1706.03762, section 3.5)."""
    position = torch.arange(n_positions, device=device, dtype=torch.float32)[:, None]
    column = torch.arange(width, device=device)
    phase = position / 10000 ** (2 * (column // 2) / width)
    return torch.where(column % 2 == 0, phase.sin(), phase.cos())
