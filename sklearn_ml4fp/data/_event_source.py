"""Events of files or arrays with explicit roles: which columns are inputs, and which are label, weight and id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._dask_parts import delayed_parts
from .._optional import needs
from ._awkward import _NUMBER, _kind_of, _numbers
from ._columns import Columns
from ._event_roles import (
    EXACT,
    PointsOf,
    Role,
    check_of_points,
    ids_of,
    kinds_of,
    labels_of,
    listed,
    of_all_points,
    one_per_event,
    one_set,
    rounded_to,
    weights_of,
)
from ._expressions import Expression
from ._reader import Ranges, Reader
from ._readers import in_memory, open_file, paths_of, reader_of
from ._store import roles_in, write_store
from ._stream import EVENTS, Stream, bunch_of, joined
from ._tables import _together

if TYPE_CHECKING:
    from sklearn.utils import Bunch

_CHUNK = 1 << 18  # entries that `read` decodes at a time

Column = str | Callable[[Mapping[str, Any]], Any]


class EventSource(Stream):
    """Describe events once: where they are, and which columns are inputs, label, weight and id.

    What is not named is not read. No role is guessed: a column is an input because ``features`` or ``collections``
    say so.

    Parameters
    ----------
    files : path, pattern, list of these, awkward.Array, DataFrame, pyarrow.Table, ndarray or collection of Dask
        ROOT, Parquet, Arrow, Feather, HDF5 or numpy (.npy) files (told apart by their content), or events in memory,
        with one entry per event. The files of a pattern such as ``"data/*.root"`` come in the order of their names.
        Arrays of numpy are structured, or have columns that are called x0, x1, ...; .npy files are mapped to memory.
        The parts of a frame or array of Dask, of dask-awkward, or of a list of `Delayed` are computed one at a time,
        where Dask computes, whenever they are read: once to be checked, and then in every pass.
    tree : str, optional
        Name of the tree in ROOT files, or of a group or structured data set in HDF5 files; by default the only one.
    row_groups : sequence of int, optional
        Row groups that are read of each Parquet file, counted from 0; by default all.
    features : sequence of str, default=()
        Columns with one number per event that are inputs. Units are those of the file.
    collections : mapping of str to sequence of str, optional
        Collections of points and their features: ``{"Jet": ["pt", "eta"]}``. The feature is a column ``Jet_pt`` (as in
        NanoAOD) or ``Jet.pt`` (as in Delphes), or a field of the records in ``Jet``. Columns with one number per event
        are a collection of one point (missing momentum).
    target : str, sequence of str or mapping, optional
        Column of labels, or of the number to be estimated, or several of these. ``{"Hit": "is_track"}`` is a target of
        every point of the collection, a column beside its features; with several collections, one of each.
    weight : str or mapping, optional
        Column of event weights, also negative ones, or, as for ``target``, of weights of the points.
    event_id : str or sequence of str, optional
        Column, or several (``["run", "event"]``), that identify an event: integers or texts, kept exactly.
    cut : str or callable, optional
        Condition for an event to be kept: an expression of columns, ``"MET_pt > 20 and count(Jet_pt) >= 2"``, or a
        function that takes the columns of a chunk (``columns["MET_pt"]``, awkward arrays) and returns a mask. The
        operations of an expression are listed in the user guide; it is never run as Python.
    derived : mapping of str to str or callable, optional
        New columns that every other parameter may name: expressions, or functions as for ``cut``.
    entries : (int, int), optional
        First entry, and the one after the last, counted through all files before the cut; None stands for the end.
    dtype : dtype, optional
        Floating-point type of the features: by default float32, or that of a store. Integers that it would round are an
        error.
    memory : int, default=2**30
        Bytes of events that ``fit(source)`` may hold: a source that takes at most as many is read into memory, a larger
        one is read again in every epoch, through a buffer of this size.

    Attributes
    ----------
    n_entries : int
        Number of entries in the range, before the cut.

    Raises
    ------
    ValueError
        By `read` and `chunks`, before any event is returned: a file is empty, truncated or of another format, lacks a
        tree or column, or has other types of columns than the files before it. The error names the file.

    See Also
    --------
    PointClouds : Container of the collections.
    momentum_components : Formulas of components that a file does not have.

    Notes
    -----
    A component of momenta that is wanted (pt, eta, phi, m, e, px, py, pz, rapidity) and not stored is computed from
    the others of the same collection, whatever their case, also from TLorentzVector. Several collections make one set
    of points with the union of their features and a column ``Jet_kind`` for each, which is 1 for its own points; a
    feature that a collection does not have is 0 for its points.

    A file whose tree has no entry is skipped.

    Examples
    --------
    >>> import awkward as ak
    >>> from sklearn_ml4fp import EventSource
    >>> array = ak.Array({"Jet_pt": [[50.0, 20.0], []], "MET_pt": [30.0, 9.0], "event": [2**60 + 1, 7]})
    >>> events = EventSource(array, features=["MET_pt"], collections={"Jet": ["pt"]}, event_id="event").read()
    >>> events.data
    PointClouds(2 clouds, 2 points, features=('pt',), event columns=('MET_pt',), float32)
    >>> events.groups
    array([1152921504606846977,                   7])
    """

    def __init__(
        self,
        files: Any,
        *,
        tree: str | None = None,
        row_groups: Sequence[int] | None = None,
        features: Sequence[str] = (),
        collections: Mapping[str, Sequence[str]] | None = None,
        target: Role = None,
        weight: str | Mapping[str, str] | None = None,
        event_id: str | Sequence[str] | None = None,
        cut: Column | None = None,
        derived: Mapping[str, Column] | None = None,
        entries: tuple[int, int | None] | None = None,
        dtype: DTypeLike | None = None,
        memory: int = 2**30,
    ) -> None:
        super().__init__(memory)
        self.files, self.tree, self.row_groups = files, tree, row_groups
        self._parts = delayed_parts(files)
        self._memory = None if self._parts else in_memory(files)
        names = [f"part {i}" for i in range(len(self._parts or ()))]
        self._paths = names or ([] if self._memory else paths_of(files))
        has_roles = bool(features or collections) or not self._paths or self._parts
        stored = {} if has_roles else roles_in(self._paths[0])
        self.features = listed(stored.get("features", features))
        self.collections = {
            name: listed(words) for name, words in (stored.get("collections", collections) or {}).items()
        }
        self.target: Role = stored.get("target") if target is None else target
        self.weight: Role = stored.get("weight") if weight is None else weight
        self._target, self._weight = self.target, self.weight  # what is read; the others may be made of it
        self.event_id = stored.get("event_id") if event_id is None else event_id
        self.cut, self.derived, self.entries = cut, dict(derived or {}), entries
        self.dtype = np.dtype(stored.get("dtype", np.float32) if dtype is None else dtype)
        self._cut = Expression(cut) if isinstance(cut, str) else cut
        self._derived = {name: Expression(one) if isinstance(one, str) else one for name, one in self.derived.items()}
        self._ranges: list[tuple[int, int]] | None = None  # entries of each file, once all have been checked
        self._none: Bunch | None = None  # a piece without events, once all files have been checked
        self._check_roles()

    def _check_roles(self) -> None:
        if not self.features and not self.collections:
            raise ValueError("no inputs: name columns as features=, or collections={'Jet': ['pt', 'eta']}.")
        if empty := [name for name, words in self.collections.items() if not words]:
            raise ValueError(f"the collections {empty} have no features: name those of a point, such as ['pt', 'eta'].")
        if self.dtype.kind != "f" or self.dtype.itemsize not in EXACT:
            raise ValueError(f"dtype={self.dtype}: expected float16, float32 or float64.")
        if isinstance(self.event_id, Mapping):
            raise ValueError(
                f"event_id={dict(self.event_id)}: expected columns of the events, since points have no id."
            )
        check_of_points("target", self.target, self.collections)
        check_of_points("weight", self.weight, self.collections)
        roles = {
            role: [] if isinstance(names, Mapping) else listed(names)
            for role, names in (("target", self.target), ("weight", self.weight), ("event_id", self.event_id))
        }
        inputs = {*self.features, *(f"{name}{s}{w}" for name, ws in self.collections.items() for w in ws for s in "_.")}
        for role, names in roles.items():
            if twice := [name for name in names if name in inputs]:
                raise ValueError(f"{twice} are inputs and {role} at once: an input must not tell the {role}.")
        first, last = self.entries or (0, None)
        if any(not isinstance(one, Integral) or one < 0 for one in (first, 0 if last is None else last)):
            raise ValueError(
                f"entries={self.entries!r}: expected (first, last) with numbers from 0, or None for the end."
            )

    @property
    def n_entries(self) -> int:
        """Number of entries in the range, before the cut; the first use opens and checks every file."""
        return sum(stop - start for start, stop in self._checked())

    def read(self, *, as_frame: bool = False) -> Bunch:
        """Read all events into memory.

        Parameters
        ----------
        as_frame : bool, default=False
            Whether ``data`` is a pandas DataFrame with named columns, in place of an array; not with collections.

        Returns
        -------
        events : sklearn.utils.Bunch
            data : PointClouds, or array or DataFrame of shape (n_events, n_features)
                Point clouds if there are collections; then ``features`` are their event columns.
            target, sample_weight, groups : array of shape (n_events,) or None
                Of the same events, in the same order; a structured array where ``event_id`` has several columns, and a
                `RaggedArray` where a target or weight is of the points.
            feature_names : list of str
                Names of the columns of ``data`` (or of the points).

        Raises
        ------
        ValueError
            Something is wrong with a file (see the class), or no event is left.
        """
        if as_frame and self.collections:
            raise ValueError("as_frame=True: a data frame has one number per event and column; leave out collections.")
        parts = list(self.chunks(_CHUNK))
        if not parts:
            raise ValueError(f"{self!r} has no event: {self.n_entries} entries, and none passes cut={self.cut!r}.")
        events = joined(parts)
        if as_frame:
            events.data = needs("pandas").DataFrame(events.data, columns=events.feature_names, copy=False)
        return bunch_of(**events, DESCR=repr(self))

    def to_store(self, path: str | PathLike[str], *, n_entries: int = 100_000) -> EventSource:
        """Read, cut and derive once, and write the result to an Arrow file that later epochs map to memory.

        ``EventSource(path)`` without inputs reads it back, in the roles that its columns have here; a cut, entries and
        other roles may be added. Points are one collection, of the kinds that they have here, with their targets and
        weights.

        Parameters
        ----------
        path : str or path
            Path of the file, which is replaced when all is written, and not before.
        n_entries : int, default=100_000
            Number of entries read at a time, before the cut.

        Returns
        -------
        source : EventSource
            Source of the same events in the store.

        Raises
        ------
        ImportError
            pyarrow is not installed; it comes with the extra ``hep``.
        ValueError
            Something is wrong with a file (see the class), no event is left, or they are graphs.
        """
        names = list(self.collections)
        collection = (names[0] if len(names) == 1 else "") or "points"
        roles = {"target": self.target, "weight": self.weight, "event_id": self.event_id}
        write_store(self.chunks(n_entries), path, collection=collection, roles=roles)
        return type(self)(path, memory=self.memory)

    def _open(self, i: int) -> Reader:
        if self._parts:
            return reader_of(self._parts[i].compute(), self._name(i))
        return self._memory or open_file(self._paths[i], self.tree, self.row_groups)

    def _checked(self) -> list[tuple[int, int]]:
        """Open every file, read its first event, and compare its types with those of the files before."""
        if self._ranges is not None:
            return self._ranges
        first, last = self.entries or (0, None)
        ranges, boundaries, n_before, reference = [], [], [0], None
        for i in range(max(1, len(self._paths))):
            with self._open(i) as reader:
                before = n_before[-1]
                start = min(max(first - before, 0), reader.n_entries)
                stop = reader.n_entries if last is None else min(max(last - before, start), reader.n_entries)
                if reader.n_entries:
                    events, kinds = self._probed(i, reader, start, stop)
                    self._none = self._none or events
                    reference = reference or (kinds, i)
                    for role, kind in kinds.items():
                        if kind != reference[0].get(role, kind):
                            raise ValueError(
                                f"{self._name(i)}: {role} is {kind}, but {reference[0][role]} in "
                                f"{self._name(reference[1])}: expected the same columns in all files."
                            )
                boundaries.append(reader.boundaries)
            ranges.append((start, stop))
            n_before.append(before + reader.n_entries)
        self._ranges, self._boundaries, self._before = ranges, boundaries, n_before
        return ranges

    def _probed(self, i: int, reader: Reader, start: int, stop: int) -> tuple[Bunch, dict[str, str]]:
        """Read an event whose columns are wanted; return none of it, and the kinds of all columns."""
        wanted = next(iter(reader.wanted(start, stop, self._may_pass)), (start, stop))
        probe = min(wanted[0], reader.n_entries - 1)
        columns = Columns(reader, probe, probe + 1, self._derived)
        with self._naming(i):
            if self._cut is not None:
                self._mask(columns)
            events = self._of_columns(columns, None)
        none = {name: None if events[name] is None else events[name][:0] for name in EVENTS}
        return bunch_of(**{**events, **none}), kinds_of(events) | columns.kinds()

    def _name(self, i: int) -> str:
        return self._paths[i] if self._paths else "the events"

    @contextmanager
    def _naming(self, i: int) -> Iterator[None]:
        """Give errors the name of a file."""
        try:
            yield
        except ValueError as error:
            raise ValueError(f"{self._name(i)}: {error}") from error

    def _events(self, i: int, reader: Reader, start: int, stop: int) -> Bunch:
        """Read the events of a range of entries; an error names the file."""
        parts = []
        for first, last in reader.wanted(start, stop, self._may_pass):
            columns = Columns(reader, first, last, self._derived)
            with self._naming(i):
                kept = None if self._cut is None else self._mask(columns)
                if kept is None or kept.any():  # else the other columns are not looked at
                    parts.append(self._of_columns(columns, kept))
        if not parts:
            assert self._none is not None
            return bunch_of(**self._none)
        return parts[0] if len(parts) == 1 else joined(parts)

    def _may_pass(self, range_of: Ranges) -> bool:
        """Return whether an event may pass the cut, by the least and greatest numbers of the columns of a file."""
        if not isinstance(self._cut, Expression):
            return True
        return self._cut.may_hold(lambda name: None if name in self._derived else range_of(name))

    def _of_columns(self, columns: Columns, kept: NDArray[np.bool_] | None) -> Bunch:
        n = columns.n_entries if kept is None else int(kept.sum())

        targets, weights = ([] if isinstance(one, Mapping) else listed(one) for one in (self._target, self._weight))
        ids = listed(self.event_id)
        flat = columns.numbers([*self.features, *targets, *weights, *ids])

        def column(name: str) -> Any:
            array = flat[name] if name in flat else columns[name]
            return array if kept is None else array[kept]

        features = np.empty((n, len(self.features)), dtype=self.dtype)
        for i, name in enumerate(self.features):
            numbers = _numbers(one_per_event(column(name), name), f"the feature {name!r}")
            features[:, i] = rounded_to(numbers, self.dtype, name)
        points = {name: PointsOf(columns, name, words, kept, self.dtype) for name, words in self.collections.items()}
        data: Any = one_set(points, self.collections, features, self.features) if points else features
        labels = [labels_of(column(name), name) for name in targets]
        target: Any = None if not labels else labels[0] if isinstance(self._target, str) else np.stack(labels, axis=1)
        weight: Any = weights_of(column(weights[0]), weights[0]) if weights else None
        if isinstance(self._target, Mapping):
            target = of_all_points(columns, "target", self._target, points, kept)
        if isinstance(self._weight, Mapping):
            weight = of_all_points(columns, "weight", self._weight, points, kept)
            weight = weight.with_values(weight.values.astype(np.float64))
        return bunch_of(
            data=data,
            target=target,
            sample_weight=weight,
            groups=_together([ids_of(column(name), name) for name in ids], ids) if ids else None,
            feature_names=list(data.feature_names) if self.collections else list(self.features),
        )

    def _mask(self, columns: Columns) -> NDArray[np.bool_]:
        """Evaluate the cut: True where it holds, False where it is missing."""
        assert self._cut is not None
        ak = needs("awkward")
        result = self._cut(columns)
        mask = ak.Array(result if isinstance(result, Iterable) else [result])
        flat = np.ma.filled(ak.to_numpy(mask, allow_missing=True), False) if _kind_of(mask) == _NUMBER else None
        if flat is None or flat.dtype != bool or flat.shape != (columns.n_entries,):
            raise ValueError(
                f"cut={self.cut!r} gives {mask.type}: expected True or False for each of {columns.n_entries} events. "
                "A list per event becomes one number by any(...), all(...), sum(...), or count(...)."
            )
        return np.asarray(flat)

    def __repr__(self) -> str:
        more = f" and {len(self._paths) - 1} more" if len(self._paths) > 1 else ""
        what = f"{self._paths[0]!r}{more}" if self._paths else "events in memory"
        given = {
            name: getattr(self, name) for name in ("tree", "features", "collections", "target", "weight", "event_id")
        }
        given |= {name: getattr(self, name) for name in ("cut", "derived", "entries")}
        return f"EventSource({', '.join([what, *(f'{name}={one!r}' for name, one in given.items() if one)])})"
