"""Jets and their features for the benchmarks of the graph networks, and what their peers read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import JetConstituentFeatures, PointClouds, make_quark_gluon_jets

JETS_A_FILE = 2000
FEATURE_NAMES, EVENT_NAMES = ("pt", "y", "phi", "pdgid"), ("jet_pt", "jet_y", "jet_phi", "jet_m")


def features(jets: PointClouds) -> PointClouds:
    """The features of ParticleNet without particle identity; particles count as massless, the mass would tell it."""
    massless = PointClouds(jets.values[:, :3], jets.offsets, jets.feature_names[:3])
    return JetConstituentFeatures().fit_transform(massless)


def simulated(cache: Path, seeds: range) -> tuple[PointClouds, np.ndarray]:
    """Jets of `make_quark_gluon_jets`, a file of 2000 for each seed; those that are not in the cache are simulated."""
    cache.mkdir(parents=True, exist_ok=True)
    parts = []
    for seed in seeds:
        file = cache / f"jets_{JETS_A_FILE}_seed{seed}.npz"
        if not file.exists():
            jets, y = make_quark_gluon_jets(JETS_A_FILE, random_state=seed, return_X_y=True)
            arrays = {"values": jets.values, "offsets": jets.offsets, "event_values": jets.event_values, "y": y}
            np.savez(file.with_suffix(".part.npz"), **arrays)
            file.with_suffix(".part.npz").rename(file)  # at once: a broken run leaves no half of a file
        with np.load(file) as arrays:
            parts.append({key: arrays[key] for key in arrays.files})
    counts = np.concatenate([np.diff(part["offsets"]) for part in parts])
    values, events, y = (np.concatenate([part[key] for part in parts]) for key in ("values", "event_values", "y"))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return PointClouds(values, offsets, FEATURE_NAMES, event_values=events, event_names=EVENT_NAMES), y


def write_for_peers(file: Path, jets: PointClouds, y: np.ndarray, like: PointClouds) -> None:
    """Features in units of their spread in ``like``, as our networks standardise them by themselves."""
    values = StandardScaler().fit(like.values).transform(jets.values).astype(np.float32)
    np.savez(file, values=values, coordinates=jets.values[:, :2].astype(np.float32), offsets=jets.offsets, y=y)


def peer_script() -> str:
    """The script that the peers run."""
    return str(Path(__file__).with_name("graph_peers.py"))


def peer_environment() -> dict[str, str]:
    """One thread, no GPU: TensorFlow would take the whole of one."""
    quiet = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | quiet
