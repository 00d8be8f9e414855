"""Columns in their roles: features, points of several collections, labels, weights and ids, each checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._optional import needs
from .._segments import Index, offsets_from_counts, positions, segment_ids
from ._awkward import _LIST, _NUMBER, _TEXT, _kind_of, _lists_of, _numbers
from ._columns import Columns
from ._point_clouds import PointClouds
from ._ragged_array import RaggedArray
from ._tables import _ids_of, _together

Role = str | Sequence[str] | Mapping[str, str | Sequence[str]] | None  # columns of events, or of the points

EXACT = {2: 2**11, 4: 2**24, 8: 2**53}  # bytes of a float: integers up to this one are exact


def listed(names: Role) -> list[str]:
    """List the columns of a role that may have none, one or several; of points, those of the first collection."""
    if isinstance(names, Mapping):
        names = next(iter(names.values()), None)
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def check_of_points(role: str, columns: Role, collections: Mapping[str, Sequence[str]]) -> None:
    """Refuse a role of the points that not all points have, or that is an input.

    Raises
    ------
    ValueError
        A collection has no column of the role, another number of them than the others, or one that is a feature.
    """
    if not isinstance(columns, Mapping):
        return
    words = {name: listed(one) for name, one in columns.items()}
    if not all(words.values()) or words.keys() != collections.keys() or len({len(one) for one in words.values()}) > 1:
        raise ValueError(
            f"{role}={dict(columns)}: expected a column of each of the collections {list(collections)}, since every "
            f"point of an event has a {role}."
        )
    if twice := [word for name in words for word in words[name] if word in collections[name]]:
        raise ValueError(f"{twice} are features of points and {role} at once: an input must not tell the {role}.")


def one_per_event(array: Any, name: str) -> Any:
    """Return one entry per event; lists of exactly one entry each, as Delphes writes them, are taken apart."""
    if isinstance(array, np.ndarray):
        return array
    kind = _kind_of(array)
    if kind in (_NUMBER, _TEXT):
        return array
    if kind.startswith(_LIST) and kind.removeprefix(_LIST) in (_NUMBER, _TEXT):
        ak = needs("awkward")
        if ak.all(ak.num(array) == 1):
            return ak.flatten(array)
    raise ValueError(
        f"{name!r} holds {kind}: expected one number per event. Lists are collections=, or, beside one, a target= or "
        "weight= of its points, such as {'Jet': 'flavour'}, or become one number in derived=, such as 'sum(Jet_pt)'."
    )


def rounded_to(numbers: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Convert features to the wanted type; integers that it would round are refused."""
    if numbers.dtype.kind in "iu" and numbers.size:
        limit = EXACT[dtype.itemsize]
        if int(numbers.max()) > limit or int(numbers.min()) < -limit:
            raise ValueError(
                f"{name!r} holds integers beyond {limit}, which {dtype} rounds: an id is event_id=, and a measured "
                f"number needs {'dtype=numpy.float64' if dtype.itemsize < 8 else 'to be a float'}."
            )
    return numbers.astype(dtype, copy=False)


def _all_there(array: Any, what: str, cure: str = "") -> NDArray[Any]:
    """Convert one entry per event to NumPy; one that is missing is an error."""
    if isinstance(array, np.ndarray):
        return array.copy()  # else it would keep a whole row group in memory
    ak = needs("awkward")
    if n := int(ak.sum(ak.is_none(array))):
        raise ValueError(f"{what} is missing in {n} of {len(array)} events{cure}.")
    layout = ak.to_packed(ak.drop_none(array)).layout
    # texts of Arrow have offsets of 32 bits, which older releases of awkward do not convert
    return np.asarray(ak.to_numpy(layout.to_ListOffsetArray64() if layout.is_list else layout))


def labels_of(array: Any, name: str) -> NDArray[Any]:
    """Read labels or targets as they are: numbers or texts, none missing."""
    values = _all_there(one_per_event(array, name), f"the target {name!r}", ": leave them out by cut=")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"the target {name!r} holds NaN or infinity: leave these events out by cut=.")
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def weights_of(array: Any, name: str) -> NDArray[np.float64]:
    numbers = np.array(_numbers(one_per_event(array, name), f"the weight {name!r}"), dtype=np.float64)
    if n := int((~np.isfinite(numbers)).sum()):
        raise ValueError(f"the weight {name!r} is missing or infinite in {n} of {len(numbers)} events.")
    return numbers


def ids_of(array: Any, name: str) -> NDArray[Any]:
    return _ids_of(_all_there(one_per_event(array, name), f"the event id {name!r}"))


def joined_ids(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Join ids exactly: numpy would make floats of signed and unsigned 64-bit integers."""
    if parts[0].dtype.names is not None:
        names = parts[0].dtype.names
        return _together([joined_ids([part[name] for part in parts]) for name in names], names)
    kinds = {part.dtype.kind for part in parts}
    if kinds == {"i", "u"}:
        least = min(int(part.min(initial=0)) for part in parts)
        greatest = max(int(part.max(initial=0)) for part in parts)
        if least < 0 and greatest >= 2**63:
            raise ValueError("event ids below 0 and above 2**63 fit into no integer type together.")
        return np.concatenate([part.astype(np.uint64 if greatest >= 2**63 else np.int64) for part in parts])
    return np.concatenate(parts)


def _of_points(columns: Columns, name: str, word: str, kept: Any) -> tuple[NDArray[Any], Index]:
    """Read a column of a collection: its numbers, point after point, and how many each event has."""
    label = f"{word} of {name}"
    if (lists := columns.lists(name, word)) is not None:
        values, counts = lists if kept is None else (lists[0][kept.repeat(lists[1])], lists[1][kept])
        return _numbers(values, label), counts
    array = columns.member(name, word)
    array = array if kept is None else array[kept]
    if _kind_of(array) == _NUMBER:  # of the event: missing momentum is one point
        return _numbers(array, label), np.ones(len(array), dtype=np.int64)
    if (kind := _kind_of(array)) != _LIST + _NUMBER:
        raise ValueError(f"the feature {word!r} of {name!r} holds {kind}: expected one list of numbers.")
    offsets, content = _lists_of(array, label)
    return _numbers(content, label), np.diff(offsets)


def kinds_of(events: Any) -> dict[str, str]:
    """Name the types of the target and the ids of a chunk, which all files must share."""
    words = {"b": "numbers", "i": "numbers", "u": "numbers", "f": "numbers", "U": "text", "S": "text"}
    target, ids = getattr(events.target, "values", events.target), events.groups
    kinds = {} if target is None else {"target": words.get(target.dtype.kind, "something else")}
    for name in () if ids is None else ids.dtype.names or ("event_id",):
        kinds[name] = words.get((ids if ids.dtype.names is None else ids[name]).dtype.kind, "something else")
    return kinds


class PointsOf:
    """Points of one kind in some events: values (n_points, n_features) and their number in each event."""

    def __init__(self, columns: Columns, name: str, words: Sequence[str], kept: Any, dtype: np.dtype[Any]) -> None:
        parts, counts = [], None
        for word in words:
            numbers, lengths = _of_points(columns, name, word, kept)
            if counts is None:
                counts = lengths
            elif not np.array_equal(counts, lengths):
                raise ValueError(
                    f"{word!r} and {words[0]!r} of the collection {name!r} have lists of different lengths."
                )
            parts.append(rounded_to(numbers, dtype, f"{word} of {name}"))
        self.counts: Index = np.asarray(counts)
        self.values = np.stack(parts, axis=1)


def _rows_in_set(counts: NDArray[Any]) -> tuple[Index, list[Index]]:
    """Find the rows of the points of each collection in one set, and the offsets of the events in it.

    Parameters
    ----------
    counts : ndarray of shape (n_collections, n_events)
        Numbers of points.
    """
    offsets = offsets_from_counts(counts.sum(axis=0))
    starts = offsets[:-1] + np.cumsum(counts, axis=0) - counts
    own = [offsets_from_counts(one) for one in counts]
    return offsets, [start[segment_ids(one)] + positions(one) for start, one in zip(starts, own, strict=True)]


def of_all_points(
    columns: Columns, role: str, of_role: Mapping[str, Any], collections: Mapping[str, PointsOf], kept: Any
) -> RaggedArray:
    """Read the target or weight of every point, in the order of the points in their set, with the type it has.

    Raises
    ------
    ValueError
        A number is missing or infinite, or there is not one for every point.
    """
    several = any(not isinstance(one, str) for one in of_role.values())
    parts = []
    for name, points in collections.items():
        numbers = []
        for word in listed(of_role[name]):
            values, lengths = _of_points(columns, name, word, kept)
            if not np.array_equal(lengths, points.counts):
                raise ValueError(
                    f"the {role} {word!r} of the collection {name!r} has {len(values)} numbers for "
                    f"{len(points.values)} points, or other numbers of them in an event: expected one for each point."
                )
            if values.dtype.kind == "f" and (n := int((~np.isfinite(values)).sum())):
                raise ValueError(
                    f"the {role} {word!r} of the collection {name!r} is missing or infinite at {n} points."
                )
            numbers.append(values.astype(values.dtype.newbyteorder("="), copy=False))
        parts.append(np.stack(numbers, axis=1) if several else numbers[0])
    offsets, rows = _rows_in_set(np.stack([one.counts for one in collections.values()]))
    together = np.concatenate(parts)
    values = np.empty_like(together)
    values[np.concatenate(rows)] = together
    return RaggedArray(values, offsets)


def one_set(
    collections: Mapping[str, PointsOf],
    words: Mapping[str, Sequence[str]],
    events: NDArray[Any],
    names: Sequence[str],
) -> PointClouds:
    """Put all collections of an event in one set: the union of their features, and, of several, their kinds."""
    union = list(dict.fromkeys(word for one in words.values() for word in one))
    kinds = [f"{name}_kind" for name in words] if len(words) > 1 else []
    counts = np.stack([one.counts for one in collections.values()])
    if len(counts) == 1 and [union] == [list(one) for one in words.values()]:
        (alone,) = collections.values()
        offsets = offsets_from_counts(alone.counts)
        return PointClouds(alone.values, offsets, union, event_values=events, event_names=names)
    offsets, rows_of = _rows_in_set(counts)
    values = np.zeros((int(offsets[-1]), len(union) + len(kinds)), dtype=events.dtype)
    for i, ((name, one), rows) in enumerate(zip(collections.items(), rows_of, strict=True)):
        values[rows[:, np.newaxis], [union.index(word) for word in words[name]]] = one.values
        if kinds:
            values[rows, len(union) + i] = 1
    return PointClouds(values, offsets, [*union, *kinds], event_values=events, event_names=names)
