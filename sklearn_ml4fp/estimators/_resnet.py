"""Residual networks for tables and images."""

from __future__ import annotations

from .._params import AT_LEAST_ONE, hp
from ..nn import ResNet
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import TableOrImageChoices
from ._regressor import NetworkRegressor
from ._training import layer_normalisation


class _ResNet(TableOrImageChoices, NetworkEstimator):
    _shared_doc = """
    The network is a chain of ``n_blocks`` residual blocks, h ← h + F(h), each of which normalises its input first. The
    layers of F are linear on a table, and 3 × 3 convolutions on images ``(n, h, w)`` or ``(n, c, h, w)``.

    See Also
    --------
    FeedForwardClassifier, FeedForwardRegressor : The same without skip connections.
    DenseNetClassifier, DenseNetRegressor : Every layer sees the outputs of all earlier ones.
    CNNClassifier, CNNRegressor : A smaller network for images.

    References
    ----------
    He et al., arXiv:1512.03385 and arXiv:1603.05027; for tables Gorishniy et al., arXiv:2106.11959.
    """

    _module = ResNet
    n_blocks: int = hp(3, valid=AT_LEAST_ONE, search=(1, 8), doc="Number of residual blocks.")
    width: int = hp(
        256,
        valid=AT_LEAST_ONE,
        search=(16, 1024),
        scale="log",
        doc="Number of features along the skip connection. On images: channels of the last of up to three stages.",
    )
    normalisation: str = layer_normalisation("before each block", "event")


class ResNetClassifier(_ResNet, NetworkClassifier):
    """Residual network that classifies the rows of a table, or images.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn_ml4fp import ResNetClassifier
    >>> X, y = make_classification(n_samples=500, random_state=0)
    >>> ResNetClassifier(width=32, max_epochs=20, random_state=0).fit(X, y).predict_proba(X).shape
    (500, 2)
    """


class ResNetRegressor(_ResNet, NetworkRegressor):
    """Residual network that predicts one or several numbers from the rows of a table, or from images.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn_ml4fp import ResNetRegressor
    >>> X, y = make_regression(n_samples=500, random_state=0)
    >>> ResNetRegressor(width=32, max_epochs=20, random_state=0).fit(X, y).predict(X).shape
    (500,)
    """
