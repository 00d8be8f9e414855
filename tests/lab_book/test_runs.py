"""Every fit is a run, and what is fitted inside of it belongs to it; read with MLflow's own client."""

import itertools
import json
import shutil
import warnings
from pathlib import Path

import joblib
import numpy as np
import optuna
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch.callbacks import Callback

import sklearn_ml4fp
from sklearn_ml4fp import (
    BayesSearchCV,
    CrossFitClassifier,
    DropOutliers,
    FeedForwardClassifier,
    LabBook,
    MissingValueImputer,
    OptunaSearchCV,
    Resampled,
)
from sklearn_ml4fp._recording import recorders
from sklearn_ml4fp.lab_book._outcome import is_kept

LR = {"lr": [0.001, 0.01]}


def all_runs(store):
    client = MlflowClient(f"sqlite:///{store}")
    experiment = client.get_experiment_by_name("lab book")
    return client, client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])


def children(runs, parent):
    found = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    return sorted(found, key=lambda run: run.info.run_name)


def test_a_fit_is_a_run(store, table, network):
    X, y, w, _ = table
    frame = pd.DataFrame(X, columns=["met", "ht", "mass", "eta"])
    network.set_params(metrics=["roc_auc"])
    with LabBook(store) as book:
        network.fit(frame, y, sample_weight=w)
    client, (run,) = all_runs(store)
    assert run.info.status == "FINISHED"
    assert run.data.params["lr"] == "0.001"
    assert run.data.params["optimizer"] == "adam"
    assert set(run.data.params) == {"class", *network.get_params()}
    for name in ("train_loss", "valid_loss", "valid_roc_auc", "lr", "gradient_norm", "events_per_second"):
        points = client.get_metric_history(run.info.run_id, name)
        np.testing.assert_array_equal([point.value for point in points], network.history_[name])
        assert [point.step for point in points] == [1, 2, 3]
    best = np.argmin(network.history_["valid_loss"])
    assert run.data.metrics["score.valid_roc_auc"] == network.history_["valid_roc_auc"][best]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        "history.json",
        "loss_curve.png",
        "model.skops",
        "record.json",
    }
    tags = run.data.tags
    assert tags["device"] == str(network.net_.device)
    assert "random_state=0" in tags["seeds"]
    assert f"sklearn_ml4fp {sklearn_ml4fp.__version__}" in tags["versions"]
    assert tags["data"].startswith(f"200 × 4, Σw = {w.sum():.6g}, ")
    assert len(tags["mlflow.source.git.commit"]) == 40
    assert tags["git_tree"] in ("clean", "with changes that are not committed")
    record = json.loads(book._store.file(run, "record.json").read_text())
    assert list(record["data"]["X"]["columns"]) == ["met", "ht", "mass", "eta"]
    assert record["data"]["sample_weight"]["sum"] == w.sum()
    row = book.runs().loc[run.info.run_id]
    assert row["status"] == "FINISHED"
    assert row["score.valid_loss"] == network.history_["valid_loss"][best]
    np.testing.assert_array_equal(book.model(run.info.run_id[:8]).predict_proba(frame), network.predict_proba(frame))


@pytest.mark.parametrize("wrap", ["pipeline", "resampled", "both"])
def test_a_composition_is_one_run_with_the_epochs_of_its_network(wrap, store, table, network):
    X, y, _, _ = table
    inner = Resampled(DropOutliers(), network) if wrap != "pipeline" else network
    model = make_pipeline(MissingValueImputer(), inner) if wrap != "resampled" else inner
    with LabBook(store) as book:
        model.fit(X, y)
    client, (run,) = all_runs(store)
    names = {name for name in model.get_params() if name != "steps"}
    assert set(run.data.params) == {"class", *names}
    assert len(client.get_metric_history(run.info.run_id, "train_loss")) == 3
    assert "loss_curve.png" in {file.path for file in client.list_artifacts(run.info.run_id)}
    np.testing.assert_array_equal(book.model(run.info.run_id).predict(X), model.predict(X))


def test_a_training_that_runs_can_be_followed(store, table, network, monkeypatch):
    monkeypatch.setattr("sklearn_ml4fp.lab_book._recorder._INTERVAL", 0.0)  # seconds
    seen = []

    class Look(Callback):
        def on_epoch_end(self, net, **kwargs):
            client, (run,) = all_runs(store)
            points = client.get_metric_history(run.info.run_id, "valid_loss")
            seen.append((run.info.status, len(points), run.data.params.get("width")))

    with LabBook(store):
        network.set_params(callbacks=[Look()]).fit(*table[:2])
    assert seen == [("RUNNING", 0, None), ("RUNNING", 1, "8"), ("RUNNING", 2, "8")]
    client, (run,) = all_runs(store)
    points = client.get_metric_history(run.info.run_id, "valid_loss")
    np.testing.assert_array_equal([point.value for point in points], network.history_["valid_loss"])
    assert all(a.timestamp < b.timestamp for a, b in itertools.pairwise(points))


def test_a_warm_start_records_its_own_epochs(store, table, network):
    with LabBook(store):
        network.set_params(warm_start=True).fit(*table[:2]).fit(*table[:2])
    client, runs = all_runs(store)
    points = [client.get_metric_history(run.info.run_id, "train_loss") for run in runs]
    assert [[point.step for point in one] for one in points] == [[1, 2, 3], [4, 5, 6]]


def test_without_anything_of_ours_nothing_is_recorded(store, table):
    X, y, _, _ = table
    with LabBook(store):
        make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, y)
    assert not all_runs(store)[1]


SEARCHES = {
    "grid": lambda one: GridSearchCV(one, LR, cv=2),
    "random": lambda one: RandomizedSearchCV(one, {"lr": [0.001]}, n_iter=1, cv=2, error_score="raise"),
    "bayes": lambda one: BayesSearchCV(one, {"lr": [0.001, 0.01]}, n_iter=2, cv=2, random_state=0),
    "pruned": lambda one: OptunaSearchCV(
        one, {"lr": [0.001, 0.01]}, n_iter=2, cv=2, pruner=optuna.pruners.NopPruner(), random_state=0
    ),
}


@pytest.mark.parametrize("kind", SEARCHES)
def test_candidates_are_children_of_their_search_and_folds_of_their_candidate(kind, store, table, network):
    X, y, _, _ = table
    search = SEARCHES[kind](network)
    with LabBook(store) as book:
        search.fit(X, y)
    client, runs = all_runs(store)
    (top,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert top.data.metrics["score.best_score"] == search.best_score_
    assert len(client.get_metric_history(top.info.run_id, "train_loss")) == 3  # of the refit
    candidates = children(runs, top)
    assert [run.info.run_name for run in candidates] == [f"candidate {i + 1}" for i in range(len(candidates))]
    results = search.cv_results_
    assert [run.data.params["lr"] for run in candidates] == [str(one["lr"]) for one in results["params"]]
    for i, candidate in enumerate(candidates):
        assert candidate.data.metrics["score.mean_test_score"] == results["mean_test_score"][i]
        folds = children(runs, candidate)
        assert [run.info.run_name for run in folds] == ["fold 1", "fold 2"]
        scores = [run.data.metrics["score.test_score"] for run in folds]
        assert scores == [results[f"split{fold}_test_score"][i] for fold in range(2)]
        assert {run.data.params["lr"] for run in folds} == {candidate.data.params["lr"]}
    assert len(runs) == 1 + 3 * len(candidates)
    assert len(book.runs(of=top.info.run_id)) == len(candidates)
    assert len(book.runs()) == 1


def test_worker_processes_write_into_the_same_lab_book(store, table, network):
    """Of a search of scikit-learn over a Pipeline, of a cross-fit, and of a loop of the user's own."""
    X, y, _, ids = table
    model = make_pipeline(StandardScaler(), network)
    grid = GridSearchCV(model, {"feedforwardclassifier__lr": [0.001, 0.01]}, cv=2, n_jobs=2)
    with LabBook(store):
        grid.fit(X, y)
        CrossFitClassifier(network, cv=2, n_jobs=2).fit(X, y, groups=ids)
        joblib.Parallel(n_jobs=2)(joblib.delayed(network.fit)(X, y) for _ in range(2))
    _, runs = all_runs(store)
    tops = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert [len(children(runs, top)) for top in tops] == [2, 2, 0, 0]
    candidates = children(runs, tops[0])
    folds = [fold for candidate in candidates for fold in children(runs, candidate)]
    assert [run.data.metrics["score.test_score"] for run in folds] == [
        grid.cv_results_[f"split{fold}_test_score"][i] for i in range(2) for fold in range(2)
    ]
    assert {run.data.params["standardscaler__with_mean"] for run in folds} == {"True"}
    assert {run.data.tags["pid"] for run in folds}.isdisjoint({tops[0].data.tags["pid"]})
    assert [run.info.run_name for run in children(runs, tops[1])] == ["fit 1", "fit 2"]


def test_several_networks_in_one_fit_are_its_children(store, table, network):
    X, y, _, _ = table
    with LabBook(store):
        BaggingClassifier(network, n_estimators=2, random_state=0).fit(X, y)
        with joblib.parallel_config("threading", n_jobs=2):
            CrossFitClassifier(network, cv=2).fit(X, y)
        cross_validate(network, X, y, cv=2)
        FeedForwardClassifier(width=4, n_layers=1, max_epochs=1, n_members=2, random_state=0).fit(X, y)
    client, runs = all_runs(store)
    tops = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert [len(children(runs, top)) for top in tops] == [2, 2, 0, 0, 2]
    pictures = ["loss_curve.png" in {file.path for file in client.list_artifacts(run.info.run_id)} for run in tops]
    assert pictures == [False, True, True, True, True]
    assert tops[1].data.metrics.keys() >= {"score.oof_score", "score.fold_0_score", "score.fold_1_score"}


def test_models_of_folds_are_kept_on_request(store, table, network):
    X, y, _, _ = table
    for fold_models in (False, True):
        with LabBook(store, experiment=f"{fold_models}", fold_models=fold_models) as book:
            CrossFitClassifier(network, cv=2).fit(X, y)
        fold = book.runs(of=book.runs().index[0]).index[0]
        if fold_models:
            assert book.model(fold).predict(X).shape == y.shape
        else:
            with pytest.raises(ValueError, match=r"has no model: it is inside of another run.*fold_models=True"):
                book.model(fold)


def test_a_fit_that_fails_and_one_that_is_interrupted(store, table, network):
    X, y, _, _ = table

    class Interrupted(FeedForwardClassifier):
        def _build(self, *args, **kwargs):
            raise KeyboardInterrupt

    with LabBook(store) as book:
        with pytest.raises(ValueError, match="NaN"):
            network.fit(np.full_like(X, np.nan), y)
        with pytest.raises(KeyboardInterrupt):
            Interrupted(random_state=0).fit(X, y)
        with pytest.raises(ValueError, match="All the 2 fits failed"), warnings.catch_warnings(action="ignore"):
            GridSearchCV(network, {"lr": [-1.0]}, cv=2).fit(X, y)
    _, runs = all_runs(store)
    assert [run.info.status for run in runs] == ["FAILED", "KILLED", *["FAILED"] * 4]
    assert runs[0].data.tags["error"].startswith("ValueError: ")
    with pytest.raises(ValueError, match=r"has no model: it is FAILED\. Pass estimator="):
        book.model(runs[0].info.run_id)


def test_a_model_that_cannot_be_kept_says_why(store, table, network):
    X, y, _, _ = table
    with LabBook(store) as book:
        make_pipeline(FunctionTransformer(lambda X: X), network).fit(X, y)
    with pytest.raises(ValueError, match=r"has no model: .*function.*cannot be kept"):
        book.model(book.runs().index[0])


def test_an_error_of_the_lab_book_is_a_warning(store, table, network):
    X, y, _, _ = table
    book = LabBook(store).start()
    Path(store).write_bytes(b"no database" * 1000)
    try:
        with pytest.warns(UserWarning, match="The lab book could not record the fit of FeedForwardClassifier"):
            network.fit(X, y)
    finally:
        with pytest.raises(Exception, match="database"):
            book.stop()
    assert network.predict(X).shape == y.shape
    assert not recorders


def test_an_error_at_the_end_of_a_search_in_a_pipeline_is_a_warning(store, table, network, monkeypatch):
    X, y, _, _ = table

    def fail(*args):
        raise OSError("the disk is full")

    model = make_pipeline(StandardScaler(), GridSearchCV(network, LR, cv=2))
    with LabBook(store):
        monkeypatch.setattr("sklearn_ml4fp.lab_book._store.Store.end", fail)
        with pytest.warns(UserWarning, match=r"the result of GridSearchCV \(OSError: the disk is full"):
            model.fit(X, y)
        monkeypatch.undo()
    assert model.predict(X).shape == y.shape


def test_everything_is_as_before_when_it_is_closed(new_store, store, table, network):
    kinds = [GridSearchCV, BaggingClassifier, joblib.Parallel]
    before = [kind.__dict__.get("fit", kind.__call__) for kind in kinds], GridSearchCV.fit, joblib.Parallel.__call__
    book = LabBook(store)
    assert book.start() is book.start()
    assert GridSearchCV.fit is not before[1]
    with LabBook(shutil.copy(new_store, Path(store).with_name("other.db"))):
        book.stop()
        network.fit(*table[:2])
    assert len(all_runs(Path(store).with_name("other.db"))[1]) == 1
    assert not all_runs(store)[1]
    book.stop()
    now = [kind.__dict__.get("fit", kind.__call__) for kind in kinds], GridSearchCV.fit, joblib.Parallel.__call__
    assert now == before
    assert not recorders


def test_a_lab_book_that_was_moved(store, table, network):
    X, y, _, _ = table
    folder = Path(store).parent / "first"
    folder.mkdir()
    with LabBook(shutil.copy(store, folder / "runs.db")):
        network.fit(X, y)
    folder = folder.rename(folder.with_name("second"))
    book = LabBook(folder / "runs.db")
    np.testing.assert_array_equal(book.model(book.runs().index[0]).predict(X), network.predict(X))


def test_a_long_training_has_few_points_in_the_store():
    kept = [i for i in range(1, 12_001) if is_kept(i)]
    assert kept[:200] == list(range(1, 201))
    assert kept[200:203] == [202, 204, 206]
    assert len(kept) < 900


def test_unknown_runs(store, table, network):
    with LabBook(store) as book:
        network.fit(*table[:2])
    for name in ("0" * 32, "not there"):
        with pytest.raises(ValueError, match="see runs"):
            book.model(name)
    with pytest.raises(TypeError, match="expected the id of a run"):
        book.runs(of=3)
    with pytest.raises(TypeError, match="expected an estimator"):
        book.reproduce(book.runs().index[0], *table[:2], estimator=FeedForwardClassifier)


def test_numbers_that_come_after_the_fits_are_a_run(store):
    """With every digit, and beside the fits, which stay the runs that they were."""
    book = LabBook(store)
    ids = [book.add("result", {"mu": value, "n_events": np.int64(7)}, params={"cut": 0.5}) for value in (1 / 3, 2 / 3)]
    runs = book.runs()
    assert list(runs.index) == ids[::-1]
    assert runs.loc[ids[0], "score.mu"] == 1 / 3
    assert runs.loc[ids[0], ["name", "kind", "status", "params.cut", "score.n_events"]].tolist() == [
        "result", "result", "FINISHED", "0.5", 7.0,
    ]  # fmt: skip
    with pytest.raises(TypeError, match=r"scores\['mu'\]='1.0': expected a number"):
        book.add("result", {"mu": "1.0"})
    with pytest.raises(ValueError, match="numbers that were added"):
        book.compare(*ids)
