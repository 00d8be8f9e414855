"""Ragged containers: point clouds and graphs that scikit-learn can slice."""

__all__: list[str] = []
