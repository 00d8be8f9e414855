"""The hold-out of a network by a splitter: which events it watches, in rotation and inside compositions."""

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import CrossFitClassifier, EventKFold, FeedForwardClassifier, FeedForwardRegressor, RotatingKFold

PARTS = []


class Watched(FeedForwardClassifier):
    """Writes down the events (column 0) on either side of its hold-out."""

    def _set_apart(self, everything, groups, rng):
        train, valid = super()._set_apart(everything, groups, rng)
        PARTS.append((set(train.X[:, 0]), set(valid.X[:, 0])))
        return train, valid


def network(validation):
    return Watched(width=4, n_layers=1, max_epochs=2, validation=validation, random_state=0)


@pytest.fixture
def events():
    """(X, y, event): two rows an event, whose id is column 0."""
    PARTS.clear()
    rng = np.random.default_rng(0)
    event = np.arange(300).repeat(2)
    return np.column_stack([event, rng.normal(size=(600, 2))]).astype(np.float32), rng.integers(0, 2, 600), event


@pytest.mark.parametrize("splitter", [EventKFold(4), GroupKFold(4), RotatingKFold(4)], ids=repr)
def test_a_splitter_chooses_the_hold_out(events, splitter):
    X, y, event = events
    network(splitter).fit(X, y, groups=event)
    train, held = next(iter(splitter.split(X, y, event)))
    assert [(set(event[train]), set(event[held]))] == PARTS
    assert not PARTS[0][0] & PARTS[0][1]


def test_a_splitter_that_stratifies_gets_the_classes(events):
    X, _, _ = events
    labels = np.array(["background", "signal"])[(np.arange(600) % 10 == 0).astype(int)]
    network(StratifiedKFold(3)).fit(np.column_stack([np.arange(600), X[:, 1:]]), labels)
    ((_, held),) = PARTS
    assert np.mean([i % 10 == 0 for i in held]) == pytest.approx(0.1, abs=0.01)


def test_rotation_inside_rotation_uses_each_block_once_for_each_purpose(events):
    X, y, event = events
    rotation = RotatingKFold(5)
    blocks = rotation.assign(event)
    with sklearn.config_context(enable_metadata_routing=True):
        cross_validate(network(rotation), X, y, cv=rotation, params={"groups": event}, error_score="raise")
        CrossFitClassifier(make_pipeline(network(rotation)), cv=rotation).fit(X, y, groups=event)
    assert len(PARTS) == 10
    for i, (train, held) in enumerate(PARTS):
        absent, watched = i % 5, (i + 1) % 5
        assert held == set(event[blocks == watched])
        assert train == set(event[(blocks != watched) & (blocks != absent)])


def test_nested_splits_and_the_hold_out_are_independent(events):
    """Outer folds, cross-fitting and the hold-out: sizes are products of fractions."""
    event = np.arange(6000)
    X, y = np.column_stack([event, event % 7]).astype(np.float32), event % 2
    counting = Counting(width=4, n_layers=1, max_epochs=1, validation=0.25, random_state=0)
    model = CrossFitClassifier(make_pipeline(StandardScaler(), counting), cv=4, without_groups="average")
    with sklearn.config_context(enable_metadata_routing=True):
        cross_validate(model, X, y, cv=EventKFold(4), params={"groups": event}, error_score="raise")
    assert len(SIZES) == 16
    # of 6000 · 3/4 · 3/4 = 3375 events a quarter: five standard deviations
    assert np.abs(np.array(SIZES) - 6000 * 0.75**2 * 0.25).max() < 5 * np.sqrt(6000 * 0.14 * 0.86)


SIZES = []


class Counting(FeedForwardClassifier):
    """Counts the events of its hold-out."""

    def _set_apart(self, everything, groups, rng):
        train, valid = super()._set_apart(everything, groups, rng)
        SIZES.append(len(valid.X))
        return train, valid


def test_a_splitter_needs_ids_and_events(events):
    X, y, event = events
    with pytest.raises(ValueError, match="groups=None"):
        network(EventKFold(3)).fit(X, y)

    class Nothing:
        def get_n_splits(self):
            return 1

        def split(self, X, y, groups):
            yield np.arange(len(X)), np.array([], dtype=int)

    with pytest.raises(ValueError, match="600 to train on and 0 to watch"):
        network(Nothing()).fit(X, y)
    with pytest.raises(ValueError, match="'validation' parameter"):
        network("random").fit(X, y)
    assert FeedForwardRegressor(width=4, n_layers=1, max_epochs=1, validation=EventKFold(3)).fit(X, y, groups=event)
