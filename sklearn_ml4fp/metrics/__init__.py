"""Metrics of fundamental physics, all with signed event weights."""

__all__: list[str] = []
