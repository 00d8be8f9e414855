"""Point clouds from and to awkward arrays: fields that are points, fields of the event, missing values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .._missing import real_numbers
from .._optional import needs
from .._roles import warn_of_meanings
from .._segments import Index, offsets_from_counts, segment_sum
from ._clouds import CloudsCore

_NUMBER, _TEXT, _RECORD = "numbers", "text", "records"
_LIST = "lists of "
_OTHER = "something that is no number"


class _Points(NamedTuple):
    """Points of all events in one array ``(n_points, n_features)``, offsets of the events, and names, if any."""

    values: NDArray[Any]
    offsets: Index
    names: Sequence[str] | None


def _plain(array: Any) -> Any:
    """Return the layout of an awkward array below options and indices."""
    layout = array.layout
    while layout.is_option or layout.is_indexed:
        layout = layout.content
    return layout.to_RegularArray() if layout.is_numpy and layout.inner_shape else layout


def _kind(layout: Any) -> str:
    """Name what an entry is: numbers, text, records, or lists of one of them."""
    while layout.is_option or layout.is_indexed:
        layout = layout.content
    if layout.is_numpy and layout.inner_shape:
        layout = layout.to_RegularArray()
    if layout.is_record:
        return _RECORD
    if layout.is_list:
        text = layout.parameter("__array__") in ("string", "bytestring")
        return _TEXT if text else _LIST + _kind(layout.content)
    if layout.is_unknown:
        return _NUMBER
    return _NUMBER if layout.is_numpy and layout.dtype.kind in "biuf" else _OTHER


def _kind_of(array: Any) -> str:
    return _kind(array.layout)


def _split_gaps(array: Any) -> tuple[NDArray[np.bool_], Any]:
    """Return a mask of the entries that are None, and the others, without an option type."""
    layout = array.layout
    while layout.is_indexed and not layout.is_option:
        layout = layout.project()
    if not layout.is_option:
        return np.zeros(len(layout), dtype=bool), needs("awkward").Array(layout)
    return np.asarray(layout.mask_as_bool(valid_when=False)), needs("awkward").Array(layout.project())


def _without_gaps(array: Any, what: str, cure: str) -> Any:
    """Take the option type off the first axis; entries that are None are an error."""
    missing, there = _split_gaps(array)
    if missing.any():
        raise ValueError(f"{what} is missing (None) in {missing.sum()} of {len(missing)} events. {cure}")
    return there


def _lists_of(array: Any, what: str) -> tuple[Index, Any]:
    """Return offsets from 0 and the content of lists, not copied if it is in order; points that are None are absent."""
    ak = needs("awkward")
    array = _without_gaps(
        array, what, "None is no empty list: make it one by ak.fill_none(array, [], axis=0), or drop these events."
    )
    layout = array.layout
    if layout.is_numpy and layout.inner_shape:
        layout = layout.to_RegularArray()
    if layout.is_regular:
        layout = ak.from_regular(ak.Array(layout), axis=1).layout
    if not layout.is_list:
        layout = ak.to_packed(ak.Array(layout)).layout
    layout = layout.to_ListOffsetArray64(True)
    offsets: Index = np.asarray(layout.offsets.data, dtype=np.int64)
    content = ak.Array(layout.content[: offsets[-1]])
    if _kind_of(content) != _NUMBER:
        missing, content = _split_gaps(content)
        if missing.any():
            offsets = offsets_from_counts(segment_sum(~missing, offsets).astype(np.int64))
    return offsets, content


def _numbers(array: Any, what: str) -> NDArray[Any]:
    """Convert an awkward array without lists of varying lengths to NumPy, NaN where a number is missing."""
    if not isinstance(array, np.ndarray):
        array = needs("awkward").to_numpy(array, allow_missing=True)
    numbers = real_numbers(array, exact=what)
    if numbers is None:
        raise ValueError(f"{what} holds {array.type.content}: expected numbers.")
    return numbers


def _points(array: Any, features: Sequence[str] | None, what: str) -> _Points:
    """Read lists of numbers, of lists of equal lengths, or of records, as points."""
    offsets, content = _lists_of(array, what)
    kind = _kind_of(content)
    if kind == _RECORD:
        names = _check_names(content, features, what)
        columns = [
            _column(content[name], f"the feature {name!r}", content, "Or choose other features=.") for name in names
        ]
        return _Points(np.stack(columns, axis=1), offsets, names)
    if kind == _NUMBER:
        return _Points(_numbers(content, what).reshape(-1, 1), offsets, features)
    if kind != _LIST + _NUMBER:
        raise ValueError(f"{what} holds {_LIST}{kind}: expected lists of points, each of numbers.{_nested(kind)}")
    return _Points(_matrix(content, features, what), offsets, features)


def _matrix(content: Any, features: Sequence[str] | None, what: str) -> NDArray[Any]:
    """Read points that are lists of one length each."""
    ak = needs("awkward")
    layout = _plain(content)
    if layout.is_regular:
        width = layout.size
    elif len(content):
        lengths = np.unique(np.asarray(ak.num(content)))
        if len(lengths) > 1:
            raise ValueError(
                f"{what} holds lists of lists of {lengths[0]} to {lengths[-1]} numbers: expected points of as many "
                "numbers each. Choose one of these lists per event, or flatten them: ak.flatten(array, axis=2)."
            )
        width = int(lengths[0])
    elif features is None:
        raise ValueError(
            f"{what} has no point that tells how many features there are: pass features= with their names."
        )
    else:
        width = len(features)
    return _numbers(content, what).reshape(-1, width)


def _nested(kind: str) -> str:
    if kind.startswith(_LIST):
        return " Choose one of the inner lists of an event, or flatten them: ak.flatten(array, axis=2)."
    return ""


def _check_names(array: Any, wanted: Sequence[str] | None, what: str) -> list[str]:
    """Return the wanted fields, by default all of them."""
    fields = list(array.fields)
    if missing := [name for name in wanted or () if name not in fields]:
        raise ValueError(f"{what} has no fields {missing}; it has {fields}.")
    return fields if wanted is None else list(wanted)


def _column(array: Any, what: str, parent: Any, cure: str) -> NDArray[Any]:
    """Read one number per entry; for records within records (TLorentzVector), the error tells how to make columns."""
    if (kind := _kind_of(array)) == _NUMBER:
        return _numbers(array, what)
    if kind == _RECORD:
        parts = ", ".join(f"{'_'.join(path)!r}: points.{'.'.join(path)}" for path in _leaves(parent))
        raise ValueError(
            f"{what} holds records with the fields {list(array.fields)}: expected one number. Make columns of it: "
            f"ak.zip({{{parts}}}). {cure}"
        )
    raise ValueError(f"{what} holds {kind}: expected one number.{_nested(kind)} {cure}")


def _leaves(array: Any) -> list[tuple[str, ...]]:
    """List the paths of fields that are not records themselves."""
    return [
        (name, *rest)
        for name in array.fields
        for rest in (_leaves(array[name]) if _kind_of(array[name]) == _RECORD else [()])
    ]


def _holds_lists(array: Any) -> bool:
    kind = _kind_of(array)
    return any(_holds_lists(array[name]) for name in array.fields) if kind == _RECORD else kind.startswith(_LIST)


def _read_records(
    array: Any, features: Sequence[str] | None, event_features: Sequence[str] | None
) -> tuple[_Points, list[str]]:
    """Read the points, and the names of the event columns, of one record per event."""
    kinds = {name: _kind_of(array[name]) for name in array.fields}
    lists = [name for name, kind in kinds.items() if kind.startswith(_LIST) and _RECORD not in kind]
    collections = [name for name in kinds if name not in lists and _holds_lists(array[name])]
    rest = [name for name in kinds if name not in lists and name not in collections]
    events = _check_names(array, rest if event_features is None else event_features, "the array")
    if features is not None and len(features) == 1 and kinds.get(features[0]) == _LIST + _RECORD:
        return _points(array[features[0]], None, f"{features[0]!r}"), events
    if len(collections) == 1 and kinds[collections[0]] == _LIST + _RECORD and not set(features or lists) & set(kinds):
        name = collections[0]
        return _points(array[name], features, f"{name!r}"), events
    if collections and (features is None or not set(features) <= set(kinds)):
        raise ValueError(
            f"the array holds the collections {collections}{f' and the lists {lists}' if lists else ''}: pick one, "
            f"PointClouds.from_awkward(array.{collections[0]}), or name lists of numbers as features=."
        )
    names = lists if features is None else _check_names(array, features, "the array")
    if not names:
        raise ValueError(f"no field holds lists of points; the fields are {kinds}.")
    columns = []
    for name in names:
        if kinds[name] != _LIST + _NUMBER:
            raise ValueError(
                f"{name!r} holds {kinds[name]}: expected lists of numbers.{_nested(kinds[name].removeprefix(_LIST))} "
                "Leave it out by naming features=."
            )
        columns.append(_lists_of(array[name], f"{name!r}"))
        if not np.array_equal(columns[-1][0], columns[0][0]):
            raise ValueError(f"{name!r} and {names[0]!r} have lists of different lengths.")
    numbers = [_numbers(content, f"{name!r}") for name, (_, content) in zip(names, columns, strict=True)]
    return _Points(np.stack(numbers, axis=1), columns[0][0], names), events


class AwkwardConversions(CloudsCore):
    """Converters from and to awkward arrays."""

    @classmethod
    def from_awkward(
        cls, array: Any, features: Sequence[str] | None = None, event_features: Sequence[str] | None = None
    ) -> Self:
        """Make point clouds from an awkward array of events.

        Parameters
        ----------
        array : awkward.Array
            Either ``n * var * k * float64``, lists of points of k numbers, which are taken over without a copy; or
            ``n * var * {pt: float, y: float}``, lists of records; or ``n * {pt: var * float, met: float}``, records
            of lists of the same lengths, or of one collection ``{jets: var * {pt: float, y: float}, met: float}``,
            beside plain numbers, which become event columns. A number that is None becomes NaN, a point that is None
            is absent.
        features : sequence of str, optional
            Fields that are features of the points, all of them by default, or the one that is a collection; names of
            the columns where there are no fields.
        event_features : sequence of str, optional
            Fields that are event columns; all plain numbers by default.

        Warns
        -----
        UserWarning
            A field that was not chosen, but taken by default, is a label, a weight or an event id by its name.

        Raises
        ------
        ImportError
            awkward is not installed; it comes with the extra ``hep``.
        ValueError
            There are no lists of points, or several collections of them; lists have different lengths, or hold lists,
            text or records; a wanted field does not exist; an event, or its list, is None; an integer is beyond 2**53;
            or the array is a single event.

        Examples
        --------
        >>> import awkward as ak
        >>> from sklearn_ml4fp import PointClouds
        >>> PointClouds.from_awkward(ak.Array([{"pt": [50.0, 20.0], "met": 30.0}, {"pt": [], "met": 9.0}]))
        PointClouds(2 clouds, 2 points, features=('pt',), event columns=('met',), float64)
        """
        ak = needs("awkward")
        if isinstance(array, ak.Record):
            raise ValueError("expected an awkward array of events, got a single event: X[:1], not X[0].")
        if not isinstance(array, Iterable):
            raise TypeError(f"expected an awkward array of events, got {array!r}.")
        array = _without_gaps(
            ak.Array(array), "the event", "Drop them, in y, weights and ids too: array[~ak.is_none(array)]."
        )
        if (kind := _kind_of(array)) == _RECORD:
            points, events = _read_records(array, features, event_features)
            columns = [
                _column(array[name], f"the event column {name!r}", array, "Or choose other event_features=.")
                for name in events
            ]
            event_values = np.stack(columns, axis=1) if events else None
            taken = [*((points.names or ()) if features is None else ()), *(events if event_features is None else ())]
            warn_of_meanings(taken, "Name those that you mean as features= and event_features=.", 2)
            return cls(*points, event_values=event_values, event_names=events)
        if not kind.startswith(_LIST):
            raise ValueError(f"expected an awkward array with one list of points per event, got {array.type}.")
        return cls(*_points(array, features, "the array"))

    def to_awkward(self) -> Any:
        """Convert to records of lists, one field per feature, and event columns as plain numbers.

        Awkward keeps every field in one piece, so that columns are copied unless there is only one.
        """
        ak = needs("awkward")

        def column(name: str) -> NDArray[Any]:
            return np.ascontiguousarray(self.column(name))

        offsets = ak.index.Index64(self.offsets)
        contents = [
            ak.contents.ListOffsetArray(offsets, ak.contents.NumpyArray(column(name))) for name in self.feature_names
        ]
        contents += [ak.contents.NumpyArray(column(name)) for name in self.event_names]
        names = [*self.feature_names, *self.event_names]
        return ak.Array(ak.contents.RecordArray(contents, names, length=len(self)))
