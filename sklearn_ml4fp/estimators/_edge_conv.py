"""EdgeConv networks for point clouds and graphs."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

from .._compat import Interval
from .._params import AT_LEAST_ONE, hp
from ..nn import AGGREGATIONS, EdgeConv
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import NeighbourChoices
from ._regressor import NetworkRegressor
from ._training import layer_normalisation


class _EdgeConv(NeighbourChoices, NetworkEstimator):
    _shared_doc = """
    The message from point j to point i is a function of x_i and x_j − x_i. The first block takes its neighbours from
    the coordinates; each later block searches them anew among the features that the block before it computed (a
    dynamic graph). The edges of `Graphs` take the place of neighbours in all blocks.

    The mean over the points, together with the columns of the event if there are any, goes through one hidden layer to
    the output. The class methods `particle_net` and `particle_net_lite` make the published networks.

    See Also
    --------
    ParticleTransformerClassifier, ParticleTransformerRegressor : Attention between all points.
    MessagePassingClassifier, MessagePassingRegressor : Messages along edges that stay the same.
    DeepSetsClassifier, DeepSetsRegressor : A faster network for points, without neighbours.

    References
    ----------
    Wang et al., "Dynamic graph CNN for learning on point clouds", arXiv:1801.07829; Qu and Gouskos, "ParticleNet: jet
    tagging via particle clouds", Phys. Rev. D 101 (2020) 056019, arXiv:1902.08570.
    """

    _module = EdgeConv
    n_blocks: int = hp(3, valid=AT_LEAST_ONE, search=(1, 4), doc="Number of EdgeConv blocks.")
    n_layers: int = hp(
        3, valid=AT_LEAST_ONE, search=(1, 3), doc="Number of layers that compute the messages in each block."
    )
    width: int = hp(
        64, valid=AT_LEAST_ONE, search=(16, 128), scale="log", doc="Number of features after the first block."
    )
    widening: float = hp(
        2.0,
        valid=Interval(Real, 0, None, closed="neither"),
        search=(1.0, 2.0),
        doc="Ratio of the features after a block to those before it, from the second block on.",
    )
    head_width: int = hp(
        256,
        valid=AT_LEAST_ONE,
        search=(32, 512),
        scale="log",
        doc="Number of nodes in the hidden layer after the pooling.",
    )
    aggregation: str = hp("mean", choices=AGGREGATIONS, doc="How the messages that reach a point are reduced.")
    normalisation: str = layer_normalisation("of the messages (published with batch)", "message")

    @classmethod
    def particle_net(cls, **params: Any) -> Self:
        """Make ParticleNet: three blocks of 64, 128 and 256 features, 16 neighbours (arXiv:1902.08570, figure 2)."""
        published = {"n_blocks": 3, "width": 64, "n_neighbors": 16, "head_width": 256}
        return cls(**{**published, "dropout": 0.1, "normalisation": "batch", **params})

    @classmethod
    def particle_net_lite(cls, **params: Any) -> Self:
        """Make ParticleNet-Lite: two blocks of 32 and 64 features, 7 neighbours (arXiv:1902.08570, section III)."""
        published = {"n_blocks": 2, "width": 32, "n_neighbors": 7, "head_width": 128}
        return cls(**{**published, "dropout": 0.1, "normalisation": "batch", **params})


class EdgeConvClassifier(_EdgeConv, NetworkClassifier):
    """Network of EdgeConv blocks that classifies point clouds and graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import EdgeConvClassifier, load_quark_gluon_jets
    >>> X, y = load_quark_gluon_jets(return_X_y=True)
    >>> network = EdgeConvClassifier.particle_net_lite(max_epochs=1, random_state=0).fit(X[:200], y[:200])
    >>> network.predict_proba(X[:5]).shape
    (5, 2)
    """


class EdgeConvRegressor(_EdgeConv, NetworkRegressor):
    """Network of EdgeConv blocks that predicts one or several numbers from point clouds and graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import EdgeConvRegressor, load_air_showers
    >>> X, y = load_air_showers(target="log_energy", return_X_y=True)
    >>> network = EdgeConvRegressor(n_blocks=2, width=8, max_epochs=1, random_state=0).fit(X[:200], y[:200])
    >>> network.predict(X[:5]).shape
    (5,)
    """
