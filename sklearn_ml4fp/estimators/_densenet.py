"""Densely connected networks for tables and images."""

from __future__ import annotations

from .._params import AT_LEAST_ONE, hp
from ..nn import DenseNet
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import TableOrImageChoices
from ._regressor import NetworkRegressor
from ._training import layer_normalisation


class _DenseNet(TableOrImageChoices, NetworkEstimator):
    _shared_doc = """
    In each of ``n_blocks`` blocks, a layer sees the outputs of all earlier layers and appends ``width`` features to
    them. Between two blocks the number of features is halved, and so are the height and width of an image.

    See Also
    --------
    ResNetClassifier, ResNetRegressor : Skip connections that add instead of append.
    CNNClassifier, CNNRegressor : A smaller network for images.

    References
    ----------
    Huang et al., arXiv:1608.06993.
    """

    _module = DenseNet
    n_blocks: int = hp(3, valid=AT_LEAST_ONE, search=(1, 4), doc="Number of dense blocks.")
    n_layers: int = hp(3, valid=AT_LEAST_ONE, search=(1, 6), doc="Number of layers in each dense block.")
    width: int = hp(
        32,
        valid=AT_LEAST_ONE,
        search=(8, 128),
        scale="log",
        doc="Features that each layer adds: the growth rate k of the paper.",
    )
    normalisation: str = layer_normalisation("before each layer", "event")


class DenseNetClassifier(_DenseNet, NetworkClassifier):
    """Densely connected network that classifies the rows of a table, or images.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ml4fp import DenseNetClassifier
    >>> digits = load_digits()
    >>> network = DenseNetClassifier(n_layers=2, width=4, max_epochs=2, random_state=0)
    >>> network.fit(digits.images, digits.target).predict_proba(digits.images).shape
    (1797, 10)
    """


class DenseNetRegressor(_DenseNet, NetworkRegressor):
    """Densely connected network that predicts one or several numbers from the rows of a table, or from images.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn_ml4fp import DenseNetRegressor
    >>> X, y = make_regression(n_samples=500, random_state=0)
    >>> DenseNetRegressor(width=8, max_epochs=5, random_state=0).fit(X, y).predict(X).shape
    (500,)
    """
