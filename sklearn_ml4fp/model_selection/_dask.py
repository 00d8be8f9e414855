"""Searches on a cluster: the Dask backend of joblib, changed so that a dead worker costs only its task."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from .._compat_dask import DaskDistributedBackend, WeakKeyDictionary
from .._optional import needs

_LARGE = 1000  # size in bytes from which joblib sends an object once, and not with each task


def _itself(data: Any) -> Any:
    return data


class _Keeper:
    """Dask client that keeps data at the scheduler, as a task: data that only workers have is lost when they die."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def scatter(self, data: Any, **options: Any) -> Any:
        """Send data to the scheduler; a worker that needs it gets it from there or from another worker."""
        with needs("dask").config.set(
            {"distributed.admin.large-graph-warning-threshold": "1 PB"}
        ):  # the large graph is intended
            return self._client.submit(_itself, data, pure=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class _Sendable(dict):
    """Dictionary that joblib sends once: it needs weak references, which plain dictionaries lack."""


class DaskBackend(DaskDistributedBackend):
    """Dask cluster on which joblib, and so every search and cross-validation of scikit-learn, runs its fits.

    joblib's own ``"dask"`` backend does the same, with these differences. The scheduler keeps the data (events,
    weights, ids, folds), so that a worker that dies takes nothing along: its fit is done again elsewhere. Data is sent
    once for as long as this backend is used; joblib sends it anew for each batch of candidates of a search, and weights
    and ids with each fit. A cluster of one core, or one whose further workers are still to come, makes the
    fits: joblib would make them in the present process. A fit that kills one worker after the other ends with Dask's
    ``KilledWorker``, once the fits beside it have ended too, and a call that has lost all its workers with a
    ``TimeoutError``; joblib waits for ever in both cases.

    Parameters
    ----------
    client : distributed.Client, default=None
        Connection to the scheduler; None takes the one that was opened last.
    wait_for_workers_timeout : float, default=600
        Seconds to wait while there is no worker, at the start and later; those of a batch system take their time, and
        so do those that start again.
    **options : dict
        Further options of joblib's ``"dask"`` backend, such as ``resources={"GPU": 1}`` of Dask's ``submit``.

    Raises
    ------
    ImportError
        Dask is not installed.
    ValueError
        There is no connection.
    TimeoutError
        In a search: there was no worker for ``wait_for_workers_timeout`` seconds.

    See Also
    --------
    BayesSearchCV, OptunaSearchCV : Searches that run on it.

    Examples
    --------
    >>> import joblib
    >>> from distributed import Client, LocalCluster
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_ml4fp import DaskBackend
    >>> X, y = make_classification(random_state=0)
    >>> search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]})
    >>> with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as client:
    ...     with joblib.parallel_config(DaskBackend(client)):
    ...         len(search.fit(X, y).cv_results_["params"])
    2
    """

    call_data_futures: Any  # joblib's: what was sent, by the objects themselves

    def __init__(self, client: Any = None, *, wait_for_workers_timeout: float = 600, **options: Any) -> None:
        distributed = needs("distributed")
        if client is not None and not isinstance(client, distributed.Client):
            raise TypeError(
                f"client is {client!r}: expected a dask.distributed.Client, such as Client(address), or None for the "
                "one that is open."
            )
        super().__init__(client=client, wait_for_workers_timeout=wait_for_workers_timeout, **options)
        self.client: Any = _Keeper(self.client)
        self._on_their_way, self._killed = 0, False

    def effective_n_jobs(self, n_jobs: Any) -> int:
        """Return the number of cores, at least two: with one, joblib would make all fits in this process."""
        return max(2, super().effective_n_jobs(n_jobs))

    async def _to_func_args(self, func: Any) -> Any:
        func.items = [
            (function, args, {name: self._sendable(value) for name, value in kwargs.items()})
            for function, args, kwargs in func.items
        ]
        self._on_their_way += 1
        try:
            return await super()._to_func_args(func)
        finally:
            self._on_their_way -= 1

    def _sendable(self, value: Any) -> Any:
        """Wrap a plain dictionary of weights and ids, once for all fits."""
        sizeof = needs("dask.sizeof").sizeof
        if type(value) is not dict or not any(sizeof(one) > _LARGE for one in value.values()):
            return value
        return self._dicts.setdefault(id(value), (value, _Sendable(value)))[1]  # the first keeps its id from others

    async def _collect(self) -> None:
        """Pass on results, also that a task has killed its workers, for which joblib would wait for ever."""
        KilledWorker = needs("distributed.scheduler").KilledWorker
        while self._continue:
            async for future, result in self.waiting_futures:
                waiting, tell = self._results.pop(future, None), self._callbacks.pop(future, None)
                if waiting is None or tell is None:  # of a call that was given up
                    continue
                outcome = result[1] if future.status == "error" else result
                self._killed = self._killed or isinstance(outcome, KilledWorker)
                waiting.set_result(outcome)
                tell(outcome)
            await asyncio.sleep(0.01)  # the interval of joblib's own loop

    async def _watch(self, call: object) -> None:
        """End a call that has lost all its workers: Dask would wait for new ones for ever."""
        seen = time.monotonic()
        while self._call is call:
            if await self.client.scheduler.ncores():
                seen = time.monotonic()
            elif time.monotonic() - seen > self.wait_for_workers_timeout:
                error = TimeoutError(
                    f"The cluster lost its last worker, and none came for {self.wait_for_workers_timeout} seconds. See "
                    "why they ended (memory, time limit), and pass a longer wait_for_workers_timeout if they only take "
                    "long to start."
                )
                for future, waiting in list(self._results.items()):
                    if (tell := self._callbacks.pop(future, None)) is not None:
                        waiting.set_result(error)
                        tell(error)
            await asyncio.sleep(1)  # seconds; asking costs the scheduler next to nothing

    async def _all_ended(self) -> None:
        while self._on_their_way or self._callbacks:
            await asyncio.sleep(0.01)

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return the results of a task, or raise the error that ended it."""
        if isinstance(out, BaseException):
            raise out
        return super().retrieve_result_callback(out)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Give up a call, its running tasks included: one that kills its worker would go on with the next.

        After a death, running tasks are waited for. Dask cannot stop them, and one that is about to kill its worker
        would also kill the task that the search sends there next.
        """
        try:
            if self._killed:
                self.client.sync(self._all_ended)
        finally:
            self._give_up(ensure_ready)

    def _give_up(self, ensure_ready: bool) -> None:
        self.call_data_futures = WeakKeyDictionary()  # what died may have been data on its way
        given_up = list(self._results)
        self._results.clear()
        self._callbacks.clear()
        super().abort_everything(ensure_ready)
        self.client.cancel(given_up)

    def start_call(self) -> None:
        """Begin a batch of fits; what was sent before is still there."""
        self._dicts: dict[int, tuple[dict, _Sendable]] = {}
        self._killed = False
        sent = getattr(self, "_sent", None)
        super().start_call()
        if sent is not None:
            self.call_data_futures = sent
        self._call: object | None = object()
        if self.wait_for_workers_timeout:
            self.client.loop.add_callback(self._watch, self._call)

    def stop_call(self) -> None:
        """End a batch of fits, and keep what was sent."""
        self._call = None
        self._sent, self.call_data_futures = self.call_data_futures, WeakKeyDictionary()  # which joblib empties
        super().stop_call()
        self._dicts.clear()
