"""The searches on a Dask cluster of two processes: same results, data sent once, a death costs only a task."""

import os
import signal
import sys
import threading
import time

import dask
import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster, get_worker
from distributed.scheduler import KilledWorker
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.pruners import MedianPruner
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline

from sklearn_ml4fp import (
    BayesSearchCV,
    DaskBackend,
    EventKFold,
    EventSource,
    FeedForwardClassifier,
    OptunaSearchCV,
    PointClouds,
    predict_on_dask,
)

MORTAL = '''
import os, pathlib, signal, time
import numpy as np
from sklearn.linear_model import LogisticRegression

class Mortal(LogisticRegression):
    """The first fit with such a C writes its epitaph and dies; without an end to it, every one."""

    def __init__(self, C=1.0, epitaph=None, fatal=(0.0, np.inf), always=False):
        super().__init__(C=C)
        self.epitaph, self.fatal, self.always = epitaph, fatal, always

    def fit(self, X, y, sample_weight=None, groups=None):
        if self.epitaph is not None and self.fatal[0] < self.C < self.fatal[1]:
            written = pathlib.Path(self.epitaph)
            if self.always or not written.exists():
                with written.open("a") as file:
                    file.write("x")
                time.sleep(1)  # Dask does not start a worker again that dies before its nanny knows that it has started
                os.kill(os.getpid(), signal.SIGKILL)
        X = X.values[X.offsets[:-1]] if hasattr(X, "offsets") else X
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        return super().predict(X.values[X.offsets[:-1]] if hasattr(X, "offsets") else X)
'''


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """A class that the workers can import: they have our sys.path."""
    folder = tmp_path_factory.mktemp("classes")
    (folder / "mortal.py").write_text(MORTAL)
    sys.path.insert(0, str(folder))
    from mortal import Mortal

    yield Mortal
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def cluster(mortal):
    """Two processes that start again after their death, however long it takes.

    Dask gives up a worker that is absent 15 s after a death, be it that it has died once more: tests that kill would
    lose one after the other on a busy machine.
    """
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="module")
def connection(cluster):
    with Client(cluster) as client:
        yield client


@pytest.fixture
def client(connection):
    connection.wait_for_workers(2, timeout=200)  # seconds; a new worker takes three, and twenty on a busy machine
    return connection


def searches(estimator, name="C"):
    cv = EventKFold(2)
    grid = {name: [0.1, 0.4, 2.0, 5.0]}
    return {
        "grid": GridSearchCV(estimator, grid, cv=cv),
        "random": RandomizedSearchCV(estimator, grid, n_iter=3, cv=cv, random_state=0),
        "bayes": BayesSearchCV(estimator, {name: (0.1, 10.0, "log-uniform")}, n_iter=4, n_points=2, cv=cv,
                               optimizer_kwargs={"base_estimator": "ET"}, random_state=0),
        "optuna": OptunaSearchCV(estimator, {name: FloatDistribution(0.1, 10, log=True)}, n_iter=4, n_points=2, cv=cv,
                                 random_state=0),
    }  # fmt: skip


def fitted(search, X, y, event, w):
    search.fit(X, y, groups=event, sample_weight=w)
    return {name: column for name, column in search.cv_results_.items() if "time" not in name}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_dask_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-ml4fp\[dask\]"'):
        DaskBackend()


def test_a_client_is_needed():  # before any other test has opened one
    with pytest.raises(ValueError, match="first create a Dask Client"):
        DaskBackend()


@pytest.mark.parametrize("kind", ["grid", "random", "bayes", "optuna"])
def test_a_worker_that_is_killed_costs_only_its_task(client, mortal, two_blobs, routing, tmp_path, kind):
    """Killed by SIGKILL in the midst of a fit; the table is that of the search in this process."""
    X, y, event = two_blobs
    w = np.random.default_rng(0).uniform(0.5, 1.5, size=len(y))
    here = mortal().set_fit_request(sample_weight=True, groups=False).set_score_request(sample_weight=True)
    expected = fitted(searches(here)[kind], X, y, event, w)
    there = here.set_params(epitaph=str(tmp_path / "epitaph"), fatal=(0.2, 10.0))
    search = searches(there)[kind]
    search.set_params(refit=False)  # it would be fitted, and die, here
    with joblib.parallel_config(DaskBackend(client)):
        found = fitted(search, X, y, event, w)
    assert (tmp_path / "epitaph").read_text() == "x"
    assert_same(found, expected)


def test_a_cluster_of_one_core_makes_the_fits():
    """joblib's own backend makes them in this process then, though the cluster may be about to grow."""
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(DaskBackend(client)),
    ):
        names = joblib.Parallel()(joblib.delayed(lambda: threading.current_thread().name)() for _ in range(2))
    assert all("Dask" in name for name in names)


def test_a_cluster_that_has_lost_all_workers_ends_the_search():
    """Dask itself would wait for others for ever."""

    def leave():
        worker = get_worker()
        worker.loop.add_callback(worker.close)
        time.sleep(3)  # seconds; the scheduler learns of it, and has nobody to do this again

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(DaskBackend(client, wait_for_workers_timeout=1)),
        pytest.raises(TimeoutError, match="lost its last worker, and none came for 1 seconds"),
    ):
        joblib.Parallel()(joblib.delayed(leave)() for _ in range(2))


def test_networks_and_pruning(client, two_blobs):
    X, y, event = two_blobs
    w = np.random.default_rng(0).normal(1, 1, size=len(y))
    network = FeedForwardClassifier(width=8, n_layers=1, max_epochs=6, random_state=0, device="cpu")
    search = OptunaSearchCV(
        Pipeline([("network", network)]), {"network__lr": FloatDistribution(1e-5, 1e-1, log=True)}, n_iter=8, cv=2,
        n_points=2, pruner=MedianPruner(n_startup_trials=3, n_warmup_steps=2), random_state=0,
    )  # fmt: skip
    expected = fitted(search, X, y, event, w)
    assert expected["pruned"].any()
    with joblib.parallel_config(DaskBackend(client)):
        found = fitted(search, X, y, event, w)
    np.testing.assert_array_equal(found["params"], expected["params"])
    np.testing.assert_array_equal(found["pruned"], expected["pruned"])
    np.testing.assert_allclose(found["mean_test_score"], expected["mean_test_score"], atol=1e-6)


@pytest.mark.parametrize(("on", "kind"), [("dask", "optuna"), ("dask", "bayes"), ("loky", "optuna")])
def test_a_candidate_whose_processes_die_counts_as_failed(client, mortal, two_blobs, tmp_path, monkeypatch, on, kind):
    """As if it ran out of memory: every fit with that C kills its process, wherever it is done again."""
    X, y, _ = two_blobs
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)  # Dask's four deaths a task take long
    there = mortal(epitaph=str(tmp_path / "epitaph"), fatal=(3.0, 10.0), always=True)
    both = {"n_iter": 2, "n_points": 2, "cv": 2, "n_jobs": 2, "random_state": 0}
    if kind == "optuna":
        search = OptunaSearchCV(there, {"C": CategoricalDistribution([1.0, 4.0])}, **both)
    else:
        search = BayesSearchCV(there, {"C": [1.0, 4.0]}, **both)
    backend = DaskBackend(client) if on == "dask" else "loky"
    with joblib.parallel_config(backend), pytest.warns(FitFailedWarning):
        search.fit(X, y)
    failed = [params["C"] > 3 for params in search.cv_results_["params"]]
    assert True in failed
    np.testing.assert_array_equal(np.isnan(search.cv_results_["mean_test_score"]), failed)


def test_after_a_death_no_fit_of_the_call_runs_any_more(client, monkeypatch, tmp_path):
    """Another one that kills its worker would take along what the search does there next."""
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    begun, ended = tmp_path / "begun", tmp_path / "ended"

    def die():
        while not begun.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL)

    def last():
        begun.touch()
        time.sleep(2)  # seconds in which the search learns of the death
        ended.touch()

    with joblib.parallel_config(DaskBackend(client)), pytest.raises(KilledWorker):
        joblib.Parallel()(joblib.delayed(one)() for one in (die, last))
    assert ended.exists()


def test_workers_read_and_predict_the_parts_of_a_source(client, tmp_path):
    X = np.random.default_rng(0).normal(size=(100, 3))
    np.save(tmp_path / "events.npy", X)
    source = EventSource(tmp_path / "events.npy", features=["x0", "x1", "x2"])
    network = FeedForwardClassifier(width=8, max_epochs=1, random_state=0).fit(X, X[:, 0] > 0)
    scores = predict_on_dask(network, source, "predict_proba").compute()
    np.testing.assert_allclose(scores, network.predict_proba(X), rtol=1e-5, atol=1e-6)
    line = LinearRegression().fit(X, X[:, 0])  # y = x0
    of_process = source.map(lambda data: np.full((len(data), 3), os.getpid()))
    found = predict_on_dask(line, of_process).compute().round()
    assert set(found) <= set(client.run(os.getpid).values())


@pytest.fixture
def sent(monkeypatch):
    """Bytes that left this process: from the client to the scheduler, which lives here too, and from it to workers."""
    from distributed.comm.tcp import TCP

    total, write = [0], TCP.write

    async def counting(self, *args, **kwargs):
        n = await write(self, *args, **kwargs)
        total[0] += n
        return n

    monkeypatch.setattr(TCP, "write", counting)
    return total


@pytest.mark.parametrize("kind", ["grid", "optuna"])
@pytest.mark.parametrize("ragged", [False, True])
def test_data_is_sent_once(client, mortal, sent, routing, kind, ragged):
    n = 20_000
    rng = np.random.default_rng(0)
    X, y, w, event = rng.normal(size=(n, 10)), rng.integers(0, 2, n), rng.uniform(size=n), np.arange(n)
    of_data = X.nbytes
    if ragged:
        X = PointClouds(X, np.arange(n + 1))
        of_data += X.offsets.nbytes
    estimator = mortal().set_fit_request(sample_weight=True, groups=False).set_score_request(sample_weight=True)
    search = searches(estimator)[kind].set_params(refit=False)
    # events, labels, weights (of fit and of score), and the indices of two folds
    least = of_data + y.nbytes + 2 * w.nbytes + 2 * n * 8
    with joblib.parallel_config(DaskBackend(client)):
        search.fit(X, y, groups=event, sample_weight=w)
    # twice the least: to the scheduler, and from there to one worker, from which the other one gets it; and once more,
    # where both ask before one has it. Each of the 8 fits would have made it 8 times.
    assert least < sent[0] < 3.5 * least
