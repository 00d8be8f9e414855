"""Columns in their roles: features, points of several collections, labels, weights and ids, each checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._optional import needs
from .._segments import offsets_from_counts, positions, segment_ids
from ._awkward import _LIST, _NUMBER, _TEXT, _kind_of, _lists_of, _numbers
from ._columns import Columns
from ._point_clouds import PointClouds
from ._tables import _ids_of, _together

EXACT = {2: 2**11, 4: 2**24, 8: 2**53}  # bytes of a float: integers up to this one are exact


def listed(names: str | Sequence[str] | None) -> list[str]:
    """List the columns of a role that may have none, one or several."""
    return [] if names is None else [names] if isinstance(names, str) else list(names)


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
        f"{name!r} holds {kind}: expected one number per event. Lists are collections=, or become one number in "
        "derived=, such as 'sum(Jet_pt)'."
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
    return np.asarray(ak.to_numpy(ak.drop_none(array)))


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


class PointsOf:
    """Points of one kind in some events: values (n_points, n_features) and their number in each event."""

    def __init__(self, columns: Columns, name: str, words: Sequence[str], kept: Any, dtype: np.dtype[Any]) -> None:
        parts, counts = [], None
        for word in words:
            label = f"{word} of {name}"
            array = columns.member(name, word)
            array = array if kept is None else array[kept]
            if _kind_of(array) == _NUMBER:  # of the event: missing momentum is one point
                numbers, lengths = _numbers(array, label), np.ones(len(array), dtype=np.int64)
            else:
                if (kind := _kind_of(array)) != _LIST + _NUMBER:
                    raise ValueError(f"the feature {word!r} of {name!r} holds {kind}: expected one list of numbers.")
                offsets, content = _lists_of(array, label)
                numbers, lengths = _numbers(content, label), np.diff(offsets)
            if counts is None:
                counts = lengths
            elif not np.array_equal(counts, lengths):
                raise ValueError(
                    f"{word!r} and {words[0]!r} of the collection {name!r} have lists of different lengths."
                )
            parts.append(rounded_to(numbers, dtype, label))
        self.counts: NDArray[np.int64] = np.asarray(counts)
        self.values = np.stack(parts, axis=1)


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
    offsets = offsets_from_counts(counts.sum(axis=0))
    values = np.zeros((int(offsets[-1]), len(union) + len(kinds)), dtype=events.dtype)
    starts = offsets[:-1] + np.cumsum(counts, axis=0) - counts
    for i, (name, one) in enumerate(collections.items()):
        own = offsets_from_counts(one.counts)
        rows = starts[i][segment_ids(own)] + positions(own)
        values[rows[:, np.newaxis], [union.index(word) for word in words[name]]] = one.values
        if kinds:
            values[rows, len(union) + i] = 1
    return PointClouds(values, offsets, [*union, *kinds], event_values=events, event_names=names)
