"""The candidates of an Optuna search: asked for, told, and kept in a storage from which a killed search goes on."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._optional import needs

_PRIMITIVE = (type(None), bool, int, float, str)  # what Optuna can keep in a storage
# In a small discrete space a sampler comes back to the points it likes; after so many tries one is fitted again.
_TRIES = 20


def import_optuna() -> Any:
    """Import Optuna."""
    return needs("optuna")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from logging every candidate: the progress bar and ``cv_results_`` say it."""
    optuna = import_optuna()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of the liar, before Optuna 5
            yield
    finally:
        optuna.logging.set_verbosity(before)


@dataclass
class Candidate:
    """One candidate: what scikit-learn returned for each of its folds, in its words, and what pruning said."""

    params: dict[str, Any]
    folds: list[dict[str, Any]]
    reports: dict[int, float] = field(default_factory=dict)
    pruned: bool = False
    score: float = float("nan")
    trial: Any = None

    @property
    def is_scored(self) -> bool:
        """Whether it was fitted in all folds, without failing or being stopped."""
        return bool(np.isfinite(self.score)) and not self.pruned


def fits_of(candidates: list[Candidate], *, train: bool) -> list[dict[str, Any]]:
    """All fits, as scikit-learn makes its table of them; what was not fitted scores NaN and took no time."""
    folds = [fold for candidate in candidates for fold in candidate.folds]
    names = next((list(fold["test_scores"]) for fold in folds if isinstance(fold.get("test_scores"), dict)), None)
    fits = []
    for fold in folds:
        fit = {name: fold.get(name, 0.0) for name in ("fit_time", "score_time")}
        for kind in ("test_scores", "train_scores") if train else ("test_scores",):
            scores = fold.get(kind, fold.get("test_scores", np.nan))
            one_for_all = names is not None and not isinstance(scores, dict)
            fit[kind] = dict.fromkeys(names or (), scores) if one_for_all else scores
        fits.append(fit)
    return fits


def _suggest(trial: Any, name: str, distribution: Any) -> Any:
    """The value that a trial chooses for one parameter; choices that Optuna cannot keep are chosen by their text.

    Raises
    ------
    TypeError
        The distribution is none of Optuna.
    """
    optuna = import_optuna()
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        choices = distribution.choices
        if all(isinstance(choice, _PRIMITIVE) for choice in choices):
            return trial.suggest_categorical(name, choices)
        texts = [f"{i}: {choice!r}" for i, choice in enumerate(choices)]
        return choices[texts.index(trial.suggest_categorical(name, texts))]
    if isinstance(distribution, optuna.distributions.IntDistribution):
        step = {"step": distribution.step}
        return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log, **step)
    if isinstance(distribution, optuna.distributions.FloatDistribution):
        step = {"step": distribution.step}
        return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log, **step)
    raise TypeError(
        f"param_distributions[{name!r}] must be a distribution of Optuna, got {distribution!r}. Write "
        "optuna.distributions.CategoricalDistribution([...]) for a list of values."
    )


def _choose(trial: Any, spaces: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Parameters that a trial chooses: first one of the spaces, then a point in it."""
    if len(spaces) == 1:
        return {name: _suggest(trial, name, distribution) for name, distribution in spaces[0].items()}
    chosen = trial.suggest_categorical("space", list(range(len(spaces))))
    # the same name may have another distribution in another space
    return {name: _suggest(trial, f"{chosen}: {name}", one) for name, one in spaces[chosen].items()}


class Trials:
    """The candidates so far, in a study of Optuna.

    Parameters
    ----------
    distributions : dict or list of dict
        Names of parameters to distributions of Optuna; of several spaces each candidate takes one.
    sampler : optuna.samplers.BaseSampler or None
        Who chooses the candidates; None for the tree-structured Parzen estimator.
    storage, study_name
        As `optuna.create_study` takes them.
    seed : int
        Seed of the candidates where ``sampler`` is None. Each has its own, so that a search that goes on chooses what
        it would have chosen.
    identity : dict of str
        What tells this search from another one in the same storage: fingerprints of its parts.

    Raises
    ------
    ValueError
        The storage holds another search of that name.
    """

    def __init__(
        self, distributions: Any, *, sampler: Any, storage: Any, study_name: str, seed: int, identity: dict[str, str]
    ) -> None:
        optuna = import_optuna()
        self._spaces = [distributions] if isinstance(distributions, Mapping) else list(distributions)
        self._own_sampler, self._seed = sampler is None, seed
        self.study = optuna.create_study(
            storage=storage, study_name=study_name, direction="maximize", load_if_exists=True, sampler=deepcopy(sampler)
        )
        known = self.study.user_attrs.get("identity", identity)
        if changed := [name for name, one in identity.items() if known.get(name) != one]:
            raise ValueError(
                f"The storage holds a study {study_name!r} with another {', '.join(changed)}. Pass another study_name "
                "or storage, or what the study was made with."
            )
        self.study.set_user_attr("identity", identity)
        self.exhausted = False
        self.candidates: list[Candidate] = []
        for trial in self.study.trials:
            if "result" in trial.user_attrs:
                self.candidates.append(self._restored(trial))
            elif not trial.state.is_finished():  # it was killed: it is asked for again
                self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def _restored(self, trial: Any) -> Candidate:
        result = json.loads(trial.user_attrs["result"])
        result["reports"] = {int(epoch): value for epoch, value in result["reports"].items()}
        return Candidate(_choose(trial, self._spaces), **result)

    def ask(self, n: int, n_folds: int) -> list[Candidate]:
        """The next n candidates."""
        asked: list[Candidate] = []
        for _ in range(n):
            trial, params = self._ask_new(len(self.candidates) + len(asked), asked)
            asked.append(Candidate(params, [{} for _ in range(n_folds)], trial=trial))
        return asked

    def _ask_new(self, number: int, asked: list[Candidate]) -> tuple[Any, dict[str, Any]]:
        optuna = import_optuna()
        tried = [candidate.params for candidate in [*self.candidates, *asked]]
        # a sampler with a seed of its own starts anew when a search goes on, and first repeats all it has asked
        for attempt in range(_TRIES + len(tried)):
            if self._own_sampler:
                entropy = np.random.SeedSequence([self._seed, number, attempt])
                # the liar: candidates that are chosen together shall not be alike
                self.study.sampler = optuna.samplers.TPESampler(
                    seed=int(entropy.generate_state(1)[0]), constant_liar=True
                )
            trial = self.study.ask()
            params = _choose(trial, self._spaces)
            if params not in tried or attempt == _TRIES + len(tried) - 1:
                break
            self._tell(trial, state=optuna.trial.TrialState.FAIL)
        return trial, params

    def tell(self, candidate: Candidate, score: float) -> None:
        """Tell how a candidate did; one that failed or was ended counts as worse than all that have a score."""
        state = import_optuna().trial.TrialState
        candidate.score = float(score)
        for epoch, value in candidate.reports.items():
            candidate.trial.report(value, epoch)
        result = {name: getattr(candidate, name) for name in ("folds", "reports", "pruned", "score")}
        candidate.trial.set_user_attr("result", json.dumps(result))
        if candidate.is_scored:
            self._tell(candidate.trial, values=candidate.score)
        else:
            # not FAIL: samplers forget what failed, and would try it again
            self._tell(candidate.trial, state=state.PRUNED)
        candidate.trial = None
        self.candidates.append(candidate)

    def _tell(self, trial: Any, **outcome: Any) -> None:
        try:
            self.study.tell(trial, **outcome)
        except RuntimeError as error:  # how a sampler over a finite space says that it has no more points
            if "Study.stop" not in str(error):
                raise
            self.exhausted = True

    @property
    def best(self) -> Candidate | None:
        """The best candidate so far, if one has a score."""
        scored = [one for one in self.candidates if one.is_scored]
        return max(scored, key=lambda one: one.score, default=None)
