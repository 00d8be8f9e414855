"""Cross-fitting on sources: the folds, models and scores are those in memory, and nothing leaks."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    CrossFitClassifier,
    CrossFitRegressor,
    EventKFold,
    EventSource,
    FeedForwardClassifier,
    FeedForwardRegressor,
    ZScoreScaler,
    roc_auc_scorer,
)

N = 4000
RNG = np.random.default_rng(2)
LABEL = RNG.integers(0, 2, N)
FRAME = pd.DataFrame(RNG.normal(size=(N, 3)), columns=list("abc")).assign(
    label=LABEL, number=RNG.normal(size=N), weight=RNG.choice([1.5, -0.4, 0.8], N), event=np.arange(N) // 2
)
FRAME["a"] += LABEL
FRAME["number"] += 3 * FRAME["b"]
FULL = {"width": 4, "n_layers": 1, "batch_size": N, "max_epochs": 3, "lr": 0.02, "random_state": 0}


def write(path, frame):
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=200)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("cross_fit") / "x.parquet", FRAME)


def source_of(path, memory=2**14, **roles):
    return EventSource(
        path, **{"features": list("abc"), "target": "label", "event_id": "event", **roles}, memory=memory
    )


@pytest.mark.parametrize("weight", [None, "weight"])
def test_a_classifier_is_the_one_in_memory(path, weight):
    model = CrossFitClassifier(
        make_pipeline(ZScoreScaler(), FeedForwardClassifier(**FULL)), cv=2, scoring=roc_auc_scorer
    )
    events = source_of(path, weight=weight).read()
    model.fit(events.data, events.target, groups=events.groups, sample_weight=events.sample_weight)
    wanted = model.predict_proba(events.data, groups=events.groups), model.fold_scores_, model.oof_score_
    small = source_of(path, weight=weight)
    assert model.fit(small) is model
    np.testing.assert_allclose(model.predict_proba(small), wanted[0], atol=2e-3)
    np.testing.assert_allclose(model.predict_proba(events.data, groups=events.groups), model.predict_proba(small))
    np.testing.assert_allclose(model.fold_scores_, wanted[1], atol=2e-3)
    assert model.oof_score_ == pytest.approx(wanted[2], abs=2e-3)
    assert model.score(small) == pytest.approx(model.oof_score_)
    assert np.array_equal(model.predict(small), model.predict(events.data, groups=events.groups))


def test_a_regressor(path):
    model = CrossFitRegressor(FeedForwardRegressor(**FULL), cv=EventKFold(2)).fit(source_of(path, target="number"))
    events = source_of(path, target="number").read()
    assert model.oof_score_ == pytest.approx(model.score(events.data, events.target, groups=events.groups))
    assert model.predict(source_of(path, entries=(0, 10))).shape == (10,)


def test_standard_deviations(path):
    source = source_of(path, target="number")
    model = CrossFitRegressor(FeedForwardRegressor(**{**FULL, "max_epochs": 1}, loss="gaussian_nll"), cv=2).fit(source)
    events = source.read()
    for mine, wanted in zip(
        model.predict(source, return_std=True),
        model.predict(events.data, groups=events.groups, return_std=True),
        strict=True,
    ):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5)


def test_what_fits_into_memory_is_read(path):
    events = source_of(path).read()
    model = CrossFitClassifier(LogisticRegression(), cv=3)
    wanted = model.fit(events.data, events.target, groups=events.groups).predict_proba(
        events.data, groups=events.groups
    )
    np.testing.assert_array_equal(model.fit(source_of(path, memory=2**20)).predict_proba(source_of(path)), wanted)


def test_no_event_is_scored_by_a_model_that_has_seen_it(tmp_path):
    """Rows of an event are near-copies, and labels are noise: out of fold nothing can be known."""
    rows, n = 4, 400
    X = RNG.normal(size=(n, 3)).repeat(rows, axis=0) + 1e-4 * RNG.normal(size=(n * rows, 3))
    frame = pd.DataFrame(X, columns=list("abc")).assign(
        label=RNG.integers(0, 2, n).repeat(rows), event=np.arange(n).repeat(rows)
    )
    path = write(tmp_path / "x.parquet", frame.sample(frac=1, random_state=0))
    network = FeedForwardClassifier(
        width=64, n_layers=2, lr=0.01, max_epochs=25, batch_size=64, early_stopping=False, random_state=0
    )
    model = CrossFitClassifier(network, cv=2, scoring=roc_auc_scorer).fit(source_of(path, memory=4000))
    assert abs(model.oof_score_ - 0.5) < 0.1
    assert model.estimators_[0].history_["train_loss"][-1] < 0.6


@pytest.mark.parametrize(
    ("roles", "given", "match"),
    [
        ({"event_id": None}, {}, "event_id"),
        ({"target": None}, {}, "y to be passed"),
        ({}, {"y": LABEL}, "y came as well"),
        ({}, {"groups": FRAME.event}, "groups came as well"),
        ({"cut": "a > 1000"}, {}, "no event"),
        ({"cut": "label == 1"}, {}, "class"),
    ],
    ids=["ids", "target", "y", "groups", "nothing", "one class"],
)
def test_what_a_source_must_say(path, roles, given, match):
    with pytest.raises(ValueError, match=match):
        CrossFitClassifier(FeedForwardClassifier(**FULL), cv=2).fit(source_of(path, **roles), **given)


@pytest.mark.parametrize(
    "model",
    [LogisticRegression(), make_pipeline(ZScoreScaler(), LogisticRegression())],
    ids=["scikit-learn", "a pipeline that ends in it"],
)
def test_models_for_arrays(path, model):
    with pytest.raises(TypeError, match=r"LogisticRegression takes arrays.*source\.read\(\)"):
        CrossFitClassifier(model, cv=2).fit(source_of(path))


def test_a_step_for_arrays(path):
    model = make_pipeline(StandardScaler(), FeedForwardClassifier(**FULL))
    with pytest.raises(TypeError, match=r"not in memory.*source\.read\(\)"):
        CrossFitClassifier(model, cv=2).fit(source_of(path))


def test_an_empty_fold(path):
    with pytest.raises(ValueError, match="no event in fold"):
        CrossFitClassifier(FeedForwardClassifier(**FULL), cv=2).fit(source_of(path, cut="event == 3", memory=8))
