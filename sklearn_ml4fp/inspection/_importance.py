"""Importance of columns: the loss of score when their values are shuffled among the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state

from .._compat import num_samples
from .._validation import check_integer, event_weights
from ..data import Graphs, PointClouds
from ._data_tables import read_events
from ._plotting import BACKGROUND, new_axes


def _shuffled_table(X: Any, columns: Sequence[Any], rng: np.random.RandomState) -> Any:
    """Copy X, with these columns taken together from other rows."""
    rows = rng.permutation(np.shape(X)[0])
    if hasattr(X, "with_columns"):  # polars
        return X.with_columns([X[column][rows] for column in columns])
    if hasattr(X, "iloc"):
        X = X.copy(deep=False)
        for column in columns:
            X[column] = X[column].array[rows]
        return X
    copy = np.array(X, subok=True)
    columns = list(columns)
    copy[:, columns] = copy[rows][:, columns]
    return copy


def _from_other_rows(values: np.ndarray, names: Sequence[str], columns: Any, rows: np.ndarray) -> np.ndarray:
    """Copy ``values``, with those of the columns that are among ``names`` taken from other rows."""
    which = [names.index(name) for name in columns if name in names]
    values = values.copy()
    values[:, which] = values[rows][:, which]
    return values


def _shuffled_points(X: PointClouds, columns: Any, events: np.ndarray, rng: np.random.RandomState) -> PointClouds:
    """Copy X, with features from other points, or event columns or all points from other events."""
    if columns is ...:
        moved = X[events]
        values, offsets, of_events = moved.values, moved.offsets, X.event_values
    else:
        points = rng.permutation(len(X.values))
        values, offsets = _from_other_rows(X.values, X.feature_names, columns, points), X.offsets
        of_events = _from_other_rows(X.event_values, X.event_names, columns, events)
    return PointClouds(values, offsets, X.feature_names, event_values=of_events, event_names=X.event_names)


def _shuffled_clouds(X: Any, columns: Any, rng: np.random.RandomState) -> Any:
    """Copy point clouds or graphs; the edges stay where they are, or move with all points of their graph."""
    events = rng.permutation(len(X))
    if isinstance(X, PointClouds):
        return _shuffled_points(X, columns, events, rng)
    nodes = _shuffled_points(X.nodes, columns, events, rng)
    if columns is ...:
        X = X[events]
        return Graphs(nodes, X.edges, X.edge_offsets, X.edge_values, X.edge_names)
    of_edges = _from_other_rows(X.edge_values, X.edge_names, columns, rng.permutation(len(X.edges)))
    return Graphs(nodes, X.edges, X.edge_offsets, of_edges, X.edge_names)


def _known_columns(X: Any) -> list[Any]:
    if isinstance(X, PointClouds):
        return [*X.feature_names, *X.event_names]
    if isinstance(X, Graphs):
        return [*_known_columns(X.nodes), *X.edge_names]
    if issparse(X) or np.ndim(X) < 2:
        raise ValueError(
            f"X must be a table, an array of at least two dimensions or point clouds; got {type(X).__name__}. A sparse "
            "matrix becomes a table by .toarray()."
        )
    known = list(X.columns) if hasattr(X, "columns") else list(range(np.shape(X)[1]))
    if len(set(known)) < len(known):
        raise ValueError(f"the columns of X must have different names to be shuffled one by one; got {known[:20]}.")
    return known


def _column_groups(X: Any, columns: Any) -> dict[str, Any]:
    """Name the groups of columns to shuffle; ... stands for the points of an event as a whole."""
    known = _known_columns(X)
    if columns is None:
        whole = {"whole clouds": ...} if isinstance(X, (PointClouds, Graphs)) else {}
        return {str(name): [name] for name in known} | whole
    if not isinstance(columns, Mapping) or not columns:
        raise ValueError(f"columns must map names to the columns that are shuffled together; got {columns!r}.")
    groups: dict[str, Any] = {}
    for name, one in columns.items():
        if one is ... and not isinstance(X, (PointClouds, Graphs)):
            raise ValueError(f"columns[{name!r}] is ..., which means whole point clouds: name columns.")
        groups[str(name)] = one if one is ... else [one] if isinstance(one, (str, int)) else list(one)
    unknown = [one for group in groups.values() if group is not ... for one in group if one not in known]
    if unknown:
        raise ValueError(f"columns {unknown} are not in X; it has {known[:20]}{'...' if len(known) > 20 else ''}.")
    return groups


class ImportanceDisplay:
    """Permutation importance: the loss of score when the values of a column are shuffled among the events.

    Columns that say the same (a jet's energy and its momentum) hide each other, as one stands in for the other: shuffle
    such columns together, as a group. An importance is about this model and these events, not about nature.

    Of point clouds, a feature is shuffled among all points of all events, an event column among the events; and in a
    third way whole clouds change places: each event gets the points of another one, and their number. Of graphs, the
    features of the edges are shuffled too; the edges stay, or move with the cloud.

    Use :meth:`from_estimator` to make it.

    Parameters
    ----------
    names : list of str
        Columns or groups of columns.
    losses : ndarray of shape (n_names, n_repeats)
        Score with the columns in place, minus score with them shuffled.
    score : float
        Score with all columns in place.

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    sklearn.inspection.permutation_importance : Importance of single columns.

    References
    ----------
    L. Breiman, Machine Learning 45 (2001) 5.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ml4fp import ImportanceDisplay, roc_auc_scorer
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> y = (X[:, 1] > 0).astype(int)
    >>> model = LogisticRegression().fit(X, y)
    >>> display = ImportanceDisplay.from_estimator(model, X, y, scoring=roc_auc_scorer, random_state=0)
    >>> display.names[np.argmax(display.losses.mean(axis=1))]
    '1'
    """

    def __init__(self, names: list[str], losses: np.ndarray, score: float) -> None:
        self.names = names
        self.losses = losses
        self.score = score

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        columns: Mapping[str, Any] | None = None,
        scoring: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        n_repeats: int = 5,
        random_state: Any = None,
        ax: Any = None,
    ) -> ImportanceDisplay:
        """Shuffle, score and draw, on events that the model has not been trained on.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : array or frame of shape (n_events, n_columns), point clouds or Graphs
            Point clouds are ``PointClouds``, an awkward array or a list of arrays; a padded array becomes them by
            ``PointClouds.from_padded``. The columns of an array of more dimensions lie along the second: the channels
            of images, the steps of sequences.
        y : array-like of shape (n_events,)
        columns : mapping of str to column or list of columns, optional
            Columns to shuffle together, by name or number; by default each alone. Of point clouds features and event
            columns by name, ``...`` for whole clouds; by default each alone, and whole clouds.
        scoring : str or callable, optional
            A scorer that takes ``sample_weight``; by default the estimator's ``score``.
        sample_weight : array-like of shape (n_events,), optional
            Event weights.
        groups : array-like, optional
            Event ids, for a cross-fitted estimator: its ``score`` is then used.
        n_repeats : int, default=5
            Shuffles of each, whose spread is drawn; at least 1.
        random_state : int, RandomState instance or None, default=None
            Seed of the shuffles.
        ax : matplotlib Axes, optional

        Returns
        -------
        display : ImportanceDisplay

        Raises
        ------
        ValueError
            If a column is not in X, two have one name, both ``scoring`` and ``groups`` are given, or ``n_repeats`` is
            not positive.
        """
        if groups is not None and scoring is not None:
            raise ValueError("with groups the estimator's own score is used: set its scoring=, and leave this one out.")
        n_repeats = check_integer(n_repeats, "n_repeats", 1)
        X = read_events(X)
        chosen = _column_groups(X, columns)
        shuffled = _shuffled_clouds if isinstance(X, (PointClouds, Graphs)) else _shuffled_table
        scorer = check_scoring(estimator, scoring)
        weights = event_weights(sample_weight, num_samples(X))
        kwargs = {} if weights is None else {"sample_weight": weights}
        if groups is not None:
            kwargs["groups"] = groups

        def score(events: Any) -> float:
            return (
                estimator.score(events, y, **kwargs) if groups is not None else scorer(estimator, events, y, **kwargs)
            )

        rng = check_random_state(random_state)
        best = score(X)
        losses = [[best - score(shuffled(X, group, rng)) for _ in range(n_repeats)] for group in chosen.values()]
        return cls(list(chosen), np.array(losses), float(best)).plot(ax=ax)

    def plot(self, ax: Any = None) -> ImportanceDisplay:
        """Draw the mean losses, the largest on top, with their spread over the shuffles.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        display : ImportanceDisplay
        """
        ax = new_axes(ax)
        mean, spread = self.losses.mean(axis=1), self.losses.std(axis=1)
        order = np.argsort(mean)
        ax.barh([self.names[i] for i in order], mean[order], xerr=spread[order], color=BACKGROUND, capsize=3)
        ax.axvline(0, color="0.5", lw=0.8)
        ax.tick_params(axis="y", which="both", length=0)
        ax.set(xlabel=f"Loss of score when shuffled (score {self.score:.3f})")
        self.ax_, self.figure_ = ax, ax.figure
        return self
