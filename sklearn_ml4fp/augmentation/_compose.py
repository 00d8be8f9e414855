"""Several augmenters in a row."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import clone

from .._params import hp
from ._base import Augmenter
from ._events import Batch


class Compose(Augmenter):
    """Apply several augmenters, one after the other.

    See Also
    --------
    AugmentedPrediction : Average predictions over augmented events.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import Compose, Reflect, Translate
    >>> both = Compose(augmenters=[Reflect(columns=[0], probability=1.0), Translate(columns=[0], max_shift=0.0)])
    >>> both.augment(np.array([[2.0]]))
    array([[-2.]])
    """

    augmenters: Any = hp((), valid=(tuple, list), doc="Augmenters, in order.")

    def learn(self, X: Any, y: Any = None, *, target: Any = None, names: Any = None) -> Self:
        learned = clone(self)
        learned.augmenters = [one.learn(X, y, target=target, names=names) for one in self._checked()]
        return learned

    def check_target(self, y: Any) -> None:
        for augmenter in self._checked():
            augmenter.check_target(y)

    def _angular_targets(self) -> list[int]:
        return sorted({number for augmenter in self._checked() for number in augmenter._angular_targets()})

    def _changes_targets(self) -> bool:
        return any(augmenter._changes_targets() for augmenter in self._checked())

    def _checked(self) -> list[Augmenter]:
        for augmenter in self.augmenters:
            if not isinstance(augmenter, Augmenter):
                raise TypeError(f"Compose expected augmenters, got {augmenter!r}.")
            augmenter._validate_params()
        return list(self.augmenters)

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        for augmenter in self._checked():
            augmenter._apply(batch, rng)
