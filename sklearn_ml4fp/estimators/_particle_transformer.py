"""Particle Transformers for point clouds and graphs."""

from __future__ import annotations

from typing import Any, Self

from .._params import AT_LEAST_ONE, hp
from ..nn import ParticleTransformer
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import KindChoices, KinematicChoices
from ._regressor import NetworkRegressor
from ._training import layer_normalisation


class _ParticleTransformer(KindChoices, KinematicChoices, NetworkEstimator):
    _shared_doc = """
    Every point attends to every point of its event: softmax(QKᵀ/√d + U)V. Three layers compute U from the kinematics of
    a pair (a, b): ln Δ, ln kT, ln z and ln m². Here Δ is the distance in the coordinates, kT = min(pT_a, pT_b) Δ, and
    z = min(pT_a, pT_b)/(pT_a + pT_b). Where one of two coordinates is an angle, m² = 2 pT_a pT_b (cosh Δη − cos Δφ) is
    the squared mass of two massless particles. Momenta are in units of a typical one, and U is the same in all blocks.

    Afterwards a class token attends to the points in ``n_class_blocks`` more blocks and collects what matters for the
    output. The columns of the event, if there are any, join it before one hidden layer. With `Graphs`, a point attends
    along the edges and to itself; the features of the edges are added to those of the pairs. The class method
    `published` makes the published network.

    See Also
    --------
    TransformerClassifier, TransformerRegressor : Attention without the kinematics of pairs.
    EdgeConvClassifier, EdgeConvRegressor : Messages from the nearest points only.

    Notes
    -----
    The work and memory of an event grow with the square of its number of points n. Training takes about
    12 bytes · ``n_heads`` · n²: 5 GB for 10 000 points and 4 heads, and minutes per step on a CPU. A batch with more
    than 2³⁰ products of pairs and heads is refused; one event of 11 000 points with 8 heads nearly has as many.

    References
    ----------
    Qu, Li and Qian, "Particle transformer for jet tagging", ICML 2022, arXiv:2202.03772.
    """

    _module = ParticleTransformer
    n_blocks: int = hp(
        4, valid=AT_LEAST_ONE, search=(1, 8), doc="Number of blocks in which points attend to each other."
    )
    n_class_blocks: int = hp(
        2, valid=AT_LEAST_ONE, search=(1, 3), doc="Number of blocks in which a class token attends to the points."
    )
    width: int = hp(64, valid=AT_LEAST_ONE, search=(16, 256), scale="log", doc="Number of features of a point.")
    n_heads: int = hp(
        4, valid=AT_LEAST_ONE, search=(1, 8), doc="Number of attention heads; each has ⌈width/n_heads⌉ features."
    )
    pair_width: int = hp(
        32,
        valid=AT_LEAST_ONE,
        search=(16, 64),
        scale="log",
        doc="Number of nodes in the three layers that act on the features of a pair. They take most of the time.",
    )
    expansion: int = hp(
        2,
        valid=AT_LEAST_ONE,
        search=(1, 4),
        doc="Ratio of the nodes between the two linear layers of a block to ``width``.",
    )
    normalisation: str = layer_normalisation("inside the blocks (of pairs and the class token always layer)", "point")

    @classmethod
    def published(cls, **params: Any) -> Self:
        """Make the published network, eight and two blocks of 128 features and eight heads (arXiv:2202.03772)."""
        sizes = {"n_blocks": 8, "n_class_blocks": 2, "width": 128, "n_heads": 8, "pair_width": 64, "expansion": 4}
        return cls(**{**sizes, "activation": "gelu", "dropout": 0.1, **params})


class ParticleTransformerClassifier(_ParticleTransformer, NetworkClassifier):
    """Particle Transformer that classifies point clouds and graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import ParticleTransformerClassifier, load_quark_gluon_jets
    >>> X, y = load_quark_gluon_jets(return_X_y=True)
    >>> settings = {"n_blocks": 1, "width": 16, "max_epochs": 1}
    >>> network = ParticleTransformerClassifier(**settings, random_state=0).fit(X[:200], y[:200])
    >>> network.predict_proba(X[:5]).shape
    (5, 2)
    """


class ParticleTransformerRegressor(_ParticleTransformer, NetworkRegressor):
    """Particle Transformer that predicts one or several numbers from point clouds and graphs.

    Examples
    --------
    >>> from sklearn_ml4fp import ParticleTransformerRegressor, load_air_showers
    >>> X, y = load_air_showers(target="log_energy", return_X_y=True)
    >>> settings = {"n_blocks": 1, "width": 16, "max_epochs": 1}
    >>> network = ParticleTransformerRegressor(**settings, random_state=0).fit(X[:200], y[:200])
    >>> network.predict(X[:5]).shape
    (5,)
    """
