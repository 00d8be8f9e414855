"""Protocols: objects of a user's own that have the methods alone are taken, and ours have them."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from sklearn_ml4fp import (
    AugmentedPrediction,
    CrossFitClassifier,
    EventKFold,
    FeedForwardClassifier,
    FeedForwardRegressor,
    Reflect,
    Resampled,
    RotatingKFold,
    WeightedSampler,
)
from sklearn_ml4fp._protocols import (
    EventAssigner,
    EventAugmenter,
    EventResampler,
    HoldOutEstimator,
    HoldOutSplitter,
    methods_of,
)

SMALL = {"width": 8, "n_layers": 1, "max_epochs": 2, "random_state": 0}


@pytest.fixture
def events():
    X = np.random.default_rng(0).normal(size=(200, 2))
    return X, (X[:, 0] > 0).astype(int), np.arange(200)


@pytest.mark.parametrize(
    ("protocol", "ours", "others"),
    [
        (EventAssigner, [EventKFold(), RotatingKFold(5)], [KFold(), LogisticRegression()]),
        (HoldOutSplitter, [RotatingKFold(5)], [EventKFold(), KFold()]),
        (HoldOutEstimator, [FeedForwardClassifier()], [LogisticRegression()]),
        (EventResampler, [WeightedSampler(), Reflect()], [LogisticRegression()]),
        (EventAugmenter, [Reflect()], [WeightedSampler(), AugmentedPrediction(Reflect(), LogisticRegression())]),
    ],
)
def test_who_keeps_a_protocol(protocol, ours, others):
    assert all(isinstance(one, protocol) for one in ours)
    assert not any(isinstance(one, protocol) for one in others)
    assert methods_of(protocol)


class Noise:
    """An augmenter that inherits from nothing."""

    def check_target(self, y):
        pass

    def learn(self, X, y=None, *, target=None, names=None):
        self.learned_from = len(X), None if y is None else len(y), None if target is None else np.shape(target)
        return self

    def augment(self, X, random_state=None, *, y=None, target=None, names=None):
        changed = X + random_state.normal(scale=0.1, size=X.shape).astype(X.dtype)
        return changed if target is None else (changed, target)


def test_an_augmenter_of_ones_own(events):
    X, y, _ = events
    noise = Noise()
    assert FeedForwardClassifier(**SMALL, augment=noise).fit(X, y).score(X, y) > 0
    assert noise.learned_from == (180, 180, None)
    FeedForwardRegressor(**SMALL, augment=noise).fit(X, X)
    assert noise.learned_from == (180, None, (180, 2))
    with pytest.raises(ValueError, match="'augment', 'check_target' and 'learn'"):
        FeedForwardClassifier(augment=KFold()).fit(X, y)


def test_a_splitter_of_ones_own(events):
    X, y, ids = events

    class OddAndEven:
        def get_n_splits(self, *_):
            return 2

        def assign(self, ids):
            return np.asarray(ids) % 2

    model = CrossFitClassifier(LogisticRegression(), cv=OddAndEven()).fit(X, y, groups=ids)
    odd = LogisticRegression().fit(X[1::2], y[1::2])
    np.testing.assert_allclose(model.predict_proba(X[::2], groups=ids[::2]), odd.predict_proba(X[::2]))


def test_a_hold_out_of_ones_own(events):
    X, y, ids = events
    seen = []

    class LastHalf:
        def hold_out(self, groups):
            seen.append(groups)
            return np.arange(100), np.arange(100, 200)

        def split(self, X, y=None, groups=None):
            raise AssertionError("hold_out comes first")

        def get_n_splits(self, *_):
            return 1

    FeedForwardClassifier(**SMALL, validation=LastHalf()).fit(X, y, groups=ids)
    np.testing.assert_array_equal(seen[0], ids)


def test_a_sampler_and_an_estimator_of_ones_own(events):
    X, y, _ = events

    class EverySecond(BaseEstimator):
        def fit_resample(self, X, y, *, sample_weight=None, groups=None):
            self.sample_indices_ = np.arange(0, len(X), 2)
            given = [one for one in (sample_weight, groups) if one is not None]
            return tuple(np.asarray(one)[self.sample_indices_] for one in (X, y, *given))

    class Watching(ClassifierMixin, BaseEstimator):
        def __init__(self, early_stopping=True, validation=0.25):
            self.early_stopping = early_stopping
            self.validation = validation

        def fit(self, X, y, *, X_val=None, y_val=None, sample_weight_val=None, charge=None):
            self.classes_ = np.unique(y)
            self.sizes_ = len(X), 0 if X_val is None else len(X_val)
            self.matches_ = np.array_equal(charge, X[:, 0])
            return self

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

    with sklearn.config_context(enable_metadata_routing=True):
        one = Resampled(EverySecond(), Watching().set_fit_request(charge=True)).fit(X, y, charge=X[:, 0])
    assert one.estimator_.sizes_ == (75, 50)
    assert one.estimator_.matches_
    assert Resampled(EverySecond(), Watching(early_stopping=False)).fit(X, y).estimator_.sizes_ == (100, 0)
