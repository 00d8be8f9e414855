"""scikit-learn's own callbacks (1.9 and later) see every epoch."""

import pickle

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import FeedForwardClassifier

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has no callbacks")


class Recorder:
    """Writes down every task; stops the training at an epoch."""

    def __init__(self, stop_at=None):
        self.stop_at = stop_at
        self.tasks = []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context, *, X=None, fitted_estimator=None):
        self.tasks.append((context.task_name, context.task_id, len(X)))

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        if context.task_name == "epoch":
            self.tasks[-1] += (fitted_estimator.predict(X[:5]).shape,)
            return context.task_id == self.stop_at
        return False


def network(**parameters):
    return FeedForwardClassifier(**{"width": 8, "max_epochs": 4, "random_state": 0, "device": "cpu", **parameters})


def test_a_callback_sees_the_epochs_and_a_network_that_predicts(two_blobs):
    X, y, _ = two_blobs
    recorder = Recorder()
    fitted = network().set_callbacks(recorder).fit(X, y)
    assert recorder.tasks == [("fit", 0, 400)] + [("epoch", i, 400, (5,)) for i in range(4)]
    assert fitted.n_iter_ == 4


def test_a_callback_stops_the_training(two_blobs):
    X, y, _ = two_blobs
    assert network().set_callbacks(Recorder(stop_at=1)).fit(X, y).n_iter_ == 2


def test_nothing_of_the_callbacks_stays_in_the_network(two_blobs):
    X, y, _ = two_blobs
    fitted = network().set_callbacks(Recorder()).fit(X, y)
    assert not hasattr(fitted, "_callback_fit_ctx")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))


def test_scoring_monitor_follows_a_metric(two_blobs):
    X, y, _ = two_blobs
    w = np.random.default_rng(0).exponential(size=len(y))
    monitor = callback.ScoringMonitor(scoring="roc_auc")
    fitted = network(early_stopping=False).set_callbacks(monitor).fit(X, y, sample_weight=w)
    table = monitor.get_logs().data_as_pandas
    assert (table["task_name"] == "epoch").sum() == 4
    expected = roc_auc_score(y, fitted.predict_proba(X)[:, 1], sample_weight=w)
    assert table["roc_auc"].iloc[-1] == pytest.approx(expected)


def test_one_progress_bar_spans_search_folds_and_epochs(two_blobs, capsys):
    X, y, _ = two_blobs
    search = GridSearchCV(make_pipeline(StandardScaler(), network()), {"feedforwardclassifier__width": [4, 8]}, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, y)
    shown = capsys.readouterr().out
    assert "GridSearchCV" in shown
    assert "FeedForwardClassifier" in shown
