"""Data sets: shipped (``load_*``), simulated (``make_*``) and downloaded (``fetch_*``)."""

from ._load import load_events
from ._simulate import make_events

__all__ = ["load_events", "make_events"]
