"""Data sets: shipped (``load_*``), simulated (``make_*``) and downloaded (``fetch_*``)."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._air_showers import load_air_showers, make_air_showers
    from ._fetch import fetch_higgs, fetch_quark_gluon_jets, fetch_top_tagging
    from ._load import load_events
    from ._quark_gluon import load_quark_gluon_jets, make_quark_gluon_jets
    from ._simulate import make_events
    from ._tracker import load_tracker_hits, make_tracker_hits

__all__ = [
    "fetch_higgs",
    "fetch_quark_gluon_jets",
    "fetch_top_tagging",
    "load_air_showers",
    "load_events",
    "load_quark_gluon_jets",
    "load_tracker_hits",
    "make_air_showers",
    "make_events",
    "make_quark_gluon_jets",
    "make_tracker_hits",
]

__getattr__, __dir__ = lazily(__name__, __all__)
