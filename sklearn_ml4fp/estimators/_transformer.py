"""Transformers for sequences, sets and tables."""

from __future__ import annotations

from .._compat import StrOptions
from .._params import AT_LEAST_ONE, hp
from ..nn import POOLINGS, POSITIONS, Transformer
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import KindChoices, TableOrSequenceChoices
from ._regressor import NetworkRegressor
from ._training import layer_normalisation


class _Transformer(KindChoices, TableOrSequenceChoices, NetworkEstimator):
    _shared_doc = """
    Every point is a token. Every column of a table is one as well (the FT-Transformer), unless ``particle_features``
    says how columns form points. A block consists of attention, softmax(QKᵀ/√d)V, and of two linear layers; the result
    of each is added to its input. The columns of an event as a whole join before the output.

    See Also
    --------
    ParticleTransformerClassifier, ParticleTransformerRegressor : Attention that knows the kinematics of pairs.
    FeedForwardClassifier, FeedForwardRegressor : A faster network for tables.
    DeepSetsClassifier, DeepSetsRegressor : A faster network for sets.

    References
    ----------
    Vaswani et al., arXiv:1706.03762; Xiong et al., arXiv:2002.04745; for tables Gorishniy et al., arXiv:2106.11959.
    """

    _module = Transformer
    n_blocks: int = hp(3, valid=AT_LEAST_ONE, search=(1, 6), doc="Number of encoder blocks.")
    width: int = hp(64, valid=AT_LEAST_ONE, search=(16, 256), scale="log", doc="Number of features of a token.")
    n_heads: int = hp(
        4, valid=AT_LEAST_ONE, search=(1, 8), doc="Number of attention heads; each has ⌈width/n_heads⌉ features."
    )
    pooling: str = hp(
        "class_token",
        choices=POOLINGS,
        doc="What goes to the output: one additional, learned token, or the mean, maximum or sum over the tokens.",
    )
    positions: str = hp(
        "none",
        choices=POSITIONS,
        doc="Whether tokens carry their position in the sequence. Without it, the order of the points changes no "
        "prediction.",
    )
    output: str = hp(
        "event",
        valid=StrOptions({"event", "point"}),
        doc="What the outputs belong to: events, or points, with a `RaggedArray` as y that has a value for every "
        "point, and as the prediction.",
    )
    normalisation: str = layer_normalisation("before each half of a block", "token")


class TransformerClassifier(_Transformer, NetworkClassifier):
    """Transformer encoder that classifies sets, sequences, or the rows of a table.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import TransformerClassifier
    >>> rng = np.random.default_rng(0)
    >>> jets = [rng.normal(size=(n, 3)) for n in rng.integers(1, 9, size=100)]
    >>> y = [len(jet) > 4 for jet in jets]
    >>> network = TransformerClassifier(n_blocks=1, width=8, max_epochs=2, random_state=0).fit(jets, y)
    >>> network.predict_proba(jets).shape
    (100, 2)
    """


class TransformerRegressor(_Transformer, NetworkRegressor):
    """Transformer encoder that predicts one or several numbers from sets, sequences, or the rows of a table.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn_ml4fp import TransformerRegressor
    >>> X, y = make_regression(n_samples=200, n_features=5, random_state=0)
    >>> TransformerRegressor(n_blocks=1, width=8, max_epochs=2, random_state=0).fit(X, y).predict(X).shape
    (200,)
    """
