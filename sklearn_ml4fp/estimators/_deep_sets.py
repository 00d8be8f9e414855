"""Deep sets for point clouds."""

from __future__ import annotations

from .._params import AT_LEAST_ONE, hp
from ..nn import DeepSets
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import KindChoices, SetChoices, point_pooling
from ._regressor import NetworkRegressor


class _DeepSets(KindChoices, SetChoices, NetworkEstimator):
    _module = DeepSets
    _shared_doc = r"""
    The network computes :math:`F(\sum_i \Phi(x_i))`: layers :math:`\Phi` act on every point by itself, their outputs
    are summed over the points of an event, and layers :math:`F` follow. The columns of the event, if there are any,
    join before :math:`F`. Every function of a set can be written in this form.

    See Also
    --------
    EdgeConvClassifier, EdgeConvRegressor : Networks in which neighbouring points see each other.
    ParticleTransformerClassifier, ParticleTransformerRegressor : Networks in which all points see each other.

    References
    ----------
    Zaheer et al., "Deep sets", arXiv:1703.06114; Komiske, Metodiev and Thaler, "Energy flow networks: deep sets for
    particle jets", JHEP 01 (2019) 121, arXiv:1810.05165.
    """

    n_layers: int = hp(
        3,
        valid=AT_LEAST_ONE,
        search=(1, 4),
        doc="Number of layers that act on every point, and of layers after the pooling.",
    )
    width: int = hp(100, valid=AT_LEAST_ONE, search=(16, 256), scale="log", doc="Number of nodes in each layer.")
    latent_width: int = hp(
        256,
        valid=AT_LEAST_ONE,
        search=(16, 512),
        scale="log",
        doc="Number of features that are pooled: the nodes of the last layer that acts on points.",
    )
    pooling: str = point_pooling("sum")


class DeepSetsClassifier(_DeepSets, NetworkClassifier):
    """Deep sets, also called particle flow network, that classify point clouds.

    Examples
    --------
    >>> from sklearn_ml4fp import DeepSetsClassifier, load_quark_gluon_jets
    >>> X, y = load_quark_gluon_jets(return_X_y=True)
    >>> network = DeepSetsClassifier(max_epochs=1, random_state=0).fit(X[:200], y[:200])
    >>> network.predict_proba(X[:5]).shape
    (5, 2)
    """


class DeepSetsRegressor(_DeepSets, NetworkRegressor):
    """Deep sets, also called particle flow network, that predict one or several numbers from point clouds.

    Examples
    --------
    >>> from sklearn_ml4fp import DeepSetsRegressor, load_air_showers
    >>> X, y = load_air_showers(target="log_energy", return_X_y=True)
    >>> network = DeepSetsRegressor(max_epochs=1, random_state=0).fit(X[:200], y[:200])
    >>> network.predict(X[:5]).shape
    (5,)
    """
