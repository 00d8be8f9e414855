"""Samplers of Optuna as a proposer, and a study of Optuna as the history of a search."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np

from .._optional import needs
from ._candidates import TRIES, Candidate, Proposer, first_untried, plain, size_of
from ._history import History
from ._ranges import choices_of, range_of

_PRIMITIVE = (type(None), bool, int, float, str)  # types that Optuna can keep in a storage
_CHOSEN = "space"  # parameter of a trial that says which of several spaces it is in
_HEADER, _RECORD = "sklearn_ml4fp search", "sklearn_ml4fp candidate"  # attributes of a study and its trials


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from logging every candidate: the progress bar and ``cv_results_`` say it."""
    optuna = needs("optuna")
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of the liar, before Optuna 5
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _code(name: str, given: Any) -> tuple[Any, list | None]:
    """Return a distribution that Optuna can keep, and the choices that its texts stand for."""
    theirs = needs("optuna").distributions
    choices = choices_of(name, given)
    if isinstance(given, tuple):
        (low, high), scale = span = range_of(name, given)
        kind = theirs.IntDistribution if span.is_whole else theirs.FloatDistribution
        return kind(low, high, log=scale == "log"), None
    if isinstance(given, theirs.CategoricalDistribution):
        choices = [plain(choice) for choice in given.choices]
    elif isinstance(given, (theirs.IntDistribution, theirs.FloatDistribution)):
        return given, None
    if choices is None:
        raise ValueError(
            f"{name!r}: expected a list of choices, a range (low, high) or a distribution of Optuna; got {given!r}."
        )
    if all(isinstance(choice, _PRIMITIVE) for choice in choices):
        return theirs.CategoricalDistribution(choices), None
    return theirs.CategoricalDistribution([f"{i}: {choice!r}" for i, choice in enumerate(choices)]), choices


def _axis(distribution: Any) -> Sequence | None:
    """Return all values of a distribution, or None for a continuous one."""
    if hasattr(distribution, "choices"):
        return distribution.choices
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is None:
        return None
    if isinstance(step, int):
        return range(low, high + 1, step)
    return [low + i * step for i in range(round((high - low) / step) + 1)]


def _suggest(trial: Any, name: str, distribution: Any) -> Any:
    """Let a trial choose the value of one parameter."""
    if hasattr(distribution, "choices"):
        return trial.suggest_categorical(name, distribution.choices)
    is_whole = isinstance(distribution, needs("optuna").distributions.IntDistribution)
    suggest = trial.suggest_int if is_whole else trial.suggest_float
    return suggest(name, distribution.low, distribution.high, step=distribution.step, log=distribution.log)


class TrialSpace:
    """Space of the trials of Optuna, or several spaces, of which each trial chooses one.

    Parameters
    ----------
    given : dict or list of dict
        Names of parameters to distributions of Optuna, ranges (low, high) or lists of choices.
    n_iter : int
        Candidates that are wanted.
    sampler : optuna.samplers.BaseSampler or None
        Who chooses them.

    Raises
    ------
    ValueError
        It is neither, or empty.
    """

    def __init__(self, given: Any, n_iter: int, sampler: Any) -> None:
        spaces = list(given) if isinstance(given, (list, tuple)) else [given]
        if not spaces or not all(isinstance(space, Mapping) and space for space in spaces):
            raise ValueError(
                "a search space must be a dict of names and distributions, with one at least, or a list of such "
                f"dicts; got {given!r}"
            )
        self.names = sorted({name for space in spaces for name in space})
        self._several = len(spaces) > 1
        # the same name may have another distribution in another space
        self._spaces = [
            {f"{i}: {name}" if self._several else name: (name, *_code(name, one)) for name, one in space.items()}
            for i, space in enumerate(spaces)
        ]
        self.size = sum(size_of(self._axes(number)) for number in range(len(spaces)))
        self.n_candidates, self.description, self.proposer = int(min(n_iter, self.size)), spaces, type(sampler).__name__
        self._n_iter, self._sampler = n_iter, sampler

    def proposers(self, seed: int) -> Iterator[TrialProposer]:
        """Make the one study for all of the spaces."""
        yield TrialProposer(self, self._n_iter, self._sampler, seed)

    def _axes(self, number: int) -> list[Sequence | None]:
        return [_axis(distribution) for _, distribution, _ in self._spaces[number].values()]

    def first_untried(self, tried: set[tuple]) -> dict[str, Any] | None:
        """Find a point that was not tried; None if there is none, or the space is continuous."""
        for number, space in enumerate(self._spaces):
            chosen = {_CHOSEN: number} if self._several else {}
            points = [dict(key) for key in tried]
            values = {tuple(point[name] for name in space) for point in points if chosen.items() <= point.items()}
            if (point := first_untried(self._axes(number), values)) is not None:
                return {**chosen, **dict(zip(space, point, strict=True))}
        return None

    def choose(self, trial: Any) -> None:
        """Let a trial choose a point: first one of the spaces, then a point in it."""
        number = trial.suggest_categorical(_CHOSEN, list(range(len(self._spaces)))) if self._several else 0
        for name, (_, distribution, _) in self._spaces[number].items():
            _suggest(trial, name, distribution)

    def _space_of(self, point: dict[str, Any]) -> dict[str, tuple[str, Any, list | None]]:
        return self._spaces[point[_CHOSEN] if self._several else 0]

    def of(self, point: dict[str, Any]) -> dict[str, Any]:
        """Return the distributions of the parameters of a point."""
        categorical = needs("optuna").distributions.CategoricalDistribution
        chosen = {_CHOSEN: categorical(range(len(self._spaces)))} if self._several else {}
        return {**chosen, **{name: distribution for name, (_, distribution, _) in self._space_of(point).items()}}

    def decode(self, point: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of the candidate at a point."""
        return {
            name: point[key] if choices is None else choices[distribution.choices.index(point[key])]
            for key, (name, distribution, choices) in self._space_of(point).items()
        }


def _key(point: dict[str, Any]) -> tuple:
    return tuple(sorted(point.items()))


class TrialProposer(Proposer):
    """Proposer around a study of Optuna in memory, whose sampler chooses the candidates."""

    def __init__(self, space: TrialSpace, n_iter: int, sampler: Any, seed: int) -> None:
        super().__init__(space.names, space.size, n_iter)
        optuna = needs("optuna")
        self.space, self.study = space, optuna.create_study(direction="maximize", sampler=deepcopy(sampler))
        # without a sampler each candidate has a seed of its own: a search that continues makes the same choices
        self._seed = None if sampler is not None else int(np.random.RandomState(seed).randint(np.iinfo(np.int32).max))
        self._tried: set[tuple] = set()
        self._open: list[Any] = []  # trials that wait for their scores
        self._n_told, self._is_over = 0, False

    def holds(self, point: Any) -> bool:
        """Return whether a point of a history lies in the space."""
        try:
            needs("optuna").create_trial(params=point, distributions=self.space.of(point), value=0.0)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return False
        return True

    def ask(self, n: int, known: list[Any]) -> list[Candidate]:
        """Choose the next n candidates, the first of them at known points; fewer if no others are left."""
        self._open = []
        for i in range(n):
            trial = self._at(known[i]) if i < len(known) else self._new(self._n_told + i)
            if trial is None:
                break
            self._tried.add(_key(trial.params))
            self._open.append(trial)
        return [Candidate(dict(trial.params), self.space.decode(trial.params)) for trial in self._open]

    def _at(self, point: dict[str, Any] | None) -> Any:
        """Make a trial at a given point."""
        if point is None:
            return None
        self.study.enqueue_trial(point)
        trial = self.study.ask()
        self.space.choose(trial)
        return trial

    def _new(self, number: int) -> Any:
        """Make a trial at an untried point; None if there is none left, or the sampler finds none."""
        optuna = needs("optuna")
        # a sampler with its own seed starts anew when a search continues, and first repeats its choices
        for attempt in range(TRIES + (len(self._tried) if self._seed is None else 0)):
            if self._is_over:
                return None
            if self._seed is not None:
                entropy = np.random.SeedSequence([self._seed, number, attempt])
                # the liar: candidates that are chosen together should differ
                self.study.sampler = optuna.samplers.TPESampler(
                    seed=int(entropy.generate_state(1)[0]), constant_liar=True
                )
            trial = self.study.ask()
            self.space.choose(trial)
            if _key(trial.params) not in self._tried:
                return trial
            self._tell(trial, state=optuna.trial.TrialState.FAIL)
        return self._at(self.space.first_untried(self._tried))

    def tell(self, batch: list[Candidate]) -> bool:
        """Learn the scores of the candidates; one that failed or was ended counts as worse than all with a score."""
        state = needs("optuna").trial.TrialState
        for candidate, trial in zip(batch, self._open, strict=True):
            for epoch, value in candidate.reports.items():
                trial.report(value, epoch)
            # not FAIL: samplers forget failed trials, and would try them again
            outcome = {"values": candidate.score} if candidate.is_scored else {"state": state.PRUNED}
            self._tell(trial, **outcome)
        self._n_told += len(batch)
        return False

    def _tell(self, trial: Any, **outcome: Any) -> None:
        try:
            self.study.tell(trial, **outcome)
        except RuntimeError as error:  # a sampler over a finite space has no more points
            if "Study.stop" not in str(error):
                raise
            self._is_over = True


class StudyHistory(History):
    """History in a study of Optuna, whose trials are the finished candidates.

    Raises
    ------
    ValueError
        The study is another one, is damaged, or is that of another search.
    """

    lasts = True
    cure = "take another study_name or storage"

    def __init__(self, study: Any, distributions: Callable[[Any], Any], search: dict[str, str], seed: int) -> None:
        super().__init__(search, seed)
        self.study, self._distributions = study, distributions
        self.name = f"The study {study.study_name!r}"
        trials = study.trials
        if (header := study.user_attrs.get(_HEADER)) is not None or trials:
            texts = [(f"trial {trial.number}", trial.user_attrs.get(_RECORD)) for trial in trials]
            self._take("its description", header, texts)
        else:
            study.set_user_attr(_HEADER, self._header())
        self._n_trials = len(trials)

    def _write(self, records: list[dict[str, Any]]) -> None:
        if len(self.study.get_trials(deepcopy=False)) != self._n_trials:
            raise RuntimeError(f"{self.name} is in use by another search. Wait for its end, or {self.cure}.")
        for record in records:
            scored = math.isfinite(record["score"]) and not record["pruned"]
            trial = needs("optuna").create_trial(
                state=needs("optuna").trial.TrialState.COMPLETE if scored else needs("optuna").trial.TrialState.PRUNED,
                value=record["score"] if scored else None,
                params=record["point"],
                distributions=self._distributions(record["point"]),
                intermediate_values={int(epoch): value for epoch, value in record["reports"].items()},
                user_attrs={_RECORD: json.dumps(record, default=float)},
            )
            self.study.add_trial(trial)
        self._n_trials += len(records)
