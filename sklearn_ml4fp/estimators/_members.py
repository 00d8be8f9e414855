"""Several networks in one estimator: other first weights, hold-outs, shuffles and dropout, averaged predictions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._checkpoints import removed_in_the_end
from .._compat import callback_management_context, member_task
from .._side_by_side import side_by_side
from ._observers import fit_task
from ._resuming import check_seed


def _is_learned(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")


def _fit_in_task(member: Any, task: AbstractContextManager[Any], X: Any, y: Any, given: dict[str, Any]) -> None:
    with task:
        member.fit(X, y, **given)


class WithMembers:
    """Mixin of a network that may consist of several, its members.

    A member is an ordinary fitted network of the same class, with ``n_members=1`` and a ``random_state`` of its own,
    and nothing else distinguishes it from one that was fitted alone.
    """

    _trains_with_others = True

    n_members: int
    n_iter_: int
    best_epoch_: int
    random_state: Any
    warm_start: bool
    checkpoint: Any
    _members: list[Self]  # there if the last fit made several
    _init_callback_context: Any
    _validate_params: Any
    get_params: Any
    set_params: Any
    fit: Any
    partial_fit: Any

    @property
    def members_(self) -> list[Self]:
        """Fitted networks that are averaged; one that was fitted with ``n_members=1`` is its only member."""
        if "_members" in self.__dict__:
            return self._members
        check_is_fitted(self, "net_")
        return [self]

    @property
    def _is_single(self) -> bool:
        return "_members" not in self.__dict__

    def _goes_on_with_several(self) -> bool:
        """Return whether `partial_fit` trains several networks: as many as there are, if there are any."""
        self._validate_params()
        self._check_same_number()
        return self.n_members > 1

    def _check_same_number(self) -> None:
        """Refuse to go on with another number of members than there are."""
        there = len(self.__dict__.get("_members", ())) or int("_fitted" in self.__dict__)
        if there and there != self.n_members:
            raise ValueError(
                f"n_members={self.n_members}, but the last fit made {there}: a warm start and partial_fit go on with "
                f"the networks that there are. Pass n_members={there}, or a new estimator."
            )

    def _members_to_go_on(self) -> list[Self]:
        """Members that there are, with the present hyperparameters; new ones if there are none."""
        self._check_same_number()
        if "_members" not in self.__dict__:
            return self._new_members()
        own = self.get_params(deep=False)
        shared = {name: value for name, value in own.items() if name not in ("n_members", "random_state")}
        for member in self._members:
            member.set_params(**shared)
        return self._members

    def _new_members(self) -> list[Self]:
        """Unfitted members; the first of them do not depend on how many there are."""
        rng, largest = check_random_state(self.random_state), np.iinfo(np.int32).max
        seeds = [int(rng.randint(largest)) for _ in range(self.n_members)]
        return [clone(self).set_params(n_members=1, random_state=seed) for seed in seeds]

    def _fit_members(self, X: Any, y: Any, given: dict[str, Any]) -> Self:
        """Fit several networks; ``given`` are the other arguments of ``fit``."""
        if self.checkpoint is not None:
            check_seed(self.random_state)
        members = self._members_to_go_on() if self.warm_start else self._new_members()
        begun = callback_management_context(self), fit_task(self, len(members), X, y, given["sample_weight"])
        with begun[0], begun[1] as task, removed_in_the_end():
            context = None if task is None else task.context
            tasks = [member_task(context, member) for member in members]
            each = zip(members, tasks, strict=True)
            side_by_side((_fit_in_task, (member, its_task, X, y, given), {}) for member, its_task in each)
            return self._take(members)

    def _partial_fit_members(self, X: Any, y: Any, **given: Any) -> Self:
        """Train every member for one pass over a part of the data."""
        members = self._members_to_go_on()
        for member in members:
            member.partial_fit(X, y, **given)
        return self._take(members)

    def _take(self, members: list[Self]) -> Self:
        """Keep the fitted members, and what each of them has learned about the events, in place of all that was."""
        self._forget()
        learned = {name: value for name, value in vars(members[0]).items() if _is_learned(name) and name != "net_"}
        learned["n_iter_"] = max(member.n_iter_ for member in members)
        if "best_epoch_" in learned:  # which partial_fit does not have
            learned["best_epoch_"] = int(np.median([member.best_epoch_ for member in members]))
        self.__dict__.update({**learned, "_members": members})
        return self

    def _forget(self) -> None:
        """Forget what an earlier fit has learned."""
        for name in [name for name in vars(self) if _is_learned(name) or name in ("_fitted", "_members")]:
            del self.__dict__[name]
