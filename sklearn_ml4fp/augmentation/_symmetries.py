"""Changes that leave the physics as it is, where the data has the symmetry."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import rotate

from .._compat import Interval
from .._params import hp
from ._azimuths import Azimuthal, interval_of, within
from ._base import Augmenter
from ._events import Batch, Block, objects_of

_COLUMNS = (str, tuple, list)
_TARGETS = (tuple, list, None)


class Rotate(Azimuthal):
    """Rotate each event as a whole by a random angle.

    Azimuths of all objects turn by the same angle, φ → φ + α, back into [−π, π), or into [0, 2π) where they come so;
    pairs of components (x, y) turn with them. Distances ΔR, transverse momenta and masses stay. A rotation about
    another axis turns another pair, and no azimuth: ``xy_columns=[("y", "z")], phi_columns=()`` about x. Images turn
    about their centre (bilinear; what turns in is zero), with x along the last axis and y along the one before.

    In a regression, ``target_xy`` and ``target_phi`` say which targets turn with the events: the components of a
    direction, or its azimuth. `AugmentedPrediction` turns its predictions back before it averages them, azimuths on the
    circle. A detector with cracks or a beam spot off the axis is not symmetric; compare the distributions of φ before.

    See Also
    --------
    Reflect, Translate : Other symmetries.
    Compose : Several augmenters in a row.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import Rotate
    >>> X = pd.DataFrame({"jet1_pt": [50.0], "jet1_phi": [3.0], "met_phi": [-3.0]})
    >>> turned = Rotate(random_state=0).augment(X)
    >>> bool(abs((turned.jet1_phi - turned.met_phi) % 6.283185307 - 6.0)[0] < 1e-6)
    True

    A direction as the target of a regression turns with the event:

    >>> hits, direction = pd.DataFrame({"x": [1.0], "y": [0.0]}), [[0.0, 0.6, 0.8]]
    >>> turn = Rotate(xy_columns=[("x", "y")], target_xy=[(0, 1)], random_state=0)
    >>> hits, direction = turn.augment(hits, target=direction)
    >>> bool(abs(hits.x * direction[0][0] + hits.y * direction[0][1])[0] < 1e-12)  # still at a right angle
    True
    """

    _target_parameters: ClassVar = ("target_xy", "target_phi")

    phi_columns: Any = hp(
        "phi",
        valid=_COLUMNS,
        doc="Azimuths (rad): a word for all columns that end so, or names and numbers; () for none.",
    )
    xy_columns: Any = hp(
        (),
        valid=(tuple, list),
        doc="Pairs (x, y) of columns, or of words, that turn with them. Columns px and py turn without being named if "
        "``phi_columns`` is the word phi and there are no other pairs.",
    )
    target_xy: Any = hp(
        None,
        valid=_TARGETS,
        doc="Pairs (x, y) of targets of a regression, by the numbers of their columns, that turn with the events; () "
        "says that no target does.",
    )
    target_phi: Any = hp(
        None, valid=_TARGETS, doc="Targets that are azimuths (rad), by the numbers of their columns, which turn too."
    )
    max_angle: float = hp(
        float(np.pi),
        valid=Interval(Real, 0, np.pi, closed="right"),
        search=(0.1, float(np.pi)),
        doc="The angle is drawn evenly between −max_angle and max_angle (rad).",
    )

    def _azimuths(self, batch: Batch) -> list[tuple[Block, list[int]]]:
        if not len(self.phi_columns) or batch.images is not None:
            return []
        if self.phi_columns != "phi" or not len(self._turned(batch)):
            return batch.columns(self.phi_columns, "Rotate")
        found = [(block, block.columns("phi")) for block in batch.blocks]  # pairs alone will do
        return [(block, columns) for block, columns in found if columns]

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        angle = rng.uniform(-self.max_angle, self.max_angle, batch.n)
        batch.target_changes.append(partial(self._turn_target, angle))
        if batch.images is not None:
            for i, degrees in enumerate(np.degrees(-angle)):  # scipy turns from y to x
                batch.images[i] = rotate(batch.images[i], degrees, axes=(-2, -1), reshape=False, order=1)
            return
        pairs = self._turned(batch)
        if not len(self.phi_columns) and not len(pairs):
            raise ValueError(
                "Rotate(phi_columns=(), xy_columns=()) has nothing to turn: name azimuths, or pairs (x, y)."
            )
        self._change_azimuths(batch, lambda phi, event: phi + angle[event, None])
        for x, y in pairs:
            for block, first, second in self._pairs(batch, x, y):
                _turn_pairs(block.values, first, second, angle[block.event])

    def _turned(self, batch: Batch) -> Any:
        """Pairs of components that turn: those given, else those of momenta."""
        if len(self.xy_columns) or self.phi_columns != "phi":
            return self.xy_columns
        return [("px", "py")] if any(block.columns("px") and block.columns("py") for block in batch.blocks) else ()

    def _pairs(self, batch: Batch, x: Any, y: Any) -> list[tuple[Block, list[int], list[int]]]:
        """Blocks with the columns of both components."""
        found = [(block, block.columns([x]), block.columns([y])) for block in batch.blocks]
        found = [one for one in found if one[1] or one[2]]
        if not found or any(len(first) != len(second) for _, first, second in found):
            had = [block.names for block in batch.blocks]
            raise ValueError(
                f"Rotate(xy_columns=[({x!r}, {y!r})]) expected as many columns {x!r} as {y!r} in X, one at least, got "
                f"{had}. Name both components of each pair, or give their numbers."
            )
        return found

    def _turn_target(self, angle: np.ndarray, target: np.ndarray, way: int) -> None:
        for x, y in self.target_xy or ():
            _turn_pairs(target, [x], [y], way * angle)
        phi = self._angular_targets()
        target[:, phi] = within(target[:, phi] + way * angle[:, None], interval_of(target[:, phi]))


def _turn_pairs(values: np.ndarray, x: list[int], y: list[int], angle: np.ndarray) -> None:
    """Turn components in place."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    a, b = values[:, x], values[:, y]
    values[:, x], values[:, y] = a * cos - b * sin, a * sin + b * cos


class Reflect(Azimuthal):
    """Mirror each event as a whole, or leave it, at random.

    The sign of all listed columns changes together: η and p_z for a mirror along the beam (proton against proton is
    symmetric), φ and p_y for one across it. Images are flipped along an axis. In a regression, ``target_columns`` and
    ``target_phi`` say which targets are mirrored with the events; `AugmentedPrediction` mirrors its predictions back.

    See Also
    --------
    Rotate, Translate : Other symmetries.
    Compose : Several augmenters in a row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import Reflect
    >>> Reflect(columns=[1], probability=1.0).augment(np.array([[50.0, 1.5]]))
    array([[50. , -1.5]])
    """

    _target_parameters: ClassVar = ("target_columns", "target_phi")

    columns: Any = hp(
        ("eta", "rapidity", "delta_eta", "delta_rapidity", "pz"),
        valid=_COLUMNS,
        doc="What changes sign: words, or names and numbers of columns; by default all that a mirror along the beam "
        "changes.",
    )
    axis: int = hp(-1, valid=(Interval(Real, -2, -1, closed="both"),), doc="Axis along which images are flipped.")
    probability: float = hp(
        0.5,
        valid=Interval(Real, 0, 1, closed="both"),
        search=(0.0, 0.5),  # beyond one half the mirrored events would be the rule
        doc="Share of the events that is mirrored.",
    )
    target_columns: Any = hp(
        None,
        valid=_TARGETS,
        doc="Targets of a regression, by the numbers of their columns, that change sign with the events; () says that "
        "no target does.",
    )
    target_phi: Any = hp(
        None,
        valid=_TARGETS,
        doc="Targets that are azimuths (rad), by the numbers of their columns: φ → −φ, and for images that are flipped "
        "along the last axis (x) φ → π − φ.",
    )

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        mirrored = rng.uniform(size=batch.n) < self.probability
        of_x = batch.images is not None and int(self.axis) == -1
        batch.target_changes.append(partial(self._mirror_target, mirrored, np.pi if of_x else 0.0))
        if batch.images is not None:
            batch.images[mirrored] = np.flip(batch.images[mirrored], axis=int(self.axis))
            return
        sign = np.where(mirrored, -1.0, 1.0)
        for block, columns in batch.columns(self.columns, "Reflect"):
            others = [one for one in columns if one not in block.columns("phi")]
            block.values[:, others] *= sign[block.event, None]
        self._change_azimuths(batch, lambda phi, event: phi * sign[event, None])

    def _azimuths(self, batch: Batch) -> list[tuple[Block, list[int]]]:
        if batch.images is not None:
            return []
        found = batch.columns(self.columns, "Reflect")
        return [(block, [one for one in columns if one in block.columns("phi")]) for block, columns in found]

    def _mirror_target(self, mirrored: np.ndarray, twice_axis: float, target: np.ndarray, way: int) -> None:
        rows = np.flatnonzero(mirrored)[:, None]  # a mirror is its own inverse
        columns, phi = list(self.target_columns or ()), self._angular_targets()
        target[rows, columns] *= -1.0
        begin = interval_of(target[:, phi])
        target[rows, phi] = within(twice_axis - target[rows, phi], begin)


class Translate(Augmenter):
    """Move each event as a whole by a random distance.

    All listed columns move by the same distance: all η together are a boost along the beam, which keeps ΔR and pT;
    positions along one axis are a shower elsewhere on the ground. Images move by whole pixels along both axes, and what
    moves in is zero. In a regression, ``target_columns`` (``target_xy`` for images) says which targets move with the
    events; `AugmentedPrediction` moves its predictions back.

    See Also
    --------
    Rotate, Reflect : Other symmetries.
    Compose : Several augmenters in a row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import Translate
    >>> moved = Translate(columns=[0, 1], max_shift=2.0, random_state=0).augment(np.array([[1.0, 4.0]]))
    >>> bool(np.isclose(moved[0, 1] - moved[0, 0], 3.0))
    True
    """

    _target_parameters: ClassVar = ("target_columns", "target_xy")

    columns: Any = hp("eta", valid=_COLUMNS, doc="What moves: a word, or names and numbers of columns.")
    max_shift: float = hp(
        1.0,
        valid=Interval(Real, 0, None, closed="left"),
        doc="The distance is drawn evenly between −max_shift and max_shift, in the unit of the columns or in pixels.",
    )
    target_columns: Any = hp(
        None,
        valid=_TARGETS,
        doc="Targets of a regression, by the numbers of their columns, that move by the same distance as the columns "
        "of a table; () says that no target moves.",
    )
    target_xy: Any = hp(
        None,
        valid=_TARGETS,
        doc="Pairs (x, y) of targets, by the numbers of their columns, that move with images: in pixels, x along the "
        "last axis and y along the one before.",
    )

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        if batch.images is not None:
            steps = rng.randint(-int(self.max_shift), int(self.max_shift) + 1, size=(batch.n, 2))
            for i, (down, right) in enumerate(steps):
                batch.images[i] = _moved(_moved(batch.images[i], down, -2), right, -1)
            pairs = np.array(self.target_xy or (), dtype=int).reshape(-1, 2)
            batch.target_changes += [partial(_move_target, x_y, steps[:, ::-1]) for x_y in pairs.tolist()]
            return
        distance = rng.uniform(-self.max_shift, self.max_shift, batch.n)
        for block, columns in batch.columns(self.columns, "Translate"):
            block.values[:, columns] += distance[block.event, None]
        batch.target_changes.append(partial(_move_target, list(self.target_columns or ()), distance[:, None]))


def _move_target(columns: list[int], distance: np.ndarray, target: np.ndarray, way: int) -> None:
    target[:, columns] += way * distance


def _moved(image: np.ndarray, step: int, axis: int) -> np.ndarray:
    """Move an image along an axis, with zeros moving in."""
    moved = np.roll(image, step, axis)
    strip = [slice(None)] * image.ndim
    strip[axis] = slice(0, step) if step >= 0 else slice(step, None)
    moved[tuple(strip)] = 0
    return moved


class PermuteParticles(Augmenter):
    """Put the particles of each event into a random order.

    In a table, objects of one kind change places with all their columns (``jet1_pt``, ``jet1_eta`` with ``jet2_...``),
    absent ones too; in point clouds, the points of an event. For models that see an order where physics has none.

    See Also
    --------
    DropParticles : Leave particles out.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import PermuteParticles
    >>> X = pd.DataFrame({"jet1_pt": [50.0], "jet1_eta": [1.0], "jet2_pt": [30.0], "jet2_eta": [2.0]})
    >>> PermuteParticles(random_state=2).augment(X).iloc[0].tolist()
    [30.0, 2.0, 50.0, 1.0]
    """

    _target_parameters: ClassVar = ()

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        if batch.dropped is not None:
            points = batch.blocks[0]
            points.values[:] = points.values[np.lexsort([rng.uniform(size=len(points.event)), points.event])]
            return
        several = [(block, one) for block in batch.blocks for one in objects_of(block) if len(one.columns["pt"]) > 1]
        if not several:
            raise ValueError(
                "PermuteParticles expected PointClouds, or a data frame with columns such as jet1_pt and jet2_pt."
            )
        for block, objects in several:
            order = rng.uniform(size=(batch.n, len(objects.columns["pt"]))).argsort(axis=1)
            for columns in objects.columns.values():
                block.values[:, columns] = np.take_along_axis(block.values[:, columns], order, axis=1)
