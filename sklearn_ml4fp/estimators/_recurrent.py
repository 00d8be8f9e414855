"""Recurrent networks for sequences."""

from __future__ import annotations

from .._params import AT_LEAST_ONE, hp
from ..nn import CELLS, Recurrent
from ._base import NetworkEstimator
from ._classifier import NetworkClassifier
from ._input_choices import SequenceChoices
from ._regressor import NetworkRegressor


class _Recurrent(SequenceChoices, NetworkEstimator):
    _shared_doc = """
    The cells read the points of a sequence in their order: sort a set first. The state after the last point, together
    with the columns of the event if there are any, goes through one more layer of ``width`` nodes to the output.

    See Also
    --------
    TransformerClassifier, TransformerRegressor : Attention between the points of a sequence or set.
    CNNClassifier, CNNRegressor : Convolutions along a sequence.
    DeepSetsClassifier, DeepSetsRegressor : Networks for points without an order.

    References
    ----------
    Hochreiter and Schmidhuber, Neural Computation 9 (1997) 1735; Cho et al., arXiv:1406.1078 (GRU); Elman, Cognitive
    Science 14 (1990) 179.
    """

    _module = Recurrent
    cell: str = hp("lstm", choices=tuple(CELLS), doc="Kind of cell: LSTM, GRU, or the plain cell of Elman with tanh.")
    n_layers: int = hp(1, valid=AT_LEAST_ONE, search=(1, 3), doc="Number of recurrent layers.")
    width: int = hp(
        64,
        valid=AT_LEAST_ONE,
        search=(16, 256),
        scale="log",
        doc="Size of the state in each direction, and of the layer after it.",
    )
    bidirectional: bool = hp(
        False,
        valid="boolean",
        choices=(False, True),
        doc="Whether a second set of cells reads the sequence from its end.",
    )


class RecurrentClassifier(_Recurrent, NetworkClassifier):
    """Recurrent network that classifies sequences of any length.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import RecurrentClassifier
    >>> rng = np.random.default_rng(0)
    >>> sequences = [rng.normal(size=(n, 3)) for n in rng.integers(1, 9, size=100)]
    >>> y = [len(sequence) > 4 for sequence in sequences]
    >>> network = RecurrentClassifier(cell="gru", width=8, max_epochs=2, random_state=0).fit(sequences, y)
    >>> network.predict_proba(sequences).shape
    (100, 2)
    """


class RecurrentRegressor(_Recurrent, NetworkRegressor):
    """Recurrent network that predicts one or several numbers from sequences of any length.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import RecurrentRegressor
    >>> rng = np.random.default_rng(0)
    >>> sequences = [rng.normal(size=(n, 3)) for n in rng.integers(1, 9, size=100)]
    >>> y = [sequence.sum() for sequence in sequences]
    >>> RecurrentRegressor(width=8, max_epochs=2, random_state=0).fit(sequences, y).predict(sequences).shape
    (100,)
    """
