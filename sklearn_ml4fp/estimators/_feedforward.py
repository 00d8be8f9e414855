"""Feed-forward networks for tables."""

from __future__ import annotations

from .._params import AT_LEAST_ONE, hp
from ..nn import PARAMETRISATIONS, FeedForward
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import TableChoices
from ._regressor import NetworkRegressor


class _FeedForward(TableChoices, NetworkEstimator):
    _shared_doc = """
    The network has ``n_layers`` fully connected layers of ``width`` nodes, h_{l+1} = f(W_l h_l + b_l), and a linear
    output layer: one logit per class, or one output per target.

    See Also
    --------
    ResNetClassifier, ResNetRegressor : Deeper networks for tables, with skip connections.
    TransformerClassifier, TransformerRegressor : Attention between the columns of a table.
    """

    _module = FeedForward
    n_layers: int = hp(3, valid=AT_LEAST_ONE, search=(1, 6), doc="Number of hidden layers.")
    width: int = hp(
        256, valid=AT_LEAST_ONE, search=(16, 1024), scale="log", doc="Number of nodes in each hidden layer."
    )
    parametrisation: str = hp(
        "standard",
        choices=PARAMETRISATIONS,
        doc="Form of the layers. ntk: x W/√d + b with weights of variance one, for large learning rates at any "
        "width; a factor of each input, which learns six times as fast; activations x + a (f(x) - x) with a "
        "share a of each node; and first values that the training events set, whatever ``init`` says: outputs of "
        "variance one, which are zero among the events (Jacot et al., 2018; Holzmüller et al., 2024).",
    )


class FeedForwardClassifier(_FeedForward, NetworkClassifier):
    """Feed-forward network that classifies the rows of a table.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn_ml4fp import FeedForwardClassifier
    >>> X, y = make_classification(n_samples=500, random_state=0)
    >>> network = FeedForwardClassifier(width=32, max_epochs=20, random_state=0).fit(X, y)
    >>> network.predict_proba(X).shape
    (500, 2)
    """


class FeedForwardRegressor(_FeedForward, NetworkRegressor):
    """Feed-forward network that predicts one or several numbers from the rows of a table.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn_ml4fp import FeedForwardRegressor
    >>> X, y = make_regression(n_samples=500, n_targets=2, random_state=0)
    >>> network = FeedForwardRegressor(width=32, max_epochs=20, random_state=0).fit(X, y)
    >>> network.predict(X).shape
    (500, 2)
    """
