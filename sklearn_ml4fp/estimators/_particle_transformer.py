"""Particle Transformers for point clouds and graphs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from .._compat import Interval
from .._params import hp
from .._roles import with_role
from ..nn import NORMALISATIONS, ParticleTransformer
from ._base import NetworkEstimator, Part, as_tensor
from ._classifier import NetworkClassifier
from ._regressor import NetworkRegressor
from ._set_input import GraphInput, clouds_of
from ._transverse_momentum import TransverseMomentum


def _unknown(names: Sequence[str]) -> bool:
    """Whether no feature is a transverse momentum by its name; a scaled one has its own warning."""
    return not with_role(names, "pt") and not with_role(names, "log_pt")


class _ParticleTransformer(GraphInput, NetworkEstimator):
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

    transverse_momentum: Any = hp(
        None,
        valid=(str, Interval(Integral, 0, None, closed="left"), None),
        doc="Feature of the points that is their transverse momentum, by name or position. The feature log_pt, or "
        "another name with log, holds a natural logarithm. None takes what is called pt, else log_pt (also Jet_pt, "
        "jet.pt), provided that it has not been standardised and has no negative value. Without a transverse momentum, "
        "ln Δ is the only feature of a pair.",
    )
    _attributes_doc = """
        transverse_momentum_ : str or None
            Feature of the points of which ln kT, ln z and ln m² were made.
    """
    _without_coordinates = "pairs of points have no ln Δ, ln kT, ln z and ln m²"
    n_blocks: int = hp(
        4,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(1, 8),
        doc="Number of blocks in which points attend to each other.",
    )
    n_class_blocks: int = hp(
        2,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(1, 3),
        doc="Number of blocks in which a class token attends to the points.",
    )
    width: int = hp(
        64,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(16, 256),
        scale="log",
        doc="Number of features of a point.",
    )
    n_heads: int = hp(
        4,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(1, 8),
        doc="Number of attention heads; each has ⌈width/n_heads⌉ features.",
    )
    pair_width: int = hp(
        32,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(16, 64),
        scale="log",
        doc="Number of nodes in the three layers that act on the features of a pair. They take most of the time.",
    )
    expansion: int = hp(
        2,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(1, 4),
        doc="Ratio of the nodes between the two linear layers of a block to ``width``.",
    )
    normalisation: str = hp(
        "layer",
        choices=NORMALISATIONS,
        doc='Normalisation inside the blocks: "layer" takes the mean and variance over the features of each '
        'point (Ba et al., 2016), so that no other event and no weight has an influence. "batch" takes them '
        "over the points of the batch (Ioffe and Szegedy, 2015) and ignores event weights. Pairs and the "
        "class token are normalised over their own features in both cases.",
    )

    @classmethod
    def published(cls, **params: Any) -> Self:
        """The published one: eight and two blocks of 128 features and eight heads (arXiv:2202.03772, section 4)."""
        sizes = {"n_blocks": 8, "n_class_blocks": 2, "width": 128, "n_heads": 8, "pair_width": 64, "expansion": 4}
        return cls(**{**sizes, "activation": "gelu", "dropout": 0.1, **params})

    def _learn_units(self, train: Part) -> None:
        super()._learn_units(train)
        clouds = clouds_of(train.X)
        weights = None if train.weights is None else np.repeat(train.weights, clouds.counts)
        declared = self.transverse_momentum
        self._pt = TransverseMomentum.learn(declared, clouds.feature_names, clouds.values, weights)
        if not self._encoding.coordinates:
            if declared is not None:
                raise ValueError(
                    f"transverse_momentum={declared!r} is used with coordinates alone, but none are known among the "
                    f"features {tuple(clouds.feature_names)}: pass coordinates= as well."
                )
            self._pt = None
        elif self._pt is None and self._encoding.periodic.count(True) == 1 and _unknown(clouds.feature_names):
            warnings.warn(
                f"No transverse momentum is known by name among the features {clouds.feature_names}: pairs have no ln "
                "kT, ln z and ln m². Name it pt, or say which feature it is by transverse_momentum=.",
                UserWarning,
                stacklevel=2,
            )
        self.transverse_momentum_ = None if self._pt is None else clouds.feature_names[self._pt.column]

    def _inputs(self, X: Any) -> tuple[torch.Tensor, ...]:
        points, *others = super()._inputs(X)
        if self._pt is not None:
            points = torch.cat([points, as_tensor(self._pt(clouds_of(X).values))[:, None]], dim=1)
        return (points, *others)

    def _build(self, shape_in: tuple[int, ...], n_out: int) -> nn.Module:
        return ParticleTransformer(
            shape_in,
            n_out,
            periodic=self._encoding.periodic,
            has_pt=self._pt is not None,
            n_blocks=self.n_blocks,
            n_class_blocks=self.n_class_blocks,
            width=self.width,
            n_heads=self.n_heads,
            pair_width=self.pair_width,
            expansion=self.expansion,
            activation=self.activation,
            dropout=self.dropout,
            normalisation=self.normalisation,
        )


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
