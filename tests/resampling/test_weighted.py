"""imbalanced-learn's samplers with weights: conformance, sums of weights, SMOTE's rules, containers, refusals."""

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, SVMSMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.under_sampling import ClusterCentroids, NearMiss, RandomUnderSampler
from imblearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ml4fp import (
    Augmenter,
    Compose,
    DropMissingRows,
    DropOutliers,
    NeighbourInterpolation,
    PointClouds,
    Reflect,
    Rotate,
    Shift,
    Smear,
    Translate,
    WeightedSampler,
)

SAMPLERS = [
    RandomOverSampler(random_state=0),
    RandomUnderSampler(random_state=0),
    NearMiss(),
    SMOTE(random_state=0),
    BorderlineSMOTE(random_state=0),
    ADASYN(random_state=0),
]


def not_for_all(sampler):
    """What imbalanced-learn asks of a balancing sampler, which some are not."""
    if isinstance(sampler, WeightedSampler):
        return {}
    excluded = {
        "check_target_type": "a regression target is legal",
        "check_samplers_one_label": "events of one class are legal",
        "check_samplers_fit": "there is no sampling strategy to learn",
    }
    if isinstance(sampler, DropMissingRows):
        excluded["check_samplers_nan"] = "the rows with NaN, which the check looks for, are what it drops"
    if isinstance(sampler, Augmenter):
        excluded["check_samplers_pandas_sparse"] = "changed columns are dense"
    return excluded


CHECKED = [
    *(WeightedSampler(sampler=one) for one in SAMPLERS),
    DropMissingRows(),
    DropOutliers(),
    Smear(columns=[0], relative=0.1, random_state=0),
    Shift(columns=[0], random_state=0),
    Rotate(phi_columns=[0], random_state=0),
    Reflect(columns=[0], random_state=0),
    Translate(columns=[0], random_state=0),
    Compose(augmenters=[Translate(columns=[0]), Reflect(columns=[0])], random_state=0),
    NeighbourInterpolation(random_state=0),
]


@parametrize_with_checks(CHECKED, expected_failed_checks=not_for_all)
def test_conformance(estimator, check):
    check(estimator)


def events(n=400, seed=0):
    """A rare class that weighs more, in float64."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 8 == 0).astype(int)
    X = rng.normal(size=(n, 3)) + 1.5 * y[:, None]
    return X, y, rng.uniform(0.5, 2, n) * np.where(y == 1, 5, 1), np.arange(n) // 2


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda one: type(one).__name__)
def test_sums_of_weights(sampler):
    X, y, w, _ = events()
    ours = WeightedSampler(sampler=sampler)
    X_new, y_new, w_new = ours.fit_resample(X, y, sample_weight=w)
    for label in (0, 1):
        assert w_new[y_new == label].mean() == pytest.approx(w.mean(), rel=1e-12)
        # within a class the ratios stay: one factor for all events that have a parent
        kept = (ours.sample_indices_ >= 0) & (y_new == label)
        ratio = w_new[kept] / w[ours.sample_indices_[kept]]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)
        np.testing.assert_array_equal(X_new[kept], X[ours.sample_indices_[kept]])
    if not isinstance(sampler, ADASYN):  # which balances only roughly
        assert w_new[y_new == 0].sum() == pytest.approx(w_new[y_new == 1].sum())
    ones = WeightedSampler(sampler=sampler).fit_resample(X, y, sample_weight=np.ones(len(y)))
    np.testing.assert_allclose(ones[2], 1, rtol=1e-12)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda one: type(one).__name__)
def test_without_weights_as_in_imbalanced_learn(sampler):
    X, y, w, _ = events()
    wanted = sampler.fit_resample(X, y)
    ours = WeightedSampler(sampler=sampler).fit_resample(X, y)
    np.testing.assert_array_equal(ours[1], wanted[1])
    np.testing.assert_allclose(ours[0], wanted[0], rtol=1e-12)
    # weights change no event: neighbours are searched by the features alone
    weighted = WeightedSampler(sampler=sampler).fit_resample(X, y, sample_weight=1000 * w)
    np.testing.assert_allclose(weighted[0], wanted[0], rtol=1e-12)


@pytest.mark.parametrize("sampler", SAMPLERS[3:], ids=lambda one: type(one).__name__)
def test_weights_lie_on_the_line_between_the_parents(sampler):
    X, y, w, _ = events()
    X[:, 2] = w  # a column that is the weight must stay the weight
    ours = WeightedSampler(sampler=sampler)
    X_new, y_new, w_new = ours.fit_resample(X, y, sample_weight=w)
    made = ours.sample_indices_ < 0
    assert made.sum() > 200
    assert (y_new[made] == 1).all()
    factor = w_new[(y_new == 1) & ~made] / w[y == 1]
    np.testing.assert_allclose(w_new[made], factor[0] * X_new[made, 2], rtol=1e-9)


def test_chosen_events_keep_weights_ids_and_containers():
    X, y, w, groups = events()
    X[::5, 1] = np.nan
    images = np.arange(len(y) * 4, dtype=np.float32).reshape(-1, 2, 2)
    for given in (X, images, pd.DataFrame(X), pl.DataFrame(X)):
        ours = WeightedSampler(sampler=RandomUnderSampler(random_state=0))
        X_new, y_new, _, groups_new = ours.fit_resample(given, y, sample_weight=w, groups=groups)
        assert type(X_new) is type(given)
        np.testing.assert_array_equal(np.asarray(X_new), np.asarray(given)[ours.sample_indices_])
        np.testing.assert_array_equal(groups_new, groups[ours.sample_indices_])
        assert Counter(y_new.tolist()) == {0: 50, 1: 50}


def test_point_clouds_are_resampled_by_number():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 5, 100)
    clouds = PointClouds(rng.normal(size=(counts.sum(), 3)), np.r_[0, np.cumsum(counts)])
    y = (np.arange(100) % 10 == 0).astype(int)
    ours = WeightedSampler(sampler=RandomOverSampler(random_state=0))
    new, y_new = ours.fit_resample(clouds, y)
    assert isinstance(new, PointClouds)
    assert Counter(y_new.tolist()) == {0: 90, 1: 90}
    for i in (3, 100, 179):
        np.testing.assert_array_equal(new[i], clouds[int(ours.sample_indices_[i])])


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, pl.DataFrame])
def test_invented_events_come_in_the_same_container_and_type(container):
    X, y, _, _ = events()
    given = container(X.astype(np.float32))
    X_new, y_new = WeightedSampler(sampler=SMOTE(random_state=0)).fit_resample(given, y)
    assert type(X_new) is type(given)
    assert np.asarray(X_new).dtype == np.float32
    assert len(X_new) == len(y_new) == 700


def test_an_event_of_weight_zero_is_none():
    X, y, w, _ = events()
    w[::3] = 0
    with_zeros = WeightedSampler(sampler=SMOTE(random_state=0)).fit_resample(X, y, sample_weight=w)
    without = WeightedSampler(sampler=SMOTE(random_state=0)).fit_resample(X[w > 0], y[w > 0], sample_weight=w[w > 0])
    for ours, theirs in zip(with_zeros, without, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_angles_are_interpolated_on_the_circle():
    rng = np.random.default_rng(0)
    y = (np.arange(300) % 6 == 0).astype(int)
    phi = np.where(y == 1, np.pi + rng.normal(0, 0.2, 300), rng.uniform(-np.pi, np.pi, 300))
    # the other columns decide who is a neighbour, so that parents lie on both sides of ±π
    X = pd.DataFrame({"pt": rng.normal(0, 20, 300), "phi": np.angle(np.exp(1j * phi)), "eta": rng.normal(0, 20, 300)})
    ours = WeightedSampler(sampler=SMOTE(random_state=0), phi_columns=["phi"])
    X_new, _ = ours.fit_resample(X, y)
    made = X_new[ours.sample_indices_ < 0]
    assert (np.abs(made["phi"]) > np.pi - 0.9).all()  # 4.5 σ around ±π
    assert {-1.0, 1.0} == set(np.sign(made["phi"]))
    assert made["eta"].between(-80, 80).all()
    naive, _ = WeightedSampler(sampler=SMOTE(random_state=0), phi_columns=()).fit_resample(X, y)
    assert (np.abs(naive["phi"][300:]) < 1).any()  # what the option is for
    for name in ("phi", "Jet_Phi", "jet 1 azimuth"):  # found by its name
        found, _ = WeightedSampler(sampler=SMOTE(random_state=0)).fit_resample(X.rename(columns={"phi": name}), y)
        np.testing.assert_array_equal(found, X_new)
    X["phi"] %= 2 * np.pi  # angles from 0 to 2π stay there
    turned, _ = WeightedSampler(sampler=SMOTE(random_state=0)).fit_resample(X, y)
    np.testing.assert_allclose(turned["phi"], X_new["phi"] % (2 * np.pi), atol=1e-9)
    X["phi"] = X_new["phi"][:300]
    np.testing.assert_array_equal(X_new[:300], X)


def test_parents_miss_the_same_values():
    X, y, w, _ = events(800)
    rare = np.flatnonzero(y == 1)
    X[rare[:40], 2] = np.nan
    X[rare[40:60], 1:] = np.nan
    X[rare[60], 0] = np.nan  # alone with its pattern
    X[rare[:40], 0] += 100  # far from those of other patterns
    X[:, 0] = np.where(y == 0, w, X[:, 0])
    ours = WeightedSampler(sampler=SMOTE(random_state=0))
    X_new, y_new, _ = ours.fit_resample(X, y, sample_weight=w)
    made = X_new[ours.sample_indices_ < 0]
    assert Counter(y_new.tolist()) == {0: 700, 1: 700}
    missing = np.isnan(made)
    share = Counter(map(tuple, missing.tolist()))
    assert share == {
        (False, False, True): 240,
        (False, True, True): 120,
        (True, False, False): 6,
        (False, False, False): 234,
    }
    of_first = (missing == [False, False, True]).all(axis=1)
    assert (made[of_first, 0] > 90).all()
    assert (made[~of_first & ~missing[:, 0], 0] < 20).all()
    # the lone one is repeated as it is
    np.testing.assert_array_equal(made[missing[:, 0]][:, 1:], np.tile(X[rare[60], 1:], (6, 1)))


def test_refusals():
    X, y, w, groups = events()
    sampler = WeightedSampler(sampler=SMOTE())
    with pytest.raises(ValueError, match="has 1 negative values: expected none in resampling"):
        sampler.fit_resample(X, y, sample_weight=np.r_[-0.1, w[1:]])
    with pytest.raises(ValueError, match="groups cannot be carried through SMOTE: its events stem from two"):
        sampler.fit_resample(X, y, groups=groups)
    with pytest.raises(ValueError, match="expected classes y, got None"):
        sampler.fit_resample(X)
    with pytest.raises(ValueError, match="Unknown label type"):
        sampler.fit_resample(X, w)
    with pytest.raises(ValueError, match=r"phi_columns names 7, expected columns of X: 0 to 2"):
        WeightedSampler(sampler=SMOTE(), phi_columns=[7]).fit_resample(X, y)
    missing = X.copy()
    missing[3, 1] = np.nan
    with pytest.raises(ValueError, match="BorderlineSMOTE compares neighbours of different classes: expected no NaN"):
        WeightedSampler(sampler=BorderlineSMOTE()).fit_resample(missing, y)
    with pytest.raises(ValueError, match="ClusterCentroids does not tell which events"):
        WeightedSampler(sampler=ClusterCentroids(random_state=0)).fit_resample(X, y)
    with pytest.raises(ValueError, match="SVMSMOTE does not tell which events"):
        WeightedSampler(sampler=SVMSMOTE(random_state=0)).fit_resample(X, y)
    with pytest.raises(ValueError, match="moves events; expected None"):
        WeightedSampler(sampler=RandomOverSampler(shrinkage=0.1)).fit_resample(X, y)
