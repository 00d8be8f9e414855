"""Transformers that prepare events for a network."""

__all__: list[str] = []
