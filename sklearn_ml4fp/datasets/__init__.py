"""Data sets: shipped (``load_*``), simulated (``make_*``) and downloaded (``fetch_*``)."""

from ._air_showers import load_air_showers, make_air_showers
from ._fetch import fetch_higgs, fetch_quark_gluon_jets, fetch_top_tagging
from ._load import load_events
from ._quark_gluon import load_quark_gluon_jets, make_quark_gluon_jets
from ._simulate import make_events

__all__ = [
    "fetch_higgs",
    "fetch_quark_gluon_jets",
    "fetch_top_tagging",
    "load_air_showers",
    "load_events",
    "load_quark_gluon_jets",
    "make_air_showers",
    "make_events",
    "make_quark_gluon_jets",
]
