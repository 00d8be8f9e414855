"""Interaction networks for point clouds and graphs."""

from __future__ import annotations

from .._params import AT_LEAST_ONE, hp
from ..nn import AGGREGATIONS, InteractionNetwork
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import NeighbourChoices, point_pooling
from ._regressor import NetworkRegressor
from ._training import layer_normalisation


class _InteractionNetwork(NeighbourChoices, NetworkEstimator):
    _shared_doc = """
    A block consists of three functions of ``n_layers`` layers each: of the edges, e'_ij = φ_e(h_i, h_j, e_ij, u); of
    the points, h'_i = φ_v(h_i, Σ_j e'_ij, u); and of the event, u' = φ_u(Σ_i h'_i, u). In the first block u stands for
    the columns of the event, if there are any.

    Edges come from
    the nearest points in the coordinates; their features e_ij are ln Δ and the direction of the neighbour. The edges of
    `Graphs` take their place, and their features are added to these. If
    ``n_neighbors`` is at least the number of points, all points interact, as in the published jet tagger.

    See Also
    --------
    MessagePassingClassifier, MessagePassingRegressor : Messages without a function of the event.
    EdgeConvClassifier, EdgeConvRegressor : Neighbours are searched anew in every block.
    Graphs : Point clouds with edges.

    References
    ----------
    Battaglia et al., "Interaction networks for learning about objects, relations and physics", arXiv:1612.00222; Moreno
    et al., "JEDI-net: a jet identification algorithm based on interaction networks", Eur. Phys. J. C 80 (2020) 58,
    arXiv:1908.05318.
    """

    _module = InteractionNetwork
    n_blocks: int = hp(
        1,
        valid=AT_LEAST_ONE,
        search=(1, 4),
        doc="Number of blocks of three functions each; the published network has 1.",
    )
    n_layers: int = hp(
        3, valid=AT_LEAST_ONE, search=(1, 3), doc="Number of layers in each of the three functions of a block."
    )
    width: int = hp(64, valid=AT_LEAST_ONE, search=(16, 256), scale="log", doc="Number of nodes in each layer.")
    aggregation: str = hp("sum", choices=AGGREGATIONS, doc="How the effects of the edges on a point are reduced.")
    pooling: str = point_pooling("sum")
    normalisation: str = layer_normalisation("of all layers", "edge, point or event")


class InteractionNetworkClassifier(_InteractionNetwork, NetworkClassifier):
    """Interaction network that classifies point clouds and graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import InteractionNetworkClassifier, load_quark_gluon_jets
    >>> X, y = load_quark_gluon_jets(return_X_y=True)
    >>> network = InteractionNetworkClassifier(width=16, max_epochs=1, random_state=0).fit(X[:200], y[:200])
    >>> network.predict_proba(X[:5]).shape
    (5, 2)
    """


class InteractionNetworkRegressor(_InteractionNetwork, NetworkRegressor):
    """Interaction network that predicts one or several numbers from point clouds and graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import InteractionNetworkRegressor, load_air_showers
    >>> X, y = load_air_showers(target="log_energy", return_X_y=True)
    >>> network = InteractionNetworkRegressor(width=16, max_epochs=1, random_state=0).fit(X[:200], y[:200])
    >>> network.predict(X[:5]).shape
    (5,)
    """
