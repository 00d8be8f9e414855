"""Columns of a table in the range in which a network learns, as the first layer of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._embeddings import NumberEmbedding

_MOST_ONE_HOT, _WIDTH = 8, 8  # of columns with more categories each has an embedding of this width, as in RealMLP
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
        self.layout = (clip,)
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


class OneHot(nn.Module):
    """Categories by their numbers as columns of 0 and 1; zeros for a number that is none of them.

    Parameters
    ----------
    n : int
        Number of categories.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.layout, self.n, self.d_out = (n,), n, n

    def forward(self, code: Tensor) -> Tensor:
        """Map ``(n,)`` to ``(n, d_out)``."""
        numbers = torch.arange(self.n, device=code.device, dtype=code.dtype)
        return (code[..., None] == numbers).to(code.dtype)


class CategoryEmbedding(nn.Module):
    """Categories by their numbers as learned vectors; zeros, at first, for a number that is none of them.

    Parameters
    ----------
    n : int
        Number of categories.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n, self.d_out = n, _WIDTH
        self.vectors = nn.Parameter(torch.empty(n + 1, _WIDTH))

    def draw(self, generator: torch.Generator) -> None:
        """Draw the vectors."""
        self.vectors.normal_(generator=generator)
        self.vectors[self.n].zero_()

    def forward(self, code: Tensor) -> Tensor:
        """Map ``(n,)`` to ``(n, d_out)``."""
        return F.embedding(code.clamp(0, self.n).long(), self.vectors)


class MixedColumns(NumberEmbedding):
    """Columns of numbers, some of which may be missing, and of categories by their numbers.

    A missing number is filled after the scaling, and has a further column that tells it.

    Parameters
    ----------
    numbers : sequence of int
        Columns of numbers.
    scaling : ColumnScaling or None
        Their scaling.
    embedding : NumberEmbedding or None
        Their embedding.
    fill : sequence of float
        What fills each of them.
    indicated : sequence of int
        Those of ``numbers``, by their place there, with a further column.
    categories : mapping of int to int
        Numbers of categories of the other columns.
    """

    fill: Tensor

    def __init__(
        self,
        numbers: Sequence[int],
        scaling: ColumnScaling | None,
        embedding: NumberEmbedding | None,
        *,
        fill: Sequence[float],
        indicated: Sequence[int],
        categories: Mapping[int, int],
    ) -> None:
        super().__init__(len(numbers), 1)
        self.layout = (tuple(numbers), tuple(indicated), tuple(categories.items()))
        self.numbers, self.indicated, self._fill = list(numbers), list(indicated), list(fill)
        self.scaling, self.embedding = scaling, embedding
        self.register_buffer("fill", torch.empty(len(fill)))
        kinds = [(OneHot if n <= _MOST_ONE_HOT else CategoryEmbedding)(n) for n in categories.values()]
        self.places, self.categories = list(categories), nn.ModuleList(kinds)
        embedded = len(numbers) if embedding is None else embedding.d_out
        self.d_out = embedded + len(indicated) + sum(one.d_out for one in kinds)

    def reset_parameters(self) -> None:
        """Set what fills missing numbers."""
        self.fill.copy_(torch.tensor(self._fill, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, d)`` to ``(n, d_out)``."""
        z = x[..., self.numbers]
        missing = z.isnan()
        z = torch.where(missing, self.fill, z if self.scaling is None else self.scaling(z))
        parts = [z if self.embedding is None else self.embedding(z)]
        if self.indicated:
            parts.append(missing[..., self.indicated].to(z.dtype))
        parts += [one(x[..., place]) for place, one in zip(self.places, self.categories, strict=True)]
        return torch.cat(parts, dim=-1)
