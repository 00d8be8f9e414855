"""Particle Transformers for point clouds and graphs."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from .._compat import Interval
from .._params import hp
from ..nn import NORMALISATIONS, ParticleTransformer
from ._base import NetworkEstimator, Part, as_tensor
from ._classifier import NetworkClassifier
from ._regressor import NetworkRegressor
from ._set_input import GraphInput, clouds_of
from ._transverse_momentum import TransverseMomentum


class _ParticleTransformer(GraphInput, NetworkEstimator):
    transverse_momentum: Any = hp(
        None,
        valid=(str, Interval(Integral, 0, None, closed="left"), None),
        doc="Feature of the points that is their transverse momentum, by name or position; of one whose name begins "
        "with log, the natural logarithm. None takes pt, else log_pt, if it has not been standardised and is nowhere "
        "negative; without one, ln Δ is all that pairs have.",
    )
    n_blocks: int = hp(
        4,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(1, 8),
        doc="Blocks in which points attend to each other.",
    )
    n_class_blocks: int = hp(
        2,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(1, 3),
        doc="Blocks in which a class token attends to the points.",
    )
    width: int = hp(
        64,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(16, 256),
        scale="log",
        doc="Features of a point.",
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
        doc="Nodes of the three layers on the features of a pair: most of the time goes there.",
    )
    expansion: int = hp(
        2,
        valid=Interval(Integral, 1, None, closed="left"),
        search=(1, 4),
        doc="Nodes between the two linear layers of a block, over ``width``.",
    )
    normalisation: str = hp(
        "layer",
        choices=NORMALISATIONS,
        doc="Normalisation inside the blocks: over the features of each point (Ba et al., 2016), which no other event "
        "and no weight has a part in, or over the points of the batch (Ioffe and Szegedy, 2015), which ignores "
        "weights; pairs and the class token are then normalised over the features of each all the same.",
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

    Every point attends to every point of its event, softmax(QKᵀ/√d + U)V, where U is made by three layers from what the
    kinematics of the pair tell: ln Δ, ln kT, ln z and ln m², with Δ the distance in the coordinates, kT = min(pT) Δ, z
    = min(pT)/(pT_a + pT_b) and, where one of two coordinates is an angle, m² = 2 pT_a pT_b (cosh Δη − cos Δφ), the mass
    of two particles without masses of their own. It is the same in all blocks, and in units of a typical momentum. A
    class token, in two more blocks, collects what tells the class; the columns of the event, if there are any, join
    it before one hidden layer. Edges that `Graphs` bring are those along which points attend, and to themselves; their
    features join those of the pairs. `published` makes the published one.

    Work and memory of an event grow as the square of its points: in training about 12 bytes · ``n_heads`` · n², which
    for 10 000 points and 4 heads makes 5 GB, and minutes a step on a processor. A batch of more than 2³⁰ pairs times
    heads, of which an event of 11 000 points and 8 heads has nearly as many, is refused.

    References
    ----------
    Qu, Li and Qian, "Particle transformer for jet tagging", ICML 2022, arXiv:2202.03772.

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

    Every point attends to every point of its event, softmax(QKᵀ/√d + U)V, where U is made by three layers from what the
    kinematics of the pair tell: ln Δ, ln kT, ln z and ln m², with Δ the distance in the coordinates, kT = min(pT) Δ, z
    = min(pT)/(pT_a + pT_b) and, where one of two coordinates is an angle, m² = 2 pT_a pT_b (cosh Δη − cos Δφ), the mass
    of two particles without masses of their own. It is the same in all blocks, and in units of a typical momentum. A
    class token, in two more blocks, collects what tells the target; the columns of the event, if there are any, join
    it before one hidden layer. Edges that `Graphs` bring are those along which points attend, and to themselves; their
    features join those of the pairs. `published` makes the published one.

    Work and memory of an event grow as the square of its points: in training about 12 bytes · ``n_heads`` · n², which
    for 10 000 points and 4 heads makes 5 GB, and minutes a step on a processor. A batch of more than 2³⁰ pairs times
    heads, of which an event of 11 000 points and 8 heads has nearly as many, is refused.

    References
    ----------
    Qu, Li and Qian, "Particle transformer for jet tagging", ICML 2022, arXiv:2202.03772.

    Examples
    --------
    >>> from sklearn_ml4fp import ParticleTransformerRegressor, load_air_showers
    >>> X, y = load_air_showers(target="log_energy", return_X_y=True)
    >>> settings = {"n_blocks": 1, "width": 16, "max_epochs": 1}
    >>> network = ParticleTransformerRegressor(**settings, random_state=0).fit(X[:200], y[:200])
    >>> network.predict(X[:5]).shape
    (5,)
    """
