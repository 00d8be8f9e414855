"""RealMLP: a feed-forward network for tables with settings that were tuned on many of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ._classifier import NetworkClassifier
from ._feedforward import _FeedForward
from ._regressor import NetworkRegressor


def _by_default(name: str, value: Any, **changes: Any) -> Any:
    """Declare a hyperparameter of the feed-forward network again, with another default."""
    known = {**NetworkClassifier._hyperparameters, **_FeedForward._hyperparameters}
    return replace(known[name], default=value, **changes)


class _RealMLP(_FeedForward):
    _shared_doc = """
    It is the feed-forward network with other defaults: robust scaling with a smooth clip and an embedding of the
    columns inside (``scaling``, ``num_embedding``), layers in the neural tangent parametrisation with a factor of each
    input (``parametrisation``), large steps of AdamW that come and go in four cycles (``lr``, ``lr_schedule``,
    ``beta2``), dropout and weight decay that fade (``regularisation_schedule``), and of all ``max_epochs`` the best one
    (``patience``). Columns need no scaler in front, missing values an imputer.

    What differs from the authors' own: the best epoch is that of the loss, not of the accuracy; a regression is not
    clipped to the targets of the training; a batch holds at most a tenth of the events; the linear layers of the
    embedding begin with zero biases; and weights are signed and weigh everything, also medians and first values.

    See Also
    --------
    FeedForwardClassifier, FeedForwardRegressor : The same network with the settings of the course.
    TabMClassifier, TabMRegressor : Ensemble of feed-forward networks in one.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, arXiv:2407.04491.
    """

    scaling: str | None = _by_default("scaling", "robust")
    num_embedding: str | None = _by_default("num_embedding", "pbld")
    embedding_width: int = _by_default("embedding_width", 4)
    parametrisation: str = _by_default("parametrisation", "ntk")
    activation: str = _by_default("activation", "selu")
    dropout: float = _by_default("dropout", 0.15)
    optimizer: Any = _by_default("optimizer", "adamw")
    beta2: float = _by_default("beta2", 0.95)
    lr: float = _by_default("lr", 0.04, search=(0.01, 0.3))
    lr_schedule: str = _by_default("lr_schedule", "coslog4")
    weight_decay: float = _by_default("weight_decay", 0.02, search=(1e-3, 0.1))
    regularisation_schedule: str = _by_default("regularisation_schedule", "flat_cos")
    max_epochs: int = _by_default("max_epochs", 256)
    patience: int = _by_default("patience", 256)


class RealMLPClassifier(_RealMLP, NetworkClassifier):
    """Feed-forward network with tuned settings that classifies the rows of a table.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_ml4fp import RealMLPClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> network = RealMLPClassifier(width=32, max_epochs=16, random_state=0).fit(X, y)
    >>> network.predict_proba(X).shape
    (178, 3)
    """

    label_smoothing: float = _by_default("label_smoothing", 0.1)


class RealMLPRegressor(_RealMLP, NetworkRegressor):
    """Feed-forward network with tuned settings that predicts one or several numbers from the rows of a table.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_ml4fp import RealMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = RealMLPRegressor(width=32, max_epochs=16, random_state=0).fit(X, y)
    >>> network.predict(X).shape
    (442,)
    """

    activation: str = _by_default("activation", "mish")
    lr: float = _by_default("lr", 0.2, search=(0.02, 0.5))
