"""What differs between the versions of scikit-learn that are supported (1.6 to 1.9), in one place."""

from __future__ import annotations

from typing import Any

try:  # scikit-learn >= 1.9
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's mixin: there are no callbacks."""

        def _init_callback_context(self, **kwargs: Any) -> None:
            return None

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is: there are no callbacks."""
        return method


__all__ = ["CallbackSupportMixin", "with_callbacks"]
