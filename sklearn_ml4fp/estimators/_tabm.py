"""TabM: an ensemble of feed-forward networks in one, for tables."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier

from .._params import AT_LEAST_ONE, hp
from ..engine import MemberLoss
from ..nn import TabM
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import TableChoices
from ._regressor import NetworkRegressor


class _TabM(TableChoices, NetworkEstimator):
    _shared_doc = """
    The network holds ``k`` feed-forward networks of ``n_layers`` layers of ``width`` nodes, which share their matrices:
    member i computes s_i ∘ W (r_i ∘ h) + b_i in each layer, with vectors r_i, s_i, b_i of its own, and has an output
    layer of its own. At first the members differ in the signs r_i of the columns alone, and in their output layers.
    Each learns by itself, with the mean of the members' losses; their probabilities (of a regressor: their numbers)
    are averaged. It costs about k times as much as one of them, in time and in the memory of a batch.

    See Also
    --------
    FeedForwardClassifier, FeedForwardRegressor : One such network; with ``n_members`` several that share nothing.

    References
    ----------
    Gorishniy, Kotelnikov and Babenko, arXiv:2410.24210; with k = 32, width = 512 and AdamW.
    """

    _module = TabM
    k: int = hp(32, valid=AT_LEAST_ONE, search=(4, 64), scale="log", doc="Number of members in the network.")
    n_layers: int = hp(3, valid=AT_LEAST_ONE, search=(1, 5), doc="Number of hidden layers.")
    width: int = hp(
        256, valid=AT_LEAST_ONE, search=(16, 1024), scale="log", doc="Number of nodes in each hidden layer."
    )

    def _make_loss(self) -> Any:
        return MemberLoss(super()._make_loss(), self.k, by_class=is_classifier(self))


class TabMClassifier(_TabM, NetworkClassifier):
    """Ensemble of feed-forward networks in one, which classifies the rows of a table.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn_ml4fp import TabMClassifier
    >>> X, y = make_classification(n_samples=500, random_state=0)
    >>> network = TabMClassifier(k=4, width=32, max_epochs=10, random_state=0).fit(X, y)
    >>> network.predict_proba(X).shape
    (500, 2)
    """


class TabMRegressor(_TabM, NetworkRegressor):
    """Ensemble of feed-forward networks in one, which predicts one or several numbers from the rows of a table.

    With ``loss="gaussian_nll"``, ``predict(X, return_std=True)`` adds the spread of the members to their widths, by the
    law of total variance.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn_ml4fp import TabMRegressor
    >>> X, y = make_regression(n_samples=500, n_targets=2, random_state=0)
    >>> TabMRegressor(k=4, width=32, max_epochs=10, random_state=0).fit(X, y).predict(X).shape
    (500, 2)
    """
