"""Message-passing networks for point clouds and graphs."""

from __future__ import annotations

from .._params import AT_LEAST_ONE, hp
from ..nn import AGGREGATIONS, MESSAGES, MessagePassing
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import NeighbourChoices, point_pooling
from ._regressor import NetworkRegressor
from ._training import layer_normalisation


class _MessagePassing(NeighbourChoices, NetworkEstimator):
    _shared_doc = """
    In every round, each point i adds U(h_i, m_i) to its features h_i. Here m_i is the mean, maximum or sum of the
    messages that reach it: M(h_j) as in GraphSAGE (isotropic), or M(h_i, h_j, e_ij) as in the MPNN (anisotropic).

    Edges come from
    the nearest points in the coordinates; their features e_ij are ln Δ and the direction of the neighbour. The edges of
    `Graphs` take their place, and their features are added to these.

    The pooled points, together with the columns of the event if there are any, go through one hidden layer to the
    output.

    See Also
    --------
    EdgeConvClassifier, EdgeConvRegressor : Neighbours are searched anew in every block.
    InteractionNetworkClassifier, InteractionNetworkRegressor : Functions of edges, points and events.
    Graphs : Point clouds with edges.

    References
    ----------
    Gilmer et al., "Neural message passing for quantum chemistry", arXiv:1704.01212; Hamilton, Ying and Leskovec,
    "Inductive representation learning on large graphs", arXiv:1706.02216.
    """

    _module = MessagePassing
    messages: str = hp(
        "anisotropic",
        choices=MESSAGES,
        doc="Whether a message depends on the sender alone (isotropic), or on both ends and the edge.",
    )
    n_blocks: int = hp(3, valid=AT_LEAST_ONE, search=(1, 6), doc="Number of rounds of messages.")
    n_layers: int = hp(2, valid=AT_LEAST_ONE, search=(1, 3), doc="Number of layers that compute a message.")
    width: int = hp(
        64,
        valid=AT_LEAST_ONE,
        search=(16, 256),
        scale="log",
        doc="Number of features of a point, and of nodes in each layer.",
    )
    aggregation: str = hp("mean", choices=AGGREGATIONS, doc="How the messages that reach a point are reduced.")
    pooling: str = point_pooling("mean")
    normalisation: str = layer_normalisation("of messages and points", "message and point")


class MessagePassingClassifier(_MessagePassing, NetworkClassifier):
    """Message-passing network that classifies point clouds and graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import MessagePassingClassifier, load_quark_gluon_jets
    >>> X, y = load_quark_gluon_jets(return_X_y=True)
    >>> network = MessagePassingClassifier(width=16, max_epochs=1, random_state=0).fit(X[:200], y[:200])
    >>> network.predict_proba(X[:5]).shape
    (5, 2)
    """


class MessagePassingRegressor(_MessagePassing, NetworkRegressor):
    """Message-passing network that predicts one or several numbers from point clouds and graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import MessagePassingRegressor, load_air_showers
    >>> X, y = load_air_showers(target="log_energy", return_X_y=True)
    >>> network = MessagePassingRegressor(width=16, max_epochs=1, random_state=0).fit(X[:200], y[:200])
    >>> network.predict(X[:5]).shape
    (5,)
    """
