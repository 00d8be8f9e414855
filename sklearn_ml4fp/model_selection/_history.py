"""Finished candidates of a search, in memory and in a file from which a killed search goes on."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from pickle import PicklingError
from typing import Any

import joblib

_FORMAT = 1
_FIELDS = {"space", "point", "params", "elapsed", "folds"}


def fingerprint(thing: Any) -> str:
    """Hash of the content of anything, the same in every session."""
    try:
        return joblib.hash(thing)
    except (PicklingError, AttributeError, TypeError):  # a lambda, say: what it looks like, without its address
        return joblib.hash(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing)))


def _readable(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)


def _parse(path: Path, number: int, line: bytes, fields: set[str]) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not fields <= record.keys():
        raise ValueError(
            f"line {number} of {path} is no line of a search's history: expected a JSON object with {sorted(fields)}. "
            "Take another file."
        )
    return record


class History:
    """Finished candidates of one search, in the order in which they finished.

    The file holds one JSON object a line: first what the search is, then the candidates. Each is written in one piece
    and reaches the disk before the search goes on; a line that a kill cut off is dropped. Reading it runs no code.

    Parameters
    ----------
    search : dict of str to str
        Fingerprints of what makes a search another one.
    seed : int
        Seed of the candidates, where the file does not know it.
    path : path-like or None
        The file; None keeps the candidates in memory alone.

    Raises
    ------
    ValueError
        The file is no history, or that of another search.
    """

    def __init__(self, search: dict[str, str], seed: int, path: Any = None) -> None:
        self.search, self.seed = search, seed
        self.path = None if path is None else Path(path)
        self.records: list[dict[str, Any]] = []
        if self.path is None:
            return
        lines = self._complete_lines()
        if not lines:
            self._write([{"format": _FORMAT, "seed": seed, "search": search}])
            return
        header = _parse(self.path, 1, lines[0], {"format", "seed", "search"})
        if header["format"] != _FORMAT:
            raise ValueError(f"{self.path} has format {header['format']!r}; this version reads {_FORMAT}.")
        self.check(header["search"], search)
        self.seed = int(header["seed"])
        self.records = [_parse(self.path, i, line, _FIELDS) for i, line in enumerate(lines[1:], start=2)]

    def check(self, ours: dict[str, str], theirs: dict[str, str]) -> None:
        """Refuse to go on with another search."""
        if different := [name for name, value in theirs.items() if ours.get(name) != value]:
            where = "The candidates of the last fit" if self.path is None else f"The candidates in {self.path}"
            raise ValueError(
                f"{where} belong to another search: {' and '.join(different)} differ from those of this one. Give the "
                "same again, or start anew" + (" (warm_start=False)." if self.path is None else " with another file.")
            )

    def _complete_lines(self) -> list[bytes]:
        """Lines of the file, after cutting off one that a kill left without its end."""
        assert self.path is not None
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        if len(complete) < len(content):
            os.truncate(self.path, len(complete))
        return complete.splitlines()

    def _write(self, records: list[dict[str, Any]]) -> None:
        if self.path is None:
            return
        lines = "".join(json.dumps(record, default=float) + "\n" for record in records)
        with self.path.open("ab", buffering=0) as file:
            file.write(lines.encode())
            os.fsync(file.fileno())

    @property
    def elapsed(self) -> float:
        """Seconds that the search had taken when its last candidate was finished."""
        return self.records[-1]["elapsed"] if self.records else 0.0

    def of_space(self, number: int) -> list[dict[str, Any]]:
        """Candidates of one space."""
        return [record for record in self.records if record["space"] == number]

    def add(
        self, space: int, points: list[list], candidates: list[dict[str, Any]], folds: list[list[dict]], elapsed: float
    ) -> None:
        """Take note of candidates that are finished."""
        new = [
            {
                "space": space,
                "point": point,
                "params": {name: _readable(value) for name, value in candidate.items()},
                "elapsed": elapsed,
                "folds": of_candidate,
            }
            for point, candidate, of_candidate in zip(points, candidates, folds, strict=True)
        ]
        self._write(new)
        self.records += new
