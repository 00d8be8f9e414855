"""Score distributions of training and test events, one on the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._binary import check_binary
from ..metrics import ks_distance
from ._plotting import BACKGROUND, SIGNAL, check_edges, new_axes, signal_class, signal_score


class ScoreHistogram(NamedTuple):
    """Density of one class in one sample, (n_bins,), and its uncertainty √Σw²."""

    density: np.ndarray
    error: np.ndarray


def _histogram(score: np.ndarray, weight: np.ndarray, edges: np.ndarray) -> ScoreHistogram:
    scale = weight.sum() * np.diff(edges)
    density = np.histogram(score, edges, weights=weight)[0] / scale
    return ScoreHistogram(density, np.sqrt(np.histogram(score, edges, weights=weight**2)[0]) / scale)


class OvertrainingDisplay:
    """Score histograms of training events (areas) and test events (points), class by class.

    The distance of the two distributions (Kolmogorov-Smirnov) stands in the legend. It gives no verdict: some
    difference is normal for a model that has learned, and what counts is the performance on test events. For a p-value
    see :func:`ks_test`, with the events' weights and ids.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make it.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Edges of the bins.
    train, test : pair of ScoreHistogram
        Background and signal: densities and their uncertainties.
    distances : pair of float
        Distance of train and test for background and signal.

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    LossCurveDisplay : Loss of training and validation events.
    ks_distance : The distance that it shows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import OvertrainingDisplay
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 1000)
    >>> score = y + rng.normal(size=1000)
    >>> display = OvertrainingDisplay.from_predictions(y[:500], score[:500], y[500:], score[500:])
    >>> [round(distance, 3) for distance in display.distances]
    [0.123, 0.074]
    """

    def __init__(
        self,
        edges: np.ndarray,
        train: tuple[ScoreHistogram, ScoreHistogram],
        test: tuple[ScoreHistogram, ScoreHistogram],
        distances: tuple[float, float],
    ) -> None:
        self.edges = edges
        self.train = train
        self.test = test
        self.distances = distances

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X_train: Any,
        y_train: Any,
        X_test: Any,
        y_test: Any,
        *,
        sample_weight_train: Any = None,
        sample_weight_test: Any = None,
        groups_train: Any = None,
        groups_test: Any = None,
        pos_label: Any = None,
        bins: Any = 30,
        ax: Any = None,
    ) -> OvertrainingDisplay:
        """Draw the scores of a fitted classifier of two classes; other parameters as for :meth:`from_predictions`.

        Parameters
        ----------
        estimator : estimator
        X_train, X_test : array-like of shape (n_train, ...), (n_test, ...)
        groups_train, groups_test : array-like, optional
            Event ids, for an estimator that needs them to predict (``CrossFitClassifier``). Each training event is then
            scored by the model that has not seen it: the two samples agree unless they differ themselves.

        Returns
        -------
        display : OvertrainingDisplay
        """
        pos_label = signal_class(estimator, pos_label)
        return cls.from_predictions(
            y_train,
            signal_score(estimator, X_train, pos_label, groups_train),
            y_test,
            signal_score(estimator, X_test, pos_label, groups_test),
            sample_weight_train=sample_weight_train,
            sample_weight_test=sample_weight_test,
            pos_label=pos_label,
            bins=bins,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_train: Any,
        score_train: Any,
        y_test: Any,
        score_test: Any,
        *,
        sample_weight_train: Any = None,
        sample_weight_test: Any = None,
        pos_label: Any = None,
        bins: Any = 30,
        ax: Any = None,
    ) -> OvertrainingDisplay:
        """Draw scores.

        Parameters
        ----------
        y_train, y_test : array-like of shape (n_train,), (n_test,)
            Labels.
        score_train, score_test : array-like of shape (n_train,), (n_test,)
            Scores.
        sample_weight_train, sample_weight_test : array-like, optional
            Event weights; negative ones are allowed.
        pos_label : label, optional
            The signal's label; by default the greater of two numbers. Labels that are text need it.
        bins : int or array-like, default=30
            Number of bins of equal width, from 0 to 1 if all scores lie there, or the edges.
        ax : matplotlib Axes, optional

        Returns
        -------
        display : OvertrainingDisplay

        Raises
        ------
        ValueError
            If a class is absent from a sample or the sum of its weights is not positive, or no score lies in the bins.
        """
        train = check_binary(y_train, score_train, sample_weight_train, pos_label)
        test = check_binary(y_test, score_test, sample_weight_test, pos_label)
        scores = np.concatenate([train[1], test[1]])
        given = check_edges(bins, scores, "scores")
        limits = (0.0, 1.0) if scores.min() >= 0 and scores.max() <= 1 else None
        edges = np.histogram_bin_edges(scores, bins, limits) if given is None else given
        histograms, distances = [], []
        for label in (False, True):
            score, weight = ([sample[i][sample[0] == label] for sample in (train, test)] for i in (1, 2))
            histograms.append([_histogram(s, w, edges) for s, w in zip(score, weight, strict=True)])
            is_test = np.repeat([0, 1], [len(score[0]), len(score[1])])
            distances.append(ks_distance(is_test, np.concatenate(score), sample_weight=np.concatenate(weight)))
        (train_b, test_b), (train_s, test_s) = histograms
        return cls(edges, (train_b, train_s), (test_b, test_s), (distances[0], distances[1])).plot(ax=ax)

    def plot(self, ax: Any = None) -> OvertrainingDisplay:
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        display : OvertrainingDisplay
        """
        ax = new_axes(ax)
        centres, half = (self.edges[1:] + self.edges[:-1]) / 2, np.diff(self.edges) / 2
        looks = (("background", BACKGROUND, "////", "o"), ("signal", SIGNAL, "\\\\\\\\", "s"))
        for (name, color, hatch, marker), train, test, distance in zip(
            looks, self.train, self.test, self.distances, strict=True
        ):
            low, high = train.density - train.error, train.density + train.error
            ax.stairs(train.density, self.edges, color=color, lw=1.5, label=f"{name}, train")
            ax.stairs(high, self.edges, baseline=low, fill=True, facecolor="none", edgecolor=color, hatch=hatch, lw=0)
            ax.errorbar(
                centres, test.density, test.error, half, color=color, fmt=marker, ms=4, lw=1,
                label=f"{name}, test (KS distance {distance:.3f})",
            )  # fmt: skip
        ax.set(xlabel="Score", ylabel="Fraction of the yield per unit of score")
        ax.set_ylim(top=1.45 * ax.get_ylim()[1])  # room for the legend above the histograms
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
