"""Networks inside scikit-learn's calibration and threshold search: weights and ids reach fit, splits and scores."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import TunedThresholdClassifierCV

from sklearn_ml4fp import (
    EventKFold,
    FeedForwardClassifier,
    ams_score,
    ams_scorer,
    expected_calibration_error,
    make_weighted_scorer,
    roc_auc_score,
)

FITS = []


class Recorded(FeedForwardClassifier):
    """Writes down what its fits were given."""

    def fit(self, X, y, *, sample_weight=None, groups=None, **kwargs):
        FITS.append((np.array(X), sample_weight, groups))
        return super().fit(X, y, sample_weight=sample_weight, groups=groups, **kwargs)


def network(**kwargs):
    return Recorded(width=16, n_layers=1, max_epochs=15, lr=0.01, random_state=0, **kwargs)


@pytest.fixture(scope="module")
def events():
    """(X, y, event, weight): two rows an event, signal rarer by weight than by number."""
    rng = np.random.default_rng(9)
    event = np.arange(1500).repeat(2)
    y = rng.integers(0, 2, 1500).repeat(2)
    X = rng.normal(size=(3000, 2)) + 1.2 * y[:, None]
    return X, y, event, rng.uniform(0.5, 1.5, 3000) * np.where(y == 1, 0.2, 1.0)


def weight_of(X, events):
    """The weights of rows, found again by their values."""
    lookup = {row.tobytes(): w for row, w in zip(events[0], events[3], strict=True)}
    return [lookup[row.tobytes()] for row in X]


def check_fits(events, n_fits):
    """Every fit got the weights of its own rows, and ids; no event was cut in two."""
    assert len(FITS) == n_fits
    for X, weight, groups in FITS:
        np.testing.assert_array_equal(weight, weight_of(X, events))
        assert (np.bincount(groups)[np.unique(groups)] == 2).all()
    FITS.clear()


def test_calibration_with_weights_and_ids(events):
    X, y, event, weight = events
    FITS.clear()
    train = event < 1000
    with sklearn.config_context(enable_metadata_routing=True):
        model = CalibratedClassifierCV(network(), cv=EventKFold(3))
        model.fit(X[train], y[train], sample_weight=weight[train], groups=event[train])
        alone = network().fit(X[train], y[train], groups=event[train])  # on another mixture of the classes
    FITS.pop()
    check_fits(events, 3)
    test = {"sample_weight": weight[~train]}
    probability = model.predict_proba(X[~train])[:, 1]
    # 1000 rows: an expected calibration error of 0.02 is what fluctuations leave
    assert expected_calibration_error(y[~train], probability, **test) < 0.05
    assert expected_calibration_error(y[~train], alone.predict_proba(X[~train])[:, 1], **test) > 0.1
    assert roc_auc_score(y[~train], probability, **test) > 0.85


def test_the_threshold_with_weights_and_ids(events):
    X, y, event, weight = events
    FITS.clear()
    train = event < 1000
    yields = {"signal_yield": 20.0, "background_yield": 2000.0}
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_weighted_scorer(ams_score, **yields)
        model = TunedThresholdClassifierCV(network(class_weight="balanced"), scoring=scorer, cv=EventKFold(3))
        model.fit(X[train], y[train], sample_weight=weight[train], groups=event[train])
    check_fits(events, 4)  # three folds, and all of the training events at the end
    test = {"sample_weight": weight[~train], **yields}
    tuned = ams_score(y[~train], model.predict(X[~train]), **test)
    half = ams_score(y[~train], model.estimator_.predict(X[~train]), **test)
    # hundred times more background than signal: a cut tuned for it beats the one at equal odds
    assert tuned > 1.1 * half
    assert model.best_threshold_ > 0.6


def test_without_ids_a_split_by_event_says_what_is_missing(events):
    X, y, _, _ = events
    for model in (
        CalibratedClassifierCV(network(), cv=EventKFold(3)),
        TunedThresholdClassifierCV(network(), scoring=ams_scorer, cv=EventKFold(3)),
    ):
        with pytest.raises(ValueError, match="groups=None"):
            model.fit(X, y)
