"""What of an object stands in a model file, where that is not what is pickled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import signature
from typing import Any, ClassVar

_pickles: ContextVar[bool] = ContextVar("_pickles", default=False)
_with_optimizer: ContextVar[bool] = ContextVar("_with_optimizer", default=False)


@contextmanager
def keeping(*, optimizer: bool) -> Iterator[None]:
    """Say, while a model file is written, whether networks keep the state of their optimisers."""
    token = _with_optimizer.set(optimizer)
    try:
        yield
    finally:
        _with_optimizer.reset(token)


def keeps_optimizer() -> bool:
    """Whether networks keep the state of their optimisers."""
    return _with_optimizer.get()


class FilledUp:
    """Mixin of a class whose file may be older than one of its hyperparameters: this one gets its default.

    It did nothing when the file was written, as it does nothing by its default.
    """

    def __setstate__(self, state: dict[str, Any]) -> None:
        parameters = signature(type(self).__init__).parameters.values()
        defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
        above = getattr(super(), "__setstate__", self.__dict__.update)  # of scikit-learn's estimators
        above({**defaults, **state})


class Kept(FilledUp):
    """Mixin of an estimator whose model file holds something else than its pickle.

    skops, on which the model files build, asks an object for its state by ``__getstate__``; pickle and copy ask by
    ``__reduce_ex__``, and get everything.
    """

    _not_kept: ClassVar[tuple[str, ...]] = ()  # attributes that a model file leaves out

    def _to_keep(self, state: dict[str, Any]) -> dict[str, Any]:
        """Make the state for a model file of the whole state."""
        return {name: value for name, value in state.items() if name not in self._not_kept}

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return state if _pickles.get() else self._to_keep(state)

    def __reduce_ex__(self, protocol: Any) -> Any:
        token = _pickles.set(True)
        try:
            return super().__reduce_ex__(protocol)
        finally:
            _pickles.reset(token)
