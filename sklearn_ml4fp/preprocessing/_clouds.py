"""Base of the transformers of point clouds."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._keeping import FilledUp
from .._roles import column_for
from ..data import PointClouds, as_point_clouds
from ._from_sources import Chunks


class CloudTransformer(FilledUp, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Base that learns the names of the columns in ``fit``, and requires them in ``transform``."""

    def __init_subclass__(cls, auto_wrap_output_keys: tuple[str, ...] | None = None, **kwargs: Any) -> None:
        # scikit-learn would convert any output to a table, also point clouds and images
        super().__init_subclass__(auto_wrap_output_keys=auto_wrap_output_keys, **kwargs)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Set the container of the output, where that is a table; point clouds, sets and images stay what they are.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            Container of a table; None leaves it as it is.

        Returns
        -------
        self : object
            The transformer.
        """
        try:
            return super().set_output(transform=transform)
        except AttributeError:  # scikit-learn has no such method where the output is no table
            return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    def _learn(self, X: Any) -> PointClouds:
        clouds = as_point_clouds(X)
        if len(clouds) == 0:
            raise ValueError(f"X has 0 sample(s): {type(self).__name__} expected one event at least in fit.")
        self.feature_names_in_ = np.array(clouds.feature_names, dtype=object)
        self.event_names_in_ = np.array(clouds.event_names, dtype=object)
        self.n_features_in_ = len(clouds.feature_names)
        return clouds

    def _learn_from(self, chunks: Chunks) -> None:
        """Learn of a source that exceeds its memory: the names of the columns, which every piece tells."""
        self.fit(next(iter(chunks))[0])

    def _check(self, X: Any) -> PointClouds:
        check_is_fitted(self, "feature_names_in_")
        clouds = as_point_clouds(X, feature_names=self.feature_names_in_.tolist())
        seen = (tuple(self.feature_names_in_), tuple(self.event_names_in_))
        if (clouds.feature_names, clouds.event_names) != seen:
            raise ValueError(
                f"{type(self).__name__} was fitted with features {seen[0]} and event columns {seen[1]}, "
                f"got {clouds.feature_names} and {clouds.event_names}."
            )
        return clouds


def leading(clouds: PointClouds, order_by: str | None) -> PointClouds:
    """Sort the points by falling ``order_by``; None keeps their order."""
    if order_by is None:
        return clouds
    name = clouds.feature_names[column_for(clouds.feature_names, order_by, f"order_by={order_by!r}")]
    return clouds.sorted_by(name)
