"""The hash of event ids: stable, uniform, independent between salts, and strict about what an id is."""

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sklearn_ml4fp._events import assign, check_ids, derive_salt, uniform

N = 20_000
RNG = np.random.default_rng(20)
ID_PATTERNS = {
    "sequential": np.arange(N),
    "strided": 1_000_003 * np.arange(N),
    "even": 2 * np.arange(N),
    "high bits": np.arange(N) << 40,
    "negative": -np.arange(N),
    "random": RNG.choice(2**62, N, replace=False),
    "strings": np.array([f"run1-{i}" for i in range(N)]),
    "run, lumi, event": np.column_stack([np.full(N, 362_000), np.arange(N) // 100, np.arange(N) % 100]),
}
# One in 1000 a test: the ids are fixed, so a passing test passes always, and a broken hash fails by far.
ALPHA = 1e-3


def slow_mix(x):
    """SplitMix64's step, written again with Python's integers."""
    mask = 2**64 - 1
    x = (x + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)


def slow_number(value):
    """An id's column as a number: an integer is itself, a string a sum over its characters."""
    if isinstance(value, int):
        return value % 2**64
    return sum(ord(char) * (slow_mix(j) | 1) for j, char in enumerate(value)) % 2**64


def slow_code(columns):
    code = slow_mix(slow_number(columns[0]))
    for column in columns[1:]:
        code = slow_mix(code ^ slow_number(column))
    return code


def slow_key(salt):
    return slow_code([salt])


def slow_assign(columns, n, salt):
    return ((slow_mix(slow_code(columns) ^ slow_key(salt)) >> 32) * n) >> 32


INTS = st.integers(-(2**63), 2**64 - 1)
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(INTS, min_size=1, max_size=5), st.integers(1, 100), INTS | TEXTS)
def test_a_second_implementation_agrees_on_integers(ids, n, salt):
    assert assign(ids, n, salt).tolist() == [slow_assign([i], n, salt) for i in ids]


@given(st.lists(TEXTS, min_size=1, max_size=5), st.integers(1, 100))
def test_a_second_implementation_agrees_on_strings(ids, n):
    assert assign(ids, n, "salt").tolist() == [slow_assign([i], n, "salt") for i in ids]


@given(st.lists(st.tuples(INTS, TEXTS), min_size=1, max_size=5))
def test_a_second_implementation_agrees_on_columns(ids):
    frame = pd.DataFrame({"number": pd.Series([i for i, _ in ids], dtype=object), "text": [text for _, text in ids]})
    assert assign(frame, 7, 3).tolist() == [slow_assign(columns, 7, 3) for columns in ids]


@given(INTS | TEXTS, TEXTS)
def test_a_second_implementation_agrees_on_salts_and_fractions(salt, role):
    derived = slow_mix(slow_key(salt) ^ slow_mix(slow_key(role)))
    assert derive_salt(salt, role) == derived
    assert uniform([5], derived)[0] == (slow_mix(slow_code([5]) ^ slow_key(derived)) >> 11) / 2**53


def test_the_assignment_is_frozen():
    """These numbers are a promise: an analysis that splits today gets the same test events after every update."""
    assert assign([0, 1, 2, 3, -1, 2**63], 1000, salt=0).tolist() == [883, 824, 830, 473, 217, 357]
    assert assign(["a", "b", "ab", ""], 1000, salt="s").tolist() == [402, 513, 451, 19]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "uint64", ">i4", "O"])
def test_the_integer_type_does_not_matter(dtype):
    ids = np.arange(100)
    np.testing.assert_array_equal(assign(ids.astype(dtype), 7, 0), assign(ids, 7, 0))


def test_one_id_one_part_in_every_container():
    ids = [5, 8, 2**40, -3]
    expected = assign(np.array(ids), 100, "x").tolist()
    structured = np.array([(i,) for i in ids], dtype=[("event", "i8")])
    for container in (
        ids, tuple(ids), pd.Series(ids, index=[3, 1, 2, 0]), pd.Series(ids, dtype="Int64"), pl.Series(ids),
        pd.DataFrame({"event": ids}), pl.DataFrame({"event": ids}), np.array(ids)[:, None], structured,
    ):  # fmt: skip
        assert assign(container, 100, "x").tolist() == expected


def test_one_string_one_part_in_every_container():
    ids = ["7", "run1-8", ""]
    expected = assign(ids, 100, 0).tolist()
    for container in (
        np.array(ids), np.array(ids, dtype="U50"), np.array(ids, dtype=">U6"), np.array(ids, dtype="S"),
        np.array(ids, dtype=object), pd.Series(ids), pd.Series(ids, dtype="category"), pl.Series(ids),
    ):  # fmt: skip
        assert assign(container, 100, 0).tolist() == expected


def test_columns_of_every_kind_name_the_same_event():
    columns = {"run": [1, 1, 2], "lumi": [5, 6, 5], "event": [100, 2**40, 100]}
    table = np.column_stack(list(columns.values()))
    structured = np.array(list(map(tuple, table)), dtype=[("run", "i4"), ("lumi", "u2"), ("event", "i8")])
    expected = assign(table, 1000, 0).tolist()
    for container in (pd.DataFrame(columns), pl.DataFrame(columns), structured, list(map(tuple, table))):
        assert assign(container, 1000, 0).tolist() == expected


def test_the_order_of_columns_matters():
    assert check_ids([(1, 2)]) != check_ids([(2, 1)])


@pytest.mark.parametrize("name", ID_PATTERNS)
def test_row_order_and_other_ids_do_not_matter(name):
    ids = ID_PATTERNS[name]
    rows = np.random.default_rng(0).permutation(N)[:1000]
    np.testing.assert_array_equal(assign(ids[rows], 5, 1), assign(ids, 5, 1)[rows])
    np.testing.assert_array_equal(uniform(ids[rows], 1), uniform(ids, 1)[rows])


@pytest.mark.parametrize("name", ID_PATTERNS)
def test_parts_are_uniform(name):
    for n in (2, 3, 5, 64):
        assert stats.chisquare(np.bincount(assign(ID_PATTERNS[name], n, "u"), minlength=n)).pvalue > ALPHA
    assert stats.kstest(uniform(ID_PATTERNS[name], "u"), "uniform").pvalue > ALPHA


@pytest.mark.parametrize("name", ID_PATTERNS)
def test_neighbouring_ids_and_their_order_are_independent(name):
    """Parts of consecutive ids: every pair of parts equally often."""
    parts = assign(ID_PATTERNS[name], 4, "n")
    for lag in (1, 2, 100):
        pairs = np.bincount(4 * parts[:-lag] + parts[lag:], minlength=16)
        assert stats.chisquare(pairs).pvalue > ALPHA


@pytest.mark.parametrize("name", ID_PATTERNS)
def test_roles_and_salts_are_independent(name):
    ids = ID_PATTERNS[name]
    salts = [0, 1, 2, "0", derive_salt(0, "fold"), derive_salt(0, "hold-out"), derive_salt(1, "fold")]
    for i, first in enumerate(salts):
        for second in salts[:i]:
            table = np.zeros((5, 5))
            np.add.at(table, (assign(ids, 5, first), assign(ids, 5, second)), 1)
            # 21 pairs, 8 patterns: one in a million each keeps the whole at one in 6000
            assert stats.chisquare(table.ravel()).pvalue > 1e-6


def test_derived_salts_depend_on_salt_role_and_order():
    made = {derive_salt(salt, role) for salt in (0, 1, "a") for role in ("a", "b", 0, 1)}
    assert len(made) == 12
    assert derive_salt(derive_salt(0, "a"), "b") != derive_salt(derive_salt(0, "b"), "a")


def test_fractions_stay_below_one_and_parts_below_n():
    ids = np.arange(100_000)
    assert 0 <= uniform(ids, 0).min() < 1e-4 < 1 - 1e-4 < uniform(ids, 0).max() < 1
    assert set(assign(ids, 1, 0)) == {0}
    assert set(assign(ids, 3, 0)) == {0, 1, 2}


@pytest.mark.parametrize(
    ("ids", "got"),
    [
        (None, "groups=None"),
        (np.array([1.0, 2.0]), "float64"),
        (np.array([1.0, np.nan]), "1 that are missing"),
        (pd.Series([1, None]), "1 that are missing"),
        (pd.Series([1, None], dtype="Int64"), "1 that are missing"),
        (pd.Series([1, None], dtype="int64[pyarrow]"), "1 that are missing"),
        (pd.Series(["a", None]), "1 that are missing"),
        (pd.DataFrame({"run": [1, 1], "event": pd.array([None, 2], "UInt64")}), "1 that are missing"),
        (pl.Series([1, None]), "1 that are missing"),
        (pl.Series(["a", None]), "1 that are missing"),
        (pl.DataFrame({"run": [1, 1], "event": [None, 2]}), "1 that are missing"),
        (ak.Array([1, None]), "1 that are missing"),
        (np.ma.array([1, 2], mask=[0, 1]), "1 that are missing"),
        (np.ma.array([2**60 + 1, 2], mask=[0, 1]), "1 that are missing"),
        (np.ma.array(["a", "b"], mask=[0, 1]), "1 that are missing"),
        (np.ma.array([[1, 2], [3, 4]], mask=[[0, 0], [0, 1]]), "1 that are missing"),
        (np.ma.array([(1, 2)], dtype=[("run", int), ("event", int)], mask=[(0, 1)]), "1 that are missing"),
        ([1, np.ma.masked], "1 that are missing"),
        ([1, None], "1 that are missing"),
        ([1, pd.NA], "1 that are missing"),
        ([1, "a"], "int, str"),
        ([1.5], "float"),
        (np.array([1, "a"], dtype=object), "int, str"),
        (np.array([True, False]), "bool"),
        ([2**64], "outside"),
        ([-(2**63) - 1], "outside"),
        (np.zeros((2, 2, 2), int), "shape"),
        (3, "shape"),
        (pd.DataFrame({"run": [1], "event": [1.0]}), "float64"),
        (np.array(["2026-01-01"], dtype="M8[D]"), "datetime64"),
    ],
)
def test_what_cannot_name_an_event_is_refused(ids, got):
    with pytest.raises(ValueError, match=got):
        assign(ids, 5, 0)


def test_a_mask_without_a_missing_id_changes_nothing():
    ids = np.array([2**60 + 1, 2**60, 7])
    records = np.array([(1, 2**60 + 1), (1, 7)], dtype=[("run", int), ("event", int)])
    np.testing.assert_array_equal(check_ids(np.ma.array(ids, mask=[0, 0, 0])), check_ids(ids))
    np.testing.assert_array_equal(check_ids(np.ma.array(records)), check_ids(records))
    np.testing.assert_array_equal(check_ids(ak.Array(ids)), check_ids(ids))
    np.testing.assert_array_equal(check_ids(ak.to_regular(ak.Array([[1, 2], [3, 4]]))), check_ids([[1, 2], [3, 4]]))


@pytest.mark.parametrize("salt", [None, 1.5, True, ("a",)])
def test_a_salt_is_an_integer_or_a_string(salt):
    with pytest.raises(ValueError, match="salt must be"):
        assign([1], 5, salt)
