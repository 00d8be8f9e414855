"""Finished candidates of a search, in memory or in a file from which a killed search continues."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable, Iterable
from math import isfinite
from numbers import Real
from pathlib import Path
from pickle import PicklingError
from typing import Any, Self

import joblib

try:
    import fcntl
except ImportError:  # no file can be locked; writing by another search is detected all the same
    fcntl = None  # type: ignore[assignment]

_FORMAT = 2
_SHORT = 100  # longest list of choices, or of steps; a longer one holds events


def fingerprint(thing: Any) -> str:
    """Hash the content of anything; the result is the same in every session, and for a copy."""
    # part by part: joblib's hash depends on whether two parts are the same object
    if hasattr(thing, "get_params") and not isinstance(thing, type):
        thing = type(thing).__qualname__, thing.get_params(deep=False)
    if isinstance(thing, dict):
        thing = {name: fingerprint(value) for name, value in thing.items()}
    elif isinstance(thing, tuple) or (isinstance(thing, list) and len(thing) <= _SHORT):
        thing = [fingerprint(value) for value in thing]
    try:
        return joblib.hash(thing)
    except (PicklingError, AttributeError, TypeError):  # such as a lambda: its text without its address
        return joblib.hash(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing)))


def readable(value: Any) -> Any:
    """Return what JSON can hold unchanged, and the text of anything else."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)


# --- what a line may hold: pairs of a description and a check ---------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_score(value: Any) -> bool:
    return _is_number(value) or (isinstance(value, dict) and bool(value) and all(map(_is_number, value.values())))


def _is_fold(fold: Any) -> bool:
    """Return whether this is the result of a fit of scikit-learn; empty if a candidate was stopped before that fold."""
    if not isinstance(fold, dict) or not fold:
        return fold == {}
    scores = [fold.get("test_scores"), *(fold[name] for name in ("train_scores",) if name in fold)]
    times = [fold.get(name) for name in ("fit_time", "score_time")]
    return all(map(_is_score, scores)) and all(map(_is_number, times)) and isinstance(fold.get("fit_error"), str | None)


def _are_folds(folds: Any) -> bool:
    return isinstance(folds, list) and bool(folds) and all(map(_is_fold, folds)) and folds[0] != {}


def _are_reports(reports: Any) -> bool:
    return isinstance(reports, dict) and all(key.isdecimal() and _is_number(reports[key]) for key in reports)


_HEADER: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "format": ("a whole number", _is_whole),
    "seed": ("a whole number", lambda value: _is_whole(value) and value < 2**32),
    "search": (
        "an object of texts",
        lambda value: isinstance(value, dict) and all(isinstance(one, str) for one in value.values()),
    ),
}
_RECORD: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "space": ("a whole number", _is_whole),
    "point": ("a list or an object", lambda value: isinstance(value, (list, dict))),
    "params": ("an object", lambda value: isinstance(value, dict)),
    "elapsed": ("a number of seconds", lambda value: _is_number(value) and isfinite(value) and value >= 0),
    "folds": ("a list of objects with times, test_scores and fit_error", _are_folds),
    "reports": ("an object of epochs and numbers", _are_reports),
    "pruned": ("true or false", lambda value: isinstance(value, bool)),
    "score": ("a number", _is_number),
}


class History:
    """Finished candidates of one search, in the order in which they finished; this one keeps them in memory.

    Parameters
    ----------
    search : dict of str to str
        Fingerprints of everything that identifies the search.
    seed : int
        Seed of the candidates.

    Attributes
    ----------
    records : list of dict
        The candidates, with the number of their space, the seconds that the search had taken, and all that
        `Candidate` has.
    """

    lasts = False  # whether what is added outlives the process
    name = "The memory of the last fit"
    cure = "start anew (warm_start=False)"

    def __init__(self, search: dict[str, str], seed: int) -> None:
        self.search, self.seed = search, seed
        self.records: list[dict[str, Any]] = []

    def check(self, theirs: dict[str, str]) -> None:
        """Refuse to go on with another search.

        Raises
        ------
        ValueError
            The candidates are those of another search.
        """
        if different := [name for name, value in theirs.items() if self.search.get(name) != value]:
            raise ValueError(
                f"{self.name} belongs to another search: {', '.join(different)} differ from those of this one. Give "
                f"the same again, or {self.cure}."
            )

    def damage(self, where: str, expected: str) -> ValueError:
        """Make the error for a damaged record."""
        return ValueError(
            f"{self.name} is damaged: {where} must be {expected}. Remove what is damaged, or {self.cure}."
        )

    def _checked(self, where: str, text: Any, fields: dict[str, tuple[str, Callable[[Any], bool]]]) -> dict[str, Any]:
        """Read the JSON of a header or a record."""
        try:
            read = json.loads(text)
        except (TypeError, ValueError):
            read = None
        if not isinstance(read, dict) or not fields.keys() <= read.keys():
            raise self.damage(where, f"a JSON object with {', '.join(fields)}")
        for name, (expected, is_right) in fields.items():
            if not is_right(read[name]):
                raise self.damage(f"{name!r} in {where}", f"{expected}, not {json.dumps(read[name])[:60]}")
        return read

    def _take(self, where: str, header: Any, records: Iterable[tuple[str, Any]]) -> None:
        """Load stored records, after a check of all of them."""
        read = self._checked(where, header, _HEADER)
        if read["format"] != _FORMAT:
            raise ValueError(f"{self.name} has format {read['format']!r}; this version reads {_FORMAT}.")
        ours, self.search, self.seed = self.search, read["search"], read["seed"]
        self.check(ours)
        seen, n_twice = set(), 0
        for place, text in records:
            record = self._checked(place, text, _RECORD)
            key = json.dumps([record["space"], record["point"]], sort_keys=True)
            n_twice += key in seen
            if key not in seen:
                seen.add(key)
                self.records.append({**record, "where": place})
        if n_twice:
            warnings.warn(f"{self.name} holds {n_twice} candidates twice; they count once.", UserWarning, stacklevel=2)

    def _header(self) -> str:
        return json.dumps({"format": _FORMAT, "seed": self.seed, "search": self.search})

    @property
    def elapsed(self) -> float:
        """Return the seconds that the search had taken when its last candidate was finished."""
        return self.records[-1]["elapsed"] if self.records else 0.0

    def of_space(self, number: int) -> list[dict[str, Any]]:
        """Return the candidates of one space."""
        return [record for record in self.records if record["space"] == number]

    def add(self, records: list[dict[str, Any]]) -> None:
        """Add finished candidates."""
        self._write(records)
        self.records += records

    def _write(self, records: list[dict[str, Any]]) -> None:
        """Store the records outside the process; this class does not."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        """Release the stored records to other searches."""


class FileHistory(History):
    """History in a file, which one search uses at a time.

    The file holds one JSON object per line: first a description of the search, then the candidates. Each batch is
    written in one piece and reaches the disk before the search goes on; an incomplete last line is dropped. Reading it
    runs no code. The file is locked while the search runs; on a file system without locks, its length is compared
    before each write.

    Raises
    ------
    ValueError
        The file is not a history, is damaged, or belongs to another search.
    RuntimeError
        Another search uses it.
    """

    lasts = True
    cure = "take another file"

    def __init__(self, path: Any, search: dict[str, str], seed: int) -> None:
        super().__init__(search, seed)
        self.path = Path(path)
        self.name = f"The history {self.path}"
        if self.path.exists() and not self.path.is_file():
            raise ValueError(f"history={str(path)!r} is no regular file; {self.cure}.")
        if not self.path.absolute().parent.is_dir():
            raise ValueError(f"history={str(path)!r}: the folder does not exist. Make it, or {self.cure}.")
        self._file = self.path.open("a+b", buffering=0)
        try:
            self._lock()
            self._read()
        except BaseException:
            self._file.close()
            raise

    def _busy(self) -> RuntimeError:
        return RuntimeError(
            f"{self.name} is in use by another search, which may be the same one that still runs. Wait for its end, or "
            f"{self.cure}."
        )

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._busy() from None
        except OSError:  # a file system without locks
            return

    def _read(self) -> None:
        self._file.seek(0)
        content = self._file.readall() or b""
        lines = content.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):  # a kill came in between
            content = content[: -len(lines.pop())]
        if lines:
            self._take("line 1", lines[0], [(f"line {i}", line) for i, line in enumerate(lines[1:], start=2)])
        self._file.truncate(len(content))  # only now that it is known to be a history
        self._size = len(content)
        if not lines:
            self._append([self._header()])

    def _append(self, lines: list[str]) -> None:
        if os.fstat(self._file.fileno()).st_size != self._size:
            raise self._busy()
        self._size += self._file.write("".join(f"{line}\n" for line in lines).encode())
        os.fsync(self._file.fileno())

    def _write(self, records: list[dict[str, Any]]) -> None:
        self._append([json.dumps(record, default=float) for record in records])

    def __exit__(self, *error: Any) -> None:
        """Close the file, which unlocks it."""
        self._file.close()
