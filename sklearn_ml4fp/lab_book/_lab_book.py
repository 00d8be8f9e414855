"""The lab book: every fit and search, recorded in a store of MLflow."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from numbers import Real
from pathlib import Path
from time import time
from typing import Any, Self

from sklearn.base import clone

from .._optional import needs, where_installed
from .._recording import recorders
from ..export import load_model
from ._comparison import Comparison, Reproduction, compare
from ._facts import FORMAT, facts_of, is_estimator, with_states
from ._process import git_state, process_tags
from ._runs import Spec
from ._store import Store, sqlite_file, store_of, uri_of

_COLUMNS = ("kind", "estimator", "data", "device", "seeds", "versions", "git_commit", "git_tree", "error", "no_model")


class LabBook:
    """Lab book of every fit and search, in a store of MLflow, of which ``mlflow ui`` is the page.

    While it is open, each fit of a network, a cross-fitted estimator, a search or a composition with a part from this
    package becomes a run: parameters of the whole composition, versions, git commit, a fingerprint of the data, seeds,
    device, losses and metrics of every epoch, scores, times, loss curve, and the model as a file that `load_model`
    reads. What is fitted inside of another fit belongs to it: candidates are child runs of their search, folds of their
    candidate, in worker processes too. Nothing is ever overwritten.

    Parameters
    ----------
    store : str or path, default=None
        File of sqlite, which is made where there is none; the files of the runs are in a folder beside it. Or the
        address of an MLflow server (``"http://..."``) or of a database. None takes the environment variable
        ``LABBOOK``, or ``"runs.db"``.
    experiment : str, default="lab book"
        Name of the experiment of MLflow.
    fold_models : bool, default=False
        Whether the models of folds and other child runs are kept too.

    Raises
    ------
    ImportError
        MLflow, which the extra ``mlflow`` installs, is missing.

    See Also
    --------
    save_model, load_model : Files of models, which the lab book writes.
    LossCurveDisplay : Draw the loss curve of a network.

    Notes
    -----
    A whole ``Pipeline``, and any other composition of scikit-learn, is known because its ``fit`` is wrapped as long as
    a lab book is open, and so is ``joblib.Parallel``. An error of the lab book itself is a warning, and the training
    goes on.

    Examples
    --------
    >>> from sklearn_ml4fp import FeedForwardClassifier, LabBook
    >>> with LabBook("runs.db"):  # doctest: +SKIP
    ...     FeedForwardClassifier(random_state=0).fit(X, y)
    >>> LabBook("runs.db").runs()  # doctest: +SKIP
    """

    def __init__(
        self, store: str | Path | None = None, *, experiment: str = "lab book", fold_models: bool = False
    ) -> None:
        store = os.environ.get("LABBOOK") or "runs.db" if store is None else store
        if not isinstance(store, str | Path) or not str(store):
            raise TypeError(f"store={store!r}: expected the path of a file of sqlite, or an address of MLflow.")
        if not isinstance(experiment, str) or not experiment:
            raise TypeError(f"experiment={experiment!r}: expected the name of an experiment.")
        if not isinstance(fold_models, bool):
            raise TypeError(f"fold_models={fold_models!r}: expected True or False.")
        self.store, self.experiment, self.fold_models = store, experiment, fold_models
        self._uri = uri_of(store)
        path = sqlite_file(self._uri)
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise ValueError(f"store={str(store)!r}: expected a file of sqlite in a folder that exists.")

    def __repr__(self) -> str:
        return f"LabBook({str(self.store)!r})"

    # --- recording ---

    @property
    def _store(self) -> Store:
        return store_of(self._uri, self.experiment)

    @property
    def _recorder(self) -> Any:
        """What records into this lab book; None while it is closed."""
        ours = self._uri, self.experiment
        return next((one for one in recorders if (one.spec.uri, one.spec.experiment) == ours), None)

    def start(self) -> Self:
        """Begin to record, as in a notebook; a lab book that is open stays open.

        Returns
        -------
        self : LabBook
        """
        needs("mlflow")
        if self._recorder is not None:
            return self
        from ._recorder import begin, recorder_of  # which loads torch; to read a lab book needs none

        spec = Spec(self._uri, self.experiment, self.fold_models, {"git": git_state(), "tags": _tags()})
        recorder = recorder_of(spec)
        recorder.spec = spec  # of this start
        self._opened()
        where_installed("matplotlib.figure")  # not in the first fit
        begin(recorder)
        return self

    def stop(self) -> None:
        """End to record."""
        recorder = self._recorder
        if recorder is not None:
            from ._recorder import end

            end(recorder)
            self._store.mark_killed()  # of workers

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: Any) -> None:
        """End to record."""
        self.stop()

    def add(self, name: str, scores: Mapping[str, float], *, params: Mapping[str, Any] | None = None) -> str:
        """Add a run of numbers that come after the fits, such as the result of an analysis.

        Parameters
        ----------
        name : str
            Name of the run.
        scores : dict of str to float
            Numbers; they become metrics ``score.<name>``.
        params : dict, default=None
            Settings that the numbers depend on.

        Returns
        -------
        str
            Id of the run, as in the index of `runs`; its kind is "result".

        Raises
        ------
        TypeError
            A score is no number.
        """
        if not isinstance(name, str) or not name:
            raise TypeError(f"name={name!r}: expected a name of the run.")
        if not isinstance(scores, Mapping):
            raise TypeError(f"scores={scores!r}: expected a dict of names to numbers.")
        for key, value in scores.items():
            if not isinstance(value, Real) or isinstance(value, bool):
                raise TypeError(f"scores[{key!r}]={value!r}: expected a number.")
        git = git_state()
        tags = {**process_tags(), **_tags(), **{f"git_{key}": value for key, value in git.items()}}
        run = self._store.begin(name, {**tags, "kind": "result"}, None)
        metrics = [(f"score.{key}", float(value), int(1000 * time()), 0) for key, value in scores.items()]
        self._store.write(run, metrics=metrics, params={key: str(value) for key, value in (params or {}).items()})
        self._store.end(run, "FINISHED")
        return run

    # --- reading ---

    def runs(self, of: str | None = None) -> Any:
        """Give the runs as a data frame of pandas, the latest first.

        Parameters
        ----------
        of : str, default=None
            Run whose children are given: the candidates of a search, the folds of a candidate. None gives the runs
            that are inside of no other one.

        Returns
        -------
        DataFrame
            By the id of the run: ``name``, ``status`` (FINISHED, FAILED, RUNNING, or KILLED: its process has ended),
            ``start``, ``seconds``, ``kind``, ``estimator``, ``data``, ``device``, ``seeds``, ``versions``,
            ``git_commit``, ``git_tree``; ``score.<name>``; ``params.<name>``; ``error`` where a fit failed.
        """
        store, pandas = self._opened(), needs("pandas")
        parent = None if of is None else store.run(of).info.run_id
        found = store.runs("" if parent is None else f"tags.`mlflow.parentRunId` = '{parent}'")
        rows = {run.info.run_id: _row(run) for run in found if run.data.tags.get("mlflow.parentRunId") == parent}
        frame = pandas.DataFrame.from_dict(rows, orient="index")
        frame.index.name = "run"
        first = [name for name in ("name", "status", "start", "seconds", *_COLUMNS) if name in frame]
        more = sorted((name for name in frame if name not in first), key=lambda name: (name[:6] == "params", name))
        return frame[[*first, *more]]

    def compare(self, a: str, b: str) -> Comparison:
        """Say what differs between two runs.

        Parameters
        ----------
        a, b : str
            Ids of the runs, as in the index of `runs`, or their beginnings.

        Returns
        -------
        Comparison
            Its ``scores``, ``data``, ``parameters``, ``seeds``, ``versions`` and ``machine`` are dicts of pairs, with
            what differs; as text it has a line for each; it is true if there is any.

        Raises
        ------
        ValueError
            There is no such run, or it is a candidate, which has no data of its own.
        """
        return compare(self._record(a), self._record(b))

    def reproduce(
        self,
        run: str,
        X: Any,
        y: Any = None,
        *,
        estimator: Any = None,
        trusted: Iterable[str | type] = (),
        **params: Any,
    ) -> Reproduction:
        """Fit a recorded run once more, and say whether data and scores agree.

        Parameters
        ----------
        run : str
            Id of the run, or its beginning.
        X, y : array-like
            Events and targets, as they were given to ``fit``.
        estimator : estimator, default=None
            What is fitted in place of the recorded one, such as what your script makes today: what differs in its
            parameters and seeds is said.
        trusted : iterable of str or type, default=()
            Further types that the file of the model may hold, as in `load_model`.
        **params : dict
            Everything else that ``fit`` was given, such as ``sample_weight`` and ``groups``.

        Returns
        -------
        Reproduction
            ``agrees``, ``model``, and what differs as in `compare`: pairs of what was recorded and what is now.

        Raises
        ------
        ValueError
            There is no such run, or it has no model and ``estimator`` is not given.
        """
        from ._outcome import device_of, scores_of

        before = self._record(run)
        if estimator is None:
            estimator, states = clone(self.model(run, trusted=trusted)), before["seeds"]["states"]
        elif is_estimator(estimator):
            estimator, states = clone(estimator), {}
        else:
            raise TypeError(f"estimator={estimator!r}: expected an estimator, or None for the recorded one.")
        arguments = {"X": X, "y": y, **params}
        with with_states(estimator, states):
            after = facts_of(estimator, arguments, git_state())
            estimator.fit(*((X,) if y is None else (X, y)), **params)
        after["machine"] |= device_of(estimator)
        found = compare(before, {**after, "scores": scores_of(estimator, arguments)})
        agrees = not found.data and not found.scores
        return Reproduction(**vars(found), agrees=agrees, model=estimator)

    def model(self, run: str, *, trusted: Iterable[str | type] = ()) -> Any:
        """Load the model of a run.

        Parameters
        ----------
        run : str
            Id of the run, or its beginning.
        trusted : iterable of str or type, default=()
            Further types that the file may hold, as in `load_model`.

        Returns
        -------
        estimator
            The fitted model.

        Raises
        ------
        ValueError
            There is no such run, or it has no model; the error says why.
        """
        found = self._opened().run(run)
        path = self._opened().file(found, "model.skops")
        if path is None:
            why = found.data.tags.get("no_model") or _why_no_model(found)
            raise ValueError(f"The run {found.info.run_id} has no model: {why}")
        return load_model(path, trusted=trusted)

    def _opened(self) -> Store:
        """The store; runs whose process has ended before they did are marked."""
        self._store.mark_killed()
        return self._store

    def _record(self, run: str) -> dict[str, Any]:
        found = self._opened().run(run)
        path = self._store.file(found, "record.json")
        if path is None:
            raise ValueError(
                f"The run {found.info.run_id} has no record of its data: it is a candidate, whose folds have one (see "
                "runs(of=...)), or numbers that were added, or not from a lab book."
            )
        record = json.loads(path.read_text())
        if record["format"] > FORMAT:
            raise ValueError(f"The run {found.info.run_id} was recorded by a newer version of sklearn_ml4fp.")
        device = {"device": found.data.tags["device"]} if "device" in found.data.tags else {}
        return {**record, "scores": _scores(found), "machine": {**record["machine"], **device}}


def _scores(run: Any) -> dict[str, float]:
    metrics = run.data.metrics
    return {name.removeprefix("score."): value for name, value in metrics.items() if name.startswith("score.")}


def _row(run: Any) -> dict[str, Any]:
    """Columns of a run in the data frame."""
    info, tags = run.info, run.data.tags
    return {
        "name": info.run_name,
        "status": info.status,
        "start": datetime.fromtimestamp(info.start_time / 1000, UTC),
        "seconds": None if info.end_time is None else (info.end_time - info.start_time) / 1000,
        **{name: tags[name] for name in _COLUMNS if name in tags},
        **{f"score.{name}": value for name, value in _scores(run).items()},
        **{f"params.{name}": value for name, value in run.data.params.items()},
    }


def _why_no_model(run: Any) -> str:
    if run.info.status != "FINISHED":
        return f"it is {run.info.status}. Pass estimator= to reproduce it."
    return "it is inside of another run, which has one. Keep those too with LabBook(fold_models=True)."


def _tags() -> dict[str, str]:
    """Tags of MLflow that say who records."""
    return {"mlflow.source.name": str(sys.argv[0] or "interactive"), "mlflow.user": _user()}


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without accounts
        return ""
