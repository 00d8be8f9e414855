"""The store of MLflow: runs are begun, written in batches, ended and read."""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlparse
from urllib.request import url2pathname

from .._optional import needs
from ._process import is_dead
from ._sqlite import write_ahead

T = TypeVar("T")

_PER_BATCH = {"metrics": 800, "params": 100, "tags": 100}  # of which MLflow takes 1000 at once
_LONGEST = 5000  # characters of a parameter or a tag; the whole text is in the record
_TRIES = 6
_BUSY = re.compile(r"locked|unique constraint.*\bparam", re.IGNORECASE)


def uri_of(store: str | Path) -> str:
    """URI of a store: a path is a file of sqlite."""
    if isinstance(store, str) and re.match(r"[a-z+]{2,}:", store):
        return store
    return f"sqlite:///{Path(store).absolute()}"


def sqlite_file(uri: str) -> Path | None:
    """File of sqlite that a URI names; None for any other store."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _patiently(call: Callable[[], T]) -> T:
    """Call again where a store is busy with other processes: MLflow itself has then waited for 20 seconds.

    Also where another process has written the same parameters at the same time; what is there already MLflow lets be.
    """
    for i in range(_TRIES):
        try:
            return call()
        except Exception as error:
            busy = "TEMPORARILY_UNAVAILABLE" in str(getattr(error, "error_code", "")) or _BUSY.search(str(error))
            if not busy or i == _TRIES - 1:
                raise
            time.sleep(0.2 * 2**i)
    raise AssertionError


def _make(path: Path) -> None:
    """Make a file of sqlite aside, and give it its name: MLflow makes its tables one by one, with others between.

    Of several processes that begin a lab book at once each makes one, and the first one stays. On a file system
    without hard links MLflow makes it in its place.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, ignore_cleanup_errors=True) as folder:
        aside = Path(folder) / path.name
        needs("mlflow").MlflowClient(tracking_uri=uri_of(aside)).search_experiments()
        with suppress(OSError):
            os.link(aside, path)


class Store:
    """One experiment in a store of MLflow.

    Parameters
    ----------
    uri : str
        ``sqlite:////path/runs.db``, or the address of a server.
    experiment : str
        Name of the experiment, which is made if there is none.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        self.uri, self.experiment = uri, experiment
        self._opened: tuple[int, Any, str] | None = None
        self._lock = threading.Lock()

    @property
    def files(self) -> str | None:
        """Where the files of the runs are: beside a file of sqlite; a server knows by itself."""
        path = sqlite_file(self.uri)
        return None if path is None else (path.parent / f"{path.stem}_files").as_uri()

    def _open(self) -> tuple[Any, str]:
        """Client of MLflow and the id of the experiment; opened anew in a process that was forked."""
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), *self._connect())
            return self._opened[1:]

    def _connect(self) -> tuple[Any, str]:
        # no connection is kept open between two calls: one that a forked process shares would damage the file
        setting = "MLFLOW_SQLALCHEMYSTORE_POOLCLASS"
        before = os.environ.get(setting)
        os.environ[setting] = "NullPool"
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing of an analysis is sent anywhere unasked
        talker = logging.getLogger("mlflow.store.db.utils")  # which tells of its settings, and of each new table
        level = talker.level
        talker.setLevel(logging.WARNING)
        try:
            if (path := sqlite_file(self.uri)) is not None and not path.exists():
                _make(path)
            client = needs("mlflow").MlflowClient(tracking_uri=self.uri)
            found = _patiently(lambda: client.get_experiment_by_name(self.experiment))
        finally:
            talker.setLevel(level)
            os.environ.pop(setting) if before is None else os.environ.update({setting: before})
        if found is not None:
            return client, found.experiment_id
        if path is not None:
            write_ahead(path)
        try:
            made = _patiently(lambda: client.create_experiment(self.experiment, artifact_location=self.files))
            return client, made
        except needs("mlflow").exceptions.MlflowException:  # another process was faster
            found = _patiently(lambda: client.get_experiment_by_name(self.experiment))
            if found is None:
                raise
            return client, found.experiment_id

    # --- writing ---

    def begin(self, name: str, tags: dict[str, str], parent: str | None) -> str:
        """Begin a run; return its id."""
        client, experiment = self._open()
        above = {} if parent is None else {"mlflow.parentRunId": parent}
        all_tags = {key: value[:_LONGEST] for key, value in {**tags, **above}.items()}
        return _patiently(lambda: client.create_run(experiment, tags=all_tags, run_name=name)).info.run_id

    def write(
        self,
        run: str,
        *,
        metrics: list[tuple[str, float, int, int]] = (),  # type: ignore[assignment]
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Add to a run: metrics as (name, value, milliseconds, step), parameters and tags."""
        client, _ = self._open()
        entities = needs("mlflow.entities")
        parts = {
            "metrics": [entities.Metric(_name(one[0]), *one[1:]) for one in metrics],
            "params": [entities.Param(_name(name), text[:_LONGEST]) for name, text in (params or {}).items()],
            "tags": [entities.RunTag(name, text[:_LONGEST]) for name, text in (tags or {}).items()],
        }
        while any(parts.values()):
            batch = {kind: part[: _PER_BATCH[kind]] for kind, part in parts.items()}
            parts = {kind: part[_PER_BATCH[kind] :] for kind, part in parts.items()}
            _patiently(lambda batch=batch: client.log_batch(run, **batch))  # type: ignore[misc]

    def put_text(self, run: str, text: str, file: str) -> None:
        """Add a file to a run."""
        client, _ = self._open()
        _patiently(lambda: client.log_text(run, text, file))

    def put_folder(self, run: str, folder: str) -> None:
        """Add the files of a folder to a run."""
        client, _ = self._open()
        _patiently(lambda: client.log_artifacts(run, folder))

    def end(self, run: str, status: str, end_time: int | None = None) -> None:
        """End a run as FINISHED, FAILED or KILLED."""
        client, _ = self._open()
        _patiently(lambda: client.set_terminated(run, status=status, end_time=end_time))

    def mark_killed(self) -> None:
        """Mark the runs whose process has ended before they did."""
        for run in self.runs("attributes.status = 'RUNNING'"):
            if is_dead(run.data.tags):
                record = self.file(run, "record.json")
                if record is not None and not run.data.params:  # they are written with the first epochs
                    self.write(run.info.run_id, params=json.loads(record.read_text())["parameters"])
                self.end(run.info.run_id, "KILLED")

    # --- reading ---

    def runs(self, condition: str = "") -> list[Any]:
        """Runs of the experiment that meet a condition in MLflow's language, the youngest first."""
        client, experiment = self._open()
        found: list[Any] = []
        token = None
        while True:
            page = _patiently(partial(client.search_runs, [experiment], condition, max_results=1000, page_token=token))
            found += page
            token = page.token
            if not token:
                return found

    def run(self, name: str) -> Any:
        """One run, by its id or the beginning of it.

        Raises
        ------
        ValueError
            There is no such run, or there are several.
        """
        client, _ = self._open()
        if not isinstance(name, str) or not name:
            raise TypeError(f"run={name!r}: expected the id of a run, as the index of runs() has it, or its beginning.")
        if re.fullmatch("[0-9a-f]{32}", name):
            try:
                return client.get_run(name)
            except needs("mlflow").exceptions.MlflowException as error:
                raise ValueError(f"run={name!r} is not in the lab book {self.uri}: see runs().") from error
        found = [run for run in self.runs() if run.info.run_id.startswith(name)]
        if len(found) != 1:
            what = "no run" if not found else f"{len(found)} runs"
            raise ValueError(f"run={name!r} is the beginning of {what} in the lab book {self.uri}: see runs().")
        return found[0]

    def file(self, run: Any, name: str) -> Path | None:
        """A file of a run on this machine; None if the run has no such file.

        The folder of the files may have been moved together with the file of sqlite.
        """
        client, _ = self._open()
        if self.files is not None:
            beside = f"{self.files}/{run.info.run_id}/artifacts"
            folders = [Path(url2pathname(urlparse(uri).path)) for uri in (run.info.artifact_uri, beside)]
            return next((folder / name for folder in folders if (folder / name).exists()), None)
        try:
            return Path(client.download_artifacts(run.info.run_id, name, tempfile.mkdtemp()))
        except Exception:  # each kind of store has its own errors
            return None


@cache
def store_of(uri: str, experiment: str) -> Store:
    """The one store of a lab book in this process."""
    return Store(uri, experiment)


def _name(name: str) -> str:
    """A name that MLflow takes."""
    return re.sub(r"[^\w\-. /:]", "_", name)[:250]
