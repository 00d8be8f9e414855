"""Scores of a model beside the ids of the events, in a file that is a friend of those that hold the events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from .._optional import needs
from .._requests import routed
from .._segments import offsets_from_counts
from .._validation import check_integer
from .._whole_file import whole_file
from ..data import EventSource, RaggedArray

_COMPARED = 1000  # entries that are scored again to see that a run which goes on is the same


def write_scores(
    source: EventSource,
    model: Any,
    path: str | PathLike[str],
    *,
    tree: str = "scores",
    n_entries: int = 100_000,
) -> Path:
    """Write the scores of a model beside the ids of the events, in the order of a source, whatever its size.

    A classifier gives the column ``score``, the probability of its second class, or ``score_A``, ``score_B``, ... for
    three classes and more; a regressor gives ``prediction``, or one column for each target. Scores of points or edges
    are a list for each event.

    Parameters
    ----------
    source : EventSource
        Events, with ``event_id``.
    model : estimator
        Fitted classifier with ``predict_proba``, or regressor. Models that take event ids, such as
        `CrossFitClassifier`, get them.
    path : str or path
        File that is written: ``.parquet``, or ``.root`` with one tree.
    tree : str, default="scores"
        Name of the tree in a ROOT file.
    n_entries : int, default=100_000
        Number of entries that are read and scored at a time, before the cut.

    Returns
    -------
    path : pathlib.Path
        Path of the file. It is there when all is written, and not before.

    Raises
    ------
    ImportError
        uproot or pyarrow is not installed; both come with the extra ``hep``.
    TypeError
        ``source`` is no EventSource, or the model does not predict.
    ValueError
        The source has no ``event_id`` or no event, the name of the file ends differently, ROOT shall keep texts, or the
        parts of a run that was broken off are of other events or of another model.

    See Also
    --------
    EventSource : Where the events come from.
    save_model : Files of models.

    Notes
    -----
    Until the end, each chunk is a file in the folder ``path.parts``. A run that was killed goes on after the last one:
    repeat the call.

    Examples
    --------
    >>> import tempfile, numpy as np, pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ml4fp import EventSource, write_scores
    >>> events = pd.DataFrame({"pt": [1.0, 2.0, 3.0, 4.0], "label": [0, 0, 1, 1], "event": [7, 8, 9, 2**60 + 1]})
    >>> source = EventSource(events, features=["pt"], target="label", event_id="event")
    >>> train = source.read()
    >>> model = LogisticRegression().fit(train.data, train.target)
    >>> path = write_scores(source, model, tempfile.mkdtemp() + "/scores.parquet")
    >>> pd.read_parquet(path)["event"].tolist()
    [7, 8, 9, 1152921504606846977]
    """
    path = Path(fspath(path))
    writers: dict[str, Callable[[Sequence[Path], Path], None]] = {
        ".parquet": _to_parquet,
        ".root": partial(_to_root, tree=tree),
    }
    if path.suffix not in writers:
        raise ValueError(f"{path} ends in {path.suffix!r}: expected .parquet or .root.")
    if not isinstance(source, EventSource):
        raise TypeError(f"expected an EventSource, got {type(source).__name__}.")
    if source.event_id is None:
        raise ValueError("the source has no event_id: name the columns that say to which event a score belongs.")
    score = _scorer_of(model, source)
    folder = path.with_name(f"{path.name}.parts")
    for part, first in _missing(source, score, folder, check_integer(n_entries, "n_entries", 1)):
        with whole_file(folder / first) as beside, beside.open("wb") as file:
            for array in part.arrays:
                np.save(file, array, allow_pickle=False)
    parts = sorted(folder.glob("[0-9]*.npy")) if folder.is_dir() else []
    if not parts:
        raise ValueError(f"{source!r} has no event to be scored.")
    with whole_file(path) as beside:
        writers[path.suffix](parts, beside)
    for one in folder.glob("*.npy"):  # one that was being written when a run was killed among them
        one.unlink()
    folder.rmdir()
    return path


def inputs_of(model: Any, events: Any) -> Any:
    """Return the events of a chunk as a model takes them: a frame, if it was fitted on one."""
    if hasattr(model, "feature_names_in_") and isinstance(events.data, np.ndarray):
        return needs("pandas").DataFrame(events.data, columns=events.feature_names, copy=False)
    return events.data


@dataclass
class _Part:
    """Ids and scores of some events.

    Parameters
    ----------
    rows : structured array of shape (n_events,)
        Ids, and what there is once for every event.
    counts : ndarray of shape (n_events,) or None
        Number of points or edges of each event, where these have scores.
    lists : structured array or None
        Their scores, one after the other.
    """

    rows: np.ndarray
    counts: np.ndarray | None = None
    lists: np.ndarray | None = None

    @classmethod
    def of(cls, ids: dict[str, np.ndarray], scores: dict[str, np.ndarray], counts: np.ndarray | None) -> _Part:
        """Make a part of columns by name."""
        if counts is None:
            return cls(_structured(ids | scores))
        return cls(_structured(ids), counts, _structured(scores))

    @property
    def arrays(self) -> list[np.ndarray]:
        """What a file of the part holds."""
        return [one for one in (self.rows, self.counts, self.lists) if one is not None]

    @classmethod
    def read(cls, path: Path) -> _Part:
        """Read a part from its file."""
        with path.open("rb") as file:
            arrays = []
            while file.tell() < path.stat().st_size:
                arrays.append(np.load(file))
        return cls(*arrays)

    def columns(self) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
        """Return all columns by name, and the offsets of those that are lists."""
        found: dict[str, tuple[np.ndarray, np.ndarray | None]] = {
            name: (np.ascontiguousarray(self.rows[name]), None) for name in self.rows.dtype.names or ()
        }
        if self.counts is not None and self.lists is not None:
            offsets = offsets_from_counts(self.counts)
            found |= {name: (np.ascontiguousarray(self.lists[name]), offsets) for name in self.lists.dtype.names or ()}
        return found

    def first(self, n: int) -> _Part:
        """Return the first events."""
        if self.counts is None or self.lists is None:
            return _Part(self.rows[:n])
        return _Part(self.rows[:n], self.counts[:n], self.lists[: self.counts[:n].sum()])


def _structured(columns: dict[str, np.ndarray]) -> np.ndarray:
    first = next(iter(columns.values()))
    rows = np.empty(len(first), dtype=[(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        rows[name] = column
    return rows


Scored = Callable[[Any], _Part]


def _scorer_of(model: Any, source: EventSource) -> Scored:
    """Return a function that makes ids and scores of a chunk."""
    method = next((one for one in ("predict_proba", "predict") if hasattr(model, one)), None)
    if method is None:
        raise TypeError(
            f"expected a fitted classifier or regressor, got {type(model).__name__}, which does not predict."
        )
    ids = [source.event_id] if isinstance(source.event_id, str) else list(source.event_id or ())

    def score(events: Any) -> _Part:
        X = inputs_of(model, events)
        answer = getattr(model, method)(X, **routed(model, method, {"groups": events.groups}))
        counts = answer.counts if isinstance(answer, RaggedArray) else None
        found = np.asarray(answer) if counts is None else answer.values
        if found.ndim > 2 or len(found if counts is None else counts) != len(X):
            raise ValueError(f"{method} gives the shape {found.shape} for {len(X)} events: expected one row per event.")
        if method == "predict_proba":
            classes = [str(one) for one in model.classes_]
            names = ["score"] if len(classes) == 2 else [f"score_{one}" for one in classes]
            found = found[:, 1:] if len(classes) == 2 else found
        else:
            names = _names_of_outputs(found, source.target)
        values = [events.groups] if events.groups.dtype.names is None else [events.groups[name] for name in ids]
        columns = found.reshape(len(found), -1).T
        return _Part.of(dict(zip(ids, values, strict=True)), dict(zip(names, columns, strict=True)), counts)

    return score


def _names_of_outputs(found: np.ndarray, target: Any) -> list[str]:
    if found.ndim == 1:
        return ["prediction"]
    while isinstance(target, Mapping):  # of points, in their collections
        target = next(iter(target.values()))
    known = target is not None and not isinstance(target, str) and len(target) == found.shape[1]
    return [f"prediction_{name}" for name in (target if known and target else range(found.shape[1]))]


def _missing(source: EventSource, score: Scored, folder: Path, n_entries: int) -> Iterator[tuple[_Part, str]]:
    """Yield the parts that no earlier run has written, and the names of their files."""
    done = sorted(folder.glob("[0-9]*.npy")) if folder.is_dir() else []
    first = 0
    if done:
        low, high = map(int, done[0].stem.split("-"))
        first = int(done[-1].stem.split("-")[1])
        _check_same(score(next(source.chunks(min(high - low, _COMPARED), first=low))), _Part.read(done[0]), folder)
    for events in source.chunks(n_entries, first=first):
        low, high = events.entries
        part = score(events)
        folder.mkdir(parents=True, exist_ok=True)
        yield part, f"{low:015d}-{high:015d}.npy"


def _check_same(again: _Part, before: _Part, folder: Path) -> None:
    n = min(len(again.rows), len(before.rows))
    one, other = again.first(n).columns(), before.first(n).columns()
    if n == 0 or one.keys() != other.keys() or not all(_are_close(one[name], other[name]) for name in one):
        raise ValueError(
            f"{folder} holds the parts of a run that was broken off, of other events or of another model: remove the "
            "folder, or pass the same source and model."
        )


def _are_close(one: tuple[np.ndarray, np.ndarray | None], other: tuple[np.ndarray, np.ndarray | None]) -> bool:
    """Compare two columns, numbers up to the rounding of another processor, and the offsets of lists."""
    (values, offsets), (others, its_offsets) = one, other
    if not np.array_equal(offsets, its_offsets) or values.shape != others.shape:  # type: ignore[arg-type]
        return False
    if values.dtype.kind == "f" and others.dtype.kind == "f":
        return bool(np.allclose(values, others, rtol=1e-3, atol=1e-4))
    return bool(np.all(values == others))


def _to_parquet(parts: Sequence[Path], path: Path) -> None:
    pa, parquet = needs("pyarrow"), needs("pyarrow.parquet")

    def column(values: np.ndarray, offsets: np.ndarray | None) -> Any:
        flat = pa.array(values)
        return flat if offsets is None else pa.LargeListArray.from_arrays(offsets, flat)

    writer = None
    try:
        for part in parts:
            table = pa.table({name: column(*one) for name, one in _Part.read(part).columns().items()})
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _to_root(parts: Sequence[Path], path: Path, tree: str) -> None:
    def column(values: np.ndarray, offsets: np.ndarray | None) -> Any:
        return values if offsets is None else RaggedArray(values, offsets).to_awkward()

    with needs("uproot").recreate(path) as file:
        for i, part in enumerate(parts):
            columns = _Part.read(part).columns()
            if text := [name for name, (values, _) in columns.items() if values.dtype.kind not in "biuf"]:
                raise ValueError(f"{text} hold texts, which are not written to ROOT: write a .parquet file.")
            if i == 0:
                kinds = {
                    name: values.dtype if offsets is None else f"var * {values.dtype}"
                    for name, (values, offsets) in columns.items()
                }
                file.mktree(tree, kinds)
            file[tree].extend({name: column(*one) for name, one in columns.items()})
