"""Interpolation between an event and its neighbours among the training events."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.multiclass import type_of_target

from .._compat import Interval
from .._events import check_ids
from .._kinematics import wrap_phi
from .._params import AT_LEAST_ONE, hp
from ._base import Augmenter, is_azimuth
from ._events import Batch, Block, read
from ._random import codes_of

_COLUMNS = (str, tuple, list)


def _labels(y: Any, n: int) -> np.ndarray:
    """Encode the classes of n events, of any type, as integers."""
    array = np.asarray(y)
    if len(array) != n:
        raise ValueError(f"y has {len(array)} entries, expected {n}: one per event.")
    return codes_of(array) if array.dtype.kind in "fiub" else check_ids(array)


def _table(batch: Batch) -> Block:
    if batch.images is not None or batch.dropped is not None:
        got = "images" if batch.images is not None else "PointClouds"
        raise ValueError(
            f"NeighbourInterpolation expected a table, got {got}: there is no line between two sets of points. Turn "
            "points into columns (ToList), or use another augmenter."
        )
    return batch.blocks[0]


@dataclass
class _Reference:
    """Training events, with a search tree for each class and pattern of missing values."""

    values: np.ndarray  # (n_events, n_columns)
    plain: list[int]  # columns that are interpolated on the line
    phi: list[int]  # and on the circle
    labels: np.ndarray | None
    target: np.ndarray | None  # (n_events, n_targets), in a regression
    scale: np.ndarray = field(init=False)
    trees: dict[bytes, dict[Any, tuple[np.ndarray, NearestNeighbors]]] = field(init=False, default_factory=dict)
    last: tuple | None = field(
        init=False, default=None
    )  # the last search: epochs and copies search for the same events

    def __post_init__(self) -> None:
        self.scale = np.ones(len(self.plain) + 2 * len(self.phi))
        there = [self._variance(column) for column in self._positions(self.values).T]
        line, cos, sin = np.split(np.array(there), np.cumsum([len(self.plain), len(self.phi)]))
        # two random events differ by √2 in each column, and by as much on each circle
        scale = np.sqrt(np.concatenate([line, cos + sin, cos + sin]))
        self.scale = np.where(scale > 0, scale, 1.0)
        positions = self._positions(self.values)
        labels = np.zeros(len(self.values), dtype=int) if self.labels is None else self.labels
        for pattern, rows in self._by_pattern(self.values):
            of_pattern = self.trees[pattern] = {}
            for label in np.unique(labels[rows]):
                members = rows[labels[rows] == label]
                known = ~np.isnan(positions[members[0]])
                if known.any():
                    # a k-d tree computes each distance by itself: exactly 0 for the event itself, and independent of
                    # the other events, unlike the matrix products of a brute-force search
                    tree = NearestNeighbors(algorithm="kd_tree").fit(positions[np.ix_(members, known)])
                    of_pattern[label] = members, tree

    @staticmethod
    def _variance(column: np.ndarray) -> float:
        known = column[~np.isnan(column)]
        # equal numbers have a variance of 0, where rounding would make it one that blows up every distance
        return float(known.var()) if len(known) and np.ptp(known) > 0 else 0.0

    def _positions(self, values: np.ndarray) -> np.ndarray:
        """Compute the coordinates in which distances are taken: chords for angles."""
        phi = values[:, self.phi]
        return np.column_stack([values[:, self.plain], np.cos(phi), np.sin(phi)]) / self.scale

    @staticmethod
    def _by_pattern(values: np.ndarray) -> list[tuple[bytes, np.ndarray]]:
        patterns, of_event = np.unique(np.isnan(values), axis=0, return_inverse=True)
        return [(one.tobytes(), np.flatnonzero(of_event.ravel() == i)) for i, one in enumerate(patterns)]

    def nearest(self, values: np.ndarray, y: Any, k: int) -> np.ndarray:
        """Find the k nearest training events, ``(n_events, k)`` numbers, −1 where there are no more.

        They miss the same values and, if ``y`` is given, are of the same class.
        """
        positions, found = self._positions(values), np.full((len(values), k), -1)
        labels = None if self.labels is None or y is None else _labels(y, len(values))
        question = values, np.empty(0) if labels is None else labels
        if self.last is not None:
            before, numbers = self.last
            same = all(np.array_equal(*pair, equal_nan=True) for pair in zip(before, question, strict=True))
            if same and numbers.shape[1] == k:
                return numbers
        for pattern, rows in self._by_pattern(values):
            trees = self.trees.get(pattern, {})
            for label in [None] if labels is None else np.unique(labels[rows]):
                asked = rows if label is None else rows[labels[rows] == label]  # type: ignore[index]
                among = [tree for of, tree in trees.items() if label is None or of == label]
                if among:
                    known = ~np.isnan(positions[asked[0]])
                    found[asked] = _nearest(among, positions[np.ix_(asked, known)], k)
        self.last = question, found
        return found

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"last": None}  # the last search is not part of the learned state


def _nearest(trees: list[tuple[np.ndarray, NearestNeighbors]], positions: np.ndarray, k: int) -> np.ndarray:
    """Find the k nearest events in several trees, −1 where there are no more; no event is its own neighbour."""
    # repeated events (copies) are searched once
    positions, back = np.unique(positions, axis=0, return_inverse=True)
    distances, numbers = [], []
    for members, tree in trees:
        distance, number = tree.kneighbors(positions, n_neighbors=min(k + 1, len(members)))
        distances.append(distance)
        numbers.append(members[number])
    distance, number = np.hstack(distances), np.hstack(numbers)
    order = np.argsort(distance, axis=1, kind="stable")
    distance, number = (np.take_along_axis(one, order, axis=1) for one in (distance, number))
    number = np.hstack([number, np.full((len(number), k + 1), -1)])
    own = (distance[:, :1] == 0).astype(int)
    return np.take_along_axis(number, np.arange(k) + own, axis=1)[back.ravel()]


def _on_the_way(start: np.ndarray, end: np.ndarray, part: np.ndarray, on_circle: bool) -> np.ndarray:
    """Interpolate between two points, azimuths along the shorter arc."""
    way = end - start
    new = start + part * (wrap_phi(way) if on_circle else way)
    return wrap_phi(new) if on_circle else new


class NeighbourInterpolation(Augmenter):
    """Move each event a random part of the way to one of its nearest neighbours among the training events.

    A copy of an event x is x + u·(x′ − x), with u uniform between 0 and ``strength`` and x′ one of the k nearest
    training events of the same class, each with the same probability; azimuths go the shorter way round the circle. As
    in SMOTE (there for a rare class, with u up to 1) the copies fill the space between events; they keep the class, the
    weight and the id of x. Distances are Euclidean in columns over their standard deviations, without the weights, with
    the chord for azimuths. Parents miss the same values; an event that has no such neighbour stays as it is.

    Neighbours are never searched among the other events of a call, but among those that ``learn`` was given: the
    training events, which `Resampled`, a network's ``augment=`` and `AugmentedPrediction` hand over by themselves. In a
    regression all events are neighbours, and the target goes the same part of the way (SMOTER). In prediction, where
    neither class nor target is known, neighbours of all classes count, and nothing is turned back: an event between two
    has no inverse. Sums of columns (``ht``) and the order in pT stay right when all columns are interpolated; masses
    and missing momenta are those of the event between, not of its objects. Leave columns that are whole numbers (a
    charge) out of ``columns``.

    See Also
    --------
    WeightedSampler : SMOTE of imbalanced-learn, for rare classes.
    Smear : Change each event by itself.

    References
    ----------
    Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16 (2002) 321.
    Torgo et al., "SMOTE for Regression", EPIA 2013, LNCS 8154, 378.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import NeighbourInterpolation
    >>> X, y = np.array([[0.0, 0.0], [1.0, 2.0], [9.0, 9.0]]), [0, 0, 1]
    >>> between = NeighbourInterpolation(random_state=0).learn(X, y).augment(X, y=y)
    >>> bool(0 < between[0, 0] < 0.5 and between[0, 1] == 2 * between[0, 0])
    True
    >>> between[2]  # the only one of its class
    array([9., 9.])
    """

    columns: Any = hp(
        None, valid=(*_COLUMNS, None), doc="What is interpolated: a word, or names and numbers of columns; None is all."
    )
    phi_columns: Any = hp(
        "phi",
        valid=_COLUMNS,
        doc="Azimuths (rad) among them: a word for all columns that end so, or names and numbers; () for none.",
    )
    n_neighbors: int = hp(5, valid=AT_LEAST_ONE, search=(1, 20), doc="Neighbours k that may be chosen.")
    # up to halfway, a copy is nearer to its own event than to the neighbour
    strength: float = hp(
        0.5, valid=Interval(Real, 0, 1, closed="right"), search=(0.1, 1.0), doc="Largest part u of the way."
    )
    target_phi: Any = hp(
        (), valid=(tuple, list), doc="Targets that are azimuths (rad), by the numbers of their columns."
    )

    _target_parameters: ClassVar = ("target_phi",)  # all targets go along: these as azimuths

    _attributes_doc = (
        Augmenter._attributes_doc
        + """
        reference_ : object
            The training events, in what ``learn`` returns.
    """
    )

    def check_target(self, y: Any) -> None:
        super().check_target(y)
        if is_azimuth(y) and not len(self.target_phi):
            raise ValueError(
                "The target is called an azimuth: NeighbourInterpolation(target_phi=[0]) goes the shorter way round."
            )

    def learn(self, X: Any, y: Any = None, *, target: Any = None, names: Any = None) -> Self:
        self._validate_params()
        block = _table(read(X, names))
        if not len(block.values):
            raise ValueError("NeighbourInterpolation got no events to learn from; expected the training events.")
        values = block.values.astype(np.float64)
        if infinite := [name for name, column in zip(block.names, values.T, strict=True) if np.isinf(column).any()]:
            raise ValueError(f"NeighbourInterpolation expected finite values or NaN, got infinity in {infinite}.")
        if self.phi_columns != "phi":  # the word alone may find none
            self._found(block, self.phi_columns)
        columns = range(len(block.names)) if self.columns is None else self._found(block, self.columns)
        phi = [i for i in block.columns(self.phi_columns) if i in columns]
        if target is not None:
            self.check_target(target)
            target = np.asarray(target, dtype=np.float64).reshape(len(values), -1)
        classes = y is not None and not type_of_target(np.asarray(y)).startswith("continuous")
        learned = clone(self)
        plain = [i for i in columns if i not in phi]
        labels = _labels(y, len(values)) if classes else None
        learned.reference_ = _Reference(values, plain, phi, labels, target)
        return learned

    def _found(self, block: Block, wanted: Any) -> list[int]:
        return Batch([block], len(block.values)).columns(wanted, type(self).__name__)[0][1] if len(wanted) else []

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        values = _table(batch).values
        reference: _Reference | None = getattr(self, "reference_", None)
        if reference is None:
            raise NotFittedError(
                "NeighbourInterpolation has not seen the events among which it shall search neighbours: use what "
                "learn(X, y) of the training events returns."
            )
        if values.shape[1] != reference.values.shape[1]:
            raise ValueError(
                f"X has {values.shape[1]} columns, expected the {reference.values.shape[1]} that "
                "NeighbourInterpolation learned from."
            )
        luck = rng.uniform(size=(batch.n, 2))
        near = reference.nearest(values.astype(np.float64), batch.y, int(self.n_neighbors))
        counts = (near >= 0).sum(axis=1)
        moved = np.flatnonzero(counts)
        of_parents = near[moved, (luck[moved, 0] * counts[moved]).astype(int)]
        parents = reference.values[of_parents]
        part = self.strength * luck[moved, 1:]
        own = values[moved].astype(np.float64)
        for columns, on_circle in ((reference.plain, False), (reference.phi, True)):
            new = _on_the_way(own[:, columns], parents[:, columns], part, on_circle)
            values[np.ix_(moved, np.array(columns, dtype=int))] = new

        def move_target(target: np.ndarray, way: int) -> None:
            if reference.target is None or way < 0:
                return
            phi = list(self.target_phi)
            plain = [i for i in range(target.shape[1]) if i not in phi]
            of_targets = reference.target[of_parents]
            for columns, on_circle in ((plain, False), (phi, True)):
                rows = np.ix_(moved, np.array(columns, dtype=int))
                target[rows] = _on_the_way(target[rows], of_targets[:, columns], part, on_circle)

        batch.target_changes.append(move_target)
