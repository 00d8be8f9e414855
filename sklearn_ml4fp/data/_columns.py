"""Columns of a range of entries, found by name: stored, inside a record, derived, or computed from momenta."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import first_line
from .._kinematics import way_to
from .._optional import needs
from .._segments import Index
from ._awkward import _LIST, _NUMBER, _kind_of
from ._momenta import component_of, momentum_components
from ._reader import Reader

# members of ROOT's and vector's records, without the leading f of ROOT, that mean a component of a momentum there
_OF_VECTORS = {"x": "px", "y": "py", "z": "pz", "t": "e", "rho": "pt", "tau": "m"}
_VECTORS = ("LorentzVector", "TVector", "Momentum")  # in the names of their records
_FOUR_MOMENTA = ("p4", "lv", "lorentzvector", "fourmomentum", "momentum")  # names of columns that hold such records
_SEPARATORS = ("_", ".", "")
_LISTED = 60  # names in an error


def _inside(array: Any, path: str) -> Any | None:
    """Follow a path of fields into records; None if there is no such field."""
    for name in path.split("."):
        if name not in array.fields:
            return None
        array = array[name]
    return array


def _leaves(array: Any) -> Iterator[tuple[str, Any]]:
    """Yield the columns of records, and of records within them, with the last part of their names."""
    for name in array.fields:
        inner = array[name]
        yield from _leaves(inner) if inner.fields else [(name, inner)]


def _components(array: Any) -> dict[str, Any]:
    """Find the components of a momentum in a record, also in records within it (TLorentzVector)."""
    is_vector = any(one in str(array.layout.purelist_parameter("__record__")) for one in _VECTORS)
    found = {}
    for word, column in _leaves(array):
        if is_vector:
            word = word[1:] if word.startswith("f") else word
            word = _OF_VECTORS.get(word.lower(), word)
        if (one := component_of(word)) is not None:
            found[one] = column
    return found


class Columns(Mapping[str, Any]):
    """Columns of some entries of a file, each read when it is first asked for; functions of a chunk get this.

    ``columns["Jet_pt"]`` is an awkward array with one entry per event: a number, or a list.
    """

    def __init__(
        self, reader: Reader, start: int, stop: int, derived: Mapping[str, Callable[[Mapping[str, Any]], Any]]
    ) -> None:
        self._reader, self._start, self._stop, self._derived = reader, start, stop, derived
        self._read: dict[str, Any] = {}
        self._flat: dict[str, str] = {}  # kinds of columns that were read as arrays of numpy
        self._open: list[str] = []

    @property
    def n_entries(self) -> int:
        """Number of entries, before any cut."""
        return self._stop - self._start

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._reader.fields, *self._derived]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, name: str) -> Any:
        if (array := self.get(name)) is None:
            raise ValueError(self._lacks(name))
        return array

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """Return a column, stored or computed, or ``default`` if there is none."""
        if (array := self._find(name)) is not None:
            return array
        for separator in _SEPARATORS[:2]:
            prefix, _, word = name.rpartition(separator)
            if prefix and (array := self._computed(prefix, word)) is not None:
                return array
        return default

    def member(self, collection: str, word: str) -> Any:
        """Return a feature of a collection: ``pt`` of ``Jet`` is Jet_pt, Jet.PT, a field of Jet, or computed."""
        for separator in _SEPARATORS:
            if (array := self._find(f"{collection}{separator}{word}")) is not None:
                return array
        if (array := self._computed(collection, word)) is not None:
            return array
        members = [name for name, _ in self._members(collection)]
        raise ValueError(
            f"the collection {collection!r} has no {word!r}; "
            + (f"it has {members}." if members else f"no column begins with its name. {self._lacks(collection)}")
        )

    def _find(self, name: str) -> Any | None:
        """Return a derived or stored column, or one inside a record; None if there is none."""
        if name in self._derived:
            return self._derive(name)
        if name in self._reader.fields:
            return self._column(name)
        end = len(name)
        while (end := name.rfind(".", 0, end)) > 0:
            if name[:end] in self._reader.fields:
                return _inside(self._column(name[:end]), name[end + 1 :])
        return None

    def _column(self, name: str) -> Any:
        if name not in self._read:
            try:
                self._read[name] = self._reader.column(name, self._start, self._stop)
            except Exception as error:  # damaged files raise every kind
                raise ValueError(
                    f"the column {name!r} cannot be read from entry {self._start} to {self._stop} "
                    f"({first_line(error)}): the file may be damaged, or the column of a type that is not supported."
                ) from error
        return self._read[name]

    def numbers(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return those columns that a file keeps as one number per entry and no gap; the others are left out."""
        stored = [name for name in names if name not in self._derived and name not in self._read]
        stored = [name for name in stored if name in self._reader.fields]
        try:
            found = dict(self._reader.numbers(stored, self._start, self._stop))
        except Exception:  # damaged files raise every kind; one column after the other says which it is
            return {}
        self._flat |= dict.fromkeys(found, _NUMBER)
        return found

    def lists(self, collection: str, word: str) -> tuple[NDArray[Any], Index] | None:
        """Return the numbers of a feature of a collection and their number in each event, if a file has it so."""
        if "." in collection or collection in self._reader.fields:  # records
            return None
        known = {*self._reader.fields, *self._derived}
        name = next((name for one in _SEPARATORS if (name := f"{collection}{one}{word}") in known), None)
        if name is None or name in self._derived or name in self._read:
            return None
        try:
            found = self._reader.lists(name, self._start, self._stop)
        except Exception:  # damaged files raise every kind; reading the column by itself says which it is
            return None
        if found is not None:
            self._flat[name] = _LIST + _NUMBER
        return found

    def _derive(self, name: str) -> Any:
        if name not in self._read:
            if name in self._open:
                raise ValueError(f"the derived columns {self._open} need each other.")
            self._open.append(name)
            value = self._derived[name](self)
            self._open.pop()
            if np.isscalar(value):  # the same for all, as the class of a file that has one
                value = np.full(self.n_entries, value)
            array = needs("awkward").Array(value)
            if len(array) != self.n_entries:
                raise ValueError(f"the derived column {name!r} has {len(array)} entries for {self.n_entries} events.")
            self._read[name] = array
        return self._read[name]

    def kinds(self) -> dict[str, str]:
        """Name what the entries of each column are that has been read."""
        kinds = self._flat | {name: _kind_of(array) for name, array in self._read.items()}
        return {f"the column {name!r}": kind for name, kind in kinds.items()}

    def _members(self, collection: str) -> Iterator[tuple[str, str]]:
        """Yield the columns of a collection, and what their names add to its name."""
        for separator in _SEPARATORS:
            start = collection + separator
            for name in self:
                rest = name[len(start) :]
                if name.startswith(start) and rest and rest[0] not in "_.":
                    yield name, rest

    def _computed(self, prefix: str, word: str) -> Any | None:
        """Return a component of the momenta of a collection: stored in another spelling, or computed; else None."""
        wanted = component_of(word)
        if wanted is None:
            return None
        known: dict[str, str] = {}
        for name, rest in self._members(prefix):
            if (one := component_of(rest)) is not None:
                known.setdefault(one, name)
        if wanted in known:
            return self[known[wanted]]
        if (array := _from(_Renamed(known, self), wanted)) is not None:
            return array
        vectors = [prefix] if prefix in self._reader.fields else []
        vectors += [name for name, rest in self._members(prefix) if rest.lower() in _FOUR_MOMENTA]
        for name in vectors:
            parts = _components(self._column(name))
            if wanted in parts:
                return parts[wanted]
            if (array := _from(parts, wanted)) is not None:
                return array
        return None

    def _lacks(self, name: str) -> str:
        names = list(self)
        near = get_close_matches(name, names, n=3)
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        return (
            f"there is no column {name!r}{f' (perhaps {near})' if near else ''}; there are "
            f"{', '.join(names[:_LISTED])}{more}."
        )


class _Renamed(Mapping[str, Any]):
    """Columns under the names of their components, read when they are asked for."""

    def __init__(self, names: Mapping[str, str], columns: Mapping[str, Any]) -> None:
        self._names, self._columns = names, columns

    def __getitem__(self, one: str) -> Any:
        return self._columns[self._names[one]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _from(known: Mapping[str, Any], wanted: str) -> Any | None:
    """Compute a component from others, which are read only if they are needed; None if they do not tell it."""
    return momentum_components(known, [wanted])[wanted] if way_to(wanted, known) else None
