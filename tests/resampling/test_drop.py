"""Samplers that drop events: what stays, in which containers, with weights and groups."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import Ridge

from sklearn_ml4fp import DropMissingRows, DropOutliers


def events(n=500):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=n), rng.exponential(size=n)])
    return X, rng.normal(size=n), rng.uniform(-0.2, 1, n), np.arange(n) // 2


def test_rows_weights_and_groups_stay_together():
    X, y, w, groups = events()
    X[7, 0] = X[9, 1] = np.nan
    kept = np.delete(np.arange(500), [7, 9])
    sampler = DropMissingRows()
    X_new, y_new, w_new, groups_new = sampler.fit_resample(X, y, sample_weight=w, groups=groups)
    np.testing.assert_array_equal(sampler.sample_indices_, kept)
    for new, old in ((X_new, X), (y_new, y), (w_new, w), (groups_new, groups)):
        np.testing.assert_array_equal(new, old[kept])
    assert len(sampler.fit_resample(X, y)) == 2
    assert len(sampler.fit_resample(X, y, groups=groups)) == 3
    assert len(DropMissingRows(max_missing=0.5).fit_resample(X, y)[0]) == 500


@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame])
def test_containers_stay(container):
    X, y, _, _ = events()
    X[3] = np.nan
    frame = container({"a": X[:, 0], "b": X[:, 1]})
    dropped, _ = DropMissingRows().fit_resample(frame, y)
    assert isinstance(dropped, container)
    assert dropped.shape == (499, 2)


def test_outliers_go_and_tails_stay():
    X, y, w, _ = events()
    X[[5, 6], [0, 1]] = [1e5, -1e5]
    X[8, 0] = np.nan
    sampler = DropOutliers()
    sampler.fit_resample(X, y, sample_weight=np.abs(w))
    np.testing.assert_array_equal(sampler.sample_indices_, np.delete(np.arange(500), [5, 6]))
    # by weights: the spike is the bulk where the others weigh next to nothing
    heavy = np.where(np.arange(500) == 5, 1e9, 1.0)
    sampler.fit_resample(X[:, :1], y, sample_weight=heavy)
    assert 5 in sampler.sample_indices_


def test_in_the_pipeline_of_imbalanced_learn():
    X, y, _, _ = events()
    X[4] = np.nan
    model = make_pipeline(DropMissingRows(), Ridge()).fit(X, y)
    kept = np.delete(np.arange(500), 4)
    np.testing.assert_allclose(model[-1].coef_, Ridge().fit(X[kept], y[kept]).coef_)


def test_errors():
    X, y, w, _ = events(4)
    with pytest.raises(ValueError, match="DropMissingRows leaves none of 4 events; loosen its limits"):
        DropMissingRows().fit_resample(np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="groups has 3 entries, expected 4"):
        DropMissingRows().fit_resample(X, y, groups=[1, 2, 3])
    with pytest.raises(ValueError, match="infinity"):
        DropOutliers().fit_resample(np.full_like(X, np.inf), y)
    with pytest.raises(ValueError, match="one weight per event"):
        DropOutliers().fit_resample(X, y, sample_weight=w[:2])
