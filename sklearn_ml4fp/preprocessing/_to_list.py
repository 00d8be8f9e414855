"""Point clouds as a list: one row of columns per event."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval
from .._params import hp
from ._clouds import CloudTransformer, leading
from ._from_sources import takes_sources


@takes_sources
class ToList(CloudTransformer, auto_wrap_output_keys=("transform",)):
    """Flatten the n leading points of each cloud into a table row: point 1, point 2, ..., NaN where absent.

    Event columns follow. The table suits every scikit-learn estimator that takes missing values.

    Parameters
    ----------
    n_points : int, default=10
        Number of points that are kept.
    order_by : str or None, default=None
        Feature by which points are ordered, the largest first; ``pt`` also means ``Jet_pt``. None keeps their order.

    Attributes
    ----------
    feature_names_in_ : ndarray of str
        Features of the points.

    Raises
    ------
    ValueError
        If ``order_by`` is no feature, or the columns differ from those of ``fit``.

    See Also
    --------
    ToSet, ToImage : Other representations.

    Examples
    --------
    >>> from sklearn_ml4fp import PointClouds, ToList
    >>> jets = PointClouds([[20.0, 0.1], [50.0, 0.2], [30.0, 0.3]], [0, 2, 3], ["pt", "y"])
    >>> ToList(n_points=2, order_by="pt").fit_transform(jets)
    array([[50. ,  0.2, 20. ,  0.1],
           [30. ,  0.3,  nan,  nan]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_points": [Interval(Integral, 1, None, closed="left")],
        "order_by": [str, None],
    }

    _hyperparameters: ClassVar[dict[str, Any]] = {  # where a search looks
        "n_points": hp(10, valid=_parameter_constraints["n_points"][0], search=(1, 30), scale="log", doc="Points kept.")
    }

    def __init__(self, n_points: int = 10, *, order_by: str | None = None) -> None:
        self.n_points = n_points
        self.order_by = order_by

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the names of the columns of point clouds ``X``."""
        self._validate_params()
        leading(self._learn(X)[:0], self.order_by)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Make the table ``(n_clouds, n_points * n_features + n_event_columns)``."""
        clouds = self._check(X)
        padded, _ = leading(clouds, self.order_by).to_padded(self.n_points)
        return np.hstack([padded.reshape(len(clouds), padded.shape[1] * padded.shape[2]), clouds.event_values])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names ``pt_1, y_1, ..., pt_2, y_2, ...`` and those of the event columns."""
        check_is_fitted(self, "feature_names_in_")
        names = [f"{name}_{i + 1}" for i in range(self.n_points) for name in self.feature_names_in_]
        return np.array([*names, *self.event_names_in_], dtype=object)
