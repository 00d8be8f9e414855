"""TabM: k feed-forward networks in one, which share all weights but vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._embeddings import NumberEmbedding
from ._layers import ACTIVATIONS, LinearEach, dropout_layer, norm
from ._linear import Linear


class MemberVectors(nn.Module):
    """One vector for each member, by which its features are scaled or shifted.

    Parameters
    ----------
    k, d : int
        Numbers of members and of features.
    first : {"zeros", "ones", "signs", "normal"}
        First values: constants; +1 or −1; or a standard normal distribution.
    group : int
        Number of neighbouring features that begin with the same value: those of one column.
    """

    def __init__(self, k: int, d: int, first: str, group: int = 1) -> None:
        super().__init__()
        self.k, self.d, self.first, self.group = k, d, first, group
        # one vector, as scales and biases are everywhere: the L1 term and the looks at gradients leave vectors out
        self.values = nn.Parameter(torch.empty(k * d))

    def draw(self, generator: torch.Generator) -> None:
        """Draw or set the first values."""
        if self.first in ("zeros", "ones"):
            self.values.fill_(float(self.first == "ones"))
            return
        values = self.values.new_empty(self.k, self.d // self.group)
        if self.first == "signs":
            values.bernoulli_(0.5, generator=generator).mul_(2).sub_(1)
        else:
            values.normal_(generator=generator)
        self.values.copy_(values.repeat_interleave(self.group, dim=1).flatten())

    def forward(self) -> Tensor:
        """Return the vectors ``(k, d)``."""
        return self.values.view(self.k, self.d)


class SharedLinear(nn.Module):
    """Linear layer of all members: that of member i is s_i ∘ W (r_i ∘ x) + b_i, with one W for all of them.

    Parameters
    ----------
    k, d_in, d_out : int
        Numbers of members, inputs and outputs.
    first, group : str, int
        First values of r, and number of features that share one; see `MemberVectors`. s begins with ones, b with
        zeros.

    References
    ----------
    Wen, Tran and Ba, arXiv:2002.06715 (BatchEnsemble).
    """

    def __init__(self, k: int, d_in: int, d_out: int, first: str = "ones", group: int = 1) -> None:
        super().__init__()
        self.r = MemberVectors(k, d_in, first, group)
        self.linear = Linear(d_in, d_out, bias=False)
        self.s = MemberVectors(k, d_out, "ones")
        self.b = MemberVectors(k, d_out, "zeros")

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, k, d_in)``, or ``(n, 1, d_in)`` for the same input of all, to ``(n, k, d_out)``."""
        outputs: Tensor = self.linear(x * self.r()) * self.s() + self.b()
        return outputs


class TabM(nn.Module):
    """Feed-forward networks of k members, which share their matrices, and output layers of their own.

    Parameters
    ----------
    d_in : int
        Number of input features.
    d_out : int
        Number of outputs of all members together, those of a member one after the other: a multiple of k.
    k : int
        Number of members.
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
        What the columns of a table pass through first, the same for all members.

    References
    ----------
    Gorishniy, Kotelnikov and Babenko, arXiv:2410.24210.

    Examples
    --------
    >>> import torch
    >>> network = TabM(4, 3 * 2, k=3, n_layers=2, width=8, activation="relu")
    >>> network(torch.zeros(5, 4)).shape
    torch.Size([5, 6])
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        *,
        k: int,
        n_layers: int,
        width: int,
        activation: str,
        dropout: float = 0.0,
        normalisation: str = "none",
        embedding: NumberEmbedding | None = None,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        hidden: list[nn.Module] = []
        for i in range(n_layers):
            if i:
                hidden.append(SharedLinear(k, width, width))
            elif embedding is None or embedding.width == 1:  # columns as they are, or scaled
                d_in = d_in if embedding is None else embedding.d_out
                hidden.append(SharedLinear(k, d_in, width, "signs"))
            else:
                hidden.append(SharedLinear(k, embedding.d_out, width, "normal", embedding.width))
            hidden += [norm(normalisation, width, channel_axis=-1), ACTIVATIONS[activation]()]
            hidden.append(dropout_layer(dropout, activation))
        self.hidden = nn.Sequential(*hidden)
        self.head = LinearEach(k, width, d_out // k)

    def forward(self, x: Tensor) -> Tensor:
        """Map features ``(n_events, d_in)`` to outputs ``(n_events, d_out)``."""
        x = x if self.embedding is None else self.embedding(x)
        outputs: Tensor = self.head(self.hidden(x[:, None]))
        return outputs.flatten(1)
