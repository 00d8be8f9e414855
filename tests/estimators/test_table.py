"""TableClassifier and TableRegressor: frames with gaps, categories and text, as they are."""

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV

from sklearn_ml4fp import (
    AutoScaler,
    CrossFitClassifier,
    EventKFold,
    MissingValueImputer,
    TableClassifier,
    TableRegressor,
    load_events,
    load_model,
    roc_auc_score,
    save_model,
    to_onnx,
)

N = 240
RNG = np.random.default_rng(0)
QUICK = {"width": 16, "n_layers": 1, "max_epochs": 15, "batch_size": 32, "random_state": 0, "device": "cpu"}


def frame_of(n=N, seed=0):
    """Numbers with gaps, of two very different sizes, and three kinds of categories: few, many and flags."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "pt": 1000 * rng.lognormal(size=n),
            "eta": rng.normal(size=n),
            "region": pd.Categorical(rng.choice(["barrel", "endcap", "forward"], n)),
            "run": [f"run {i}" for i in rng.integers(0, 20, n)],
            "isolated": rng.uniform(size=n) < 0.5,
        }
    )
    frame.loc[::7, "eta"] = np.nan
    return frame


def target_of(frame):
    """What needs each of them: the region, half of the runs, and whether a number is missing."""
    odd = frame["run"].str[-1].isin(list("13579"))
    return ((frame["region"] == "barrel") ^ odd ^ frame["eta"].isna()).to_numpy()


FRAME, TEST = frame_of(600), frame_of(300, seed=1)
Y, Y_TEST = target_of(FRAME), target_of(TEST)


def test_categories_text_and_gaps_are_learned_from():
    """A parity of all three kinds, of which each alone says nothing."""
    model = TableClassifier(random_state=0, device="cpu", width=64, n_members=1).fit(FRAME, Y)
    assert model.score(TEST, Y_TEST) > 0.9
    assert [len(one) for one in model._fitted.input.levels.values()] == [3, 20]


def as_polars(frame):
    text = {"region": pl.Categorical, "run": pl.String}
    return pl.DataFrame(
        {
            name: pl.Series(
                name, column.to_numpy() if name != "region" else column.astype(str).to_list(), nan_to_null=True
            )
            for name, column in frame.items()
        }
    ).with_columns([pl.col(name).cast(kind) for name, kind in text.items()])


@pytest.mark.parametrize("kind", ["category", "object", "str", "polars"])
def test_every_type_of_a_column_of_text_is_the_same(kind):
    frame = as_polars(FRAME) if kind == "polars" else FRAME.astype({"region": kind, "run": kind})
    test = as_polars(TEST) if kind == "polars" else TEST.astype({"region": kind, "run": kind})
    settings = {**QUICK, "max_epochs": 2, "n_members": 1}
    reference = TableClassifier(**settings).fit(FRAME, Y).predict_proba(TEST)
    assert_array_equal(TableClassifier(**settings).fit(frame, Y).predict_proba(test), reference)


def test_the_order_of_categories_and_of_events_does_not_matter_in_predictions():
    model = TableClassifier(**{**QUICK, "max_epochs": 2}).fit(FRAME, Y)
    turned = TEST.assign(region=TEST["region"].cat.reorder_categories(["forward", "barrel", "endcap"]))
    expected = model.predict_proba(TEST)
    assert_array_equal(model.predict_proba(turned), expected)
    assert_allclose(model.predict_proba(TEST[::-1])[::-1], expected, rtol=1e-6)
    assert_allclose(model.predict_proba(TEST[:1]), expected[:1], rtol=1e-6)


def test_a_missing_category_is_one_and_a_new_one_is_none():
    frame = FRAME.astype({"region": object, "run": object})
    gaps = frame.copy()
    gaps.loc[::5, "region"] = None
    y = gaps["region"].isna().to_numpy()
    model = TableClassifier(**QUICK, n_members=1, lr=0.05).fit(gaps, y)
    assert model.score(gaps, y) > 0.95
    new = gaps.assign(region=np.where(y, "cavern", gaps["region"]))
    assert_array_equal(
        model.predict_proba(new), model.predict_proba(gaps.assign(region=gaps["region"].where(~y, None)))
    )
    whole = TableClassifier(**{**QUICK, "max_epochs": 1}, n_members=1).fit(frame, y)
    assert np.isfinite(whole.predict_proba(new)).all()


def test_numbers_are_those_behind_auto_scaler_and_imputer():
    """The first layer against the steps of a pipeline, with signed weights."""
    X, w = load_events().data[:500], np.random.default_rng(0).normal(1, 0.5, 500)
    model = TableClassifier(**{**QUICK, "max_epochs": 1}, n_members=1, early_stopping=False)
    model.fit(X, np.arange(500) % 2, sample_weight=w)
    scaled = AutoScaler().fit(X, sample_weight=w).transform(X)
    expected = MissingValueImputer(add_indicator=True).fit(scaled, sample_weight=w).transform(scaled)
    module = model.net_.module_.embedding
    assert_allclose(module(torch.from_numpy(X.astype(np.float32))).numpy(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "parameters", [{"scaling": None}, {"scaling": "robust"}, {"num_embedding": "piecewise"}], ids=str
)
def test_weights_of_zero_take_part_in_nothing(parameters):
    """Also where a column has no value left, and where a column has gaps in such events alone."""
    settings = {
        **QUICK,
        "optimizer": "sgd",
        "dropout": 0.0,
        "batch_size": 1000,
        "early_stopping": False,
        "max_epochs": 3,
    }
    X = np.column_stack([RNG.normal(size=(60, 3)), np.full(60, np.nan)]).astype(np.float32)
    X[::4, 1] = np.nan
    y, far = (X[:, 0] > 0).astype(int), X + 100
    far[:, 0] = np.nan
    plain = TableClassifier(**settings, **parameters, n_members=1).fit(X, y).predict_proba(X)
    weights = np.repeat([1.0, 0.0], 60)
    both = TableClassifier(**settings, **parameters, n_members=1)
    both.fit(np.vstack([X, far]), np.tile(y, 2), sample_weight=weights)
    assert_allclose(both.predict_proba(X), plain, rtol=1e-3, atol=1e-4)


def test_members_of_numbers_with_gaps_are_each_as_alone():
    X = load_events().data[:300]
    y = np.arange(300) % 2
    model = TableClassifier(**{**QUICK, "max_epochs": 3}, n_members=3).fit(X, y)
    one = model.members_[1]
    alone = TableClassifier(**{**QUICK, "max_epochs": 3, "n_members": 1, "random_state": one.random_state}).fit(X, y)
    assert_allclose(alone.predict_proba(X), one.predict_proba(X), rtol=1e-3, atol=1e-4)


def test_regression_of_several_numbers_with_categories():
    y = np.column_stack([100 + 10 * (FRAME["region"] == "barrel"), np.where(FRAME["eta"].isna(), 5.0, -5.0)])
    model = TableRegressor(**{**QUICK, "max_epochs": 31, "width": 32}, n_members=2).fit(FRAME, y)
    truth = np.column_stack([100 + 10 * (TEST["region"] == "barrel"), np.where(TEST["eta"].isna(), 5.0, -5.0)])
    assert model.score(TEST, truth) > 0.9
    mean, std = model.predict(TEST, return_std=True)
    assert mean.shape == std.shape == (300, 2)


def test_searches_and_cross_fits_slice_frames():
    search = GridSearchCV(TableClassifier(**{**QUICK, "max_epochs": 1}, n_members=1), {"width": [4, 8]}, cv=2)
    assert np.isfinite(search.fit(FRAME, Y).cv_results_["mean_test_score"]).all()
    cross = CrossFitClassifier(TableClassifier(**{**QUICK, "max_epochs": 1}, n_members=1), cv=EventKFold(2))
    cross.fit(FRAME, Y, groups=np.arange(len(FRAME)))
    assert cross.predict_proba(FRAME, groups=np.arange(len(FRAME))).shape == (600, 2)


def test_a_model_file_keeps_the_categories(tmp_path):
    model = TableClassifier(**{**QUICK, "max_epochs": 2}, n_members=2).fit(FRAME, Y)
    save_model(model, tmp_path / "model.skops")
    assert_array_equal(load_model(tmp_path / "model.skops").predict_proba(TEST), model.predict_proba(TEST))


def test_categories_may_be_intervals_and_numbers(tmp_path):
    frame = pd.DataFrame({"bin": pd.cut(FRAME["pt"], [0, 500, 1000, 1e9]), "run": FRAME["run"].str[4:].astype(int)})
    frame = frame.astype({"run": "category"})
    model = TableClassifier(**{**QUICK, "max_epochs": 1}, n_members=1).fit(frame, Y)
    assert model._fitted.input.levels[1] == list(range(20))
    assert len(model._fitted.input.levels[0]) == 3
    save_model(model, tmp_path / "model.skops")
    assert_array_equal(load_model(tmp_path / "model.skops").predict_proba(frame), model.predict_proba(frame))


def test_a_graph_takes_numbers_with_gaps_and_refuses_categories(tmp_path):
    X = load_events().data[:200]
    model = TableClassifier(**{**QUICK, "max_epochs": 1}, n_members=2).fit(X, np.arange(200) % 2)
    to_onnx(model, X, tmp_path / "model.onnx")
    graph = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (name,) = (one.name for one in graph.get_inputs())
    found = graph.run(["probabilities"], {name: X.astype(np.float32)})[0]
    assert_allclose(found, model.predict_proba(X), atol=1e-5)
    with pytest.raises(TypeError, match=r"categories or dates in the columns \['region', 'run'\]: expected numbers"):
        to_onnx(TableClassifier(**{**QUICK, "max_epochs": 1}, n_members=1).fit(FRAME, Y), FRAME, tmp_path / "x.onnx")


def test_other_columns_than_those_of_fit_are_named():
    model = TableClassifier(**{**QUICK, "max_epochs": 1}, n_members=1).fit(FRAME, Y)
    with pytest.raises(ValueError, match=r"no categories in its column 2, .* fitted on the categories \['barrel'"):
        model.predict(TEST.assign(region=1.0))
    with pytest.raises(ValueError, match=r"text in the columns 'eta' \('forward'\)"):
        model.predict(TEST.assign(eta="forward"))
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(TEST[TEST.columns[::-1]])
    with pytest.raises(ValueError, match="now missing:\n- region"):
        model.predict(TEST.drop(columns="region"))


def test_it_is_as_good_as_boosted_trees_unprepared():
    """On shipped collisions with absent jets; benchmarks/bench_tables.py compares more of them."""
    events = load_events()
    X, y, w = events.data[:3000], events.target[:3000], events.sample_weight[:3000]
    train, test = slice(0, 1500), slice(1500, None)
    ours = TableClassifier(random_state=0, device="cpu", n_members=1).fit(X[train], y[train], sample_weight=w[train])
    trees = HistGradientBoostingClassifier(random_state=0).fit(X[train], y[train], sample_weight=w[train])
    scores = [roc_auc_score(y[test], m.predict_proba(X[test])[:, 1], sample_weight=w[test]) for m in (ours, trees)]
    assert scores[0] > scores[1] - 0.005
