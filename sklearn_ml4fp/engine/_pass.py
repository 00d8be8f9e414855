"""One pass over the events of several nets, in one pack or in several, which have a thread each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from ._net import Net
from ._pack import Member, Pack

# Multiplications in the largest layer of a pack from which on a thread of its own gains: with 16 networks of 3 x 64 and
# batches of 64 the time was 0.66 of that of one thread, with five more than 0.8 of twice the processor time.
_OF_A_THREAD = 4_000_000
_PIECE = 2**20  # bytes of a net's events that are shuffled at a time, and stand side by side with those of the others


class Pass:
    """Training of several nets in one pass.

    All that a net does by itself (validation, best weights, averages, history, callbacks) goes on as alone, in the
    thread of the caller.

    Parameters
    ----------
    trainings : sequence of (Net, dict)
        Nets, and the arguments of `Net.train`.
    """

    def __init__(self, trainings: Sequence[tuple[Net, dict[str, Any]]]) -> None:
        self.members = [Member(*training) for training in trainings]
        self.states: dict[Any, dict[str, Any]] = defaultdict(dict)  # as torch's optimisers have them
        for member in self.members:
            for row in member.rows:
                self.states[row.values].update(row.state())

    def run(self) -> list[Exception | None]:
        """Train until the last net has stopped, and return the error of each."""
        going = list(self.members)
        try:
            self._pack(going)
            for member in self.members:
                with member.by_itself():
                    member.begin()
            while going := self._begin_epoch(going):
                for pack, of_members in zip(self.packs, self._run_epochs(), strict=True):
                    for member, losses in zip(pack.members, of_members, strict=True):
                        with member.by_itself():
                            member.end_epoch(losses)
        except BaseException as error:
            for member in self.members:  # which restores the best weights, and closes what was opened
                with suppress(type(error)):
                    member.stack.__exit__(type(error), error, error.__traceback__)
            raise
        finally:
            for member in self.members:
                member.stack.close()
                for row in member.rows:
                    row.end(dict(self.states[row.values]))
        return [member.error for member in self.members]

    def _begin_epoch(self, members: list[Member]) -> list[Member]:
        """Begin an epoch of those that go on, and return them."""
        data = members[0].arguments["data"]
        n_batches = max(1, _PIECE // max(1, data.bytes_of(int(members[0].net.batch_size))))
        for member in members:
            if member.epochs > 0:
                with member.by_itself():
                    member.begin_epoch(n_batches)
        going = [member for member in members if member.epochs > 0]
        if 0 < len(going) < sum(len(pack.members) for pack in self.packs):
            self._pack(going)
        return going

    def _pack(self, members: list[Member]) -> None:
        """Let the weights of those that go on stand side by side, in one pack for each thread that has enough to do."""
        n = _n_packs(members)
        of_each = [members[i * len(members) // n : (i + 1) * len(members) // n] for i in range(n)]
        self.packs = [Pack(part, self.states) for part in of_each]

    def _run_epochs(self) -> list[Tensor]:
        """Run an epoch of each pack, and return its losses.

        Several packs have a thread each, and torch meanwhile one for all that it computes: its other ones would keep
        their cores while they wait.
        """
        if len(self.packs) == 1:
            return [self.packs[0].run_epoch()]
        n_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(len(self.packs)) as pool:
                try:
                    futures = [pool.submit(pack.run_epoch) for pack in self.packs]
                    ended, going = wait(futures, return_when=FIRST_EXCEPTION)
                except BaseException:  # Ctrl-C, at any place
                    self._stop()
                    raise
                if going:
                    self._stop()
                for future in ended:
                    future.result()  # or the error, of which the others know nothing
                return [future.result() for future in futures]
        finally:
            torch.set_num_threads(n_threads)

    def _stop(self) -> None:
        """Stop in the middle of an epoch, for whose end the pool of threads waits."""
        for pack in self.packs:
            pack.stops = True


def _n_packs(members: list[Member]) -> int:
    """Number of packs: threads wait for each other where a step is short, as one of them at a time runs Python."""
    first = members[0]
    if first.parameters[0].device.type != "cpu":
        return 1
    products = len(members) * int(first.net.batch_size) * max(one.numel() for one in first.parameters)
    return max(1, min(torch.get_num_threads(), len(members), products // _OF_A_THREAD))
