"""Any scikit-learn transformer, applied to the points."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compat import HasMethods, check_method_params
from .._missing import with_nan
from .._requests import declines_weights, routed_to_fit, router_of, with_requests
from .._roles import column_for
from .._validation import check_weights, entry_weights, is_ragged
from ..data import PointClouds
from ._clouds import CloudTransformer
from ._from_sources import Chunks, takes_sources


@takes_sources
class ParticleWise(CloudTransformer):
    """A scikit-learn transformer for tables, applied to the points of clouds as if each were a row of its own.

    Event columns stay as they are. Weights of the events count once for every point of the event, unless the
    transformer declines them (``set_fit_request(sample_weight=False)``). It gets other metadata that it requests.

    Parameters
    ----------
    transformer : transformer
        Transformer, such as ``StandardScaler()``. It gets the array ``(n_points_total, n_features)`` and returns one
        row per point.
    columns : list of str, optional
        Names of the features that it gets, whole or by their last word (``pt`` for ``Jet_pt``); by default all. The
        others stay unchanged, after its output.

    Attributes
    ----------
    transformer_ : transformer
        The fitted clone.

    Raises
    ------
    ValueError
        If weights are given and the transformer takes none, or have no positive sum, if there is no point to fit on, if
        there is no feature of a name in ``columns``, or if the features differ from those of ``fit``.

    See Also
    --------
    JetConstituentFeatures : The usual features of the particles in a jet.

    Examples
    --------
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from sklearn_ml4fp import ParticleWise, PointClouds
    >>> X = PointClouds([[1.0], [3.0], [2.0]], [0, 2, 3], ["pt"])
    >>> ParticleWise(MinMaxScaler()).fit_transform(X).values.ravel()
    array([0. , 1. , 0.5])

    An azimuth stays in rad, so that a graph network knows where it goes round:

    >>> X = PointClouds([[1.0, 3.1], [3.0, -3.1]], [0, 2], ["pt", "phi"])
    >>> ParticleWise(MinMaxScaler(), columns=["pt"]).fit_transform(X).values
    array([[ 0. ,  3.1],
           [ 1. , -3.1]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "transformer": [HasMethods(["fit", "transform"])],
        "columns": [list, tuple, None],
    }
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"sample_weight": True}

    def __init__(self, transformer: Any, *, columns: list[str] | None = None) -> None:
        self.transformer = transformer
        self.columns = columns

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> Self:
        """Fit the transformer to all points of ``X``; an event's ``y``, weight and metadata are those of its points.

        A `RaggedArray` has a weight or target for every point; a target of edges is none of the points.
        """
        self._validate_params()
        clouds = self._learn(X)
        if len(clouds.values) == 0:
            raise ValueError(f"there is no point in the {len(clouds)} clouds: nothing to fit the transformer to.")
        self._seen, self._left = self._split_columns(clouds.feature_names)
        weights = sample_weight if is_ragged(sample_weight) else check_weights(sample_weight, len(clouds))
        weights = None if declines_weights(self, "fit") else weights
        of_points = check_method_params(clouds, params, np.repeat(np.arange(len(clouds)), clouds.counts))
        prototype = with_requests(self.transformer, wants=True)
        seen, target, weights = self._points(clouds, with_nan(y), weights)
        of_points |= {} if weights is None else {"sample_weight": weights}
        self.transformer_ = prototype.fit(seen, target, **routed_to_fit(self, prototype, of_points))
        self._width = self.transformer_.transform(seen[:1]).shape[1]
        return self

    def _learn_from(self, chunks: Chunks) -> None:
        """Let the transformer learn from the points of one chunk after the other, by its own way or ``partial_fit``."""
        self._validate_params()
        clouds = self._learn(next(iter(chunks))[0])
        self._seen, self._left = self._split_columns(clouds.feature_names)
        learner = with_requests(self.transformer, wants=True)
        weighted = chunks.weighted and not declines_weights(self, "fit")
        if weighted:  # a transformer without weights is an error, unless it declines them
            weighted = bool(routed_to_fit(self, learner, {"sample_weight": np.ones(1)}))
        pieces = replace(chunks, weighted=weighted, change=self._points)
        if hasattr(learner, "_learn_from"):
            learner._learn_from(pieces)
        elif hasattr(learner, "partial_fit"):
            for X, y, weights in pieces:
                if len(X):
                    learner.partial_fit(X, y, **({} if weights is None else {"sample_weight": weights}))
        else:
            raise TypeError(
                f"ParticleWise({self.transformer!r}): the source exceeds its memory={chunks.source.memory}, and this "
                "transformer learns from arrays only. Take one of this package, or one with partial_fit, raise "
                "memory=, or fit on some of the events: events = source.sample(100_000), then events.data."
            )
        self.transformer_ = learner
        self._width = learner.transform(np.zeros((1, len(self._seen)), dtype=clouds.values.dtype)).shape[1]

    def _points(self, clouds: PointClouds, y: Any, weights: Any) -> tuple[Any, Any, Any]:
        """Return the rows of points that the transformer sees, and their targets and weights, or the events' own."""
        if is_ragged(y):
            target = y.values if np.array_equal(y.offsets, clouds.offsets) else None  # of edges, which are not seen
        else:
            target = None if y is None else np.repeat(np.asarray(y), clouds.counts, axis=0)
        return self._seen_of(clouds), target, entry_weights(weights, clouds)

    def get_metadata_routing(self) -> Any:
        """Return the routing of metadata in ``fit``: to this by itself, and to the transformer."""
        methods = [(method, "fit") for method in ("fit", "fit_transform")]  # scikit-learn 1.6 asks for the second
        return router_of(self, self.transformer, methods, wants=True)

    def _split_columns(self, names: tuple[str, ...]) -> tuple[list[int], list[int]]:
        """Positions of the features that the transformer sees, and of the others."""
        if self.columns is None:
            return list(range(len(names))), []
        seen = [column_for(names, one, f"columns={list(self.columns)}") for one in self.columns]
        return seen, [i for i in range(len(names)) if i not in seen]

    def _seen_of(self, clouds: PointClouds) -> np.ndarray:
        return clouds.values if self.columns is None else clouds.values[:, self._seen]

    def transform(self, X: Any) -> PointClouds:
        """Point clouds with transformed features."""
        clouds = self._check(X)
        names = self.get_feature_names_out().tolist()
        if len(clouds.values) == 0:  # scikit-learn refuses a table without rows
            return clouds.with_values(np.zeros((0, len(names)), dtype=clouds.values.dtype), names)
        changed = self.transformer_.transform(self._seen_of(clouds))
        if self._left:
            changed = np.column_stack([changed, clouds.values[:, self._left]])
        return clouds.with_values(changed, names)

    def inverse_transform(self, X: PointClouds) -> PointClouds:
        """Point clouds with the original features, where the transformer can go back."""
        check_is_fitted(self, "transformer_")
        names = self.feature_names_in_.tolist()
        if len(X.values) == 0:
            return X.with_values(np.zeros((0, len(names)), dtype=X.values.dtype), names)
        values = np.empty((len(X.values), len(names)), dtype=X.values.dtype)
        values[:, self._seen] = self.transformer_.inverse_transform(X.values[:, : self._width])
        values[:, self._left] = X.values[:, self._width :]
        return X.with_values(values, names)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The transformer's names, where it gives any; ``x0, x1, ...`` otherwise."""
        check_is_fitted(self, "transformer_")
        if hasattr(self.transformer_, "get_feature_names_out"):
            names = list(self.transformer_.get_feature_names_out(self.feature_names_in_[self._seen]))
        else:
            names = [f"x{i}" for i in range(self._width)]
        return np.array([*names, *self.feature_names_in_[self._left]], dtype=object)
