"""Networks as scikit-learn estimators, one architecture a file."""

__all__: list[str] = []
