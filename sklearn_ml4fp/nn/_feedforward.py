"""Feed-forward network."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from ._embeddings import NumberEmbedding
from ._layers import ACTIVATIONS, dropout_layer, norm
from ._linear import Linear
from ._ntk import Blend, Gain, ScaledLinear, slowed


class FeedForward(nn.Module):
    """Fully connected layers of one width, each followed by normalisation, an activation and dropout.

    Parameters
    ----------
    d_in : int
        Number of input features.
    d_out : int
        Number of outputs: classes (logits) or targets.
    n_layers : int
        Number of hidden layers.
    width : int
        Number of nodes in each hidden layer.
    activation : str
        A name in ``ACTIVATIONS``.
    dropout : float
        Probability with which a node's output is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``.
    embedding : NumberEmbedding or None
        What the columns of a table pass through first.
    parametrisation : {"standard", "ntk"}
        With the second, layers are those of ``_ntk``: weights of variance one with a factor 1/√d, a factor of each
        feature before the first layer, and activations of which each node learns a share.

    Examples
    --------
    >>> import torch
    >>> network = FeedForward(4, 2, n_layers=3, width=8, activation="relu", dropout=0.1)
    >>> network(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        *,
        n_layers: int,
        width: int,
        activation: str,
        dropout: float = 0.0,
        normalisation: str = "none",
        embedding: NumberEmbedding | None = None,
        parametrisation: str = "standard",
    ) -> None:
        super().__init__()
        is_ntk = parametrisation == "ntk"
        self.embedding = slowed(embedding) if is_ntk and embedding is not None else embedding
        d_in = d_in if embedding is None else embedding.d_out
        linear: Callable[[int, int], nn.Module] = ScaledLinear if is_ntk else Linear
        hidden: list[nn.Module] = [Gain(d_in)] if is_ntk else []
        for i in range(n_layers):
            hidden.append(linear(d_in if i == 0 else width, width))
            if normalisation != "none":
                hidden.append(norm(normalisation, width))
            function = ACTIVATIONS[activation]()
            hidden.append(Blend(function, width) if is_ntk else function)
            if dropout > 0:
                hidden.append(dropout_layer(dropout, activation))
        self.hidden = nn.Sequential(*hidden)
        self.head = linear(width, d_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map features ``(n_events, d_in)`` to outputs ``(n_events, d_out)``."""
        x = x if self.embedding is None else self.embedding(x)
        outputs: Tensor = self.head(self.hidden(x))
        return outputs
