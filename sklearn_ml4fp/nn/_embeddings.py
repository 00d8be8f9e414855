"""Embeddings of the numbers in a table: a vector for each column, in which a network sees more than a straight line."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._layers import LinearEach

NUM_EMBEDDINGS = ("piecewise", "periodic", "pbld")
_NARROWEST = 1e-30  # bin whose inverse single precision can hold
_N_FREQUENCIES = {"periodic": 48, "pbld": 16}  # those of the papers


class PiecewiseEncoding(nn.Module):
    """Encoding of a number x by where it stands in each of B bins: 1 above the bin, 0 below, its share inside.

    Outside of all bins the first and the last go on as straight lines.

    Parameters
    ----------
    edges : sequence of sequences of float
        Ascending edges of the bins of each column. A column with fewer than two of them is encoded by zeros.
    """

    left: Tensor
    inverse: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(self, edges: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.n_bins = max(1, *(len(one) - 1 for one in edges))
        self._edges = edges
        for name in ("left", "inverse", "lowest", "highest"):
            self.register_buffer(name, torch.empty(len(edges), self.n_bins))

    def reset_parameters(self) -> None:
        """Set the constants of the bins; a column with fewer of them than others has zeros behind them."""
        for constants, value in ((self.left, 0.0), (self.inverse, 0.0), (self.lowest, 0.0), (self.highest, 1.0)):
            constants.fill_(value)
        for j, edges in enumerate(self._edges):
            n = len(edges) - 1
            if n > 0:
                ascending = torch.tensor(edges, dtype=torch.float64)
                self.left[j, :n] = ascending[:-1]
                self.inverse[j, :n] = 1 / ascending.diff().clamp(min=_NARROWEST)
                self.lowest[j, 0], self.highest[j, n - 1] = -math.inf, math.inf

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d, n_bins)``."""
        share = (x[..., None] - self.left) * self.inverse
        return torch.maximum(torch.minimum(share, self.highest), self.lowest)


class Waves(nn.Module):
    """Cosine of 2π·f·x + φ with learned frequencies and phases, or its cosine and sine without phases.

    Parameters
    ----------
    d, n_frequencies : int
        Numbers of columns, and of frequencies for each of them.
    scale : float
        Standard deviation of the first frequencies.
    has_phases : bool
        Whether there are phases, first uniform in [−π, π), in the place of the sine.
    """

    def __init__(self, d: int, n_frequencies: int, scale: float, *, has_phases: bool) -> None:
        super().__init__()
        self.scale = scale
        self.frequencies = nn.Parameter(torch.empty(d, n_frequencies))
        self.phases = nn.Parameter(torch.empty(d * n_frequencies)) if has_phases else None

    def draw(self, generator: torch.Generator) -> None:
        """Draw frequencies and phases."""
        self.frequencies.normal_(0.0, self.scale, generator=generator)
        if self.phases is not None:
            self.phases.uniform_(-math.pi, math.pi, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d, n_frequencies)``, or with cosine and sine to twice as many."""
        angle = 2 * math.pi * self.frequencies * x[..., None]
        if self.phases is not None:
            return (angle + self.phases.view_as(self.frequencies)).cos()
        return torch.cat([angle.cos(), angle.sin()], dim=-1)


class NumberEmbedding(nn.Module):
    """Base of the embeddings, which map a table ``(n, d)`` to ``(n, d · width)``.

    Parameters
    ----------
    d, width : int
        Numbers of columns, and of features for each of them.
    """

    def __init__(self, d: int, width: int) -> None:
        super().__init__()
        self.width, self.d_out = width, d * width


class PiecewiseEmbedding(NumberEmbedding):
    """Straight line plus piecewise linear function of each column, which begins at zero.

    Parameters
    ----------
    edges : sequence of sequences of float
        Edges of the bins of each column.
    width : int
        Number of features for each column.

    References
    ----------
    Gorishniy et al., arXiv:2203.05556; with the straight line arXiv:2410.24210.
    """

    def __init__(self, edges: Sequence[Sequence[float]], width: int) -> None:
        super().__init__(len(edges), width)
        self.encoding = PiecewiseEncoding(edges)
        self.line = LinearEach(len(edges), 1, width)
        self.pieces = LinearEach(len(edges), self.encoding.n_bins, width, gain=0.0, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d_out)``."""
        return (self.line(x[..., None]) + self.pieces(self.encoding(x))).flatten(-2)


class PeriodicEmbedding(NumberEmbedding):
    """ReLU of a linear function of cosines and sines of each column (PLR).

    Parameters
    ----------
    d, width : int
        Numbers of columns, and of features for each of them.
    scale : float
        Standard deviation of the first frequencies.

    References
    ----------
    Gorishniy et al., arXiv:2203.05556.
    """

    def __init__(self, d: int, width: int, scale: float) -> None:
        super().__init__(d, width)
        n = _N_FREQUENCIES["periodic"]
        self.waves = Waves(d, n, scale, has_phases=False)
        self.linear = LinearEach(d, 2 * n, width, gain=math.sqrt(2))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d_out)``."""
        return F.relu(self.linear(self.waves(x))).flatten(-2)


class DenseWaveEmbedding(NumberEmbedding):
    """Each column itself, beside a linear function of cosines with phases (PBLD).

    Parameters
    ----------
    d, width : int
        Numbers of columns, and of features for each of them, at least two.
    scale : float
        Standard deviation of the first frequencies.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, arXiv:2407.04491.
    """

    def __init__(self, d: int, width: int, scale: float) -> None:
        super().__init__(d, width)
        n = _N_FREQUENCIES["pbld"]
        self.waves = Waves(d, n, scale, has_phases=True)
        self.linear = LinearEach(d, n, width - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d_out)``."""
        return torch.cat([x[..., None], self.linear(self.waves(x))], dim=-1).flatten(-2)


def number_embedding(
    kind: str, d: int, width: int, *, scale: float, edges: Sequence[Sequence[float]] | None = None
) -> NumberEmbedding:
    """Make the embedding of a name in ``NUM_EMBEDDINGS``.

    Parameters
    ----------
    kind : {"piecewise", "periodic", "pbld"}
        Its name.
    d, width : int
        Numbers of columns, and of features for each of them.
    scale : float
        Standard deviation of the first frequencies of the last two.
    edges : sequence of sequences of float or None
        Edges of the bins of each column, for the first.

    Examples
    --------
    >>> import torch
    >>> embedding = number_embedding("periodic", 3, 8, scale=0.1)
    >>> embedding(torch.zeros(5, 3)).shape
    torch.Size([5, 24])
    """
    if kind == "piecewise":
        assert edges is not None
        return PiecewiseEmbedding(edges, width)
    return (PeriodicEmbedding if kind == "periodic" else DenseWaveEmbedding)(d, width, scale)
