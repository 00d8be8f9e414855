"""Learning-rate schedules: a factor on the learning rate, as a function of time in epochs."""

from __future__ import annotations

import math
from collections.abc import Callable

# Learning rate at the start of a warm-up, as a share of the full one. It is above zero, so that the first step counts.
_WARMUP_START = 0.01
# One cycle of Smith and Topin with the values that torch uses: for 30 % of the time the rate rises from lr/25 to lr;
# then it falls to lr/250 000.
_RISE, _START, _END = 0.3, 1 / 25, 1 / 250_000
_CYCLES = 4  # of coslog4, each twice as long as the one before


def _cosine(start: float, end: float, share: float) -> float:
    """Interpolate from ``start`` to ``end`` along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _one_cycle(share: float) -> float:
    if share < _RISE:
        return _cosine(_START, 1.0, share / _RISE)
    return _cosine(1.0, _END, (share - _RISE) / (1 - _RISE))


def _cosine_cycles(share: float) -> float:
    return (1 - math.cos(2 * math.pi * math.log2(1 + (2**_CYCLES - 1) * share))) / 2


def flat_cosine(share: float) -> float:
    """Return a factor that is one up to a share of one half, and falls to zero at one along half a cosine."""
    return _cosine(1.0, 0.0, min(1.0, max(0.0, 2 * share - 1)))


SCHEDULES = ("constant", "exponential", "step", "plateau", "cosine", "one_cycle", "coslog4")
WARMED_UP = tuple(name for name in SCHEDULES if name != "coslog4")  # which rises from zero by itself
ENDING = ("cosine", "one_cycle", "coslog4")  # at a rate of about zero, after all epochs


class Schedule:
    """Factor on the learning rate at time t, counted in epochs (a fraction within an epoch).

    With γ = ``decay`` and T = ``decay_epochs``: "exponential" is γ^(t/T), "step" is γ^⌊t/T⌋, "plateau" multiplies by γ
    after T epochs in a row without a new lowest cost. "cosine" falls to zero at the last epoch along half a cosine,
    "one_cycle" rises for 30 % of the epochs and falls for the rest. "coslog4" goes four times from zero to one and
    back, (1 − cos 2π log₂(1 + 15 s))/2 with the share s of the epochs; each cycle is twice as long as the one before. A
    warm-up rises linearly before all of them but "coslog4".

    Parameters
    ----------
    name : str
        A name in ``SCHEDULES``.
    epochs : int
        Epochs of the whole training, for "cosine", "one_cycle" and "coslog4".
    warmup_epochs : float
        Length of the warm-up, after which the schedule begins.
    decay, decay_epochs : float
        γ and T.

    References
    ----------
    Loshchilov and Hutter, arXiv:1608.03983 (cosine); Smith and Topin, arXiv:1708.07120 (one cycle); Goyal et al.,
    arXiv:1706.02677 (warm-up); Holzmüller, Grinsztajn and Steinwart, arXiv:2407.04491 (coslog4).

    Examples
    --------
    >>> halving = Schedule("step", epochs=100, decay=0.5, decay_epochs=10)
    >>> halving.factor(9.9), halving.factor(20.0)
    (1.0, 0.25)
    """

    def __init__(
        self, name: str, *, epochs: int, warmup_epochs: float = 0, decay: float = 0.5, decay_epochs: float = 5
    ) -> None:
        self.name, self.epochs, self.warmup_epochs = name, epochs, warmup_epochs if name in WARMED_UP else 0
        self.decay, self.decay_epochs = decay, decay_epochs
        self._n_drops, self._n_stale, self._best_cost = 0, 0, math.inf

    def state(self) -> list[float]:
        """State for a checkpoint: that of "plateau"."""
        return [self._n_drops, self._n_stale, self._best_cost]

    def restore(self, state: list[float]) -> None:
        """Put back what `state` has given."""
        self._n_drops, self._n_stale, self._best_cost = int(state[0]), int(state[1]), state[2]

    def factor(self, t: float) -> float:
        """Return the factor on the learning rate at time ``t``."""
        if t < self.warmup_epochs:
            # a warm-up ends where the schedule begins: for one cycle at lr/25
            return self._factor(0.0) * (_WARMUP_START + (1 - _WARMUP_START) * t / self.warmup_epochs)
        return self._factor(t - self.warmup_epochs)

    def _factor(self, t: float) -> float:
        share = min(1.0, t / max(self.epochs - self.warmup_epochs, 1e-9))
        formulas: dict[str, Callable[[], float]] = {
            "constant": lambda: 1.0,
            "exponential": lambda: self.decay ** (t / self.decay_epochs),
            "step": lambda: self.decay ** math.floor(t / self.decay_epochs),
            "plateau": lambda: self.decay**self._n_drops,
            "cosine": lambda: _cosine(1.0, 0.0, share),
            "one_cycle": lambda: _one_cycle(share),
            "coslog4": lambda: _cosine_cycles(share),
        }
        return formulas[self.name]()

    def end_epoch(self, cost: float) -> None:
        """Take note of what is to be lowered, for "plateau"."""
        if cost < self._best_cost:
            self._best_cost, self._n_stale = cost, 0
            return
        self._n_stale += 1
        if self._n_stale >= self.decay_epochs:
            self._n_drops, self._n_stale = self._n_drops + 1, 0
