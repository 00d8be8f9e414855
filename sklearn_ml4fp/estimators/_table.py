"""Networks for data frames as they are: a preset for people in a hurry."""

from __future__ import annotations

from typing import Any

from ._classifier import NetworkClassifier
from ._feedforward import _FeedForward
from ._frame_inputs import FrameInput
from ._real_mlp import _by_default
from ._regressor import NetworkRegressor


class _Table(_FeedForward):
    _shared_doc = """
    It is the feed-forward network with other defaults, for tables as they are: columns of numbers are scaled
    (``scaling="auto"``), a missing one gets the mean and a further column that tells it, and columns of categories, of
    pandas' or polars' categorical types or of text, become columns of 0 and 1, or from nine categories on an embedding
    of width 8. A missing category is one of its own; one that was not in the training counts as missing, or as none of
    them where nothing was missing. Scaling and means are those of the weighted training part. ``n_members`` networks
    are averaged, with the steps of `RealMLPClassifier` in an eighth of its epochs.

    An array, or a source of events, has numbers alone.

    See Also
    --------
    FeedForwardClassifier, FeedForwardRegressor : The same network with the settings of the course.
    RealMLPClassifier, RealMLPRegressor : The same network with the settings of RealMLP.
    search_space : Spaces of a search, which this network has as any other.
    """

    _input = FrameInput
    scaling: str | None = _by_default("scaling", "auto")
    parametrisation: str = _by_default("parametrisation", "ntk")
    activation: str = _by_default("activation", "silu")
    dropout: float = _by_default("dropout", 0.15)
    optimizer: Any = _by_default("optimizer", "adamw")
    beta2: float = _by_default("beta2", 0.95)
    lr: float = _by_default("lr", 0.02, search=(0.005, 0.1))
    lr_schedule: str = _by_default("lr_schedule", "coslog4")
    weight_decay: float = _by_default("weight_decay", 0.02, search=(1e-3, 0.1))
    regularisation_schedule: str = _by_default("regularisation_schedule", "flat_cos")
    max_epochs: int = _by_default("max_epochs", 31)
    patience: int = _by_default("patience", 31)
    n_members: int = _by_default("n_members", 4)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class TableClassifier(_Table, NetworkClassifier):
    """Mean of networks that classifies the rows of a data frame, without preparation or tuning.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import TableClassifier
    >>> frame = pd.DataFrame({"pt": [20.0, 35.0, None, 60.0] * 25, "region": ["barrel", "endcap"] * 50})
    >>> model = TableClassifier(width=16, random_state=0).fit(frame, frame["region"] == "barrel")
    >>> model.predict_proba(frame).round(1)[:2].tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """


class TableRegressor(_Table, NetworkRegressor):
    """Mean of networks that predicts one or several numbers from the rows of a data frame, without preparation.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import TableRegressor
    >>> frame = pd.DataFrame({"pt": [20.0, 35.0, None, 60.0] * 25, "region": ["barrel", "endcap"] * 50})
    >>> energy = 100 + 10 * (frame["region"] == "barrel")
    >>> TableRegressor(width=16, random_state=0).fit(frame, energy).predict(frame).round()[:2].tolist()
    [110.0, 100.0]
    """
