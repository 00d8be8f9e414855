"""Pictures and reports of data and of fitted models."""

__all__: list[str] = []
