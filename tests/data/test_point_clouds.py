"""The container itself: construction, slicing as scikit-learn slices, joining, comparing, padding."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import _safe_indexing

from sklearn_ml4fp import PointClouds, as_point_clouds
from sklearn_ml4fp._segments import gather, positions, segment_sum


def make_clouds(counts, n_features=3, dtype=np.float64, seed=0, events=1):
    """Random clouds with the given numbers of points and event columns."""
    rng = np.random.default_rng(seed)
    counts = np.asarray(counts, dtype=int)
    values = rng.normal(size=(counts.sum(), n_features)).astype(dtype)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    names = [f"f{i}" for i in range(n_features)]
    event_values = rng.normal(size=(len(counts), events)).astype(dtype)
    return PointClouds(values, offsets, names, event_values=event_values, event_names=[f"e{i}" for i in range(events)])


counts_lists = st.lists(st.integers(0, 6), max_size=12)


def reference(X, index):
    """Clouds chosen one by one, in plain Python."""
    return [X.values[X.offsets[i] : X.offsets[i + 1]] for i in index]


def same_clouds(X, clouds):
    return len(X) == len(clouds) and all(np.array_equal(a, b) for a, b in zip(X, clouds, strict=True))


@given(counts_lists, st.data())
def test_every_key_selects_what_a_list_would(counts, data):
    X = make_clouds(counts)
    n = len(X)
    everything = np.arange(n)
    keys = [data.draw(st.slices(n)), np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)]
    if n:
        keys.append(data.draw(st.lists(st.integers(-n, n - 1), max_size=20)))
        keys.append(np.array(keys[-1], dtype=np.int32))
    for key in keys:
        expected = everything[np.asarray(key, dtype=int) if isinstance(key, list) else key]
        for part in (X[key], X[key, ...]):
            assert same_clouds(part, reference(X, expected))
            np.testing.assert_array_equal(part.event_values, X.event_values[expected])
            assert part.feature_names == X.feature_names
            assert part.event_names == X.event_names
            assert part.values.dtype == X.values.dtype


def test_gather_across_blocks():
    """More points than one block of the gather, one cloud larger than a block, and clouds that repeat."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(20, 6000)
    counts[17] = 70_000
    counts[100:200] = 0
    X = make_clouds(counts, n_features=1)
    index = rng.integers(0, len(X), 9000)
    index[5] = 17
    values, offsets = gather(X.values, X.offsets, index)
    flat = np.concatenate([np.arange(X.offsets[i], X.offsets[i + 1]) for i in index])
    np.testing.assert_array_equal(values, X.values[flat])
    np.testing.assert_array_equal(np.diff(offsets), counts[index])


def test_scikit_learn_slices_it():
    X = make_clouds([2, 0, 3, 1])
    assert same_clouds(_safe_indexing(X, [3, 1]), reference(X, [3, 1]))
    assert same_clouds(_safe_indexing(X, np.array([True, False, True, False])), reference(X, [0, 2]))
    assert same_clouds(_safe_indexing(X, slice(1, 3)), reference(X, [1, 2]))
    np.testing.assert_array_equal(_safe_indexing(X, 2), X.values[2:5])


def test_a_slice_is_a_view_and_a_mask_is_not():
    X = make_clouds([2, 0, 3, 1])
    assert np.shares_memory(X[1:3].values, X.values)
    assert not np.shares_memory(X[[1, 2]].values, X.values)
    assert X[1:3] == X[[1, 2]]
    assert len(X[3:1]) == 0
    assert X[...] == X


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ((slice(None), 0), "first axis only"),
        ((slice(None), slice(None), ...), "first axis only"),
        ("pt", "got <U2"),
        (1.5, "got float64"),
        (np.zeros((2, 2), dtype=int), "shape \\(2, 2\\)"),
        (np.array([True, False]), "a mask for 3 PointClouds must have 3 entries, got 2"),
        ([0, 3], "index 3 is out of range for 3"),
        ([0, -4], "index -4 is out of range for 3"),
        (3, "index 3 is out of range"),
        (None, "got object"),
    ],
)
def test_a_wrong_key_is_a_clear_error(key, message):
    with pytest.raises(IndexError, match=message):
        make_clouds([1, 2, 3])[key]


def test_it_does_not_become_an_array_by_accident():
    X = make_clouds([1, 2])
    with pytest.raises(TypeError, match="to_padded"):
        np.asarray(X)
    with pytest.raises(TypeError):
        np.exp(X)
    with pytest.raises(TypeError):
        hash(X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": np.ones(3), "offsets": [0, 3]}, "values must be a 2-D array"),
        ({"values": [["a"]], "offsets": [0, 1]}, "values must be a 2-D array of numbers"),
        ({"values": np.ones((3, 1)), "offsets": [0, 2]}, "rise from 0 to the number of rows, 3"),
        ({"values": np.ones((3, 1)), "offsets": [1, 3]}, "rise from 0"),
        ({"values": np.ones((3, 1)), "offsets": [0, 3, 2, 3]}, "without ever falling"),
        ({"values": np.ones((3, 1)), "offsets": [0.0, 3.0]}, "offsets must be a 1-D array of at least one integer"),
        ({"values": np.ones((3, 1)), "offsets": []}, "at least one integer"),
        ({"values": np.ones((3, 2)), "offsets": [0, 3], "feature_names": ["a"]}, "1 names for 2 columns"),
        ({"values": np.ones((3, 2)), "offsets": [0, 3], "feature_names": ["a", "a"]}, "distinct"),
        ({"values": np.ones((3, 1)), "offsets": [0, 3], "event_values": np.ones((2, 1))}, "2 rows for 1 clouds"),
        (
            {
                "values": np.ones((3, 1)),
                "offsets": [0, 3],
                "feature_names": ["pt"],
                "event_values": np.ones((1, 1)),
                "event_names": ["pt"],
            },
            "name both features and event columns",
        ),
    ],
)
def test_wrong_parts_are_a_clear_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        PointClouds(**arguments)


def test_one_string_is_not_a_list_of_names():
    with pytest.raises(TypeError, match="write \\['pt'\\]"):
        PointClouds(np.ones((1, 2)), [0, 1], "pt")


def test_floats_are_taken_over_and_integers_converted():
    values = np.ones((2, 1), dtype=np.float32)
    assert PointClouds(values, [0, 2]).values is values
    assert PointClouds(np.ones((2, 1), dtype=int), [0, 2]).values.dtype == np.float64


@given(st.lists(counts_lists, min_size=1, max_size=4))
def test_concatenation_undoes_slicing(lists):
    parts = [make_clouds(counts, seed=i) for i, counts in enumerate(lists)]
    joined = PointClouds.concatenate(parts)
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    for part, first, last in zip(parts, starts[:-1], starts[1:], strict=True):
        assert joined[first:last] == part


def test_what_cannot_be_joined():
    X = make_clouds([1])
    with pytest.raises(ValueError, match="different columns"):
        PointClouds.concatenate([X, X.with_values(X.values, ["a", "b", "c"])])
    with pytest.raises(ValueError, match="at least one"):
        PointClouds.concatenate([])


def test_equality_looks_at_everything():
    X = make_clouds([2, 1])
    assert copy.deepcopy(X) == X
    changed = copy.deepcopy(X)
    changed.values[2, 1] = np.nan
    assert changed != X
    assert changed == copy.deepcopy(changed)  # NaN equals NaN
    changed = copy.deepcopy(X)
    changed.event_values[0, 0] += 1
    assert changed != X
    assert PointClouds(X.values, [0, 1, 3], X.feature_names, event_values=X.event_values, event_names=["e0"]) != X
    assert X.with_values(X.values, ["a", "b", "c"]) != X
    assert X.with_values(X.values.astype(np.float32), X.feature_names) != X
    assert X != 3


def test_pickle_and_repr():
    X = make_clouds([2, 0], dtype=np.float32)
    assert pickle.loads(pickle.dumps(X)) == X
    assert repr(X) == ("PointClouds(2 clouds, 2 points, features=('f0', 'f1', 'f2'), event columns=('e0',), float32)")
    assert X.shape == (2,)


def test_columns_by_name():
    X = make_clouds([2, 1])
    np.testing.assert_array_equal(X.column("f1"), X.values[:, 1])
    np.testing.assert_array_equal(X.column("e0"), X.event_values[:, 0])
    with pytest.raises(KeyError, match="no column 'pt'"):
        X.column("pt")


@given(counts_lists, st.booleans())
def test_sorting_within_clouds(counts, descending):
    X = make_clouds(counts)
    X.values[::4, 1] = np.nan
    for before, after in zip(X, X.sorted_by("f1", descending=descending), strict=True):
        keys = after[:, 1]
        n = np.isfinite(keys).sum()
        assert np.isnan(keys[n:]).all()
        assert np.all(np.diff(keys[:n]) <= 0) if descending else np.all(np.diff(keys[:n]) >= 0)
        assert sorted(map(repr, before)) == sorted(map(repr, after))


def test_sorting_needs_a_feature():
    with pytest.raises(KeyError, match="no feature 'e0'"):
        make_clouds([1]).sorted_by("e0")


@given(counts_lists, st.one_of(st.none(), st.integers(0, 7)), st.sampled_from([np.nan, 0.0]))
def test_padding(counts, max_points, fill):
    X = make_clouds(counts)
    padded, mask = X.to_padded(max_points, fill=fill)
    length = max([0, *counts]) if max_points is None else max_points
    assert padded.shape == (len(counts), length, 3)
    for cloud, row, there in zip(X, padded, mask, strict=True):
        kept = cloud[:length]
        np.testing.assert_array_equal(row[: len(kept)], kept)
        np.testing.assert_array_equal(row[len(kept) :], fill)
        np.testing.assert_array_equal(there, np.arange(length) < len(kept))


@given(counts_lists)
def test_sums_and_positions(counts):
    X = make_clouds(counts)
    expected = np.array([cloud.sum(axis=0) for cloud in X]).reshape(-1, 3)
    np.testing.assert_allclose(segment_sum(X.values, X.offsets), expected, atol=1e-12)  # a few float64 roundings
    np.testing.assert_array_equal(positions(X.offsets), [k for n in counts for k in range(n)])


def test_what_counts_as_point_clouds():
    X = make_clouds([2, 1], events=0)
    assert as_point_clouds(X) is X
    named = X.with_values(X.values)
    assert as_point_clouds(list(X)) == named
    assert as_point_clouds(X.to_padded()[0]) == named
    with pytest.raises(TypeError, match="got ndarray of shape \\(2, 2\\)"):
        as_point_clouds(np.ones((2, 2)))
    with pytest.raises(TypeError, match="got str"):
        as_point_clouds("jets.root")
