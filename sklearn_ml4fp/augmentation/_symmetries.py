"""Changes that leave the physics as it is, where the data has the symmetry."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from scipy.ndimage import rotate
from sklearn.base import clone

from .._compat import Interval
from .._params import hp
from ._base import Augmenter
from ._events import Batch, objects_of

_COLUMNS = (str, tuple, list)


class Rotate(Augmenter):
    """Rotate each event as a whole by a random angle.

    Azimuths of all objects turn by the same angle, φ → φ + α, back into [−π, π); pairs of components (x, y) turn with
    them. Distances ΔR, transverse momenta and masses stay. A rotation about another axis turns another pair: (y, z)
    about x, for showers in a cloud of hits. Images turn about their centre (bilinear; what turns in is zero).

    A detector with cracks or a beam spot off the axis is not symmetric; compare the distributions of φ before.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import Rotate
    >>> X = pd.DataFrame({"jet1_pt": [50.0], "jet1_phi": [3.0], "met_phi": [-3.0]})
    >>> turned = Rotate(random_state=0).augment(X)
    >>> bool(abs((turned.jet1_phi - turned.met_phi) % 6.283185307 - 6.0)[0] < 1e-6)
    True
    """

    phi_columns: Any = hp(
        "phi", valid=_COLUMNS, doc="Azimuths (rad): a word for all columns that end so, or names and numbers."
    )
    xy_columns: Any = hp((), valid=(tuple, list), doc="Pairs (x, y) of columns, or of words, that turn with them.")
    max_angle: float = hp(
        float(np.pi),
        valid=Interval(Real, 0, np.pi, closed="right"),
        search=(0.1, float(np.pi)),
        doc="The angle is drawn evenly between −max_angle and max_angle (rad).",
    )

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        angle = rng.uniform(-self.max_angle, self.max_angle, batch.n)
        if batch.images is not None:
            for i, degrees in enumerate(np.degrees(angle)):
                batch.images[i] = rotate(batch.images[i], degrees, axes=(-1, -2), reshape=False, order=1)
            return
        if self.phi_columns != "phi" or not self.xy_columns:  # pairs alone will do
            for block, columns in batch.columns(self.phi_columns, "Rotate"):
                turned = block.values[:, columns] + angle[block.event, None]
                block.values[:, columns] = (turned + np.pi) % (2 * np.pi) - np.pi
        for x, y in self.xy_columns:
            pairs = zip(batch.columns([x], "Rotate"), batch.columns([y], "Rotate"), strict=True)
            for (block, first), (_, second) in pairs:
                cos, sin = np.cos(angle[block.event, None]), np.sin(angle[block.event, None])
                a, b = block.values[:, first], block.values[:, second]
                block.values[:, first], block.values[:, second] = a * cos - b * sin, a * sin + b * cos


class Reflect(Augmenter):
    """Mirror each event as a whole, or leave it, at random.

    The sign of all listed columns changes together: η and p_z for a mirror along the beam (proton against proton is
    symmetric), φ and p_y for one across it. Images are flipped along an axis.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import Reflect
    >>> Reflect(columns=[1], probability=1.0).augment(np.array([[50.0, 1.5]]))
    array([[50. , -1.5]])
    """

    columns: Any = hp("eta", valid=_COLUMNS, doc="What changes sign: a word, or names and numbers of columns.")
    axis: int = hp(-1, valid=(Interval(Real, -2, -1, closed="both"),), doc="Axis along which images are flipped.")
    probability: float = hp(
        0.5,
        valid=Interval(Real, 0, 1, closed="both"),
        search=(0.0, 0.5),  # beyond one half the mirrored events would be the rule
        doc="Share of the events that is mirrored.",
    )

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        mirrored = rng.uniform(size=batch.n) < self.probability
        if batch.images is not None:
            batch.images[mirrored] = np.flip(batch.images[mirrored], axis=int(self.axis))
            return
        for block, columns in batch.columns(self.columns, "Reflect"):
            block.values[:, columns] *= np.where(mirrored[block.event], -1.0, 1.0)[:, None]


class Translate(Augmenter):
    """Move each event as a whole by a random distance.

    All listed columns move by the same distance: all η together are a boost along the beam, which keeps ΔR and pT;
    positions along one axis are a shower elsewhere on the ground. Images move by whole pixels along both axes, and what
    moves in is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import Translate
    >>> moved = Translate(columns=[0, 1], max_shift=2.0, random_state=0).augment(np.array([[1.0, 4.0]]))
    >>> bool(np.isclose(moved[0, 1] - moved[0, 0], 3.0))
    True
    """

    columns: Any = hp("eta", valid=_COLUMNS, doc="What moves: a word, or names and numbers of columns.")
    max_shift: float = hp(
        1.0,
        valid=Interval(Real, 0, None, closed="left"),
        doc="The distance is drawn evenly between −max_shift and max_shift, in the unit of the columns or in pixels.",
    )

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        if batch.images is not None:
            steps = rng.randint(-int(self.max_shift), int(self.max_shift) + 1, size=(batch.n, 2))
            for i, (down, right) in enumerate(steps):
                batch.images[i] = _moved(_moved(batch.images[i], down, -2), right, -1)
            return
        distance = rng.uniform(-self.max_shift, self.max_shift, batch.n)
        for block, columns in batch.columns(self.columns, "Translate"):
            block.values[:, columns] += distance[block.event, None]


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

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import PermuteParticles
    >>> X = pd.DataFrame({"jet1_pt": [50.0], "jet1_eta": [1.0], "jet2_pt": [30.0], "jet2_eta": [2.0]})
    >>> PermuteParticles(random_state=2).augment(X).iloc[0].tolist()
    [30.0, 2.0, 50.0, 1.0]
    """

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


class Compose(Augmenter):
    """Apply several augmenters, one after the other.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import Compose, Reflect, Translate
    >>> both = Compose(augmenters=[Reflect(columns=[0], probability=1.0), Translate(columns=[0], max_shift=0.0)])
    >>> both.augment(np.array([[2.0]]))
    array([[-2.]])
    """

    augmenters: Any = hp((), valid=(tuple, list), doc="The augmenters, in order.")

    def learn(self, X: Any, y: Any = None, *, names: Any = None) -> Self:
        learned = clone(self)
        learned.augmenters = [augmenter.learn(X, y, names=names) for augmenter in self._checked()]
        return learned

    def _checked(self) -> list[Augmenter]:
        for augmenter in self.augmenters:
            if not isinstance(augmenter, Augmenter):
                raise TypeError(f"Compose expected augmenters, got {augmenter!r}.")
            augmenter._validate_params()
        return list(self.augmenters)

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        for augmenter in self._checked():
            augmenter._apply(batch, rng)
