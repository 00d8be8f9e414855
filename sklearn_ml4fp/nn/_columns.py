"""Columns of a table in the range in which a network learns, as the first layer of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ._embeddings import NumberEmbedding

_CONSTANTS = ("is_log", "offset", "is_symlog", "linear", "shift", "factor")


class ColumnScaling(nn.Module):
    """Columns x as (f(x) − shift) · factor, and then smoothly clipped, z/√(1 + (z/c)²), where there is a c.

    f(x) is x itself; log(x + offset) where ``is_log`` is one, with zero in the place of negative values; or
    ±log(1 + |x|/linear) with the sign of x where ``is_symlog`` is one.

    Parameters
    ----------
    constants : mapping of str to sequence of float
        ``is_log``, ``offset``, ``is_symlog``, ``linear``, ``shift`` and ``factor`` of each column.
    clip : float or None
        Limit c of the absolute value.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, arXiv:2407.04491 (smooth clipping).
    """

    is_log: Tensor
    offset: Tensor
    is_symlog: Tensor
    linear: Tensor
    shift: Tensor
    factor: Tensor

    def __init__(self, constants: Mapping[str, Sequence[float]], clip: float | None = None) -> None:
        super().__init__()
        self.clip, self._constants = clip, {name: constants[name] for name in _CONSTANTS}
        for name in _CONSTANTS:
            self.register_buffer(name, torch.empty(len(constants["shift"])))

    def reset_parameters(self) -> None:
        """Set the constants."""
        for name, values in self._constants.items():
            getattr(self, name).copy_(torch.tensor(values, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d)``."""
        logarithm = (x.clamp(min=0.0) + self.offset).log()
        symmetric = x.sign() * (x.abs() / self.linear).log1p()
        bent = torch.where(self.is_symlog > 0, symmetric, torch.where(self.is_log > 0, logarithm, x))
        z = (bent - self.shift) * self.factor
        return z if self.clip is None else z / (1 + (z / self.clip).square()).sqrt()


class Columns(NumberEmbedding):
    """Scaling of the columns of a table, and then an embedding if there is one.

    Parameters
    ----------
    d : int
        Number of columns.
    scaling : ColumnScaling
        Scaling of the columns.
    embedding : NumberEmbedding or None
        Embedding of the scaled columns.
    """

    def __init__(self, d: int, scaling: ColumnScaling, embedding: NumberEmbedding | None = None) -> None:
        super().__init__(d, 1 if embedding is None else embedding.width)
        self.scaling, self.embedding = scaling, embedding

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d_out)``."""
        x = self.scaling(x)
        embedded: Tensor = x if self.embedding is None else self.embedding(x)
        return embedded
