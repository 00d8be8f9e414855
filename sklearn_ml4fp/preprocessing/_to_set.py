"""Point clouds as sets of one size: a padded array."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval
from .._params import hp
from ._clouds import CloudTransformer, leading
from ._from_sources import Chunks, takes_sources


@takes_sources
class ToSet(CloudTransformer):
    """Pad clouds to one array ``(n_clouds, max_points, n_features)``, on request with the mask as last feature.

    Parameters
    ----------
    max_points : int or None, default=None
        Number of points that are kept. None takes the largest number seen in ``fit``; larger clouds in ``transform``
        then lose their last points.
    order_by : str or None, default=None
        The feature by which points are ordered, largest first, so that the last ones are dropped; ``pt`` also for
        ``Jet_pt``. None takes them in their order.
    fill : float, default=NaN
        Value of rows without a point.
    add_mask : bool, default=False
        Whether to append a feature that is 1 for a point and 0 elsewhere, which is needed if ``fill`` is a legal value.

    Attributes
    ----------
    max_points_ : int
        Number of points in the output.

    Raises
    ------
    ValueError
        If ``order_by`` is no feature, or the columns differ from those of ``fit``.

    See Also
    --------
    ToList, ToImage : Other representations.

    Examples
    --------
    >>> from sklearn_ml4fp import PointClouds, ToSet
    >>> jets = PointClouds([[20.0, 0.1], [50.0, 0.2], [30.0, 0.3]], [0, 2, 3], ["pt", "y"])
    >>> ToSet(fill=0.0, add_mask=True).fit_transform(jets)[1]
    array([[30. ,  0.3,  1. ],
           [ 0. ,  0. ,  0. ]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_points": [Interval(Integral, 1, None, closed="left"), None],
        "order_by": [str, None],
        "fill": [Real],
        "add_mask": ["boolean"],
    }

    _hyperparameters: ClassVar[dict[str, Any]] = {  # where a search looks
        "max_points": hp(
            None, valid=tuple(_parameter_constraints["max_points"]), search=(8, 128), scale="log", doc="Points kept."
        )
    }

    def __init__(
        self,
        max_points: int | None = None,
        *,
        order_by: str | None = None,
        fill: float = np.nan,
        add_mask: bool = False,
    ) -> None:
        self.max_points = max_points
        self.order_by = order_by
        self.fill = fill
        self.add_mask = add_mask

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the names of the columns and the number of points from point clouds ``X``."""
        self._validate_params()
        clouds = leading(self._learn(X), self.order_by)
        self.max_points_ = int(clouds.counts.max(initial=0)) if self.max_points is None else self.max_points
        return self

    def _learn_from(self, chunks: Chunks) -> None:
        super()._learn_from(chunks)
        if self.max_points is None:
            self.max_points_ = max(int(clouds.counts.max(initial=0)) for clouds, _, _ in chunks)

    def transform(self, X: Any) -> np.ndarray:
        """Make the array ``(n_clouds, max_points_, n_features)``, with an additional feature if ``add_mask``."""
        padded, mask = leading(self._check(X), self.order_by).to_padded(self.max_points_, fill=self.fill)
        return np.concatenate([padded, mask[..., np.newaxis]], axis=2, dtype=padded.dtype) if self.add_mask else padded

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names along the last axis."""
        check_is_fitted(self, "feature_names_in_")
        return np.array([*self.feature_names_in_, *(["mask"] if self.add_mask else [])], dtype=object)
