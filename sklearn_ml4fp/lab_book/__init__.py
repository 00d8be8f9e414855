"""A lab book of every fit."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._lab_book import LabBook

__all__ = ["LabBook"]

__getattr__, __dir__ = lazily(__name__, __all__)
