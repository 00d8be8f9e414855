"""Hash of event ids, the basis of every split.

An event's part depends on its id and on a salt, and on nothing else: not on the order of the rows, not on what else is
in the file, not on the platform, not on the width of the integers. Two uses of one hash are not independent (60/20/20
and then five folds of the same hash leave folds empty), so every role derives its own salt with :func:`derive_salt`.

The hash is the output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2714064.2660195; variant
13 of David Stafford's finalisers). It takes two rounds, the salt entering between them: in one round, ids and salts
that differ by the same step would give shifted copies of one sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._missing import is_missing, with_nan

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, the increment of SplitMix64
_MASK = 2**64 - 1
_BLOCK = 1 << 14  # rows hashed at a time: a block of strings fits into the cache


def _mix(x: np.ndarray) -> np.ndarray:
    """Apply a step of SplitMix64, a bijection, to uint64; returns a new array."""
    x = x + _GOLDEN
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def _refuse(got: str) -> ValueError:
    return ValueError(
        "event ids (groups) must be integers of at most 64 bits or strings, as one column or as several (run, "
        f"luminosity block, event), none of them missing; got {got}. Drop the rows without an id, give all ids "
        "one type, and read integers as integers: floats cannot name an event (they round large ids)."
    )


def _hash_codes(codes: np.ndarray) -> np.ndarray:
    """Hash characters (n, length): a sum with one random odd factor per position.

    Padding characters are zero and add nothing, so the hash does not depend on the width of the array's strings.
    """
    factors = _mix(np.arange(codes.shape[1], dtype=np.uint64)) | np.uint64(1)
    total = np.empty(len(codes), dtype=np.uint64)
    for start in range(0, len(codes), _BLOCK):
        total[start : start + _BLOCK] = codes[start : start + _BLOCK].astype(np.uint64) @ factors
    return total


def _object_column(column: np.ndarray) -> np.ndarray:
    """Convert an object column (pandas, nullable types) to uint64 or str; mixed and missing ids are refused."""
    kinds = set(map(type, column))
    if all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in kinds):
        if len(column) and not (min(column) >= -(2**63) and max(column) <= _MASK):
            raise _refuse("a number outside [-2**63, 2**64)")
        return np.fromiter((int(value) & _MASK for value in column), np.uint64, len(column))
    if all(issubclass(kind, (str, bytes)) for kind in kinds) and len({issubclass(kind, str) for kind in kinds}) == 1:
        return np.array(column.tolist())
    raise _refuse("a column of " + ", ".join(sorted(kind.__name__ for kind in kinds)))


def _typed(column: np.ndarray) -> np.ndarray:
    """Convert a column of ids to integers or characters; other types, and missing ids, are refused."""
    column = np.asarray(with_nan(column))
    if n := int(is_missing(column).sum()):
        raise _refuse(f"{n} that are missing (NaN, None, NA, null or masked)")
    if column.dtype.kind in "OT":  # Python objects, numpy's strings of variable width
        column = _object_column(column.astype(object))
    if column.dtype.kind not in "iuUS":
        raise _refuse(str(column.dtype))
    return column


def _hash_column(column: np.ndarray) -> np.ndarray:
    """Hash a column of ids to uint64; equal ids give equal hashes, whatever the width of their type."""
    column = _typed(column)
    if column.dtype.kind in "iu":
        return column.astype(np.uint64)  # negative numbers: two's complement
    width = column.dtype.itemsize // (4 if column.dtype.kind == "U" else 1)
    native = np.ascontiguousarray(column.astype(column.dtype.newbyteorder("=")))
    codes = native.view(np.uint32 if column.dtype.kind == "U" else np.uint8)
    return _hash_codes(codes.reshape(len(column), width))


def _columns(ids: Any) -> list[np.ndarray]:
    """Split ids into 1-D columns: an array, a list, a structured array, a Series or a DataFrame."""
    if ids is None:
        raise ValueError(
            "a split by event needs the event ids; got groups=None. Pass groups=, one id per event. Ids given as "
            "cross_validate(..., params={'groups': ids}) arrive only with metadata routing: switch it on by "
            "sklearn.set_config(enable_metadata_routing=True), or, with routing off, pass groups=ids directly."
        )
    if hasattr(ids, "columns") and hasattr(ids, "shape"):  # a pandas or polars frame: every column keeps its type
        columns = [np.asarray(ids[name]) for name in ids.columns]
    else:
        ids = ids if isinstance(ids, np.ma.MaskedArray) else with_nan(ids)  # each column keeps its mask
        array = np.asanyarray(ids)
        if isinstance(ids, (list, tuple)) and array.dtype.kind not in "iu":
            array = np.asarray(ids, dtype=object)  # numpy turns [1, "a"] into strings and [-1, 2**63] into floats
        if array.dtype.names is not None and array.ndim == 1:
            columns = [array[name] for name in array.dtype.names]
        elif array.ndim == 2:
            columns = list(array.T)
        else:
            columns = [array]
    if not columns or any(column.ndim != 1 for column in columns):
        raise _refuse(f"shape {np.shape(ids)}")
    return columns


def check_ids(ids: Any, n: int | None = None) -> np.ndarray:
    """Check event ids and reduce them to one unsigned 64-bit number per event.

    Parameters
    ----------
    ids : array-like of shape (n_events,) or (n_events, n_columns), structured array or DataFrame
        Integers of any width or strings. Equal ids give equal numbers: ``int32`` 5 and ``uint64`` 5 are one event.
    n : int or None
        Number of events, where it is known.

    Returns
    -------
    codes : ndarray of shape (n_events,), uint64
        Two different ids share a number with probability 2**-64.

    Raises
    ------
    ValueError
        If ids are missing, floats, booleans, of mixed types, beyond 64 bits, or not ``n``.

    Examples
    --------
    >>> import numpy as np
    >>> bool(check_ids(np.array([5], dtype="int32")) == check_ids(np.array([5], dtype="uint8")))
    True
    """
    first, *others = [_hash_column(column) for column in _columns(ids)]
    if n is not None and len(first) != n:
        raise ValueError(f"groups has {len(first)} entries, expected {n}: one event id per event.")
    codes = _mix(first)
    for column in others:
        codes = _mix(codes ^ column)
    return codes


def id_kinds(ids: Any) -> tuple[str, ...]:
    """Return the kind of each column of the ids: hashes agree only among ids of the same kinds.

    Examples
    --------
    >>> id_kinds([1, 2]), id_kinds([["a", "1"], ["b", "2"]])
    (('integers',), ('strings', 'strings'))
    """
    return tuple("integers" if _typed(column).dtype.kind in "iu" else "strings" for column in _columns(ids))


def _salt_key(salt: int | str) -> np.ndarray:
    """Hash a salt to one uint64, shape (1,)."""
    if isinstance(salt, bool) or not isinstance(salt, (int, np.integer, str)):
        raise ValueError(f"salt must be an integer or a string; got {salt!r}.")
    if isinstance(salt, str):
        return check_ids(np.array([salt]))
    return _mix(np.array([int(salt) & _MASK], dtype=np.uint64))


def _hash(ids: Any, salt: int | str) -> np.ndarray:
    return _mix(check_ids(ids) ^ _salt_key(salt))


def derive_salt(salt: int | str, role: int | str) -> int:
    """Derive the salt of a role (test, fold, hold-out, ...), which makes its hash independent of other roles.

    Examples
    --------
    >>> derive_salt(0, "fold") == derive_salt(0, "fold"), derive_salt(0, "fold") == derive_salt(0, "hold-out")
    (True, False)
    """
    return int(_mix(_salt_key(salt) ^ _mix(_salt_key(role)))[0])


def assign(ids: Any, n: int, salt: int | str) -> np.ndarray:
    """Assign each event to a part from 0 to n - 1, uniformly and by its id alone.

    Parameters
    ----------
    ids : array-like
        Event ids, see :func:`check_ids`.
    n : int
        Number of parts, from 1 to 2**31.
    salt : int or str
        Another salt gives another, independent assignment.

    Returns
    -------
    parts : ndarray of shape (n_events,), int64
        Number of the part of each event.

    Examples
    --------
    >>> assign([7, 8, 9, 7], 5, salt="example")
    array([2, 3, 2, 2])
    """
    high = _hash(ids, salt) >> np.uint64(32)
    return ((high * np.uint64(n)) >> np.uint64(32)).astype(np.int64)  # 32 bits times n: no division, bias below n/2^32


def uniform(ids: Any, salt: int | str) -> np.ndarray:
    """Map each event to a number in [0, 1), uniformly and by its id alone, for parts given as fractions.

    Examples
    --------
    >>> float(uniform([7], salt="example")[0]) == float(uniform([1, 7], salt="example")[1])
    True
    """
    return (_hash(ids, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53  # the 53 bits that a double holds
