"""Architectures as plain torch modules, one a file."""

__all__: list[str] = []
