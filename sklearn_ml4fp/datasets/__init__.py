"""Data sets: shipped (``load_*``), simulated (``make_*``) and downloaded (``fetch_*``)."""

__all__: list[str] = []
