"""Scores of a cross-fit: each model is asked once, and what it has answered is true of the events alone."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score

from sklearn_ml4fp import CrossFitClassifier, EventKFold

asked: list[int] = []


class Asked(LogisticRegression):
    """Writes down of how many events it is asked for the decision function."""

    def decision_function(self, X):
        asked.append(len(X))
        return super().decision_function(X)


@pytest.fixture
def events():
    rng = np.random.default_rng(0)
    X, y, ids = rng.normal(size=(120, 2)), rng.integers(0, 2, 120), np.arange(120)
    return X + y[:, None], y, ids


def test_each_model_is_asked_once(events):
    X, y, ids = events
    asked.clear()
    model = CrossFitClassifier(Asked(), cv=EventKFold(3), scoring="roc_auc").fit(X, y, groups=ids)
    folds = model.cv_.assign(ids)
    assert asked == np.bincount(folds).tolist()
    scores = model.decision_function(X, groups=ids)
    assert model.oof_score_ == roc_auc_score(y, scores)
    assert model.fold_scores_.tolist() == [roc_auc_score(y[folds == i], scores[folds == i]) for i in range(3)]


def worst(model, X, y):
    """The accuracy, and that of turned events, of which the lower counts."""
    return min(accuracy_score(y, model.predict(X)), accuracy_score(y, model.predict(-X)))


def test_changed_events_of_a_scorer_are_asked_for_by_themselves(events):
    X, y, ids = events
    model = CrossFitClassifier(LogisticRegression(), cv=EventKFold(3), scoring=worst).fit(X, y, groups=ids)
    assert model.oof_score_ == accuracy_score(y, model.predict(-X, groups=ids)) < 0.5
