"""Training on a stream: one pass for what must be known, then epochs through a buffer of mixed blocks of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import torch

from .._holdout import apart_by_id, check_sides
from .._validation import check_sum, entry_weights, event_weights, mean_of_entries
from ..data import EventSource
from ..engine import ALONE, Processes, Share, Source, TensorData, ahead
from ._entries import check_entries, flat, ragged
from ._fitted import Fitted, Part, PiecesOf
from ._held import HeldPart, regrouped
from ._mixing import BETWEEN, PER_WINDOW, Mixing, mixed, shuffled
from ._moments import Moments, merged
from ._sources import Large

_LEAST = 256  # entries of a block
_HELD = 4  # the hold-out takes this part of the memory


@dataclass
class StreamedPart:
    """Training part of a stream, of which the sums are known.

    Parameters
    ----------
    source : EventSource
        Events, without those that were set apart.
    check : callable
        Function that makes a `Part` of a chunk.
    mixing : Mixing
        Order of the blocks.
    targets : ClassSurvey or NumberSurvey
        Sums over the events, or over their points or edges where these have targets.
    n_events : int
        Number of events.
    identity : object
        What tells this part from others, for a checkpoint.
    processes : Processes
        Processes, of which each reads its part.
    change : callable or None
        Function ``(part, rng)`` that augments events.
    """

    source: EventSource
    check: Callable[[Any], Part]
    mixing: Mixing
    targets: Any
    n_events: int
    identity: Any
    processes: Processes = ALONE
    change: Callable[[Part, np.random.RandomState], Part] | None = None

    def __len__(self) -> int:
        return self.n_events

    @property
    def target(self) -> np.ndarray:
        """One target for each class."""
        return self.targets.codes

    @property
    def weights(self) -> np.ndarray:
        """Sums of the weights of these."""
        return self.targets.sums

    def moments(self) -> Moments:
        """Moments of the targets of all events."""
        return self.targets.moments

    @property
    def n_outputs(self) -> int:
        """Number of events, or of their points or edges where these have targets."""
        return len(self.targets)

    def show_to(self, events: Any) -> None:
        """Do nothing: the input has seen the events in the first pass."""

    def pieces_for(self, tensors: Callable[[Part], TensorData]) -> PiecesAhead:
        """Make pieces for the engine."""
        return PiecesAhead(self, tensors)

    def in_epoch(self, batch_size: int, generator: Source | None) -> Iterator[Part]:
        """Yield all events once, or those of this process, augmented if they are to be, in an order drawn anew."""
        assert generator is not None
        drawn, rank = (generator.generator, generator.rank) if isinstance(generator, Share) else (generator, 0)
        seed = int(torch.randint(2**62, (), generator=drawn, device=drawn.device))
        change, of_changes = self.change, np.random.RandomState((seed + rank) % 2**32)
        parts = regrouped(self.epoch(np.random.default_rng(seed), rank), batch_size)
        return parts if change is None else (change(part, of_changes) for part in parts)

    def sample(self) -> Part:
        """Some events of all kinds, always the same ones: a part of each block of a window."""
        rng, parts = np.random.default_rng(0), []
        window = self.mixing.windows(rng, 0, self.processes.n)[0]
        with self.source.loading() as load:
            for block in window:
                part = self.check(load(block))
                parts.append(part.taken(rng.permutation(len(part))[: -(-len(part) // len(window))]))
        return next(shuffled(parts, rng))

    def epoch(self, rng: np.random.Generator, rank: int = 0) -> Iterator[Part]:
        """Yield the events of a process in mixed parts."""
        windows = self.mixing.windows(rng, rank, self.processes.n)
        blocks, width = [block for window in windows for block in window], max(map(len, windows))
        with self.source.loading() as load:
            yield from mixed((self.check(load(block)) for block in blocks), len(blocks), width, rng)


class PiecesAhead(PiecesOf):
    """Events of a `StreamedPart` as pieces for the engine, which are read and mixed ahead by a thread."""

    def pieces(self, batch_size: int, generator: Source | None) -> Iterator[TensorData]:
        """Yield all events once, or those of this process, in an order drawn from the generator."""
        return ahead(super().pieces(batch_size, generator))


@dataclass
class Surveyor:
    """First pass over a stream: sums of weights and targets, units of the input, the hold-out.

    Parameters
    ----------
    owner : NetworkEstimator
        Estimator that is fitted.
    fitted : Fitted
        Its learned state.
    """

    owner: Any
    fitted: Fitted

    def checked(self, events: Any) -> tuple[Any, Any, Any]:
        """Check the events of a chunk, their targets as far as one chunk tells, and their weights."""
        X = self.fitted.input.check(events.data, self.owner)
        y = self.fitted.target.read(events.target) if len(X) else events.target
        return X, y, self._weights(X, y, events.sample_weight)

    def _weights(self, X: Any, target: Any, sample_weight: Any) -> Any:
        """Check weights, of points or edges where these have targets, which must be as many."""
        entries = self.fitted.input.entries(X)
        if entries is None:
            return event_weights(sample_weight, len(X))
        check_entries(ragged(target), entries, self.owner.output)
        weights = entry_weights(sample_weight, target)
        return None if weights is None else target.with_values(weights)

    def held(self, large: Large) -> HeldPart:
        """Take in a whole stream as a hold-out."""
        processes = self.fitted.processes
        held, digests = HeldPart(large.source, large.source.memory // _HELD, processes), []
        own = large.source if processes.n == 1 else large.source.share(processes.rank, processes.n)
        for events in ahead(own.chunks(self._block_size(large))):
            held.add(*self.checked(events))
            digests.append(self._digest(events))
        if not sum(processes.of_all(len(held))):
            raise ValueError(f"{large.source!r} has no event.")
        held.finish(self.fitted.target.check)
        held.identity = sorted((digest for some in processes.of_all(digests) for digest in some), key=str)
        return held

    def _digest(self, events: Any) -> Any:
        return None if self.owner.checkpoint is None else joblib.hash(dict(events))

    @staticmethod
    def _block_size(large: Large) -> int:
        return max(_LEAST, int(large.source.memory / PER_WINDOW / large.entry_bytes))

    def survey(self, large: Large, val: tuple[Any, Any, Any]) -> tuple[StreamedPart, Any]:
        """Read the stream once; return the training part, and the hold-out: what is set apart, or what is given.

        Parameters
        ----------
        large : Large
            The stream.
        val : tuple
            ``X_val``, ``y_val`` and ``sample_weight_val``, which are checked in the end: the training part decides
            about the classes.

        Raises
        ------
        ValueError
            There are no ids to set events apart by; or the blocks of the files are too large to be mixed.
        """
        source, owner, fitted = large.source, self.owner, self.fitted
        processes = fitted.processes
        first = next(source.chunks(self._block_size(large)))  # for the form of the events
        self.checked(first)
        if owner.augment is not None:
            owner._check_augmenter(first.target)
        valid: Any = None
        keep, is_given = None, any(one is not None for one in val)
        if owner.early_stopping and not is_given:
            keep = _Kept(self._apart(source))
            valid = HeldPart(source.where(keep.held), source.memory // _HELD, processes)
        blocks = source.blocks(self._block_size(large))[processes.rank :: processes.n]
        targets, digests, n_bytes, n_events = fitted.target.survey(), [], 0, 0
        sums, used = np.zeros(2), []  # Σw, Σ|w|
        with source.loading() as load:
            for block, events in zip(blocks, ahead(map(load, blocks)), strict=True):
                digests.append(self._digest(events))
                X, y, weights = self.checked(events)
                if keep is not None and len(y):
                    held = keep.held(events)
                    targets.note(flat(y[held]))
                    valid.add(X[held], y[held], _rows(weights, held))
                    X, y, weights = X[~held], y[~held], _rows(weights, ~held)
                if len(y):
                    n_bytes, n_events = n_bytes + X.nbytes, n_events + len(y)
                    if fitted.input.learns:
                        fitted.input.look(X, mean_of_entries(weights))
                if len(values := flat(y)):  # events without a point, or an edge, teach nothing
                    used.append(block)
                    weights = flat(weights)
                    targets.add(values, weights)
                    sums += len(values) if weights is None else (weights.sum(), np.abs(weights).sum())
        fitted.input.seen = merged(processes.of_all(fitted.input.seen))
        found = processes.of_all((digests, used, targets, sums, n_bytes, 0 if keep is None else len(valid), n_events))
        if processes.n > 1:
            digests, (used, targets) = _alternating([one[0] for one in found]), _pooled(found)
            sums, n_bytes, n_events = (sum(one[i] for one in found) for i in (3, 4, 6))
        check_sides(n_events, None if keep is None else sum(one[5] for one in found), owner.validation)
        check_sum(float(sums[0]), float(sums[1]), "sample_weight")
        targets.finish(fitted.target)
        if keep is not None:
            valid.finish(fitted.target.check)
            valid.identity = "held"
        if is_given:
            valid = owner._check_val(fitted, *val)
        if source.weight is None and valid is not None and valid.weights is not None:
            valid = valid.with_unit_mean()
        n_windows = max(1, -(-n_bytes // (source.memory * processes.n)))
        mixing = Mixing.of(used, targets, n_windows=n_windows)
        self._check_mixing(mixing.between(used, targets), large)
        part = StreamedPart(
            source if keep is None else source.where(keep),
            self._part,
            mixing,
            targets,
            n_events,
            [digests, source.memory],
            processes,
        )
        return part, valid

    def _part(self, events: Any) -> Part:
        X = self.fitted.input.check(events.data, self.owner)
        target = self.fitted.target.check_again(events.target) if len(X) else events.target
        return Part(X, target, self._weights(X, target, events.sample_weight))

    def _apart(self, source: EventSource) -> Callable[[Any], np.ndarray]:
        if source.event_id is None:
            raise ValueError(
                "a stream sets events apart by their ids, and the source has none: say which column is the id by "
                "event_id=, or pass X_val=, a source of the events to watch, or early_stopping=False."
            )
        return apart_by_id(self.owner.validation, lambda: (events.groups for events in source.chunks()))

    @staticmethod
    def _check_mixing(between: float, large: Large) -> None:
        if between > BETWEEN:
            raise ValueError(
                f"The events are sorted by their target, and memory={large.source.memory} has no room for enough "
                f"blocks to mix them: {between:.0%} of the variance of the target lies between the blocks that are "
                f"mixed at a time, expected {BETWEEN:.0%} at most. Pass a larger memory= to the EventSource, or write "
                "the events in random order once."
            )


@dataclass
class _Kept:
    """Condition on a stream: events that are not set apart."""

    apart: Callable[[Any], np.ndarray]

    def __call__(self, events: Any) -> np.ndarray:
        return ~self.held(events)

    def held(self, events: Any) -> np.ndarray:
        """Return the mask of the events that are set apart."""
        return self.apart(events.groups) if len(events.data) else np.zeros(0, dtype=bool)


def _alternating(lists: list[list[Any]]) -> list[Any]:
    """Join lists of every n-th entry of one list into it."""
    return [lists[i % len(lists)][i // len(lists)] for i in range(sum(map(len, lists)))]


def _pooled(found: list[tuple[Any, ...]]) -> tuple[list[Any], Any]:
    """Blocks that several processes have used, in the order of the files, and the survey of their targets."""
    used = [block for one in found for block in one[1]]
    order = sorted(range(len(used)), key=used.__getitem__)
    return [used[i] for i in order], found[0][2].pool([one[2] for one in found], order)


def _rows(values: Any, rows: np.ndarray) -> Any:
    return None if values is None else values[rows]
