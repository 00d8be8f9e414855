"""The training loop: skorch and torch; knows no architecture."""

__all__: list[str] = []
