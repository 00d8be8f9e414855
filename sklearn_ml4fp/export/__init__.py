"""Files of fitted models: written whole, read without running code."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._model_file import describe_model, load_model, save_model

__all__ = ["describe_model", "load_model", "save_model"]

__getattr__, __dir__ = lazily(__name__, __all__)
