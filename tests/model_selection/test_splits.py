"""Splits by event id: complete, stable, independent when nested, and at home in scikit-learn."""

import pickle
from functools import partial

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate

from sklearn_ml4fp import (
    CrossFitClassifier,
    EventKFold,
    EventShuffleSplit,
    PointClouds,
    RotatingKFold,
    train_val_test_split,
)

N = 12_000
IDS = np.arange(N) // 2  # two rows an event
SPLITTERS = [
    EventKFold(5), EventKFold(3, salt="s"), EventShuffleSplit(4), EventShuffleSplit(2, test_size=0.5), RotatingKFold(4),
]  # fmt: skip
ROUTING = pytest.mark.parametrize("routing", [False, True])


def spread(n, p):
    """Five standard deviations of the number of rows in a part: two rows an event."""
    return 5 * 2 * np.sqrt(n / 2 * p * (1 - p))


@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
def test_train_and_test_share_no_event_and_lose_no_row(splitter):
    splits = list(splitter.split(IDS, groups=IDS))
    assert len(splits) == splitter.get_n_splits() == splitter.n_splits
    for train, test in splits:
        assert not set(IDS[train]) & set(IDS[test])
        assert sorted([*train, *test]) == list(range(N))


@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
def test_the_side_of_an_event_depends_on_its_id_alone(splitter):
    rows = np.random.default_rng(0).permutation(N)[: N // 2]
    for (_, test), (_, subset_test) in zip(
        splitter.split(IDS, groups=IDS), splitter.split(rows, groups=IDS[rows]), strict=True
    ):
        assert set(rows[subset_test]) == set(test) & set(rows)


@pytest.mark.parametrize("splitter", [EventKFold(5), RotatingKFold(5)], ids=repr)
def test_every_event_is_tested_once_in_the_fold_that_assign_tells(splitter):
    folds = splitter.assign(IDS)
    for fold, (_, test) in enumerate(splitter.split(IDS, groups=IDS)):
        np.testing.assert_array_equal(np.flatnonzero(folds == fold), test)
        assert abs(len(test) - N / 5) < spread(N, 1 / 5)


def test_shuffled_splits_are_independent_and_of_the_size_asked_for():
    masks = np.zeros((4, N // 2), bool)
    for i, (_, test) in enumerate(EventShuffleSplit(4, test_size=0.3).split(IDS, groups=IDS)):
        assert abs(len(test) - 0.3 * N) < spread(N, 0.3)
        masks[i, IDS[test]] = True
    for i in range(4):
        for j in range(i):
            table = [[np.sum((masks[i] == a) & (masks[j] == b)) for a in (0, 1)] for b in (0, 1)]
            assert stats.chi2_contingency(table).pvalue > 1e-3  # six fixed tables


def test_the_salt_changes_the_folds_and_a_pickle_does_not():
    folds = EventKFold(5).assign(IDS)
    assert abs(np.mean(folds == EventKFold(5, salt=1).assign(IDS)) - 1 / 5) < spread(N, 1 / 5) / N
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(EventKFold(5))).assign(IDS), folds)
    np.testing.assert_array_equal(clone(EventKFold(5), safe=False).assign(IDS), folds)


def test_repr_can_be_typed_in():
    assert repr(EventKFold(3, salt="a")) == "EventKFold(n_splits=3, salt='a')"
    assert repr(eval(repr(EventShuffleSplit(3, test_size=0.25)))) == repr(EventShuffleSplit(3, test_size=0.25))


# --- within scikit-learn ---


def test_ids_that_cross_validation_keeps_back_are_asked_for_with_the_way_out():
    """With routing off ``params=`` goes to ``fit`` alone; both ways out that the message names are open."""
    X, y = np.random.default_rng(0).normal(size=(60, 1)), np.arange(60) % 2
    call = partial(cross_validate, LogisticRegression(), X, y, cv=EventKFold(3))
    with pytest.raises(ValueError, match=r"groups=None.*enable_metadata_routing=True.*pass groups=ids directly"):
        call(params={"groups": IDS[:60]})
    direct = call(groups=IDS[:60])["test_score"]
    with sklearn.config_context(enable_metadata_routing=True):
        np.testing.assert_array_equal(call(params={"groups": IDS[:60]})["test_score"], direct)


# --- nested use ---


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (EventKFold(5), EventKFold(3)),  # another number of folds is another hash
        (EventKFold(5), EventKFold(5, salt="inner")),
        (EventKFold(5), RotatingKFold(5)),
        (RotatingKFold(5), EventKFold(5)),
        (EventKFold(5), EventShuffleSplit(3, test_size=0.2)),
        (EventShuffleSplit(3, test_size=0.2), EventShuffleSplit(3, test_size=0.3)),
        (EventShuffleSplit(3, test_size=0.2), EventShuffleSplit(3, test_size=0.2, salt="inner")),
    ],
    ids=repr,
)
def test_nested_splits_are_independent(outer, inner):
    inner_size = getattr(inner, "test_size", 1 / inner.n_splits)
    for train, _ in outer.split(IDS, groups=IDS):
        for _, test in inner.split(train, groups=IDS[train]):
            assert abs(len(test) - inner_size * len(train)) < spread(len(train), inner_size)


def test_three_levels_of_nesting():
    ids_train, *_ = train_val_test_split(IDS, groups=IDS)
    assert abs(len(ids_train) - 0.6 * N) < spread(N, 0.6)
    for fit, test in EventKFold(5).split(ids_train, groups=ids_train):
        assert abs(len(test) - len(ids_train) / 5) < spread(len(ids_train), 1 / 5)
        for inner_fit, inner_test in EventKFold(5, salt="inner").split(fit, groups=ids_train[fit]):
            assert abs(len(inner_test) - len(fit) / 5) < spread(len(fit), 1 / 5)
            parts = train_val_test_split(inner_fit, groups=ids_train[fit][inner_fit], sizes=(0.5, 0.25, 0.25))
            assert abs(len(parts[1]) - len(inner_fit) / 4) < spread(len(inner_fit), 1 / 4)


def same_fold_twice():
    train, _ = next(EventKFold(5).split(IDS, groups=IDS))
    list(EventKFold(5).split(train, groups=IDS[train]))


def same_part_twice():
    train, *_ = train_val_test_split(IDS, groups=IDS)
    train_val_test_split(train, groups=train)


def same_shuffle_twice():
    train, _ = next(EventShuffleSplit(5).split(IDS, groups=IDS))
    list(EventShuffleSplit(5).split(train, groups=IDS[train]))


@pytest.mark.parametrize("nest", [same_fold_twice, same_part_twice, same_shuffle_twice])
def test_the_same_hash_twice_says_what_to_do(nest):
    with pytest.raises(ValueError, match=r"no event in .* salt of its own"):
        nest()


# --- rotation ---


@pytest.mark.parametrize("k", [3, 5])
def test_rotation_uses_every_block_once_for_each_purpose(k):
    rotation = RotatingKFold(k)
    blocks = rotation.assign(IDS)
    for i, (fit, test) in enumerate(rotation.split(IDS, groups=IDS)):
        train, validation = rotation.hold_out(IDS[fit])
        assert set(blocks[test]) == {i}
        assert set(blocks[fit[validation]]) == {(i + 1) % k}
        assert set(blocks[fit[train]]) == set(range(k)) - {i, (i + 1) % k}
        assert len(train) + len(validation) + len(test) == N


def test_rotation_of_all_events_holds_out_block_zero():
    train, validation = RotatingKFold(4).hold_out(IDS)
    assert set(RotatingKFold(4).assign(IDS)[validation]) == {0}
    assert len(train) + len(validation) == N


def test_a_hold_out_of_events_that_it_did_not_split_is_refused():
    few = IDS[RotatingKFold(4).assign(IDS) < 2]
    with pytest.raises(ValueError, match=r"blocks \[2, 3\] have no event"):
        RotatingKFold(4).hold_out(few)


# --- containers and arguments of train_val_test_split ---


class Cloud:
    """A container that takes X[rows] and has a length, nothing else."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        return Cloud(self.values[rows])


def test_every_container_is_split_alike():
    ids = IDS[:500]
    made = train_val_test_split(
        ids, ids.tolist(), pd.DataFrame({"a": ids}, index=ids[::-1]), pd.Series(ids), pl.DataFrame({"a": ids}),
        pl.Series(ids), sparse.coo_matrix(ids[:, None]), Cloud(ids), np.stack([ids] * 6).T.reshape(-1, 2, 3), None,
        groups=ids,
    )  # fmt: skip
    values = [
        np.asarray, np.asarray, lambda part: part["a"], np.asarray, lambda part: part["a"], np.asarray,
        lambda part: part.toarray().ravel(), lambda part: part.values, lambda part: part[:, 1, 2],
    ]  # fmt: skip
    expected = made[:3]
    assert sorted(np.concatenate(expected)) == ids.tolist()
    for i, value in enumerate(values):
        for part, wanted in zip(made[3 * i : 3 * i + 3], expected, strict=True):
            np.testing.assert_array_equal(value(part), wanted)
    assert isinstance(made[3], list)
    assert isinstance(made[6], pd.DataFrame)
    assert isinstance(made[12], pl.DataFrame)
    assert made[-3:] == [None, None, None]


def test_point_clouds_and_awkward_arrays_are_split_alike():
    ids, rng = np.arange(100), np.random.default_rng(0)
    lists = [np.full((rng.integers(1, 5), 2), float(i)) for i in ids]
    clouds, ragged = PointClouds.from_lists(lists), ak.Array([one.tolist() for one in lists])
    made = train_val_test_split(clouds, ragged, ids, groups=ids)
    for cloud, jagged, part in zip(made[:3], made[3:6], made[6:], strict=True):
        assert isinstance(cloud, PointClouds)
        assert [np.asarray(one)[0, 0] for one in cloud] == part.tolist()
        assert isinstance(jagged, ak.Array)
        assert jagged[:, 0, 0].tolist() == part.tolist()


def test_ids_of_several_columns_and_of_strings():
    table = pd.DataFrame({"run": 1, "event": IDS})
    for ids in (table, table.to_numpy(), [f"e{i}" for i in IDS]):
        train, val, test = train_val_test_split(IDS, groups=ids)
        assert not (set(train) & set(val)) | (set(train) & set(test)) | (set(val) & set(test))
        assert len(train) + len(val) + len(test) == N


@pytest.mark.parametrize(
    ("sizes", "expected"), [((0.7, 0.2, 0.1), (0.7, 0.2, 0.1)), ((None, 0.25, 0.25), (0.5, 0.25, 0.25))]
)
def test_sizes(sizes, expected):
    for part, fraction in zip(train_val_test_split(IDS, groups=IDS, sizes=sizes), expected, strict=True):
        assert abs(len(part) - fraction * N) < spread(N, fraction)


@pytest.mark.parametrize(
    "sizes", [(0.8, 0.2), (0.5, 0.5, 0.5), (0.6, 0.4, 0.0), (100, 20, 20), (None, None, 0.2), (0.9, 0.1, None), 0.2]
)
def test_sizes_that_are_no_fractions_of_one_are_refused(sizes):
    with pytest.raises(ValueError, match="3 fractions between 0 and 1"):
        train_val_test_split(IDS, groups=IDS, sizes=sizes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: train_val_test_split(groups=IDS), "at least one array"),
        (lambda: train_val_test_split(IDS, groups=None), "groups=None"),
        (lambda: train_val_test_split(IDS, groups=IDS[:-1]), "inconsistent numbers of samples"),
        (lambda: train_val_test_split(IDS[:2], groups=IDS[:2]), r"no event in .* of 2 events with 1 different ids"),
        (lambda: list(EventKFold(5).split(IDS)), "groups=None"),
        (lambda: list(EventKFold(5).split(IDS, groups=IDS * 1.0)), "float64"),
        (lambda: list(EventKFold(5).split(IDS[:-1], groups=IDS)), "inconsistent numbers of samples"),
        (lambda: list(EventKFold(5).split(IDS[:4], groups=IDS[:4])), "no event in fold"),
        (lambda: list(EventShuffleSplit(test_size=1.5).split(IDS, groups=IDS)), "2 fractions"),
        (lambda: EventKFold(1), "at least 2"),
        (lambda: EventKFold(2.5), "integer"),
        (lambda: RotatingKFold(2), "at least 3"),
        (lambda: EventShuffleSplit(0), "at least 1"),
    ],
)
def test_bad_input_is_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- inside scikit-learn ---


@pytest.fixture(scope="module")
def noise():
    """Events of ten near-identical rows whose labels are noise: only a leak can predict them."""
    rng = np.random.default_rng(3)
    event = np.repeat(np.arange(60), 10)
    X = rng.normal(size=(60, 3))[event] + 1e-3 * rng.normal(size=(600, 3))
    return X, rng.integers(0, 2, 60)[event], event


@ROUTING
@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
def test_splitters_work_in_cross_validate_and_grid_search(splitter, routing, noise):
    X, y, event = noise
    with sklearn.config_context(enable_metadata_routing=routing):
        keywords = {"params": {"groups": event}} if routing else {"groups": event}
        scores = cross_validate(LogisticRegression(), X, y, cv=splitter, return_indices=True, **keywords)
        for train, test in zip(scores["indices"]["train"], scores["indices"]["test"], strict=True):
            assert not set(event[train]) & set(event[test])
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=splitter).fit(X, y, groups=event)
        assert search.n_splits_ == splitter.n_splits
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_the_engine_of_all_splits_is_one_hash():
    """No split has a random state: two calls agree, and numpy's generator is left alone."""
    before = np.random.get_state()[1].copy()
    first, second = (train_val_test_split(IDS, groups=IDS) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    np.testing.assert_array_equal(before, np.random.get_state()[1])


# --- few ids ----------------------------------------------------------------------------------------------------------

PERIODS = np.repeat(np.arange(15), 66)  # 990 events of 15 run periods
BULK = np.where(np.arange(N) < N // 2, 0, np.arange(N))  # one id has half of the events
UNEQUAL = {
    "folds": lambda ids: list(EventKFold(5).split(ids, groups=ids)),
    "rotating blocks": lambda ids: list(RotatingKFold(5, salt=1).split(ids, groups=ids)),
    "random splits": lambda ids: list(EventShuffleSplit(5, test_size=0.2).split(ids, groups=ids)),
    "three parts": lambda ids: train_val_test_split(ids, groups=ids, salt=1),
    "cross-fitting": lambda ids: CrossFitClassifier(LogisticRegression(), cv=EventKFold(5, salt=1)).fit(
        np.random.default_rng(0).normal(size=(len(ids), 1)), np.arange(len(ids)) % 2, groups=ids
    ),
}


@pytest.mark.parametrize("kind", UNEQUAL)
def test_parts_of_very_unequal_sizes_are_said_with_the_way_out(kind):
    message = r"very unequal numbers of events \(.*: \d+, .*\), because there are only 15 different ids.*GroupKFold"
    with pytest.warns(UserWarning, match=message):
        UNEQUAL[kind](PERIODS)


def test_one_id_with_most_events_is_said_too():
    with pytest.warns(UserWarning, match="or a few of them have most events"):
        list(EventKFold(5).split(BULK, groups=BULK))


@pytest.mark.parametrize("kind", UNEQUAL)
def test_of_many_ids_nothing_is_said(kind, recwarn):
    UNEQUAL[kind](np.arange(1000))
    assert not [one.message for one in recwarn if one.category is UserWarning]  # others are of other libraries
