"""The searches on a Dask cluster of two processes: same results, data sent once, a death costs only a task."""

import sys
import threading
from contextlib import ExitStack

import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.pruners import MedianPruner
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline

from sklearn_ml4fp import BayesSearchCV, DaskBackend, EventKFold, FeedForwardClassifier, OptunaSearchCV, PointClouds

MORTAL = '''
import os, pathlib, signal
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


class Clusters:
    """One cluster after the other: tests kill workers, and not every one comes back."""

    def __init__(self):
        self.open = ExitStack()
        self.client = None

    def ready(self):
        if self.client is not None:
            try:
                self.client.wait_for_workers(2, timeout=20)  # seconds; a new worker takes about three
                return self.client
            except TimeoutError:
                self.open.close()
        cluster = self.open.enter_context(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))
        self.client = self.open.enter_context(Client(cluster))
        self.client.wait_for_workers(2, timeout=120)
        return self.client


@pytest.fixture(scope="module")
def clusters(mortal):
    clusters = Clusters()
    with clusters.open:
        yield clusters


@pytest.fixture
def client(clusters):
    return clusters.ready()


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
