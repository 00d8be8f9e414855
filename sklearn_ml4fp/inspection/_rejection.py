"""Background rejection against signal efficiency."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..metrics import background_rejection
from ._plotting import CURVES, new_axes, signal_class, signal_score

# every percent, but the first few: the tightest cuts rest on a handful of events
_EFFICIENCIES = np.linspace(0.02, 1.0, 99)


class RejectionDisplay:
    """Background rejection 1/ε_B against signal efficiency ε_S, with its statistical uncertainty.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make it.

    Parameters
    ----------
    signal_efficiency, rejection, error : ndarray of shape (n_points,)
        Points of the curve; NaN where the sample is too small to measure a rejection.
    name : str, optional
        Label of the curve.

    Attributes
    ----------
    ax_, figure_, line_, band_ : matplotlib objects
        After :meth:`plot`.

    See Also
    --------
    background_rejection : Rejection at one efficiency.
    roc_curve, roc_auc_score : ROC curve and area.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import RejectionDisplay
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 1000)
    >>> display = RejectionDisplay.from_predictions(y, y + rng.normal(size=1000), name="toy")
    >>> display.ax_.get_ylabel()
    'Background rejection 1/ε$_B$'
    """

    def __init__(self, signal_efficiency: Any, rejection: Any, error: Any, *, name: str | None = None) -> None:
        self.signal_efficiency = signal_efficiency
        self.rejection = rejection
        self.error = error
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        pos_label: Any = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> RejectionDisplay:
        """Draw the curve of a fitted classifier of two classes.

        Parameters
        ----------
        estimator : estimator
        X : array-like of shape (n_events, ...)
        y : array-like of shape (n_events,)
        sample_weight : array-like of shape (n_events,), optional
            Event weights; negative ones are allowed.
        groups : array-like, optional
            Event ids, for an estimator that needs them to predict (``CrossFitClassifier``).
        pos_label : label, optional
            The signal's label; by default the greater of two numbers. Classes that are text need it.
        name : str, optional
            Label; by default the class of the estimator.
        ax : matplotlib Axes, optional
        **kwargs
            Given to matplotlib's ``plot``: ``color``, ``linestyle``, ...

        Returns
        -------
        display : RejectionDisplay
        """
        pos_label = signal_class(estimator, pos_label)
        return cls.from_predictions(
            y,
            signal_score(estimator, X, pos_label, groups),
            pos_label=pos_label,
            sample_weight=sample_weight,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_score: Any,
        *,
        sample_weight: Any = None,
        pos_label: Any = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> RejectionDisplay:
        """Draw the curve of scores.

        Parameters
        ----------
        y_true : array-like of shape (n_events,)
        y_score : array-like of shape (n_events,)
        sample_weight : array-like of shape (n_events,), optional
            Event weights; negative ones are allowed.
        pos_label : label, optional
            The signal's label; by default the greater of two numbers. Labels that are text need it.
        name : str, optional
        ax : matplotlib Axes, optional
        **kwargs
            Given to matplotlib's ``plot``: ``color``, ``linestyle``, ...

        Returns
        -------
        display : RejectionDisplay
        """
        rejection, error = background_rejection(
            y_true,
            y_score,
            signal_efficiency=_EFFICIENCIES,
            pos_label=pos_label,
            sample_weight=sample_weight,
            return_error=True,
        )
        return cls(_EFFICIENCIES, rejection, error, name=name).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> RejectionDisplay:
        """Draw the curve, its uncertainty as a band, and once per axes the line of a useless score.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Several curves may share one.
        name : str, optional
            Label of the curve, in place of the display's.
        **kwargs
            Given to matplotlib's ``plot``: ``color``, ``linestyle``, ...

        Returns
        -------
        display : RejectionDisplay
        """
        ax = new_axes(ax)
        if ax.get_gid() != "rejection":
            ax.set_gid("rejection")
            ax.set_prop_cycle(color=[color for color, _ in CURVES], linestyle=[style for _, style in CURVES])
            ax.plot(_EFFICIENCIES, 1 / _EFFICIENCIES, color="0.5", linestyle=":", label="random")
        kwargs = {"label": self.name if name is None else name, **kwargs}
        (self.line_,) = ax.plot(self.signal_efficiency, self.rejection, **kwargs)
        # not below one tenth of the value: a band to zero has no place on a logarithmic axis
        low = np.maximum(self.rejection - self.error, 0.1 * np.asarray(self.rejection))
        self.band_ = ax.fill_between(
            self.signal_efficiency, low, self.rejection + self.error, color=self.line_.get_color(), alpha=0.25, lw=0
        )
        ax.set(xlabel="Signal efficiency ε$_S$", ylabel="Background rejection 1/ε$_B$", yscale="log", xlim=(0, 1))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
