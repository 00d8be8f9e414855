"""Scores of a model beside the ids of the events, in a file that is a friend of those that hold the events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from .._optional import needs
from .._requests import routed
from .._validation import check_integer
from .._whole_file import whole_file
from ..data import EventSource

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
    three classes and more; a regressor gives ``prediction``, or one column for each target.

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
            np.save(file, part, allow_pickle=False)
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


Scored = Callable[[Any], np.ndarray]


def _scorer_of(model: Any, source: EventSource) -> Scored:
    """Return a function that makes a structured array of ids and scores of a chunk."""
    method = next((one for one in ("predict_proba", "predict") if hasattr(model, one)), None)
    if method is None:
        raise TypeError(
            f"expected a fitted classifier or regressor, got {type(model).__name__}, which does not predict."
        )
    ids = [source.event_id] if isinstance(source.event_id, str) else list(source.event_id or ())

    def score(events: Any) -> np.ndarray:
        X = inputs_of(model, events)
        found = np.asarray(getattr(model, method)(X, **routed(model, method, {"groups": events.groups})))
        if found.ndim > 2 or len(found) != len(X):
            raise ValueError(f"{method} gives the shape {found.shape} for {len(X)} events: expected one row per event.")
        if method == "predict_proba":
            classes = [str(one) for one in model.classes_]
            names = ["score"] if len(classes) == 2 else [f"score_{one}" for one in classes]
            found = found[:, 1:] if len(classes) == 2 else found
        else:
            names = _names_of_outputs(found, source.target)
        values = [events.groups] if events.groups.dtype.names is None else [events.groups[name] for name in ids]
        values += list(found.reshape(len(X), -1).T)
        rows = np.empty(len(X), dtype=[(n, v.dtype) for n, v in zip([*ids, *names], values, strict=True)])
        for name, column in zip([*ids, *names], values, strict=True):
            rows[name] = column
        return rows

    return score


def _names_of_outputs(found: np.ndarray, target: Any) -> list[str]:
    if found.ndim == 1:
        return ["prediction"]
    known = target is not None and not isinstance(target, str) and len(target) == found.shape[1]
    return [f"prediction_{name}" for name in (target if known and target else range(found.shape[1]))]


def _missing(source: EventSource, score: Scored, folder: Path, n_entries: int) -> Iterator[tuple[np.ndarray, str]]:
    """Yield the parts that no earlier run has written, and the names of their files."""
    done = sorted(folder.glob("[0-9]*.npy")) if folder.is_dir() else []
    first = 0
    if done:
        low, high = map(int, done[0].stem.split("-"))
        first = int(done[-1].stem.split("-")[1])
        _check_same(score(next(source.chunks(min(high - low, _COMPARED), first=low))), np.load(done[0]), folder)
    for events in source.chunks(n_entries, first=first):
        low, high = events.entries
        part = score(events)
        folder.mkdir(parents=True, exist_ok=True)
        yield part, f"{low:015d}-{high:015d}.npy"


def _check_same(again: np.ndarray, before: np.ndarray, folder: Path) -> None:
    n, names = min(len(again), len(before)), before.dtype.names or ()
    same = again.dtype.names == names and n > 0
    for name in names if same else ():
        one, other = again[name][:n], before[name][:n]
        same &= bool(np.allclose(one, other, rtol=1e-3, atol=1e-4) if one.dtype.kind == "f" else np.all(one == other))
    if not same:
        raise ValueError(
            f"{folder} holds the parts of a run that was broken off, of other events or of another model: remove the "
            "folder, or pass the same source and model."
        )


def _to_parquet(parts: Sequence[Path], path: Path) -> None:
    pa, parquet = needs("pyarrow"), needs("pyarrow.parquet")
    writer = None
    try:
        for part in parts:
            rows = np.load(part)
            table = pa.table({name: pa.array(np.ascontiguousarray(rows[name])) for name in rows.dtype.names})
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _to_root(parts: Sequence[Path], path: Path, tree: str) -> None:
    with needs("uproot").recreate(path) as file:
        for i, part in enumerate(parts):
            rows = np.load(part)
            if text := [name for name in rows.dtype.names if rows.dtype[name].kind not in "biuf"]:
                raise ValueError(f"{text} hold texts, which are not written to ROOT: write a .parquet file.")
            if i == 0:
                file.mktree(tree, {name: rows.dtype[name] for name in rows.dtype.names})
            file[tree].extend({name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names})
