"""Jets as images: energy deposits over rapidity and azimuth."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np

from .._compat import Interval
from .._kinematics import wrap_phi
from .._params import hp
from .._segments import Index, positions, segment_ids, segment_sum
from ._clouds import CloudTransformer
from ._from_sources import takes_sources
from ._momenta import MomentumMixin

_BLOCK = 4096  # number of images made at a time: their float64 sums stay small compared to the result


def center(pt: np.ndarray, y: np.ndarray, phi: np.ndarray, offsets: Index) -> np.ndarray:
    """Compute coordinates ``(n_points, 2)`` relative to the pT-weighted axis of each jet, also across +-pi."""
    jet = segment_ids(offsets)
    # The mean azimuth is taken around the hardest particle, from which all others are less than pi away.
    hardest = np.lexsort((-pt, jet))[positions(offsets) == 0]
    reference = np.zeros(len(offsets) - 1)
    reference[jet[hardest]] = phi[hardest]
    points = np.stack([y, wrap_phi(phi - reference[jet])], axis=1)
    total = segment_sum(pt, offsets)[:, np.newaxis]
    axis = segment_sum(pt[:, np.newaxis] * points, offsets) / np.where(total > 0, total, 1)
    return points - axis[jet]


def rotate(pt: np.ndarray, points: np.ndarray, offsets: Index) -> np.ndarray:
    """Rotate the points about the origin so that the principal axis of pT lies along the first coordinate.

    The principal axis is the eigenvector of the larger eigenvalue of the tensor sum pT (x_i x_j).
    """
    u, v = points.T
    uu, vv, uv = segment_sum(pt[:, np.newaxis] * np.stack([u * u, v * v, u * v], axis=1), offsets).T
    angle = (0.5 * np.arctan2(2 * uv, uu - vv))[segment_ids(offsets)]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * u + sin * v, cos * v - sin * u], axis=1)


def flip(pt: np.ndarray, points: np.ndarray, offsets: Index) -> np.ndarray:
    """Mirror the points so that, in both coordinates, the positive half has the larger sum of pT."""
    balance = segment_sum(pt[:, np.newaxis] * np.sign(points), offsets)
    return points * np.where(balance < 0, -1.0, 1.0)[segment_ids(offsets)]


def pixelise(pt: np.ndarray, points: np.ndarray, offsets: Index, n_pixels: int, extent: float) -> np.ndarray:
    """Sum pT in ``n_pixels`` by ``n_pixels`` squares of [-extent, extent]^2; points outside are dropped."""
    size = n_pixels * n_pixels
    images = np.empty((len(offsets) - 1, size), dtype=np.float32)
    pixel = np.floor((points + extent) * (n_pixels / (2 * extent))).astype(np.int64)
    inside = np.all((pixel >= 0) & (pixel < n_pixels), axis=1)
    place = pixel[:, 0] * n_pixels + pixel[:, 1] + (segment_ids(offsets) % _BLOCK) * size
    for first in range(0, len(images), _BLOCK):
        n = min(_BLOCK, len(images) - first)
        rows = slice(offsets[first], offsets[first + n])
        kept = np.flatnonzero(inside[rows])
        sums = np.bincount(place[rows][kept], weights=pt[rows][kept], minlength=n * size)
        images[first : first + n] = sums.reshape(n, size)
    return images.reshape(-1, n_pixels, n_pixels)


@takes_sources
class ToImage(MomentumMixin, CloudTransformer):
    r"""Make images of the transverse momentum of jets, in the plane of rapidity and azimuth.

    The steps act on the particles, before any pixel is filled: (1) the origin moves to the pT-weighted axis; (2) the
    principal axis of the pT distribution turns to the first coordinate; (3) each coordinate is mirrored so that its
    positive half holds more pT; (4) pT is summed in pixels; (5) the image is divided by the sum of pT of the jet.
    Centering first and filling last is the order of Macaluso and Shih [2]_; the steps are older [1]_.

    A boost along the beam and a turn about it change nothing in the jet. A rotation in the plane of rapidity and
    azimuth is no symmetry of space-time: it leaves distances, and so the mass to lowest order
    (:math:`m^2 \approx \sum_{i<j} p_{T,i} p_{T,j} \Delta R_{ij}^2`), but it does change the mass. With
    ``rotate=False`` the mass survives.

    Parameters
    ----------
    n_pixels : int, default=33
        Pixels along each side; with an odd number the axis lies in the middle of one.
    extent : float, default=0.4
        The image reaches from -extent to extent in both coordinates (rapidity and rad).
    center, rotate, flip, normalize : bool, default=True
        Whether to take steps 1, 2, 3 and 5. Without the first, coordinates must be relative to the jet already.

    Attributes
    ----------
    roles_ : dict of str to str
        Feature that was taken for ``pt``, ``y`` or ``eta``, and ``phi``, or for ``px``, ``py``, ``pz`` and ``e``.

    Raises
    ------
    ValueError
        If the points have no features ``pt`` (GeV), ``phi`` (rad) and ``y`` or ``eta``, and no ``px``, ``py``, ``pz``
        (GeV) either, by the last word of their names.

    See Also
    --------
    ToList, ToSet : Other representations.
    CNNClassifier, CNNRegressor : Networks for images.

    References
    ----------
    .. [1] L. de Oliveira et al., "Jet-images -- deep learning edition", JHEP 07 (2016) 069, arXiv:1511.05190.
    .. [2] S. Macaluso, D. Shih, "Pulling out all the tops with computer vision and deep learning", JHEP 10 (2018) 121,
       arXiv:1803.00107.

    Examples
    --------
    >>> from sklearn_ml4fp import PointClouds, ToImage
    >>> jet = PointClouds([[60.0, 0.0, 3.1], [40.0, 0.2, -3.1]], [0, 2], ["pt", "y", "phi"])
    >>> image = ToImage(n_pixels=5).fit_transform(jet)
    >>> image.shape, round(float(image.max()), 3)
    ((1, 5, 5), 0.6)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_pixels": [Interval(Integral, 1, None, closed="left")],
        "extent": [Interval(Real, 0, None, closed="neither")],
        "center": ["boolean"],
        "rotate": ["boolean"],
        "flip": ["boolean"],
        "normalize": ["boolean"],
    }

    _hyperparameters: ClassVar[dict[str, Any]] = {  # where a search looks
        "n_pixels": hp(33, valid=_parameter_constraints["n_pixels"][0], search=(9, 65), doc="Pixels along each side."),
        "extent": hp(
            0.4, valid=_parameter_constraints["extent"][0], search=(0.2, 1.0), doc="Half of a side, in rapidity."
        ),
    }

    def __init__(
        self,
        n_pixels: int = 33,
        *,
        extent: float = 0.4,
        center: bool = True,
        rotate: bool = True,
        flip: bool = True,
        normalize: bool = True,
    ) -> None:
        self.n_pixels = n_pixels
        self.extent = extent
        self.center = center
        self.rotate = rotate
        self.flip = flip
        self.normalize = normalize

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check that point clouds ``X`` have the columns that an image needs."""
        self._validate_params()
        self._learn_roles(self._learn(X))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Make images ``(n_clouds, n_pixels, n_pixels)``, float32; the first pixel axis is rapidity."""
        clouds = self._check(X)
        pt, y, phi = self._coordinates(clouds)
        offsets = clouds.offsets
        points = center(pt, y, phi, offsets) if self.center else np.stack([y, phi], axis=1)
        if self.rotate:
            points = rotate(pt, points, offsets)
        if self.flip:
            points = flip(pt, points, offsets)
        images = pixelise(pt, points, offsets, self.n_pixels, self.extent)
        if self.normalize:
            total = segment_sum(pt, offsets)
            images /= np.where(total > 0, total, 1)[:, np.newaxis, np.newaxis].astype(np.float32)
        return images
