"""Targets of the networks: classes or numbers, as objects that a fit makes anew.

A target checks ``y``, learns from the training part, and encodes it for the loss. Its first check learns the form of
``y``; later checks refuse another form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from .._missing import check_array, column_or_1d
from .._validation import check_class_weights, class_factors, is_ragged
from ._moments import Moments, merged


def refuse_ragged(y: Any) -> None:
    """Refuse targets of points or edges where an event has one."""
    if is_ragged(y):
        raise ValueError(
            'y has values of points or edges, and the outputs are those of events: pass output="point" or '
            'output="edge" to a network that has it, or one target per event.'
        )


@dataclass
class ClassTarget:
    """Classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        Factors on the event weights of each class.
    classes : ndarray of shape (n_classes,) or None
        Labels; None to learn them from the first ``y``.
    """

    class_weight: Any = None
    classes: np.ndarray | None = None
    by_class = True  # whether a hold-out takes the same share of each class
    _factors: np.ndarray | None = None

    def check(self, y: Any) -> np.ndarray:
        """Return the number of each event's class.

        Raises
        ------
        ValueError
            There are no labels, only one class, or a label that is not among the classes.
        """
        return self.coded(self.labels(y))

    def check_again(self, y: Any) -> np.ndarray:
        """Return the number of each event's class, of labels that `read` has checked: those of a stream in an epoch."""
        return self.coded(np.ravel(y))

    def coded(self, y: np.ndarray) -> np.ndarray:
        """Return the numbers of the classes of checked labels."""
        if self.classes is None:
            classes = np.unique(y)
            if len(classes) < 2:
                raise ValueError(f"Expected at least two classes in y, got one class: {classes[0]}.")
            self.classes = classes
        codes = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        if len(unknown := np.unique(y[self.classes[codes] != y])):
            raise ValueError(f"y contains labels that are not among the classes {self.classes}: {unknown}.")
        return codes

    @property
    def n(self) -> int:
        """Number of classes."""
        assert self.classes is not None
        return len(self.classes)

    @property
    def unit(self) -> None:
        """Classes have no unit."""

    def read(self, y: Any) -> Any:
        """Check the labels of a chunk, in which not all classes need be."""
        return self.labels(y)

    @staticmethod
    def labels(y: Any) -> np.ndarray:
        """Check labels, whatever their classes are."""
        refuse_ragged(y)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        return y

    def survey(self) -> ClassSurvey:
        """Make what counts the classes of a stream."""
        return ClassSurvey()

    def learn_factors(self, codes: np.ndarray, weights: np.ndarray | None, *, complete: bool) -> None:
        """Learn the factors of the classes from the training part.

        Parameters
        ----------
        codes, weights : ndarray of shape (n_events,)
            Numbers of the classes, and event weights or None.
        complete : bool
            Whether this is all data, and not a chunk of a stream, in which a class may be absent.
        """
        assert self.classes is not None
        if complete:
            check_class_weights(codes, weights, self.classes)
        if isinstance(self.class_weight, dict):
            self._factors = class_factors(self.class_weight, self.classes)
        elif self.class_weight == "balanced":
            sums = np.bincount(codes, weights=weights, minlength=self.n)
            self._factors = sums.sum() / (self.n * sums)

    def weigh(self, codes: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        """Multiply event weights by class weights, if there are any."""
        if self._factors is None:
            return weights
        return self._factors[codes] if weights is None else self._factors[codes] * weights

    def restore(self, codes: np.ndarray) -> np.ndarray:
        """Labels, as ``y`` has them."""
        assert self.classes is not None
        return self.classes[codes]

    def encode(self, codes: np.ndarray) -> torch.Tensor:
        """Convert targets to the tensor that the loss compares with the outputs."""
        return torch.from_numpy(codes.astype(np.int64, copy=False))


@dataclass
class NumberTarget:
    """One or several numbers, which are standardised, so that a learning rate does not depend on their unit."""

    by_class = False
    n: int | None = None
    _is_column: bool = True
    _mean: Any = 0.0
    _scale: Any = 1.0

    def check(self, y: Any) -> np.ndarray:
        """Return the targets ``(n_events, n_targets)``.

        Raises
        ------
        ValueError
            The targets hold NaN or infinity, or their number differs from that of the first check.
        """
        refuse_ragged(y)
        y = check_array(y, dtype=np.float64, ensure_2d=False, allow_nd=False, input_name="y")
        target = y[:, None] if y.ndim == 1 else y
        if self.n is None:
            self._is_column, self.n = y.ndim == 1, target.shape[1]
        elif target.shape[1] != self.n:
            raise ValueError(f"y has {target.shape[1]} targets, expected {self.n} as in the first call.")
        return target

    check_again = check

    @property
    def unit(self) -> dict[str, Any]:
        """Mean and standard deviation of the targets of the training part; 0 and 1 for a loss that takes them raw."""
        return {"mean": self._mean, "scale": self._scale}

    def learn_unit(self, train: Any) -> None:
        """Learn mean and standard deviation from the training part."""
        self._mean, self._scale = train.moments().unit()

    def read(self, y: Any) -> np.ndarray:
        """Check the targets of a chunk."""
        return self.check(y)

    def survey(self) -> NumberSurvey:
        """Make what sums the targets of a stream."""
        return NumberSurvey()

    def learn_factors(self, target: np.ndarray, weights: np.ndarray | None, *, complete: bool) -> None:
        """Do nothing: there are no classes."""

    def weigh(self, target: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        """Return the event weights."""
        return weights

    def restore(self, target: np.ndarray) -> np.ndarray:
        """Targets, in the shape that ``y`` has."""
        return self._shaped(target)

    def encode(self, target: np.ndarray) -> torch.Tensor:
        """Convert targets to the tensor that the loss compares with the outputs."""
        return torch.from_numpy(((target - self._mean) / self._scale).astype(np.float32))

    def decode(self, read: torch.Tensor) -> np.ndarray:
        """Convert what the loss reads from the outputs to targets in the unit of ``y``."""
        mean, scale = (np.asarray(one).reshape(-1, *[1] * (read.ndim - 2)) for one in (self._mean, self._scale))
        return self._shaped(read.numpy() * scale + mean)  # several quantiles have a last axis

    def deviation(self, read: torch.Tensor) -> np.ndarray:
        """Convert standard deviations of standardised targets to those in the unit of ``y``."""
        return self._shaped(read.numpy() * self._scale)

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        return values[:, 0] if self._is_column else values


class ClassSurvey:
    """Counts and weights of the classes in the blocks of a stream.

    Attributes
    ----------
    codes, sums : ndarray of shape (n_classes,)
        Numbers of the classes, and the sums of their weights.
    counts : ndarray of shape (n_blocks,)
        Numbers of events of the blocks.
    means : ndarray of shape (n_blocks, n_classes)
        Shares of the classes in the blocks.
    variance : float
        Variance of the classes, 1 − Σp².
    leading, keys : ndarray of shape (n_blocks,)
        Most frequent class of each block, and its share.
    """

    def __init__(self) -> None:
        self._labels: list[np.ndarray] = []
        self._blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # labels, counts, sums of weights

    def note(self, y: np.ndarray) -> None:
        """Take in labels of the hold-out: their classes, and not their numbers."""
        self._labels.append(np.unique(y))

    def add(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Take in the labels and weights of a block."""
        labels, inverse = np.unique(y, return_inverse=True)
        counts = np.bincount(inverse)
        self._blocks.append((labels, counts, counts if weights is None else np.bincount(inverse, weights)))
        self.note(labels)

    def __len__(self) -> int:
        return sum(int(counts.sum()) for _, counts, _ in self._blocks)

    def pool(self, surveys: Sequence[ClassSurvey], order: Sequence[int]) -> ClassSurvey:
        """Join the surveys of several processes into this one, with their blocks in an order."""
        blocks = [block for survey in surveys for block in survey._blocks]
        self._labels = [labels for survey in surveys for labels in survey._labels]
        self._blocks = [blocks[i] for i in order]
        return self

    def finish(self, target: ClassTarget) -> None:
        """Learn the classes, and sort the sums by them."""
        target.coded(np.unique(np.concatenate(self._labels)))
        table = np.zeros((2, len(self._blocks), target.n))
        for i, (labels, *sums) in enumerate(self._blocks):
            table[:, i, target.coded(labels)] = sums
        self.codes, self.sums = np.arange(target.n), table[1].sum(axis=0)
        self.counts = table[0].sum(axis=1)
        self.means = table[0] / self.counts[:, np.newaxis]
        self.variance = float(1 - np.square(table[0].sum(axis=0) / len(self)).sum())
        self.leading, self.keys = self.means.argmax(axis=1), self.means.max(axis=1)


class NumberSurvey:
    """Sums of the targets and weights in the blocks of a stream; attributes as for classes."""

    def __init__(self) -> None:
        self.moments, self._plain = Moments(), Moments()
        self._blocks: list[tuple[int, float, np.ndarray]] = []  # number, sum of weights, means

    def note(self, y: np.ndarray) -> None:
        """Do nothing: of the hold-out nothing is learned."""

    def add(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Take in the targets and weights of a block."""
        self.moments.add(y, weights)
        self._plain.add(y)
        self._blocks.append((len(y), len(y) if weights is None else float(weights.sum()), y.mean(axis=0)))

    def __len__(self) -> int:
        return sum(n for n, _, _ in self._blocks)

    def pool(self, surveys: Sequence[NumberSurvey], order: Sequence[int]) -> NumberSurvey:
        """Join the surveys of several processes into this one, with their blocks in an order."""
        blocks = [block for survey in surveys for block in survey._blocks]
        self._blocks = [blocks[i] for i in order]
        self.moments = merged([survey.moments for survey in surveys])
        self._plain = merged([survey._plain for survey in surveys])
        return self

    def finish(self, target: NumberTarget) -> None:
        """Put the sums of the blocks side by side, in units of the targets."""
        mean, scale = self._plain.unit()
        self.codes, self.sums = np.zeros(1), np.array([sum(total for _, total, _ in self._blocks)])
        self.counts = np.array([n for n, _, _ in self._blocks], dtype=float)
        self.means = (np.stack([means for _, _, means in self._blocks]) - mean) / scale
        self.variance = float(len(mean))
        self.leading, self.keys = np.zeros(len(self._blocks), dtype=int), self.means[:, 0]
