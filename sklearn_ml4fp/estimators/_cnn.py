"""Convolutional networks for images and sequences."""

from __future__ import annotations

from .._params import AT_LEAST_ONE, hp
from ..nn import CNN
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import ImageOrSequenceChoices
from ._regressor import NetworkRegressor
from ._training import layer_normalisation


class _CNN(ImageOrSequenceChoices, NetworkEstimator):
    _shared_doc = """
    Each of ``n_layers`` layers is a 3 × 3 convolution and a maximum over 2 × 2 pixels: it halves height and width and
    doubles the number of features. The mean over the remaining pixels goes to the output. Point clouds, and tables
    without ``image_shape``, are read along one axis, in their order.

    See Also
    --------
    ResNetClassifier, ResNetRegressor : Deeper networks for images.
    RecurrentClassifier, RecurrentRegressor : Another reading of sequences.
    ToImage : Turn point clouds into images.

    References
    ----------
    LeCun et al., Proc. IEEE 86 (1998) 2278; global pooling: Lin, Chen and Yan, arXiv:1312.4400.
    """

    _module = CNN
    n_layers: int = hp(3, valid=AT_LEAST_ONE, search=(1, 5), doc="Number of convolutional layers.")
    width: int = hp(
        32,
        valid=AT_LEAST_ONE,
        search=(8, 128),
        scale="log",
        doc="Features of the first layer. Each layer has twice the features of the one before it, and half its "
        "height and width.",
    )
    normalisation: str = layer_normalisation("after each convolution", "event")


class CNNClassifier(_CNN, NetworkClassifier):
    """Convolutional network that classifies images or sequences.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ml4fp import CNNClassifier
    >>> digits = load_digits()
    >>> network = CNNClassifier(image_shape=(8, 8), width=8, max_epochs=2, random_state=0)
    >>> network.fit(digits.data, digits.target).predict_proba(digits.data).shape
    (1797, 10)
    """


class CNNRegressor(_CNN, NetworkRegressor):
    """Convolutional network that predicts one or several numbers from images or sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import CNNRegressor
    >>> images = np.random.default_rng(0).uniform(size=(200, 12, 12))
    >>> network = CNNRegressor(width=4, max_epochs=2, random_state=0)
    >>> network.fit(images, images.mean((1, 2))).predict(images).shape
    (200,)
    """
