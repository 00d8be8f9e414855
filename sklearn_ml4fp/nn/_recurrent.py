"""Recurrent network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ._initialise import linear_output
from ._layers import ACTIVATIONS, dropout_layer, norm
from ._linear import Linear

CELLS: dict[str, Callable[..., nn.Module]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def _take(x: Tensor, positions: Tensor) -> Tensor:
    """Take the rows of ``x`` ``(n, t, d)`` at ``positions`` ``(n, s)``."""
    return x.gather(1, positions[..., None].expand(-1, -1, x.shape[2]))


class Recurrent(nn.Module):
    """Layers of recurrent cells along a sequence; the state after its last point goes through two linear layers.

    A bidirectional layer also reads the sequence backwards, from its last point, whatever padding follows.

    Parameters
    ----------
    shape_in : tuple of int
        ``(d, d_event)``: features of a point, and columns of the event, which join the last state.
    d_out : int
        Number of outputs: classes (logits) or targets.
    cell : {"lstm", "gru", "rnn"}
        Kind of cell; "rnn" is the cell of Elman with tanh.
    n_layers : int
        Number of recurrent layers.
    width : int
        Size of the state, for each direction.
    bidirectional : bool
        Whether a second set of cells reads every layer's input backwards.
    activation : str
        A name in ``ACTIVATIONS``, used before the output; the cells have their own.
    dropout : float
        Probability with which an output of a layer is dropped during training.
    normalisation : str
        A name in ``NORMALISATIONS``: of the outputs of every layer.

    References
    ----------
    Hochreiter and Schmidhuber, Neural Computation 9 (1997) 1735; Cho et al., arXiv:1406.1078 (GRU); Elman, Cognitive
    Science 14 (1990) 179; Schuster and Paliwal, IEEE Trans. Signal Process. 45 (1997) 2673 (bidirectional).

    Examples
    --------
    >>> import torch
    >>> network = Recurrent((3, 0), 2, cell="gru", n_layers=1, width=8)
    >>> network(torch.zeros(5, 7, 3), torch.ones(5, 7, dtype=torch.bool)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        shape_in: tuple[int, ...],
        d_out: int,
        *,
        cell: str,
        n_layers: int,
        width: int,
        bidirectional: bool = False,
        activation: str = "relu",
        dropout: float = 0.0,
        normalisation: str = "none",
    ) -> None:
        super().__init__()
        d, d_event = shape_in
        self.width = width
        n_directions = 2 if bidirectional else 1
        sizes = [d, *[n_directions * width] * (n_layers - 1)]
        self.layers = nn.ModuleList(
            nn.ModuleList(CELLS[cell](d_in, width, batch_first=True) for _ in range(n_directions)) for d_in in sizes
        )
        self.norms = nn.ModuleList(norm(normalisation, n_directions * width, channel_axis=-1) for _ in sizes)
        self.dropout = dropout_layer(dropout, activation)
        self.join = nn.Sequential(
            Linear(n_directions * width + d_event, width),
            ACTIVATIONS[activation](),
            dropout_layer(dropout, activation),
        )
        self.head = linear_output(Linear(width, d_out))

    def forward(self, x: Tensor, mask: Tensor, event: Tensor | None = None) -> Tensor:
        """Map points ``(n, t, d)`` and their mask ``(n, t)`` to outputs ``(n, d_out)``; padding comes last."""
        counts = mask.sum(1, keepdim=True)
        steps = torch.arange(x.shape[1], device=x.device)[None]
        backwards = torch.where(steps < counts, counts - 1 - steps, steps)  # its own inverse
        for directions, normalise in zip(self.layers, self.norms, strict=True):
            outputs = [directions[0](x)[0]]  # type: ignore[index]
            if len(directions) == 2:  # type: ignore[arg-type]
                outputs.append(_take(directions[1](_take(x, backwards))[0], backwards))  # type: ignore[index]
            x = self.dropout(normalise(torch.cat(outputs, dim=2), mask))
        # forwards, a sequence ends with its last point; backwards, with its first
        ends = [_take(x[..., : self.width], (counts - 1).clamp(min=0))[:, 0], x[:, 0, self.width :]]
        pooled = torch.cat(ends, dim=1) * mask.any(1, keepdim=True)
        joined = pooled if event is None else torch.cat([pooled, event], dim=1)
        logits: Tensor = self.head(self.join(joined))
        return logits
