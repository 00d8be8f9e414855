"""Learned state of a network in one object, made anew by every fit and kept by `partial_fit` and a warm start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from .._source_inputs import CHUNK
from .._validation import check_weights, entry_weights, mean_of_entries
from ..data import EventSource, RaggedArray
from ..engine import ALONE, Net, PiecewiseData, Processes, Recipe, Source, TensorData, ahead, shuffled
from ..nn import settle
from ._entries import OfEntries, check_entries, flat
from ._inputs import TableInput, as_tensor
from ._moments import Moments

_WHOLE = 2**24  # bytes of events up to which they become tensors at once
_PIECE = 2**21  # bytes of a piece of more events
_SAMPLE = 2**12  # events of a sample


@dataclass
class Part:
    """Checked events of one side of the hold-out.

    Parameters
    ----------
    everything : array or container
        Events, of both sides.
    target : ndarray of shape (n_events, ...), or RaggedArray
        Targets of this side; of points or edges a ragged array.
    weights : ndarray of shape (n_events,), RaggedArray or None
        Weights of this side.
    chosen : ndarray of shape (n_events,) or None
        Row numbers of this side: the events themselves are not copied. None for all.
    """

    everything: Any
    target: Any
    weights: Any
    chosen: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.target)

    @property
    def X(self) -> Any:
        """Events of this side."""
        return self.everything if self.chosen is None else self.everything[self.chosen]

    @property
    def n_outputs(self) -> int:
        """Number of events, or of their points or edges where these have targets."""
        return len(flat(self.target))

    @property
    def identity(self) -> Any:
        """What tells these events from others, for a checkpoint."""
        return self.everything, self.chosen, self.target, self.weights

    def moments(self) -> Moments:
        """Moments of the targets."""
        moments = Moments()
        moments.add(flat(self.target), flat(self.weights))
        return moments

    def show_to(self, events: TableInput) -> None:
        """Let an input look at the events."""
        for piece in self.pieces() if self.everything.nbytes > _WHOLE else [self]:
            events.look(piece.X, piece.event_weights())

    def pieces_for(self, tensors: Callable[[Part], TensorData]) -> PiecesOf:
        """Make pieces for the engine."""
        return PiecesOf(self, tensors)

    def in_epoch(self, batch_size: int, generator: Source | None) -> Iterator[Part]:
        """Yield all events once, or those of this process, shuffled if there is a generator."""
        order = None if generator is None else shuffled(len(self), generator).cpu().numpy()
        return self.pieces(order, batch_size)

    def sample(self) -> Part:
        """Return some events, always the same ones."""
        return self.taken(some_of(len(self)))

    def event_weights(self) -> np.ndarray | None:
        """Weight of each event: the mean of those of its points or edges."""
        return mean_of_entries(self.weights)

    def with_unit_mean(self) -> Part:
        """Return the same with weights whose mean is one."""
        weights = flat(self.weights)
        return replace(self, weights=like(self.weights, weights / weights.mean()))

    def rows(self, chosen: np.ndarray) -> Part:
        """Return the events that a mask chooses, without a copy of them."""
        weights = None if self.weights is None else self.weights[chosen]
        return Part(self.everything, self.target[chosen], weights, np.flatnonzero(chosen))

    def at(self, places: np.ndarray) -> Part:
        """Return the events at some places, without a copy of them."""
        weights = None if self.weights is None else self.weights[places]
        chosen = places if self.chosen is None else self.chosen[places]
        return Part(self.everything, self.target[places], weights, chosen)

    def taken(self, rows: Any) -> Part:
        """Return a copy of the events of some rows, or a view of a slice of them."""
        places = rows if self.chosen is None else self.chosen[rows]
        weights = None if self.weights is None else self.weights[rows]
        if isinstance(self.everything, np.ndarray) and not isinstance(places, slice):
            return Part(self.everything.take(places, axis=0), self.target[rows], weights)  # four times as fast as [...]
        return Part(self.everything[places], self.target[rows], weights)

    def pieces(self, order: np.ndarray | None = None, multiple: int = 1) -> Iterator[Part]:
        """Yield all events in pieces that take little memory, in the given order or their own.

        The number of events in every piece but the last is the same multiple of ``multiple``.
        """
        event_bytes = max(1, self.everything.nbytes / len(self.everything))
        n = max(1, int(_PIECE // event_bytes // multiple)) * multiple
        for start in range(0, len(self) if order is None else len(order), n):
            rows = slice(start, start + n)
            yield self.taken(rows if order is None else order[rows])


@dataclass
class PiecesOf:
    """Events of a part as pieces for the engine.

    Parameters
    ----------
    part : Part, HeldPart or StreamedPart
        Events.
    tensors : callable
        Function that makes tensors of a part.
    """

    part: Any
    tensors: Callable[[Part], TensorData]

    def __len__(self) -> int:
        return len(self.part)

    def pieces(self, batch_size: int, generator: Source | None) -> Iterator[TensorData]:
        """Yield all events once, or those of this process, in the order of the part."""
        return map(self.tensors, self.part.in_epoch(batch_size, generator))

    def sample(self) -> TensorData:
        """Return some events, always the same ones."""
        return self.tensors(self.part.sample())


def like(form: Any, values: np.ndarray) -> Any:
    """Return flat values in a form: for the points or edges of a ragged array, or as they are."""
    return form.with_values(values) if isinstance(form, RaggedArray) else values


def some_of(n: int) -> np.ndarray:
    """Return the numbers of some of ``n`` events, always the same ones, in their order."""
    return np.sort(np.random.default_rng(0).permutation(n)[:_SAMPLE])


@dataclass
class Fitted:
    """Learned state of a network.

    Parameters
    ----------
    input : TableInput
        Form of the events, and their units.
    target : ClassTarget or NumberTarget
        Predicted quantity, and its unit.
    rng : RandomState
        Source of the seeds of every training.
    net : Net or None
        The network; None before it is made.
    weight_scale : float
        Mean weight of the training part, class weights included: the unit of the weights.
    stream : Recipe or None
        Recipe of `partial_fit`, whose schedule goes on from call to call.
    known : (object, Tensor, ndarray or None) or None
        Events whose outputs are known, while a scorer asks for predictions, and the offsets of their points or edges.
    processes : Processes
        Processes of the present fit, which train together.
    made_with : dict
        Hyperparameters with which the network was made: those of the estimator may be changed afterwards.
    """

    input: TableInput
    target: Any
    rng: np.random.RandomState
    net: Net | None = None
    weight_scale: float = 1.0
    stream: Recipe | None = None
    known: tuple[Any, torch.Tensor, np.ndarray | None] | None = None
    made_with: dict[str, Any] = field(default_factory=dict)
    processes: Processes = ALONE

    def seed(self) -> int:
        """Draw a seed that no other training has."""
        return int(self.rng.randint(np.iinfo(np.int32).max))

    def check(self, owner: Any, X: Any, y: Any, weights: Any, name: str = "sample_weight") -> Part:
        """Check events, targets and weights; ``owner`` is the estimator."""
        if y is None:
            raise ValueError(
                f"This {type(owner).__name__} estimator requires y to be passed, but the target y is None."
            )
        X = self.input.check(X, owner)
        n = len(X)
        if n == 0:
            raise ValueError(f"Found 0 events in X: {type(owner).__name__} needs at least one to learn from.")
        target = self.target.check(y)
        if len(target) != n:
            raise ValueError(f"Found input variables with inconsistent numbers of samples: {[n, len(target)]}")
        if not isinstance(self.target, OfEntries):
            return Part(X, target, None if weights is None else check_weights(weights, n, name))
        entries = self.input.entries(X)
        check_entries(target, entries, self.input.output)  # type: ignore[attr-defined]
        weights = check_weights(entry_weights(weights, target, name), len(target.values), name)
        return Part(X, target, None if weights is None else target.with_values(weights))

    def learn_weights(self, train: Any, *, complete: bool) -> None:
        """Learn class factors and the unit of the weights."""
        self.target.learn_factors(train.target, train.weights, complete=complete)
        weights = self.target.weigh(train.target, train.weights)
        self.weight_scale = 1.0 if weights is None else float(weights.sum() / train.n_outputs)

    def settle(self, train: Any) -> None:
        """Let events of the training part set the first values of the layers that want it."""
        net: Any = self.net
        if not any(hasattr(layer, "settle") for layer in net.module_.modules()):
            return
        some = train.sample().taken(slice(_SAMPLE))
        x = self.input.data(some.X, torch.zeros(len(some))).inputs[0]
        weights = None if some.weights is None else torch.from_numpy(some.weights)
        settle(net.module_, x, weights, torch.Generator().manual_seed(net.seed))

    def source(self, part: Any) -> TensorData:
        """Make a source of batches, at once of a small part, else piece by piece."""
        assert self.net is not None
        on_gpu = torch.device(self.net.device).type != "cpu"  # where they stay, if they fit
        if isinstance(part, Part) and (on_gpu or part.everything.nbytes <= _WHOLE):
            return self.tensors(part)
        return PiecewiseData((), *self._encoded(part), source=part.pieces_for(self.tensors))

    def tensors(self, part: Part) -> TensorData:
        """Convert checked events, targets and weights to tensors."""
        return self.input.data(part.X, *self._encoded(part))

    def _encoded(self, part: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Targets and weights as the loss takes them."""
        weights = self.target.weigh(part.target, part.weights)
        scaled = None if weights is None else as_tensor((weights / self.weight_scale).astype(np.float32))
        return self.target.encode(part.target), scaled

    def shaped(self, owner: Any, X: Any, values: np.ndarray) -> Any:
        """Return values of events as they are, and those of points or edges as a ragged array."""
        if not isinstance(self.target, OfEntries):
            return values
        is_known = self.known is not None and X is self.known[0]
        entries: Any = self.known[2] if is_known else self.input.entries(self.input.check(X, owner))  # type: ignore[index]
        return RaggedArray(values, entries)

    def outputs(self, owner: Any, X: Any) -> torch.Tensor:
        """Compute outputs ``(n_events, n_outputs)``, also for no events: streams have empty chunks."""
        assert self.net is not None
        if self.known is not None and X is self.known[0]:
            return self.known[1]
        if isinstance(X, EventSource):
            parts = [self.outputs(owner, events.data) for events in ahead(X.chunks(CHUNK))]
            return torch.cat([self._nothing, *parts])
        X = self.input.check(X, owner)
        if len(X) == 0:
            return self._nothing
        part = Part(X, np.zeros(len(X)), None)
        pieces = part.pieces() if X.nbytes > _WHOLE else [part]
        tensors = (self.input.data(piece.X, torch.zeros(len(piece))) for piece in pieces)
        return torch.from_numpy(np.concatenate([self.net.outputs(data) for data in tensors]))

    @property
    def _nothing(self) -> torch.Tensor:
        assert self.net is not None
        return torch.zeros(0, self.net.criterion_.n_outputs(self.target.n), dtype=torch.float64)


@dataclass
class Conversion:
    """Conversion of events and targets to tensors, for the net's own methods.

    Parameters
    ----------
    input : TableInput
        Form of the events, and their units.
    target : ClassTarget or NumberTarget
        Predicted quantity, and its unit.
    """

    input: TableInput
    target: Any

    def __call__(self, X: Any, y: Any = None) -> TensorData:
        """Convert events, as the estimator checked them, and their labels or targets to tensors."""
        return self.input.data(X, torch.zeros(len(X)) if y is None else self.target.encode(self.target.check(y)))
