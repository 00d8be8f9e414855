"""Splits by event, search spaces and searches."""

__all__: list[str] = []
